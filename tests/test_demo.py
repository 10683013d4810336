"""The demo: once is enough, however often and by how many processes it is started."""

import asyncio
import socket
from pathlib import Path

import pytest
import rows as made
from carried_out import rows
from command import Command
from sqlmodel import col, delete
from test_cli import rightsize
from test_runner import begin, wait_for_answers

from db import store, workers
from db.models import Answer, Assessment, Call, Run, RunStatus
from eval import demo, qa_set, records, server
from eval.commands import measuring
from eval.runner import run_plan

NOTE = {"demo": True, "ports": [1, 2, 3, 4]}


def test_two_demos_at_once_are_one_and_a_resume_leaves_them_alone(tmp_path: Path) -> None:
    db = f"sqlite:///{(tmp_path / 'rightsize.db').as_posix()}"
    both = [begin("demo", "--no-dashboard", db=db) for _ in range(2)]
    wait_for_answers(db, 1)
    for command, code in ((("resume",), 0), (("resume", "last"), 1)):
        left = rightsize(*command, cwd=tmp_path)
        assert left.returncode == code, left.stderr
        assert "being worked on by another process: run 1, 2, 3, 4." in left.stderr
        assert "nothing else to resume" in left.stderr
    assert any(workers.is_alive(run) for run in rows(db, Run)), "the demo had ended before it could be disturbed"
    assert [process.wait(timeout=120) for process in both] == [0, 0]

    runs = rows(db, Run)
    assert [run.target for run in runs] == ["small-local", "large-local", "cloud", "hybrid"]
    assert all(run.simulated and run.n_planned == 60 and run.status == RunStatus.finished for run in runs)
    assert len(rows(db, Assessment)) == 240
    third = rightsize("demo", "--no-dashboard", cwd=tmp_path)
    assert third.returncode == 0
    assert "already there" in third.stderr
    assert len(rows(db, Run)) == 4


def add_demo_run(url: str, **given: object) -> int:
    """A stored run of a demo of today's QA set, that may belong to another process."""
    engine = store.connect(url)
    with store.writing(engine) as session:
        stored = store.save_qa_set(*records.qa_set_rows(qa_set.built_in()), session=session)
        run = made.add_run(session, stored, **given)
        run.definition = {**run.definition, "simulator": NOTE}
        session.add(run)
    engine.dispose()
    return run.id or 0


def test_a_demo_that_was_begun_in_the_meantime_keeps_another_from_being_stored(empty_url: str) -> None:
    add_demo_run(empty_url)
    engine = store.connect(empty_url)
    with demo.demo_simulator() as urls, pytest.raises(demo.DemoExistsError):
        asyncio.run(run_plan(demo.demo_plan(urls), engine, lambda _: None, NOTE, demo.only_once))
    engine.dispose()
    assert len(rows(empty_url, Run)) == 1
    assert rows(empty_url, Answer) == []


def test_the_whole_group_of_a_simulator_that_another_process_has_started_is_left_alone(empty_url: str) -> None:
    elsewhere = f"elsewhere:{socket.gethostname()}:1"
    alive = {"worker": elsewhere, "heartbeat_at": made.samples.START.replace(year=9999)}
    first = add_demo_run(empty_url, status=RunStatus.answering, **alive)
    second = add_demo_run(empty_url, status=RunStatus.failed)
    engine = store.connect(empty_url)
    with store.writing(engine) as session:
        own = made.add_run(session, made.add_qa_set(session)[0], "other", status=RunStatus.failed)
    busy = measuring._busy(rows(empty_url, Run), engine)
    engine.dispose()
    assert [run.id for run in busy] == [first, second]
    assert own.id not in {run.id for run in busy}


def test_runs_of_a_dead_process_are_not_left_alone(empty_url: str) -> None:
    add_demo_run(empty_url, worker=f"{socket.gethostname()}:999999999", heartbeat_at=made.samples.START)
    engine = store.connect(empty_url)
    assert measuring._busy(rows(empty_url, Run), engine) == []
    engine.dispose()


@pytest.mark.parametrize("flags", [(), ("--no-browser",)])
def test_a_demo_that_is_there_is_opened_and_not_run_again(
    flags: tuple[str, ...], rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, int, bool]] = []
    monkeypatch.setattr(
        server, "serve_dashboard", lambda url, port, *, open_browser: served.append((url, port, open_browser))
    )
    add_demo_run(store.database_url(), status=RunStatus.finished)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = rightsize("demo", "--port", str(port), *flags)
    assert said.code == 0, said.err
    assert "already there" in said.err
    assert served == [(store.database_url(), port, not flags)]
    assert len(rows(store.database_url(), Run)) == 1


def test_a_demo_that_was_killed_goes_on_where_it_was(rightsize: Command) -> None:
    url = store.database_url()
    engine = store.connect(url)
    with demo.demo_simulator() as urls:
        plan, note = demo.demo_plan(urls).model_copy(update={"limit": 2}), demo.simulator_note(urls)
        asyncio.run(run_plan(plan, engine, lambda _: None, note, demo.only_once))
    before = [call.request_id for call in rows(url, Call)]
    last = [answer for answer in rows(url, Answer) if not answer.cold][-1]
    with store.writing(engine) as session:  # as a kill would have left it
        session.execute(delete(Assessment).where(col(Assessment.run_id) == last.run_id))
        session.execute(delete(Answer).where(col(Answer.id) == last.id))
        run = store.get_run(last.run_id, session=session)
        run.status, run.worker, run.ended_at = RunStatus.answering, None, None
        session.add(run)
    engine.dispose()
    kept = {call.request_id for call in rows(url, Call)}
    assert 0 < len(kept) < len(before)
    said = rightsize("demo", "--no-dashboard")
    assert said.code == 0, said.err
    assert "going on where it stopped" in said.err
    runs, answers = rows(url, Run), [answer for answer in rows(url, Answer) if not answer.cold]
    assert [each.status for each in runs] == [RunStatus.finished] * 4
    assert len({(a.run_id, a.question_id) for a in answers}) == len(answers) == 8
    assert kept <= {call.request_id for call in rows(url, Call)}
    assert len(rows(url, Assessment)) == 8
