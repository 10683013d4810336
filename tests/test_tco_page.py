"""The TCO page: there on an empty database, right on a full one; an edit changes the result at once."""

import json
from pathlib import Path
from typing import Any

import pytest
from costed import add_demo_targets, lopsided
from pages import open_page
from streamlit.testing.v1 import AppTest

from dashboard import tco_tables
from dashboard.keys import Key
from db import store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.scenario import assumptions
from eval.cost.scenario_edit import edited
from eval.cost.scenario_file import ScenarioError

DEMO = "Internal assistant (demo)"


@pytest.fixture
def demo_url(tmp_path: Path) -> str:
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    return url


def said(app: AppTest) -> str:
    elements = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.success, *app.error]
    return "\n".join(str(element.value) for element in elements)


def options_table(app: AppTest) -> Any:
    return next(e for e in app.dataframe if e.proto.alt == "Cost of the options")


def options(app: AppTest) -> Any:
    frame = options_table(app).value
    return frame.set_index("option")


def edit(app: AppTest, path: str, **fields: Any) -> None:
    """Change a row of the table of assumptions, as the browser would."""
    row = list(assumptions(scenario_file.demo())).index(path)
    app.session_state["_assumptions"] = {"edited_rows": {row: fields}, "added_rows": [], "deleted_rows": []}
    app.run()
    assert not app.exception


def test_an_empty_database_says_what_is_missing_leads_to_start_and_shows_no_table_of_unknowns(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, empty_url, "tco")
    assert app.selectbox(key="_scenario_box").value == DEMO
    assert "No finished run of these targets yet" in said(app)
    assert [link.proto.page for link in app.get("page_link")] == ["start"]
    assert [e.proto.alt for e in app.dataframe] == ["Assumptions of the scenario, to edit"]
    assert not app.get("vega_lite_chart")


def test_the_headings_say_of_what_an_npv_is_and_by_whose_scores_an_answer_is_acceptable(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    columns = json.loads(options_table(open_page(monkeypatch, demo_url, "tco")).proto.columns)
    assert columns["npv"]["label"] == "NPV, central values (USD)"
    assert columns["npv_drawn_said"]["label"] == "NPV, median of the draws (USD)"
    assert columns["per_1000_acceptable_said"]["label"] == "Per 1,000 acceptable, by the judge's scores (USD)"
    assert "by the judge's scores alone" in columns["per_1000_acceptable_said"]["help"]


def test_measured_targets_give_a_decision_charts_and_the_mark_of_simulated_data(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    assert not app.error
    assert "Simulated data" in said(app)
    shown = options(app).loc["Cloud API"]
    assert shown["npv"] > 0
    assert shown["cheapest_percent"] == round(100 * shown["cheapest"])
    assert shown["cheapest_said"] == f"{shown['cheapest_percent']:.0f} %"
    assert options(app).loc["As it is today", "cheapest_said"] == "out"
    assert shown["npv_drawn_said"] == f"{shown['npv_p50']:,.0f} ({shown['npv_p10']:,.0f} to {shown['npv_p90']:,.0f})"
    assert shown["per_1000_said"].startswith(f"{shown['per_1000']:,.2f} (")
    assert "simulated models" not in said(app)  # the banner has said it
    for name, charts in {"Over time": 1, "By head": 1, "Against quality": 1, "Break-even": 2}.items():
        app.session_state[Key.TCO_CHART] = name
        app.run()
        assert not app.exception
        shown = app.get("vega_lite_chart")
        assert len(shown) == charts, name
        specs = [json.loads(chart.proto.spec) for chart in shown]
        assert all(spec["autosize"]["type"] == "fit-x" for spec in specs)  # the plot's height is not the legend's
    assert "Grey ticks" in said(app)


def test_an_edited_assumption_changes_the_result_at_once_and_stores_nothing(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    before = options(app).loc["Cloud API", "npv"]
    edit(app, "workload.users", value="2900")
    assert options(app).loc["Cloud API", "npv"] > before * 1.3
    assert stored_scenarios.names(store.connect(demo_url)) == []


def test_a_decision_that_is_not_that_of_the_central_values_says_which_it_follows_and_why(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    stored_scenarios.save(lopsided(), price_card_file.built_in(), store.connect(demo_url))
    app = open_page(monkeypatch, demo_url, "tco", scenario="Lopsided")
    told = said(app)
    assert "Cloud API is the cheapest" in told
    assert "At the central values alone Offer is the cheapest; the decision follows the" in told
    app.session_state[Key.TCO_CHART] = "What moves it"
    app.run()
    assert "What would make another option than **Offer** the cheapest at the" in said(app)
    assert "Cloud API is the cheapest at the central values too where" in said(app)


def test_an_impossible_edit_is_named_and_the_stored_scenario_stays_in_view(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, demo_url, "tco")
    before = options(app).loc["Cloud API", "npv"]
    edit(app, "workload.users", value="-5")
    assert "workload" in app.error[0].value
    assert options(app).loc["Cloud API", "npv"] == before


def test_a_saved_copy_keeps_the_edit_and_is_in_view(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    edit(app, "workload.users", value="2900")
    app.text_input(key="_scenario_name").set_value("Mine")
    app.button(key="_copy").click().run()
    assert not app.exception
    assert app.selectbox(key="_scenario_box").value == "Mine"
    engine = store.connect(demo_url)
    stored = stored_scenarios.load("Mine", engine)
    assert stored.workload.users is not None
    assert stored.workload.users.value == 2900
    app.text_input(key="_scenario_name").set_value("Ours")
    app.button(key="_rename").click().run()
    assert stored_scenarios.names(engine) == ["Ours"]
    app.button(key="_delete").click().run()
    assert stored_scenarios.names(engine) == ["Ours"]  # it asks first
    app.button(key="_delete_yes").click().run()
    assert stored_scenarios.names(engine) == []
    assert app.selectbox(key="_scenario_box").value == DEMO


def test_a_link_leads_to_its_scenario(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    engine = store.connect(demo_url)
    for name in ("One", "Two"):
        scenario = scenario_file.demo().model_copy(update={"name": name})
        stored_scenarios.save(scenario, price_card_file.built_in(), engine)
    assert open_page(monkeypatch, demo_url, "tco", scenario="One").selectbox(key="_scenario_box").value == "One"


def test_an_unchanged_table_asks_for_no_change():
    demo = scenario_file.demo()
    assert tco_tables.changes(tco_tables.assumptions_frame(demo), demo) == {}


def test_a_range_comes_and_goes_with_its_ends():
    demo = scenario_file.demo()
    fixed = edited(demo, {"workload.users": {"low": None, "high": None}})
    assert fixed.workload.users is not None
    assert fixed.workload.users.shape == "fixed"
    ranged = edited(demo, {"workload.burst": {"low": 1, "high": 2}})
    assert ranged.workload.burst.shape == "triangular"
    with pytest.raises(ScenarioError, match="burst"):
        edited(demo, {"workload.burst": {"low": 1}})
    with pytest.raises(KeyError):
        edited(demo, {"workload.nosuch": {"value": 1}})


def test_an_assumption_is_told_in_words_with_its_owner_and_its_unit():
    frame = tco_tables.assumptions_frame(scenario_file.demo()).set_index("path")
    power = frame.loc["hardware.workstation.idle_watts"]
    owner = scenario_file.demo().hardware["workstation"].label
    assert (power["label"], power["unit"]) == (f"Power when idle: {owner}", "W")
    assert (frame["label"].str.contains("_") | frame["label"].duplicated()).sum() == 0


def test_a_value_and_the_beginning_of_its_name_fit_a_telephone(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    """A name alone is wider than the 388 pixels that a page of 420 leaves, and pins nothing then."""
    app = open_page(monkeypatch, demo_url, "tco")
    table = next(e for e in app.dataframe if e.proto.alt == "Assumptions of the scenario, to edit")
    assert list(table.proto.column_order)[:2] == ["value", "label"]
    columns = json.loads(table.proto.columns)
    assert (columns["value"]["pinned"], columns["label"]["pinned"]) == (True, True)
    assert columns["value"]["width"] <= 388 / 3
    longest = max(table.value["value"], key=len)
    assert 7 * len(longest) + 16 <= columns["value"]["width"]


def test_the_standing_of_an_option_is_not_cut(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    columns = json.loads(options_table(app).proto.columns)
    assert columns["standing"]["width"] >= 7 * len("meets everything") + 16


def test_no_name_of_an_assumption_is_cut(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    table = next(e for e in app.dataframe if e.proto.alt == "Assumptions of the scenario, to edit")
    width = json.loads(table.proto.columns)["label"]["width"]
    longest = max(table.value["label"], key=len)
    assert len(longest) > 70
    assert 5.5 * len(longest) < width < 700
