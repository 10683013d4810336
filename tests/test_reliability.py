"""Krippendorff's alpha: the published example, the coincidence matrix spelled out, and what changes nothing."""

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scored import ANY_N, QUICK, interval, maybe, noisy, value

from eval.stats.agreement import quadratic_kappa
from eval.stats.bootstrap import Measure, Reason
from eval.stats.reliability import Level, alpha
from eval.stats.scores import paired

NO = np.nan
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
)
levels = st.sampled_from(list(Level))
ratings = st.integers(2, 5).flatmap(
    lambda raters: st.lists(st.lists(maybe, min_size=raters, max_size=raters), min_size=1, max_size=15)
)


def columns(items: list[list[int | None]]) -> np.ndarray:
    return np.array(items, dtype=float).T


def spelled_out(scores: np.ndarray, level: Level) -> float | None:
    """Alpha from the coincidence matrix, cell by cell as in the paper."""
    units = [unit[~np.isnan(unit)] for unit in scores.T]
    units = [unit for unit in units if len(unit) > 1]
    values = sorted({float(v) for unit in units for v in unit})
    place = {v: i for i, v in enumerate(values)}
    cells = np.zeros((len(values), len(values)))
    for unit in units:
        for c, k in permutations(unit.tolist(), 2):
            cells[place[c], place[k]] += 1 / (len(unit) - 1)
    n = cells.sum(1)

    def apart(c: int, k: int) -> float:
        if level is Level.nominal:
            return float(c != k)
        if level is Level.interval:
            return (values[c] - values[k]) ** 2
        low, high = min(c, k), max(c, k)
        return (n[low : high + 1].sum() - (n[low] + n[high]) / 2) ** 2

    pairs = [(c, k) for c in range(len(values)) for k in range(len(values))]
    expected = sum(n[c] * n[k] * apart(c, k) for c, k in pairs)
    return 1 - (n.sum() - 1) * sum(cells[c, k] * apart(c, k) for c, k in pairs) / expected if expected else None


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorffs_example(level: str, published: float):
    found = alpha(OBSERVERS, level=Level(level))
    assert value(found) == pytest.approx(published, abs=5e-4)
    assert (found.n, found.n_questions) == (11, 11)  # the twelfth unit has one value only


@given(ratings, levels)
@settings(deadline=None, max_examples=150)
def test_alpha_is_that_of_the_coincidence_matrix(items: list[list[int | None]], level: Level):
    found, expected = alpha(columns(items), level=level, bootstrap=ANY_N), spelled_out(columns(items), level)
    if expected is None:
        assert found.value is None
        assert found.reason in (Reason.nothing_to_pair, Reason.one_value)
    else:
        assert value(found) == pytest.approx(expected, abs=1e-12)


@given(levels, st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_resampled_questions_count_as_if_they_had_been_asked_so_often(level: Level, seed: int):
    """The interval's weights, against alpha of a sample in which the questions really are repeated."""
    scores = noisy(12, 3, seed, per=2)
    scores[0, ::5] = NO
    counts = np.random.default_rng(seed).integers(0, 3, 12)
    assume(counts.any())
    repeated = np.repeat(scores, np.repeat(counts, 2), axis=1)
    found: list[float] = []

    class Spy(type(QUICK)):
        def measure(self, figure, **_):  # pyright: ignore
            found.append(float(figure(counts[None].astype(float))[0]))
            return Measure(None, None, None, 0)

    alpha(scores, [f"{q:02}" for q in np.repeat(np.arange(12), 2)], level, Spy())
    assert found == [pytest.approx(spelled_out(repeated, level), abs=1e-12)]


@given(ratings, levels)
@settings(deadline=None)
def test_alpha_is_one_if_and_only_if_all_agree(items: list[list[int | None]], level: Level):
    found = alpha(columns(items), level=level, bootstrap=ANY_N)
    assume(found.value is not None)
    shared = [{score for score in item if score is not None} for item in items if sum(s is not None for s in item) > 1]
    assert (found.value == 1) == all(len(scores) == 1 for scores in shared)
    assert value(found) <= 1


@given(ratings, levels, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_raters_and_items_does_not_matter(items: list[list[int | None]], level: Level, rng: random.Random):
    scores = columns(items)
    raters, order = list(range(len(scores))), list(range(len(items)))
    rng.shuffle(raters)
    rng.shuffle(order)
    there = alpha(scores, [f"q{i}" for i in range(len(items))], level, ANY_N)
    back = alpha(scores[raters][:, order], [f"q{i}" for i in order], level, ANY_N)
    assert (there.n, there.reason) == (back.n, back.reason)
    numbers = [x or 0.0 for x in (there.value, there.low, there.high)]
    assert numbers == pytest.approx([x or 0.0 for x in (back.value, back.low, back.high)], abs=1e-9)


@given(ratings, levels)
@settings(deadline=None)
def test_a_rater_without_scores_and_items_with_one_score_change_nothing(items: list[list[int | None]], level: Level):
    scores = columns(items)
    wider = np.vstack([scores, np.full(len(items), NO)])
    alone = np.full((len(wider), 1), NO)
    alone[0] = 5
    assert alpha(np.hstack([wider, alone]), level=level, bootstrap=ANY_N) == alpha(scores, level=level, bootstrap=ANY_N)


def test_a_scale_may_be_shifted_and_stretched():
    stretched = 25 * (OBSERVERS - 1)
    for level in Level:
        assert value(alpha(stretched, level=level)) == pytest.approx(value(alpha(OBSERVERS, level=level)), abs=1e-12)


def test_ordinal_alpha_heeds_the_order_only():
    """Any ascending scores will do; interval alpha heeds how far they lie apart."""
    curved = 2.0**OBSERVERS
    assert value(alpha(curved)) == pytest.approx(value(alpha(OBSERVERS)), abs=1e-12)
    assert value(alpha(curved, level=Level.interval)) != pytest.approx(value(alpha(OBSERVERS, level=Level.interval)))


def test_interval_alpha_of_two_raters_nears_quadratic_kappa_where_their_marginals_do():
    """They differ by bias, which alpha counts as disagreement of one population, and by n - 1 (Krippendorff 2011)."""
    scores = noisy(20_000, 2, 1)
    two = value(alpha(scores, level=Level.interval, bootstrap=ANY_N))
    assert two == pytest.approx(value(quadratic_kappa(paired(*scores), bootstrap=ANY_N)), abs=2e-3)


def test_where_alpha_is_undefined_there_is_none_and_a_reason():
    assert alpha(np.full((3, 20), 4.0)) == Measure(None, None, None, 20, 20, Reason.one_value)
    assert alpha(np.eye(3) + np.where(np.eye(3) == 0, NO, 0)) == Measure(None, None, None, 0, 0, Reason.nothing_to_pair)
    assert alpha(np.empty((0, 5))).reason is alpha(np.empty((2, 0))).reason is Reason.nothing_to_pair
    assert alpha(OBSERVERS[:, :8]) == Measure(None, None, None, 8, 8, Reason.too_few)


def test_items_need_a_question_each():
    with pytest.raises(ValueError, match="12 items need as many questions, not 2"):
        alpha(OBSERVERS, ["a", "b"])


def test_whole_questions_are_drawn_for_its_interval():
    once = noisy(40, 3, 9)
    names = [f"q{i}" for i in range(40)]
    often = np.repeat(once, 4, axis=1)
    narrow = interval(alpha(often, bootstrap=QUICK))
    clustered = interval(alpha(often, list(np.repeat(names, 4)), bootstrap=QUICK))
    assert np.diff(narrow) < 0.65 * np.diff(clustered)
    assert clustered == pytest.approx(interval(alpha(once, names, bootstrap=QUICK)), abs=0.02)
