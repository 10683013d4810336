"""The kinds of field that price cards and scenarios share: texts, dates, currencies, and the model they hang on."""

import re
from calendar import monthrange
from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictStr, StringConstraints

from eval.cost.faults import invalid, shown


class Strict(BaseModel):
    """Cannot be changed once made, and takes no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _no_control(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(category(c) == "Cc" and c not in "\n\t" for c in text):
        invalid("it holds a control character", "remove it")
    return text


def _iso_date(text: str) -> str:
    match = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
    if not (1900 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        invalid(f"{shown(text)} is not a date", "write year-month-day, like 2026-11-25")
    return text


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        invalid(f"{shown(text)} is not a currency", "write its three capital letters, like USD or EUR (ISO 4217)")
    return text


def _as_text(value: object) -> object:
    """TOML has dates of its own; they are kept as they are written."""
    return str(value) if type(value).__name__ == "date" else value


Text = Annotated[StrictStr, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_no_control)]
Name = Annotated[
    StrictStr, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_no_control)
]
IsoDate = Annotated[StrictStr, BeforeValidator(_as_text), AfterValidator(_iso_date)]
Currency = Annotated[StrictStr, AfterValidator(_currency)]


def months_after(date: str, months: int) -> str:
    """The first day of the month that lies so many months after the month of a date."""
    year, month = int(date[:4]), int(date[5:7]) - 1 + months
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}-01"
