"""The arithmetic of the quality number against other forms of its formulas, and its coverage by simulation."""

from dataclasses import replace
from math import sqrt

import judged
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from eval.stats.corrected import Inference, corrected, people_alone
from eval.stats.intervals import mean_interval
from eval.stats.quality import QuestionScores, quality, sample_of

BOTH: tuple[Inference, ...] = ("questions like these", "this question set")
Floats = NDArray[np.float64]


# --- the formulas in another form -----------------------------------------------------------------------------------


def test_the_value_is_that_of_ppi_plus_plus() -> None:
    """Angelopoulos, Duchi and Zrnic (2023): mean(y) + lambda (mean of f unlabelled - mean of f labelled), with lambda =
    cov(y, f) / ((1 + n/N) var f), N counting the unlabelled.
    """
    questions = judged.pairs(20, 100, bias=0.4)
    y, f, rest = judged.columns(questions)
    weight = np.cov(y, f)[0, 1] / ((1 + len(y) / len(rest)) * f.var(ddof=1))
    for inference in BOTH:
        found = quality(questions, inference=inference)
        assert found.method == "human-corrected"
        assert found.value == pytest.approx(y.mean() + weight * (rest.mean() - f.mean()), abs=1e-12)
        assert found.judge_weight * (1 - 20 / 100) == pytest.approx(weight)


def test_the_interval_is_that_of_ppi_plus_plus_with_what_a_small_sample_owes() -> None:
    """var(y - lambda f) / n + lambda^2 var(f) / N, and on top that the slope was fitted: one degree of freedom, and its
    own variance times the squared distance between the judge's means.
    """
    questions = judged.pairs(20, 100, bias=0.4)
    y, f, rest = judged.columns(questions)
    n, unlabelled = len(y), len(rest)
    slope, intercept = np.polyfit(f, y, 1)
    errors = float(np.square(y - slope * f - intercept).sum())
    weight = slope / (1 + n / unlabelled)
    published = np.var(y - weight * f, ddof=1) / n + weight**2 * f.var(ddof=1) / unlabelled
    left = 1 - n / (n + unlabelled)
    owed = left / n * errors * (1 / (n - 2) - 1 / (n - 1))
    distance = np.append(f, rest).mean() - f.mean()
    owed += distance**2 * errors / (n - 2) / float(np.square(f - f.mean()).sum())
    expected = stats.t.ppf(0.975, n - 2) * sqrt(published + owed)
    assert judged.half(quality(questions)) == pytest.approx(expected, rel=1e-10)


def test_for_this_question_set_it_is_the_prediction_of_what_people_did_not_score() -> None:
    """The best linear prediction of the unscored sum and its error, by matrices (Royall, Biometrika 57, 1970)."""
    questions = judged.pairs(20, 100, bias=0.4)
    y, f, rest = judged.columns(questions)
    n, total = len(y), len(y) + len(rest)
    design, others = np.column_stack([np.ones(n), f]), np.column_stack([np.ones(len(rest)), rest])
    coefficients, (errors,), _, _ = np.linalg.lstsq(design, y)
    value = (y.sum() + (others @ coefficients).sum()) / total
    a = others.sum(axis=0)
    variance = errors / (n - 2) * (a @ np.linalg.inv(design.T @ design) @ a + len(rest)) / total**2
    found = quality(questions, inference="this question set")
    assert found.value == pytest.approx(value)
    assert judged.half(found) == pytest.approx(stats.t.ppf(0.975, n - 2) * sqrt(variance), rel=1e-10)


def test_people_alone_have_students_interval_and_its_finite_population_correction() -> None:
    questions = judged.without_judge(judged.pairs(20, 100))
    y = np.array([q.people for q in questions if q.people is not None])
    plain = mean_interval(y.tolist())
    found = quality(questions)
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert judged.half(quality(questions, inference="this question set")) == pytest.approx(
        judged.half(found) * sqrt(1 - 20 / 100)
    )


def test_strata_are_weighted_by_their_size_not_by_what_was_drawn_of_them() -> None:
    """Cochran, Sampling Techniques, 3rd ed., sections 5.3 and 5.4: sum of W y, sum of W^2 (1 - f) s^2 / n."""
    easy, hard = [5.0, 2.0, 3.0, 4.0, 5.0, 2.0] * 2, [1.0, 4.0, 3.0, 2.0, 1.0, 4.0] * 2
    questions = [QuestionScores(None, y, 12 / 60, "easy") for y in easy]
    questions += [QuestionScores(None, y, 12 / 20, "hard") for y in hard]
    questions += [QuestionScores(stratum="easy")] * 48 + [QuestionScores(stratum="hard")] * 8
    variance = 0.75**2 * 0.8 * np.var(easy, ddof=1) / 12 + 0.25**2 * 0.4 * np.var(hard, ddof=1) / 12
    found = quality(questions, inference="this question set")
    assert found.value == pytest.approx(0.75 * 3.5 + 0.25 * 2.5)
    assert judged.half(found) == pytest.approx(stats.t.ppf(0.975, 22) * sqrt(variance))


def test_questions_that_were_drawn_and_not_scored_leave_the_weight_of_their_stratum() -> None:
    """Ten were drawn of each stratum; four hard ones are still open, and hard ones count for a quarter all the same."""
    questions = [QuestionScores(None, y, 10 / 60, "easy") for y in (4.0, 5.0) * 5]
    questions += [QuestionScores(None, y, 10 / 20, "hard") for y in (1.0, 3.0) * 3]
    questions += [QuestionScores(stratum="easy")] * 50 + [QuestionScores(stratum="hard")] * 14
    assert quality(questions).value == pytest.approx(0.75 * 4.5 + 0.25 * 2.0)


def test_one_stratum_is_as_none_and_proportional_strata_give_the_plain_mean() -> None:
    questions = judged.pairs(20, 100)
    named = [replace(q, stratum="all") for q in questions]
    assert quality(named) == quality(questions)
    split = [replace(q, stratum=str(i % 2)) for i, q in enumerate(questions)]
    alone = quality(judged.without_judge(split))
    assert alone.value == pytest.approx(quality(judged.without_judge(questions)).value)


def test_hand_scores_of_unlike_probability_are_weighted_by_its_inverse() -> None:
    """Hajek's mean, sum(y / p) / sum(1 / p)."""
    chances = [0.20, 0.25, 0.20, 0.20, 0.25, 0.25, 0.20, 0.25]
    y = [3.0, 4.0, 2.0, 5.0, 3.0, 4.0, 3.0, 2.0]
    questions = [QuestionScores(None, score, chance) for score, chance in zip(y, chances, strict=True)]
    found = quality([*questions, *[QuestionScores()] * 28])
    assert found.value == pytest.approx(np.average(y, weights=1 / np.array(chances)))


# --- coverage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inference", BOTH)
@pytest.mark.parametrize("n", [10, 40])
def test_of_normal_scores_exactly_95_of_100_intervals_hold_the_truth(n: int, inference: Inference) -> None:
    """4,000 draws from 50 questions, corrected wherever it may be: within 3.5 standard errors of what theory promises.

    Fails where a degree of freedom, the slope's own variance, the sampling of questions or the finite population is
    forgotten. For questions like these n - 2 degrees of freedom are on the safe side, by up to 1.5 points.
    """
    draws, rng, held = 4_000, np.random.default_rng(n), []
    people = rng.standard_normal((draws, 50))
    judge = people + rng.standard_normal((draws, 50))
    for y, f in zip(people, judge, strict=True):
        sample = sample_of(judged.scored(y, f, n))
        found = corrected(sample, inference, (-99, 99), 0.95)
        if not isinstance(found, str):
            truth = y.mean() if inference == "this question set" else 0.0
            held.append(found.low <= truth <= found.high)
    assert len(held) > 0.6 * draws
    tolerance = 3.5 * sqrt(0.95 * 0.05 / len(held))
    assert 0.95 - tolerance <= np.mean(held) <= 0.95 + tolerance + (0.015 if inference == BOTH[0] else 0)


@pytest.mark.parametrize("inference", BOTH)
@pytest.mark.parametrize(
    ("scores", "judge", "n"),
    [
        ("spread", "good", 10),
        ("spread", "useless", 20),
        ("spread", "biased", 50),
        ("near 5", "good", 20),
        ("near 5", "good", 50),
        ("near 5", "useless", 10),
        ("a tenth 1", "good", 10),
        ("a tenth 1", "useless", 20),
        ("a twentieth 1", "good", 20),
        ("a twentieth 1", "useless", 10),
    ],
)
def test_the_interval_in_use_covers_whatever_the_judge_and_the_scores(
    scores: str, judge: judged.Judge, n: int, inference: Inference
) -> None:
    """400 draws of 100 questions: not below 93 % by more than 2.5 standard errors. All settings: docs/statistics.md."""
    shares = judged.SCORES[scores]
    people, judge_scores = judged.draw(shares, judge, 400, 100, np.random.default_rng(n))
    rows = [judged.scored(y, f, n) for y, f in zip(people, judge_scores, strict=True)]
    found = judged.limits([quality(row, inference=inference) for row in rows])
    least = 0.93 - 2.5 * sqrt(0.93 * 0.07 / 400)
    assert judged.coverage(found, judged.truth(people, shares, inference)) >= least


def test_people_alone_would_undercover_near_the_end_with_students_interval() -> None:
    """The same draws as above: why the end of the scale is looked at."""
    people, judge = judged.draw(judged.SCORES["near 5"], "useless", 400, 100, np.random.default_rng(10))
    rows = [sample_of(judged.scored(y, f, 10)) for y, f in zip(people, judge, strict=True)]
    truths = judged.truth(people, judged.SCORES["near 5"], BOTH[0])
    student = [mean_interval(row.people.tolist()) for row in rows]
    plain = [(e.value or 0, e.value or 0) if e.low is None or e.high is None else (e.low, e.high) for e in student]
    used = [people_alone(row, BOTH[0], (1, 5), 0.95) for row in rows]
    assert judged.coverage(plain, truths) < 0.85
    assert judged.coverage([(i.low, i.high) for i in used], truths) > 0.93
