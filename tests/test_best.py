"""Who is best over resampled questions: against a plain bootstrap, the normal limit, and by its properties."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from eval.stats.best import best, bootstrap_means

SCORES = np.random.default_rng(0).integers(1, 6, (3, 80)).astype(float)


def named(matrix: np.ndarray) -> dict[str, dict[int, float]]:
    return {name: dict(enumerate(row.tolist())) for name, row in zip("abcdef", matrix, strict=False)}


def test_the_means_are_those_of_resampled_questions() -> None:
    """Against drawing questions one by one: same mean and same covariance of targets, within sampling error."""
    found = bootstrap_means(SCORES)
    assert found.shape == (10_000, 3)
    drawn = SCORES[:, np.random.default_rng(1).integers(0, 80, (10_000, 80))].mean(axis=2).T
    assert found.mean(axis=0) == pytest.approx(SCORES.mean(axis=1), abs=4 * 1.5 / sqrt(80 * 10_000))
    assert np.cov(found.T) == pytest.approx(np.cov(drawn.T), abs=0.002)
    assert np.cov(found.T) == pytest.approx(np.cov(SCORES, ddof=0) / 80, abs=0.002)
    for i in range(3):
        assert stats.ks_2samp(found[:, i], drawn[:, i]).pvalue > 0.001


def test_all_targets_see_the_same_resample() -> None:
    means = bootstrap_means(np.vstack([SCORES[0], SCORES[0] - 1]), resamples=500)
    assert means[:, 0] - means[:, 1] == pytest.approx(np.ones(500))


def test_the_same_seed_gives_the_same_means_whatever_else_is_compared() -> None:
    assert (bootstrap_means(SCORES) == bootstrap_means(SCORES)).all()
    assert bootstrap_means(SCORES[:1], resamples=1_500)[:, 0] == pytest.approx(bootstrap_means(SCORES)[:1_500, 0])
    assert (bootstrap_means(SCORES, seed=1) != bootstrap_means(SCORES, seed=2)).any()


def test_the_probability_to_be_best_of_two_is_that_of_a_positive_difference() -> None:
    found = best(named(SCORES[:2]))
    difference = SCORES[0] - SCORES[1]
    expected = stats.norm.cdf(difference.mean() / (difference.std() / sqrt(80)))
    assert found.n == 80
    assert found.probability["a"] == pytest.approx(expected, abs=0.03)
    assert sum(found.probability.values()) == pytest.approx(1)


def test_equal_targets_share_and_a_dominated_one_is_never_best() -> None:
    found = best(named(np.vstack([SCORES[0], SCORES[0], SCORES[0] - 0.5])))
    assert found.probability == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_only_questions_that_all_answered_count() -> None:
    scores = {"a": {1: 5.0, 2: 1.0, 3: 2.0}, "b": {2: 2.0, 3: 3.0, 4: 1.0}}
    found = best(scores)
    assert (found.n, found.probability) == (2, {"a": 0.0, "b": 1.0})


def test_where_nothing_is_shared_nobody_is_best() -> None:
    assert best({"a": {1: 5.0}, "b": {2: 5.0}}).probability == {}
    assert best({}).n == 0
