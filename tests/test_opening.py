"""opening.py: how a database is named, and those that are refused in one sentence, with nothing written."""

import os
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import rows
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from stored import add_run, at, one_sentence, refusal

from db import frames, opening, store
from db.store import StoreError

PASSWORD = "hunter2"


# --- the address ----------------------------------------------------------------------------------------------------


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


# --- refusals: one sentence, nothing written ------------------------------------------------------------------------


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
