"""Where quotes stand in an answer: the text cut into pieces, each with the marks that lie on it.

Pure, and no markup: the pieces joined are the text, character by character. Drawing them is answer_text.py's job.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Mark:
    """A passage to find, what kind it is of (a criterion's id, for its line) and whose it is (for the tooltip)."""

    quote: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text under the same marks; most have none."""

    text: str
    marks: tuple[Mark, ...] = ()


def _segments(text: str) -> list[tuple[int, int]]:
    """Stretches that Unicode normalisation treats on their own, as (start, end)."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return [(i, i + 1) for i in range(len(text))]
    found: list[tuple[int, int]] = []
    start, composed = 0, ""
    for i, character in enumerate(text):
        joined = unicodedata.normalize("NFC", composed + character)
        if i > start and joined == composed + unicodedata.normalize("NFC", character):
            found.append((start, i))
            start, joined = i, unicodedata.normalize("NFC", character)
        composed = joined
    return [*found, (start, len(text))] if text else found


def _folded(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text normalised, with white space as single blanks, and where each of its characters came from."""
    characters: list[str] = []
    origins: list[tuple[int, int]] = []
    for start, end in _segments(text):
        for character in unicodedata.normalize("NFC", text[start:end]):
            if not character.isspace():
                characters.append(character)
                origins.append((start, end))
            elif characters and characters[-1] != " ":
                characters.append(" ")
                origins.append((start, end))
    return "".join(characters), origins


def cut(text: str, marks: Sequence[Mark]) -> list[Piece]:
    """The text in pieces, each with the marks whose quote covers it; a quote counts where it occurs first.

    White space and the way accents are encoded may differ, as when the quote was checked. A quote that does not occur
    marks nothing.
    """
    folded, origins = _folded(text)
    spans: list[tuple[int, int, Mark]] = []
    for mark in marks:
        wanted = _folded(mark.quote)[0].strip()
        at = folded.find(wanted) if wanted else -1
        if at >= 0:
            spans.append((origins[at][0], origins[at + len(wanted) - 1][1], mark))
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    return [
        Piece(text[left:right], tuple(mark for start, end, mark in spans if start <= left and right <= end))
        for left, right in pairwise(edges)
    ]


def occurring(text: str, quotes: Sequence[str]) -> list[bool]:
    """Of each quote whether it stands in the text, compared as `cut` does."""
    folded = _folded(text)[0]
    wanted = [_folded(quote)[0].strip() for quote in quotes]
    return [bool(each) and each in folded for each in wanted]
