"""people_frames.py and what frames.py takes of people's scores: which draw led to a score decides what it may tell."""

from typing import Any

import pandas as pd
import peopled
import pytest
from peopled import WHOLE, draw, draws, save, score_all, take
from plans import plans, statements
from sqlalchemy import Engine

from db import comparisons, frames, people_frames, scoring, store
from db.comparisons import Compared
from db.drawing import Allocation
from db.models import Design, Preference
from db.scoring import Given
from eval.quality_number import quality_numbers

LOW = Given({"coherence": 1, "factuality": 2, "conciseness": 1})
PARTLY = Given({"coherence": 5, "factuality": None, "conciseness": 3})

template, engine = peopled.fixtures(questions=31)


def read(engine: Engine, frame: Any, *given: Any) -> list[dict[str, Any]]:
    with store.reading(engine) as session:
        return frames.records(frame(*given, session=session))


def hand_scores(engine: Engine, run_id: int = 1) -> list[dict[str, Any]]:
    return read(engine, people_frames.hand_scores_frame, run_id)


def plain(engine: Engine, run_id: int = 1, criterion: str = "coherence") -> dict[int, float]:
    """What stands in the plain mean of the people: by question."""
    found = read(engine, frames.question_scores_frame, run_id)
    return {
        row["question_id"]: row["mean"] for row in found if row["kind"] == "person" and row["criterion"] == criterion
    }


# --- what may stand in a plain mean -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "enters"),
    [
        ({"size": 20}, True),
        ({"size": 20, "design": Design.stratified}, True),
        ({"size": 20, "design": Design.stratified, "allocation": Allocation.spread}, False),
        ({"size": 20, "design": Design.disagreement, "threshold": 3.5}, False),
    ],
)
def test_only_scores_of_questions_with_equal_chances_enter_a_plain_mean(
    engine: Engine, wish: dict[str, Any], enters: bool
):
    score_all(engine, draw(engine, **wish))
    assert bool(plain(engine)) == enters
    scored = {row["question_id"] for row in hand_scores(engine)}
    assert scored
    if enters:
        assert set(plain(engine)) == scored


def test_a_sample_of_other_runs_scores_or_of_none_does_not_matter(engine: Engine):
    score_all(engine, draw(engine, run_ids=(2,), size=9, design=Design.disagreement, threshold=3.5))
    with store.writing(engine) as session:
        answer = peopled.answers(engine)[0]
        scoring.save_given(answer.id or 0, WHOLE, name="Anna", rubric=peopled.rubric(), session=session)
    assert plain(engine) == {answer.question_id: 5}


def test_a_later_score_in_a_disagreement_sample_does_not_hide_the_one_of_the_random_sample(engine: Engine):
    disputed = draw(engine, design=Design.disagreement, threshold=3.5)
    score_all(engine, draw(engine))
    before = plain(engine)
    score_all(engine, disputed, given=LOW)
    assert plain(engine) == before
    assert set(before.values()) == {5}


def test_scores_that_were_taken_back_enter_nothing(engine: Engine):
    sample_id = draw(engine, size=2, run_ids=(1,))
    score_all(engine, sample_id)
    with store.writing(engine) as session:
        scoring.undo_last(sample_id, scoring.save_person("Anna", session=session), session=session)
    assert len(plain(engine)) == 1
    assert len({row["question_id"] for row in hand_scores(engine)}) == 1


# --- with their draw ----------------------------------------------------------------------------------------------


def test_a_hand_score_is_the_mean_over_people_with_stratum_and_probability(engine: Engine):
    sample_id = draw(engine, design=Design.stratified, size=20, allocation=Allocation.spread, double_share=1)
    score_all(engine, sample_id)
    score_all(engine, sample_id, "Berta", LOW)
    of = {answer.id: answer for answer in peopled.answers(engine)}
    wanted = {
        of[one.answer_id].question_id: (one.stratum, one.probability)
        for one in draws(engine, sample_id)
        if of[one.answer_id].run_id == 1
    }
    found = [row for row in hand_scores(engine) if row["criterion"] == "coherence"]
    assert {row["question_id"]: (row["stratum"], row["probability"]) for row in found} == wanted
    assert {(row["mean"], row["n_answers"], row["n_verdicts"]) for row in found} == {(3, 1, 2)}
    assert {(row["sample_id"], row["design"]) for row in found} == {(sample_id, "stratified")}
    overall = [row for row in hand_scores(engine) if row["criterion"] == "overall"]
    assert [row["mean"] for row in overall] == pytest.approx([(4 + 4 / 3) / 2] * len(overall))


def test_overall_needs_every_criterion(engine: Engine):
    sample_id = draw(engine, size=1, run_ids=(1,))
    score_all(engine, sample_id, given=PARTLY)
    assert {row["criterion"] for row in hand_scores(engine)} == {"coherence", "conciseness"}


def test_scores_that_were_picked_have_no_probability(engine: Engine):
    score_all(engine, draw(engine, run_ids=(1,), design=Design.disagreement, threshold=3.5, size=3))
    with store.writing(engine) as session:
        answer = peopled.answers(engine)[0]
        scoring.save_given(answer.id or 0, WHOLE, name="Anna", rubric=peopled.rubric(), session=session)
    found = hand_scores(engine)
    assert {(row["design"], row["probability"], row["stratum"]) for row in found} == {
        (None, None, ""), ("disagreement", None, ""),
    }  # fmt: skip


def test_two_samples_stand_apart_and_a_persons_newest_word_in_each_counts(engine: Engine):
    one, other = draw(engine, run_ids=(1,)), draw(engine, run_ids=(1,))
    for handed in score_all(engine, one):
        save(engine, handed, LOW)
    score_all(engine, other)
    means = {(row["sample_id"], row["mean"]) for row in hand_scores(engine) if row["criterion"] == "coherence"}
    assert means == {(one, 1), (other, 5)}


@pytest.mark.parametrize("design", [Design.random, Design.stratified])
def test_the_strata_hold_every_question_of_the_run_drawn_or_not(engine: Engine, design: Design):
    sample_id = draw(engine, design=design, size=20)
    found = read(engine, people_frames.strata_frame, sample_id, 1)
    answered = {answer.question_id for answer in peopled.answers(engine) if answer.run_id == 1}
    assert sorted(row["question_id"] for row in found) == sorted(answered)
    of = {answer.id: answer for answer in peopled.answers(engine)}
    by_question = {row["question_id"]: (row["stratum"], row["probability"]) for row in found}
    for one in draws(engine, sample_id):
        if of[one.answer_id].run_id == 1:
            assert by_question[of[one.answer_id].question_id] == (one.stratum, one.probability)


def test_without_strata_the_frame_is_empty_with_its_columns(engine: Engine):
    disputed = draw(engine, design=Design.disagreement, threshold=3.5)
    for sample_id, run_id in ((disputed, 1), (draw(engine, run_ids=(1,)), 2), (99, 1)):
        with store.reading(engine) as session:
            frame = people_frames.strata_frame(sample_id, run_id, session=session)
        assert frame.empty
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == ["question_id", "stratum", "probability"]


def test_every_persons_score_of_every_answer_is_there_for_agreement(engine: Engine):
    sample_id = draw(engine, size=2, double_share=1, run_ids=(1,))
    score_all(engine, sample_id)
    handed = take(engine, sample_id, "Berta")
    assert handed
    save(engine, handed, PARTLY, "Berta")
    found = read(engine, people_frames.hand_verdicts_frame, 1)
    mine = [(r["rater"], r["criterion"], r["value"]) for r in found if r["answer_id"] == handed.answer_id]
    assert sorted(mine) == [
        ("Anna", "coherence", 5), ("Anna", "conciseness", 3), ("Anna", "factuality", 4), ("Anna", "overall", 4),
        ("Berta", "coherence", 5), ("Berta", "conciseness", 3),
    ]  # fmt: skip
    assert len(found) == 4 + 4 + 2


def test_preferences_name_the_runs_on_their_sides(engine: Engine):
    with store.writing(engine) as session:
        order = comparisons.get_standing("Anna", (1, 2), 1, session=session).order
        for pair, word in zip(order[:3], Preference, strict=True):
            comparisons.save_comparison(pair, Compared(word), name="Anna", session=session)
        comparisons.undo_last(scoring.save_person("Anna", session=session), (1, 2), session=session)
    of = {answer.id: answer.run_id for answer in peopled.answers(engine)}
    found = read(engine, people_frames.preferences_frame, [1, 2])
    assert [(r["question_id"], r["left_run_id"], r["right_run_id"], r["rater"], r["preference"]) for r in found] == [
        (pair.question_id, of[pair.left], of[pair.right], "Anna", word)
        for pair, word in zip(order[:2], ("left", "same"), strict=True)
    ]
    assert read(engine, people_frames.preferences_frame, [1]) == []


def test_the_frames_read_no_whole_table(engine: Engine):
    sample_id = draw(engine, size=5)
    score_all(engine, sample_id)
    with statements(engine) as sent:
        hand_scores(engine)
        read(engine, people_frames.hand_verdicts_frame, 1)
        read(engine, people_frames.strata_frame, sample_id, 1)
        read(engine, people_frames.preferences_frame, [1, 2])
        plain(engine)
    for plan in plans(engine, sent):
        for table in ("answer", "assessment", "score", "draw", "comparison", "sample", "one", "other"):
            assert f"SCAN {table};" not in f"{plan};".replace(" USING", ";"), plan


def test_a_stratified_sample_gives_a_quality_number_also_when_half_of_it_is_scored(engine: Engine):
    sample_id = draw(engine, design=Design.stratified, size=40)
    for handed in iter(lambda: take(engine, sample_id), None):
        save(engine, handed, Given({**WHOLE.values, "coherence": 1 + handed.draw_id % 5}))
        if handed.place == 20:
            break
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2)]
    for found in quality_numbers(runs, engine, "coherence"):
        assert found.sample_ids == (sample_id,)
        assert found.number.method in ("human-corrected", "people alone")
        assert found.number.n_people >= 8
        assert found.number.n_questions == 30


def test_criteria_on_different_scales_have_no_overall(engine: Engine):
    mixed = peopled.rubric("2")
    mixed.body = {**mixed.body, "criteria": [dict(c) for c in mixed.body["criteria"]]}
    mixed.body["criteria"][0] |= {"low": 0, "high": 10}
    with store.writing(engine) as session:
        answer_id = peopled.answers(engine)[0].id or 0
        scoring.save_given(answer_id, WHOLE, name="Anna", rubric=mixed, session=session)
    assert {row["criterion"] for row in hand_scores(engine)} == {"coherence", "factuality", "conciseness"}
