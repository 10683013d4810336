"""What an answer of a run costs, whichever page or command shows it: its own tokens, repeated requests, judging it.

Prices are those stored for a model; where a model has none of its own, the newest price card's. Computed by
eval.cost.answer_cost; what is unknown stays unknown, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine

from db import store
from db.models import Price
from eval.cost.answer_cost import answer_cost
from eval.cost.figure import Figure
from eval.cost.measured import Measured
from eval.cost.price_card import PriceCard, PriceRow
from eval.cost.result import AnswerCost
from eval.stored_cards import newest_card
from eval.summary import Summary

OWN = "own"  # stands in place of a provider for a price that was stored for a model
CURRENCY = "USD"  # stored prices are in it, and what is shown of runs


@dataclass(frozen=True, slots=True)
class RunCost:
    """The three parts of what an answer of a run costs, in USD, and what kinds of price stand behind them."""

    parts: AnswerCost
    judged: bool
    kinds: tuple[str, ...]

    @property
    def asking(self) -> Figure:
        """Tokens and repeated requests: what an answer costs that nobody judges."""
        return _sum(self.parts.tokens, self.parts.retries)

    @property
    def whole(self) -> Figure:
        """All of it; of a run that was not judged, what asking cost."""
        return _sum(self.parts.tokens, self.parts.retries, *([self.parts.judge] if self.judged else []))

    @property
    def hypothetical(self) -> bool:
        return "hypothetical" in self.kinds


def per(figure: Figure, answers: float) -> float | None:
    """The cost of so many answers; None where that of one is unknown."""
    return None if figure.value is None else float(figure.value) * answers


def prices_of_runs(engine: Engine) -> PriceCard:
    """The prices of all models: those stored, and the newest price card's for all others."""
    with store.reading(engine) as session:
        own = store.list_prices(session=session)
    return with_own(newest_card(engine), own)


def with_own(card: PriceCard, own: Mapping[str, Price]) -> PriceCard:
    """A price card in which the stored prices stand in place of the card's.

    A stored price has one price of input; cached tokens are billed at it too, which is the most they can cost.
    """
    known = {name.lower(): p for name, p in own.items() if _says_something(p)}
    rows = [row for row in card.rows if row.model.lower() not in known and row.id.lower() not in known]
    rows += [_row(price) for price in known.values()]
    name = f"{card.name}, own prices first" if known else card.name
    return PriceCard.model_construct(name=name, date=card.date, source=card.source, note=card.note, rows=tuple(rows))


def _says_something(price: Price) -> bool:
    return price.input_usd_per_mtok is not None or price.output_usd_per_mtok is not None


def _row(price: Price) -> PriceRow:
    """A stored price as a row. The database has checked it, and knows no length of a model's name or source."""
    into, out = (
        None if value is None else Decimal(repr(value))
        for value in (price.input_usd_per_mtok, price.output_usd_per_mtok)
    )
    return PriceRow.model_construct(
        provider=OWN,
        model=price.model,
        input_per_mtok=into,
        cached_input_per_mtok=into,
        output_per_mtok=out,
        kind=price.kind,
        source=price.source or "entered by hand",
        note="It was stored without." if into is None or out is None else "",
    )


def price_of(row: PriceRow) -> Price:
    """A row as a stored price: what an estimate of a short prompt needs, so without tiers and cached tokens."""
    into, out = (None if value is None else float(value) for value in (row.input_per_mtok, row.output_per_mtok))
    return Price(model=row.model, input_usd_per_mtok=into, output_usd_per_mtok=out, kind=row.kind, source=row.source)


def run_cost(target: str, summary: Summary, card: PriceCard) -> RunCost:
    """The cost of an answer of a run at the prices in force on the day of the card."""
    measured = Measured(
        target,
        tuple(summary.stages),
        attempts_per_answer=summary.attempts_per_answer,
        runs=(str(summary.run_id),),
    )
    found = answer_cost(measured, card, card.date, judges=summary.judge_uses)
    models = [use.model for use in (*summary.stages, *summary.judge_uses)]
    rows = [row for model in models if (row := card.in_force(model, card.date)[0])]
    parts = AnswerCost(*(_in_usd(part) for part in (found.tokens, found.retries, found.judge)))
    return RunCost(parts, bool(summary.judge_uses), tuple(dict.fromkeys(row.kind for row in rows)))


def _in_usd(part: Figure) -> Figure:
    currency = part.unit.partition("/")[0]
    if part.value is None or currency == CURRENCY:
        return part
    reason = f"Its price is in {currency}; store one in {CURRENCY} to see it here."
    return Figure(None, f"{CURRENCY}/answer", part.kind, part.origin, reason=reason)


def _sum(*parts: Figure) -> Figure:
    """Parts added up; unknown where one of them is, with its reason."""
    first = parts[0]
    missing = next((part for part in parts if part.value is None), None)
    if missing is not None:
        return Figure(None, first.unit, "derived", first.origin, reason=missing.reason)
    total = sum((Decimal(part.value) for part in parts if part.value is not None), Decimal(0))
    return Figure(total, first.unit, "derived", first.origin)
