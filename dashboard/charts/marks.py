"""What all charts agree on: one colour and one shape a target, the same everywhere, a quiet grey for the rest, and the
mark of simulated data.

Colours are the theme's, by the target's place among all stored targets, so they follow light and dark by themselves.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
QUIET = "#717C86"  # at least 4.2:1 on the light and on the dark background (tests/test_charts.py)
SIMULATED = "Simulated data"


def color_scale(order: Sequence[str]) -> dict[str, Any]:
    """The scale of a target's colour; `order` holds all stored targets (data.target_order)."""
    return {"domain": list(order)}


def shape_scale(order: Sequence[str]) -> dict[str, Any]:
    """The scale of a target's shape, for eyes and printers that do not tell colours apart."""
    return {"domain": list(order), "range": [SHAPES[place % len(SHAPES)] for place in range(len(order))]}


def target_color(order: Sequence[str], field: str = "target") -> alt.Color:
    """A target's colour in an Altair chart."""
    return alt.Color(f"{field}:N", scale=alt.Scale(**color_scale(order)), legend=None)


def target_shape(order: Sequence[str], field: str = "target") -> alt.Shape:
    """A target's shape in an Altair chart."""
    return alt.Shape(f"{field}:N", scale=alt.Scale(**shape_scale(order)), legend=None)


def title(simulated: bool) -> dict[str, Any]:
    """The `title` of a chart as properties: the mark of simulated data, which a saved image keeps; else nothing."""
    marked = {"text": SIMULATED, "anchor": "end", "fontSize": 12, "fontWeight": "normal", "color": QUIET, "offset": 6}
    return {"title": marked} if simulated else {}


def literal(text: str) -> str:
    """A name as a field of a title: Vega shows it letter by letter."""
    return " ".join(text.split())
