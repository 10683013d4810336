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
    stages = [
        (named.get(s.model, s.model), s.prompt.value, s.completion.value, s.cached.value) for s in measured.stages
    ]
    value, reason, rows = _summed(stages, card, day, f"models of {measured.target}")
    if not stages:
        value, reason = None, f"The run of {measured.target} has no token counts."
    unit = f"{min((row.currency for row in rows), default='USD')}/answer"
    label = "hypothetical prices" if any(row.kind == "hypothetical" for row in rows) else "list prices"
    origin = f"measured tokens of {measured.origin} at {label} of {card.name}, {card.date}"
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
    uses = [(wanted or judge.model, judge.prompt.value, judge.completion.value, None) for judge in judges]
    value, reason, rows = _summed(uses, card, day, f"judges of {measured.target}")
    if not uses:
        value, reason = None, f"The answers of {measured.target} were not judged."
    unit = f"{min(row.currency for row in rows)}/answer" if rows else unit
    return Figure(value, unit, "derived", origin, reason=reason)


def _summed(
    uses: Sequence[tuple[str, float | None, float | None, float | None]], card: PriceCard, day: str, whose: str
) -> tuple[Decimal | None, str | None, list[PriceRow]]:
    """What models cost together, each with its tokens of prompt, completion and cached prompt, and the rows used.

    Unknown, with the reason, where one's cost is, or where `whose` prices are in several currencies.
    """
    total, rows = Decimal(0), list[PriceRow]()
    for model, prompt, completion, cached in uses:
        row, why = card.in_force(model, day)
        cost = None
        if row is not None:
            rows.append(row)
            cost, why = tokens_cost(row, prompt, completion, cached)
        if cost is None:
            return None, why, rows
        total += cost
    currencies = sorted({row.currency for row in rows})
    if len(currencies) > 1:
        return None, f"The {whose} are priced in {' and '.join(currencies)}.", rows
    return total, None, rows


def measured_figure(estimate: Estimate, unit: str, origin: str, missing: str, kind: Kind = "measured") -> Figure:
    """An estimate as a figure with its 95 % interval and n; without a value unknown, with the sentence `missing`."""
    reason = missing if estimate.value is None else None
    return Figure(estimate.value, unit, kind, origin, estimate.low, estimate.high, estimate.n, reason)
