"""Scores as columns: which items two raters share, what belongs to which question, what lies on the scale.

Pure. A missing score (None or NaN) is left out here and nowhere turned into a number.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eval.stats.bootstrap import Codes, Floats, coded, ratio, summed

LABELS = (1, 2, 3, 4, 5)
TOLERANCE = 1e-9  # of a step of the scale; a score nearer to a point than this is that point

Score = float | None
Column = Sequence[Score] | Floats


class Pair(NamedTuple):
    """One item, that is one answer (a repeat is an item of its own), with the scores two raters gave it."""

    question: Hashable
    target: Hashable
    first: Score
    second: Score


@dataclass(frozen=True, slots=True)
class Paired:
    """The items that both raters scored, each with the number of its question and of its target, from 0."""

    first: Floats
    second: Floats
    question: Codes
    n_questions: int
    target: Codes
    targets: tuple[Hashable, ...]  # the name of each number

    @property
    def n(self) -> int:
        return len(self.first)

    def cells(self) -> tuple[Floats, Floats]:
        """Both raters' scores by question (rows) and target (columns): means over repeats, NaN where there is none."""
        shape = self.n_questions, len(self.targets)
        columns = np.stack([self.first, self.second, np.ones(self.n)], axis=1)
        first, second, n = summed(columns, self.question * shape[1] + self.target, shape[0] * shape[1]).T
        return ratio(first, n).reshape(shape), ratio(second, n).reshape(shape)


def column(scores: Column) -> Floats:
    """Scores as floats, NaN where there is none."""
    return np.asarray(scores, dtype=float)


def paired(
    first: Column,
    second: Column,
    questions: Sequence[Hashable] | None = None,
    targets: Sequence[Hashable] | None = None,
) -> Paired:
    """The items with both scores. Without `questions` each is a question of its own; without `targets` all are of one.

    Raises ValueError if the columns differ in length.
    """
    a, b = column(first), column(second)
    of_question = range(len(a)) if questions is None else questions
    of_target = [None] * len(a) if targets is None else targets
    lengths = [len(a), len(b), len(of_question), len(of_target)]
    if len(set(lengths)) > 1:
        raise ValueError(
            "Scores of two raters, questions and targets need one entry an item each, "
            f"but have {lengths[0]}, {lengths[1]}, {lengths[2]} and {lengths[3]}."
        )
    both = ~(np.isnan(a) | np.isnan(b))
    question, names = coded([name for name, kept in zip(of_question, both, strict=True) if kept])
    target, target_names = coded([name for name, kept in zip(of_target, both, strict=True) if kept])
    order = np.lexsort((b[both], a[both], target, question))  # sums are the same to the last bit in any order of rows
    a, b, question, target = a[both][order], b[both][order], question[order], target[order]
    return Paired(a, b, question, len(names), target, target_names)


def from_pairs(pairs: Sequence[Pair]) -> Paired:
    """The pairs with both scores, as columns."""
    first, second = [pair.first for pair in pairs], [pair.second for pair in pairs]
    return paired(first, second, [pair.question for pair in pairs], [pair.target for pair in pairs])


@dataclass(frozen=True, slots=True)
class Panel:
    """The scores of several people, and of a judge if there is one: NaN where somebody did not score an item."""

    names: tuple[str, ...]
    ratings: Floats  # (people, items)
    judge: Floats | None
    question: Codes
    n_questions: int

    def others(self, person: int) -> Floats:
        """The ratings of everybody else."""
        return np.delete(self.ratings, person, axis=0)


def panel(
    people: Mapping[str, Column], judge: Column | None = None, questions: Sequence[Hashable] | None = None
) -> Panel:
    """The people's scores by name, one entry an item for each. Without `questions` each item is a question of its own.

    Raises ValueError for a person, a judge or questions without one entry an item.
    """
    n_items = len(next(iter(people.values()), judge if judge is not None else ()))
    for name, scores in [*people.items(), *([] if judge is None else [("the judge", judge)])]:
        if len(scores) != n_items:
            raise ValueError(f"{len(scores)} scores of {name} for {n_items} items; a missing score is None.")
    names = range(n_items) if questions is None else questions
    if len(names) != n_items:
        raise ValueError(f"{len(names)} questions for {n_items} items; every item belongs to one question.")
    ratings = np.array([column(scores) for scores in people.values()]).reshape(len(people), n_items)
    question, known = coded(names)
    return Panel(tuple(people), ratings, None if judge is None else column(judge), question, len(known))


def means(ratings: Floats) -> Floats:
    """The mean score of each item over raters (raters, items), NaN where nobody scored it."""
    given = ~np.isnan(ratings)
    return ratio(np.nansum(ratings, axis=0), given.sum(0).astype(float))


def checked_scale(labels: Sequence[float]) -> Floats:
    """The points of a scale. Raises ValueError unless there are two or more, ascending and equally far apart."""
    points = np.asarray(labels, dtype=float)
    steps = np.diff(points)
    if len(points) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0], rtol=TOLERANCE, atol=0):
        raise ValueError(f"A scale needs two or more ascending labels at equal distances, not {list(labels)}.")
    return points


def label_codes(scores: Floats, points: Floats, rater: str) -> Codes | None:
    """The number of each score's point on the scale, None if a score lies between two points.

    Raises ValueError for a score outside the scale.
    """
    places = (scores - points[0]) / (points[1] - points[0])
    outside = (places < -TOLERANCE) | (places > len(points) - 1 + TOLERANCE) | ~np.isfinite(places)
    if outside.any():
        wrong = scores[int(outside.argmax())]
        raise ValueError(f"A score of {rater} is {wrong:g}, outside the scale from {points[0]:g} to {points[-1]:g}.")
    codes = np.rint(places).astype(np.intp)
    return codes if np.all(np.abs(places - codes) <= TOLERANCE) else None
