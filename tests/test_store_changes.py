"""What the store tells of changes: every add, edit and delete is seen, and nothing else counts as one."""

from collections.abc import Callable
from typing import Any

import rows
from sqlalchemy import Engine
from sqlmodel import Session
from stored import add_run

from db import store, workers
from db.models import AssessmentStatus, RunStatus, now


def test_the_revision_grows_with_every_answer_and_assessment(engine: Engine) -> None:
    run, questions = add_run(engine)
    seen: list[int] = []

    def note() -> None:
        with store.reading(engine) as session:
            seen.append(store.get_run(run.id or 0, session=session).revision)

    note()
    with store.writing(engine) as session:
        answer = store.save_answer(rows.answer(run, questions[0]), [], session=session)
    note()
    with store.writing(engine) as session:
        rater, rubric = rows.person(session), rows.rubric(session)
        store.save_assessment(rows.assessment(answer, rater, rubric), rows.scores([3, 3, 3]), session=session)
    note()
    with store.writing(engine) as session:
        withdrawn = rows.assessment(answer, rater, rubric, status=AssessmentStatus.withdrawn)
        store.save_assessment(withdrawn, [], session=session)
    note()
    assert seen == sorted(set(seen))


def test_the_revision_counts_everything_that_one_transaction_stores(engine: Engine) -> None:
    run, questions = add_run(engine)
    run_id = run.id or 0
    with store.writing(engine) as session:
        held = store.get_run(run_id, session=session)  # a row that is held keeps what was read of it
        store.set_status([run_id], RunStatus.answering, session=session)
        for question in questions:
            store.save_answer(rows.answer(run, question), [], session=session)
        store.edit_run(run_id, session=session, name="other")
        store.set_status([run_id], RunStatus.finished, session=session)
    with store.reading(engine) as session:
        assert store.get_run(run_id, session=session).revision == 6
    assert held.id == run_id


def test_the_newest_change_is_another_after_every_add_edit_and_delete(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
    seen: list[Any] = []

    def note() -> None:
        with store.reading(engine) as session:
            seen.append(store.newest_change(session=session))

    def change(verb: Callable[[Session], object]) -> None:
        with store.writing(engine) as session:
            verb(session)
        note()

    note()
    change(lambda session: rows.add_run(session, qa_set, created_at=now()))
    change(lambda session: rows.add_run(session, qa_set, created_at=now()))
    with store.reading(engine) as session:
        run = store.get_run(1, session=session)
    answer = rows.answer(run, questions[0])
    change(lambda session: store.save_answer(answer, [], session=session))
    made = rows.assessment
    change(
        lambda session: store.save_assessment(
            made(answer, rows.person(session), rows.rubric(session)), rows.scores([1, 2, 3]), session=session
        )
    )
    change(lambda session: store.edit_run(1, session=session, name="other"))
    change(lambda session: store.edit_run(1, session=session, tags=["a", "b"]))
    change(lambda session: store.set_status([2], RunStatus.answering, session=session))
    change(lambda session: store.set_status([2], RunStatus.finished, session=session))
    change(lambda session: store.save_answer(rows.answer(run, questions[1], error_kind="x"), [], session=session))
    change(lambda session: store.save_answer(rows.answer(run, questions[1]), [], session=session))
    change(lambda session: store.delete_run(2, session=session))
    change(lambda session: rows.add_run(session, qa_set, created_at=now()))
    change(lambda session: store.delete_run(1, session=session))
    assert len(set(seen)) == len(seen)


def test_a_heartbeat_and_a_kept_summary_are_no_change(engine: Engine) -> None:
    run, _ = add_run(engine)
    with store.reading(engine) as session:
        before = store.newest_change(session=session)
    with store.writing(engine) as session:
        workers.beat([run.id or 0], session=session)
        store.save_summary(run.id or 0, {"version": 0}, 0, session=session)
    with store.reading(engine) as session:
        assert store.newest_change(session=session) == before
        assert store.get_run(run.id or 0, session=session).heartbeat_at is not None


def test_editing_changes_only_what_is_given(engine: Engine) -> None:
    run, _ = add_run(engine, tags=["a"])
    for given, expected in (
        ({"name": "new"}, ("new", ["a"])),
        ({"tags": []}, ("new", [])),
        ({"tags": ["ü", 'a"b']}, ("new", ["ü", 'a"b'])),
    ):
        with store.writing(engine) as session:
            store.edit_run(run.id or 0, session=session, **given)  # pyright: ignore[reportArgumentType]
        with store.reading(engine) as session:
            stored = store.get_run(run.id or 0, session=session)
            assert (stored.name, stored.tags) == expected
