"""Fixtures that many tests share: databases in a temporary folder, empty or with invented runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answers_sample import answers_engine, answers_template  # noqa: F401 - fixtures
from asked import no_long_waits  # noqa: F401 - a fixture
from browser import chromium  # noqa: F401 - a fixture
from command import rightsize  # noqa: F401 - a fixture
from configured import written  # noqa: F401 - a fixture
from samples import add_group
from sqlalchemy import Engine
from stored import at

from db import store


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    """The address of a database that does not exist yet."""
    return f"sqlite:///{(tmp_path / 'empty.db').as_posix()}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of `engine` lies, or one can be made."""
    return tmp_path / "runs.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """An empty database, open."""
    opened = store.connect(at(path))
    yield opened
    opened.dispose()


@pytest.fixture
def full_url(tmp_path: Path) -> str:
    """A database with one group of four invented runs, judged and partly scored by a person."""
    url = f"sqlite:///{(tmp_path / 'full.db').as_posix()}"
    add_group(url, people=True)
    return url


@pytest.fixture(scope="session")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same for tests that only read it."""
    url = f"sqlite:///{(tmp_path_factory.mktemp('shared') / 'full.db').as_posix()}"
    add_group(url, people=True)
    return url
