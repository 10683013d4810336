"""Quality against latency: a point a run with its intervals both ways, and the frontier through the unbeaten ones.

The frame comes from tables.overview_frame; which latency and criterion it holds is said in the axis titles.
"""

from collections.abc import Sequence
from math import floor

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, target_color, target_shape

HEIGHT = 430
LOG_FROM = 20.0  # an automatic axis is logarithmic where the slowest is so many times slower than the fastest
SHOWN = [
    *("label", "target", "model", "on_frontier"),
    *("latency", "latency_low", "latency_high", "latency_n"),
    *("quality", "quality_low", "quality_high", "quality_n"),
]
ABOVE, BELOW = -11, 13  # pixels from a point to its name


def wants_log(frame: pd.DataFrame) -> bool:
    """Whether the latencies lie so far apart that a linear axis would squeeze the fast ones together."""
    known = frame["latency"].dropna()
    known = known[known > 0]
    return len(known) > 1 and float(known.max() / known.min()) >= LOG_FROM


def _in_unit(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    columns = ["latency", "latency_low", "latency_high"]
    longest = float(frame[columns].max().max())
    unit, factor = ("ms", 1.0) if longest < 2000 else ("s", 0.001)
    return frame.assign(**{column: frame[column] * factor for column in columns}), unit


def _label_offsets(frame: pd.DataFrame, wide: float, high: float) -> list[int]:
    """For each point whether its name stands above or below it: where less is in the way.

    A name takes about a seventh of the chart's width and a twentieth of its height, right of its point.
    """
    columns = ["latency", "quality", "latency_low", "latency_high", "quality_low", "quality_high"]
    points = list(frame[columns].itertuples(index=False, name=None))
    boxes: list[tuple[float, float, float, float]] = []
    offsets: list[int] = []
    for i, (x, y, *_) in enumerate(points):
        left, right = x + 0.005 * wide, x + 0.14 * wide
        choices = []
        for dy, bottom, top in ((ABOVE, y + 0.005 * high, y + 0.055 * high), (BELOW, y - 0.06 * high, y - 0.01 * high)):
            box = (left, right, bottom, top)
            others = [p for j, p in enumerate(points) if j != i]
            in_the_way = sum(_touches(box, (b[0], b[1], b[2], b[3])) for b in boxes)
            in_the_way += sum(_touches(box, (low, up, q, q)) for _, q, low, up, *_ in others)
            in_the_way += sum(_touches(box, (at, at, low, up)) for at, _, _, _, low, up in others)
            in_the_way += sum(_touches(box, (at, at, q, q)) for at, q, *_ in others)
            choices.append((in_the_way, abs(dy), dy, box))
        best = min(choices)
        offsets.append(best[2])
        boxes.append(best[3])
    return offsets


def _touches(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, right, bottom, top) overlap; one with missing edges touches nothing."""
    return one[0] <= other[1] and other[0] <= one[1] and one[2] <= other[3] and other[2] <= one[3]


def _x_scale(frame: pd.DataFrame, log: bool) -> alt.Scale:
    """Room on the right for the slowest point's name; from 0 on a linear axis."""
    columns = frame[["latency", "latency_low", "latency_high"]]
    longest = float(columns.max().max()) or 1.0
    if not log:
        return alt.Scale(domain=[0, longest * 1.12], nice=False)
    positive = float(columns.where(columns > 0).min().min())
    return alt.Scale(type="log", domain=[positive * 0.8, longest * 1.8], nice=False)


def quality_latency(
    frame: pd.DataFrame, *, latency_title: str, quality_title: str, order: Sequence[str], log: bool
) -> alt.LayerChart | alt.FacetChart:
    """The chart; `order` holds all stored targets, `log` asks for a logarithmic latency axis."""
    placed, unit = _in_unit(frame[frame["quality"].notna() & frame["latency"].notna()])
    lowest = float(placed[["quality", "quality_low"]].min().min())
    bottom = max(1.0, floor((lowest - 0.05) * 2) / 2)
    y_scale = alt.Scale(domain=[bottom, 5.0], nice=False)
    placed = placed.assign(label_dy=_label_offsets(placed, float(placed["latency"].max()) * 1.12, 5.0 - bottom))
    x_scale = _x_scale(placed, log)
    x = alt.X("latency:Q", title=f"{latency_title} ({unit})", scale=x_scale, axis=alt.Axis(tickCount=8, format="~f"))
    y = alt.Y("quality:Q", title=quality_title, scale=y_scale, axis=alt.Axis(tickCount=6))
    base = alt.Chart()
    color = target_color(order)
    frontier = (
        base.transform_filter("datum.on_frontier")
        .mark_line(interpolate="step-after", strokeDash=[5, 4], strokeWidth=1.5, color=QUIET)
        .encode(x=x, y=y, order=alt.Order("latency:Q"))
    )
    across = (
        base.transform_filter("isValid(datum.latency_low)")
        .mark_rule(strokeWidth=1.5, opacity=0.75)
        .encode(x=alt.X("latency_low:Q", scale=x_scale), x2="latency_high:Q", y=y, color=color)
    )
    upright = (
        base.transform_filter("isValid(datum.quality_low)")
        .mark_rule(strokeWidth=1.5, opacity=0.75)
        .encode(x=x, y=alt.Y("quality_low:Q", scale=y_scale), y2="quality_high:Q", color=color)
    )
    points = base.mark_point(filled=True, size=150, opacity=1).encode(
        x=x, y=y, color=color, shape=target_shape(order), tooltip=_tooltip(unit)
    )
    names = base.mark_text(align="left", dx=9, dy=alt.expr("datum.label_dy"), fontSize=13, fontWeight=600).encode(
        x=x, y=y, text="label:N", color=color
    )
    return alt.layer(frontier, across, upright, points, names, data=placed[[*SHOWN, "label_dy"]]).properties(
        height=HEIGHT
    )


def _tooltip(unit: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="Target"),
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("quality:Q", title="Quality", format=".2f"),
        alt.Tooltip("quality_low:Q", title="Quality, interval from", format=".2f"),
        alt.Tooltip("quality_high:Q", title="Quality, interval to", format=".2f"),
        alt.Tooltip("quality_n:Q", title="Questions scored"),
        alt.Tooltip("latency:Q", title=f"Latency ({unit})", format=",.3~f"),
        alt.Tooltip("latency_low:Q", title=f"Latency, interval from ({unit})", format=",.3~f"),
        alt.Tooltip("latency_high:Q", title=f"Latency, interval to ({unit})", format=",.3~f"),
        alt.Tooltip("latency_n:Q", title="Answers timed"),
    ]
