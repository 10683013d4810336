"""Puts runs, figures and prices together into the frames that tables and charts show, and into sentences about them.

Shows nothing and caches nothing. Missing figures stay missing; words for single figures are format.py's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from dashboard.data import RunRow
from dashboard.format import NO_INTERVAL, count_of, listed, milliseconds, number, plain, plural, when
from db.frames import records
from db.models import Price, Run
from eval.cost.price import Cost, Tariff, cost_per_answer
from eval.stats.frontier import on_frontier, overlapping
from eval.stats.intervals import Estimate
from eval.summary import Summary

NOTHING = Estimate(None, None, None, 0)
PRICE_KINDS = ("quoted", "assumed", "hypothetical")
SHOWN_PAIRS = 4


class PriceError(ValueError):
    """An edited price cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class View:
    """What the overview shows: one latency, one criterion, from one source of scores."""

    latency: str  # ttft_ms, ttfat_ms, total_ms
    quantile: str  # p50, p95
    criterion: str
    source: str | None


# --- overview ------------------------------------------------------------------------------------------------------


def _spread(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_n": estimate.n,
    }


def run_cost(summary: Summary, prices: Mapping[str, Price]) -> Cost:
    """What an answer of a run costs at these prices."""
    tariffs = {m: Tariff(p.input_usd_per_mtok, p.output_usd_per_mtok, p.kind) for m, p in prices.items()}
    return cost_per_answer(summary.stage_tokens, tariffs)


def price_note(cost: Cost) -> str:
    """What stands behind a cost: the kind of price, or why it is unknown."""
    return f"unknown: {cost.reason}" if cost.reason else f"{listed(sorted(cost.kinds))} price"


def overview_frame(
    runs: Sequence[RunRow],
    summaries: Mapping[int, Summary],
    labels: Mapping[int, str],
    view: View,
    prices: Mapping[str, Price],
) -> pd.DataFrame:
    """A row a run: quality, latencies in ms, tokens, errors and cost, each with interval and n where there is one."""
    rows = []
    for run in runs:
        summary = summaries[run.run_id]
        quality = summary.quality_of(view.source, view.criterion) if view.source else None
        chosen = summary.latency_p50 if view.quantile == "p50" else summary.latency_p95
        cost = run_cost(summary, prices)
        row: dict[str, Any] = {
            "label": labels[run.run_id],
            "target": run.target,
            "run_id": run.run_id,
            "model": run.model,
            **_spread("quality", quality.score if quality else NOTHING),
            "scored": count_of(quality.n_scored if quality else 0, summary.n_answers),
            "n_failed_verdicts": quality.n_failed if quality else 0,
            "same_family": bool(quality and quality.same_family),
            **_spread("latency", chosen[view.latency]),
            **_spread("p50", summary.latency_p50[view.latency]),
            **_spread("p95", summary.latency_p95[view.latency]),
            **_spread("tokens_per_s", summary.tokens_per_s),
            "prompt_tokens": summary.tokens["prompt"],
            "completion_tokens": summary.tokens["completion"],
            "n_answers": summary.n_answers,
            "n_errors": summary.n_errors,
            "n_client_limited": summary.n_client_limited,
            "concurrency": run.concurrency,
            "cost_1000": cost.of(1000),
            "price": price_note(cost),
            "simulated": run.simulated,
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    for column in frame.columns:  # a column with nothing in it is still one of numbers
        if frame[column].dtype == object:
            frame[column] = pd.to_numeric(frame[column])
    both = frame["quality"].notna() & frame["latency"].notna()
    frame["on_frontier"] = False
    points = list(zip(frame.loc[both, "latency"], frame.loc[both, "quality"], strict=True))
    if points:
        frame.loc[both, "on_frontier"] = on_frontier(points)
    return frame


def _estimates(frame: pd.DataFrame, name: str) -> dict[str, Estimate]:
    known = frame[frame[name].notna()]
    return {
        str(row["label"]): Estimate(
            float(row[name]),
            row[f"{name}_low"],
            row[f"{name}_high"],
            int(row[f"{name}_n"]),
        )
        for row in records(known)
    }


def placed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a place in the chart: with a score and a latency."""
    return frame[frame["quality"].notna() & frame["latency"].notna()]


def what_is_missing(frame: pd.DataFrame) -> str:
    """Why nothing can be placed, and what to do about it."""
    if frame["n_answers"].sum() == 0:
        return "No answer came back yet. The Runs page shows what is under way and why a run stopped."
    if frame["quality"].isna().all():
        return (
            "These answers have no such scores yet. Let a judge score them, or score them yourself on the Score page."
        )
    return "This latency was not measured for these runs; choose another above."


def with_words(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with intervals and counts in words, for the table on the page."""
    words: dict[str, list[str]] = {"quality_interval": [], "p50_interval": [], "p95_interval": [], "answers": []}
    for row in records(frame):
        for name, digits in (("quality", 2), ("p50", 0), ("p95", 0)):
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            missing = NO_INTERVAL if row[name] is not None else ""
            words[f"{name}_interval"].append(
                missing if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"
            )
        errors = f", {row['n_errors']:,} failed" if row["n_errors"] else ""
        words["answers"].append(f"{row['n_answers']:,}{errors}")
    return frame.assign(**words)


def cautions(runs: Sequence[RunRow], frame: pd.DataFrame) -> list[str]:
    """What a reader has to know before trusting the comparison, in Markdown."""
    said = []
    levels = sorted({run.concurrency for run in runs})
    if len(levels) > 1:
        said.append(
            f"Latencies were measured at {listed([str(n) for n in levels])} questions at a time: not comparable."
        )
    else:
        said.append(f"Latencies were measured with {plural(levels[0], 'question')} at a time.")
    if len({run.n_questions for run in runs}) > 1:
        said.append("These runs asked different numbers of questions of the set; compare with care.")
    rows = records(frame)
    if same := [plain(row["label"]) for row in rows if row["same_family"]]:
        said.append(f"Judge and target are of one model family for {listed(same)}; judges favour their own.")
    if busy := [f"{plain(row['label'])} ({row['n_client_limited']:,})" for row in rows if row["n_client_limited"]]:
        said.append(f"Answers measured while this computer was busy, so perhaps too slow: {listed(busy)}.")
    if failed := [f"{plain(row['label'])} ({row['n_failed_verdicts']:,})" for row in rows if row["n_failed_verdicts"]]:
        said.append(f"Judgements that could not be used: {listed(failed)}.")
    unfinished = [f"{plain(run.target)} ({run.status})" for run in runs if not run.finished]
    if unfinished:
        said.append(f"Not finished, so the figures are preliminary: {listed(unfinished)}.")
    return said


def finding(frame: pd.DataFrame) -> str:
    """What the chart says, in Markdown: who is on the frontier by point estimates (see left_open for the rest)."""
    shown = placed(frame).sort_values("latency")
    if shown.empty:
        return "None of these runs has both scores and latencies, so there is nothing to weigh up yet."
    if len(shown) == 1:
        return f"Only **{plain(shown['label'].iloc[0])}** has both scores and latencies; add runs to compare."
    front = [plain(name) for name in shown["label"][shown["on_frontier"]]]
    rest = [plain(name) for name in shown["label"][~shown["on_frontier"]]]
    asked = plural(int(shown["quality_n"].max()), "question")
    verb = "is" if len(front) == 1 else "are"
    said = f"On {asked}, by point estimates, **{listed(front)}** {verb} on the frontier"
    return f"{said}; {listed(rest)} {'lies' if len(rest) == 1 else 'lie'} behind it." if rest else f"{said}."


def left_open(frame: pd.DataFrame) -> str | None:
    """Which differences are not decisive because the intervals overlap or are missing; None where all are clear."""
    said = []
    for name, word in (("quality", "quality"), ("latency", "latency")):
        pairs = overlapping(_estimates(frame, name))
        if pairs:
            shown = [f"{plain(a)} and {plain(b)}" for a, b in pairs[:SHOWN_PAIRS]]
            more = f", and {plural(len(pairs) - SHOWN_PAIRS, 'more pair')}" if len(pairs) > SHOWN_PAIRS else ""
            said.append(f"in {word} between {'; '.join(shown)}{more}")
    return f"Not decisive, because the intervals overlap or are missing: {'. And '.join(said)}." if said else None


# --- cost ----------------------------------------------------------------------------------------------------------


def models_of(summaries: Mapping[int, Summary]) -> list[str]:
    """The models that some runs used, each once."""
    return list(dict.fromkeys(stage.model for s in summaries.values() for stage in s.stage_tokens))


def prices_frame(models: Sequence[str], prices: Mapping[str, Price]) -> pd.DataFrame:
    """The prices to edit, a row a model; a model without a price has an empty row."""
    known = [prices.get(model) for model in models]
    return pd.DataFrame(
        {
            "model": pd.Series(models, dtype="str"),
            "input_usd_per_mtok": pd.Series([p.input_usd_per_mtok if p else None for p in known], dtype="float"),
            "output_usd_per_mtok": pd.Series([p.output_usd_per_mtok if p else None for p in known], dtype="float"),
            "kind": pd.Series([p.kind if p else "assumed" for p in known], dtype="str"),
            "source": pd.Series([p.source if p else "" for p in known], dtype="str"),
        }
    )


def _amount(value: Any, model: str) -> float | None:
    if value is None:
        return None
    if not isfinite(value) or value < 0:
        raise PriceError(f"The price of {model} must be 0 or more, not {value}.")
    return float(value)


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
    """A row a run: mean tokens an answer with n, and what an answer, a thousand and a month's volume cost in USD."""
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
    return frame


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
