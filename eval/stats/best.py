"""Who comes out highest among many targets: a seeded bootstrap over questions, of plain means or of quality numbers.

Pure. A share of resamples is no test: whether a difference is decisive is comparison.py's business.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.stats.bootstrap import coded, ratio
from eval.stats.calibrated import Calibrated

RESAMPLES = 10_000
SEED = 20_261_103
BLOCK = 1_000  # resamples held in memory at once
TIE = 1e-9  # means as near as this are equal


@dataclass(frozen=True, slots=True)
class Best:
    """For each target how often it came out highest, over resamples of `n` questions; empty where there is none.

    Targets that tie share the resample.
    """

    probability: dict[str, float]
    n: int


def best(scores: Mapping[str, Mapping[Hashable, float]], *, resamples: int = RESAMPLES, seed: int = SEED) -> Best:
    """How often each target's mean is highest over resamples of the questions that all share; one value a question."""
    shared = coded(list(set.intersection(*(set(values) for values in scores.values()))))[1] if scores else ()
    if not shared:
        return Best({}, 0)
    matrix = np.array([[values[question] for question in shared] for values in scores.values()])
    return _shares(list(scores), bootstrap_means(matrix, resamples=resamples, seed=seed), len(shared))


def best_number(targets: Mapping[str, Calibrated], *, resamples: int = RESAMPLES, seed: int = SEED) -> Best:
    """How often each target's quality number is highest over resamples of the questions that any of them answered."""
    asked = coded(list({question for target in targets.values() for question in target.questions}))[1]
    if not asked:
        return Best({}, 0)
    return _shares(list(targets), bootstrap_numbers(targets, asked, resamples=resamples, seed=seed), len(asked))


def _shares(names: Sequence[str], figures: NDArray[np.float64], n: int) -> Best:
    """From figures as (resamples, targets): how often each was highest."""
    first = figures >= figures.max(axis=1, keepdims=True) - TIE
    shares = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return Best(dict(zip(names, shares.tolist(), strict=True)), n)


def bootstrap_means(
    scores: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED
) -> NDArray[np.float64]:
    """Means of targets over resampled questions: (targets, questions) in, (resamples, targets) out.

    All targets see the same resample, so that differences stay paired. Efron and Tibshirani, An Introduction to the
    Bootstrap (1993); a resample is a count of each question, its means one product of matrices.
    """
    questions = scores.shape[1]
    return np.concatenate([counts @ scores.T / questions for counts in _resamples(questions, resamples, seed)])


def bootstrap_numbers(
    targets: Mapping[str, Calibrated], asked: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = SEED
) -> NDArray[np.float64]:
    """Quality numbers over resampled questions, as (resamples, targets); `asked` is what is drawn from.

    A question is drawn with all that is known of it: the judge's score, people's and its probability, if they scored
    it. The judge's weight is the one found in the sample.
    """
    place = {question: i for i, question in enumerate(asked)}
    blocks = _resamples(len(asked), resamples, seed)
    return np.concatenate(
        [np.column_stack([_number(target, place, counts) for target in targets.values()]) for counts in blocks]
    )


def _number(target: Calibrated, place: Mapping[Hashable, int], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quality number of each resample: b times the judge's mean, and the strata's means of what people add to it.

    Where a resample holds none of the hand scores of a stratum, what they add on average stands in.
    """
    weight, found = target.number.judge_weight, target.questions
    judged = [scores.judge for scores in found.values() if scores.judge is not None]
    usual = sum(judged) / len(judged) if judged else 0.0
    strata = {name: i for i, name in enumerate(sorted({scores.stratum for scores in found.values()}))}
    asked, drawn, added = (np.zeros((counts.shape[1], len(strata))) for _ in range(3))
    judge = np.zeros(counts.shape[1])
    for question, scores in found.items():
        at = place[question], strata[scores.stratum]
        asked[at] = 1.0
        judge[at[0]] = weight * (usual if scores.judge is None else scores.judge)
        if scores.people is not None and scores.probability is not None:
            drawn[at] = 1 / scores.probability
            added[at] = drawn[at] * (scores.people - judge[at[0]])
    sizes, held = counts @ asked, counts @ drawn
    in_all = added.sum(axis=0) / drawn.sum(axis=0)
    over = np.where(held > 0, ratio(counts @ added, held), in_all)
    n = sizes.sum(axis=1)
    numbers = ratio(counts @ judge + (sizes * over).sum(axis=1), n)
    return np.where(n > 0, numbers, target.number.value or 0.0)


def _resamples(questions: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each question is drawn, block by block, as (resamples, questions)."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, BLOCK):
        rows = min(BLOCK, resamples - start)
        drawn = rng.integers(0, questions, (rows, questions)) + questions * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * questions).reshape(rows, questions).astype(float)
