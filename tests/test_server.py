"""The dashboard's server ends with the command that started it, however that ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "RIGHTSIZE_DB"} | {"PYTHONUTF8": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


ENDS = [
    pytest.param(lambda process: process.kill(), id="killed"),
    pytest.param(
        lambda process: process.send_signal(signal.SIGTERM),
        id="terminated",
        marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no gentle signal"),
    ),
]


@pytest.mark.parametrize("end", ENDS)
def test_the_dashboard_ends_with_the_command_that_serves_it(
    end: Callable[["subprocess.Popen[bytes]"], None], tmp_path: Path
) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "eval.cli", "dashboard", "--no-browser", "--port", str(port)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert within(60, lambda: answers(port)), "the dashboard did not start"
        end(process)
        process.wait(timeout=30)
        assert within(15, lambda: not answers(port)), "the server outlived its command"
    finally:
        process.kill()
        process.wait()
