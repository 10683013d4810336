"""May the judge stand in for a person? The alternative annotator test.

Pure. After Calderon, Reichart and Dror, The Alternative Annotator Test for LLM-as-a-Judge, ACL 2025. One person at a
time is left out; on each item judge and person are held against the remaining people, and whoever is at least as near
to them (by root mean squared difference) has the advantage, in a tie both. The test asks for each person whether the
judge has it less often than the person by no more than epsilon, the price of a person's work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
from scipy.special import stdtr

from eval.stats.bootstrap import BOOTSTRAP, Bootstrap, Floats, Measure, Reason, ratio, summed
from eval.stats.intervals import ROUNDING
from eval.stats.scores import Panel

EPSILON = 0.15  # the paper's advice: 0.2 where people are experts, 0.15 skilled, 0.1 crowd workers
FALSE_DISCOVERY_RATE = 0.05
MIN_PEOPLE = 3  # with two there is no consensus to stand nearer to
T_TEST_FROM = 30  # the paper asks for 30 items a person, and for a signed-rank test below
PASSING_RATE = 0.5  # of the people
FEW_PEOPLE = 5  # tested; with fewer a single one of them is a quarter of the verdict or more

Test = Literal["t", "signed-rank"]


@dataclass(frozen=True, slots=True)
class AgainstPerson:
    """The test against one person; without a test where they share too few questions with others."""

    name: str
    n: int  # items that the person, the judge and somebody else scored
    n_questions: int
    judge_advantage: float | None  # how often the judge is at least as near to the others as the person
    person_advantage: float | None  # how often the person is at least as near as the judge
    test: Test | None = None
    p: float | None = None
    adjusted_p: float | None = None  # Benjamini and Yekutieli, over the people tested
    won: bool | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """The winning rate (omega), the average advantage probability (rho), and by what they were found.

    `passed` where the judge wins against half of the people tested or more. One that does not pass is not shown to be
    worse: too few items have the same effect. In `advantage`, `n` counts the people tested. `n_people` gave scores;
    `n_tested` of them share enough questions with others, `fewest` questions and `most` questions each. `cautions`:
    what makes the verdict a weak one, in words.
    """

    people: tuple[AgainstPerson, ...]
    winning_rate: float | None
    advantage: Measure
    passed: bool | None
    epsilon: float
    false_discovery_rate: float
    reason: Reason | None = None
    n_people: int = 0
    n_tested: int = 0
    fewest: int | None = None
    most: int | None = None
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Advantages:
    """How often judge and person have the advantage, by question, and by how many items each question says so."""

    judge: Floats
    person: Floats
    items: Floats

    @property
    def asked(self) -> Floats:
        return (self.items > 0).astype(float)


def alternative_annotator_test(
    panel: Panel,
    *,
    epsilon: float = EPSILON,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Replacement:
    """Test whether the judge may replace a person.

    Other than in the paper, items of one question are averaged first, because they are not independent; with one item a
    question it is the paper's test. A person needs `bootstrap.minimum` questions, and three such people are needed,
    else there is no result and a reason. One-sided t-test from 30 questions, exact signed-rank test below, and where
    the differences do not spread. Raises ValueError without a judge, or for an epsilon outside 0 to 1.
    """
    if panel.judge is None:
        raise ValueError("The alternative annotator test needs the scores of a judge.")
    if not 0 <= epsilon < 1:
        raise ValueError(f"epsilon is {epsilon:g}; it must be at least 0 and below 1.")
    advantages = [_advantages(panel, panel.judge, person) for person in range(len(panel.names))]
    people = [_described(name, of, bootstrap) for name, of in zip(panel.names, advantages, strict=True)]
    tested = [i for i, person in enumerate(people) if person.reason is None]
    if len(tested) < MIN_PEOPLE:
        reason = Reason.too_few_raters if len(people) < MIN_PEOPLE else Reason.too_few
        nothing = Measure(None, None, None, len(tested), 0, reason)
        given = Replacement(tuple(people), None, nothing, None, epsilon, false_discovery_rate, reason)
        return _counted(given)
    tests = [_test(advantages[i], epsilon) for i in tested]
    for i, (test, p), adjusted in zip(tested, tests, benjamini_yekutieli([p for _, p in tests]), strict=True):
        won = adjusted <= false_discovery_rate
        people[i] = replace(people[i], test=test, p=p, adjusted_p=adjusted, won=won)
    winning_rate = sum(people[i].won is True for i in tested) / len(tested)
    advantage = _average_advantage([advantages[i] for i in tested], bootstrap)
    passed = winning_rate >= PASSING_RATE
    given = Replacement(tuple(people), winning_rate, advantage, passed, epsilon, false_discovery_rate)
    return _counted(given, seldom_ties=_is_whole(panel.ratings) and not _is_whole(panel.judge))


def _is_whole(scores: Floats) -> bool:
    known = scores[~np.isnan(scores)]
    return bool(np.all(known == np.rint(known)))


def _counted(found: Replacement, seldom_ties: bool = False) -> Replacement:
    """The same with how many people and questions it rests on, and what makes it a weak one."""
    asked = [person.n_questions for person in found.people if person.reason is None]
    counted = replace(found, n_people=len(found.people), n_tested=len(asked))
    if not asked:
        return counted
    counted = replace(counted, fewest=min(asked), most=max(asked))
    return counted if found.winning_rate is None else replace(counted, cautions=_cautions(counted, seldom_ties))


def _cautions(found: Replacement, seldom_ties: bool) -> tuple[str, ...]:
    said = []
    if seldom_ties:
        said.append("its scores lie between points and so seldom tie with a person's, which counts against it here")
    won, tested = sum(person.won is True for person in found.people), found.n_tested
    if tested < FEW_PEOPLE:
        said.append(f"only {tested} people were tested, and others may score otherwise")
    if found.fewest is not None and found.fewest < T_TEST_FROM:
        said.append(f"the paper asks for {T_TEST_FROM} questions a person, and one has {found.fewest}")
    turned = won - 1 if found.passed else won + 1
    if (turned / tested >= PASSING_RATE) != found.passed:
        said.append("one person more or less would turn it")
    return tuple(said)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """P values adjusted so that those at most q have a false discovery rate of at most q, dependent as they may be.

    Benjamini and Yekutieli, The Annals of Statistics 29 (2001) 1165-1188, theorem 1.3.
    """
    p, m = np.asarray(p_values, dtype=float), len(p_values)
    order, rank = np.argsort(p), np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum.accumulate((p[order] * m / rank * (1 / rank).sum())[::-1])[::-1]
    return np.minimum(adjusted, 1).tolist()


def signed_rank_p(differences: Floats) -> float:
    """The exact one-sided p of the signed-rank test that `differences` lie below 0.

    Wilcoxon, Biometrics Bulletin 1 (1945) 80-83. Zeros are dropped and ties share their mean rank; the distribution
    over all signs is that of these very ranks. With nothing but zeros there is no evidence: 1.
    """
    rounded = np.round(differences, 12)  # equal differences tie, however they were added up
    rounded = rounded[rounded != 0]
    _, of, counts = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(counts) - counts + 1)[of]  # midranks, twice, so that they are whole
    chances = np.ones(1)  # that the ranks of positive signs sum to 0, 1, 2, ... by chance
    for rank in doubled:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    return min(1.0, float(chances[: doubled[rounded > 0].sum() + 1].sum()))


def _advantages(panel: Panel, judge: Floats, person: int) -> _Advantages:
    own, others = panel.ratings[person], panel.others(person)
    shared = ~np.isnan(own + judge) & ~np.isnan(others).all(axis=0)
    of_judge, of_person = (np.nansum((others - scores) ** 2, axis=0)[shared] for scores in (judge, own))
    tie = np.isclose(of_judge, of_person, rtol=1e-9, atol=1e-12)  # equal but for how they were added up
    columns = [(of_judge < of_person) | tie, (of_person < of_judge) | tie, np.ones(len(tie))]
    sums = summed(np.stack(columns, axis=1).astype(float), panel.question[shared], panel.n_questions)
    items = sums[:, 2]
    return _Advantages(np.nan_to_num(ratio(sums[:, 0], items)), np.nan_to_num(ratio(sums[:, 1], items)), items)


def _described(name: str, of: _Advantages, bootstrap: Bootstrap) -> AgainstPerson:
    """What there is to say without a test, with the reason where there can be none."""
    n, n_questions = int(of.items.sum()), int(of.asked.sum())
    reason = Reason.too_few if n_questions < max(bootstrap.minimum, 1) else None
    judge, person = (float(rates.sum() / n_questions) if n_questions else None for rates in (of.judge, of.person))
    return AgainstPerson(name, n, n_questions, judge, person, reason=reason)


def _test(of: _Advantages, epsilon: float) -> tuple[Test, float]:
    """The chance of so small a difference person - judge, or a smaller one, were the true one epsilon."""
    differences = (of.person - of.judge)[of.items > 0] - epsilon
    n = len(differences)
    if n < T_TEST_FROM or np.ptp(differences) <= ROUNDING:
        return "signed-rank", signed_rank_p(differences)
    return "t", float(stdtr(n - 1, differences.mean() / (differences.std(ddof=1) / sqrt(n))))


def _average_advantage(tested: list[_Advantages], bootstrap: Bootstrap) -> Measure:
    """The judge's advantage averaged over people; n is how many, the interval a bootstrap over questions."""
    judge, asked = (np.stack(columns, axis=1) for columns in ([of.judge for of in tested], [of.asked for of in tested]))

    def figure(weights: Floats) -> Floats:
        return ratio(weights @ judge, weights @ asked).mean(axis=1)

    found = bootstrap.measure(
        figure,
        n=int(asked.sum()),
        n_questions=int(asked.any(axis=1).sum()),
        undefined=Reason.too_few,
        width=2 * len(tested),
        drawn_from=len(asked),
    )
    return replace(found, n=len(tested))
