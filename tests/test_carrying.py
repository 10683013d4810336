"""What a person scored in another queue counts in this one, in its turn, and is never shown to them again."""

import peopled
import pytest
from sqlalchemy import Engine, update
from sqlmodel import col, select

from db import carrying, frames, handouts, people_frames, scoring, store
from db.handouts import Handed
from db.models import Answer, Assessment, Design, Score
from db.scoring import Given

OTHER = Given({"coherence": 1, "factuality": 2, "conciseness": 3})

template, engine = peopled.fixtures(questions=13)  # two runs of twelve answers


def following(engine: Engine, sample_id: int, name: str = "Anna") -> Handed | None:
    rater_id = peopled.person(engine, name)
    with store.writing(engine) as session:
        return carrying.next_to_score(sample_id, rater_id, session=session)


def score_rest(engine: Engine, sample_id: int, name: str = "Anna", given: Given = OTHER) -> list[int]:
    """The answers a person is shown, and scores, until nothing is left for them."""
    shown: list[int] = []
    while handed := following(engine, sample_id, name):
        peopled.save(engine, handed, given, name)
        shown.append(handed.answer_id)
    return shown


def in_sample(engine: Engine, sample_id: int) -> set[int]:
    return {one.answer_id for one in peopled.draws(engine, sample_id)}


def test_nobody_is_handed_the_same_answer_in_two_queues_and_none_is_left_out(engine: Engine) -> None:
    first = peopled.draw(engine, size=10, double_share=0, seed=1)
    before = {one.answer_id for one in peopled.score_all(engine, first)}
    second = peopled.draw(engine, size=14, double_share=0, seed=2)
    both = before & in_sample(engine, second)
    assert 0 < len(both) < 10
    shown = score_rest(engine, second)
    assert set(shown) == in_sample(engine, second) - before
    with store.reading(engine) as session:
        assert handouts.get_progress(second, session=session).n_done == 14
        rater_id = peopled.person(engine, "Anna")
        assert carrying.count_carried(second, rater_id, session=session) == len(both)
        rows = session.exec(select(Assessment).where(col(Assessment.parameters).is_not(None))).all()
        carried = [row for row in rows if scoring.CARRIED in row.parameters]
        assert {row.answer_id for row in carried} == both
        for row in carried:
            values = session.exec(
                select(Score.value).where(Score.assessment_id == row.id).order_by(col(Score.id))
            ).all()
            assert list(values) == [5, 4, 3]  # as they were given, whatever was given since to others


def test_the_means_of_both_queues_hold_the_score_once_each(engine: Engine) -> None:
    first = peopled.draw(engine, run_ids=(1,), double_share=0)
    peopled.score_all(engine, first)
    second = peopled.draw(engine, run_ids=(1,), double_share=0, seed=2)
    assert score_rest(engine, second) == []
    with store.reading(engine) as session:
        found = frames.records(people_frames.hand_scores_frame(1, session=session))
    overall = [row for row in found if row["criterion"] == "overall"]
    assert {row["sample_id"]: row["n_verdicts"] for row in overall} == {first: 1, second: 1}
    assert {row["mean"] for row in overall} == {4.0}


def test_only_what_is_before_the_turn_of_a_new_answer_is_carried_over(engine: Engine) -> None:
    """All at once would make the scored part of a queue the part that was scored before, not a beginning of it."""
    first = peopled.draw(engine, size=16, double_share=0)
    peopled.score_all(engine, first)
    second = peopled.draw(engine, double_share=0, seed=2)
    following(engine, second)
    with store.reading(engine) as session:
        done = handouts.get_progress(second, session=session).n_done
    assert done < len(in_sample(engine, first) & in_sample(engine, second))


def test_a_score_from_the_disagreement_queue_counts_where_the_answer_is_drawn(engine: Engine) -> None:
    with store.writing(engine) as session:
        session.execute(update(Answer).where(col(Answer.id) > 0).values(text="Invented."))
    picked = peopled.draw(engine, design=Design.disagreement, threshold=3.5, double_share=0)
    known = {one.answer_id for one in peopled.score_all(engine, picked)}
    drawn = peopled.draw(engine, double_share=0)
    assert known
    assert known.isdisjoint(score_rest(engine, drawn))


@pytest.mark.parametrize("what", ["somebody else", "taken back", "another text"])
def test_what_is_not_this_persons_standing_score_of_this_text_is_shown(engine: Engine, what: str) -> None:
    first = peopled.draw(engine, size=1, double_share=0)
    (handed,) = peopled.score_all(engine, first)
    rater_id = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        if what == "taken back":
            scoring.undo_last(first, rater_id, session=session)
        if what == "another text":
            session.execute(update(Answer).where(col(Answer.id) == handed.answer_id).values(sha256="f" * 64))
    second = peopled.draw(engine, double_share=0, seed=2)
    assert handed.answer_id in score_rest(engine, second, "Berta" if what == "somebody else" else "Anna")


def test_undo_takes_back_what_was_given_here_and_restores_what_was_carried_over(engine: Engine) -> None:
    first = peopled.draw(engine, run_ids=(1,), double_share=0)
    peopled.score_all(engine, first)
    second = peopled.draw(engine, run_ids=(1,), double_share=0, seed=2)
    assert following(engine, second) is None
    rater_id = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        assert scoring.undo_last(second, rater_id, session=session) is None  # nothing was given here
        before = handouts.get_before(second, rater_id, None, session=session)
    assert before is not None
    peopled.save(engine, before, OTHER)
    with store.writing(engine) as session:
        assert scoring.undo_last(second, rater_id, session=session) == before.draw_id
        sha = peopled.SHA
        given = scoring.get_given(before.answer_id, rater_id, sha, draw_id=before.draw_id, session=session)
        changes = scoring.list_changes(before.answer_id, session=session)
    assert given == peopled.WHOLE
    assert [(one.carried, one.undo) for one in changes] == [(False, False), (True, False), (False, False), (True, True)]
