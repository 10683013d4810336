"""Two answers side by side on the Score page: blind, sides by chance, every word kept, undo."""

import re

import pytest
from pages import button, open_page, press, sent
from samples import TARGETS
from sqlalchemy import Engine, update
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from db import comparisons, store
from db.models import Answer, Comparison

N = 4  # questions that both runs answered


@pytest.fixture
def engine(answers_engine: Engine) -> Engine:
    return answers_engine


def at_work(monkeypatch: pytest.MonkeyPatch, engine: Engine, pairs: str = "1-2", name: str = "Anna") -> AppTest:
    app = open_page(monkeypatch, str(engine.url), "score")
    app.query_params.clear()
    app.query_params["pairs"] = pairs
    app.session_state["_rater"] = name
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def say(app: AppTest, word: str) -> AppTest:
    app.get("segmented_control")[0].set_value(word)
    return press(app, "Save")


def progress(app: AppTest) -> str:
    return app.get("progress")[0].text


def said(engine: Engine) -> list[tuple[int, int, str | None, bool]]:
    with store.reading(engine) as session:
        rows = session.exec(select(Comparison).order_by(col(Comparison.id)))
        return [(row.left_answer_id, row.right_answer_id, row.preference, row.current) for row in rows]


def order(engine: Engine, name: str = "Anna", seed: int = 1) -> list[tuple[int, int]]:
    with store.reading(engine) as session:
        standing = comparisons.get_standing(name, (1, 2), seed, session=session)
    return [(pair.left, pair.right) for pair in standing.order]


def test_from_choosing_to_the_first_pair(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = open_page(monkeypatch, str(engine.url), "score", runs="1,2", mode="Two side by side")
    assert button(app, "Start comparing").disabled
    app.text_input[0].set_value("Anna").run()
    press(app, "Start comparing")
    assert dict(app.query_params).get("pairs") == "1-2"
    assert "Anna" not in repr(dict(app.query_params))
    assert progress(app) == f"0 of {N} pairs compared by you"


def test_one_run_alone_makes_no_pair(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = open_page(monkeypatch, str(engine.url), "score", runs="1", mode="Two side by side")
    assert "at least two runs" in app.info[0].value


def test_a_word_is_kept_with_the_sides_as_shown_and_the_next_pair_comes(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
):
    app = at_work(monkeypatch, engine)
    for word in ("left", "same", "right"):
        say(app, word)
    assert said(engine) == [
        (*pair, word, True) for pair, word in zip(order(engine), ("left", "same", "right"), strict=False)
    ]
    assert progress(app) == f"3 of {N} pairs compared by you"
    assert app.get("segmented_control")[0].value is None


def test_without_a_choice_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = press(at_work(monkeypatch, engine), "Save")
    assert "Which answer is better?" in app.warning[-1].value
    assert said(engine) == []


def test_back_undo_and_skip(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = say(at_work(monkeypatch, engine), "left")
    press(app, "Back")
    assert app.get("segmented_control")[0].value == "left"
    say(app, "right")
    press(app, "Undo last save")
    assert app.get("segmented_control")[0].value == "left"
    press(app, "Undo last save")
    assert app.get("segmented_control")[0].value is None
    assert [row[2] for row in said(engine)] == ["left", "right", "left", None]
    press(app, "Skip")
    say(app, "same")
    assert said(engine)[-1][:2] == order(engine)[1]


def test_when_all_pairs_are_compared_who_did_is_shown(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = at_work(monkeypatch, engine)
    for _ in range(N):
        say(app, "same")
    assert f"all {N} pairs" in app.success[0].value
    assert app.dataframe[0].value[["name", "n"]].values.tolist() == [["Anna", N]]
    press(app, "Back")
    assert app.get("segmented_control")[0].value == "same"


def test_the_link_reproduces_order_and_seed_and_asks_for_a_name(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = open_page(monkeypatch, str(engine.url), "score", pairs="1-2", seed="5")
    app.text_input[0].set_value("Berta").run()
    press(app, "Start")
    say(app, "left")
    assert said(engine)[0][:2] == order(engine, "Berta", 5)[0]


def test_nothing_sent_to_the_browser_tells_whose_answers_they_are(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = at_work(monkeypatch, engine)
    for pair in order(engine):
        whole = re.sub(r"js_content: .*", "", sent(app))
        for target in TARGETS:
            assert not [name for name in (target.name, *target.models, "test-judge") if name in whole]
        bare = re.sub(r"[0-9a-f]{16,}", "", whole)
        assert not [answer_id for answer_id in pair if re.search(rf"-{answer_id}\b", bare)]
        say(app, "left")


def test_what_the_database_refuses_is_said_and_one_stays(monkeypatch: pytest.MonkeyPatch, engine: Engine):
    app = at_work(monkeypatch, engine)
    with store.writing(engine) as session:
        session.execute(update(Answer).where(col(Answer.id) == order(engine)[0][0]).values(error_kind="forgotten"))
    say(app, "left")
    assert "can no longer be compared" in app.warning[-1].value
    assert said(engine) == []


@pytest.mark.parametrize("written", ["x", "", "99-98", "1"])
def test_an_address_of_no_pairs_leads_somewhere(monkeypatch: pytest.MonkeyPatch, engine: Engine, written: str):
    app = at_work(monkeypatch, engine, written)
    assert app.text_input
    assert not app.exception
