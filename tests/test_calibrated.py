"""Differences of quality numbers: the formula, its coverage, and that no verdict runs against people's scores."""

from dataclasses import replace
from math import sqrt

import judged
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.stats.calibrated import Calibrated, calibrate, contradicts, difference, measure, withdrawn
from eval.stats.comparison import Comparison, compare_all
from eval.stats.quality import Quality, QuestionScores, quality


def target(n: int, *, bias: float = 0.0, seed: int = 1, shift: float = 0.0, strata: int = 1) -> Calibrated:
    """100 questions; people scored n of them that are drawn anew for every seed, of `strata` strata."""
    rng = np.random.default_rng(seed)
    people = np.clip(rng.uniform(1, 5, 100) + shift, 1, 5)
    judge = np.clip(people + bias + 0.5 * rng.standard_normal(100), 1, 5)
    rows = judged.scored(people, judge, n)
    order = rng.permutation(100)
    found = calibrate(
        {int(q): replace(row, stratum=str(i % strata)) for i, (q, row) in enumerate(zip(order, rows, strict=True))}
    )
    assert found is not None
    return found


def numbered(value: float, low: float, high: float) -> Calibrated:
    number = Quality(value, low, high, "people alone", "questions like these", 20, 0, 100)
    return Calibrated({i: QuestionScores(3.0) for i in range(20)}, number)


def decided(ours: Calibrated, theirs: Calibrated) -> Comparison:
    nothing = {"a": dict.fromkeys(ours.questions, 3.0), "b": dict.fromkeys(theirs.questions, 3.0)}
    (found,) = compare_all(nothing, instead={("a", "b"): measure("a", "b", ours, theirs)})
    return found


def test_of_two_normal_intervals_the_variances_add_up() -> None:
    found = difference(numbered(4.0, 3.6, 4.4), numbered(3.0, 2.7, 3.3))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.5, 1.5))


def test_of_lopsided_intervals_each_limit_takes_the_halves_that_bear_on_it() -> None:
    """Newcombe (1998), method 10: the lower limit rests on ours below and theirs above."""
    found = difference(numbered(4.5, 3.5, 4.8), numbered(4.0, 3.0, 4.4))
    assert found.low == pytest.approx(0.5 - sqrt(1.0**2 + 0.4**2))
    assert found.high == pytest.approx(0.5 + sqrt(0.3**2 + 1.0**2))


def test_where_the_targets_find_opposite_questions_hard_the_half_widths_are_added() -> None:
    ours, theirs = numbered(4.0, 3.6, 4.4), numbered(3.0, 2.7, 3.3)
    up = {i: QuestionScores(1.0 + i % 5) for i in range(20)}
    down = {i: QuestionScores(5.0 - i % 5) for i in range(20)}
    found = difference(replace(ours, questions=up), replace(theirs, questions=down))
    assert (found.low, found.high) == pytest.approx((1 - 0.7, 1 + 0.7))


intervals = st.tuples(st.floats(1, 5), st.floats(1, 5), st.floats(1, 5)).map(sorted)


@settings(deadline=None, max_examples=200)
@given(intervals, intervals)
def test_intervals_that_lie_apart_are_never_called_the_other_way_and_differ_at_5_percent(
    one: list[float], other: list[float]
) -> None:
    ours, theirs = numbered(one[1], one[0], one[2]), numbered(other[1], other[0], other[2])
    found = difference(ours, theirs)
    if one[0] > other[2] + 1e-6:
        assert found.low > 0
        assert found.p < 0.05
    if abs(found.value) > 1e-6 and min(abs(found.low), abs(found.high)) > 1e-6:
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_a_bias_of_the_judge_for_one_target_is_taken_out() -> None:
    """The judge gives b 1.5 points more; people score a higher."""
    ours, theirs = target(40, seed=1, shift=0.6), target(40, seed=2, shift=-0.6, bias=1.5)
    by_judge = [
        {q: each.judge for q, each in target.questions.items() if each.judge is not None} for target in (ours, theirs)
    ]
    (alone,) = compare_all(dict(zip("ab", by_judge, strict=True)))
    found = decided(ours, theirs)
    assert found.outcome == "better"
    assert (found.method, found.n_people, found.n) == ("human-corrected", (40, 40), 100)
    assert alone.outcome != "better"


def test_where_the_same_questions_were_scored_it_is_the_quality_number_of_the_differences() -> None:
    rng = np.random.default_rng(3)
    base = rng.uniform(1, 5, 100)
    people = [base, np.clip(base + 1.2 * rng.standard_normal(100), 1, 5)]
    rows = [judged.scored(y, np.clip(y + 0.2 * rng.standard_normal(100), 1, 5), 40) for y in people]
    ours, theirs = (calibrate(dict(enumerate(each))) for each in rows)
    assert ours is not None
    assert theirs is not None
    expected = quality(
        [
            QuestionScores(
                (a.judge or 0) - (b.judge or 0),
                None if a.people is None or b.people is None else a.people - b.people,
                a.probability,
            )
            for a, b in zip(*rows, strict=True)
        ],
        scale=(-4, 4),
    )
    found = difference(ours, theirs)
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    assert found.high - found.low < sqrt((ours.number.width or 0) ** 2 + (theirs.number.width or 0) ** 2)


def test_strata_are_not_paired_because_pairs_would_be_no_random_draw() -> None:
    ours = target(40, seed=1, strata=2)
    apart = difference(ours, ours)
    assert apart.high - apart.low == pytest.approx(sqrt(2) * (ours.number.width or 0))


@pytest.mark.parametrize("n", [20, 40])
def test_the_difference_covers_and_equal_targets_are_rarely_told_apart(n: int) -> None:
    """300 pairs of targets that people score alike, of which the judge favours one by 0.8 standard deviations."""
    shares = judged.SCORES["spread"]
    held, wrong, rng = 0, 0, np.random.default_rng(n)
    people, fair = judged.draw(shares, "good", 300, 100, rng)
    others, lenient = judged.draw(shares, "biased", 300, 100, rng)
    for rows in zip(people, fair, others, lenient, strict=True):
        ours = calibrate(dict(enumerate(judged.scored(rows[0], rows[1], n))))
        theirs = calibrate(dict(enumerate(judged.scored(rows[2], rows[3], n))))
        assert ours is not None
        assert theirs is not None
        found = difference(ours, theirs)
        held += found.low <= 0 <= found.high
        wrong += found.p < 0.05
    assert held / 300 >= 0.93 - 2.5 * sqrt(0.93 * 0.07 / 300)
    assert wrong == 300 - held


def test_a_verdict_against_intervals_that_lie_apart_is_withdrawn() -> None:
    good, bad = numbered(4.0, 3.8, 4.2), numbered(3.0, 2.8, 3.2)
    worse = Comparison("a", "b", 100, "worse", "worse")
    assert contradicts(worse, good, bad)
    assert not contradicts(worse, bad, good)
    assert not contradicts(worse, good, None)
    assert not contradicts(worse, good, numbered(3.9, 3.7, 4.1))
    assert withdrawn(worse).outcome == "not decisive"
    assert "say the opposite" in withdrawn(worse).words


def test_what_is_open_says_how_many_hand_scores_would_decide_it() -> None:
    ours, theirs = target(20, seed=1, shift=0.4), target(20, seed=2)
    found = decided(ours, theirs)
    assert found.outcome == "not decisive"
    assert found.more_hand_scores is not None
    assert f"needs about {found.more_hand_scores} more hand scores of each" in found.words
    same = decided(ours, ours)
    assert (same.outcome, same.more_hand_scores) == ("not decisive", None)
    assert "needs more questions" in same.words


def test_what_people_scored_too_little_of_is_not_calibrated() -> None:
    assert calibrate(dict(enumerate(judged.pairs(4, 100)))) is None
    assert calibrate({}) is None
