"""The Score page: queues drawn and gone on with, blind, every save kept, and nothing stored twice."""

import re
from datetime import UTC, datetime
from pathlib import Path

import peopled
import pytest
from pages import button, open_page, parsed, press, sent, texts
from samples import TARGETS, add_group
from sqlalchemy import Engine, update
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from dashboard.answer_card import RATER_FLAGS
from dashboard.sample_log import changes_frame, shares_frame
from db import sampling, scoring, store
from db.models import Answer, Assessment, Design, Handout, Question, Rater, RaterKind, Sample, Score
from db.scoring import Given
from eval.rubric import built_in

N = 3 * 4  # three runs, five questions, the first failed
RUNS = (1, 2, 3)


@pytest.fixture
def engine(answers_engine: Engine) -> Engine:
    return answers_engine


@pytest.fixture
def url(engine: Engine) -> str:
    return str(engine.url)


@pytest.fixture
def sample_id(engine: Engine) -> int:
    """All twelve answers, one of them for two people."""
    return peopled.draw(engine, run_ids=RUNS)


def at_work(monkeypatch: pytest.MonkeyPatch, url: str, sample_id: int, name: str = "Anna") -> AppTest:
    """The page of somebody whose name this tab knows, at the address of a sample."""
    app = open_page(monkeypatch, url, "score")
    app.query_params.clear()
    app.query_params["sample"] = str(sample_id)
    app.session_state["_rater"] = name
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def give(app: AppTest, *scores: int) -> AppTest:
    for control, score in zip(app.get("segmented_control"), scores, strict=False):
        control.set_value(score)
    return app


def shown(app: AppTest) -> list[int | None]:
    return [control.value for control in app.get("segmented_control")]


def rows(engine: Engine) -> list[Assessment]:
    with store.reading(engine) as session:
        query = select(Assessment).join(Rater).where(Rater.kind == RaterKind.person).order_by(col(Assessment.id))
        return list(session.exec(query))


def samples_in(engine: Engine) -> list[Sample]:
    with store.reading(engine) as session:
        return list(session.exec(select(Sample).order_by(col(Sample.id))))


def held(engine: Engine, name: str = "Anna") -> int:
    """The answer in a person's hands."""
    with store.reading(engine) as session:
        query = (
            select(Handout.draw_id)
            .join(Rater)
            .where(Rater.name == name, col(Handout.done_at).is_(None), col(Handout.skipped).is_(False))
        )
        draw_id = session.exec(query).one()
        return next(
            d.answer_id for s in samples_in(engine) for d in peopled.draws(engine, s.id or 0) if d.id == draw_id
        )


def progress(app: AppTest) -> str:
    return app.get("progress")[0].text


# --- before the first answer ---------------------------------------------------------------------------------------


def test_an_empty_database_says_how_to_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    app = open_page(monkeypatch, f"sqlite:///{tmp_path / 'empty.db'}", "score")
    assert "There are no runs yet" in app.info[0].value
    assert not app.button


def test_a_name_is_asked_for_and_the_address_then_names_the_queue_and_nobody(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine
):
    app = open_page(monkeypatch, url, "score")
    assert button(app, "Enter your name to start").disabled
    app.text_input[0].set_value("  Anna  B ").run()
    press(app, "Draw and start")
    (sample,) = samples_in(engine)
    assert dict(app.query_params) == {"sample": str(sample.id)}
    assert len(shown(app)) == 3
    assert (sample.design, sample.created_by, sorted(sample.run_ids)) == (Design.stratified, "Anna B", [1, 2, 3])


def test_what_is_chosen_is_what_is_drawn(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    app = open_page(monkeypatch, url, "score")
    app.text_input[0].set_value("Anna").run()
    app.get("segmented_control")[1].set_value(Design.random).run()
    app.multiselect(key="_new_categories").set_value(["summary", "reasoning"]).run()
    by_label = {control.label: control for control in app.number_input}
    by_label["Scored by two people, %"].set_value(50).run()
    next(control for control in app.number_input if control.label == "Answers to score").set_value(4).run()
    press(app, "Draw and start")
    (sample,) = samples_in(engine)
    drawn = peopled.draws(engine, sample.id or 0)
    assert (sample.design, sample.double_share, sample.definition) == (
        "random", 0.5, {"size": 4, "categories": ["summary", "reasoning"]},
    )  # fmt: skip
    assert (len(drawn), sum(one.double for one in drawn)) == (4, 2)


def test_a_disagreement_queue_says_that_its_scores_enter_no_mean(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine
):
    app = open_page(monkeypatch, url, "score")
    app.text_input[0].set_value("Anna").run()
    app.get("segmented_control")[1].set_value(Design.disagreement).run()
    assert "never enter a mean" in "".join(caption.value for caption in app.caption)
    press(app, "Draw and start")
    assert "judges and readings agree" in app.warning[-1].value
    next(control for control in app.number_input if control.label == "Decision near a mean of").set_value(3.5).run()
    press(app, "Draw and start")
    (sample,) = samples_in(engine)
    assert (sample.design, sample.definition["threshold"]) == ("disagreement", 3.5)
    for _ in peopled.draws(engine, sample.id or 0):
        press(give(app, 3, 3, 3), "Save")
    assert "stay out of every mean" in app.success[0].value


def test_runs_without_an_answer_to_score_are_said(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    with store.writing(engine) as session:
        session.execute(update(Answer).values(error_kind="timeout"))
    assert "no answer that could be scored" in open_page(monkeypatch, url, "score").info[0].value


def test_with_one_target_the_scores_are_not_called_blind(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    app = open_page(monkeypatch, url, "score", runs="1")
    assert "stored as not blind" in "".join(caption.value for caption in app.caption)
    press(give(at_work(monkeypatch, url, peopled.draw(engine, run_ids=(1,))), 5, 4, 3), "Save")
    assert [row.blind for row in rows(engine)] == [False]


def test_a_whole_group_is_chosen_at_once(monkeypatch: pytest.MonkeyPatch, url: str):
    add_group(url, targets=TARGETS[:2], questions=5)
    app = open_page(monkeypatch, url, "score", runs="1,4")
    groups = next(box for box in app.selectbox if box.label == "Whole group")
    assert len(groups.options) == 2
    groups.select_index(1).run()
    assert app.query_params["runs"] == "1,2,3"


def test_queues_under_way_are_offered_with_how_far_they_are(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    peopled.score_all(engine, peopled.draw(engine, size=2, name="spring", run_ids=RUNS))
    app = open_page(monkeypatch, url, "score")
    assert [bar.text for bar in app.get("progress")] == ["2 of 2 scored", f"0 of {N} scored"]
    assert "**spring**" in parsed(app)
    assert button(app, "Go on").disabled, "without a name"
    app.text_input[0].set_value("Berta").run()
    app.button(key=f"_score_{sample_id}").click().run()
    assert app.query_params["sample"] == str(sample_id)
    assert held(engine, "Berta")


def test_a_queue_nobody_scored_can_be_discarded(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    peopled.draw(engine, run_ids=RUNS)
    press(open_page(monkeypatch, url, "score"), "Discard")
    assert samples_in(engine) == []


@pytest.mark.parametrize("written", ["x", "999", "9" * 30, "-1"])
def test_an_address_of_no_queue_leads_to_the_beginning(monkeypatch: pytest.MonkeyPatch, url: str, written: str):
    app = open_page(monkeypatch, url, "score", sample=written)
    app.session_state["_rater"] = "Anna"
    app.run()
    assert len(app.get("segmented_control")) <= 2
    assert app.text_input
    assert not app.exception


def test_a_gone_queue_is_said(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "score", sample="999")
    assert "no sample 999" in app.warning[-1].value


def test_who_follows_a_link_is_only_asked_for_a_name(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = open_page(monkeypatch, url, "score", sample=str(sample_id))
    assert app.get("segmented_control") == []
    assert button(app, "Start").disabled
    app.text_input[0].set_value("Carl").run()
    press(app, "Start")
    assert len(shown(app)) == 3
    assert dict(app.query_params) == {"sample": str(sample_id)}
    assert held(engine, "Carl")


# --- blind ---------------------------------------------------------------------------------------------------------


def test_nothing_sent_to_the_browser_tells_whose_answer_it_is(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = at_work(monkeypatch, url, sample_id)
    for _ in range(4):
        whole = re.sub(r"js_content: .*", "", sent(app)) + repr(dict(app.query_params))
        answer_id = held(engine)
        assert texts(app)[1]
        for target in TARGETS:
            for name in (target.name, *target.models):
                assert name not in whole
        for word in ("test-judge", "because of", "first token", "tokens/s"):
            assert word not in whole
        assert not re.search(rf"-{answer_id}\b", re.sub(r"[0-9a-f]{16,}", "", whole)), "no key holds the answer's id"
        press(give(app, 3, 3, 3), "Save")


def test_every_anchor_of_the_rubric_stands_beside_the_controls(
    monkeypatch: pytest.MonkeyPatch, url: str, sample_id: int
):
    told = "\n".join(each.value for each in at_work(monkeypatch, url, sample_id).caption).replace("\\", "")
    for criterion in built_in().criteria:
        for score, anchor in criterion.anchors.items():
            assert f"**{score}** {anchor}" in told.replace("\u2060", "")


def test_in_a_disagreement_queue_the_reason_is_not_told(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    disputed = peopled.draw(engine, run_ids=RUNS, design=Design.disagreement, threshold=3.5)
    assert "threshold" in peopled.draws(engine, disputed)[0].reason
    assert "threshold" not in sent(at_work(monkeypatch, url, disputed))


# --- saving --------------------------------------------------------------------------------------------------------


def test_a_save_is_in_the_database_before_the_next_answer_shows(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = give(at_work(monkeypatch, url, sample_id), 5, 4, 0)
    first = held(engine)
    app.text_area[0].set_value("a note")
    app.get("pills")[0].set_value(["second_look", "reference_wrong"])
    press(app, "Save")
    (row,) = rows(engine)
    assert (row.answer_id, row.position, row.status) == (first, 1, "partial")
    assert (row.blind, row.note, row.flags) == (True, "a note", ["reference_wrong", "second_look"])
    assert row.draw_id in {one.id for one in peopled.draws(engine, sample_id)}
    with store.reading(engine) as session:
        scores = {s.criterion: s.value for s in session.exec(select(Score).where(Score.assessment_id == row.id))}
    assert scores == {"coherence": 5, "factuality": 4, "conciseness": None}
    assert held(engine) != first
    assert shown(app) == [None, None, None]
    assert app.text_area[0].value == ""
    assert app.get("pills")[0].value == []
    assert progress(app) == f"1 of {N} scored, 1 by you; 0 of 1 by two people"


def test_a_missing_score_is_said_and_nothing_is_stored(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = press(give(at_work(monkeypatch, url, sample_id), 5), "Save")
    assert app.warning[-1].value == "No score yet for factuality and conciseness\\."
    assert rows(engine) == []
    assert shown(app) == [5, None, None]
    press(give(app, 5, 4, 3), "Save")
    assert [row.status for row in rows(engine)] == ["ok"]
    assert not [w for w in app.warning if "No score yet" in w.value]


def test_two_people_get_different_answers_and_see_each_others_progress(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    anna = at_work(monkeypatch, url, sample_id)
    berta = at_work(monkeypatch, url, sample_id, "Berta")
    assert held(engine, "Anna") != held(engine, "Berta")
    press(give(anna, 5, 4, 3), "Save")
    press(give(berta, 5, 4, 3), "Save")
    assert progress(berta) == f"2 of {N} scored, 1 by you; 0 of 1 by two people"


def test_who_waits_for_others_is_told_when_their_answers_come_free_and_why_two_people(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine
):
    sample_id = peopled.draw(engine, run_ids=RUNS, size=1, double_share=1)
    anna = at_work(monkeypatch, url, sample_id)
    (said,) = [caption.help for caption in anna.caption if caption.value.endswith("by two")]
    assert "gets them only once the first has saved" in said
    with store.writing(engine) as session:
        session.execute(update(Handout).values(handed_at=datetime(2126, 11, 2, 13, 35, tzinfo=UTC)))
    berta = at_work(monkeypatch, url, sample_id, "Berta")
    assert berta.info[0].value == (
        "Nothing is left for you now: 1 answer is in other hands. It comes free 30 minutes after it was last opened, "
        "at the latest at 14:05 UTC."
    )


def test_a_reload_shows_the_same_answer(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int):
    app = press(give(at_work(monkeypatch, url, sample_id), 5, 4, 3), "Save")
    before = held(engine), texts(app)
    again = at_work(monkeypatch, url, sample_id, "anna")
    assert (held(engine), texts(again)) == before


def test_skip_gives_an_answer_back_and_it_comes_again_at_the_end(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = at_work(monkeypatch, url, sample_id)
    first = held(engine)
    press(app, "Skip")
    for _ in range(N - 1):
        assert held(engine) != first
        press(give(app, 3, 3, 3), "Save")
    assert held(engine) == first
    press(app, "Skip")
    assert held(engine) == first
    assert progress(app).startswith(f"{N - 1} of {N} scored")


def test_a_choice_that_was_not_saved_is_gone_when_the_answer_comes_back(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine
):
    app = give(at_work(monkeypatch, url, peopled.draw(engine, size=1, run_ids=RUNS)), 5, 4)
    press(app, "Skip")
    assert shown(app) == [None, None, None]


def test_back_shows_what_was_given_and_a_change_is_another_row(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = at_work(monkeypatch, url, sample_id)
    app.get("pills")[0].set_value(["unreadable"])
    press(give(app, 5, 4, 0), "Save")
    following = held(engine)
    press(app, "Back")
    assert shown(app) == [5, 4, 0]
    assert app.get("pills")[0].value == ["unreadable"]
    assert button(app, "Back").disabled
    press(app, "Save")
    assert len(rows(engine)) == 1, "the same scores again are not stored again"
    assert held(engine) == following
    press(app, "Back")
    press(give(app, 5, 4, 2), "Save")
    assert [(row.status, row.current) for row in rows(engine)] == [("partial", False), ("ok", True)]


def test_undo_takes_the_last_save_back_and_shows_that_answer(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = at_work(monkeypatch, url, sample_id)
    assert button(app, "Undo last save").disabled
    first = held(engine)
    before = texts(app)
    press(give(app, 5, 4, 3), "Save")
    press(app, "Undo last save")
    assert texts(app) == before
    assert app.toast[0].value == "Took back the scores of answer 1."
    assert shown(app) == [None, None, None]
    assert [(row.answer_id, row.status, row.current) for row in rows(engine)] == [
        (first, "ok", False), (first, "withdrawn", True),
    ]  # fmt: skip


def test_undo_of_a_changed_score_shows_the_earlier_one(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = press(give(at_work(monkeypatch, url, sample_id), 5, 4, 3), "Save")
    press(give(press(app, "Back"), 1, 1, 1), "Save")
    press(app, "Undo last save")
    assert app.toast[0].value == "The earlier scores of answer 1 hold again."
    assert shown(app) == [5, 4, 3]
    assert [row.current for row in rows(engine)] == [False, False, True]


@pytest.mark.parametrize("move", ["save", "skip", "undo"])
def test_a_key_pressed_twice_before_the_page_moved_acts_once(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int, move: str
):
    """Both presses reach the button as it was drawn for one answer; the second must not act on another."""

    def twice(move: str) -> None:
        import streamlit as st  # noqa: PLC0415 - AppTest runs the body alone

        from dashboard import score_desk  # noqa: PLC0415

        desk = score_desk.at_work("Anna")
        assert desk
        for criterion in desk.rubric.criteria:
            st.session_state[desk.key(f"choice-{criterion.id}")] = 2
        getattr(score_desk, move)(desk)
        getattr(score_desk, move)(desk)

    app = press(give(at_work(monkeypatch, url, sample_id), 5, 4, 3), "Save")
    press(give(app, 5, 4, 3), "Save")
    second = AppTest.from_function(twice, args=(move,), default_timeout=60)
    second.query_params["sample"] = str(sample_id)
    assert not second.run().exception
    wanted = {"save": ["ok"] * 3, "skip": ["ok"] * 2, "undo": ["ok", "ok", "withdrawn"]}
    assert [row.status for row in rows(engine)] == wanted[move]
    with store.reading(engine) as session:
        skipped = session.exec(select(Handout).where(col(Handout.skipped).is_(True))).all()
    assert len(skipped) == (move == "skip")


def test_when_all_are_scored_thanks_and_the_way_on(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = at_work(monkeypatch, url, sample_id)
    for _ in range(N):
        press(give(app, 3, 3, 3), "Save")
    assert f"All {N} answers are scored" in app.success[0].value
    assert [link.label for link in app.page_link] == ["Overview", "Agreement of judges and people"]
    assert len(rows(engine)) == N
    press(app, "Back")
    assert shown(app) == [3, 3, 3]


def test_when_the_rest_is_in_other_hands_it_is_said(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    both = peopled.draw(engine, size=2, run_ids=RUNS, double_share=0)
    at_work(monkeypatch, url, both, "Berta")
    app = press(give(at_work(monkeypatch, url, both), 3, 3, 3), "Save")
    assert "1 answer is" in app.info[0].value


def test_stopping_leads_back_to_the_beginning_with_the_name_kept(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = press(give(at_work(monkeypatch, url, sample_id), 3, 3, 3), "Save")
    left = held(engine)
    press(app, "Stop here")
    others = [peopled.take(engine, sample_id, name) for name in map(str, range(N - 1))]
    assert left in {one.answer_id for one in others if one}, "what was in view is free for others at once"
    assert "sample" not in app.query_params
    assert app.text_input[0].value == "Anna"
    assert not button(app, "Go on").disabled


def test_what_the_database_refuses_is_said_and_one_stays(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    app = give(at_work(monkeypatch, url, sample_id), 5, 4, 3)
    with store.writing(engine) as session:
        session.execute(update(Answer).where(col(Answer.id) == held(engine)).values(error_kind="forgotten"))
    press(app, "Save")
    assert "can no longer be scored" in app.warning[-1].value
    assert rows(engine) == []


def test_the_simulator_is_named_but_not_whose_answers_are_simulated(
    monkeypatch: pytest.MonkeyPatch, url: str, sample_id: int
):
    assert "Simulated data" in at_work(monkeypatch, url, sample_id).warning[0].value


# --- who scored what -----------------------------------------------------------------------------------------------


def test_the_log_names_people_and_tells_every_change_of_an_answer(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine
):
    one = peopled.draw(engine, size=1, double_share=1, run_ids=RUNS)
    (handed,) = peopled.score_all(engine, one)
    peopled.score_all(engine, one, "Berta", Given({**peopled.WHOLE.values, "factuality": None}, "hm", ("unreadable",)))
    peopled.save(engine, handed, Given({**peopled.WHOLE.values, "coherence": 1}))
    app = press(open_page(monkeypatch, url, "score"), "Who scored what")
    people, history = (table.value for table in app.dataframe)
    assert people[["name", "n", "n_second"]].values.tolist() == [["Anna", 1, 0], ["Berta", 1, 1]]
    assert history[["who", "what", "coherence", "factuality", "flags", "note", "counts"]].values.tolist() == [
        ["Anna", "saved", "5", "4", "", "", False],
        ["Berta", "saved", "5", "cannot judge", "Not readable", "hm", True],
        ["Anna", "saved", "1", "4", "", "", True],
    ]


def test_who_still_scores_does_not_see_what_others_gave_unscored_answers(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
):
    handed = peopled.take(engine, sample_id)
    assert handed
    peopled.save(engine, handed)
    app = open_page(monkeypatch, url, "score")
    app.text_input[0].set_value("Berta").run()
    press(app, "Who scored what")
    assert len(app.dataframe) == 1
    assert "once you have scored it" in "".join(caption.value for caption in app.caption)


def test_a_restored_and_a_withdrawn_score_are_called_so(engine: Engine):
    one = peopled.draw(engine, size=1, run_ids=RUNS)
    (handed,) = peopled.score_all(engine, one)
    peopled.save(engine, handed, Given({**peopled.WHOLE.values, "coherence": 1}))
    rater_id = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        scoring.undo_last(one, rater_id, session=session)
        scoring.undo_last(one, rater_id, session=session)
    with store.reading(engine) as session:
        frame = changes_frame(scoring.list_changes(handed.answer_id, session=session))
    assert frame["what"].tolist() == ["saved", "saved", "restored", "taken back"]
    assert frame["coherence"].tolist() == ["5", "1", "5", ""]
    assert shares_frame([]).empty


def test_the_first_flag_is_the_one_of_the_key():
    assert next(iter(RATER_FLAGS)) == "second_look"


def test_a_sample_of_a_rubric_of_ones_own_is_scored_by_it(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    own = peopled.rubric("2")
    own.body = {**own.body, "criteria": own.body["criteria"][:1]}
    with store.writing(engine) as session:
        sample = sampling.draw_sample(sampling.Wish(RUNS), own, seed=1, session=session)
    app = at_work(monkeypatch, url, sample.id or 0)
    assert len(shown(app)) == 1
    press(give(app, 4), "Save")
    assert len(rows(engine)) == 1


def test_the_answers_page_shows_what_people_flagged(monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine):
    (handed,) = peopled.score_all(
        engine, peopled.draw(engine, size=1, run_ids=RUNS), given=Given(peopled.WHOLE.values, flags=("unreadable",))
    )
    with store.reading(engine) as session:
        question = session.get_one(Question, session.get_one(Answer, handed.answer_id).question_id)
    assert "Not readable" in parsed(open_page(monkeypatch, url, "answers", question=question.key))


def test_answers_that_another_queue_holds_too_are_told(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
) -> None:
    other = peopled.draw(engine, run_ids=RUNS, size=4, seed=2)
    shown = parsed(open_page(monkeypatch, url, "score")).replace("\\", "")
    assert f"may get, and score, the same: 4 in queue #{sample_id}." in shown
    assert f"may get, and score, the same: 4 in queue #{other}." in shown


def test_what_a_person_scored_in_another_queue_is_not_shown_again_and_said(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
) -> None:
    peopled.score_all(engine, peopled.draw(engine, run_ids=RUNS, size=4, seed=2, double_share=0))
    seen: set[int] = set()
    app = at_work(monkeypatch, url, sample_id)
    while app.get("segmented_control"):
        seen.add(held(engine))
        app = press(give(app, 5, 4, 3), "Save")
    assert len(seen) == N - 4
    assert app.get("progress")[0].text.startswith(f"{N} of {N} scored, {N} by you")
    assert "4 answers of this queue you had scored in another one: your scores count here too" in parsed(app)
    assert "is not shown to you again" in parsed(open_page(monkeypatch, url, "score"))


def test_queues_of_other_runs_on_the_qa_set_are_listed_folded(
    monkeypatch: pytest.MonkeyPatch, url: str, engine: Engine, sample_id: int
) -> None:
    newer = add_group(url, targets=TARGETS[:2], questions=5, version="1")
    app = open_page(monkeypatch, url, "score", runs=",".join(map(str, newer)))
    assert "1 queue of other runs on this QA set" in [each.label for each in app.expander]
    assert "runs #1, #2 and #3" in parsed(app).replace("\\", "")
    app.text_input[0].set_value("Anna").run()
    app.button(key=f"_score_{sample_id}").click().run()
    assert app.query_params["sample"] == str(sample_id)
    with store.reading(engine) as session:
        assert [head.sample_id for head in sampling.list_samples_beside(newer, session=session)] == [sample_id]
        assert sampling.list_samples_beside(RUNS, session=session) == []
        assert sampling.list_samples_beside([*RUNS[:1], *newer], session=session) == []  # listed as one of theirs
