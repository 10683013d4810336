"""Quality against latency: a point a run with its intervals both ways, and the frontier through the unbeaten ones.

The frame comes from tables.overview_frame; which latency and criterion it holds is said in the axis titles. Written as
Vega-Lite and not with Altair: this chart is what a visitor waits for, and Altair takes 60 ms to put it together.
"""

from collections.abc import Sequence
from math import floor
from typing import Any

import pandas as pd

from dashboard.charts.drawing import Drawing
from dashboard.charts.marks import QUIET, color_scale, shape_scale, title

HEIGHT = 430
STEPS = 8  # the quality axis begins at one of so many places on the scale, below the lowest interval
LOG_FROM = 20.0  # an automatic axis is logarithmic where the slowest is so many times slower than the fastest
SHOWN = [
    *("label", "target", "model", "on_frontier"),
    *("latency", "latency_low", "latency_high", "latency_n"),
    *("quality", "quality_low", "quality_high", "how", "n_people", "n_judge"),
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


def _x_scale(frame: pd.DataFrame, log: bool) -> dict[str, Any]:
    """Room on the right for the slowest point's name; from 0 on a linear axis."""
    columns = frame[["latency", "latency_low", "latency_high"]]
    longest = float(columns.max().max()) or 1.0
    if not log:
        return {"domain": [0, longest * 1.12], "nice": False}
    positive = float(columns.where(columns > 0).min().min())
    return {"type": "log", "domain": [positive * 0.8, longest * 1.8], "nice": False}


def quality_latency(
    frame: pd.DataFrame,
    *,
    latency_title: str,
    quality_title: str,
    order: Sequence[str],
    log: bool,
    scale: tuple[float, float] = (1.0, 5.0),
    simulated: bool = False,
) -> Drawing:
    """The chart; `order` holds all stored targets, `log` asks for a logarithmic axis, `scale` is that of the scores."""
    placed, unit = _in_unit(frame[frame["quality"].notna() & frame["latency"].notna()])
    lowest = float(placed[["quality", "quality_low"]].min().min())
    step = (scale[1] - scale[0]) / STEPS
    bottom = scale[0] + max(0, floor((lowest - scale[0]) / step - 0.1)) * step
    wide, high = float(placed["latency"].max()) * 1.12, scale[1] - bottom
    rows = placed[SHOWN].assign(label_dy=_label_offsets(placed, wide, high))
    x = {
        **_number("latency", f"{latency_title} ({unit})", _x_scale(placed, log)),
        "axis": {"tickCount": 8, "format": "~f"},
    }
    y = {**_number("quality", quality_title, {"domain": [bottom, scale[1]], "nice": False}), "axis": {"tickCount": 6}}
    color = {"field": "target", "type": "nominal", "scale": color_scale(order), "legend": None}
    shape = {"field": "target", "type": "nominal", "scale": shape_scale(order), "legend": None}
    rule = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.75}
    name = {"type": "text", "align": "left", "dx": 9, "dy": {"expr": "datum.label_dy"}, "fontSize": 13}
    layers = [
        {
            "transform": [{"filter": "datum.on_frontier"}],
            "mark": {
                **{"type": "line", "interpolate": "step-after", "strokeDash": [5, 4], "strokeWidth": 1.5},
                "color": QUIET,
            },
            "encoding": {"x": x, "y": y, "order": {"field": "latency", "type": "quantitative"}},
        },
        {
            "transform": [{"filter": "isValid(datum.latency_low)"}],
            "mark": rule,
            "encoding": {"x": x | {"field": "latency_low"}, "x2": {"field": "latency_high"}, "y": y, "color": color},
        },
        {
            "transform": [{"filter": "isValid(datum.quality_low)"}],
            "mark": rule,
            "encoding": {"x": x, "y": y | {"field": "quality_low"}, "y2": {"field": "quality_high"}, "color": color},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 150, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "shape": shape, "tooltip": _tooltip(unit)},
        },
        {
            "mark": {**name, "fontWeight": 600},
            "encoding": {"x": x, "y": y, "text": {"field": "label", "type": "nominal"}, "color": color},
        },
    ]
    return Drawing(rows, {"height": HEIGHT, **title(simulated), "layer": layers})


def _number(field: str, said: str, scale: dict[str, Any]) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": said, "scale": scale}


def _tooltip(unit: str) -> list[dict[str, Any]]:
    numbers = {
        "quality": ("Quality", ".2f"),
        "quality_low": ("Quality, interval from", ".2f"),
        "quality_high": ("Quality, interval to", ".2f"),
        "n_people": ("Questions scored by people", ",d"),
        "n_judge": ("Questions scored by the judge", ",d"),
        "latency": (f"Latency ({unit})", ",.3~f"),
        "latency_low": (f"Latency, interval from ({unit})", ",.3~f"),
        "latency_high": (f"Latency, interval to ({unit})", ",.3~f"),
        "latency_n": ("Answers timed", ",d"),
    }
    names = {"label": "Target", "model": "Model", "how": "Quality is"}
    return [{"field": field, "type": "nominal", "title": said} for field, said in names.items()] + [
        {"field": field, "type": "quantitative", "title": said, "format": form}
        for field, (said, form) in numbers.items()
    ]
