"""scoring.py: what a person is shown next, and that a save is stored once, blind, and never overwritten."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st
from plans import plans, statements
from samples import TARGETS, add_group
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from db import models, scoring, store
from db.models import Answer, Assessment, AssessmentStatus, Rater, Score
from db.scoring import Given, Queue
from eval.rubric import built_in

WHOLE = Given({"coherence": 5, "factuality": 4, "conciseness": 3})


def rubric(version: str = "1") -> models.Rubric:
    body = built_in().model_dump(mode="json")
    return models.Rubric(sha256=built_in().sha256 + version, name="rightsize", version=version, body=body)


SHA = rubric().sha256


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two targets, six questions, the first of them failed; made once."""
    file = tmp_path_factory.mktemp("scoring") / "template.db"
    add_group(f"sqlite:///{file}", targets=TARGETS[:2], questions=6, judged=True)
    return file


@pytest.fixture
def engine(template: Path, tmp_path: Path) -> Iterator[Engine]:
    copy = tmp_path / "test.db"
    with closing(sqlite3.connect(template)) as one, closing(sqlite3.connect(copy)) as other:
        one.backup(other)
    opened = store.connect(f"sqlite:///{copy}")
    yield opened
    opened.dispose()


def queue(engine: Engine, name: str = "Anna", runs: tuple[int, ...] = (1, 2)) -> Queue:
    with store.reading(engine) as session:
        return scoring.get_queue(name, runs, SHA, session=session)


def save(
    engine: Engine, place: int = 1, given: Given = WHOLE, name: str = "Anna", **other: object
) -> Assessment | None:
    answer_id = queue(engine, name).order[place - 1]
    with store.writing(engine) as session:
        return scoring.save_given(
            answer_id, given, name=name, place=place, session=session, **({"rubric": rubric()} | other)
        )  # type: ignore


def withdraw(engine: Engine, name: str = "Anna") -> int | None:
    with store.writing(engine) as session:
        return scoring.withdraw_last(name, [1, 2], SHA, session=session)


def verdicts(engine: Engine, name: str = "Anna") -> list[Assessment]:
    with store.reading(engine) as session:
        rows = session.exec(select(Assessment).join(Rater).where(Rater.name == name).order_by(col(Assessment.id)))
        return list(rows)


# --- the order ----------------------------------------------------------------------------------------------------


def test_the_order_holds_every_answer_that_can_be_scored_and_no_other(engine: Engine):
    with store.reading(engine) as session:
        wanted = {a.id for a in session.exec(select(Answer)) if not a.cold and a.error_kind is None}
    assert len(wanted) == 2 * 5
    assert set(queue(engine).order) == wanted


def test_the_order_is_the_same_next_time_and_another_for_another_person_or_other_runs(engine: Engine):
    assert queue(engine).order == queue(engine, runs=(2, 1)).order == queue(engine, " anna ").order
    assert queue(engine).order != queue(engine, "Berta").order
    of_one = tuple(i for i in queue(engine).order if i in queue(engine, runs=(1,)).order)
    assert of_one != queue(engine, runs=(1,)).order


@given_that(st.lists(st.integers(1, 10**9), unique=True), st.text(max_size=20))
def test_shuffling_keeps_every_id_and_does_not_depend_on_the_order_they_came_in(ids: list[int], seed: str):
    assert sorted(scoring.shuffled(ids, seed)) == sorted(ids)
    assert scoring.shuffled(ids, seed) == scoring.shuffled(sorted(ids), seed)


def test_shuffling_mixes_targets():
    """A hundred answers of each of two runs: neither run stands in front."""
    order = scoring.shuffled(range(1, 201), "Anna|1,2")
    assert 30 < sum(answer_id <= 100 for answer_id in order[:100]) < 70


def test_the_order_is_found_without_reading_a_text_or_a_whole_table(engine: Engine):
    save(engine)
    with statements(engine) as sent:
        queue(engine)
    assert not [statement for statement, _ in sent if "answer.text" in statement or "question.text" in statement]
    found = plans(engine, sent)
    assert any("SEARCH answer USING" in plan for plan in found)
    assert any("SEARCH assessment USING INDEX ix_assessment_rater (rater_id=? AND run_id=?" in plan for plan in found)
    assert not [plan for plan in found if "SCAN answer" in plan or "SCAN assessment" in plan]


# --- where one stands ----------------------------------------------------------------------------------------------


QUEUES = st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n)), st.integers(0, n + 1)))


@given_that(QUEUES)
def test_the_next_open_place_is_open_and_none_only_when_all_are_scored(drawn: tuple[int, set[int], int]):
    n, scored, place = drawn
    found = Queue(tuple(range(1, n + 1)), frozenset(scored)).next_open(place)
    if found is None:
        assert len(scored) == n
    else:
        assert found not in scored
        between = range(place + 1, found) if found > place else [*range(place + 1, n + 1), *range(1, found)]
        assert scored.issuperset(between)


def test_skipped_counts_the_open_answers_ahead():
    assert Queue((7, 8, 9, 10), frozenset({8})).skipped(4) == 2


def test_one_goes_on_after_the_answer_scored_last(engine: Engine):
    assert queue(engine).resume() == 1
    save(engine, place=3)
    assert queue(engine).resume() == 4
    for place in range(1, 11):
        save(engine, place)
    assert queue(engine).resume() is None
    assert queue(engine).open == 0


def test_an_empty_queue_has_no_next():
    assert Queue((), frozenset()).resume() is None


# --- saving --------------------------------------------------------------------------------------------------------


def test_a_save_is_a_whole_blind_verdict(engine: Engine):
    saved = save(engine, 2, Given(WHOLE.values, "  good  "))
    assert saved is not None
    assert (saved.protocol, saved.status, saved.blind, saved.position) == ("person", AssessmentStatus.ok, True, 2)
    assert saved.note == "good"
    with store.reading(engine) as session:
        answer = session.get(Answer, saved.answer_id)
        scores = session.exec(select(Score).where(Score.assessment_id == saved.id))
        assert {s.criterion: s.value for s in scores} == WHOLE.values
    assert answer is not None
    assert (saved.answer_sha256, saved.run_id, saved.question_id) == (answer.sha256, answer.run_id, answer.question_id)
    assert queue(engine).scored == {saved.answer_id}


def test_what_cannot_be_judged_is_null_with_a_reason_and_the_verdict_partial(engine: Engine):
    saved = save(engine, given=Given({**WHOLE.values, "factuality": None}))
    assert saved is not None
    assert saved.status == AssessmentStatus.partial
    with store.reading(engine) as session:
        left = session.exec(select(Score).where(Score.assessment_id == saved.id, Score.criterion == "factuality")).one()
    assert left.value is None
    assert left.null_reason


def test_the_same_save_twice_is_stored_once(engine: Engine):
    assert save(engine) is not None
    assert save(engine) is None
    assert len(verdicts(engine)) == 1


@pytest.mark.parametrize("again", [Given({**WHOLE.values, "coherence": 1}), Given(WHOLE.values, "a note")])
def test_another_opinion_is_another_row_and_the_first_stays(engine: Engine, again: Given):
    save(engine)
    save(engine, given=again)
    first, second = verdicts(engine)
    assert (first.current, second.current) == (False, True)
    with store.reading(engine) as session:
        kept = session.exec(select(Score).where(Score.assessment_id == first.id))
        assert {s.criterion: s.value for s in kept} == WHOLE.values
        assert scoring.get_given(second.answer_id, "ANNA", SHA, session=session) == again


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
        scoring.save_given(10**6, WHOLE, name="Anna", rubric=rubric(), place=1, session=session)
    with store.reading(engine) as session, pytest.raises(store.StoreError, match="no longer"):
        scoring.get_shown(10**6, session=session)


def test_a_name_in_other_letters_is_the_same_person(engine: Engine):
    save(engine)
    save(engine, place=2, name="  ANNA ")
    with store.reading(engine) as session:
        people = session.exec(select(Rater).where(col(Rater.name).ilike("anna"))).all()
    assert [person.name for person in people] == ["Anna"]
    assert len(queue(engine).scored) == 2


def test_scores_under_another_rubric_do_not_count(engine: Engine):
    save(engine, rubric=rubric("2"))
    assert queue(engine).scored == frozenset()


def test_two_people_do_not_see_each_others_scores(engine: Engine):
    save(engine)
    assert queue(engine, "Berta").scored == frozenset()


# --- taking back ---------------------------------------------------------------------------------------------------


def test_undo_withdraws_the_last_save_and_then_the_one_before(engine: Engine):
    first, second = save(engine, 1), save(engine, 2)
    assert first is not None
    assert second is not None
    assert withdraw(engine) == second.answer_id
    assert queue(engine).scored == {first.answer_id}
    assert withdraw(engine) == first.answer_id
    assert withdraw(engine) is None
    rows = verdicts(engine)
    assert [row.status for row in rows] == ["ok", "ok", "withdrawn", "withdrawn"]
    assert [row.current for row in rows] == [False, False, True, True]


def test_a_withdrawn_verdict_has_no_scores_but_the_first_keeps_its_own(engine: Engine):
    saved = save(engine)
    withdraw(engine)
    with Session(engine) as session:
        of = select(Score.assessment_id).join(Assessment).join(Rater).where(Rater.name == "Anna")
        assert set(session.exec(of)) == {saved.id if saved else None}


def test_what_was_taken_back_can_be_scored_again(engine: Engine):
    save(engine)
    withdraw(engine)
    assert save(engine) is not None
    assert [row.status for row in verdicts(engine)] == ["ok", "withdrawn", "ok"]


def test_nobody_undoes_what_another_person_saved(engine: Engine):
    save(engine)
    assert withdraw(engine, "Berta") is None
