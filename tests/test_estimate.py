"""The estimate of a plan adds up: calls, tokens, cost and time, unknown where a price or a pace is."""

from dataclasses import dataclass
from typing import Any

import pytest
from configured import TARGET

from eval import judge, targets
from eval.estimate import Bill, estimate, estimate_judging
from eval.plan import Overrides, Plan, make_plan, parse_model_at_url
from eval.qa_set import QASet, Question
from eval.rubric import built_in
from eval.stream import estimate_tokens


@dataclass
class Priced:
    """The part of a price row that the estimate reads."""

    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    kind: str = "assumed"


FREE = Priced(0.0, 0.0)
SHORT = Question(id="a", question="Why?", reference="So.", output_limit=100)
LONG = Question(id="b", question="Who knows? " * 40, reference="Me.", output_limit=1000)


def planned(*names: str, **given: Any) -> Plan:
    made = make_plan(
        Overrides(
            targets=names or (TARGET,), **{k: v for k, v in given.items() if k in ("judges", "protocol", "samples")}
        )
    )
    update = {"questions": QASet(name="t", version="1", questions=(LONG, SHORT))}
    return made.model_copy(update=update | {k: v for k, v in given.items() if k in ("repeats", "warmups", "targets")})


def prompt(question: Question, draft: str | None = None) -> int:
    return estimate_tokens("".join(m["content"] for m in targets.build_messages(question, draft)))


def test_the_estimate_of_a_plain_target_counts_every_repeat_and_warm_up() -> None:
    found = estimate(planned(repeats=3, warmups=1), {"phi": Priced(2.0, 10.0)})
    into, out = 3 * (prompt(SHORT) + prompt(LONG)) + prompt(SHORT), 3 * 1100 + 100  # the shortest answer warms up
    assert found.total == Bill(7, into, out, pytest.approx((2 * into + 10 * out) / 1e6), (), False)
    assert found.judging.calls == 0


def test_warm_ups_go_round_from_the_shortest_answer_on() -> None:
    found = estimate(planned(repeats=1, warmups=3), {})
    assert found.answering.calls == 2 + 3
    assert found.total.output_tokens == 1100 + (100 + 1000 + 100)


def hybrid() -> targets.Target:
    def stage(name: str, model: str) -> targets.Stage:
        return targets.Stage(name=name, model=model, endpoint=parse_model_at_url("m@http://127.0.0.1:9/v1")[1])

    return targets.Target(name="h", kind="draft_and_refine", stages=(stage("draft", "small"), stage("refine", "large")))


def test_the_estimate_of_a_hybrid_counts_the_draft_into_the_second_prompt() -> None:
    plan = planned(warmups=0, targets=(hybrid(),))
    found = estimate(plan, {"small": Priced(1.0, 0.0), "large": Priced(0.0, 1.0)})
    drafts = prompt(SHORT) + prompt(LONG)
    refines = prompt(SHORT, "") + prompt(LONG, "") + 1100
    assert (found.answering.calls, found.total.input_tokens, found.total.output_tokens) == (4, drafts + refines, 2200)
    assert found.total.cost_usd == pytest.approx((drafts + 1100) / 1e6)


@pytest.mark.parametrize(("protocol", "calls"), [("quick", 1), ("study", 3), ("expected", 3)])
def test_the_estimate_counts_a_verdict_on_every_answer_but_warm_ups(protocol: Any, calls: int) -> None:
    two = (TARGET, "other=llama@http://127.0.0.1:9/v1")
    plan = planned(*two, repeats=2, warmups=5, judges=("j@http://127.0.0.1:9/v1",), protocol=protocol)
    alone = estimate(plan.model_copy(update={"judges": ()}), {})
    found = estimate(plan, {"phi": FREE, "llama": FREE, "j": Priced(1.0, 1.0)})
    assert found.judging.calls == calls * 2 * 2 * 2
    judged_out = found.total.output_tokens - alone.total.output_tokens
    assert judged_out == found.judging.calls * judge.MAX_TOKENS[protocol]
    assert found.total.cost_usd == pytest.approx(
        (found.total.input_tokens - alone.total.input_tokens + judged_out) / 1e6
    )
    assert found.answering.calls == alone.answering.calls == 2 * (2 * 2 + 5)


def test_the_estimate_of_a_judge_is_that_of_its_real_prompts() -> None:
    plan = planned(warmups=0, judges=("j@http://127.0.0.1:9/v1",))
    judged_in = (
        estimate(plan, {}).total.input_tokens - estimate(plan.model_copy(update={"judges": ()}), {}).total.input_tokens
    )
    answer = {q.id: "word" * q.output_limit for q in plan.asked}  # four characters a token, to the limit
    ids = built_in().criterion_ids
    real = [judge.build_messages(q, answer[q.id], built_in(), ids, "0" * 16) for q in plan.asked]
    tokens = sum(estimate_tokens("".join(m["content"] for m in messages)) for messages in real)
    assert judged_in == pytest.approx(tokens, abs=2)  # each part is rounded


@pytest.mark.parametrize("price", [None, Priced(None, 1.0), Priced(1.0, None), Priced(None, None)])
def test_an_unknown_price_leaves_the_cost_unknown_and_names_the_model_once(price: Priced | None) -> None:
    three = ("a=phi@http://127.0.0.1:9/v1", "b=phi@http://127.0.0.1:9/v1", "c=llama@http://127.0.0.1:9/v1")
    prices = {"llama": Priced(1.0, 1.0)} | ({"phi": price} if price else {})
    found = estimate(planned(*three), prices)
    assert (found.total.cost_usd, found.total.unpriced) == (None, ("phi",))
    assert found.total.input_tokens > 0


def test_a_price_of_nothing_is_a_price() -> None:
    found = estimate(planned(), {"phi": FREE})
    assert (found.total.cost_usd, found.total.unpriced) == (0.0, ())


def test_a_made_up_price_in_the_cost_is_told() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1",))
    assert estimate(plan, {"phi": FREE, "j": Priced(1.0, 1.0, "hypothetical")}).total.hypothetical
    assert not estimate(plan, {"phi": FREE, "j": FREE, "unused": Priced(1.0, 1.0, "hypothetical")}).total.hypothetical


def test_judging_is_billed_apart_and_every_reading_of_every_judge_counts() -> None:
    one, two = "j@http://127.0.0.1:9/v1", "k@http://127.0.0.1:9/v1"
    single = estimate(planned(judges=(one,)), {"phi": FREE, "j": Priced(1.0, 1.0)})
    panel = estimate(planned(judges=(one, two), samples=3), {"phi": FREE, "j": Priced(1.0, 1.0), "k": Priced(1.0, 1.0)})
    assert single.answering.cost_usd == 0
    assert panel.judging.calls == 2 * 3 * single.judging.calls
    assert panel.judging.cost_usd == pytest.approx(6 * (single.judging.cost_usd or 0))
    assert panel.total.cost_usd == panel.judging.cost_usd


def test_the_time_of_judging_is_that_of_before_and_unknown_where_a_judge_was_never_seen() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1", "k@http://127.0.0.1:9/v1"))
    assert estimate(plan, {}, {("j", "quick"): 2.0}).judging_s is None
    assert estimate(plan, {}, {("j", "quick"): 2.0, ("k", "quick"): 0.5}).judging_s == 2 * 2.0 + 2 * 0.5
    assert estimate(plan, {}, {("j", "study"): 2.0, ("k", "quick"): 0.5}).judging_s is None


def test_stored_answers_are_estimated_by_their_own_length() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1",))
    pairs = [(SHORT, "word" * 50), (LONG, "word" * 10)]
    found = estimate_judging([(plan.judges[0], plan.rubric, pairs)], {"j": Priced(1.0, 0.0)}, {("j", "quick"): 1.5})
    longer = estimate_judging([(plan.judges[0], plan.rubric, [(SHORT, "word" * 60), pairs[1]])], {}, {})
    assert (found.judging.calls, found.answering.calls, found.judging_s) == (2, 0, 3.0)
    assert longer.judging.input_tokens - found.judging.input_tokens == 10
    assert found.total.cost_usd == pytest.approx(found.judging.input_tokens / 1e6)
