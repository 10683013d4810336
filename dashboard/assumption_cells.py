"""What was typed into the table of assumptions: what of it can be applied is, the rest stays typed and is named.

The numbers are texts (number_cell.py). What a changed row says is tco_tables.changes' business, what a scenario may
be eval.cost's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dashboard import number_cell, tco_tables
from db.frames import records
from eval.cost.faults import Fault
from eval.cost.scenario import Scenario, assumptions
from eval.cost.scenario_edit import edited
from eval.cost.scenario_file import ScenarioError

NUMBERS = ("value", "low", "high")
Cells = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Applied:
    """The scenario with every edit that can be applied; `faulty` cells by path and column, and what is wrong."""

    scenario: Scenario
    faulty: Cells = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def table_of(scenario: Scenario, faulty: Cells) -> pd.DataFrame:
    """The table to edit, numbers as texts; the faulty cells hold what was typed into them."""
    frame = tco_tables.assumptions_frame(scenario)
    for name in NUMBERS:
        cells = [number_cell.text(None if pd.isna(value) else value) for value in frame[name]]
        frame[name] = pd.Series(cells, index=frame.index, dtype="str")
    for index, path in frame["path"].items():
        for name, typed in faulty.get(str(path), {}).items():
            frame.loc[index, name] = typed
    return frame


def carried_over(scenario: Scenario, faulty: Cells) -> Applied:
    """The same faulty cells in a table of another scenario; those of rows that it has not are gone."""
    return applied(table_of(scenario, faulty), scenario)


def applied(table: pd.DataFrame, filled: Scenario) -> Applied:
    """What an edited table makes of the scenario it was filled from."""
    typed = {str(row["path"]): row for row in records(table)}
    numbers, faulty, faults = _read(table, filled)
    made = filled
    waiting = tco_tables.changes(numbers, filled)
    moved = True
    while waiting and moved:  # a change may be right only once another one is made
        moved = False
        for path in list(waiting):
            for fields in _parts(waiting[path]):
                try:
                    made = edited(made, {path: fields})
                except ScenarioError:
                    continue
                moved = True
                waiting[path] = {name: value for name, value in waiting[path].items() if name not in fields}
            if not waiting[path]:
                del waiting[path]
    for path, fields in waiting.items():
        faulty.setdefault(path, {}).update({name: typed[path][name] for name in fields})
        try:
            edited(made, {path: fields})
        except ScenarioError as error:
            faults += [str(fault) for fault in error.faults]
    return Applied(made, faulty, tuple(faults))


def _parts(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A row's changes as a whole; else its numbers, or its kind and source, which stand or fall together."""
    numbers = {name: value for name, value in fields.items() if name in NUMBERS}
    words = {name: value for name, value in fields.items() if name not in NUMBERS}
    yield fields
    if numbers and words:
        yield numbers
        yield words


def _read(table: pd.DataFrame, filled: Scenario) -> tuple[pd.DataFrame, dict[str, dict[str, Any]], list[str]]:
    """The table with numbers for texts; a cell that holds none is named, and has the number it was filled with."""
    given = assumptions(filled)
    faulty: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    columns: dict[str, list[float | None]] = {name: [] for name in NUMBERS}
    for row in records(table):
        path = str(row["path"])
        for name in NUMBERS:
            before = getattr(given[path], name)
            try:
                value = number_cell.number(row[name])
                if value is None and name == "value":
                    raise number_cell.CellError("it is empty")
            except number_cell.CellError as error:
                faulty.setdefault(path, {})[name] = row[name]
                faults.append(str(Fault(f"{path}, {name}", str(error), number_cell.REMEDY)))
                value = before
            columns[name].append(value)
    read = {name: pd.Series(values, index=table.index, dtype="float") for name, values in columns.items()}
    return table.assign(**read), faulty, faults
