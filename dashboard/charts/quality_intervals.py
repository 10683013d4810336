"""The quality number of each target with its interval, on the scale it was scored on.

The frame comes from quality_tables.numbers_frame.
"""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, target_color, title

ROW = 52  # pixels a target


def quality_intervals(
    frame: pd.DataFrame, *, order: Sequence[str], axis_title: str, scale: tuple[float, float], simulated: bool
) -> alt.LayerChart | alt.FacetChart:
    """A point a target with its 95 % interval and its value; how it was found stands in the tooltip."""
    base = alt.Chart()
    y = alt.Y("target:N", sort=frame["target"].to_list(), title=None, axis=alt.Axis(labelLimit=220, ticks=False))
    x = alt.Scale(domain=list(scale), nice=False)
    bars = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", scale=x, title=axis_title, axis=alt.Axis(tickCount=8)),
        x2="high:Q",
        y=y,
        color=target_color(order),
    )
    points = base.mark_point(filled=True, size=130, opacity=1).encode(
        x=alt.X("value:Q", scale=x, title=axis_title),
        y=y,
        color=target_color(order),
        tooltip=[
            alt.Tooltip("target:N", title="Target"),
            alt.Tooltip("quality:N", title="Quality"),
            alt.Tooltip("method:N", title="How"),
            alt.Tooltip("people:N", title="Scored by people"),
            alt.Tooltip("judge:N", title="Scored by the judge"),
        ],
    )
    words = base.mark_text(dy=-14, fontSize=12, color=QUIET).encode(
        x="value:Q", y=y, text=alt.Text("value:Q", format=".2f")
    )
    return alt.layer(bars, points, words, data=frame).properties(height=ROW * len(frame) + 40, **title(simulated))
