"""What a plan or a judging will take, before the first request: calls, tokens, cost and, where it was seen, time.

Pure. Prices and the seconds that a judge took before come from the caller.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval import qa_set, targets
from eval.chat import Message
from eval.judge import MAX_TOKENS, build_messages, protocol_name
from eval.plan import JudgeSpec, Plan
from eval.rubric import Rubric
from eval.stream import estimate_tokens
from eval.verdict import check_keys, criteria_by_call


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens and what they cost. The cost is None where a price is unknown."""

    calls: int
    input_tokens: int
    output_tokens: int  # at most
    cost_usd: float | None
    unpriced: tuple[str, ...] = ()
    hypothetical: bool = False  # a made-up price is in the cost


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan takes at most, as far as output is bounded by limits: asking the targets, and judging."""

    answering: Bill
    judging: Bill
    judging_s: float | None  # None where a judge has not been seen at work

    @property
    def total(self) -> Bill:
        a, j = self.answering, self.judging
        known = a.cost_usd is not None and j.cost_usd is not None
        return Bill(
            a.calls + j.calls,
            a.input_tokens + j.input_tokens,
            a.output_tokens + j.output_tokens,
            (a.cost_usd or 0.0) + (j.cost_usd or 0.0) if known else None,
            tuple(dict.fromkeys(a.unpriced + j.unpriced)),
            a.hypothetical or j.hypothetical,
        )


Pace = Mapping[tuple[str, str], float]  # by model and protocol: the seconds that an assessment took on average


@dataclass(slots=True)
class _Account:
    """Adds up a bill."""

    prices: Mapping[str, Any]
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: list[str] = field(default_factory=list)
    hypothetical: bool = False

    def add(self, model: str, calls: int, tokens_in: int, tokens_out: int) -> None:
        self.calls += calls
        self.tokens_in, self.tokens_out = self.tokens_in + tokens_in, self.tokens_out + tokens_out
        price = self.prices.get(model)
        if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
            if model not in self.unpriced:
                self.unpriced.append(model)
            return
        self.hypothetical = self.hypothetical or price.kind == "hypothetical"
        self.cost_usd += (tokens_in * price.input_usd_per_mtok + tokens_out * price.output_usd_per_mtok) / 1e6

    def bill(self) -> Bill:
        cost = None if self.unpriced else self.cost_usd
        return Bill(self.calls, self.tokens_in, self.tokens_out, cost, tuple(self.unpriced), self.hypothetical)


def estimate(plan: Plan, prices: Mapping[str, Any], pace: Pace | None = None) -> Estimate:
    """Calls, tokens and cost of a plan; `prices` maps a model to its newest price row.

    Input tokens are estimated from the length of the prompts; every answer is taken to use its question's limit, every
    verdict the judge's, warm-ups counted. Requests that fail and are repeated come on top, as does the second reading
    of an answer that tries to instruct the judge.
    """
    account = _Account(prices)
    questions = sorted(plan.asked, key=lambda q: q.output_limit)  # warm-ups take them in this order
    warmups = Counter(n % len(questions) for n in range(plan.warmups))
    times = [plan.repeats + warmups[i] for i in range(len(questions))]
    for stage in (stage for target in plan.targets for stage in target.stages):
        refines = stage.name == "refine"
        for question, n in zip(questions, times, strict=True):
            prompt = _prompt_tokens(targets.build_messages(question, "" if refines else None))
            drafted = question.output_limit if refines else 0
            account.add(stage.model, n, n * (prompt + drafted), n * question.output_limit)
    readings = [(q, q.output_limit, plan.repeats * len(plan.targets)) for q in questions]
    judging, seconds = _judging(plan.judges, plan.rubric, readings, prices, pace or {})
    return Estimate(account.bill(), judging, seconds)


def estimate_judging(
    judges: Sequence[tuple[JudgeSpec, Rubric, Sequence[tuple[qa_set.Question, str]]]],
    prices: Mapping[str, Any],
    pace: Pace,
) -> Estimate:
    """The same for stored answers: each judge and rubric with the (question, answer) pairs it is to read."""
    bills, seconds = list[Bill](), list[float | None]()
    for spec, rubric, pairs in judges:
        readings = [(question, estimate_tokens(answer), 1) for question, answer in pairs]
        # The readings are listed one by one: each counts once, however often the judge is to read an answer.
        bill, its_s = _judging([spec.model_copy(update={"samples": 1})], rubric, readings, prices, pace)
        bills.append(bill)
        seconds.append(its_s)
    return Estimate(_Account(prices).bill(), _sum(bills), _added(seconds))


def _judging(
    judges: Sequence[JudgeSpec],
    rubric: Rubric,
    readings: Sequence[tuple[qa_set.Question, int, int]],
    prices: Mapping[str, Any],
    pace: Pace,
) -> tuple[Bill, float | None]:
    """The bill and the seconds for (question, tokens of its answer, times) read by each judge."""
    account, seconds = _Account(prices), list[float | None]()
    for spec in judges:
        for criteria in criteria_by_call(rubric, spec.protocol):
            for question, answer_tokens, times in readings:
                n = times * spec.samples
                prompt = _prompt_tokens(_messages(question, rubric, criteria, spec))
                account.add(spec.model, n, n * (prompt + answer_tokens), n * MAX_TOKENS[spec.protocol])
        seen = pace.get((spec.model, protocol_name(spec.protocol, spec.temperature)))
        count = sum(times for *_, times in readings) * spec.samples
        seconds.append(None if seen is None else seen * count / spec.endpoint.concurrency)
    return account.bill(), _added(seconds)


def _messages(question: qa_set.Question, rubric: Rubric, criteria: tuple[str, ...], spec: JudgeSpec) -> list[Message]:
    digit = spec.protocol == "expected"
    checks = {} if digit else check_keys(question.must, question.must_not)
    return build_messages(question, "", rubric, criteria, "0" * 16, checks=checks, digit_only=digit)


def _added(seconds: Sequence[float | None]) -> float | None:
    known = [s for s in seconds if s is not None]
    return sum(known) if len(known) == len(seconds) else None


def _sum(bills: Sequence[Bill]) -> Bill:
    costs = [bill.cost_usd for bill in bills]
    return Bill(
        sum(bill.calls for bill in bills),
        sum(bill.input_tokens for bill in bills),
        sum(bill.output_tokens for bill in bills),
        _added(costs),
        tuple(dict.fromkeys(model for bill in bills for model in bill.unpriced)),
        any(bill.hypothetical for bill in bills),
    )


def _prompt_tokens(messages: Sequence[Message]) -> int:
    return estimate_tokens("".join(message["content"] for message in messages))
