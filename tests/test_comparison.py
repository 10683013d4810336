"""Paired comparisons against scipy, Fisher's and other published examples, and by the verdicts they come to."""

from collections.abc import Hashable
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.stats import comparison as module
from eval.stats.comparison import (
    Comparison,
    compare_all,
    effect_size,
    holm,
    question_means,
    sign_flip_p,
    signed_ranks,
)

# Charles Darwin's fifteen pairs of maize, crossed less self-fertilised, in eighths of an inch; as Fisher gives them in
# The Design of Experiments (1935), chapter III.
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]

differences = st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=9)


def values(scores: Any) -> dict[Hashable, float]:
    return dict(enumerate(float(x) for x in scores))


def pair(first: Any, second: Any, **options: Any) -> Comparison:
    (found,) = compare_all({"a": values(first), "b": values(second)}, **options)
    return found


# --- the tests ------------------------------------------------------------------------------------------------------


def test_flipping_signs_gives_fishers_own_count() -> None:
    """Fisher counted 863 of the 32,768 patterns with a sum of 314 or more, so 1,726 in both directions."""
    assert sign_flip_p(MAIZE) == 2 * 863 / 32_768


@settings(deadline=None, max_examples=60)
@given(differences)
def test_flipping_signs_is_scipys_exact_permutation_test(sample: list[float]) -> None:
    expected = stats.permutation_test(
        (sample, np.zeros(len(sample))), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(sample) == pytest.approx(expected.pvalue)


@settings(deadline=None, max_examples=60)
@given(differences.filter(lambda sample: np.count_nonzero(sample) > 1))
def test_flipping_signs_of_ranks_is_wilcoxons_exact_test(sample: list[float]) -> None:
    nonzero = np.array([x for x in sample if x])
    expected = stats.wilcoxon(nonzero, method=stats.PermutationMethod(n_resamples=np.inf))
    assert sign_flip_p(signed_ranks(sample)) == pytest.approx(expected.pvalue)


def test_without_ties_it_is_the_tabled_wilcoxon_test() -> None:
    sample = np.random.default_rng(2).normal(0.5, 1, 14)
    assert sign_flip_p(signed_ranks(sample)) == pytest.approx(stats.wilcoxon(sample, method="exact").pvalue)


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6])
def test_drawn_patterns_come_near_all_patterns(shift: float) -> None:
    """18 differences: all 262,144 patterns against 20,000 drawn ones, within 4 standard errors."""
    sample = np.random.default_rng(5).normal(shift, 1, 18)
    signs = 1 - 2 * (np.arange(2**18)[:, None] >> np.arange(18) & 1)
    exact = float((np.abs(signs @ sample) >= abs(sample.sum()) - 1e-12).mean())
    assert sign_flip_p(sample) == pytest.approx(exact, abs=4 * sqrt(exact * (1 - exact) / module.DRAWS) + 1e-4)


def test_drawn_patterns_are_seeded_and_never_prove_the_impossible() -> None:
    sample = np.full(60, 1.0)
    assert sign_flip_p(sample) == 1 / (module.DRAWS + 1)
    noisy = np.random.default_rng(1).normal(0.2, 1, 60)
    assert sign_flip_p(noisy) == sign_flip_p(noisy[::-1])
    assert sign_flip_p(noisy, seed=1) != sign_flip_p(noisy, seed=2)


@pytest.mark.parametrize("n", [12, 40])
def test_two_equal_targets_differ_in_5_of_100_cases_at_most(n: int) -> None:
    """1,000 pairs of targets with the same skewed scores; within 3 standard errors."""
    rng = np.random.default_rng(n)
    drawn = rng.choice([1.0, 4.0, 5.0], (1_000, 2, n), p=[0.1, 0.2, 0.7])
    wrong = np.mean([sign_flip_p(first - second, draws=1_000) < 0.05 for first, second in drawn])
    assert wrong <= 0.05 + 3 * sqrt(0.05 * 0.95 / 1_000)


def test_differences_that_are_all_0_tell_nothing() -> None:
    assert sign_flip_p([0.0, 0.0, 0.0]) == 1
    assert sign_flip_p(signed_ranks([0.0, 0.0])) == 1
    assert sign_flip_p([1.0, 1.0, 0.0]) == sign_flip_p([1.0, 1.0])


# --- Holm -----------------------------------------------------------------------------------------------------------


def test_holms_values_are_those_of_a_published_example() -> None:
    """From the documentation of the Python package pingouin (its function `holm`)."""
    assert holm([0.50, 0.003, 0.32, 0.054, 0.0003]) == pytest.approx([0.64, 0.012, 0.64, 0.162, 0.0015])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float], level: float) -> None:
    """Holm (1979): from the smallest, reject while p < level / (hypotheses left), then stop."""
    rejected: set[int] = set()
    for i in sorted(range(len(p_values)), key=p_values.__getitem__):
        if p_values[i] * (len(p_values) - len(rejected)) >= level:
            break
        rejected.add(i)
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p is not None and p < level} == rejected
    assert all(p <= (q or 0) <= 1 for p, q in zip(p_values, adjusted, strict=True))


def test_a_pair_without_a_test_does_not_count_as_one() -> None:
    assert holm([0.01, None, 0.02]) == [0.02, None, 0.02]


# --- the figures ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(20, 60))
def test_the_interval_is_that_of_scipys_paired_t_test(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(3.2, 0.5, n), rng.normal(3.0, 0.5, n)
    found = pair(first, second, scale=None)
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert found.difference == pytest.approx(np.mean(first - second))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_the_maize_is_fishers() -> None:
    """20.93 eighths of an inch, t = 2.148 on 14 degrees of freedom."""
    found = pair(np.array(MAIZE) + 100, np.full(15, 100), scale=None)
    assert found.difference == pytest.approx(20.933, abs=5e-4)
    assert found.low is not None
    error = (found.difference - found.low) / stats.t.ppf(0.975, 14)
    assert found.difference / error == pytest.approx(2.148, abs=5e-4)


def test_the_effect_size_is_d_of_differences_with_hedges_correction() -> None:
    """J(14) = 0.9460 by Hedges' approximation 1 - 3 / (4 m - 1), which is right to the third digit."""
    found = effect_size(MAIZE)
    assert found == pytest.approx(2.148 / sqrt(15) * (1 - 3 / (4 * 14 - 1)), abs=1e-3)
    assert effect_size([-x for x in MAIZE]) == pytest.approx(-(found or 0))
    assert effect_size([1.0, 1.0, 1.0]) is None
    assert effect_size([1.0, 2.0]) is None


def test_hedges_correction_takes_the_bias_out() -> None:
    """20,000 samples of 6 differences with a true size of 0.5: 0.5 within 4 standard errors; d's mean is 0.59."""
    drawn = np.random.default_rng(8).normal(0.5, 1, (20_000, 6))
    found = [effect_size(sample) or 0 for sample in drawn]
    assert np.mean(found) == pytest.approx(0.5, abs=4 * float(np.std(found)) / sqrt(20_000))
    assert np.mean(drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)) > 0.57


def test_repeats_of_a_question_count_once() -> None:
    assert question_means([("q1", 4.0), ("q2", 3.0), ("q1", 5.0)]) == {"q1": 4.5, "q2": 3.0}


def test_only_shared_questions_are_compared() -> None:
    first = {"q1": 4.0, "q2": 3.0, "q3": 5.0, "only a": 1.0}
    second = {"q3": 4.0, "q2": 3.0, "q1": 2.0, "only b": 5.0}
    (found,) = compare_all({"a": first, "b": second})
    assert (found.n, found.difference) == (3, 1.0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40), st.randoms())
def test_the_other_way_round_everything_is_mirrored_and_order_does_not_matter(
    rows: list[tuple[int, int]], rng: Any
) -> None:
    first, second = zip(*rows, strict=True)
    found, mirrored = pair(first, second), pair(second, first)
    turned = {"better": "worse", "worse": "better", "not decisive": "not decisive"}
    assert mirrored.outcome == turned[found.outcome]
    assert mirrored.p == found.p
    assert mirrored.more_questions == found.more_questions
    assert (mirrored.difference, mirrored.low, mirrored.high) == pytest.approx(
        (-(found.difference or 0), -(found.high or 0), -(found.low or 0)), abs=1e-9
    )
    shuffled = list(rows)
    rng.shuffle(shuffled)
    again = pair(*zip(*shuffled, strict=True))
    assert (again.outcome, again.p) == (found.outcome, found.p)


# --- the verdict ----------------------------------------------------------------------------------------------------


def test_a_clear_difference_is_better_or_worse() -> None:
    rng = np.random.default_rng(4)
    base = rng.integers(2, 4, 60)
    found = pair(base + rng.integers(0, 3, 60), base)
    assert (found.outcome, found.words, found.more_questions) == ("better", "better", None)
    assert found.low is not None
    assert found.low > 0
    assert pair(base, base + rng.integers(0, 3, 60)).words == "worse"


def test_what_is_open_says_how_many_questions_would_decide_it() -> None:
    """With so many more of the same make-up the same difference has its 80 % chance, by scipy's noncentral t."""
    rng = np.random.default_rng(7)
    first, second = rng.integers(2, 5, 40), rng.integers(2, 5, 40)
    found = pair(first, second)
    assert found.outcome == "not decisive"
    assert found.more_questions is not None
    assert found.words.startswith("not decisive (needs about ")
    sd = float((first - second).std(ddof=1))

    def power(n: int) -> float:
        return float(stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, abs(found.difference or 0) / sd * sqrt(n)))

    assert power(40 + found.more_questions) >= 0.8 > power(39 + found.more_questions)


@pytest.mark.parametrize(("count", "words"), [(7, "7"), (42, "42"), (101, "110"), (6_092, "6,100"), (100, "100")])
def test_the_words_do_not_claim_more_digits_than_are_known(count: int, words: str) -> None:
    assert module.rounded(count) == words


def test_targets_that_agree_everywhere_are_not_called_equal() -> None:
    found = pair([4, 5, 3] * 20, [4, 5, 3] * 20)
    assert (found.outcome, found.difference, found.p, found.more_questions) == ("not decisive", 0, 1, None)
    assert found.low is not None
    assert found.low < 0
    assert "more than 10,000" in found.words


def test_differences_that_are_equal_but_for_rounding_are_equal() -> None:
    found = pair([0.1 + 0.2, 0.3, 0.3] * 10, [0.2] * 30, scale=(0, 1))
    assert found.low is not None
    assert (found.effect_size, found.low < 0.1 < (found.high or 0)) == (None, True)


def test_ten_equal_wins_do_not_show_that_no_loss_can_happen() -> None:
    """The sign-flip test finds them (p = 0.002), but an eleventh question might as well be lost by 4 points."""
    found = pair([4.0] * 10, [3.0] * 10)
    assert found.p == 2 / 2**10
    assert (found.low or 0) < 0 < (found.high or 0)
    assert found.outcome == "not decisive"
    assert found.more_questions is not None
    assert pair([4.0] * (10 + found.more_questions), [3.0] * (10 + found.more_questions)).outcome == "better"


@pytest.mark.parametrize("n", [20, 40])
@pytest.mark.parametrize("shares", [(0.10, 0.50, 0.40), (0.05, 0.75, 0.20)])
def test_rare_far_losses_that_the_sample_does_not_hold_make_no_verdict(shares: tuple[float, ...], n: int) -> None:
    """Differences of -4, 0 and 1 with mean 0, 300 draws: at most 5 wrong verdicts in 100, and an interval that covers.

    Student's t and the sign-flip test alone come to one in ten here.
    """
    rng = np.random.default_rng(n)
    drawn = rng.choice([-4.0, 0.0, 1.0], (300, n), p=shares)
    found = [pair(np.where(row < 0, 1.0, 4.0 + row), np.where(row < 0, 5.0, 4.0)) for row in drawn]
    assert np.mean([each.outcome != "not decisive" for each in found]) <= 0.05
    assert np.mean([(each.low or 0) <= 0 <= (each.high or 0) for each in found]) >= 0.93


@pytest.mark.parametrize("n", [3, 4, 5])
def test_so_few_questions_that_no_pattern_could_be_decisive_are_asked_for_up_to_six(n: int) -> None:
    found = pair([5.0, 4.9, 5.0, 4.9, 5.0][:n], [1.0, 1.0, 1.1, 1.0, 1.2][:n], scale=None)
    assert found.p == 2 / 2**n
    assert (found.outcome, found.more_questions) == ("not decisive", 6 - n)


@pytest.mark.parametrize(("shared", "words"), [(0, "no question was scored for both"), (1, "only one question was")])
def test_too_few_shared_questions_are_no_comparison_and_say_why(shared: int, words: str) -> None:
    first = dict.fromkeys(range(5), 3.0)
    second = {i + 5 - shared: 4.0 for i in range(5)}
    (found,) = compare_all({"a": first, "b": second})
    assert (found.outcome, found.n, found.difference, found.p, found.p_holm) == ("no comparison", shared, *[None] * 3)
    assert words in found.words


def test_every_pair_is_held_against_all_pairs() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(3, 0.5, 60)
    scores = {name: values(np.clip(base + 0.3 * i + rng.normal(0, 0.5, 60), 1, 5)) for i, name in enumerate("abcd")}
    found = compare_all(scores)
    assert [(c.first, c.second) for c in found] == [(a, b) for i, a in enumerate("abcd") for b in "abcd"[i + 1 :]]
    assert [c.p_holm for c in found] == holm([c.p for c in found])
    for c in found:
        assert None not in (c.p_holm, c.low, c.high)
        apart = (c.low or 0) > 0 or (c.high or 0) < 0
        assert (c.outcome != "not decisive") == ((c.p_holm or 0) < 0.05 and apart)
    alone = compare_all({name: scores[name] for name in "ac"})[0]
    together = next(c for c in found if (c.first, c.second) == ("a", "c"))
    assert (alone.p, alone.difference) == (together.p, together.difference)
    assert (together.p_holm or 0) > (alone.p_holm or 0)


def test_wilcoxons_test_may_be_asked_for() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(3.5, 0.5, 12), rng.normal(3.2, 0.5, 12)
    expected = stats.wilcoxon(first, second, method="exact").pvalue
    assert pair(first, second, test="wilcoxon").p == pytest.approx(expected)
    assert pair(first, second).p != pytest.approx(expected)


def test_of_very_few_questions_it_is_not_said_that_thousands_would_be_needed() -> None:
    assert pair([4, 4, 5, 3], [4, 5, 4, 3]).words == "not decisive (too few questions to tell)"
    assert "more than 10,000" in pair([4, 4, 5, 3, 4], [4, 5, 4, 3, 4]).words
