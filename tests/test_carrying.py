"""What a person scored in another queue counts in this one, in its turn, and is never shown to them again."""

import peopled
import pytest
from sqlalchemy import Engine, update
from sqlmodel import col, select

from db import carrying, frames, handouts, people_frames, scoring, store, verdicts
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
        carried = [row for row in rows if verdicts.CARRIED in row.parameters]
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
    in_first, in_second = ([one for one in changes if one.sample.endswith(f"#{i}")] for i in (first, second))
    assert [(one.carried, one.undo) for one in in_second] == [(True, False), (False, False), (True, True)]
    assert [(one.carried, one.undo) for one in in_first] == [(False, False), (True, False), (True, True)]
    assert [one.given for one in in_first] == [peopled.WHOLE, OTHER, peopled.WHOLE]


# --- a change of mind ---------------------------------------------------------------------------------------------


def both_queues(engine: Engine, design: Design = Design.random) -> tuple[int, int, Handed, Handed]:
    """Two queues that hold one answer of run 1, scored by Anna in the first: their ids, and the answer in each."""
    wish = {"design": design, "threshold": 3.5} if design == Design.disagreement else {}
    first = peopled.draw(engine, run_ids=(1,), double_share=0, **wish)
    there = peopled.score_all(engine, first)[0]
    second = peopled.draw(engine, run_ids=(1,), double_share=0, seed=2)
    score_rest(engine, second)
    return first, second, there, held(engine, second, there.answer_id)


def held(engine: Engine, sample_id: int, answer_id: int, name: str = "Anna") -> Handed:
    (draw_id,) = [one.id for one in peopled.draws(engine, sample_id) if one.answer_id == answer_id]
    rater_id = peopled.person(engine, name)
    with store.reading(engine) as session:
        found = handouts.find_handed(draw_id or 0, rater_id, session=session)
    assert found is not None
    return found


def standing(engine: Engine, handed: Handed) -> Given | None:
    with store.reading(engine) as session:
        rater_id = peopled.person(engine, "Anna")
        return scoring.get_given(handed.answer_id, rater_id, peopled.SHA, draw_id=handed.draw_id, session=session)


def undo(engine: Engine, sample_id: int) -> int | None:
    rater_id = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        return scoring.undo_last(sample_id, rater_id, session=session)


@pytest.mark.parametrize("in_first", [True, False])
def test_a_changed_score_is_changed_in_both_queues(in_first: bool, engine: Engine) -> None:
    first, second, there, here = both_queues(engine)
    assert standing(engine, here) == peopled.WHOLE
    peopled.save(engine, there if in_first else here, OTHER)
    assert standing(engine, there) == standing(engine, here) == OTHER
    with store.reading(engine) as session:
        found = frames.records(people_frames.hand_scores_frame(1, session=session))
        question_id = session.exec(select(Answer.question_id).where(Answer.id == there.answer_id)).one()
    means = {
        row["sample_id"]: row["mean"]
        for row in found
        if (row["question_id"], row["criterion"]) == (question_id, "overall")
    }
    assert means == {first: 2.0, second: 2.0}
    last = Given({"coherence": 2, "factuality": 2, "conciseness": 2})
    peopled.save(engine, here if in_first else there, last)  # and back the other way
    assert standing(engine, there) == standing(engine, here) == last


def test_a_copy_is_known_where_an_import_gave_the_assessments_other_numbers(engine: Engine) -> None:
    _, _, there, here = both_queues(engine)
    with store.writing(engine) as session:
        session.execute(
            update(Assessment)
            .where(col(Assessment.draw_id) == here.draw_id)
            .values(parameters={verdicts.CARRIED: 10**6})
        )
    peopled.save(engine, there, OTHER)
    assert standing(engine, here) == OTHER


def test_a_score_taken_back_is_taken_back_in_both_queues_and_handed_out_again(engine: Engine) -> None:
    first = peopled.draw(engine, run_ids=(1,), size=1, double_share=0)
    (there,) = peopled.score_all(engine, first)
    second = peopled.draw(engine, run_ids=(1,), double_share=0, seed=2)
    score_rest(engine, second)
    here = held(engine, second, there.answer_id)
    assert undo(engine, first) == there.draw_id
    assert standing(engine, here) is None
    again = following(engine, second)
    assert again is not None
    assert again.answer_id == there.answer_id
    peopled.save(engine, there, OTHER)  # scored anew in the first queue, it is done in the second as well
    assert standing(engine, here) == OTHER
    assert following(engine, second) is None


def test_changes_are_undone_one_by_one_where_they_were_made_and_hold_in_both_queues(engine: Engine) -> None:
    first, second, there, here = both_queues(engine)
    between = Given({"coherence": 2, "factuality": 2, "conciseness": 2})
    peopled.save(engine, here, between)
    peopled.save(engine, there, OTHER)
    assert undo(engine, second) is None  # the change made here was replaced in the other queue
    assert standing(engine, here) == OTHER
    assert undo(engine, first) == there.draw_id
    assert standing(engine, there) == standing(engine, here) == between
    assert undo(engine, second) == here.draw_id
    assert standing(engine, there) == standing(engine, here) == peopled.WHOLE


def test_what_is_said_in_the_disagreement_queue_changes_no_score_that_was_given_in_a_sample(engine: Engine) -> None:
    picked = peopled.draw(engine, run_ids=(1,), design=Design.disagreement, threshold=3.5, double_share=0)
    first = peopled.draw(engine, run_ids=(1,), double_share=0)
    peopled.score_all(engine, first)
    assert score_rest(engine, picked) == []
    one = peopled.draws(engine, picked)[0].answer_id
    disputed, sampled = held(engine, picked, one), held(engine, first, one)
    peopled.save(engine, disputed, OTHER)
    assert (standing(engine, disputed), standing(engine, sampled)) == (OTHER, peopled.WHOLE)
    second = peopled.draw(engine, run_ids=(1,), double_share=0, seed=2)
    score_rest(engine, second)
    assert standing(engine, held(engine, second, one)) == peopled.WHOLE  # what was given in the sample is taken over
    last = Given({"coherence": 4, "factuality": 4, "conciseness": 4})
    peopled.save(engine, held(engine, second, one), last)
    assert (standing(engine, disputed), standing(engine, sampled)) == (OTHER, last)  # what differs is no copy


def test_a_correction_where_the_score_was_given_holds_also_if_that_was_the_disagreement_queue(engine: Engine) -> None:
    _, _, there, here = both_queues(engine, Design.disagreement)
    peopled.save(engine, there, OTHER)
    assert standing(engine, here) == OTHER


def test_a_change_reaches_no_score_of_somebody_else_and_none_of_another_text(engine: Engine) -> None:
    _, _, there, here = both_queues(engine)
    with store.writing(engine) as session:
        session.execute(update(Answer).where(col(Answer.id) == there.answer_id).values(sha256="f" * 64))
    peopled.save(engine, there, OTHER)
    assert standing(engine, here) == peopled.WHOLE
    double = peopled.draw(engine, run_ids=(1,), double_share=1, seed=3)
    score_rest(engine, double, "Berta", Given({"coherence": 4, "factuality": 4, "conciseness": 4}))
    peopled.save(engine, held(engine, double, here.answer_id, "Berta"), OTHER, "Berta")
    assert standing(engine, here) == peopled.WHOLE


def test_taken_over_counts_what_was_scored_elsewhere_first(engine: Engine) -> None:
    first, second, _, here = both_queues(engine)
    peopled.save(engine, here, OTHER)  # the first queue follows, but nothing of it was taken over
    rater_id = peopled.person(engine, "Anna")
    with store.reading(engine) as session:
        counts = [carrying.count_carried(sample_id, rater_id, session=session) for sample_id in (first, second)]
    assert counts == [0, 12]
