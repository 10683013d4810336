"""Starts a simulator as a process of its own, so that its work and the client's never wait for one another.

The child is `python -m eval.simulator`; it ends when its standard input closes, so also when this process dies.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from eval.simulator.profiles import SimulatorError


class SimulatorProcess:
    """A simulator in a child process, as a context manager; `arguments` are those of `python -m eval.simulator`.

    Entering it waits until the simulator listens; raises SimulatorError with what the child said if it does not.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._arguments = list(arguments)
        self._child: subprocess.Popen[str] | None = None
        self.urls: list[str] = []

    @property
    def url(self) -> str:
        """The base URL of the first port."""
        return self.urls[0]

    def __enter__(self) -> Self:
        child = self._child = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "eval.simulator", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            _, said = child.communicate()
            raise SimulatorError(said.strip() or f"The simulator ended at once with status {child.returncode}.")
        self.urls = json.loads(line)["urls"]
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            try:
                self._child.communicate(timeout=10)  # closes its standard input and reads what is left
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.communicate()
