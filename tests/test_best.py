"""Who is best over resampled questions: against a plain bootstrap, the normal limit, and by its properties."""

from collections.abc import Hashable
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from eval.stats.best import best, best_number, bootstrap_means, bootstrap_numbers
from eval.stats.calibrated import Calibrated, calibrate
from eval.stats.quality import QuestionScores

SCORES = np.random.default_rng(0).integers(1, 6, (3, 80)).astype(float)


def named(matrix: np.ndarray) -> dict[str, dict[Hashable, float]]:
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
    scores: dict[str, dict[Hashable, float]] = {"a": {1: 5.0, 2: 1.0, 3: 2.0}, "b": {2: 2.0, 3: 3.0, 4: 1.0}}
    found = best(scores)
    assert (found.n, found.probability) == (2, {"a": 0.0, "b": 1.0})


def test_where_nothing_is_shared_nobody_is_best() -> None:
    assert best({"a": {1: 5.0}, "b": {2: 5.0}}).probability == {}
    assert best({}).n == 0


def hand_scored(people: np.ndarray, judge: np.ndarray, n: int, *, strata: int = 1) -> Calibrated:
    """A target of which people scored the first n questions of each stratum."""
    each = len(people) // strata
    rows: dict[Hashable, QuestionScores] = {
        i: QuestionScores(
            judge[i], people[i] if i % each < n else None, n / each if i % each < n else None, f"s{i // each}"
        )
        for i in range(len(people))
    }
    found = calibrate(rows)
    assert found is not None
    return found


def a_target(seed: int, *, shift: float = 0.0, bias: float = 0.0, n: int = 30, strata: int = 1) -> Calibrated:
    rng = np.random.default_rng(seed)
    people = rng.uniform(1.5, 4, 120) + shift
    return hand_scored(people, np.clip(people + bias + 0.2 * rng.standard_normal(120), 1, 5), n, strata=strata)


@pytest.mark.parametrize("strata", [1, 3])
def test_with_every_question_drawn_once_it_is_the_quality_number_that_is_shown(
    strata: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = a_target(4, bias=0.7, n=30 // strata, strata=strata)
    assert target.number.method == "human-corrected"
    monkeypatch.setattr("eval.stats.best._resamples", lambda n, *_: iter([np.ones((1, n))]))
    assert bootstrap_numbers({"a": target}, range(120))[0, 0] == pytest.approx(target.number.value)


def test_resampled_numbers_scatter_as_the_interval_of_the_number_says() -> None:
    target = a_target(5, n=60)
    found = bootstrap_numbers({"a": target}, range(120))[:, 0]
    assert found.mean() == pytest.approx(target.number.value, abs=0.02)
    low, high = np.quantile(found, [0.025, 0.975])
    assert high - low == pytest.approx(target.number.width, rel=0.15)


def test_a_judge_who_favours_one_target_does_not_make_it_best() -> None:
    """By the judge's means the second is 0.9 points ahead; people say that the first is 0.6 points ahead."""
    first, second = a_target(6, shift=0.6), a_target(6, bias=1.5)
    means: dict[str, dict[Hashable, float]] = {
        name: {q: scores.judge or 0.0 for q, scores in target.questions.items()}
        for name, target in (("first", first), ("second", second))
    }
    assert best(means).probability["second"] > 0.99
    found = best_number({"first": first, "second": second})
    assert found.n == 120
    assert found.probability["first"] > 0.99


def test_a_resample_without_hand_scores_takes_what_they_say_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    target = a_target(7, n=5)
    unscored = np.array([[0.0] * 5 + [1.0] * 115])
    monkeypatch.setattr("eval.stats.best._resamples", lambda *_: iter([unscored]))
    assert target.number.method == "people alone"
    assert bootstrap_numbers({"a": target}, range(120))[0, 0] == pytest.approx(target.number.value)
    assert best_number({}).probability == {}
