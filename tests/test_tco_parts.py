"""What the TCO page's tabs do: options come and go, cards are edited into new ones, scenarios stand side by side."""

from pathlib import Path
from typing import Any

import cost_samples
import pytest
from costed import add_demo_targets
from pages import open_page
from streamlit.testing.v1 import AppTest

from dashboard import tco_tables
from dashboard.keys import Key
from db import store
from eval import stored_cards, stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.narrative import narrate
from eval.cost.prose import spans
from eval.cost.scenario_edit import edited

PART = Key.TCO_PART
BUILT_IN = price_card_file.built_in()
ROWS = f"_card_rows_{BUILT_IN.sha256[:12]}"
NAME = f"_card_name_{BUILT_IN.sha256[:12]}"


@pytest.fixture
def demo_url(tmp_path: Path) -> str:
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    return url


def part(monkeypatch: pytest.MonkeyPatch, url: str, name: str) -> AppTest:
    return look(open_page(monkeypatch, url, "tco"), name)


def look(app: AppTest, name: str) -> AppTest:
    app.session_state[PART] = name
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def ok(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def table(app: AppTest, alt: str) -> Any:
    return next(e.value for e in app.dataframe if e.proto.alt == alt)


def options(app: AppTest) -> list[str]:
    return table(app, "Cost of the options")["option"].to_list()


def said(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in [*app.markdown, *app.caption, *app.info, *app.success, *app.error])


def test_what_moves_it_says_that_a_single_option_is_left():
    demo = scenario_file.demo()
    alone = demo.model_copy(update={"options": {"cloud": demo.options["cloud"]}, "draws": 300})
    left = evaluate(alone, cost_samples.demo_targets(), BUILT_IN)
    assert "a single option is left, Cloud API, and no other" in tco_tables.undrawn(left)
    assert "no other meets everything that is asked for." in tco_tables.moves(left)
    assert any("no other meets everything" in str(span) for s in narrate(left).sections for span in spans(s))
    blocked = evaluate(alone, {}, BUILT_IN)
    assert "no option meets everything that is asked for with its cost known" in tco_tables.undrawn(blocked)


def test_the_page_says_why_nothing_moves_it(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    demo = scenario_file.demo()
    alone = demo.model_copy(update={"name": "Alone", "options": {"cloud": demo.options["cloud"]}})
    stored_scenarios.save(alone, BUILT_IN, store.connect(demo_url))
    app = open_page(monkeypatch, demo_url, "tco", scenario="Alone")
    app.session_state[Key.TCO_CHART] = "What moves it"
    assert "a single option is left" in said(ok(app.run()))


# --- options --------------------------------------------------------------------------------------------------------


def test_every_part_opens_on_an_empty_database(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, empty_url, "tco")
    for name in ("Options", "Prices", "Compare", "Assumptions"):
        look(app, name)
    assert not app.error


def test_an_added_option_is_in_the_result_and_nothing_is_stored(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Options")
    ok(app.selectbox(key="_option").set_value("A new option").run())
    assert app.button(key="_put_option").disabled
    key = "_option_A new option_"
    app.text_input(key=f"{key}name").set_value("second")
    app.text_input(key=f"{key}label").set_value("Another cloud")
    app.selectbox(key=f"{key}target").set_value("cloud")
    ok(app.run())
    app.selectbox(key=f"{key}price_sim-cloud").set_value("openai/gpt-5-nano")
    ok(app.run())
    ok(app.button(key="_put_option").click().run())
    assert "Another cloud" in options(app)
    costs = table(app, "Cost of the options").set_index("option")["npv"]
    assert costs["Another cloud"] < costs["Cloud API"]
    assert stored_scenarios.names(store.connect(demo_url)) == []
    look(app, "Assumptions")
    assert "options.second.discount" in table(app, "Assumptions of the scenario, to edit")["path"].to_list()


@pytest.mark.parametrize("kind", ["self-hosted", "draft-and-refine", "escalate", "do-nothing"])
def test_every_kind_of_option_can_be_added_as_it_is_offered(kind: str, demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Options")
    ok(app.selectbox(key="_option").set_value("A new option").run())
    app.text_input(key="_option_A new option_name").set_value("second")
    app.selectbox(key="_option_A new option_kind").set_value(kind)
    ok(app.run())
    assert not app.error
    ok(app.button(key="_put_option").click().run())
    assert "second" in options(app)


def test_a_removed_option_is_gone_and_the_baseline_stays(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Options")
    ok(app.selectbox(key="_option").set_value("hybrid").run())
    ok(app.button(key="_remove_option").click().run())
    assert "Laptop drafts, workstation refines" not in options(app)
    ok(app.selectbox(key="_option").set_value("cloud").run())
    ok(app.button(key="_remove_option").click().run())
    assert "Cloud API" in options(app)


def test_a_taken_name_and_an_impossible_share_are_named(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Options")
    ok(app.selectbox(key="_option").set_value("A new option").run())
    ok(app.text_input(key="_option_A new option_name").set_value("cloud").run())
    assert "options.cloud" in app.error[0].value.replace("\\", "")
    ok(app.selectbox(key="_option").set_value("escalate").run())
    ok(app.number_input(key="_option_escalate_escalation_share").set_value(1.5).run())
    assert "options.escalate.escalation_share" in app.error[0].value.replace("\\", "")
    assert app.button(key="_put_option").disabled


def test_edits_of_the_table_and_of_the_options_are_saved_together(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, demo_url, "tco")
    row = table(app, "Assumptions of the scenario, to edit")["path"].to_list().index("workload.users")
    app.session_state["_assumptions"] = {"edited_rows": {row: {"value": "2900"}}, "added_rows": [], "deleted_rows": []}
    ok(app.run())
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("hybrid").run())
    ok(app.button(key="_remove_option").click().run())
    ok(app.button(key="_save").click().run())
    kept = stored_scenarios.load("Internal assistant", store.connect(demo_url))
    assert kept.workload.users is not None
    assert kept.workload.users.value == 2900
    assert "hybrid" not in kept.options
    assert options(app) == [option.label for option in kept.options.values()]


def test_edits_can_be_taken_back(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Options")
    ok(app.selectbox(key="_option").set_value("hybrid").run())
    ok(app.button(key="_remove_option").click().run())
    ok(app.button(key="_undo").click().run())
    assert len(options(app)) == len(scenario_file.demo().options)


# --- prices ---------------------------------------------------------------------------------------------------------


def edit_price(app: AppTest, **fields: Any) -> None:
    row = next(i for i, row in enumerate(BUILT_IN.rows) if row.id == "simulator/sim-cloud")
    app.session_state[ROWS] = {"edited_rows": {row: fields}, "added_rows": [], "deleted_rows": []}
    ok(app.run())


def test_an_edited_card_is_stored_beside_the_old_one_and_offered_to_the_scenario(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    engine = store.connect(demo_url)
    stored_scenarios.save(scenario_file.demo(), BUILT_IN, engine)
    app = part(monkeypatch, demo_url, "Prices")
    assert app.button(key="_store_card").disabled
    before = table(app, "Cost of the options").set_index("option")["npv"]["Cloud API"]
    edit_price(app, output_per_mtok="20.0", source="an offer, made up for a test")
    assert "output rose from 10 to 20 USD" in said(app)
    app.text_input(key=NAME).set_value("After the offer")
    ok(app.run())
    ok(app.button(key="_store_card").click().run())
    assert stored_cards.card_heads(engine)[0].name == "After the offer"
    assert stored_cards.find_card(BUILT_IN.sha256, engine) == BUILT_IN
    assert table(app, "Cost of the options").set_index("option")["npv"]["Cloud API"] == before
    ok(app.button(key="_go_over").click().run())
    assert table(app, "Cost of the options").set_index("option")["npv"]["Cloud API"] > before * 1.3
    pin = stored_scenarios.load("Internal assistant", engine).price_card
    assert pin is not None
    assert pin.sha256 == BUILT_IN.sha256
    ok(app.button(key="_save").click().run())
    pin = stored_scenarios.load("Internal assistant", engine).price_card
    assert pin is not None
    assert pin.name == "After the offer"
    assert not [button for button in app.button if button.key == "_go_over"]


def test_a_faulty_price_is_named_and_cannot_be_stored(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Prices")
    edit_price(app, output_per_mtok="-1.0", currency="euro")
    told = app.error[0].value.replace("\\", "")
    assert "(simulator/sim-cloud), output_per_mtok" in told
    assert "(simulator/sim-cloud), currency" in told
    assert app.button(key="_store_card").disabled


def test_a_card_is_read_from_csv_and_stored_as_it_is(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Prices")
    text = price_card_file.dump_csv(BUILT_IN).replace("#name,Rightsize price card", "#name,From the file")
    app.file_uploader(key="_card_file_0").set_value(("card.csv", text.replace("1.25", "1.5").encode(), "text/csv"))
    ok(app.run())
    ok(app.button(key="_store_card").click().run())
    newest = stored_cards.newest_card(store.connect(demo_url))
    assert newest.name == "From the file"
    assert newest == price_card_file.parse_csv(text.replace("1.25", "1.5"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"provider,model\r\n", "the column is missing"), (b"\xff\xfe", "is not UTF-8 text")],
)
def test_a_faulty_file_is_named_and_the_card_stays(
    content: bytes, sentence: str, demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = part(monkeypatch, demo_url, "Prices")
    app.file_uploader(key="_card_file_0").set_value(("card.csv", content, "text/csv"))
    ok(app.run())
    assert sentence in app.error[0].value.replace("\\", "")
    assert len(table(app, "Prices of the card, to edit")) == len(BUILT_IN.rows)


def price_table(app: AppTest) -> Any:
    return table(app, "Prices of the card, to edit").set_index("model")


def test_edits_of_prices_stay_while_other_parts_and_pages_are_looked_at(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Prices")
    edit_price(app, output_per_mtok="20.0", source="an offer, made up for a test")
    app.text_input(key=NAME).set_value("After the offer")
    ok(app.run())
    look(app, "Options")
    look(app, "Prices")
    assert price_table(app)["output_per_mtok"]["sim-cloud"] == "20.0"
    assert app.text_input(key=NAME).value == "After the offer"
    assert "output rose from 10 to 20 USD" in said(app)
    ok(app.button(key="_store_card").click().run())
    assert stored_cards.card_heads(store.connect(demo_url))[0].name == "After the offer"
    ok(app.selectbox(key="_card").set_value(BUILT_IN.sha256).run())
    assert price_table(app)["output_per_mtok"]["sim-cloud"] == "10"  # the old card has no edits any more


def test_rows_that_were_removed_and_added_stay_so_and_keep_their_places_on_the_card(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = part(monkeypatch, demo_url, "Prices")
    new = {"provider": "acme", "model": "m", "input_per_mtok": "1", "output_per_mtok": "2", "kind": "quoted"}
    last = len(BUILT_IN.rows) - 1
    app.session_state[ROWS] = {
        "edited_rows": {},
        "added_rows": [new | {"source": "a list"}],
        "deleted_rows": [0, last],
    }
    ok(app.run())
    assert "acme/m" in said(app)
    look(app, "Options")
    look(app, "Prices")
    assert len(price_table(app)) == last
    again = f"{ROWS}_1"
    app.session_state[again] = {"edited_rows": {0: {"output_per_mtok": "9"}}, "added_rows": [new], "deleted_rows": []}
    ok(app.run())
    told = app.error[0].value.replace("\\", "").replace("\u2060", "")
    assert f"row 1 ({BUILT_IN.rows[1].id}), source: a price was changed" in told  # by the old price of that very row
    assert f"row {last + 1} (acme/m), source: it is missing" in told


def test_edits_of_prices_can_be_taken_back(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Prices")
    assert not [button for button in app.button if button.key == "_undo_card"]
    edit_price(app, output_per_mtok="20.0")
    assert app.error
    ok(app.button(key="_undo_card").click().run())
    assert not app.error
    assert price_table(app)["output_per_mtok"]["sim-cloud"] == "10"


def test_a_card_that_was_read_stays_until_another_is_chosen(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Prices")
    text = price_card_file.dump_csv(BUILT_IN).replace("#name,Rightsize price card", "#name,From the file")
    app.file_uploader(key="_card_file_0").set_value(("card.csv", text.replace("1.25", "1.5").encode(), "text/csv"))
    ok(app.run())
    look(app, "Options")
    look(app, "Prices")
    assert price_table(app)["input_per_mtok"]["sim-cloud"] == "1.5"


def test_cards_of_one_name_and_date_are_told_apart_by_their_hashes(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    engine = store.connect(demo_url)
    rows = [dict.fromkeys(["input_per_mtok", "output_per_mtok"], price) for price in (1, 2)]
    twins = [cost_samples.card({"model": "m", **row}) for row in rows]
    with store.writing(engine) as session:  # as scenarios do that are stored with a card of their own
        for card in twins:
            stored_cards.keep_card(card, session=session)
    app = part(monkeypatch, demo_url, "Prices")
    labels = app.selectbox(key="_card").options
    assert {f"a card, 2026-11-25 ({card.sha256[:8]})" for card in twins} <= set(labels)
    assert f"{BUILT_IN.name}, {BUILT_IN.date}" in labels  # whose name is its own needs no hash


# --- compare --------------------------------------------------------------------------------------------------------


def test_the_scenario_in_view_stands_beside_another(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    engine = store.connect(demo_url)
    more = edited(scenario_file.demo(), {"workload.users": {"value": 2900}}).model_copy(update={"name": "More"})
    stored_scenarios.save(more, BUILT_IN, engine)
    app = open_page(monkeypatch, demo_url, "tco", scenario="Internal assistant")
    look(app, "Compare")
    ok(app.selectbox(key="_compared_with").set_value("More").run())
    both = table(app, "The options of both scenarios")
    cloud = both[both["option"] == "Cloud API"].set_index("scenario")["npv"]
    assert cloud["More"] > cloud["Internal assistant (demo)"]
    assert cloud["difference"] == pytest.approx(cloud["More"] - cloud["Internal assistant (demo)"])
    differing = table(app, "What the two scenarios state otherwise")
    assert (differing["path"].to_list(), differing["label"].to_list()) == (["workload.users"], ["Number of users"])


def test_a_copied_address_opens_the_same_part_chart_and_comparison(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    engine = store.connect(demo_url)
    for users, name in ((2900, "More"), (1500, "Less")):
        made = edited(scenario_file.demo(), {"workload.users": {"value": users}}).model_copy(update={"name": name})
        stored_scenarios.save(made, BUILT_IN, engine)
    view = {"scenario": "Internal assistant", "part": "Compare", "chart": "Break-even", "compared_with": "More"}
    app = open_page(monkeypatch, demo_url, "tco", **view)
    assert app.selectbox(key="_compared_with").value == "More"
    assert (app.session_state[Key.TCO_PART], app.session_state[Key.TCO_CHART]) == ("Compare", "Break-even")
    ok(app.selectbox(key="_compared_with").set_value("Less").run())
    assert dict(app.query_params)["compared_with"] in ("Less", ["Less"])


def test_a_scenario_is_held_against_itself_without_its_edits(demo_url: str, monkeypatch: pytest.MonkeyPatch):
    app = part(monkeypatch, demo_url, "Compare")
    assert "Both state the same" in said(app)
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("hybrid").run())
    ok(app.button(key="_remove_option").click().run())
    look(app, "Compare")
    differing = table(app, "What the two scenarios state otherwise")
    assert (differing["path"].to_list(), differing["label"].to_list()) == (["options.hybrid"], ["options.hybrid"])


def test_a_scenario_with_a_single_option_and_a_card_without_prices_can_be_worked_on(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
):
    demo = scenario_file.demo()
    bare = demo.model_copy(
        update={
            "name": "Bare",
            "baseline": "do-nothing",
            "options": {"do-nothing": demo.options["do-nothing"]},
            "hardware": {},
        }
    )
    empty = BUILT_IN.model_copy(update={"name": "Empty", "rows": ()})
    stored_scenarios.save(bare, empty, store.connect(demo_url))
    app = open_page(monkeypatch, demo_url, "tco", scenario="Bare")
    look(app, "Prices")
    assert len(table(app, "Prices of the card, to edit")) == 0
    look(app, "Options")
    ok(app.selectbox(key="_option").set_value("A new option").run())
    app.text_input(key="_option_A new option_name").set_value("second")
    for kind in ("api", "self-hosted", "draft-and-refine", "escalate", "do-nothing"):
        ok(app.selectbox(key="_option_A new option_kind").set_value(kind).run())
    ok(app.button(key="_put_option").click().run())
    assert options(app) == ["As it is today", "second"]
