"""What is wrong in a file that people wrote: where, in which field, and what would be right, all of it at once.

Pure. Which fields there are and what they may hold is the business of those who read: qa_set.py, interchange/.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

MAX_FAULTS = 200
_NO_SYNONYMS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Fault:
    """What is wrong in a file, where, and what would be right. A fault of the whole file has no line.

    `place` is said where a file has no lines that count: "result 7", "samples/3.json". The remedy is empty where the
    problem tells it.
    """

    line: int | None
    field: str | None
    problem: str
    remedy: str
    place: str | None = None

    def __str__(self) -> str:
        where = self.place or (f"line {self.line}" if self.line else None)
        place = ", ".join(part for part in (where, self.field) if part)
        said = f"{self.problem}; {self.remedy}" if self.remedy else self.problem
        return f"{place}: {said}" if place else said


@dataclass
class Faults:
    """Collects faults; beyond the limit it only counts, so that a file of junk does not fill the memory."""

    listed: list[Fault] = field(default_factory=list)
    unlisted: int = 0

    def add(self, where: int | str | None, name: str | None, problem: str, remedy: str) -> None:
        """Note a fault; `where` is the number of a line, or another place in words."""
        line, place = (None, where) if isinstance(where, str) else (where, None)
        if len(self.listed) < MAX_FAULTS:
            self.listed.append(Fault(line, name, problem, remedy, place))
        else:
            self.unlisted += 1

    def all(self) -> list[Fault]:
        """Those that are listed, and a last one that says how many are not."""
        if not self.unlisted:
            return self.listed
        more = f"{self.unlisted} more fault{'s' if self.unlisted > 1 else ''} not listed"
        return [*self.listed, Fault(None, None, more, "repair these first")]


class UndecodableError(ValueError):
    """Bytes are not text as UTF-8; `fault` says where, why and what to do."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def decoded(data: bytes, platform: str = sys.platform) -> str:
    """Bytes as text, which has to be UTF-8 without NUL; a byte order mark is taken off. Raises UndecodableError."""

    def convert(encoding: str) -> str:
        example = f", for example with: iconv -f {encoding} -t UTF-8 OLD > NEW" if platform != "win32" else ""
        return f"save it as UTF-8{example}"

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UndecodableError(Fault(1, None, "the file is UTF-16", convert("UTF-16")))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)  # the decoder counts from after the mark
        problem = f"byte {at + 1} of the file (0x{data[at]:02X}) is not UTF-8"
        line = _line_at(data[:at].decode("latin-1"))
        raise UndecodableError(Fault(line, None, problem, convert("WINDOWS-1252"))) from error
    if (nul := text.find("\0")) >= 0:
        problem = f"the file holds {text.count(chr(0)):,} NUL bytes, the first on this line"
        remedy = "remove them; a UTF-16 file has to be saved as UTF-8"
        raise UndecodableError(Fault(_line_at(text[:nul]), None, problem, remedy))
    return text


def _line_at(before: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", before)) + 1


def printable(text: str) -> str:
    """Escape what would break a line or a terminal: control characters, and halves of surrogate pairs."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """The value as JSON writes it, on one line and not too long."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = value if isinstance(value, str) else json.dumps(value)
    short = text if len(text) <= 60 else text[:60] + "..."
    return printable(json.dumps(short, ensure_ascii=False)) if isinstance(value, str) else short


def field_path(loc: tuple[str | int | None, ...]) -> str:
    """The field as in Python, such as documents[0].text; a strange name is quoted, so that it stays on one line."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part is not None:
            path += ("." if path else "") + (part if re.fullmatch(r"[\w-]{1,40}", part) else shown(part))
    return path


def unknown(name: str, known: Sequence[str], synonyms: Mapping[str, str] = _NO_SYNONYMS) -> tuple[str, str]:
    """Problem and remedy for a field that is not known: the nearest one, or all there are."""
    near = get_close_matches(name.lower(), known, n=1)
    best = synonyms.get(name.lower(), near[0] if near else None)
    remedy = f"did you mean {best}?" if best in known else f"remove it; known are {', '.join(known)}"
    return "this field is not known", remedy


def invalid(problem: str, remedy: str) -> NoReturn:
    """Say from within a model's validator what is wrong and what would be right; the error's type is "said"."""
    raise PydanticCustomError("said", "{problem}; {remedy}", {"problem": problem, "remedy": remedy})


def fields_at(kind: Any, loc: Sequence[int | str]) -> dict[str, str | None]:
    """The keys a model knows at a place inside it, each with what it describes as right; none in no model."""
    for part in loc:
        kind = _model_in(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind.model_fields.get(str(part))
            kind = found.annotation if found else None
        else:
            kind = get_args(kind)[-1 if get_origin(kind) is dict else 0] if get_args(kind) else None
    kind = _model_in(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.description for name, field in kind.model_fields.items()}
    return {}


def _model_in(kind: Any) -> Any:
    """What an optional value holds if it is there."""
    options = [option for option in get_args(kind) if option is not type(None)]
    is_optional = get_origin(kind) in (Union, type(int | None)) and len(options) == 1
    return options[0] if is_optional else kind


def parse_json(
    source: str, where: int | str | None, name: str | None, faults: Faults, remedies: tuple[str, str]
) -> tuple[bool, Any]:
    """Whether the text is JSON, and its value. Repeated keys become faults: the parser would keep the last one.

    `remedies` say what would be right where the text is no JSON, and where it is nested too deeply.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            for key, count in Counter(key for key, _ in pairs).items():
                if count > 1:
                    faults.add(where, field_path((name, key)), f"it occurs {count} times in one object", "keep one")
        return record

    def constant(text: str) -> NoReturn:
        raise ValueError(f"{text} is no number in JSON")

    try:
        return True, json.loads(source, object_pairs_hook=unique, parse_constant=constant)
    except json.JSONDecodeError as error:
        problem, remedy = f"it is not JSON ({error.msg} at column {error.colno})", remedies[0]
    except RecursionError:
        problem, remedy = "lists or objects are nested too deeply", remedies[1]
    except ValueError as error:  # a constant, or more digits than Python converts
        problem, remedy = str(error).split(";")[0], "write a number of ordinary size"
    faults.add(where, name, problem, remedy)
    return False, None
