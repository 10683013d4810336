"""Hybrids: what requests that were sent again cost in each of their parts."""

import pytest
from cost_samples import FREE, card, compiled, scenario, target, use

from eval.cost.assumption import central
from eval.cost.bill import bill, workings
from eval.cost.ledger import by_head
from eval.cost.measured import Load

PRICES = card(
    {"model": "small", "input_per_mtok": "0.1", "output_per_mtok": "0.4"},
    {"model": "large", "input_per_mtok": "1.25", "output_per_mtok": "10"},
)
BOX = {"capex": 4800, "price_per_kwh": 0, "idle_watts": 0, "active_watts": 0} | FREE
SMALL = 1.2 * (300 * 0.1 + 100 * 0.4)  # of 1.2 million answers
LARGE = 1.2 * (300 * 1.25 + 100 * 10)


def heads(option, **targets: float) -> dict[str, float]:
    """The effective cost by head, where answers of each target took so many requests."""
    measured = {
        name: target(name, use("answer", name, 300, 100), loads=(Load(1, 1.0, 900, 60),), attempts_per_answer=attempts)
        for name, attempts in ({"small": 1.0, "large": 1.0} | targets).items()
        if name != "mix"
    }
    if "mix" in targets:
        stages = use("draft", "small", 300, 100), use("refine", "large", 300, 100)
        measured["mix"] = target("mix", *stages, attempts_per_answer=targets["mix"])
    one = scenario({"mix": option}, hardware={"box": BOX})
    programs, compiler = compiled(one, measured, PRICES)
    assert not programs["mix"].blocked
    w = workings(one, central(compiler.spreads))
    found = by_head(bill(programs["mix"], w), w)
    return {head: float(amounts.effective.sum()) for head, amounts in found.items()}


def escalate(share: float, **local: str):
    parts = {"local": {"target": "small"} | local, "remote": {"target": "large"}}
    return {"kind": "escalate", "escalation_share": share, "draft_as_input": False} | parts


def test_repeats_of_the_remote_part_cost_only_for_the_share_that_reaches_it():
    found = heads(escalate(0.25), large=1.4)
    assert found["API tokens"] == pytest.approx(SMALL + 0.25 * LARGE)
    assert found["retries"] == pytest.approx(0.4 * 0.25 * LARGE)


def test_repeats_of_either_part_are_counted_by_its_own_runs():
    assert heads(escalate(0.25), small=1.1, large=1.4)["retries"] == pytest.approx(0.1 * SMALL + 0.4 * 0.25 * LARGE)


def test_repeats_on_a_machine_of_ones_own_are_billed_by_nobody():
    assert heads(escalate(0.25, hardware="box"), small=1.5).get("retries", 0) == 0


def test_repeats_within_a_measured_draft_and_refine_count_for_every_stage_that_is_billed():
    parts = {"draft": {"target": "small"}, "refine": {"target": "large"}}
    option = {"kind": "draft-and-refine", "target": "mix"} | parts
    assert heads(option, mix=1.2)["retries"] == pytest.approx(0.2 * (SMALL + LARGE))
    local = option | {"draft": {"target": "small", "hardware": "box"}}
    assert heads(local, mix=1.2)["retries"] == pytest.approx(0.2 * LARGE)


def test_a_discount_is_off_the_repeats_too():
    found = heads(escalate(1.0) | {"discount": 0.5}, large=1.4)
    assert found["retries"] == pytest.approx(0.5 * 0.4 * LARGE)
