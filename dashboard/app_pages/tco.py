"""The total cost of a scenario's options: the decision, what it rests on, all of it to edit, and a report."""

import streamlit as st

from dashboard import assumption_desk, data, draft, option_desk, price_desk, scenario_desk, tco_comparison, tco_result
from dashboard.format import plain
from dashboard.keys import Key
from eval import stored_scenarios

ASSUMPTIONS, OPTIONS, PRICES, COMPARE = "Assumptions", "Options", "Prices", "Compare"

st.title("TCO")
st.caption("What each option costs over the years, by measured tokens, dated prices and the assumptions below.")
stored = scenario_desk.choose()
draft.begin(stored)
if stored.question:
    st.markdown(f"*{plain(stored.question)}*")
top = st.container()

st.subheader("What it rests on")
st.caption("Change something and the result above follows. Nothing is stored until you save.")
buttons = st.container()
assumptions, options, prices, compare = st.tabs(
    [ASSUMPTIONS, OPTIONS, PRICES, COMPARE], key=Key.TCO_PART, on_change="rerun", bind="query-params"
)
if assumptions.open:
    with assumptions:
        assumption_desk.show()
else:
    draft.close_table()
scenario, faults = draft.current(), draft.begun().faults
card = stored_scenarios.card_of(scenario, data.engine())
result = data.tco(scenario, card)
with buttons:
    scenario_desk.keep(scenario, card)

with top:
    if faults:
        st.error("The result is without the faulty entries:\n" + "\n".join(f"- {plain(fault)}" for fault in faults))
    tco_result.show(result)
    if tco_result.computed(result):
        scenario_desk.offer_report(result)
    price_desk.offer_newer(scenario)
if options.open:
    with options:
        option_desk.show(scenario, card, result)
if prices.open:
    with prices:
        price_desk.show(scenario, card)
if compare.open:
    with compare:
        tco_comparison.show(scenario, stored, result)
