"""What the ranges of the assumptions do to the result: draws, percentiles, who is cheapest, tornado, and flips.

All options see the same draws, so that their differences are not blurred by chance. Nothing is correlated: ranges that
move together in truth have to be said as one. Costs are net present values of what is paid (ledger.billed).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.cost.assumption import Bounds, Floats, Spread, central, draw
from eval.cost.bill import bill, unknown_rows, workings
from eval.cost.ledger import billed, discount, effective
from eval.cost.program import Program
from eval.cost.scenario import Scenario

CHUNK = 500  # draws at once: their months fit into a core's cache
FAN = 2_500  # draws behind the fan, which is for the eye
GRID = 25  # values at which a flip is looked for


@dataclass(frozen=True, slots=True)
class Draws:
    """What the simulation found, by option: one number a draw, and the fan of the cumulative cost.

    `npv` is in the scenario's currency; `effective` the sum of EffectiveCost; `fan` has the percentiles 10, 50, 90 in
    its rows and the times 0 to T months in its columns. `fits` is False where the machines that can be had do not
    suffice. `answers` are those of the whole horizon.
    """

    npv: Mapping[str, Floats]
    effective: Mapping[str, Floats]
    fits: Mapping[str, np.ndarray]
    fan: Mapping[str, Floats]
    answers: Floats


def simulate(
    scenario: Scenario, programs: Iterable[Program], spreads: Mapping[str, Spread], *, fan: bool = True
) -> Draws:
    """Draw all assumptions `scenario.draws` times with its seed and bill every program that has a total."""
    n, names = scenario.draws, list(programs)
    values = draw(spreads, n, scenario.seed)
    months = scenario.workload.horizon_months
    npv = {p.name: np.empty(n) for p in names}
    used = {p.name: np.empty(n) for p in names}
    fits = {p.name: np.ones(n, dtype=bool) for p in names}
    paid = {p.name: np.empty((months + 1, min(n, FAN))) for p in names} if fan else {}
    answers = np.empty(n)
    for start in range(0, n, CHUNK):
        rows = slice(start, start + CHUNK)
        w = workings(scenario, {k: v if len(v) == 1 else v[rows] for k, v in values.items()})
        worth = discount(w["money.discount_rate_per_year"], months)
        answers[rows] = w.answers.sum(axis=1)
        for program in names:
            made = bill(program, w)
            flows = billed(made, w)
            npv[program.name][rows] = (flows * worth).sum(axis=1)
            used[program.name][rows] = effective(made, w).sum(axis=1)
            if made.feasible is not None:
                fits[program.name][rows] = made.feasible[:, 0] > 0
            if fan and start < FAN:
                column = np.cumsum(flows, axis=1).T[:, : FAN - start]
                paid[program.name][:, rows] = column
    return Draws(npv, used, fits, {name: percentiles(rows) for name, rows in paid.items()}, answers)


def percentiles(rows: Floats) -> Floats:
    """The 10th, 50th and 90th percentile of each row (r, n), as (3, r): the nearest draw, by selection."""
    n = rows.shape[-1]
    at = [min(n - 1, round(q * (n - 1))) for q in (0.1, 0.5, 0.9)]
    return np.partition(rows, at, axis=-1)[..., at].T


def cheapest(npv: Mapping[str, Floats], fits: Mapping[str, np.ndarray], among: Sequence[str]) -> dict[str, float]:
    """The share of draws in which each option is the cheapest of those named; one that does not fit never is.

    Ties go in equal parts to all that share them. Draws in which none fits count for nobody.
    """
    if not among:
        return {}
    table = np.array([np.where(fits[name], npv[name], np.inf) for name in among])
    least = table.min(axis=0)
    first = (table == least) & np.isfinite(least)
    share = first / np.maximum(first.sum(axis=0), 1)
    return dict(zip(among, share.mean(axis=1).tolist(), strict=True))


class _Watched(dict[str, Floats]):
    """Remembers which values were asked for."""

    def __init__(self, values: Mapping[str, Floats]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def __getitem__(self, key: str) -> Floats:
        self.seen.add(key)
        return super().__getitem__(key)


def npvs(scenario: Scenario, programs: Iterable[Program], values: Mapping[str, Floats]) -> dict[str, Floats]:
    """The net present value of each program by row of `values`, shape (n,)."""
    w = workings(scenario, values)
    worth = discount(w["money.discount_rate_per_year"], w.months)
    return {p.name: (billed(bill(p, w), w) * worth).sum(axis=1) for p in programs}


def used_keys(scenario: Scenario, programs: Iterable[Program], spreads: Mapping[str, Spread]) -> list[str]:
    """The keys of the numbers that the options' costs depend on, in a stable order."""
    watched = _Watched(central(spreads))
    npvs(scenario, programs, watched)
    return [key for key in spreads if key in watched.seen]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the tornado: the savings at the 10th and the 90th percentile of one number, all others central."""

    key: str
    low: float
    high: float
    at_low: float
    at_high: float


def tornado(
    scenario: Scenario, programs: Mapping[str, Program], spreads: Mapping[str, Spread], saver: str, against: str
) -> tuple[Bar, ...]:
    """How the savings of one option against another move with each range, the widest first."""
    pair = [programs[saver], programs[against]]
    keys = [key for key in used_keys(scenario, pair, spreads) if not spreads[key].fixed]
    settings = [(key, value) for key in keys for value in spreads[key].p10_p90]
    found = npvs(scenario, pair, _rows(spreads, settings))
    savings = np.broadcast_to(found[against] - found[saver], (max(len(settings), 1),))
    bars = [
        Bar(key, *spreads[key].p10_p90, float(savings[2 * i]), float(savings[2 * i + 1])) for i, key in enumerate(keys)
    ]
    return tuple(sorted(bars, key=lambda bar: -abs(bar.at_high - bar.at_low)))


def _rows(spreads: Mapping[str, Spread], settings: Sequence[tuple[str, float]]) -> dict[str, Floats]:
    """Central values, a row for each setting, in which one number has another value."""
    values = central(spreads)
    for i, (key, value) in enumerate(settings):
        if len(values[key]) == 1:
            values[key] = np.full((len(settings), 1), spreads[key].value)
        values[key][i] = value
    return values


@dataclass(frozen=True, slots=True)
class Flip:
    """The value of one number, all others central, from which another option is the cheapest.

    `inside` says whether that lies within the range that was stated for it.
    """

    key: str
    value: float
    central: float
    cheapest: str
    inside: bool


def flips(
    scenario: Scenario,
    programs: Mapping[str, Program],
    spreads: Mapping[str, Spread],
    bounds: Mapping[str, Bounds],
    among: Sequence[str],
) -> tuple[Flip, ...]:
    """What would change the decision, one number at a time, the nearest value for each; those inside their range first.

    Looked for from a tenth to ten times the central value, over the whole stated range, and for shares and rates over
    what their field allows from -50 % to 100 %; but nowhere that a price is needed which is unknown.
    """
    chosen = [programs[name] for name in among]
    if len(chosen) < 2:
        return ()
    keys = used_keys(scenario, chosen, spreads)
    grids = {key: _grid(spreads[key], bounds.get(key)) for key in keys}
    brackets = _brackets(scenario, chosen, spreads, grids)
    fine = {key: np.linspace(near, far, GRID) for key, (near, far) in brackets.items()}
    found = []
    for key, (near, far) in _brackets(scenario, chosen, spreads, fine).items():
        value = (near + far) / 2
        spread = spreads[key]
        low, high = (
            (spread.value, spread.value) if spread.low is None or spread.high is None else (spread.low, spread.high)
        )
        after = npvs(scenario, chosen, _rows(spreads, [(key, far)]))
        winner = min(after, key=lambda name: float(after[name][0]))
        found.append(Flip(key, value, spread.value, winner, not spread.fixed and low <= value <= high))
    return tuple(sorted(found, key=lambda flip: (not flip.inside, _distance(flip))))


def _distance(flip: Flip) -> float:
    return abs(flip.value - flip.central) / (abs(flip.central) or 1.0)


def _grid(spread: Spread, limits: Bounds | None) -> Floats:
    """The values of a number to try, its central one among them, rising."""
    least, most = (limits.least, limits.most) if limits else (0.0, np.inf)
    values = [spread.value]
    if spread.low is not None and spread.high is not None:
        values += np.linspace(spread.low, spread.high, GRID).tolist()
    if spread.value > 0:
        values += (spread.value * np.geomspace(0.1, 10, GRID)).tolist()
    if most <= 10 and least <= 0:  # shares and rates
        values += np.linspace(max(least, -0.5), min(most, 1.0), GRID).tolist()
    return np.unique(np.clip(values, least, most))


def _brackets(
    scenario: Scenario, programs: Sequence[Program], spreads: Mapping[str, Spread], grids: Mapping[str, Floats]
) -> dict[str, tuple[float, float]]:
    """For each number the two grid values nearest to its central one between which the cheapest option changes."""
    grids = _with_prices(scenario, programs, spreads, grids)
    settings = [(key, float(value)) for key, grid in grids.items() for value in grid]
    if not settings:
        return {}
    base = npvs(scenario, programs, central(spreads))
    names = [program.name for program in programs]
    now = int(np.argmin([float(base[name][0]) for name in names]))
    rows = npvs(scenario, programs, _rows(spreads, settings))
    best = np.argmin([np.broadcast_to(rows[name], (len(settings),)) for name in names], axis=0)
    found: dict[str, tuple[float, float]] = {}
    start = 0
    for key, grid in grids.items():
        changed = best[start : start + len(grid)] != now
        start += len(grid)
        if bracket := _nearest_change(grid, changed, spreads[key].value):
            found[key] = bracket
    return found


def _with_prices(
    scenario: Scenario, programs: Sequence[Program], spreads: Mapping[str, Spread], grids: Mapping[str, Floats]
) -> dict[str, Floats]:
    """The grids without the values at which some option would need a price that is unknown."""
    settings = [(key, float(value)) for key, grid in grids.items() for value in grid]
    if not settings:
        return {}
    w = workings(scenario, _rows(spreads, settings), months=1)
    known = np.ones(len(settings), dtype=bool)
    for program in programs:
        known &= ~unknown_rows(program, w)
    marks = np.split(known, np.cumsum([len(grid) for grid in grids.values()])[:-1])
    return {key: grid[mark] for (key, grid), mark in zip(grids.items(), marks, strict=True)}


def _nearest_change(grid: Floats, changed: np.ndarray, value: float) -> tuple[float, float] | None:
    """The last unchanged and the first changed value, going from the central one to either side; the nearer of both."""
    sides = []
    for order in (np.argsort(grid), np.argsort(-grid)):
        ordered, flags = grid[order], changed[order]
        ahead = ordered >= value if ordered[0] <= ordered[-1] else ordered <= value
        points, marks = ordered[ahead], flags[ahead]
        if marks.any():
            first = int(np.argmax(marks))
            sides.append((float(points[max(first - 1, 0)]), float(points[first])))
    return min(sides, key=lambda side: abs(side[1] - value)) if sides else None
