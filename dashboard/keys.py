"""Every session-state and query-parameter key there is, and what the address says about them.

A bound key is also the parameter in the address, so a copied address reproduces the view.
"""

from enum import StrEnum

import streamlit as st


class Key(StrEnum):
    """Those in the first block also stand in the address."""

    RUNS = "runs"
    LATENCY = "latency"
    QUANTILE = "quantile"
    CRITERION = "criterion"
    SOURCE = "scored_by"
    LOG = "axis"
    ALL_COLUMNS = "columns"
    VOLUME = "volume"
    SEARCH = "search"
    STATUS = "status"
    TARGET = "target"
    TAG = "tag"
    LISTED_SET = "listed_set"
    PAGE = "list_page"
    RUN = "run"
    FIND = "find"
    CATEGORY = "category"
    QUESTION = "question"
    REPEAT = "repeat"
    QUOTES = "quotes"
    SAMPLE = "sample"
    PAIRS = "pairs"
    SEED = "seed"
    MODE = "mode"
    AGREED_CRITERION = "criterion_agreed"
    AGREED_PAIR = "pair"
    AGREED_JUDGE = "judge"
    SCENARIO = "scenario"
    TCO_PART = "part"
    TCO_CHART = "chart"
    COMPARED_WITH = "compared_with"
    NUMBER_CRITERION = "criterion_number"
    NUMBER_JUDGE = "judge_number"
    INFERENCE = "holds_for"

    WRITTEN = "_written"
    QA_SET = "_set"
    SET_BOX = "_set_box"
    CHOSEN = "_runs"
    RUNS_BOX = "_runs_box"
    CHOSEN_SOURCE = "_scored_by"
    SOURCE_BOX = "_scored_by_box"
    CHART_SHOWN = "_chart_shown"
    PRICES = "_prices"
    NOTICE = "_notice"
    REFUSAL = "_refusal"
    FOLLOWING = "_following"
    AWAITED = "_awaited"
    RUN_NAME = "_run_name"
    RUN_TAGS = "_run_tags"
    CHOSEN_QUESTION = "_question"
    QUESTION_BOX = "_question_box"
    RATER = "_rater"
    RATER_BOX = "_rater_box"
    GROUP_BOX = "_group_box"
    VIEW = "_view"
    SHOWN = "_shown"
    PROBLEM = "_problem"
    ARRIVED = "_arrived"
    NUMBER_JUDGE_BOX = "_judge_number"
    CHOSEN_SCENARIO = "_scenario"
    SCENARIO_BOX = "_scenario_box"
    SCENARIO_NAME = "_scenario_name"
    SCENARIO_MENU = "_scenario_menu"
    ASSUMPTIONS = "_assumptions"
    DRAFT = "_draft"
    COMPARED_BOX = "_compared_with"
    OPTION = "_option"
    NEW_BASELINE = "_new_baseline"
    CARD = "_card"
    CARD_ROWS = "_card_rows"
    CARD_NAME = "_card_name"
    CARD_DATE = "_card_date"
    CARD_FILE = "_card_file"
    CARD_FILES = "_card_files"
    CARD_READ = "_card_read"
    CARD_DRAFTS = "_card_drafts"
    REPORT_FORMAT = "_report_format"


def from_address(key: Key) -> str | None:
    """What the address says about a key when it was opened or gone back to; None when this page wrote it itself.

    For choices whose default depends on what is stored: a bound widget leaves its default out of the address, so the
    same link would show something else later. Such a key is always written, by `to_address`.
    """
    said = st.query_params.get(key)
    written = st.session_state.get(Key.WRITTEN, {})
    return said if said is not None and said != written.get(key) else None


def to_address(key: Key, value: str) -> None:
    """Write a choice to the address."""
    st.session_state.setdefault(Key.WRITTEN, {})[key] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def keep(key: Key, box: Key) -> None:
    """Keep what was chosen in a box: a widget forgets its value on another page, this does not."""
    st.session_state[key] = st.session_state[box]
