"""A TOML file that people write: read, and every fault named by its key with what would be right.

Pure. What the keys mean is the business of the models it is read into: plan.py's configuration, rubric.py's rubric.
"""

import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from eval.faults import fields_at

MAX_BYTES = 1_000_000
PLAIN = {  # what a model says in Python's words
    "missing": "it is missing",
    "dict_type": "it is not a table",
    "model_type": "it is not a table",
    "string_type": "it is not a text in quotes",
    "list_type": "it is not a list",
    "tuple_type": "it is not a list",
}


class TomlError(ValueError):
    """A file cannot be read as TOML; the text says why."""


def read(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file that should hold a `what`. Raises FileNotFoundError, or TomlError with a sentence."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TomlError(f"{path} is larger than 1 MB; that is no {what}.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise TomlError(f"{path} cannot be read as UTF-8 text: {error}.") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number too long, lists nested too deep
        raise TomlError(f"{path} is not valid TOML: {error}.") from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that ends a sentence about an unknown name, or nothing where no known one is near."""
    near = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def faults_in(error: ValidationError, kind: type[BaseModel] | None = None) -> list[str]:
    """Every fault a model found, one sentence each, with the key where it lies; list entries are counted from #1.

    With the model itself, unknown keys get those that were perhaps meant, and other faults what the field describes
    as right.
    """
    lines: list[str] = []
    for fault in error.errors():
        loc = [part for part in fault["loc"] if not str(part).startswith(("function-", "[key]"))]
        where = ".".join(f"#{part + 1}" if isinstance(part, int) else str(part) for part in loc) or "the file"
        lines.append(f"{where}: {_said(fault['type'], fault['msg'], loc, kind)}")
    return lines


def _said(fault: str, message: str, loc: Sequence[int | str], kind: type[BaseModel] | None) -> str:
    fields = fields_at(kind, loc[:-1])
    if fault == "extra_forbidden":
        guess = did_you_mean(str(loc[-1]), fields)
        known = f" (known: {', '.join(fields)})" if fields else ""
        return f"unknown key{guess}" if guess else f"unknown key; remove it{known}"
    message = PLAIN.get(fault, message.removeprefix("Value error, "))
    right = fields.get(str(loc[-1])) if loc else None
    return f"{message}; write {right}" if right and ";" not in message else message
