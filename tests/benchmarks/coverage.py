"""How often the intervals of the quality number hold the truth, and how wide they are.

    python tests/benchmarks/coverage.py [--draws 2000] [--questions 100]

Prints the tables of docs/statistics.md: the quality number beside people alone and two textbook intervals; candidates
for scores near the end of the scale; stratified draws; a random and a stratified queue as one; differences of two
targets; and the time the bootstrap of 10 targets takes. Seeded; nothing is asserted here, tests/test_corrected.py
asserts a small part.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from eval.hand_sample import HandScores
from eval.stats.best import bootstrap_means
from eval.stats.bounded import bounded_interval
from eval.stats.comparison import compare_all
from eval.stats.corrected import Inference
from eval.stats.quality import QuestionScores, quality

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import judged

SIZES = (10, 20, 50)
JUDGES: tuple[judged.Judge, ...] = ("good", "useless", "biased")
INFERENCES: tuple[Inference, ...] = ("questions like these", "this question set")
Floats = NDArray[np.float64]
Limits = tuple[float, float]


def both(intervals: Sequence[Limits], truths: Floats) -> str:
    """Coverage and mean width as two cells of a table."""
    return f"{judged.coverage(intervals, truths):.1%} | {judged.width(intervals):.2f}"


def print_head(*names: str) -> None:
    print("\n| " + " | ".join(names) + " |\n|" + " --- |" * len(names))


# --- the quality number ---------------------------------------------------------------------------------------------


def student(sample: Floats, left: float) -> Limits:
    """Student's t on the hand scores, as if the scale had no end."""
    half = float(stats.t.ppf(0.975, len(sample) - 1)) * float(sample.std(ddof=1)) * (left / len(sample)) ** 0.5
    return float(sample.mean()) - half, float(sample.mean()) + half


def textbook_ppi(people: Floats, judge: Floats, n: int, inference: Inference) -> Limits:
    """PPI++ as published: normal quantile, the tuned weight taken as known, no look at the shape of the scores."""
    y, f, rest = people[:n], judge[:n], judge[n:]
    variance = float(judge.var())
    weight = float(np.cov(y, f, ddof=0)[0, 1]) / (1 + n / len(rest)) / variance if variance else 0.0
    weight = min(max(weight, 0.0), 1.0)
    value = float(y.mean()) + weight * float(rest.mean() - f.mean())
    if inference == "questions like these":
        squared = float((y - weight * f).var()) / n + weight**2 * float(rest.var()) / len(rest)
    else:  # the same weight in the regression form, with the finite population correction
        squared = float((y - weight * len(people) / len(rest) * f).var()) / n * len(rest) / len(people)
    return value - 1.96 * squared**0.5, value + 1.96 * squared**0.5


def table_of_quality(draws: int, questions: int) -> None:
    print_head(
        "target of inference", "scores", "judge", "n", "coverage", "width", "judge used",
        "people alone", "width", "t on people alone", "width", "PPI++ as published", "width",
    )  # fmt: skip
    for inference, scores, judge, n in product(INFERENCES, judged.SCORES, JUDGES, SIZES):
        shares = judged.SCORES[scores]
        people, judge_scores = judged.draw(shares, judge, draws, questions, np.random.default_rng(n))
        truths = judged.truth(people, shares, inference)
        rows = [judged.scored(y, f, n) for y, f in zip(people, judge_scores, strict=True)]
        found = [quality(row, inference=inference) for row in rows]
        alone = [quality(judged.without_judge(row), inference=inference) for row in rows]
        left = 1.0 if inference == "questions like these" else 1 - n / questions
        published = [textbook_ppi(y, f, n, inference) for y, f in zip(people, judge_scores, strict=True)]
        used = np.mean([q.method == "human-corrected" for q in found])
        print(
            f"| {inference} | {scores} | {judge} | {n} | {both(judged.limits(found), truths)} | {used:.0%} "
            f"| {both(judged.limits(alone), truths)} | {both([student(y[:n], left) for y in people], truths)} "
            f"| {both(published, truths)} |",
            flush=True,
        )


def stratified(
    people: Floats, judge: Floats, n: int, proportional: bool, rng: np.random.Generator
) -> list[QuestionScores]:
    """Two strata, below the judge's median and the rest; n drawn in proportion to their size, or half from each."""
    lower = judge < max(np.median(judge), 2)
    rows = [QuestionScores(float(f), stratum=str(s)) for f, s in zip(judge, lower, strict=True)]
    for stratum in (True, False):
        members = np.flatnonzero(lower == stratum)
        wanted = round(n * len(members) / len(people)) if proportional else n // 2
        count = min(max(wanted, 2), len(members))
        for i in rng.choice(members, count, replace=False):
            rows[i] = QuestionScores(float(judge[i]), float(people[i]), count / len(members), str(stratum))
    return rows


def table_of_strata(draws: int, questions: int) -> None:
    print_head(
        "target of inference",
        "scores",
        "judge",
        "drawn",
        "n",
        "coverage",
        "width",
        "judge used",
        "people alone",
        "width",
    )
    kinds: tuple[judged.Judge, ...] = ("good", "useless")
    shapes = ("spread", "near 5")
    for inference, scores, judge, proportional, n in product(INFERENCES, shapes, kinds, (True, False), (20, 50)):
        shares, rng = judged.SCORES[scores], np.random.default_rng(n)
        people, judge_scores = judged.draw(shares, judge, draws, questions, rng)
        truths = judged.truth(people, shares, inference)
        rows = [stratified(y, f, n, proportional, rng) for y, f in zip(people, judge_scores, strict=True)]
        found = [quality(row, inference=inference) for row in rows]
        alone = [quality(judged.without_judge(row), inference=inference) for row in rows]
        used = np.mean([q.method == "human-corrected" for q in found])
        print(
            f"| {inference} | {scores} | {judge} | {'in proportion' if proportional else 'half each'} | {n} "
            f"| {both(judged.limits(found), truths)} | {used:.0%} | {both(judged.limits(alone), truths)} |",
            flush=True,
        )


def two_queues(people: Floats, judge: Floats, plain: int, each: int, rng: np.random.Generator) -> list[QuestionScores]:
    """A random queue and one stratified in three bands of the judge's score, `each` drawn of every band, as one."""
    n = len(people)
    band = np.empty(n, dtype=int)
    for i, members in enumerate(np.array_split(np.argsort(judge, kind="stable"), 3)):
        band[members] = i
    drawn = [(1, q) for q in rng.choice(n, plain, replace=False)]
    drawn += [(2, q) for i in range(3) for q in rng.choice(np.flatnonzero(band == i), each, replace=False)]
    row = {"criterion": "c", "rubric_id": 1, "design": "random", "n_verdicts": 1, "stratum": ""}
    strata = {
        1: dict.fromkeys(range(n), ("", plain / n)),
        2: {q: (f"band {i}", each / int((band == i).sum())) for q, i in enumerate(band.tolist())},
    }
    given = tuple(row | {"sample_id": i, "question_id": int(q), "mean": float(people[q])} for i, q in drawn)
    found = HandScores(tuple(range(n)), given, strata, {}).join("c", dict(enumerate(judge.tolist())), (1.0, 5.0))
    assert found.sample_ids == (1, 2)
    return list(found.questions.values())


def table_of_two_queues(draws: int, questions: int) -> None:
    print_head("target of inference", "scores", "judge", "random", "stratified", "coverage", "width", "judge used")
    sizes, kinds = ((10, 4), (20, 8), (40, 4)), ("good", "useless")
    for inference, scores, judge, (plain, each) in product(INFERENCES, ("spread", "near 5"), kinds, sizes):
        shares, rng = judged.SCORES[scores], np.random.default_rng(plain)
        people, judge_scores = judged.draw(shares, judge, draws, questions, rng)
        rows = [two_queues(y, f, plain, each, rng) for y, f in zip(people, judge_scores, strict=True)]
        found = [quality(row, inference=inference) for row in rows]
        used = np.mean([q.method == "human-corrected" for q in found])
        cells = both(judged.limits(found), judged.truth(people, shares, inference))
        print(f"| {inference} | {scores} | {judge} | {plain} | {3 * each} | {cells} | {used:.0%} |", flush=True)


# --- differences of two targets ---------------------------------------------------------------------------------------

PAIRS = {  # the scores of two targets, and of a target that rarely fails against one that rarely shines
    "spread, spread": (judged.SCORES["spread"], judged.SCORES["spread"]),
    "near 5, near 5": (judged.SCORES["near 5"], judged.SCORES["near 5"]),
    "near 5, spread": (judged.SCORES["near 5"], judged.SCORES["spread"]),
    "98 % fives, 95 % fives": ((0.0, 0.0, 0.0, 0.02, 0.98), (0.03, 0.0, 0.0, 0.02, 0.95)),
}


def table_of_differences(draws: int) -> None:
    print_head("scores of the two", "questions", "coverage", "width", "Student's t", "width", "decisive (p < 5 %)")
    for (name, (first, second)), n in product(PAIRS.items(), (20, 60)):
        rng = np.random.default_rng(n)
        ours, _ = judged.draw(first, "useless", draws, n, rng)
        theirs, _ = judged.draw(second, "useless", draws, n, rng)
        truths = np.full(draws, float(np.dot(np.subtract(first, second), range(1, 6))))
        found = [
            compare_all({"a": dict(enumerate(a)), "b": dict(enumerate(b))})[0]
            for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)
        ]
        used = [(c.low or 0.0, c.high or 0.0) for c in found]
        plain = [student(x, 1.0) for x in ours - theirs]
        decisive = np.mean([c.outcome != "not decisive" for c in found])
        cells = " | ".join(
            f"{judged.coverage(limits, truths):.1%} | {np.mean([high - low for low, high in limits]):.2f}"
            for limits in (used, plain)
        )
        print(f"| {name} | {n} | {cells} | {decisive:.1%} |", flush=True)


DIFFERENCES = {  # of two targets, with mean 0: what is decisive then is a wrong verdict
    "-4, 0, 1 (10, 50, 40 %)": ((-4.0, 0.0, 1.0), (0.10, 0.50, 0.40)),
    "-4, 0, 1 (5, 75, 20 %)": ((-4.0, 0.0, 1.0), (0.05, 0.75, 0.20)),
    "-1, 0, 1 (25, 50, 25 %)": ((-1.0, 0.0, 1.0), (0.25, 0.50, 0.25)),
}


def table_of_rare_losses(draws: int) -> None:
    print_head("differences", "questions", "coverage", "width", "Student's t", "width", "decisive", "by t and p alone")
    for (name, (points, shares)), n in product(DIFFERENCES.items(), (20, 40, 100)):
        drawn = np.random.default_rng(n).choice(points, (draws, n), p=shares)
        truths = np.zeros(draws)
        found = [
            compare_all({"a": dict(enumerate(np.minimum(5 + row, 5))), "b": dict(enumerate(np.minimum(5 - row, 5)))})[0]
            for row in drawn
        ]
        used = [(c.low or 0.0, c.high or 0.0) for c in found]
        plain = [student(x, 1.0) for x in drawn]
        decisive = np.mean([c.outcome != "not decisive" for c in found])
        by_t = np.mean(
            [(c.p or 0) < 0.05 and not low <= 0 <= high for c, (low, high) in zip(found, plain, strict=True)]
        )
        cells = " | ".join(
            f"{judged.coverage(limits, truths):.1%} | {np.mean([high - low for low, high in limits]):.2f}"
            for limits in (used, plain)
        )
        print(f"| {name} | {n} | {cells} | {decisive:.1%} | {by_t:.1%} |", flush=True)


# --- candidates near the end of the scale -----------------------------------------------------------------------------

NEAR_THE_END = {  # the shares of 1 to 5
    "85 % fives": (0.01, 0.02, 0.03, 0.09, 0.85),
    "95 % fives": (0.01, 0.01, 0.01, 0.02, 0.95),
    "90 % fives, else 1": (0.10, 0.0, 0.0, 0.0, 0.90),
    "90 % fives, else 4": (0.0, 0.0, 0.0, 0.10, 0.90),
}


def t(x: Floats) -> Limits:
    return student(x, 1.0)


def percentile(x: Floats) -> Limits:
    means = np.random.default_rng(0).choice(x, (1_000, len(x))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def clopper_pearson(x: Floats) -> Limits:
    """Of the share of fives, everything else taken for a 1 in the lower limit and for a 4 in the upper."""
    exact = stats.binomtest(int((x == 5).sum()), len(x)).proportion_ci(0.95, method="exact")
    return 1 + 4 * float(exact.low), 4 + float(exact.high)


def hoeffding(x: Floats) -> Limits:
    half = 4 * (np.log(2 / 0.05) / (2 * len(x))) ** 0.5
    return float(x.mean()) - half, float(x.mean()) + half


def anderson(x: Floats) -> Limits:
    """The band of Dvoretzky, Kiefer, Wolfowitz and Massart around the distribution function."""
    ordered, slack = np.sort(x), (np.log(2 / 0.05) / (2 * len(x))) ** 0.5
    steps = np.arange(1, len(x) + 1) / len(x)
    lower = np.diff(np.minimum(steps + slack, 1), prepend=min(slack, 1.0))
    upper = np.diff(np.maximum(steps - slack, 0), prepend=0.0)
    return float(lower @ ordered) + min(slack, 1.0), float(upper @ ordered) + 5 * min(slack, 1.0)


def betting(x: Floats) -> Limits:
    """The hedged capital of Waudby-Smith and Ramdas (JRSS B 86, 2024) with their predictable plug-in bets."""
    z, n = (x - 1) / 4, len(x)
    count = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(z)) / (count + 1)
    variances = (0.25 + np.cumsum((z - means) ** 2)) / (count + 1)
    bets = np.sqrt(2 * np.log(2 / 0.05) / (n * np.concatenate([[0.25], variances[:-1]])))
    grid = np.linspace(0.001, 0.999, 999)[:, None]
    up = np.exp(np.log1p(np.minimum(bets, 0.5 / grid) * (z - grid)).sum(axis=1))
    down = np.exp(np.log1p(-np.minimum(bets, 0.5 / (1 - grid)) * (z - grid)).sum(axis=1))
    kept = grid[np.maximum(up, down) / 2 < 1 / 0.05]
    return 1 + 4 * float(kept.min()), 1 + 4 * float(kept.max())


def gaffke(x: Floats) -> Limits:
    return bounded_interval(x, bounds=(1.0, 5.0))


CANDIDATES: dict[str, Callable[[Floats], Limits]] = {
    "Student's t": t,
    "bootstrap percentile": percentile,
    "Clopper-Pearson of fives": clopper_pearson,
    "Hoeffding": hoeffding,
    "Anderson": anderson,
    "betting": betting,
    "Gaffke": gaffke,
}


def table_of_candidates(draws: int) -> None:
    print_head("scores", "n", *(name for method in CANDIDATES for name in (method, "width")))
    for (name, shares), n in product(NEAR_THE_END.items(), SIZES):
        sample = np.random.default_rng(n).choice(np.arange(1.0, 6.0), (draws, n), p=shares)
        truths = judged.truth(sample, shares, "questions like these")
        cells = [both([method(x) for x in sample], truths) for method in CANDIDATES.values()]
        print(f"| {name} | {n} | {' | '.join(cells)} |", flush=True)


# --- time -------------------------------------------------------------------------------------------------------------


def time_of_bootstrap() -> None:
    scores = np.random.default_rng(0).integers(1, 6, (10, 500)).astype(float)
    times = []
    for _ in range(5):
        began = perf_counter()
        bootstrap_means(scores)
        times.append(perf_counter() - began)
    print(f"\n10,000 resamples of 10 targets x 500 questions: {min(times) * 1000:.0f} ms (best of 5)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    draws, questions = options.draws, options.questions
    print(f"{draws:,} draws a setting, {questions} questions; standard error at 95 %: {(0.0475 / draws) ** 0.5:.1%}")
    table_of_quality(draws, questions)
    table_of_candidates(draws)
    table_of_strata(draws, questions)
    table_of_two_queues(draws, questions)
    table_of_differences(draws)
    table_of_rare_losses(draws)
    time_of_bootstrap()


if __name__ == "__main__":
    main()
