"""Frames of a TCO for the page's tables, and the changes that an edited table of assumptions asks for."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.format import plain
from db.frames import records
from eval.cost.figure import Figure
from eval.cost.result import Result
from eval.cost.scenario import Scenario, assumptions

EDITABLE = ("value", "low", "high", "kind", "source")
KINDS = ("assumed", "quoted", "measured", "derived")


def _amount(figure: Figure) -> float | None:
    return None if figure.value is None else float(figure.value)


def options_frame(result: Result) -> pd.DataFrame:
    """A row an option: money with its 10th and 90th percentile, and whether it can be chosen."""
    rows = []
    for option in result.options:
        standing = "blocked" if option.blocked else "out" if option.out else "meets everything"
        rows.append(
            {
                "option": option.label or option.name,
                "standing": standing,
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
