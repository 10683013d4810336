"""A person scores answers, one at a time and blind: whose answer it is and what a judge gave stay hidden."""

import streamlit as st

from dashboard import score_desk, widgets
from dashboard.format import plural
from dashboard.score_view import show_answer, show_moves, show_progress
from dashboard.widgets import Key
from db import scoring
from eval.rubric import built_in


def choose() -> None:
    """Who scores, and what: the page before the first answer."""
    st.markdown(
        "Your scores are what a judge model is checked against. You see one answer at a time, in shuffled order, "
        "without the name of its target and without any other scores; each takes three scores from 1 to 5. Every save "
        "is kept at once, so you can stop at any time and go on later."
    )
    st.session_state.setdefault(Key.RATER_BOX, st.query_params.get(Key.RATER, ""))
    name = st.text_input(
        "Your name",
        key=Key.RATER_BOX,
        max_chars=scoring.MAX_NAME,
        persist_state="session",
        width=320,
        help="Stored with your scores; under the same name you go on where you stopped.",
    )
    runs = widgets.choose_runs()
    widgets.simulated_banner(runs)
    run_ids = [run.run_id for run in runs]
    name = scoring.clean_name(name)
    queue = score_desk.standing(name, run_ids, built_in())
    if not queue.order:
        st.info("These runs have no answer that could be scored: all of them failed. Choose other runs above.")
        st.stop()
    if len({run.target for run in runs}) == 1:
        st.caption("With answers of one target only you know whose they are; the scores are stored as not blind.")
    if name and not queue.open:
        st.success(f"You scored all {len(queue.order):,} answers of these runs.")
        st.page_link("app_pages/overview.py", label="See them on the Overview", icon=":material/insights:")
    done = len(queue.scored)
    label = "Look at them again" if not queue.open else "Go on" if done else "Start scoring"
    st.button(
        label,
        type="primary",
        key="score-start",
        disabled=not name,
        on_click=score_desk.start,
        args=(name, run_ids, queue),
    )
    st.caption(f"{done:,} of {plural(len(queue.order), 'answer')} scored." if name else "Enter your name to start.")


st.title("Score")
at = score_desk.at_work(built_in())
if at is None:
    choose()
    st.stop()
widgets.simulated_banner(at.runs, named=False)
show_progress(at)
if not at.finished:
    show_answer(at)
    st.stop()
st.success(f"All {len(at.queue.order):,} answers are scored. Thank you; your scores now count on the Overview.")
st.page_link("app_pages/overview.py", label="See them on the Overview", icon=":material/insights:")
with st.container(horizontal=True):
    show_moves(at)
