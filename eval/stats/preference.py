"""People's preferences between two targets' answers to the same questions: who wins how often, and is it decided.

Pure. Takes 1 where the first target's answer was found better, 0.5 where both were the same, 0 where the second's was.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

from scipy.special import bdtr, ndtri

from eval.stats.bounded import bounded_interval
from eval.stats.comparison import Outcome, holm, question_means, rounded
from eval.stats.intervals import CONFIDENCE
from eval.stats.planning import ALPHA, MOST_QUESTIONS, POWER

BETTER, SAME, WORSE = 1.0, 0.5, 0.0


@dataclass(frozen=True, slots=True)
class Preferred:
    """How often the first target was preferred to the second; None where there is no such figure, never 0.

    `n`: preferences, of them `better`, `same` and `worse`. `win_share`, `low`, `high`: mean over `n_questions` and its
    interval, 0 to 1, where "the same" counts half. `p`: of the sign test of this pair alone; `p_holm`: held against all
    pairs. `more_questions`: beyond those compared, for a verdict. `words`: the verdict for people.
    """

    first: str
    second: str
    n: int
    n_questions: int
    better: int
    same: int
    worse: int
    outcome: Outcome
    words: str
    win_share: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    more_questions: int | None = None


def preferred_all(
    preferences: Mapping[tuple[str, str], Sequence[tuple[Hashable, float]]], *, confidence: float = CONFIDENCE
) -> list[Preferred]:
    """Every pair of targets with its preferences, each with its question, held against all pairs (Holm).

    Preferences about one question (by several people, or of several repeats) are averaged first: they are not
    independent. The interval is Gaffke's (bounded.py), for preferences without ties that of Clopper and Pearson. A pair
    is "better" or "worse" only where its Holm p-value lies below 5 % and its interval leaves 0.5 out. Raises ValueError
    for a preference other than 0, 0.5 and 1.
    """
    measured = [_measure(*pair, values, confidence) for pair, values in preferences.items()]
    adjusted = holm([each.p for each, _ in measured])
    tests = sum(p is not None for p in adjusted)
    return [
        each if p is None else _judge(replace(each, p_holm=p), means, tests)
        for (each, means), p in zip(measured, adjusted, strict=True)
    ]


def _measure(
    first: str, second: str, values: Sequence[tuple[Hashable, float]], confidence: float
) -> tuple[Preferred, list[float]]:
    counts = Counter(value for _, value in values)
    if unknown := set(counts) - {BETTER, SAME, WORSE}:
        raise ValueError(f"a preference is 0, 0.5 or 1, not {min(unknown):g}")
    means = sorted(question_means(values).values())
    told = Preferred(
        first,
        second,
        n=len(values),
        n_questions=len(means),
        better=counts[BETTER],
        same=counts[SAME],
        worse=counts[WORSE],
        outcome="no comparison",
        words="no comparison: nobody compared their answers",
    )
    if not means:
        return told, means
    low, high = bounded_interval(means, bounds=(WORSE, BETTER), confidence=confidence)
    wins, losses = sum(mean > SAME for mean in means), sum(mean < SAME for mean in means)
    share = sum(means) / len(means)
    return replace(
        told, outcome="not decisive", win_share=share, low=low, high=high, p=sign_test_p(wins, losses)
    ), means


def sign_test_p(wins: int, losses: int) -> float:
    """The two-sided p-value of the sign test, exact, ties left out; 1 where there is nothing but ties.

    W. J. Dixon and A. M. Mood, The statistical sign test, Journal of the American Statistical Association 41 (1946).
    """
    return min(1.0, 2 * float(bdtr(min(wins, losses), wins + losses, 0.5)))


def _judge(found: Preferred, means: Sequence[float], tests: int) -> Preferred:
    """The same with its verdict."""
    assert found.win_share is not None
    assert found.low is not None
    assert found.high is not None
    clear = found.low > SAME or found.high < SAME
    if found.p_holm is not None and found.p_holm < ALPHA and clear:
        outcome: Outcome = "better" if found.win_share > SAME else "worse"
        return replace(found, outcome=outcome, words=outcome)
    needed = _needed(means, tests)
    if needed is None:
        words = f"not decisive (a difference so small needs more than {MOST_QUESTIONS:,} questions)"
        return replace(found, words=words)
    more = max(needed - len(means), 1)
    return replace(found, more_questions=more, words=f"not decisive (needs about {rounded(more)} more questions)")


def _needed(means: Sequence[float], tests: int) -> int | None:
    """Questions that would show a share of wins like the one seen with 80 % power, None where that is out of reach.

    Noether's formula for the sign test (Sample size determination for some common nonparametric tests, Journal of the
    American Statistical Association 82, 1987), ties added; never fewer than let the exact test reach its level.
    """
    wins, losses = sum(mean > SAME for mean in means), sum(mean < SAME for mean in means)
    if wins == losses:
        return None
    lead = wins / (wins + losses) - 0.5
    decided = float(ndtri(1 - ALPHA / tests / 2) + ndtri(POWER)) ** 2 / (4 * lead**2)
    needed = ceil(max(decided, 1 + log2(tests / ALPHA)) * len(means) / (wins + losses))
    return needed if needed <= MOST_QUESTIONS else None
