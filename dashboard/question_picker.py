"""Choosing one question of a QA set: search, category, previous and next; the choice stands in the address.

The question's key is written to the address by hand, because a bound selectbox would write its whole label there.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard.format import plural
from dashboard.widgets import Key
from db.side_by_side import QuestionHead

LONGEST = 110  # characters of a question in the list


def _filtered(questions: Sequence[QuestionHead]) -> list[QuestionHead]:
    categories = sorted({question.category for question in questions})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        find = st.text_input(
            "Find a question", type="search", live=True, key=Key.FIND, bind="query-params", width=280,
            placeholder="A word, or a question's id",
        )  # fmt: skip
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
    wanted = st.session_state.get(Key.QUESTION_BOX) or st.query_params.get(Key.QUESTION)
    if wanted and wanted not in {question.key for question in questions}:
        st.caption("This QA set has no question of the id in the address; here is another.")
    at = keys.index(wanted) if wanted in found else 0
    st.session_state[Key.QUESTION_BOX] = st.query_params[Key.QUESTION] = keys[at]

    def go(key: str) -> None:
        st.session_state[Key.QUESTION_BOX] = key

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Previous", icon=":material/chevron_left:", key="question-before", disabled=at == 0,
                           on_click=go, args=(keys[max(0, at - 1)],))  # fmt: skip
        st.button("Next", icon=":material/chevron_right:", icon_position="right", key="question-after",
                          disabled=at + 1 == len(keys), on_click=go, args=(keys[min(len(keys) - 1, at + 1)],))  # fmt: skip
        st.selectbox(
            f"Question {at + 1} of {len(keys)}", keys, key=Key.QUESTION_BOX,
            format_func=lambda key: _label(found[key]) if key in found else str(key),
        )  # fmt: skip
    return found[keys[at]]
