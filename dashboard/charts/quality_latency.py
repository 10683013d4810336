"""Quality against latency: a point a run with its intervals both ways, and the frontier through the unbeaten ones.

The frame comes from tables.overview_frame; which latency and criterion it holds is said in the axis titles. Written as
Vega-Lite and not with Altair: this chart is what a visitor waits for, and Altair takes 60 ms to put it together.
"""

from collections.abc import Sequence
from math import floor, isfinite
from math import log as ln
from typing import Any

import pandas as pd

from dashboard.charts.drawing import Drawing
from dashboard.charts.marks import QUIET, color_scale, shape_scale, title
from dashboard.charts.names import Place, Spot, place_names

HEIGHT = 430
STEPS = 8  # the quality axis begins at one of so many places on the scale, below the lowest interval
LOG_FROM = 20.0  # an automatic axis is logarithmic where the slowest is so many times slower than the fastest
SHOWN = [
    *("label", "target", "model", "on_frontier"),
    *("latency", "latency_low", "latency_high", "latency_n"),
    *("quality", "quality_low", "quality_high", "how", "n_people", "n_judge"),
]
AXES_PX = 55  # of the height, taken by the latency axis with its title


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


def _share(value: float | None, low: float, high: float, log_axis: bool = False) -> float | None:
    """How far along an axis a value lies, 0 to 1; None where there is none."""
    if value is None or not isfinite(value):
        return None
    if log_axis:
        value, low, high = ln(max(value, low)), ln(low), ln(high)
    return (value - low) / (high - low)


def _places(frame: pd.DataFrame, x: dict[str, Any], y: dict[str, Any]) -> list[Place]:
    """Where each point's name stands; `x` and `y` are the scales of the axes."""
    log_axis = x.get("type") == "log"
    (shortest, longest), (lowest, highest) = x["domain"], y["domain"]
    columns = ["label", "latency", "quality", "latency_low", "latency_high", "quality_low", "quality_high"]
    spots = []
    for label, latency, quality, *ends in frame[columns].itertuples(index=False, name=None):
        at, left, right = (_share(value, shortest, longest, log_axis) for value in (latency, *ends[:2]))
        up, low, high = (_share(value, lowest, highest) for value in (quality, *ends[2:]))
        across = None if left is None or right is None else (left, right)
        upright = None if low is None or high is None else (low, high)
        spots.append(Spot(at or 0.0, up or 0.0, across, upright, str(label)))
    return place_names(spots, height=HEIGHT - AXES_PX)


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
    quality_title: str | Sequence[str],
    order: Sequence[str],
    log: bool,
    scale: tuple[float, float] = (1.0, 5.0),
    simulated: bool = False,
) -> Drawing:
    """The chart; `order` holds all stored targets, `log` asks for a logarithmic axis, `scale` is that of the scores.

    A title of several parts stands in as many lines.
    """
    placed, unit = _in_unit(frame[frame["quality"].notna() & frame["latency"].notna()])
    lowest = float(placed[["quality", "quality_low"]].min().min())
    step = (scale[1] - scale[0]) / STEPS
    bottom = scale[0] + max(0, floor((lowest - scale[0]) / step - 0.1)) * step
    of_x, of_y = _x_scale(placed, log), {"domain": [bottom, scale[1]], "nice": False}
    places = _places(placed, of_x, of_y)
    rows = placed[SHOWN].assign(label_dx=[place.dx for place in places], label_dy=[place.dy for place in places])
    x = {**_number("latency", f"{latency_title} ({unit})", of_x), "axis": {"tickCount": 8, "format": "~f"}}
    y = {**_number("quality", quality_title, of_y), "axis": {"tickCount": 6}}
    color = {"field": "target", "type": "nominal", "scale": color_scale(order), "legend": None}
    shape = {"field": "target", "type": "nominal", "scale": shape_scale(order), "legend": None}
    rule = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.75}
    name = {
        **{"type": "text", "fontSize": 13, "align": {"expr": "datum.label_dx < 0 ? 'right' : 'left'"}},
        **{"dx": {"expr": "datum.label_dx"}, "dy": {"expr": "datum.label_dy"}},
    }
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


def _number(field: str, said: str | Sequence[str], scale: dict[str, Any]) -> dict[str, Any]:
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
