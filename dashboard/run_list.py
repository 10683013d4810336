"""The controls of the list of runs: filters, pages, and one run to look at; all of them stand in the address."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.data import RunRow
from dashboard.keys import Key
from dashboard.widgets import numbered, run_ids, run_label
from db.models import RunStatus

PAGE_SIZE = 25  # runs a page of the list


def choose_filters() -> dict[str, Any]:
    """Filters for data.runs and data.count_runs, those that are set."""
    sets = data.qa_sets()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        contains = st.text_input(
            "Search", key=Key.SEARCH, bind="query-params", placeholder="Name, target or model", width=240
        )
        chosen = {
            name: st.selectbox(
                label,
                options,
                index=None,
                format_func=wording,
                key=key,
                bind="query-params",
                placeholder="All",
                width=200,
            )
            for name, label, options, wording, key in (
                ("status", "Status", [status.value for status in RunStatus], str, Key.STATUS),
                ("target", "Target", data.target_order(), str, Key.TARGET),
                ("qa_set_id", "QA set", list(sets), lambda i: sets.get(i, str(i)), Key.LISTED_SET),
                ("tag", "Tag", data.tags(), str, Key.TAG),
            )
        }
    chosen["contains"] = contains.strip() or None
    return {name: value for name, value in chosen.items() if value is not None}


def _pages(found: int) -> int:
    return max(1, -(-found // PAGE_SIZE))


def page_offset(found: int) -> int:
    """How many runs stand before the chosen page."""
    page = st.session_state.get(Key.PAGE) or st.query_params.get(Key.PAGE, "1")
    number = int(page) if str(page).isdecimal() else 1
    return (min(number, _pages(found)) - 1) * PAGE_SIZE


def choose_page(found: int) -> None:
    """The control that turns pages, where there is more than one."""
    if _pages(found) > 1:
        st.pagination(_pages(found), key=Key.PAGE, bind="query-params")


def choose_run(listed: Sequence[RunRow]) -> int | None:
    """One run to look at: of those listed, or any by its number."""
    names = numbered(listed)
    chosen = st.selectbox(
        "Run",
        list(names),
        index=None,
        format_func=lambda option: run_label(option, names),
        key=Key.RUN,
        bind="query-params",
        accept_new_options=True,
        placeholder="Choose a run of this list, or type its number",
        width=420,
    )
    ids = run_ids([chosen]) if chosen is not None else []
    return ids[0] if ids else None
