"""A target's mark beside its name, in the colour and the shape that it has in every chart.

The colours are those of the theme, which the browser knows; shapes are charts.marks' business.
"""

from collections.abc import Sequence

from streamlit.components.v2 import component

from dashboard.charts.marks import SHAPES

SIZE = 18  # pixels

_JS = """
const PATHS = {
  "circle": "M9 3a6 6 0 1 0 .01 0z",
  "square": "M4 4h10v10h-10z",
  "triangle-up": "M9 3l6.5 11.5h-13z",
  "diamond": "M9 2l6 7l-6 7l-6-7z",
  "triangle-down": "M9 15l6.5-11.5h-13z",
  "cross": "M7 3h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
  "triangle-right": "M15 9l-11.5 6.5v-13z",
}
export default function ({ data, parentElement }) {
  const mark = parentElement.querySelector("svg")
  const colors = getComputedStyle(mark).getPropertyValue("--st-chart-categorical-colors").split(",")
  const path = mark.querySelector("path")
  path.setAttribute("d", PATHS[data.shape])
  path.setAttribute("fill", (colors[data.place % colors.length] ?? "").trim() || "currentColor")
}
"""

_COMPONENT = component(
    "rightsize_target_mark",
    html=f'<svg width="{SIZE}" height="{SIZE}" viewBox="0 0 18 18" aria-hidden="true"><path></path></svg>',
    css="svg { display: block }",
    js=_JS,
)


def target_mark(target: str, order: Sequence[str], *, key: str) -> None:
    """The mark; `order` holds all stored targets (data.target_order)."""
    place = order.index(target)
    _COMPONENT(data={"place": place, "shape": SHAPES[place % len(SHAPES)]}, key=key, width=SIZE)
