"""The Pareto frontier by point estimates, and which pairs the intervals leave open."""

from hypothesis import given
from hypothesis import strategies as st

from eval.stats.frontier import on_frontier, overlapping
from eval.stats.intervals import Estimate


def test_the_frontier_keeps_what_nothing_else_beats():
    points = [(100, 3.2), (300, 4.4), (420, 4.1), (900, 4.4)]
    assert on_frontier(points) == [True, True, False, False]


def test_equal_points_do_not_beat_each_other():
    assert on_frontier([(100, 4.0), (100, 4.0)]) == [True, True]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_somebody_is_on_the_frontier_and_whoever_is_not_is_beaten_by_one_who_is(points: list[tuple[int, int]]):
    on = on_frontier(points)
    front = [point for point, kept in zip(points, on, strict=True) if kept]
    assert front
    for x, y in (point for point, kept in zip(points, on, strict=True) if not kept):
        assert any(a <= x and b >= y and (a, b) != (x, y) for a, b in front)


def test_overlapping_or_missing_intervals_leave_a_pair_open():
    estimates = {
        "a": Estimate(3.0, 2.8, 3.2, 60),
        "b": Estimate(3.3, 3.1, 3.5, 60),
        "c": Estimate(4.0, 3.8, 4.2, 60),
        "d": Estimate(4.9, None, None, 1),
    }
    assert overlapping(estimates) == [("a", "b"), ("a", "d"), ("b", "d"), ("c", "d")]


def test_touching_intervals_overlap():
    assert overlapping({"a": Estimate(1, 0, 2, 9), "b": Estimate(3, 2, 4, 9)}) == [("a", "b")]
