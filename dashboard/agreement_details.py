"""Draws the tables beneath the Agreement page: each target, every two people, rankings, marginals, the ceiling.

Frames are agreement_tables'; a table that would be empty is not drawn.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import agreement_tables as tables
from dashboard import widgets
from eval.agreeing import CriterionAgreement

PAIR = st.column_config.TextColumn("Raters", pinned=True)
ANSWERS = st.column_config.NumberColumn("Answers")
FIGURES = {"pair": PAIR, "n": ANSWERS} | {
    key: st.column_config.TextColumn(name, help=tables.HELP[key]) for key, name in tables.FIGURES.items()
}
RANKINGS = {
    "pair": PAIR,
    "questions": st.column_config.NumberColumn("Questions"),
    "targets": st.column_config.NumberColumn("Targets"),
    "question_spearman": st.column_config.TextColumn("Per question, Spearman", help="Over targets, averaged."),
    "question_kendall": st.column_config.TextColumn("Per question, Kendall", help="Over targets, averaged."),
    "system_spearman": st.column_config.TextColumn("System level, Spearman", help="Over the targets' means."),
    "system_kendall": st.column_config.TextColumn("System level, Kendall", help="Over the targets' means."),
}
MARGINALS = {"pair": PAIR, "rater": st.column_config.TextColumn("Rater"), "n": st.column_config.NumberColumn("Scores")}
ALPHAS = {
    "raters": st.column_config.TextColumn("Raters", pinned=True),
    "n": ANSWERS,
    "ordinal": st.column_config.TextColumn(
        "Alpha, ordinal",
        help="For whole points. Where scores lie between them (a mean of readings or judges, an expectation) it reads "
        "low, because it counts how many scores lie between two: read the interval level there.",
    ),
    "interval": st.column_config.TextColumn("Alpha, interval"),
}
CEILING = {
    "judge": st.column_config.TextColumn("Judge", pinned=True),
    "people": st.column_config.NumberColumn("People"),
    "of_people": st.column_config.TextColumn("Mean of people"),
    "of_judge": st.column_config.TextColumn("Judge in their place"),
    "difference": st.column_config.TextColumn("Judge less people", help="An interval that holds 0 decides nothing."),
}


def show_details(each: CriterionAgreement, criterion: str, *, simulated: bool) -> None:
    """An expander a table, closed."""
    found = [
        ("Each target by itself", tables.by_target_frame(each), FIGURES),
        ("Every two people, all figures", tables.people_pairs_frame(each), FIGURES),
        ("All people together (Krippendorff's alpha)", tables.alphas_frame(each), ALPHAS),
        ("Rankings of targets", tables.rankings_frame(each), RANKINGS),
        ("How often each rater gave each score", tables.marginals_frame(each), MARGINALS),
        ("The ceiling on average", tables.ceiling_means_frame(each), CEILING),
    ]
    for title, frame, columns in found:
        if len(frame):
            _show(title, frame, columns, criterion, simulated=simulated)


def _show(title: str, frame: pd.DataFrame, columns: Mapping[str, Any], criterion: str, *, simulated: bool) -> None:
    name = "agreement-" + "-".join(title.lower().replace("(", "").replace(")", "").replace("'", "").split())
    with st.expander(title):
        widgets.show_table(frame, f"{name}-{criterion}", title, columns, simulated=simulated)
