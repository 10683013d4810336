"""The price card: dated, sourced prices of models per million tokens, that never change once made.

Says which row is in force for a model on a day. What is unknown is None. Reading and writing files is
price_card_file.py's business, comparing two cards price_changes.py's, what an answer costs answer_cost.py's.
"""

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, model_validator

from eval.cost.faults import Fault, guess, invalid, invalid_at, shown
from eval.cost.fields import Currency, IsoDate, Name, Strict, Text

MOST_PER_MTOK = 100_000  # above this a price is a slip of the unit
MAX_ROWS = 5_000
PRICES = (
    "input_per_mtok",
    "cached_input_per_mtok",
    "output_per_mtok",
    "batch_input_per_mtok",
    "batch_cached_input_per_mtok",
    "batch_output_per_mtok",
)
PriceKind = Literal["quoted", "assumed", "hypothetical"]


def _plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros, so that 0.150 and 0.15 are one price."""
    return Decimal(format(value.normalize(), "f"))


def _price(value: Decimal) -> Decimal:
    if not 0 <= value <= MOST_PER_MTOK:
        allowed = f"from 0 to {MOST_PER_MTOK:,} per million tokens, and empty where it is unknown"
        invalid(f"{shown(format(value, 'f'))[1:-1]} is not a price", f"it has to be {allowed}")
    return _plain(value)


def _digits(value: Any) -> Any:
    """Decimal would take underscores and the digits of all scripts; in a price they are a slip."""
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        invalid(f"{shown(value)} is not a number", "write it with the digits 0 to 9 and a point, like 0.15")
    return value


Price = Annotated[Decimal, Field(allow_inf_nan=False), BeforeValidator(_digits), AfterValidator(_price)] | None


class Tier(Strict):
    """Prices of a request whose input has more than `above_tokens` tokens; they hold for all of its tokens."""

    above_tokens: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)]
    input_per_mtok: Price = None
    cached_input_per_mtok: Price = None
    output_per_mtok: Price = None


class PriceRow(Strict):
    """What one model of one provider costs in a period, in `currency` per million tokens.

    `valid_from` and `valid_until` are both included; None is open. `borrowed_from` names the provider whose price list
    the price comes from where it is not the provider's own. `note` says why a price is missing.
    """

    provider: Name
    model: Name
    input_per_mtok: Price = None
    cached_input_per_mtok: Price = None
    output_per_mtok: Price = None
    batch_input_per_mtok: Price = None
    batch_cached_input_per_mtok: Price = None
    batch_output_per_mtok: Price = None
    tiers: tuple[Tier, ...] = ()
    currency: Currency = "USD"
    kind: PriceKind
    source: Name
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None
    retires_on: IsoDate | None = None
    borrowed_from: Name | None = None
    note: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> "PriceRow":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            invalid(
                f"valid_until {self.valid_until} lies before valid_from {self.valid_from}",
                "write the last day of the price, or leave it empty",
            )
        thresholds = [tier.above_tokens for tier in self.tiers]
        if thresholds != sorted(set(thresholds)):
            invalid("the tiers do not rise", "write them by above_tokens, the smallest first, each once")
        if (self.input_per_mtok is None or self.output_per_mtok is None) and not self.note:
            invalid("a price is unknown without a reason", "write in note why input or output has no price")
        return self

    @property
    def id(self) -> str:
        """What scenarios call the row: `provider/model`."""
        return f"{self.provider}/{self.model}"

    @property
    def period(self) -> tuple[str, str]:
        """The first and the last day, with days beyond any date where the period is open."""
        return self.valid_from or "0000-00-00", self.valid_until or "9999-99-99"

    def holds_on(self, day: str) -> bool:
        """Whether the price is in force on a day, written as year-month-day."""
        first, last = self.period
        return first <= day <= last


class PriceCard(Strict):
    """A dated set of prices; no model of a provider has two prices on one day."""

    name: Name
    date: IsoDate
    source: Text = ""
    note: Text = ""
    rows: Annotated[tuple[PriceRow, ...], Field(max_length=MAX_ROWS)]

    @model_validator(mode="after")
    def _one_price_a_day(self) -> "PriceCard":
        invalid_at(overlaps(self.rows))
        return self

    @property
    def sha256(self) -> str:
        """The hash of the rows, whatever their order; name, date and notes of the card do not enter it."""
        rows = sorted(json.dumps(canonical(row), sort_keys=True, ensure_ascii=False) for row in self.rows)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    def named(self, name: str) -> tuple[PriceRow, ...]:
        """The rows of `provider/model`, or of a model id alone, whatever their period."""
        wanted = name.strip().lower()
        exact = tuple(row for row in self.rows if row.id.lower() == wanted)
        return exact or tuple(row for row in self.rows if row.model.lower() == wanted)

    def in_force(self, name: str, day: str) -> tuple[PriceRow | None, str | None]:
        """The row in force on a day for `provider/model` or a model id; else None and the reason in a sentence."""
        rows = self.named(name)
        if not rows:
            ids = dict.fromkeys(row.id for row in self.rows)
            return None, f'The price card "{self.name}" has no price of {name} ({guess(name, ids)}).'
        if len(providers := dict.fromkeys(row.id for row in rows)) > 1:
            return None, f"Several providers offer {name}: say which of {', '.join(providers)}."
        row = next((row for row in rows if row.holds_on(day)), None)
        if row is None:
            return None, f'The price card "{self.name}" has no price of {name} that is valid on {day}.'
        return row, None


def canonical(row: PriceRow) -> dict[str, Any]:
    """A row as JSON values; prices as numbers written out, so that equal prices read equally."""
    return {
        name: format(value, "f") if isinstance(value, Decimal) else _tiers(row) if name == "tiers" else value
        for name, value in ((name, getattr(row, name)) for name in PriceRow.model_fields)
    }


def _tiers(row: PriceRow) -> list[dict[str, Any]]:
    return [
        {n: format(v, "f") if isinstance(v, Decimal) else v for n, v in tier.model_dump().items()} for tier in row.tiers
    ]


def overlaps(rows: tuple[PriceRow, ...], places: tuple[str, ...] | None = None) -> Iterator[Fault]:
    """The pairs of rows that price one model of one provider on the same day, as faults at the later row's place."""
    known = places or tuple(f"row {i}" for i in range(1, len(rows) + 1))
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.id.lower(), []).append(i)
    for group in groups.values():
        for a, b in combinations(group, 2):
            first, last = max(rows[a].period[0], rows[b].period[0]), min(rows[a].period[1], rows[b].period[1])
            if first > last:
                continue
            if rows[a] == rows[b] or rows[a].period == rows[b].period:
                yield Fault(known[b], f"{rows[b].id} is already priced in {known[a]}", "keep one of the two")
            else:
                day = first if first != "0000-00-00" else last
                problem = f"{rows[b].id} has another price in {known[a]} that is valid on {day} too"
                yield Fault(known[b], problem, "end one with valid_until on the day before the other's valid_from")


@cache
def built_in_text() -> str:
    """The text of the price card that comes with Rightsize, as price_card_file reads it."""
    return files("eval").joinpath("data/price_card.json").read_text(encoding="utf-8")
