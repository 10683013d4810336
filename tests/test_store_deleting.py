"""Deleting a run: everything of it goes, nothing of another, and none that is being worked on."""

import pytest
import rows
from plans import statements
from sqlalchemy import Engine
from stored import add_run, count, fill

from db import store, workers
from db.models import Price, PriceCard, Run, Scenario
from db.store import StoreError


def test_deleting_a_run_takes_everything_of_it_and_nothing_of_another(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        fill(rows.add_run(session, qa_set), questions, session)
        store.save_price(Price(model="test"), session=session)
        session.add(PriceCard(sha256="x", name="test", dated="2026-11-01", body={}))
        session.add(Scenario(name="test", body={}))
    before = rows.everything(engine)
    assert all(before.values()), "a table without a row would prove nothing"
    with store.writing(engine) as session:
        doomed = rows.add_run(session, qa_set)
        fill(doomed, questions, session)
    assert rows.everything(engine) != before
    with store.writing(engine) as session:
        store.delete_run(doomed.id or 0, session=session)
    assert rows.everything(engine) == before
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_every_table_that_refers_to_a_run_is_emptied_with_it(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        fill(run, questions, session)
    with store.writing(engine) as session:
        store.delete_run(run.id or 0, session=session)
    left = {name for name, found in rows.everything(engine).items() if found}
    assert left == {"qa_set", "question", "rater", "rubric"}


def test_the_id_of_a_deleted_run_is_never_used_again(engine: Engine) -> None:
    run, _ = add_run(engine)
    with store.writing(engine) as session:
        store.delete_run(run.id or 0, session=session)
    assert (add_run(engine)[0].id or 0) > (run.id or 0)


def test_a_run_that_is_being_worked_on_is_not_deleted(engine: Engine) -> None:
    run, _ = add_run(engine)
    with store.writing(engine) as session:
        workers.claim_runs([run.id or 0], session=session)
    with pytest.raises(StoreError, match="still being worked on; stop it first"), store.writing(engine) as session:
        store.delete_run(run.id or 0, session=session)
    assert count(Run, engine) == 1


def test_what_hangs_on_a_run_is_found_through_an_index_when_it_is_deleted(engine: Engine) -> None:
    run, _ = add_run(engine)
    with store.writing(engine) as session, statements(engine) as sent:
        store.delete_run(run.id or 0, session=session)
    sent = [(statement, values) for statement, values in sent if statement.startswith("DELETE")]
    assert len(sent) == 6
    with engine.connect() as connection:
        for statement, values in sent:
            steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert not [step for step in steps if step.startswith("SCAN")], (statement, steps)
