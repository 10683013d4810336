"""How far any number of raters agree: Krippendorff's alpha, with whatever scores are missing.

Pure. After Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): 1 - observed / expected disagreement of the
coincidence matrix, to which an item with m scores contributes each ordered pair of them with weight 1 / (m - 1).
"""

from collections.abc import Hashable, Sequence
from enum import StrEnum

import numpy as np

from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Codes, Figure, Floats, Measure, Reason, coded, ratio, summed


class Level(StrEnum):
    """What a difference between two scores means."""

    nominal = "nominal"  # different is different
    ordinal = "ordinal"  # as far apart as there are scores between them
    interval = "interval"  # the square of their distance


def alpha(
    ratings: Floats,
    questions: Sequence[Hashable] | None = None,
    level: Level = Level.ordinal,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Measure:
    """Krippendorff's alpha of `ratings` (raters, items; NaN where a score is missing).

    `n` counts the items with two scores or more; the others tell nothing about agreement and are left out, of the
    questions too. Without `questions` every item is a question of its own. Undefined where no item has two scores, or
    all scores that can be paired are the same. Raises ValueError unless there is one question an item.
    """
    n_items = ratings.shape[1]
    names = range(n_items) if questions is None else questions
    if len(names) != n_items:
        raise ValueError(f"{n_items} items need as many questions, not {len(names)}.")
    pairable = (~np.isnan(ratings)).sum(0) >= 2
    if not pairable.any():
        return Measure(None, None, None, 0, 0, Reason.nothing_to_pair)
    question, questions_left = coded([name for name, kept in zip(names, pairable, strict=True) if kept])
    figure = _figure(ratings[:, pairable], question, len(questions_left), level)
    n, n_questions, width = int(pairable.sum()), len(questions_left), 3 * ratings.size
    return bootstrap.measure(figure, n=n, n_questions=n_questions, undefined=Reason.one_value, width=width)


def _figure(ratings: Floats, question: Codes, n_questions: int, level: Level) -> Figure:
    """Alpha as a function of how often each question counts.

    The sums over the coincidence matrix are taken item by item, so that the matrix need not be built for each resample:
    the squared differences between m scores add up to m times the sum of their squares less the square of their sum.
    """
    given = ~np.isnan(ratings)
    of_item = given.sum(0)
    values, codes = np.unique(ratings[given], return_inverse=True)
    raters, items = np.nonzero(given)
    of_value = summed(np.eye(len(values))[codes], question[items], n_questions)
    place = np.zeros(ratings.shape, dtype=np.intp)
    place[raters, items] = codes

    def disagreement(counts: Floats) -> tuple[Floats, Floats]:
        """Of each item within itself, and of all scores among each other."""
        n = counts.sum(1)
        if level is Level.nominal:
            of_item_and_value = summed(np.eye(len(values))[codes], items, len(of_item))
            within = (of_item**2 - (of_item_and_value**2).sum(1))[None]
            return within, n**2 - (counts**2).sum(1)
        positions = (values - values[0])[None] if level is Level.interval else np.cumsum(counts, axis=1) - counts / 2
        x = positions[:, place] * given
        within = of_item * (x**2).sum(1) - x.sum(1) ** 2
        return within, n * (counts * positions**2).sum(1) - (counts * positions).sum(1) ** 2

    def figure(weights: Floats) -> Floats:
        counts = weights @ of_value
        within, expected = disagreement(counts)
        observed = (weights[:, question] * within / (of_item - 1)).sum(1)
        return 1 - ratio((counts.sum(1) - 1) * observed, expected, (counts > 0).sum(1) > 1)

    return figure
