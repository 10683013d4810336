"""Turns figures into words and frames into CSV: money, times, counts, intervals, and text that others wrote.

Pure: no Streamlit, no database. Where nothing is known it says so; it never prints a 0 for a missing figure.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from eval.stats.intervals import Estimate

UNKNOWN = "unknown"
FEW = "too few answers"
FEW_FOR_INTERVAL = "too few for an interval"
ALIKE = "no difference seen"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=^&])")
_EXPANDED = re.compile(r"([:@]|www(?=\.))", re.IGNORECASE)  # emoji and icon codes, addresses: found after unescaping
_JOINER = "\u2060"  # has no width
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain(text: object) -> str:
    """Text that others wrote, so that Streamlit's markdown shows it letter by letter, on one line."""
    return _MARKDOWN.sub(r"\\\1", _EXPANDED.sub(rf"\1{_JOINER}", " ".join(str(text).split())))


def label(text: object) -> str:
    """The same for a control's label, which is read aloud as it is written: signs within a word need no backslash."""
    return _MARKDOWN.sub(_where_needed, _EXPANDED.sub(rf"\1{_JOINER}", " ".join(str(text).split())))


def _where_needed(sign: re.Match[str]) -> str:
    before, after = sign.string[: sign.start()][-1:], sign.string[sign.end() :][:1]
    return sign[0] if sign[0] in "-._" and before.isalnum() and after.isalnum() else f"\\{sign[0]}"


def number(value: float | None, digits: int = 1) -> str:
    """A figure with so many decimals, thousands apart."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def milliseconds(value: float | None) -> str:
    """A time as people read it: 85 ms, 1.24 s, 2 min 05 s."""
    if value is None:
        return UNKNOWN
    if value < 999.5:
        return f"{value:.0f} ms"
    if value < 59_995:
        return f"{value / 1000:.2f} s" if value < 9_995 else f"{value / 1000:.1f} s"
    minutes, seconds = divmod(round(value / 1000), 60)
    return f"{minutes} min {seconds:02d} s"


def usd(value: float | None) -> str:
    """An amount in US dollars: whole cents from one dollar up, two significant digits below."""
    if value is None:
        return UNKNOWN
    if value == 0 or abs(value) >= 0.995:
        return f"${value:,.2f}"
    return f"${value:.2g}" if abs(value) >= 0.0001 else f"${value:.1e}"


def no_interval(estimate: Estimate) -> str:
    """Why a mean has no interval: one question cannot give one, and neither can scores that are all alike."""
    return FEW_FOR_INTERVAL if estimate.n < 2 else ALIKE


def interval(estimate: Estimate, digits: int = 2) -> str:
    """A mean with its interval, or why there is none: 4.12 (3.90 to 4.34)."""
    if estimate.value is None:
        return UNKNOWN
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:,.{digits}f} ({no_interval(estimate)})"
    return f"{estimate.value:,.{digits}f} ({estimate.low:,.{digits}f} to {estimate.high:,.{digits}f})"


def quantile(estimate: Estimate, digits: int = 0) -> str:
    """A quantile with its interval, or that it rests on too few answers for one: 320 (301 to 355)."""
    if estimate.value is None or (estimate.low is not None and estimate.high is not None):
        return interval(estimate, digits)
    return f"{estimate.value:,.{digits}f} ({FEW_FOR_INTERVAL})"


def count_of(part: int, whole: int) -> str:
    """58 of 60."""
    return f"{part:,} of {whole:,}"


def plural(n: int, word: str) -> str:
    """1 answer, 2 answers."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def when(moment: datetime | None) -> str:
    """A moment in UTC: 23 Nov 2026, 20:02 UTC."""
    if moment is None or pd.isna(moment):
        return "not yet"
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def clock(moment: datetime) -> str:
    """A time of the day in UTC: 20:02 UTC."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = "; ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def to_csv(frame: pd.DataFrame, *, simulated: bool = False) -> bytes:
    """A frame as CSV that Excel opens as UTF-8, and in which no text is taken for a formula; numbers stay numbers.

    `simulated` says that rows rest on simulated data: where they do not say so each for itself, all of them do.
    """
    safe = frame.rename(columns=_cell)
    if simulated and "simulated" not in safe.columns:
        safe["simulated"] = True
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_cell)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")  # so that a lone CR is quoted too
