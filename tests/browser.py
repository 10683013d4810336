"""A real browser for tests: Chromium through Playwright, and the dashboard as a process of its own.

`chromium` is a fixture, `serve` starts the dashboard on a database, `Visitor` is one window with its own memory.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
APP = Path(__file__).parents[1] / "dashboard" / "app.py"
START_S = 60


@pytest.fixture(scope="module")  # its loop runs while it lives: no other module may see it
def chromium() -> Iterator[Browser]:
    """A running Chromium; without one the test is skipped, or fails where CI is set."""
    if not CHROMIUM.exists():
        said = f"Chromium is missing at {CHROMIUM}; get it with: apt-get install -y chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(db_url: str) -> Iterator[str]:
    """The dashboard on a database, as a user starts it; gives its address and ends it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    process = subprocess.Popen(
        [*command, "--server.headless", "true"],
        cwd=APP.parents[1],
        env={**os.environ, "RIGHTSIZE_DB": db_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait(process: "subprocess.Popen[str]", address: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            assert process.stdout is not None
            pytest.fail(f"the dashboard ended at once: {process.stdout.read()}")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the dashboard did not answer within {START_S} s")


@contextmanager
def visit(
    browser: Browser, width: int = 1400, height: int = 900, scheme: str = "light"
) -> Iterator[tuple[Page, set[str]]]:
    """A fresh window, and the hosts it asked for anything."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # pyright: ignore
    page = context.new_page()
    page.set_default_timeout(30_000)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    try:
        yield page, hosts
    finally:
        context.close()


def settled(page: Page) -> None:
    """Wait until the script that draws the page has run through."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
