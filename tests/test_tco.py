"""What options cost over time: published examples, sums checked by hand, and what must hold for every workload."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from cost_samples import FREE, card, compiled, demo_targets, known, scenario, target, use
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cost import price_card_file, scenario_file
from eval.cost.assumption import central
from eval.cost.bill import bill, workings
from eval.cost.evaluate import evaluate
from eval.cost.ledger import Asset, billed, by_head, effective, purchases, spread
from eval.cost.measured import JudgeUse, Load

PRICES = card(
    {"model": "small", "input_per_mtok": "0.1", "output_per_mtok": "0.4"},
    {"model": "large", "input_per_mtok": "1.25", "cached_input_per_mtok": "0.125", "output_per_mtok": "10"},
    {"model": "free", "input_per_mtok": 0, "output_per_mtok": 0},
)
SMALL = target("small", use("answer", "small", 300, 100), loads=(Load(1, 0.5, 2500, 60), Load(4, 1.0, 4500, 60)))
LARGE = target("large", use("answer", "large", 300, 100))
TARGETS = {"small": SMALL, "large": LARGE, "free": target("free", use("answer", "free", 300, 100))}
API = {"kind": "api", "target": "large"}
BOX = {"capex": 4800, "life_months": 48, "price_per_kwh": 0.25, "idle_watts": 100, "active_watts": 300} | FREE
OWN = {"kind": "self-hosted", "target": "small", "hardware": "box"}


def costs(one, measured=None, prices=PRICES, name: str | None = None) -> dict[str, float]:
    """The effective cost of an option by head over the horizon, at the central values, and its total."""
    programs, compiler = compiled(one, TARGETS if measured is None else measured, prices)
    program = programs[name or one.baseline]
    assert not program.blocked, program.blocked
    w = workings(one, central(compiler.spreads))
    heads = {head: float(amounts.effective.sum()) for head, amounts in by_head(bill(program, w), w).items()}
    return heads | {"total": float(effective(bill(program, w), w).sum())}


def blocked(one, measured=None, prices=PRICES) -> str:
    (sentence, *_) = compiled(one, TARGETS if measured is None else measured, prices)[0][one.baseline].blocked
    return sentence


# --- published examples ---------------------------------------------------------------------------------------------


def test_a_day_of_deepseek_costs_what_they_published():
    # DeepSeek, open-infra-index, day 6: 226.75 nodes of 8 GPUs on average at 2 $ an hour are 87,072 $ a day
    one = scenario(
        {"own": {"kind": "self-hosted", "target": "small", "hardware": "gpu"}},
        workload={"requests_per_month": None, "users": 226.75 * 8, "questions_per_user_day": 1, "horizon_months": 1},
        hardware={
            "gpu": {"one_per_user": True, "rent_per_hour": 2, "hours_on_per_month": 24, "spares": 0, "life_months": 1}
            | FREE
        },
    )
    assert costs(one)["hardware"] == pytest.approx(87_072)


def test_a_day_of_deepseek_earns_what_they_published():
    # The same source: 608 billion input tokens, 342 billion of them cached, 168 billion output, at R1's 0.14 / 0.55 /
    # 2.19 $ a million: 562,100 $ from these rounded counts (562,027 $ from theirs)
    prices = card(
        {"model": "r1", "input_per_mtok": "0.55", "cached_input_per_mtok": "0.14", "output_per_mtok": "2.19"},
    )
    r1 = target("r1", use("answer", "r1", 608_000, 168_000, cached=known(342_000)))
    one = scenario(
        {"api": {"kind": "api", "target": "r1"}}, workload={"requests_per_month": 1_000_000, "horizon_months": 1}
    )
    assert costs(one, {"r1": r1}, prices)["total"] == pytest.approx(562_100)


def test_routing_saves_what_routellm_published():
    # RouteLLM (arXiv 2406.18665), MT Bench: the strong model's share falls from 49.03 % to 13.40 %, a saving of 3.66
    # times, the weak model's cost neglected
    def at(share: float) -> float:
        escalate = {
            "kind": "escalate",
            "local": {"target": "free"},
            "remote": {"target": "large"},
            "escalation_share": share,
            "draft_as_input": False,
        }
        return costs(scenario({"route": escalate}))["total"]

    assert at(0.4903) / at(0.1340) == pytest.approx(3.66, abs=0.005)


# --- tokens and prices ----------------------------------------------------------------------------------------------


def test_an_api_costs_its_tokens_times_its_prices():
    # 100,000 x 12 answers x (300 x 1.25 + 100 x 10) / 1e6
    assert costs(scenario({"api": API})) == pytest.approx({"API tokens": 1650, "fixed fees": 0, "total": 1650})


def test_the_cached_share_is_billed_at_the_cached_price():
    one = scenario({"api": API}, workload={"cacheable_prompt_share": 0.5})
    assert costs(one)["total"] == pytest.approx(1.2 * (150 * 1.25 + 150 * 0.125 + 1000))


def test_an_option_s_own_cached_share_goes_before_the_workload_s():
    one = scenario({"api": API | {"cacheable_prompt_share": 1}}, workload={"cacheable_prompt_share": 0.5})
    assert costs(one)["total"] == pytest.approx(1.2 * (300 * 0.125 + 1000))


def test_measured_cached_tokens_count_where_nothing_is_assumed():
    measured = {"large": target("large", use("answer", "large", 300, 100, cached=known(200)))}
    assert costs(scenario({"api": API}), measured)["total"] == pytest.approx(1.2 * (100 * 1.25 + 200 * 0.125 + 1000))


def test_reasoning_tokens_are_in_the_completion_and_not_charged_again():
    thinking = {"large": target("large", use("answer", "large", 300, 100, reasoning=known(80)))}
    assert costs(scenario({"api": API}), thinking)["total"] == pytest.approx(1650)


def test_a_measured_model_is_billed_by_the_row_the_option_names():
    local = {"phi": target("phi", use("answer", "phi-4-mini", 300, 100))}
    option = {"kind": "api", "target": "phi", "prices": {"phi-4-mini": "acme/large"}}
    assert costs(scenario({"api": option}), local)["total"] == pytest.approx(1650)
    assert "has no price of phi-4-mini" in blocked(scenario({"api": {"kind": "api", "target": "phi"}}), local)


def test_scales_multiply_the_measured_tokens():
    one = scenario({"api": API}, workload={"prompt_scale": 2, "completion_scale": 3})
    assert costs(one)["total"] == pytest.approx(1.2 * (600 * 1.25 + 300 * 10))


def test_repeated_requests_stand_apart():
    repeated = {"large": target("large", use("answer", "large", 300, 100), attempts_per_answer=1.1)}
    found = costs(scenario({"api": API}), repeated)
    assert (found["API tokens"], found["retries"]) == pytest.approx((1650, 165))


def test_a_long_prompt_is_billed_at_its_tier():
    tiers = [{"above_tokens": 250, "input_per_mtok": 2, "output_per_mtok": 20}]
    prices = card({"model": "large", "input_per_mtok": 1, "output_per_mtok": 10, "tiers": tiers})
    assert costs(scenario({"api": API}), prices=prices)["total"] == pytest.approx(1.2 * (300 * 2 + 100 * 20))
    short = scenario({"api": API}, workload={"prompt_scale": 0.5})
    assert costs(short, prices=prices)["total"] == pytest.approx(1.2 * (150 + 1000))


def test_a_discount_leaves_the_list_price_and_lowers_the_effective_cost():
    one = scenario({"api": API | {"discount": 0.2}})
    programs, compiler = compiled(one, TARGETS, PRICES)
    w = workings(one, central(compiler.spreads))
    tokens = by_head(bill(programs["api"], w), w)["API tokens"]
    assert (tokens.listed.sum(), tokens.effective.sum(), tokens.billed.sum()) == pytest.approx((1650, 1320, 1320))


def test_batch_prices_count_for_the_share_that_may_wait():
    row = {"model": "large", "input_per_mtok": 1, "output_per_mtok": 10}
    prices = card(row | {"batch_input_per_mtok": "0.5", "batch_output_per_mtok": 5})
    one = scenario({"api": API | {"batch_share": 0.5}})
    assert costs(one, prices=prices)["total"] == pytest.approx(1.2 * 1300 * 0.75)
    assert "the batch input and the batch output price of acme/large is unknown" in blocked(one, prices=card(row))


def test_the_batch_price_of_a_tier_is_unknown():
    tiers = [{"above_tokens": 250, "input_per_mtok": 2, "output_per_mtok": 20}]
    row = {"model": "large", "input_per_mtok": 1, "output_per_mtok": 10, "tiers": tiers}
    prices = card(row | {"batch_input_per_mtok": "0.5", "batch_output_per_mtok": 5})
    one = scenario({"api": API | {"batch_share": 0.5}})
    assert "the batch input and the batch output price of acme/large is unknown" in blocked(one, prices=prices)


def test_prices_drift_and_volumes_grow_by_the_year():
    one = scenario({"api": API}, workload={"growth_per_year": 0.5}, money={"api_price_drift_per_year": -0.2})
    month = 1650 / 12
    assert costs(one)["total"] == pytest.approx(sum(month * (1.5 * 0.8) ** (t / 12) for t in range(12)))


def test_a_price_that_changes_on_a_day_is_billed_from_its_month_on():
    rows = [
        {"model": "large", "input_per_mtok": 1, "output_per_mtok": 10, "valid_until": "2027-06-30"},
        {"model": "large", "input_per_mtok": 2, "output_per_mtok": 20, "valid_from": "2027-07-01"},
    ]
    assert costs(scenario({"api": API}), prices=card(*rows))["total"] == pytest.approx(0.1 * 1300 * (6 + 12))


def test_the_judge_of_a_share_of_the_answers_stands_apart():
    judged = target("large", use("answer", "large", 300, 100), judge=JudgeUse("small", known(1000), known(200)))
    one = scenario({"api": API}, workload={"judged_share": 0.1})
    found = costs(one, {"large": judged})
    assert found["judge"] == pytest.approx(1.2 * 0.1 * (1000 * 0.1 + 200 * 0.4))
    assert found["API tokens"] == pytest.approx(1650)


def test_another_currency_is_converted_at_the_stated_rate():
    euros = card({"model": "large", "input_per_mtok": 1, "output_per_mtok": 10, "currency": "EUR"})
    one = scenario({"api": API}, money={"rates": {"EUR": 1.1}})
    assert costs(one, prices=euros)["total"] == pytest.approx(1.2 * 1300 * 1.1)
    sentence = blocked(scenario({"api": API}), prices=euros)
    assert sentence == (
        "options.api: acme/large is priced in EUR, the scenario in USD; write what one EUR costs under [money.rates]."
    )


# --- what is missing blocks -----------------------------------------------------------------------------------------

UNTOLD = target("large", use("answer", "large", 300, 100, cached=known(0)))


@pytest.mark.parametrize(
    ("measured", "sentence"),
    [
        ({}, 'options.api: the target "large" has no run with an answer; run it, or remove the option.'),
        ({"lage": LARGE}, 'options.api: the target "large" has no run with an answer; did you mean lage?'),
        ({"large": target("large", n_answers=0)}, 'options.api: the target "large" has no run with an answer; run it'),
        ({"large": target("large")}, "options.api: the run of large has no stage with token counts; measure it again."),
    ],
)
def test_a_target_without_runs_or_tokens_blocks_its_option(measured, sentence):
    assert blocked(scenario({"api": API}), measured).startswith(sentence)


def test_a_run_without_token_counts_blocks_its_option():
    stage = use("answer", "large", 300, 100)
    untold = {"large": target("large", type(stage)("answer", "large", known(300), stage.ms))}
    assert "has no token counts for large; use a server that tells usage" in blocked(scenario({"api": API}), untold)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            {"model": "other", "input_per_mtok": 1, "output_per_mtok": 1},
            "has no price of large (known are acme/other).",
        ),
        (
            {"model": "large", "output_per_mtok": 1, "note": "not told"},
            "the input price of acme/large is unknown (not told)",
        ),
        (
            {"model": "large", "input_per_mtok": 1, "output_per_mtok": 1, "valid_until": "2027-03-31"},
            "valid on 2027-04-01",
        ),
    ],
)
def test_an_unknown_price_blocks_and_is_never_zero(row, sentence):
    assert sentence in blocked(scenario({"api": API}), prices=card(row))


def test_a_cached_share_needs_a_cached_price():
    one = scenario({"api": API}, workload={"cacheable_prompt_share": {"low": 0, "high": 0.5}})
    prices = card({"model": "large", "input_per_mtok": 1, "output_per_mtok": 1})
    assert "the cached input price of acme/large is unknown; enter it in the price card, or set" in blocked(
        one, None, prices
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"price_per_kwh": None}, "hardware.box.price_per_kwh is unknown; write it, 0 if the energy is free."),
        ({"active_watts": None}, "hardware.box.active_watts is neither measured nor assumed; write it."),
    ],
)
def test_unknown_energy_blocks_and_is_never_zero(changed, sentence):
    assert sentence in blocked(scenario({"own": OWN}, hardware={"box": BOX | changed}))


def test_measured_power_is_taken_where_none_is_assumed():
    measured = {"small": target("small", *SMALL.stages, loads=SMALL.loads, watts=known(300))}
    assert costs(scenario({"own": OWN}, hardware={"box": BOX | {"active_watts": None}}), measured) == pytest.approx(
        costs(scenario({"own": OWN}, hardware={"box": BOX}))
    )


# --- machines -------------------------------------------------------------------------------------------------------


def test_a_machine_costs_its_life_its_power_and_its_people():
    box = BOX | {"residual_share": 0.25, "support_per_year": 120, "pue": 1.5, "spares": 0}
    box |= {"setup_hours": 10, "labour_hours_per_month": 2, "labour_rate_per_hour": 50}
    found = costs(scenario({"own": OWN}, hardware={"box": box}))
    assert found["hardware"] == pytest.approx(12 * 4800 * 0.75 / 48)
    assert found["support"] == pytest.approx(120)
    assert found["labour"] == pytest.approx(10 * 50 + 12 * 2 * 50)
    # idle all month, and 200 W more while it answers: 100,000 answers of 4 s on 4 places each month
    kwh = 12 * 1.5 * (0.1 * 730 + 0.2 * 100_000 * 4 / 4 / 3600)
    assert found["energy"] == pytest.approx(0.25 * kwh)


def test_the_spare_machine_costs_as_much_as_the_first():
    one, two = (costs(scenario({"own": OWN}, hardware={"box": BOX | {"spares": n}})) for n in (0, 1))
    assert two["hardware"] == pytest.approx(2 * one["hardware"])


def test_a_machine_that_runs_other_work_is_not_charged_for_idling():
    box = BOX | {"runs_other_work": True}
    kwh = 12 * 0.2 * 100_000 / 3600  # only what answering takes above idling
    assert costs(scenario({"own": OWN}, hardware={"box": box}))["energy"] == pytest.approx(0.25 * kwh)


def test_a_machine_once_bought_stays_when_the_volume_falls():
    workload = {"requests_per_month": 4_000_000, "growth_per_year": -0.9}
    one = scenario({"own": OWN}, workload=workload, hardware={"box": BOX})
    programs, compiler = compiled(one, TARGETS, PRICES)
    made = bill(programs["own"], workings(one, central(compiler.spreads)))
    need = made.machines["box"][0]
    assert need[-1] < need[0]
    assert costs(one)["hardware"] == pytest.approx(12 * need[0] * 4800 / 48)


def test_owned_machines_cost_no_purchase_and_further_ones_do():
    one = scenario({"own": OWN}, hardware={"box": BOX | {"owned": 1}})  # one and its spare are needed
    assert costs(one)["hardware"] == pytest.approx(12 * 4800 / 48)


def test_the_laptops_of_users_are_not_shared_and_may_be_too_slow():
    laptops = {"one_per_user": True, "runs_other_work": True, "spares": 0, "idle_watts": 8, "active_watts": 45}
    laptops |= {"price_per_kwh": 0.25} | FREE
    for questions, fits in ((20, True), (20_000, False)):
        workload = {"requests_per_month": None, "users": 30, "questions_per_user_day": questions}
        one = scenario({"own": OWN | {"hardware": "pc"}}, workload=workload, hardware={"pc": laptops})
        programs, compiler = compiled(one, TARGETS, PRICES)
        made = bill(programs["own"], workings(one, central(compiler.spreads)))
        assert made.feasible is not None
        assert bool(made.feasible[0, 0]) == fits
        assert (made.machines["pc"] == 30).all()


def test_a_quoted_throughput_stands_in_for_a_measured_one():
    box = BOX | {"throughput": {"places": 8, "tokens_per_s": 400, "counts": "all"}, "spares": 0}
    one = scenario({"own": OWN}, hardware={"box": box})
    programs, compiler = compiled(one, TARGETS, PRICES)
    made = bill(programs["own"], workings(one, central(compiler.spreads)))
    assert made.service_s["box"].tolist() == [[8 * 400 / 400]]  # 300 in and 100 out at 400 a second
    assert any("is quoted; the latency on it was not measured" in note for note in programs["own"].notes)


def test_a_latency_target_picks_the_concurrency_and_may_rule_the_hardware_out():
    def program(p95: float):
        one = scenario({"own": OWN}, hardware={"box": BOX}, constraints={"p95_ms": p95})
        return compiled(one, TARGETS, PRICES)[0]["own"]

    assert program(5000).machines[0].machine.places == 4
    assert program(3000).machines[0].machine.places == 1
    assert program(2000).machines == ()
    assert program(2000).never[0].startswith("small on box: even at 1 request at once its p95 latency is 2,500 ms")


def test_longer_answers_take_longer_and_may_miss_the_target():
    def places(scale: float) -> int:
        workload = {"completion_scale": scale}
        one = scenario({"own": OWN}, workload=workload, hardware={"box": BOX}, constraints={"p95_ms": 5000})
        return compiled(one, TARGETS, PRICES)[0]["own"].machines[0].machine.places

    assert (places(1), places(1.5)) == (4, 1)  # 4,500 ms at four become 6,750


def test_a_stage_takes_as_long_as_within_the_measured_hybrid():
    plain = {"small": target("small", use("answer", "small", 300, 100, ms=known(1000)), loads=SMALL.loads)}
    stages = use("draft", "small", 300, 100, ms=known(1500)), use("refine", "large", 420, 120)
    option = {
        "kind": "draft-and-refine",
        "target": "mix",
        "draft": {"target": "small", "hardware": "box"},
        "refine": {"target": "large"},
    }
    one = scenario({"mix": option}, hardware={"box": BOX})
    program = compiled(one, TARGETS | plain | {"mix": target("mix", *stages)}, PRICES)[0]["mix"]
    assert program.machines[0].machine.service_s == pytest.approx(4 * 1.5)


def test_one_by_one_runs_are_a_bound_and_say_how_to_measure_more():
    sequential = {"small": target("small", *SMALL.stages, loads=SMALL.loads[:1])}
    program = compiled(scenario({"own": OWN}, hardware={"box": BOX}), sequential, PRICES)[0]["own"]
    assert any(note.startswith("Sequential bound: small") and "--concurrency 2" in note for note in program.notes)


# --- hybrids --------------------------------------------------------------------------------------------------------


def hybrid(share: float, **changed: Any) -> float:
    escalate = {
        "kind": "escalate",
        "local": {"target": "small", "hardware": "box"},
        "remote": {"target": "large"},
        "escalation_share": share,
        "gate_per_1000": 0.5,
        "draft_as_input": False,
    }
    return costs(scenario({"mix": escalate | changed}, hardware={"box": BOX}))["total"]


GATE, LOCAL, CLOUD = 600.0, costs(scenario({"own": OWN}, hardware={"box": BOX}))["total"], 1650.0


def test_escalating_nothing_is_local_plus_the_gate():
    assert hybrid(0) == pytest.approx(LOCAL + GATE)


def test_escalating_everything_is_local_plus_gate_plus_cloud():
    assert hybrid(1) == pytest.approx(LOCAL + GATE + CLOUD)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_escalating_a_share_adds_that_share_of_the_cloud(share):
    assert hybrid(share) == pytest.approx(LOCAL + GATE + share * CLOUD)


def test_the_draft_counts_again_as_input():
    assert hybrid(1, draft_as_input=True) == pytest.approx(LOCAL + GATE + CLOUD + 1.2 * 100 * 1.25)


def test_draft_and_refine_put_together_sends_the_draft_along():
    parts = {"draft": {"target": "small"}, "refine": {"target": "large"}}
    one = scenario({"mix": {"kind": "draft-and-refine"} | parts})
    assert costs(one)["total"] == pytest.approx(1.2 * (300 * 0.1 + 100 * 0.4 + (300 + 100) * 1.25 + 100 * 10))


def test_a_measured_hybrid_is_billed_by_its_own_stages():
    whole = target("mix", use("draft", "small", 310, 90), use("refine", "large", 420, 120))
    option = {"kind": "draft-and-refine", "target": "mix", "draft": {"target": "small"}, "refine": {"target": "large"}}
    found = costs(scenario({"mix": option}), TARGETS | {"mix": whole})
    assert found["total"] == pytest.approx(1.2 * (310 * 0.1 + 90 * 0.4 + 420 * 1.25 + 120 * 10))


# --- what holds for every workload ----------------------------------------------------------------------------------


@st.composite
def workloads(draw) -> dict[str, Any]:
    return {
        "requests_per_month": draw(st.floats(1, 1e8)),
        "growth_per_year": draw(st.floats(-0.5, 2)),
        "burst": draw(st.floats(1, 10)),
        "busy_hour_share": draw(st.floats(0.05, 1)),
        "prompt_scale": draw(st.floats(0.1, 10)),
        "completion_scale": draw(st.floats(0.1, 10)),
        "horizon_months": draw(st.integers(1, 60)),
    }


MIX = {
    "kind": "escalate",
    "local": {"target": "small", "hardware": "box"},
    "remote": {"target": "large"},
    "escalation_share": 0.3,
}


@settings(deadline=None)
@given(workloads(), st.floats(1, 100), st.sampled_from([API, OWN, MIX]))
def test_more_volume_never_lowers_a_total(workload, factor, option):
    more = workload | {"requests_per_month": workload["requests_per_month"] * factor}
    less, greater = (
        costs(scenario({"x": option}, workload=w, hardware={"box": BOX}))["total"] for w in (workload, more)
    )
    assert greater >= less * (1 - 1e-12)


@settings(deadline=None)
@given(workloads(), st.sampled_from(["input_per_mtok", "cached_input_per_mtok", "output_per_mtok"]), st.floats(0, 1))
def test_a_cheaper_price_never_raises_a_total(workload, field, share):
    workload = workload | {"cacheable_prompt_share": 0.4}
    row = {"model": "large", "input_per_mtok": 1.25, "cached_input_per_mtok": 0.125, "output_per_mtok": 10}
    one = scenario({"api": API}, workload=workload)
    before = costs(one, prices=card(row))["total"]
    assert costs(one, prices=card(row | {field: row[field] * share}))["total"] <= before * (1 + 1e-12)


@settings(deadline=None)
@given(workloads(), st.integers(1, 60), st.floats(0, 1), st.sampled_from([API, OWN, MIX]))
def test_what_is_billed_over_the_horizon_is_what_was_used(workload, life, residual, option):
    box = BOX | {"life_months": life, "residual_share": residual, "setup_hours": 9, "labour_rate_per_hour": 70}
    one = scenario({"x": option}, workload=workload, hardware={"box": box})
    programs, compiler = compiled(one, TARGETS, PRICES)
    w = workings(one, central(compiler.spreads))
    made = bill(programs["x"], w)
    assert billed(made, w).sum() == pytest.approx(effective(made, w).sum(), rel=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 50), st.floats(0, 1))
def test_machines_are_paid_for_as_they_are_worn_out(steps, life, residual):
    bought = np.cumsum(np.array([steps], dtype=float), axis=1)
    asset = Asset(bought, np.array([[1000.0]]), np.array([[residual]]), np.array([[float(life)]]))
    assert purchases(asset).sum() == pytest.approx(spread(asset).sum(), abs=1e-6)


def test_a_machine_is_replaced_at_the_end_of_its_life():
    asset = Asset(np.ones((1, 5)), np.array([[100.0]]), np.array([[0.2]]), np.array([[2.0]]))
    # bought at 0, replaced at 2 and 4 for 100 less the 20 the old one brings; half of a life's 80 is left at 5
    assert purchases(asset)[0] == pytest.approx([100, 0, 80, 0, 80, -60])


# --- exactness ------------------------------------------------------------------------------------------------------


def test_heads_months_and_total_add_up_to_the_last_digit():
    result = evaluate(scenario_file.demo(), demo_targets(), price_card_file.built_in())
    for option in result.options:
        assert option.effective_by_month is not None
        assert option.billed_by_month is not None
        assert isinstance(option.effective_cost.value, Decimal)
        assert sum(option.effective_by_month.values, Decimal(0)) == option.effective_cost.value
        assert sum((h.effective_cost.value for h in option.heads), Decimal(0)) == option.effective_cost.value
        assert sum(option.billed_by_month.values, Decimal(0)) == option.billed_cost.value
        assert sum((h.billed_cost.value for h in option.heads), Decimal(0)) == option.billed_cost.value
