"""The store: QA sets, runs and prices are found again, stored once, and read through indexes."""

import re
from typing import Any

import pytest
import rows
from plans import plans, statements
from sqlalchemy import Engine
from stored import add_run, count, fill, one_sentence

from db import store
from db.models import Price, QASet, Question, RunStatus
from db.store import StoreError

# --- QA sets and runs -----------------------------------------------------------------------------------------------


def test_the_same_qa_set_twice_is_one_row(engine: Engine) -> None:
    for _ in range(2):
        with store.writing(engine) as session:
            rows.add_qa_set(session, 3)
    assert count(QASet, engine) == 1
    assert count(Question, engine) == 3


def test_a_changed_question_is_another_version_and_the_first_one_stays(engine: Engine) -> None:
    for version in ("1", "2"):
        with store.writing(engine) as session:
            rows.add_qa_set(session, 3, version)
    with store.reading(engine) as session:
        newest, oldest = store.list_qa_sets(session=session)
        assert (newest.version, oldest.version) == ("2", "1")
        questions = [store.list_questions(qa_set.id or 0, session=session) for qa_set in (oldest, newest)]
    assert [q.key for q in questions[0]] == [q.key for q in questions[1]] == ["q0", "q1", "q2"]
    assert {q.id for q in questions[0]}.isdisjoint({q.id for q in questions[1]})


def test_runs_are_found_by_id_name_group_and_last(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session)
        for name, group in (("small", "g1"), ("large", "g1"), ("small", "g2"), ("cloud", "g2")):
            rows.add_run(session, qa_set, group, name=name)

    def found(*names: str) -> list[int | None]:
        with store.reading(engine) as session:
            return [run.id for run in store.find_runs(names, session=session)]

    assert found("2") == [2]
    assert found("small") == [1, 3]
    assert found("g1") == [1, 2]
    assert found("last") == [3, 4]
    assert found("4", "g2", "1") == [4, 3, 1]


def test_a_run_or_group_whose_name_is_a_number_is_found_where_no_run_has_that_id(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session)
        first = rows.add_run(session, qa_set, "301455872213", name="2024")
        rows.add_run(session, qa_set, "other", name="1")
    with store.reading(engine) as session:
        assert [run.id for run in store.find_runs(["301455872213"], session=session)] == [first.id]
        assert [run.id for run in store.find_runs(["2024"], session=session)] == [first.id]
        assert [run.id for run in store.find_runs(["1"], session=session)] == [first.id]  # an id goes first


@pytest.mark.parametrize("name", ["99", "nobody", "last", "", "-1", "1.0", "9" * 30, "٣", "' OR 1=1 --"])
def test_an_unknown_run_is_refused_by_its_name(name: str, engine: Engine) -> None:
    with pytest.raises(StoreError, match="There is no run") as caught, store.reading(engine) as session:
        store.find_runs([name], session=session)
    assert f'"{name}"' in str(caught.value)


@pytest.mark.parametrize("run_id", [0, 99, -1, 2**31, 10**30, -(10**30)])
def test_an_unknown_id_is_refused(run_id: int, engine: Engine) -> None:
    with pytest.raises(StoreError) as caught, store.reading(engine) as session:
        store.get_run(run_id, session=session)
    assert f"There is no run {run_id}; " in one_sentence(caught.value)


def test_runs_are_listed_newest_first_by_group_qa_set_and_state(engine: Engine) -> None:
    with store.writing(engine) as session:
        first, _ = rows.add_qa_set(session, 3, "1")
        second, _ = rows.add_qa_set(session, 3, "2")
        rows.add_run(session, first, "g1", status=RunStatus.finished)
        rows.add_run(session, first, "g1")
        rows.add_run(session, second, "g2", status=RunStatus.failed)

    def listed(**given: Any) -> list[int | None]:
        with store.reading(engine) as session:
            return [run.id for run in store.list_runs(session=session, **given)]

    assert listed() == [3, 2, 1]
    assert listed(group_id="g1") == [2, 1]
    assert listed(qa_set_id=second.id) == [3]
    assert listed(unfinished=True) == [3, 2]
    assert listed(limit=1, offset=1) == [2]


def test_the_start_of_a_run_is_stamped_once_and_its_end_each_time(engine: Engine) -> None:
    run, _ = add_run(engine, started_at=None, ended_at=None)
    moments: list[tuple[Any, Any]] = []
    for status in (RunStatus.answering, RunStatus.stopped, RunStatus.answering, RunStatus.finished):
        with store.writing(engine) as session:
            store.set_status([run.id or 0], status, session=session)
        with store.reading(engine) as session:
            stored = store.get_run(run.id or 0, session=session)
            moments.append((stored.started_at, stored.ended_at))
    assert moments[0][0] is not None
    assert moments[0][1] is None
    assert {started for started, _ in moments} == {moments[0][0]}
    assert moments[3][1] > moments[1][1]


# --- prices ---------------------------------------------------------------------------------------------------------


def test_a_price_is_stored_once_and_a_changed_one_beside_the_first(engine: Engine) -> None:
    def save(**given: Any) -> None:
        with store.writing(engine) as session:
            store.save_price(Price(model="m", **given), session=session)

    save(input_usd_per_mtok=1.0)
    save(input_usd_per_mtok=1.0)
    assert count(Price, engine) == 1
    save(input_usd_per_mtok=2.0)
    save(input_usd_per_mtok=1.0)
    assert count(Price, engine) == 3
    with store.reading(engine) as session:
        assert store.list_prices(session=session)["m"].input_usd_per_mtok == 1.0


# --- reading through indexes ----------------------------------------------------------------------------------------


def test_no_read_of_a_run_looks_through_a_whole_table_of_answers(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        fill(run, questions, session)
    run_id = run.id or 0
    with store.reading(engine) as session, statements(engine) as sent:
        store.answered(run_id, session=session)
        store.failures(run_id, session=session)
        store.list_answers(run_id, session=session)
        store.list_run_calls(run_id, session=session)
        store.list_run_assessments(run_id, session=session)
        store.list_run_scores(run_id, session=session)
        store.list_run_judging_calls(run_id, session=session)
        store.list_run_checks(run_id, session=session)
        store.list_unassessed(run_id, 1, 1, "quick", session=session)
        store.list_calls(session=session, answer_ids=[1, 2])
        store.list_calls(session=session, assessment_ids=[1, 2])
        store.list_assessments([1, 2], session=session)
        store.list_scores([1, 2], session=session)
    found = plans(engine, sent)
    assert len(found) == 13
    for plan in found:
        assert not re.search(r"SCAN (answer|assessment|score|call|check_result)\b", plan), plan
