"""Faults of files that people write: where each lies, what is wrong, and what would be right.

Shared by price cards and scenarios. Turns pydantic's errors into such sentences, with a guess at what was meant; the
words for a value that does not fit are those of every TOML file (toml_file.py).
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from eval.expected import ExpectedError
from eval.qa_set import printable

MAX_FAULTS = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: a place such as `workload.burst` or `line 7, input`, the problem and the remedy."""

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}" if self.where else f"{self.problem}; {self.remedy}"


class FaultyFileError(ExpectedError, ValueError):
    """A file cannot be used; `faults` says why, one by one."""

    def __init__(self, name: str, what: str, faults: Iterable[Fault]) -> None:
        every = list(faults)
        self.name = name
        self.faults = every[:MAX_FAULTS]
        if len(every) > MAX_FAULTS:
            rest = f"{len(every) - MAX_FAULTS} more faults not listed"
            self.faults.append(Fault("", rest, "repair these first"))
        super().__init__(f"{printable(name)} is not {what}:\n" + "\n".join(f"- {fault}" for fault in self.faults))


def invalid(problem: str, remedy: str) -> NoReturn:
    """Say from within a validator what is wrong and what would be right."""
    raise PydanticCustomError("cost", "{problem}; {remedy}", {"problem": problem, "remedy": remedy})


def invalid_at(faults: Iterable[Fault]) -> None:
    """Say from within a validator what is wrong at several places; nothing where nothing is."""
    found = [(fault.where, fault.problem, fault.remedy) for fault in faults]
    if found:
        text = "; ".join(str(Fault(*fault)) for fault in found)
        raise PydanticCustomError("cost_places", "{text}", {"text": text, "faults": found})


def shown(value: object) -> str:
    """A value as it is written in the file, on one line and not too long."""
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    short = text if len(text) <= 60 else text[:60] + "..."
    return printable(json.dumps(short, ensure_ascii=False)) if isinstance(value, str) else printable(short)


def guess(name: str, known: Iterable[str]) -> str:
    """What would be right instead of an unknown name: the nearest one, else the list."""
    choices = list(known)
    near = get_close_matches(name.lower(), [c.lower() for c in choices], n=1)
    if near:
        return f"did you mean {next(c for c in choices if c.lower() == near[0])}?"
    return f"known are {', '.join(choices)}" if choices else "none is known"


def from_pydantic(error: ValidationError, model: type[BaseModel], place: str = "") -> list[Fault]:
    """The faults a model found, each with its path below `place`."""
    faults: list[Fault] = []
    for details in error.errors(include_url=False):
        if details["type"] == "cost_places":
            faults += [Fault(*fault) for fault in details.get("ctx", {})["faults"]]
        else:
            faults.append(_fault(details, model, place))
    return faults


def _fault(details: ErrorDetails, model: type[BaseModel], place: str) -> Fault:
    parts, _ = _walk(model, details["loc"])
    path = ".".join(parts)
    where = f"{place}, {path}" if place and path else place or path or "the file"
    return Fault(printable(where), *_sentence(details, model))


def _sentence(details: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    match details["type"]:
        case "extra_forbidden":
            known = [name for m in _walk(model, details["loc"][:-1])[1] for name in m.model_fields]
            remedy = guess(str(details["loc"][-1]), dict.fromkeys(known))
            return "this is not known", remedy if remedy.startswith("did") else f"remove it; {remedy}"
        case "union_tag_not_found":
            tags = [tag for m in _walk(model, details["loc"])[1] if (tag := _tag(m))]
            return "the kind is missing", f'write kind = "...", one of {", ".join(tags)}'
        case _:
            return in_words(details)


def in_words(details: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value and what would be right; the latter is empty where a validator left it open."""
    kind, context, value = details["type"], details.get("ctx", {}), shown(details["input"])
    match kind:
        case "cost" | "said":
            return context["problem"], context["remedy"]
        case "missing":
            return "it is missing", "write it"
        case "greater_than" | "greater_than_equal":
            least, word = context.get("gt", context.get("ge")), "above" if kind == "greater_than" else "at least"
            return f"{value} is too small", f"it has to be {word} {least:g}"
        case "less_than" | "less_than_equal":
            most, word = context.get("lt", context.get("le")), "below" if kind == "less_than" else "at most"
            return f"{value} is too large", f"it has to be {word} {most:g}"
        case "literal_error" | "enum":
            meant = get_close_matches(str(details["input"]).lower(), re.findall("'([^']*)'", context["expected"]), n=1)
            return f"{value} is not known", f'did you mean "{meant[0]}"?' if meant else f"use {context['expected']}"
        case "union_tag_invalid":
            return f"{shown(context['tag'])} is not a kind", f"use {context['expected_tags']}"
        case "finite_number":
            return f"{value} is not a number to calculate with", "write a finite number"
        case "string_too_long":
            most = context["max_length"]
            return f"it has {len(details['input'])} characters", f"it may have at most {most}"
        case "too_short" | "string_too_short":
            return "it is empty", "write at least one" if kind == "too_short" else "write a text"
        case "value_error":
            problem, _, remedy = details["msg"].removeprefix("Value error, ").partition("; ")
            return problem, remedy
        case _ if kind.startswith("int"):
            return f"{value} is not a whole number", "write one such as 36"
        case _ if kind.startswith(("float", "decimal")):
            comma = re.fullmatch(r'"\d+,\d+"', value)
            return f"{value} is not a number", "write a point, like 0.15" if comma else "write a number, without a unit"
        case _ if kind.startswith("bool"):
            return f"{value} is neither yes nor no", "write true or false"
        case _ if kind.startswith("string"):
            return f"{value} is not a text", "write a text in quotes"
        case _ if kind.startswith(("model", "dict", "dataclass")):
            return f"{value} is not a table", "write a table with keys"
        case _ if kind.startswith(("tuple", "list")):
            return f"{value} is not a list", "write a list in square brackets"
        case _:
            return f"{value} is not valid", re.sub(r"^(Value|Assertion) (error|failed), ", "", details["msg"])


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[list[str], list[type[BaseModel]]]:
    """The place as a person names it, without the tags of unions, and the models that may stand there."""
    at: Any = model
    kept: list[str] = []
    for part in loc:
        at = _bare(at)
        inner = get_args(at)
        if get_origin(at) is dict:
            at = inner[1]
        elif get_origin(at) in (tuple, list):
            at = inner[0]
        elif isinstance(at, type) and issubclass(at, BaseModel):
            at = at.model_fields[str(part)].annotation if part in at.model_fields else None
        elif tagged := [m for m in inner if _tag(m) == part]:
            at = tagged[0]
            continue
        kept.append(str(part))
    at = _bare(at)
    return kept, [m for m in (at, *get_args(at)) if isinstance(m, type) and issubclass(m, BaseModel)]


def _bare(annotation: Any) -> Any:
    """An annotation without Annotated and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    choices = [a for a in get_args(annotation) if a is not type(None)]
    if get_origin(annotation) in (Union, UnionType) and len(choices) == 1:
        return _bare(choices[0])
    return annotation


def _tag(model: Any) -> str | None:
    """The word that tells a member of a union from the others."""
    info = model.model_fields.get("kind") if isinstance(model, type) and issubclass(model, BaseModel) else None
    values = get_args(info.annotation) if info is not None and get_origin(info.annotation) is Literal else ()
    return values[0] if len(values) == 1 else None
