"""How many machines the busy hour takes, and how long a request waits for one of them.

A machine at the concurrency it was measured at is so many places that each serve one request at a time; all places of
all machines share one queue (M/M/c: random arrivals, random service times). What a machine costs is tco.py's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, pdtr

from eval.cost.measured import Load

UTILISATION_CAP = 0.70  # of the busy hour's capacity; above it small errors in the load become long waits
Floats = NDArray[np.floating[Any]]
TABLE = 64  # machines for which the waiting time is tabled; beyond them only the utilisation binds


def erlang_c(load: ArrayLike, places: ArrayLike) -> Floats:
    """The probability that a request has to wait, for an offered load in Erlang and a number of places; 1 from full.

    Erlang's second formula (A. K. Erlang, 1917; ITU-T E.501): C = B / (1 - rho (1 - B)) with Erlang's first formula B,
    here as the ratio of a Poisson probability to its cumulative one, which does not overflow.
    """
    a, c = np.broadcast_arrays(np.asarray(load, dtype=float), np.asarray(places, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        blocked = np.exp(c * np.log(a) - a - gammaln(c + 1)) / pdtr(c, a)
        waiting = blocked / (1 - a / c * (1 - blocked))
    return np.where(a >= c, 1.0, np.where(a <= 0, 0.0, np.clip(waiting, 0.0, 1.0)))


def mean_wait(load: ArrayLike, places: ArrayLike, service_s: float) -> Floats:
    """The mean wait of all requests in seconds, those that need not wait included; infinite from a full system."""
    a, c = np.broadcast_arrays(np.asarray(load, dtype=float), np.asarray(places, dtype=float))
    with np.errstate(divide="ignore"):
        return np.where(a >= c, np.inf, erlang_c(a, c) * service_s / np.maximum(c - a, 0))


def wait_quantile(load: ArrayLike, places: ArrayLike, service_s: float, q: float = 0.95) -> Floats:
    """The wait in seconds that a share `q` of the requests does not exceed: 0 where so many need not wait at all.

    From P(W > t) = C exp(-(c - a) t / service).
    """
    a, c = np.broadcast_arrays(np.asarray(load, dtype=float), np.asarray(places, dtype=float))
    waiting = erlang_c(a, c)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = np.log(waiting / (1 - q)) * service_s / np.maximum(c - a, 0)
    return np.where(a >= c, np.inf, np.where(waiting <= 1 - q, 0.0, wait))


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine as a server: its places, how long each takes for an answer, and what is left for waiting.

    `wait_limit_s` is how long the p95 of waiting may be: the target's p95 less what answering itself takes; None where
    there is no target. `sequential` says that only one request at a time was measured.
    """

    places: int
    service_s: float
    wait_limit_s: float | None
    sequential: bool = False

    @property
    def answers_per_s(self) -> float:
        """What the machine answers at full load."""
        return self.places / self.service_s


def load_at(loads: Sequence[Load], p95_target_ms: float | None, *, whose: str = "its") -> Load | str:
    """The load of the highest measured concurrency that meets the p95 target; else why there is none.

    `whose` p95 latency it is, in words: of a stage another than that of the whole answer.
    """
    usable = [load for load in loads if load.answers_per_s > 0]
    if not usable:
        return "its throughput was never measured; run it, at several concurrencies if it is to serve several people"
    if p95_target_ms is not None:
        known = [load for load in usable if load.p95_ms is not None]
        if not known:
            return "its p95 latency was never measured; run it with more questions or repeats"
        meeting = [load for load in known if load.p95_ms is not None and load.p95_ms <= p95_target_ms]
        if not meeting:
            best = min(known, key=lambda load: load.p95_ms or 0)
            return (
                f"{_at(best, known)} {whose} p95 latency is {best.p95_ms:,.0f} ms, and {p95_target_ms:,.0f} ms are "
                "allowed"
            )
        usable = meeting
    return max(usable, key=lambda load: load.concurrency)


def _at(load: Load, loads: Sequence[Load]) -> str:
    """At how many requests at once a load is, and how that stands to the others."""
    if load.concurrency == 1:
        return "even at 1 request at once"
    fewest = load.concurrency == min(each.concurrency for each in loads)
    best = "the fewest measured" if fewest else "where it was shortest"
    return f"at {load.concurrency} requests at once, {best},"


def machine_at(loads: Sequence[Load], p95_target_ms: float | None) -> Machine | str:
    """The machine at the load that `load_at` chooses; else why there is none.

    The service time of a place follows from Little's law: concurrency over answers a second.
    """
    load = load_at(loads, p95_target_ms)
    if isinstance(load, str):
        return load
    limit = None if p95_target_ms is None or load.p95_ms is None else (p95_target_ms - load.p95_ms) / 1000
    return Machine(
        load.concurrency, load.concurrency / load.answers_per_s, limit, all(x.concurrency == 1 for x in loads)
    )


@lru_cache(maxsize=256)  # a page asks again at every edit, and few edits change a machine
def bearable(machine: Machine) -> Floats:
    """The greatest load in Erlang that 1, 2, ..., TABLE machines bear: at most 70 % busy, p95 of the wait in limits.

    Without a limit on waiting only the utilisation binds. 0 where a wait can never be short enough.
    Not to be written to.
    """
    places = np.arange(1, TABLE + 1) * float(machine.places)
    most = places * UTILISATION_CAP
    if machine.wait_limit_s is None:
        most.flags.writeable = False
        return most
    low, high = np.zeros(TABLE), most.copy()
    fits = wait_quantile(most, places, machine.service_s) <= machine.wait_limit_s
    for _ in range(40):
        middle = (low + high) / 2
        ok = wait_quantile(middle, places, machine.service_s) <= machine.wait_limit_s
        low, high = np.where(ok, middle, low), np.where(ok, high, middle)
    table = np.maximum.accumulate(np.where(fits, most, low))
    table.flags.writeable = False  # everybody who asks for it holds the same one
    return table


def machines_for(load: Floats, table: Floats) -> Floats:
    """How many machines a load in Erlang takes, by a table of `bearable`; beyond the table by its last machine's share.

    At least one: a service that is offered needs a machine even in a month without a request.
    """
    count = np.searchsorted(table, load, side="left") + 1.0
    beyond = load > table[-1]
    if beyond.any():
        count[beyond] = np.ceil(load[beyond] / (table[-1] / len(table)))
    return count
