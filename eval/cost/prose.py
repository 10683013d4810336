"""What a narrative is made of: paragraphs, lists, tables and places for charts, whose every number carries a tag.

How a figure reads is said here too; what is told is narrative.py's business, files are eval.report's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from eval.cost.figure import Figure, Kind, Series
from eval.cost.result import OptionResult
from eval.expected import ExpectedError

_DIGIT = re.compile(r"\d")
_PERCENTILE = re.compile(r"\bp95\b|\b[19]0th (?:(?:and|to) (?:the )?90th )?percentile")  # the name of a value, no value
_SENTENCES = {  # of a result: they hold numbers
    "sentence", "caveats", "warnings", "limits", "blocked", "out", "notes", "lateness", "grown", "hand_scores",
}  # fmt: skip


SAID_BEFORE = "- (as said in this row)"  # in place of a reason that another cell of the row gives


class UntaggedNumberError(ExpectedError, ValueError):
    """A number stands in the result or in the prose without saying what it is and where it comes from."""


@dataclass(frozen=True, slots=True)
class Name:
    """Text that others wrote, or an identifier: shown letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with numbers in it, all of one kind and origin."""

    text: str
    kind: Kind
    origin: str


Span = str | Name | Said | Figure
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[Spans, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `caption` says what they are."""

    caption: str
    headings: tuple[str | Name, ...]
    rows: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A place for one of the report's charts, by its key, with words for who cannot see it."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Origins:
    """The appendix that tags lead to: a tag and its origin each, on one line in small print."""

    caption: str
    entries: tuple[tuple[Name, Name], ...]


Block = Paragraph | Bullets | Table | Picture | Origins


@dataclass(frozen=True, slots=True)
class Section:
    """`appendix` marks what a reader looks up, and what comes after the text that is read."""

    title: str
    blocks: tuple[Block, ...]
    appendix: bool = False


@dataclass(frozen=True, slots=True)
class Narrative:
    """The whole text. `banner` is what has to be read before anything else; `sources` numbers each kind and origin."""

    title: str
    banner: str
    sections: tuple[Section, ...]
    sources: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def tag(self, span: Figure | Said) -> str:
        """The tag of a number: the first letter of its kind and the number of its origin in the appendix."""
        return f"{span.kind[0]}{self.sources[span.kind, span.origin]}"


def spans(section: Section) -> Iterator[Span]:
    """Everything that is said in a section, in its order."""
    for block in section.blocks:
        match block:
            case Paragraph():
                yield from block.spans
            case Bullets():
                yield from (span for item in block.items for span in item)
            case Table():
                yield from (cell for row in block.rows for cell in row)
            case Origins():
                yield from (name for entry in block.entries for name in entry)
            case Picture():
                pass


def _labels(section: Section) -> Iterator[str | Name]:
    """What is written in a section besides its spans: its title, captions, headings and words of pictures."""
    yield section.title
    for block in section.blocks:
        match block:
            case Table():
                yield block.caption
                yield from block.headings
            case Picture():
                yield block.words
            case Origins():
                yield block.caption
            case _:
                pass


def refuse_untagged(sections: tuple[Section, ...], named: Any) -> None:
    """Raise UntaggedNumberError for a number that is neither a Figure nor in a Said, wherever it is written.

    Prose holds no digit at all. A Name may hold those that stand in a text of `named`, which others wrote: anything but
    the sentences of a result. The origins of tags are texts of their own.
    """
    known = {word for text in _texts(named) for word in text.split()}
    for section in sections:
        entries = (name for block in section.blocks if isinstance(block, Origins) for e in block.entries for name in e)
        origins = {id(name) for name in entries}
        for span in (*_labels(section), *spans(section)):
            if isinstance(span, str) and _DIGIT.search(_PERCENTILE.sub("", span)):
                raise UntaggedNumberError(f'A number stands in the prose without a kind and an origin: "{span}".')
            if isinstance(span, Name) and id(span) not in origins:
                for word in span.text.split():
                    if _DIGIT.search(word) and word not in known and word.rstrip(",;") not in known:
                        raise UntaggedNumberError(
                            f'A number stands in a name without a kind and an origin: "{span.text}".'
                        )


def _texts(thing: Any) -> Iterator[str]:
    """Every text in a result that is a name, a date, a hash or a key, and not a sentence or a part of a figure."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Figure | Series):
        return
    elif is_dataclass(thing) and not isinstance(thing, type):
        for each in fields(thing):
            if each.name not in _SENTENCES:
                yield from _texts(getattr(thing, each.name))
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(thing, tuple | list):
        for value in thing:
            yield from _texts(value)


def once_a_row(section: Section) -> Section:
    """The section with every reason why something is unknown said once in a row of its tables; then it refers there."""
    return replace(
        section,
        blocks=tuple(
            replace(block, rows=tuple(tuple(_once(row)) for row in block.rows)) if isinstance(block, Table) else block
            for block in section.blocks
        ),
    )


def _once(row: tuple[Span, ...]) -> Iterator[Span]:
    said: set[str] = set()
    for cell in row:
        reason = cell.reason if isinstance(cell, Figure) and cell.value is None else None
        yield SAID_BEFORE if reason in said else cell
        if reason is not None:
            said.add(reason)


def words(figure: Figure) -> str:
    """A figure as people read it: with its unit, its interval and n; or that it is unknown, and why."""
    if figure.value is None:
        return f"unknown: {figure.reason}"
    value = float(figure.value)
    if figure.low is None or figure.high is None:
        text = _with_unit(_bare(value, figure.unit), figure.unit)
    else:
        shown, low, high = _alike((value, float(figure.low), float(figure.high)), figure.unit)
        text = f"{_with_unit(shown, figure.unit)} ({low} to {high})"
    return f"{text}, n = {figure.n}" if figure.n is not None else text


def named(option: OptionResult) -> Name:
    """An option as a reader knows it."""
    return Name(option.label or option.name)


def unitless(figure: Figure) -> Figure:
    """A figure for a column whose heading names the unit."""
    return replace(figure, unit="")


def in_a_sentence(label: str) -> str:
    """A label as it stands within a sentence: without its capital, unless that begins an abbreviation."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _with_unit(bare: str, unit: str) -> str:
    if unit in ("", "share"):
        return bare
    return f"{bare} a year" if unit == "share/year" else f"{bare} {unit}"


def _bare(value: float, unit: str) -> str:
    if unit in ("share", "share/year"):
        return f"{value:.1%}".replace("%", " %")
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 1 or size < 1e-12:
        return f"{value:,.2f}".rstrip("0").rstrip(".") or "0"
    return f"{value:.3g}"


def _alike(values: tuple[float, ...], unit: str) -> tuple[str, ...]:
    """A value and its bounds, all with the decimals that suit the largest of them; none where all are whole."""
    size = max(map(abs, values))
    if unit in ("share", "share/year") or size < 1:
        return tuple(_bare(value, unit) for value in values)
    decimals = 0 if size >= 1000 else 1 if size >= 100 else 2
    needed = max(len(f"{value:.{decimals}f}".rstrip("0").partition(".")[2]) for value in values) if decimals else 0
    return tuple(f"{value:,.{needed}f}" for value in values)
