"""The arithmetic of the quality number: the mean of hand scores, alone and corrected with the judge's scores.

Pure. Takes arrays that quality.py has checked; what is chosen between the two, and in what words, is decided there.
Every formula is derived in docs/statistics.md.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eval.stats.bounded import bounded_interval, normal_enough, normal_enough_with_ends
from eval.stats.intervals import ROUNDING

Inference = Literal["questions like these", "this question set"]
Floats = NDArray[np.float64]

MIN_TO_CORRECT = 10  # hand scores; with fewer the judge's slope is a guess and the interval covers too rarely


@dataclass(frozen=True, slots=True)
class Sample:
    """The hand-scored questions, one entry each, and the strata they were drawn from.

    `people`, `judge`: scores. `weights` sum to 1: the stratum's share of all questions times the question's share in
    it. `stratum`: index into `size` (questions in the stratum), `drawn` (of those, scored by people) and `planned` (of
    those, to be scored when planning; else the same as `drawn`). `judge_mean`: over all questions.
    """

    people: Floats
    judge: Floats
    weights: Floats
    stratum: NDArray[np.intp]
    size: Floats
    drawn: Floats
    planned: Floats
    judge_mean: float

    @property
    def n_questions(self) -> float:
        return float(self.size.sum())

    @property
    def times(self) -> Floats:
        """For each stratum how many times as many hand scores are planned as there are."""
        return self.planned / self.drawn

    @property
    def shares(self) -> Floats:
        """For each stratum the sum of squared weights within it: 1/n where they are equal (Kish)."""
        total = np.bincount(self.stratum, self.weights)
        return np.bincount(self.stratum, np.square(self.weights)) / np.square(total) / self.times

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the spread within strata: scores less strata, where weights are equal."""
        return float((1 / self.shares).sum()) - len(self.size)

    @property
    def unscored(self) -> Floats:
        """For each hand score the finite population correction, 1 - n/N where weights are equal.

        A score stands for `weight` of all questions, itself included; planned ones share that.
        """
        stands_for = self.n_questions * self.weights / self.times[self.stratum]
        return np.maximum(1 - 1 / np.maximum(stands_for, ROUNDING), 0)

    @property
    def factors(self) -> Floats:
        """By which each squared deviation enters the variance of the mean: w^2 n/(n - 1) (1 - n/N), by stratum."""
        single = self.drawn < 2  # such a stratum has one question only
        unbiased = np.where(single, 0, 1 / np.where(single, 1, 1 - self.shares * self.times))
        return np.square(self.weights) * (unbiased / self.times)[self.stratum] * self.unscored

    @property
    def question_variance(self) -> float:
        """What the draw of the questions themselves adds: the variance of people's scores over N."""
        squares = float(self.weights @ np.square(self.people - self.weights @ self.people))
        return squares / (1 - float(np.square(self.weights).sum())) / self.n_questions

    def from_stratum_mean(self, x: Floats) -> Floats:
        share = np.bincount(self.stratum, self.weights)
        return x - (np.bincount(self.stratum, self.weights * x) / share)[self.stratum]

    def normal_enough(self, deviations: Floats) -> bool:
        """Whether Student's t may be used for a mean with these deviations from the means of the strata.

        Not where a stratum that is not scored to the end shows no deviation at all: it would count as if its other
        questions could not deviate either.
        """
        spread = np.bincount(self.stratum, np.square(deviations))
        if (spread <= ROUNDING)[self.planned < self.size].any():
            return False
        return normal_enough(deviations, self.weights, self.times[self.stratum])

    def people_normal_enough(self, scale: tuple[float, float]) -> bool:
        """Whether Student's t may be used for people's scores, even if one more lay at an end of the scale."""
        deviations, mean = self.from_stratum_mean(self.people), float(self.weights @ self.people)
        ends = (scale[0] - mean, scale[1] - mean)
        return self.normal_enough(deviations) and normal_enough_with_ends(
            deviations, ends, self.weights, self.times[self.stratum]
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its limits; the weight the judge has in it; whether the limits are Student's t or Gaffke's."""

    value: float
    low: float
    high: float
    judge_weight: float = 0.0
    normal: bool = True

    @property
    def width(self) -> float:
        return self.high - self.low


def people_alone(sample: Sample, inference: Inference, scale: tuple[float, float], confidence: float) -> Interval:
    """The stratified mean of the hand scores: Student's t, or Gaffke's interval where their shape does not allow it."""
    value = float(sample.weights @ sample.people)
    if sample.people_normal_enough(scale):
        variance = float(sample.factors @ np.square(sample.from_stratum_mean(sample.people)))
        if inference == "questions like these":
            variance += sample.question_variance
        return _student(value, variance, sample.freedom, scale, confidence)
    times = sample.times[sample.stratum]
    low, high = bounded_interval(
        sample.people, bounds=scale, weights=sample.weights / times, times=times, confidence=confidence
    )
    shrink = 1.0
    if inference == "this question set":
        squares = np.square(sample.weights) / times
        shrink = sqrt(float(squares @ sample.unscored) / float(squares.sum()))
    return Interval(value, value - shrink * (value - low), value + shrink * (high - value), normal=False)


def corrected(sample: Sample, inference: Inference, scale: tuple[float, float], confidence: float) -> Interval | str:
    """The regression estimator, people's mean moved by the judge's; or the reason why there is none.

    Slope by least squares within strata, weighted so that the variance is least, and never below 0: the power-tuned
    estimator of PPI++. Its own uncertainty is part of the variance, and costs a degree of freedom.
    """
    freedom = sample.freedom - 1
    if sample.planned.sum() < MIN_TO_CORRECT or freedom < 1:
        return f"Fewer than {MIN_TO_CORRECT} hand scores are too few to learn how the judge's relate to people's."
    judge, people = sample.from_stratum_mean(sample.judge), sample.from_stratum_mean(sample.people)
    if np.ptp(sample.people) <= ROUNDING:
        return "People's scores do not differ, so that nothing shows how the judge's relate to them."
    factors = sample.factors
    squares = float(factors @ np.square(judge))
    slope = float(factors @ (judge * people)) / squares if squares > ROUNDING else 0.0
    if slope <= ROUNDING:
        return "The judge does not help: its scores do not rise with people's."
    errors = people - slope * judge
    if not sample.normal_enough(errors):
        return "Too few of the hand scores show where the judge errs, so its scores are not used."
    times = sample.times[sample.stratum]
    shift = sample.judge_mean - float(sample.weights @ sample.judge)
    spread = float(times @ np.square(errors)) / freedom
    slope_variance = spread * float((np.square(factors) / times) @ np.square(judge)) / squares**2
    variance = float(factors @ np.square(errors)) * sample.freedom / freedom + shift**2 * slope_variance
    if inference == "questions like these":
        variance += sample.question_variance
    value = float(sample.weights @ sample.people) + slope * shift
    return replace(_student(value, variance, freedom, scale, confidence), judge_weight=slope)


def _student(value: float, variance: float, freedom: float, scale: tuple[float, float], confidence: float) -> Interval:
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * sqrt(variance)
    low, high = max(value - half, scale[0]), min(value + half, scale[1])
    return Interval(min(max(value, scale[0]), scale[1]), low, high)
