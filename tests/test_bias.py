"""Bias by target: its interval over questions, and its test against a published example, scipy and simulation."""

import numpy as np
import pytest
from scipy import stats

from eval.stats.bias import bias_by_target
from eval.stats.bootstrap import Reason
from eval.stats.intervals import mean_interval
from eval.stats.scores import Pair, Paired, from_pairs

# Sleeping dogs: milliseconds between heartbeats of 19 dogs under four treatments (Johnson and Wichern, Applied
# Multivariate Statistical Analysis, 6th ed., table 6.2, example 6.2: T squared is 116).
DOGS = [
    (426, 609, 556, 600), (253, 236, 392, 395), (359, 433, 349, 357), (432, 431, 522, 600), (405, 426, 513, 513),
    (324, 438, 507, 539), (310, 312, 410, 456), (326, 326, 350, 504), (375, 447, 547, 548), (286, 286, 403, 422),
    (349, 382, 473, 497), (429, 410, 488, 547), (348, 377, 447, 514), (412, 473, 472, 446), (347, 326, 455, 468),
    (434, 458, 637, 524), (364, 367, 432, 469), (420, 395, 508, 531), (397, 556, 645, 625),
]  # fmt: skip


def differing(rows: np.ndarray) -> Paired:
    """Pairs whose first - second are these rows (questions, targets), NaN where a target was not scored."""
    return from_pairs(
        [Pair(f"q{q}", f"t{t}", d, 0.0) for q, row in enumerate(rows.tolist()) for t, d in enumerate(row)]
    )


def test_the_test_is_that_of_johnson_and_wicherns_dogs():
    found = bias_by_target(differing(np.array(DOGS, dtype=float)), range(0, 1000))
    assert found.degrees == (3, 16)
    assert (found.f or 0) * 3 * 18 / 16 == pytest.approx(116, abs=0.5)
    assert found.p == pytest.approx(stats.f.sf(found.f, 3, 16))
    assert found.differ is True


def test_the_test_of_two_targets_is_the_paired_t_test():
    rows = np.random.default_rng(1).normal(0.2, 0.6, (25, 2))
    found, t = bias_by_target(differing(rows)), stats.ttest_rel(rows[:, 0], rows[:, 1])
    assert (found.f, found.p) == pytest.approx((t.statistic**2, t.pvalue))


def test_the_bias_of_a_target_is_the_mean_over_questions_after_their_repeats():
    pairs = (
        [Pair(q, "a", 4, 3) for q in range(11)] + [Pair("q", "a", 5, 1)] * 6 + [Pair(q, "b", 2, 3) for q in range(12)]
    )
    found = bias_by_target(from_pairs(pairs))
    assert found.targets["a"] == mean_interval([1.0] * 11 + [4.0], bounds=(-4, 4))
    assert (found.targets["b"].value, found.targets["b"].low, found.targets["b"].n) == (-1, None, 12)


def test_a_judge_that_is_kind_to_one_target_is_found_out_and_one_that_is_kind_to_all_is_not():
    rng = np.random.default_rng(2)
    same = rng.normal(0.5, 0.6, (60, 4))
    assert bias_by_target(differing(same)).differ is False
    kinder = bias_by_target(differing(same + np.array([0, 0, 0, 0.8])))
    assert kinder.differ is True
    assert (kinder.targets["t3"].low or 0) > (kinder.targets["t0"].high or 0)


def test_what_makes_a_question_hard_to_judge_for_all_targets_cancels_out():
    """Without the block a gap of 0.3 would drown in the questions' scatter of 1."""
    rng = np.random.default_rng(3)
    rows = rng.normal(0, 1, (40, 1)) + rng.normal(0, 0.2, (40, 2)) + [0, 0.3]
    assert bias_by_target(differing(rows)).differ is True
    assert stats.ttest_ind(rows[:, 0], rows[:, 1]).pvalue > 0.05


@pytest.mark.parametrize(("n", "missing"), [(15, 0.0), (40, 0.0), (40, 0.3), (60, 0.5)])
def test_biases_that_are_the_same_are_called_different_in_at_most_5_of_100_cases(n: int, missing: float):
    """1,500 samples each, also where the people scored only some of the targets."""
    rng = np.random.default_rng(n)
    found = []
    for _ in range(1500):
        rows = 0.4 + rng.normal(0, 0.5, (n, 1)) + rng.normal(0, 0.6, (n, 3))
        rows[rng.random(rows.shape) < missing] = np.nan
        found.append(bias_by_target(differing(rows), minimum=5).differ)
    assert None not in found
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)
    assert np.mean(found) >= 0.02


def test_targets_with_few_questions_have_a_bias_but_are_not_tested():
    rows = np.random.default_rng(4).normal(0, 0.5, (30, 3))
    rows[9:, 2] = np.nan
    found = bias_by_target(differing(rows))
    assert found.tested == ("t0", "t1")
    assert found.targets["t2"].n == 9
    assert (found.degrees, found.p) == ((1, 29), pytest.approx(stats.ttest_rel(rows[:, 0], rows[:, 1]).pvalue))


def test_the_target_with_the_fewest_questions_sets_the_degrees_of_freedom():
    rows = np.random.default_rng(9).normal(0, 0.5, (40, 3))
    rows[25:, 1] = np.nan
    assert bias_by_target(differing(rows)).degrees == (2, 23)


def test_one_target_and_too_few_questions_have_no_test_and_a_reason():
    rows = np.random.default_rng(5).normal(0, 0.5, (30, 2))
    assert bias_by_target(differing(rows[:, :1])).reason is Reason.too_few_targets
    assert bias_by_target(differing(rows[:9])).reason is Reason.too_few
    assert bias_by_target(from_pairs([])).reason is Reason.too_few_targets
    assert bias_by_target(differing(rows[:9])).differ is None


def test_a_gap_of_the_same_size_in_every_question_has_no_test():
    """As with the interval of a mean: without any spread nothing is known of other questions."""
    constant = np.tile([0.0, 1.0], (20, 1))
    assert bias_by_target(differing(constant)).reason is Reason.no_spread
    scattered = np.random.default_rng(6).normal(0, 0.5, (20, 1)) + constant
    assert bias_by_target(differing(scattered)).reason is Reason.no_spread
    assert bias_by_target(differing(np.zeros((20, 3)))).reason is Reason.no_spread


def test_two_targets_judged_alike_everywhere_do_not_spoil_the_test_of_a_third():
    rows = np.random.default_rng(7).normal(0, 0.5, (30, 2))
    twins = np.column_stack([rows, rows[:, 1]])
    found = bias_by_target(differing(twins))
    assert found.degrees == (1, 29)
    assert found.p == pytest.approx(stats.ttest_rel(rows[:, 0], rows[:, 1]).pvalue)


def test_the_order_of_the_targets_does_not_matter():
    rows = np.random.default_rng(8).normal(0, 0.5, (30, 4)) + np.array([0, 0.1, 0.2, 0])
    assert bias_by_target(differing(rows)).p == pytest.approx(bias_by_target(differing(rows[:, ::-1])).p)
