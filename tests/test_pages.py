"""The pages Overview, Runs, Cost and Start: empty, full, and after the interactions they are there for."""

import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit
from pages import SCRIPT, open_page
from samples import TARGETS, Sample, add_group, add_run
from streamlit.testing.v1 import AppTest

from dashboard import overview_tables, run_desk, view_choice
from dashboard.keys import Key
from db import opening, store, workers
from db.models import RunStatus
from eval.qa_set import built_in
from eval.records import qa_set_rows

PAGES = ("overview", "runs", "cost", "start")


def said(app: AppTest) -> str:
    """Everything the page says in words."""
    elements = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(element.value) for element in elements)


def chart(app: AppTest) -> dict[str, Any]:
    """The page's one chart."""
    (drawn,) = app.get("vega_lite_chart")
    return json.loads(drawn.proto.spec)


def table(app: AppTest, name: str) -> Any:
    """A table by the beginning of its accessible name."""
    names = {"overview": "Figures", "cost": "Cost of", "prices": "Prices", "runs": "List", "facts": "What ran"}
    return next(element.value for element in app.dataframe if element.proto.alt.startswith(names[name]))


def open_bare(monkeypatch: pytest.MonkeyPatch, url: str, **query: str) -> AppTest:
    """The dashboard at its address without a page, as a fresh window with this query."""
    monkeypatch.setenv("RIGHTSIZE_DB", url)
    streamlit.cache_data.clear()
    streamlit.cache_resource.clear()
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


# --- empty, full, unusable -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_database_leads_to_what_to_do_next(page: str, empty_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, empty_url, page)
    assert not app.error
    links = [link.proto.page for link in app.get("page_link")]
    assert page == "start" or "start" in links  # the word is a link


@pytest.mark.parametrize(("page", "what"), [("answers", "What each target answered"), ("runs", "Every run that is")])
def test_a_page_says_what_it_is_for_also_where_there_is_nothing(
    page: str, what: str, empty_url: str, monkeypatch: pytest.MonkeyPatch
):
    assert open_page(monkeypatch, empty_url, page).caption[0].value.startswith(what)


def test_where_nothing_can_be_scored_nobody_is_asked_for_a_name(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, empty_url, "score")
    assert not app.text_input
    assert not app.selectbox
    assert not app.get("segmented_control")
    assert "There are no runs yet" in said(app)


def test_an_empty_database_opens_on_the_start_page(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_bare(monkeypatch, empty_url)
    assert app.button(key="_start_demo").label == "Run the demo evaluation"
    assert any("rightsize run --target" in code.value for code in app.code)


def test_a_database_with_finished_runs_opens_on_the_overview(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    assert open_bare(monkeypatch, shared_url).title[0].value == "Overview"


@pytest.mark.parametrize("page", PAGES)
def test_a_full_database_is_shown_without_an_error(page: str, shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, page)
    assert not app.error
    assert app.title


def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "notes.db"
    file.write_text("this is a text, and long enough to be read as one " * 40, encoding="utf-8")
    app = open_bare(monkeypatch, f"sqlite:///{file}")
    assert len(app.error) == 1
    assert "is not a database" in app.error[0].value


def test_a_database_of_a_newer_version_is_told_in_one_sentence(full_url: str, monkeypatch: pytest.MonkeyPatch):
    with store.connect(full_url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    app = open_bare(monkeypatch, full_url)
    assert "newer version of Rightsize" in app.error[0].value


def test_a_missing_folder_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    app = open_bare(monkeypatch, f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}")
    assert "does not exist" in app.error[0].value


def test_a_locked_database_is_told_in_one_sentence(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 50)
    store.connect(empty_url).dispose()
    other = sqlite3.connect(empty_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")
    app = open_bare(monkeypatch, empty_url)
    other.close()
    assert "is locked by another program" in app.error[0].value


# --- overview ------------------------------------------------------------------------------------------------------


def test_the_overview_shows_a_point_a_target_and_the_table_beneath(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview")
    titles = json.dumps(chart(app))
    assert "Time to first token, median (ms)" in titles
    assert '"Overall quality (1 to 5 points)", "scored by test-judge (quick)"' in titles
    rows = table(app, "overview")
    assert rows["label"].to_list() == [target.name for target in TARGETS]
    assert rows["scored"].to_list() == ["11 of 11"] * 4
    assert rows["n_answers"].to_list() == [11] * 4
    assert rows["errors"].to_list() == ["1"] * 4
    assert "has no price of test-gpt" in rows["price"].to_list()[-1]
    assert "has no price of test-judge" in rows["price"].to_list()[0]
    assert rows["tokens_1000"].isna().to_list() == [False, False, False, True]
    assert rows["cost_1000"].isna().all()  # what judging cost is unknown, and is never taken for nothing


def test_the_overview_answers_in_words_and_says_what_is_open(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    words = said(open_page(monkeypatch, shared_url, "overview"))
    assert "by point estimates" in words
    assert "Not decisive, because the intervals overlap" in words
    assert "better" not in words
    assert "Judge and target are of one model family for test\\-large and test\\-hybrid" in words
    assert "1 question at a time" in words


def test_simulated_data_carry_a_banner_on_every_page_that_shows_them(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    for page in ("overview", "cost", "runs"):
        assert "Simulated data" in open_page(monkeypatch, shared_url, page).warning[0].value


def test_measured_data_carry_none(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, questions=3, simulated=False)
    assert not open_page(monkeypatch, empty_url, "overview").warning


@pytest.mark.parametrize("page", ["overview", "answers", "score", "cost"])
def test_the_newest_change_is_asked_for_once_a_run(page: str, shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, page)
    asked: list[int] = []
    newest_change = store.newest_change
    monkeypatch.setattr(store, "newest_change", lambda **given: asked.append(1) or newest_change(**given))
    app.run()
    assert len(asked) == 1


def test_other_measures_can_be_chosen(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview")
    app.selectbox(key="_scored_by_box").select("people")
    app.selectbox(key="criterion").select("factuality")
    app.selectbox(key="latency").select("total_ms")
    app.get_by_key("axis").set_value("Logarithmic").run()
    assert not app.exception
    drawn = json.dumps(chart(app))
    assert "Total time, median (s)" in drawn
    assert '"log"' in drawn
    assert '"Factuality quality (1 to 5 points)", "scored by people"' in drawn
    assert table(app, "overview")["scored"].to_list() == ["5 of 11"] * 4


def test_a_link_reproduces_the_view(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_bare(
        monkeypatch, shared_url, runs="4,1", scored_by="people", latency="Total time", criterion="Coherence"
    )
    assert table(app, "overview")["label"].to_list() == ["test-cloud", "test-small"]
    assert '"Coherence quality (1 to 5 points)", "scored by people"' in json.dumps(chart(app))
    assert "Total time, median" in json.dumps(chart(app))


def test_the_chart_is_drawn_once_as_the_link_says(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    """What the controls will say is known before they are drawn; else the page would be drawn a second time."""
    drawn: list[str] = []
    build = overview_tables.overview_frame
    monkeypatch.setattr(
        overview_tables, "overview_frame", lambda *given: drawn.append(given[3].criterion) or build(*given)
    )
    query = {"latency": "Total time", "criterion": "Coherence", "axis": "Linear", "scored_by": "people"}
    app = open_bare(monkeypatch, shared_url, **query)
    assert drawn == ["coherence"]
    app.selectbox(key="criterion").select("factuality").run()
    assert drawn == ["coherence", "factuality"]


def test_controls_that_say_something_else_than_expected_win(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    expected = view_choice.expected_view
    wrong = [True]
    monkeypatch.setattr(
        view_choice,
        "expected_view",
        lambda given: replace(expected(given), latency="total_ms") if wrong and wrong.pop() else expected(given),
    )
    assert "Time to first token, median" in json.dumps(chart(open_bare(monkeypatch, shared_url)))


def test_with_fewer_than_20_answers_there_is_no_95th_percentile(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_bare(monkeypatch, shared_url, quantile="95th percentile")
    assert "too few answers for a 95th percentile" in app.info[0].value
    rows = table(app, "overview")
    assert rows["p95_said"].to_list() == ["too few answers (11)"] * 4
    assert rows["p95"].isna().all()


def test_the_address_always_names_the_runs_in_view(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview")
    assert app.query_params["runs"] == "1,2,3,4"
    app.multiselect(key="_runs_box").set_value([2, 3]).run()
    assert app.query_params["runs"] == "2,3"
    assert table(app, "overview")["label"].to_list() == ["test-large", "test-hybrid"]


def test_the_runs_in_view_stay_on_the_way_to_another_page(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview")
    app.multiselect(key="_runs_box").set_value([2, 3]).run()
    app.query_params.clear()
    app.switch_page("app_pages/cost.py").run()
    assert table(app, "cost")["label"].to_list() == ["test-large", "test-hybrid"]


def test_runs_on_different_qa_sets_are_not_mixed(full_url: str, monkeypatch: pytest.MonkeyPatch):
    other = add_group(full_url, version="2", seed=2)
    app = open_page(monkeypatch, full_url, "overview", runs=f"1,{other[1]}")
    assert table(app, "overview")["run_id"].to_list() == [1]
    assert f"Left out, because they answered another QA set or version: \\#{other[1]}" in said(app)
    app.selectbox(key="_set_box").select(2).run()
    assert table(app, "overview")["run_id"].to_list() == other


def test_a_link_to_runs_that_are_gone_says_so(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview", runs="2,77")
    assert "There is no such run (any more): \\#77" in said(app)
    assert table(app, "overview")["run_id"].to_list() == [2]


@pytest.mark.parametrize("nonsense", ["", "x", "999999999999999999999", "-1", "1;DROP TABLE run"])
def test_a_broken_link_shows_something_sensible(nonsense: str, shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_bare(monkeypatch, shared_url, runs=nonsense, scored_by="nobody", latency="?", axis="?")
    assert not app.error
    assert len(table(app, "overview")) == 4 or table(app, "overview")["run_id"].to_list() == [1]


def test_a_target_that_occurs_twice_is_told_apart_by_its_run(full_url: str, monkeypatch: pytest.MonkeyPatch):
    again = add_group(full_url, targets=TARGETS[:1], seed=3)
    app = open_page(monkeypatch, full_url, "overview", runs=f"1,2,{again[0]}")
    assert table(app, "overview")["label"].to_list() == ["test-small #1", "test-large", f"test-small #{again[0]}"]


def test_a_small_sample_gets_points_but_no_intervals(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, questions=2, failing=1)
    app = open_page(monkeypatch, empty_url, "overview")
    rows = table(app, "overview")
    assert all(said.endswith("(too few for an interval)") for said in (*rows["quality_said"], *rows["p50_said"]))


def test_answers_without_scores_ask_for_a_judge(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, judged=False)
    app = open_page(monkeypatch, empty_url, "overview")
    assert "no such scores yet" in app.info[0].value
    assert table(app, "overview")["p50"].notna().all()


def test_runs_whose_every_answer_failed_are_shown_without_figures(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, questions=3, failing=3)
    app = open_page(monkeypatch, empty_url, "overview")
    assert "No answer came back" in app.info[0].value
    assert table(app, "overview")["n_answers"].to_list() == [0] * 4
    assert table(app, "overview")["errors"].to_list() == ["3"] * 4


def test_a_new_score_is_seen_at_once(full_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, full_url, "overview")
    newest = add_group(full_url, targets=TARGETS[:2], seed=5)
    app.multiselect(key="_runs_box").set_value(newest).run()
    assert table(app, "overview")["run_id"].to_list() == newest


HOSTILE = Sample("**b** :red[r] $x$ [l](http://e.vil) <i>", ("m",), 100, 50, 4)


def test_names_of_targets_are_shown_letter_by_letter(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, targets=(HOSTILE, TARGETS[0]), questions=8)
    for page in ("overview", "cost", "runs"):
        words = said(open_page(monkeypatch, empty_url, page, run="1")).replace("\\", "")
        assert ":red[" not in words
        assert "http://" not in words
    words = said(open_page(monkeypatch, empty_url, "overview"))
    assert "\\*\\*b\\*\\*" in words


# --- cost ----------------------------------------------------------------------------------------------------------


def test_the_cost_page_counts_tokens_times_prices_for_a_month(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "cost", volume="2000")
    row = table(app, "cost").set_index("label").loc["test-small"]
    by_hand = (row["prompt_tokens"] * 0.05 + row["completion_tokens"] * 0.2) / 1e6 * 2000
    assert row["cost_month"] == pytest.approx(by_hand)
    assert row["tokens_1000"] * 2 == pytest.approx(row["cost_month"])
    assert "Cost a month (USD)" in json.dumps(chart(app))
    assert "Judging stands apart: users do not pay for it. Not counted: warm-up calls" in said(app)


def test_a_staged_target_is_charged_for_each_of_its_calls(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    whole = table(open_page(monkeypatch, shared_url, "overview"), "overview").set_index("label").loc["test-hybrid"]
    row = table(open_page(monkeypatch, shared_url, "cost", volume="1000"), "cost").set_index("label").loc["test-hybrid"]
    tokens = whole["prompt_tokens"], whole["completion_tokens"]  # in the sample both stages count the same
    assert (row["prompt_tokens"], row["completion_tokens"]) == pytest.approx((2 * tokens[0], 2 * tokens[1]))
    by_hand = (tokens[0] * (0.05 + 0.6) + tokens[1] * (0.2 + 1.2)) / 1e6 * 1000
    assert row["cost_month"] == pytest.approx(by_hand)


def test_a_price_that_is_entered_is_saved_and_counts(full_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, full_url, "cost")
    assert table(app, "prices")["model"].to_list() == ["test-phi-mini", "test-llama-70b", "test-gpt", "test-judge"]
    edits = {"input_usd_per_mtok": "2.5", "output_usd_per_mtok": "10.0", "kind": "quoted", "source": "offer of 3 Nov"}
    app.session_state["_prices"] = {"edited_rows": {2: edits}, "added_rows": [], "deleted_rows": []}
    app.button(key="_save_prices").click().run()
    assert not app.exception
    with store.reading(store.connect(full_url)) as session:
        price = store.list_prices(session=session)["test-gpt"]
    assert (price.input_usd_per_mtok, price.output_usd_per_mtok, price.kind) == (2.5, 10.0, "quoted")
    row = table(app, "cost").set_index("label").loc["test-cloud"]
    assert row["cost_month"] > 0
    assert "test-judge" in row["price"]


def test_an_impossible_price_is_refused(full_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, full_url, "cost")
    edits = {"input_usd_per_mtok": "-1", "output_usd_per_mtok": "10"}
    app.session_state["_prices"] = {"edited_rows": {2: edits}, "added_rows": [], "deleted_rows": []}
    app.button(key="_save_prices").click().run()
    assert "must be 0 or more" in app.error[0].value
    with store.reading(store.connect(full_url)) as session:
        assert "test-gpt" not in store.list_prices(session=session)


def test_a_price_with_a_decimal_comma_is_refused_and_never_ten_times_as_much(
    full_url: str, monkeypatch: pytest.MonkeyPatch
):
    app = open_page(monkeypatch, full_url, "cost")
    edits = {"input_usd_per_mtok": "1,7", "output_usd_per_mtok": "10"}
    app.session_state["_prices"] = {"edited_rows": {2: edits}, "added_rows": [], "deleted_rows": []}
    app.button(key="_save_prices").click().run()
    told = app.error[0].value.replace("\\", "")
    assert '"1,7" is not a number; write a point, like 1.7' in told
    with store.reading(store.connect(full_url)) as session:
        assert "test-gpt" not in store.list_prices(session=session)


def test_without_any_price_the_page_asks_for_them(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, targets=TARGETS[3:], questions=3)
    app = open_page(monkeypatch, empty_url, "cost")
    assert "No cost is known yet" in app.info[0].value
    assert table(app, "cost")["cost_month"].isna().all()


# --- runs ----------------------------------------------------------------------------------------------------------


def test_the_list_is_filtered_by_what_the_address_says(full_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(full_url, targets=TARGETS[:1], version="2", tags=['mine "%"', "b"], seed=4)
    assert len(table(open_page(monkeypatch, full_url, "runs"), "runs")) == 5
    assert table(open_page(monkeypatch, full_url, "runs", search="LLAMA"), "runs")["run_id"].to_list() == [3, 2]
    assert table(open_page(monkeypatch, full_url, "runs", target="test-small"), "runs")["run_id"].to_list() == [5, 1]
    assert table(open_page(monkeypatch, full_url, "runs", tag='mine "%"'), "runs")["run_id"].to_list() == [5]
    assert "No run fits" in open_page(monkeypatch, full_url, "runs", search="100%").info[0].value
    assert "No run fits" in open_page(monkeypatch, full_url, "runs", status="failed").info[0].value
    app = open_page(monkeypatch, full_url, "runs")
    (sets,) = [box for box in app.selectbox if box.label == "QA set"]
    assert len(sets.options) == 2
    found = [table(sets.select(option).run(), "runs")["run_id"].to_list() for option in sets.options]
    assert sorted(found) == [[4, 3, 2, 1], [5]]


def test_a_long_list_is_turned_page_by_page(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    for seed in range(14):
        add_group(empty_url, targets=TARGETS[:2], questions=1, failing=0, seed=seed)
    app = open_page(monkeypatch, empty_url, "runs")
    assert table(app, "runs")["run_id"].to_list() == list(range(28, 3, -1))
    assert table(open_page(monkeypatch, empty_url, "runs", list_page="2"), "runs")["run_id"].to_list() == [3, 2, 1]


def test_one_run_shows_what_ran_where(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "runs", run="#3 test-hybrid")
    facts = table(app, "facts").set_index("fact")["value"]
    assert facts["provenance · machine · cpu"] == "test cpu"
    assert "has no price of test-judge" in facts["cost · 1,000 answers, all parts"]
    assert facts["cost · of these repeated requests"] == "$0.00"
    assert facts["plan · target · stages 2 · model"] == "test-llama-70b"
    assert facts["asked · warm-up calls"] == "1"


def test_a_run_that_is_not_there_is_told_in_one_sentence(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "runs", run="77")
    assert "There is no run 77" in app.error[0].value


def test_a_run_is_renamed_and_tagged(full_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, full_url, "runs", run="#2 test-large")
    app.text_input(key="_run_name_2").set_value("=nightly")
    app.multiselect(key="_run_tags_2").set_value(["invented", "keep"])
    app.form_submit_button[0].click().run()
    assert not app.exception
    row = table(app, "runs").set_index("run_id").loc[2]
    assert row["name"] == "=nightly"
    assert list(row["tags"]) == ["invented", "keep"]


def test_deleting_a_run_asks_first_and_says_what_goes_with_it(full_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, full_url, "runs", run="#2 test-large")
    app.button(key="_delete").click().run()
    assert "goes with 13 answers and 48 scores of 16 assessments" in said(app)
    assert len(table(app, "runs")) == 4
    app.button(key="_delete_yes").click().run()
    assert not app.exception
    assert table(app, "runs")["run_id"].to_list() == [4, 3, 1]


def test_an_interrupted_run_can_be_resumed(full_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[list[str]] = []
    monkeypatch.setattr(run_desk, "launch", lambda arguments, _url: started.append(arguments) or tmp_path / "a.log")
    with store.writing(store.connect(full_url)) as session:
        store.set_status([2], RunStatus.stopped, session=session, error="Stopped by Ctrl-C.")
    app = open_page(monkeypatch, full_url, "runs")
    assert "was interrupted (stopped) after 12 of 12 answers" in said(app)
    assert "rightsize resume 2" in said(app)
    app.button(key="_resume_2").click().run()
    assert started == [["resume", "2"]]
    assert app.button(key="_resume_2").disabled


def test_a_run_whose_process_was_killed_is_called_interrupted(full_url: str, monkeypatch: pytest.MonkeyPatch):
    with store.writing(store.connect(full_url)) as session:
        store.set_status([2], RunStatus.answering, session=session)
    app = open_page(monkeypatch, full_url, "runs", run="2")
    listed = table(app, "runs").set_index("run_id")["status"]
    assert listed[2] == "interrupted"
    assert set(listed.drop(2)) == {"finished"}
    assert app.markdown[-1].value.endswith(", interrupted")


def test_a_run_under_way_is_followed_and_cannot_be_deleted(full_url: str, monkeypatch: pytest.MonkeyPatch):
    with store.writing(store.connect(full_url)) as session:
        store.set_status([2], RunStatus.judging, session=session)
        workers.claim_runs([2], session=session)
    app = open_page(monkeypatch, full_url, "runs", run="#2 test-large")
    assert app.progress[0].text == "**test\\-large**: answered 12 of 12, 1 failed"
    assert app.button(key="_delete").disabled


# --- start ---------------------------------------------------------------------------------------------------------


def test_the_demo_is_started_once_however_often_it_is_clicked(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[list[str]] = []
    monkeypatch.setattr(run_desk, "launch", lambda arguments, _url: started.append(arguments) or tmp_path / "a.log")
    first = open_bare(monkeypatch, empty_url)
    second = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    first.button(key="_start_demo").click().run()
    second.button(key="_start_demo").click().run()
    assert started == [["demo", "--no-dashboard"]]
    assert "Starting" in first.progress[0].text
    assert "Starting" in second.progress[0].text


def test_a_demo_under_way_is_found_again_and_leads_to_the_overview(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    runs = add_group(empty_url, status=RunStatus.answering)
    with store.writing(store.connect(empty_url)) as session:
        workers.claim_runs(runs, session=session)
    app = open_bare(monkeypatch, empty_url)
    assert "4 of 4 targets have answered everything" in said(app)
    assert "test\\-small" in app.progress[0].text
    with store.writing(store.connect(empty_url)) as session:
        store.set_status(runs, RunStatus.finished, session=session)
    app.run()
    assert app.title[0].value == "Overview"


def test_a_demo_that_is_there_is_opened_and_not_run_again(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    with store.writing(store.connect(empty_url)) as session:
        qa_set = store.save_qa_set(*qa_set_rows(built_in()), session=session)
        given = {"status": RunStatus.finished, "definition": {"simulator": {"demo": True}}}
        demo = add_run(session, TARGETS[0], qa_set, "demo", **given)
    newer = add_group(empty_url)
    app = open_page(monkeypatch, empty_url, "start")
    app.button(key="_open_demo").click().run()
    assert app.title[0].value == "Overview"
    assert app.session_state[Key.CHOSEN] == [demo.id]
    assert demo.id not in newer


def test_a_demo_that_fails_shows_the_end_of_its_output(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = tmp_path / "a.log"
    log.write_text("\n".join(["starting", *["noise"] * 30, "The port is in use."]), encoding="utf-8")
    monkeypatch.setattr(run_desk, "launch", lambda _arguments, _url: log)
    app = open_bare(monkeypatch, empty_url)
    log.with_suffix(".exit").write_text("1", encoding="ascii")
    app.button(key="_start_demo").click().run()
    assert "ended with an error (code 1)" in app.error[0].value
    assert app.code[0].value.endswith("The port is in use.")
    assert "starting" not in app.code[0].value
    assert app.button(key="_start_demo")


def test_a_command_that_leaves_no_trace_is_given_up(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_desk, "launch", lambda _arguments, _url: tmp_path / "a.log")
    monkeypatch.setattr(run_desk, "START_S", 0.2)
    app = open_bare(monkeypatch, empty_url)
    app.button(key="_start_demo").click().run()
    time.sleep(0.3)
    app.run()
    assert app.button(key="_start_demo")


def test_a_run_of_the_address_that_is_not_there_is_said(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview", runs="999999")
    assert any("not stored (any more): #999999" in warning.value for warning in app.warning)
