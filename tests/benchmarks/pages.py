"""Time to the first chart in Chromium, beside an empty Streamlit app with one chart, in the same run.

    python tests/benchmarks/pages.py [--answers 1000,1000000] [--rounds 3]

start: a browser opens the page the moment the server answers. empty cache: another browser opens it on the warm server
after every cached result was dropped. rerun: a control on the page is changed. Medians of several rounds, in seconds,
and the ratio to the empty app. Databases are built once (million.py) and kept in the system's folder for such files.
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
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from browser import APP, FLAGS, find_browser, free_port

EMPTY_APP = """
import altair as alt, pandas as pd, streamlit as st
which = st.segmented_control("Of all answers", ["Median", "95th percentile"], default="Median")
frame = pd.DataFrame({"x": [1, 2, 3], "y": [3, 1, 2]})
st.altair_chart(alt.Chart(frame).mark_point().encode(x=alt.X("x:Q", title=f"x, {which.lower()}"), y="y:Q"))
"""
# The server as `rightsize dashboard` starts it (the empty app as `streamlit run` does), with a thread that drops all
# cached results when a file appears.
SERVER = """
import sys, threading, time
from pathlib import Path
import streamlit as st
from dashboard import warm
from streamlit.web import cli

def watch(flag):
    while True:
        if flag.exists():
            st.cache_data.clear()
            flag.unlink()
        time.sleep(0.02)

threading.Thread(target=watch, args=(Path(sys.argv.pop(1)),), daemon=True).start()
sys.argv = ["streamlit", "run", *sys.argv[1:], "--server.headless", "true"]
cli.main(prog_name="streamlit") if sys.argv[2].endswith("empty.py") else warm.main()
"""
CHART = "[data-testid=stVegaLiteChart] svg .mark-symbol path, [data-testid=stVegaLiteChart] canvas"


@contextmanager
def server(app: Path, database: str | None, flag: Path) -> Iterator[str]:
    """A Streamlit server on loopback; ready as soon as it answers."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(flag), str(app), "--server.port", str(port)],
        cwd=APP.parents[1],
        env=os.environ | ({"RIGHTSIZE_DB": database} if database else {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.01)
        yield address
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


def measure(browser: Browser, app: Path, database: str | None, rounds: int, folder: Path) -> dict[str, float]:
    """Medians over several servers, seconds."""
    found: dict[str, list[float]] = {"start": [], "empty cache": [], "rerun": []}
    for _ in range(rounds):
        flag = folder / "drop"
        with server(app, database, flag) as address:
            first, took = _open(browser, address)
            found["start"].append(took)
            first.context.close()
            flag.touch()
            while flag.exists():
                time.sleep(0.01)
            second, took = _open(browser, address)
            found["empty cache"].append(took)
            found["rerun"].append(_rerun(second))
            second.context.close()
    return {name: statistics.median(values) for name, values in found.items()}


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
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{'app':28} {'start':>14} {'empty cache':>14} {'rerun':>14}")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        empty = folder / "empty.py"
        empty.write_text(EMPTY_APP, encoding="utf-8")
        cases: list[tuple[str, Path, str | None]] = [("empty app with one chart", empty, None)]
        cases += [(f"Overview, {int(n):,} answers", APP, _database(int(n))) for n in given.answers.split(",")]
        base: dict[str, float] = {}
        for label, app, database in cases:
            found = measure(browser, app, database, given.rounds, folder)
            base = base or found
            cells = (f"{value:6.2f} ({value / base[key]:4.2f})" for key, value in found.items())
            print(f"{label:28} " + " ".join(f"{cell:>14}" for cell in cells), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
