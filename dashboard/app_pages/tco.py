"""The total cost of a scenario's options: the decision, what it rests on, the assumptions to edit, and a report."""

import streamlit as st

from dashboard import data, scenario_desk, tco_tables, widgets
from dashboard.format import plain, to_csv
from dashboard.keys import Key
from eval import stored_scenarios
from eval.cost.scenario_edit import edited
from eval.cost.scenario_file import ScenarioError
from eval.report import charts

st.title("TCO")
st.caption("What each option costs over the years, by measured tokens, dated prices and the assumptions below.")
stored = scenario_desk.choose()
card = stored_scenarios.card_of(stored, data.engine())
if stored.question:
    st.markdown(f"*{plain(stored.question)}*")
top = st.container()

st.subheader("Assumptions")
st.caption(
    "Change a value and the result above follows. A range needs both its ends. Nothing is stored until you save."
)
table = st.data_editor(
    tco_tables.assumptions_frame(stored),
    key=Key.ASSUMPTIONS,
    hide_index=True,
    disabled=["path"],
    height=420,
    alt="Assumptions of the scenario, to edit",
    column_config={
        "path": st.column_config.TextColumn("Assumption", pinned=True),
        "value": st.column_config.NumberColumn("Value", format="%,.6g"),
        "low": st.column_config.NumberColumn("Low", format="%,.6g"),
        "high": st.column_config.NumberColumn("High", format="%,.6g"),
        "kind": st.column_config.SelectboxColumn("Kind", options=list(tco_tables.KINDS), required=True),
        "source": st.column_config.TextColumn("Source", help="Where the number comes from."),
    },
)
try:
    scenario = edited(stored, tco_tables.changes(table, stored))
except ScenarioError as error:
    top.error("\n".join(f"- {plain(fault)}" for fault in error.faults))
    scenario = stored
scenario_desk.keep(scenario, stored.name, card)
widgets.csv_button(lambda: to_csv(table), "assumptions")
result = data.tco(scenario, card)

with top:
    if any(option.simulated for option in result.options):
        st.warning(
            "**Simulated data.** What was measured comes from the built-in simulator. Use it to learn the tool, never "
            "to decide.",
            icon=":material/science:",
        )
    if not result.evidence:
        st.info(
            "No finished run of these targets yet: options that need one are blocked. **Start** shows how to begin."
        )
    show = st.success if result.decision.verdict == "decisive" else st.info
    show(plain(result.decision.sentence), icon=":material/account_balance:")
    st.markdown(tco_tables.standing(result))
    widgets.show_table(
        tco_tables.options_frame(result),
        "tco",
        "Cost of the options",
        {
            "option": st.column_config.TextColumn("Option", pinned=True),
            "standing": st.column_config.TextColumn("Standing"),
            "billed": st.column_config.NumberColumn(f"Total ({result.currency})", format="%,.0f"),
            "npv": st.column_config.NumberColumn("NPV", format="%,.0f", help="Net present value of what is billed."),
            "npv_p10": st.column_config.NumberColumn("10th percentile", format="%,.0f", help="NPV over the draws."),
            "npv_p90": st.column_config.NumberColumn("90th percentile", format="%,.0f", help="NPV over the draws."),
            "per_1000": st.column_config.NumberColumn("Per 1,000 answers", format="%,.2f"),
            "per_1000_acceptable": st.column_config.NumberColumn("Per 1,000 acceptable", format="%,.2f"),
            "cheapest": st.column_config.NumberColumn("Cheapest", format="percent", help="Share of the draws."),
        },
        placeholder="unknown",
    )
    tabs = st.tabs(["Over time", "By head", "Against quality", "What moves it", "Break-even"])
    for tab, (key, draw) in zip(tabs, charts.CHARTS.items(), strict=True):
        with tab:
            if (chart := charts.marked(key, result)) is not None:
                widgets.show_chart(chart, key=f"tco_{key}", alt_text=" ".join((draw.__doc__ or key).split()))
            else:
                st.caption("There is nothing to show here: what it needs was not measured, or is blocked.")
    st.caption("  \n".join(plain(found.sentence) for found in [*result.break_even, *result.flips[:5]]))
    scenario_desk.offer_report(result)

if newer := stored_scenarios.changed_since(stored, data.engine()):
    with st.expander(f"There is a newer price card: {plain(newer[0].name)} of {plain(newer[0].date)}"):
        st.markdown("\n".join(f"- {plain(change.sentence)}" for change in newer[1]) or "It has the same prices.")
