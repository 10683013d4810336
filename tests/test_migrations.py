"""The schema: what the migrations make is what the models say, and making it survives rivals and sudden ends."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import rows
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, inspect, text

import db
from db import opening, store
from db.models import SCHEMA_REVISION, Base

MIGRATIONS = Path(next(iter(db.__path__))) / "migrations"
ROUNDS = 12
CREATOR = """
import sys
from db import opening, store

print("ready", flush=True)
for path in map(str.strip, sys.stdin):
    try:
        engine = store.connect(f"sqlite:///{path}")
        with store.reading(engine) as session:
            said = "made" if store.list_qa_sets(session=session) == [] else "not empty"
        engine.dispose()
    except Exception as error:
        said = repr(error)
    print(said.replace("\\n", " "), flush=True)
"""
KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from db import opening, store

@event.listens_for(Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *_):
    if statement.strip().startswith("CREATE TABLE score"):
        os.kill(os.getpid(), signal.SIGKILL)

store.connect(sys.argv[1])
"""


@pytest.fixture
def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Engine]:
    engine = store.connect(f"sqlite:///{(tmp_path / 'migrated.db').as_posix()}")
    yield engine
    engine.dispose()


def tables_in(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name for (name,) in found}
    finally:
        connection.close()


def schema_of(engine: Engine) -> dict[str, Any]:
    """Tables with columns, keys, references and indexes, as the database tells them."""
    its = inspect(engine)
    with engine.connect() as connection:
        sql = dict(tuple(row) for row in connection.execute(text("SELECT name, sql FROM sqlite_master")))
    return {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in its.get_columns(name)],
            "key": its.get_pk_constraint(name)["constrained_columns"],
            "references": sorted(
                (f["constrained_columns"], f["referred_table"], f["referred_columns"], f["options"].get("ondelete", ""))
                for f in its.get_foreign_keys(name)
            ),
            "indexes": sorted(
                (str(i["name"]), i["column_names"], str(i.get("dialect_options", {}).get("sqlite_where", "")))
                for i in its.get_indexes(name)
            ),
            "autoincrement": "AUTOINCREMENT" in sql[name],
            "unique": sorted(u["column_names"] for u in its.get_unique_constraints(name)),
        }
        for name in its.get_table_names()
        if name != "alembic_version"
    }


def test_the_revision_named_in_the_models_is_the_newest_migration(config: Config) -> None:
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_REVISION]


def test_upgrading_an_empty_database_leaves_nothing_for_alembic_to_add(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_an_empty_database_gives_exactly_the_tables_of_the_models(migrated: Engine, tmp_path: Path) -> None:
    modelled = create_engine(f"sqlite:///{(tmp_path / 'modelled.db').as_posix()}")
    Base.metadata.create_all(modelled)
    assert schema_of(migrated) == schema_of(modelled)
    modelled.dispose()


def test_going_down_takes_every_table_away_and_up_again_brings_all_back(migrated: Engine, config: Config) -> None:
    before = schema_of(migrated)
    with migrated.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert schema_of(migrated) == {}
    with migrated.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert schema_of(migrated) == before


def test_a_new_database_keeps_a_write_ahead_log_and_checks_references(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_database_that_is_up_to_date_is_not_written_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    store.connect(f"sqlite:///{path.as_posix()}").dispose()
    before = path.read_bytes()
    store.connect(f"sqlite:///{path.as_posix()}").dispose()
    assert path.read_bytes() == before


def test_two_processes_that_create_the_same_database_at_once_both_succeed(tmp_path: Path) -> None:
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", CREATOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        for _ in range(2)
    ]
    said: list[list[str]] = []
    for rival in rivals:
        assert rival.stdout
        assert rival.stdout.readline() == "ready\n"
    for number in range(ROUNDS):
        for rival in rivals:
            assert rival.stdin
            rival.stdin.write(f"{(tmp_path / f'{number}.db').as_posix()}\n")
            rival.stdin.flush()
        said.append([rival.stdout.readline().strip() for rival in rivals if rival.stdout])
    for rival in rivals:
        rival.communicate(timeout=30)
    assert said == [["made", "made"]] * ROUNDS


def test_threads_that_create_different_databases_at_once_all_succeed(tmp_path: Path) -> None:
    start, failures = Barrier(6), list[Exception]()

    def create(number: int) -> None:
        start.wait()
        try:
            store.connect(f"sqlite:///{(tmp_path / f'{number}.db').as_posix()}").dispose()
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all("run" in tables_in(tmp_path / f"{number}.db") for number in range(6))


def test_a_migration_that_fails_halfway_leaves_no_table_behind(tmp_path: Path) -> None:
    path = tmp_path / "halfway.db"

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.strip().startswith("CREATE TABLE score"):
            raise RuntimeError("invented")

    event.listen(Engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError, match="invented"):
            store.connect(f"sqlite:///{path.as_posix()}")
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
    assert tables_in(path) == set()
    store.connect(f"sqlite:///{path.as_posix()}").dispose()
    assert {"alembic_version", *Base.metadata.tables} == tables_in(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_killed_halfway_through_a_migration_leaves_no_table_behind(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    url = f"sqlite:///{path.as_posix()}"
    done = subprocess.run([sys.executable, "-c", KILLED, url], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert tables_in(path) == set()
    store.connect(url).dispose()
    assert {"alembic_version", *Base.metadata.tables} == tables_in(path)


def test_the_migrations_are_found_in_a_folder_with_a_percent_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "100%(x)s"
    folder.mkdir()
    (folder / "migrations").symlink_to(MIGRATIONS, target_is_directory=True)
    monkeypatch.setattr(opening, "__file__", str(folder / "opening.py"))
    path = tmp_path / "new.db"
    store.connect(f"sqlite:///{path.as_posix()}").dispose()
    assert "run" in tables_in(path)


def test_a_database_of_the_first_schema_keeps_every_row_when_it_is_brought_up_to_date(
    tmp_path: Path, config: Config
) -> None:
    """Rebuilding a table drops the old one, and what refers to its rows would go with them."""
    url = f"sqlite:///{(tmp_path / 'old.db').as_posix()}"
    engine = store.connect(url)
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        answer = store.save_answer(
            rows.answer(rows.add_run(session, qa_set), questions[0]), [rows.call()], session=session
        )
        made = rows.assessment(answer, rows.judge(session), rows.rubric(session))
        store.save_assessment(made, rows.scores([4, None, 2]), [rows.call(stage="judge")], session=session)
    before = {name: len(found) for name, found in rows.everything(engine).items()}
    with engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    engine.dispose()
    engine = store.connect(url)
    assert {name: len(found) for name, found in rows.everything(engine).items()} == before
    with store.reading(engine) as session:
        assert [score.value for score in store.list_run_scores(1, session=session)] == [4, None, 2]
        (question, *_), ((assessment, _),) = questions, store.list_assessments([1], session=session)
        assert (question.must, question.must_not, assessment.sample, assessment.flags) == ([], [], 0, [])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    engine.dispose()
