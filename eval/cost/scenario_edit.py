"""A scenario with other assumptions, by their paths such as `workload.burst`, or with other options.

Whatever comes out is checked like a scenario that was read.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from eval.cost.faults import Fault, from_pydantic
from eval.cost.scenario import Scenario
from eval.cost.scenario_file import ScenarioError


def edited(scenario: Scenario, changes: Mapping[str, Mapping[str, Any]]) -> Scenario:
    """The scenario in which the assumption at each path has the given fields (value, low, high, kind, source).

    A range of which both ends are taken away is a fixed value; one that gets both ends is triangular. Raises
    ScenarioError with every fault, and KeyError for a path that is none.
    """
    body = _body(scenario)
    for path, fields in changes.items():
        held = _at(body, path)
        held |= fields
        ends = [name for name in ("low", "high") if held.get(name) is not None]
        if not ends:
            held["shape"] = "fixed"
        elif len(ends) == 2 and held.get("shape") == "fixed":
            held["shape"] = "triangular"
    return _checked(body)


def with_option(scenario: Scenario, name: str, option: Mapping[str, Any]) -> Scenario:
    """The scenario with an option of this name, new or in place of the one there is. Raises ScenarioError."""
    body = _body(scenario)
    return _checked(body | {"options": body["options"] | {name: dict(option)}})


def without_option(scenario: Scenario, name: str) -> Scenario:
    """The scenario without an option. Raises ScenarioError for the last one and for the one others are held against."""
    if name == scenario.baseline:
        problem = f'"{name}" is what the others are held against'
        raise ScenarioError(scenario.name, "a scenario", [Fault("baseline", problem, "choose another one first")])
    body = _body(scenario)
    return _checked(body | {"options": {key: held for key, held in body["options"].items() if key != name}})


def with_baseline(scenario: Scenario, name: str) -> Scenario:
    """The scenario whose options are held against this one. Raises ScenarioError for a name that is no option."""
    return _checked(_body(scenario) | {"baseline": name})


def _body(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(mode="json", exclude_none=True)


def _checked(body: Mapping[str, Any]) -> Scenario:
    try:
        return Scenario.model_validate(body)
    except ValidationError as error:
        raise ScenarioError(str(body["name"]), "a scenario", from_pydantic(error, Scenario)) from error


def _at(body: dict[str, Any], path: str) -> dict[str, Any]:
    """The assumption at a path; a name within it may hold dots itself."""
    for key, inner in body.items():
        if isinstance(inner, dict):
            if path == key and "value" in inner:
                return inner
            if path.startswith(f"{key}."):
                try:
                    return _at(inner, path[len(key) + 1 :])
                except KeyError:
                    continue
    raise KeyError(path)
