"""Draws which differences between targets are decided: by their scores, and by people's preferences side by side.

Frames and sentences are quality_tables', figures those of eval.comparing and eval.preferring.
"""

from typing import Any

import streamlit as st

from dashboard import data, widgets
from dashboard import quality_tables as tables
from eval.comparing import ComparisonError

P = "How likely so large a difference would be if both were equally good; below 0.05 it counts as shown."
VERDICT = st.column_config.TextColumn("Verdict", width="large")


def _pair(label: str) -> Any:
    return st.column_config.TextColumn(label, pinned=True)


def _p(test: str) -> Any:
    """The column of p-values, with the test they are of."""
    return st.column_config.TextColumn("p (Holm)", help=f"{P} {test}")


def show_differences(ids: list[int], criterion: str, judge: str | None, *, simulated: bool) -> None:
    """Every pair of runs on one criterion, by their quality numbers, or the scores of one source that scored all."""
    try:
        compared = data.comparison(ids, criterion, judge)
    except ComparisonError as error:
        st.info(str(error), icon=":material/compare_arrows:")
        return
    st.markdown(tables.finding(compared))
    columns = {
        "pair": _pair("Difference"),
        "n": st.column_config.NumberColumn("Questions", help="Those that both share."),
        "hand_scores": st.column_config.TextColumn(
            "Hand scores",
            help="Those of the first and of the second that give the difference, and how many questions have both; "
            "none where the difference is that of one source's scores.",
        ),
        "difference": st.column_config.TextColumn("Points", help="Mean over shared questions, with its 95 % interval."),
        "effect_size": st.column_config.NumberColumn(
            "Effect size",
            format="%+.2f",
            help="Mean of the differences over their standard deviation: about 0.2 is small, 0.5 medium, 0.8 large. "
            "Not given by people's scores, or where all differences are equal.",
        ),
        "p_said": _p("Sign-flip test; by people's scores the interval's. Corrected for the number of pairs (Holm)."),
        "verdict": VERDICT,
    }
    frame = tables.pairs_frame(compared)
    if frame["effect_size"].isna().all():
        del columns["effect_size"]  # people's scores give none; the CSV keeps the column
    widgets.show_table(
        frame,
        f"comparison-{criterion}",
        "Differences between targets, a row a pair",
        columns,
        simulated=simulated,
        placeholder="unknown",
    )
    said = (tables.source_sentence(compared), tables.holm_sentence(compared), tables.best_sentence(compared))
    st.caption("  \n".join(sentence for sentence in (*said, *compared.notes) if sentence))


def show_preferences(ids: list[int], *, simulated: bool) -> None:
    """Every pair of runs that people compared side by side; how to begin where nobody did. Nothing for one run."""
    if len(ids) < 2:
        return
    st.subheader("Side by side", anchor=False)
    found = data.preferences_of(ids)
    if found is None:
        st.caption("Nobody compared answers of these targets yet; the Score page shows two side by side.")
        return
    st.markdown(tables.preference_finding(found))
    columns = {
        "pair": _pair("Preference"),
        "n_questions": st.column_config.NumberColumn("Questions", help="Several preferences about one count once."),
        "better": st.column_config.NumberColumn("Times better", help="Preferences for the first."),
        "same": st.column_config.NumberColumn("Times same", help="Preferences for neither."),
        "worse": st.column_config.NumberColumn("Times worse", help="Preferences for the second."),
        "wins": st.column_config.TextColumn(
            "Wins of the first", help="Share of questions, the same counting half, with its 95 % interval."
        ),
        "p_said": _p("Sign test, corrected for the number of pairs (Holm)."),
        "verdict": VERDICT,
    }
    widgets.show_table(
        tables.preferences_frame(found),
        "preferences",
        "People's preferences side by side, a row a pair",
        columns,
        simulated=simulated,
        placeholder="unknown",
    )
    st.caption("Sides were shuffled and names hidden. Not decisive is not the same as equally good.")
