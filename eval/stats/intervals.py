"""Intervals for the figures that are shown: a mean over questions, a quantile over answers.

Pure. Where a sample is too small for an interval there is none: `low` and `high` are None, never a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import bdtr, stdtrit

CONFIDENCE = 0.95
ROUNDING = 1e-12  # values as near to each other as this, relatively, differ only by how they were added up


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; `n` is the number of independent observations behind it."""

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


def quantile_interval(values: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """A quantile with the distribution-free interval between two order statistics.

    The ranks come from the binomial distribution (Hahn and Meeker, Statistical Intervals, 2nd ed., section 5.2): the
    narrowest symmetric-in-tail pair whose coverage is at least `confidence`. For small samples there may be no such
    pair (the median needs 6 values, the 95th percentile 72); then there is no interval. Ties, even of all values, only
    make the coverage larger.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(np.quantile(ordered, q))
    tail = (1 - confidence) / 2
    cumulative = bdtr(np.arange(n), n, q)  # P(at most k of n values lie below the quantile)
    lower = int(np.searchsorted(cumulative, tail, side="right"))  # ranks 1..lower leave at most `tail` below
    upper = int(np.searchsorted(cumulative, 1 - tail, side="left")) + 1
    if lower < 1 or upper > n:
        return Estimate(value, None, None, n)
    return Estimate(value, float(ordered[lower - 1]), float(ordered[upper - 1]), n)
