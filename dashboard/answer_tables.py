"""What is stored about one question as tables: the calls for the waterfall, and one row an answer for the CSV.

Pure: no Streamlit, no database. Reading is db.side_by_side's job, CSV itself format.py's.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.answer_facts import counted
from dashboard.charts.waterfall import COLUMNS
from db.models import RaterKind
from db.side_by_side import Reply, Verdict

_ANSWER_FIELDS = (
    "prepare_ms",
    "ttft_ms",
    "ttfat_ms",
    "generation_ms",
    "total_ms",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "tokens_estimated",
    "finish_reason",
    "words",
    "repeated_4grams",
    "attempts",
    "client_limited",
    "error_kind",
    "error",
)


def source_name(verdict: Verdict) -> str:
    """Who gave a verdict, and how a judge was asked: "Anna", "phi-4 (quick)"."""
    person = verdict.rater.kind == RaterKind.person
    return verdict.rater.name if person else f"{verdict.rater.name} ({verdict.assessment.protocol})"


def column_name(verdict: Verdict) -> str:
    """The same for a column: a judge's second and later readings of an answer are told apart."""
    later = f", reading {verdict.assessment.sample + 1}" if verdict.assessment.sample else ""
    return source_name(verdict) + later


def calls_table(replies: Sequence[Reply], names: Mapping[int, str]) -> pd.DataFrame:
    """The calls of some answers with the columns the waterfall needs; `names` tells each run's target."""
    rows = [
        {column: getattr(call, column) for column in COLUMNS if column != "target"}
        | {"target": names[reply.answer.run_id], "error": call.error or call.error_kind}
        for reply in replies
        for call in reply.calls
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"target": str, "stage": str})


def answers_table(
    question_key: str, replies: Sequence[Reply], names: Mapping[int, str], simulated: Collection[int] = ()
) -> pd.DataFrame:
    """One row an answer: target, text, timing, tokens, wording, and columns for each rater's scores and evidence.

    `names` tells each run's target; `simulated` holds the ids of the runs that are.
    """
    rows: list[dict[str, Any]] = []
    for reply in replies:
        answer = reply.answer
        row: dict[str, Any] = {
            "question": question_key,
            "run": answer.run_id,
            "target": names[answer.run_id],
            "simulated": answer.run_id in simulated,
            "repeat": answer.repeat,
            "answer": answer.text,
        }
        row |= {name: getattr(answer, name) for name in _ANSWER_FIELDS}
        for verdict in reply.verdicts:
            who = column_name(verdict)
            row[f"{who}: status"] = str(verdict.assessment.status)
            if verdict.rater.kind != RaterKind.person:
                row[f"{who}: own family"] = verdict.assessment.same_family
            row |= {f"{who}: {score.criterion}": score.value for score in verdict.scores}
            for what, found in counted(verdict).items():
                row |= {f"{who}: {what} {said.replace('_', ' ')}": n for said, n in found.items()}
        rows.append(row)
    return pd.DataFrame(rows)
