"""The state of a person's scoring: who, in which sample, at which answer.

The sample stands in the address, the name in this browser tab alone, the scores in the database. Here lie the moves
(start, save, skip, back, undo, leave); score_view.py draws. db.handouts decides what comes next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard import data
from dashboard.answer_card import RATER_FLAGS
from dashboard.data import RunRow
from dashboard.keys import Key
from dashboard.widgets import note, noted_errors
from db import carrying, handouts, models, sampling, scoring, store
from db.handouts import Handed, Progress
from db.models import Design
from db.scoring import Given
from eval.enumeration import listed
from eval.rubric import Rubric

CANNOT = 0  # the choice "cannot judge"
CHOICES = (1, 2, 3, 4, 5, CANNOT)


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work in a sample: the answer in view, None where nothing is left, and what they did before."""

    name: str
    rater_id: int
    sample_id: int
    design: Design
    runs: tuple[RunRow, ...]
    rubric: Rubric
    handed: Handed | None
    before: Handed | None  # the answer this person had before the one in view
    n_mine: int  # answers this person has scored
    n_carried: int  # of them with scores given in another queue
    progress: Progress

    @property
    def blind(self) -> bool:
        """With answers of one target only, the rater knows whose they are."""
        return len({run.target for run in self.runs}) > 1

    def key(self, what: str) -> str:
        """A widget's key that belongs to the answer in view and tells nothing about it."""
        of = 0 if self.handed is None else self.handed.draw_id
        return f"score-{what}-{scoring.token(of, self.name)}"


def rubric_row(rubric: Rubric) -> models.Rubric:
    """The rubric as it is stored."""
    body = rubric.model_dump(mode="json")
    return models.Rubric(sha256=rubric.sha256, name=rubric.name, version=rubric.version, body=body)


def linked_id(key: Key) -> int | None:
    """The number the address gives for a key; None where it gives none."""
    said = st.query_params.get(key, "")
    return int(said) if said.isdecimal() and len(said) < 10 else None


def at_work(name: str) -> Desk | None:
    """The scoring the address speaks of, by this person; None where there is none, or nobody has said who they are.

    Whoever comes here holds the answer in view from now on. A sample that is not there is said on the page.
    """
    sample_id = linked_id(Key.SAMPLE)
    sample = None if sample_id is None else _sample(sample_id)
    if sample is None or sample_id is None or not name:
        return None
    with store.writing(data.engine()) as session:
        rubric = session.get_one(models.Rubric, sample.rubric_id)
        rater_id = scoring.save_person(name, session=session)
        view = st.session_state.get(Key.VIEW)
        handed = handouts.get_handed(view, sample_id, rater_id, session=session) if view else None
        handed = handed or carrying.next_to_score(sample_id, rater_id, session=session)
        before = handouts.get_before(sample_id, rater_id, handed and handed.place, session=session)
        n_mine = handouts.count_done(sample_id, rater_id, session=session)
        n_carried = carrying.count_carried(sample_id, rater_id, session=session)
        progress = handouts.get_progress(sample_id, session=session)
    st.session_state[Key.SHOWN] = handed and handed.handout_id
    runs = data.runs(ids=list(sample.run_ids), limit=len(sample.run_ids))
    body = Rubric.model_validate(rubric.body)
    return Desk(
        name, rater_id, sample_id, sample.design, tuple(runs), body, handed, before, n_mine, n_carried, progress
    )


def _sample(sample_id: int) -> models.Sample | None:
    try:
        with store.reading(data.engine()) as session:
            return sampling.get_sample(sample_id, session=session)
    except store.StoreError as error:
        leave()
        st.session_state[Key.PROBLEM] = str(error)
        return None


# --- moves --------------------------------------------------------------------------------------------------------


def go(handout_id: int | None = None) -> None:
    """To an answer this person had before, or to the next one."""
    st.session_state[Key.VIEW] = handout_id
    for key in (Key.PROBLEM, Key.ARRIVED, Key.SHOWN):
        st.session_state.pop(key, None)


def moved(handed: Handed | None) -> bool:
    """Whether the page went on since this button was drawn: a second Enter must not act on the next answer."""
    return st.session_state.get(Key.SHOWN, -1) != (handed and handed.handout_id)


def start(name: str, sample_id: int) -> None:
    """Begin or go on in a sample under a name."""
    st.session_state[Key.RATER] = scoring.clean_name(name)
    st.query_params.pop(Key.RUNS, None)
    st.query_params[Key.SAMPLE] = str(sample_id)
    go()


def enter(name: str) -> None:
    """Say who scores in this tab."""
    st.session_state[Key.RATER] = scoring.clean_name(name)
    go()


def leave() -> None:
    """Back to choosing what is scored."""
    for key in (Key.SAMPLE, Key.PAIRS, Key.SEED):
        st.query_params.pop(key, None)
    st.session_state[Key.RATER_BOX] = st.session_state.get(Key.RATER, "")
    go()


def stop(desk: Desk) -> None:
    """Back to choosing; the answer in view is free for others at once."""
    if desk.handed:
        with noted_errors(), store.writing(data.engine()) as session:
            handouts.release(desk.handed.handout_id, desk.rater_id, session=session)
    leave()


def guarded(move: Callable[[], None]) -> None:
    """Do a move; what the database refuses is said on the page, which then stays where it is."""
    try:
        move()
    except store.StoreError as error:
        st.session_state[Key.PROBLEM] = str(error)


def save(desk: Desk) -> None:
    """Store the scores in view and go to the next answer; with a criterion unset, say so and stay."""
    handed = desk.handed
    if handed is None or moved(handed):
        return
    picked = {c.id: st.session_state.get(desk.key(f"choice-{c.id}")) for c in desk.rubric.criteria}
    if unset := [c.label.lower() for c in desk.rubric.criteria if picked[c.id] not in CHOICES]:
        st.session_state[Key.PROBLEM] = f"No score yet for {listed(unset)}."
        return
    note_given = st.session_state.get(desk.key("note")) or ""
    given = Given(_values(picked), note_given, tuple(st.session_state.get(desk.key("flags")) or ()))

    def store_and_go() -> None:
        with store.writing(data.engine()) as session:
            scoring.save_handed(
                handed, given, name=desk.name, rubric=rubric_row(desk.rubric), blind=desk.blind, session=session
            )
        go()

    guarded(store_and_go)


def _values(picked: Mapping[str, int | None]) -> dict[str, int | None]:
    return {criterion: value or None for criterion, value in picked.items()}


def skip(desk: Desk) -> None:
    """Give the answer back, to others and at the end to this person, and go to the next one."""
    handed = desk.handed
    if handed is None or moved(handed):
        return

    def give_back() -> None:
        if not handed.done:
            with store.writing(data.engine()) as session:
                handouts.skip(handed.handout_id, desk.rater_id, session=session)
        go()

    guarded(give_back)


def back(desk: Desk) -> None:
    """To the answer this person had before."""
    if desk.before and not moved(desk.handed):
        go(desk.before.handout_id)


def undo(desk: Desk) -> None:
    """Take back the last change and show its answer, with the scores it had before or none."""

    def take_back() -> None:
        with store.writing(data.engine()) as session:
            draw_id = scoring.undo_last(desk.sample_id, desk.rater_id, session=session)
            found = draw_id and handouts.find_handed(draw_id, desk.rater_id, session=session)
        if draw_id is None:
            note("There is nothing to undo.")
            return
        where = f"answer {found.place}" if found else "an answer that somebody else has by now"
        restored = bool(found and found.done)
        note(f"The earlier scores of {where} hold again." if restored else f"Took back the scores of {where}.")
        go(found.handout_id if found else None)

    if not moved(desk.handed):
        guarded(take_back)


# --- the answer in view -------------------------------------------------------------------------------------------


def fill_in(desk: Desk) -> None:
    """On arrival at an answer, put what was given before into its controls, or empty them.

    Always both: Streamlit may still remember a choice that was made here, not saved, and is no longer shown.
    """
    assert desk.handed is not None
    keys = {c.id: desk.key(f"choice-{c.id}") for c in desk.rubric.criteria}
    here = desk.key("arrived")
    if st.session_state.get(Key.ARRIVED) == here and all(key in st.session_state for key in keys.values()):
        return
    st.session_state[Key.ARRIVED] = here
    with store.reading(data.engine()) as session:
        before = scoring.get_given(
            desk.handed.answer_id,
            desk.rater_id,
            desk.rubric.sha256,
            draw_id=desk.handed.draw_id,
            session=session,
        )
    for criterion, key in keys.items():
        value = before.values.get(criterion) if before else None
        st.session_state[key] = CANNOT if before and value is None else value
    st.session_state[desk.key("note")] = before.note if before else ""
    st.session_state[desk.key("flags")] = [flag for flag in before.flags if flag in RATER_FLAGS] if before else []
