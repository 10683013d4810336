"""Starts a simulator as a process of its own, so that its work and the client's never wait for one another.

The child is `python -m eval.simulator`; it ends when its standard input closes, so also when this process dies.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eval.simulator.profiles import SimulatorError

STOP_TIMEOUT_S = 10.0


@contextmanager
def simulator_process(arguments: Sequence[str] = ()) -> Iterator[list[str]]:
    """Run a simulator in a child process with the arguments of `python -m eval.simulator`; gives one URL a port.

    Waits until it listens. Raises SimulatorError with what the child said if it cannot.
    """
    # Its messages go to a file: a pipe that nobody reads may fill and stop it.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as messages:
        child = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "eval.simulator", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            encoding="utf-8",
        )
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            if not line:
                child.wait(STOP_TIMEOUT_S)
                messages.seek(0)
                said = messages.read().strip()
                raise SimulatorError(said or f"The simulator ended at once with status {child.returncode}.")
            yield json.loads(line)["urls"]
        finally:
            try:
                child.communicate(timeout=STOP_TIMEOUT_S)  # closes its standard input
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()
