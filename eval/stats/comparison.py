"""Two targets on the same questions: the difference, its interval, its size, a test and a verdict in words.

Pure. Takes one value a question and target, repeats averaged (see `question_means`), higher being better. How many
questions would decide is asked of planning.py; who is best among many is best.py's business.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from math import ceil, exp, lgamma, log2, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.stats.bounded import bounded_interval, normal_enough
from eval.stats.intervals import CONFIDENCE, ROUNDING, mean_interval
from eval.stats.planning import ALPHA, MOST_QUESTIONS, questions_needed
from eval.stats.quality import SCALE

Outcome = Literal["better", "worse", "not decisive", "no comparison"]
Test = Literal["sign-flip", "wilcoxon"]
Values = Mapping[Hashable, float]

EXACT_UP_TO = 16  # differences other than 0: 65,536 patterns of signs
DRAWS = 20_000
SEED = 20_261_103
BLOCK = 2_000  # patterns of signs held in memory at once
FEW = 5  # shared questions below which a small difference is no sign that thousands would be needed


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first target less the second over `n` shared questions; None where there is no such figure, never 0.

    `difference`, `low`, `high`: mean and interval in points. `effect_size`: the mean over the standard deviation of the
    differences, with Hedges' correction. `p`: of this pair alone; `p_holm`: held against all pairs compared with it.
    `more_questions`: beyond the shared ones, for a verdict. `words`: the verdict for people. `method`: how the quality
    of both was found, `n_people` on how many hand scores of each and `more_hand_scores` how many more would decide,
    where such were looked at.
    """

    first: str
    second: str
    n: int
    outcome: Outcome
    words: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    effect_size: float | None = None
    p: float | None = None
    p_holm: float | None = None
    more_questions: int | None = None
    method: str | None = None
    n_people: tuple[int, int] | None = None
    n_people_shared: int | None = None  # questions hand-scored for both
    more_hand_scores: int | None = None

    @property
    def hand_scores(self) -> str:
        """How many hand-scored questions of each target a difference rests on, and how many both share, or "none"."""
        if self.n_people is None:
            return "none"
        one, other = self.n_people
        return f"{one} and {other}, {self.n_people_shared or 0} shared"


class Measured(NamedTuple):
    """A comparison without its verdict, and what it becomes where so many tests leave it open."""

    comparison: Comparison
    undecided: Callable[[Comparison, int], Comparison]


def question_means(values: Iterable[tuple[Hashable, float]]) -> dict[Hashable, float]:
    """One value a question: the mean over its repeats, which are not independent of each other."""
    repeats: defaultdict[Hashable, list[float]] = defaultdict(list)
    for question, value in values:
        repeats[question].append(value)
    return {question: sum(found) / len(found) for question, found in repeats.items()}


def compare_all(
    scores: Mapping[str, Values],
    *,
    test: Test = "sign-flip",
    scale: tuple[float, float] | None = SCALE,
    confidence: float = CONFIDENCE,
    seed: int = SEED,
    instead: Mapping[tuple[str, str], Measured] | None = None,
) -> list[Comparison]:
    """Every pair of targets, in the order given, with p-values held against all pairs (Holm).

    A pair is "better" or "worse" only where its Holm p-value lies below 5 % and its interval leaves 0 out. `scale` is
    that of the values, None where they have no ends. `instead`: pairs that were measured otherwise (calibrated.py).
    """
    given = instead or {}
    measured = [
        given.get((first, second))
        or _measure(first, second, scores[first], scores[second], test, scale, confidence, seed)
        for first, second in combinations(scores, 2)
    ]
    adjusted = holm([each.comparison.p for each in measured])
    tests = sum(p is not None for p in adjusted)
    return [
        each.comparison if p is None else _judge(each._replace(comparison=replace(each.comparison, p_holm=p)), tests)
        for each, p in zip(measured, adjusted, strict=True)
    ]


def _measure(
    first: str,
    second: str,
    ours: Values,
    theirs: Values,
    test: Test,
    scale: tuple[float, float] | None,
    confidence: float,
    seed: int,
) -> Measured:
    shared = [question for question in ours if question in theirs]
    differences = np.sort([ours[question] - theirs[question] for question in shared])  # their order tells nothing
    n = len(shared)
    undecided = partial(_undecided, differences=differences, scale=scale)
    if n < 2:
        reason = "no question was" if n == 0 else "only one question was"
        words = f"no comparison: {reason} scored for both; at least 2 are needed"
        return Measured(Comparison(first, second, n, "no comparison", words), undecided)
    low, high = _interval(differences, scale, confidence)
    found = Comparison(
        first,
        second,
        n,
        "not decisive",
        "",
        difference=float(differences.mean()),
        low=low,
        high=high,
        effect_size=effect_size(differences),
        p=sign_flip_p(signed_ranks(differences) if test == "wilcoxon" else differences, seed=seed),
    )
    return Measured(found, undecided)


def _interval(
    differences: NDArray[np.float64], scale: tuple[float, float] | None, confidence: float
) -> tuple[float | None, float | None]:
    """Student's t, or Gaffke's interval where the differences are too lopsided for it or do not differ.

    Student's t leaves out 0 too easily where a rare far difference is missing from the sample and nothing shows it. So
    it stands only where Gaffke's leaves out 0 as well, or where neither would: else Gaffke's is the interval.
    """
    normal = mean_interval(differences.tolist(), confidence=confidence)
    if scale is None:
        return normal.low, normal.high
    fits = normal_enough(differences - differences.mean())
    if fits and normal.low is not None and normal.high is not None and normal.low <= 0 <= normal.high:
        return normal.low, normal.high
    reach = scale[1] - scale[0]
    low, high = bounded_interval(differences, bounds=(-reach, reach), confidence=confidence)
    return (normal.low, normal.high) if fits and (low > 0 or high < 0) else (low, high)


def _judge(measured: Measured, tests: int) -> Comparison:
    """The comparison with its verdict."""
    found = measured.comparison
    clear = found.low is None or found.high is None or found.low > 0 or found.high < 0
    if found.p_holm is not None and found.p_holm < ALPHA and clear and found.difference:
        outcome: Outcome = "better" if found.difference > 0 else "worse"
        return replace(found, outcome=outcome, words=outcome)
    return measured.undecided(found, tests)


def _undecided(
    found: Comparison, tests: int, *, differences: NDArray[np.float64], scale: tuple[float, float] | None
) -> Comparison:
    """The same comparison with how many more questions would decide it."""
    needed = _needed(differences, tests, scale)
    if needed is None and found.n < FEW:
        return replace(found, words="not decisive (too few questions to tell)")
    if needed is None:
        return replace(
            found, words=f"not decisive (a difference so small needs more than {MOST_QUESTIONS:,} questions)"
        )
    more = max(needed - found.n, 1)
    return replace(found, more_questions=more, words=f"not decisive (needs about {rounded(more)} more questions)")


def _needed(differences: NDArray[np.float64], tests: int, scale: tuple[float, float] | None) -> int | None:
    """Questions that would show a difference like the one seen, None where that is out of reach.

    As many as give the t test 80 % power, let the sign-flip test reach its level at all, and take Gaffke's interval
    off 0.
    """
    mean, sd = abs(float(differences.mean())), float(differences.std(ddof=1))
    if mean <= ROUNDING:
        return None
    needed = questions_needed(mean, sd, comparisons=tests) if sd > ROUNDING * mean else 1
    if needed is None:
        return None
    needed = max(needed, ceil(1 + log2(tests / ALPHA)))
    while scale is not None and needed <= MOST_QUESTIONS:
        times, reach = max(needed / len(differences), 1), scale[1] - scale[0]
        low, high = bounded_interval(differences, bounds=(-reach, reach), times=times)
        if low > 0 or high < 0:
            break
        needed = ceil(1.05 * needed)
    return needed


def rounded(count: int) -> str:
    """Two significant digits, rounded up: more would claim to know."""
    step = 10 ** max(len(str(count)) - 2, 0)
    return f"{-(-count // step) * step:,}"


def effect_size(differences: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Cohen's d of paired differences (d_z), with Hedges' exact correction for small samples; None without spread.

    Hedges, Distribution theory for Glass's estimator of effect size, Journal of Educational Statistics 6 (1981).
    """
    values = np.asarray(differences, dtype=float)
    freedom = len(values) - 1
    if freedom < 2 or np.ptp(values) <= ROUNDING * float(np.abs(values).max()):
        return None
    correction = exp(lgamma(freedom / 2) - lgamma((freedom - 1) / 2)) / sqrt(freedom / 2)
    return correction * float(values.mean()) / float(values.std(ddof=1))


def sign_flip_p(differences: Sequence[float] | NDArray[np.float64], *, seed: int = SEED, draws: int = DRAWS) -> float:
    """The two-sided p-value of "each difference could as well have had the other sign".

    Over all patterns of signs up to EXACT_UP_TO differences, else over `draws` random ones, the seen one counted as one
    of them (Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010). Differences of 0
    tell nothing. R. A. Fisher, The Design of Experiments (1935), section 21.
    """
    values = np.asarray(differences, dtype=float)
    sizes = np.sort(np.abs(values[values != 0]))
    n, total = len(sizes), float(sizes.sum())
    least = abs(float(values.sum())) - ROUNDING * total * max(n, 1)
    if n <= EXACT_UP_TO:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
        return float((np.abs(2 * (patterns @ sizes) - total) >= least).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, draws, BLOCK):
        size = (min(BLOCK, draws - start), -(-n // 8))
        bits = np.unpackbits(rng.integers(0, 256, size, dtype=np.uint8), axis=1, count=n)
        extreme += int((np.abs(2 * (bits.astype(float) @ sizes) - total) >= least).sum())
    return (extreme + 1) / (draws + 1)


def signed_ranks(differences: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilcoxon's signed ranks: differences of 0 left out, ties sharing their mean rank.

    Their sign-flip test is the exact form of Wilcoxon's test (Biometrics Bulletin 1, 1945).
    """
    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    _, level, counts = np.unique(np.abs(values).round(12), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.sign(values) * (last - (counts - 1) / 2)[level]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values; None stays None and does not count as a test.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[i] = largest
    return adjusted
