"""A `rightsize` command in this process, for what needs no process of its own."""

import signal
import sys
from dataclasses import dataclass

import pytest

from eval import cli


@dataclass(frozen=True)
class Said:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


class Command:
    """Calls `rightsize` with arguments and catches what it says."""

    def __init__(self, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capture, self._monkeypatch = capture, monkeypatch

    def __call__(self, *arguments: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["rightsize", *arguments])
        before = signal.getsignal(signal.SIGTERM)
        self._capture.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            signal.signal(signal.SIGTERM, before)
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def rightsize(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    """`rightsize` in an empty working folder, without an environment that would choose a database."""
    monkeypatch.delenv("RIGHTSIZE_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    return Command(capsys, monkeypatch)
