"""The dashboard's server ends with the command that started it, however that ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from eval import server

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


def start_silently(*arguments: str, cwd: Path) -> "subprocess.Popen[bytes]":
    """A Python process that says nothing and hears nothing."""
    silent = subprocess.DEVNULL
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=cwd, env=ENVIRONMENT, stdin=silent, stdout=silent, stderr=silent)


@pytest.mark.parametrize("end", ENDS)
def test_the_dashboard_ends_with_the_command_that_serves_it(
    end: Callable[["subprocess.Popen[bytes]"], None], tmp_path: Path
) -> None:
    port = free_port()
    process = start_silently("-m", "eval.cli", "dashboard", "--no-browser", "--port", str(port), cwd=tmp_path)
    try:
        assert within(60, lambda: answers(port)), "the dashboard did not start"
        end(process)
        process.wait(timeout=30)
        assert within(15, lambda: not answers(port)), "the server outlived its command"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("open_browser", [True, False])
def test_the_dashboard_gets_the_chosen_database_and_a_browser_only_where_one_is_wanted(
    open_browser: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, str]] = []
    opened: list[str] = []
    start = subprocess.Popen

    def begin(_: object, *, cwd: Path, env: dict[str, str], **pipes: int) -> "subprocess.Popen[bytes]":
        given.append(env | {"cwd": str(cwd)})
        return start([sys.executable, "-c", "pass"], **pipes)

    monkeypatch.setattr(server.subprocess, "Popen", begin)
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(server, "_answers", lambda _: True)
    monkeypatch.setenv("RIGHTSIZE_DB", "another.db")
    monkeypatch.chdir(tmp_path)
    server.serve_dashboard("sqlite:///mine.db", 8599, open_browser=open_browser)
    (env,) = given
    assert env["cwd"] != str(tmp_path)  # so that a path as it was written would mean another file
    assert env["RIGHTSIZE_DB"] == f"sqlite:///{tmp_path / 'mine.db'}"
    assert opened == (["http://127.0.0.1:8599"] if open_browser else [])


def test_the_dashboard_listens_on_this_machine_only() -> None:
    settings = Path(server.__file__).parents[1] / ".streamlit" / "config.toml"
    assert tomllib.loads(settings.read_text(encoding="utf-8"))["server"]["address"] == "127.0.0.1"


def test_streamlit_run_from_any_folder_listens_on_this_machine_only(tmp_path: Path) -> None:
    port = free_port()
    app = Path(server.__file__).parents[1] / "dashboard" / "app.py"
    options = ("--server.port", str(port), "--server.headless", "true")
    process = start_silently("-m", "streamlit", "run", str(app), *options, cwd=tmp_path)
    try:
        assert within(60, lambda: answers(port)), "the dashboard did not start"
        open_to = {
            each.laddr.ip
            for each in psutil.Process(process.pid).net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port
        }
        assert open_to == {"127.0.0.1"}
    finally:
        process.kill()
        process.wait()


def test_the_settings_beside_the_app_are_those_of_the_project() -> None:
    """Streamlit reads the working folder's and the app's: the latter also from another folder, and in a wheel."""
    home = Path(server.__file__).parents[1]
    beside = home / "dashboard" / ".streamlit" / "config.toml"
    assert beside.read_bytes() == (home / ".streamlit" / "config.toml").read_bytes()
