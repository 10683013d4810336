"""The table of a scenario's assumptions on the TCO page: what is edited there is in the result at once."""

import streamlit as st

from dashboard import draft, tco_tables, widgets
from dashboard.format import to_csv
from eval.cost.scenario_edit import edited
from eval.cost.scenario_file import ScenarioError


def show() -> list[str]:
    """The table; what is wrong with an edit, and the scenario then stays as it was before it."""
    now = draft.begun()
    table = st.data_editor(
        tco_tables.assumptions_frame(now.filled),
        key=now.editor,
        hide_index=True,
        disabled=["label", "unit", "path"],
        height="content",
        placeholder="no range",
        alt="Assumptions of the scenario, to edit",
        column_order=["label", "value", "unit", "low", "high", "kind", "source", "path"],
        column_config={
            "label": st.column_config.TextColumn("Assumption", pinned=True),
            "value": st.column_config.NumberColumn("Value", format="%,.6g"),
            "low": st.column_config.NumberColumn("Low", format="%,.6g", help="A range needs both its ends."),
            "high": st.column_config.NumberColumn("High", format="%,.6g", help="A range needs both its ends."),
            "unit": st.column_config.TextColumn("Unit", help="A share is a part of one: 0.2 is 20 %."),
            "kind": st.column_config.SelectboxColumn("Kind", options=list(tco_tables.KINDS), required=True),
            "source": st.column_config.TextColumn("Source", help="Where the number comes from."),
            "path": st.column_config.TextColumn("Key", help="Its name in a scenario's file."),
        },
    )
    widgets.csv_button(lambda: to_csv(table), "assumptions")
    try:
        draft.follow(edited(now.filled, tco_tables.changes(table, now.filled)))
    except ScenarioError as error:
        return [str(fault) for fault in error.faults]
    return []
