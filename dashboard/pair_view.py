"""Draws two targets' answers to one question beside each other, and the choice between them.

What each control does is pair_desk.py's job, the keys are hotkeys.py's.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import data, pair_desk, widgets
from dashboard.answer_card import show_asked, show_material
from dashboard.answer_text import answer_text
from dashboard.data import RunRow
from dashboard.format import plain, plural, when
from dashboard.hotkeys import PAIR_KEYS, hotkeys
from dashboard.pair_desk import PairDesk
from dashboard.score_view import show_top
from db import scoring, store
from db.comparisons import Pair, Standing

CHOICES = {"left": "1 · left is better", "same": "2 · the same", "right": "3 · right is better"}


def choose_pairs(name: str, runs: Sequence[RunRow]) -> None:
    """Before the first pair: how many there are, who compared how many, and the start."""
    if len(runs) < 2:
        st.info("Choose at least two runs above: their answers to each question are compared.")
        return
    ids = [run.run_id for run in runs]
    standing = pair_desk.standing_of(name, ids)
    n = len(standing.order)
    if not n:
        st.info("These runs have no question that two of them answered.")
        return
    st.caption(
        "Two answers to one question, sides by chance: say which is better. The order is drawn, so what is compared "
        "first is a random part of the questions, and you can stop at any time."
    )
    done = len(standing.done)
    st.button(
        "Go on comparing" if done else "Start comparing",
        type="primary",
        key="score-start",
        disabled=not name,
        on_click=pair_desk.start,
        args=(name, ids),
    )
    st.caption(f"{done:,} of {plural(n, 'pair')} compared by you." if name else "Enter your name to start.")
    _show_shares(standing)


def _show_shares(standing: Standing) -> None:
    if standing.shares:
        rows = [(who, n, when(last)) for who, n, last in standing.shares]
        frame = pd.DataFrame(rows, columns=["name", "n", "last"])
        columns = {
            "name": st.column_config.TextColumn("Name"),
            "n": st.column_config.NumberColumn("Pairs compared"),
            "last": st.column_config.TextColumn("Last"),
        }
        widgets.show_table(frame, "comparisons", "Who compared how many pairs, and when", columns)


def show_pairs(desk: PairDesk) -> None:
    """The whole page of one person at work on pairs."""
    widgets.simulated_banner(desk.runs, named=False)
    done, n = len(desk.standing.done), len(desk.standing.order)
    show_top(done / n, f"{done:,} of {n:,} pairs compared by you", desk.name, PAIR_KEYS)
    if desk.pair is None:
        st.success(f"You compared all {n:,} pairs. Thank you.")
        _show_shares(desk.standing)
        with st.container(horizontal=True):
            _show_moves(desk)
        return
    _show_pair(desk, desk.pair)


def _show_moves(desk: PairDesk) -> None:
    untouched = not desk.standing.done
    st.button("Skip", key="score-skip", on_click=pair_desk.skip, args=(desk,), disabled=desk.pair is None)
    st.button("Back", key="score-back", on_click=pair_desk.back, args=(desk,), disabled=desk.place == 1)
    st.button("Undo last save", key="score-undo", on_click=pair_desk.undo, args=(desk,), disabled=untouched)


def _show_pair(desk: PairDesk, pair: Pair) -> None:
    with store.reading(data.engine()) as session:
        left, right = (scoring.get_shown(answer_id, session=session) for answer_id in (pair.left, pair.right))
    pair_desk.fill_in(desk)
    st.caption(f"Pair {desk.place:,} of {len(desk.standing.order):,}")
    show_asked(left.question)
    sides = st.columns(2, gap="medium")
    for side, shown, name in zip(sides, (left, right), ("Left", "Right"), strict=True):
        with side:
            st.markdown(f"**{plain(name)}**")
            with st.container(border=True):
                answer_text(shown.text, key=f"score-text-{name.lower()}")
    show_material(left.question)
    st.text_area("Note (optional)", key=desk.key("note"), on_change="ignore", height=70, max_chars=2000)
    with st.bottom:
        with st.container(key=desk.key("criterion-pair")):
            st.segmented_control(
                "Which answer is better for this question?",
                list(CHOICES),
                required=True,
                on_change="ignore",
                format_func=CHOICES.__getitem__,
                key=desk.key("choice-pair"),
                wrap=True,
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Save", type="primary", key=desk.key("save"), on_click=pair_desk.save, args=(desk,))
            _show_moves(desk)
            hotkeys(
                f"pair {desk.place} {desk.key('place')}",
                {desk.key("criterion-pair"): "The pair"},
                desk.key("note"),
                {
                    "Enter": desk.key("save"),
                    "S": "score-skip",
                    "B": "score-back",
                    "U": "score-undo",
                    "?": "score-keys",
                },
                "score-top",
            )
