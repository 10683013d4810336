"""A price card as a table to edit, and the card that an edited table makes: every fault of it named.

Prices stay exact: a cell that nobody touched keeps its decimals, though the table shows it as a float.
"""

from typing import Any

import pandas as pd

from db.frames import records
from eval.cost import price_card_file
from eval.cost.faults import Fault
from eval.cost.price_card import PRICES, PriceCard, PriceRow
from eval.cost.price_card_file import PriceCardError

COLUMNS = ("provider", "model", *PRICES[:3], "kind", "source", "currency", "valid_from", "valid_until", "retires_on",
           *PRICES[3:], "tiers", "borrowed_from", "note")  # fmt: skip
KINDS = ("quoted", "assumed", "hypothetical")


def card_frame(card: PriceCard) -> pd.DataFrame:
    """The rows of a card, its prices as numbers, the dates as texts; an unknown price is missing."""
    frame = pd.DataFrame([price_card_file.row_cells(row) for row in card.rows], columns=list(COLUMNS), dtype="str")
    frame[list(PRICES)] = frame[list(PRICES)].apply(pd.to_numeric)
    return frame


def edited_card(frame: pd.DataFrame, card: PriceCard, name: str, date: str) -> PriceCard:
    """The card of an edited table. `card` is the one the table was filled from, by whose rows the index counts.

    Raises PriceCardError with every fault, also where a price was changed and still claims the old source.
    """
    rows: list[tuple[str, dict[str, str]]] = []
    stale: list[Fault] = []
    for number, (index, row) in enumerate(zip(frame.index, records(frame), strict=True), start=1):
        before = card.rows[index] if isinstance(index, int) and 0 <= index < len(card.rows) else None
        cells = _cells(row, before)
        place = f"row {number}" + (f" ({cells['provider']}/{cells['model']})" if cells["model"] else "")
        rows.append((place, cells))
        if before is not None and _is_stale(cells, price_card_file.row_cells(before)):
            problem = "a price was changed, and still names the source of the old one"
            stale.append(Fault(f"{place}, source", problem, "write where the new price comes from"))
    changed = [cells for _, cells in rows] != [price_card_file.row_cells(row) for row in card.rows]
    source = f'Edited from "{card.name}" of {card.date}. {card.source}' if changed else card.source
    meta = {"name": name, "date": date, "source": source[:4000], "note": card.note}
    try:
        made = price_card_file.parse_cells(meta, rows)
    except PriceCardError as error:
        raise PriceCardError(error.name, "a price card", [*error.faults, *stale]) from error
    if stale:
        raise PriceCardError(made.name, "a price card", stale)
    return made


def _is_stale(now: dict[str, str], before: dict[str, str]) -> bool:
    moved = any(now[name] != before[name] for name in (*PRICES, "currency"))
    return moved and now["source"] == before["source"] and now["kind"] == before["kind"]


def _cells(row: dict[str, Any], before: PriceRow | None) -> dict[str, str]:
    known = price_card_file.row_cells(before) if before is not None else {}
    return {name: _cell(row.get(name), known.get(name, "")) for name in price_card_file.COLUMNS}


def _cell(value: Any, before: str) -> str:
    """A cell as text; a number that is still the one it was keeps its digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return before if before and float(before) == value else repr(value).removesuffix(".0")
    return str(value)
