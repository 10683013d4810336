"""Who is best among many targets on the same questions: a seeded bootstrap over questions.

Pure. A share of resamples is no test: whether a difference is decisive is comparison.py's business.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.stats.bootstrap import coded

RESAMPLES = 10_000
SEED = 20_261_103
BLOCK = 1_000  # resamples held in memory at once
TIE = 1e-9  # means as near as this are equal


@dataclass(frozen=True, slots=True)
class Best:
    """For each target how often it was best, over resamples of the `n` questions that all of them answered.

    Targets that tie for best share the resample. Empty where no question is shared by all.
    """

    probability: dict[str, float]
    n: int


def best(scores: Mapping[str, Mapping[Hashable, float]], *, resamples: int = RESAMPLES, seed: int = SEED) -> Best:
    """How often each target is best if the questions had been other ones of their kind; one value a question."""
    shared = coded(list(set.intersection(*(set(values) for values in scores.values()))))[1] if scores else ()
    if not shared:
        return Best({}, 0)
    matrix = np.array([[values[question] for question in shared] for values in scores.values()])
    means = bootstrap_means(matrix, resamples=resamples, seed=seed)
    first = means >= means.max(axis=1, keepdims=True) - TIE
    shares = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return Best(dict(zip(scores, shares.tolist(), strict=True)), len(shared))


def bootstrap_means(
    scores: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED
) -> NDArray[np.float64]:
    """Means of targets over resampled questions: (targets, questions) in, (resamples, targets) out.

    All targets see the same resample, so that differences stay paired. Efron and Tibshirani, An Introduction to the
    Bootstrap (1993); a resample is a count of each question, its means one product of matrices.
    """
    rng = np.random.default_rng(seed)
    questions = scores.shape[1]
    means = np.empty((resamples, scores.shape[0]))
    for start in range(0, resamples, BLOCK):
        rows = min(BLOCK, resamples - start)
        drawn = rng.integers(0, questions, (rows, questions)) + questions * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * questions).reshape(rows, questions)
        means[start : start + rows] = counts.astype(float) @ scores.T / questions
    return means
