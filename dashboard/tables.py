"""Puts runs, figures and prices together into the frames that Cost and Runs show.

Shows nothing and caches nothing. Missing figures stay missing; words for single figures are format.py's business.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from dashboard import number_cell
from dashboard.data import RunRow
from dashboard.format import interval, milliseconds, usd, when
from db.frames import records
from db.models import Price, Run
from eval.cost.price_card import PriceCard
from eval.enumeration import listed
from eval.run_cost import RunCost, per, run_cost
from eval.summary import TOKENS, Summary

PRICE_KINDS = ("quoted", "assumed", "hypothetical")


class PriceError(ValueError):
    """An edited price cannot be used; the text says which and why."""


# --- cost ------------------------------------------------------------------------------------------------------------


def price_note(cost: RunCost) -> str:
    """What stands behind a cost: the kinds of price, or why it is unknown."""
    if cost.asking.value is None:
        return f"unknown: {cost.asking.reason}"
    judging = "" if cost.judged else ", not judged"
    if cost.whole.value is None:
        judging = f"; of judging unknown: {cost.whole.reason}"
    return f"{listed(sorted(cost.kinds))} price{judging}"


def cost_columns(cost: RunCost) -> dict[str, float | None]:
    """What 1,000 answers cost in USD, asked alone and judged too, and the parts: tokens, repeated requests, judging."""
    parts = cost.parts
    return {
        "asking_1000": per(cost.asking, 1000),
        "cost_1000": per(cost.whole, 1000),
        "tokens_1000": per(parts.tokens, 1000),
        "retries_1000": per(parts.retries, 1000),
        "judging_1000": per(parts.judge, 1000),
    }


def models_of(summaries: Mapping[int, Summary]) -> list[str]:
    """The models that some runs used, each once, those that judged last."""
    answered = [stage.model for s in summaries.values() for stage in s.stages]
    return list(dict.fromkeys([*answered, *(use.model for s in summaries.values() for use in s.judge_uses)]))


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
    card: PriceCard,
    answers_a_month: int,
) -> pd.DataFrame:
    """A row a run, cheapest first and unknown last: mean tokens an answer over its questions, and what a thousand
    answers and a month cost in USD.

    A month's answers are asked, not judged: its cost is that of tokens and repeated requests.
    """
    rows = []
    for run in runs:
        summary = summaries[run.run_id]
        cost = run_cost(run.target, summary, card)
        rows.append(
            {
                "label": labels[run.run_id],
                "target": run.target,
                "model": run.model,
                "n_answers": summary.n_answers,
                "prompt_said": interval(summary.token_means["prompt"], 0),
                "completion_said": interval(summary.token_means["completion"], 0),
                **{f"{kind}_tokens": _tokens(summary, kind) for kind in TOKENS},
                **cost_columns(cost),
                "cost_month": per(cost.asking, answers_a_month),
                "price": price_note(cost),
                "hypothetical": cost.hypothetical,
                "n_estimated_tokens": summary.n_estimated_tokens,
                "simulated": run.simulated,
            }
        )
    frame = pd.DataFrame(rows)
    numeric = [f"{kind}_tokens" for kind in TOKENS]
    numeric += ["asking_1000", "cost_1000", "tokens_1000", "retries_1000", "judging_1000", "cost_month"]
    frame[numeric] = frame[numeric].apply(pd.to_numeric)
    return frame.sort_values("cost_month", na_position="last", kind="stable")


def _tokens(summary: Summary, kind: str) -> float | None:
    """The mean tokens of a kind an answer, over all stages; unknown where one does not tell."""
    values = [getattr(stage, kind).value for stage in summary.stages]
    return sum(values) if values and all(value is not None for value in values) else None


# --- runs ----------------------------------------------------------------------------------------------------------


def runs_frame(runs: Sequence[RunRow], standings: Mapping[int, str] = MappingProxyType({})) -> pd.DataFrame:
    """The list of runs, a row each; `standings` by run where the stored status may be out of date."""
    return pd.DataFrame(
        {
            "run_id": [run.run_id for run in runs],
            "name": [run.name for run in runs],
            "target": [run.target for run in runs],
            "model": [run.model for run in runs],
            "qa_set": [f"{run.qa_set} {run.qa_set_version}" for run in runs],
            "answers": [run.n_planned for run in runs],
            "status": [standings.get(run.run_id, run.status) for run in runs],
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


def cost_facts(run: Run, summary: Summary, card: PriceCard) -> dict[str, str]:
    """What 1,000 answers of a run cost, its parts and the prices, for the table of facts."""
    cost = run_cost(run.target, summary, card)
    named = {"tokens": cost.parts.tokens, "repeated requests": cost.parts.retries, "judging": cost.parts.judge}
    facts = {"1,000 answers, all parts": cost.whole} | {f"of these {name}": part for name, part in named.items()}
    said = {
        name: usd(per(part, 1000)) if part.value is not None else f"unknown: {part.reason}"
        for name, part in facts.items()
    }
    return said | {"prices": f"{listed(sorted(cost.kinds)) or 'none'}; {card.name}, {card.date}"}


def run_facts(run: Run, qa_set: str, cost: Mapping[str, str]) -> dict[str, Any]:
    """What ran, where and on what, and what it cost, for the table of facts."""
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
        "cost": cost,
        "plan": {key: value for key, value in run.definition.items() if key != "questions"},
        "provenance": run.provenance,
    }
