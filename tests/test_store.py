"""The store under attack: databases that cannot be opened, writers that collide or die, rows that must not be lost."""

import os
import random
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import rows
from plans import plans, statements
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import Pool
from sqlmodel import Session

from db import frames, opening, store, workers
from db.models import (
    Answer,
    AssessmentStatus,
    Call,
    CheckResult,
    Comparison,
    Handout,
    Preference,
    Price,
    PriceCard,
    QASet,
    Question,
    RaterKind,
    Run,
    RunStatus,
    Scenario,
    now,
)
from db.store import StoreError

PASSWORD = "hunter2"
ME = f"{socket.gethostname()}:{os.getpid()}"


def at(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    opened = store.connect(at(path))
    yield opened
    opened.dispose()


def refusal(url: str) -> str:
    """The one sentence with which a database is refused."""
    with pytest.raises(StoreError) as caught:
        store.connect(url).dispose()
    return one_sentence(caught.value)


def one_sentence(error: BaseException) -> str:
    said = str(error)
    assert "\n" not in said
    assert len(re.findall(r"[.!?](?=\s|$)", said)) == 1, said
    assert said.endswith(".")
    return said


def count(model: Any, engine: Engine) -> int:
    with store.reading(engine) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def add_run(engine: Engine, n: int = 3, **given: Any) -> tuple[Run, list[Question]]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, n)
        return rows.add_run(session, qa_set, **given), questions


def child(script: str, *arguments: str, **given: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        **given,
    )


def say(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


# --- the address --------------------------------------------------------------------------------------------------


def test_the_database_is_the_one_given_else_the_variables_else_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGHTSIZE_DB", "sqlite:///from_variable.db")
    assert store.database_url("given.db") == "sqlite:///given.db"
    assert store.database_url() == "sqlite:///from_variable.db"
    monkeypatch.setenv("RIGHTSIZE_DB", "")
    assert store.database_url() == "sqlite:///rightsize.db"
    monkeypatch.delenv("RIGHTSIZE_DB")
    assert store.database_url(None) == "sqlite:///rightsize.db"


def test_a_plain_file_name_is_sqlite_and_an_address_stays_as_it_is() -> None:
    assert store.database_url("/data/runs.db") == "sqlite:////data/runs.db"
    assert store.database_url("folder/runs") == "sqlite:///folder/runs"
    assert store.database_url("postgresql+psycopg://h/db") == "postgresql+psycopg://h/db"


def test_a_drive_letter_is_a_path_and_no_address() -> None:
    assert store.database_url(r"C:\data\runs.db").startswith("sqlite:///C:")
    assert store.database_url("d:/data/runs.db") == "sqlite:///d:/data/runs.db"


@pytest.mark.parametrize("name", ["what?.db", "50%.db", "a%20b.db", "a#b.db", "ü ñ.db", "a&b=c.db", "a@b.db"])
def test_a_file_is_made_under_just_the_name_that_was_given(name: str, tmp_path: Path) -> None:
    store.connect(store.database_url(str(tmp_path / name))).dispose()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_variable_opens_a_database_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIGHTSIZE_DB", "mine.db")
    store.connect(store.database_url()).dispose()
    assert (tmp_path / "mine.db").is_file()


# --- refusals: one sentence, nothing written ----------------------------------------------------------------------


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    said = refusal(at(tmp_path / "none" / "runs.db"))
    assert str(tmp_path / "none") in said
    assert "create it or correct --db" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_a_file_is_called_a_folder(tmp_path: Path) -> None:
    (tmp_path / "runs.db").mkdir()
    assert "is a folder, not a database" in refusal(at(tmp_path / "runs.db"))
    assert list((tmp_path / "runs.db").iterdir()) == []


def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    assert "too long" in refusal(at(tmp_path / ("n" * 300)))


@pytest.mark.parametrize("content", [b"question,reference\n" * 9, b"x" * 5000, os.urandom(2000), b"PK\3\4" * 400])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "is not a database; choose another file with --db" in refusal(at(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_damaged_database_is_refused_and_left_as_it_was(damage: str, path: Path) -> None:
    store.connect(at(path)).dispose()
    whole = path.read_bytes()
    garbage = random.Random(7).randbytes(len(whole) - 100)
    path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else whole[:100] + garbage)
    before = path.read_bytes()
    assert "is damaged; restore a copy" in refusal(at(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("reader", ["store", "frames"])
def test_damage_that_shows_only_when_rows_are_read_is_told_in_a_sentence(reader: str, path: Path) -> None:
    engine = store.connect(at(path))
    run, questions = add_run(engine, 1)
    with store.writing(engine) as session:
        for repeat in range(300):
            answer = rows.answer(run, questions[0], repeat, text="x" * 500)
            store.save_answer(answer, [], session=session)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'answer'").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    engine.dispose()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    engine = store.connect(at(path))
    read = frames.answers_frame if reader == "frames" else store.list_answers
    with pytest.raises(StoreError) as caught, store.reading(engine) as session:
        read(run.id or 0, session=session)
    assert "is damaged" in one_sentence(caught.value)
    engine.dispose()


def test_the_database_of_another_program_is_refused_and_left_as_it_was(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipe (name)")
    connection.close()
    before = path.read_bytes()
    assert "holds tables of another program; choose another with --db" in refusal(at(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("revision", ["0001", "9999", "f3a1"])
def test_another_programs_database_with_alembic_in_it_is_not_taken_for_ours(revision: str, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(f"CREATE TABLE recipe (name); CREATE TABLE alembic_version (version_num);"
                             f"INSERT INTO alembic_version VALUES ('{revision}')")  # fmt: skip
    connection.close()
    before = path.read_bytes()
    assert "another program" in refusal(at(path))
    assert path.read_bytes() == before


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_was(path: Path) -> None:
    store.connect(at(path)).dispose()
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode=DELETE; UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    said = refusal(at(path))
    assert "newer version of Rightsize (schema 9999, this one knows" in said
    assert "upgrade Rightsize" in said
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        assert "in memory" in refusal(url)


@pytest.mark.parametrize(
    "url", ["", "runs.db", "sqlite:runs.db", "sqlite://runs.db", "sqlite:/runs.db", "://", "a b://c", "nosuch:///x",
            "sqlite+nosuch:///x", "postgresql://h:port/db", "postgresql://[::1/db", "sqlite:///x.db?timeout=soon"],
)  # fmt: skip
def test_a_malformed_address_is_refused_with_an_example(url: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert "write it like sqlite:///rightsize.db" in refusal(url)
    assert list(tmp_path.iterdir()) == []


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_url: Any) -> Engine:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr(opening, "create_engine", missing)
    assert "psycopg is not installed; install it" in refusal("postgresql://h/db")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@h:port/db",
        f"postgresql+nosuch://me:{PASSWORD}@h/db",
        f"nosuch://me:{PASSWORD}@h/db",
        f"mysql://me:{PASSWORD}@h/db",
        f"oracle://me:{PASSWORD}@h/db",
        f"http://me:{PASSWORD}@[::1/db",
        f"postgresql:me:{PASSWORD}@h/db",
        f"sqlite://me:{PASSWORD}@h/db",
    ],
)
def test_a_password_in_an_address_is_never_shown(url: str) -> None:
    assert PASSWORD not in refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:9/db",
        f"postgresql://me:p@{PASSWORD}@127.0.0.1:9/db",
        f"postgresql://127.0.0.1:9/db?user=me&password={PASSWORD}",
        f"postgresql://127.0.0.1:9/db?password=p@{PASSWORD}",
        f"postgresql://me:a?b{PASSWORD}@127.0.0.1:9/db",
    ],
)
def test_a_password_is_not_shown_when_the_server_cannot_be_reached(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver need not be installed: an engine that fails at its first connection stands for it."""

    def unreachable() -> Any:
        raise OperationalError("", {}, Exception("connection failed: refused\n\tIs the server running?"))

    def create(url: Any) -> Engine:
        made = create_engine("sqlite://", creator=unreachable)
        made.url = url
        return made

    monkeypatch.setattr(opening, "create_engine", create)
    said = refusal(url)
    assert PASSWORD not in said
    assert "start its server" in said


def test_what_a_driver_says_in_several_lines_becomes_one_sentence(engine: Engine) -> None:
    with pytest.raises(StoreError) as caught, store.reading(engine):
        raise OperationalError("SELECT 1", {}, Exception("It broke.\nDETAIL: in many words.\n"))
    assert one_sentence(caught.value).endswith("refused: It broke.")


# --- read-only, locked, full --------------------------------------------------------------------------------------


def test_a_read_only_database_can_be_read_and_writing_is_refused(path: Path) -> None:
    engine = store.connect(at(path))
    add_run(engine)
    engine.dispose()
    for url in (f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true",):
        engine = store.connect(url)
        with store.reading(engine) as session:
            assert len(store.list_runs(session=session)) == 1
        with pytest.raises(StoreError) as caught, store.writing(engine) as session:
            store.edit_run(1, session=session, name="other")
        assert "is read-only; allow writing" in one_sentence(caught.value)
        engine.dispose()


def test_an_empty_read_only_file_is_refused_and_left_empty(path: Path) -> None:
    path.touch()
    assert "is read-only" in refusal(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true")
    assert path.read_bytes() == b""


def test_a_file_that_may_not_be_made_is_refused(path: Path) -> None:
    said = refusal(f"sqlite:///file:{path.as_posix()}?mode=rw&uri=true")
    assert "cannot be opened; check that the folder exists" in said
    assert not path.exists()


def test_a_folder_that_takes_no_file_beside_the_database_is_told(path: Path) -> None:
    """As on a read-only folder, where the log that SQLite keeps beside the file cannot be made."""
    store.connect(at(path)).dispose()
    before = path.read_bytes()
    path.with_name("runs.db-wal").mkdir()
    assert "cannot be opened; check that the folder exists and that it and the file may be written" in refusal(at(path))
    assert path.read_bytes() == before


def _obey_permissions() -> None:
    """Give up root's right to ignore permissions (CAP_DAC_OVERRIDE), which only Linux knows."""
    if os.geteuid() == 0:
        import ctypes  # noqa: PLC0415 - in the child, between fork and exec

        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


OPENER = """
import sys
from db import opening, store
try:
    engine = store.connect(sys.argv[1])
    with store.writing(engine) as session:
        store.edit_run(1, session=session, name="other")
    print("written")
except store.StoreError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize(("of_file", "of_folder"), [(0o400, 0o700), (0o600, 0o500), (0o000, 0o700), (0o600, 0o000)])
def test_permissions_that_forbid_writing_are_told_and_nothing_is_written(
    of_file: int, of_folder: int, tmp_path: Path
) -> None:
    folder = tmp_path / "guarded"
    folder.mkdir()
    engine = store.connect(at(folder / "runs.db"))
    add_run(engine)
    engine.dispose()
    before = (folder / "runs.db").read_bytes()
    (folder / "runs.db").chmod(of_file)
    folder.chmod(of_folder)
    try:
        opener = child(OPENER, at(folder / "runs.db"), preexec_fn=_obey_permissions)
        said, _ = opener.communicate(timeout=60)
    finally:
        folder.chmod(stat.S_IRWXU)
    assert len(said.splitlines()) == 1
    assert re.search(r"read-only|cannot be opened|may not be opened|Permission denied", said), said
    (folder / "runs.db").chmod(0o600)
    assert (folder / "runs.db").read_bytes() == before


def test_a_new_database_locked_by_another_program_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 50)
    rival = sqlite3.connect(path, isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")
    assert "is locked by another program; close that program or wait" in refusal(at(path))
    rival.execute("ROLLBACK")
    rival.close()
    assert path.read_bytes() == b""
    store.connect(at(path)).dispose()


def test_a_write_waits_for_a_lock_and_then_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 50)
    engine = store.connect(at(path))
    add_run(engine)
    holder = child(
        """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        sys.stdin.readline()
        """,
        str(path),
    )
    assert say(holder) == "held"
    with pytest.raises(StoreError) as caught, store.writing(engine) as session:
        store.edit_run(1, session=session, name="other")
    assert "is locked by another program" in one_sentence(caught.value)
    with store.reading(engine) as session:
        assert store.get_run(1, session=session).name != "other"
    holder.communicate("done\n", timeout=30)
    with store.writing(engine) as session:
        store.edit_run(1, session=session, name="other")
    engine.dispose()


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Lets databases opened from now on grow to so many pages only."""
    listeners: list[Any] = []

    def limit(pages: int) -> None:
        def bound(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        event.listen(Pool, "connect", bound)
        listeners.append(bound)

    yield limit
    for bound in listeners:
        event.remove(Pool, "connect", bound)


def test_a_new_database_on_a_full_disk_is_refused_and_left_without_tables(
    path: Path, full_disk: Callable[[int], None]
) -> None:
    full_disk(12)
    assert "could not be written because the disk is full; free some room" in refusal(at(path))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_write_on_a_full_disk_leaves_nothing_half(path: Path, full_disk: Callable[[int], None]) -> None:
    engine = store.connect(at(path))
    run, questions = add_run(engine)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    before = rows.everything(engine)
    engine.dispose()
    full_disk(pages + 4)
    many = [rows.answer(run, question, text="x" * 20_000) for question in questions]
    with pytest.raises(StoreError) as caught, store.writing(engine) as session:
        _ = [store.save_answer(answer, [rows.call()], session=session) for answer in many]
    assert "the disk is full" in one_sentence(caught.value)
    assert rows.everything(engine) == before
    engine.dispose()


# --- QA sets and runs ---------------------------------------------------------------------------------------------


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


# --- answers ------------------------------------------------------------------------------------------------------


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


# --- assessments --------------------------------------------------------------------------------------------------


def test_a_second_assessment_of_a_rater_counts_and_the_first_is_kept(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, rubric = rows.judge(session), rows.rubric(session)
        answer = store.save_answer(rows.answer(run, questions[0]), [], session=session)
        for value in (1, 2, 3):
            store.save_assessment(rows.assessment(answer, judge, rubric), rows.scores([value] * 3), session=session)
    with store.reading(engine) as session:
        assessments = [a for a, _ in store.list_run_assessments(run.id or 0, session=session)]
        scores = store.list_run_scores(run.id or 0, session=session)
    assert [a.current for a in assessments] == [False, False, True]
    assert [s.value for s in scores] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_another_rater_rubric_protocol_or_answer_does_not_replace_an_assessment(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, other, someone = rows.judge(session), rows.judge(session, "other"), rows.person(session)
        rubric, newer = rows.rubric(session), rows.rubric(session, "2")
        first, second = (store.save_answer(rows.answer(run, q), [rows.call()], session=session) for q in questions[:2])
        for made in (
            rows.assessment(first, judge, rubric),
            rows.assessment(first, other, rubric),
            rows.assessment(first, someone, rubric, "person"),
            rows.assessment(first, judge, newer),
            rows.assessment(first, judge, rubric, "study"),
            rows.assessment(second, judge, rubric),
        ):
            store.save_assessment(made, rows.scores([3, 3, 3]), session=session)
    with store.reading(engine) as session:
        assert [a.current for a, _ in store.list_run_assessments(run.id or 0, session=session)] == [True] * 6


def test_raters_and_rubrics_are_stored_once(engine: Engine) -> None:
    for _ in range(2):
        with store.writing(engine) as session:
            assert rows.judge(session).id == 1
            assert rows.person(session, "test-judge").id == 2  # of another kind: another rater
            assert rows.rubric(session).id == 1
            assert rows.rubric(session, "2").id == 2
    with store.reading(engine) as session:
        assert [r.kind for r in store.list_raters(session=session)] == [RaterKind.judge, RaterKind.person]
        assert [r.id for r in store.list_raters(session=session, kind=RaterKind.person)] == [2]


def test_due_for_a_judge_is_what_it_has_not_assessed_or_failed_to(engine: Engine) -> None:
    run, questions = add_run(engine, 9)
    with store.writing(engine) as session:
        judge, other, rubric = rows.judge(session), rows.judge(session, "other"), rows.rubric(session)
        newer = rows.rubric(session, "2")
        answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions[:8]]
        store.save_answer(rows.answer(run, questions[8], error_kind="timeout"), [], session=session)
        store.save_answer(rows.answer(run, questions[0], cold=True), [], session=session)
        ok, unparsed, invalid, partial, failed, mended, others, fresh = answers
        given = [
            (ok, judge, rubric, AssessmentStatus.ok),
            (unparsed, judge, rubric, AssessmentStatus.unparsed),
            (invalid, judge, rubric, AssessmentStatus.invalid),
            (partial, judge, rubric, AssessmentStatus.partial),
            (failed, judge, rubric, AssessmentStatus.error),
            (mended, judge, rubric, AssessmentStatus.error),
            (mended, judge, rubric, AssessmentStatus.ok),
            (others, other, rubric, AssessmentStatus.ok),
            (others, judge, newer, AssessmentStatus.ok),
        ]
        for answer, rater, its_rubric, status in given:
            store.save_assessment(rows.assessment(answer, rater, its_rubric, status=status), [], session=session)
        study = rows.assessment(others, judge, rubric, "study")
        store.save_assessment(study, [], session=session)

    def due(protocol: str = "quick") -> list[int | None]:
        with store.reading(engine) as session:
            pairs = store.list_unassessed(run.id or 0, judge.id or 0, rubric.id or 0, protocol, session=session)
            assert all(answer.question_id == question.id and sample == 0 for answer, question, sample in pairs)
            return [answer.id for answer, *_ in pairs]

    assert due() == [failed.id, others.id, fresh.id]
    assert due("study") == [a.id for a in answers if a is not others]
    with store.reading(engine) as session:
        three = store.list_unassessed(run.id or 0, judge.id or 0, rubric.id or 0, "quick", 3, session=session)
    missing = [(answer.id, sample) for answer, _, sample in three]
    assert missing == [(a.id, n) for a in answers for n in range(3) if n or a in (failed, others, fresh)]


def test_how_long_a_judge_takes_is_the_mean_over_what_it_assessed(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, rubric = rows.judge(session), rows.rubric(session)
        for question, ms in zip(questions, (1000.0, 3000.0), strict=False):
            answer = store.save_answer(rows.answer(run, question), [], session=session)
            store.save_assessment(rows.assessment(answer, judge, rubric, total_ms=ms), [], session=session)
        assert store.judging_pace(session=session) == {("test-judge", "quick"): 2.0}


# --- deleting -----------------------------------------------------------------------------------------------------


def fill(run: Run, questions: list[Question], session: Session) -> None:
    """Everything that can hang on a run, in every table that can hold it."""
    judge, someone, rubric = rows.judge(session), rows.person(session), rows.rubric(session)
    for i, question in enumerate(questions):
        answer = store.save_answer(rows.answer(run, question), [rows.call(), rows.call()], session=session)
        for value in (2, 4):  # the second replaces the first
            made = rows.assessment(answer, judge, rubric)
            store.save_assessment(made, rows.scores([value] * 3), [rows.call(stage="judge")], session=session)
        if i == 0:
            store.save_assessment(
                rows.assessment(answer, someone, rubric, "person"), rows.scores([5, None, 3]), session=session
            )
            drawn = rows.sample(answer, rubric, session)
            session.add(Handout(draw_id=drawn.id, turn=0, rater_id=someone.id, position=1))
            made = rows.assessment(answer, someone, rubric, "person", draw_id=drawn.id)
            store.save_assessment(made, rows.scores([4, 4, 4]), session=session)
            sides = {"left_answer_id": answer.id, "right_answer_id": answer.id}
            session.add(Comparison(question_id=question.id, rater_id=someone.id, preference=Preference.same, **sides))
            session.add(CheckResult(assessment_id=made.id, kind="must", text="Names a day.", met=True))
    store.save_answer(rows.answer(run, questions[0], cold=True), [rows.call()], session=session)
    store.save_answer(rows.answer(run, questions[0], 1, error_kind="timeout"), [rows.call()], session=session)


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


# --- what changed -------------------------------------------------------------------------------------------------


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


# --- who is at work -----------------------------------------------------------------------------------------------


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


# --- prices -------------------------------------------------------------------------------------------------------


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


# --- reading through indexes --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("seconds", "alive"), [(5, True), (50, True), (70, False), (7200, False)])
def test_a_worker_elsewhere_that_is_silent_for_a_minute_counts_as_gone(seconds: int, alive: bool) -> None:
    run = Run.model_construct(worker="another-machine:1", heartbeat_at=now() - timedelta(seconds=seconds))
    assert workers.is_alive(run) is alive
