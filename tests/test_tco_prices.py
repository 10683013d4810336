"""Which prices an option is billed by: tiers draw by draw, batches, changes on a day; and none that is unknown."""

from typing import Any

import numpy as np
import pytest
from cost_samples import card, compiled, known, scenario, target, use

from eval.cost.assumption import central
from eval.cost.bill import bill, workings
from eval.cost.evaluate import evaluate
from eval.cost.ledger import effective
from eval.cost.measured import JudgeUse
from eval.cost.program import tiers_within
from eval.cost.uncertainty import simulate

TIERS = [{"above_tokens": 250, "input_per_mtok": 2, "output_per_mtok": 20}]
PLAIN = {"model": "x", "input_per_mtok": 1, "output_per_mtok": 10}
X = {"x": target("x", use("answer", "x", 200, 100)), "y": target("y", use("answer", "y", 200, 100))}
API = {"kind": "api", "target": "x"}


def total(one: Any, prices: Any, targets: Any = None) -> float:
    programs, compiler = compiled(one, targets or X, prices)
    w = workings(one, central(compiler.spreads))
    return float(effective(bill(programs[one.baseline], w), w).sum())


def test_each_draw_is_billed_at_the_tier_its_own_prompt_falls_into():
    scale = {"low": 1, "high": 1.5, "shape": "uniform"}  # 200 to 300 tokens; half of the draws lie above 250
    one = scenario({"api": API}, workload={"prompt_scale": scale, "horizon_months": 1})
    programs, compiler = compiled(one, X, card(PLAIN | {"tiers": TIERS}))
    cost = np.sort(simulate(one, programs.values(), compiler.spreads).effective["api"])
    assert cost[:100].max() <= 0.1 * (250 + 1000)
    assert cost[100:].min() >= 0.1 * (250 * 2 + 2000)


def test_a_tier_that_some_draws_reach_must_have_its_prices():
    tiers = [{"above_tokens": 250, "input_per_mtok": 2}]
    prices = card(PLAIN | {"tiers": tiers})
    options = {"api": API}
    assert evaluate(scenario(options, workload={"prompt_scale": 1.2}), X, prices).option("api").blocked == ()
    wide = scenario(options, workload={"prompt_scale": {"low": 1, "value": 1.2, "high": 1.5}})
    assert evaluate(wide, X, prices).option("api").blocked[0].startswith("options.api: the output price of acme/x")


def test_tiers_within_are_those_of_the_ends_and_all_between():
    (row,) = card(PLAIN | {"tiers": [*TIERS, {"above_tokens": 500, "input_per_mtok": 4}]}).rows
    prices = [
        [float(r.input_per_mtok or 0) for r in tiers_within(row, *ends)] for ends in ((1, 250), (1, 251), (1, 900))
    ]
    assert prices == [[1], [1, 2], [1, 2, 4]]


@pytest.mark.parametrize("share", ["batch_share", "cacheable_prompt_share"])
def test_a_share_whose_price_is_unknown_flips_nothing(share):
    """x costs a fifth more than y: with x's batch or cache for nothing it would seem to become the cheaper."""
    prices = card(PLAIN | {"input_per_mtok": 3}, PLAIN | {"model": "y", "input_per_mtok": 2})
    one = scenario(
        {
            "x": API,
            "y": {"kind": "api", "target": "y"},
        },
        workload={"cacheable_prompt_share": 0},
    )
    flips = evaluate(one, X, prices).flips
    assert flips  # a discount does flip it
    assert [flip.key for flip in flips if flip.key.endswith(share)] == []


def test_a_share_whose_price_is_known_flips_where_the_lines_cross():
    prices = card(
        PLAIN | {"input_per_mtok": 3, "cached_input_per_mtok": 1}, PLAIN | {"model": "y", "input_per_mtok": 2}
    )
    options = {"x": API | {"cacheable_prompt_share": 0}, "y": {"kind": "api", "target": "y"}}
    found = {flip.key: flip.value.value for flip in evaluate(scenario(options), X, prices).flips}
    assert found["options.x.cacheable_prompt_share"] == pytest.approx(0.5, abs=0.01)  # 3 - 2 s = 2


def test_billing_at_an_unknown_price_raises_and_is_never_for_nothing():
    one = scenario({"api": API})
    programs, compiler = compiled(one, X, card(PLAIN))
    values = central(compiler.spreads) | {"options.api.batch_share": np.array([[0.5]])}
    with pytest.raises(ValueError, match="A price of acme/x that is needed is unknown"):
        bill(programs["api"], workings(one, values))


def test_the_prices_used_are_those_that_are_billed():
    rows = (
        PLAIN | {"tiers": TIERS, "valid_until": "2027-06-30"},
        PLAIN
        | {"input_per_mtok": 3, "valid_from": "2027-07-01", "batch_input_per_mtok": 1, "batch_output_per_mtok": 5},
    )
    one = scenario({"api": API}, workload={"prompt_scale": 2})
    found = {p.row: (p.input.value, p.output.value) for p in evaluate(one, X, card(*rows)).option("api").prices}
    assert found == {"acme/x, above 250 tokens, from month 1": (2, 20), "acme/x, from month 7": (3, 10)}
    batch = evaluate(scenario({"api": API | {"batch_share": 0.4}}), X, card(rows[1] | {"valid_from": None}))
    found = {p.row: (p.input.value, p.output.value) for p in batch.option("api").prices}
    assert found == {"acme/x": (3, 10), "acme/x, batch": (1, 5)}


# --- what is scaled, discounted and drifts ----------------------------------------------------------------------------

JUDGED = {"x": target("x", use("answer", "x", 200, 100), judge=JudgeUse("x", known(1000), known(50)))}


@pytest.mark.parametrize(
    ("changed", "cost"),
    [
        ({}, 1.2 * 1200),  # 1,200,000 answers: 200 at 1 and 100 at 10 a million
        ({"workload": {"prompt_scale": 3, "completion_scale": 2}}, 1.2 * (600 + 2000)),
        ({"workload": {"judged_share": 0.5}}, 1.2 * (1200 + 0.5 * 1500)),
        # a judge reads rubric and reference too: its tokens count as they were measured
        ({"workload": {"judged_share": 0.5, "prompt_scale": 3}}, 1.2 * (1600 + 0.5 * 1500)),
        ({"workload": {"judged_share": 0.5}, "money": {"api_price_drift_per_year": -0.5}},
         sum(0.1 * 0.5 ** (t / 12) * (1200 + 750) for t in range(12))),
    ],
)  # fmt: skip
def test_tokens_of_answers_are_scaled_and_those_of_the_judge_drift_only(changed, cost):
    assert total(scenario({"api": API}, **changed), card(PLAIN), JUDGED) == pytest.approx(cost)


def test_the_judge_is_in_the_cost_of_a_thousand_answers():
    found = evaluate(scenario({"api": API}, workload={"judged_share": 0.5}), JUDGED, card(PLAIN)).option("api")
    assert float(found.per_1000.value or 0) == pytest.approx(1.2 + 0.75)


def mix(**more: Any) -> dict[str, Any]:
    parts = {"local": {"target": "x"}, "remote": {"target": "y"}, "escalation_share": 0.25, "draft_as_input": False}
    return {"kind": "escalate"} | parts | more


def test_the_draft_is_sent_along_as_long_as_it_is_in_truth():
    prices = card(PLAIN, PLAIN | {"model": "y"})
    scaled = {"workload": {"completion_scale": 3}}
    without, with_draft = (
        total(scenario({"mix": mix(draft_as_input=sent)}, **scaled), prices) for sent in (False, True)
    )
    assert with_draft - without == pytest.approx(1.2 * 0.25 * 300)  # 3 x 100 tokens, a quarter of the time


def test_repeated_requests_get_the_discount_and_count_in_hybrids_too():
    prices = card(PLAIN, PLAIN | {"model": "y"})
    again = {name: target(name, use("answer", name, 200, 100), attempts_per_answer=1.5) for name in "xy"}
    assert total(scenario({"api": API | {"discount": 0.2}}), prices, again) == pytest.approx(1440 * 0.8 * 1.5)
    assert total(scenario({"mix": mix(discount=0.2)}), prices, again) == pytest.approx(1440 * 1.25 * 0.8 * 1.5)


def test_the_list_cost_is_what_would_be_paid_without_the_discount():
    found = evaluate(scenario({"api": API | {"discount": 0.2}}), X, card(PLAIN)).option("api")
    assert (float(found.list_cost.value or 0), float(found.effective_cost.value or 0)) == pytest.approx((1440, 1152))


def test_the_gate_is_work_in_the_house_and_does_not_drift_with_prices_of_tokens():
    drift = {"money": {"api_price_drift_per_year": -0.9}}
    prices = card(PLAIN, PLAIN | {"model": "y"})
    plain, gated = (total(scenario({"mix": mix(gate_per_1000=g)}, **drift), prices) for g in (0, 0.5))
    assert gated - plain == pytest.approx(1200 * 0.5)
