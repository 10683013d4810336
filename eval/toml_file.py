"""A TOML file that people write: read, and every fault named by line and key with what would be right.

Pure. What the keys mean is the business of the models it is read into: config.py's configuration, rubric.py's rubric.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from eval.cost.faults import in_words
from eval.faults import Fault, UndecodableError, decoded, fields_at, printable, unknown

MAX_BYTES = 1_000_000
SAID = ("said", "value_error")  # by validators of our own, which know best what would be right
_MANY_LINES = re.compile(r"""(\"{3}|'{3}).*?(?<!\\)\1""", re.DOTALL)
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_PAIR = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")

Loc = tuple[int | str, ...]


class TomlError(ValueError):
    """A file cannot be read as TOML; the text says why."""


class Lines:
    """On which line each key and each table of a TOML text stands."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Loc, int] = {}
        table: Loc = ()
        tables: Counter[Loc] = Counter()
        for number, line in enumerate(_MANY_LINES.sub(_only_line_ends, text).splitlines(), start=1):
            if header := _HEADER.match(line):
                *above, last = _keys(header[2])
                table = ()
                for key in above:
                    table = _newest((*table, key), tables)
                table = (*table, last)
                if header[1] == "[[":
                    self._lines.setdefault(table, number)
                    tables[table] += 1
                    table = _newest(table, tables)
                self._lines.setdefault(table, number)
            elif pair := _PAIR.match(line):
                self._lines.setdefault((*table, *_keys(pair[1])), number)

    def of(self, loc: Sequence[int | str]) -> int | None:
        """The line of a key, or of the table where it should stand; None where neither is found."""
        return next((line for n in range(len(loc), 0, -1) if (line := self._lines.get(tuple(loc[:n])))), None)

    def fault(self, loc: Sequence[int | str], problem: str, remedy: str) -> Fault:
        """A fault of a key; entries of lists are counted from #1."""
        where = ".".join(f"#{part + 1}" if isinstance(part, int) else printable(str(part)) for part in loc)
        return Fault(self.of(loc), where or None, problem, remedy)


def _newest(table: Loc, tables: Counter[Loc]) -> Loc:
    """The table, or of a list of tables the last so far."""
    return (*table, tables[table] - 1) if table in tables else table


def _only_line_ends(match: re.Match[str]) -> str:
    return '""' + "\n" * match[0].count("\n")


def _keys(dotted: str) -> Loc:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, dotted))


def read(path: Path, what: str, if_missing: str = "check the name and the folder") -> tuple[dict[str, Any], Lines]:
    """The content of a TOML file that should hold a `what`, and the lines of its keys.

    Raises TomlError with a sentence; that of a missing file ends with what to do.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TomlError(f"{path} is larger than 1 MB; that is no {what}.")
        text = decoded(path.read_bytes())
    except FileNotFoundError:
        raise TomlError(f"There is no file {path} with a {what}; {if_missing}.") from None
    except OSError as error:
        raise TomlError(f"{path} cannot be read: {error.strerror}.") from error
    except UndecodableError as error:
        raise TomlError(f"{path}, {error.fault}.") from error
    try:
        return tomllib.loads(text), Lines(text)
    except (ValueError, RecursionError) as error:  # also a number too long, lists nested too deep
        raise TomlError(f"{path} is not valid TOML: {error}.") from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that ends a sentence about an unknown name, or nothing where no known one is near."""
    near = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def faults_in(error: ValidationError, kind: type[BaseModel] | None = None, lines: Lines | None = None) -> list[Fault]:
    """Every fault a model found, with the key where it lies, and its line where the text's lines are given.

    With the model itself, unknown keys get those that were perhaps meant, and other faults what the field describes
    as right.
    """
    at = lines or Lines("")
    found: list[Fault] = []
    for details in error.errors(include_url=False):
        loc = [part for part in details["loc"] if not str(part).startswith(("function-", "[key]"))]
        fields = fields_at(kind, loc[:-1])
        if details["type"] == "extra_forbidden":
            said = unknown(str(loc[-1]), tuple(fields))
        else:
            problem, remedy = in_words(details)
            is_sure = remedy and (details["type"] in SAID or remedy.startswith("did you mean"))
            right = fields.get(str(loc[-1])) if loc and not is_sure else None
            said = (problem, f"write {right}" if right else remedy)
        found.append(at.fault(loc, *said))
    return found
