"""The scenario as it is edited on the TCO page: kept for this window, and stored only by "Save".

Two states of it: the one the table of assumptions was filled from, and the one with the table's edits. Whatever else
changes the scenario begins a new table, so that an edit never lands in another row. Cells that cannot be applied are
kept as they were typed, from one table to the next.
"""

from dataclasses import dataclass, field, replace

import streamlit as st

from dashboard import assumption_cells
from dashboard.assumption_cells import Applied, Cells
from dashboard.keys import Key
from eval.cost.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Draft:
    """`stored` is the scenario as it was when the editing began, `table` numbers the tables begun since.

    `carried` are the faulty cells that the table began with, `faulty` those in it now, `faults` what is wrong there.
    """

    stored: Scenario
    filled: Scenario
    edited: Scenario
    table: int = 0
    carried: Cells = field(default_factory=dict)
    faulty: Cells = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is something to save or to take back."""
        return self.edited != self.stored or bool(self.faulty)

    @property
    def editor(self) -> str:
        """The key of the table of assumptions."""
        return f"{Key.ASSUMPTIONS}_{self.table}" if self.table else Key.ASSUMPTIONS


def begin(stored: Scenario) -> Draft:
    """The draft of this scenario: the one that is there, unless it is of another or has no edits to lose."""
    draft: Draft | None = st.session_state.get(Key.DRAFT)
    if draft is None or draft.stored.name != stored.name or (not draft.changed and draft.stored != stored):
        number = 0 if draft is None else draft.table + 1
        draft = st.session_state[Key.DRAFT] = Draft(stored, stored, stored, number)
    return draft


def begun() -> Draft:
    """The draft that `begin` began."""
    return st.session_state[Key.DRAFT]


def current() -> Scenario:
    """The scenario with all its edits, but for the faulty ones."""
    return begun().edited


def drop() -> None:
    """Forget all edits: what is stored begins a new table."""
    draft: Draft | None = st.session_state.get(Key.DRAFT)
    if draft is not None:
        st.session_state[Key.DRAFT] = Draft(draft.stored, draft.stored, draft.stored, draft.table + 1)


def follow(made: Applied) -> None:
    """Keep what the table of assumptions makes of the scenario."""
    st.session_state[Key.DRAFT] = replace(begun(), edited=made.scenario, faulty=made.faulty, faults=made.faults)


def put(edited: Scenario) -> None:
    """Go on with this scenario, in a new table of assumptions that keeps the faulty cells."""
    draft = begun()
    made = assumption_cells.carried_over(edited, draft.faulty)
    st.session_state[Key.DRAFT] = Draft(
        draft.stored, made.scenario, made.scenario, draft.table + 1, made.faulty, made.faulty, made.faults
    )


def close_table() -> None:
    """Keep the edits of a table that is no longer drawn."""
    draft = begun()
    if draft.edited != draft.filled or draft.faulty != draft.carried:
        put(draft.edited)
