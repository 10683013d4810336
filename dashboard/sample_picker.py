"""Choosing what is scored: a sample that is under way, or a new one drawn from the runs in view.

What is drawn, and with which probabilities, is db.sampling's business; scoring itself is score_desk.py's.
"""

import secrets
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import data, score_desk, widgets
from dashboard.data import RunRow
from dashboard.format import plain, plural, when
from dashboard.keys import Key
from dashboard.sample_log import show_log
from dashboard.score_desk import rubric_row
from db import sampling, scoring, store
from db.drawing import Allocation
from db.models import Design
from db.sampling import SampleHead, Wish
from eval.assessing import rubric_of
from eval.enumeration import listed
from eval.rubric import Rubric, built_in

USUAL_SIZE = 40  # answers: about an hour's work of one person
SHOWN = 3  # samples; older ones are folded away

DESIGNS = {
    Design.random: "Random",
    Design.stratified: "Stratified",
    Design.disagreement: "Disagreement",
}
MEANINGS = {
    Design.random: "Every answer is as likely as any other. The scores stand for all answers to draw from.",
    Design.stratified: "Drawn by target and by the judge's score, so that each target and good as well as bad answers "
    "are among them. The scores stand for all answers too, mostly with a narrower interval.",
    Design.disagreement: "The answers on which judges differ most, on which one judge's readings differ, or which lie "
    "near a decision. To learn from; these scores are picked, not drawn, and never enter a mean.",
}
ALLOCATIONS = {
    Allocation.proportional: "as many as there are",
    Allocation.spread: "more where scores scatter",
}


def ask_name(known: str) -> str:
    """Who scores; `known` is whom this tab remembers."""
    if known:
        st.session_state.setdefault(Key.RATER_BOX, known)
    name = st.text_input(
        "Your name",
        key=Key.RATER_BOX,
        max_chars=scoring.MAX_NAME,
        persist_state="session",
        width=320,
        help="Stored with your scores; under the same name you go on where you stopped. It never stands in a link.",
    )
    return scoring.clean_name(name)


def choose_group() -> None:
    """A whole group of runs at once, where there are several groups on the QA set in view."""
    chosen = st.session_state.get(Key.QA_SET)
    groups: dict[str, list[RunRow]] = {}
    for run in data.runs(qa_set_id=chosen, limit=data.NEWEST) if chosen else []:
        groups.setdefault(run.group_id, []).append(run)
    if len(groups) < 2:
        return
    st.selectbox(
        "Whole group",
        list(groups),
        index=None,
        format_func=lambda group: _group_label(groups[group]),
        key=Key.GROUP_BOX,
        on_change=_take_group,
        args=(groups,),
        placeholder="Take all runs that were started together",
        width=480,
    )


def _group_label(runs: Sequence[RunRow]) -> str:
    targets = list(dict.fromkeys(run.target for run in reversed(runs)))
    return f"{when(runs[-1].created_at)}: {listed(targets)}"


def _take_group(groups: Mapping[str, Sequence[RunRow]]) -> None:
    if runs := groups.get(st.session_state[Key.GROUP_BOX]):
        widgets.compare([run.run_id for run in reversed(runs)])
    st.session_state[Key.GROUP_BOX] = None


def show_samples(name: str, runs: Sequence[RunRow]) -> bool:
    """The samples of these runs, newest first, each with a button to score it; False where there is none.

    Those of other runs on the same QA set stand folded beneath, so that a newer run hides nobody's queue.
    """
    ids = [run.run_id for run in runs]
    with store.reading(data.engine()) as session:
        heads = sampling.list_samples(ids, session=session)
        beside = sampling.list_samples_beside(ids, session=session)
    for head in heads[:SHOWN]:
        _show_sample(head, name)
    if heads[SHOWN:]:
        with st.expander(f"{plural(len(heads) - SHOWN, 'older queue')}"):
            for head in heads[SHOWN:]:
                _show_sample(head, name)
    if beside:
        with st.expander(f"{plural(len(beside), 'queue')} of other runs on this QA set", icon=":material/history:"):
            for head in beside:
                _show_sample(head, name)
    return bool(heads)


def title_of(head: SampleHead) -> str:
    """What a sample is called: its own name, or its design and size."""
    return head.name or f"{DESIGNS[head.design]}, {plural(head.n_drawn, 'answer')}"


def shared_sentence(shared: Mapping[int, int]) -> str:
    """What is said of answers that other queues hold too; nothing where there are none."""
    if not shared:
        return ""
    where = listed([f"{n:,} in queue #{sample_id}" for sample_id, n in shared.items()])
    return (
        f"Of these answers others may get, and score, the same: {where}. A draw leaves none out, to stay random; what "
        "you scored there counts here too and is not shown to you again."
    )


def _of_runs(run_ids: Sequence[int]) -> str:
    numbers = [f"#{run_id}" for run_id in sorted(run_ids)]
    return f"run{'' if len(numbers) == 1 else 's'} {listed(numbers)}"


def _show_sample(head: SampleHead, name: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        by = f" by {plain(head.created_by)}" if head.created_by else ""
        st.markdown(
            f"**{plain(title_of(head))}** :gray[#{head.sample_id} · {DESIGNS[head.design].lower()} · "
            f"{_of_runs(head.run_ids)} · drawn{by} {when(head.created_at)}]",
            width="stretch",
        )
        with store.reading(data.engine()) as session:
            if said := shared_sentence(sampling.count_shared(head.sample_id, session=session)):
                st.caption(said, width="stretch")
        st.progress(head.n_done / max(head.n_drawn, 1), text=f"{head.n_done:,} of {head.n_drawn:,} scored", width=170)
        if st.button("Who scored what", key=f"_log_{head.sample_id}", icon=":material/groups:"):
            show_log(head.sample_id, title_of(head), name)
        st.button(
            "Go on" if head.n_done else "Score",
            key=f"_score_{head.sample_id}",
            type="primary",
            disabled=not name,
            on_click=score_desk.start,
            args=(name, head.sample_id),
        )
        if not head.n_done:
            st.button(
                "Discard",
                key=f"_discard_{head.sample_id}",
                icon=":material/delete:",
                help="Removes this queue; nobody has scored any of it.",
                on_click=_discard,
                args=(head.sample_id,),
            )


def _discard(sample_id: int) -> None:
    with widgets.noted_errors(), store.writing(data.engine()) as session:
        sampling.discard_sample(sample_id, session=session)


def new_sample(name: str, runs: Sequence[RunRow]) -> None:
    """The controls for a new sample and the button that draws it and begins."""
    run_ids = tuple(run.run_id for run in runs)
    rubric = _rubric(run_ids)
    design = st.segmented_control(
        "Which answers",
        list(DESIGNS),
        format_func=DESIGNS.__getitem__,
        default=Design.stratified if len(runs) > 1 else Design.random,
        required=True,
        key="_new_design",
    )
    st.caption(MEANINGS[design])
    with store.reading(data.engine()) as session:
        offered = sampling.list_categories(run_ids, session=session)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            categories = st.multiselect(
                "Categories", offered, key="_new_categories", placeholder="All categories", width=320
            )
            n = sampling.count_scorable(run_ids, categories, session=session)
            if not n:
                st.info("These runs have no answer that could be scored: all of them failed. Choose others above.")
                return
            size = st.number_input(
                "Answers to score", 1, n, min(USUAL_SIZE, n), key=f"_new_size_{n}", width=170,
                help=f"{n:,} is all of them. A sample that is scored in part is a smaller sample, so begin large.",
            )  # fmt: skip
            share = st.number_input(
                "Scored by two people, %", 0, 100, round(100 * sampling.DOUBLE_SHARE), 5, key="_new_share", width=190,
                help="A second person scores so many of the answers, so that it is known how far people agree.",
            )  # fmt: skip
            allocation, threshold = _more(design)
    wish = Wish(
        run_ids,
        design,
        size=int(size),
        double_share=share / 100,
        categories=tuple(categories),
        allocation=allocation,
        threshold=threshold,
    )
    targets = len({run.target for run in runs})
    st.caption(
        f"{plural(n, 'answer')} of {plural(targets, 'target')} to draw from."
        + ("" if rubric.sha256 == built_in().sha256 else f" Rubric: {plain(rubric.name)} {plain(rubric.version)}.")
        + (" With one target only you know whose answers these are; the scores are stored as not blind."
           if targets == 1 else "")
    )  # fmt: skip
    st.button(
        "Draw and start" if name else "Enter your name to start",
        type="primary",
        key="score-start",
        disabled=not name,
        on_click=_draw_and_start,
        args=(name, wish, rubric),
    )


def _more(design: Design) -> tuple[Allocation, float | None]:
    """What one design asks beside the others."""
    if design == Design.stratified:
        allocation = st.selectbox(
            "Of each group", list(ALLOCATIONS), format_func=ALLOCATIONS.__getitem__, key="_new_allocation", width=230,
            help="More where scores scatter makes the corrected quality narrower, but keeps these scores out of plain "
            "means, because not every answer was as likely.",
        )  # fmt: skip
        return allocation, None
    if design == Design.disagreement:
        threshold = st.number_input(
            "Decision near a mean of", 1.0, 5.0, None, 0.1, key="_new_threshold", width=190, placeholder="none",
            help="A mean score on which a decision turns; answers within a point of it count as in dispute too.",
        )  # fmt: skip
        return Allocation.proportional, threshold
    return Allocation.proportional, None


def _rubric(run_ids: Sequence[int]) -> Rubric:
    """The rubric the runs were judged by, where it is one and has five points; else the built-in one."""
    found = {rubric.sha256: rubric for rubric in (rubric_of(data.run(run_id)) for run_id in run_ids)}
    rubric = next(iter(found.values())) if len(found) == 1 else built_in()
    return rubric if rubric.is_five_point else built_in()


def _draw_and_start(name: str, wish: Wish, rubric: Rubric) -> None:
    def draw() -> None:
        with store.writing(data.engine()) as session:
            sample = sampling.draw_sample(
                wish, rubric_row(rubric), seed=secrets.randbelow(2**31), created_by=name, session=session
            )
            assert sample.id is not None
            shared = sampling.count_shared(sample.id, session=session)
        if said := shared_sentence(shared):
            st.toast(said, icon=":material/groups:", duration="long")
        score_desk.start(name, sample.id)

    st.session_state.pop(Key.PROBLEM, None)
    score_desk.guarded(draw)
