"""Two targets by their quality numbers: the difference of what people would score, with interval, p-value and verdict.

Pure. The quality numbers are quality.py's, verdicts and Holm's adjustment comparison.py's business. Formulas and
sources: docs/statistics.md, "Comparing two targets".
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import hypot

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from eval.stats.comparison import Comparison, Measured
from eval.stats.corrected import MIN_TO_CORRECT
from eval.stats.intervals import CONFIDENCE, ROUNDING
from eval.stats.planning import ALPHA, POWER
from eval.stats.quality import SCALE, Method, Quality, QuestionScores, choose, quality, sample_of

CALIBRATED: tuple[Method, ...] = ("human-corrected", "people alone")
STEPS = (5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1_000)  # hand scores to come that are looked at
_INFERENCE = "questions like these"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A target's questions, by what tells them apart, and the quality number that people's scores give it."""

    questions: Mapping[Hashable, QuestionScores]
    number: Quality


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference with its interval in points, its degrees of freedom, the questions and how it was found."""

    value: float
    low: float
    high: float
    freedom: int
    n: int
    method: Method

    @property
    def to_zero(self) -> float:
        """The half of the interval on the side of 0."""
        return self.value - self.low if self.value > 0 else self.high - self.value

    @property
    def p(self) -> float:
        """The level at which Student's interval of this half width would end at 0; below 5 % where this one omits 0."""
        if self.to_zero <= ROUNDING:
            return 1.0 if abs(self.value) <= ROUNDING else 0.0
        distance = abs(self.value) / self.to_zero * float(stdtrit(self.freedom, 0.5 + CONFIDENCE / 2))
        return 2 * float(stdtr(self.freedom, -distance))


def calibrate(questions: Mapping[Hashable, QuestionScores], *, scale: tuple[float, float] = SCALE) -> Calibrated | None:
    """The target with its quality number; None where people's scores do not allow one."""
    found = quality(list(questions.values()), scale=scale) if questions else None
    return Calibrated(questions, found) if found and found.method in CALIBRATED else None


def measure(
    first: str, second: str, ours: Calibrated, theirs: Calibrated, *, scale: tuple[float, float] = SCALE
) -> Measured:
    """The comparison of two calibrated targets, still without its verdict (compare_all gives that)."""
    apart = difference(ours, theirs, scale=scale)
    found = Comparison(
        first,
        second,
        apart.n,
        "not decisive",
        "",
        difference=apart.value,
        low=apart.low,
        high=apart.high,
        p=apart.p,
        method=apart.method,
        n_people=(ours.number.n_people, theirs.number.n_people),
        n_people_shared=len(_hand_scored(ours) & _hand_scored(theirs)),
    )
    return Measured(found, partial(_open, ours=ours, theirs=theirs, scale=scale))


def _hand_scored(target: Calibrated) -> set[Hashable]:
    """The questions whose hand score enters the target's quality number."""
    return {question for question, scores in target.questions.items() if scores.drawn_score is not None}


def difference(ours: Calibrated, theirs: Calibrated, *, scale: tuple[float, float] = SCALE) -> Difference:
    """The first's quality number less the second's: paired where the same questions were hand-scored, else squared and
    added; of the two the narrower.
    """
    apart = _of_two_numbers(ours, theirs)
    paired = _paired(ours, theirs, scale)
    return paired if paired and paired.high - paired.low < apart.high - apart.low else apart


def contradicts(found: Comparison, ours: Calibrated | None, theirs: Calibrated | None) -> bool:
    """Whether a comparison is decided one way while the calibrated intervals lie apart the other way."""
    if ours is None or theirs is None:
        return False
    one, other = ours.number, theirs.number
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return (found.outcome == "better" and one.high < other.low) or (found.outcome == "worse" and one.low > other.high)


def withdrawn(found: Comparison) -> Comparison:
    """The same comparison without its verdict, because people's scores say the opposite."""
    words = f"not decisive (by these scores {found.outcome}, but the numbers corrected with people's say the opposite)"
    return replace(found, outcome="not decisive", words=words)


def _of_two_numbers(ours: Calibrated, theirs: Calibrated) -> Difference:
    """Newcombe's square-and-add of two intervals (MOVER): for normal ones the sum of variances.

    What the shared questions have in common is not deducted, which is on the safe side where both targets find the
    same questions hard. Where they do not, the half widths are added, which holds whatever the covariance.
    """
    one, other = ours.number, theirs.number
    if one.value is None or one.low is None or one.high is None:
        raise ValueError("the first target has no quality number with an interval")
    if other.value is None or other.low is None or other.high is None:
        raise ValueError("the second target has no quality number with an interval")
    value = one.value - other.value
    below, above = (one.value - one.low, other.high - other.value), (one.high - one.value, other.value - other.low)
    opposed = _opposed(ours, theirs)
    low = value - (sum(below) if opposed else hypot(*below))
    high = value + (sum(above) if opposed else hypot(*above))
    method: Method = "human-corrected" if "human-corrected" in (one.method, other.method) else "people alone"
    freedom = max(min(one.n_people, other.n_people) - 2, 1)
    return Difference(value, low, high, freedom, len(_shared(ours, theirs)), method)


def _shared(ours: Calibrated, theirs: Calibrated) -> list[Hashable]:
    return [question for question in ours.questions if question in theirs.questions]


def _opposed(ours: Calibrated, theirs: Calibrated) -> bool:
    """Whether the targets' scores of shared questions, the judge's or else people's, run against each other."""
    shared = [(ours.questions[q], theirs.questions[q]) for q in _shared(ours, theirs)]
    pairs = [(a.judge, b.judge) for a, b in shared if a.judge is not None and b.judge is not None]
    pairs = pairs or [(a.people, b.people) for a, b in shared if a.people is not None and b.people is not None]
    if len(pairs) < 3:
        return False
    first, second = np.array(pairs, dtype=float).T
    return bool((first - first.mean()) @ (second - second.mean()) < -ROUNDING)


def _paired(ours: Calibrated, theirs: Calibrated, scale: tuple[float, float]) -> Difference | None:
    """The quality number of the differences on shared questions; None where too few were hand-scored for both.

    Those scored for both are a random draw of the shared questions where either sample is one stratum drawn with one
    probability. At least half of either sample has to be among them: else most of what people said would be lost.
    """
    shared = {q: (ours.questions[q], theirs.questions[q]) for q in _shared(ours, theirs)}
    both = {q for q, (a, b) in shared.items() if a.drawn_score is not None and b.drawn_score is not None}
    most = max(ours.number.n_people, theirs.number.n_people)
    if len(both) < MIN_TO_CORRECT or 2 * len(both) < most or not (_plain(ours) and _plain(theirs)):
        return None
    reach = scale[1] - scale[0]
    found = quality(
        [
            QuestionScores(
                judge=None if a.judge is None or b.judge is None else a.judge - b.judge,
                people=None if q not in both or a.people is None or b.people is None else a.people - b.people,
                probability=len(both) / len(shared) if q in both else None,
            )
            for q, (a, b) in shared.items()
        ],
        scale=(-reach, reach),
    )
    if found.value is None or found.low is None or found.high is None or found.method not in CALIBRATED:
        return None
    return Difference(found.value, found.low, found.high, len(both) - 2, len(shared), found.method)


def _plain(target: Calibrated) -> bool:
    """Whether the target's sample was one stratum, each question as likely as another; or all of its questions."""
    chances = [q.probability for q in target.questions.values() if q.probability is not None]
    if len(chances) == len(target.questions) and min(chances) == 1:
        return True
    return len({q.stratum for q in target.questions.values()}) == 1 and max(chances) - min(chances) <= ROUNDING


def _open(
    found: Comparison, tests: int, *, ours: Calibrated, theirs: Calibrated, scale: tuple[float, float]
) -> Comparison:
    """The same comparison, not decisive, with how many more hand scores of each target would decide it."""
    value = abs(found.difference or 0.0)
    quantile = float(ndtri(0.5 + CONFIDENCE / 2))
    factor = float(ndtri(1 - ALPHA / tests / 2) + ndtri(POWER)) / quantile  # 80 % power at Holm's first level
    for more in STEPS if value > ROUNDING else ():
        one, other = (_then(target, more, scale) for target in (ours, theirs))
        if value > factor * hypot(one, other):
            words = f"not decisive (needs about {more} more hand scores of each)"
            return replace(found, words=words, more_hand_scores=more)
        if all(t.number.n_people + more >= t.number.n_questions for t in (ours, theirs)):
            break
    return replace(found, words="not decisive (needs more questions: hand scores of all would not do)")


def _then(target: Calibrated, more: int, scale: tuple[float, float]) -> float:
    """Half the width of the target's interval with so many more hand scores, all else as seen."""
    sample = sample_of(list(target.questions.values()), more=more)
    return choose(sample, _INFERENCE, scale, CONFIDENCE).used.width / 2
