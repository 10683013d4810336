"""All figures of many raters together are those that each module gives, and a judge is held against the people."""

import numpy as np
import pytest
from scored import QUICK, noisy, value

from eval.stats.agreement import quadratic_kappa
from eval.stats.bootstrap import Reason
from eval.stats.ceiling import leave_one_out
from eval.stats.panel import panel_agreement
from eval.stats.reliability import Level, alpha
from eval.stats.replacement import alternative_annotator_test
from eval.stats.scores import paired, panel

QUESTIONS = [f"q{i:02}" for i in np.repeat(np.arange(30), 3)]
TARGETS = ["small", "large", "hybrid"] * 30


def given(seed: int = 1) -> tuple[dict[str, np.ndarray], np.ndarray]:
    anna, ben, chloe, judge = noisy(30, 4, seed, bias=(0, 0, 0, 0.6), per=3)
    ben[::4] = np.nan
    anna[:2] = ben[:2] = chloe[:2] = np.nan
    return {"Anna": anna, "Ben": ben, "Chloe": chloe}, judge


def test_the_panel_holds_every_figure():
    people, judge = given()
    found = panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS, bootstrap=QUICK)
    assert (found.n, found.n_questions, found.people) == (88, 30, ("Anna", "Ben", "Chloe"))
    ratings = np.stack(list(people.values()))
    for level in Level:
        assert found.alpha[level] == alpha(ratings, QUESTIONS, level, QUICK)
    assert set(found.kappas) == {("Anna", "Ben"), ("Anna", "Chloe"), ("Ben", "Chloe")}
    expected = quadratic_kappa(paired(people["Anna"], people["Ben"], QUESTIONS), bootstrap=QUICK)
    assert found.kappas["Anna", "Ben"] == expected
    scores = panel(people, judge, QUESTIONS)
    assert found.ceiling == leave_one_out(scores, QUICK)
    assert found.judge is not None
    assert found.judge.replacement == alternative_annotator_test(scores, bootstrap=QUICK)
    assert value(found.judge.kappas["Ben"]) == value(quadratic_kappa(paired(judge, people["Ben"])))
    assert found.judge.alpha[Level.ordinal] == alpha(np.vstack([judge, ratings]), QUESTIONS, Level.ordinal, QUICK)


def test_the_price_of_peoples_work_is_handed_on():
    people, judge = given()
    found = panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS, epsilon=0.4, bootstrap=QUICK)
    assert found.judge is not None
    expected = alternative_annotator_test(panel(people, judge, QUESTIONS), epsilon=0.4, bootstrap=QUICK)
    assert found.judge.replacement == expected


def test_the_judge_is_held_against_the_mean_of_those_who_scored_an_item():
    people, judge = given()
    found = panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS, bootstrap=QUICK)
    assert found.judge is not None
    mean = np.nanmean(np.stack(list(people.values()))[:, 2:], axis=0)
    with_mean = found.judge.with_mean
    assert (with_mean.n, with_mean.n_left_out, with_mean.n_targets) == (88, 2, 3)
    assert value(with_mean.bias) == pytest.approx((judge[2:] - mean).mean())
    assert (
        sum(map(sum, with_mean.confusion or ()))
        == with_mean.kappa.n
        == np.count_nonzero(~np.isnan(np.stack(list(people.values()))[:, 2:]))
    )
    assert value(with_mean.quadratic_kappa) > 0
    assert set(found.judge.bias.targets) == {"small", "large", "hybrid"}
    assert found.judge.bias.degrees == (2, 27)  # two targets lack a question


def test_people_without_a_judge_have_figures_of_their_own():
    people, _ = given()
    found = panel_agreement(people, questions=QUESTIONS, targets=TARGETS, bootstrap=QUICK)
    assert found.judge is None
    assert found.ceiling.judge is None
    assert value(found.alpha[Level.ordinal]) > 0


def test_one_person_and_a_judge_are_two_raters_and_no_panel():
    people, judge = given()
    found = panel_agreement({"Anna": people["Anna"]}, judge, questions=QUESTIONS, targets=TARGETS, bootstrap=QUICK)
    assert {measure.reason for measure in found.alpha.values()} == {Reason.nothing_to_pair}
    assert found.kappas == {}
    assert found.ceiling.person.reason is Reason.too_few_raters
    assert found.judge is not None
    assert found.judge.replacement.reason is Reason.too_few_raters
    assert value(found.judge.kappas["Anna"]) == value(found.judge.with_mean.quadratic_kappa)


def test_nobody_at_all_has_no_figures():
    found = panel_agreement({}, questions=[], targets=[])
    assert (found.n, found.n_questions, found.people, found.judge) == (0, 0, (), None)
    assert {measure.reason for measure in found.alpha.values()} == {Reason.nothing_to_pair}


def test_a_score_outside_the_scale_is_refused_by_the_raters_name():
    people, judge = given()
    people["Ben"][7] = 9
    with pytest.raises(ValueError, match="A score of Ben is 9, outside the scale from 1 to 5"):
        panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS)
    people["Ben"][7] = 3
    judge[0] = 0  # an item that nobody else scored
    with pytest.raises(ValueError, match="A score of the judge is 0, outside the scale from 1 to 5"):
        panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS)
    with pytest.raises(ValueError, match="1 targets for 90 items"):
        panel_agreement(people, questions=QUESTIONS, targets=["small"])


@pytest.mark.parametrize("labels", [tuple(range(1, 8)), tuple(range(101))])
def test_a_wider_scale_changes_no_kappa_and_no_alpha(labels: tuple[int, ...]):
    people, judge = given()
    one = panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS, bootstrap=QUICK)
    other = panel_agreement(people, judge, questions=QUESTIONS, targets=TARGETS, labels=labels, bootstrap=QUICK)
    assert one.alpha == other.alpha
    for pair, measure in one.kappas.items():
        assert value(other.kappas[pair]) == pytest.approx(value(measure))
