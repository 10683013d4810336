"""From which volume an option with machines costs no more than another, and when its purchase has paid for itself.

Volumes are compared at the first month's prices, in EffectiveCost, and over the whole horizon, in net present value
with growth and price changes; the latter is what a decision goes by, and the two may disagree. Both with the machines
each volume takes: a break-even beyond what the machines bear does not count, because a further machine brings its cost
back in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import numpy as np

from eval.cost.assumption import Floats, Spread, central, draw
from eval.cost.bill import VOLUME_FACTOR, bill, workings
from eval.cost.capacity import TABLE
from eval.cost.ledger import billed, discount, effective
from eval.cost.money import amount, first_month_ahead, internal_rate
from eval.cost.program import Program
from eval.cost.scenario import Scenario
from eval.cost.uncertainty import percentiles

FACTORS = np.geomspace(1e-4, 1e4, 161)  # of the scenario's volume, over which a break-even is looked for
BAND_FACTORS = np.geomspace(1e-4, 1e4, 65)
BAND_DRAWS = 200
STEPS = 8  # machines whose capacity is told
CURVE = 60  # volumes at which a curve is told, besides its steps
EDGES = 256  # machines up to which no break-even is missed, however narrow


@dataclass(frozen=True, slots=True)
class Step:
    """So many machines of a part bear so many requests a month."""

    part: str
    machines: int
    requests_per_month: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where one option's monthly cost meets another's; volumes are requests a month.

    `first` is None where it never does: "never on this hardware". `lost_at` is the volume beyond it at which a further
    machine makes it dearer again, `for_good` that from which it stays cheaper, None where it does not. The band holds
    the percentiles 10, 50, 90 of `first` among the draws that have one, `never` is the share of those that have none.
    `whole` and `whole_lost_at` are `first` and `lost_at` over the whole horizon, in its first month's volume.
    `months` is when what was paid for it has been saved, None where that does not happen within the horizon;
    `return_per_year` the internal rate of return of doing so, where it does.
    """

    option: str
    against: str
    first: float | None
    lost_at: float | None
    for_good: float | None
    band: tuple[float, float, float] | None
    never: float
    months: float | None
    return_per_year: float | None
    whole: float | None
    whole_lost_at: float | None
    steps: tuple[Step, ...]


def crossing(scenario: Scenario, ours: Program, theirs: Program, spreads: Mapping[str, Spread]) -> Crossing:
    """Where `ours` meets `theirs`; neither may be `unpriced`."""
    values = central(spreads)
    w = workings(scenario, values)
    volume = float(w.answers[0, 0])
    steps = _steps(ours, values, scenario, volume)
    # Just below each further machine lies the best that the machines before it can do: it must not be missed.
    edges = np.array([step.requests_per_month / volume for step in steps])
    factors = np.unique(np.concatenate([FACTORS, edges * (1 - 1e-9), edges * (1 + 1e-9)]))
    difference = partial(_difference, scenario, ours, theirs, values)
    first, lost, for_good = _window(difference, factors, volume)
    whole, whole_lost, _ = _window(partial(_over_horizon, scenario, ours, theirs, values), factors, volume)
    our_flows, their_flows = billed(bill(ours, w), w)[0], billed(bill(theirs, w), w)[0]
    months = first_month_ahead(_decimals(our_flows), _decimals(their_flows))
    monthly = internal_rate((their_flows - our_flows).tolist())
    band, never = _band(scenario, ours, theirs, spreads)
    yearly = None if monthly is None or months is None else (1 + monthly) ** 12 - 1
    return Crossing(
        ours.name,
        theirs.name,
        first,
        lost,
        for_good,
        band,
        never,
        months,
        yearly,
        whole,
        whole_lost,
        tuple(step for step in steps if step.machines <= STEPS),
    )


def curve(scenario: Scenario, program: Program, spreads: Mapping[str, Spread], top: float) -> tuple[Floats, Floats]:
    """Volumes from almost none to `top` requests a month, and what the first month costs at each, in EffectiveCost.

    Central values. Ends where the machines that can be had no longer suffice; each further machine is a step in it.
    """
    values = central(spreads)
    volume = float(workings(scenario, values, months=1).answers[0, 0])
    edges = [s.requests_per_month for s in _steps(program, values, scenario, volume) if s.requests_per_month < top]
    near = np.array(edges[:TABLE])
    points = [np.linspace(top / 1000, top, CURVE), near * (1 - 1e-9), near * (1 + 1e-9)]
    volumes = np.unique(np.concatenate(points))
    w = workings(scenario, {**values, VOLUME_FACTOR: (volumes / volume)[:, None]}, months=1)
    made = bill(program, w)
    shape = (len(volumes), 1)
    bears = True if made.feasible is None else np.broadcast_to(made.feasible, shape)[:, 0] > 0
    costs = np.where(bears, np.broadcast_to(effective(made, w), shape)[:, 0], np.inf)
    return volumes[np.isfinite(costs)], costs[np.isfinite(costs)]


def _decimals(flows: Floats) -> list[Decimal]:
    return [amount(float(flow)) for flow in flows]


def _difference(
    scenario: Scenario, ours: Program, theirs: Program, values: Mapping[str, Floats], factors: Floats
) -> Floats:
    """Our cost of the first month less theirs, by factor of the volume; where our machines do not suffice, infinite."""
    w = workings(scenario, {**values, VOLUME_FACTOR: factors[:, None]}, months=1)
    made = bill(ours, w)
    found = effective(made, w)[:, 0] - effective(bill(theirs, w), w)[:, 0]
    return found if made.feasible is None else np.where(made.feasible[:, 0] > 0, found, np.inf)


def _over_horizon(
    scenario: Scenario, ours: Program, theirs: Program, values: Mapping[str, Floats], factors: Floats
) -> Floats:
    """Our net present value over the horizon less theirs, by factor of the volume; infinite as in `_difference`."""
    w = workings(scenario, {**values, VOLUME_FACTOR: factors[:, None]})
    made = bill(ours, w)
    worth = discount(w["money.discount_rate_per_year"], w.months)
    found = ((billed(made, w) - billed(bill(theirs, w), w)) * worth).sum(axis=1)
    return found if made.feasible is None else np.where(made.feasible[:, 0] > 0, found, np.inf)


def _window(
    difference: Callable[[Floats], Floats], factors: Floats, volume: float
) -> tuple[float | None, float | None, float | None]:
    """The first volume at which the difference is not above 0, where it is again, and from where it never is."""
    ahead = difference(factors) <= 0
    if not ahead.any():
        return None, None, None
    at = int(np.argmax(ahead))
    first = volume * _between(difference, factors, at)
    again = np.flatnonzero(~ahead[at:])
    lost = volume * float(factors[at + again[0]]) if len(again) else None
    if not ahead[-1]:
        return first, lost, None
    last_behind = np.flatnonzero(~ahead)
    start = int(last_behind[-1]) + 1 if len(last_behind) else 0
    return first, lost, volume * _between(difference, factors, start)


def _between(difference: Callable[[Floats], Floats], factors: Floats, at: int) -> float:
    """The factor between the one before `at`, where we are behind, and `at`, where we are not, at which that turns."""
    if at == 0:
        return float(factors[0])
    low, high = float(factors[at - 1]), float(factors[at])
    for _ in range(4):
        fine = np.linspace(low, high, 33)
        ahead = difference(fine) <= 0
        turn = max(int(np.argmax(ahead)), 1)
        low, high = float(fine[turn - 1]), float(fine[turn])
    return high


def _band(
    scenario: Scenario, ours: Program, theirs: Program, spreads: Mapping[str, Spread]
) -> tuple[tuple[float, float, float] | None, float]:
    """The percentiles of the first crossing over draws of all assumptions but the volume, and the share without one."""
    values = draw(spreads, BAND_DRAWS, scenario.seed)
    w = workings(scenario, values, months=1)
    volume = np.broadcast_to(w.answers, (BAND_DRAWS, 1))
    tiled = {k: v if len(v) == 1 else np.repeat(v, len(BAND_FACTORS), axis=0) for k, v in values.items()}
    # The factor is of the scenario's central volume in every draw, so that the band is not that of the volume itself.
    centre = float(workings(scenario, central(spreads), months=1).answers[0, 0])
    factors = (centre / volume * BAND_FACTORS[None, :]).ravel()
    costs = _difference(scenario, ours, theirs, tiled, factors).reshape(BAND_DRAWS, -1)
    ahead = costs <= 0
    has = ahead.any(axis=1)
    if not has.any():
        return None, 1.0
    at = np.argmax(ahead[has], axis=1)
    rows = costs[has]
    behind = rows[np.arange(len(at)), np.maximum(at - 1, 0)]
    now = rows[np.arange(len(at)), at]
    between = (at > 0) & np.isfinite(behind)  # else it is at the first volume, or where machines begin to suffice
    above = np.where(between, behind, 1.0)
    share = np.where(between, above / (above - now), 1.0)
    low, high = BAND_FACTORS[np.maximum(at - 1, 0)], BAND_FACTORS[at]
    found = centre * (low + share * (high - low))
    p10, p50, p90 = percentiles(found[None, :])[:, 0].tolist()
    return (p10, p50, p90), float(1 - has.mean())


def _steps(program: Program, values: Mapping[str, Floats], scenario: Scenario, volume: float) -> tuple[Step, ...]:
    """The volumes at which a further machine is needed, spares left aside; none for machines that nobody shares."""
    made = bill(program, workings(scenario, values, months=1))
    found = []
    for pool in program.pools:
        if scenario.hardware[pool.hardware].one_per_user:
            continue
        load = float(made.load[pool.name][0, 0])
        beyond = pool.table[-1] / TABLE * np.arange(TABLE + 1, EDGES + 1)
        bears = volume * np.concatenate([pool.table, beyond]) / load
        found += [Step(pool.name, k, requests) for k, requests in enumerate(bears.tolist(), start=1)]
    return tuple(found)
