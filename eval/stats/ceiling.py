"""The ceiling for a judge: how well each person ranks answers as the other people do, and how well the judge does.

Pure. People do not agree perfectly, so no judge can be asked to; it is held against what a person reaches in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Figure, Floats, Measure, Reason
from eval.stats.ranking import spearman_figure
from eval.stats.scores import Paired, Panel, means


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One person and the judge, each against the mean of the other people on the same items."""

    name: str
    person: Measure
    judge: Measure | None  # None without a judge


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Leave-one-out correlations, and their means over the people for whom all of them are defined.

    In the three means `n` counts these people. `difference` is the judge's mean less the people's: an interval above 0
    says that the judge ranks more like the others than a person does; one that holds 0 decides nothing.
    """

    held_out: tuple[HeldOut, ...]
    person: Measure
    judge: Measure | None
    difference: Measure | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Spearman's rho of a person, and of the judge, with the others, on the items that all of these scored."""

    shared: NDArray[np.bool_]
    figures: tuple[Figure, ...]
    measures: tuple[Measure, ...]


def leave_one_out(panel: Panel, bootstrap: Bootstrap = BOOTSTRAP) -> Ceiling:
    """Spearman's rho of each person, and of the judge, with the mean score of the other people.

    Only items count that the person, somebody else and the judge (if there is one) scored, so that person and judge are
    measured by the same.
    """
    compared = [_compare(panel, person, bootstrap) for person in range(len(panel.names))]
    held_out = tuple(
        HeldOut(name, one.measures[0], one.measures[1] if len(one.measures) > 1 else None)
        for name, one in zip(panel.names, compared, strict=True)
    )
    defined = [one for one in compared if all(measure.value is not None for measure in one.measures)]

    def mean(figure: Figure) -> Measure:
        if not defined:
            return Measure(None, None, None, 0, 0, _reason(panel, compared))
        used = np.any([one.shared for one in defined], axis=0)
        return replace(_measure(figure, panel, used, bootstrap), n=len(defined))

    def average(weights: Floats, rater: int) -> Floats:
        return np.mean([one.figures[rater](weights) for one in defined], axis=0)

    person = mean(lambda weights: average(weights, 0))
    if panel.judge is None:
        return Ceiling(held_out, person, None, None)
    judge = mean(lambda weights: average(weights, 1))
    return Ceiling(held_out, person, judge, mean(lambda weights: average(weights, 1) - average(weights, 0)))


def _compare(panel: Panel, person: int, bootstrap: Bootstrap) -> _Comparison:
    own, others = panel.ratings[person], means(panel.others(person))
    raters = [own] if panel.judge is None else [own, panel.judge]
    shared = np.logical_and.reduce(~np.isnan(np.stack([others, *raters])))
    question, target = panel.question[shared], np.zeros(int(shared.sum()), dtype=np.intp)
    figures = tuple(
        spearman_figure(Paired(rater[shared], others[shared], question, panel.n_questions, target, (None,)))
        for rater in raters
    )
    return _Comparison(shared, figures, tuple(_measure(figure, panel, shared, bootstrap) for figure in figures))


def _measure(figure: Figure, panel: Panel, shared: NDArray[np.bool_], bootstrap: Bootstrap) -> Measure:
    return bootstrap.measure(
        figure,
        n=int(shared.sum()),
        n_questions=len(np.unique(panel.question[shared])),
        undefined=Reason.constant_rater,
        width=4 * len(shared),
        drawn_from=panel.n_questions,
    )


def _reason(panel: Panel, compared: Sequence[_Comparison]) -> Reason:
    """Why there is no mean: nobody to compare with, somebody constant, else too few items."""
    if len(panel.names) < 2:
        return Reason.too_few_raters
    constant = any(measure.reason is Reason.constant_rater for one in compared for measure in one.measures)
    return Reason.constant_rater if constant else Reason.too_few
