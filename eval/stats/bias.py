"""Is the judge kinder to some targets than to others? Its bias by target, and whether one correction would do.

Pure. The bias is the mean of the first rater (the judge) less the second (the people), question by question.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from eval.stats.bootstrap import MIN_ITEMS, Floats, Reason
from eval.stats.intervals import CONFIDENCE, ROUNDING, Estimate, mean_interval
from eval.stats.scores import LABELS, Paired, checked_scale

SAME = 1e-9  # points of the scale; a smaller gap between two biases is rounding


@dataclass(frozen=True, slots=True)
class BiasByTarget:
    """The bias of each target in points of the scale, and the test that all of them are the same.

    `differ` is True where the biases differ: then one correction for all targets is wrong. False decides nothing: it
    does not show that they are equal.
    """

    targets: Mapping[Hashable, Estimate]  # n counts questions
    tested: tuple[Hashable, ...]  # the targets with enough questions
    f: float | None = None
    degrees: tuple[int, int] | None = None
    p: float | None = None
    differ: bool | None = None
    reason: Reason | None = None  # why there is no test


def bias_by_target(
    scores: Paired,
    labels: Sequence[float] = LABELS,
    *,
    minimum: int = MIN_ITEMS,
    confidence: float = CONFIDENCE,
) -> BiasByTarget:
    """The mean of first - second for each target, with an interval over questions, and whether these means differ.

    Repeats of a question are averaged first. The test is Hotelling's T squared for equal means of the targets, blocked
    by question (Anderson, An Introduction to Multivariate Statistical Analysis, 3rd ed., section 5.3): what makes a
    question hard to judge for every target cancels out. Where not every question has every target, the covariance of
    two means comes from the questions that have both targets (Liang and Zeger, Biometrika 73 (1986) 13-22), and the
    degrees of freedom from the target with the fewest questions. Targets with fewer than `minimum` are not tested.
    Raises ValueError for labels that are no scale.
    """
    points = checked_scale(labels)
    width = float(points[-1] - points[0])
    first, second = scores.cells()
    differences = first - second
    asked = ~np.isnan(differences)
    targets = {
        name: mean_interval(differences[asked[:, i], i].tolist(), bounds=(-width, width), confidence=confidence)
        for i, name in enumerate(scores.targets)
    }
    kept = asked.sum(0) >= max(minimum, 2)
    tested = tuple(name for name, is_kept in zip(scores.targets, kept, strict=True) if is_kept)
    if len(tested) < 2:
        reason = Reason.too_few_targets if len(targets) < 2 else Reason.too_few
        return BiasByTarget(targets, tested, reason=reason)
    return _tested(targets, tested, differences[:, kept], 1 - confidence)


def _tested(
    targets: Mapping[Hashable, Estimate], tested: tuple[Hashable, ...], differences: Floats, significance: float
) -> BiasByTarget:
    """The biases with the test whether the columns of `differences` (questions, targets) have the same mean."""
    asked = ~np.isnan(differences)
    n = asked.sum(0)
    biases = np.nansum(differences, axis=0) / n
    deviations = np.nan_to_num(differences - biases) / n
    fewest = int(n.min())
    covariance = fewest / (fewest - 1) * deviations.T @ deviations
    from_last = np.eye(len(tested) - 1, len(tested)) - np.eye(len(tested))[-1]  # each bias less the last one
    gaps, spread = from_last @ biases, from_last @ covariance @ from_last.T
    variances, directions = np.linalg.eigh(spread)
    varies = variances > ROUNDING * np.nanmax(np.abs(differences)) ** 2
    along = directions.T @ gaps
    contrasts = int(varies.sum())
    if contrasts == 0 or np.any(np.abs(along[~varies]) > SAME):  # a gap of the same size in every question
        return BiasByTarget(targets, tested, reason=Reason.no_spread)
    degrees = contrasts, fewest - contrasts
    if degrees[1] < 1:
        return BiasByTarget(targets, tested, reason=Reason.too_few)
    f = float((along[varies] ** 2 / variances[varies]).sum()) * degrees[1] / (contrasts * (fewest - 1))
    p = float(fdtrc(*degrees, f))
    return BiasByTarget(targets, tested, f, degrees, p, p < significance)
