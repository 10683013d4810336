"""A record as it was read becomes a model, or faults: each with its field, what is wrong, and what would be right."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eval.faults import Faults, field_path, fields_at, shown, unknown

_M = TypeVar("_M", bound=BaseModel)
_SYNONYMS = {"answer": "text", "output": "text", "score": "scores", "judge": "rater", "qaset": "qa_set"}
_WRONG = {  # by the start of pydantic's name for the error
    "string": "is not a text",
    "int": "is not a whole number",
    "float": "is not a number",
    "finite": "is not a finite number",
    "bool": "is not true or false",
    "list": "is not a list",
    "tuple": "is not a list",
    "dict": "is not an object",
    "model": "is not an object",
    "enum": "is not known",
    "literal": "is not known",
    "greater": "is out of range",
    "less": "is out of range",
}


def checked(raw: Any, kind: type[_M], where: int | str | None, faults: Faults) -> _M | None:
    """The record as a model; None if it has faults, which are added."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _add(details, kind, where, faults)
        return None


def _add(details: ErrorDetails, kind: type[BaseModel], where: int | str | None, faults: Faults) -> None:
    fault, given = details["type"], shown(details["input"])
    loc = tuple(part for part in details["loc"] if not str(part).startswith(("function-", "[key]")))
    fields = fields_at(kind, loc[:-1])
    right = fields.get(str(loc[-1])) if loc else None
    if fault == "said":
        context = details.get("ctx", {})
        problem, remedy = context["problem"], context["remedy"]
    elif fault == "extra_forbidden":
        problem, remedy = unknown(str(loc[-1]), tuple(name for name in fields if name != "record"), _SYNONYMS)
    elif fault == "missing":
        problem, remedy = "it is missing", f"write {right or 'it'}"
    elif fault == "string_unicode":
        problem, remedy = "it holds half of a surrogate pair", "write the character itself, or both halves"
    elif fault == "value_error":
        problem, _, remedy = details["msg"].removeprefix("Value error, ").partition("; ")
        remedy = remedy or (f"write {right}" if right else "correct it")
    else:
        wrong = next((words for start, words in _WRONG.items() if fault.startswith(start)), None)
        problem = f"{given} {wrong}" if wrong else details["msg"]
        remedy = f"write {right}" if right else details["msg"].removeprefix("Input should be ")
    faults.add(where, field_path(loc) or None, problem, remedy)
