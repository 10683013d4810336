"""The quality number against other forms of its formulas, its properties, its words, and its simulated coverage."""

import random
from dataclasses import replace
from math import sqrt
from typing import Any

import judged
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from eval.stats.corrected import Inference, corrected, people_alone
from eval.stats.intervals import mean_interval
from eval.stats.quality import MIN_HAND_SCORES, Quality, QuestionScores, quality, sample_of

BOTH: tuple[Inference, ...] = ("questions like these", "this question set")
Floats = NDArray[np.float64]


def pairs(n: int, questions: int, *, noise: float = 0.5, bias: float = 0.0, seed: int = 1) -> list[QuestionScores]:
    """Normal scores around the middle of the scale, and a judge who sees them with noise; people scored the first n."""
    rng = np.random.default_rng(seed)
    people = np.clip(3 + 0.6 * rng.standard_normal(questions), 1, 5)
    judge = np.clip(people + bias + noise * rng.standard_normal(questions), 1, 5)
    return judged.scored(people, judge, n)


def columns(questions: list[QuestionScores]) -> tuple[Floats, Floats, Floats]:
    """People's scores, the judge's of the same questions, the judge's of the others."""
    scored = [(q.people, q.judge) for q in questions if q.people is not None]
    rest = [q.judge for q in questions if q.people is None]
    people, judge = np.array(scored, dtype=float).T
    return people, judge, np.array(rest, dtype=float)


def half(found: Quality) -> float:
    assert found.width is not None
    return found.width / 2


# --- the formulas in another form -----------------------------------------------------------------------------------


def test_the_value_is_that_of_ppi_plus_plus() -> None:
    """Angelopoulos, Duchi and Zrnic (2023): mean(y) + lambda (mean of f unlabelled - mean of f labelled), with lambda =
    cov(y, f) / ((1 + n/N) var f), N counting the unlabelled.
    """
    questions = pairs(20, 100, bias=0.4)
    y, f, rest = columns(questions)
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
    questions = pairs(20, 100, bias=0.4)
    y, f, rest = columns(questions)
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
    assert half(quality(questions)) == pytest.approx(expected, rel=1e-10)


def test_for_this_question_set_it_is_the_prediction_of_what_people_did_not_score() -> None:
    """The best linear prediction of the unscored sum and its error, by matrices (Royall, Biometrika 57, 1970)."""
    questions = pairs(20, 100, bias=0.4)
    y, f, rest = columns(questions)
    n, total = len(y), len(y) + len(rest)
    design, others = np.column_stack([np.ones(n), f]), np.column_stack([np.ones(len(rest)), rest])
    coefficients, (errors,), _, _ = np.linalg.lstsq(design, y)
    value = (y.sum() + (others @ coefficients).sum()) / total
    a = others.sum(axis=0)
    variance = errors / (n - 2) * (a @ np.linalg.inv(design.T @ design) @ a + len(rest)) / total**2
    found = quality(questions, inference="this question set")
    assert found.value == pytest.approx(value)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, n - 2) * sqrt(variance), rel=1e-10)


def test_people_alone_have_students_interval_and_its_finite_population_correction() -> None:
    questions = judged.without_judge(pairs(20, 100))
    y = np.array([q.people for q in questions if q.people is not None])
    plain = mean_interval(y.tolist())
    found = quality(questions)
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert half(quality(questions, inference="this question set")) == pytest.approx(half(found) * sqrt(1 - 20 / 100))


def test_strata_are_weighted_by_their_size_not_by_what_was_drawn_of_them() -> None:
    """Cochran, Sampling Techniques, 3rd ed., sections 5.3 and 5.4: sum of W y, sum of W^2 (1 - f) s^2 / n."""
    easy, hard = [4.0, 5.0, 5.0, 4.0, 5.0, 4.0], [1.0, 2.0, 3.0, 2.0, 1.0, 3.0]
    questions = [QuestionScores(None, y, 6 / 60, "easy") for y in easy]
    questions += [QuestionScores(None, y, 6 / 20, "hard") for y in hard]
    questions += [QuestionScores(stratum="easy")] * 54 + [QuestionScores(stratum="hard")] * 14
    variance = 0.75**2 * (1 - 6 / 60) * np.var(easy, ddof=1) / 6 + 0.25**2 * (1 - 6 / 20) * np.var(hard, ddof=1) / 6
    found = quality(questions, inference="this question set")
    assert found.value == pytest.approx(0.75 * 4.5 + 0.25 * 2.0)
    assert half(found) == pytest.approx(stats.t.ppf(0.975, 10) * sqrt(variance))


def test_questions_that_were_drawn_and_not_scored_leave_the_weight_of_their_stratum() -> None:
    """Ten were drawn of each stratum; four hard ones are still open, and hard ones count for a quarter all the same."""
    questions = [QuestionScores(None, y, 10 / 60, "easy") for y in (4.0, 5.0) * 5]
    questions += [QuestionScores(None, y, 10 / 20, "hard") for y in (1.0, 3.0) * 3]
    questions += [QuestionScores(stratum="easy")] * 50 + [QuestionScores(stratum="hard")] * 14
    assert quality(questions).value == pytest.approx(0.75 * 4.5 + 0.25 * 2.0)


def test_one_stratum_is_as_none_and_proportional_strata_give_the_plain_mean() -> None:
    questions = pairs(20, 100)
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


# --- properties -----------------------------------------------------------------------------------------------------

points = st.integers(1, 5).map(float)
tables = st.lists(st.tuples(points, points), min_size=12, max_size=60)
sets = st.tuples(tables, st.integers(5, 60), st.sampled_from(BOTH))


def table(rows: list[tuple[float, float]], n: int) -> list[QuestionScores]:
    people, judge = np.array(rows).T
    return judged.scored(people, judge, min(n, len(rows)))


@settings(deadline=None, max_examples=150)
@given(sets)
def test_it_is_never_wider_than_people_alone_and_says_how_much_narrower(
    drawn: tuple[list[tuple[float, float]], int, Inference],
) -> None:
    rows, n, inference = drawn
    found = quality(table(rows, n), inference=inference)
    alone = quality(judged.without_judge(table(rows, n)), inference=inference)
    assert found.width is not None
    assert alone.width is not None
    assert found.width <= alone.width == found.width_people_alone
    assert found.gain is not None
    assert found.gain >= 1
    if found.method == "people alone":
        assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)
        assert (found.judge_weight, found.gain) == (0, 1)
    else:
        assert found.judge_weight > 0
        assert found.gain == pytest.approx(alone.width / found.width)


@settings(deadline=None, max_examples=100)
@given(sets, st.integers())
def test_the_order_of_questions_does_not_matter(
    drawn: tuple[list[tuple[float, float]], int, Inference], seed: int
) -> None:
    rows, n, inference = drawn
    questions = table(rows, n)
    shuffled = random.Random(seed).sample(questions, len(questions))
    assert quality(shuffled, inference=inference) == quality(questions, inference=inference)


@settings(deadline=None, max_examples=100)
@given(sets, st.sampled_from([-7.0, 0.5, 100.0]))
def test_scores_moved_with_their_scale_move_the_number_and_nothing_else(
    drawn: tuple[list[tuple[float, float]], int, Inference], by: float
) -> None:
    rows, n, inference = drawn
    questions = table(rows, n)
    moved = [
        replace(q, judge=None if q.judge is None else q.judge + by, people=None if q.people is None else q.people + by)
        for q in questions
    ]
    first = quality(questions, inference=inference)
    second = quality(moved, inference=inference, scale=(1 + by, 5 + by))
    assert (second.value, second.low, second.high) == pytest.approx(
        tuple(x + by for x in (first.value, first.low, first.high) if x is not None), abs=1e-7
    )


@pytest.mark.parametrize("inference", BOTH)
def test_a_judge_who_gives_every_question_the_same_is_as_none(inference: Inference) -> None:
    questions = [replace(q, judge=4.0) for q in pairs(20, 100)]
    found, alone = (
        quality(questions, inference=inference),
        quality(judged.without_judge(questions), inference=inference),
    )
    assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)
    assert found.judge_weight == 0
    assert "does not help" in " ".join(found.notes)


def test_a_judge_who_runs_against_people_is_not_used() -> None:
    questions = [replace(q, judge=6 - (q.judge or 0)) for q in pairs(20, 100)]
    assert quality(questions).method == "people alone"


def test_a_judge_who_is_all_but_people_leaves_what_a_census_leaves() -> None:
    """Of questions like these, the sampling of questions; of this set, next to nothing."""
    questions = pairs(30, 100, noise=1e-3)
    y, _, _ = columns(questions)
    census = float(stats.t.ppf(0.975, 28)) * y.std(ddof=1) / sqrt(100)
    assert half(quality(questions)) == pytest.approx(census, rel=1e-3)
    assert half(quality(questions, inference="this question set")) < 0.001


def test_a_judge_who_agrees_with_every_hand_score_is_not_taken_to_err_never() -> None:
    """Twenty agreements leave open that one answer in six is judged wrongly: no interval of no width."""
    questions = [replace(q, judge=q.people or 3.0) for q in table([(1, 1), (2, 2), (3, 3), (4, 4)] * 25, 20)]
    found = quality(questions, inference="this question set")
    assert found.method == "people alone"
    assert "show where the judge errs" in " ".join(found.notes)


def test_the_bias_of_a_judge_is_taken_out() -> None:
    questions = pairs(50, 200, noise=0.2, bias=0.8)
    found = quality(questions, inference="this question set")
    assert found.method == "human-corrected"
    judge_mean = np.mean([q.judge for q in questions if q.judge is not None])
    truth = 3.0
    assert abs(judge_mean - truth) > 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high


def test_a_set_that_people_scored_to_the_end_leaves_nothing_open_of_itself() -> None:
    questions = pairs(40, 40)
    found = quality(questions, inference="this question set")
    y = [q.people for q in questions if q.people is not None]
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(y),) * 3)
    assert "every question" in found.notes[-1]
    beyond, plain = quality(questions), mean_interval(y)
    assert (beyond.method, beyond.low, beyond.high) == (
        "people alone",
        pytest.approx(plain.low),
        pytest.approx(plain.high),
    )


# --- near the end of the scale --------------------------------------------------------------------------------------


def test_ten_fives_have_an_interval_that_is_not_a_point() -> None:
    questions = judged.scored(np.full(100, 5.0), np.full(100, 5.0), 10)
    found = quality(questions)
    assert (found.value, found.low, found.high) == (5, pytest.approx(1 + 4 * 0.025 ** (1 / 10)), 5)
    assert "wider" in found.notes[-1]
    finite = quality(questions, inference="this question set")
    assert finite.low == pytest.approx(5 - (5 - (found.low or 0)) * sqrt(0.9))


def test_for_a_finite_set_the_bound_is_near_the_exact_hypergeometric_one() -> None:
    """All of n scores are 5: the largest number of ones among 100 that such a sample leaves open, at 2.5 %."""
    for n in (10, 20, 50, 80):
        most = max(k for k in range(101 - n) if stats.hypergeom.pmf(0, 100, k, n) >= 0.025)
        found = quality(judged.scored(np.full(100, 5.0), np.full(100, 5.0), n), inference="this question set")
        assert 5 - (found.low or 0) == pytest.approx(4 * most / 100, abs=0.06)
        assert 5 - (found.low or 0) >= 4 * most / 100


def test_a_stratum_of_equal_scores_is_not_taken_to_hold_nothing_else() -> None:
    """Its spread of 0 would let Student's t speak for all of its questions."""
    questions = [QuestionScores(None, 5.0, 10 / 80, "good")] * 10 + [QuestionScores(stratum="good")] * 70
    questions += [QuestionScores(None, y, 6 / 20, "bad") for y in (1.0, 2.0, 3.0) * 2]
    questions += [QuestionScores(stratum="bad")] * 14
    found = quality(questions)
    assert "bounded scale" in found.notes[-1]
    assert (found.width or 0) > 0.8


# --- who has scored, and what is said about it ------------------------------------------------------------------------


def test_the_judge_alone_is_labelled_and_its_interval_says_what_it_leaves_out() -> None:
    questions = [replace(q, people=None) for q in pairs(20, 60)]
    found = quality(questions)
    plain = mean_interval([q.judge for q in questions if q.judge is not None])
    assert found.method == "judge only, not calibrated"
    assert (found.value, found.low, found.high) == (pytest.approx(plain.value), plain.low, plain.high)
    assert (found.n_people, found.n_judge, found.gain) == (0, 60, None)
    assert found.notes[-1] == (
        "The interval covers judge noise and question sampling alone, not the judge's error against people."
    )


def test_a_judge_who_gives_fives_only_has_a_bounded_interval() -> None:
    found = quality([QuestionScores(5.0)] * 60)
    assert (found.low, found.high) == (pytest.approx(1 + 4 * 0.025 ** (1 / 60)), 5)


def test_of_this_question_set_the_judge_alone_has_no_interval() -> None:
    found = quality([QuestionScores(4.0), QuestionScores(3.0)] * 30, inference="this question set")
    assert (found.value, found.low, found.high) == (3.5, None, None)
    assert found.notes[-1].startswith("No interval")


@pytest.mark.parametrize("n", range(1, MIN_HAND_SCORES))
def test_too_few_hand_scores_leave_the_judge_alone_and_say_so(n: int) -> None:
    found = quality(pairs(n, 60))
    assert found.method == "judge only, not calibrated"
    assert f"{n} hand scores are too few" in " ".join(found.notes)
    assert quality(pairs(MIN_HAND_SCORES, 60)).method == "people alone"


def test_no_scores_at_all_are_no_number() -> None:
    for questions in ([], [QuestionScores()] * 10):
        found = quality(questions)
        assert (found.method, found.value, found.low, found.high) == ("refused", None, None, None)
        assert "no number" in found.notes[-1]


def test_hand_scores_of_answers_that_somebody_picked_do_not_enter() -> None:
    questions = pairs(20, 100)
    picked = [replace(q, people=1.0) if i >= 90 else q for i, q in enumerate(questions)]
    found, before = quality(picked), quality(questions)
    assert (found.value, found.low, found.high, found.n_people) == (before.value, before.low, before.high, 20)
    assert "10 hand scores of questions that were not drawn at random" in " ".join(found.notes)


def test_where_the_judge_has_no_score_its_mean_stands_in_and_that_is_said() -> None:
    questions = [replace(q, judge=None) if i in (3, 50) else q for i, q in enumerate(pairs(20, 100))]
    found = quality(questions)
    assert (found.n_judge, found.method) == (98, "human-corrected")
    assert "no score for 2 of 100 questions" in " ".join(found.notes)
    mean = float(np.mean([q.judge for q in questions if q.judge is not None]))
    filled = quality([replace(q, judge=mean if q.judge is None else q.judge) for q in questions])
    assert found.value == pytest.approx(filled.value)


def test_a_stratum_without_enough_hand_scores_is_refused_by_name() -> None:
    questions = pairs(20, 100)
    found = quality([replace(q, stratum="hard" if i in (1, 60, 70) else "easy") for i, q in enumerate(questions)])
    assert (found.method, found.value) == ("refused", None)
    assert found.notes[-1].endswith("too few in 'hard' (1 of 3).")
    whole = [replace(q, stratum="one" if i == 1 else "rest") for i, q in enumerate(questions)]
    assert quality(whole).value is not None


def test_draws_of_very_unlike_probability_within_a_stratum_are_refused() -> None:
    questions = [
        replace(q, probability=(0.1 if i % 2 else 0.6)) if q.people else q for i, q in enumerate(pairs(20, 100))
    ]
    found = quality(questions)
    assert found.method == "refused"
    assert "probabilities" in found.notes[-1]


@pytest.mark.parametrize(("inference", "words"), [(BOTH[0], "random draw"), (BOTH[1], "no others")])
def test_the_target_of_inference_is_named_first(inference: Inference, words: str) -> None:
    found = quality(pairs(20, 100), inference=inference)
    assert found.inference == inference
    assert words in found.notes[0]
    assert "100" in found.notes[0]
    assert quality(pairs(20, 100)).inference == "questions like these"


def test_the_gain_is_said_in_words() -> None:
    found = quality(pairs(20, 100, noise=0.2))
    assert found.gain is not None
    assert f"{1 - 1 / found.gain:.0%} narrower" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"judge": 5.5}, "question 2: the score of judge is 5.5, off the scale of 1 to 5"),
        ({"people": 0.0, "probability": 0.5}, "question 2: the score of people is 0"),
        ({"people": float("nan")}, "question 2: the score of people is nan"),
        ({"people": 3.0, "probability": 0.0}, "question 2: the probability of its draw is 0"),
        ({"people": 3.0, "probability": 1.5}, "question 2: the probability of its draw is 1.5"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        quality([QuestionScores(3.0), QuestionScores(**wrong)])


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
