"""Reads and writes price cards as JSON and CSV, and names every fault of a file.

CSV carries the same as JSON: the card's own fields stand in rows that begin with `#`, and a text that a spreadsheet
would take for a formula has an apostrophe before it, which reading takes away again. Columns are separated by commas,
or by semicolons or tabs, as spreadsheets of many countries write them; numbers have a point in any case.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from pydantic import ValidationError

from eval.cost.faults import Fault, FaultyFileError, from_pydantic, guess, shown
from eval.cost.json_lines import Lines, Place
from eval.cost.price_card import PriceCard, PriceRow, Tier, built_in_text, canonical, overlaps
from eval.qa_set import printable

MAX_BYTES = 5_000_000
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_META = ("name", "date", "source", "note")
COLUMNS = tuple(PriceRow.model_fields)
_FORMULA = tuple("=+-@'\t")  # what a spreadsheet would calculate with, and the mark itself


class PriceCardError(FaultyFileError):
    """A file is not a price card; `faults` says why."""


@cache
def built_in() -> PriceCard:
    """The price card that comes with Rightsize."""
    return parse_json(built_in_text(), "eval/data/price_card.json")


def load(path: Path) -> PriceCard:
    """Read a price card from a .json or .csv file; raises PriceCardError with every fault."""

    def refuse(problem: str, remedy: str) -> NoReturn:
        raise PriceCardError(str(path), "a price card", [Fault("", problem, remedy)])

    if path.suffix.lower() not in (".json", ".csv"):
        refuse("the kind of file cannot be told from its name", "use .json or .csv")
    try:
        if path.stat().st_size > MAX_BYTES:
            refuse(f"the file is larger than {MAX_BYTES // 1_000_000} MB", "keep the rows you need")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        refuse("there is no such file", "check the name and the folder")
    except UnicodeDecodeError:
        refuse("the file is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        refuse(f"the file cannot be read ({error.strerror})", "check the name and your rights")
    card = parse_csv(text, str(path)) if path.suffix.lower() == ".csv" else parse_json(text, str(path))
    if not card.rows:
        refuse("there is no price in it", "write a row for each model")
    return card


def parse_json(text: str, name: str = "the text") -> PriceCard:
    """Read a price card from JSON; raises PriceCardError with every fault, each with its line."""

    def constant(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number in JSON")

    _check_size(text, name)
    try:
        data = json.loads(text, parse_float=Decimal, parse_constant=constant)
    except json.JSONDecodeError as error:
        problem = f"it is not JSON ({error.msg} at column {error.colno})"
        raise PriceCardError(
            name, "a price card", [Fault(f"line {error.lineno}", problem, "correct it there")]
        ) from error
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0]
        raise PriceCardError(name, "a price card", [Fault("", problem, "correct it")]) from error
    if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
        problem = "it is not an object with a list of rows"
        raise PriceCardError(name, "a price card", [Fault("", problem, 'write {"name", "date", "rows": [...]}')])
    found = Lines(text)
    faults = [Fault(_place(path), "it occurs again in the same object", "keep one") for path in found.twice]
    lines = {_place(path): line for path, line in found.at.items()}
    records = [(f"row {i}", row) for i, row in enumerate(data["rows"], start=1)]
    return _made(name, {k: v for k, v in data.items() if k != "rows"}, records, faults, lines)


def _place(path: Place) -> str:
    """The place of a value in a card's JSON as a fault names it: "row 1, input_per_mtok"."""
    row = f"row {int(path[1]) + 1}" if path[0] == "rows" and path[1:] else ""
    rest = ".".join(printable(str(part)) for part in path[2 if row else 0 :])
    return ", ".join(part for part in (row, rest) if part)


def parse_csv(text: str, name: str = "the text") -> PriceCard:
    """Read a price card from CSV; raises PriceCardError with every fault, each with its line."""
    _check_size(text, name)
    faults: list[Fault] = []
    meta: dict[str, Any] = {}
    lines: dict[str, int] = {}
    records: list[tuple[str, dict[str, Any]]] = []
    header: list[str] | None = None
    separator = _separator(text)
    try:
        for place, cells in _rows(text, separator):
            if header is None and cells[0].startswith("#"):
                key = cells[0][1:].strip()
                if key in meta:
                    faults.append(Fault(place, f"#{key} occurs twice", "keep one"))
                lines[key] = int(place.removeprefix("line "))
                meta[key] = _unmarked(cells[1]) if len(cells) > 1 else ""
            elif header is None:
                header = [cell.strip() for cell in cells]
                faults += _header_faults(header, place)
            elif len(cells) != len(header):
                problem = f"the row has {len(cells)} cells, the header has {len(header)}"
                word = _SEPARATORS[separator]
                remedy = f"put a text with a {word} in quotes; an empty cell needs its {word}"
                faults.append(Fault(place, problem, remedy))
            else:
                unmarked = {column: _unmarked(cell) for column, cell in zip(header, cells, strict=True)}
                records.append((place, _record(unmarked, place, faults)))
    except csv.Error as error:
        faults.append(Fault("", f"the quotes do not match ({error})", 'write a quote within a text as ""'))
    if header is None and not faults:
        faults.append(Fault("", "there is no header", f"name the columns: {', '.join(COLUMNS)}"))
    return _made(name, meta, records, faults, lines)


def parse_cells(meta: Mapping[str, str], rows: Sequence[tuple[str, Mapping[str, str]]]) -> PriceCard:
    """Read a price card from the cells of a table, each row with its place; an empty cell is a field left out.

    `meta` holds the card's own fields. Raises PriceCardError with every fault.
    """
    faults: list[Fault] = []
    records = [(place, _record(cells, place, faults)) for place, cells in rows]
    return _made(meta.get("name") or "the table", {k: v for k, v in meta.items() if v}, records, faults)


def row_cells(row: PriceRow) -> dict[str, str]:
    """A row as the cells of a table, such that `parse_cells` gives the same row."""
    values = canonical(row) | {"tiers": " | ".join(map(_tier_text, row.tiers))}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def dump_json(card: PriceCard) -> str:
    """A price card as JSON, such that `parse_json` gives the same card."""
    rows = [{k: _number(k, v) for k, v in canonical(row).items() if v not in (None, "", [])} for row in card.rows]
    data = {name: getattr(card, name) for name in _META} | {"rows": rows}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def dump_csv(card: PriceCard) -> str:
    """A price card as CSV, such that `parse_csv` gives the same card."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for name in _META:
        writer.writerow([f"#{name}", _marked(getattr(card, name))])
    writer.writerow(COLUMNS)
    for row in card.rows:
        writer.writerow([_marked(cell) for cell in row_cells(row).values()])
    return out.getvalue()


def _made(
    name: str,
    meta: dict[str, Any],
    records: list[tuple[str, Any]],
    faults: list[Fault],
    lines: Mapping[str, int] = MappingProxyType({}),
) -> PriceCard:
    """The card of these rows; raises PriceCardError where there is any fault in it.

    `lines` are those of the places that faults are named by, where the places do not say them.
    """
    rows: list[PriceRow] = []
    places: list[str] = []
    for place, record in records:
        try:
            rows.append(PriceRow.model_validate(record))
            places.append(place)
        except ValidationError as error:
            faults += from_pydantic(error, PriceRow, place)
    faults += overlaps(tuple(rows), tuple(places))
    try:
        card = PriceCard.model_validate(meta | {"rows": () if faults else tuple(rows)})
    except ValidationError as error:
        faults += from_pydantic(error, PriceCard)
        card = None
    if faults or card is None:
        raise PriceCardError(name, "a price card", sorted((_on_line(f, lines) for f in faults), key=_line_of))
    return card


def _on_line(fault: Fault, lines: Mapping[str, int]) -> Fault:
    """The fault with the line it is on; of a field that is missing, the line of what it is missing in."""
    place = fault.where
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind(", "), 0)]
    return replace(fault, where=f"line {lines[place]}, {fault.where}") if place else fault


def _line_of(fault: Fault) -> int:
    """The line a fault is on, for the order of the file; 0 for one of the whole file."""
    found = re.match(r"line ([0-9]+)", fault.where)
    return int(found[1]) if found else 0


def _check_size(text: str, name: str) -> None:
    if len(text) > MAX_BYTES:
        fault = Fault("", f"it is longer than {MAX_BYTES:,} characters", "keep the rows you need")
        raise PriceCardError(name, "a price card", [fault])


def _separator(text: str) -> str:
    """What separates the columns: that by which the header has most of the names it should have, else the comma."""

    def known(separator: str) -> int:
        try:
            header = next(cells for _, cells in _rows(text, separator) if not cells[0].startswith("#"))
        except (StopIteration, csv.Error):
            return 0
        return len({cell.strip() for cell in header} & set(COLUMNS))

    return max(_SEPARATORS, key=known)


def _rows(text: str, separator: str) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        if any(cell.strip() for cell in cells):
            yield place, cells


def _header_faults(header: list[str], place: str) -> Iterator[Fault]:
    for column, count in Counter(header).items():
        if column not in COLUMNS:
            remedy = guess(column, COLUMNS)
            remedy = remedy if remedy.startswith("did") else f"remove it; {remedy}"
            yield Fault(f"{place}, {column or 'a column'}", "this column is not known", remedy)
        elif count > 1:
            yield Fault(f"{place}, {column}", "there are several columns of this name", "keep one")
    for column in ("provider", "model", "kind", "source"):
        if column not in header:
            yield Fault(f"{place}, {column}", "the column is missing", "add it to the header and to every row")


def _record(cells: Mapping[str, str], place: str, faults: list[Fault]) -> dict[str, Any]:
    """A row as the object it would be in JSON; an empty cell is a field left out."""
    record: dict[str, Any] = {k: v for k, v in cells.items() if k in COLUMNS and v.strip()}
    if "tiers" in record:
        record["tiers"] = [
            tier for part in record["tiers"].split("|") if (tier := _tier(part.strip(), place, faults)) is not None
        ]
    return record


def _tier_text(tier: Tier) -> str:
    prices = (tier.input_per_mtok, tier.cached_input_per_mtok, tier.output_per_mtok)
    return ":".join([str(tier.above_tokens), *("" if p is None else format(p, "f") for p in prices)])


def _tier(text: str, place: str, faults: list[Fault]) -> dict[str, Any] | None:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 4 or not re.fullmatch("[0-9]{1,10}", parts[0]):
        remedy = "write ABOVE_TOKENS:INPUT:CACHED_INPUT:OUTPUT, like 200000:2.5:0.25:15, and | between tiers"
        faults.append(Fault(f"{place}, tiers", f"{shown(text)} is not a tier", remedy))
        return None
    prices = zip(("input_per_mtok", "cached_input_per_mtok", "output_per_mtok"), parts[1:], strict=True)
    return {"above_tokens": int(parts[0])} | {name: price for name, price in prices if price}


def _number(name: str, value: Any) -> Any:
    """A price as a JSON number where that reads back as the same decimal, else as a text."""
    if name == "tiers":
        return [{k: _number(k, v) for k, v in tier.items() if v is not None} for tier in value]
    if not name.endswith("_per_mtok"):
        return value
    number = float(value)
    if Decimal(repr(number)) != Decimal(value):
        return value
    return int(number) if number.is_integer() else number


def _marked(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _unmarked(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
