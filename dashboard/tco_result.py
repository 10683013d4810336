"""The result of a scenario on the TCO page: decision, table of the options, charts and machines.

Only the chart that is looked at is drawn, and changing it redraws nothing else.
"""

import altair as alt
import streamlit as st

from dashboard import data, tco_tables, widgets
from dashboard.format import plain
from dashboard.keys import Key
from eval.cost.decision import RULE
from eval.cost.result import BY_JUDGE, CENTRAL, MEDIAN, Result
from eval.report import charts

TABS = {
    "Over time": ("cumulative",),
    "By head": ("heads",),
    "Against quality": ("quality",),
    "What moves it": ("tornado",),
    "Break-even": ("volume", "break_even"),
}
NPV = "Net present value: what is billed over the horizon, a later payment counting less by the discount rate."
DRAWN = (
    "The median of the draws from the stated ranges, in brackets their 10th and 90th percentile. Where ranges lean to "
    "one side the NPV of the central values need not lie in its middle."
)
BAND = "In brackets the 10th and the 90th percentile of the draws."
CHEAPEST = f"Share of the draws in which it is the cheapest of what meets everything that is asked for. {RULE}"
STANDING_PX = 140  # "meets everything" in one piece
UNDRAWN = "There is nothing to show here: what it needs was not measured, or is blocked."
PLOT = alt.AutoSizeParams(type="fit-x", contains="padding")  # the height is the plot's: no legend or axis takes of it


def show(result: Result) -> None:
    """The decision, why options are out, the table of the options, and the charts."""
    if any(option.simulated for option in result.options):
        st.warning(
            "**Simulated data.** What was measured comes from the built-in simulator. Use it to learn the tool, never "
            "to decide.",
            icon=":material/science:",
        )
    if not result.evidence:
        st.info("No finished run of these targets yet: options that need one are blocked until there is one.")
        widgets.link_to_start()
        if not computed(result):
            return
    said = st.success if result.decision.verdict == "decisive" else st.info
    decision = (result.decision.sentence, *result.decision.hand_scores)
    said("\n\n".join(map(plain, decision)), icon=":material/account_balance:")
    st.markdown(tco_tables.standing(result))
    _show_options(result)
    _show_charts(result)


def computed(result: Result) -> bool:
    """Whether a cost is known of an option that would be built, or none would be."""
    built = [option for option in result.options if option.kind != "do-nothing"]
    return not built or any(not option.blocked for option in built)


def _show_options(result: Result) -> None:
    money, least = result.currency, float(result.evidence[0].acceptable_from.value or 0) if result.evidence else 0.0
    widgets.show_table(
        tco_tables.options_frame(result),
        "tco",
        "Cost of the options",
        {
            "option": st.column_config.TextColumn("Option", pinned=True),
            "standing": st.column_config.TextColumn("Standing", width=STANDING_PX),
            "cheapest_said": st.column_config.TextColumn("Cheapest", alignment="right", help=CHEAPEST),
            "billed": st.column_config.NumberColumn(
                f"Total ({money})", format="%,.0f", help="Billed over the horizon."
            ),
            "npv": st.column_config.NumberColumn(f"NPV, {CENTRAL} ({money})", format="%,.0f", help=NPV),
            "npv_drawn_said": st.column_config.TextColumn(f"NPV, {MEDIAN} ({money})", help=DRAWN),
            "per_1000_said": st.column_config.TextColumn(f"Per 1,000 answers ({money})", help=BAND),
            "per_1000_acceptable_said": st.column_config.TextColumn(
                f"Per 1,000 acceptable, {BY_JUDGE} ({money})",
                help=f"Over the measured share of acceptable answers: those with at least {least:g} points on every "
                f"criterion, {BY_JUDGE} alone. People's scores do not correct it. {BAND}",
            ),
        },
        simulated=any(option.simulated for option in result.options),
        placeholder="unknown",
    )


@st.fragment
def _show_charts(result: Result) -> None:
    tabs = st.tabs(list(TABS), key=Key.TCO_CHART, on_change="rerun", bind="query-params")
    for tab, keys in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                _show_tab(keys, result)


def _show_tab(keys: tuple[str, ...], result: Result) -> None:
    drawn = {key: chart for key in keys if (chart := charts.marked(key, result, data.target_order())) is not None}
    for key, bare in drawn.items():
        words = " ".join((charts.CHARTS[key].__doc__ or key).split())
        widgets.show_chart(bare.properties(autosize=PLOT), key=f"tco_{key}", alt_text=words)
        st.caption(plain(words))
    if not drawn:
        st.caption(tco_tables.undrawn(result) if "tornado" in keys else UNDRAWN)
    if "break_even" in keys:
        st.markdown("\n".join(f"- {plain(found.sentence)}" for found in result.break_even))
        _show_machines(result)
    if "tornado" in keys:
        st.markdown(tco_tables.moves(result))


def _show_machines(result: Result) -> None:
    frame = tco_tables.machines_frame(result)
    if frame.empty:
        return
    widgets.show_table(
        frame,
        "machines",
        "Machines for the busy hour",
        {
            "option": st.column_config.TextColumn("Option", pinned=True),
            "hardware": st.column_config.TextColumn("Hardware"),
            "first": st.column_config.NumberColumn("Machines at first", format="%,.0f", help="Spares included."),
            "last": st.column_config.NumberColumn("at last", format="%,.0f"),
            "places": st.column_config.NumberColumn(
                "At once", format="%,.0f", help="Requests a machine serves at once."
            ),
            "utilisation": st.column_config.NumberColumn("Busy", format="percent", help="Busiest minutes, last month."),
            "wait": st.column_config.TextColumn("Wait", help="95 % of requests wait no longer for a machine."),
            "throughput": st.column_config.TextColumn("Throughput is", width="large"),
        },
        simulated=any(option.simulated for option in result.options),
        placeholder="unknown",
    )
