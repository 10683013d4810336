"""Draws where judges are biased and how well people agree among themselves, on the Agreement page.

Frames are agreement_tables', figures those of eval.agreeing.
"""

import streamlit as st

from dashboard import agreement_tables as tables
from dashboard import data, widgets
from dashboard.charts.bias_bars import bias_bars
from dashboard.keys import Key
from eval.agreeing import CriterionAgreement

FIGURE_PX = 150  # of a column that holds a figure with its interval


def show_bias(each: CriterionAgreement, criterion: str, *, simulated: bool) -> None:
    """Each judge's points above the people by target, as a chart of one judge and a table of all."""
    order = data.target_order()
    bias = tables.bias_frame(each, order)
    if bias.empty:
        return
    st.subheader("Bias by target")
    judges = list(dict.fromkeys(bias["judge"]))
    judge = judges[0]
    if len(judges) > 1:
        judge = str(st.selectbox("Judge", judges, key=Key.AGREED_JUDGE, bind="query-params", width=420))
    drawn = bias[(bias["judge"] == judge) & bias["bias"].notna()]
    if len(drawn):
        widgets.show_chart(
            bias_bars(drawn, order=order, simulated=simulated),
            key="bias",
            alt_text=f"Points by which {judge} lies above the people, by target",
        )
    columns = {
        "judge": st.column_config.TextColumn("Judge", pinned=True),
        "target": st.column_config.TextColumn("Target"),
        "said": st.column_config.TextColumn("Bias (points)", help=tables.BIAS, width=FIGURE_PX + 20),
        "n": st.column_config.NumberColumn("Questions", help="Scored by the judge and by people."),
    }
    widgets.show_table(bias, f"bias-{criterion}", "Bias of each judge by target", columns, simulated=simulated)


def show_people(each: CriterionAgreement, criterion: str, *, simulated: bool) -> None:
    """Every two people held against each other, and the judge in the place of each."""
    people = tables.people_frame(each)
    if people.empty:
        return
    st.subheader("People among themselves")
    columns = {
        "pair": st.column_config.TextColumn("People"),
        "n": st.column_config.NumberColumn("Scored by both"),
        "kappa": st.column_config.TextColumn("Weighted kappa", help=tables.HELP["quadratic_kappa"]),
    }
    widgets.show_table(people, f"people-{criterion}", "Agreement of people", columns, simulated=simulated)
    ceiling = tables.ceiling_frame(each)
    if ceiling.empty:
        return
    st.caption("The ceiling: how each person ranks answers as the others do (Spearman), and the judge in their place.")
    columns = {
        "judge": st.column_config.TextColumn("Judge", pinned=True),
        "person": st.column_config.TextColumn("Person left out"),
        "of_person": st.column_config.TextColumn("Person's Spearman", help=tables.HELP["spearman"]),
        "of_judge": st.column_config.TextColumn("Judge's Spearman", help="The judge in this person's place."),
    }
    words = "Each person left out in turn, and the judge in their place"
    widgets.show_table(ceiling, f"ceiling-{criterion}", words, columns, simulated=simulated)
