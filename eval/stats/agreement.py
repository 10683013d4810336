"""How far two raters agree on one criterion: kappa, shares, bias, and all figures in one `Agreement`.

Pure. Ranking figures come from `ranking`, alpha from `reliability`; who is compared and what a figure allows is for the
caller. Intervals are bootstraps over questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.stats import ranking
from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Figure, Floats, Measure, Reason, ratio, summed
from eval.stats.intervals import ROUNDING
from eval.stats.ranking import Ranking
from eval.stats.reliability import Level, alpha
from eval.stats.scores import LABELS, Pair, Paired, checked_scale, from_pairs, label_codes

Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything that is said about two raters on one criterion.

    `n` items were scored by both, `n_left_out` by one or none. Whatever counts points of the scale is None, with the
    reason `between_labels`, where a score lies between two of them (a mean of several scores).
    """

    n: int
    n_left_out: int
    n_questions: int
    n_targets: int
    labels: tuple[float, ...]
    confusion: tuple[Counts, ...] | None  # rows: first rater, columns: second, over all labels
    first_counts: Counts | None  # how often the first rater gave each label
    second_counts: Counts | None
    exact: Measure  # share of items with the same score
    within_one: Measure  # share of items at most one step of the scale apart
    bias: Measure  # mean of first - second
    mae: Measure  # mean absolute difference
    quadratic_kappa: Measure
    kappa: Measure  # unweighted
    alpha: Measure  # Krippendorff's, on `alpha_level`
    alpha_level: Level  # ordinal for points of the scale, interval where scores lie between them
    overall: Ranking
    per_question: Ranking
    system_level: Ranking


def agreement(
    pairs: Sequence[Pair],
    *,
    labels: Sequence[float] = LABELS,
    bootstrap: Bootstrap = BOOTSTRAP,
    single: Sequence[Pair] | None = None,
) -> Agreement:
    """All figures of agreement between the first and the second rater of `pairs`.

    `single`: the pairs of single scores behind `pairs` of means. Where a mean lies between two points of the scale,
    whatever counts points (exact agreement, unweighted kappa, the table of counts) is that of the single scores.
    Alpha is on the interval level there: the ordinal difference of two scores is how many scores lie between them
    (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, which has a metric for each kind of data); among
    scores that are nearly all different it counts ranks, a hair's breadth as much as a point.
    Raises ValueError for a score outside the scale, or labels that are not ascending and equally far apart.
    """
    scores, points = from_pairs(pairs), checked_scale(labels)
    confusion, counted = confusion_matrix(scores, labels), scores
    level = Level.interval if confusion is None else Level.ordinal
    if confusion is None and single is not None:
        counted = from_pairs(single)
        confusion = confusion_matrix(counted, labels)
    return Agreement(
        n=scores.n,
        n_left_out=len(pairs) - scores.n,
        n_questions=scores.n_questions,
        n_targets=len(scores.targets),
        labels=tuple(float(point) for point in points),
        confusion=confusion,
        first_counts=None if confusion is None else tuple(sum(row) for row in confusion),
        second_counts=None if confusion is None else tuple(sum(row) for row in zip(*confusion, strict=True)),
        exact=exact_agreement(counted, labels, bootstrap),
        within_one=within_one(scores, labels, bootstrap),
        bias=mean_bias(scores, bootstrap),
        mae=mean_absolute_error(scores, bootstrap),
        quadratic_kappa=quadratic_kappa(scores, labels, bootstrap),
        kappa=kappa(counted, labels, bootstrap),
        alpha=alpha(np.stack([scores.first, scores.second]), scores.question.tolist(), level, bootstrap),
        alpha_level=level,
        overall=ranking.overall(scores, bootstrap),
        per_question=ranking.per_question(scores, bootstrap),
        system_level=ranking.system_level(scores, bootstrap),
    )


def confusion_matrix(scores: Paired, labels: Sequence[float] = LABELS) -> tuple[Counts, ...] | None:
    """How often the first rater gave the label of the row and the second that of the column, over all labels.

    None where a score lies between two labels. Raises ValueError for a score outside the scale.
    """
    points = checked_scale(labels)
    first, second = (
        label_codes(scores.first, points, "the first rater"),
        label_codes(scores.second, points, "the second rater"),
    )
    if first is None or second is None:
        return None
    cells = np.bincount(first * len(points) + second, minlength=len(points) ** 2)
    return tuple(tuple(row) for row in cells.reshape(len(points), len(points)).tolist())


def quadratic_kappa(scores: Paired, labels: Sequence[float] = LABELS, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """Cohen's kappa with quadratic weights over all points of the scale, used or not.

    1 - mean squared difference / the mean squared difference of scores paired at random (Cohen, Psychological Bulletin
    70 (1968) 213-220). Written so, it needs no table, and where scores lie between labels it is Lin's concordance
    correlation (Biometrics 45 (1989) 255-268). A level that nobody used keeps its place on the scale: 1 and 5 are four
    steps apart. Undefined where a rater is constant. Raises ValueError for a score outside the scale.
    """
    points = checked_scale(labels)
    for column, rater in ((scores.first, "the first rater"), (scores.second, "the second rater")):
        label_codes(column, points, rater)
    a, b = ((column - points[0]) / (points[-1] - points[0]) for column in (scores.first, scores.second))
    columns = np.stack([np.ones(scores.n), a, b, a**2, b**2, (a - b) ** 2], axis=1)
    sums = summed(columns, scores.question, scores.n_questions)

    def figure(weights: Floats) -> Floats:
        n, of_a, of_b, squares_a, squares_b, apart = (weights @ sums).T
        by_chance = n * (squares_a + squares_b) - 2 * of_a * of_b
        spread = np.minimum(n * squares_a - of_a**2, n * squares_b - of_b**2)
        return 1 - ratio(n * apart, by_chance, spread > ROUNDING * n**2)

    return _measure(figure, scores, bootstrap)


def kappa(scores: Paired, labels: Sequence[float] = LABELS, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """Cohen's kappa without weights: agreement beyond chance / what chance leaves (Cohen, EPM 20 (1960) 37-46).

    Undefined where a rater is constant or a score lies between labels. Raises ValueError for a score outside the scale.
    """
    points = checked_scale(labels)
    first, second = (
        label_codes(scores.first, points, "the first rater"),
        label_codes(scores.second, points, "the second rater"),
    )
    if first is None or second is None:
        return _between_labels(scores)
    one = np.eye(len(points))
    given_first = summed(one[first], scores.question, scores.n_questions)
    given_second = summed(one[second], scores.question, scores.n_questions)
    same = summed((first == second).astype(float), scores.question, scores.n_questions)

    def figure(weights: Floats) -> Floats:
        of_first, of_second, n = weights @ given_first, weights @ given_second, (weights @ given_first).sum(1)
        by_chance = (of_first * of_second).sum(1)
        constant = (of_first.max(1) == n) | (of_second.max(1) == n)
        return ratio(n * (weights @ same) - by_chance, n**2 - by_chance, ~constant)

    return _measure(figure, scores, bootstrap, width=3 * len(points))


def exact_agreement(scores: Paired, labels: Sequence[float] = LABELS, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """The share of items that both raters gave the same score; undefined where a score lies between labels."""
    points = checked_scale(labels)
    first, second = (
        label_codes(scores.first, points, "the first rater"),
        label_codes(scores.second, points, "the second rater"),
    )
    if first is None or second is None:
        return _between_labels(scores)
    return _mean((first == second).astype(float), scores, bootstrap)


def within_one(scores: Paired, labels: Sequence[float] = LABELS, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """The share of items whose two scores are at most one step of the scale apart."""
    points = checked_scale(labels)
    step = points[1] - points[0]
    near = np.abs(scores.first - scores.second) <= step * (1 + ROUNDING)
    return _mean(near.astype(float), scores, bootstrap)


def mean_bias(scores: Paired, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """The mean of first - second, in points of the scale: above 0 the first rater is the kinder one."""
    return _mean(scores.first - scores.second, scores, bootstrap)


def mean_absolute_error(scores: Paired, bootstrap: Bootstrap = BOOTSTRAP) -> Measure:
    """The mean of |first - second|, in points of the scale."""
    return _mean(np.abs(scores.first - scores.second), scores, bootstrap)


def _mean(values: Floats, scores: Paired, bootstrap: Bootstrap) -> Measure:
    sums = summed(np.stack([values, np.ones(scores.n)], axis=1), scores.question, scores.n_questions)

    def figure(weights: Floats) -> Floats:
        total, n = (weights @ sums).T
        return ratio(total, n)

    return _measure(figure, scores, bootstrap)


def _measure(figure: Figure, scores: Paired, bootstrap: Bootstrap, width: int = 6) -> Measure:
    """The figure of these scores; of all that go through here only the kappas can be undefined, by a constant rater."""
    n, n_questions, undefined = scores.n, scores.n_questions, Reason.constant_rater
    return bootstrap.measure(figure, n=n, n_questions=n_questions, undefined=undefined, width=width)


def _between_labels(scores: Paired) -> Measure:
    return Measure(None, None, None, scores.n, scores.n_questions, Reason.between_labels)
