"""The quality number by its properties and its words; its formulas and coverage are held by test_corrected.py."""

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

from eval.stats.corrected import Inference
from eval.stats.intervals import mean_interval
from eval.stats.quality import MIN_HAND_SCORES, QuestionScores, quality

BOTH: tuple[Inference, ...] = ("questions like these", "this question set")
Floats = NDArray[np.float64]


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
    questions = [replace(q, judge=4.0) for q in judged.pairs(20, 100)]
    found, alone = (
        quality(questions, inference=inference),
        quality(judged.without_judge(questions), inference=inference),
    )
    assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)
    assert found.judge_weight == 0
    assert "does not help" in " ".join(found.notes)


def test_a_judge_who_runs_against_people_is_not_used() -> None:
    questions = [replace(q, judge=6 - (q.judge or 0)) for q in judged.pairs(20, 100)]
    assert quality(questions).method == "people alone"


def test_a_judge_who_is_all_but_people_leaves_what_a_census_leaves() -> None:
    """Of questions like these, the sampling of questions; of this set, next to nothing."""
    questions = judged.pairs(30, 100, noise=1e-3)
    y, _, _ = judged.columns(questions)
    census = float(stats.t.ppf(0.975, 28)) * y.std(ddof=1) / sqrt(100)
    assert judged.half(quality(questions)) == pytest.approx(census, rel=1e-3)
    assert judged.half(quality(questions, inference="this question set")) < 0.001


def test_a_judge_who_agrees_with_every_hand_score_is_not_taken_to_err_never() -> None:
    """Twenty agreements leave open that one answer in six is judged wrongly: no interval of no width."""
    questions = [replace(q, judge=q.people or 3.0) for q in table([(1, 1), (2, 2), (3, 3), (4, 4)] * 25, 20)]
    found = quality(questions, inference="this question set")
    assert found.method == "people alone"
    assert "show where the judge errs" in " ".join(found.notes)


def test_the_bias_of_a_judge_is_taken_out() -> None:
    questions = judged.pairs(50, 200, noise=0.2, bias=0.8)
    found = quality(questions, inference="this question set")
    assert found.method == "human-corrected"
    judge_mean = np.mean([q.judge for q in questions if q.judge is not None])
    truth = 3.0
    assert abs(judge_mean - truth) > 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high


def test_a_set_that_people_scored_to_the_end_leaves_nothing_open_of_itself() -> None:
    questions = judged.pairs(40, 40)
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
    assert "do not differ" in found.notes[1]
    finite = quality(questions, inference="this question set")
    assert finite.low == pytest.approx(5 - (5 - (found.low or 0)) * sqrt(0.9))


def test_fives_for_every_question_say_nothing_certain_about_questions_like_these() -> None:
    for n in (7, 10, 49):
        found = quality(judged.scored(np.full(n, 5.0), np.full(n, 5.0), n))
        assert found.low == pytest.approx(1 + 4 * 0.025 ** (1 / n))
        assert quality(judged.scored(np.full(n, 5.0), np.full(n, 5.0), n), inference="this question set").width == 0


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
    questions = [replace(q, people=None) for q in judged.pairs(20, 60)]
    found = quality(questions)
    plain = mean_interval([q.judge for q in questions if q.judge is not None])
    assert found.method == "judge only, not calibrated"
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))
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
    found = quality(judged.pairs(n, 60))
    assert found.method == "judge only, not calibrated"
    assert f"Too few hand scores ({n})" in " ".join(found.notes)
    assert quality(judged.pairs(MIN_HAND_SCORES, 60)).method == "people alone"


def test_no_scores_at_all_are_no_number() -> None:
    for questions in ([], [QuestionScores()] * 10):
        found = quality(questions)
        assert (found.method, found.value, found.low, found.high) == ("refused", None, None, None)
        assert "no number" in found.notes[-1]


def test_hand_scores_of_answers_that_somebody_picked_do_not_enter() -> None:
    questions = judged.pairs(20, 100)
    picked = [replace(q, people=1.0) if i >= 90 else q for i, q in enumerate(questions)]
    found, before = quality(picked), quality(questions)
    assert (found.value, found.low, found.high, found.n_people) == (before.value, before.low, before.high, 20)
    assert "not drawn at random do not enter (10)" in " ".join(found.notes)


def test_where_the_judge_has_no_score_its_mean_stands_in_and_that_is_said() -> None:
    questions = [replace(q, judge=None) if i in (3, 50) else q for i, q in enumerate(judged.pairs(30, 100))]
    found = quality(questions)
    assert (found.n_judge, found.method) == (98, "human-corrected")
    assert "no score for 2 of 100 questions" in " ".join(found.notes)
    mean = float(np.mean([q.judge for q in questions if q.judge is not None]))
    filled = quality([replace(q, judge=mean if q.judge is None else q.judge) for q in questions])
    assert found.value == pytest.approx(filled.value)


def test_a_stratum_without_enough_hand_scores_is_refused_by_name() -> None:
    questions = judged.pairs(20, 100)
    found = quality([replace(q, stratum="hard" if i in (1, 60, 70) else "easy") for i, q in enumerate(questions)])
    assert (found.method, found.value) == ("refused", None)
    assert found.notes[-1].endswith("too few in 'hard' (1 of 3).")
    whole = [replace(q, stratum="one" if i == 1 else "rest") for i, q in enumerate(questions)]
    assert quality(whole).value is not None


def test_draws_of_very_unlike_probability_within_a_stratum_are_refused() -> None:
    questions = [
        replace(q, probability=(0.1 if i % 2 else 0.6)) if q.people else q for i, q in enumerate(judged.pairs(20, 100))
    ]
    found = quality(questions)
    assert found.method == "refused"
    assert "probabilities" in found.notes[-1]


@pytest.mark.parametrize(("inference", "words"), [(BOTH[0], "random draw"), (BOTH[1], "no others")])
def test_the_target_of_inference_is_named_first(inference: Inference, words: str) -> None:
    found = quality(judged.pairs(20, 100), inference=inference)
    assert found.inference == inference
    assert words in found.notes[0]
    assert "100" in found.notes[0]
    assert quality(judged.pairs(20, 100)).inference == "questions like these"


def test_the_gain_is_said_in_words() -> None:
    found = quality(judged.pairs(20, 100, noise=0.2))
    assert found.gain is not None
    assert f"{100 * (1 - 1 / found.gain):.0f} % narrower" in " ".join(found.notes)


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
