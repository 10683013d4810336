"""Rank correlations against scipy, within questions and over targets, and where they are undefined."""

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scored import ANY_N, QUICK, interval, noisy, noisy_pairs, two_raters, value

from eval.stats.bootstrap import Bootstrap, Measure, Reason
from eval.stats.intervals import mean_interval
from eval.stats.ranking import overall, per_question, system_level
from eval.stats.scores import Pair, from_pairs, paired

# --- over all items -------------------------------------------------------------------------------------------------


@given(two_raters)
@settings(deadline=None, max_examples=150)
def test_overall_correlations_are_scipys_ties_and_all(items: list[tuple[int, int]]):
    a, b = zip(*items, strict=True)
    found = overall(paired(a, b), ANY_N)
    if len(set(a)) == 1 or len(set(b)) == 1:
        constant = Measure(None, None, None, len(items), len(items), Reason.constant_rater)
        assert found.spearman == found.kendall == constant
        return
    assert value(found.spearman) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    assert value(found.kendall) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)


def test_correlations_of_scores_without_ties_are_scipys():
    a, b = np.random.default_rng(4).normal(size=(2, 50))
    found = overall(paired(a, a + b), QUICK)
    assert value(found.spearman) == pytest.approx(stats.spearmanr(a, a + b).statistic)
    assert value(found.kendall) == pytest.approx(stats.kendalltau(a, a + b).statistic)


@pytest.mark.parametrize("seed", range(5))
def test_resampled_questions_count_as_if_they_had_been_asked_so_often(seed: int):
    """The weighted midranks and pairs of the interval, against scipy on a sample that really is repeated."""
    scores = paired(*noisy(12, 2, seed, per=3), [f"{q:02}" for q in np.repeat(np.arange(12), 3)])
    counts = np.random.default_rng(seed).multinomial(12, np.full(12, 1 / 12))
    a, b = (np.repeat(column, np.repeat(counts, 3)) for column in (scores.first, scores.second))
    found: list[float] = []

    class Spy(Bootstrap):
        def measure(self, figure, **_):  # pyright: ignore
            found.append(float(figure(counts[None].astype(float))[0]))
            return Measure(None, None, None, 0)

    overall(scores, Spy())
    assert found == pytest.approx([stats.spearmanr(a, b).statistic, stats.kendalltau(a, b).statistic], abs=1e-12)


@given(two_raters)
@settings(deadline=None)
def test_correlations_are_symmetric_and_turn_with_a_reversed_scale(items: list[tuple[int, int]]):
    a, b = zip(*items, strict=True)
    there, back = overall(paired(a, b), ANY_N), overall(paired(b, a), ANY_N)
    reversed_scale = overall(paired(a, [6 - score for score in b]), ANY_N)
    for name in ("spearman", "kendall"):
        one, other, turned = (getattr(found, name) for found in (there, back, reversed_scale))
        assert one.reason == other.reason
        if one.value is not None:
            assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high], abs=1e-12)
            assert value(turned) == pytest.approx(-one.value, abs=1e-12)


# --- within each question -------------------------------------------------------------------------------------------


def test_correlations_within_questions_by_hand():
    """Three targets: in order (rho 1, tau 1), one swap (1/2, 1/3), reversed with a tie (-.87, -.82), undefined."""
    rows = {
        "a": ([1, 2, 3], [2, 3, 5]),
        "b": ([1, 2, 3], [1, 4, 3]),
        "c": ([1, 2, 3], [4, 4, 1]),
        "d": ([3, 3, 3], [1, 2, 3]),
    }
    pairs = [Pair(q, t, x, y) for q, (a, b) in rows.items() for t, (x, y) in enumerate(zip(a, b, strict=True))]
    found = per_question(from_pairs(pairs), ANY_N)
    assert value(found.spearman) == pytest.approx((1 + 1 / 2 - np.sqrt(3) / 2) / 3)
    assert value(found.kendall) == pytest.approx((1 + 1 / 3 - 2 / np.sqrt(6)) / 3)
    assert (found.spearman.n, found.spearman.n_questions) == (found.kendall.n, found.kendall.n_questions) == (3, 4)


@given(st.integers(0, 500), st.integers(2, 5), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_correlations_within_questions_are_the_mean_of_scipys(seed: int, targets: int, repeats: int):
    pairs = noisy_pairs(14, targets, seed, repeats=repeats)
    first, second = (
        np.array([getattr(p, name) for p in pairs]).reshape(14, targets, repeats).mean(2)
        for name in ("first", "second")
    )
    rows = [(a, b) for a, b in zip(first.round(9), second.round(9), strict=True) if np.ptp(a) > 0 and np.ptp(b) > 0]
    assume(len(rows) > 2)
    found = per_question(from_pairs(pairs), ANY_N)
    for measure, correlate in ((found.spearman, stats.spearmanr), (found.kendall, stats.kendalltau)):
        expected = mean_interval([correlate(a, b).statistic for a, b in rows], bounds=(-1, 1))
        assert value(measure) == pytest.approx(expected.value, abs=1e-9)
        assert [measure.low, measure.high] == pytest.approx([expected.low, expected.high], abs=1e-9)
        assert (measure.n, measure.n_questions) == (len(rows), 14)


def test_a_rater_who_only_knows_hard_questions_from_easy_ones_does_not_correlate_within_them():
    rng = np.random.default_rng(1)
    hard = rng.integers(1, 4, 60)
    pairs = [
        Pair(q, t, float(hard[q] + rng.integers(0, 3)), float(hard[q] + rng.integers(0, 3)))
        for q in range(60) for t in range(4)
    ]  # fmt: skip
    scores = from_pairs(pairs)
    assert value(overall(scores, QUICK).spearman) > 0.4
    low, high = interval(per_question(scores, QUICK).spearman)
    assert low < 0 < high


def test_few_questions_that_are_defined_give_no_mean():
    pairs = [Pair(q, t, 3 if q > 4 else t + 1, t + 1) for q in range(60) for t in range(3)]
    assert per_question(from_pairs(pairs)).spearman == Measure(None, None, None, 5, 60, Reason.too_few)


def test_targets_that_were_not_scored_everywhere_are_left_out_where_they_are_missing():
    pairs = noisy_pairs(20, 4, 5)
    missing = [p._replace(second=None) if p.target == "t3" and p.question < "q15" else p for p in pairs]
    complete = [p for p in pairs if not (p.target == "t3" and p.question < "q15")]
    assert per_question(from_pairs(missing), ANY_N) == per_question(from_pairs(complete), ANY_N)


# --- over targets ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 500), st.integers(3, 6))
@settings(deadline=None, max_examples=25)
def test_correlations_over_targets_are_scipys_of_their_means(seed: int, targets: int):
    pairs = noisy_pairs(12, targets, seed, repeats=2, noise=1.5)
    first, second = (
        np.array([getattr(p, name) for p in pairs]).reshape(12, targets, 2).mean((0, 2)).round(9)
        for name in ("first", "second")
    )
    assume(np.ptp(first) > 0 and np.ptp(second) > 0)
    found = system_level(from_pairs(pairs), QUICK)
    assert value(found.spearman) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)
    assert value(found.kendall) == pytest.approx(stats.kendalltau(first, second).statistic, abs=1e-9)
    assert (found.spearman.n, found.spearman.n_questions) == (targets, 12)


def test_repeats_count_once_a_question_in_the_mean_of_a_target():
    """Target c would be ahead of b were the five answers to one question five questions."""
    asked = [Pair(q, t, s, s) for q in ("q0", "q1") for t, s in (("a", 1), ("b", 3))] + [Pair("q0", "c", 1, 1)]
    pairs = [*asked, *[Pair("q1", "c", 4, 5)] * 5]
    found = system_level(from_pairs(pairs), ANY_N)
    assert value(found.kendall) == pytest.approx(2 / np.sqrt(6))  # a < c < b for one, a < c = b for the other


def test_two_targets_have_no_correlation_over_targets():
    found = system_level(from_pairs(noisy_pairs(30, 2, 1)))
    assert found.spearman == found.kendall == Measure(None, None, None, 2, 30, Reason.too_few_targets)


def test_targets_that_all_tie_are_a_constant_rater():
    pairs = [Pair(q, t, 4, q % 5 + 1) for q in range(20) for t in range(3)]
    assert system_level(from_pairs(pairs)).kendall == Measure(None, None, None, 3, 20, Reason.constant_rater)


def test_an_order_that_hangs_on_a_target_of_one_question_has_no_interval():
    """That question is missing from every third resample, and with it the target."""
    pairs = [p for p in noisy_pairs(30, 3, 1) if p.target != "t2" or p.question == "q7"]
    found = system_level(from_pairs(pairs), QUICK).spearman
    assert (found.low, found.high, found.reason) == (None, None, Reason.often_undefined)
    assert found.value is not None


def test_means_that_differ_only_by_how_they_were_added_up_tie():
    scores = {"a": (0.1, 0.2, 0.3), "b": (0.3, 0.2, 0.1), "c": (4, 4, 4)}
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1
    pairs = [Pair("q", t, score, rank) for rank, (t, three) in enumerate(scores.items(), 1) for score in three]
    assert value(per_question(from_pairs(pairs), ANY_N).kendall) == pytest.approx(2 / np.sqrt(2 * 3))


def test_a_clear_order_of_targets_is_sure_and_a_close_one_is_not():
    clear = system_level(from_pairs(noisy_pairs(60, 4, 2, noise=0.2)), QUICK).spearman
    assert (clear.value, clear.low, clear.reason) == (pytest.approx(1), None, Reason.no_spread)
    rng = np.random.default_rng(3)
    close = [Pair(q, t, *map(float, rng.integers(1, 6, 2))) for q in range(60) for t in range(4)]
    low, high = interval(system_level(from_pairs(close), QUICK).spearman)
    assert low < 0 < high


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_the_order_of_items_and_the_names_of_targets_do_not_matter(rng: random.Random):
    pairs = noisy_pairs(15, 4, 6, repeats=2)
    shuffled = [p._replace(target={"t0": "x", "t1": "b", "t2": "m", "t3": "a"}[str(p.target)]) for p in pairs]
    rng.shuffle(shuffled)
    for level in (overall, per_question, system_level):
        one, other = level(from_pairs(pairs), ANY_N), level(from_pairs(shuffled), ANY_N)
        assert value(one.spearman) == pytest.approx(value(other.spearman))
        assert value(one.kendall) == pytest.approx(value(other.kendall))
