"""Where the time of answers went: one bar a call, cut into the phases of a request, all on one axis and in one unit.

The phases follow from the stamps of each call; a pause ahead of a retry is drawn, though it is part of no latency.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, title

PHASES = {  # in the order they happen; mid tones that read on light and dark ground
    "pause before a retry": "#8C939D",
    "prepare": "#7C8794",
    "connect": "#4F9D96",
    "wait for the first token": "#C2801F",
    "reasoning": "#9B72C8",
    "write the answer": "#3F86D0",
    "close": "#6F8F5F",
    "reply at once": "#3F86D0",
    "failed": "#D0505A",
}
COLUMNS = (
    "target",
    "stage",
    "attempt",
    "error",
    "wait_before_ms",
    "prepare_ms",
    "connect_ms",
    "ttft_ms",
    "ttfat_ms",
    "generation_ms",
    "total_ms",
    "chunk_ms",
)
MAX_TICKS = 150  # a call; more cannot be told apart
ROW_PX = 30
LABEL_PX = 260
SECONDS_FROM_MS = 2000


def _records(calls: pd.DataFrame) -> list[dict[str, Any]]:
    return calls.to_dict("records")  # pyright: ignore[reportReturnType]


def _number(call: Mapping[str, Any], name: str) -> float:
    value = call[name]
    return 0.0 if value is None or pd.isna(value) else float(value)


def _known(call: Mapping[str, Any], name: str) -> bool:
    return call[name] is not None and not pd.isna(call[name])


def _lengths(call: Mapping[str, Any]) -> dict[str, float]:
    """How long each phase of a call took, in ms; phases that were not measured are absent."""
    ahead = {
        "pause before a retry": _number(call, "wait_before_ms"),
        "prepare": _number(call, "prepare_ms"),
        "connect": _number(call, "connect_ms"),
    }
    total = _number(call, "total_ms")
    if _known(call, "error"):
        return ahead | {"failed": total}
    if not _known(call, "ttft_ms"):
        return ahead | {"reply at once": total}
    first, wrote = _number(call, "ttft_ms"), _number(call, "ttft_ms") + _number(call, "generation_ms")
    proper = _number(call, "ttfat_ms") if _known(call, "ttfat_ms") else wrote
    edges = (0.0, first, max(first, min(proper, wrote)), wrote, max(wrote, total))
    names = ("wait for the first token", "reasoning", "write the answer", "close")
    return ahead | {name: end - start for name, (start, end) in zip(names, pairwise(edges), strict=True)}


def _row(call: Mapping[str, Any]) -> str:
    again = f", try {call['attempt']}" if call["attempt"] > 1 else ""
    return (
        str(call["target"]) if call["stage"] == "answer" and not again else f"{call['target']}: {call['stage']}{again}"
    )


def segments(calls: pd.DataFrame) -> pd.DataFrame:
    """The phases of calls: row, phase, start, end and length in ms from the moment its target began.

    `calls` has the columns of COLUMNS and one row a call, a target's calls in the order they were made.
    """
    found: list[dict[str, Any]] = []
    clock: dict[str, float] = {}
    for call in _records(calls):
        for phase, length in _lengths(call).items():
            if length > 0:
                start = clock.get(call["target"], 0.0)
                clock[call["target"]] = start + length
                found.append({"row": _row(call), "phase": phase, "start": start, "end": start + length, "ms": length})
    return pd.DataFrame(found, columns=["row", "phase", "start", "end", "ms"])


def _ticks(calls: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """When the pieces of each answer arrived, thinned out."""
    sent = bars[bars["phase"] == "wait for the first token"].groupby("row")["start"].first()
    found = []
    for call in _records(calls):
        arrivals = call["chunk_ms"]
        if _row(call) in sent.index and isinstance(arrivals, list) and len(arrivals) > 1:
            step = -(-len(arrivals) // MAX_TICKS)
            found += [{"row": _row(call), "at": sent[_row(call)] + at} for at in arrivals[::step]]
    return pd.DataFrame(found, columns=["row", "at"]).astype({"at": float})


def _unit(bars: pd.DataFrame) -> tuple[str, float]:
    """The unit everything is told in, and how many ms it has: seconds where the slowest target took two or more."""
    longest = float(bars["end"].max()) if len(bars) else 0.0
    return ("s", 1000.0) if longest >= SECONDS_FROM_MS else ("ms", 1.0)


def waterfall(calls: pd.DataFrame, *, simulated: bool = False) -> alt.LayerChart | alt.FacetChart:
    """The timing of one question's answers, a bar a call. `calls` as in `segments`."""
    bars = segments(calls)
    unit, ms = _unit(bars)
    order = list(dict.fromkeys(_row(call) for call in _records(calls)))
    present = [phase for phase in PHASES if phase in set(bars["phase"])]
    ends = bars.groupby("row", as_index=False)["end"].max().merge(_said(calls, unit, ms), on="row")
    arrivals = _ticks(calls, bars)
    for frame, columns in ((bars, ["start", "end", "ms"]), (ends, ["end"]), (arrivals, ["at"])):
        frame[columns] = frame[columns] / ms
    exactly = ",.1f" if unit == "ms" else ",.3f"
    y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=LABEL_PX, ticks=False, domain=False))
    color = alt.Color(
        "phase:N",
        scale=alt.Scale(domain=present, range=[PHASES[phase] for phase in present]),
        legend=alt.Legend(title=None, orient="top", columns=alt.ExprRef("width < 420 ? 2 : 4")),
    )
    bar = (
        alt.Chart(bars)
        .mark_bar(height=16)
        .encode(
            x=alt.X("start:Q", title=f"Since the target began ({unit})", axis=alt.Axis(tickCount=10)),
            x2="end:Q",
            y=y,
            color=color,
            tooltip=[
                alt.Tooltip("row:N", title="Call"),
                alt.Tooltip("phase:N", title="Phase"),
                alt.Tooltip("ms:Q", title=f"Took ({unit})", format=exactly),
                alt.Tooltip("start:Q", title=f"From ({unit})", format=exactly),
            ],
        )
    )
    tick = (
        alt.Chart(arrivals)
        .mark_tick(thickness=1, height=6, color="white", opacity=0.75)
        .encode(x="at:Q", y=y, tooltip=alt.value(None))
    )
    said = (
        alt.Chart(ends)
        .mark_text(align="left", dx=6, color=QUIET)
        .encode(x="end:Q", y=y, text="said:N", tooltip=alt.value(None))
    )
    layers = [bar, tick, said] if len(arrivals) else [bar, said]
    plot = alt.AutoSizeParams(type="fit-x", contains="padding")  # a legend of more rows takes nothing of the height
    return alt.layer(*layers).properties(height=ROW_PX * max(1, len(order)), autosize=plot, **title(simulated))


def _said(calls: pd.DataFrame, unit: str, ms: float) -> pd.DataFrame:
    """What stands at the end of each row: the call's own time, without what came ahead of the request."""
    found = []
    for call in _records(calls):
        took = f"{_number(call, 'total_ms') / ms:,.{0 if unit == 'ms' else 2}f} {unit}"
        took = took if _known(call, "total_ms") else ""
        found.append({"row": _row(call), "said": f"failed {took}".strip() if _known(call, "error") else took})
    return pd.DataFrame(found, columns=["row", "said"])
