"""The database of commands that only look at what is stored: it has to be there."""

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from db import store


def open_existing(given: str | None) -> Engine:
    """Open the database that was given or is the default. Raises StoreError where there is none: none is made."""
    url = store.database_url(given)
    file = _file(url)
    if file and file.parent.is_dir() and not is_there(url):
        raise store.StoreError(
            f"There is no database at {file.absolute()}; `rightsize demo` or `rightsize run` makes one, --db names "
            "another."
        )
    return store.connect(url)


def is_there(url: str) -> bool:
    """Whether a database is at an address; a server's is, whatever it says when it is opened."""
    file = _file(url)
    return file is None or (file.exists() and (file.is_dir() or file.stat().st_size > 0))


def _file(url: str) -> Path | None:
    """The file of an SQLite address; None for a server, and for what connect() will refuse in its own words."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:") or "uri" in parsed.query:
        return None
    return Path(str(parsed.database))
