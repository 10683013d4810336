"""Intervals for the figures that are shown: a mean over questions, a quantile over answers.

Pure. Where a sample is too small for an interval there is none: `low` and `high` are None, never a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit

CONFIDENCE = 0.95
ROUNDING = 1e-12  # values as near to each other as this, relatively, differ only by how they were added up


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; `n` counts the questions behind a mean, the answers behind a quantile."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def mean_interval(
    means: Sequence[float], *, bounds: tuple[float, float] | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean over independent units (one value a question) with Student's t interval, n - 1 degrees of freedom.

    Repeats of a question are not independent: average them first and pass one value a question. `bounds` cuts the
    interval where the scale ends. Two units with any values give a wide interval, one gives none. Where all units agree
    there is none either: the method would return a single point, as if nothing else could ever have been observed.
    """
    values = np.asarray(means, dtype=float)
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = min(max(float(values.mean()), float(values.min())), float(values.max()))  # never outside by rounding
    if np.ptp(values) <= ROUNDING * abs(mean):
        return Estimate(mean, None, None, n)
    spread = float(values.std(ddof=1))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * spread / sqrt(n)
    low, high = mean - half, mean + half
    if bounds:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Estimate(mean, low, high, n)


def quantile_interval(
    values: Sequence[float], q: float, *, questions: Sequence[int] | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """A quantile with the distribution-free interval between two order statistics.

    The ranks come from the binomial distribution (Hahn and Meeker, Statistical Intervals, 2nd ed., section 5.2): the
    narrowest symmetric-in-tail pair whose coverage is at least `confidence`. For small samples there may be no such
    pair (the median needs 6 values, the 95th percentile 72); then there is no interval. Ties, even of all values, only
    make the coverage larger.

    `questions` tells which question each value belongs to. Repeats of a question are not independent: the ranks are
    then those of so many independent values as would tell as much (see _effective_n), spread over the whole sample.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(np.quantile(ordered, q))
    effective = n if questions is None else _effective_n(np.asarray(values) <= value, np.asarray(questions), confidence)
    tail = (1 - confidence) / 2
    cumulative = bdtr(np.arange(effective), effective, q)  # P(at most k of so many values lie below the quantile)
    lower = int(np.searchsorted(cumulative, tail, side="right"))  # ranks 1..lower leave at most `tail` below
    upper = int(np.searchsorted(cumulative, 1 - tail, side="left")) + 1
    if lower < 1 or upper > effective:
        return Estimate(value, None, None, n)
    low, high = (lower - 1) * n // effective, -(-upper * n // effective) - 1
    return Estimate(value, float(ordered[low]), float(ordered[high]), n)


def _effective_n(below: NDArray[np.bool_], questions: NDArray[Any], confidence: float) -> int:
    """How many independent values would tell as much about the share that lies below the quantile.

    The share's variance between questions, with its degrees of freedom, against that of independent values: Korn and
    Graubard, Survey Methodology 24 (1998) 193-201, carried over to a quantile as in Woodruff, JASA 47 (1952) 635-646.
    """
    n = len(below)
    _, question = np.unique(questions, return_inverse=True)
    count = int(question.max()) + 1
    if count in (1, n):
        return count
    share = below.mean()
    between = np.bincount(question, weights=below - share)
    variance = count / (count - 1) * float(np.square(between).sum()) / n**2
    if variance == 0:
        return count  # no difference at all is no evidence that repeats are independent
    quantiles = stdtrit([n - 1, count - 1], 0.5 + confidence / 2)
    return max(1, min(n, int(share * (1 - share) / variance * (quantiles[0] / quantiles[1]) ** 2)))
