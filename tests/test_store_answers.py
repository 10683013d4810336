"""Answers in the store: one a question and repeat, whole or not at all, whoever dies or writes at the same time."""

import os
import signal
from pathlib import Path

import pytest
import rows
from sqlalchemy import Engine
from stored import add_run, at, child, count, say

from db import store
from db.models import Answer, Call
from db.store import StoreError


def test_a_run_holds_one_answer_a_question_repeat_and_temperature(engine: Engine) -> None:
    run, questions = add_run(engine)
    keys = [(q, repeat, cold) for q in questions[:2] for repeat in range(2) for cold in (False, True)]
    with store.writing(engine) as session:
        for question, repeat, cold in keys:
            store.save_answer(rows.answer(run, question, repeat, cold=cold), [rows.call()], session=session)
    before = rows.everything(engine)
    for question, repeat, cold in keys:
        with store.writing(engine) as session:
            again = rows.answer(run, question, repeat, cold=cold, text="second")
            assert store.save_answer(again, [rows.call()], session=session).text == "Invented."
        with pytest.raises(StoreError, match="UNIQUE"), store.writing(engine) as session:
            session.add(rows.answer(run, question, repeat, cold=cold))
    assert rows.everything(engine) == before
    with store.reading(engine) as session:
        assert store.answered(run.id or 0, session=session) == {(q.id, repeat, cold) for q, repeat, cold in keys}


def test_the_same_question_can_be_answered_in_another_run(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        for _ in range(2):
            run = rows.add_run(session, qa_set)
            store.save_answer(rows.answer(run, questions[0]), [], session=session)
    assert count(Answer, engine) == 2


def test_an_answer_to_a_question_or_run_that_is_not_there_is_refused(engine: Engine) -> None:
    run, questions = add_run(engine)
    for wrong in ({"question_id": 99}, {"run_id": 99}):
        with pytest.raises(StoreError, match="FOREIGN KEY"), store.writing(engine) as session:
            store.save_answer(rows.answer(run, questions[0], **wrong), [], session=session)
    assert count(Answer, engine) == 0


def test_an_answer_and_its_calls_are_stored_together_or_not_at_all(engine: Engine) -> None:
    run, questions = add_run(engine)
    before = rows.everything(engine)
    broken = rows.call()
    broken.stage = None  # pyright: ignore[reportAttributeAccessIssue] - what the database refuses
    with pytest.raises(StoreError), store.writing(engine) as session:
        store.save_answer(rows.answer(run, questions[0]), [rows.call(), broken], session=session)
    assert rows.everything(engine) == before


def test_an_exception_of_the_caller_takes_the_whole_transaction_back(engine: Engine) -> None:
    run, questions = add_run(engine)
    before = rows.everything(engine)

    def save_and_fail() -> None:
        with store.writing(engine) as session:
            store.save_answer(rows.answer(run, questions[0]), [rows.call()], session=session)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save_and_fail()
    assert rows.everything(engine) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_killed_in_the_middle_of_a_transaction_leaves_nothing_half(engine: Engine, path: Path) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        store.save_answer(rows.answer(run, questions[0]), [rows.call()], session=session)
    before = rows.everything(engine)
    killed = child(
        f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import rows
        from db import opening, store
        from db.models import Question, Run
        with store.writing(store.connect(sys.argv[1])) as session:
            run, questions = session.get(Run, {run.id}), [session.get(Question, i) for i in (2, 3)]
            for question in questions:
                store.save_answer(rows.answer(run, question, text="x" * 100_000), [rows.call()] * 1, session=session)
            session.connection().exec_driver_sql("PRAGMA cache_size=1")
            session.connection().exec_driver_sql("PRAGMA cache_spill=ON")
            for n in range(200):
                store.save_answer(rows.answer(run, questions[0], 1 + n, text="x" * 9_000), [], session=session)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        at(path),
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert rows.everything(engine) == before
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    with store.writing(engine) as session:
        store.save_answer(rows.answer(run, questions[1]), [], session=session)


def test_two_processes_writing_at_once_lose_nothing(engine: Engine, path: Path) -> None:
    run, questions = add_run(engine)
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import rows
        from db import opening, store
        from db.models import Question, Run
        engine = store.connect(sys.argv[1])
        with store.reading(engine) as session:
            run, question = store.get_run({run.id}, session=session), session.get(Question, int(sys.argv[2]))
        print("ready", flush=True)
        sys.stdin.readline()
        for repeat in range(40):
            with store.writing(engine) as session:
                store.save_answer(rows.answer(run, question, repeat), [rows.call(), rows.call()], session=session)
        engine.dispose()
        """
    writers = [child(script, at(path), str(question.id)) for question in questions[:2]]
    assert [say(writer) for writer in writers] == ["ready", "ready"]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert count(Answer, engine) == 80
    assert count(Call, engine) == 160
    with store.reading(engine) as session:
        assert store.get_run(run.id or 0, session=session).revision == 80


def test_a_failed_answer_gives_way_to_a_later_try_and_all_calls_are_kept(engine: Engine) -> None:
    run, questions = add_run(engine, 2)
    for cold in (False, True):
        with store.writing(engine) as session:
            failed = rows.answer(run, questions[1], error_kind="timeout", error="too late", cold=cold, attempts=2)
            store.save_answer(
                failed, [rows.call(error_kind="x"), rows.call(error_kind="x", attempt=2)], session=session
            )
    with store.reading(engine) as session:
        assert store.failures(run.id or 0, session=session) == {
            (questions[1].id, 0, False): "timeout",
            (questions[1].id, 0, True): "timeout",
        }
        revision = store.get_run(run.id or 0, session=session).revision
    with store.writing(engine) as session:
        made = store.save_answer(
            rows.answer(run, questions[1]), [rows.call(), rows.call(stage="refine")], session=session
        )
    with store.reading(engine) as session:
        assert store.failures(run.id or 0, session=session) == {(questions[1].id, 0, True): "timeout"}
        (answer,) = [a for a in store.list_answers(run.id or 0, session=session) if not a.cold]
        assert (answer.id, answer.text, answer.error, answer.error_kind) == (made.id, "Invented.", None, None)
        assert (answer.attempts, answer.ttft_ms) == (3, 100.0)
        calls = store.list_calls(session=session, answer_ids=[answer.id or 0])
        assert [(c.stage, c.attempt, c.error_kind) for c in calls] == [
            ("answer", 1, "x"),
            ("answer", 2, "x"),
            ("answer", 3, None),
            ("refine", 1, None),
        ]
        assert store.get_run(run.id or 0, session=session).revision > revision


def test_a_failed_answer_that_fails_again_is_one_answer_with_the_newest_reason(engine: Engine) -> None:
    run, questions = add_run(engine, 1)
    for kind in ("timeout", "unreachable"):
        with store.writing(engine) as session:
            store.save_answer(rows.answer(run, questions[0], error_kind=kind), [rows.call()], session=session)
    with store.reading(engine) as session:
        assert list(store.failures(run.id or 0, session=session).values()) == ["unreachable"]
    assert (count(Answer, engine), count(Call, engine)) == (1, 2)
