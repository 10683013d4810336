"""The Score page: blind, every save kept, and nothing stored twice."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from answers_sample import build
from pages import open_page, sent, texts
from samples import TARGETS, add_group
from sqlalchemy import update
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from db import scoring, store
from db.models import Answer, Assessment, Rater, RaterKind, Score
from eval.rubric import built_in

RUNS = "1-2-3"
N = 3 * 4  # three runs, five questions, the first failed


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("score") / "template.db"
    build(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(template: Path, tmp_path: Path) -> Iterator[str]:
    copy = tmp_path / "test.db"
    with closing(sqlite3.connect(template)) as one, closing(sqlite3.connect(copy)) as other:
        one.backup(other)
    return f"sqlite:///{copy}"


def at_place(monkeypatch: pytest.MonkeyPatch, url: str, place: int = 1, runs: str = RUNS) -> AppTest:
    return open_page(monkeypatch, url, "score", rater="Anna", scoring=runs, place=str(place))


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def give(app: AppTest, *scores: int) -> AppTest:
    for control, score in zip(app.get("segmented_control"), scores, strict=False):
        control.set_value(score)
    return app


def press(app: AppTest, label: str) -> AppTest:
    button(app, label).click().run()
    assert not app.exception, app.exception[0].message
    return app


def shown(app: AppTest) -> list[int | None]:
    return [control.value for control in app.get("segmented_control")]


def rows(url: str) -> list[Assessment]:
    with store.reading(store.connect(url)) as session:
        query = select(Assessment).join(Rater).where(Rater.kind == RaterKind.person).order_by(col(Assessment.id))
        return [a for a in session.exec(query) if a.protocol == "person"]


def order(url: str, name: str = "Anna") -> tuple[int, ...]:
    with store.reading(store.connect(url)) as session:
        return scoring.get_queue(name, [1, 2, 3], built_in().sha256, session=session).order


# --- before the first answer ---------------------------------------------------------------------------------------


def test_an_empty_database_says_how_to_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    app = open_page(monkeypatch, f"sqlite:///{tmp_path / 'empty.db'}", "score")
    assert "No run has finished yet" in app.info[0].value
    assert not app.button


def test_a_name_is_asked_for_and_starting_puts_everything_into_the_address(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "score")
    assert button(app, "Start scoring").disabled
    app.text_input[0].set_value("  Anna  B ").run()
    press(app, "Start scoring")
    assert {key: app.query_params[key] for key in ("rater", "scoring", "place")} == {
        "rater": "Anna B",
        "scoring": RUNS,
        "place": "1",
    }
    assert len(shown(app)) == 3


def test_runs_without_an_answer_to_score_are_said(monkeypatch: pytest.MonkeyPatch, url: str):
    with store.writing(store.connect(url)) as session:
        session.execute(update(Answer).values(error_kind="timeout"))
    assert "no answer that could be scored" in open_page(monkeypatch, url, "score").info[0].value


def test_with_one_target_the_scores_are_not_called_blind(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "score", runs="1", set="1")
    assert "stored as not blind" in "".join(caption.value for caption in app.caption)
    press(give(at_place(monkeypatch, url, runs="1"), 5, 4, 3), "Save")
    assert [row.blind for row in rows(url)] == [False]


@pytest.mark.parametrize(
    "query", [{"scoring": "x"}, {"scoring": "999"}, {"scoring": "9" * 30}, {"place": "x"}, {"rater": " "}]
)
def test_an_address_that_makes_no_sense_leads_to_the_beginning(
    monkeypatch: pytest.MonkeyPatch, url: str, query: dict[str, str]
):
    whole = {"rater": "Anna", "scoring": RUNS, "place": "2"} | query
    app = open_page(monkeypatch, url, "score", **whole)
    assert app.get("segmented_control") == []
    assert app.text_input


@pytest.mark.parametrize(("written", "meant"), [("0", "1"), ("99999", "1"), ("3", "3")])
def test_a_place_outside_the_order_is_mended(monkeypatch: pytest.MonkeyPatch, url: str, written: str, meant: str):
    app = open_page(monkeypatch, url, "score", rater="Anna", scoring=RUNS, place=written)
    assert app.query_params["place"] == meant
    press(give(app, 1, 2, 3), "Save")
    assert [row.position for row in rows(url)] == [int(meant)]


def test_runs_on_different_questions_are_never_scored_together(monkeypatch: pytest.MonkeyPatch, url: str):
    add_group(url, targets=TARGETS[3:], questions=3, version="2")
    assert at_place(monkeypatch, url, runs="1-4").get("segmented_control") == []


# --- blind ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [1, 2, 3, 7, 12])
def test_nothing_sent_to_the_browser_tells_whose_answer_it_is(monkeypatch: pytest.MonkeyPatch, url: str, place: int):
    app = at_place(monkeypatch, url, place)
    whole = sent(app) + repr(app.query_params)
    answer_id = order(url)[place - 1]
    assert texts(app)[-1]
    for target in TARGETS:
        for name in (target.name, *target.models):
            assert name not in whole
    for word in ("test-judge", "because of", "first token", "tokens/s"):
        assert word not in whole
    assert not re.search(rf"-{answer_id}\b", re.sub(r"[0-9a-f]{16,}", "", whole)), "no key holds the answer's id"


def test_the_answers_come_mixed_and_in_the_stored_order(monkeypatch: pytest.MonkeyPatch, url: str):
    with store.reading(store.connect(url)) as session:
        runs = {a.id: a.run_id for a in session.exec(select(Answer))}
    came = [runs[answer_id] for answer_id in order(url)]
    assert sorted(came) != came
    app = at_place(monkeypatch, url, 4)
    press(give(app, 1, 2, 3), "Save")
    assert [(row.answer_id, row.position) for row in rows(url)] == [(order(url)[3], 4)]


# --- saving --------------------------------------------------------------------------------------------------------


def test_a_save_is_in_the_database_before_the_next_answer_shows(monkeypatch: pytest.MonkeyPatch, url: str):
    app = give(at_place(monkeypatch, url), 5, 4, 0)
    app.text_area[0].set_value("a note")
    press(app, "Save")
    (row,) = rows(url)
    assert (row.answer_id, row.position, row.status) == (order(url)[0], 1, "partial")
    assert (row.blind, row.note) == (True, "a note")
    with store.reading(store.connect(url)) as session:
        scores = {s.criterion: s.value for s in session.exec(select(Score).where(Score.assessment_id == row.id))}
    assert scores == {"coherence": 5, "factuality": 4, "conciseness": None}
    assert app.query_params["place"] == "2"
    assert shown(app) == [None, None, None]
    assert app.text_area[0].value == ""
    assert app.get("progress")[0].text == f"1 of {N} scored"


def test_a_missing_score_is_said_and_nothing_is_stored(monkeypatch: pytest.MonkeyPatch, url: str):
    app = press(give(at_place(monkeypatch, url), 5), "Save")
    assert app.warning[-1].value == "No score yet for factuality and conciseness\\."
    assert rows(url) == []
    assert app.query_params["place"] == "1"
    assert shown(app) == [5, None, None]
    press(give(app, 5, 4, 3), "Save")
    assert [row.status for row in rows(url)] == ["ok"]
    assert not [w for w in app.warning if "No score yet" in w.value]


def test_a_reload_goes_on_where_one_was_and_under_the_same_name_later(monkeypatch: pytest.MonkeyPatch, url: str):
    press(give(at_place(monkeypatch, url, 3), 5, 4, 3), "Save")
    assert at_place(monkeypatch, url, 4).get("progress")[0].text == f"1 of {N} scored, 2 skipped"
    later = open_page(monkeypatch, url, "score", rater="anna")
    press(later, "Go on")
    assert later.query_params["place"] == "4"


def test_skip_leaves_an_answer_open_and_it_comes_again_at_the_end(monkeypatch: pytest.MonkeyPatch, url: str):
    app = press(at_place(monkeypatch, url), "Skip")
    assert (app.query_params["place"], app.get("progress")[0].text) == ("2", f"0 of {N} scored, 1 skipped")
    for _ in range(N - 1):
        press(give(app, 3, 3, 3), "Save")
    assert (app.query_params["place"], app.get("progress")[0].text) == ("1", f"{N - 1} of {N} scored")
    press(app, "Skip")
    assert app.query_params["place"] == "1"


def test_back_shows_what_was_given_and_a_change_is_another_row(monkeypatch: pytest.MonkeyPatch, url: str):
    app = press(give(at_place(monkeypatch, url), 5, 4, 0), "Save")
    press(app, "Back")
    assert shown(app) == [5, 4, 0]
    press(app, "Save")
    assert len(rows(url)) == 1, "the same scores again are not stored again"
    press(app, "Back")
    press(give(app, 5, 4, 2), "Save")
    assert [(row.status, row.current) for row in rows(url)] == [("partial", False), ("ok", True)]


def test_a_choice_that_was_not_saved_is_gone_when_one_comes_back(monkeypatch: pytest.MonkeyPatch, url: str):
    app = press(give(at_place(monkeypatch, url), 5, 4), "Skip")
    press(app, "Back")
    assert shown(app) == [None, None, None]


def test_undo_takes_the_last_save_back_and_shows_that_answer(monkeypatch: pytest.MonkeyPatch, url: str):
    app = at_place(monkeypatch, url)
    assert button(app, "Undo last save").disabled
    press(give(app, 5, 4, 3), "Save")
    press(app, "Undo last save")
    assert app.query_params["place"] == "1"
    assert shown(app) == [None, None, None]
    assert [(row.status, row.current) for row in rows(url)] == [("ok", False), ("withdrawn", True)]


def test_a_key_pressed_twice_before_the_page_moved_undoes_once(monkeypatch: pytest.MonkeyPatch, url: str):
    """Both presses reach the button as it was drawn for one answer; the second must not act on another."""

    def twice() -> None:
        from dashboard import score_desk  # noqa: PLC0415 - AppTest runs the body alone
        from eval.rubric import built_in  # noqa: PLC0415

        desk = score_desk.at_work(built_in())
        assert desk
        score_desk.undo(desk)
        score_desk.undo(desk)

    app = press(give(at_place(monkeypatch, url), 5, 4, 3), "Save")
    press(give(app, 5, 4, 3), "Save")
    second = AppTest.from_function(twice, default_timeout=60)
    for name, value in {"rater": "Anna", "scoring": RUNS, "place": "3"}.items():
        second.query_params[name] = value
    assert not second.run().exception
    assert [row.status for row in rows(url)] == ["ok", "ok", "withdrawn"]


def test_when_all_are_scored_thanks_and_the_way_on(monkeypatch: pytest.MonkeyPatch, url: str):
    app = at_place(monkeypatch, url)
    for _ in range(N):
        press(give(app, 3, 3, 3), "Save")
    assert f"All {N} answers are scored" in app.success[0].value
    assert app.page_link[0].label == "See them on the Overview"
    assert len(rows(url)) == N
    press(app, "Back")
    assert app.query_params["place"] == str(N)
    assert shown(app) == [3, 3, 3]
    later = open_page(monkeypatch, url, "score", rater="Anna")
    assert f"You scored all {N} answers" in later.success[0].value
    press(later, "Look at them again")
    assert f"All {N} answers are scored" in later.success[0].value


def test_stopping_leads_back_to_the_beginning_with_the_name_kept(monkeypatch: pytest.MonkeyPatch, url: str):
    app = press(press(give(at_place(monkeypatch, url), 3, 3, 3), "Save"), "Stop here")
    assert "scoring" not in app.query_params
    assert app.text_input[0].value == "Anna"
    assert button(app, "Go on")


def test_what_the_database_refuses_is_said_and_one_stays(monkeypatch: pytest.MonkeyPatch, url: str):
    app = give(at_place(monkeypatch, url), 5, 4, 3)
    with store.writing(store.connect(url)) as session:
        session.execute(update(Answer).where(col(Answer.id) == order(url)[0]).values(error_kind="forgotten"))
    press(app, "Save")
    assert "can no longer be scored" in app.warning[-1].value
    assert rows(url) == []


def test_the_simulator_is_named_but_not_whose_answers_are_simulated(monkeypatch: pytest.MonkeyPatch, url: str):
    app = at_place(monkeypatch, url)
    assert "Simulated data" in app.warning[0].value
