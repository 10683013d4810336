"""Which score one rater gave where the other gave which: a heat map with the counts in its cells.

The frame comes from agreement_tables.confusion_frame.
"""

import altair as alt
import pandas as pd

from dashboard.charts.marks import title

CELL = 52  # pixels


def confusion(frame: pd.DataFrame, *, first: str, second: str, simulated: bool) -> alt.LayerChart | alt.FacetChart:
    """The heat map; the diagonal, where both agree, runs from the bottom left to the top right."""
    order = list(dict.fromkeys(frame["first"]))
    x = alt.X("second:N", sort=order, title=f"Score by {second}", axis=alt.Axis(labelAngle=0))
    y = alt.Y("first:N", sort=order[::-1], title=f"Score by {first}")
    most = int(frame["answers"].max()) or 1
    cells = (
        alt.Chart()
        .mark_rect(stroke="#8884", strokeWidth=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color("answers:Q", scale=alt.Scale(domain=[0, most]), legend=None),
            tooltip=[
                alt.Tooltip("first:N", title=first),
                alt.Tooltip("second:N", title=second),
                alt.Tooltip("answers:Q", title="Answers"),
            ],
        )
    )
    counts = (
        alt.Chart()
        .mark_text(fontSize=13)
        .encode(
            x=x,
            y=y,
            text="answers:Q",
            color=alt.condition(f"datum.answers > {most * 0.55}", alt.value("white"), alt.value("#8A949C")),
        )
    )
    side = CELL * len(order)
    return alt.layer(cells, counts, data=frame).properties(width=side, height=side, **title(simulated))
