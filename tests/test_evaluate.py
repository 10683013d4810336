"""The result of a scenario: numbers tagged, options out with reasons, decisive or not, what is unknown said."""

from dataclasses import replace
from typing import Any

import pytest
from cost_samples import FREE, card, demo_targets, known, scenario, target, use
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.figure import KINDS, Figure, Series, bare_numbers, figures
from eval.cost.measured import Load
from eval.cost.result import Result
from eval.cost.scenario import Scenario, bounds

PRICES = card(
    {"model": "dear", "input_per_mtok": 2, "output_per_mtok": 10},
    {"model": "cheap", "input_per_mtok": 1, "output_per_mtok": 5},
)


def measured(name: str, **more: Any):
    fields = {"quality": {"factuality": known(4.2, 0.3)}, "p95_ms": known(2000, 200), "acceptable": known(0.8, 0.1)}
    return target(name, use("answer", name, 300, 100), **(fields | more))


TARGETS = {"dear": measured("dear"), "cheap": measured("cheap")}
DEAR, CHEAP = {"kind": "api", "target": "dear"}, {"kind": "api", "target": "cheap"}
BOTH = {"dear": DEAR, "cheap": CHEAP}


def demo() -> Result:
    return evaluate(scenario_file.demo(), demo_targets(), price_card_file.built_in())


def out(options: dict[str, Any], targets=None, **changed: Any) -> dict[str, tuple[str, ...]]:
    found = evaluate(scenario(options, **changed), TARGETS if targets is None else targets, PRICES)
    return {option.name: option.out for option in found.options}


# --- every number is tagged -----------------------------------------------------------------------------------------


def test_no_number_of_a_result_is_bare_and_every_figure_has_kind_and_origin():
    result = demo()
    assert bare_numbers(result) == []
    found = list(figures(result))
    assert len(found) > 300
    for path, figure in found:
        assert figure.kind in KINDS, path
        assert figure.origin, path
        if isinstance(figure, Figure) and figure.value is None:
            assert figure.reason, path


def test_a_number_that_lost_its_tag_is_found():
    result = demo()
    spoilt = replace(result, options=(replace(result.options[0], npv=3.5), *result.options[1:]))  # pyright: ignore[reportArgumentType]
    assert bare_numbers(spoilt) == ["options[0].npv"]


def test_the_kinds_tell_measured_from_stated_and_from_calculated():
    result = demo()
    cloud = result.option("cloud")
    assert cloud.quality["factuality"].kind == "measured"
    assert (cloud.p95.kind, cloud.p95.value) == ("derived", 1678 * 2.5)  # real answers are 2.5 times as long
    assert cloud.npv.kind == "derived"
    assert {row.input.kind for row in cloud.prices} == {"assumed"}  # made up
    assert {row.figure.kind for row in result.register} == {"assumed"}
    assert "simulated cloud, runs 1, 2026-11-20" in cloud.quality["factuality"].origin


def test_the_same_inputs_give_the_same_result():
    assert demo() == demo()


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_whatever_the_fields_allow_gives_a_result(data):
    base = scenario_file.demo()
    limits = bounds(base)
    fields = base.model_dump() | {"draws": 100}
    fields["workload"]["horizon_months"] = data.draw(st.sampled_from([1, 36, 120]))
    for key in data.draw(st.lists(st.sampled_from(sorted(limits)), max_size=8, unique=True)):
        ends = st.floats(limits[key].least, limits[key].most)
        low, value, high = sorted(data.draw(st.tuples(ends, ends, ends)))
        *tables, last = key.split(".")
        place = fields
        for table in tables:
            place = place[table]
        place[last] = {"low": low, "value": value, "high": high, "shape": "triangular"}
    try:
        extreme = Scenario.model_validate(fields)
    except ValidationError:
        return  # such as less power at work than at rest
    assert bare_numbers(evaluate(extreme, demo_targets(), price_card_file.built_in())) == []


# --- the demo -------------------------------------------------------------------------------------------------------


def test_the_demo_is_not_decisive_and_says_why():
    result = demo()
    assert result.decision.verdict == "not decisive"
    assert result.decision.sentence.startswith("Not decisive: Cloud API is the cheapest in ")
    assert result.option("small-local").out == ("Its factuality of 3.32 is below the 3.5 that is asked for.",)
    assert any(flip.inside for flip in result.flips)
    assert sum("simulated" in sentence for sentence in (*result.decision.caveats, *result.warnings)) == 1
    assert (
        "Hypothetical (made-up) prices are in these numbers: simulator/sim-cloud, simulator/sim-judge."
        in result.warnings
    )


def test_doing_nothing_has_no_provider_whose_energy_would_be_unknown():
    assert "provider" not in (demo().option("do-nothing").energy.reason or "provider")


def test_energy_says_whether_its_power_was_measured_or_assumed():
    made = scenario_file.demo()
    assert "laptops, active: assumed (a business laptop under load)" in demo().option("small-local").power
    bare = made.hardware["laptops"].model_copy(update={"active_watts": None, "idle_watts": None})
    changed = made.model_copy(update={"draws": 200, "hardware": made.hardware | {"laptops": bare}})
    watched = {name: replace(t, watts=known(40), idle_watts=known(6)) for name, t in demo_targets().items()}
    found = evaluate(changed, watched, price_card_file.built_in()).option("small-local")
    assert found.power == "laptops, active: measured; laptops, idle: measured"
    assert found.energy.value


def test_the_throughput_of_a_simulated_run_is_called_no_evidence():
    part = demo().option("large-local").capacity[0]
    assert part.basis == "simulated: it does not bend under load, and is no evidence"
    real = {name: replace(t, simulated=False) for name, t in demo_targets().items()}
    found = evaluate(scenario_file.demo(), real, price_card_file.built_in()).option("large-local")
    assert found.capacity[0].basis == "measured under load"


def test_the_demo_tells_break_even_capacity_energy_and_carbon():
    result = demo()
    large = result.option("large-local")
    (capacity,) = large.capacity
    assert capacity.machines_first.value == 2  # one for the busy hour and its spare
    assert 0 < (capacity.utilisation.value or 0) < 0.7
    assert large.carbon.low is not None
    assert large.carbon.low < (large.carbon.value or 0) < (large.carbon.high or 0)
    assert result.option("cloud").energy.value is None
    assert "unknown unless that of an answer is stated" in (result.option("cloud").energy.reason or "")
    assert {found.option for found in result.break_even} == {"small-local", "large-local", "hybrid", "escalate"}


# --- who is out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "constraints", "reason"),
    [
        ({}, {"quality_floor": {"factuality": 4.5}}, "Its factuality of 4.20 is below the 4.5 that is asked for."),
        ({}, {"quality_floor": {"coherence": 3}}, "Its coherence was not measured, and 3 is asked for."),
        ({}, {"p95_ms": 1500}, "Its p95 latency of 2,000 ms is above the 1,500 ms allowed."),
        ({"p95_ms": known(1)}, {"p95_ms": 1500}, None),
        ({}, {"budget_per_month": 100}, "It costs 160 USD a month, and 100 are allowed."),
        ({}, {"budget_per_month": 160}, None),
        ({}, {"allowed_residency": ["EU"]}, "Where its data goes is not stated, and only EU is allowed."),
    ],
)
def test_an_option_that_misses_a_requirement_is_out_with_the_reason(targets, constraints, reason):
    found = out({"dear": DEAR}, {"dear": measured("dear", **targets)}, constraints=constraints)
    assert found["dear"] == ((reason,) if reason else ())


def test_data_may_go_only_where_it_is_allowed():
    options = {"a": DEAR | {"residency": "US"}, "b": CHEAP | {"residency": "eu"}, "c": CHEAP | {"residency": "EU"}}
    found = out(options, constraints={"allowed_residency": ["EU", "on the premises"]})
    assert found == {"a": ("Its data goes to US, and only EU, on the premises is allowed.",), "b": (), "c": ()}


def test_a_purchase_above_the_budget_is_out():
    own = {"kind": "self-hosted", "target": "cheap", "hardware": "box"}
    box = {"capex": 5000, "price_per_kwh": 0.2, "idle_watts": 50, "active_watts": 200} | FREE
    targets = {"cheap": measured("cheap", loads=(Load(1, 1.0, 900, 60),))}
    found = out({"own": own}, targets, hardware={"box": box}, constraints={"budget_upfront": 8000})
    assert found["own"] == ("It costs 10,000 USD at the start, and 8,000 are allowed.",)


def test_hardware_that_cannot_bear_it_is_out_for_ever():
    own = {"kind": "self-hosted", "target": "cheap", "hardware": "box"}
    box = {"owned": 1, "spares": 0, "price_per_kwh": 0.2, "idle_watts": 50, "active_watts": 200} | FREE
    slow = {"cheap": measured("cheap", loads=(Load(1, 0.02, 900, 60),))}
    found = out({"own": own}, slow, hardware={"box": box})
    assert found["own"] == ("Never on this hardware: the machines that can be had do not bear the busy hour.",)
    tight = out({"own": own}, slow, hardware={"box": box}, constraints={"p95_ms": 500})
    assert "even at 1 request at once its p95 latency is 900 ms, and 500 ms are allowed" in tight["own"][0]


def test_hardware_without_a_machine_that_serves_has_no_cost_either():
    own = {"kind": "self-hosted", "target": "cheap", "hardware": "box"}
    box = {"capex": 100, "price_per_kwh": 0.2, "idle_watts": 50, "active_watts": 200} | FREE
    targets = TARGETS | {"cheap": measured("cheap", loads=(Load(1, 0.02, 900, 60),))}
    one = scenario({"dear": DEAR, "own": own}, hardware={"box": box}, constraints={"p95_ms": 500})
    result = evaluate(one, targets, PRICES)
    assert result.option("own").npv.value is None
    assert result.option("own").npv.reason == result.option("own").out[0]
    assert result.decision.verdict == "none"  # and the other is too slow


def test_a_hybrid_of_simulated_parts_is_simulated_and_they_are_its_evidence():
    result = demo()
    assert result.option("escalate").simulated
    assert {e.target for e in result.evidence} == {"cloud", "small-local", "large-local", "hybrid"}


def test_doing_nothing_is_a_reference_and_never_chosen():
    options = {"as-is": {"kind": "do-nothing", "cost_per_month": 50, "cost_per_1000_requests": 2}, "dear": DEAR}
    result = evaluate(scenario(options), TARGETS, PRICES)
    assert result.decision.option == "dear"
    assert float(result.option("as-is").effective_cost.value or 0) == pytest.approx(12 * 50 + 1200 * 2)
    assert float(result.option("dear").saving.value or 0) == pytest.approx(3000 - 1200 * 1.6)


# --- the decision ---------------------------------------------------------------------------------------------------


def test_the_cheaper_of_two_without_ranges_is_decisive():
    result = evaluate(scenario(BOTH), TARGETS, PRICES)
    assert (result.decision.verdict, result.decision.option, result.decision.runner_up) == ("decisive", "cheap", "dear")
    assert result.decision.probability.value == 1.0
    assert float(result.decision.saving_to_runner_up.value or 0) == pytest.approx(1200 * 0.8)
    assert result.tornado_of == ("cheap", "dear")


def test_the_cheapest_that_is_out_is_not_chosen():
    poor = TARGETS | {"cheap": measured("cheap", quality={"factuality": known(2.0, 0.3)})}
    result = evaluate(scenario(BOTH, constraints={"quality_floor": {"factuality": 4}}), poor, PRICES)
    assert (result.decision.option, result.decision.runner_up) == ("dear", None)
    assert result.decision.sentence == "dear is the only option that meets everything that is asked for."
    assert result.decision.caveats[0].startswith("The interval of dear's factuality begins at 3.90, below 4")


@pytest.mark.parametrize(
    ("spread", "rules", "said"),
    [
        (
            0.18,
            {"quality_floor": {"factuality": 3.5}},
            "The interval of cheap's factuality reaches 3.58, above 3.5 (n = 60): more questions or hand scores may "
            "show that it meets the floor.",
        ),
        (0.05, {"quality_floor": {"factuality": 3.5}}, None),
        (
            700,
            {"p95_ms": 2500},
            "The interval of cheap's p95 latency begins at 2,300 ms, below the 2,500 ms allowed (n = 60): more "
            "questions may show that it keeps the ceiling.",
        ),
        (400, {"p95_ms": 2500}, None),
    ],
)
def test_an_option_that_is_out_by_a_value_whose_interval_reaches_beyond_the_bound_is_remarked_on(spread, rules, said):
    """As one that is in by such a value is."""
    quality, p95 = (known(3.4, spread), known(2000)) if "quality_floor" in rules else (known(4), known(3000, spread))
    near = TARGETS | {"cheap": measured("cheap", quality={"factuality": quality}, p95_ms=p95)}
    result = evaluate(scenario(BOTH, constraints=rules), near, PRICES)
    assert len(result.option("cheap").out) == 1
    assert [caveat for caveat in result.decision.caveats if "of cheap's" in caveat] == ([said] if said else [])


def test_later_payments_are_worth_less():
    one = scenario({"dear": DEAR}, money={"discount_rate_per_year": 0.1})
    npv = evaluate(one, TARGETS, PRICES).options[0].npv
    assert float(npv.value or 0) == pytest.approx(sum(160 / 1.1 ** (month / 12) for month in range(1, 13)))


def test_a_saving_lies_within_its_band():
    discount = {"value": 0.6, "low": 0.4, "high": 0.8, "shape": "uniform"}
    saving = (
        evaluate(scenario({"dear": DEAR, "off": DEAR | {"discount": discount}}), TARGETS, PRICES).option("off").saving
    )
    assert saving.low is not None
    assert 0 < saving.low < (saving.value or 0) < (saving.high or 0)


def test_two_that_cannot_be_told_apart_are_not_decisive():
    discount = {"value": 0.5, "low": 0.3, "high": 0.7, "shape": "uniform"}
    result = evaluate(scenario({"dear": DEAR | {"discount": discount}, "cheap": CHEAP}), TARGETS, PRICES)
    assert result.decision.verdict == "not decisive"
    assert 0.45 < (result.decision.probability.value or 0) < 0.55
    assert result.decision.sentence.startswith("Not decisive: ")
    assert "At the central values alone" not in result.decision.sentence
    shares = [option.probability_cheapest.value or 0 for option in result.options]
    assert sum(map(float, shares)) == pytest.approx(1)


def test_a_leader_over_the_draws_that_is_not_the_cheapest_at_the_central_values_is_said_to_be_so():
    lopsided = {"value": 0.4, "low": 0.39, "high": 0.9, "shape": "uniform"}  # cheap at 0.4, dear in most of the range
    result = evaluate(scenario({"dear": DEAR | {"discount": lopsided}, "cheap": CHEAP}), TARGETS, PRICES)
    decision = result.decision
    assert (decision.option, decision.central) == ("dear", "cheap")
    assert decision.sentence.endswith(
        "At the central values alone cheap is the cheapest; the decision follows the draws, because they count the "
        "whole range of every assumption."
    )
    assert float(decision.saving_to_runner_up.value or 0) == pytest.approx(12 * (80 - 160 * 0.6))  # a loss there
    assert (decision.saving_p50.value or 0) > 0  # and a saving in most draws
    assert decision.saving_p50.low is not None
    assert decision.saving_p50.low < (decision.saving_p50.value or 0) < (decision.saving_p50.high or 0)
    (flip,) = [flip for flip in result.flips if flip.key == "options.dear.discount"]
    assert flip.cheapest == "dear"
    assert flip.sentence == (
        f"dear is the cheapest at the central values too where discount off the list price: dear is "
        f"{float(flip.value.value or 0):.1%}".replace("%", " %")
        + " instead of 40.0 %, within the stated range."
    )


def test_where_both_rules_agree_nothing_is_said_of_the_central_values():
    decision = evaluate(scenario(BOTH), TARGETS, PRICES).decision
    assert (decision.option, decision.central) == ("cheap", "cheap")
    assert "central" not in decision.sentence


def test_a_moved_requirement_is_judged_by_the_draws_too():
    """Let in, the option that only its quality keeps out would win most draws, and lose at the central values."""
    lopsided = {"value": 0.4, "low": 0.39, "high": 0.9, "shape": "uniform"}
    poor = TARGETS | {"dear": measured("dear", quality={"factuality": known(3.5, 0.1)})}
    options = {"dear": DEAR | {"discount": lopsided}, "cheap": CHEAP}
    result = evaluate(scenario(options, constraints={"quality_floor": {"factuality": 4.0}}), poor, PRICES)
    assert result.decision.option == "cheap"
    assert float(result.option("dear").npv.value or 0) > float(result.option("cheap").npv.value or 0)
    assert result.margins[0].sentence.startswith("dear would be chosen where the floor of factuality is lowered to 3.5")


@pytest.mark.parametrize("order", [("cheap", "dear"), ("dear", "cheap")])
def test_a_tie_is_decided_once_by_the_central_values_in_any_order(order):
    # Half of 200 evenly spread draws lie on either side of a discount of one half, at which both cost the same.
    discount = {"value": 0.55, "low": 0.3, "high": 0.7, "shape": "uniform"}
    options = {"cheap": CHEAP, "dear": DEAR | {"discount": discount}}
    result = evaluate(scenario({name: options[name] for name in order}), TARGETS, PRICES)
    assert result.decision.probability.value == 0.5
    assert (result.decision.option, result.decision.runner_up) == ("dear", "cheap")
    assert float(result.decision.saving_to_runner_up.value or 0) == pytest.approx(12 * (80 - 160 * 0.45))


@pytest.mark.parametrize(
    ("odd", "constraints", "verdict"),
    [
        ({}, {}, "not decisive"),
        ({"label": "Odd one"}, {}, "not decisive"),
        ({"residency": "abroad"}, {"allowed_residency": ["home"]}, "decisive"),  # it could not be chosen at any price
        ({"residency": "home"}, {"quality_floor": {"factuality": 4.5}}, "none"),
    ],
)
def test_a_rival_whose_cost_is_unknown_leaves_nothing_decisive(odd, constraints, verdict):
    options = {n: o | {"residency": "home"} for n, o in BOTH.items()} | {"odd": {"kind": "api", "target": "odd"} | odd}
    decision = evaluate(scenario(options, constraints=constraints), TARGETS | {"odd": measured("odd")}, PRICES).decision
    assert decision.verdict == verdict
    if verdict == "not decisive":
        assert decision.sentence == (
            "Not decisive: cheap is the cheapest of what meets everything that is asked for in 100 % of the draws. "
            f"What {odd.get('label', 'odd')} would cost is unknown, and may be less."
        )


def test_nothing_to_choose_is_said():
    result = evaluate(scenario(BOTH, constraints={"budget_per_month": 1}), TARGETS, PRICES)
    assert (result.decision.verdict, result.decision.option) == ("none", None)
    assert result.decision.sentence.startswith("No option meets everything")
    assert result.tornado == ()


# --- what is unknown ------------------------------------------------------------------------------------------------


def test_an_unknown_price_leaves_the_total_unknown_and_the_others_go_on():
    options = BOTH | {"odd": {"kind": "api", "target": "odd"}}
    result = evaluate(scenario(options), TARGETS | {"odd": measured("odd")}, PRICES)
    odd = result.option("odd")
    assert odd.npv.value is None
    assert odd.npv.reason == odd.blocked[0]
    assert odd.blocked[0].startswith('options.odd: The price card "a card" has no price of odd')
    assert odd.quality["factuality"].value == 4.2  # what was measured stays
    assert odd.probability_cheapest.value is None
    assert result.decision.option == "cheap"
    assert bare_numbers(result) == []


def test_a_baseline_without_a_total_leaves_savings_unknown():
    result = evaluate(scenario(BOTH), {"cheap": TARGETS["cheap"]}, PRICES)
    assert result.option("cheap").saving.reason == "The cost of dear is unknown."
    assert result.decision.option == "cheap"


def test_everything_blocked_is_a_result_too():
    result = evaluate(scenario(BOTH), {}, PRICES)
    assert result.decision.verdict == "none"
    assert all(option.blocked for option in result.options)
    assert bare_numbers(result) == []


def test_the_cost_of_an_acceptable_answer_carries_the_interval_of_the_share():
    result = evaluate(scenario({"dear": DEAR}), TARGETS, PRICES)
    per_1000, acceptable = result.options[0].per_1000, result.options[0].per_1000_acceptable
    assert float(per_1000.value or 0) == pytest.approx(1.6)
    assert float(acceptable.value or 0) == pytest.approx(1.6 / 0.8)
    assert acceptable.low is not None
    assert acceptable.low < 2.0 < (acceptable.high or 0)


# --- what a reader has to be told -----------------------------------------------------------------------------------


def test_warnings_name_borrowed_retiring_and_changing_prices():
    rows = [
        {
            "model": "dear",
            "input_per_mtok": 2,
            "output_per_mtok": 10,
            "borrowed_from": "other",
            "retires_on": "2027-06-30",
        },
        {"model": "cheap", "input_per_mtok": 1, "output_per_mtok": 5, "valid_until": "2027-03-31"},
        {"model": "cheap", "input_per_mtok": 2, "output_per_mtok": 5, "valid_from": "2027-04-01"},
    ]
    warned = evaluate(scenario(BOTH), TARGETS, card(*rows)).warnings
    assert "The price of acme/dear is borrowed from other; acme may charge another." in warned
    assert any(w.startswith("acme/dear retires on 2027-06-30, within the horizon") for w in warned)
    assert any(w.startswith("The price of acme/cheap changes on 2027-04-01") for w in warned)


def test_an_option_that_is_billed_at_a_made_up_price_is_marked():
    result = demo()
    assert result.option("cloud").hypothetical
    assert not result.option("do-nothing").hypothetical
    assert not evaluate(scenario(BOTH), TARGETS, PRICES).option("dear").hypothetical


def test_a_newer_price_card_than_the_pinned_one_is_said():
    def result(sha256: str) -> Result:
        pinned = {"name": "old", "date": "2026-01-01", "sha256": sha256}
        return evaluate(scenario(BOTH, price_card=pinned), TARGETS, PRICES)

    assert result(PRICES.sha256).card_is_pinned
    assert result(PRICES.sha256).warnings == ()
    assert not result("0" * 64).card_is_pinned
    assert 'not those of "old" of 2026-01-01' in result("0" * 64).warnings[0]


def test_the_register_tells_what_the_result_depends_on():
    register = {row.key: row for row in demo().register}
    assert register["workload.users"].used
    assert not register["hardware.laptops.life_months"].used  # nothing is bought
    assert register["hardware.workstation.capex"].figure.unit == "USD"
    assert register["workload.users"].shape == "triangular"
    assert register["energy.grid_gco2e_per_kwh"].used  # the carbon rests on it
    assert (register["workload.users"].figure.low, register["workload.users"].figure.high) == (1200, 3000)


def test_the_grid_s_carbon_is_not_used_where_no_energy_is_known():
    clouds = scenario(BOTH, energy={"grid_gco2e_per_kwh": 300})
    (grid,) = [row for row in evaluate(clouds, TARGETS, PRICES).register if row.key == "energy.grid_gco2e_per_kwh"]
    assert not grid.used


def test_numbers_are_told_to_people_by_words_of_their_own_and_not_by_keys():
    result = demo()
    labels = [row.label for row in result.register]
    assert len(set(labels)) == len(labels)
    for told in (*labels, *(bar.label for bar in result.tornado), *(flip.sentence for flip in result.flips)):
        assert "_" not in told, told
    assert "Measured prompt of an answer: cloud" in [bar.label for bar in result.tornado]
    assert "Purchase of a machine: A workstation with one large graphics card" in labels


def test_two_profiles_that_are_labelled_alike_are_told_apart():
    base = scenario_file.demo()
    profiles = {name: profile.model_copy(update={"label": "A box"}) for name, profile in base.hardware.items()}
    alike = base.model_copy(update={"hardware": profiles, "draws": 200})
    labels = [row.label for row in evaluate(alike, demo_targets(), price_card_file.built_in()).register]
    assert "Hours to set up, all machines together: A box (laptops)" in labels
    assert len(set(labels)) == len(labels)


def test_series_run_over_the_horizon():
    cloud = demo().option("cloud")
    assert cloud.effective_by_month is not None
    assert cloud.billed_by_month is not None
    assert cloud.fan is not None
    assert (len(cloud.effective_by_month.values), len(cloud.billed_by_month.values)) == (36, 37)
    assert all(
        isinstance(row, Series) and len(row.values) == 37 for row in (cloud.fan.p10, cloud.fan.p50, cloud.fan.p90)
    )


def test_every_option_in_the_ranking_is_said_to_straddle_a_floor_with_its_n():
    wide = TARGETS | {name: measured(name, quality={"factuality": known(4.2, 0.3)}) for name in ("cheap", "dear")}
    made = evaluate(scenario(BOTH, constraints={"quality_floor": {"factuality": 4}}), wide, PRICES).decision.caveats
    assert [sentence.split("'")[0] for sentence in made] == ["The interval of cheap", "The interval of dear"]
    assert all("begins at 3.90, below 4 (n = " in sentence for sentence in made)
