"""The commands in this process: what they find, choose and refuse before anything is asked."""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command import Command
from samples import add_group
from servers import GOOD, serve
from sqlalchemy import text

from db import models, opening, store
from db.models import RunStatus

READING = [
    ("runs",),
    ("runs", "--json"),
    ("show", "last"),
    ("resume",),
    ("judge", "1", "--judge", "m@http://127.0.0.1:1/v1"),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_database(arguments: tuple[str, ...], rightsize: Command) -> None:
    said = rightsize(*arguments)
    assert (said.code, said.out) == (1, "")
    assert f"There is no database at {Path('rightsize.db').absolute()}; `rightsize demo`" in said.err
    assert list(Path().iterdir()) == []
    assert "There is no database at" in rightsize(*arguments, "--db", "other.db").err
    assert list(Path().iterdir()) == []


def test_an_empty_file_is_no_database_and_stays_empty(rightsize: Command) -> None:
    Path("rightsize.db").touch()
    assert "There is no database at" in rightsize("runs").err
    assert Path("rightsize.db").read_bytes() == b""


def test_a_database_without_runs_is_one(rightsize: Command) -> None:
    store.connect(store.database_url()).dispose()
    assert "There are no runs yet" in rightsize("runs").err
    assert rightsize("runs").code == 0


def test_a_folder_in_place_of_a_database_is_named_as_one(rightsize: Command) -> None:
    Path("rightsize.db").mkdir()
    assert "is a folder, not a database" in rightsize("runs").err


def test_a_run_beside_another_process_on_the_same_host_says_who_slows_it_down(rightsize: Command) -> None:
    url = store.database_url()
    with serve(GOOD) as server, subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        again = ("run", "--target", f"b=m@{server.url}", "--limit", "1", "--warmup", "0")
        rightsize("run", "--target", f"a=m@{server.url}", "--limit", "1", "--warmup", "0")
        assert "another process" not in rightsize(*again).err
        engine = store.connect(url)
        with store.writing(engine) as session:
            first = store.get_run(1, session=session)
            first.status, first.worker, first.heartbeat_at = RunStatus.answering, _worker(other.pid), models.now()
            session.add(first)
        engine.dispose()
        said = rightsize(*again)
        other.communicate(b"\n")
    assert said.code == 0
    assert "Run 1 (a) is being measured on this machine by another process" in said.err


def _worker(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}"


def test_a_run_whose_process_was_killed_is_called_interrupted_and_says_how_to_go_on(rightsize: Command) -> None:
    add_group(store.database_url(), questions=2)
    engine = store.connect(store.database_url())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        with store.writing(engine) as session:
            for run, pid in zip(store.list_runs(session=session)[:2], (gone.pid, alive.pid), strict=True):
                run.status, run.worker, run.heartbeat_at = RunStatus.answering, _worker(pid), models.now()
                session.add(run)
        engine.dispose()
        said, told = rightsize("runs"), json.loads(rightsize("runs", "--json").out)
        alive.communicate(b"\n")
    killed, working = told[0]["id"], told[1]["id"]
    assert [run["standing"] for run in told[:2]] == ["interrupted", "answering"]
    assert f"rightsize resume {killed}\n" in said.out
    lines = [line for line in said.out.splitlines() if "answering" in line or "interrupted" in line]
    assert [line.split()[0] for line in lines if "answering" in line] == [str(working)]
    assert [line.split()[0] for line in lines if line.split()[0].isdigit() and "interrupted" in line] == [str(killed)]


def test_a_run_that_cannot_begin_makes_no_database(rightsize: Command) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        said = rightsize("run", "--target", f"a=m@http://127.0.0.1:{nobody.getsockname()[1]}/v1")
    assert said.code == 1
    assert "Nothing answers at" in said.err
    assert list(Path().iterdir()) == []


def test_a_long_wait_for_a_locked_database_is_said(rightsize: Command, caplog: pytest.LogCaptureFixture) -> None:
    assert rightsize("runs").code == 1  # an empty working folder
    engine = store.connect(store.database_url())
    holder = sqlite3.connect("rightsize.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(opening.SILENT_MS / 1000 + 1, lambda: holder.execute("ROLLBACK"))
    letting_go.start()
    with store.writing(engine) as session:
        session.execute(text("DELETE FROM price"))
    letting_go.join()
    holder.close()
    engine.dispose()
    assert [record.getMessage() for record in caplog.records] == [
        "The database sqlite:///rightsize.db is locked by another program; waiting up to 30 s for it."
    ]


def test_runs_of_two_qa_sets_each_have_their_own_judge_and_are_not_compared(rightsize: Command) -> None:
    first = add_group(store.database_url(), questions=12)[0]
    second = add_group(store.database_url(), questions=10, version="2", judged=False)[0]
    done = rightsize("quality", str(first), str(second))
    assert "on different QA sets: their quality cannot be compared" in done.err
    assert "test-judge (quick)" in done.out + done.err
    assert "nobody" not in done.out
    assert done.code == 0


def test_a_group_from_a_file_is_called_imported(rightsize: Command, tmp_path: Path) -> None:
    lines = [
        {"record": "header", "version": 1, "tool": "by hand"},
        {"record": "qa_set", "id": "s", "name": "Set", "version": "1"},
        {"record": "question", "qa_set": "s", "id": "q1", "question": "Is it?", "reference": "Yes."},
        {"record": "run", "id": "r", "qa_set": "s", "target": "a", "model": "m"},
        {"record": "answer", "run": "r", "question": "q1", "text": "Yes."},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert rightsize("import", str(file)).code == 0
    done = rightsize("runs")
    assert "imported" in (done.out + done.err).splitlines()[0]
