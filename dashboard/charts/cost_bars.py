"""What a month costs a target: a bar each, the amount beside it, and words instead of a bar where a price is unknown.

The frame comes from tables.cost_frame.
"""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.charts.marks import QUIET, target_color, title
from dashboard.format import usd

ROW = 44  # pixels a bar
SHOWN = [
    *("label", "target", "model", "shown", "word", "hypothetical"),
    *("prompt_tokens", "completion_tokens", "n_answers"),
]
AXIS = 60  # pixels beneath the bars
LINE = 18  # pixels of a second line of the axis' title
AXIS_TITLE = "Cost a month (USD)"


def _word(amount: float, price: str) -> str:
    return price if pd.isna(amount) else usd(amount)


def cost_bars(frame: pd.DataFrame, *, order: Sequence[str], simulated: bool = False) -> alt.LayerChart | alt.FacetChart:
    """The chart, cheapest first, unknown last; a bar at hypothetical prices is pale, and the axis says so."""
    words = [_word(*row) for row in zip(frame["cost_month"], frame["price"], strict=True)]
    sorted_ = frame.assign(word=words, shown=frame["cost_month"].fillna(0.0)).sort_values(
        "cost_month", na_position="last"
    )
    y = alt.Y(
        "label:N",
        sort=sorted_["label"].to_list(),
        title=None,
        axis=alt.Axis(labelLimit=220, labelFontSize=13, ticks=False),
    )
    most = float(sorted_["shown"].max()) or 1.0
    x = alt.X(
        "shown:Q",
        title=AXIS_TITLE if not sorted_["hypothetical"].any() else [AXIS_TITLE, "pale bars: at a hypothetical price"],
        scale=alt.Scale(domain=[0, most * 1.35], nice=False),
        axis=alt.Axis(format="$,~f" if most >= 10 else "$,.2~f", tickCount=6),
    )
    base = alt.Chart()
    bars = base.mark_bar(cornerRadiusEnd=3, height={"band": 0.6}).encode(
        x=x,
        y=y,
        color=target_color(order),
        opacity=alt.condition("datum.hypothetical", alt.value(0.55), alt.value(1.0)),
        tooltip=[
            alt.Tooltip("label:N", title="Target"),
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("word:N", title="Cost a month"),
            alt.Tooltip("prompt_tokens:Q", title="Input tokens an answer", format=",.0f"),
            alt.Tooltip("completion_tokens:Q", title="Output tokens an answer", format=",.0f"),
            alt.Tooltip("n_answers:Q", title="Answers measured"),
        ],
    )
    amounts = base.mark_text(align="left", dx=7, fontSize=13, color=QUIET, limit=alt.ExprRef("width")).encode(
        x=x, y=y, text="word:N"
    )
    return alt.layer(bars, amounts, data=sorted_[SHOWN]).properties(
        height=ROW * len(sorted_) + AXIS + LINE * int(sorted_["hypothetical"].any()), **title(simulated)
    )
