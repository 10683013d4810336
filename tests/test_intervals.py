"""Intervals against scipy, published examples and tables, binomial sums, and seeded simulation of their coverage."""

import random
from dataclasses import astuple
from math import ceil, comb, floor, inf, isfinite, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.stats.intervals import Estimate, mean_interval, quantile_interval

values = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).map(lambda x: round(x, 3))
samples = st.lists(values, min_size=1, max_size=120)
quantiles = st.sampled_from([0.05, 0.25, 0.5, 0.9, 0.95, 0.99])
either = st.sampled_from([mean_interval, lambda v: quantile_interval(v, 0.5), lambda v: quantile_interval(v, 0.95)])

# --- the mean -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.floats(1, 5), min_size=2, max_size=100), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_of_a_mean_is_scipys(means: list[float], confidence: float) -> None:
    assume(max(means) - min(means) > 1e-6)
    found = mean_interval(means, confidence=confidence)
    expected = stats.t.interval(confidence, len(means) - 1, loc=np.mean(means), scale=stats.sem(means))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(means), *expected))


def test_the_interval_of_a_mean_is_that_of_students_sleep_data() -> None:
    """Student, "The probable error of a mean", Biometrika 6 (1908), the data that R's t.test documents as `sleep`:
    extra hours of sleep under the second drug over the first; R gives a mean of 1.58, 0.7001142 to 2.4598858.
    """
    extra = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    found = mean_interval(extra)
    assert astuple(found) == pytest.approx((1.58, 0.7001142, 2.4598858, 10), abs=5e-8)


def test_the_interval_of_a_mean_is_that_of_a_chemists_three_values() -> None:
    """Mercury by cold-vapour atomic absorption, Miller and Miller, Statistics for Analytical Chemistry, 3rd ed. (1993),
    p. 54, as worked out in the documentation of Boost.Math (Student's t): 35.40436 to 40.19564.
    """
    found = mean_interval([38.9, 37.4, 37.1])
    assert (found.low, found.high) == pytest.approx((35.40436, 40.19564), abs=1e-4)


def test_the_interval_of_a_mean_stops_where_the_scale_ends() -> None:
    found = mean_interval([1, 5, 5, 5], bounds=(1.0, 5.0))
    free = mean_interval([1, 5, 5, 5])
    assert free.high is not None
    assert free.high > 5
    assert (found.value, found.low, found.high) == (4.0, max(free.low or 0, 1.0), 5.0)
    assert mean_interval([1, 1, 2], bounds=(1.0, 5.0)).low == 1.0


def test_two_units_give_a_wide_interval_and_one_none() -> None:
    found = mean_interval([3.0, 4.0])
    assert (found.low, found.high) == pytest.approx((3.5 - 12.7062 / 2, 3.5 + 12.7062 / 2), abs=1e-4)
    assert mean_interval([3.0]) == Estimate(3.0, None, None, 1)
    assert mean_interval([]) == Estimate(None, None, None, 0)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 11 / 3, 3.3, 5.0, 1e-300, 123456.789])
@pytest.mark.parametrize("n", [2, 3, 7, 60, 1000])
def test_units_that_all_agree_have_a_mean_and_no_interval_whatever_the_rounding(value: float, n: int) -> None:
    assert mean_interval([value] * n) == Estimate(value, None, None, n)


def test_means_that_differ_only_by_how_they_were_added_up_agree() -> None:
    added = [(0.1 + 0.2 + 0.3) / 3, (0.3 + 0.2 + 0.1) / 3]
    assert added[0] != added[1]
    assert mean_interval(added * 10).low is None


@pytest.mark.parametrize("n", [5, 20, 60])
def test_the_interval_of_a_mean_covers_in_95_of_100_cases(n: int) -> None:
    """20,000 samples of normal scores: the share of intervals that hold the true mean, within 4 standard errors."""
    drawn = np.random.default_rng(n).normal(3.5, 0.8, (20_000, n))
    held = [(e.low or 9) <= 3.5 <= (e.high or 0) for e in map(mean_interval, drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=4 * sqrt(0.95 * 0.05 / 20_000))


# --- quantiles ----------------------------------------------------------------------------------------------------

# "Confidence Intervals for the Population Median", the shortest symmetric pair of ranks with at least 95 %, and what it
# covers; a table of statistics textbooks (this one: https://www.coursehero.com/file/5646626/A7/).
MEDIAN_RANKS = {
    6: (1, 6, 96.9), 7: (1, 7, 98.4), 8: (1, 8, 99.2), 9: (2, 8, 96.1), 10: (2, 9, 97.9), 11: (2, 10, 98.8),
    12: (3, 10, 96.1), 13: (3, 11, 97.8), 15: (4, 12, 96.5), 16: (4, 13, 97.9), 17: (5, 13, 95.1), 18: (5, 14, 96.9),
    19: (5, 15, 98.1), 20: (6, 15, 95.9),
}  # fmt: skip


def ranks(n: int, q: float, confidence: float = 0.95) -> tuple[int, int] | None:
    found = quantile_interval(range(1, n + 1), q, confidence=confidence)
    return None if found.low is None or found.high is None else (int(found.low), int(found.high))


def below(k: int, n: int, q: float) -> float:
    """The chance that at most k of n values lie below the quantile, as a plain sum."""
    return sum(comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(k + 1))


def coverage(low: int, high: int, n: int, q: float) -> float:
    return below(high - 1, n, q) - below(low - 1, n, q)


@pytest.mark.parametrize("n", MEDIAN_RANKS)
def test_the_ranks_for_a_median_are_those_of_the_published_table(n: int) -> None:
    low, high, percent = MEDIAN_RANKS[n]
    assert ranks(n, 0.5) == (low, high)
    assert 100 * coverage(low, high, n, 0.5) == pytest.approx(percent, abs=0.06)


def test_the_interval_of_a_median_is_that_of_a_published_example() -> None:
    """The example of `ci.median` in the R package statpsych, after Snedecor and Cochran, Statistical Methods (1989)."""
    sample = [
        30.2,
        20.4,
        15.1,
        10.2,
        10.5,
        60.8,
        20.8,
        25.0,
        20.7,
        30.9,
        10.8,
        5.1,
        50.9,
        40.0,
        20.9,
        10.8,
        0,
        20.5,
        50.8,
    ]
    assert quantile_interval(sample, 0.5) == Estimate(20.7, 10.8, 30.9, 19)


@pytest.mark.parametrize("q", [0.05, 0.25, 0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", [10, 50, 72, 73, 100, 137, 400, 1000])
def test_the_ranks_leave_at_most_a_tail_outside_on_each_side_and_no_narrower_pair_does(n: int, q: float) -> None:
    tail = 0.025
    pair = ranks(n, q)
    if pair is None:
        assert below(0, n, q) > tail or 1 - below(n - 1, n, q) > tail
        return
    low, high = pair
    assert below(low - 1, n, q) <= tail < below(low, n, q)
    assert 1 - below(high - 1, n, q) <= tail < 1 - below(high - 2, n, q)
    assert coverage(low, high, n, q) >= 0.95


@pytest.mark.parametrize(("q", "needed"), [(0.5, 6), (0.95, 72), (0.05, 72), (0.99, 368)])
def test_a_sample_too_small_for_an_interval_has_none(q: float, needed: int) -> None:
    assert [n for n in range(1, needed + 50) if ranks(n, q) is None] == list(range(1, needed))
    assert quantile_interval(range(needed - 1), q).value is not None


def test_no_values_have_no_quantile() -> None:
    assert quantile_interval([], 0.5) == Estimate(None, None, None, 0)


@pytest.mark.parametrize(("q", "n"), [(0.5, 6), (0.5, 10), (0.5, 60), (0.5, 240), (0.95, 72), (0.95, 120), (0.95, 600)])
def test_the_interval_of_a_quantile_covers_in_at_least_95_of_100_cases(q: float, n: int) -> None:
    """10,000 samples of skewed latencies: not fewer hold the true quantile than 95 % less 3 standard errors."""
    drawn = np.random.default_rng(n).lognormal(6, 0.8, (10_000, n))
    true = float(stats.lognorm.ppf(q, 0.8, scale=np.exp(6)))
    held = [(e.low or 1e9) <= true <= (e.high or 0) for e in (quantile_interval(sample, q) for sample in drawn)]
    assert np.mean(held) >= 0.95 - 3 * sqrt(0.95 * 0.05 / 10_000)
    low, high = ranks(n, q) or (0, 0)
    assert np.mean(held) == pytest.approx(coverage(low, high, n, q), abs=4 * sqrt(0.95 * 0.05 / 10_000))


def test_values_that_are_all_equal_have_a_quantile_interval_of_that_value() -> None:
    """Between order statistics ties only add coverage: the interval claims nothing that the ranks do not warrant."""
    assert quantile_interval([7.0] * 10, 0.5) == Estimate(7.0, 7.0, 7.0, 10)
    drawn = np.random.default_rng(3).integers(1, 4, (4_000, 40))  # the median of 1, 2, 3 is 2
    held = [(e.low or 9) <= 2 <= (e.high or 0) for e in (quantile_interval(sample, 0.5) for sample in drawn)]
    assert np.mean(held) >= 0.95


@settings(deadline=None)
@given(samples, quantiles)
def test_the_value_of_a_quantile_is_numpys(sample: list[float], q: float) -> None:
    assert quantile_interval(sample, q).value == pytest.approx(float(np.quantile(sample, q)), rel=1e-12, abs=1e-12)


def numbers(found: Estimate) -> list[float]:
    """Value, low and high, infinite where there is none."""
    return [inf if x is None else x for x in (found.value, found.low, found.high)]


# --- quantiles of repeated questions ------------------------------------------------------------------------------


def repeated(n: int, repeats: int, within: float, rng: np.random.Generator) -> tuple[list[float], list[int]]:
    """Log-normal latencies that scatter by 0.8 in all, by `within` among the repeats of a question."""
    between = sqrt(max(0.0, 0.64 - within**2))
    logs = 6 + between * rng.standard_normal((n, 1)) + within * rng.standard_normal((n, repeats))
    return np.exp(logs).ravel().tolist(), np.repeat(np.arange(n), repeats).tolist()


@pytest.mark.parametrize(("q", "n", "repeats"), [(0.5, 60, 2), (0.5, 60, 5), (0.5, 12, 5), (0.95, 100, 3)])
@pytest.mark.parametrize("within", [0.0, 0.1, 0.4, 0.8])
def test_the_interval_of_a_quantile_covers_with_repeats_as_without(
    q: float, n: int, repeats: int, within: float
) -> None:
    """1,500 samples: taken for independent, the 60 questions x 5 repeats would cover in 66 of 100 cases only."""
    rng = np.random.default_rng(n + repeats)
    true = float(stats.lognorm.ppf(q, 0.8, scale=np.exp(6)))
    held = []
    for _ in range(1_500):
        sample, questions = repeated(n, repeats, within, rng)
        found = quantile_interval(sample, q, questions=questions)
        held.append((found.low or 1e9) <= true <= (found.high or 0))
    assert np.mean(held) >= 0.95 - 3 * sqrt(0.95 * 0.05 / 1_500)


def test_repeats_that_scatter_as_much_as_questions_do_narrow_the_interval() -> None:
    values, questions = repeated(60, 5, 0.8, np.random.default_rng(1))
    alone, with_repeats = quantile_interval(values[::5], 0.5), quantile_interval(values, 0.5, questions=questions)
    assert alone.low is not None
    assert with_repeats.low is not None
    assert (with_repeats.high or 0) - with_repeats.low < 0.7 * ((alone.high or 0) - alone.low)


@settings(deadline=None)
@given(samples, quantiles)
def test_questions_asked_once_change_nothing(sample: list[float], q: float) -> None:
    assert quantile_interval(sample, q, questions=range(len(sample))) == quantile_interval(sample, q)


@settings(deadline=None)
@given(st.lists(values, min_size=6, max_size=40, unique=True), st.integers(2, 6))
def test_equal_repeats_do_not_narrow_an_interval(sample: list[float], repeats: int) -> None:
    once = quantile_interval(sample, 0.5)
    often = quantile_interval(np.repeat(sample, repeats), 0.5, questions=np.repeat(np.arange(len(sample)), repeats))
    assert once.low is not None
    assert once.high is not None
    assert often.low is None or often.high is None or (often.low <= once.low and once.high <= often.high)


@pytest.mark.parametrize("q", [0.5, 0.9])
@pytest.mark.parametrize(("n", "repeats"), [(20, 3), (60, 5), (37, 7)])
def test_repeated_questions_count_as_korn_and_graubard_count_them(q: float, n: int, repeats: int) -> None:
    """Their effective sample size, p (1 - p) / variance between questions times a ratio of Student's t, by hand."""
    sample, questions = repeated(n, repeats, 0.5, np.random.default_rng(11 * n))
    total = n * repeats
    shares = (np.array(sample).reshape(n, repeats) <= np.quantile(sample, q)).mean(axis=1)
    variance = shares.var(ddof=1) / n
    t = stats.t.ppf(0.975, total - 1) / stats.t.ppf(0.975, n - 1)
    effective = int(shares.mean() * (1 - shares.mean()) / variance * t**2)
    assert n / 2 < effective < total
    found, ordered = quantile_interval(sample, q, questions=questions), sorted(sample)
    if not (pair := ranks(effective, q)):
        assert found.low is None
        return
    low, high = pair
    assert found.low == ordered[floor((low - 1) * total / effective)]
    assert found.high == ordered[ceil(high * total / effective) - 1]


def test_questions_that_all_lie_alike_on_both_sides_count_as_one_each() -> None:
    """No difference between questions is no evidence that their repeats are independent."""
    sample = [side * (i + 1.0) for i in range(10) for side in (-1, 1)]
    found = quantile_interval(sample, 0.5, questions=[i for i in range(10) for _ in range(2)])
    assert ranks(10, 0.5) == (2, 9)
    assert (found.low, found.high) == (sorted(sample)[2], sorted(sample)[17])


def test_repeats_of_a_single_question_have_no_interval() -> None:
    found = quantile_interval(range(100), 0.5, questions=[7] * 100)
    assert found == Estimate(49.5, None, None, 100)


@settings(deadline=None)
@given(st.lists(st.tuples(values, st.integers(0, 9)), min_size=1, max_size=90), quantiles, st.randoms())
def test_pairs_of_value_and_question_may_come_in_any_order(
    pairs: list[tuple[float, int]], q: float, rng: random.Random
) -> None:
    found = quantile_interval([v for v, _ in pairs], q, questions=[k for _, k in pairs])
    assert found.low is None or found.low <= (found.value or 0) <= (found.high or 0)
    rng.shuffle(pairs)
    assert quantile_interval([v for v, _ in pairs], q, questions=[k + 100 for _, k in pairs]) == found


# --- both ---------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(samples, either)
def test_the_value_lies_inside_its_interval_and_within_the_sample(sample: list[float], interval: object) -> None:
    found = interval(sample)  # pyright: ignore[reportCallIssue]
    assert found.n == len(sample)
    assert min(sample) <= found.value <= max(sample)
    assert (found.low is None) == (found.high is None)
    if found.low is not None:
        assert found.low <= found.value <= found.high
        assert isfinite(found.low)
        assert isfinite(found.high)


@settings(deadline=None)
@given(samples, either, st.randoms(use_true_random=False))
def test_the_order_of_a_sample_does_not_matter(sample: list[float], interval: object, rng: random.Random) -> None:
    shuffled = list(sample)
    rng.shuffle(shuffled)
    found, expected = interval(shuffled), interval(sample)  # pyright: ignore[reportCallIssue]
    assert found.n == expected.n
    assert numbers(found) == pytest.approx(numbers(expected), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(samples, either, st.sampled_from([1.0, 8.0, 1000.0]), st.sampled_from([0.0, 16.0, -500.0]))
def test_an_interval_moves_and_stretches_with_its_sample(
    sample: list[float], interval: object, scale: float, shift: float
) -> None:
    spread = max(sample) - min(sample)
    assume(spread == 0 or spread > 1)
    plain = interval(sample)  # pyright: ignore[reportCallIssue]
    moved = interval([x * scale + shift for x in sample])  # pyright: ignore[reportCallIssue]
    expected = [x * scale + shift for x in numbers(plain)]
    assert numbers(moved) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(samples, either)
def test_a_sample_is_left_as_it_was(sample: list[float], interval: object) -> None:
    given = np.array(sample)
    interval(given)  # pyright: ignore[reportCallIssue]
    assert given.tolist() == sample
