"""The machines of an option as a result tells them: how many, how busy, and how long a request waits for one.

What they cost is bill.py's business, how many a load takes capacity.py's.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from eval.cost.assumption import Floats
from eval.cost.bill import Bill, Workings
from eval.cost.capacity import TABLE, erlang_c, mean_wait, wait_quantile
from eval.cost.figure import Figure, Kind
from eval.cost.program import MachinePart, Pool
from eval.cost.result import Capacity
from eval.cost.scenario import Scenario


def capacity(pool: Pool, made: Bill, w: Workings, scenario: Scenario) -> Capacity:
    """Machines and waiting of one pool in the first and the last month, at the central values."""
    profile = scenario.hardware[pool.hardware]
    shared = not profile.one_per_user
    need, load = made.machines[pool.name][0], made.load[pool.name][0]
    service = float(made.service_s[pool.name][0, 0])
    working = max(float(need[-1]) - profile.spares, 1.0)
    a, c = float(load[-1]), working * (pool.places if shared else 1)
    quoted = any(part.rate is not None for part in pool.parts)
    origin = "; ".join(dict.fromkeys(part.origin for part in pool.parts))
    kind: Kind = "derived"
    place = f"hardware.{pool.hardware}"
    counted = f"{place}: busy hour of the workload over what a machine bears, spares added; {origin}"
    places = Figure(float(pool.places), "requests at once", "quoted" if quoted else "measured", origin)
    if not shared:
        counted = f"{place}: one for each of workload.users with its growth, spares added"
        places = Figure(1.0, "requests at once", "assumed", f"{place}.one_per_user")
    steps = tuple(
        (
            Figure(float(k), "machines", kind, origin),
            Figure(_requests(pool, w, load, k), "requests/month", kind, origin),
        )
        for k in range(1, 9)
        if shared
    )
    first = max(float(need[0]) - profile.spares, 1.0)
    bears = Figure(
        _requests(pool, w, load, int(first)) if shared else None,
        "requests/month",
        kind,
        f"{pool.name} on {place}: what the machines of the first month bear, spares left aside; {origin}",
        reason=None if shared else "Each person has a machine: no volume fills it for others.",
    )
    return Capacity(
        pool.name,
        pool.hardware,
        shared,
        places,
        Figure(service, "s", kind, origin),
        Figure(float(need[0]), "machines", kind, counted),
        Figure(float(need[-1]), "machines", kind, counted),
        Figure(first, "machines", kind, counted),
        bears,
        Figure(a / c, "share", kind, f"{origin}, busiest minutes of the last month"),
        *_waiting(a, c, service, shared, place),
        any(part.machine.sequential for part in pool.parts),
        quoted,
        "; ".join(dict.fromkeys(_basis(part, shared) for part in pool.parts)),
        steps,
    )


def grown(parts: Sequence[Capacity], scenario: Scenario) -> Iterator[str]:
    """What growth does to machines of one person each, and who pays for the further ones: a sentence a profile."""
    for part in parts:
        profile = scenario.hardware[part.hardware]
        first, last = (float(figure.value or 0) for figure in (part.machines_first, part.machines_last))
        if part.shared or last <= first:
            continue
        if profile.rent_per_hour.value > 0:
            paid = "they are rented"
        elif profile.capex is None:
            paid = "no purchase is counted for the further ones, as if they were there already: state capex to count it"
        else:
            paid = f"those beyond {profile.owned:,} are bought" if profile.owned else "all of them are bought"
        yield (
            f'Growth takes further machines of "{profile.label or part.hardware}", because users are taken to grow as '
            f"requests do and each has one: {first:,.0f} in the first month, {last:,.0f} in the last; {paid}."
        )


def _waiting(load: float, places: float, service_s: float, shared: bool, place: str) -> tuple[Figure, Figure, Figure]:
    """The probability, the mean and the 95th percentile of waiting for a place; none where nobody shares it."""
    if not shared:
        origin = f"{place}.one_per_user: one person each, no queue"
        none = Figure(0.0, "s", "derived", origin)
        return Figure(0.0, "share", "derived", origin), none, none
    full = "The machines are full: the queue grows without end."

    def seconds(wait: Floats) -> Figure:
        endless = not np.isfinite(wait)
        return Figure(None if endless else float(wait), "s", "derived", "Erlang C", reason=full if endless else None)

    chance = Figure(float(erlang_c(load, places)), "share", "derived", "Erlang C")
    return chance, seconds(mean_wait(load, places, service_s)), seconds(wait_quantile(load, places, service_s))


def _basis(part: MachinePart, shared: bool) -> str:
    """What the throughput of a machine rests on."""
    if part.rate is not None:
        return "quoted"
    if part.simulated:
        return "simulated: it does not bend under load, and is no evidence"
    if not shared:
        return "measured" if part.machine.sequential else "measured under load, which may be slower than one person's"
    return "measured, one request at a time only" if part.machine.sequential else "measured under load"


def _requests(pool: Pool, w: Workings, load: Floats, machines: int) -> float:
    """The requests a month that so many machines bear; beyond the table by its last machine's share."""
    table = pool.table
    most = float(table[machines - 1]) if machines <= TABLE else float(table[-1]) / TABLE * machines
    return float(w.answers[0, -1]) * most / float(load[-1])
