"""Which answers people score: strata, how many of each, and the draw itself, seeded.

Pure: takes what there is to draw from and gives back what was drawn, each with the probability the design gave it. Both
designs follow Cochran, Sampling Techniques (3rd ed. 1977): chapter 5 for stratified draws, chapter 11 for a question
first and then one of its repeats. Reading and storing is the business of sampling.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from math import floor, sqrt
from random import Random
from statistics import pvariance

ROUNDING = 1e-9  # more than sums of shares are off by

MAX_BANDS = 3  # strata a target's answers are cut into by the judge's score
MIN_EXPECTED = 5  # hand scores a stratum should get; a smaller one joins its neighbour
MIN_DRAWN = 2  # one score alone has no spread
ASSUMED_ERROR = 0.7  # points by which people are assumed to scatter around the judge; only the allocation rests on it


class Allocation(StrEnum):
    """How many answers each stratum gets."""

    proportional = "proportional"  # by its size: every question as likely as any other
    spread = "spread"  # more where scores are expected to scatter (Neyman's)


@dataclass(frozen=True, slots=True)
class Unit:
    """One run's answers to one question, and the judges' mean score of them (None: not judged)."""

    run_id: int
    question_id: int
    answer_ids: tuple[int, ...]
    judge: float | None = None


@dataclass(frozen=True, slots=True)
class Stratum:
    """Units among which each is as likely to be drawn as any other."""

    name: str
    units: tuple[Unit, ...]
    n_drawn: int = 0
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One answer of a sample, in the order in which the answers are to be scored."""

    answer_id: int
    stratum: str
    probability: float | None
    double: bool = False
    reason: str = ""


# --- strata -------------------------------------------------------------------------------------------------------


def one_stratum(units: Sequence[Unit], size: int) -> list[Stratum]:
    """All units together, `size` of them drawn: a simple random sample."""
    n = min(size, len(units))
    return [Stratum("", tuple(units), n, n / len(units))] if units else []


def stratified(
    units: Sequence[Unit], targets: Mapping[int, str], size: int, allocation: Allocation, rng: Random
) -> list[Stratum]:
    """Strata by run and judge's score with how many units of each are drawn, `size` in all.

    `targets` names the runs. Under `proportional` what does not come out whole is rounded at random, so that every unit
    has the same probability size / len(units); under `spread` it is the drawn share of its stratum.
    """
    n = min(size, len(units))
    strata: list[Stratum] = []
    for run_id in sorted({unit.run_id for unit in units}):
        of_run = [unit for unit in units if unit.run_id == run_id]
        bands = _bands(of_run, n * len(of_run) / len(units))
        strata += [Stratum(f"{targets[run_id]}{_judged(band, len(bands))}", tuple(band)) for band in bands]
    sizes = [len(stratum.units) for stratum in strata]
    if allocation == Allocation.proportional:
        drawn = rounded_at_random([n * size / len(units) for size in sizes], rng)
        return [
            replace(stratum, n_drawn=k, probability=n / len(units)) for stratum, k in zip(strata, drawn, strict=True)
        ]
    drawn = by_spread(sizes, [_spread(stratum.units) for stratum in strata], n)
    return [
        replace(stratum, n_drawn=k, probability=k / len(stratum.units))
        for stratum, k in zip(strata, drawn, strict=True)
    ]


def _bands(units: Sequence[Unit], expected: float) -> list[list[Unit]]:
    """One run's units cut by the judge's score into bands that expect MIN_EXPECTED draws each, as far as that goes.

    Equal scores stay together; units without a score are a band of their own where they are many enough.
    """
    judged = sorted((unit for unit in units if unit.judge is not None), key=lambda unit: unit.judge or 0.0)
    most = max(1, min(MAX_BANDS, floor(expected / MIN_EXPECTED)))
    bounds = [i for i in range(1, len(judged)) if judged[i - 1].judge != judged[i].judge]
    cuts = {min(bounds, key=lambda at: abs(at - k * len(judged) / most)) for k in range(1, most)} if bounds else set()
    edges = [0, *sorted(cuts), len(judged)]
    unjudged = [unit for unit in units if unit.judge is None]
    bands = [band for band in (*(judged[a:b] for a, b in pairwise(edges)), unjudged) if band]
    needed = len(units) * MIN_EXPECTED / expected if expected else float("inf")
    while len(bands) > 1 and min(map(len, bands)) < needed:
        at = min(range(len(bands)), key=lambda i: len(bands[i]))
        beside = min((i for i in (at - 1, at + 1) if 0 <= i < len(bands)), key=lambda i: len(bands[i]))
        first, second = sorted((at, beside))
        bands[first : second + 1] = [bands[first] + bands[second]]
    return bands


def _judged(band: Sequence[Unit], bands: int) -> str:
    """What the judge's scores of a band are, for the stratum's name; nothing where a run has one band only."""
    if bands == 1:
        return ""
    known = [unit.judge for unit in band if unit.judge is not None]
    if not known:
        return ", not judged"
    low, high = f"{min(known):.3g}", f"{max(known):.3g}"
    some = " or none" if len(known) < len(band) else ""
    return f", judge {low}{'' if low == high else f' to {high}'}{some}"


def _spread(units: Iterable[Unit]) -> float:
    """The standard deviation expected of hand scores: that of the judge's, and what people are assumed to add."""
    known = [unit.judge for unit in units if unit.judge is not None]
    return sqrt((pvariance(known) if known else 1.0) + ASSUMED_ERROR**2)


# --- how many of each ---------------------------------------------------------------------------------------------


def rounded_at_random(shares: Sequence[float], rng: Random) -> list[int]:
    """Whole numbers with the sum of the shares, each its share rounded up or down with its share as the expectation.

    Systematic sampling (Cochran, chapter 8): one random start decides all, so sums of neighbours are off by less than
    one as well. Raises ValueError where the sum is no whole number.
    """
    total = round(sum(shares))
    if abs(sum(shares) - total) > 1e-6:
        raise ValueError(f"the shares sum to {sum(shares):g}, not to a whole number")
    start = min(max(rng.random(), ROUNDING), 1 - ROUNDING)  # so near an end, rounding of the sums would decide
    marks = [0]
    sum_so_far = 0.0
    for share in shares:
        sum_so_far += share
        marks.append(floor(sum_so_far + start))
    marks[-1] = total
    return [after - before for before, after in pairwise(marks)]


def by_spread(sizes: Sequence[int], spreads: Sequence[float], n: int) -> list[int]:
    """Neyman's allocation of n draws: in proportion to size times spread, by largest remainder.

    No stratum gets more than it holds, what it cannot hold goes to the others in proportion, and each gets at least
    MIN_DRAWN as far as it holds them and n allows.
    """
    n = min(n, sum(sizes))
    drawn = [min(MIN_DRAWN, size) for size in sizes]
    while sum(drawn) > n:
        drawn[max(range(len(drawn)), key=lambda i: drawn[i])] -= 1
    wanted = _wanted(sizes, [size * spread for size, spread in zip(sizes, spreads, strict=True)], n)
    for _ in range(n - sum(drawn)):
        room = [i for i in range(len(sizes)) if drawn[i] < sizes[i]]
        drawn[max(room, key=lambda i: (wanted[i] - drawn[i], -i))] += 1
    return drawn


def _wanted(sizes: Sequence[int], weights: Sequence[float], n: int) -> list[float]:
    """Shares of n in proportion to the weights, none above its size."""
    full: set[int] = set()
    while True:
        left = n - sum(sizes[i] for i in full)
        total = sum(weight for i, weight in enumerate(weights) if i not in full)
        wanted = [float(size) if i in full else left * weights[i] / total for i, size in enumerate(sizes)]
        over = {i for i, size in enumerate(sizes) if i not in full and wanted[i] > size}
        if not over:
            return wanted
        full |= over


# --- the draw -----------------------------------------------------------------------------------------------------


def draw(strata: Sequence[Stratum], size: int, double_share: float, rng: Random) -> list[Drawn]:
    """Draw units of each stratum and one answer of each, in an order of which any beginning is spread over the strata.

    Where `size` is more than there are units, further repeats follow, drawn from all that are left. A share of the
    answers, spread evenly over the order, is marked for a second person.
    """
    placed: list[tuple[float, Drawn]] = []
    left: list[Drawn] = []
    for stratum in strata:
        chosen = rng.sample(stratum.units, stratum.n_drawn)
        for i, unit in enumerate(chosen):
            answers = rng.sample(unit.answer_ids, len(unit.answer_ids))
            found = [Drawn(answer_id, stratum.name, stratum.probability) for answer_id in answers]
            placed.append(((i + rng.random()) / len(chosen), found[0]))
            left += found[1:]
    first = [drawn for _, drawn in sorted(placed, key=lambda pair: pair[0])]
    more = rng.sample(left, min(max(size - len(first), 0), len(left)))
    return mark_doubles([*first, *more], double_share, rng)


def mark_doubles(drawn: Sequence[Drawn], share: float, rng: Random) -> list[Drawn]:
    """The same answers, a share of them marked for a second person: evenly spread, beginning anywhere."""
    if not 0 <= share <= 1:
        raise ValueError(f"the share scored by two people is {share:g}, not between 0 and 1")
    n = min(len(drawn), floor(share * len(drawn) + 0.5))
    start = rng.random()
    marks = {min(floor((i + start) * len(drawn) / n), len(drawn) - 1) for i in range(n)}
    return [replace(one, double=i in marks) for i, one in enumerate(drawn)]
