"""The alternative annotator test: an example worked by hand, its parts against scipy, and when it refuses."""

from dataclasses import replace
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scored import QUICK, interval, noisy, value

from eval.agreement_words import replacement_sentence
from eval.stats.bootstrap import Bootstrap, Reason
from eval.stats.replacement import Replacement, alternative_annotator_test, benjamini_yekutieli, signed_rank_p
from eval.stats.scores import Panel, panel

# Anna, Ben, Chloe and the judge, and on how many of 40 items they gave these scores.
ITEMS = [
    ((4, 4, 4, 4), 24),  # all the same: judge and person tie, whoever is left out
    ((2, 4, 4, 4), 8),  # against Anna the judge is nearer; Ben and Chloe tie with it
    ((4, 4, 4, 1), 4),  # the judge is off: every person is nearer
    ((4, 2, 4, 3), 4),  # squared differences without Anna 2 : 4, without Ben 2 : 8, without Chloe 2 : 4
]


def by_hand(times: int = 1) -> Panel:
    rows = [row for row, n in ITEMS for _ in range(n) for _ in range(times)]
    anna, ben, chloe, judge = zip(*rows, strict=True)
    questions = [f"q{i // times}" for i in range(40 * times)]
    return panel({"Anna": anna, "Ben": ben, "Chloe": chloe}, judge, questions)


def test_an_example_worked_by_hand():
    """Person - judge is -1 on 12 items against Anna and on 4 against the others, +1 on 4, 0 on the rest.

    Anna: mean -.2, variance (16 - 40 * .04) / 39; the others: mean 0, variance 8 / 39.
    """
    found = alternative_annotator_test(by_hand(), epsilon=0.15, bootstrap=QUICK)
    anna, ben, chloe = found.people
    assert (anna.name, anna.test, anna.n, anna.n_questions) == ("Anna", "t", 40, 40)
    assert (anna.judge_advantage, anna.person_advantage) == pytest.approx((36 / 40, 28 / 40))
    assert (ben.judge_advantage, ben.person_advantage) == pytest.approx((36 / 40, 36 / 40))
    t_anna = (-0.2 - 0.15) / (sqrt(14.4 / 39) / sqrt(40))
    t_ben = (0 - 0.15) / (sqrt(8 / 39) / sqrt(40))
    assert (t_anna, t_ben) == pytest.approx((-3.6429, -2.0946), abs=5e-5)
    assert anna.p == pytest.approx(stats.t.cdf(t_anna, 39))
    assert ben.p == chloe.p == pytest.approx(stats.t.cdf(t_ben, 39))
    assert ben.p == pytest.approx(0.0214, abs=5e-5)
    harmonic = 1 + 1 / 2 + 1 / 3
    assert anna.adjusted_p == pytest.approx((anna.p or 0) * 3 * harmonic)
    assert ben.adjusted_p == chloe.adjusted_p == pytest.approx((ben.p or 0) * harmonic)
    assert (found.winning_rate, found.passed, found.reason) == (1.0, True, None)
    assert (value(found.advantage), found.advantage.n, found.advantage.n_questions) == (pytest.approx(0.9), 3, 40)
    assert interval(found.advantage)[0] < 0.9


def test_a_smaller_price_of_peoples_work_asks_more_of_the_judge():
    """With epsilon .1 the judge wins against Anna only: t is -1.40 against the others."""
    found = alternative_annotator_test(by_hand(), epsilon=0.1, bootstrap=QUICK)
    assert [person.won for person in found.people] == [True, False, False]
    assert (found.winning_rate, found.passed, found.epsilon) == (pytest.approx(1 / 3), False, 0.1)


def test_answers_to_one_question_count_as_one():
    once, often = (alternative_annotator_test(by_hand(times), bootstrap=QUICK) for times in (1, 5))
    assert [person.n for person in often.people] == [200] * 3
    assert replace(often, people=()) == replace(once, people=())
    assert [person.p for person in often.people] == pytest.approx([person.p for person in once.people])


# --- its parts ------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_are_scipys(p_values: list[float]):
    expected = stats.false_discovery_control(p_values, method="by")
    assert benjamini_yekutieli(p_values) == pytest.approx(expected.tolist(), abs=1e-12)


@given(st.lists(st.sampled_from([-1.15, -0.65, -0.15, 0.0, 0.35, 0.85]), min_size=1, max_size=9))
@settings(deadline=None)
def test_the_signed_rank_p_is_the_share_of_all_signs_that_give_no_larger_sum(differences: list[float]):
    kept = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(kept)) if kept else []
    observed = sum(rank for rank, d in zip(ranks, kept, strict=True) if d > 0)
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in product([0, 1], repeat=len(kept))
    ]
    assert signed_rank_p(np.array(differences)) == pytest.approx(np.mean([s <= observed for s in sums]))


def test_the_signed_rank_p_without_ties_is_scipys():
    differences = np.random.default_rng(2).normal(-0.3, 1, 25)
    assert signed_rank_p(differences) == pytest.approx(stats.wilcoxon(differences, alternative="less").pvalue)


def test_below_thirty_questions_the_signed_rank_test_is_asked():
    scores = noisy(20, 4, 3)
    found = alternative_annotator_test(panel({"a": scores[0], "b": scores[1], "c": scores[2]}, scores[3]))
    assert {person.test for person in found.people} == {"signed-rank"}
    scores = noisy(30, 4, 3)
    found = alternative_annotator_test(panel({"a": scores[0], "b": scores[1], "c": scores[2]}, scores[3]))
    assert {person.test for person in found.people} == {"t"}


# --- judges ---------------------------------------------------------------------------------------------------------


def judged(judge: np.ndarray, seed: int, n: int = 60) -> Replacement:
    scores = noisy(n, 4, seed, noise=0.8)
    return alternative_annotator_test(panel(dict(zip("abcd", scores, strict=True)), judge), bootstrap=QUICK)


def test_a_judge_that_knows_the_mean_of_the_people_passes_and_a_random_one_does_not():
    scores = noisy(60, 4, 5, noise=0.8)
    good = judged(scores.mean(axis=0), 5)
    bad = judged(np.random.default_rng(5).integers(1, 6, 60), 5)
    assert (good.winning_rate, good.passed) == (1.0, True)
    assert (bad.winning_rate, bad.passed) == (0.0, False)
    assert value(good.advantage) > 0.7 > 0.5 > value(bad.advantage)


def test_a_judge_where_all_are_of_one_mind_wins_by_the_signed_rank_test():
    """No difference spreads, so that t would be infinite; 2 to the power of -40 is what 40 equal signs say."""
    mind = ([1, 2, 3, 4, 5] * 8)[:40]
    found = alternative_annotator_test(panel(dict.fromkeys("abc", mind), mind), bootstrap=QUICK)
    assert [(p.test, p.p) for p in found.people] == [("signed-rank", pytest.approx(2.0**-40))] * 3
    assert (found.passed, value(found.advantage), found.advantage.low) == (True, 1.0, None)
    without_price = alternative_annotator_test(panel(dict.fromkeys("abc", mind), mind), epsilon=0, bootstrap=QUICK)
    assert [p.p for p in without_price.people] == [1.0] * 3
    assert without_price.passed is False


def test_a_judge_as_noisy_as_a_person_is_rarely_passed_without_a_price():
    """400 panels, epsilon 0: the null hypothesis is true, so that few judges win against half of the people."""
    passed = []
    for seed in range(400):
        *scores, judge = noisy(40, 4, seed)
        found = alternative_annotator_test(
            panel(dict(zip("abc", scores, strict=True)), judge), epsilon=0, bootstrap=Bootstrap(2)
        )
        passed.append(found.passed)
    assert np.mean(passed) <= 0.05


# --- on what it rests -----------------------------------------------------------------------------------------------


def test_how_many_people_and_questions_it_rests_on_is_told_and_few_are_a_caution():
    found = alternative_annotator_test(by_hand(), epsilon=0.15, bootstrap=QUICK)
    assert (found.n_people, found.n_tested, found.fewest, found.most) == (3, 3, 40, 40)
    assert found.cautions == ("only 3 people were tested, and others may score otherwise",)
    said = replacement_sentence("J", found)
    assert said.startswith("J may replace a person")
    assert "against 100% of 3 people (n = 40 questions each; epsilon 0.15). Take care: only 3 people" in said
    scores = noisy(24, 4, 3)
    few = alternative_annotator_test(panel(dict(zip("abc", scores, strict=False)), scores[3]), bootstrap=QUICK)
    assert "the paper asks for 30 questions a person, and one has 24" in few.cautions
    many = noisy(80, 7, 3)
    sure = alternative_annotator_test(panel(dict(zip("abcdef", many, strict=False)), many[6]), bootstrap=QUICK)
    turned = "one person more or less would turn it" in sure.cautions
    won = sum(person.won is True for person in sure.people)
    assert turned == (won in (2, 3))  # of six, three are needed
    assert len(sure.cautions) == turned


def test_a_mean_that_seldom_ties_with_a_person_is_a_caution():
    scores = noisy(40, 4, 3)
    between = np.clip(scores[3] + 0.5, 1, 5)
    found = alternative_annotator_test(panel(dict(zip("abc", scores, strict=False)), between), bootstrap=QUICK)
    assert "seldom tie" in found.cautions[0]


def test_one_person_who_decides_is_a_caution():
    found = alternative_annotator_test(by_hand(), epsilon=0.1, bootstrap=QUICK)
    assert (found.passed, sum(person.won is True for person in found.people)) == (False, 1)
    assert "one person more or less would turn it" in found.cautions
    assert "is not shown to be fit to replace a person" in replacement_sentence("J", found)


def test_without_a_test_the_sentence_says_how_many_there_are():
    a, b, judge = noisy(60, 3, 1)
    said = replacement_sentence("J", alternative_annotator_test(panel({"a": a, "b": b}, judge)))
    assert "cannot be told yet (too few raters)" in said
    assert "here are 2 people, 2 with so many" in said


# --- refusals -------------------------------------------------------------------------------------------------------


def test_two_people_are_too_few():
    a, b, judge = noisy(60, 3, 1)
    found = alternative_annotator_test(panel({"a": a, "b": b}, judge))
    assert (found.winning_rate, found.passed, found.advantage.value) == (None, None, None)
    assert found.reason is found.advantage.reason is Reason.too_few_raters
    assert [(person.p, person.won, person.n) for person in found.people] == [(None, None, 60)] * 2


def test_three_people_with_too_few_questions_are_refused_and_the_one_is_named():
    scores = noisy(60, 4, 1)
    scores[2, 9:] = np.nan
    given = dict(zip(("Anna", "Ben", "Chloe"), scores, strict=False))
    found = alternative_annotator_test(panel(given, scores[3]))
    assert (found.reason, found.winning_rate, found.passed) == (Reason.too_few, None, None)
    assert [(person.name, person.n_questions, person.reason) for person in found.people] == [
        ("Anna", 60, None), ("Ben", 60, None), ("Chloe", 9, Reason.too_few),
    ]  # fmt: skip


def test_a_person_with_few_questions_is_not_tested_but_still_one_of_the_others():
    scores = noisy(60, 5, 1)
    scores[3, 9:] = np.nan
    with_dan = alternative_annotator_test(panel(dict(zip("abcd", scores, strict=False)), scores[4]), bootstrap=QUICK)
    assert [person.test for person in with_dan.people] == ["t", "t", "t", None]
    assert with_dan.advantage.n == 3
    assert with_dan.winning_rate in (0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1)
    without = alternative_annotator_test(panel(dict(zip("abc", scores, strict=False)), scores[4]), bootstrap=QUICK)
    assert with_dan.people[0].judge_advantage != without.people[0].judge_advantage


def test_a_judge_is_needed_and_a_sensible_epsilon():
    scores = noisy(60, 3, 1)
    with pytest.raises(ValueError, match="needs the scores of a judge"):
        alternative_annotator_test(panel(dict(zip("abc", scores, strict=True))))
    for epsilon in (-0.1, 1, float("nan")):
        with pytest.raises(ValueError, match=f"epsilon is {epsilon:g}; it must be at least 0 and below 1"):
            alternative_annotator_test(panel(dict(zip("abc", scores, strict=True)), scores[0]), epsilon=epsilon)
