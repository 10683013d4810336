"""The charts of a TCO: the frontier runs through who is not beaten, curves step where machines are full."""

from itertools import pairwise
from operator import itemgetter
from typing import Any

import cost_samples
import pytest

from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.result import Result
from eval.report import charts

DEMO = scenario_file.demo().model_copy(update={"draws": 500})


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(DEMO, cost_samples.demo_targets(), price_card_file.built_in())


def drawn(key: str, result: Result) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The layers of a chart with their rows."""
    chart = charts.CHARTS[key](result)
    assert chart is not None
    spec = chart.to_dict()
    return [(layer, spec["datasets"][layer.get("data", spec.get("data"))["name"]]) for layer in spec["layer"]]


def marks(key: str, result: Result, kind: str) -> list[list[dict[str, Any]]]:
    return [rows for layer, rows in drawn(key, result) if layer["mark"]["type"] == kind]


def test_the_frontier_runs_through_the_options_no_other_beats_and_is_named(result: Result):
    points = {row["option"]: (row["cost"], row["quality"]) for row in marks("quality", result, "point")[0]}
    (line,) = marks("quality", result, "line")
    ahead = {row["option"] for row in line}
    for option, (cost, quality) in points.items():
        beaten = any(c <= cost and q >= quality and (c, q) != (cost, quality) for c, q in points.values())
        assert (option in ahead) is not beaten
    assert [row["cost"] for row in line] == sorted(row["cost"] for row in line)
    said = [row.get("said") for rows in marks("quality", result, "text") for row in rows]
    assert said == ["efficient frontier", "asked for"]


def test_the_cost_so_far_has_the_band_of_the_draws_behind_its_median(result: Result):
    layers = {layer["mark"]["type"]: (layer["encoding"], rows) for layer, rows in drawn("cumulative", result)}
    (band, rows), (line, _) = layers["area"], layers["line"]
    assert (band["y"]["field"], band["y2"]["field"], line["y"]["field"]) == ("low", "high", "middle")
    fan = result.option("cloud").fan
    assert fan is not None
    ours = [row for row in rows if row["option"] == "Cloud API"]
    assert [row["month"] for row in ours] == list(range(37))
    for name, series in (("low", fan.p10), ("middle", fan.p50), ("high", fan.p90)):
        assert [row[name] for row in ours] == [float(value) for value in series.values]


def test_the_bars_by_head_are_the_effective_cost_of_every_option(result: Result):
    chart = charts.CHARTS["heads"](result)
    assert chart is not None
    (rows,) = chart.to_dict()["datasets"].values()
    for option in result.options:
        bar = sum(row["cost"] for row in rows if row["option"] == option.label)
        assert bar == pytest.approx(float(option.effective_cost.value or 0))


def test_the_tornado_has_the_savings_at_both_ends_of_a_number_the_widest_first(result: Result):
    (rows,) = marks("tornado", result, "bar")
    widths = [abs(row[charts.P10] - row[charts.P90]) for row in rows]
    assert widths == sorted(widths, reverse=True)
    widest = result.tornado[0]
    assert (rows[0]["number"], rows[0][charts.P10]) == (widest.label, float(widest.saving_at_p10.value or 0))


def test_what_is_billed_by_the_token_is_a_straight_line_and_machines_are_steps(result: Result):
    curves = {curve.option: curve for curve in result.curves}
    cloud = list(zip(curves["cloud"].volumes.values, curves["cloud"].costs.values, strict=True))
    each = [float(cost) / float(volume) for volume, cost in cloud]
    assert max(each) == pytest.approx(min(each))
    local = [float(cost) for cost in curves["large-local"].costs.values]
    jumps = [b - a for a, b in pairwise(local)]
    assert max(jumps) > 100  # a further workstation
    assert min(jumps) >= 0


def test_a_curve_steps_where_the_machines_are_full(result: Result):
    curve = next(curve for curve in result.curves if curve.option == "large-local")
    part = result.option("large-local").capacity[0]
    full = {float(bears.value or 0) for _, bears in part.steps}
    costs, volumes = curve.costs.values, curve.volumes.values
    stepped = [float(volumes[i]) for i in range(1, len(costs)) if float(costs[i]) - float(costs[i - 1]) > 100]
    assert stepped
    assert all(any(at == pytest.approx(bears, rel=1e-6) for bears in full) for at in stepped)


def test_a_break_even_is_marked_where_the_curves_meet(result: Result):
    curves = {curve.option: curve for curve in result.curves}
    (found,) = [found for found in result.break_even if found.option == "large-local"]
    at = [rows[0] for rows in marks("volume", result, "point") if rows[0]["option"] == "Large model on workstations"]
    assert at[0]["at"] == found.volume.value
    ours = curves["large-local"]
    nearest = min(zip(ours.volumes.values, ours.costs.values, strict=True), key=lambda p: abs(p[0] - at[0]["at"]))
    assert at[0]["cost"] == pytest.approx(float(nearest[1]), rel=0.02)


def test_the_capacity_line_is_what_the_machines_of_the_first_month_bear(result: Result):
    said = [rows[0] for rows in marks("volume", result, "rule") if "full" in rows[0]["said"]]
    part = result.option("large-local").capacity[0]
    bears = {number.value: bears.value for number, bears in part.steps}
    ours = next(row for row in said if row["option"] == "Large model on workstations")
    assert ours["at"] == bears[part.working_first.value]


def test_without_a_break_even_there_is_no_curve():
    only = DEMO.model_copy(update={"options": {"cloud": DEMO.options["cloud"]}})
    made = evaluate(only, cost_samples.demo_targets(), price_card_file.built_in())
    assert made.curves == ()
    assert charts.CHARTS["volume"](made) is None


def test_an_option_has_the_colour_of_its_target_on_the_other_pages(result: Result):
    order = ["stranger", "cloud", "small-local"]
    chart = charts.marked("cumulative", result, order)
    assert chart is not None
    color = chart.to_dict()["layer"][0]["encoding"]["color"]
    labels = {option.target: option.label or option.name for option in reversed(result.options)}
    assert color["scale"]["domain"][1:3] == [labels["cloud"], labels["small-local"]]
    assert color["legend"]["values"] == [option.label or option.name for option in result.options]
    assert set(color["legend"]["values"]) < set(color["scale"]["domain"])
    assert len(color["scale"]["domain"]) == len(result.options) + 1  # the place that no option takes


@pytest.mark.parametrize("key", ["cumulative", "quality", "volume"])
def test_the_legend_leaves_out_options_without_a_line_or_a_point(key: str):
    targets = {name: each for name, each in cost_samples.demo_targets().items() if name != "small-local"}
    blocked = evaluate(DEMO, targets, price_card_file.built_in())
    chart = charts.CHARTS[key](blocked)
    assert chart is not None
    legends = [
        layer["encoding"]["color"]["legend"]["values"]
        for layer in chart.to_dict()["layer"]
        if layer["encoding"].get("color", {}).get("legend")
    ]
    seen = {row["option"] for _, rows in drawn(key, blocked) for row in rows if "option" in row}
    assert legends
    for named in legends:
        assert set(named) == seen
    unseen = {option.label for option in blocked.options if option.blocked}
    assert unseen
    assert not unseen & seen


@pytest.mark.parametrize("key", ["heads", "tornado", "break_even"])
def test_every_bar_is_named_however_low_the_rows(key: str, result: Result):
    chart = charts.CHARTS[key](result)
    assert chart is not None
    spec = chart.to_dict()
    layers = spec.get("layer", [spec])
    axes = [axis for layer in layers if (axis := layer["encoding"].get("y", {}).get("axis")) is not None]
    assert axes
    assert all(axis["labelOverlap"] is False for axis in axes)


@pytest.mark.parametrize(("key", "names"), [("volume", 8), ("break_even", 2)])
def test_names_stand_above_the_plot_where_no_curve_runs_and_never_meet(key: str, names: int, result: Result):
    lines: dict[int, list[tuple[float, str]]] = {}
    for layer, rows in drawn(key, result):
        if layer["mark"]["type"] == "text":
            assert layer["encoding"]["y"] == {"value": 0}
            assert (layer["mark"]["baseline"], layer["mark"]["dy"] < 0) == ("bottom", True)
            lines.setdefault(layer["mark"]["dy"], []).append((rows[0]["at"], layer["mark"]["align"]))
    assert sum(map(len, lines.values())) == names
    assert all(above - below >= charts.LINE for below, above in pairwise(sorted(lines)))
    for line in lines.values():
        assert len(line) == 1 or [align for _, align in sorted(line, key=itemgetter(0))] == ["right", "left"]


def test_the_legend_leaves_room_for_the_names(result: Result):
    chart = charts.CHARTS["volume"](result)
    assert chart is not None
    spec = chart.to_dict()
    highest = min(layer["mark"]["dy"] for layer in spec["layer"] if layer["mark"]["type"] == "text")
    assert spec["layer"][0]["encoding"]["color"]["legend"]["offset"] > -highest + 8
