"""Scales as people write them: "1-7", or "clarity=0-100" for one criterion. Pure."""

import re
from collections.abc import Mapping, Sequence

from eval.expected import ExpectedError
from eval.faults import shown

Scales = Mapping[str, tuple[int, int]]  # by criterion; "" for all that are not named


class ScaleError(ExpectedError, ValueError):
    """A scale cannot be read; the text says what would be right."""


def parse_scale(text: str) -> tuple[int, int]:
    """The lowest and highest score of "1-7". Raises ScaleError."""
    found = re.fullmatch(r"\s*(-?\d{1,6})\s*(?:-|–|to|\.\.)\s*(-?\d{1,6})\s*", text)
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if low >= high:
        raise ScaleError(f'{shown(text)} is not a scale; write the lowest and the highest score: "1-7"')
    return low, high


def parse_scales(texts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Scales as a command takes them: LOW-HIGH for all criteria, CRITERION=LOW-HIGH for one. Raises ScaleError."""
    return {name.strip(): parse_scale(scale) for name, _, scale in (_named(text) for text in texts)}


def _named(text: str) -> tuple[str, str, str]:
    return text.partition("=") if "=" in text else ("", "=", text)
