"""A price card as a table to edit, and the card that an edited table makes: every fault of it named.

Prices are texts, and so exact: no digit is lost, and what is not a number is named instead of read as another one.
"""

from decimal import Decimal, InvalidOperation

import pandas as pd

from dashboard import number_cell
from db.frames import records
from eval.cost import price_card_file
from eval.cost.faults import Fault
from eval.cost.price_card import PRICES, PriceCard
from eval.cost.price_card_file import PriceCardError

COLUMNS = ("provider", "model", *PRICES[:3], "kind", "source", "currency", "valid_from", "valid_until", "retires_on",
           *PRICES[3:], "tiers", "borrowed_from", "note")  # fmt: skip
KINDS = ("quoted", "assumed", "hypothetical")


def card_frame(card: PriceCard) -> pd.DataFrame:
    """The rows of a card as texts; an unknown price is missing."""
    frame = pd.DataFrame([price_card_file.row_cells(row) for row in card.rows], columns=list(COLUMNS), dtype="str")
    frame[list(PRICES)] = frame[list(PRICES)].replace("", None)
    return frame


def edited_card(frame: pd.DataFrame, card: PriceCard, name: str, date: str) -> PriceCard:
    """The card of an edited table. `card` is the one the table was filled from, by whose rows the index counts.

    Raises PriceCardError with every fault, also where a price was changed and still claims the old source.
    """
    rows: list[tuple[str, dict[str, str]]] = []
    stale: list[Fault] = []
    unread: dict[str, Fault] = {}
    for number, (index, row) in enumerate(zip(frame.index, records(frame), strict=True), start=1):
        before = card.rows[index] if isinstance(index, int) and 0 <= index < len(card.rows) else None
        cells = {name: str(row.get(name) or "") for name in price_card_file.COLUMNS}
        place = f"row {number}" + (f" ({cells['provider']}/{cells['model']})" if cells["model"] else "")
        rows.append((place, cells))
        unread |= {fault.where: fault for fault in _unread(cells, place)}
        if before is not None and _is_stale(cells, price_card_file.row_cells(before)):
            problem = "a price was changed, and still names the source of the old one"
            stale.append(Fault(f"{place}, source", problem, "write where the new price comes from"))
    changed = [cells for _, cells in rows] != [price_card_file.row_cells(row) for row in card.rows]
    source = f'Edited from "{card.name}" of {card.date}. {card.source}' if changed else card.source
    meta = {"name": name, "date": date, "source": source[:4000], "note": card.note}
    try:
        made = price_card_file.parse_cells(meta, rows)
    except PriceCardError as error:
        others = [fault for fault in error.faults if fault.where not in unread]
        raise PriceCardError(error.name, "a price card", [*unread.values(), *others, *stale]) from error
    if unread or stale:
        raise PriceCardError(made.name, "a price card", [*unread.values(), *stale])
    return made


def _is_stale(now: dict[str, str], before: dict[str, str]) -> bool:
    moved = any(_exact(now[name]) != _exact(before[name]) for name in (*PRICES, "currency"))
    return moved and now["source"] == before["source"] and now["kind"] == before["kind"]


def _exact(cell: str) -> Decimal | str:
    """A price such that 1.50 is 1.5; whatever is none as it stands."""
    try:
        return Decimal(cell)
    except InvalidOperation:
        return cell


def _unread(cells: dict[str, str], place: str) -> list[Fault]:
    """The prices of a row that are not numbers."""
    found: list[Fault] = []
    for name in PRICES:
        try:
            number_cell.number(cells[name])
        except number_cell.CellError as error:
            found.append(Fault(f"{place}, {name}", str(error), number_cell.REMEDY))
    return found
