"""Puts runs, figures and prices together into the frame that the Overview's chart and table show.

Shows nothing and caches nothing. Missing figures stay missing. Sentences about the frame are findings.py's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.data import RunRow
from dashboard.format import FEW, count_of, interval, number, quantile
from dashboard.tables import cost_columns, price_note
from db.frames import records
from db.scales import FIVE, Scale
from eval.cost.price_card import PriceCard
from eval.run_cost import run_cost
from eval.run_quality import PANEL, Quality
from eval.stats.frontier import on_frontier
from eval.stats.intervals import Estimate
from eval.summary import Summary

NOTHING = Estimate(None, None, None, 0)
FEWEST_FOR_P95 = 20  # answers: with fewer, not even one lies beyond the 95th percentile
SHARED = 0.9  # of the questions two runs have scores for, that judges must have scored in both


@dataclass(frozen=True, slots=True)
class View:
    """What the overview shows: one latency, one criterion, from one source of scores, on one kind of axis."""

    latency: str  # ttft_ms, ttfat_ms, total_ms
    quantile: str  # p50, p95
    criterion: str
    source: str | None
    axis: str = "Automatic"


def spread(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as columns: the figure, its interval and its n."""
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_n": estimate.n,
    }


def estimate_of(row: Mapping[str, Any], name: str) -> Estimate:
    """The estimate back from the columns of a row."""
    return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], int(row[f"{name}_n"]))


def _p95(summary: Summary, latency: str) -> Estimate:
    found = summary.latency_p95[latency]
    return found if found.n >= FEWEST_FOR_P95 else Estimate(None, None, None, found.n)


def _comparable(one: tuple[RunRow, Quality | None], other: tuple[RunRow, Quality | None]) -> bool:
    """Whether two runs may be ranked: asked the same, as many at a time, and scored on the same questions.

    People choose what they score, so theirs must be exactly the same, unless it is a sample that stands for the others.
    A judge scores all there is, so that what one run lacks are failures, which are shown. What people corrected is
    another thing than what a judge alone says.
    """
    (run, quality), (next_to, others) = one, other
    if (run.qa_set_id, run.concurrency) != (next_to.qa_set_id, next_to.concurrency):
        return False
    if quality is None or others is None:
        return True
    if quality.calibrated != others.calibrated:
        return False
    here, there = (set(q.population if q.calibrated else q.questions) for q in (quality, others))
    if quality.rater_kind == "person" and not quality.calibrated:
        return here == there
    return len(here & there) >= SHARED * max(len(here), len(there))


def _groups(rows: Sequence[tuple[RunRow, Quality | None]]) -> list[int]:
    """For each run the number of the group it can be ranked in: the first whose first member it compares with."""
    firsts: list[tuple[RunRow, Quality | None]] = []
    found = []
    for row in rows:
        place = next((i for i, first in enumerate(firsts) if _comparable(first, row)), len(firsts))
        if place == len(firsts):
            firsts.append(row)
        found.append(place)
    return found


def shown_quality(summary: Summary, view: View) -> Quality | None:
    """The quality of a run in a view: by its source; where that scored nothing, by what people scored of a sample."""
    if view.source is None:
        return None
    of_people = (q for q in summary.quality if q.criterion == view.criterion and q.rater_kind == "person")
    return summary.quality_of(view.source, view.criterion) or next((q for q in of_people if q.calibrated), None)


def _apart(summary: Summary, shown: Quality | None, criterion: str) -> tuple[Estimate, Estimate]:
    """How far a run's judges lie apart on average, and the readings of the judge shown (else of the least steady)."""
    spreads = [q for q in summary.quality if q.criterion == criterion and q.spread]
    if shown and shown.rater_kind != "person":
        asked_alike = (shown.protocol, shown.rubric_id)
        spreads = [q for q in spreads if (q.protocol, q.rubric_id) == asked_alike]
    single = [q for q in spreads if q.rater_kind != PANEL and (shown is None or shown.judge_id in (None, q.judge_id))]
    return _widest([q for q in spreads if q.rater_kind == PANEL]), _widest(single)


def _widest(qualities: Sequence[Quality]) -> Estimate:
    return max((q.spread for q in qualities if q.spread), key=lambda spread: spread.value or 0.0, default=NOTHING)


def overview_frame(
    runs: Sequence[RunRow],
    summaries: Mapping[int, Summary],
    labels: Mapping[int, str],
    view: View,
    card: PriceCard,
) -> pd.DataFrame:
    """A row a run: quality, latencies in ms, tokens, errors and cost, each with interval and n where there is one.

    Runs with the same `group` can be ranked against each other; `ahead` says that none of them beats a run on both
    counts, `on_frontier` the same where all runs are of one group.
    """
    rows, scored = [], []
    for run in runs:
        summary = summaries[run.run_id]
        quality = shown_quality(summary, view)
        scored.append((run, quality if quality and quality.shown.value is not None else None))
        number = quality.number if quality else None
        panel, flicker = _apart(summary, quality, view.criterion)
        p50, p95 = summary.latency_p50[view.latency], _p95(summary, view.latency)
        cost = run_cost(run.target, summary, card)
        row: dict[str, Any] = {
            "label": labels[run.run_id],
            "target": run.target,
            "run_id": run.run_id,
            "model": run.model,
            **spread("quality", quality.shown if quality else NOTHING),
            "how": quality.how if quality else "not scored",
            "calibrated": bool(quality and quality.calibrated),
            "n_people": number.n_people if number else 0,
            "n_judge": number.n_judge if number else 0,
            "queues": ", ".join(f"#{i}" for i in quality.sample_ids) if quality else "",
            "n_left_out": sum(each.n for each in quality.left_out) if quality else 0,
            **spread("judges_apart", panel),
            **spread("flicker", flicker),
            "scored": count_of(quality.n_scored if quality else 0, summary.n_answers),
            "n_failed_verdicts": quality.n_failed if quality else 0,
            "same_family": bool(quality and quality.same_family),
            **spread("latency", p50 if view.quantile == "p50" else p95),
            **spread("p50", p50),
            **spread("p95", p95),
            **spread("tokens_per_s", summary.tokens_per_s),
            "prompt_tokens": summary.tokens["prompt"],
            "completion_tokens": summary.tokens["completion"],
            "n_answers": summary.n_answers,
            "n_errors": summary.n_errors,
            "n_client_limited": summary.n_client_limited,
            "n_cached": summary.n_cached,
            "n_without_ttft": summary.n_without_ttft,
            "concurrency": run.concurrency,
            **cost_columns(cost),
            "price": price_note(cost),
            "simulated": run.simulated,
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    for column in frame.columns:  # a column with nothing in it is still one of numbers
        if frame[column].dtype == object:
            frame[column] = pd.to_numeric(frame[column])
    return _ranked(frame.assign(group=_groups(scored)))


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    frame["ahead"] = False
    known = placed(frame)
    for _, members in known.groupby("group"):
        points = list(zip(members["latency"], members["quality"], strict=True))
        frame.loc[members.index, "ahead"] = on_frontier(points)
    frame["on_frontier"] = frame["ahead"] & (known["group"].nunique() == 1)
    return frame


def scale_of(summaries: Mapping[int, Summary], view: View) -> Scale:
    """The lowest and the highest score there are in a view."""
    shown = (s.quality_of(view.source, view.criterion) for s in summaries.values() if view.source)
    return next((quality.scale for quality in shown if quality), FIVE)


def placed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a place in the chart: with a score and a latency."""
    return frame[frame["quality"].notna() & frame["latency"].notna()]


def _aligned(words: Sequence[str]) -> list[str]:
    """Figures with blanks ahead, so that sorting the texts sorts the figures."""
    widths = [len(word.partition(" ")[0]) for word in words]
    return [" " * (max(widths) - width) + word for word, width in zip(words, widths, strict=True)]


def with_words(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with figure and interval in one cell, for the table on the page."""
    words: dict[str, list[str]] = {"quality_said": [], "p50_said": [], "p95_said": []}
    spreads: dict[str, list[str]] = {"judges_apart_said": [], "flicker_said": []}
    errors = []
    for row in records(frame):
        words["quality_said"].append(interval(estimate_of(row, "quality")))
        words["p50_said"].append(quantile(estimate_of(row, "p50")))
        p95 = estimate_of(row, "p95")
        few = p95.value is None and p95.n > 0
        words["p95_said"].append(f"{FEW} ({p95.n:,})" if few else quantile(p95))
        errors.append(number(row["n_errors"], 0) if row["n_errors"] else "none")
        for name, said in spreads.items():
            its = estimate_of(row, name.removesuffix("_said"))
            said.append("not measured" if its.value is None else interval(its))
    return frame.assign(**{name: _aligned(said) for name, said in words.items()}, errors=errors, **spreads)
