"""Edits on the TCO page: a faulty cell stops nothing else, is kept and named; what is stored or downloaded is whole."""

from pathlib import Path
from typing import Any

import pytest
import streamlit
from costed import add_demo_targets
from pages import open_page
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest

from dashboard import assumption_cells
from dashboard.format import label
from dashboard.keys import Key
from dashboard.scenario_desk import report_name
from db import frames, store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.scenario import assumptions
from eval.report import files

NAME = "Internal assistant"
PATHS = list(assumptions(scenario_file.demo()))


@pytest.fixture
def demo_url(tmp_path: Path) -> str:
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    return url


def ok(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def edit(app: AppTest, cells: dict[str, dict[str, Any]], table: int = 0) -> None:
    """What was typed into the table of assumptions, as the browser would send it."""
    rows = {PATHS.index(path): fields for path, fields in cells.items()}
    key = f"_assumptions_{table}" if table else "_assumptions"
    app.session_state[key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    ok(app.run())


def look(app: AppTest, part: str) -> None:
    app.session_state[Key.TCO_PART] = part
    ok(app.run())


def frame(app: AppTest, alt: str) -> Any:
    return next(e.value for e in app.dataframe if e.proto.alt == alt)


def typed(app: AppTest, path: str) -> Any:
    return frame(app, "Assumptions of the scenario, to edit").set_index("path").loc[path]


def npv(app: AppTest) -> float:
    return frame(app, "Cost of the options").set_index("option").loc["Cloud API", "npv"]


def errors(app: AppTest) -> str:
    return "\n".join(error.value for error in app.error).replace("\\", "").replace("\u2060", "")


def refused(app: AppTest) -> list[str]:
    return [toast.value for toast in app.toast if toast.icon == ":material/error:"]


BURST = {"workload.burst": {"value": "1,7"}}


def test_a_decimal_comma_is_named_and_is_not_another_number(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    before = npv(app)
    edit(app, BURST)
    assert "The result is without the faulty entries" in errors(app)
    assert 'workload.burst, value: "1,7" is not a number; write a point, like 1.7, and thousands without' in errors(app)
    assert npv(app) == before


def test_correct_edits_apply_beside_a_faulty_one_and_nothing_is_stored_until_it_is_mended(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    before = npv(app)
    edit(app, {**BURST, "workload.users": {"value": "2900"}})
    assert npv(app) > before * 1.3
    for key in ("_save", "_copy"):
        assert app.button(key=key).disabled
        assert "faulty" in app.button(key=key).help
    report: Any = next(e for e in app.get("download_button") if e.proto.label == "Download the report")
    assert report.proto.disabled
    assert "faulty" in report.proto.help
    edit(app, {"workload.burst": {"value": "1.7"}, "workload.users": {"value": "2900"}})
    assert not app.error
    ok(app.button(key="_save").click().run())
    kept = stored_scenarios.load(NAME, store.connect(demo_url)).workload
    assert kept.users is not None
    assert (kept.users.value, kept.burst.value) == (2900, 1.7)


@pytest.mark.parametrize("elsewhere", ["Options", "Prices", "Compare"])
def test_another_tab_loses_neither_typed_cells_nor_what_is_wrong_with_them(
    elsewhere: str, demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    edit(app, {**BURST, "workload.users": {"value": "2900"}, "workload.judged_share": {"low": "0.01"}})
    with_edit = npv(app)
    look(app, elsewhere)
    assert "workload.burst, value" in errors(app)
    assert "workload.judged_share" in errors(app)
    assert app.button(key="_save").disabled
    look(app, "Assumptions")
    assert typed(app, "workload.burst")["value"] == "1,7"
    assert typed(app, "workload.judged_share")["low"] == "0.01"
    assert typed(app, "workload.users")["value"] == "2900"
    assert "workload.burst, value" in errors(app)
    assert npv(app) == with_edit
    ok(app.button(key="_undo").click().run())
    assert typed(app, "workload.burst")["value"] == "1.5"
    assert not app.error


def test_another_page_loses_no_edit(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    edit(app, {**BURST, "workload.users": {"value": "2900"}})
    with_edit = npv(app)
    ok(app.switch_page("app_pages/runs.py").run())
    ok(app.switch_page("app_pages/tco.py").run())
    assert npv(app) == with_edit
    assert typed(app, "workload.users")["value"] == "2900"
    assert typed(app, "workload.burst")["value"] == "1,7"


def test_faulty_cells_of_a_removed_option_go_with_it(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    path = next(path for path in PATHS if path.startswith("options.escalate."))
    edit(app, {path: {"value": "1,7"}})
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("escalate").run())
    ok(app.button(key="_remove_option").click().run())
    assert not app.error
    assert not app.button(key="_save").disabled


def test_a_row_is_applied_as_far_as_it_can_be():
    demo = scenario_file.demo()
    table = assumption_cells.table_of(demo, {})
    row = PATHS.index("workload.users")
    table.loc[row, ["value", "low", "source"]] = ["100", "1,5", "asked again"]
    made = assumption_cells.applied(table, demo)
    assert made.faulty == {"workload.users": {"low": "1,5", "value": "100"}}  # 100 lies below the range that stays
    assert made.scenario.workload.users is not None
    assert (made.scenario.workload.users.value, made.scenario.workload.users.source) == (2000, "asked again")
    assert len(made.faults) == 2


def test_an_unchanged_table_is_the_same_scenario_and_an_emptied_value_is_named():
    demo = scenario_file.demo()
    table = assumption_cells.table_of(demo, {})
    assert assumption_cells.applied(table, demo) == assumption_cells.Applied(demo)
    table.loc[0, "value"] = None
    made = assumption_cells.applied(table, demo)
    assert made.scenario == demo
    assert "it is empty" in made.faults[0]


def test_refusals_are_errors_and_not_successes(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    stored_scenarios.save(scenario_file.demo(), price_card_file.built_in(), store.connect(demo_url))
    app = open_page(monkeypatch, demo_url, "tco")
    app.text_input(key="_scenario_name").set_value(NAME)
    ok(app.button(key="_copy").click().run())
    assert "There is already a scenario" in refused(app)[0]
    app.text_input(key="_scenario_name").set_value(f"{NAME} (demo)")
    ok(app.button(key="_copy").click().run())
    assert "There is already a scenario" in refused(app)[0]
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("cloud").run())
    ok(app.button(key="_remove_option").click().run())
    assert "is what the others are held against" in refused(app)[0]


def test_delete_asks_and_can_be_declined(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    engine = store.connect(demo_url)
    stored_scenarios.save(scenario_file.demo(), price_card_file.built_in(), engine)
    app = open_page(monkeypatch, demo_url, "tco")
    ok(app.button(key="_delete").click().run())
    assert stored_scenarios.names(engine) == [NAME]
    ok(app.button(key="_delete_no").click().run())
    assert stored_scenarios.names(engine) == [NAME]


def test_the_demo_stays_beside_what_was_saved_from_it_and_cannot_overwrite_it(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    before = npv(app)
    edit(app, {"workload.users": {"value": "2900"}})
    ok(app.button(key="_save").click().run())
    box = app.selectbox(key="_scenario_box")
    assert (box.value, box.options) == (NAME, [NAME, f"{NAME} (demo)"])
    assert npv(app) > before * 1.3
    ok(box.set_value(f"{NAME} (demo)").run())
    assert npv(app) == before
    assert app.button(key="_save").disabled
    assert "make a copy" in app.button(key="_save").help
    look(app, "Compare")
    ok(app.selectbox(key="_compared_with").set_value(NAME).run())
    assert frame(app, "What the two scenarios state otherwise")["path"].to_list() == ["workload.users"]


def test_the_prices_tab_sets_no_widget_twice(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    warned: list[str] = []
    monkeypatch.setattr(policies._LOGGER, "warning", lambda text, *args, **_: warned.append(text % args))
    engine = store.connect(demo_url)
    text = price_card_file.dump_csv(price_card_file.built_in()).replace("1.25", "1.5")
    newer = price_card_file.parse_csv(text.replace("#name,Rightsize price card", "#name,Newer"))
    stored_scenarios.save(scenario_file.demo(), price_card_file.built_in(), engine)
    stored_scenarios.save(scenario_file.demo().model_copy(update={"name": "Other"}), newer, engine)
    app = open_page(monkeypatch, demo_url, "tco", scenario=NAME)
    look(app, "Prices")
    for sha in (newer.sha256, price_card_file.built_in().sha256):
        ok(app.selectbox(key="_card").set_value(sha).run())
        ok(app.button(key="_use_card").click().run())
        assert app.selectbox(key="_card").value == sha
    assert warned == []


def test_names_of_models_are_read_aloud_without_a_backslash(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("cloud").run())
    assert [box.label for box in app.selectbox if box.label.startswith("Tokens of")] == [
        "Tokens of sim-cloud billed as"
    ]
    assert label("gpt-4.1_mini -x *y* [z](u)") == r"gpt-4.1_mini \-x \*y\* \[z\]\(u\)"


def test_the_report_is_named_after_its_scenario_and_says_that_edits_are_unsaved(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    offered: list[tuple[str, str]] = []

    def spy(label: str, data: Any, *args: Any, **_: Any) -> bool:
        if label == "Download the report":
            offered.append((args[0], data().decode().splitlines()[0]))
        return False

    monkeypatch.setattr(streamlit, "download_button", spy)
    app = open_page(monkeypatch, demo_url, "tco")
    ok(app.selectbox(key="_report_format").set_value("md").run())
    assert offered[-1] == ("rightsize-internal-assistant.md", "# Internal assistant")
    edit(app, {"workload.users": {"value": "2900"}})
    assert offered[-1] == (
        "rightsize-internal-assistant-with-unsaved-edits.md",
        "# Internal assistant, with unsaved edits",
    )
    ok(app.button(key="_save").click().run())
    assert offered[-1] == ("rightsize-internal-assistant.md", "# Internal assistant")


def test_the_report_of_the_page_has_the_colours_of_the_page(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    orders: list[list[str]] = []

    def spy(label: str, data: Any, *_: Any, **__: Any) -> bool:
        if label == "Download the report":
            data()
        return False

    monkeypatch.setattr(streamlit, "download_button", spy)
    monkeypatch.setattr(files, "made", lambda _result, _kind, order: orders.append(order) or b"")
    open_page(monkeypatch, demo_url, "tco")
    with store.reading(store.connect(demo_url)) as session:
        assert orders == [frames.targets_frame(session=session)["target"].to_list()]


def test_a_report_name_is_a_file_name():
    assert report_name("../Büro: Q3/Q4 ", "docx") == "rightsize-büro-q3-q4.docx"
    assert report_name("???", "md") == "rightsize-report.md"


def test_what_the_readme_leaves_to_the_file_is_in_no_table_of_the_page():
    """Numbers of hardware are in the table; the horizon, the floors, the currency and the first day are not."""
    assert any(path.startswith("hardware.") for path in PATHS)
    assert not [path for path in PATHS if path.startswith("constraints.") or path.endswith(("currency", "starts_on"))]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert "everything can be\nedited" not in readme
    for name in ("hardware profiles", "what an option has to meet", "the question", "the currency"):
        assert name in " ".join(readme.split()), name
