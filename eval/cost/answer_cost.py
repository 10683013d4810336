"""What an answer of a run costs at list price, from its measured tokens: exact, with what is unknown kept unknown.

Cached tokens are part of the prompt and reasoning tokens part of the completion, as servers count them, so neither is
charged twice. Judge and repeated requests stand apart.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from eval.cost.figure import Figure, Kind
from eval.cost.measured import JudgeUse, Measured
from eval.cost.price_card import PriceCard, PriceRow
from eval.cost.program import tier_of
from eval.cost.result import AnswerCost
from eval.stats.intervals import Estimate

MILLION = Decimal(1_000_000)


def tokens_cost(
    row: PriceRow,
    prompt: float | None,
    completion: float | None,
    cached: float | None = None,
    *,
    batch: bool = False,
) -> tuple[Decimal | None, str | None]:
    """What one request costs in the row's currency, or None and the reason in a sentence.

    The context tier goes by the prompt. Without a known cached count the whole prompt is billed in full. A price that
    is needed and unknown makes the cost unknown; a batch price never falls back to the standard one.
    """
    if prompt is None or completion is None:
        return None, f"The tokens of {row.model} are unknown."
    priced = tier_of(row, prompt)
    kind = "batch_" if batch else ""
    whole, hit, out = (Decimal(repr(float(tokens))) for tokens in (prompt, cached or 0, completion))
    total = Decimal(0)
    for tokens, name in ((whole - hit, "input"), (hit, "cached_input"), (out, "output")):
        price = getattr(priced, f"{kind}{name}_per_mtok")
        if price is None and tokens:
            words = f"{kind}{name}".replace("_", " ")
            return None, f"The {words} price of {row.id} is unknown" + (f": {row.note}" if row.note else ".")
        total += tokens * (price or 0)
    return total / MILLION, None


def answer_cost(
    measured: Measured,
    card: PriceCard,
    day: str,
    *,
    prices: Mapping[str, str] | None = None,
    judge_price: str | None = None,
    judges: Sequence[JudgeUse] | None = None,
) -> AnswerCost:
    """The cost of an answer of a target on a day. `prices` maps its models to `provider/model` where that is needed.
    `judges` are all that judged an answer, where there is not the one alone that its quality is by.

    All parts are in the currency of the rows; where a target's models are priced in several, its cost is unknown.
    """
    named = prices or {}
    total, hypothetical, currencies = Decimal(0), False, set[str]()
    reason: str | None = None if measured.stages else f"The run of {measured.target} has no token counts."
    for stage in measured.stages:
        row, why = card.in_force(named.get(stage.model, stage.model), day)
        cost = None
        if row is not None:
            cost, why = tokens_cost(row, stage.prompt.value, stage.completion.value, stage.cached.value)
            hypothetical, currencies = hypothetical or row.kind == "hypothetical", currencies | {row.currency}
        if cost is None:
            reason = why
            break
        total += cost
    if len(currencies) > 1:
        reason = f"The models of {measured.target} are priced in {' and '.join(sorted(currencies))}."
    unit = f"{min(currencies, default='USD')}/answer"
    label = "hypothetical prices" if hypothetical else "list prices"
    origin = f"measured tokens of {measured.origin} at {label} of {card.name}, {card.date}"
    value = None if reason else total
    tokens = Figure(value, unit, "derived", origin, reason=reason)
    if measured.attempts_per_answer is None:
        again = "How often requests were repeated was not recorded."
        retries = Figure(None, unit, "derived", origin, reason=again)
    elif value is None:
        retries = Figure(None, unit, "derived", origin, reason=reason)
    else:
        repeated = Decimal(repr(max(measured.attempts_per_answer - 1, 0.0)))
        retries = Figure(value * repeated, unit, "derived", origin)
    asked = [measured.judge] if judges is None and measured.judge else list(judges or ())
    return AnswerCost(tokens, retries, _judging(measured, asked, card, day, judge_price, unit))


def _judging(
    measured: Measured, judges: Sequence[JudgeUse], card: PriceCard, day: str, wanted: str | None, unit: str
) -> Figure:
    """What all judges of an answer cost together; unknown where one's cost is, or where they bill in two currencies."""
    origin = f"judge's tokens of {measured.origin} at list prices of {card.name}, {card.date}"
    total, currencies = Decimal(0), set[str]()
    reason = None if judges else f"The answers of {measured.target} were not judged."
    for judge in judges:
        row, why = card.in_force(wanted or judge.model, day)
        cost = None
        if row is not None:
            cost, why = tokens_cost(row, judge.prompt.value, judge.completion.value)
            currencies.add(row.currency)
        if cost is None:
            reason = why
            break
        total += cost
    if len(currencies) > 1:
        reason = f"The judges of {measured.target} are priced in {' and '.join(sorted(currencies))}."
    unit = f"{min(currencies)}/answer" if currencies else unit
    return Figure(None if reason else total, unit, "derived", origin, reason=reason)


def measured_figure(estimate: Estimate, unit: str, origin: str, missing: str, kind: Kind = "measured") -> Figure:
    """An estimate as a figure with its 95 % interval and n; without a value unknown, with the sentence `missing`."""
    reason = missing if estimate.value is None else None
    return Figure(estimate.value, unit, kind, origin, estimate.low, estimate.high, estimate.n, reason)
