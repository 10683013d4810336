"""scoring.py: a save is stored once, blind, and never overwritten; undo restores what was before; history tells all."""

from pathlib import Path

import peopled
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peopled import SHA, WHOLE, answers, draw, person, rubric, score_all, take
from plans import plans, statements
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from db import handouts, scoring, store
from db.handouts import Handed
from db.models import Answer, Assessment, AssessmentStatus, Question, Rater, Score
from db.scoring import Given

OTHER = Given({"coherence": 1, "factuality": 1, "conciseness": 2})

template, engine = peopled.fixtures()


def save(engine: Engine, nth: int = 0, given: Given = WHOLE, name: str = "Anna", **other: object) -> Assessment | None:
    """Save scores that belong to no sample."""
    answer_id = answers(engine)[nth].id or 0
    with store.writing(engine) as session:
        return scoring.save_given(answer_id, given, name=name, session=session, **({"rubric": rubric()} | other))  # type: ignore


def given_now(engine: Engine, answer_id: int, name: str = "Anna", draw_id: int | None = None) -> Given | None:
    rater_id = person(engine, name)
    with store.reading(engine) as session:
        return scoring.get_given(answer_id, rater_id, SHA, draw_id=draw_id, session=session)


def undo(engine: Engine, sample_id: int, name: str = "Anna") -> int | None:
    rater_id = person(engine, name)
    with store.writing(engine) as session:
        return scoring.undo_last(sample_id, rater_id, session=session)


def verdicts(engine: Engine, name: str = "Anna") -> list[Assessment]:
    with store.reading(engine) as session:
        rows = session.exec(select(Assessment).join(Rater).where(Rater.name == name).order_by(col(Assessment.id)))
        return list(rows)


# --- saving --------------------------------------------------------------------------------------------------------


def test_a_save_is_a_whole_blind_verdict_with_its_draw(engine: Engine):
    handed = take(engine, draw(engine))
    assert handed
    saved = peopled.save(engine, handed, Given(WHOLE.values, "  good  ", ("refusal", "look_again")))
    assert saved is not None
    assert (saved.protocol, saved.status, saved.blind, saved.position) == ("person", AssessmentStatus.ok, True, 1)
    assert (saved.note, saved.flags, saved.draw_id) == ("good", ["look_again", "refusal"], handed.draw_id)
    with store.reading(engine) as session:
        answer = session.get(Answer, saved.answer_id)
        scores = session.exec(select(Score).where(Score.assessment_id == saved.id))
        assert {s.criterion: s.value for s in scores} == WHOLE.values
    assert answer is not None
    assert (saved.answer_sha256, saved.run_id, saved.question_id) == (answer.sha256, answer.run_id, answer.question_id)


def test_what_cannot_be_judged_is_null_with_a_reason_and_the_verdict_partial(engine: Engine):
    saved = save(engine, given=Given({**WHOLE.values, "factuality": None}))
    assert saved is not None
    assert saved.status == AssessmentStatus.partial
    with store.reading(engine) as session:
        left = session.exec(select(Score).where(Score.assessment_id == saved.id, Score.criterion == "factuality")).one()
    assert left.value is None
    assert left.null_reason


def test_the_same_save_twice_is_stored_once(engine: Engine):
    given = Given(WHOLE.values, "note", ("b", "a"))
    assert save(engine, given=given) is not None
    assert save(engine, given=Given(WHOLE.values, " note", ("a", "b"))) is None
    assert len(verdicts(engine)) == 1


@pytest.mark.parametrize(
    "again",
    [
        Given({**WHOLE.values, "coherence": 1}),
        Given({**WHOLE.values, "coherence": None}),
        Given(WHOLE.values, "a note"),
        Given(WHOLE.values, flags=("refusal",)),
    ],
)
def test_another_opinion_is_another_row_and_the_first_stays(engine: Engine, again: Given):
    save(engine)
    save(engine, given=again)
    first, second = verdicts(engine)
    assert (first.current, second.current) == (False, True)
    with store.reading(engine) as session:
        kept = session.exec(select(Score).where(Score.assessment_id == first.id))
        assert {s.criterion: s.value for s in kept} == WHOLE.values
    assert given_now(engine, second.answer_id, "ANNA") == again


@pytest.mark.parametrize("value", [0, 6, -1, 2.5, 4.0, True, "4"])
def test_only_whole_scores_from_1_to_5_are_taken(engine: Engine, value: object):
    with pytest.raises(ValueError, match="not a whole number from 1 to 5"):
        save(engine, given=Given({**WHOLE.values, "coherence": value}))  # type: ignore
    assert verdicts(engine) == []


@pytest.mark.parametrize("values", [{}, {"coherence": 5}, {**WHOLE.values, "charm": 5}])
def test_every_criterion_of_the_rubric_is_needed_and_no_other(engine: Engine, values: dict[str, int | None]):
    with pytest.raises(ValueError, match="scores are needed for"):
        save(engine, given=Given(values))


def test_a_name_is_needed(engine: Engine):
    with pytest.raises(ValueError, match="name"):
        save(engine, name=" ")


def test_an_answer_that_is_gone_cannot_be_scored(engine: Engine):
    with store.writing(engine) as session, pytest.raises(store.StoreError, match="no longer"):
        scoring.save_given(10**6, WHOLE, name="Anna", rubric=rubric(), session=session)
    with store.reading(engine) as session, pytest.raises(store.StoreError, match="no longer"):
        scoring.get_shown(10**6, session=session)


def test_a_name_in_other_letters_is_the_same_person(engine: Engine):
    save(engine)
    save(engine, 1, name="  ANNA ")
    with store.reading(engine) as session:
        people = session.exec(select(Rater).where(col(Rater.name).ilike("anna"))).all()
    assert [person.name for person in people] == ["Anna"]
    assert len(verdicts(engine)) == 2


def test_scores_under_another_rubric_or_by_another_person_are_not_shown(engine: Engine):
    saved = save(engine, rubric=rubric("2"))
    assert saved is not None
    save(engine, name="Berta")
    assert given_now(engine, saved.answer_id) is None


def test_an_answer_scored_in_one_sample_comes_fresh_in_another(engine: Engine):
    first, second = draw(engine), draw(engine)
    score_all(engine, first)
    handed = take(engine, second)
    assert handed
    assert given_now(engine, handed.answer_id, draw_id=handed.draw_id) is None


def test_what_one_gave_is_found_through_an_index(engine: Engine):
    save(engine)
    with statements(engine) as sent:
        given_now(engine, answers(engine)[0].id or 0)
    assert any(
        "SEARCH assessment USING INDEX ix_assessment_answer (answer_id=?)" in plan for plan in plans(engine, sent)
    )


# --- taking back ---------------------------------------------------------------------------------------------------


def test_undo_takes_back_the_last_save_and_then_the_one_before(engine: Engine):
    sample_id = draw(engine, size=3)
    first, second, _ = score_all(engine, sample_id)
    assert undo(engine, sample_id) is not None
    assert undo(engine, sample_id) == second.draw_id
    assert given_now(engine, second.answer_id, draw_id=second.draw_id) is None
    assert given_now(engine, first.answer_id, draw_id=first.draw_id) == WHOLE
    assert undo(engine, sample_id) == first.draw_id
    assert undo(engine, sample_id) is None
    assert [row.status for row in verdicts(engine)] == ["ok"] * 3 + ["withdrawn"] * 3


def test_undo_of_a_changed_score_brings_back_the_earlier_one(engine: Engine):
    sample_id = draw(engine, size=1)
    (handed,) = score_all(engine, sample_id)
    peopled.save(engine, handed, Given(OTHER.values, "second thought", ("refusal",)))
    assert undo(engine, sample_id) == handed.draw_id
    assert given_now(engine, handed.answer_id, draw_id=handed.draw_id) == WHOLE
    assert [row.current for row in verdicts(engine)] == [False, False, True]
    assert undo(engine, sample_id) == handed.draw_id
    assert given_now(engine, handed.answer_id, draw_id=handed.draw_id) is None
    assert undo(engine, sample_id) is None


def test_an_answer_whose_scores_were_taken_back_is_in_the_persons_hands_again(engine: Engine):
    sample_id = draw(engine)
    first = take(engine, sample_id)
    assert first
    peopled.save(engine, first)
    take(engine, sample_id)
    undo(engine, sample_id)
    assert take(engine, sample_id) == first
    other = take(engine, sample_id, "Berta")
    assert other
    assert other.answer_id != first.answer_id
    with store.reading(engine) as session:
        assert handouts.get_progress(sample_id, session=session).n_done == 0


def test_undo_of_a_changed_score_leaves_the_answer_done(engine: Engine):
    sample_id = draw(engine, size=1)
    (handed,) = score_all(engine, sample_id)
    peopled.save(engine, handed, OTHER)
    undo(engine, sample_id)
    assert take(engine, sample_id) is None


def test_what_was_taken_back_can_be_scored_again_and_taken_back_again(engine: Engine):
    sample_id = draw(engine, size=1)
    (handed,) = score_all(engine, sample_id)
    undo(engine, sample_id)
    assert peopled.save(engine, handed) is not None
    assert [row.status for row in verdicts(engine)] == ["ok", "withdrawn", "ok"]
    assert undo(engine, sample_id) == handed.draw_id
    assert given_now(engine, handed.answer_id, draw_id=handed.draw_id) is None


def test_a_withdrawn_verdict_has_no_scores_but_the_first_keeps_its_own(engine: Engine):
    sample_id = draw(engine, size=1)
    score_all(engine, sample_id)
    undo(engine, sample_id)
    with Session(engine) as session:
        of = select(Score.assessment_id).join(Assessment).join(Rater).where(Rater.name == "Anna")
        assert set(session.exec(of)) == {verdicts(engine)[0].id}


def test_nobody_undoes_what_another_person_or_another_sample_saved(engine: Engine):
    one, other = draw(engine, size=1), draw(engine, size=1, seed=2)
    score_all(engine, one)
    assert undo(engine, one, "Berta") is None
    assert undo(engine, other) is None


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 2), st.integers(1, 5))), max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_is_the_reverse_of_saving_whatever_was_saved(
    template: Path, tmp_path: Path, steps: list[tuple[int, int] | None]
):
    """Against a list of states: a save that changes something adds one, an undo (None) drops the last."""
    (tmp_path / "undo.db").unlink(missing_ok=True)
    engine = peopled.copy(template, tmp_path / "undo.db")
    sample_id = draw(engine, size=3)
    hands: list[Handed] = score_all(engine, sample_id)
    for _ in hands:
        undo(engine, sample_id)
    states: list[dict[int, int]] = [{}]
    for step in steps:
        if step is None:
            undone = undo(engine, sample_id)
            assert (undone is None) == (len(states) == 1)
            states = states[:-1] or [{}]
        elif peopled.save(engine, hands[step[0]], Given({**WHOLE.values, "coherence": step[1]})):
            states.append({**states[-1], step[0]: step[1]})
        for i, handed in enumerate(hands):
            found = given_now(engine, handed.answer_id, draw_id=handed.draw_id)
            assert (found.values["coherence"] if found else None) == states[-1].get(i)
    engine.dispose()


# --- history -------------------------------------------------------------------------------------------------------


def test_history_tells_every_change_by_whom_and_what_counts(engine: Engine):
    sample_id = draw(engine, size=1, double_share=1, name="spring")
    (handed,) = score_all(engine, sample_id)
    score_all(engine, sample_id, "Berta", OTHER)
    peopled.save(engine, handed, Given(OTHER.values, "second thought"))
    undo(engine, sample_id)
    undo(engine, sample_id)
    with store.reading(engine) as session:
        found = scoring.list_changes(handed.answer_id, session=session)
    assert [(one.rater, one.given, one.counts, one.undo) for one in found] == [
        ("Anna", WHOLE, False, False),
        ("Berta", OTHER, True, False),
        ("Anna", Given(OTHER.values, "second thought"), False, False),
        ("Anna", WHOLE, False, True),
        ("Anna", None, False, True),
    ]
    assert {one.sample for one in found} == {f"spring #{sample_id}"}
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert all(one.blind for one in found)


def test_history_names_no_sample_where_there_was_none(engine: Engine):
    saved = save(engine)
    assert saved
    with store.reading(engine) as session:
        (change,) = scoring.list_changes(saved.answer_id, session=session)
    assert (change.sample, change.given, change.counts) == ("", WHOLE, True)


def test_what_is_scored_of_a_sample_is_listed_with_who_and_flags_but_not_whose_answer(engine: Engine):
    sample_id = draw(engine, size=2, double_share=1)
    first, second = score_all(engine, sample_id, given=Given(WHOLE.values, flags=("second_look",)))
    score_all(engine, sample_id, "Berta", Given(OTHER.values, flags=("reference_wrong",)))
    undo(engine, sample_id, "Anna")
    with store.reading(engine) as session:
        found = {one.answer_id: one for one in scoring.list_scored(sample_id, session=session)}
        keys = {answer.id: answer.question_id for answer in peopled.answers(engine)}
        wanted = session.get(Question, keys[first.answer_id])
    assert found[first.answer_id].raters == ("Anna", "Berta")
    assert found[first.answer_id].flags == ("reference_wrong", "second_look")
    assert found[second.answer_id].raters == ("Berta",)
    assert wanted
    assert (found[first.answer_id].question_key, found[first.answer_id].question) == (wanted.key, wanted.text)
