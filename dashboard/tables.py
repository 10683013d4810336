"""Puts runs, figures and prices together into the frames that Cost and Runs show.

Shows nothing and caches nothing. Missing figures stay missing; words for single figures are format.py's business.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard import number_cell
from dashboard.data import RunRow
from dashboard.format import interval, listed, milliseconds, when
from db.frames import records
from db.models import Price, Run
from eval.cost.price import Cost, Tariff, cost_per_answer
from eval.summary import Summary

PRICE_KINDS = ("quoted", "assumed", "hypothetical")


class PriceError(ValueError):
    """An edited price cannot be used; the text says which and why."""


# --- cost ------------------------------------------------------------------------------------------------------------


def run_cost(summary: Summary, prices: Mapping[str, Price]) -> Cost:
    """What an answer of a run costs at these prices."""
    tariffs = {m: Tariff(p.input_usd_per_mtok, p.output_usd_per_mtok, p.kind) for m, p in prices.items()}
    return cost_per_answer(summary.stage_tokens, tariffs)


def price_note(cost: Cost) -> str:
    """What stands behind a cost: the kind of price, or why it is unknown."""
    return f"unknown: {cost.reason}" if cost.reason else f"{listed(sorted(cost.kinds))} price"


def models_of(summaries: Mapping[int, Summary]) -> list[str]:
    """The models that some runs used, each once."""
    return list(dict.fromkeys(stage.model for s in summaries.values() for stage in s.stage_tokens))


def prices_frame(models: Sequence[str], prices: Mapping[str, Price]) -> pd.DataFrame:
    """The prices to edit, as texts (number_cell.py), a row a model; a model without a price has an empty row."""
    known = [prices.get(model) for model in models]
    return pd.DataFrame(
        {
            "model": pd.Series(models, dtype="str"),
            "input_usd_per_mtok": _cells([p.input_usd_per_mtok if p else None for p in known]),
            "output_usd_per_mtok": _cells([p.output_usd_per_mtok if p else None for p in known]),
            "kind": pd.Series([p.kind if p else "assumed" for p in known], dtype="str"),
            "source": pd.Series([p.source if p else "" for p in known], dtype="str"),
        }
    )


def _cells(amounts: Sequence[float | None]) -> pd.Series:
    return pd.Series([number_cell.text(amount) for amount in amounts], dtype="str")


def _amount(cell: Any, model: str) -> float | None:
    try:
        value = number_cell.number(cell)
    except number_cell.CellError as error:
        raise PriceError(f"The price of {model}: {error}; {number_cell.REMEDY}.") from error
    if value is not None and value < 0:
        raise PriceError(f"The price of {model} must be 0 or more, not {cell}.")
    return value


def edited_prices(edited: pd.DataFrame, prices: Mapping[str, Price]) -> list[Price]:
    """The rows that say something else than what is stored. Raises PriceError for an impossible amount."""
    changed = []
    for row in records(edited):
        model = str(row["model"])
        kind = row["kind"] if row["kind"] in PRICE_KINDS else "assumed"
        price = Price(
            model=model,
            input_usd_per_mtok=_amount(row["input_usd_per_mtok"], model),
            output_usd_per_mtok=_amount(row["output_usd_per_mtok"], model),
            kind=str(kind),
            source=str(row["source"] or ""),
        )
        stored = prices.get(model) or Price(model=model)
        fields = ("input_usd_per_mtok", "output_usd_per_mtok", "kind", "source")
        if any(getattr(stored, field) != getattr(price, field) for field in fields):
            changed.append(price)
    return changed


def cost_frame(
    runs: Sequence[RunRow],
    summaries: Mapping[int, Summary],
    labels: Mapping[int, str],
    prices: Mapping[str, Price],
    answers_a_month: int,
) -> pd.DataFrame:
    """A row a run, cheapest first and unknown last: tokens and cost.

    Mean tokens an answer with n, and what an answer, a thousand and a month's volume cost in USD.
    """
    rows = []
    for run in runs:
        summary = summaries[run.run_id]
        cost = run_cost(summary, prices)
        stages = summary.stage_tokens
        known = bool(stages) and all(s.prompt is not None and s.completion is not None for s in stages)
        rows.append(
            {
                "label": labels[run.run_id],
                "target": run.target,
                "model": run.model,
                "n_answers": summary.n_answers,
                "prompt_said": interval(summary.token_means["prompt"], 0),
                "completion_said": interval(summary.token_means["completion"], 0),
                "prompt_tokens": sum(s.prompt or 0 for s in stages) if known else None,
                "completion_tokens": sum(s.completion or 0 for s in stages) if known else None,
                "cost_1000": cost.of(1000),
                "cost_month": cost.of(answers_a_month),
                "price": price_note(cost),
                "hypothetical": "hypothetical" in cost.kinds,
                "n_estimated_tokens": summary.n_estimated_tokens,
                "simulated": run.simulated,
            }
        )
    frame = pd.DataFrame(rows)
    numeric = ["prompt_tokens", "completion_tokens", "cost_1000", "cost_month"]
    frame[numeric] = frame[numeric].apply(pd.to_numeric)
    return frame.sort_values("cost_month", na_position="last", kind="stable")


# --- runs ----------------------------------------------------------------------------------------------------------


def runs_frame(runs: Sequence[RunRow]) -> pd.DataFrame:
    """The list of runs, a row each."""
    return pd.DataFrame(
        {
            "run_id": [run.run_id for run in runs],
            "name": [run.name for run in runs],
            "target": [run.target for run in runs],
            "model": [run.model for run in runs],
            "qa_set": [f"{run.qa_set} {run.qa_set_version}" for run in runs],
            "answers": [run.n_planned for run in runs],
            "status": [run.status for run in runs],
            "tags": [list(run.tags) for run in runs],
            "simulated": [run.simulated for run in runs],
            "created_at": [run.created_at for run in runs],
        }
    )


def flattened(facts: Mapping[str, Any], under: str = "") -> dict[str, str]:
    """Nested facts as lines of text: {"machine": {"cpu": "x"}} becomes {"machine · cpu": "x"}."""
    lines: dict[str, str] = {}
    for key, value in facts.items():
        name = f"{under} · {key}" if under else str(key)
        if isinstance(value, Mapping):
            lines |= flattened(value, name)
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, start=1):
                lines |= flattened(item if isinstance(item, Mapping) else {"": item}, f"{name} {number}")
        elif value is not None and value != []:
            lines[name] = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return lines


def facts_frame(facts: Mapping[str, Any]) -> pd.DataFrame:
    """Nested facts as a table of two columns."""
    lines = flattened(facts)
    return pd.DataFrame({"fact": list(lines), "value": list(lines.values())}, dtype="str")


def run_facts(run: Run, qa_set: str) -> dict[str, Any]:
    """What ran, where and on what, for the table of facts."""
    lasted = (run.ended_at - run.started_at).total_seconds() * 1000 if run.ended_at and run.started_at else None
    return {
        "run": {
            "number": run.id,
            "group": run.group_id,
            "target": run.target,
            "kind": run.kind.replace("_", "-"),
            "model": run.model,
            "model family": run.family,
            "endpoint": run.endpoint,
            "simulated": "yes" if run.simulated else "no",
        },
        "asked": {
            "QA set": qa_set,
            "questions": run.n_questions,
            "repeats": run.repeats,
            "warm-up calls": run.warmups,
            "at a time": run.concurrency,
        },
        "time": {
            "created": when(run.created_at),
            "started": when(run.started_at),
            "ended": when(run.ended_at),
            "lasted": milliseconds(lasted) if lasted is not None else None,
        },
        "plan": {key: value for key, value in run.definition.items() if key != "questions"},
        "provenance": run.provenance,
    }
