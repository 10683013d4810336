"""How long the TCO takes: `python tests/benchmarks/monte_carlo.py [TIMES]`, on one core.

The demo's scenario: 10,000 draws of 36 months for 6 options (the simulation alone, its target 0.3 s), and the whole
result with tornado, flips and break-even, which a page recalculates at every change (target 0.3 s). Shown are the
fastest and the median of some runs on the clock, and the median of the processor's time, which leaves out what else
the machine does.
"""

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cost_samples import demo_targets

from eval.cost import price_card_file, scenario_file
from eval.cost.compile import Compiler
from eval.cost.evaluate import evaluate
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


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    scenario, targets, card = scenario_file.demo(), demo_targets(), price_card_file.built_in()
    compiler = Compiler(scenario, targets, card)
    programs = [program for program in compiler.programs().values() if not program.blocked]
    what = f"{scenario.draws:,} draws x {scenario.workload.horizon_months} months x {len(programs)} options"
    for name, work in (
        (f"simulation, {what}", lambda: simulate(scenario, programs, compiler.spreads)),
        ("whole result", lambda: evaluate(scenario, targets, card)),
    ):
        fastest, median, busy = timed(times, work)
        print(f"{name}: {fastest:.3f} s fastest, {median:.3f} s median of {times}, {busy:.3f} s of the processor")


if __name__ == "__main__":
    main()
