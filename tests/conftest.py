"""Fixtures that many tests share: databases in a temporary folder, empty or with invented runs."""

from pathlib import Path

import pytest
from answers_sample import answers_engine, answers_template  # noqa: F401 - fixtures
from browser import chromium  # noqa: F401 - a fixture
from command import rightsize  # noqa: F401 - a fixture
from samples import add_group


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    """The address of a database that does not exist yet."""
    return f"sqlite:///{(tmp_path / 'empty.db').as_posix()}"


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
