"""What an answer of a run costs: by its own mix of tokens, with repeats and judging apart, at whose price."""

from decimal import Decimal

import pytest
import rows
from sqlalchemy import Engine

from db import store
from db.models import Price, RunStatus
from eval.cost.price_card_file import built_in
from eval.run_cost import RunCost, per, prices_of_runs, run_cost, with_own
from eval.summary import summarise


@pytest.fixture
def engine(empty_url: str) -> Engine:
    return store.connect(empty_url)


def cost_of(engine: Engine, *calls: dict, judged: bool = True, tokens: int | None = 1000) -> RunCost:
    """The cost of a run of one answer by these calls, read by sim-judge at 1.25 and 10 USD a million tokens."""
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 1)
        run = rows.add_run(session, qa_set, status=RunStatus.finished)
        answer = store.save_answer(rows.answer(run, questions[0]), [rows.call(**c) for c in calls], session=session)
        if judged:
            made = rows.assessment(
                answer, rows.judge(session, "sim-judge"), rows.rubric(session),
                prompt_tokens=tokens, completion_tokens=100,
            )  # fmt: skip
            store.save_assessment(made, rows.scores([4, 4, 4]), session=session)
    return run_cost("t", summarise(run.id or 0, engine), prices_of_runs(engine))


def own(engine: Engine, **given: object) -> None:
    with store.writing(engine) as session:
        store.save_price(Price(model="mine", kind="quoted", **given), session=session)  # pyright: ignore


USE = {"model": "mine", "prompt_tokens": 1000, "completion_tokens": 200}


def test_the_three_parts_are_apart_and_add_up(engine: Engine):
    own(engine, input_usd_per_mtok=2.0, output_usd_per_mtok=10.0)
    found = cost_of(engine, {**USE, "error_kind": "status_500"}, USE)
    assert found.parts.tokens.value == Decimal("0.004")  # (1000 x 2 + 200 x 10) / 1e6
    assert found.parts.retries.value == Decimal("0.004")  # two requests for one answer
    assert found.parts.judge.value == Decimal("0.00225")  # (1000 x 1.25 + 100 x 10) / 1e6, by the price card
    assert found.whole.value == Decimal("0.01025")
    assert found.asking.value == Decimal("0.008")
    assert per(found.whole, 1000) == pytest.approx(10.25)
    assert set(found.kinds) == {"quoted", "hypothetical"}


def test_cached_tokens_have_their_own_price_and_reasoning_is_part_of_the_output(engine: Engine):
    use = {"model": "gpt-5-nano", "prompt_tokens": 1000, "cached_tokens": 600, "completion_tokens": 200}
    found = cost_of(engine, use | {"reasoning_tokens": 150}, judged=False)
    row = built_in().in_force("openai/gpt-5-nano", built_in().date)[0]
    assert row is not None
    into, hit, out = row.input_per_mtok, row.cached_input_per_mtok, row.output_per_mtok
    assert into is not None
    assert hit is not None
    assert out is not None
    assert found.parts.tokens.value == (400 * into + 600 * hit + 200 * out) / 1_000_000


def test_cached_tokens_at_an_own_price_are_billed_as_input(engine: Engine):
    own(engine, input_usd_per_mtok=2.0, output_usd_per_mtok=10.0)
    assert cost_of(engine, {**USE, "cached_tokens": 600}, judged=False).parts.tokens.value == Decimal("0.004")


def test_a_run_that_was_not_judged_costs_what_asking_cost(engine: Engine):
    own(engine, input_usd_per_mtok=2.0, output_usd_per_mtok=10.0)
    found = cost_of(engine, USE, judged=False)
    assert found.parts.judge.reason == "The answers of t were not judged."
    assert found.whole.value == found.asking.value == Decimal("0.004")


def test_what_is_unknown_makes_the_whole_unknown_with_its_reason(engine: Engine):
    assert "has no price of mine" in (cost_of(engine, USE).whole.reason or "")
    own(engine, input_usd_per_mtok=2.0)
    half = cost_of(engine, USE)
    assert half.whole.reason == "The output price of own/mine is unknown: It was stored without."
    own(engine, input_usd_per_mtok=2.0, output_usd_per_mtok=10.0)
    found = cost_of(engine, USE, tokens=None)
    assert found.parts.tokens.value is not None
    assert found.whole.value is None
    assert "The tokens of" in (found.whole.reason or "")


def test_a_stored_price_stands_in_place_of_the_cards_of_all_providers():
    card = with_own(
        built_in(), {"sim-cloud": Price(model="sim-cloud", input_usd_per_mtok=3.0, output_usd_per_mtok=4.0)}
    )
    assert [row.id for row in card.named("sim-cloud")] == ["own/sim-cloud"]
    assert len(card.rows) == len(built_in().rows)
    assert with_own(built_in(), {"sim-cloud": Price(model="sim-cloud")}).named("sim-cloud")[0].provider == "simulator"
