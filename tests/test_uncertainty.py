"""Draws, tornado, flips and break-even: against closed forms, published break-evens, and the point result."""

from math import ceil
from typing import Any

import numpy as np
import pytest
from cost_samples import FREE, card, compiled, known, scenario, target, use
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eval.cost.assumption import central
from eval.cost.break_even import crossing
from eval.cost.measured import Load
from eval.cost.scenario import bounds
from eval.cost.uncertainty import cheapest, flips, npvs, percentiles, simulate, tornado

PRICES = card(
    {"model": "large", "input_per_mtok": "1.25", "output_per_mtok": "10"},
    {"model": "other", "input_per_mtok": "1", "output_per_mtok": "10"},
)
TARGETS = {
    "small": target("small", use("answer", "small", 100, 200), loads=(Load(1, 1.0, 900, 60),)),
    "large": target("large", use("answer", "large", 100, 200)),
    "other": target("other", use("answer", "other", 100, 200)),
}
API = {"kind": "api", "target": "large"}
OWN = {"kind": "self-hosted", "target": "small", "hardware": "box"}
BOX = {"capex": 4800, "price_per_kwh": 0.25, "idle_watts": 100, "active_watts": 300} | FREE
PAIR = {"api": API, "own": OWN}


def ranged(low: float, value: float, high: float) -> dict[str, Any]:
    return {"low": low, "value": value, "high": high, "shape": "triangular"}


# --- draws ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.floats(100, 1e7),
    st.floats(-0.4, 1),
    st.floats(-0.5, 0.5),
    st.floats(-0.2, 0.5),
    st.integers(1, 60),
    st.integers(1, 70),
)
def test_draws_without_width_are_the_point_result(volume, growth, drift, rate, months, life):
    flat = {"low": 4800, "value": 4800, "high": 4800, "shape": "uniform"}
    one = scenario(
        PAIR,
        draws=100,
        workload={"requests_per_month": volume, "growth_per_year": growth, "horizon_months": months},
        money={"discount_rate_per_year": rate, "api_price_drift_per_year": drift},
        hardware={"box": BOX | {"capex": flat, "life_months": life}},
    )
    programs, compiler = compiled(one, TARGETS, PRICES)
    drawn = simulate(one, programs.values(), compiler.spreads)
    point = npvs(one, programs.values(), central(compiler.spreads))
    for name in PAIR:
        assert drawn.npv[name] == pytest.approx(np.full(100, point[name][0]), rel=1e-12)


def test_draws_repeat_with_the_seed_and_differ_without():
    one = scenario(PAIR, hardware={"box": BOX | {"capex": ranged(3000, 4800, 9000)}})
    programs, compiler = compiled(one, TARGETS, PRICES)
    first, again = (simulate(one, programs.values(), compiler.spreads).npv["own"] for _ in range(2))
    other = simulate(one.model_copy(update={"seed": 2}), programs.values(), compiler.spreads).npv["own"]
    assert (first == again).all()
    assert (first != other).any()


def test_options_share_their_draws():
    both = {"api": API, "twin": API | {"target": "other"}}
    one = scenario(both, workload={"requests_per_month": ranged(1000, 50_000, 200_000)})
    programs, compiler = compiled(one, TARGETS, PRICES)
    npv = simulate(one, programs.values(), compiler.spreads).npv
    ratio = npv["twin"] / npv["api"]  # the volume cancels out in every draw
    assert ratio == pytest.approx(np.full(one.draws, (100 * 1 + 2000) / (100 * 1.25 + 2000)))


def test_a_chunk_does_not_change_the_draws(monkeypatch):
    one = scenario(PAIR, hardware={"box": BOX | {"capex": ranged(3000, 4800, 9000), "life_months": ranged(2, 5, 30)}})
    programs, compiler = compiled(one, TARGETS, PRICES)
    whole = simulate(one, programs.values(), compiler.spreads)
    monkeypatch.setattr("eval.cost.uncertainty.CHUNK", 7)
    pieces = simulate(one, programs.values(), compiler.spreads)
    assert pieces.npv["own"] == pytest.approx(whole.npv["own"], rel=1e-12)
    assert pieces.fan["own"] == pytest.approx(whole.fan["own"], rel=1e-12)


def test_the_fan_ends_at_the_undiscounted_percentiles():
    one = scenario({"api": API}, workload={"requests_per_month": ranged(1000, 50_000, 200_000)})
    programs, compiler = compiled(one, TARGETS, PRICES)
    drawn = simulate(one, programs.values(), compiler.spreads)
    assert drawn.fan["api"].shape == (3, 13)
    assert drawn.fan["api"][:, -1] == pytest.approx(percentiles(drawn.npv["api"][None, :])[:, 0])


def test_who_is_cheapest_is_counted_with_ties_shared_and_misfits_left_out():
    npv = {"a": np.array([1.0, 2, 3, 4]), "b": np.array([2.0, 2, 1, 1])}
    fits = {"a": np.array([True] * 4), "b": np.array([True, True, True, False])}
    assert cheapest(npv, fits, ["a", "b"]) == {"a": (1 + 0.5 + 0 + 1) / 4, "b": (0 + 0.5 + 1 + 0) / 4}
    assert cheapest(npv, fits, []) == {}


# --- tornado and flips ----------------------------------------------------------------------------------------------


def test_the_tornado_moves_one_number_at_a_time_and_is_sorted():
    one = scenario(
        PAIR,
        workload={"requests_per_month": 100_000},
        hardware={"box": BOX | {"capex": ranged(3000, 4800, 9000), "price_per_kwh": ranged(0.2, 0.25, 0.3)}},
    )
    programs, compiler = compiled(one, TARGETS, PRICES)
    capex, power = tornado(one, programs, compiler.spreads, "own", "api")
    assert (capex.key, power.key) == ("hardware.box.capex", "hardware.box.price_per_kwh")
    # a dearer machine costs its difference times the machines, worn down over 12 of 48 months
    machines = 2
    assert capex.at_low - capex.at_high == pytest.approx(machines * (capex.high - capex.low) * 12 / 48)


def test_a_flip_is_found_where_two_lines_cross():
    # 100,000 x 12 answers at 0.002125 are 2,550 a year; the machines' wear alone is 2 x capex / 4
    one = scenario(PAIR, hardware={"box": BOX | {"capex": ranged(1000, 2000, 9000), "price_per_kwh": 0}})
    programs, compiler = compiled(one, TARGETS, PRICES)
    found = {f.key: f for f in flips(one, programs, compiler.spreads, bounds(one), ["api", "own"])}
    flip = found["hardware.box.capex"]
    assert flip.value == pytest.approx(2550 * 4 / 2, rel=0.01)
    assert flip.cheapest == "api"
    assert flip.inside
    volume = found["workload.requests_per_month"]
    assert volume.value == pytest.approx(100_000 * 1000 / 2550, rel=0.01)
    assert not volume.inside


def test_nothing_flips_among_one():
    one = scenario(PAIR, hardware={"box": BOX})
    programs, compiler = compiled(one, TARGETS, PRICES)
    assert flips(one, programs, compiler.spreads, bounds(one), ["own"]) == ()


# --- break-even -----------------------------------------------------------------------------------------------------


def met(one, ours: str = "own", theirs: str = "api"):
    programs, compiler = compiled(one, TARGETS, PRICES)
    assert not programs[ours].blocked
    return crossing(one, programs[ours], programs[theirs], compiler.spreads)


def paper(tokens_per_s: float, kilowatts: float, capex: float):
    """The setting of arXiv 2509.18101: fully loaded 176 h a month, 0.15 $/kWh, two thirds of the tokens output."""
    requests = tokens_per_s * 176 * 3600 / 300
    watts = kilowatts * 1000
    box = {
        "capex": capex,
        "idle_watts": watts,
        "active_watts": watts,
        "hours_on_per_month": 176,
        "price_per_kwh": 0.15,
        "spares": 0,
        "life_months": 120,
        "throughput": {"tokens_per_s": tokens_per_s, "counts": "all"},
    }
    # The paper loads its cards to the full and does not ask for a busy hour; spread over the month they bear it.
    spread = {"workdays_per_month": 31, "busy_hour_share": 1 / 24, "burst": 1, "horizon_months": 60}
    return scenario(PAIR, workload={"requests_per_month": requests} | spread, hardware={"box": box | FREE})


@pytest.mark.parametrize(
    ("tokens_per_s", "kilowatts", "capex", "months"),
    [(200, 0.575, 2000, 2.26), (220, 2 * 0.3, 2 * 15_000, 30.9)],
    ids=["EXAONE-32B on one card", "gpt-oss-120B on two A100"],
)
def test_published_break_even_months_are_reproduced(tokens_per_s, kilowatts, capex, months):
    # arXiv 2509.18101, table IV, against GPT-5 at 1.25 / 10 $
    assert met(paper(tokens_per_s, kilowatts, capex)).months == pytest.approx(months, abs=0.05)


def test_the_lenovo_break_even_comes_out_of_the_whole_model():
    # Lenovo Press LP2225: 833,806 $ bought and 0.87 $/h against 98.32 $/h are even after 8,556 h; here 100 h a month
    rented = {"kind": "do-nothing", "cost_per_month": 98.32 * 100}
    box = {"capex": 833_806, "spares": 0, "life_months": 240, "idle_watts": 0, "active_watts": 0, "price_per_kwh": 0}
    one = scenario(
        {"api": rented, "own": OWN | {"fixed_per_month": 0.87 * 100}},
        workload={"requests_per_month": 1000, "horizon_months": 120},
        hardware={"box": box | FREE},
    )
    found = met(one)
    assert found.months is not None
    assert round(found.months * 100) == 8556
    assert found.return_per_year is not None


def by_hand(fixed: float, a_machine: float, bears: float, a_request: float, spares: int) -> float | None:
    """The first volume at which machines cost no more than the API, by the closed form."""
    margin = a_request * bears - a_machine
    if margin <= 0:
        return None
    machines = max(1, ceil((spares * a_machine + fixed) / margin - 1e-12))
    return max((fixed + (machines + spares) * a_machine) / a_request, (machines - 1) * bears)


@settings(max_examples=40, deadline=None)
@given(st.floats(500, 40_000), st.integers(0, 2), st.floats(0, 5000))
@example(8290.0, 0, 2221.0)  # a window of 1,200 requests below the 12th machine
@example(11_274.0, 1, 4941.0)  # and of 1,500 below the 38th, at which rounding must not add one
@example(15_077.0, 2, 3291.0)  # beyond the machines whose waiting is tabled
def test_the_break_even_volume_is_that_of_the_closed_form(capex, spares, fixed):
    own = OWN | {"fixed_per_month": fixed}
    box = BOX | {"capex": capex, "spares": spares, "price_per_kwh": 0}
    found = met(scenario({"api": API, "own": own}, hardware={"box": box}))
    (first, *_) = found.steps
    hand = by_hand(fixed, capex / 48, first.requests_per_month, 0.002125, spares)
    assert (found.first is None) == (hand is None)
    if hand is not None and 10.1 < hand < 250 * first.requests_per_month:  # searched from 10 requests to 256 machines
        assert found.first == pytest.approx(hand, rel=1e-3)


def test_a_further_machine_brings_its_cost_back_in():
    own = OWN | {"fixed_per_month": 200}
    found = met(scenario({"api": API, "own": own}, hardware={"box": BOX | {"capex": 12_000, "price_per_kwh": 0}}))
    assert found.first is not None
    assert found.lost_at is not None
    assert any(found.lost_at == pytest.approx(step.requests_per_month, rel=1e-6) for step in found.steps)
    assert found.first < found.lost_at


def test_machines_that_cannot_be_added_end_the_advantage():
    box = {"owned": 2, "price_per_kwh": 0.25, "idle_watts": 100, "active_watts": 300} | FREE  # one of them is the spare
    found = met(scenario(PAIR, hardware={"box": box}))
    assert found.first is not None
    assert found.lost_at == pytest.approx(found.steps[0].requests_per_month, rel=1e-6)
    assert found.for_good is None


def test_hardware_that_never_pays_is_said_to_never():
    found = met(scenario(PAIR, hardware={"box": BOX | {"capex": 4_000_000}}))
    assert (found.first, found.never, found.months, found.return_per_year) == (None, 1.0, None, None)


def test_the_band_is_that_of_the_prices_and_not_of_the_volume():
    volume = {"requests_per_month": ranged(10_000, 100_000, 400_000)}
    without = met(scenario(PAIR, workload=volume, hardware={"box": BOX | {"price_per_kwh": 0}}))
    assert without.band is not None
    assert without.band[0] == pytest.approx(without.band[2], rel=1e-6)
    capex = {"capex": ranged(2000, 4800, 9000), "price_per_kwh": 0}
    low, middle, high = met(scenario(PAIR, hardware={"box": BOX | capex})).band or (0, 0, 0)
    assert low < middle < high
    assert low == pytest.approx(2 * np.quantile(ranged_draws(), 0.1) / 48 / 0.002125, rel=0.1)


def ranged_draws() -> np.ndarray:
    return np.random.default_rng(1).triangular(2000, 4800, 9000, 100_000)


def test_measured_intervals_are_drawn_too():
    spread = {"large": target("large", use("answer", "large", 100, 200, 50.0))}
    one = scenario({"api": API})
    programs, compiler = compiled(one, spread, PRICES)
    drawn = simulate(one, programs.values(), compiler.spreads).npv["api"]
    point = npvs(one, programs.values(), central(compiler.spreads))["api"][0]
    assert drawn.std() / point == pytest.approx(50 / 1.96 / 200, rel=0.1)
    assert compiler.estimates["measured.large.answer.completion"][0] == known(200, 50)
