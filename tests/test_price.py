"""Tokens times prices, checked by hand; what is unknown stays unknown."""

import pytest

from eval.cost.price import StageTokens, Tariff, cost_per_answer

SMALL = Tariff(0.05, 0.20, "hypothetical")
LARGE = Tariff(0.60, 1.20, "quoted")


def test_one_answer_costs_its_tokens_times_the_price_per_million():
    cost = cost_per_answer([StageTokens("answer", "small", 400, 100, 60)], {"small": SMALL})
    # 400 x 0.05 / 1e6 + 100 x 0.20 / 1e6 = 0.000020 + 0.000020
    assert cost.usd_per_answer == pytest.approx(0.00004)
    assert cost.of(1000) == pytest.approx(0.04)
    assert cost.of(250_000) == pytest.approx(10.0)
    assert cost.kinds == ("hypothetical",)


def test_stages_are_priced_each_by_its_own_model():
    stages = [StageTokens("draft", "small", 400, 100, 60), StageTokens("refine", "large", 600, 200, 60)]
    cost = cost_per_answer(stages, {"small": SMALL, "large": LARGE})
    # 0.00004 + 600 x 0.60 / 1e6 + 200 x 1.20 / 1e6 = 0.00004 + 0.00036 + 0.00024
    assert cost.usd_per_answer == pytest.approx(0.00064)
    assert cost.kinds == ("hypothetical", "quoted")


def test_a_price_of_zero_is_a_price():
    cost = cost_per_answer([StageTokens("answer", "own", 400, 100, 60)], {"own": Tariff(0.0, 0.0, "assumed")})
    assert cost.of(1000) == 0.0
    assert cost.reason is None


@pytest.mark.parametrize(
    ("stage", "tariffs", "reason"),
    [
        (StageTokens("answer", "m", 1, 1, 1), {}, "no price for m"),
        (StageTokens("answer", "m", 1, 1, 1), {"m": Tariff(None, None, "assumed")}, "no price for m"),
        (StageTokens("answer", "m", 1, 1, 1), {"m": Tariff(None, 1.0, "assumed")}, "no input price for m"),
        (StageTokens("answer", "m", 1, 1, 1), {"m": Tariff(1.0, None, "assumed")}, "no output price for m"),
        (StageTokens("answer", "m", 1, None, 1), {"m": Tariff(1.0, 1.0, "assumed")}, "no token counts for m"),
    ],
)
def test_what_is_missing_makes_the_cost_unknown_with_the_reason(stage, tariffs, reason):
    cost = cost_per_answer([stage], tariffs)
    assert cost.usd_per_answer is None
    assert cost.of(1000) is None
    assert cost.reason == reason


def test_one_unknown_stage_makes_the_whole_unknown():
    stages = [StageTokens("draft", "small", 400, 100, 60), StageTokens("refine", "large", 600, 200, 60)]
    assert cost_per_answer(stages, {"small": SMALL}).reason == "no price for large"


def test_without_answers_there_is_no_cost():
    assert cost_per_answer([], {}).reason == "no answers yet"
