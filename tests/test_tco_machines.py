"""Machines by hand: which load they are taken at, how long longer requests take, and what shared machines cost once."""

from math import log
from typing import Any

import pytest
from cost_samples import FREE, card, compiled, known, scenario, target, use

from eval.cost.assumption import central
from eval.cost.bill import bill, workings
from eval.cost.capacity import UTILISATION_CAP, bearable, machine_at
from eval.cost.evaluate import evaluate
from eval.cost.ledger import billed, effective
from eval.cost.measured import Load, Told, stretch
from eval.cost.program import Program
from eval.cost.uncertainty import simulate

PRICES = card({"model": "x", "input_per_mtok": 1, "output_per_mtok": 10})
BOX = {"capex": 4800, "price_per_kwh": 0.25, "idle_watts": 100, "active_watts": 300, "spares": 0} | FREE
OWN = {"kind": "self-hosted", "target": "x", "hardware": "box"}
BOTH_ON_BOX = {
    "kind": "draft-and-refine",
    "draft": {"target": "x", "hardware": "box"},
    "refine": {"target": "y", "hardware": "box"},
}


def on(*loads: Load, name: str = "x", **more: Any):
    return target(name, use("answer", name, 200, 100), loads=loads or (Load(1, 1.0, 900, 60),), **more)


ONE = {"x": on(), "y": on(name="y")}  # a second an answer, one at a time


def billed_for(one: Any, targets: Any = None, name: str | None = None):
    programs, compiler = compiled(one, targets or ONE, PRICES)
    w = workings(one, central(compiler.spreads))
    return bill(programs[name or one.baseline], w), w


def cost(one: Any, targets: Any = None) -> float:
    return float(effective(*billed_for(one, targets)).sum())


def kwh(one: Any, targets: Any = None) -> float:
    return float(evaluate(one, targets or ONE, PRICES).options[0].energy.value or 0)


# --- latency --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ceiling", "p95", "places", "out"),
    [
        (4000, 3000, 8, ()),
        (2000, 1500, 4, ()),  # the newest run, at eight, would miss it; at four it is met
        (1000, 900, 1, ()),
    ],
)
def test_the_ceiling_is_judged_at_the_load_the_machines_are_taken_at(ceiling, p95, places, out):
    loads = (Load(1, 1.2, 900, 60), Load(4, 3.0, 1500, 60), Load(8, 4.0, 3000, 60))
    one = scenario({"own": OWN}, hardware={"box": BOX}, constraints={"p95_ms": ceiling})
    own = evaluate(one, {"x": on(*loads, p95_ms=known(3000))}, PRICES).option("own")
    assert (own.p95.value, own.capacity[0].places.value, own.out) == (p95, places, out)


def test_a_load_s_own_interval_is_told_with_it():
    load = Load(4, 3.0, 1500, 60, p50=known(1000, 50), p95=known(1500, 200))
    one = scenario({"own": OWN}, hardware={"box": BOX})
    own = evaluate(one, {"x": on(load, p95_ms=known(3000), p50_ms=known(2000))}, PRICES).option("own")
    assert (own.p95.value, own.p95.low, own.p95.high, own.p50.value) == (1500, 1300, 1700, 1000)


def test_latency_on_quoted_hardware_is_unknown_and_misses_a_ceiling():
    box = BOX | {"throughput": {"places": 8, "tokens_per_s": 800}}
    measured = {"x": on(p95_ms=known(900))}
    own = evaluate(scenario({"own": OWN}, hardware={"box": box}), measured, PRICES).option("own")
    assert (own.p95.value, own.out) == (None, ())
    assert "quoted" in (own.p95.reason or "")
    assert (own.capacity[0].places.value, own.capacity[0].places.kind) == (8, "quoted")
    assert own.capacity[0].service.value == 8 * 100 / 800
    one = scenario({"own": OWN}, hardware={"box": box}, constraints={"p95_ms": 2000})
    assert evaluate(one, measured, PRICES).option("own").out == (
        "Its p95 latency is unknown, and at most 2,000 ms are allowed.",
    )


@pytest.mark.parametrize(
    ("share", "prompt", "completion", "times"),
    [(0.25, 8, 2, 3.5), (0.25, 1, 1, 1), (0.0, 8, 2, 2), (1.0, 8, 2, 8), (None, 8, 2, 2)],
)
def test_longer_requests_keep_a_machine_busy_for_longer_and_answer_later(share, prompt, completion, times):
    """Until the first token with the prompt, after it with the completion."""
    assert stretch(share, prompt, completion) == times
    measured = {"x": on(Load(1, 0.5, 2500, 60, ttft_share=share), ttft_share=share, p95_ms=known(2500))}
    scales = {"prompt_scale": prompt, "completion_scale": completion}
    one = scenario({"own": OWN, "api": {"kind": "api", "target": "x"}}, hardware={"box": BOX}, workload=scales)
    assert billed_for(one, measured)[0].service_s["box"].tolist() == [[2 * times]]
    result = evaluate(one, measured, PRICES)
    assert [result.option(name).p95.value for name in ("own", "api")] == [2500 * times, 2500 * times]
    said = any("until its first token is unknown" in note for note in result.option("own").notes)
    assert said == (share is None)


@pytest.mark.parametrize(
    ("share", "told", "end", "times", "n"),
    [
        (0.25, Told(28, 30), "is told by 28 of 30 answers; the others are taken to be like these.", 3.5, 28),
        (None, Told(2, 30), "is told by 2 of 30 answers, too few to go by: longer prompts", 2, None),
        (None, Told(0, 30), "is unknown: longer prompts are taken to cost no time.", 2, None),
        (0.25, Told(30, 30), None, 3.5, 30),
    ],
)
def test_answers_without_a_first_token_are_counted_where_prompts_are_longer(share, told, end, times, n):
    shared = {"ttft_share": share, "first_token": told}
    measured = {"x": on(Load(1, 0.5, 2500, 60, **shared), **shared, p95_ms=known(2500))}
    for scales, said in (({"prompt_scale": 8, "completion_scale": 2}, True), ({}, False)):
        one = scenario({"own": OWN, "api": {"kind": "api", "target": "x"}}, hardware={"box": BOX}, workload=scales)
        result = evaluate(one, measured, PRICES)
        for option in (result.option("own"), result.option("api")):
            told_of = [note for note in option.notes if "until its first token" in note]
            assert len(told_of) == (said and end is not None)
            assert all(f"How long x took until its first token {end}" in note for note in told_of)
            assert (option.latency_scale.value, option.latency_scale.n) == (times if said else 1, n)


def test_waiting_is_tabled_for_the_time_that_longer_answers_take():
    load = Load(4, 2.0, 2000, 60)  # 2 s an answer, and 2 s of the 6 allowed are left for waiting when it takes twice
    one = scenario({"own": OWN}, hardware={"box": BOX}, workload={"completion_scale": 2}, constraints={"p95_ms": 6000})
    (part,) = compiled(one, {"x": on(load)}, PRICES)[0]["own"].machines
    machine = machine_at([Load(4, 1.0, 4000, 60)], 6000)
    assert not isinstance(machine, str)
    assert part.table.tolist() == bearable(machine).tolist()
    assert part.table[0] < 4 * UTILISATION_CAP  # waiting binds


def test_a_stage_that_misses_the_ceiling_is_named_and_how_to_measure_it_at_fewer():
    """The p95 latency of the whole hybrid is another one, and stands under the same words elsewhere."""
    measured = {"x": on(), "y": on(Load(30, 3.0, 16_488, 60), name="y")}
    options = {"mix": BOTH_ON_BOX, "own": OWN | {"target": "y"}}
    one = scenario(options, hardware={"box": BOX}, constraints={"p95_ms": 3000})
    result = evaluate(one, measured, PRICES)
    missed = "p95 latency is 16,488 ms, and 3,000 ms are allowed."
    fewer = "Fewer at once may be faster: measure that with `rightsize run --concurrency 1`, then 2, 4."
    at = "at 30 requests at once, the fewest measured,"
    assert result.option("mix").out == (f"Stage refine, y on box: {at} this stage's {missed} {fewer}",)
    assert result.option("own").out == (f"y on box: {at} its {missed} {fewer}",)


# --- shared machines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spares", [0, 1])
def test_two_stages_on_one_profile_share_machines_spares_idling_support_and_labour(spares):
    box = BOX | {"spares": spares, "support_per_year": 120, "setup_hours": 10, "labour_rate_per_hour": 50}
    box |= {"labour_hours_per_month": 2}
    made, w = billed_for(scenario({"mix": BOTH_ON_BOX}, hardware={"box": box}))
    assert list(made.machines) == ["draft + refine"]
    # 100,000 a month: 100,000 / 21 x 0.2 x 1.5 / 3600 = 0.397 a second, each busy for 2 s: 0.79 of two machines' 1.4
    assert made.load["draft + refine"][0, 0] == pytest.approx(100_000 / 21 * 0.3 / 3600 * 2)
    assert (made.machines["draft + refine"] == 2 + spares).all()
    month = (2 + spares) * (4800 / 48 + 10 + 0.25 * 0.1 * 730) + 2 * 50 + 0.25 * 0.2 * 100_000 * 2 / 3600
    assert effective(made, w).sum() == pytest.approx(12 * month + 10 * 50)


def test_stages_at_other_concurrencies_are_counted_in_shares_of_the_machine():
    measured = {"x": on(Load(4, 4.0, 900, 60)), "y": on(Load(2, 2.0, 900, 60), name="y")}  # a second each
    (pool,) = compiled(scenario({"mix": BOTH_ON_BOX}, hardware={"box": BOX}), measured, PRICES)[0]["mix"].pools
    made, w = billed_for(scenario({"mix": BOTH_ON_BOX}, hardware={"box": BOX}), measured)
    # a place of the second is half the machine, two of the first's four
    assert made.load[pool.name][0, 0] == pytest.approx(float(w.per_s[0, 0]) * (1 + 2))
    assert pool.table[:2].tolist() == pytest.approx([2.8, 5.6])


def test_stages_on_two_profiles_share_nothing():
    apart = BOTH_ON_BOX | {"refine": {"target": "y", "hardware": "other"}}
    made, _ = billed_for(scenario({"mix": apart}, hardware={"box": BOX, "other": BOX}))
    assert list(made.machines) == ["draft", "refine"]


def test_machines_that_are_owned_bear_both_stages_or_not_at_all():
    box = {name: value for name, value in BOX.items() if name != "capex"}
    for owned, fits in ((1, False), (2, True)):
        made, _ = billed_for(scenario({"mix": BOTH_ON_BOX}, hardware={"box": box | {"owned": owned}}))
        assert made.feasible is not None
        assert bool(made.feasible[0, 0]) == fits


def escalate(share: float) -> dict[str, Any]:
    parts = {"local": {"target": "x"}, "remote": {"target": "y", "hardware": "box"}}
    return {"kind": "escalate", "escalation_share": share, "draft_as_input": False} | parts


def test_only_the_escalated_share_keeps_machines_busy_and_takes_power():
    made, w = billed_for(scenario({"mix": escalate(0.25)}, hardware={"box": BOX}))
    assert made.load["remote"][0, 0] == pytest.approx(float(w.per_s[0, 0]) * 0.25)
    found = kwh(scenario({"mix": escalate(0.25)}, hardware={"box": BOX}))
    assert found == pytest.approx(12 * (0.1 * 730 + 0.2 * 25_000 / 3600))


# --- the busy hour --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "per_s"),
    [
        ({}, 100_000 / 21 * 0.2 * 1.5 / 3600),
        ({"burst": 3}, 100_000 / 21 * 0.2 * 3 / 3600),
        ({"workdays_per_month": 30}, 100_000 / 30 * 0.2 * 1.5 / 3600),
        ({"busy_hour_share": 0.5}, 100_000 / 21 * 0.5 * 1.5 / 3600),
    ],
)
def test_the_busiest_minutes_follow_from_workdays_busy_hour_and_burst(changed, per_s):
    _, w = billed_for(scenario({"own": OWN}, hardware={"box": BOX}, workload=changed))
    assert w.per_s[0, 0] == pytest.approx(per_s)


def test_spares_idle_and_are_supported_but_neither_rented_nor_counted_as_working():
    box = BOX | {"spares": 2, "support_per_year": 120}
    plain = scenario({"own": OWN}, hardware={"box": BOX | {"support_per_year": 120}})
    spared = scenario({"own": OWN}, hardware={"box": box})
    assert cost(spared) - cost(plain) == pytest.approx(12 * 2 * (4800 / 48 + 10 + 0.25 * 0.1 * 730))
    found = evaluate(spared, ONE, PRICES).option("own").capacity[0]
    assert (found.machines_first.value, found.working_first.value) == (3, 1)
    assert found.utilisation.value == pytest.approx(100_000 / 21 * 0.3 / 3600)


def test_machines_once_needed_stay_supported_and_rent_follows_the_need():
    shrink = {"requests_per_month": 500_000, "growth_per_year": -0.9}
    rented = {"rent_per_hour": 1, "hours_on_per_month": 100, "support_per_year": 120, "spares": 1} | FREE
    made, w = billed_for(scenario({"own": OWN}, hardware={"box": rented}, workload=shrink))
    need = made.machines["box"][0]
    assert need[0] > need[-1]
    assert effective(made, w).sum() == pytest.approx(100 * need.sum() + 12 * 10 * need[0])


def test_laptops_have_to_bear_every_month_and_not_one_alone():
    laptops = {"one_per_user": True, "runs_other_work": True, "spares": 0, "idle_watts": 8, "active_watts": 45}
    hardware = {"box": laptops | {"price_per_kwh": 0.25} | FREE}
    questions = {"requests_per_month": None, "users": 30, "questions_per_user_day": 8000}
    # 8,000 x 0.3 / 3600 = 0.67 a second on a laptop that bears 0.7
    assert (billed_for(scenario({"own": OWN}, hardware=hardware, workload=questions))[0].feasible == 1).all()
    crowded = questions | {"questions_per_user_day": 9000, "users": 1, "growth_per_year": -0.95}
    made, w = billed_for(scenario({"own": OWN}, hardware=hardware, workload=crowded))
    assert made.feasible is not None
    assert (w.per_s[0, 0] > 0.7, w.per_s[0, -1] < 0.7, made.feasible[0, 0]) == (True, True, 0)


# --- currency, setup, discount --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "head"),
    [
        ({"capex": 4800, "price_per_kwh": 0}, "hardware"),
        ({"rent_per_hour": 1, "price_per_kwh": 0}, "hardware"),
        ({"rent_per_hour": 1, "price_per_kwh": 0, "labour_hours_per_month": 3, "labour_rate_per_hour": 50}, "labour"),
        ({"rent_per_hour": 1, "price_per_kwh": 0, "setup_hours": 3, "labour_rate_per_hour": 50}, "labour"),
        ({"rent_per_hour": 1, "price_per_kwh": 0, "support_per_year": 120}, "support"),
        ({"rent_per_hour": 1, "price_per_kwh": 0.25}, "energy"),
    ],
)
def test_amounts_of_a_profile_are_in_its_currency(box, head):
    box = FREE | {"idle_watts": 100, "active_watts": 300} | box

    def paid(currency: str) -> float:
        hardware = {"box": box | {"currency": currency}}
        one = scenario({"own": OWN}, hardware=hardware, money={"rates": {"EUR": 1.25}})
        (found,) = [h for h in evaluate(one, ONE, PRICES).options[0].heads if h.head == head]
        return float(found.effective_cost.value or 0)

    assert paid("USD") > 0
    assert paid("EUR") == pytest.approx(1.25 * paid("USD"))


def test_setup_is_paid_before_the_first_month_and_worn_out_over_the_horizon():
    box = {"rent_per_hour": 1, "hours_on_per_month": 100, "setup_hours": 12, "labour_rate_per_hour": 50}
    one = scenario({"own": OWN}, hardware={"box": {"spares": 0, "labour_hours_per_month": 0} | box})
    own = evaluate(one, ONE, PRICES).option("own")
    assert own.billed_by_month is not None
    assert own.effective_by_month is not None
    assert [float(x) for x in own.billed_by_month.values] == [600, *[100] * 12]
    assert [float(x) for x in own.effective_by_month.values] == pytest.approx([150] * 12)
    assert billed(*billed_for(one))[0].tolist() == [600, *[100] * 12]
    assert float(own.upfront.value or 0) == 600


def test_draws_discount_later_payments_as_the_central_value_does():
    one = scenario({"own": OWN}, hardware={"box": BOX}, money={"discount_rate_per_year": 0.1})
    programs, compiler = compiled(one, ONE, PRICES)
    drawn: list[Program] = list(programs.values())
    flows = billed(*billed_for(one))[0]
    by_hand = sum(flow / 1.1 ** (t / 12) for t, flow in enumerate(flows))
    assert simulate(one, drawn, compiler.spreads).npv["own"].tolist() == pytest.approx([by_hand] * 200)
    assert float(evaluate(one, ONE, PRICES).option("own").npv.value or 0) == pytest.approx(by_hand)


def test_the_energy_of_a_provider_is_so_many_watt_hours_an_answer():
    one = scenario({"api": {"kind": "api", "target": "x", "wh_per_answer": 2}})
    assert kwh(one) == pytest.approx(12 * 100_000 * 2 / 1000)


def test_a_machine_of_one_person_takes_its_power_for_one_answer_at_a_time():
    def answering(**box: Any) -> float:
        workload = {"requests_per_month": None, "users": 10, "questions_per_user_day": 10}
        hardware = {"box": BOX | {"idle_watts": 0} | box}
        return kwh(scenario({"own": OWN}, hardware=hardware, workload=workload), {"x": on(Load(8, 4.0, 3000, 60))})

    assert answering() > 0
    assert answering(one_per_user=True) == pytest.approx(8 * answering())


# --- machines of one person -----------------------------------------------------------------------------------------

LAPTOPS = {"one_per_user": True, "runs_other_work": True, "spares": 0, "idle_watts": 8, "active_watts": 45}
LAPTOPS |= {"price_per_kwh": 0.25} | FREE


def laptops(*loads: Load, each: float = 100, **box: Any):
    """Ten people with a laptop each and so many questions a day."""
    workload = {"requests_per_month": None, "users": 10, "questions_per_user_day": each}
    one = scenario({"own": OWN}, hardware={"box": LAPTOPS | box}, workload=workload)
    return evaluate(one, {"x": on(*loads)}, PRICES).option("own")


@pytest.mark.parametrize("places", [1, 8, 30])
def test_a_laptop_of_one_person_has_one_place_and_no_queue_however_it_was_measured(places):
    own = laptops(Load(places, places / 2.0, 3000, 60))  # two seconds an answer, at any number of requests at once
    (part,) = own.capacity
    assert (part.shared, part.places.value, part.service.value) == (False, 1, 2)
    assert [part.waiting_probability.value, part.mean_wait.value, part.p95_wait.value] == [0, 0, 0]
    assert "no queue" in part.p95_wait.origin
    assert part.utilisation.value == pytest.approx(100 * 0.3 / 3600 * 2)  # of one person's busiest minutes


def test_a_laptop_that_its_one_person_keeps_too_busy_does_not_bear_it_whatever_a_shared_one_would():
    shared = Load(30, 15.0, 3000, 60)  # 2 s an answer; thirty places would bear 21 people's at once
    assert laptops(shared, each=4000).out == ()  # 4,000 x 0.3 / 3600 x 2 s = 0.67 of the time
    assert laptops(shared, each=4500).out == (
        "Never on this hardware: the machines that can be had do not bear the busy hour.",
    )


def test_a_laptop_is_taken_at_the_fewest_requests_at_once_that_were_measured():
    own = laptops(Load(8, 2.0, 9000, 60), Load(1, 1.0, 1100, 60, p95=known(1100)), Load(4, 2.0, 4000, 60))
    assert (own.capacity[0].service.value, own.p95.value, own.capacity[0].basis) == (1.0, 1100, "measured")
    assert not [note for note in own.notes if "at once" in note or "Sequential" in note]
    assert [note for note in laptops(Load(4, 2.0, 4000, 60)).notes if "it may be faster" in note]


def test_a_shared_machine_still_queues():
    (part,) = evaluate(scenario({"own": OWN}, hardware={"box": BOX}), ONE, PRICES).option("own").capacity
    assert part.shared
    assert (part.p95_wait.origin, (part.mean_wait.value or 0) > 0) == ("Erlang C", True)


def test_the_wait_of_a_result_is_that_of_erlang_c_for_the_machines_there_are():
    # The worked example of test_capacity.py out of the whole model: 48 Erlang on 55 places wait with probability .2387
    busiest = {"requests_per_month": 48 * 3600, "workdays_per_month": 1, "busy_hour_share": 1, "burst": 1}
    box = BOX | {"capex": None, "owned": 1}  # no second one is to be had
    measured = {"x": on(Load(55, 55.0, 900, 60))}  # 55 at once, a second each
    one = scenario({"own": OWN}, hardware={"box": box}, workload=busiest)
    (part,) = evaluate(one, measured, PRICES).option("own").capacity
    assert part.utilisation.value == pytest.approx(48 / 55)
    assert part.waiting_probability.value == pytest.approx(0.2387, abs=5e-5)
    assert part.mean_wait.value == pytest.approx(0.2387 / 7, abs=1e-5)
    assert part.p95_wait.value == pytest.approx(log(0.2387 / 0.05) / 7, abs=1e-4)


@pytest.mark.parametrize("requests", [1_000_000, 10_000_000, 100_000_000])  # few machines, more than 8, more than 64
def test_what_the_first_machines_bear_is_the_volume_from_which_a_further_one_is_counted(requests):
    def first_month(volume: float):
        one = scenario({"own": OWN}, hardware={"box": BOX | {"spares": 1}}, workload={"requests_per_month": volume})
        (part,) = evaluate(one, ONE, PRICES).option("own").capacity
        return part

    now = first_month(requests)
    bears, working = float(now.bears_first.value or 0), now.working_first.value
    assert bears >= requests
    assert first_month(bears * (1 - 1e-6)).working_first.value == working
    assert first_month(bears * (1 + 1e-6)).working_first.value == (working or 0) + 1


def test_a_machine_of_ones_own_has_no_volume_that_fills_it():
    workload = {"requests_per_month": None, "users": 10, "questions_per_user_day": 1}
    one = scenario({"own": OWN}, hardware={"box": LAPTOPS}, workload=workload)
    (part,) = evaluate(one, ONE, PRICES).option("own").capacity
    assert (part.bears_first.value, part.bears_first.reason is not None) == (None, True)


def test_two_stages_on_one_persons_laptop_keep_it_busy_one_after_the_other():
    measured = {"x": on(Load(4, 4.0, 900, 60)), "y": on(Load(2, 2.0, 900, 60), name="y")}  # a second each
    workload = {"requests_per_month": None, "users": 10, "questions_per_user_day": 100}
    one = scenario({"mix": BOTH_ON_BOX}, hardware={"box": LAPTOPS}, workload=workload)
    (part,) = evaluate(one, measured, PRICES).option("mix").capacity
    assert part.utilisation.value == pytest.approx(100 * 0.3 / 3600 * 2)


# --- N+1 and repeats in hybrids -------------------------------------------------------------------------------------


def test_a_spare_machine_idles_all_month_and_takes_nothing_for_answers():
    """N+1: 0.1 kW x 730 h a month more in energy and money, and no more for the answers it does not make."""
    plain, spared = (scenario({"own": OWN}, hardware={"box": BOX | {"spares": spares}}) for spares in (0, 1))
    assert kwh(spared) - kwh(plain) == pytest.approx(12 * 0.1 * 730)
    energy = [
        float(head.effective_cost.value or 0)
        for one in (plain, spared)
        for head in evaluate(one, ONE, PRICES).option("own").heads
        if head.head == "energy"
    ]
    assert energy[1] - energy[0] == pytest.approx(12 * 0.25 * 0.1 * 730)


def test_a_spare_machine_that_does_other_work_anyway_takes_no_idle_power():
    busy = [{"spares": spares, "runs_other_work": True} for spares in (0, 1)]
    taken = [kwh(scenario({"own": OWN}, hardware={"box": BOX | more})) for more in busy]
    assert taken[0] == taken[1] == pytest.approx(12 * 0.2 * 100_000 / 3600)
