"""How many points a judge lies above or below the people, target by target, with intervals.

The frame comes from agreement_tables.bias_frame.
"""

from collections.abc import Sequence
from math import ceil

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, target_color, title

ROW = 40  # pixels a target
STEP = 0.2  # points to which the axis is rounded up


def bias_bars(frame: pd.DataFrame, *, order: Sequence[str], simulated: bool) -> alt.LayerChart | alt.FacetChart:
    """A point a target with its 95 % interval; the line at 0 is a judge that scores as people do."""
    base = alt.Chart()
    ends = [abs(float(end)) for name in ("bias_low", "bias_high", "bias") for end in frame[name].dropna()]
    reach = ceil(max([*ends, STEP]) / STEP) * STEP  # as far to both sides, so that 0 is a tick
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(
        values=[-reach, -reach / 2, 0, reach / 2, reach],
        format="+~g",
        labelExpr="datum.value === 0 ? '0' : datum.label",
    )
    y = alt.Y("target:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=220, labelFontSize=13, ticks=False))
    zero = base.mark_rule(strokeDash=[4, 4], color=QUIET).encode(x=alt.datum(0, type="quantitative"))
    bars = base.mark_rule(strokeWidth=2).encode(x="bias_low:Q", x2="bias_high:Q", y=y, color=target_color(order))
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("bias:Q", title="Judge less people (points)", scale=scale, axis=axis),
        y=y,
        color=target_color(order),
        tooltip=[
            alt.Tooltip("target:N", title="Target"),
            alt.Tooltip("bias:Q", title="Bias (points)", format="+.2f"),
            alt.Tooltip("bias_low:Q", title="Interval from", format="+.2f"),
            alt.Tooltip("bias_high:Q", title="to", format="+.2f"),
            alt.Tooltip("n:Q", title="Questions"),
        ],
    )
    height = ROW * frame["target"].nunique() + 40
    return alt.layer(zero, bars, points, data=frame).properties(height=height, **title(simulated))
