"""How long the TCO takes: `python tests/benchmarks/monte_carlo.py [TIMES]`, on one core.

The demo's scenario: 10,000 draws of 36 months for 6 options (the simulation alone, its target 0.3 s), and the whole
result with tornado, flips and break-even, and the TCO page after an edit of an assumption, all that the server does for
it (target 0.3 s). Shown are the fastest and the median of some runs on the clock, and the median of the processor's
time, which leaves out what else the machine does.
"""

import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter, process_time
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cost_samples import demo_targets
from costed import add_demo_targets
from pages import SCRIPT
from streamlit.testing.v1 import AppTest

from db import store
from eval.cost import price_card_file, scenario_file
from eval.cost.compile import Compiler
from eval.cost.evaluate import evaluate
from eval.cost.scenario import assumptions
from eval.cost.uncertainty import simulate


def timed(times: int, work: Callable[[], object]) -> tuple[float, float, float]:
    """Fastest and median on the clock and median of the processor's time, in seconds; a first run is not counted."""
    work()
    clock, processor = [], []
    for _ in range(times):
        start, busy = perf_counter(), process_time()
        work()
        clock.append(perf_counter() - start)
        processor.append(process_time() - busy)
    return min(clock), statistics.median(clock), statistics.median(processor)


def page(url: str) -> Callable[[], object]:
    """The TCO page on a database; each call edits the number of users to one it has not had, and draws it anew."""
    os.environ["RIGHTSIZE_DB"] = url
    logging.disable(logging.WARNING)  # Streamlit's, that no browser is there
    app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    app.query_params.clear()
    app.switch_page("app_pages/tco.py").run()
    row = list(assumptions(scenario_file.demo())).index("workload.users")
    users = count(2000)

    def edit() -> None:
        app.session_state["_assumptions"] = {"edited_rows": {row: {"value": next(users)}}, "added_rows": [],
                                             "deleted_rows": []}  # fmt: skip
        app.run()
        if app.exception:
            raise RuntimeError(app.exception[0].message)

    return edit


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    scenario, targets, card = scenario_file.demo(), demo_targets(), price_card_file.built_in()
    compiler = Compiler(scenario, targets, card)
    programs = [program for program in compiler.programs().values() if not program.blocked]
    what = f"{scenario.draws:,} draws x {scenario.workload.horizon_months} months x {len(programs)} options"
    same_targets = patch("dashboard.data.measured_targets", lambda *_: targets)
    with tempfile.TemporaryDirectory() as folder, same_targets:
        url = f"sqlite:///{Path(folder, 'demo.db').as_posix()}"
        add_demo_targets(url)
        for name, work in (
            (f"simulation, {what}", lambda: simulate(scenario, programs, compiler.spreads)),
            ("whole result", lambda: evaluate(scenario, targets, card)),
            ("page after an edit", page(url)),
        ):
            fastest, median, busy = timed(times, work)
            print(f"{name}: {fastest:.3f} s fastest, {median:.3f} s median of {times}, {busy:.3f} s of the processor")
        store.connect(url).dispose()


if __name__ == "__main__":
    main()
