"""What was measured of a target, as the cost model takes it in: data only, whoever read it from wherever.

`acceptable_share` turns answers with their scores into a share with an interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from eval.stats.intervals import CONFIDENCE, Estimate

UNKNOWN = Estimate(None, None, None, 0)


class Told(NamedTuple):
    """How many of so many answers told a thing."""

    told: int
    answers: int


@dataclass(frozen=True, slots=True)
class StageUse:
    """What one stage of a target consumes: mean tokens an answer, each with its interval over questions.

    `prompt` includes the `cached` tokens and `completion` the `reasoning` tokens, as the servers count them. A value of
    None is unknown. `ms` is the stage's mean time an answer, for a stage that is hosted on a machine of its own.
    """

    stage: str
    model: str
    prompt: Estimate
    completion: Estimate
    cached: Estimate = UNKNOWN
    reasoning: Estimate = UNKNOWN
    ms: Estimate = UNKNOWN


@dataclass(frozen=True, slots=True)
class Load:
    """What one machine bore at so many requests at once: answers a second, and the times of an answer in ms.

    `p50` and `p95` are those times with their intervals, in ms, where they were told. `ttft_share` is the share of an
    answer's time until its first token, which reading the prompt takes; None where it was not told. It is over those of
    the answers that told it, which `first_token` counts where they were counted. `n_client_limited` of the answers were
    measured while the measuring computer was itself late.
    """

    concurrency: int
    answers_per_s: float
    p95_ms: float | None
    n: int  # answers measured at this concurrency
    p50: Estimate = UNKNOWN
    p95: Estimate = UNKNOWN
    ttft_share: float | None = None
    first_token: Told | None = None
    n_client_limited: int = 0


@dataclass(frozen=True, slots=True)
class JudgeUse:
    """What judging one answer consumes: mean tokens over all calls of the protocol."""

    model: str
    prompt: Estimate
    completion: Estimate


@dataclass(frozen=True, slots=True)
class Measured:
    """A target as its stored runs show it. Whatever was not measured is None, UNKNOWN or empty.

    `attempts_per_answer` is how many requests a stored answer took, failed ones included: 1 where none was repeated.
    `ttft_share` is the share of the time of its requests until their first token, over the answers that told it, which
    `first_token` counts.
    `watts` is the whole machine's mean power while it answers, `idle_watts` the same while it waits.
    `n_client_limited` of the newest run's answers were measured while the measuring computer was itself late, by more
    than `late_from_ms` where that is known: their times may be too long.
    """

    target: str
    stages: tuple[StageUse, ...]
    loads: tuple[Load, ...] = ()
    concurrency: int | None = None  # requests at once in the newest run, whose figures these are
    mean_ms: Estimate = UNKNOWN
    p50_ms: Estimate = UNKNOWN
    p95_ms: Estimate = UNKNOWN
    ttft_share: float | None = None
    first_token: Told | None = None
    tokens_per_s: Estimate = UNKNOWN
    quality: Mapping[str, Estimate] = field(default_factory=dict)  # by criterion, from 1 to 5
    hand_scored: Mapping[str, int] = field(default_factory=dict)  # questions whose hand scores entered, by criterion
    hand_scores: Mapping[str, int] = field(default_factory=dict)  # all questions with hand scores, by criterion
    acceptable: Estimate = UNKNOWN  # share of answers at or above every threshold, see acceptable_share
    attempts_per_answer: float | None = None
    watts: Estimate = UNKNOWN
    idle_watts: Estimate = UNKNOWN
    judge: JudgeUse | None = None
    n_answers: int = 0
    n_errors: int = 0
    n_client_limited: int = 0
    late_from_ms: float | None = None
    runs: tuple[str, ...] = ()  # names or ids, for the traceability appendix
    questions: str = ""  # the QA set with its version and hash
    hardware: str = ""
    date: str = ""  # year-month-day of the newest run
    simulated: bool = False
    scored_by: str = ""  # whose scores the quality is: a judge with its protocol, a panel, or "people"
    elsewhere: str = (
        ""  # why it has no figures although it was run: which runs asked which other questions, and a remedy
    )
    acceptable_from: float | None = None  # the score on every criterion from which an answer is acceptable

    @property
    def origin(self) -> str:
        """Where its figures come from, for a reader."""
        runs = f"runs {', '.join(self.runs)}" if self.runs else "its runs"
        return f"{'simulated ' if self.simulated else ''}{self.target}, {runs}" + (
            f", {self.date}" if self.date else ""
        )


def stretch(ttft_share: float | None, prompt_scale: Any, completion_scale: Any) -> Any:
    """How many times longer an answer takes whose prompt and completion are so many times longer, by draw.

    The time to the first token grows with the prompt, the rest with the completion. Where the first is unknown, all of
    it is taken to grow with the completion.
    """
    share = ttft_share or 0.0
    return share * prompt_scale + (1 - share) * completion_scale


def acceptable_share(
    acceptable: Sequence[bool], questions: Sequence[int], *, confidence: float = CONFIDENCE
) -> Estimate:
    """The share of answers that are acceptable, with an interval clustered by question; `n` counts the questions.

    The linearised ratio estimator (Cochran, Sampling Techniques, 3rd ed., section 6.3) with the question as the
    cluster, Student's t with questions - 1 degrees of freedom, cut to 0..1. No interval where there are fewer than two
    questions, or where all answers agree.
    """
    if len(acceptable) != len(questions):
        raise ValueError("There has to be one question and one verdict for each answer.")
    if not acceptable:
        return UNKNOWN
    _, index = np.unique(np.asarray(questions), return_inverse=True)
    clusters = int(index.max()) + 1
    good = np.bincount(index, weights=np.asarray(acceptable, dtype=float))
    answers = np.bincount(index).astype(float)
    share = float(good.sum() / answers.sum())
    residuals = good - share * answers
    if clusters < 2 or np.allclose(residuals, 0, atol=1e-12 * max(1.0, float(good.sum()))):
        return Estimate(share, None, None, clusters)
    variance = clusters / (clusters - 1) * float(np.square(residuals).sum()) / float(answers.sum()) ** 2
    half = float(stdtrit(clusters - 1, 0.5 + confidence / 2)) * sqrt(variance)
    return Estimate(share, max(share - half, 0.0), min(share + half, 1.0), clusters)
