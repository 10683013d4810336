"""A figure of agreement with the interval of a bootstrap over questions, or the reason why there is none.

Pure: the draws come from a seed, so the same scores give the same interval. What a figure is, its own module says: it
hands over a function of how often each question counts (once for the figure itself, as drawn for its interval).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from eval.stats.intervals import CONFIDENCE, ROUNDING, Estimate

MIN_ITEMS = 10  # scored items for a figure, questions for its interval
MIN_DEFINED = 0.99  # share of resamples in which a figure must be defined; percentiles of the rest would be biased
HELD_AT_ONCE = 2_000_000  # numbers in memory while resamples are worked off

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Figure = Callable[[Floats], Floats]  # (resamples, questions) -> (resamples,), NaN where it is undefined


class Reason(StrEnum):
    """Why a figure or its interval is missing."""

    too_few = "too few"
    constant_rater = "constant rater"  # one who gives every item the same score tells nothing about agreement
    one_value = "one value only"
    nothing_to_pair = "nothing to pair"  # no item has two scores
    between_labels = "between points"  # scores that lie between two points of the scale
    too_few_raters = "too few raters"
    too_few_targets = "too few targets"
    no_spread = "no spread"  # resamples give the same, as if nothing else could ever have been observed
    often_undefined = "undefined in too many resamples"


@dataclass(frozen=True, slots=True)
class Measure(Estimate):
    """A figure of agreement; `n` counts the items behind it, unless its function says otherwise.

    `reason` tells why there is no value, or why there is a value and no interval.
    """

    n_questions: int = 0
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How figures get their intervals: `minimum` items for a figure and as many questions for its interval."""

    resamples: int = 2000
    seed: int = 0
    confidence: float = CONFIDENCE
    minimum: int = MIN_ITEMS

    def measure(
        self, figure: Figure, *, n: int, n_questions: int, undefined: Reason, width: int, drawn_from: int | None = None
    ) -> Measure:
        """The figure with every question counted once, and the percentiles of the figure over resampled questions.

        Answers to one question are not independent, so whole questions are drawn (Davison and Hinkley, Bootstrap
        Methods and their Application, 1997, section 3.8). The percentiles are those that make up for few questions
        (Hesterberg, The American Statistician 69 (2015) 371-386, expanded percentile interval).

        `undefined` says what it means where the figure is NaN, `width` how many numbers `figure` holds for one
        resample, `drawn_from` how many questions it knows if it uses only `n_questions` of them.
        """
        known = n_questions if drawn_from is None else drawn_from
        if n < max(self.minimum, 1):
            return Measure(None, None, None, n, n_questions, Reason.too_few)
        value = float(figure(np.ones((1, known)))[0])
        if np.isnan(value):
            return Measure(None, None, None, n, n_questions, undefined)
        if n_questions < max(self.minimum, 2):
            return Measure(value, None, None, n, n_questions, Reason.too_few)
        weights, step = draws(known, self.resamples, self.seed), max(1, HELD_AT_ONCE // max(width, 1))
        drawn = np.concatenate([figure(weights[i : i + step]) for i in range(0, len(weights), step)])
        drawn = drawn[~np.isnan(drawn)]
        if len(drawn) < MIN_DEFINED * self.resamples:
            return Measure(value, None, None, n, n_questions, Reason.often_undefined)
        low, high = np.quantile(drawn, _percentiles(n_questions, self.confidence)).tolist()
        if high - low <= ROUNDING:
            return Measure(value, None, None, n, n_questions, Reason.no_spread)
        return Measure(value, min(low, value), max(high, value), n, n_questions)


BOOTSTRAP = Bootstrap()


@lru_cache(maxsize=4)
def draws(n_questions: int, resamples: int, seed: int) -> Floats:
    """How often each question is drawn, as (resamples, n_questions); every row sums to n_questions."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n_questions, np.full(n_questions, 1 / n_questions), size=resamples).astype(float)
    weights.setflags(write=False)
    return weights


def _percentiles(n: int, confidence: float) -> tuple[float, float]:
    """Where to read the interval off: further out than (1 - confidence) / 2 by what few questions make too narrow."""
    tail = float(ndtr(sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - confidence) / 2)))
    return tail, 1 - tail


def coded(names: Sequence[Hashable]) -> tuple[Codes, tuple[Hashable, ...]]:
    """Names as numbers 0, 1, ... and the name of each number; the order of the items does not change the numbers."""
    ordered = sorted(set(names), key=_place)
    number = {name: i for i, name in enumerate(ordered)}
    return np.array([number[name] for name in names], dtype=np.intp), tuple(ordered)


def _place(name: Hashable) -> tuple[float, str, str]:
    """Numbers by their size, whatever else after them by its text."""
    return name if isinstance(name, int | float) else inf, str(name), type(name).__name__


def summed(values: Floats, codes: Codes, n_codes: int) -> Floats:
    """The sum of `values` (items, or items by anything) over the items of each code."""
    sums = np.zeros((n_codes, *values.shape[1:]))
    np.add.at(sums, codes, values)
    return sums


def ratio(over: Floats, under: Floats, defined: NDArray[np.bool_] | None = None) -> Floats:
    """over / under, NaN where `defined` is false (where `under` is not positive, if it is left out)."""
    where = under > 0 if defined is None else defined
    return np.divide(over, under, out=np.full(np.shape(under), np.nan), where=where)
