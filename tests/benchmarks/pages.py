"""Time to the first chart in Chromium, beside an empty Streamlit app with one chart, in the same run.

    python tests/benchmarks/pages.py [--answers 1000,1000000] [--rounds 5] [--beside CHECKOUT]

command: from the command that starts the server to the chart. start: the same from the moment the server answers, when
a browser opens the page. empty cache: another browser opens it on the warm server after every cached result was
dropped. rerun: a control on the page is changed. Medians of several rounds, in seconds, and the ratio to the empty app.
The apps take turns, so that a change in the machine's load meets all of them. `--beside` measures another checkout's
dashboard in the same rounds. Databases are built once (million.py) and kept in the system's folder for such files.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from browser import APP, FLAGS, find_browser, free_port

PHASES = ("command", "start", "empty cache", "rerun")
EMPTY_APP = """
import altair as alt, pandas as pd, streamlit as st
which = st.segmented_control("Of all answers", ["Median", "95th percentile"], default="Median")
frame = pd.DataFrame({"x": [1, 2, 3], "y": [3, 1, 2]})
st.altair_chart(alt.Chart(frame).mark_point().encode(x=alt.X("x:Q", title=f"x, {which.lower()}"), y="y:Q"))
"""
# `streamlit run` with a thread that drops all cached results when a file appears.
SERVER = """
import sys, threading, time
from pathlib import Path
import streamlit as st
from streamlit.web import cli

def watch(flag):
    while True:
        if flag.exists():
            st.cache_data.clear()
            flag.unlink()
        time.sleep(0.02)

threading.Thread(target=watch, args=(Path(sys.argv.pop(1)),), daemon=True).start()
sys.argv = ["streamlit", "run", *sys.argv[1:], "--server.headless", "true"]
cli.main(prog_name="streamlit")
"""
CHART = "[data-testid=stVegaLiteChart] svg .mark-symbol path, [data-testid=stVegaLiteChart] canvas"


@dataclass
class Case:
    """An app to measure, and what was found, in seconds by phase."""

    label: str
    app: Path
    folder: Path  # where it is started and imported from
    database: str | None = None
    found: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})


@contextmanager
def server(case: Case, flag: Path) -> Iterator[tuple[str, float]]:
    """A Streamlit server on loopback, ready as soon as it answers; its address and when its command was given."""
    port = free_port()
    given = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(flag), str(case.app), "--server.port", str(port)],
        cwd=case.folder,
        env=os.environ | {"PYTHONPATH": str(case.folder)} | ({"RIGHTSIZE_DB": case.database} if case.database else {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.01)
        yield address, given
    finally:
        process.terminate()
        process.wait()


def _open(browser: Browser, address: str) -> tuple[Page, float]:
    page = browser.new_context().new_page()
    began = perf_counter()
    page.goto(address)
    page.locator(CHART).first.wait_for(state="attached", timeout=120_000)
    return page, perf_counter() - began


def _rerun(page: Page) -> float:
    """From a click on the quantile to the chart whose axis says so."""
    page.wait_for_timeout(1_500)
    began = perf_counter()
    page.get_by_text("95th percentile", exact=True).first.click()
    page.locator("[data-testid=stVegaLiteChart] svg text", has_text="95th percentile").first.wait_for(
        state="attached", timeout=60_000
    )
    return perf_counter() - began


def measure(browser: Browser, case: Case, folder: Path) -> None:
    """One round on a fresh server."""
    flag = folder / "drop"
    with server(case, flag) as (address, given):
        first, took = _open(browser, address)
        case.found["command"].append(perf_counter() - given)
        case.found["start"].append(took)
        first.context.close()
        flag.touch()
        while flag.exists():
            time.sleep(0.01)
        second, took = _open(browser, address)
        case.found["empty cache"].append(took)
        case.found["rerun"].append(_rerun(second))
        second.context.close()


def _database(answers: int) -> str:
    path = Path(tempfile.gettempdir()) / f"rightsize-benchmark-{answers}.db"
    if not path.exists():
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("million.py")), str(path), "--answers", str(answers)],
            check=True,
        )
    return f"sqlite:///{path.as_posix()}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", default="1000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout to measure too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        empty = folder / "empty.py"
        empty.write_text(EMPTY_APP, encoding="utf-8")
        cases = [Case("empty app with one chart", empty, APP.parents[1])]
        for checkout in (APP.parents[1], *(path.resolve() for path in given.beside)):
            of = "" if checkout == APP.parents[1] else f" of {checkout.name}"
            cases += [
                Case(
                    f"Overview{of}, {int(n):,} answers", checkout / "dashboard" / "app.py", checkout, _database(int(n))
                )
                for n in given.answers.split(",")
            ]
        for _ in range(given.rounds):
            for case in cases:
                measure(browser, case, folder)
        browser.close()
    width = max(len(case.label) for case in cases)
    print(f"{'app':{width}} " + " ".join(f"{phase:>14}" for phase in PHASES))
    base = {phase: statistics.median(values) for phase, values in cases[0].found.items()}
    for case in cases:
        medians = {phase: statistics.median(values) for phase, values in case.found.items()}
        cells = (f"{value:6.2f} ({value / base[phase]:4.2f})" for phase, value in medians.items())
        print(f"{case.label:{width}} " + " ".join(f"{cell:>14}" for cell in cells))


if __name__ == "__main__":
    main()
