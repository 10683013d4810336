"""Who scored what of a sample, which answers are flagged, and every change of one answer's scores.

It shows other people's scores, so it stands apart from scoring, in a window of its own.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import data, widgets
from dashboard.answer_card import RATER_FLAGS
from dashboard.format import plain, plural, when
from db import handouts, scoring, store
from db.handouts import Share
from db.scoring import Change, Scored
from eval.enumeration import listed


def shares_frame(shares: Sequence[Share]) -> pd.DataFrame:
    """A row a person: how many answers they scored, how many as a second opinion, and when last."""
    rows = [(one.name, one.n, one.n_second, when(one.last)) for one in shares]
    return pd.DataFrame(rows, columns=["name", "n", "n_second", "last"])


def changes_frame(changes: Sequence[Change]) -> pd.DataFrame:
    """A row a change, oldest first, with a column for each criterion."""
    criteria = list(dict.fromkeys(c for one in changes if one.given for c in one.given.values))
    rows = [
        {
            "when": when(one.at),
            "who": one.rater,
            "what": _what(one),
            **{c: _points(one, c) for c in criteria},
            "flags": listed([RATER_FLAGS.get(flag, flag) for flag in one.given.flags]) if one.given else "",
            "note": one.given.note if one.given else "",
            "counts": one.counts,
            "queue": one.sample,
        }
        for one in changes
    ]
    return pd.DataFrame(rows)


def _what(change: Change) -> str:
    if change.undo:
        return "restored" if change.given else "taken back"
    return "taken over from another queue" if change.carried else "saved"


def _points(change: Change, criterion: str) -> str:
    if change.given is None:
        return ""
    value = change.given.values.get(criterion)
    return "cannot judge" if value is None else f"{value:g}"


@st.dialog("Who scored what", width="large", icon=":material/groups:")
def show_log(sample_id: int, title: str, name: str) -> None:
    """A window with the people, the flags and the history of a sample; `name` is who looks, "" where nobody said."""
    with store.reading(data.engine()) as session:
        shares = handouts.list_shares(sample_id, session=session)
        progress = handouts.get_progress(sample_id, session=session)
        scored = scoring.list_scored(sample_id, session=session)
    st.caption(
        f"{plain(title)}: {progress.n_done:,} of {progress.n:,} scored; "
        f"{progress.n_double_done:,} of {progress.n_double:,} by two people."
    )
    if not shares:
        st.info("Nobody has scored any of it yet.")
        return
    columns = {
        "name": st.column_config.TextColumn("Name"),
        "n": st.column_config.NumberColumn("Answers scored"),
        "n_second": st.column_config.NumberColumn("As second opinion"),
        "last": st.column_config.TextColumn("Last"),
    }
    widgets.show_table(shares_frame(shares), f"people-{sample_id}", "Who scored how many answers, and when", columns)
    _show_history(sample_id, scored, name, progress.n_done == progress.n)


def _show_history(sample_id: int, scored: Sequence[Scored], name: str, complete: bool) -> None:
    """Every change of an answer. Whoever still scores sees those they have scored: others' scores would lead them."""
    if name and not complete:
        scored = [one for one in scored if name.casefold() in {rater.casefold() for rater in one.raters}]
    flagged = sum(bool(one.flags) for one in scored)
    if not scored:
        st.caption("What others gave an answer is shown once you have scored it, or all are scored.")
        return
    only = flagged and st.toggle(f"Only the {plural(flagged, 'flagged answer')}", key="_log_flagged")
    by_id = {one.answer_id: one for one in scored if one.flags or not only}
    chosen = st.selectbox(
        "History of an answer",
        list(by_id),
        format_func=lambda answer_id: _label(by_id[answer_id]),
        key="_log_answer",
        help="Every change of its scores, by whom and when; nothing is ever overwritten.",
    )
    if chosen is None:
        return
    with store.reading(data.engine()) as session:
        changes = scoring.list_changes(chosen, session=session)
    frame = changes_frame(changes)
    columns = {c: st.column_config.TextColumn(c.capitalize()) for c in frame.columns}
    columns["counts"] = st.column_config.CheckboxColumn("Counts", help="The newest scores of each person count.")
    widgets.show_table(frame, f"history-{sample_id}", "Every change of one answer's scores", columns)


def _label(one: Scored) -> str:
    flags = f" ⚑ {listed([RATER_FLAGS.get(flag, flag).lower() for flag in one.flags])}" if one.flags else ""
    return f"{one.question_key}: {one.question[:60]} ({listed(list(one.raters))}){flags}"
