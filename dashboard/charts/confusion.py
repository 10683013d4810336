"""Which score one rater gave where the other gave which: a heat map with the counts in its cells.

The frame comes from agreement_tables.confusion_frame.
"""

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, title

CELL = 56  # pixels
FEWEST, MOST = "#66727C", "#0B63B5"  # white is legible on both and between, and both show on light and dark ground


def confusion(frame: pd.DataFrame, *, first: str, second: str, simulated: bool) -> alt.LayerChart | alt.FacetChart:
    """The heat map, square; the diagonal, where both agree, runs from the bottom left to the top right.

    A cell that nobody gave is empty, the others go from grey to blue: the theme's own scale runs from light to dark or
    the other way, and no colour of text is legible on both.
    """
    order = list(dict.fromkeys(frame["first"]))
    x = alt.X("second:N", sort=order, title=f"Score by {second}", axis=alt.Axis(labelAngle=0))
    y = alt.Y("first:N", sort=order[::-1], title=f"Score by {first}")
    scale = alt.Scale(domain=[0, int(frame["answers"].max()) or 1], range=[FEWEST, MOST], interpolate="rgb")
    fill = alt.Color("answers:Q", scale=scale, legend=None)
    cells = (
        alt.Chart()
        .mark_rect(stroke="#8884", strokeWidth=1)
        .encode(
            x=x,
            y=y,
            color=alt.condition("datum.answers > 0", fill, alt.value("transparent")),
            tooltip=[
                alt.Tooltip("first:N", title=first),
                alt.Tooltip("second:N", title=second),
                alt.Tooltip("answers:Q", title="Answers"),
            ],
        )
    )
    counts = (
        alt.Chart()
        .mark_text(fontSize=14)
        .encode(
            x=x,
            y=y,
            text="answers:Q",
            color=alt.condition("datum.answers > 0", alt.value("white"), alt.value(QUIET)),
        )
    )
    side = CELL * len(order)
    whole = alt.AutoSizeParams(type="pad", contains="content")  # else titles are squeezed into the square, or cut off
    return alt.layer(cells, counts, data=frame).properties(width=side, height=side, autosize=whole, **title(simulated))
