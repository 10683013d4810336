"""A real browser for tests: Chromium, Chrome or Edge through Playwright, and the dashboard as a process of its own.

`chromium` is a fixture, `serve` starts the dashboard on a database, `Visitor` is one window with its own memory.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHOSEN = "RIGHTSIZE_BROWSER"  # the variable that names a browser where another than the first found is wanted
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "chrome", "msedge")
PLACES = {  # below the folders for programs, where they are not on the path
    "win32": ("Chromium/Application/chrome.exe", "Google/Chrome/Application/chrome.exe",
              "Microsoft/Edge/Application/msedge.exe"),
    "darwin": ("Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome",
               "Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
}  # fmt: skip
HOW_TO_GET = {
    "win32": "winget install --exact --id Google.Chrome",
    "darwin": "brew install --cask google-chrome",
    "linux": "apt-get install -y chromium (Debian, Ubuntu) or dnf install chromium (Fedora)",
}
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
PATIENCE_MS = 30_000  # for what a page shall show: two test processes share a slow disk with it
expect.set_options(timeout=PATIENCE_MS)


def find_browser(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The browser that CHOSEN names, or the first Chromium, Chrome or Edge that is installed; None without one."""
    if chosen := environment.get(CHOSEN):
        return Path(chosen) if Path(chosen).is_file() else None
    for name in NAMES:
        if found := shutil.which(name, path=environment.get("PATH", "")):
            return Path(found)
    if platform == "win32":
        folders = [environment.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    else:
        folders = ["/Applications", f"{environment['HOME']}/Applications"] if environment.get("HOME") else []
    places = [Path(folder, place) for folder in filter(None, folders) for place in PLACES.get(platform, ())]
    return next((place for place in places if place.is_file()), None)


def how_to_get(platform: str = sys.platform) -> str:
    """The sentence for where there is no browser."""
    return (
        f"No Chromium, Chrome or Edge is found; get one with: {HOW_TO_GET.get(platform, HOW_TO_GET['linux'])}. "
        f"Or let {CHOSEN} name the file of one."
    )


@pytest.fixture(scope="module")  # its loop runs while it lives: no other module may see it
def chromium() -> Iterator[Browser]:
    """A running browser; without one the test is skipped, or fails where CI is set."""
    path = find_browser()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(how_to_get())
        pytest.skip(how_to_get())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=FLAGS)
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
    page.set_default_timeout(PATIENCE_MS)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    try:
        yield page, hosts
    finally:
        context.close()


def settled(page: Page) -> None:
    """Wait until the script that draws the page has run through."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
