"""Opening the database: its address, its tables brought up to date, and sessions for reading and writing.

What SQLite or a server says when something is wrong is turned into one sentence here (StoreError). What is read and
written is the store's business, the tables are those of models.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from db.models import SCHEMA_REVISION

DEFAULT_URL = "sqlite:///rightsize.db"
BUSY_TIMEOUT_MS = 30_000
SILENT_MS = 2_000  # how long a writer waits for another before it says so
LOCK_ID = 7_246_001  # of the lock under which tables are made on a server; any number of our own

_log = logging.getLogger(__name__)
_migrating = Lock()  # Alembic works on globals of its modules


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do."""


def database_url(given: str | None = None) -> str:
    """The database to use: what was given, else RIGHTSIZE_DB, else rightsize.db in the working folder.

    A plain file name is taken as SQLite.
    """
    url = given or os.environ.get("RIGHTSIZE_DB") or DEFAULT_URL
    if re.match(r"[A-Za-z][A-Za-z0-9_+]+:", url):  # one letter and a colon is a drive
        return url
    return "sqlite:///" + Path(url).as_posix().replace("%", "%25").replace("?", "%3F")


def _shown(url: URL) -> str:
    """An address for a sentence: without user, password and options, which may hold a password too."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    place = f"{url.host or ''}/{url.database or ''}"
    if "@" in place or set("/?") & set(str(url.password or "")):  # the parts were told apart wrongly
        place = "***"
    return f"{url.drivername}://{place}"


def _sentence(error: DBAPIError | sqlite3.Error | OSError, url: URL) -> str:
    """What a driver's message means for a person."""
    said = str(error.orig if isinstance(error, DBAPIError) else getattr(error, "strerror", None) or error).strip()
    for part, meaning in (
        ("readonly", "is read-only; allow writing to the file and its folder, or choose another with --db"),
        ("locked", "is locked by another program; close that program or wait, then try again"),
        ("disk is full", "could not be written because the disk is full; free some room and try again"),
        ("disk I/O error", "could not be written (disk error or full disk); check the disk and try again"),
        ("not a database", "is not a database; choose another file with --db"),
        ("malformed", "is damaged; restore a copy, or choose another file with --db"),
        ("unable to open", "cannot be opened; check that the folder exists and that it and the file may be written"),
        ("connection failed", "cannot be reached; start its server, or correct the address or its password"),
        ("failed to resolve", "cannot be reached, because nothing knows its host; correct the address"),
    ):
        if part in said:
            return f"The database {_shown(url)} {meaning}."
    first = said.splitlines()[0].rstrip(".") if said else type(error).__name__
    return f"The database {_shown(url)} refused: {first}."


def _prepare_sqlite(engine: Engine) -> None:
    """Settle how SQLite behaves: our own BEGIN, patience with other writers, checked references."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=NORMAL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if connection.get_execution_options().get("writing"):
            _take_lock(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _take_lock(connection: Connection) -> None:
    """Begin writing: SQLite does not wait when a reader later turns into a writer. A long wait is said once."""
    try:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={SILENT_MS}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except DBAPIError as error:
        if "locked" not in str(error.orig):
            raise
        _log.warning(
            "The database %s is locked by another program; waiting up to %d s for it.",
            _shown(connection.engine.url),
            BUSY_TIMEOUT_MS // 1000,
        )
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _create_engine(url: str) -> Engine:
    try:
        return create_engine(make_url(url))
    except ImportError as error:
        raise StoreError(
            f"The database driver {error.name} is not installed; install it, or use a file like sqlite:///rightsize.db."
        ) from error
    except (ArgumentError, ValueError) as error:  # the address is not shown: who knows where in it a password stands
        start = url.partition(":")[0][:40]
        raise StoreError(
            f'The database address that begins with "{start}" cannot be used; write it like sqlite:///rightsize.db.'
        ) from error


def _check_place(url: URL) -> None:
    """Raise StoreError where no file can be; SQLite would only say that it is unable to open it."""
    if url.get_backend_name() != "sqlite" or "uri" in url.query:
        return
    if not url.database or url.database == ":memory:":
        raise StoreError("A database in memory would be lost at once; name a file, like sqlite:///rightsize.db.")
    path = Path(url.database).absolute()
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} for the database does not exist; create it or correct --db.")
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a database; name a file in it with --db.")


def connect(url: str) -> Engine:
    """Open the database, creating or upgrading its tables where needed. Raises StoreError with one sentence."""
    engine = _create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    try:
        _check_place(engine.url)
        _bring_up_to_date(engine)
    except StoreError:
        engine.dispose()
        raise
    except (DBAPIError, sqlite3.Error, OSError) as error:
        engine.dispose()
        raise StoreError(_sentence(error, engine.url)) from error
    return engine


def _revision(connection: Connection, config: Config) -> str | None:
    """The schema revision that is in the database; None in an empty one.

    Raises StoreError where the tables are another program's or those of a newer version.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    where = _shown(connection.engine.url)
    if not {"alembic_version", "qa_set", "run"} <= tables:
        raise StoreError(f"The database {where} holds tables of another program; choose another with --db.")
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == SCHEMA_REVISION:
        return found
    if found not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        raise StoreError(
            f"The database {where} was made by a newer version of Rightsize (schema {found}, this one knows "
            f"{SCHEMA_REVISION}); upgrade Rightsize or choose another with --db."
        )
    return found


def _use_write_ahead_log(engine: Engine) -> None:
    """Let readers and a writer work at once. The file remembers it; only a database without tables is switched."""
    connection = engine.raw_connection()
    patient_until = monotonic() + BUSY_TIMEOUT_MS / 1000
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")  # outside any transaction, or SQLite refuses
                return
            except sqlite3.OperationalError as error:  # two that switch at once: SQLite refuses one without waiting
                if "locked" not in str(error) or monotonic() > patient_until:
                    raise
                sleep(0.01)
    finally:
        connection.close()


def _bring_up_to_date(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.connect() as connection:
        found = _revision(connection, config)
    if found == SCHEMA_REVISION:
        return
    if found is None and engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine)
    with _migrating, engine.execution_options(writing=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(LOCK_ID)))
        # Asked again, now that we hold the lock: another process may have been faster.
        if _revision(connection, config) != SCHEMA_REVISION:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for reading; a driver's complaint leaves it as StoreError."""
    try:
        with Session(engine) as session:
            yield session
    except DBAPIError as error:
        raise StoreError(_sentence(error, engine.url)) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session for writing, committed at the end and rolled back as a whole on any exception."""
    try:
        with Session(engine.execution_options(writing=True), expire_on_commit=False) as session:
            yield session
            session.commit()
    except DBAPIError as error:
        raise StoreError(_sentence(error, engine.url)) from error
