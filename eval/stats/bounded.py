"""An interval for a mean near the end of a scale, and the sign that says when Student's t is not to be trusted.

Pure. Which of the two intervals a figure gets is the business of quality.py and comparison.py.
"""

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.stats.intervals import CONFIDENCE, ROUNDING

MAX_SKEWNESS = 0.2  # of the mean; Cochran's n > 25 G1^2, written for the mean itself
HALVINGS = 40  # of the scale: far below what is ever shown
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(256)
_AXIS = (_NODES + 1) / (1 - _NODES)  # the half-line as (-1, 1)
_AXIS_WEIGHTS = _NODE_WEIGHTS * 2 / (1 - _NODES) ** 2


def normal_enough(deviations: ArrayLike, weights: ArrayLike = 1.0, times: ArrayLike = 1.0) -> bool:
    """Whether Student's t may be used for a (weighted) mean, by the deviations of its values from their means.

    Not where the mean is skewed by MAX_SKEWNESS or more, or nothing deviates. For equal weights its skewness is
    G1 / sqrt(n): Cochran (Sampling Techniques, 3rd ed., section 2.15) asks for n > 25 G1^2 before a normal interval is
    used. `times`: as if there were so many times as many values of the same make-up.
    """
    x, times = np.asarray(deviations, dtype=float), np.asarray(times, dtype=float)
    if np.abs(x).max(initial=0.0) <= ROUNDING:
        return False
    parts = x * np.asarray(weights, dtype=float)
    spread = float((np.square(parts) / times).sum())
    return abs(float((parts**3 / times**2).sum())) < MAX_SKEWNESS * spread**1.5


def normal_enough_with_ends(
    deviations: ArrayLike, ends: tuple[float, float], weights: ArrayLike = 1.0, times: ArrayLike = 1.0
) -> bool:
    """The same, asked also with one unseen value more at each end of the scale, whose deviations are `ends`.

    A sample of fours and fives that happens to hold none of the rare ones looks symmetric; that a single one would
    make it too skewed shows that its shape proves nothing. The added value gets the largest weight, as in Gaffke's
    interval.
    """
    x = np.asarray(deviations, dtype=float)
    w, copies = np.broadcast_to(np.asarray(weights, dtype=float), x.shape), np.broadcast_to(times, x.shape)
    if not normal_enough(x, w, copies):
        return False
    largest = float((w / copies).max())
    return all(normal_enough(np.append(x, end), np.append(w, largest), np.append(copies, 1.0)) for end in ends)


def bounded_interval(
    values: ArrayLike,
    *,
    bounds: tuple[float, float],
    weights: ArrayLike = 1.0,
    times: ArrayLike = 1.0,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Gaffke's interval for the mean of values that cannot leave `bounds`.

    The values are weighted with exponential variables, as in the Bayesian bootstrap, and one more value is added at the
    end of the scale: at the lower for the lower limit, at the upper for the upper. The limits are the quantiles of that
    random mean. For values of 0 and 1 this is the exact interval of Clopper and Pearson. N. Gaffke, Three test
    statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable, Mathematical Methods of
    Statistics 14 (2005); Learned-Miller and Thomas, arXiv 1905.06208 (2019). That it never undercovers is certain for
    0 and 1 and these papers' conjecture beyond; simulated coverage is in docs/statistics.md.

    `weights` are those of a weighted mean; the added value then gets the largest. `times`: as if there were so many
    times as many values of the same make-up. Raises ValueError where there is no value or one is out of bounds.
    """
    x = np.asarray(values, dtype=float)
    if len(x) == 0:
        raise ValueError("an interval needs at least one value")
    if x.min() < bounds[0] or x.max() > bounds[1]:
        raise ValueError(f"a value lies outside the scale of {bounds[0]:g} to {bounds[1]:g}")
    w, copies = np.broadcast_to(weights, x.shape), np.broadcast_to(times, x.shape)
    levels, level = np.unique(np.column_stack([x, w / w.max()]).round(12), axis=0, return_inverse=True)
    counts = np.bincount(level, copies)
    key = tuple((float(v), float(weight), float(n)) for (v, weight), n in zip(levels, counts, strict=True))
    mirrored = tuple((-v, weight, n) for v, weight, n in key)
    tail = (1 - confidence) / 2
    low, high = _lower_limit(key, float(bounds[0]), tail), -_lower_limit(mirrored, -float(bounds[1]), tail)
    return max(low, bounds[0]), min(high, bounds[1])


@lru_cache(maxsize=4096)
def _lower_limit(levels: tuple[tuple[float, float, float], ...], end: float, tail: float) -> float:
    """The quantile of the random mean of (value, weight, count) with one more value at `end`, by halving."""
    v, w, n = np.array([*levels, (end, 1.0, 1.0)]).T
    low, high = float(v.min()), float(v.max())
    if high - low <= ROUNDING * max(abs(high), 1):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _share_below_zero(w * (v - middle), n) < tail:
            low = middle
        else:
            high = middle
    return low


def _share_below_zero(factors: NDArray[np.float64], shapes: NDArray[np.float64]) -> float:
    """P(sum of factor x gamma variable < 0), by inverting the characteristic function.

    J. P. Imhof, Computing the distribution of quadratic forms in normal variables, Biometrika 48 (1961) 419-426.
    """
    u = _AXIS / sqrt(float(shapes @ np.square(factors)))
    products = np.outer(factors, u)
    angle = shapes @ np.arctan(products)
    size = np.exp(-0.5 * (shapes @ np.log1p(np.square(products))))
    return 0.5 - float((_AXIS_WEIGHTS * np.sin(angle) * size / _AXIS).sum()) / np.pi
