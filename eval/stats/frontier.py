"""Which points no other point beats, and which differences the intervals leave open.

Pure. The frontier goes by point estimates; whether a difference on it means anything is what `overlapping` is for.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from eval.stats.intervals import Estimate


def on_frontier(points: Sequence[tuple[float, float]]) -> list[bool]:
    """For (latency, quality) pairs: True where no other point is at least as fast and as good, and better in one."""
    return [not any(_beats(other, point) for other in points) for point in points]


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] >= other[1]


def overlapping(estimates: Mapping[str, Estimate]) -> list[tuple[str, str]]:
    """The pairs of names whose intervals overlap, so that neither may be called better.

    A pair in which one has no interval is left open as well.
    """
    return [(a, b) for a, b in combinations(estimates, 2) if not _apart(estimates[a], estimates[b])]


def _apart(one: Estimate, other: Estimate) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low
