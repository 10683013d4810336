"""A person scores answers, one at a time and blind: whose answer it is and what a judge gave stay hidden."""

import streamlit as st

from dashboard import data, score_desk, widgets
from dashboard.answer_card import show_question
from dashboard.answer_text import answer_text
from dashboard.format import plain, plural
from dashboard.hotkeys import KEYS, hotkeys
from dashboard.score_desk import CANNOT, CHOICES, Desk
from dashboard.widgets import Key
from db import scoring, store
from eval.rubric import Criterion, built_in


def choose() -> None:
    """Who scores, and what: the page before the first answer."""
    st.markdown(
        "Your scores are what a judge model is checked against. You see one answer at a time, in shuffled order, "
        "without the name of its target and without any other scores; each takes three marks from 1 to 5. Every save "
        "is kept at once, so you can stop at any time and go on later."
    )
    st.session_state.setdefault(Key.RATER_BOX, st.query_params.get(Key.RATER, ""))
    name = st.text_input("Your name", key=Key.RATER_BOX, max_chars=scoring.MAX_NAME, persist_state="session", width=320,
                         help="Stored with your scores; under the same name you go on where you stopped.")  # fmt: skip
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
    st.button(label, type="primary", key="score-start", disabled=not name, on_click=score_desk.start,
              args=(name, run_ids, queue))  # fmt: skip
    st.caption(
        f"{done:,} of {plural(len(queue.order), 'answer')} scored." if name else "Enter your name to start."
    )


def bar(desk: Desk) -> None:
    """Who scores, how far, and the way out."""
    queue = desk.queue
    skipped = queue.skipped(desk.place)
    said = f"{len(queue.scored):,} of {len(queue.order):,} scored" + (f", {skipped:,} skipped" if skipped else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(len(queue.scored) / len(queue.order), text=said)
        st.text(desk.name, wrap=False)
        with st.popover("Keys", icon=":material/keyboard:", key="score-keys"):
            for key, meaning in KEYS.items():
                st.markdown(f"**{plain(key)}**  {meaning}")
        st.button("Stop here", key="score-leave", on_click=score_desk.leave, icon=":material/logout:",
                  help="Nothing is lost; under the same name you go on where you stopped.")  # fmt: skip


def moves(desk: Desk) -> None:
    """The buttons beside Save."""
    st.button("Skip", key="score-skip", on_click=score_desk.skip, args=(desk,), disabled=desk.finished)
    st.button("Back", key="score-back", on_click=score_desk.back, args=(desk,), disabled=desk.place == 1)
    st.button("Undo last save", key="score-undo", on_click=score_desk.undo, args=(desk,), disabled=not desk.queue.scored)


def controls(desk: Desk, criterion: Criterion) -> None:
    """One criterion: its question, the choice, and what each score means."""
    with st.container(key=desk.key(f"criterion-{criterion.id}"), gap="xsmall"):
        st.segmented_control(
            f"{plain(criterion.label)}: {plain(criterion.question)}", CHOICES, required=True, on_change="ignore",
            format_func=lambda choice: "cannot judge" if choice == CANNOT else str(choice),
            key=desk.key(f"choice-{criterion.id}"), wrap=True,
        )  # fmt: skip
        st.caption("  \n".join(f"**{n}** {plain(criterion.anchors[n])}" for n in sorted(criterion.anchors, reverse=True)))


def score(desk: Desk) -> None:
    """One answer, the controls beside it."""
    with store.reading(data.engine()) as session:
        shown = scoring.get_shown(desk.answer_id, session=session)
    score_desk.fill_in(desk)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.caption(f"Answer {desk.place:,} of {len(desk.queue.order):,}")
        show_question(shown.question)
        with st.container(border=True, key="score-answer"):
            answer_text(shown.text, key="score-text")
    with right:
        for criterion in desk.rubric.criteria:
            controls(desk, criterion)
        st.text_area("Note (optional)", key=desk.key("note"), on_change="ignore", height=70, max_chars=2000)
    with st.bottom:
        if problem := st.session_state.get(Key.PROBLEM):
            st.warning(plain(problem))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Save", type="primary", key=desk.key("save"), on_click=score_desk.save, args=(desk,))
            moves(desk)
            hotkeys(
                str(desk.place),
                {desk.key(f"criterion-{c.id}"): c.label for c in desk.rubric.criteria},
                desk.key("note"),
                {"Enter": desk.key("save"), "S": "score-skip", "B": "score-back", "U": "score-undo", "?": "score-keys"},
                ["score-answer"],
            )


st.title("Score")
at = score_desk.at_work(built_in())
if at is None:
    choose()
    st.stop()
widgets.simulated_banner(at.runs, named=False)
bar(at)
if not at.finished:
    score(at)
    st.stop()
st.success(f"All {len(at.queue.order):,} answers are scored. Thank you; your scores now count on the Overview.")
st.page_link("app_pages/overview.py", label="See them on the Overview", icon=":material/insights:")
with st.container(horizontal=True):
    moves(at)
