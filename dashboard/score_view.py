"""Draws one answer to be scored, with the controls beside it and the moves beneath.

What each control does is score_desk.py's job, the keys are hotkeys.py's.
"""

import streamlit as st

from dashboard import data, score_desk
from dashboard.answer_card import show_question
from dashboard.answer_text import answer_text
from dashboard.format import plain
from dashboard.hotkeys import KEYS, hotkeys
from dashboard.score_desk import CANNOT, CHOICES, Desk
from dashboard.widgets import Key
from db import scoring, store
from eval.rubric import SCORES, Criterion


def show_progress(desk: Desk) -> None:
    """Who scores, how far, and the way out."""
    queue = desk.queue
    skipped = queue.skipped(desk.place)
    said = f"{len(queue.scored):,} of {len(queue.order):,} scored" + (f", {skipped:,} skipped" if skipped else "")
    with st.container(horizontal=True, vertical_alignment="center", key="score-top"):
        st.progress(len(queue.scored) / len(queue.order), text=said)
        st.text(desk.name, wrap=False)
        with st.popover("Keys", icon=":material/keyboard:", key="score-keys"):
            for key, meaning in KEYS.items():
                st.markdown(f"**{plain(key)}**  {meaning}")
        st.button(
            "Stop here",
            key="score-leave",
            on_click=score_desk.leave,
            icon=":material/logout:",
            help="Nothing is lost; under the same name you go on where you stopped.",
        )


def show_moves(desk: Desk) -> None:
    """The buttons beside Save."""
    st.button("Skip", key="score-skip", on_click=score_desk.skip, args=(desk,), disabled=desk.finished)
    st.button("Back", key="score-back", on_click=score_desk.back, args=(desk,), disabled=desk.place == 1)
    st.button("Undo last save", key="score-undo", on_click=score_desk.undo, args=(desk,), disabled=desk.untouched)


def _controls(desk: Desk, criterion: Criterion) -> None:
    """One criterion: its question, the choice, and what each score means."""
    with st.container(key=desk.key(f"criterion-{criterion.id}"), gap="xsmall"):
        st.segmented_control(
            f"{plain(criterion.label)}: {plain(criterion.question)}",
            CHOICES,
            required=True,
            on_change="ignore",
            format_func=lambda choice: "cannot judge" if choice == CANNOT else str(choice),
            key=desk.key(f"choice-{criterion.id}"),
            wrap=True,
        )
        st.caption("  \n".join(f"**{n}** {plain(criterion.anchors[n])}" for n in SCORES))


def show_answer(desk: Desk) -> None:
    """One answer, the controls beside it."""
    with store.reading(data.engine()) as session:
        shown = scoring.get_shown(desk.answer_id, session=session)
    score_desk.fill_in(desk)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.caption(f"Answer {desk.place:,} of {len(desk.queue.order):,}")
        show_question(shown.question)
        with st.container(border=True):
            answer_text(shown.text, key="score-text")
    with right:
        for criterion in desk.rubric.criteria:
            _controls(desk, criterion)
        st.text_area("Note (optional)", key=desk.key("note"), on_change="ignore", height=70, max_chars=2000)
    with st.bottom:
        if problem := st.session_state.get(Key.PROBLEM):
            st.warning(plain(problem))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Save", type="primary", key=desk.key("save"), on_click=score_desk.save, args=(desk,))
            show_moves(desk)
            hotkeys(
                str(desk.place),
                {desk.key(f"criterion-{c.id}"): c.label for c in desk.rubric.criteria},
                desk.key("note"),
                {"Enter": desk.key("save"), "S": "score-skip", "B": "score-back", "U": "score-undo", "?": "score-keys"},
                "score-top",
            )
