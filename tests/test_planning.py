"""Plans against published power calculations, scipy, simulation, and what the quality number then turns out to be."""

from dataclasses import replace
from math import sqrt

import judged
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.stats.corrected import Inference
from eval.stats.planning import (
    MOST_QUESTIONS,
    Spread,
    after_more_scores,
    detectable,
    power_of_t,
    questions_needed,
    smallest_difference,
    spread_seen,
)
from eval.stats.quality import QuestionScores, quality

# --- differences between targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_the_questions_needed_are_those_of_published_tables(d: float, n: int) -> None:
    """Cohen's small, medium and large d_z, two-sided at 5 %, 80 % power: G*Power 3 and R's pwr (33.37 for 0.5)."""
    assert questions_needed(d, 1.0) == n


def test_a_textbook_example_of_r_needs_twenty_pairs() -> None:
    """Dalgaard, Introductory Statistics with R, on paired tests: a difference of 10, sd 14.14, 85 %: n = 19.97."""
    assert questions_needed(10, 10 * sqrt(2), power=0.85) == 20


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 2_000), st.floats(0.05, 3), st.integers(1, 45))
def test_the_smallest_difference_has_just_the_power_asked_for(n: int, sd: float, comparisons: int) -> None:
    difference = smallest_difference(n, sd, comparisons=comparisons)
    assert difference is not None
    critical = stats.t.ppf(1 - 0.05 / comparisons / 2, n - 1)
    if n > 3:  # scipy's own distribution fails for fewer
        assert stats.nct.sf(critical, n - 1, difference / sd * sqrt(n)) == pytest.approx(0.8, abs=1e-6)
    assert smallest_difference(n + 1, sd, comparisons=comparisons) <= difference  # pyright: ignore[reportOptionalOperand]
    needed = questions_needed(difference * 1.0001, sd, comparisons=comparisons)
    assert needed is not None
    assert needed <= n


def test_power_is_the_share_of_studies_that_find_the_difference() -> None:
    """20,000 studies of 25 questions; within 4 standard errors."""
    drawn = np.random.default_rng(3).normal(0.4, 0.9, (20_000, 25))
    found = np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)
    assert power_of_t(25, 0.4, 0.9) == pytest.approx(found, abs=4 * sqrt(0.25 / 20_000))


def test_what_no_question_set_can_show_has_no_number() -> None:
    assert questions_needed(0.0, 1.0) is None
    assert questions_needed(1e-4, 1.0) is None
    just = smallest_difference(MOST_QUESTIONS, 1.0)
    assert just is not None
    assert questions_needed(just * 1.001, 1.0) is not None
    assert smallest_difference(1, 1.0) is None
    assert smallest_difference(60, 0.0) is None


def test_the_spread_is_pooled_over_comparisons_by_their_degrees_of_freedom() -> None:
    found = spread_seen([[1, 2, 3], [0, 4], [7]])
    assert found == Spread(pytest.approx(sqrt((2 + 8) / 3)), 2, 3)
    rng = np.random.default_rng(0)
    many = spread_seen([rng.normal(i, 0.7, 200).tolist() for i in range(10)])
    assert many is not None
    assert many.sd == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("seen", [[], [[1.0]], [[0.5, 0.5], [0.0, 0.0, 0.0]]])
def test_where_no_spread_has_been_seen_none_is_made_up(seen: list[list[float]]) -> None:
    assert spread_seen(seen) is None
    assert "not known" in detectable(60, spread_seen(seen))


def test_the_plan_says_what_it_rests_on() -> None:
    words = detectable(60, Spread(0.84, 3, 177))
    assert words == (
        f"60 questions show a difference of {smallest_difference(60, 0.84):.2f} points with 80 % probability, if "
        "differences spread as in comparisons seen so far (3; standard deviation 0.84)."
    )
    assert "at least 2" in detectable(1, Spread(0.84, 3, 177))


# --- more hand scores -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("judge", ["good", "useless"])
@pytest.mark.parametrize("inference", ["questions like these", "this question set"])
def test_the_expected_width_is_the_one_that_comes(judge: judged.Judge, inference: Inference) -> None:
    """150 question sets with 20 hand scores, then with 40: mean widths, planned and come true, within 6 %."""
    people, scores = judged.draw(judged.SCORES["spread"], judge, 150, 100, np.random.default_rng(2))
    planned, came = [], []
    for y, f in zip(people, scores, strict=True):
        planned.append(after_more_scores(judged.scored(y, f, 20), 20, inference=inference).width_then)
        came.append(quality(judged.scored(y, f, 40), inference=inference).width)
    assert np.mean(planned) == pytest.approx(np.mean(came), rel=0.06)


def test_the_expected_width_is_that_of_todays_spread_and_more_scores() -> None:
    """The regression estimator's variance with n' for n; the squares around the slope grow in proportion."""
    rng = np.random.default_rng(5)
    people = rng.uniform(1, 5, 100)
    judge = np.clip(people + 0.4 * rng.standard_normal(100), 1, 5)
    y, f, then = people[:20], judge[:20], 40
    slope, intercept = np.polyfit(f, y, 1)
    errors = float(np.square(y - slope * f - intercept).sum())
    within = (1 - then / 100) / then * errors / 19 * (then - 1) / (then - 2)
    slope_variance = 2 * errors / (then - 2) / (2 * float(np.square(f - f.mean()).sum()))
    variance = within + (judge.mean() - f.mean()) ** 2 * slope_variance + y.var(ddof=1) / 100
    found = after_more_scores(judged.scored(people, judge, 20), 20)
    assert found.method == "human-corrected"
    assert found.width_then == pytest.approx(2 * stats.t.ppf(0.975, then - 2) * sqrt(variance))


def test_ten_fives_and_twenty_more_would_still_leave_open_what_thirty_fives_leave() -> None:
    found = after_more_scores(judged.scored(np.full(100, 5.0), np.full(100, 5.0), 10))
    assert (found.n_now, found.n_then, found.method) == (10, 30, "people alone")
    assert found.width_now == pytest.approx(4 * (1 - 0.025 ** (1 / 10)))
    assert found.width_then == pytest.approx(4 * (1 - 0.025 ** (1 / 30)))
    assert found.words.startswith("More hand scores (20) would bring the width of the interval from 1.23 to about")


def test_no_more_can_be_scored_than_there_are_questions() -> None:
    people, scores = judged.draw(judged.SCORES["spread"], "good", 1, 50, np.random.default_rng(1))
    found = after_more_scores(judged.scored(people[0], scores[0], 40), 20, inference="this question set")
    assert (found.n_then, found.width_then) == (50, 0)
    done = after_more_scores(judged.scored(people[0], scores[0], 50), 20)
    assert (done.n_now, done.n_then, done.width_then) == (50, 50, done.width_now)
    assert "every question" in done.words


def test_strata_get_more_in_the_same_proportion_as_far_as_they_go() -> None:
    rng = np.random.default_rng(0)
    questions = [QuestionScores(None, float(rng.integers(1, 6)), 10 / 12, "small") for _ in range(10)]
    questions += [QuestionScores(None, float(rng.integers(1, 6)), 10 / 88, "large") for _ in range(10)]
    questions += [QuestionScores(stratum="small")] * 2 + [QuestionScores(stratum="large")] * 78
    found = after_more_scores(questions)
    assert found.n_then == 12 + 20
    assert found.width_then is not None
    assert found.width_now is not None
    assert found.width_then < found.width_now


def test_before_people_have_scored_nothing_is_foretold() -> None:
    people, scores = judged.draw(judged.SCORES["spread"], "good", 1, 50, np.random.default_rng(1))
    questions = [replace(q, people=None) for q in judged.scored(people[0], scores[0], 10)]
    found = after_more_scores(questions)
    assert (found.width_then, found.method, found.n_now) == (None, None, 0)
    assert "not known" in found.words
