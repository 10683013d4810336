"""Preferences between two targets: against scipy, in mirror image, and by the verdicts they come to."""

from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from eval.stats.comparison import Outcome
from eval.stats.preference import Preferred, preferred_all, sign_test_p

MIRRORED: dict[Outcome, Outcome] = {"better": "worse", "worse": "better"}

given_words = st.lists(st.tuples(st.integers(0, 8), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=40)


def pair(*values: float, several: int = 1) -> Preferred:
    """One preference a question, held against so many pairs alike."""
    words: list[tuple[Hashable, float]] = list(enumerate(values))
    return preferred_all({("a", str(i)): words for i in range(several)})[0]


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_scipys_binomial_test(wins: int, losses: int) -> None:
    expected = binomtest(wins, wins + losses, 0.5).pvalue if wins + losses else 1.0
    assert sign_test_p(wins, losses) == pytest.approx(expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 30), st.integers(0, 30))
def test_without_ties_the_interval_is_that_of_clopper_and_pearson(wins: int, losses: int) -> None:
    if not wins + losses:
        return
    exact = binomtest(wins, wins + losses).proportion_ci(0.95, method="exact")
    found = pair(*[1.0] * wins, *[0.0] * losses)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-6)
    assert found.win_share == pytest.approx(wins / (wins + losses))


@settings(deadline=None, max_examples=60)
@given(given_words)
def test_with_the_sides_swapped_everything_is_mirrored(words: list[tuple[int, float]]) -> None:
    (one,) = preferred_all({("a", "b"): words})
    (other,) = preferred_all({("b", "a"): [(question, 1 - value) for question, value in words]})
    assert (other.better, other.same, other.worse) == (one.worse, one.same, one.better)
    assert one.win_share is not None
    assert one.low is not None
    assert one.high is not None
    assert (other.win_share, other.low, other.high) == pytest.approx((1 - one.win_share, 1 - one.high, 1 - one.low))
    assert (other.n, other.n_questions, other.p, other.p_holm) == (one.n, one.n_questions, one.p, one.p_holm)
    assert (other.outcome, other.more_questions) == (MIRRORED.get(one.outcome, one.outcome), one.more_questions)


@settings(deadline=None, max_examples=40)
@given(given_words, st.randoms())
def test_the_order_of_preferences_does_not_matter(words: list[tuple[int, float]], random: object) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert preferred_all({("a", "b"): words}) == preferred_all({("a", "b"): shuffled})


def test_the_same_counts_half_and_the_counts_are_of_preferences() -> None:
    found = pair(1, 1, 1, 0.5, 0.5, 0)
    assert (found.n, found.better, found.same, found.worse) == (6, 3, 2, 1)
    assert found.win_share == pytest.approx(4 / 6)
    assert found.p == pytest.approx(binomtest(3, 4).pvalue)


def test_several_preferences_about_one_question_are_one_question() -> None:
    """Forty words about two questions tell no more than two questions do."""
    words: list[tuple[Hashable, float]] = [(i % 2, 1.0) for i in range(40)]
    (found,) = preferred_all({("a", "b"): words})
    assert (found.n, found.n_questions, found.better) == (40, 2, 40)
    assert (found.low, found.high) == pytest.approx((0.025**0.5, 1.0))
    assert found.outcome == "not decisive"
    assert preferred_all({("a", "b"): [(1, 1.0), (1, 1.0), (1, 0.0), (2, 0.5)]})[0].win_share == pytest.approx(7 / 12)


def test_only_a_clear_lead_is_a_verdict() -> None:
    assert (pair(*[1.0] * 20).outcome, pair(*[0.0] * 20).outcome) == ("better", "worse")
    assert pair(*[1.0] * 15, *[0.0] * 5).outcome == "better"  # p = 0.041
    assert pair(*[1.0] * 14, *[0.0] * 6).outcome == "not decisive"  # p = 0.115


def test_what_one_pair_decides_several_may_not() -> None:
    """Six of six has p = 0.031: decisive alone, not among three pairs."""
    alone, among = pair(*[1.0] * 6), pair(*[1.0] * 6, several=3)
    assert (alone.outcome, alone.p_holm) == ("better", pytest.approx(2 / 64))
    assert (among.outcome, among.p_holm) == ("not decisive", pytest.approx(6 / 64))
    assert among.more_questions == 11 - 6  # (2.394 + 0.842)^2 = 10.5 at the level 0.05 / 3


def test_how_many_more_questions_is_noethers_formula() -> None:
    """(1.960 + 0.842)^2 / (4 x 0.1^2) = 196.2 questions for a lead of 60 to 40."""
    found = pair(*[1.0] * 12, *[0.0] * 8)
    assert found.more_questions == 197 - 20
    assert "needs about 180 more questions" in found.words
    with_ties = pair(*[1.0] * 12, *[0.0] * 8, *[0.5] * 20)
    assert with_ties.more_questions == pytest.approx(2 * 196.2 - 40, abs=1)


def test_a_draw_names_no_number_of_questions() -> None:
    found = pair(1, 0, 0.5)
    assert (found.p, found.more_questions) == (1, None)
    assert "needs more than 10,000 questions" in found.words


def test_where_nobody_compared_there_is_no_figure() -> None:
    (found,) = preferred_all({("a", "b"): []})
    assert (found.outcome, found.win_share, found.p, found.p_holm) == ("no comparison", None, None, None)


def test_another_preference_than_the_three_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0, 0\.5 or 1, not 0\.7"):
        preferred_all({("a", "b"): [(1, 0.7)]})
