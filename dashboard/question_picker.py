"""Choosing one question of a QA set: search, category, previous and next; the choice stands in the address.

The question's key is written to the address by hand, because a bound selectbox would write its whole label there.
"""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard.format import plural
from dashboard.keys import Key, from_address, to_address
from db.side_by_side import QuestionHead

LONGEST = 110  # characters of a question in the list


def _filtered(questions: Sequence[QuestionHead]) -> list[QuestionHead]:
    categories = sorted({question.category for question in questions})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        find = st.text_input(
            "Find a question",
            type="search",
            live=True,
            key=Key.FIND,
            bind="query-params",
            width=280,
            placeholder="A word, or a question's id",
        )
        chosen = st.multiselect(
            "Category", categories, key=Key.CATEGORY, bind="query-params", placeholder="All", width=280
        )
    words = find.casefold().split()
    return [
        question
        for question in questions
        if (not chosen or question.category in chosen)
        and all(word in f"{question.key} {question.text}".casefold() for word in words)
    ]


def _label(question: QuestionHead) -> str:
    text = " ".join(question.text.split())
    return f"{question.key}: {text[:LONGEST]}{'…' if len(text) > LONGEST else ''}"


def choose_question(questions: Sequence[QuestionHead]) -> QuestionHead:
    """The question in view; ends the page with a kind sentence if none matches the search."""
    found = {question.key: question for question in _filtered(questions)}
    if not found:
        st.info(f"None of the {plural(len(questions), 'question')} matches. Try another word or category.")
        st.stop()
    keys = list(found)
    if linked := from_address(Key.QUESTION):
        st.session_state[Key.CHOSEN_QUESTION] = linked
        if linked not in {question.key for question in questions}:
            st.caption("This QA set has no question of the id in the address; here is another.")
    wanted = st.session_state.get(Key.CHOSEN_QUESTION)
    at = keys.index(wanted) if wanted in found else 0
    st.session_state[Key.CHOSEN_QUESTION] = st.session_state[Key.QUESTION_BOX] = keys[at]
    to_address(Key.QUESTION, keys[at])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _step("Previous", "left", keys[at - 1] if at else None)
        _step("Next", "right", keys[at + 1] if at + 1 < len(keys) else None)
        st.selectbox(
            f"Question {at + 1} of {len(keys)}",
            keys,
            key=Key.QUESTION_BOX,
            format_func=lambda key: _label(found[key]) if key in found else str(key),
            on_change=lambda: _go(st.session_state[Key.QUESTION_BOX]),
        )
    return found[keys[at]]


def _go(key: str) -> None:
    st.session_state[Key.CHOSEN_QUESTION] = key


def _step(label: str, side: Literal["left", "right"], key: str | None) -> None:
    """A button to a neighbouring question; without one it cannot be pressed."""
    icon = f":material/chevron_{side}:"
    name = f"question-{label.lower()}"
    st.button(label, icon=icon, icon_position=side, key=name, disabled=key is None, on_click=_go, args=(key,))
