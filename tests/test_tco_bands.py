"""What ranges do: bands that enclose their centre, ends of bars, and who may be the cheapest, against closed forms."""

from decimal import Decimal
from math import sqrt
from typing import Any

import pytest
from cost_samples import FREE, card, demo_targets, scenario, target, use

from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.figure import Figure, figures
from eval.cost.measured import Load
from eval.cost.result import Result

PRICES = card(
    {"model": "dear", "input_per_mtok": 2, "output_per_mtok": 10},
    {"model": "cheap", "input_per_mtok": 1, "output_per_mtok": 5},
)
TARGETS = {
    "dear": target("dear", use("answer", "dear", 300, 100)),
    "cheap": target("cheap", use("answer", "cheap", 300, 100), loads=(Load(1, 1.0, 900, 60),)),
}
DEAR, CHEAP = {"kind": "api", "target": "dear"}, {"kind": "api", "target": "cheap"}
OWN = {"kind": "self-hosted", "target": "cheap", "hardware": "box"}
BOX = {"capex": 2000, "price_per_kwh": 0, "idle_watts": 50, "active_watts": 100, "spares": 0} | FREE


def demo() -> Result:
    return evaluate(scenario_file.demo().model_copy(update={"draws": 500}), demo_targets(), price_card_file.built_in())


def test_every_band_is_in_order_and_holds_what_was_measured_or_stated():
    """A derived centre is no percentile: with skewed ranges it may lie outside of its band, which is in order."""
    result = demo()
    bands = [
        (path, f.kind, f.low, float(f.value or 0), f.high)
        for path, f in figures(result)
        if isinstance(f, Figure) and f.low is not None and f.high is not None
    ]
    assert len(bands) > 50
    assert [path for path, _, low, _, high in bands if low > high] == []
    own = [band for band in bands if band[1] != "derived"]
    assert [path for path, _, low, value, high in own if not low <= value <= high] == []
    for option in result.options:
        if option.fan is not None:
            rows = zip(option.fan.p10.values, option.fan.p50.values, option.fan.p90.values, strict=True)
            assert all(low <= middle <= high for low, middle, high in rows), option.name


def test_the_band_of_a_price_that_spreads_evenly_is_known_in_closed_form():
    discount = {"low": 0, "high": 0.5, "shape": "uniform"}
    off = evaluate(scenario({"off": DEAR | {"discount": discount}}, draws=2000), TARGETS, PRICES).option("off")
    assert (off.npv_p50.low, off.npv_p50.high) == pytest.approx((1920 * 0.55, 1920 * 0.95), rel=1e-3)
    assert (off.per_1000.low, float(off.per_1000.value or 0), off.per_1000.high) == pytest.approx(
        (1.6 * 0.55, 1.6 * 0.75, 1.6 * 0.95), rel=1e-3
    )
    assert (off.npv.low, off.npv.high) == (None, None)  # the band is that of the draws, and stands with their median
    assert off.fan is not None
    at_end = [float(row.values[-1]) for row in (off.fan.p10, off.fan.p50, off.fan.p90)]
    assert at_end == pytest.approx([1920 * 0.55, 1920 * 0.75, 1920 * 0.95], rel=1e-3)


def test_the_median_of_a_range_that_leans_is_the_draws_and_not_that_of_the_central_value():
    """Triangular from its peak on: the median is high - sqrt(half of the square of the width), the peak its least."""
    scaled = {"value": 1, "low": 1, "high": 4}
    lean = scenario({"lean": DEAR}, draws=2000, workload={"prompt_scale": scaled, "completion_scale": 1})
    found = evaluate(lean, TARGETS, PRICES).option("lean")
    a_prompt, completions = 1.2e6 * 300 * 2 / 1e6, 1.2e6 * 100 * 10 / 1e6
    assert float(found.npv.value or 0) == pytest.approx(a_prompt + completions)
    assert float(found.npv_p50.value or 0) == pytest.approx(a_prompt * (4 - sqrt(0.5) * 3) + completions, rel=2e-3)


def test_the_ends_of_a_bar_are_the_10th_and_90th_percentile_of_a_triangle():
    box = BOX | {"capex": {"low": 1000, "value": 2000, "high": 5000}}
    (bar,) = evaluate(scenario({"dear": DEAR, "own": OWN}, hardware={"box": box}), TARGETS, PRICES).tornado
    # below the mode F(x) = (x - a)^2 / ((b - a)(c - a)), above it 1 - F(x) = (b - x)^2 / ((b - a)(b - c))
    low, high = 1000 + sqrt(0.1 * 4000 * 1000), 5000 - sqrt(0.1 * 4000 * 3000)
    assert (bar.p10.value, bar.p90.value) == pytest.approx((low, high))
    # a machine of four years, a year of it used
    savings = [1920 - capex / 4 for capex in (low, high)]
    assert [bar.saving_at_p10.value, bar.saving_at_p90.value] == pytest.approx(savings)


def test_the_probability_is_among_the_options_that_are_in():
    """The cheapest of all is out, and takes no draw from the others."""
    discount = {"low": 0.3, "high": 0.7, "shape": "uniform"}
    options: dict[str, Any] = {"dear": DEAR | {"discount": discount}, "cheap": CHEAP, "as-is": {"kind": "do-nothing"}}
    found = evaluate(scenario(options), TARGETS, PRICES)
    shares = [found.option(name).probability_cheapest.value for name in options]
    assert shares == [pytest.approx(0.5, abs=0.01), pytest.approx(0.5, abs=0.01), None]
    assert "among dear, cheap" in found.option("dear").probability_cheapest.origin


@pytest.mark.parametrize(("fixed", "never"), [(0, 0.0), (1e6, 1.0)])
def test_the_share_of_draws_without_a_break_even(fixed, never):
    """At 0.96 to 1.44 a thousand answers the machine, which bears no million a month, never saves a million a month."""
    box = {name: value for name, value in BOX.items() if name != "capex"} | {"owned": 1}
    options = {
        "dear": DEAR | {"discount": {"low": 0.1, "high": 0.4, "shape": "uniform"}},
        "own": OWN | {"fixed_per_month": fixed},
    }
    (found,) = evaluate(scenario(options, hardware={"box": box}), TARGETS, PRICES).break_even
    assert found.never_share.value == never


def over_a_horizon(requests: float, **money: float) -> Result:
    """An API beside a machine, with the volume of the first month and how prices and money change over three years."""
    workload = {"requests_per_month": requests, "horizon_months": 36}
    one = scenario({"dear": DEAR, "own": OWN}, workload=workload, money=money, hardware={"box": BOX})
    return evaluate(one, TARGETS, PRICES)


@pytest.mark.parametrize("money", [{"api_price_drift_per_year": -0.5}, {"api_price_drift_per_year": 0.5}])
@pytest.mark.parametrize("discount_rate", [0.0, 0.2])
def test_the_break_even_over_the_horizon_is_where_the_net_present_values_meet(money, discount_rate):
    money = money | {"discount_rate_per_year": discount_rate}
    (found,) = over_a_horizon(50_000, **money).break_even
    at, at_first = float(found.horizon_volume.value or 0), float(found.volume.value or 0)
    assert (at > at_first) == (money["api_price_drift_per_year"] < 0)
    for share, ahead in ((0.99, False), (1.01, True)):
        result = over_a_horizon(at * share, **money)
        own, dear = (float(result.option(name).npv.value or 0) for name in ("own", "dear"))
        assert (own <= dear) == ahead
        assert result.decision.option == ("own" if ahead else "dear")
    assert f"it does so from {at:,.0f} requests in the first month." in found.sentence
    assert f"At the first month's prices own costs no more than dear from {at_first:,.0f} " in found.sentence


def test_a_machine_that_breaks_even_at_first_and_never_over_the_horizon_is_said_to_do_so():
    """A machine that bears 176,400 requests a month at most, which an API soon answers for almost nothing."""
    box = {name: value for name, value in BOX.items() if name != "capex"} | {"owned": 1, "support_per_year": 1200}
    workload = {"requests_per_month": 100_000, "horizon_months": 36}
    one = scenario(
        {"dear": DEAR, "own": OWN}, workload=workload, money={"api_price_drift_per_year": -0.99}, hardware={"box": box}
    )
    (found,) = evaluate(one, TARGETS, PRICES).break_even
    assert found.volume.value is not None
    assert found.horizon_volume.value is None
    assert found.sentence.endswith("it stays dearer at every volume.")


def test_the_monthly_cost_is_the_effective_cost_over_the_months():
    result = evaluate(scenario({"dear": DEAR | {"discount": 0.25}}), TARGETS, PRICES).option("dear")
    assert (result.per_month.value, result.effective_cost.value, result.list_cost.value) == (
        Decimal(120),
        Decimal(1440),
        Decimal(1920),
    )
