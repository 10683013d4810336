"""How far many raters agree on one criterion, and how a judge stands among the people: all figures in one answer.

Pure. Each figure is its own module's; here they are only asked for together.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eval.stats.agreement import Agreement, agreement, quadratic_kappa
from eval.stats.bias import BiasByTarget, bias_by_target
from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Floats, Measure
from eval.stats.ceiling import Ceiling, leave_one_out
from eval.stats.reliability import Level, alpha
from eval.stats.replacement import EPSILON, Replacement, alternative_annotator_test
from eval.stats.scores import (
    LABELS,
    Column,
    Pair,
    Panel,
    checked_scale,
    from_pairs,
    label_codes,
    means,
    paired,
    panel,
)


@dataclass(frozen=True, slots=True)
class JudgeAmongPeople:
    """What the people's scores say of a judge."""

    kappas: Mapping[str, Measure]  # quadratic, with each person
    alpha: Mapping[Level, Measure]  # of the people and the judge together
    with_mean: Agreement  # first: the judge, second: the mean of the people who scored the item
    by_target: Mapping[Hashable, Agreement]  # the same on each target's answers
    replacement: Replacement
    bias: BiasByTarget  # the judge less that mean


@dataclass(frozen=True, slots=True)
class PanelAgreement:
    """Everything that is said about many raters on one criterion; `n` items were scored by somebody."""

    n: int
    n_questions: int
    people: tuple[str, ...]
    alpha: Mapping[Level, Measure]  # of the people
    kappas: Mapping[tuple[str, str], Measure]  # quadratic, of every two people
    pairs: Mapping[tuple[str, str], Agreement]  # every figure of every two people
    ceiling: Ceiling
    judge: JudgeAmongPeople | None


def panel_agreement(
    people: Mapping[str, Column],
    judge: Column | None = None,
    *,
    questions: Sequence[Hashable],
    targets: Sequence[Hashable],
    labels: Sequence[float] = LABELS,
    epsilon: float = EPSILON,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> PanelAgreement:
    """All figures of agreement among people, and with a judge, for items that each belong to a question and a target.

    `people` has one entry an item for each name, None or NaN where somebody did not score. Raises ValueError for
    columns of another length, or a score outside the scale.
    """
    scores, points = panel(people, judge, questions), checked_scale(labels)
    for name, ratings in [*zip(scores.names, scores.ratings, strict=True), ("the judge", scores.judge)]:
        if ratings is not None:
            label_codes(ratings[~np.isnan(ratings)], points, name)
    if len(targets) != len(scores.question):
        raise ValueError(f"{len(targets)} targets for {len(scores.question)} items; every item belongs to one target.")
    question = scores.question.tolist()
    among_people = {
        (scores.names[i], scores.names[j]): agreement(
            [Pair(*item) for item in zip(question, targets, scores.ratings[i], scores.ratings[j], strict=True)],
            labels=labels,
            bootstrap=bootstrap,
        )
        for i, j in combinations(range(len(scores.names)), 2)
    }
    given = ~np.isnan(scores.ratings).all(axis=0)
    return PanelAgreement(
        n=int(given.sum()),
        n_questions=len(np.unique(scores.question[given])),
        people=scores.names,
        alpha=_alphas(scores.ratings, scores, bootstrap),
        kappas={names: each.quadratic_kappa for names, each in among_people.items()},
        pairs=among_people,
        ceiling=leave_one_out(scores, bootstrap),
        judge=None if scores.judge is None else _among(scores, scores.judge, targets, labels, epsilon, bootstrap),
    )


def _among(
    scores: Panel,
    judge: Floats,
    targets: Sequence[Hashable],
    labels: Sequence[float],
    epsilon: float,
    bootstrap: Bootstrap,
) -> JudgeAmongPeople:
    columns = scores.question.tolist(), targets, judge.tolist(), means(scores.ratings).tolist()
    pairs = [Pair(*item) for item in zip(*columns, strict=True)]
    single = [
        Pair(question, target, score, given)
        for question, target, score, column in zip(*columns[:3], scores.ratings.T.tolist(), strict=True)
        for given in column
    ]
    confidence, minimum = bootstrap.confidence, bootstrap.minimum

    def held(target: Hashable) -> Agreement:
        ours, its = ([pair for pair in found if pair.target == target] for found in (pairs, single))
        return agreement(ours, labels=labels, bootstrap=bootstrap, single=its)

    return JudgeAmongPeople(
        kappas={
            name: _kappa(judge, ratings, scores, labels, bootstrap)
            for name, ratings in zip(scores.names, scores.ratings, strict=True)
        },
        alpha=_alphas(np.vstack([judge, scores.ratings]), scores, bootstrap),
        with_mean=agreement(pairs, labels=labels, bootstrap=bootstrap, single=single),
        by_target={target: held(target) for target in dict.fromkeys(targets)},
        replacement=alternative_annotator_test(scores, epsilon=epsilon, bootstrap=bootstrap),
        bias=bias_by_target(from_pairs(pairs), labels, minimum=minimum, confidence=confidence),
    )


def _kappa(first: Floats, second: Floats, scores: Panel, labels: Sequence[float], bootstrap: Bootstrap) -> Measure:
    return quadratic_kappa(paired(first, second, scores.question.tolist()), labels, bootstrap)


def _alphas(ratings: Floats, scores: Panel, bootstrap: Bootstrap) -> dict[Level, Measure]:
    return {level: alpha(ratings, scores.question.tolist(), level, bootstrap) for level in Level}
