"""Measured tokens times a price: what one answer costs, and from that a thousand answers or a month.

Pure. A missing price or token count makes the cost unknown, with the reason; it never counts as 0. Only the target's
own calls are counted: not the judge's, not hardware or power, not retries that failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """USD per million tokens of one model, and how far to trust it."""

    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    kind: str  # quoted, assumed, hypothetical


@dataclass(frozen=True, slots=True)
class StageTokens:
    """What one stage of a target consumed: mean tokens an answer, over `n` answers."""

    stage: str
    model: str
    prompt: float | None
    completion: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer costs in USD; None with the reason where that is unknown."""

    usd_per_answer: float | None
    reason: str | None = None
    kinds: tuple[str, ...] = ()  # of the prices used, each once

    def of(self, answers: float) -> float | None:
        """The cost of so many answers in USD."""
        return None if self.usd_per_answer is None else self.usd_per_answer * answers


def _unknown(stage: StageTokens, tariff: Tariff | None) -> str | None:
    if tariff is None or (tariff.input_usd_per_mtok is None and tariff.output_usd_per_mtok is None):
        return f"no price for {stage.model}"
    if tariff.input_usd_per_mtok is None:
        return f"no input price for {stage.model}"
    if tariff.output_usd_per_mtok is None:
        return f"no output price for {stage.model}"
    if stage.prompt is None or stage.completion is None:
        return f"no token counts for {stage.model}"
    return None


def cost_per_answer(stages: Sequence[StageTokens], tariffs: Mapping[str, Tariff]) -> Cost:
    """Sum over the stages of prompt tokens times input price plus completion tokens times output price."""
    if not stages:
        return Cost(None, "no answers yet")
    reasons = [reason for stage in stages if (reason := _unknown(stage, tariffs.get(stage.model)))]
    kinds = tuple(dict.fromkeys(tariffs[s.model].kind for s in stages if s.model in tariffs))
    if reasons:
        return Cost(None, "; ".join(dict.fromkeys(reasons)), kinds)
    per_million = 0.0
    for stage in stages:
        tariff = tariffs[stage.model]
        per_million += (stage.prompt or 0) * (tariff.input_usd_per_mtok or 0)
        per_million += (stage.completion or 0) * (tariff.output_usd_per_mtok or 0)
    return Cost(per_million / MILLION, None, kinds)
