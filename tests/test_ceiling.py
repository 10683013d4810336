"""Each person against the others, the judge against the same: on the same items, with the same reference."""

import numpy as np
import pytest
from scipy import stats
from scored import QUICK, interval, noisy, value

from eval.stats.bootstrap import Measure, Reason
from eval.stats.ceiling import leave_one_out
from eval.stats.scores import panel

NAMES = ("Anna", "Ben", "Chloe")


def people(n: int, seed: int, per: int = 1) -> dict[str, np.ndarray]:
    return dict(zip(NAMES, noisy(n, 4, seed, per=per), strict=False))


def test_each_person_and_the_judge_are_held_against_the_mean_of_the_others():
    *scores, judge = noisy(40, 4, 1)
    found = leave_one_out(panel(dict(zip(NAMES, scores, strict=True)), judge), QUICK)
    for i, one in enumerate(found.held_out):
        others = np.mean([s for j, s in enumerate(scores) if j != i], axis=0)
        assert one.name == NAMES[i]
        assert value(one.person) == pytest.approx(stats.spearmanr(scores[i], others).statistic)
        assert one.judge is not None
        assert value(one.judge) == pytest.approx(stats.spearmanr(judge, others).statistic)
        assert (one.person.n, one.judge.n) == (40, 40)
    assert found.judge is not None
    assert found.difference is not None
    assert value(found.person) == pytest.approx(np.mean([value(one.person) for one in found.held_out]))
    assert value(found.judge) == pytest.approx(np.mean([value(one.judge) for one in found.held_out if one.judge]))
    assert value(found.difference) == pytest.approx(value(found.judge) - value(found.person))
    assert (found.person.n, found.person.n_questions) == (found.judge.n, found.judge.n_questions) == (3, 40)


def test_only_items_count_that_the_person_somebody_else_and_the_judge_scored():
    *scores, judge = noisy(60, 4, 2)
    scores[0][:10] = np.nan  # Anna did not score these
    scores[1][5:20] = np.nan
    scores[2][5:] = np.nan  # nor did Chloe most of them
    judge[50:] = np.nan
    found = leave_one_out(panel(dict(zip(NAMES, scores, strict=True)), judge), QUICK)
    anna, ben, chloe = found.held_out
    shared = np.arange(20, 50)  # Anna and Ben and the judge; from 10 to 20 there is nobody else
    expected = stats.spearmanr(scores[0][shared], scores[1][shared]).statistic
    assert (anna.person.n, value(anna.person)) == (30, pytest.approx(expected))
    assert ben.person.n == 35
    assert (chloe.person.n, chloe.person.reason) == (5, Reason.too_few)
    assert found.person.n == 2
    assert value(found.person) == pytest.approx((value(anna.person) + value(ben.person)) / 2)


def test_a_judge_nearer_to_the_people_than_they_to_each_other_stands_above_the_ceiling_and_a_random_one_below():
    noise, rng = noisy(80, 3, 3, noise=1.2, per=2), np.random.default_rng(3)
    questions = np.repeat(np.arange(80), 2).tolist()
    given = dict(zip(NAMES, noise, strict=True))
    good = leave_one_out(panel(given, noise.mean(axis=0), questions), QUICK)
    assert good.difference is not None
    assert interval(good.difference)[0] > 0
    bad = leave_one_out(panel(given, rng.integers(1, 6, 160), questions), QUICK)
    assert bad.difference is not None
    assert interval(bad.difference)[1] < 0


def test_without_a_judge_there_is_only_the_ceiling():
    found = leave_one_out(panel(people(30, 4)), QUICK)
    assert (found.judge, found.difference) == (None, None)
    assert all(one.judge is None for one in found.held_out)
    assert found.person.value is not None


def test_one_person_has_nobody_to_be_held_against():
    found = leave_one_out(panel({"Anna": [1, 2, 3, 4] * 5}, [1, 2, 3, 4] * 5))
    assert found.held_out[0].person == Measure(None, None, None, 0, 0, Reason.too_few)
    nothing = Measure(None, None, None, 0, 0, Reason.too_few_raters)
    assert (found.person, found.judge, found.difference) == (nothing, nothing, nothing)
    assert leave_one_out(panel({})).person == nothing


def test_a_person_who_gives_everything_the_same_score_is_left_out_of_the_mean():
    given = people(30, 5)
    found = leave_one_out(panel({**given, "Dan": [4.0] * 30}), QUICK)
    assert found.held_out[3].person.reason is Reason.constant_rater
    assert found.person.n == 3
    both = leave_one_out(panel({"Dan": [4] * 30, "Eve": [4] * 30}))
    assert both.person == Measure(None, None, None, 0, 0, Reason.constant_rater)


def test_the_order_of_the_people_does_not_matter():
    given = people(30, 6, per=2)
    back = dict(reversed(given.items()))
    one, other = leave_one_out(panel(given), QUICK), leave_one_out(panel(back), QUICK)
    assert value(one.person) == pytest.approx(value(other.person))
    assert interval(one.person) == pytest.approx(interval(other.person))
    assert {held.name: held.person for held in one.held_out} == {held.name: held.person for held in other.held_out}


@pytest.mark.parametrize(
    ("judge", "questions", "message"),
    [
        ([1, 2, 3], ["a", "b"], "3 scores of the judge for 2 items"),
        (None, ["a"], "1 questions for 2 items"),
    ],
)
def test_columns_of_other_lengths_are_refused(judge: list[int] | None, questions: list[str], message: str):
    with pytest.raises(ValueError, match=message):
        panel({"Anna": [1, 2], "Ben": [2, None]}, judge, questions)
    with pytest.raises(ValueError, match="3 scores of Ben for 2 items; a missing score is None"):
        panel({"Anna": [1, 2], "Ben": [1, 2, 3]})
