"""The scenario in view beside another one on the TCO page: every option on both sides, and what differs."""

import streamlit as st

from dashboard import data, tco_result, tco_tables, widgets
from dashboard.format import plain
from dashboard.keys import Key, from_address, to_address
from dashboard.scenario_choice import choices, find
from eval import stored_scenarios
from eval.cost.comparison import compared
from eval.cost.result import Result
from eval.cost.scenario import Scenario
from eval.cost.scenario_file import ScenarioError


def show(scenario: Scenario, before: Scenario, result: Result) -> None:
    """Choose a second scenario, and see both decisions, the options beside each other and the differing assumptions.

    `before` is the scenario in view as it was before the edits made here.
    """
    here: str = st.session_state[Key.CHOSEN_SCENARIO]
    others = [name for name in choices() if name != here]
    own = f"{here}, without the edits made here"
    if (linked := from_address(Key.COMPARED_WITH)) in [*others, own]:
        st.session_state[Key.COMPARED_BOX] = linked
    chosen = st.selectbox("Compare with", [*others, own], key=Key.COMPARED_BOX, width=480)
    to_address(Key.COMPARED_WITH, chosen)
    try:
        other = before if chosen == own else find(chosen)
    except ScenarioError as error:
        st.error(plain(error))
        return
    there = data.tco(other, stored_scenarios.card_of(other, data.engine()))
    names = (here, f"{here}, as stored" if chosen == own else chosen)
    both = compared(scenario, result, other, there)
    for name, side in zip(names, (result, there), strict=True):
        st.markdown(f"**{plain(name)}:** {plain(side.decision.sentence)}")
    widgets.show_table(
        tco_tables.comparison_frame(both, names),
        "comparison",
        "The options of both scenarios",
        {
            "option": st.column_config.TextColumn("Option", pinned=True),
            "scenario": st.column_config.TextColumn("Scenario"),
            "currency": st.column_config.TextColumn("In"),
            "standing": st.column_config.TextColumn("Standing"),
            "billed": st.column_config.NumberColumn("Total", format="%,.0f"),
            "npv": st.column_config.NumberColumn("NPV, central values", format="%,.0f", help=tco_result.NPV),
            "per_1000": st.column_config.NumberColumn("Per 1,000 answers", format="%,.2f"),
            "cheapest_percent": st.column_config.NumberColumn("Cheapest", format="%.0f %%", help=tco_result.CHEAPEST),
        },
        height="content",
        simulated=any(option.simulated for side in (result, there) for option in side.options),
        placeholder="unknown",
    )
    if not both.differences:
        st.caption("Both state the same.")
        return
    widgets.show_table(
        tco_tables.differences_frame(both),
        "differences",
        "What the two scenarios state otherwise",
        {
            "label": st.column_config.TextColumn("What differs", pinned=True),
            "here": st.column_config.TextColumn(plain(names[0])),
            "there": st.column_config.TextColumn(plain(names[1])),
            "path": st.column_config.TextColumn("Key", help="Its name in a scenario's file."),
        },
        placeholder="not stated",
    )
