"""workers.py: a run belongs to the process that works on it for as long as that lives."""

import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine
from stored import add_run, child, one_sentence

from db import store, workers
from db.models import Run, RunStatus, now
from db.store import StoreError

ME = f"{socket.gethostname()}:{os.getpid()}"


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[str]"]:
    process = child("import sys; sys.stdin.readline()")
    yield process
    process.kill()
    process.communicate()


def claimed_by(worker: str | None, engine: Engine, heartbeat: Any = None) -> Run:
    run, _ = add_run(engine, worker=worker, heartbeat_at=heartbeat or now())
    return run


def claim(run: Run, engine: Engine) -> None:
    with store.writing(engine) as session:
        workers.claim_runs([run.id or 0], session=session)


def test_a_run_of_a_living_process_is_not_claimed(engine: Engine, sleeper: "subprocess.Popen[str]") -> None:
    worker = f"{socket.gethostname()}:{sleeper.pid}"
    run = claimed_by(worker, engine)
    with pytest.raises(StoreError) as caught:
        claim(run, engine)
    assert f"is being worked on by process {worker}; wait for it or stop it first" in one_sentence(caught.value)


def test_no_run_is_claimed_where_one_of_them_cannot_be(engine: Engine, sleeper: "subprocess.Popen[str]") -> None:
    free = claimed_by(None, engine)
    taken = claimed_by(f"{socket.gethostname()}:{sleeper.pid}", engine)
    with pytest.raises(StoreError), store.writing(engine) as session:
        workers.claim_runs([free.id or 0, taken.id or 0], session=session)
    with store.reading(engine) as session:
        assert store.get_run(free.id or 0, session=session).worker is None


def test_a_run_of_a_dead_process_is_taken_over(engine: Engine, sleeper: "subprocess.Popen[str]") -> None:
    run = claimed_by(f"{socket.gethostname()}:{sleeper.pid}", engine)
    sleeper.kill()
    sleeper.wait()
    claim(run, engine)
    with store.reading(engine) as session:
        assert store.get_run(run.id or 0, session=session).worker == ME


@pytest.mark.skipif(os.name == "nt", reason="Windows has no zombies")
def test_a_run_of_a_killed_process_that_nobody_waited_for_is_taken_over(
    engine: Engine, sleeper: "subprocess.Popen[str]"
) -> None:
    run = claimed_by(f"{socket.gethostname()}:{sleeper.pid}", engine)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list of processes
    assert psutil.pid_exists(sleeper.pid)
    claim(run, engine)


def test_a_number_that_was_given_to_another_process_since_is_not_alive(
    engine: Engine, sleeper: "subprocess.Popen[str]"
) -> None:
    worker = f"{socket.gethostname()}:{sleeper.pid}"
    assert not workers.is_alive(claimed_by(worker, engine, now() - timedelta(minutes=5)))
    assert workers.is_alive(claimed_by(worker, engine))


def test_a_process_may_claim_its_own_run_again(engine: Engine) -> None:
    run = claimed_by(ME, engine)
    claim(run, engine)
    assert workers.is_alive(run)


def test_a_process_of_another_user_counts_as_alive(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_pid: int) -> Any:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "Process", denied)
    assert workers.is_alive(claimed_by(f"{socket.gethostname()}:1", engine))


def test_a_worker_on_another_machine_lives_as_long_as_it_beats(engine: Engine) -> None:
    assert workers.is_alive(claimed_by("elsewhere:1", engine))
    silent = claimed_by("elsewhere:1", engine, now() - timedelta(seconds=workers.CLAIM_S + 1))
    assert not workers.is_alive(silent)
    claim(silent, engine)


def test_a_run_that_ended_has_no_worker(engine: Engine) -> None:
    run = claimed_by(ME, engine)
    with store.writing(engine) as session:
        store.set_status([run.id or 0], RunStatus.stopped, session=session)
    with store.reading(engine) as session:
        stored = store.get_run(run.id or 0, session=session)
    assert stored.worker is None
    assert not workers.is_alive(stored)


@pytest.mark.parametrize(("seconds", "alive"), [(5, True), (50, True), (70, False), (7200, False)])
def test_a_worker_elsewhere_that_is_silent_for_a_minute_counts_as_gone(seconds: int, alive: bool) -> None:
    run = Run.model_construct(worker="another-machine:1", heartbeat_at=now() - timedelta(seconds=seconds))
    assert workers.is_alive(run) is alive
