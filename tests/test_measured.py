"""Acceptable answers and what one costs: pooled, clustered by question, and the cost of an answer of a run, exact."""

from decimal import Decimal

import numpy as np
import pytest
from cost_samples import card, known, target, use
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cost.answer_cost import answer_cost, tokens_cost
from eval.cost.measured import JudgeUse, acceptable_share
from eval.cost.price_card_file import built_in
from eval.stats.intervals import mean_interval

DAY = "2026-11-25"


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=60))
def test_one_answer_a_question_gives_student_s_interval(verdicts):
    found = acceptable_share(verdicts, list(range(len(verdicts))))
    plain = mean_interval([float(v) for v in verdicts], bounds=(0, 1))
    assert (found.value, found.n) == (pytest.approx(plain.value), plain.n)
    assert (found.low, found.high) == (pytest.approx(plain.low), pytest.approx(plain.high))


def test_repeats_of_a_question_are_no_further_evidence():
    verdicts = [True, False, True, True, False, True, True, False]
    once = acceptable_share(verdicts, list(range(8)))
    ten_times = acceptable_share(verdicts * 10, list(range(8)) * 10)
    assert (ten_times.value, ten_times.low, ten_times.n) == (once.value, pytest.approx(once.low), 8)


def test_its_interval_covers_what_it_should():
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        chance = np.repeat(rng.beta(4, 2, 40), 3)  # 40 questions of differing difficulty, 3 repeats each
        found = acceptable_share((rng.random(120) < chance).tolist(), np.repeat(range(40), 3).tolist())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 4 / 6 <= found.high
    assert 0.91 <= hits / 400 <= 0.98


def test_without_answers_or_with_all_alike_there_is_no_interval():
    assert acceptable_share([], []).value is None
    assert acceptable_share([True, True], [1, 2]).low is None


def test_every_answer_needs_its_verdict():
    with pytest.raises(ValueError, match="one question and one verdict for each answer"):
        acceptable_share([True, False], [1])


# --- the cost of an answer ------------------------------------------------------------------------------------------

ROW = {"model": "m", "input_per_mtok": "0.25", "cached_input_per_mtok": "0.025", "output_per_mtok": 2}
PRICES = card(ROW, {"model": "j", "input_per_mtok": 1, "output_per_mtok": 4})


def test_an_answer_costs_its_own_mix_of_tokens_exactly():
    measured = target(
        "t",
        use("answer", "m", 1000, 300, cached=known(400), reasoning=known(200)),
        attempts_per_answer=1.5,
        judge=JudgeUse("j", known(800), known(100)),
    )
    found = answer_cost(measured, PRICES, DAY)
    assert found.tokens.value == Decimal("0.00076")  # (600 x 0.25 + 400 x 0.025 + 300 x 2) / 1e6
    assert found.retries.value == Decimal("0.00038")
    assert found.judge.value == Decimal("0.0012")
    assert found.tokens.unit == "USD/answer"


def test_stages_add_up():
    both = target("t", use("draft", "m", 100, 100), use("refine", "j", 100, 100))
    assert answer_cost(both, PRICES, DAY).tokens.value == Decimal("0.000725")


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (target("t"), "The run of t has no token counts."),
        (
            target("t", use("answer", "x", 1, 1)),
            'The price card "a card" has no price of x (known are acme/m, acme/j).',
        ),
        (target("t", use("answer", "j", 10, 1, cached=known(5))), "The cached input price of acme/j is unknown."),
    ],
)
def test_what_is_missing_leaves_the_cost_unknown_with_the_reason(measured, reason):
    found = answer_cost(measured, PRICES, DAY)
    assert found.tokens.value is None
    assert found.tokens.reason == reason
    assert found.judge.reason == "The answers of t were not judged."


def test_prices_in_two_currencies_give_no_sum():
    mixed = card(ROW, {"model": "e", "input_per_mtok": 1, "output_per_mtok": 1, "currency": "EUR"})
    both = target("t", use("draft", "m", 100, 100), use("refine", "e", 100, 100))
    assert answer_cost(both, mixed, DAY).tokens.reason == "The models of t are priced in EUR and USD."


def test_a_batch_price_never_falls_back_to_the_standard_one():
    (native,) = built_in().named("openai/gpt-5-mini")
    (without,) = built_in().named("groq/llama-3.1-8b-instant")
    assert tokens_cost(native, 1_000_000, 0, batch=True) == (Decimal("0.125"), None)
    cost, reason = tokens_cost(without, 1_000_000, 0, batch=True)
    assert cost is None
    assert reason is not None
    assert reason.startswith("The batch input price of groq/llama-3.1-8b-instant is unknown: genai-prices 0.2.3 has no")


def test_a_long_prompt_pays_its_tier_for_all_of_its_tokens():
    (tiered,) = built_in().named("openai/gpt-6-luna")
    assert tokens_cost(tiered, 272_000, 0)[0] == Decimal("0.0272")
    assert tokens_cost(tiered, 272_001, 0)[0] == Decimal("0.0544002")


def test_a_made_up_price_is_called_so_in_the_origin():
    simulated = target("t", use("answer", "sim-small", 1000, 100))
    assert "hypothetical prices" in answer_cost(simulated, built_in(), DAY).tokens.origin
