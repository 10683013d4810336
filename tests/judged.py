"""Invented scores for simulations: what people and a judge would give every question, in known proportions.

Everything here is test data. People's scores are whole points from a given distribution; a judge is a noisy copy of the
same latent quality (a Gaussian copula), so that its agreement with people is known and its bias can be set.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.stats.corrected import Inference
from eval.stats.quality import Quality, QuestionScores

Judge = Literal["good", "useless", "biased"]
Floats = NDArray[np.float64]

SCORES = {  # the shares of 1, 2, 3, 4 and 5 among people's scores
    "spread": (0.10, 0.15, 0.25, 0.30, 0.20),
    "near 5": (0.01, 0.02, 0.03, 0.09, 0.85),
    "a tenth 1": (0.10, 0.0, 0.0, 0.45, 0.45),
    "a twentieth 1": (0.05, 0.0, 0.0, 0.475, 0.475),
}
CORRELATION = 0.9  # of a good judge's latent score with people's
LENIENCY = 0.8  # of a biased judge, in standard deviations of the latent score
ROUNDING = 1e-9


def draw(
    shares: Sequence[float], judge: Judge, draws: int, questions: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """(draws, questions) of people's scores and of the judge's, whole points from 1 to 5, questions in random order."""
    cuts = [NormalDist().inv_cdf(min(max(share, 1e-12), 1 - 1e-12)) for share in np.cumsum(shares)[:-1]]
    latent = rng.standard_normal((draws, questions))
    noise = rng.standard_normal((draws, questions))
    seen = noise if judge == "useless" else CORRELATION * latent + np.sqrt(1 - CORRELATION**2) * noise
    if judge == "biased":
        seen = seen + LENIENCY
    return 1.0 + np.searchsorted(cuts, latent), 1.0 + np.searchsorted(cuts, seen)


def truth(people: Floats, shares: Sequence[float], inference: Inference) -> Floats:
    """What each interval should hold: the mean of all questions asked, or that of the distribution they come from."""
    if inference == "this question set":
        return people.mean(axis=1)
    return np.full(len(people), float(np.dot(shares, range(1, 6))))


def scored(people: Floats, judge: Floats, n: int) -> list[QuestionScores]:
    """One draw of which people scored the first n questions."""
    rows = enumerate(zip(people.tolist(), judge.tolist(), strict=True))
    return [QuestionScores(j, p, n / len(people)) if i < n else QuestionScores(j) for i, (p, j) in rows]


def pairs(n: int, questions: int, *, noise: float = 0.5, bias: float = 0.0, seed: int = 1) -> list[QuestionScores]:
    """Scores from all over the scale, and a judge who sees them with noise; people scored the first n."""
    rng = np.random.default_rng(seed)
    people = rng.uniform(1, 5, questions)
    judge = np.clip(people + bias + noise * rng.standard_normal(questions), 1, 5)
    return scored(people, judge, n)


def columns(questions: list[QuestionScores]) -> tuple[Floats, Floats, Floats]:
    """People's scores, the judge's of the same questions, the judge's of the others."""
    scored = [(q.people, q.judge) for q in questions if q.people is not None]
    rest = [q.judge for q in questions if q.people is None]
    people, judge = np.array(scored, dtype=float).T
    return people, judge, np.array(rest, dtype=float)


def half(found: Quality) -> float:
    """Half the width of an interval."""
    assert found.width is not None
    return found.width / 2


def without_judge(questions: Sequence[QuestionScores]) -> list[QuestionScores]:
    return [QuestionScores(None, q.people, q.probability, q.stratum) for q in questions]


def limits(found: Sequence[Quality]) -> list[tuple[float, float]]:
    """The intervals of quality numbers; an absent one holds nothing."""
    return [(9.0, 0.0) if q.low is None or q.high is None else (q.low, q.high) for q in found]


def coverage(intervals: Sequence[tuple[float, float]], truths: Floats) -> float:
    """The share of intervals that hold the truth."""
    pairs = zip(intervals, truths.tolist(), strict=True)
    return float(np.mean([low - ROUNDING <= true <= high + ROUNDING for (low, high), true in pairs]))


def width(intervals: Sequence[tuple[float, float]]) -> float:
    """The mean width of intervals, cut where the scale ends."""
    return float(np.mean([min(high, 5.0) - max(low, 1.0) for low, high in intervals]))
