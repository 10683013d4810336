"""Bootstrap intervals: reproducible, over whole questions, of the right coverage, and none where none is due."""

import random
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scored import QUICK, interval, noisy, value

from eval.stats.agreement import exact_agreement, mean_bias, quadratic_kappa
from eval.stats.bootstrap import MIN_ITEMS, Bootstrap, Measure, Reason, coded, draws
from eval.stats.ceiling import leave_one_out
from eval.stats.ranking import overall
from eval.stats.reliability import Level, alpha
from eval.stats.scores import Paired, paired, panel


def two(n: int, seed: int, per: int = 1) -> Paired:
    return paired(*noisy(n, 2, seed, bias=(0.3,), per=per), np.repeat(np.arange(n), per).tolist())


def test_every_resample_draws_as_many_questions_as_there_are_and_each_as_often_as_the_others():
    weights = draws(40, 2000, 0)
    assert weights.shape == (2000, 40)
    assert np.all(weights.sum(1) == 40)
    assert weights.mean(0) == pytest.approx(np.ones(40), abs=4 / sqrt(2000))
    assert weights.var() == pytest.approx(1 - 1 / 40, rel=0.02)  # of a multinomial


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    scores = two(60, 1)
    assert quadratic_kappa(scores, bootstrap=QUICK) == quadratic_kappa(scores, bootstrap=QUICK)
    other = quadratic_kappa(scores, bootstrap=Bootstrap(resamples=300, seed=1))
    assert value(other) == value(quadratic_kappa(scores, bootstrap=QUICK))
    assert interval(other) != interval(quadratic_kappa(scores, bootstrap=QUICK))


@pytest.mark.parametrize("n", [10, 30, 120])
def test_the_interval_of_a_mean_is_as_wide_as_students(n: int):
    """The bias is a mean, so that there is an exact interval; plain percentiles of ten questions are 17 % narrower."""
    widths = []
    for seed in range(60):
        scores = two(n, seed)
        low, high = interval(mean_bias(scores, Bootstrap(resamples=1000)))
        exact = 2 * stats.t.ppf(0.975, n - 1) * stats.sem(scores.first - scores.second)
        widths.append((high - low) / exact)
    assert np.mean(widths) == pytest.approx(1, abs=0.06)


def test_answers_to_one_question_are_drawn_together():
    """Five copies of every answer tell no more than one: the interval stays as wide."""
    once = two(60, 3)
    often = paired(*(np.repeat(c, 5) for c in (once.first, once.second)), np.repeat(np.arange(60), 5).tolist())
    assert interval(quadratic_kappa(often, bootstrap=QUICK)) == pytest.approx(
        interval(quadratic_kappa(once, bootstrap=QUICK)), abs=1e-12
    )
    unclustered = paired(often.first, often.second)
    low, high = interval(quadratic_kappa(unclustered, bootstrap=QUICK))
    assert high - low < 0.6 * np.subtract(*interval(quadratic_kappa(once, bootstrap=QUICK))[::-1])


@pytest.mark.parametrize(("n", "per"), [(10, 3), (20, 1), (60, 3)])
def test_the_intervals_cover_in_about_95_of_100_cases(n: int, per: int):
    """400 samples; the plain percentiles would cover in 88 of 100 cases with ten questions."""
    many = paired(*noisy(100_000, 2, 0, bias=(0.3,)))
    true = value(quadratic_kappa(many, bootstrap=Bootstrap(resamples=2)))
    found = [quadratic_kappa(two(n, 1000 + seed, per), bootstrap=QUICK) for seed in range(400)]
    held = [e.low <= true <= e.high for e in found if e.low is not None and e.high is not None]
    assert len(held) > 380
    assert 0.91 <= np.mean(held) <= 0.985


def test_fewer_items_than_the_minimum_have_no_figure():
    scores = two(MIN_ITEMS - 1, 5)
    assert quadratic_kappa(scores) == Measure(None, None, None, 9, 9, Reason.too_few)
    assert quadratic_kappa(two(MIN_ITEMS, 5)).value is not None
    assert quadratic_kappa(paired([], [])) == Measure(None, None, None, 0, 0, Reason.too_few)


def test_many_answers_to_few_questions_have_a_figure_and_no_interval():
    found = quadratic_kappa(two(5, 6, per=8))
    assert found.value is not None
    assert (found.low, found.high, found.n, found.n_questions, found.reason) == (None, None, 40, 5, Reason.too_few)


def test_a_figure_that_is_the_same_in_every_resample_has_no_interval():
    found = quadratic_kappa(paired([1, 2, 3, 4, 5] * 4, [1, 2, 3, 4, 5] * 4))
    assert (found.value, found.low, found.reason) == (1.0, None, Reason.no_spread)


def test_a_figure_that_is_undefined_in_many_resamples_has_no_interval():
    """One odd score in twelve is missing from every third resample: there the rater is constant."""
    found = quadratic_kappa(paired([4] * 11 + [5], [4] * 10 + [5, 5]))
    assert (found.low, found.high, found.reason) == (None, None, Reason.often_undefined)
    assert found.value is not None


def test_names_are_numbered_in_any_order_and_whatever_they_are():
    assert coded(["b", "a", "b", "c"])[0].tolist() == [1, 0, 1, 2]
    assert coded(["c", "b", "a"])[1] == coded(["a", "c", "b"])[1] == ("a", "b", "c")
    assert len(coded([1, "1", None, (2, 3)])[1]) == 4


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_a_seed_gives_the_same_interval_whatever_the_order_of_the_rows(seed: int, rng: random.Random):
    """Questions are told by their names, not by where they stand; of two raters the figures agree to the last bit."""
    ratings = noisy(12, 3, seed, per=4)
    ratings[0, ::5] = np.nan
    ratings[1] += 0.1 * rng.random()  # between points, so that sums are not exact
    ratings = np.minimum(ratings, 5)
    order = rng.sample(range(48), 48)
    names = [f"q{i // 4}" for i in range(48)]
    shuffled, other = [names[i] for i in order], ratings[:, order]
    few = Bootstrap(resamples=80, minimum=1)
    for figure in (quadratic_kappa, exact_agreement, mean_bias):
        there, back = paired(*ratings[:2], names), paired(*other[:2], shuffled)
        assert figure(there, bootstrap=few) == figure(back, bootstrap=few)
    for level in Level:
        same(alpha(ratings, names, level, few), alpha(other, shuffled, level, few))
    panels = [panel({"a": its[0], "b": its[1]}, its[2], of) for its, of in ((ratings, names), (other, shuffled))]
    for one, two in zip(*(leave_one_out(each, few).held_out for each in panels), strict=True):
        same(one.person, two.person)


def same(one: Measure, other: Measure) -> None:
    """Equal but for how the figures were added up."""
    assert (one.n, one.n_questions, one.reason) == (other.n, other.n_questions, other.reason)
    numbers = [[x or 0.0 for x in (m.value, m.low, m.high)] for m in (one, other)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-9)


def test_resamples_are_worked_off_in_parts_without_a_difference(monkeypatch: pytest.MonkeyPatch):
    scores = two(30, 7, per=2)
    whole = overall(scores, QUICK)
    monkeypatch.setattr("eval.stats.bootstrap.HELD_AT_ONCE", 1000)
    assert overall(scores, QUICK) == whole
