"""The charts of a TCO: a Result in, an Altair chart out, for the page and for the report alike.

No colour is set here: the page's theme or the report's look gives them. None means that there is nothing to draw.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from eval.cost import prose
from eval.cost.figure import Figure
from eval.cost.result import BreakEven, OptionResult, Result
from eval.stats.frontier import on_frontier

QUIET = "#8A949C"  # legible on the light and on the dark background
SIMULATED = "Simulated data"
ROW = 40  # pixels a bar
MOST_BARS = 12
LABEL_PX = 260
P10, P90 = "10th percentile", "90th percentile"
_NARROW = "width < 420"  # on a telephone
_QUIET_SYMBOLS: dict[str, Any] = {"symbolFillColor": QUIET, "symbolStrokeColor": QUIET}
LINE = 14  # pixels a line of names above a plot
Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def _label(option: OptionResult) -> str:
    return option.label or option.name


def _value(figure: Figure) -> float | None:
    return None if figure.value is None else float(figure.value)


def _color(result: Result, order: Sequence[str], *, shown: Iterable[str] = (), room: int = 0) -> alt.Color:
    """One colour an option, the same in all charts; `room` lines of names stand between the plot and the legend.

    The legend names the labels in `shown`, those that are drawn; there is none where it is empty.
    An option that rests on one of the targets in `order` has the colour of that place, as on the pages that show the
    target; the others follow in the scenario's order.
    """
    drawn = set(shown)
    labels = [label for option in result.options if (label := _label(option)) in drawn]
    look = {"orient": "top", "symbolOpacity": 1, "values": labels}
    look |= {"columns": alt.ExprRef(f"{_NARROW} ? 1 : 3"), "labelLimit": LABEL_PX}
    look |= {"offset": LINE * room + 8} if room else {}
    legend = alt.Legend(title=None, **look) if labels else None
    return alt.Color("option:N", scale=alt.Scale(domain=_by_place(result.options, order)), legend=legend)


def _by_place(options: Sequence[OptionResult], order: Sequence[str]) -> list[str]:
    """The options' labels, each at its target's place; a place that no option takes holds the target's own name."""
    owners = {option.target: _label(option) for option in reversed(options) if option.target in order}
    placed = [owners.get(target, f"(target) {target}") for target in order]
    return placed + [label for option in options if (label := _label(option)) not in owners.values()]


def _bars(names: Sequence[str]) -> alt.Y:
    return alt.Y("option:N", sort=list(names), title=None, axis=_names_axis())


def _names_axis(lines: str = "datum.label") -> alt.Axis:
    """An axis that names every row, and shortens names on a telephone; `lines` is the expression of a name's lines."""
    limit = alt.ExprRef(f"{_NARROW} ? 130 : {LABEL_PX}")
    return alt.Axis(labelLimit=limit, labelExpr=lines, labelOverlap=False, ticks=False, domain=False)


def cumulative(result: Result, order: Sequence[str] = ()) -> Chart | None:
    """What was paid up to each month: the median of the draws as a line, the 10th to 90th percentile as a band.

    A line that falls in the last month has machines in it: what they can be resold for is taken off there.
    """
    rows = [
        {"option": _label(option), "month": month, "low": float(low), "middle": float(middle), "high": float(high)}
        for option in result.options
        if option.fan is not None
        for month, (low, middle, high) in enumerate(
            zip(option.fan.p10.values, option.fan.p50.values, option.fan.p90.values, strict=True)
        )
    ]
    if not rows:
        return None
    title = f"Paid so far ({result.currency})"
    axis = alt.Axis(format="d", grid=False)
    x = alt.X("month:Q", title="Months since the start", axis=axis, scale=alt.Scale(nice=False))
    tooltip = [alt.Tooltip("option:N"), alt.Tooltip("month:Q")]
    tooltip += [
        alt.Tooltip(f"{name}:Q", title=words, format=",.0f")
        for name, words in (("low", "10th percentile"), ("middle", "median"), ("high", "90th percentile"))
    ]
    base = alt.Chart(pd.DataFrame(rows))
    color = _color(result, order, shown=(row["option"] for row in rows))
    band = base.mark_area(opacity=0.16).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=color)
    line = base.mark_line(strokeWidth=2).encode(x=x, y=alt.Y("middle:Q", title=title), color=color, tooltip=tooltip)
    return alt.layer(band, line).properties(height=320)


def by_head(result: Result, _order: Sequence[str] = ()) -> Chart | None:
    """The effective cost over the horizon, a bar an option, cut into heads."""
    rows = [
        {"option": _label(option), "head": head.head, "cost": _value(head.effective_cost)}
        for option in result.options
        for head in option.heads
    ]
    if not rows:
        return None
    names = list(dict.fromkeys(row["option"] for row in rows))
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(height={"band": 0.65})
        .encode(
            x=alt.X("sum(cost):Q", title=f"Effective cost over the horizon ({result.currency})"),
            y=_bars(names),
            color=alt.Color(
                "head:N", legend=alt.Legend(title=None, orient="top", columns=alt.ExprRef(f"{_NARROW} ? 2 : 4"))
            ),
            tooltip=["option:N", "head:N", alt.Tooltip("sum(cost):Q", title="cost", format=",.0f")],
        )
        .properties(height=ROW * len(names))
    )


def criterion_of(result: Result) -> str | None:
    """The criterion that the quality chart shows: one with a floor, else the first that was scored."""
    scored = list(dict.fromkeys(c for option in result.options for c in option.quality))
    floors = [key.removesuffix(", at least") for key in result.requirements if key.endswith(", at least")]
    return next((c for c in [*floors, *scored] if c in scored), None)


def cost_against_quality(result: Result, order: Sequence[str] = ()) -> Chart | None:
    """Cost of 1,000 answers against one criterion, with its 95 % interval and the floor; top left is best.

    The dashed steps are the efficient frontier: through the options that no other beats in cost and quality both.
    """
    criterion = criterion_of(result)
    if criterion is None:
        return None
    rows = []
    for option in result.options:
        quality, cost = option.quality.get(criterion), _value(option.per_1000)
        if quality is not None and quality.value is not None and cost is not None:
            rows.append(
                {
                    **{"option": _label(option), "cost": cost, "cost_low": option.per_1000.low},
                    **{"cost_high": option.per_1000.high, "quality": _value(quality), "standing": option.standing},
                    **{"low": quality.low, "high": quality.high},
                }
            )
    if not rows:
        return None
    ahead = on_frontier([(row["cost"], row["quality"]) for row in rows])
    frontier = sorted((row for row, is_ahead in zip(rows, ahead, strict=True) if is_ahead), key=lambda r: r["cost"])
    base = alt.Chart(pd.DataFrame(rows))
    x = alt.X("cost:Q", title=f"Cost of 1,000 answers ({result.currency})", scale=alt.Scale(zero=False, padding=30))
    least = min(value for row in rows for value in (row["quality"], row["low"]) if value is not None)
    scale = alt.Scale(domain=[max(1.0, np.floor(2 * least - 0.5) / 2), 5.0], nice=False)
    y = alt.Y("quality:Q", title=f"{criterion.capitalize()} (1 to 5 points)", scale=scale)
    color = _color(result, order, shown=(row["option"] for row in rows))
    points = base.mark_point(filled=True, size=130).encode(
        x=x,
        y=y,
        color=color,
        shape=alt.Shape("standing:N", legend=alt.Legend(title=None, orient="bottom", **_QUIET_SYMBOLS)),
        tooltip=[
            "option:N",
            "standing:N",
            alt.Tooltip("cost:Q", format=",.2f"),
            alt.Tooltip("quality:Q", format=".2f"),
        ],
    )
    layers: list[Any] = [
        base.mark_rule(opacity=0.5).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=color),
        base.mark_rule(opacity=0.5).encode(x=alt.X("cost_low:Q"), x2="cost_high:Q", y=y, color=color),
        points,
    ]
    layers += _frontier(frontier, x, y)
    floor = result.requirements.get(f"{criterion}, at least")
    if floor is not None:
        line = alt.Chart(pd.DataFrame([{"floor": _value(floor), "said": "asked for"}]))
        at = alt.Y("floor:Q", scale=scale)
        layers.append(line.mark_rule(strokeDash=[2, 3], color=QUIET).encode(y=at))
        words = line.mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color=QUIET)
        layers.append(words.encode(x=alt.value("width"), y=at, text="said:N"))
    return alt.layer(*layers).properties(height=340)


def _frontier(points: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y) -> list[Any]:
    """The steps through the options on the frontier, from the cheapest to the right edge, and their name."""
    line = alt.Chart(pd.DataFrame(points))
    ends = alt.Chart(pd.DataFrame([points[0]])), alt.Chart(pd.DataFrame([{**points[-1], "said": "efficient frontier"}]))
    look: dict[str, Any] = {"strokeDash": [6, 4], "strokeWidth": 1.5, "color": QUIET}
    words = ends[1].mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color=QUIET, fontStyle="italic")
    return [
        ends[0].mark_rule(**look).encode(x=x, y=y, y2=alt.value("height")),
        line.mark_line(interpolate="step-after", **look).encode(x=x, y=y),
        ends[1].mark_rule(**look).encode(x=x, x2=alt.value("width"), y=y),
        words.encode(x=alt.value("width"), y=y, text="said:N"),
    ]


def tornado(result: Result, _order: Sequence[str] = ()) -> Chart | None:
    """The saving at the 10th and the 90th percentile of each number, the widest first; the line is no saving."""
    rows: list[Mapping[str, Any]] = [
        {"number": bar.label, P10: _value(bar.saving_at_p10), P90: _value(bar.saving_at_p90),
         "range": f"{prose.words(bar.p10)} to {prose.words(bar.p90)}"}
        for bar in result.tornado[:MOST_BARS]
    ]  # fmt: skip
    if not rows or result.tornado_of is None:
        return None
    ours, theirs = (_label(result.option(name)) for name in result.tornado_of)
    order = [row["number"] for row in rows]
    ends = [
        {"number": row["number"], "range": row["range"], "end": end, "saving": row[end]}
        for row in rows
        for end in (P10, P90)
    ]
    y = alt.Y("number:N", sort=order, title=None, axis=_names_axis("split(datum.label, ': ')"))
    title = [f"Saving of {ours}", f"against {theirs}", f"({result.currency})"]
    tooltip = ["number:N", alt.Tooltip("range:N", title=f"{P10} to {P90}")]
    tooltip += [alt.Tooltip(f"{end}:Q", title=f"saving at the {end}", format=",.0f") for end in (P10, P90)]
    bars = (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(height={"band": 0.55}, opacity=0.75)
        .encode(x=alt.X(f"{P10}:Q", title=title), x2=f"{P90}:Q", y=y, tooltip=tooltip)
    )
    marks = (
        alt.Chart(pd.DataFrame(ends))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x="saving:Q",
            y=y,
            shape=alt.Shape(
                "end:N",
                title="the number at its",
                scale=alt.Scale(domain=[P10, P90]),
                legend=alt.Legend(orient="top", **_QUIET_SYMBOLS),
            ),
            color=alt.value(QUIET),
        )
    )
    zero = alt.Chart(pd.DataFrame([{"x": 0}])).mark_rule(color=QUIET).encode(x="x:Q")
    return alt.layer(bars, zero, marks).properties(height=32 * len(rows))


def break_even(result: Result, order: Sequence[str] = ()) -> Chart | None:
    """Where each option with machines breaks even (dot) with its 10th to 90th percentile (bar).

    Grey ticks are what one machine, two, three and so on bear; dashed lines are the workload's first and last month.
    """
    bands, steps = [], []
    for found in result.break_even:
        option = result.option(found.option)
        if (volume := _value(found.volume)) is not None:
            band = {"low": found.volume.low or volume, "high": found.volume.high or volume}
            bands.append({"option": _label(option), "volume": volume, **band})
        limits = _bearable(option)
        steps += [{"option": _label(option), "limit": limit, "machines": machines} for limit, machines in limits]
    if not bands:
        return None
    names = [row["option"] for row in bands]
    x = alt.X("volume:Q", title="Requests a month", scale=alt.Scale(type="log", nice=False, padding=20))
    y = _bars(names)
    base = alt.Chart(pd.DataFrame(bands))
    tooltip = ["option:N", alt.Tooltip("volume:Q", title="break-even", format=",.0f")]
    tooltip += [alt.Tooltip("low:Q", format=",.0f"), alt.Tooltip("high:Q", format=",.0f")]
    color = _color(result, order)
    layers: list[Any] = [
        base.mark_rule(strokeWidth=7, opacity=0.35).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=color),
        base.mark_point(filled=True, size=120).encode(x=x, y=y, color=color, tooltip=tooltip),
    ]
    if steps:
        capacity = alt.Chart(pd.DataFrame(steps))
        tip = ["option:N", "machines:Q", alt.Tooltip("limit:Q", title="bears a month", format=",.0f")]
        tick = capacity.mark_tick(thickness=2, height=24, color=QUIET)
        layers.append(tick.encode(x=alt.X("limit:Q"), y=y, tooltip=tip))
    months = _months(result)
    workload = alt.Chart(pd.DataFrame(months, columns=["at", "said"]))
    layers.append(workload.mark_rule(strokeDash=[5, 4], color=QUIET).encode(x="at:Q", tooltip="said:N"))
    layers += _names_above(_pairs(months), None, None)
    return alt.layer(*layers).properties(height=ROW * len(names))


def cost_by_volume(result: Result, order: Sequence[str] = ()) -> Chart | None:
    """What the first month costs at each volume: by the token a straight line, machines a step at each further one.

    Dots are break-evens, named above in their option's colour; dashed lines in an option's colour are what its first
    month's machines bear.
    """
    labels = {option.name: _label(option) for option in result.options}
    rows = [
        {"option": labels[curve.option], "volume": float(volume), "cost": float(cost)}
        for curve in result.curves
        for volume, cost in zip(curve.volumes.values, curve.costs.values, strict=True)
    ]
    if not rows:
        return None
    top = max(row["volume"] for row in rows)
    x = alt.X("volume:Q", title="Requests a month", scale=alt.Scale(domain=[0, top], nice=False))
    y = alt.Y("cost:Q", title=f"Cost of the first month ({result.currency})")
    full = [
        {"option": labels[option.name], "at": at, "said": f"{machines:,.0f} machine{'s' * (machines != 1)} full"}
        for option in result.options
        if option.name in {curve.option for curve in result.curves}
        for at, machines in _bought(option)
        if at <= top
    ]
    met = [mark for found in result.break_even if (mark := _met(found, result, top)) is not None]
    months = _months(result, top)
    above = [*_pairs(months), *_pairs(full), *([mark] for mark in sorted(met, key=lambda mark: mark["at"]))]
    color = _color(result, order, shown=(row["option"] for row in rows), room=len(above))
    tooltip = ["option:N", alt.Tooltip("volume:Q", format=",.0f"), alt.Tooltip("cost:Q", format=",.0f")]
    layers: list[Any] = [
        alt.Chart(pd.DataFrame(rows)).mark_line(strokeWidth=2).encode(x=x, y=y, color=color, tooltip=tooltip)
    ]
    layers += [
        alt.Chart(pd.DataFrame([row])).mark_rule(strokeDash=[3, 3]).encode(x="at:Q", color=color) for row in full
    ]
    for row in met:
        mark = alt.Chart(pd.DataFrame([row]))
        tip = ["option:N", alt.Tooltip("at:Q", title="break-even", format=",.0f")]
        point = mark.mark_point(filled=True, size=110, opacity=1)
        rule = mark.mark_rule(strokeDash=[1, 3], opacity=0.8)  # up to where its name stands
        layers.append(rule.encode(x="at:Q", y="cost:Q", y2=alt.value(0), color=color))
        layers.append(point.encode(x="at:Q", y="cost:Q", color=color, tooltip=tip))
    if months:
        workload = alt.Chart(pd.DataFrame(months))
        layers.append(workload.mark_rule(strokeDash=[5, 4], color=QUIET).encode(x="at:Q", tooltip="said:N"))
    return alt.layer(*layers, *_names_above(above, top, color)).properties(height=340)


def _bought(option: OptionResult) -> list[tuple[float, float]]:
    """What the machines of the first month bear, spares left aside, and how many; none where none is shared."""
    found = [
        (_value(part.bears_first) or 0.0, _value(part.working_first) or 0.0) for part in option.capacity if part.shared
    ]
    return sorted(found)[:1]  # the part that bears least


def _met(found: BreakEven, result: Result, top: float) -> dict[str, Any] | None:
    """A break-even as a mark on the curve of what is billed by the token; None where it lies outside."""
    volume = _value(found.volume)
    curve = next((curve for curve in result.curves if curve.option == found.against), None)
    if volume is None or volume > top or curve is None:
        return None
    cost = float(np.interp(volume, [float(v) for v in curve.volumes.values], [float(c) for c in curve.costs.values]))
    said = f"break-even {volume:,.0f}"
    return {"option": _label(result.option(found.option)), "at": volume, "cost": cost, "said": said}


def _months(result: Result, top: float | None = None) -> list[dict[str, Any]]:
    """The first and the last month's volume as marks, those beyond `top` left out."""
    return [
        {"at": at, "said": f"{month} month"}
        for month in ("first", "last")
        if (at := _value(result.workload[f"requests in the {month} month"])) is not None and (top is None or at <= top)
    ]


def _pairs(marks: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Marks from left to right, two a line: the names of two lead away from each other."""
    ordered = sorted(marks, key=lambda mark: mark["at"])
    return [ordered[i : i + 2] for i in range(0, len(ordered), 2)]


def _names_above(lines: Sequence[Sequence[dict[str, Any]]], top: float | None, color: alt.Color | None) -> list[Any]:
    """The names of marks above the plot, where no curve runs through them; the first line is the lowest.

    Of two in a line the left one's name ends at its mark and the right one's begins there, so that they never meet. One
    alone has its name to the left, but for a mark near the left edge of a plot that ends at `top`.
    """
    layers: list[Any] = []
    for number, line in enumerate(lines):
        for i, mark in enumerate(line):
            near = top is not None and mark["at"] < 0.3 * top
            right = i == 1 or (len(line) == 1 and near)
            words = alt.Chart(pd.DataFrame([mark])).mark_text(
                align="left" if right else "right", baseline="bottom", dx=4 if right else -4, dy=-4 - LINE * number
            )
            its = alt.value(QUIET) if color is None or "option" not in mark else color
            layers.append(words.encode(x="at:Q", y=alt.value(0), text="said:N", color=its))
    return layers


def _bearable(option: OptionResult) -> list[tuple[float, float]]:
    """Requests a month that so many machines bear, of the part of an option that bears least."""
    parts = [[(_value(bears) or 0.0, _value(n) or 0.0) for n, bears in part.steps] for part in option.capacity]
    full = [[step for step in part if step[0] > 0] for part in parts]
    return min((part for part in full if part), key=lambda part: part[0][0], default=[])


CHARTS = {
    "cumulative": cumulative,
    "heads": by_head,
    "quality": cost_against_quality,
    "tornado": tornado,
    "volume": cost_by_volume,
    "break_even": break_even,
}


def marked(key: str, result: Result, order: Sequence[str] = ()) -> Chart | None:
    """A chart by its key, with the mark of simulated data in it, which a saved picture keeps.

    `order` holds the targets by whose places options are coloured, where they are known.
    """
    chart = CHARTS[key](result, order)
    if chart is None or not any(option.simulated for option in result.options):
        return chart
    look = {"anchor": "end", "fontSize": 12, "fontWeight": "normal", "color": QUIET}
    return chart.properties(title=alt.TitleParams(SIMULATED, **look))
