"""Draws one answer to be scored, with the rubric's anchors and the controls beside it and the moves beneath.

What each control does is score_desk.py's job, the keys are hotkeys.py's.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import streamlit as st

from dashboard import data, score_desk, widgets
from dashboard.answer_card import RATER_FLAGS, show_asked, show_material
from dashboard.answer_text import answer_text
from dashboard.format import clock, plain, plural
from dashboard.hotkeys import KEYS, hotkeys
from dashboard.score_desk import CANNOT, CHOICES, Desk
from db import handouts, scoring, store
from db.models import Design
from eval.rubric import SCORES, Criterion

BY_TWO = (
    "So many answers of the queue are scored by two people, to tell how far people agree. The second is another person "
    "and gets them only once the first has saved: while one person works alone, or the first has not saved, none is."
)


def show_top(
    share: float, said: str, name: str, keys: Mapping[str, str], leave: Callable[[], None], explained: str = ""
) -> None:
    """How far the work is, what of it needs explaining, who does it, the keys, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center", key="score-top"):
        st.progress(min(1.0, share), text=said)
        if explained:
            st.caption(":material/group: by two", help=explained, width="content")
        st.text(name, wrap=False)
        with st.popover("Keys", icon=":material/keyboard:", key="score-keys"):
            for key, meaning in keys.items():
                st.markdown(f"**{plain(key)}**  {meaning}")
        st.button(
            "Stop here",
            key="score-leave",
            on_click=leave,
            icon=":material/logout:",
            help="Nothing is lost; under the same name you go on where you stopped.",
        )


def show_progress(desk: Desk) -> None:
    """How far the sample is, over all people."""
    made = desk.progress
    said = f"{made.n_done:,} of {made.n:,} scored, {desk.n_mine:,} by you"
    if made.n_double:
        said += f"; {made.n_double_done:,} of {made.n_double:,} by two people"
    explained = BY_TWO if made.n_double else ""
    show_top(made.n_done / max(made.n, 1), said, desk.name, KEYS, lambda: score_desk.stop(desk), explained)
    if desk.n_carried:
        st.caption(
            f"{plural(desk.n_carried, 'answer')} of this queue you had scored in another one: your scores count here "
            "too, so that none is shown to you twice and none is left out of the draw. **Back** leads to them."
        )


def show_moves(desk: Desk) -> None:
    """The buttons beside Save."""
    st.button("Skip", key="score-skip", on_click=score_desk.skip, args=(desk,), disabled=desk.handed is None)
    st.button("Back", key="score-back", on_click=score_desk.back, args=(desk,), disabled=desk.before is None)
    st.button("Undo last save", key="score-undo", on_click=score_desk.undo, args=(desk,), disabled=not desk.n_mine)


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


def _remarks(desk: Desk) -> None:
    st.pills(
        "Flags",
        list(RATER_FLAGS),
        selection_mode="multi",
        format_func=RATER_FLAGS.__getitem__,
        on_change="ignore",
        key=desk.key("flags"),
        wrap=True,
    )
    st.text_area("Note (optional)", key=desk.key("note"), on_change="ignore", height=70, max_chars=2000)


def show_answer(desk: Desk) -> None:
    """One answer, the controls beside it."""
    assert desk.handed is not None
    with store.reading(data.engine()) as session:
        shown = scoring.get_shown(desk.handed.answer_id, session=session)
    score_desk.fill_in(desk)
    left, right = st.columns([3, 2], gap="large")
    with left:
        again = "; scored before, change it or go on" if desk.handed.done else ""
        st.caption(f"Your answer {desk.handed.place:,}{again}")
        show_asked(shown.question)
        with st.container(border=True):
            answer_text(shown.text, key="score-text")
        show_material(shown.question, expanded=True)
    with right:
        for criterion in desk.rubric.criteria:
            _controls(desk, criterion)
        _remarks(desk)
    with st.bottom, st.container(horizontal=True, vertical_alignment="center"):
        st.button("Save", type="primary", key=desk.key("save"), on_click=score_desk.save, args=(desk,))
        show_moves(desk)
        hotkeys(
            f"{desk.handed.handout_id} {desk.handed.done}",
            {desk.key(f"criterion-{c.id}"): c.label for c in desk.rubric.criteria},
            desk.key("note"),
            {
                "Enter": desk.key("save"),
                "S": "score-skip",
                "B": "score-back",
                "U": "score-undo",
                "F": desk.key("flags"),
                "?": "score-keys",
            },
            "score-top",
        )


def _in_other_hands(rest: int, free_at: datetime | None) -> str:
    """That nothing is left for now, and when what others hold comes free."""
    said = f"Nothing is left for you now: {plural(rest, 'answer')} {'is' if rest == 1 else 'are'} in other hands."
    if free_at is None:
        return said
    what, which = ("It comes free", "it was") if rest == 1 else ("They come free", "they were")
    minutes = int(handouts.LEASE.total_seconds() // 60)
    return f"{said} {what} {minutes} minutes after {which} last opened, at the latest at {clock(free_at)}."


def show_end(desk: Desk) -> None:
    """Nothing is left for this person: what that means, and the way on."""
    made = desk.progress
    if made.n_done < made.n:
        with store.reading(data.engine()) as session:
            free_at = handouts.last_free_at(desk.sample_id, session=session)
        st.info(_in_other_hands(made.n - made.n_done, free_at))
    elif desk.design == Design.disagreement:
        st.success(
            f"All {made.n:,} answers are scored. Thank you. They were picked, not drawn: they tell about the judges, "
            "and stay out of every mean."
        )
    else:
        st.success(f"All {made.n:,} answers are scored. Thank you; your scores now count.")
    with st.container(horizontal=True):
        st.page_link("app_pages/overview.py", label="Overview", icon=":material/insights:")
        st.page_link("app_pages/agreement.py", label="Agreement of judges and people", icon=":material/balance:")
    with st.container(horizontal=True):
        show_moves(desk)


def show_desk(desk: Desk) -> None:
    """The whole page of one person at work."""
    widgets.simulated_banner(desk.runs, named=False)
    show_progress(desk)
    if desk.handed is None:
        show_end(desk)
    else:
        show_answer(desk)
