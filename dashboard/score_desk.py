"""The state of a person's scoring: who, over which runs, at which place; it stands in the address, the scores in the
database.

Here lie the moves (start, save, skip, back, undo, leave); the page draws. db.scoring decides what comes next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import data
from dashboard.data import RunRow
from dashboard.format import listed
from dashboard.widgets import MOST_RUNS, Key, note
from db import models, scoring, store
from db.scoring import Given, Queue
from eval.rubric import Rubric

CANNOT = 0  # the choice "cannot judge"
CHOICES = (1, 2, 3, 4, 5, CANNOT)


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work over some runs, at a place in the shuffled order that counts from 1."""

    name: str
    runs: tuple[RunRow, ...]
    place: int
    rubric: Rubric
    queue: Queue

    @property
    def run_ids(self) -> tuple[int, ...]:
        return tuple(run.run_id for run in self.runs)

    @property
    def blind(self) -> bool:
        """With answers of one target only, the rater knows whose they are."""
        return len({run.target for run in self.runs}) > 1

    @property
    def untouched(self) -> bool:
        """Nothing is scored yet."""
        return not self.queue.scored

    @property
    def finished(self) -> bool:
        """Past the last answer, with nothing left to score."""
        return self.place > len(self.queue.order)

    @property
    def answer_id(self) -> int:
        return self.queue.order[self.place - 1]

    def key(self, what: str) -> str:
        """A widget's key that belongs to the answer in view and tells nothing about it."""
        return f"score-{what}-{scoring.token(self.answer_id, self.name)}"


def rubric_row(rubric: Rubric) -> models.Rubric:
    """The rubric as it is stored."""
    body = rubric.model_dump(mode="json")
    return models.Rubric(sha256=rubric.sha256, name=rubric.name, version=rubric.version, body=body)


def standing(name: str, run_ids: Sequence[int], rubric: Rubric) -> Queue:
    """Where a person stands over some runs."""
    with store.reading(data.engine()) as session:
        return scoring.get_queue(name, run_ids, rubric.sha256, session=session)


def at_work(rubric: Rubric) -> Desk | None:
    """The scoring the address speaks of; None where it speaks of none that can be done."""
    name = scoring.clean_name(st.query_params.get(Key.RATER, ""))
    parts = st.query_params.get(Key.SCORING, "").split("-")
    wanted = [int(part) for part in parts[:MOST_RUNS] if part.isdecimal() and len(part) < 16]
    place = st.query_params.get(Key.PLACE, "")
    if not name or not wanted or not place.isdecimal():
        return None
    runs = data.runs(ids=wanted, limit=len(wanted))
    if len({run.qa_set_id for run in runs}) > 1:
        return None  # answers to different questions are never mixed
    queue = standing(name, [run.run_id for run in runs], rubric)
    if not queue.order:
        return None
    at = min(max(int(place), 1), len(queue.order) + 1)
    if at > len(queue.order) and queue.open:
        at = queue.resume() or 1
    st.query_params[Key.PLACE] = str(at)
    return Desk(name, tuple(runs), at, rubric, queue)


def _go(place: int | None, desk: Desk) -> None:
    st.query_params[Key.PLACE] = str(len(desk.queue.order) + 1 if place is None else place)
    for key in (Key.PROBLEM, Key.ARRIVED):
        st.session_state.pop(key, None)


def _moved(desk: Desk) -> bool:
    """Whether the page went on since this button was drawn: a second Enter must not act on the next answer."""
    return st.query_params.get(Key.PLACE) != str(desk.place)


def start(name: str, run_ids: Sequence[int], queue: Queue) -> None:
    """Begin or go on; the address then holds all it takes to come back."""
    st.session_state[Key.RATER_BOX] = name
    st.query_params[Key.RATER] = name
    st.query_params[Key.SCORING] = "-".join(str(run_id) for run_id in sorted(run_ids))
    st.query_params[Key.PLACE] = str(queue.resume() or len(queue.order) + 1)


def leave() -> None:
    """Back to choosing who scores what."""
    for key in (Key.SCORING, Key.PLACE):
        st.query_params.pop(key, None)
    for key in (Key.PROBLEM, Key.ARRIVED):
        st.session_state.pop(key, None)


def _guarded(move: Callable[[], None]) -> None:
    """Do a move; what the database refuses is said on the page, which then stays where it is."""
    try:
        move()
    except store.StoreError as error:
        st.session_state[Key.PROBLEM] = str(error)


def chosen(desk: Desk) -> dict[str, int | None]:
    """What is chosen for each criterion of the answer in view: 1..5, CANNOT, or None."""
    return {c.id: st.session_state.get(desk.key(f"choice-{c.id}")) for c in desk.rubric.criteria}


def save(desk: Desk) -> None:
    """Store the scores in view and go to the next open answer; with a criterion unset, say so and stay."""
    if _moved(desk):
        return
    picked = chosen(desk)
    unset = [c.label.lower() for c in desk.rubric.criteria if picked[c.id] not in CHOICES]
    if unset:
        st.session_state[Key.PROBLEM] = f"No score yet for {listed(unset)}."
        return
    given = Given(_values(picked), st.session_state.get(desk.key("note")) or "")

    def store_and_go() -> None:
        with store.writing(data.engine()) as session:
            scoring.save_given(
                desk.answer_id,
                given,
                name=desk.name,
                rubric=rubric_row(desk.rubric),
                place=desk.place,
                blind=desk.blind,
                session=session,
            )
        _go(standing(desk.name, desk.run_ids, desk.rubric).next_open(desk.place), desk)

    _guarded(store_and_go)


def _values(picked: Mapping[str, int | None]) -> dict[str, int | None]:
    return {criterion: value or None for criterion, value in picked.items()}


def skip(desk: Desk) -> None:
    """Leave this answer open and go to the next open one."""
    if _moved(desk):
        return
    following = desk.queue.next_open(desk.place)
    if following == desk.place:
        note("This is the last open answer.")
    _go(following, desk)


def back(desk: Desk) -> None:
    """To the answer before this one in the order, scored or not."""
    if not _moved(desk) and desk.place > 1:
        _go(desk.place - 1, desk)


def undo(desk: Desk) -> None:
    """Take back the scores saved last and show that answer again."""

    def withdraw() -> None:
        with store.writing(data.engine()) as session:
            taken = scoring.withdraw_last(desk.name, desk.run_ids, desk.rubric.sha256, session=session)
        if taken is None:
            note("There is nothing to undo.")
        elif taken in desk.queue.order:
            place = desk.queue.order.index(taken) + 1
            note(f"Took back the scores of answer {place}.")
            _go(place, desk)

    if not _moved(desk):
        _guarded(withdraw)


def given(desk: Desk) -> Given | None:
    """What this person gave the answer in view before."""
    with store.reading(data.engine()) as session:
        return scoring.get_given(desk.answer_id, desk.name, desk.rubric.sha256, session=session)


def fill_in(desk: Desk) -> None:
    """On arrival at an answer, put what was given before into its controls, or empty them.

    Always both: Streamlit may still remember a choice that was made here, not saved, and is no longer shown.
    """
    keys = {c.id: desk.key(f"choice-{c.id}") for c in desk.rubric.criteria}
    here = desk.key("arrived")
    if st.session_state.get(Key.ARRIVED) == here and all(key in st.session_state for key in keys.values()):
        return
    st.session_state[Key.ARRIVED] = here
    before = given(desk)
    for criterion, key in keys.items():
        value = before.values.get(criterion) if before else None
        st.session_state[key] = CANNOT if before and value is None else value
    st.session_state[desk.key("note")] = before.note if before else ""
