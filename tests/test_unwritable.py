"""Databases that are read-only, locked, or on a full disk: what is told, and that nothing is left half written."""

import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rows
from sqlalchemy import event
from sqlalchemy.pool import Pool
from stored import add_run, at, child, one_sentence, refusal, say

from db import opening, store
from db.store import StoreError


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
