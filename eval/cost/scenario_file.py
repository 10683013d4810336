"""Reads and writes scenarios as TOML, for teams that keep them in git; names every fault of a file.

Writing spells every field out, defaults too, such that reading it again gives the same scenario.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from eval.cost.faults import Fault, FaultyFileError, from_pydantic
from eval.cost.fields import Strict
from eval.cost.scenario import PARTS, Option, Scenario, unknown_names

MAX_BYTES = 500_000


class ScenarioError(FaultyFileError):
    """A file is not a scenario; `faults` says why."""


@cache
def demo() -> Scenario:
    """The scenario the demo opens with; its targets are the simulated ones of eval.demo."""
    text = files("eval").joinpath("data/scenario_demo.toml").read_text(encoding="utf-8")
    return parse(text, "eval/data/scenario_demo.toml")


def load(path: Path) -> Scenario:
    """Read a scenario from a TOML file; raises ScenarioError with every fault."""

    def refuse(problem: str, remedy: str) -> NoReturn:
        raise ScenarioError(str(path), "a scenario", [Fault("", problem, remedy)])

    try:
        if path.stat().st_size > MAX_BYTES:
            refuse(f"the file is larger than {MAX_BYTES // 1000} kB", "name a scenario")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        refuse("there is no such file", "check the name and the folder")
    except UnicodeDecodeError:
        refuse("the file is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        refuse(f"the file cannot be read ({error.strerror})", "check the name and your rights")
    return parse(text, str(path))


def parse(text: str, name: str = "the text") -> Scenario:
    """Read a scenario from TOML; raises ScenarioError with every fault, each with its key."""
    if len(text) > MAX_BYTES:
        fault = Fault("", f"it is longer than {MAX_BYTES:,} characters", "name a scenario")
        raise ScenarioError(name, "a scenario", [fault])
    data: dict[str, Any] = {}
    try:
        data = tomllib.loads(text)
        return Scenario.model_validate(data)
    except ValidationError as error:
        faults = from_pydantic(error, Scenario)
        seen = {fault.where for fault in faults}
        unseen = [*_of_no_kind(data), *_unknown_names(data)]  # where a kind or a field is faulty
        faults += [fault for fault in unseen if fault.where not in seen]
        raise ScenarioError(name, "a scenario", faults) from error
    except (ValueError, RecursionError) as error:  # also a number too long, tables nested too deep
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else f"it is not TOML ({error})"
        raise ScenarioError(name, "a scenario", [Fault("", problem, "correct it there")]) from error


def _of_no_kind(data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with options whose kind is missing or unknown, as far as it would be with every kind."""
    options = data.get("options")
    if not isinstance(options, dict):
        return
    kinds = [get_args(kind.model_fields["kind"].annotation)[0] for kind in _kinds()]
    lost = {
        name: {key: value for key, value in option.items() if key != "kind"}
        for name, option in options.items()
        if isinstance(option, dict) and option.get("kind") not in kinds
    }
    try:
        _any_kind().model_validate({"options": lost})
    except ValidationError as error:
        yield from from_pydantic(error, _any_kind())


def _kinds() -> tuple[type[BaseModel], ...]:
    union, *_ = get_args(Option)
    return get_args(union)


@cache
def _any_kind() -> type[BaseModel]:
    """Options with the fields of all kinds, none of which has to be there."""
    fields: dict[str, Any] = {}
    for kind in _kinds():
        for name, annotation in get_type_hints(kind, include_extras=True).items():
            if name in kind.model_fields and name != "kind":
                fields.setdefault(name, (annotation, None))
    option = create_model("AnyOption", __base__=Strict, **fields)
    return create_model("AnyOptions", options=(dict[str, option], ...))  # pyright: ignore[reportInvalidTypeForm]


def _unknown_names(data: Mapping[str, Any]) -> Iterator[Fault]:
    """The names that nothing in the file has, as far as its tables are tables."""
    options, hardware = data.get("options"), data.get("hardware", {})
    if not options or not isinstance(options, dict) or not isinstance(hardware, dict):
        return
    named: dict[str, list[tuple[str, Any]]] = {}
    for name, option in options.items():
        tables = {"": option} | {f"{key}.": option.get(key) for key in PARTS} if isinstance(option, dict) else {}
        named[name] = [
            (f"{at}hardware", table["hardware"])
            for at, table in tables.items()
            if isinstance(table, dict) and "hardware" in table
        ]
    yield from unknown_names(data.get("baseline"), named, list(hardware))


def dump(scenario: Scenario) -> str:
    """A scenario as TOML, such that `parse` gives the same scenario."""
    return "\n".join(_lines(scenario.model_dump(mode="json", exclude_none=True), ())).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Plain keys first, then the tables below, each under its header; an assumption stays on one line."""
    table = dict(sorted(table.items(), key=lambda item: item[0] != "kind"))  # it says what the other keys mean
    inner = {k: v for k, v in table.items() if isinstance(v, dict) and not _is_assumption(v) and not _is_flat(v)}
    plain = {k: v for k, v in table.items() if k not in inner and v != {}}
    if path and plain:
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        if value:
            yield from _lines(value, (*path, key))


def _is_assumption(value: Mapping[str, Any]) -> bool:
    return {"value", "shape", "kind"} <= value.keys()


def _is_flat(value: Mapping[str, Any]) -> bool:
    """Small tables without tables in them, such as floors and prices, read better on one line."""
    return bool(value) and len(value) <= 3 and not any(isinstance(v, dict | list) for v in value.values())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        shown = {k: v for k, v in value.items() if not (_is_assumption(value) and _goes_without(k, v))}
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in shown.items()) + " }"
    return repr(value)


def _goes_without(key: str, value: Any) -> bool:
    return (key, value) in (("shape", "fixed"), ("source", ""))


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, but that it has to escape DEL too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)
