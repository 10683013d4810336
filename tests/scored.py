"""Scores for the tests of agreement: small bootstraps, and raters of the same answers with noise of their own."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from eval.stats.bootstrap import Bootstrap, Measure
from eval.stats.scores import Pair

ANY_N = Bootstrap(resamples=50, minimum=1)  # for figures of a handful of items
QUICK = Bootstrap(resamples=300)

scale_scores = st.integers(1, 5)
two_raters = st.lists(st.tuples(scale_scores, scale_scores), min_size=1, max_size=40)
maybe = st.one_of(st.none(), scale_scores)


def noisy(
    n: int, raters: int, seed: int, *, noise: float = 0.7, bias: Sequence[float] = (), per: int = 1
) -> np.ndarray:
    """Scores 1 to 5 as (raters, n * per): n questions with `per` answers each, every rater with noise and a bias."""
    rng = np.random.default_rng(seed)
    true = np.repeat(rng.normal(3.4, 0.7, n), per) + rng.normal(0, 0.7, n * per)
    shifts = np.array([*bias, *[0.0] * (raters - len(bias))])[:, None]
    return np.clip(np.rint(true + shifts + rng.normal(0, noise, (raters, n * per))), 1, 5)


def noisy_pairs(questions: int, targets: int, seed: int, *, repeats: int = 1, noise: float = 0.7) -> list[Pair]:
    """Two raters of every question answered by every target `repeats` times; later targets answer better."""
    rng = np.random.default_rng(seed)
    pairs = []
    for question in range(questions):
        for target in range(targets):
            for _ in range(repeats):
                true = 2.6 + 0.5 * target + rng.normal(0, 0.8)
                first, second = np.clip(np.rint(true + rng.normal(0, noise, 2)), 1, 5)
                pairs.append(Pair(f"q{question}", f"t{target}", float(first), float(second)))
    return pairs


def value(measure: Measure) -> float:
    """The figure, which must be there."""
    assert measure.value is not None, measure
    return measure.value


def interval(measure: Measure) -> tuple[float, float]:
    """The interval, which must be there."""
    assert measure.low is not None, measure
    assert measure.high is not None, measure
    return measure.low, measure.high
