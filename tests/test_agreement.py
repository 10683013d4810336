"""Two raters: kappa against scikit-learn and published tables, the shares by hand, and what no order may change."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scored import ANY_N, QUICK, maybe, noisy_pairs, two_raters, value
from sklearn.metrics import cohen_kappa_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from eval.stats.agreement import (
    agreement,
    confusion_matrix,
    exact_agreement,
    kappa,
    mean_absolute_error,
    mean_bias,
    quadratic_kappa,
    within_one,
)
from eval.stats.bootstrap import Bootstrap, Measure, Reason
from eval.stats.scores import Pair, Paired, from_pairs, paired

SEVEN = tuple(range(1, 8))
HUNDRED = tuple(range(101))


def table(*rows: tuple[int, ...]) -> Paired:
    """The items of a confusion matrix over the labels 1, 2, ..."""
    cells = [((i, j), n) for i, row in enumerate(rows, 1) for j, n in enumerate(row, 1)]
    items = [pair for pair, n in cells for _ in range(n)]
    return paired(*zip(*items, strict=True))


def columns(items: list[tuple[int, int]]) -> Paired:
    return paired([a for a, _ in items], [b for _, b in items])


# --- published examples ---------------------------------------------------------------------------------------------


def test_kappa_is_that_of_cohens_table():
    """Cohen, "Weighted kappa", Psychological Bulletin 70 (1968), table 1, 200 patients: kappa .492."""
    scores = table((88, 14, 18), (10, 40, 10), (2, 6, 12))
    assert value(kappa(scores, (1, 2, 3))) == pytest.approx(0.492, abs=5e-4)


def test_kappa_is_that_of_fleiss_cohen_and_everitts_table():
    """Fleiss, Cohen and Everitt, Psychological Bulletin 72 (1969) 323-327, 200 patients: kappa .429."""
    scores = table((106, 10, 4), (22, 28, 10), (2, 12, 6))
    assert value(kappa(scores, (1, 2, 3))) == pytest.approx(0.429, abs=5e-4)


# The data `anxiety` of the R package irr: three raters of 20 people on a scale from 1 to 6.
ANXIETY = [
    [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3],
    [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
    [2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2],
]


def test_kappas_are_those_that_the_r_package_irr_gives_for_its_anxiety_data():
    """kappa2(anxiety[,1:2], "squared") is 0.297, kappa2(anxiety[,2:3]) is -0.006289308."""
    first, second, third = ANXIETY
    assert value(quadratic_kappa(paired(first, second), range(1, 7))) == pytest.approx(0.297, abs=5e-4)
    assert value(kappa(paired(second, third), range(1, 7))) == pytest.approx(-0.006289308, abs=5e-10)


def test_a_level_that_nobody_used_keeps_its_place_on_the_scale():
    """irr drops 5, which the second and third rater never gave, so that 4 and 6 become neighbours: 0.2520325."""
    _, second, third = ANXIETY
    squeezed = [[min(score, 5) for score in rater] for rater in (second, third)]
    assert value(quadratic_kappa(paired(*squeezed))) == pytest.approx(0.2520325, abs=5e-8)
    full = value(quadratic_kappa(paired(second, third), range(1, 7)))
    assert full == pytest.approx(cohen_kappa_score(second, third, weights="quadratic", labels=range(1, 7)))
    assert full != pytest.approx(0.2520325, abs=1e-3)


# --- scikit-learn as the oracle -------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [(1, 2, 3, 4, 5), SEVEN, HUNDRED, (0, 25, 50, 75, 100), (-1, 0, 1)])
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_both_kappas_and_the_confusion_matrix_are_scikit_learns(labels: tuple[int, ...], data: st.DataObject):
    items = data.draw(st.lists(st.tuples(st.sampled_from(labels), st.sampled_from(labels)), min_size=2, max_size=40))
    scores, (a, b) = columns(items), ([a for a, _ in items], [b for _, b in items])
    confusion = confusion_matrix(scores, labels)
    assert confusion == tuple(map(tuple, sklearn_confusion(a, b, labels=list(labels)).tolist()))
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    for ours, weights in ((quadratic_kappa, "quadratic"), (kappa, None)):
        expected = cohen_kappa_score(a, b, labels=list(labels), weights=weights)
        assert value(ours(scores, labels, ANY_N)) == pytest.approx(expected, abs=1e-12)


# --- shares and differences -----------------------------------------------------------------------------------------


def test_shares_bias_and_error_by_hand():
    scores = paired([1, 2, 3, 4, 5, 5, 5, 4], [1, 3, 3, 2, 5, 4, 1, 4])
    n = Bootstrap(resamples=50, minimum=8)
    assert value(exact_agreement(scores, bootstrap=n)) == 4 / 8
    assert value(within_one(scores, bootstrap=n)) == 6 / 8
    assert value(mean_bias(scores, n)) == (0 - 1 + 0 + 2 + 0 + 1 + 4 + 0) / 8
    assert value(mean_absolute_error(scores, n)) == (1 + 2 + 1 + 4) / 8


def test_within_one_is_one_step_of_the_scale():
    scores = paired([0, 25, 50, 100], [25, 75, 50, 75])
    assert value(within_one(scores, (0, 25, 50, 75, 100), ANY_N)) == 3 / 4
    assert value(within_one(scores, HUNDRED, ANY_N)) == 1 / 4
    tenths = [i / 10 for i in range(11)]
    assert value(within_one(paired([0.4, 0.7], [0.3, 0.6]), tenths, ANY_N)) == 1  # as floats 0.4 - 0.3 is above 0.1


# --- where a figure is undefined ------------------------------------------------------------------------------------


@given(two_raters, st.sampled_from(["first", "second", "both"]))
@settings(deadline=None)
def test_a_constant_rater_has_no_kappa_and_a_reason(items: list[tuple[int, int]], who: str):
    scores = columns([(3 if who != "second" else a, 3 if who != "first" else b) for a, b in items])
    for measure in (quadratic_kappa(scores, bootstrap=ANY_N), kappa(scores, bootstrap=ANY_N)):
        assert measure == Measure(None, None, None, scores.n, scores.n, Reason.constant_rater)
    assert exact_agreement(scores, bootstrap=ANY_N).value is not None


def test_constant_raters_that_differ_have_no_kappa_either():
    scores = paired([1] * 20, [5] * 20)
    assert quadratic_kappa(scores).reason is kappa(scores).reason is Reason.constant_rater
    assert value(mean_bias(scores)) == -4


def test_a_mean_between_labels_has_a_quadratic_kappa_but_is_not_counted_by_labels():
    """The quadratic one is then Lin's concordance correlation: 2 covariance / (variances + squared bias)."""
    a, b = np.array([1, 2, 3, 4, 5, 4] * 3, dtype=float), np.array([1.5, 2, 2.5, 4.5, 5, 3] * 3)
    scores = paired(a, b)
    lin = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a - b).mean() ** 2)
    assert value(quadratic_kappa(scores)) == pytest.approx(lin)
    assert kappa(scores).reason is exact_agreement(scores).reason is Reason.between_labels
    assert confusion_matrix(scores) is None
    found = agreement([Pair(i, "t", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True))], bootstrap=QUICK)
    assert (found.confusion, found.first_counts, found.second_counts) == (None, None, None)


@pytest.mark.parametrize("wrong", [0, 6, -1, 99, float("inf")])
def test_a_score_outside_the_scale_is_refused_in_one_sentence(wrong: float):
    scores = paired([1.0, 2.0, 3.0], [1.0, wrong, 3.0])
    for figure in (confusion_matrix, quadratic_kappa, kappa, exact_agreement):
        with pytest.raises(
            ValueError, match=rf"A score of the second rater is {wrong:g}, outside the scale from 1 to 5"
        ):
            figure(scores)


@pytest.mark.parametrize("labels", [(), (1,), (1, 1), (5, 4, 3), (1, 2, 4), (1, 2, 2)])
def test_labels_that_are_no_scale_are_refused(labels: tuple[int, ...]):
    with pytest.raises(ValueError, match="A scale needs two or more ascending labels at equal distances"):
        agreement([Pair("q", "t", 1, 1)], labels=labels)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"one entry an item each, but have 2, 3, 2 and 2"):
        paired([1, 2], [1, 2, 3])


# --- properties -----------------------------------------------------------------------------------------------------


@given(two_raters)
@settings(deadline=None)
def test_kappa_is_one_only_where_all_agree_and_never_above(items: list[tuple[int, int]]):
    scores = columns(items)
    for measure in (quadratic_kappa(scores, bootstrap=ANY_N), kappa(scores, bootstrap=ANY_N)):
        if measure.value is not None:
            assert -1 - 1e-12 <= measure.value <= 1
            assert (measure.value == 1) == all(a == b for a, b in items)


@given(two_raters)
@settings(deadline=None)
def test_exchanging_the_raters_turns_the_bias_and_the_table_and_changes_nothing_else(items: list[tuple[int, int]]):
    there = agreement([Pair(i, "t", a, b) for i, (a, b) in enumerate(items)], bootstrap=ANY_N)
    back = agreement([Pair(i, "t", b, a) for i, (a, b) in enumerate(items)], bootstrap=ANY_N)
    assert value(back.bias) == -value(there.bias)
    assert back.confusion == tuple(zip(*there.confusion or (), strict=True))
    assert (back.first_counts, back.second_counts) == (there.second_counts, there.first_counts)
    for name in ("exact", "within_one", "mae", "quadratic_kappa", "kappa", "alpha"):
        one, other = getattr(there, name), getattr(back, name)
        assert one.reason == other.reason
        assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high], abs=1e-12)


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_the_order_of_the_items_changes_nothing(rng: random.Random):
    pairs = noisy_pairs(15, 3, 4)
    shuffled = rng.sample(pairs, len(pairs))
    assert figures(shuffled) == pytest.approx(figures(pairs), abs=1e-9)


def figures(pairs: list[Pair], labels: tuple[int, ...] = (1, 2, 3, 4, 5)) -> list[float]:
    found = agreement(pairs, labels=labels, bootstrap=ANY_N)
    measures = [found.exact, found.within_one, found.bias, found.mae, found.quadratic_kappa, found.kappa, found.alpha]
    for ranking in (found.overall, found.per_question, found.system_level):
        measures += [ranking.spearman, ranking.kendall]
    return [x for m in measures for x in (m.value, m.low, m.high, m.n, m.n_questions) if x is not None]


def test_labels_beyond_those_in_use_change_no_figure():
    pairs = [p._replace(first=min(p.first or 0, 4), second=max(p.second or 0, 2)) for p in noisy_pairs(20, 3, 8)]
    assert figures(pairs, SEVEN) == pytest.approx(figures(pairs), abs=1e-12)
    assert agreement(pairs, labels=SEVEN, bootstrap=ANY_N).second_counts == (
        *(agreement(pairs, bootstrap=ANY_N).second_counts or ()), 0, 0,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 6), maybe, maybe), min_size=1, max_size=40))
@settings(deadline=None)
def test_items_that_one_rater_left_out_count_nowhere(items: list[tuple[int, int | None, int | None]]):
    pairs = [Pair(question, "t", a, b) for question, a, b in items]
    complete = [pair for pair in pairs if pair.first is not None and pair.second is not None]
    found, expected = agreement(pairs, bootstrap=ANY_N), agreement(complete, bootstrap=ANY_N)
    assert found.n_left_out == len(pairs) - len(complete)
    assert replace(found, n_left_out=0) == expected
    assert sum(found.first_counts or ()) == sum(found.second_counts or ()) == found.n == len(complete)


# --- all figures together -------------------------------------------------------------------------------------------


def test_agreement_holds_every_figure_with_its_counts():
    pairs = [*noisy_pairs(30, 3, 2, repeats=2), Pair("q0", "t0", 3, None)]
    found = agreement(pairs, bootstrap=QUICK)
    assert (found.n, found.n_left_out, found.n_questions, found.n_targets) == (180, 1, 30, 3)
    scores = from_pairs(pairs)
    assert found.quadratic_kappa == quadratic_kappa(scores, bootstrap=QUICK)
    assert found.confusion == confusion_matrix(scores)
    assert value(found.exact) == sum((found.confusion or ())[i][i] for i in range(5)) / 180
    for measure in (found.quadratic_kappa, found.kappa, found.alpha, found.overall.spearman, found.overall.kendall):
        assert (measure.n, measure.n_questions, measure.reason) == (180, 30, None)
        assert measure.low is not None
        assert measure.low < value(measure) < (measure.high or 0)


def test_too_few_pairs_are_counted_and_say_so():
    found = agreement(noisy_pairs(3, 3, 1))
    assert found.n == 9
    assert sum(map(sum, found.confusion or ())) == 9
    for name in ("exact", "within_one", "bias", "mae", "quadratic_kappa", "kappa", "alpha"):
        assert getattr(found, name) == Measure(None, None, None, 9, 3, Reason.too_few)


def test_no_pairs_at_all_are_no_figure():
    found = agreement([Pair("q", "t", None, 3)])
    assert (found.n, found.n_left_out, found.n_questions, found.n_targets) == (0, 1, 0, 0)
    assert found.first_counts == (0, 0, 0, 0, 0)
    assert {found.quadratic_kappa.reason, found.overall.kendall.reason, found.per_question.spearman.reason} == {
        Reason.too_few
    }
