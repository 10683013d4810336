"""The writer: everything handed over is stored, in order, in few commits, and a failure is never silent."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import rows
from sqlalchemy import Engine, event, select
from sqlmodel import Session

from db import store
from db.models import Answer, Question, Run
from db.store import StoreError
from eval import writer as writer_module
from eval.writer import Deed, Writer

PATIENCE_S = 20


@pytest.fixture
def run(engine: Engine) -> tuple[Run, Question]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        return rows.add_run(session, qa_set), questions[0]


@pytest.fixture
def commits(engine: Engine) -> list[str]:
    """The name of the thread of every commit."""
    seen: list[str] = []
    event.listen(engine, "commit", lambda _connection: seen.append(threading.current_thread().name))
    return seen


def saving(run: tuple[Run, Question], repeat: int) -> Deed:
    return lambda session: store.save_answer(rows.answer(*run, repeat), [rows.call()], session=session)


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def failing(session: Session) -> None:
    store.get_run(99, session=session)


class Gate:
    """A deed that keeps the writer busy until it is let go."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, _session: Session) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE_S)


def stored(engine: Engine) -> list[int]:
    """The repeats of the stored answers in the order they were stored."""
    with store.reading(engine) as session:
        return list(session.execute(select(Answer.repeat).order_by(Answer.id)).scalars())  # pyright: ignore


def test_what_is_handed_over_is_stored_in_its_order(engine: Engine, run: tuple[Run, Question]) -> None:
    order = [7, 3, 11, 0, 5, *range(20, 80)]
    with Writer(engine) as writer:
        for repeat in order:
            writer.put(saving(run, repeat))
    assert stored(engine) == order


def test_what_lies_ready_is_committed_together(engine: Engine, run: Any, commits: list[str]) -> None:
    gate = Gate()
    with Writer(engine) as writer:
        writer.put(gate)
        assert gate.reached.wait(PATIENCE_S)
        for repeat in range(50):
            writer.put(saving(run, repeat))
        gate.open.set()
    assert stored(engine) == list(range(50))
    assert len(commits) == 1


def test_commits_happen_in_a_thread_of_their_own(engine: Engine, run: Any, commits: list[str]) -> None:
    with Writer(engine) as writer:
        writer.put(saving(run, 0))
        wait_until(lambda: bool(commits))
    assert commits == ["writer"]
    assert "writer" not in {thread.name for thread in threading.enumerate()}


def test_a_writer_that_gives_way_commits_the_first_at_once_and_what_comes_while_it_rests_together(
    engine: Engine, run: Any, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "PAUSE_S", PATIENCE_S)
    with Writer(engine) as writer:
        writer.give_way()
        writer.put(saving(run, 0))
        wait_until(lambda: bool(commits))
        for repeat in range(1, 9):
            writer.put(saving(run, repeat))
        time.sleep(0.05)
        assert len(commits) == 1
        writer.flush()
        assert len(commits) == 2
        assert stored(engine) == list(range(9))


def test_what_is_handed_over_while_a_writer_rests_is_committed_without_being_asked_for(
    engine: Engine, run: Any, commits: list[str]
) -> None:
    with Writer(engine) as writer:
        writer.give_way()
        for repeat in range(3):
            writer.put(saving(run, repeat))
            wait_until(lambda: len(commits) == repeat + 1)  # noqa: B023 - called in this turn alone


def test_a_kill_loses_no_more_than_half_a_second_of_answers() -> None:
    assert writer_module.PAUSE_S <= 0.5


def test_a_flush_waits_until_everything_before_it_is_committed(engine: Engine, run: Any) -> None:
    gate, seen = Gate(), list[list[int]]()
    with Writer(engine) as writer:
        writer.put(gate)
        for repeat in range(5):
            writer.put(saving(run, repeat))

        def flush() -> None:
            writer.flush()
            seen.append(stored(engine))

        flushing = threading.Thread(target=flush)
        flushing.start()
        assert gate.reached.wait(PATIENCE_S)
        assert seen == []
        gate.open.set()
        flushing.join(PATIENCE_S)
        assert seen == [[0, 1, 2, 3, 4]]
        writer.flush()  # with nothing to wait for


def test_a_failure_comes_up_at_the_next_thing_handed_over(engine: Engine, run: Any) -> None:
    with suppress(StoreError), Writer(engine) as writer:
        writer.put(failing)
        with pytest.raises(StoreError, match="There is no run 99"):
            writer.flush()
        with pytest.raises(StoreError, match="There is no run 99"):
            writer.put(saving(run, 1))
    assert stored(engine) == []


def test_a_failure_comes_up_on_leaving_if_nothing_was_handed_over_after(engine: Engine) -> None:
    writer = Writer(engine)
    with pytest.raises(StoreError, match="There is no run 99"), writer:
        writer.put(failing)


def test_what_was_committed_before_a_failure_stays_and_nothing_after_it_is_stored(engine: Engine, run: Any) -> None:
    gate = Gate()

    def fail_later(session: Session) -> None:
        gate(session)
        failing(session)

    with suppress(StoreError), Writer(engine) as writer:
        writer.put(saving(run, 0))
        writer.flush()
        writer.put(fail_later)
        assert gate.reached.wait(PATIENCE_S)
        writer.put(saving(run, 1))  # handed over before the failure, its turn comes after
        gate.open.set()
    assert stored(engine) == [0]


def test_of_what_would_be_committed_together_all_before_the_one_that_fails_is_stored(engine: Engine, run: Any) -> None:
    gate = Gate()
    with suppress(StoreError), Writer(engine) as writer:
        writer.put(gate)
        assert gate.reached.wait(PATIENCE_S)
        for deed in (saving(run, 0), saving(run, 1), failing, saving(run, 2)):
            writer.put(deed)
        gate.open.set()
    assert stored(engine) == [0, 1]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_no_fault_of_any_kind_leaves_a_flush_waiting_for_ever(fault: type[BaseException], engine: Engine) -> None:
    def failing(_session: Session) -> None:
        raise fault("invented")

    raised: list[BaseException] = []

    def flush(writer: Writer) -> None:
        try:
            writer.flush()
        except BaseException as error:
            raised.append(error)

    with suppress(fault), Writer(engine) as writer:
        writer.put(failing)
        flushing = threading.Thread(target=flush, args=(writer,), daemon=True)
        flushing.start()
        flushing.join(PATIENCE_S)
    assert [type(error) for error in raised] == [fault]


def test_what_the_database_refuses_comes_up_as_a_sentence(engine: Engine, run: Any) -> None:
    writer = Writer(engine)
    with pytest.raises(StoreError, match="FOREIGN KEY"), writer:
        writer.put(lambda session: store.save_answer(rows.answer(*run, run_id=99), [], session=session))


def test_an_exception_of_the_body_loses_nothing_that_was_handed_over_before(engine: Engine, run: Any) -> None:
    gate = Gate()

    def hand_over_and_fail() -> None:
        with Writer(engine) as writer:
            writer.put(gate)
            for repeat in range(20):
                writer.put(saving(run, repeat))
            gate.open.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hand_over_and_fail()
    assert stored(engine) == list(range(20))


def test_an_exception_of_the_body_is_not_hidden_by_a_failure_of_the_writer(engine: Engine) -> None:
    def fail_twice() -> None:
        with Writer(engine) as writer:
            writer.put(failing)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_twice()


def test_many_threads_may_hand_over_at_once(engine: Engine, run: Any) -> None:
    with Writer(engine) as writer:

        def hand_over(first: int) -> None:
            for repeat in range(first, first + 40):
                writer.put(saving(run, repeat))

        threads = [threading.Thread(target=hand_over, args=(first,)) for first in (0, 40, 80)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.flush()
        assert sorted(stored(engine)) == list(range(120))
