"""The quality number: what people would score on average, from few hand scores and the judge's scores of all questions.

Pure. Takes one row a question (repeats averaged), chooses the estimate and says in words what it rests on; the
arithmetic is corrected.py's. Formulas, sources and simulated coverage: docs/statistics.md. Which questions people score
is decided elsewhere; what more scores would buy is planning.py's, differences between targets comparison.py's business.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Literal, NamedTuple

import numpy as np

from eval.stats.bounded import bounded_interval, normal_enough_with_ends
from eval.stats.corrected import Inference, Interval, Sample, corrected, people_alone
from eval.stats.intervals import CONFIDENCE, mean_interval

Method = Literal["human-corrected", "people alone", "judge only, not calibrated", "refused"]

SCALE = (1.0, 5.0)
MIN_HAND_SCORES = 5  # with fewer the interval spans most of the scale and the judge's mean, labelled, says more
MAX_UNEQUAL = (
    1.25  # Kish's effect of unequal weights in a stratum, n sum(w^2) / sum(w)^2; above it coverage falls short
)

_AIM: dict[Inference, str] = {
    "questions like these": "Holds for questions like these: the {n} questions count as a random draw of such ones.",
    "this question set": "Holds for this question set: its {n} questions and no others.",
}
_BOUNDED = (
    "The scores are too lopsided, too near an end of the scale, or too few to rule out rare far ones, for a normal "
    "interval: Gaffke's for a bounded scale is used; it is wider."
)
_NOT_NORMAL = (
    "The judge is not used: hand scores of this shape and number do not rule out that rare far ones are missing."
)


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """One question: the judge's score and, where people scored it, theirs, each a mean over repeats and raters.

    `probability` is the chance with which the question was drawn for people, stored when the draw was made. A hand
    score without one was not drawn (somebody picked the answer): it tells nothing about the other questions and does
    not enter. `stratum` names the group within which questions were drawn.
    """

    judge: float | None = None
    people: float | None = None
    probability: float | None = None
    stratum: str = ""

    @property
    def drawn_score(self) -> float | None:
        """People's score if it belongs to the random sample."""
        return None if self.probability is None else self.people


@dataclass(frozen=True, slots=True)
class Quality:
    """A quality number: value and interval in points of the scale, None where there is none, and its grounds.

    `n_people`, `n_judge`: questions whose hand or judge scores entered, of `n_questions`. `judge_weight`: points by
    which the value moves for a point by which the judge's mean over all questions exceeds that over the hand-scored
    ones (lambda in the regression form; PPI++'s lambda is this times 1 - n/N); 0 where the judge is not used.
    `gain`: width of the interval of people alone over the width of this one, 1 where the judge does not help.
    `notes`: sentences for people, the first naming the target of inference.
    """

    value: float | None
    low: float | None
    high: float | None
    method: Method
    inference: Inference
    n_people: int
    n_judge: int
    n_questions: int
    judge_weight: float = 0.0
    gain: float | None = None
    width_people_alone: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> float | None:
        return None if self.low is None or self.high is None else self.high - self.low


class Choice(NamedTuple):
    """The interval in use, that of people alone, and why the judge is not used ("" where it is)."""

    used: Interval
    alone: Interval
    why_not: str


def quality(
    questions: Sequence[QuestionScores],
    *,
    inference: Inference = "questions like these",
    scale: tuple[float, float] = SCALE,
    confidence: float = CONFIDENCE,
) -> Quality:
    """The quality number of a question set. Raises ValueError for a score or a probability that cannot be.

    Human-corrected where that gives a narrower interval than people alone, else people alone; with fewer than
    MIN_HAND_SCORES the judge's mean, labelled; refused where the draw within strata does not allow an interval.
    """
    _check(questions, scale)
    start = Quality(
        None,
        None,
        None,
        "refused",
        inference,
        n_people=sum(q.drawn_score is not None for q in questions),
        n_judge=sum(q.judge is not None for q in questions),
        n_questions=len(questions),
        notes=(_AIM[inference].format(n=len(questions)), *_left_out(questions)),
    )
    if start.n_people < MIN_HAND_SCORES:
        return _judge_only(start, [q.judge for q in questions if q.judge is not None], scale, confidence)
    if reason := _unfit(questions):
        return replace(start, notes=(*start.notes, reason))
    return _from_people(start, sample_of(questions), scale, confidence)


def sample_of(questions: Sequence[QuestionScores], *, more: int = 0) -> Sample:
    """The arrays of a question set with hand scores in every stratum; `more` plans so many more in proportion.

    Sorted, and summed exactly, so that not even rounding depends on the order of the questions.
    Where the judge has no score its mean stands in: any figure that does not depend on the draw leaves the estimate
    without bias and only costs precision.
    """
    judged = [q.judge for q in questions if q.judge is not None]
    mean = fsum(judged) / len(judged) if judged else 0.0
    index = {name: i for i, name in enumerate(sorted({q.stratum for q in questions}))}
    size = np.bincount([index[q.stratum] for q in questions]).astype(float)
    scored = sorted(
        (index[q.stratum], q.people, mean if q.judge is None else q.judge, 1 / q.probability)
        for q in questions
        if q.people is not None and q.probability is not None
    )
    stratum = np.array([row[0] for row in scored], dtype=np.intp)
    people, judge, weights = np.array([row[1:] for row in scored]).T
    drawn = np.bincount(stratum, minlength=len(size)).astype(float)
    weights = weights * (size / len(questions) / np.bincount(stratum, weights))[stratum]
    return Sample(
        people=people,
        judge=judge,
        weights=weights,
        stratum=stratum,
        size=size,
        drawn=drawn,
        planned=np.minimum(drawn * (1 + more / len(scored)), size),
        judge_mean=mean,
    )


def choose(sample: Sample, inference: Inference, scale: tuple[float, float], confidence: float) -> Choice:
    """The corrected interval where there is one and it is narrower than that of people alone.

    None where people's scores do not allow a normal interval: rare far scores that the sample does not hold would be
    missing from the residuals too, and a judge may miss them as well.
    """
    alone = people_alone(sample, inference, scale, confidence)
    found = corrected(sample, inference, scale, confidence)
    if isinstance(found, str):
        return Choice(alone, alone, found)
    if not alone.normal:
        return Choice(alone, alone, _NOT_NORMAL)
    if found.width >= alone.width:
        return Choice(alone, alone, "The judge does not help: with its scores the interval would not be narrower.")
    return Choice(found, alone, "")


def _from_people(start: Quality, sample: Sample, scale: tuple[float, float], confidence: float) -> Quality:
    used, alone, why_not = choose(sample, start.inference, scale, confidence)
    if not why_not:
        grounds = [
            f"{start.n_people} hand scores corrected with the judge's scores of {start.n_judge} questions: the "
            f"interval is {100 * (1 - used.width / alone.width):.0f} % narrower than that of the hand scores alone."
        ]
    else:
        grounds = [
            why_not if start.n_judge else "No judge has scored these questions.",
            f"The number is that of the {start.n_people} hand scores alone.",
        ]
    if not used.normal:
        grounds.append(_BOUNDED)
    if start.inference == "this question set" and start.n_people == start.n_questions:
        grounds.append("People scored every question of the set, so that sampling leaves nothing open.")
    return replace(
        start,
        value=used.value,
        low=used.low,
        high=used.high,
        method="people alone" if why_not else "human-corrected",
        judge_weight=used.judge_weight,
        gain=alone.width / used.width if used.width > 0 else 1.0,
        width_people_alone=alone.width,
        notes=(*start.notes, *grounds),
    )


def _judge_only(start: Quality, scores: list[float], scale: tuple[float, float], confidence: float) -> Quality:
    if start.n_people:
        few = f"Too few hand scores ({start.n_people}) to correct the judge with; {MIN_HAND_SCORES} are the least."
        start = replace(start, notes=(*start.notes, few))
    if not scores:
        return replace(start, notes=(*start.notes, "No judge has scored these questions, so that there is no number."))
    scores = sorted(scores)
    value = fsum(scores) / len(scores)
    found = replace(start, value=value, method="judge only, not calibrated")
    if start.inference == "this question set":
        why = "No interval: one mean a question does not tell the judge's noise, and nothing its error against people."
        return replace(found, notes=(*found.notes, why))
    if len(scores) < 2:
        return replace(found, notes=(*found.notes, "No interval: the judge has scored one question."))
    covers = "The interval covers judge noise and question sampling alone, not the judge's error against people."
    if normal_enough_with_ends(np.array(scores) - value, (scale[0] - value, scale[1] - value)):
        normal = mean_interval(scores, bounds=scale, confidence=confidence)
        return replace(found, low=normal.low, high=normal.high, notes=(*found.notes, covers))
    low, high = bounded_interval(scores, bounds=scale, confidence=confidence)
    return replace(found, low=low, high=high, notes=(*found.notes, covers, _BOUNDED))


def _left_out(questions: Sequence[QuestionScores]) -> list[str]:
    """What does not enter, in words."""
    picked = sum(q.people is not None and q.probability is None for q in questions)
    unjudged = sum(q.judge is None for q in questions)
    said = []
    if picked:
        said.append(f"Hand scores of questions that were not drawn at random do not enter ({picked}).")
    if 0 < unjudged < len(questions):
        said.append(
            f"The judge has no score for {unjudged} of {len(questions)} questions; its mean stands in for them."
        )
    return said


def _unfit(questions: Sequence[QuestionScores]) -> str:
    """Why the draw does not allow an estimate, or "". One hand score has no spread unless it is its whole stratum."""
    weights: dict[str, list[float]] = {q.stratum: [] for q in questions}
    for q in questions:
        if q.people is not None and q.probability is not None:
            weights[q.stratum].append(1 / q.probability)
    size = Counter(q.stratum for q in questions)
    short = [f"{s!r} ({len(w)} of {size[s]})" for s, w in sorted(weights.items()) if len(w) < min(2, size[s])]
    if short:
        return f"Refused: each stratum needs at least 2 hand scores of drawn questions; too few in {', '.join(short)}."
    if any(len(w) * sum(x * x for x in w) > MAX_UNEQUAL * sum(w) ** 2 for w in weights.values()):
        return (
            "Refused: within a stratum the questions were drawn with probabilities that differ so much that an "
            "interval would cover too rarely; questions drawn with like probability should form a stratum."
        )
    return ""


def _check(questions: Sequence[QuestionScores], scale: tuple[float, float]) -> None:
    for number, question in enumerate(questions, 1):
        for who, score in (("judge", question.judge), ("people", question.people)):
            if score is not None and not scale[0] <= score <= scale[1]:
                raise ValueError(
                    f"question {number}: the score of {who} is {score:g}, off the scale of {scale[0]:g} to {scale[1]:g}"
                )
        if question.probability is not None and not 0 < question.probability <= 1:
            raise ValueError(
                f"question {number}: the probability of its draw is {question.probability:g}, not above 0 and at most 1"
            )
