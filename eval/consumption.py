"""What answering and judging took, from rows a question each: means with intervals, by stage and by judge."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

from eval.cost.measured import JudgeUse, StageUse
from eval.stats.intervals import Estimate, mean_interval


def mean_of(rows: Sequence[dict[str, Any]], name: str) -> Estimate:
    """The mean of one column over questions, those without a count left out."""
    return mean_interval([float(row[name]) for row in rows if row[name] is not None], bounds=(0.0, inf))


def stages_of(rows: Sequence[dict[str, Any]]) -> Iterable[StageUse]:
    """A stage and model each, in the order they are gone through; takes the rows of cost_frames.stage_use_frame."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["stage"], row["model"]), []).append(row)
    for (stage, model), group in groups.items():
        figures = {name: mean_of(group, name) for name in ("prompt", "completion", "cached", "reasoning", "ms")}
        yield StageUse(stage, model, **figures)


def judges_of(rows: Sequence[dict[str, Any]]) -> Iterable[JudgeUse]:
    """A judge, protocol and rubric each; takes the rows of cost_frames.judge_use_frame."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        key = (row["judge_id"], row["model"], row["protocol"], row["rubric_id"])
        groups.setdefault(key, []).append(row)
    for (_, model, _, _), group in groups.items():
        yield JudgeUse(model or "unknown", mean_of(group, "prompt"), mean_of(group, "completion"))


def attempts(requests: dict[str, Any]) -> float | None:
    """How many requests an answer took; takes the row of cost_frames.requests_frame."""
    return requests["requests"] / requests["needed"] if requests["needed"] else None
