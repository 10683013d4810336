"""Frames of a TCO for the page's tables, and the changes that an edited table of assumptions asks for."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.format import plain
from db.frames import records
from eval.cost.comparison import Comparison
from eval.cost.figure import Figure
from eval.cost.result import Result
from eval.cost.scenario import Scenario, assumptions

EDITABLE = ("value", "low", "high", "kind", "source")
_COMPARED = {"billed": "billed_cost", "npv": "npv", "per_1000": "per_1000", "cheapest": "probability_cheapest"}
KINDS = ("assumed", "quoted", "measured", "derived")


def _amount(figure: Figure) -> float | None:
    return None if figure.value is None else float(figure.value)


def options_frame(result: Result) -> pd.DataFrame:
    """A row an option: money with its 10th and 90th percentile, and whether it can be chosen."""
    rows = []
    for option in result.options:
        rows.append(
            {
                "option": option.label or option.name,
                "standing": option.standing,
                "billed": _amount(option.billed_cost),
                "npv": _amount(option.npv),
                "npv_p10": option.npv.low,
                "npv_p90": option.npv.high,
                "per_1000": _amount(option.per_1000),
                "per_1000_acceptable": _amount(option.per_1000_acceptable),
                "cheapest": _amount(option.probability_cheapest),
                "why": " ".join([*option.blocked, *option.out]),
                "simulated": option.simulated,
            }
        )
    frame = pd.DataFrame(rows)
    numbers = [name for name in frame.columns if name not in ("option", "standing", "why", "simulated")]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def acceptable_help(result: Result) -> str:
    """From which score an answer counts as acceptable, and what its cost holds."""
    least = next((e.acceptable_from.value for e in result.evidence if e.acceptable_from.value is not None), None)
    known = "" if least is None else f"Acceptable: every criterion at {float(least):g} or above. "
    return known + "All cost, with the judging that is billed, over the acceptable share of the answers."


def comparison_frame(both: Comparison, names: tuple[str, str]) -> pd.DataFrame:
    """Two rows an option, one a scenario; `names` are the scenarios'. An option that one lacks has no figures there."""
    rows = []
    for name, *sides in both.options:
        known = next(option for option in sides if option is not None)
        for scenario, side, option in zip(names, (both.here, both.there), sides, strict=True):
            figures = (
                dict.fromkeys(_COMPARED, None)
                if option is None
                else {column: _amount(getattr(option, attribute)) for column, attribute in _COMPARED.items()}
            )
            rows.append(
                {
                    "option": known.label or name,
                    "scenario": scenario,
                    "currency": side.currency,
                    "standing": "not in it" if option is None else option.standing,
                    **figures,
                    "simulated": option is not None and option.simulated,
                }
            )
    frame = pd.DataFrame(rows)
    frame[list(_COMPARED)] = frame[list(_COMPARED)].apply(pd.to_numeric)
    return frame


def differences_frame(both: Comparison) -> pd.DataFrame:
    """What two scenarios state otherwise, a row each."""
    rows = [(found.path, found.here, found.there) for found in both.differences]
    return pd.DataFrame(rows, columns=["path", "here", "there"], dtype="str")


def machines_frame(result: Result) -> pd.DataFrame:
    """The machines of each option for the busy hour, and what their throughput rests on."""
    rows = [
        {
            "option": option.label or option.name,
            "hardware": part.hardware,
            "first": _amount(part.machines_first),
            "last": _amount(part.machines_last),
            "places": _amount(part.places),
            "utilisation": _amount(part.utilisation),
            "wait": _amount(part.p95_wait),
            "throughput": part.basis,
            "simulated": option.simulated,
        }
        for option in result.options
        for part in option.capacity
    ]
    return pd.DataFrame(rows)


def assumptions_frame(scenario: Scenario) -> pd.DataFrame:
    """Every assumption of a scenario to edit, by its path."""
    rows = [
        {"path": path, "value": a.value, "low": a.low, "high": a.high, "kind": a.kind, "source": a.source}
        for path, a in assumptions(scenario).items()
    ]
    frame = pd.DataFrame(rows, columns=["path", *EDITABLE])
    frame[["value", "low", "high"]] = frame[["value", "low", "high"]].apply(pd.to_numeric)
    return frame


def changes(edited_frame: pd.DataFrame, scenario: Scenario) -> dict[str, dict[str, Any]]:
    """The fields that an edited table says otherwise than the scenario, by path; an emptied value stays as it was."""
    given = assumptions(scenario)
    found: dict[str, dict[str, Any]] = {}
    for row in records(edited_frame):
        before = given[str(row["path"])]
        fields = {name: row[name] for name in EDITABLE if row[name] != getattr(before, name)}
        if fields.get("value", 0) is None:
            fields.pop("value")
        if "source" in fields:
            fields["source"] = fields["source"] or ""
        if fields:
            found[str(row["path"])] = fields
    return found


def standing(result: Result) -> str:
    """Why options are out or blocked, and what to hesitate at, as a Markdown list."""
    labels: Mapping[str, str] = {o.name: plain(o.label or o.name) for o in result.options}
    said = [
        f"- **{labels[option.name]}** {word}: {plain(' '.join(reasons))}"
        for option in result.options
        for word, reasons in (("cannot be computed", option.blocked), ("is out", option.out))
        if reasons
    ]
    said += [f"- {plain(sentence)}" for sentence in (*result.decision.caveats, *result.warnings)]
    return "\n".join(said)
