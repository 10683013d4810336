"""Gaffke's interval against Clopper and Pearson, against its own definition by simulation, and by its coverage."""

import random
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.stats.bounded import bounded_interval, normal_enough, normal_enough_with_ends

points = st.integers(1, 5).map(float)
samples = st.lists(points, min_size=1, max_size=40)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 50, 200])
def test_of_zeros_and_ones_it_is_the_interval_of_clopper_and_pearson(n: int) -> None:
    for ones in sorted({0, 1, n // 2, n - 1, n}):
        found = bounded_interval([1.0] * ones + [0.0] * (n - ones), bounds=(0, 1))
        exact = stats.binomtest(ones, n).proportion_ci(0.95, method="exact")
        assert found == pytest.approx((exact.low, exact.high), abs=1e-6)


def test_of_ten_answers_on_three_points_it_is_that_of_a_published_example() -> None:
    """The example of the Python package gaffke 0.1.2: three 1, five 2, two 3 give 1.4276 to 2.4186."""
    found = bounded_interval([1] * 3 + [2] * 5 + [3] * 2, bounds=(1, 3))
    assert found == pytest.approx((1.4276, 2.4186), abs=1e-4)


def test_weighted_values_have_the_quantiles_of_their_definition() -> None:
    """200,000 weighted means with one more value at the end of the scale, with exponential weights."""
    rng = np.random.default_rng(3)
    values, weights = rng.integers(1, 6, 12).astype(float), rng.choice([0.5, 1.0, 2.0], 12)
    drawn = np.append(weights, weights.max()) * rng.standard_exponential((200_000, 13))
    means = [(drawn @ np.append(values, end)) / drawn.sum(axis=1) for end in (1.0, 5.0)]
    expected = (np.quantile(means[0], 0.025), np.quantile(means[1], 0.975))
    assert bounded_interval(values, bounds=(1, 5), weights=weights) == pytest.approx(expected, abs=0.01)


def test_ten_fives_leave_open_that_three_in_ten_are_ones() -> None:
    low, high = bounded_interval([5.0] * 10, bounds=(1, 5))
    assert (low, high) == (pytest.approx(1 + 4 * 0.025 ** (1 / 10)), 5.0)


@settings(deadline=None, max_examples=50)
@given(samples, st.integers(2, 4))
def test_so_many_times_the_values_is_the_interval_of_so_many_copies(sample: list[float], times: int) -> None:
    copies = bounded_interval(sample * times, bounds=(1, 5))
    assert bounded_interval(sample, bounds=(1, 5), times=times) == pytest.approx(copies, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(samples, st.randoms())
def test_it_holds_the_mean_stays_on_the_scale_and_knows_no_order_or_direction(
    sample: list[float], rng: random.Random
) -> None:
    low, high = bounded_interval(sample, bounds=(1, 5))
    assert 1 <= low <= np.mean(sample) <= high <= 5
    shuffled = list(sample)
    rng.shuffle(shuffled)
    assert bounded_interval(shuffled, bounds=(1, 5)) == (low, high)
    mirrored = bounded_interval([6 - x for x in sample], bounds=(1, 5))
    assert mirrored == pytest.approx((6 - high, 6 - low), abs=1e-9)


@pytest.mark.parametrize("shares", [(0.01, 0.02, 0.03, 0.09, 0.85), (0.1, 0, 0, 0, 0.9), (0.02, 0, 0, 0.03, 0.95)])
@pytest.mark.parametrize("n", [5, 10, 20, 50])
def test_it_covers_near_the_end_of_the_scale_where_student_does_not(shares: tuple[float, ...], n: int) -> None:
    """2,000 samples: not fewer intervals hold the mean than 95 % less 2.5 standard errors; Student's t fails at 10."""
    sample = np.random.default_rng(n).choice(np.arange(1.0, 6.0), (2_000, n), p=shares)
    mean = float(np.dot(shares, range(1, 6)))
    found = [bounded_interval(np.sort(x), bounds=(1, 5)) for x in sample]
    assert np.mean([low <= mean <= high for low, high in found]) >= 0.95 - 2.5 * sqrt(0.95 * 0.05 / 2_000)
    half = stats.t.ppf(0.975, n - 1) * sample.std(axis=1, ddof=1) / sqrt(n)
    assert n != 10 or np.mean(np.abs(sample.mean(axis=1) - mean) <= half) < 0.85


def test_nothing_and_what_is_off_the_scale_have_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bounded_interval([], bounds=(1, 5))
    with pytest.raises(ValueError, match="outside the scale of 1 to 5"):
        bounded_interval([3, 5.5], bounds=(1, 5))


@pytest.mark.parametrize("sample", [[1, 2, 3, 4, 5], [5, 5, 5, 5, 1], [1, 1, 2, 2, 4, 5, 5], [3, 4] * 8 + [1]])
def test_student_is_trusted_where_cochran_trusts_him(sample: list[float]) -> None:
    """n > 25 G1^2, Sampling Techniques, 3rd ed., section 2.15."""
    assert normal_enough(np.array(sample) - np.mean(sample)) == (len(sample) > 25 * float(stats.skew(sample)) ** 2)


def test_student_is_never_trusted_with_values_that_do_not_differ() -> None:
    assert not normal_enough(np.zeros(100))
    assert not normal_enough(np.array([0.1 + 0.2, 0.3, 0.3]) - 0.3)
    assert not normal_enough([])


def test_more_values_of_the_same_make_up_are_more_normal() -> None:
    deviations = np.array([5, 5, 5, 4, 4, 2.0]) - 25 / 6
    needed = 25 * float(stats.skew(deviations)) ** 2 / 6
    assert not normal_enough(deviations, times=needed * 0.99)
    assert normal_enough(deviations, times=needed * 1.01)


def test_fours_and_fives_alone_do_not_show_that_there_is_no_one() -> None:
    """Ten of each look symmetric; with a single 1 more they would not. Scores from all over the scale stand that."""
    narrow, wide = np.array([4.0, 5.0] * 10), np.array([1.0, 2.0, 3.0, 4.0, 5.0] * 4)
    for scores, stands in ((narrow, False), (wide, True)):
        ends = (1 - scores.mean(), 5 - scores.mean())
        assert normal_enough(scores - scores.mean())
        assert normal_enough_with_ends(scores - scores.mean(), ends) == stands
