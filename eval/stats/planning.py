"""What questions and hand scores would buy: the smallest difference a question set can show, the interval to come.

Pure. Both rest on the spread seen so far and say so; neither is a promise. The formulas are in docs/statistics.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import nctdtr, stdtrit

from eval.stats.corrected import Inference
from eval.stats.intervals import CONFIDENCE, ROUNDING
from eval.stats.quality import SCALE, Method, QuestionScores, choose, quality, sample_of

POWER = 0.8
ALPHA = 1 - CONFIDENCE
MOST_QUESTIONS = 10_000  # what needs more counts as too small to be shown


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation of differences between two targets on one question, and the comparisons it comes from."""

    sd: float
    comparisons: int
    freedom: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """What `n_then - n_now` more hand scores would do to the interval, all else as it was seen; None where unknown."""

    n_now: int
    n_then: int
    width_now: float | None
    width_then: float | None
    method: Method | None
    words: str


def spread_seen(differences: Iterable[Sequence[float]]) -> Spread | None:
    """The pooled spread of earlier comparisons, each the differences of two targets, one a question.

    Variances are averaged by their degrees of freedom. None where no comparison has two questions, or none of them
    shows any spread: then the least difference that can be shown is not 0 but unknown.
    """
    usable = [np.asarray(values, dtype=float) for values in differences if len(values) > 1]
    freedom = sum(len(values) - 1 for values in usable)
    squares = sum(float(np.square(values - values.mean()).sum()) for values in usable)
    if squares <= ROUNDING:
        return None
    return Spread(sqrt(squares / freedom), len(usable), freedom)


def power_of_t(n: int, difference: float, sd: float, *, alpha: float = ALPHA) -> float:
    """The chance that the two-sided paired t test of n questions finds this difference, with its sign, at level alpha.

    From the noncentral t distribution (Cohen, Statistical Power Analysis, 2nd ed. 1988, chapter 2).
    """
    critical = float(stdtrit(n - 1, 1 - alpha / 2))
    return 1 - float(nctdtr(n - 1, abs(difference) / sd * sqrt(n), critical))


def smallest_difference(
    n: int, sd: float, *, comparisons: int = 1, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest mean difference that n shared questions show with this power, in points; None for n below 2 or sd 0.

    `sd`: of the differences on one question, as spread_seen found it. With several `comparisons` each is held to the
    level alpha / comparisons, where Holm's procedure begins.
    """
    if n < 2 or sd <= 0:
        return None
    low, high = 0.0, sd
    while power_of_t(n, high, sd, alpha=alpha / comparisons) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if power_of_t(n, middle, sd, alpha=alpha / comparisons) < power:
            low = middle
        else:
            high = middle
    return high


def questions_needed(
    difference: float, sd: float, *, comparisons: int = 1, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """How many shared questions show this difference with this power; None for more than MOST_QUESTIONS."""
    low, high = 1, 2
    while power_of_t(high, difference, sd, alpha=alpha / comparisons) < power:
        if high == MOST_QUESTIONS:
            return None
        low, high = high, min(2 * high, MOST_QUESTIONS)
    while high - low > 1:
        middle = (low + high) // 2
        if power_of_t(middle, difference, sd, alpha=alpha / comparisons) < power:
            low = middle
        else:
            high = middle
    return high


def detectable(n: int, spread: Spread | None, *, comparisons: int = 1, power: float = POWER) -> str:
    """A sentence for the plan of a run: what n questions can show, and where the spread behind it comes from."""
    if spread is None:
        return "What difference these questions can show is not known before two targets have been scored on such."
    difference = smallest_difference(n, spread.sd, comparisons=comparisons, power=power)
    if difference is None:
        return "One question shows no difference: at least 2 are needed."
    return (
        f"{n} questions show a difference of {difference:.2f} points with {100 * power:.0f} % probability, if "
        f"differences spread as in comparisons seen so far ({spread.comparisons}; standard deviation {spread.sd:.2f})."
    )


def after_more_scores(
    questions: Sequence[QuestionScores],
    more: int = 20,
    *,
    inference: Inference = "questions like these",
    scale: tuple[float, float] = SCALE,
    confidence: float = CONFIDENCE,
) -> Prospect:
    """The expected width of the quality number's interval after so many more hand scores of drawn questions.

    The scores to come are taken to be made up like those there are, spread over the strata in the same proportion, and
    the choice between correction and people alone is made anew. Raises ValueError like `quality`.
    """
    now = quality(questions, inference=inference, scale=scale, confidence=confidence)
    if now.width_people_alone is None:
        words = "What more hand scores would buy is not known yet: the spread of people's scores has not been seen."
        return Prospect(now.n_people, now.n_people, now.width, None, None, words)
    sample = sample_of(questions, more=more)
    n_then = round(float(sample.planned.sum()))
    if n_then == now.n_people:
        words = "People have scored every question there is to draw."
        return Prospect(now.n_people, n_then, now.width, now.width, now.method, words)
    used, _, why_not = choose(sample, inference, scale, confidence)
    words = (
        f"More hand scores ({n_then - now.n_people}) would bring the width of the interval from {now.width:.2f} to "
        f"about {used.width:.2f} points, if they are like the {now.n_people} there are."
    )
    method: Method = "people alone" if why_not else "human-corrected"
    return Prospect(now.n_people, n_then, now.width, used.width, method, words)
