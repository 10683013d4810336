"""What the charts promise: titles with units, intervals from the right columns, one colour a target on every page."""

import json
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert
from test_waterfall import call, frame

from dashboard.charts.bias_bars import bias_bars
from dashboard.charts.confusion import confusion
from dashboard.charts.cost_bars import cost_bars
from dashboard.charts.marks import QUIET, SHAPES
from dashboard.charts.quality_latency import quality_latency, wants_log
from dashboard.charts.waterfall import PHASES, waterfall

THEME = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
ORDER = ["retired", "small", "large", "cloud"]


def points(**changes: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "label": ["small", "large", "cloud"],
            "target": ["small", "large", "cloud"],
            "model": ["m1", "m2", "m3"],
            "latency": [90.0, 420.0, 310.0],
            "latency_low": [80.0, 400.0, None],
            "latency_high": [100.0, 450.0, None],
            "latency_n": [60, 60, 3],
            "quality": [3.2, 4.1, 4.4],
            "quality_low": [3.0, 3.9, None],
            "quality_high": [3.4, 4.3, None],
            "how": ["human-corrected", "human-corrected", "judge only, not calibrated"],
            "n_people": [20, 20, 0],
            "n_judge": [60, 60, 3],
            "on_frontier": [True, False, True],
        }
    )
    return frame.assign(**changes)


def spec(frame: pd.DataFrame, *, log: bool = False, simulated: bool = False) -> dict[str, Any]:
    chart = quality_latency(
        frame,
        latency_title="Time to first token, median",
        quality_title="Overall (1 to 5 points)",
        order=ORDER,
        log=log,
        simulated=simulated,
    )
    return chart.to_dict()


def rows(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    return drawn["data"]["values"]


def layers(drawn: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    return [layer for layer in drawn["layer"] if layer["mark"]["type"] == mark]


def test_both_axes_say_what_they_show_and_in_which_unit():
    x, y = (layers(spec(points()), "point")[0]["encoding"][axis]["title"] for axis in "xy")
    assert x == "Time to first token, median (ms)"
    assert y == "Overall (1 to 5 points)"


def test_long_times_are_shown_in_seconds():
    slow = points(latency=[900.0, 4200.0, 3100.0], latency_low=None, latency_high=None)
    drawn = spec(slow)
    assert layers(drawn, "point")[0]["encoding"]["x"]["title"].endswith("(s)")
    assert [round(row["latency"], 3) for row in rows(drawn)] == [0.9, 4.2, 3.1]


def test_error_bars_come_from_the_intervals_and_only_where_there_is_one():
    across, upright = layers(spec(points()), "rule")
    assert (across["encoding"]["x"]["field"], across["encoding"]["x2"]["field"]) == ("latency_low", "latency_high")
    assert (upright["encoding"]["y"]["field"], upright["encoding"]["y2"]["field"]) == ("quality_low", "quality_high")
    assert across["transform"] == [{"filter": "isValid(datum.latency_low)"}]
    assert upright["transform"] == [{"filter": "isValid(datum.quality_low)"}]


def test_the_frontier_line_runs_through_the_frontier_only():
    line = layers(spec(points()), "line")[0]
    assert line["transform"] == [{"filter": "datum.on_frontier"}]
    assert line["mark"]["interpolate"] == "step-after"


def test_every_point_is_named_beside_it_and_no_legend_is_needed():
    drawn = spec(points())
    assert layers(drawn, "text")[0]["encoding"]["text"]["field"] == "label"
    assert layers(drawn, "point")[0]["encoding"]["color"]["legend"] is None


def test_a_target_keeps_its_colour_and_shape_whichever_runs_are_in_view():
    one, all_ = spec(points().head(1)), spec(points())
    for drawn in (one, all_):
        encoding = layers(drawn, "point")[0]["encoding"]
        assert encoding["color"]["scale"]["domain"] == ORDER
        assert encoding["shape"]["scale"] == {"domain": ORDER, "range": list(SHAPES[:4])}


def test_points_without_a_score_or_a_latency_are_left_out():
    drawn = spec(points(quality=[3.2, None, 4.4]))
    assert [row["label"] for row in rows(drawn)] == ["small", "cloud"]


@pytest.mark.parametrize(("latencies", "log"), [([90.0, 420.0, 310.0], False), ([10.0, 420.0, 310.0], True)])
def test_an_automatic_axis_is_logarithmic_where_latencies_lie_far_apart(latencies: list[float], log: bool):
    assert wants_log(points(latency=latencies)) is log


def test_a_logarithmic_axis_holds_every_interval_and_no_zero():
    scale = layers(spec(points(latency_low=[0.0, 400.0, None]), log=True), "point")[0]["encoding"]["x"]["scale"]
    assert scale["type"] == "log"
    assert 0 < scale["domain"][0] < 90
    assert scale["domain"][1] > 450


@pytest.mark.parametrize(
    ("scale", "quality", "domain"),
    [((1.0, 5.0), [3.2, 4.1, 4.4], [3.0, 5.0]), ((0.0, 1.0), [0.3, 0.9, 0.5], [0.25, 1.0])],
)
def test_the_quality_axis_ends_where_the_scale_does(
    scale: tuple[float, float], quality: list[float], domain: list[float]
):
    shown = points(quality=quality, quality_low=None, quality_high=None)
    drawn = quality_latency(shown, latency_title="", quality_title="", order=ORDER, log=False, scale=scale).to_dict()
    assert layers(drawn, "point")[0]["encoding"]["y"]["scale"]["domain"] == domain


def test_pointing_at_a_target_tells_how_its_quality_was_found():
    tooltip = {each["title"]: each["field"] for each in layers(spec(points()), "point")[0]["encoding"]["tooltip"]}
    said = {
        title: tooltip[title] for title in ("Quality is", "Questions scored by people", "Questions scored by the judge")
    }
    assert [rows(spec(points()))[2][field] for field in said.values()] == ["judge only, not calibrated", 0, 3]


CROWDS = {  # latency and quality of points whose names would meet beside them
    "a cluster": [(300, 4.3), (310, 4.28), (330, 4.31), (345, 4.25)],
    "a row": [(100, 4.0), (150, 4.0), (200, 4.01), (250, 4.0)],
    "a column": [(200, 4.0), (201, 4.05), (202, 4.1), (203, 4.15)],
    "two pairs at the edges": [(20, 3.05), (24, 3.06), (500, 4.98), (505, 4.97)],
}


def _texts(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """By name, where a drawn name stands (left, right, top, bottom) in the plot, its letters 7.4 pixels wide."""
    found = {}
    drawn = (
        r'text-anchor="(start|end)" transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*font-weight="600"[^>]*>([^<]+)<'
    )
    for side, x, y, name in re.findall(drawn, svg):
        left = float(x) - (7.4 * len(name) if side == "end" else 0)
        found[name] = (left, left + 7.4 * len(name), float(y) - 10, float(y) + 3)
    return found


def _marks(svg: str) -> list[tuple[float, float, float, float]]:
    """The points drawn, as boxes like those of names."""
    drawn = re.findall(r'aria-roledescription="point" transform="translate\(([-\d.]+),([-\d.]+)\)"', svg)
    return [(float(x) - 6, float(x) + 6, float(y) - 6, float(y) + 6) for x, y in drawn]


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("width", [620, 1050])
@pytest.mark.parametrize("crowd", CROWDS)
def test_names_meet_neither_each_other_nor_a_point_nor_the_edge(crowd: str, width: int, log: bool):
    names = ["gpt-cloud", "large-local", "small-local", "hybrid (run 12)"]
    latency, quality = pd.DataFrame(CROWDS[crowd], dtype=float).to_numpy().T
    frame = pd.DataFrame({name: [points()[name].iloc[0]] * 4 for name in points().columns}).assign(
        label=names, target=names, latency=latency, latency_low=latency - 8, latency_high=latency + 8,
        quality=quality, quality_low=quality - 0.02, quality_high=quality + 0.02,
    )  # fmt: skip
    svg = saved(spec(frame, log=log) | {"width": width})
    texts, marks = _texts(svg), _marks(svg)
    assert (set(texts), len(marks)) == (set(names), 4)
    boxes = [*texts.values(), *marks]
    assert not [(i, j) for i in range(4) for j in range(i + 1, len(boxes)) if _meet(boxes[i], boxes[j])]
    assert all(left >= 0 and right <= width for left, right, *_ in texts.values())


def test_a_name_stands_right_of_its_point_where_nothing_is_in_the_way():
    assert {(row["label_dx"] > 0, row["label_dy"]) for row in rows(spec(points()))} == {(True, -11)}


def test_a_name_moves_where_another_interval_would_cross_it():
    crowded = points(latency=[90.0, 95.0, 310.0], quality=[3.2, 3.27, 4.4], latency_low=[80.0, 85.0, None],
                     latency_high=[100.0, 330.0, None])  # fmt: skip
    below = {row["label"]: row["label_dy"] > 0 for row in rows(spec(crowded))}
    assert below == {"small": True, "large": False, "cloud": False}


@pytest.mark.parametrize("log", [False, True])
def test_the_chart_is_valid_vega_lite(log: bool):
    drawn = spec(points(), log=log, simulated=True)
    assert alt.Chart.from_dict(drawn, validate=True).to_dict()["layer"]


def saved(drawn: dict[str, Any]) -> str:
    """What stands in the image that a chart's menu saves."""
    return vl_convert.vegalite_to_svg(json.dumps(drawn))


@pytest.mark.parametrize("simulated", [True, False])
def test_a_saved_image_says_that_its_data_are_simulated(simulated: bool):
    drawn = (
        spec(points(), simulated=simulated),
        cost_bars(costs(), order=ORDER, simulated=simulated).to_dict(),
        waterfall(frame(call()), simulated=simulated).to_dict(),
    )
    for chart in drawn:
        assert ("Simulated data" in saved(chart)) is simulated


def costs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": ["cloud", "small", "large"],
            "target": ["cloud", "small", "large"],
            "model": ["m3", "m1", "m2"],
            "n_answers": [60, 60, 60],
            "prompt_tokens": [300.0, 300.0, 300.0],
            "completion_tokens": [100.0, 100.0, 100.0],
            "cost_month": [None, 4.0, 60.5],
            "price": ["unknown: no price for m3", "hypothetical price", "quoted price"],
            "hypothetical": [False, True, False],
        }
    )


def test_an_unknown_cost_is_said_in_words_and_stands_last():
    drawn = cost_bars(costs(), order=ORDER).to_dict()
    rows = {row["label"]: row for row in next(iter(drawn["datasets"].values()))}
    assert rows["cloud"]["word"] == "unknown: no price for m3"
    assert rows["small"]["word"] == "$4.00"
    assert rows["large"]["word"] == "$60.50"
    assert layers(drawn, "bar")[0]["encoding"]["y"]["sort"] == ["small", "large", "cloud"]
    assert layers(drawn, "bar")[0]["encoding"]["x"]["title"] == [
        "Cost a month (USD)",
        "pale bars: at a hypothetical price",
    ]


def test_costs_of_nothing_known_can_still_be_drawn():
    assert cost_bars(costs().assign(cost_month=float("nan")), order=ORDER).to_dict()


# --- the palettes --------------------------------------------------------------------------------------------------


def linear(colour: str) -> tuple[float, ...]:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)


def luminance(colour: str) -> float:
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_chart_colour_and_text_stands_out_from_the_background(mode: str):
    theme = THEME[mode]
    assert all(contrast(c, theme["backgroundColor"]) >= 3 for c in theme["chartCategoricalColors"])
    assert contrast(theme["textColor"], theme["backgroundColor"]) >= 7
    assert contrast("#FFFFFF", theme["primaryColor"]) >= 3
    assert all(contrast(colour, theme["backgroundColor"]) >= 3 for colour in PHASES.values())
    assert contrast(QUIET, theme["backgroundColor"]) >= 4.2


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_count_of_the_heat_map_is_legible_and_its_chart_is_square(mode: str):
    frame = pd.DataFrame({"first": ["1", "1", "2", "2"], "second": ["1", "2", "1", "2"], "answers": [0, 1, 7, 9]})
    spec = confusion(frame, first="a", second="b", simulated=False).to_dict()
    assert spec["width"] == spec["height"]
    assert spec["autosize"]["type"] == "pad"  # the square's own size: titles and the mark of simulated data beside it
    cells, counts = (layer["encoding"]["color"] for layer in spec["layer"])
    empty, text = cells["value"], (counts["condition"]["value"], counts["value"])
    assert (empty, text[0]) == ("transparent", "white")
    assert contrast(text[1], THEME[mode]["backgroundColor"]) >= 4.2
    low, high = cells["condition"]["scale"]["range"]
    for share in range(11):  # of the way from the fewest to the most
        parts = [
            round(int(low[i : i + 2], 16) * (10 - share) / 10 + int(high[i : i + 2], 16) * share / 10)
            for i in (1, 3, 5)
        ]
        assert contrast("#FFFFFF", "#" + "".join(f"{part:02x}" for part in parts)) >= 4.5
    assert all(contrast(end, THEME[mode]["backgroundColor"]) >= 2.4 for end in (low, high))


def test_the_axis_of_bias_has_a_tick_at_zero():
    frame = pd.DataFrame({"target": ["small"], "bias": [0.31], "bias_low": [0.1], "bias_high": [0.52], "n": [9]})
    x = bias_bars(frame, order=ORDER, simulated=False).to_dict()["layer"][2]["encoding"]["x"]
    assert 0 in x["axis"]["values"]
    assert x["scale"]["domain"] == [-x["scale"]["domain"][1], pytest.approx(0.6)]


# Machado, Oliveira and Fernandes (2009), severity 1.0
BLINDNESS = {
    "red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def oklab(rgb: tuple[float, ...]) -> tuple[float, ...]:
    """Björn Ottosson's perceptual space (2020), from linear RGB."""
    r, g, b = (min(1.0, max(0.0, c)) for c in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    mid = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short,
    )


@pytest.mark.parametrize("kind", list(BLINDNESS))
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_can_be_told_apart_with_colour_blindness(mode: str, kind: str):
    seen = {}
    for colour in THEME[mode]["chartCategoricalColors"]:
        rgb = linear(colour)
        seen[colour] = oklab(tuple(sum(w * c for w, c in zip(row, rgb, strict=True)) for row in BLINDNESS[kind]))
    for one, other in combinations(seen, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert distance >= 0.065, f"{one} and {other} look alike"
