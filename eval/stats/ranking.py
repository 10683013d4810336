"""Do two raters rank alike? Spearman's rho and Kendall's tau-b: over all items, within each question, over targets.

Pure. Over all items a rater who merely knows hard questions from easy ones correlates well. Within a question (the
"summary level" of Bhandari et al., Re-evaluating Evaluation in Text Summarization, EMNLP 2020, and Fabbri et al.,
SummEval, TACL 9 (2021) 391-409) only telling good answers from bad ones counts; at system level only the order of the
targets.
"""

from dataclasses import dataclass, replace

import numpy as np

from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Figure, Floats, Measure, Reason, ratio, summed
from eval.stats.intervals import ROUNDING, mean_interval
from eval.stats.scores import Paired

MIN_TARGETS = 3  # two targets have two orders: any correlation of theirs is 1 or -1


@dataclass(frozen=True, slots=True)
class Ranking:
    """The two rank correlations of the same scores, each from -1 (reversed) to 1 (the same order)."""

    spearman: Measure
    kendall: Measure


def overall(scores: Paired, bootstrap: Bootstrap = BOOTSTRAP) -> Ranking:
    """Rank correlations over all items, ties by midranks and tau-b; undefined for a constant rater."""

    def measure(figure: Figure, width: int) -> Measure:
        n, n_questions, undefined = scores.n, scores.n_questions, Reason.constant_rater
        return bootstrap.measure(figure, n=n, n_questions=n_questions, undefined=undefined, width=width)

    return Ranking(
        measure(spearman_figure(scores), 4 * scores.n), measure(_kendall_figure(scores), 3 * scores.n_questions)
    )


def spearman_figure(scores: Paired) -> Figure:
    """Spearman's rho as a function of how often each question counts: the correlation of weighted midranks."""
    values = [np.unique(column, return_inverse=True)[1] for column in (scores.first, scores.second)]
    counts = [summed(np.eye(int(v.max(initial=-1)) + 1)[v], scores.question, scores.n_questions) for v in values]

    def figure(weights: Floats) -> Floats:
        of_items = weights[:, scores.question]
        a, b = (_midranks(weights @ n)[:, v] for n, v in zip(counts, values, strict=True))
        covariance, spreads = (of_items * a * b).sum(1), (of_items * a**2).sum(1) * (of_items * b**2).sum(1)
        return ratio(covariance, np.sqrt(spreads))

    return figure


def _midranks(counts: Floats) -> Floats:
    """Ranks of the values in a sample with these counts, ties sharing their mean rank, less the mean of all ranks."""
    return np.cumsum(counts, axis=1) - counts / 2 - counts.sum(1, keepdims=True) / 2


def _kendall_figure(scores: Paired) -> Figure:
    """Kendall's tau-b as a function of how often each question counts.

    tau-b is the sum over pairs of items of sign(a - a') sign(b - b'), over the root of the same sums of squared signs.
    These sums are gathered by pairs of questions once; a resample then only weights them.
    """
    pairs = np.zeros((3, scores.n_questions, scores.n_questions))
    for question in range(scores.n_questions):
        here = scores.question == question
        a = np.sign(scores.first[here, None] - scores.first)
        b = np.sign(scores.second[here, None] - scores.second)
        signs = np.stack([(a * b).sum(0), np.abs(a).sum(0), np.abs(b).sum(0)], axis=1)
        pairs[:, question] = summed(signs, scores.question, scores.n_questions).T

    def figure(weights: Floats) -> Floats:
        both, untied_a, untied_b = (((weights @ signs) * weights).sum(1) for signs in pairs)
        return ratio(both, np.sqrt(untied_a * untied_b))

    return figure


def per_question(scores: Paired, bootstrap: Bootstrap = BOOTSTRAP) -> Ranking:
    """Rank correlations across targets within each question, averaged over the questions where they are defined.

    Repeats of a target are averaged first. A question is defined where both raters tell two targets or more apart;
    `n` counts those, `n_questions` all that both raters scored. The interval is Student's t over questions.
    """
    return Ranking(*(_mean(found, bootstrap) for found in _row_correlations(*scores.cells())))


def _mean(correlations: Floats, bootstrap: Bootstrap) -> Measure:
    defined = correlations[~np.isnan(correlations)]
    n, n_questions = len(defined), len(correlations)
    if n < max(bootstrap.minimum, 1):
        return Measure(None, None, None, n, n_questions, Reason.too_few)
    mean = mean_interval(defined.tolist(), bounds=(-1.0, 1.0), confidence=bootstrap.confidence)
    return Measure(mean.value, mean.low, mean.high, n, n_questions, Reason.no_spread if mean.low is None else None)


def system_level(scores: Paired, bootstrap: Bootstrap = BOOTSTRAP) -> Ranking:
    """Rank correlations of the targets' means, each over its questions after its repeats were averaged.

    `n` counts targets; below three there is no figure. The interval says how sure the order is for other questions,
    not for other targets.
    """
    first, second = scores.cells()
    a, b, there = np.nan_to_num(first), np.nan_to_num(second), (~np.isnan(first)).astype(float)
    n_targets = len(scores.targets)

    def correlations(weights: Floats) -> tuple[Floats, Floats]:
        asked = weights @ there
        complete = (asked > 0).all(1)
        found = _row_correlations(ratio(weights @ a, asked), ratio(weights @ b, asked))
        return np.where(complete, found[0], np.nan), np.where(complete, found[1], np.nan)

    def measure(which: int) -> Measure:
        if n_targets < MIN_TARGETS:
            return Measure(None, None, None, n_targets, scores.n_questions, Reason.too_few_targets)
        found = bootstrap.measure(
            lambda weights: correlations(weights)[which],
            n=scores.n,
            n_questions=scores.n_questions,
            undefined=Reason.constant_rater,
            width=6 * n_targets**2,
        )
        return replace(found, n=n_targets)

    return Ranking(measure(0), measure(1))


def _row_correlations(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Spearman's rho and Kendall's tau-b of each row, over the columns where there is a score."""
    a, b = _signs(first), _signs(second)
    rank_a, rank_b = a.sum(2), b.sum(2)  # how many are below less how many are above: twice the midrank, centred
    spreads = np.sqrt((rank_a**2).sum(1) * (rank_b**2).sum(1))
    untied = np.sqrt(np.abs(a).sum((1, 2)) * np.abs(b).sum((1, 2)))
    return ratio((rank_a * rank_b).sum(1), spreads), ratio((a * b).sum((1, 2)), untied)


def _signs(rows: Floats) -> Floats:
    """Which of every two columns is larger: 1, -1, or 0 where they tie (but for rounding) or one is missing."""
    differences = np.nan_to_num(rows[:, :, None] - rows[:, None, :])
    return np.sign(
        np.where(np.abs(differences) <= ROUNDING * np.abs(np.nan_to_num(rows)).max(initial=0), 0, differences)
    )
