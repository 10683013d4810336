"""A number typed into a table's cell: read as a TOML file would read it, and anything else refused with a sentence.

Tables to edit hold numbers as texts: the browser's own number cells drop a decimal comma, and 1,7 becomes 17.
"""

import re
from math import isfinite

from eval.cost.faults import shown

REMEDY = "write a point, like 1.7, and thousands without separators, like 2000"
HELP = "With a point, like 1.7, and thousands without separators, like 2000."
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.000", re.ASCII)


class CellError(ValueError):
    """A cell holds no number; the text says what it holds."""


def number(text: str | None) -> float | None:
    """The number in a cell, None for an empty one. Raises CellError, also for 2.000, which may be meant as 2000."""
    typed = (text or "").strip()
    if not typed:
        return None
    if _THOUSANDS.fullmatch(typed):
        raise CellError(f"{shown(typed)} may be {typed.partition('.')[0]} or {typed.replace('.', '')}")
    value = float(typed) if _NUMBER.fullmatch(typed) else float("nan")
    if not isfinite(value):
        raise CellError(f"{shown(typed)} is not a number")
    return value


def text(value: float | None) -> str | None:
    """A number as a cell shows it, such that `number` gives the same number."""
    return None if value is None else repr(float(value)).removesuffix(".0")
