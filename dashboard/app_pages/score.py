"""A person scores answers, or compares two, blind: whose answer it is and what a judge gave stay hidden."""

import streamlit as st

from dashboard import pair_desk, pair_view, sample_picker, score_desk, score_view, widgets
from dashboard.format import plain
from dashboard.keys import Key
from dashboard.remembered import known_rater

MODES = {"one": "One answer at a time", "two": "Two side by side"}


def choose(known: str) -> None:
    """Who scores, and what: the page before the first answer."""
    st.title("Score")
    st.markdown(
        "Your scores are what a judge model is checked against. You see answers in shuffled order, without the name of "
        "their target and without any other scores. Every save is kept at once: stop at any time and go on later; "
        "several people can work on one queue at the same time."
    )
    view = widgets.runs_in_view()  # ends the page where nothing can be scored
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = sample_picker.ask_name(known)
        mode = st.segmented_control(
            "How", list(MODES), format_func=MODES.__getitem__, default="one", required=True, key=Key.MODE,
            bind="query-params",
        )  # fmt: skip
    sample_picker.choose_group()
    widgets.show_run_choice(view)
    runs = view.runs
    widgets.simulated_banner(runs)
    if mode == "two":
        pair_view.choose_pairs(name, runs)
        return
    if not sample_picker.show_samples(name, runs):
        sample_picker.new_sample(name, runs)
        return
    with st.expander("New queue", icon=":material/add:"):
        sample_picker.new_sample(name, runs)


def introduce(known: str) -> None:
    """Somebody followed a link to a queue: only the name is missing."""
    st.title("Score")
    st.markdown("This link leads to answers that wait for your scores. Say who you are, and it begins.")
    name = sample_picker.ask_name(known)
    with st.container(horizontal=True):
        st.button(
            "Start", type="primary", key="score-start", disabled=not name, on_click=score_desk.enter, args=(name,)
        )
        st.button("Choose other answers", key="score-leave", on_click=score_desk.leave)


rater = known_rater()
if at := score_desk.at_work(rater):
    score_view.show_desk(at)
elif pairs := pair_desk.at_work(rater):
    pair_view.show_pairs(pairs)
elif Key.SAMPLE in st.query_params or Key.PAIRS in st.query_params:
    introduce(rater)
else:
    choose(rater)
if problem := st.session_state.get(Key.PROBLEM):
    st.bottom.warning(plain(problem))
