"""The table of a scenario's assumptions on the TCO page: what is edited there is in the result at once."""

from collections.abc import Iterable

import streamlit as st

from dashboard import assumption_cells, draft, number_cell, tco_tables, widgets
from dashboard.format import to_csv

LETTER_PX, MOST_PX = 5.8, 600  # the width of a letter in a cell, and of the widest column
VALUE_PX = 100  # ahead of the name, so that on a telephone both are seen: the name alone is wider than it
RANGE = f"A range needs both its ends. {number_cell.HELP}"


def show() -> None:
    """The table; an edit that cannot be applied stays in its cell, and the draft says what is wrong with it."""
    if draft.begun().editor not in st.session_state:  # the table was left, with the page or for another part of it
        draft.close_table()
    now = draft.begun()
    filled = assumption_cells.table_of(now.filled, now.carried)
    table = st.data_editor(
        filled,
        key=now.editor,
        hide_index=True,
        disabled=["label", "unit", "path"],
        height="content",
        placeholder="no range",
        alt="Assumptions of the scenario, to edit",
        column_order=["value", "label", "unit", "low", "high", "kind", "source", "path"],
        column_config={
            "value": st.column_config.TextColumn(
                "Value", pinned=True, width=VALUE_PX, alignment="right", help=number_cell.HELP
            ),
            "label": st.column_config.TextColumn("Assumption", pinned=True, width=_width(filled["label"])),
            "low": st.column_config.TextColumn("Low", alignment="right", help=RANGE),
            "high": st.column_config.TextColumn("High", alignment="right", help=RANGE),
            "unit": st.column_config.TextColumn("Unit", help="A share is a part of one: 0.2 is 20 %."),
            "kind": st.column_config.SelectboxColumn("Kind", options=list(tco_tables.KINDS), required=True),
            "source": st.column_config.TextColumn("Source", help="Where the number comes from."),
            "path": st.column_config.TextColumn("Key", help="Its name in a scenario's file."),
        },
    )
    draft.follow(assumption_cells.applied(table, now.filled))
    widgets.csv_button(lambda: to_csv(tco_tables.assumptions_frame(draft.current())), "assumptions")


def _width(texts: Iterable[str]) -> int:
    """Pixels of a column in which no text is cut, up to MOST_PX; left to itself the grid cuts names that differ in
    their ends.
    """
    return min(MOST_PX, int(LETTER_PX * max((len(text) for text in texts), default=20)) + 20)
