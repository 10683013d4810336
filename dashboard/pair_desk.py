"""The state of a person's comparing: who, over which runs, at which pair; the moves (save, skip, back, undo).

Runs and seed stand in the address, the name in this browser tab alone, the comparisons in the database. pair_view.py
draws; db.comparisons decides on order and sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import data
from dashboard.data import RunRow
from dashboard.keys import Key
from dashboard.score_desk import go, guarded, linked_id
from dashboard.widgets import MOST_RUNS, note, run_ids
from db import comparisons, scoring, store
from db.comparisons import Compared, Pair, Standing
from db.models import Preference

SEED = 1  # of the order that all share; another in the address draws another part of the questions first


@dataclass(frozen=True, slots=True)
class PairDesk:
    """One person at work on pairs, at a place in their order that counts from 1; past its end where all is done."""

    name: str
    runs: tuple[RunRow, ...]
    place: int
    standing: Standing

    @property
    def run_ids(self) -> tuple[int, ...]:
        return tuple(run.run_id for run in self.runs)

    @property
    def pair(self) -> Pair | None:
        """The pair in view; None past the last one."""
        return self.standing.order[self.place - 1] if self.place <= len(self.standing.order) else None

    def key(self, what: str) -> str:
        """A widget's key that belongs to the pair in view and tells nothing about it."""
        return f"score-{what}-{scoring.token(self.pair.left if self.pair else 0, self.name)}"


def standing_of(name: str, ids: Sequence[int], seed: int = SEED) -> Standing:
    """Where a person stands over some runs' pairs."""
    with store.reading(data.engine()) as session:
        return comparisons.get_standing(name, ids, seed, session=session)


def at_work(name: str) -> PairDesk | None:
    """The comparing the address speaks of, by this person; None where there is none or no name is known."""
    wanted = run_ids(st.query_params.get(Key.PAIRS, "").split("-"))[:MOST_RUNS]
    if not name or not wanted:
        return None
    runs = sorted(data.runs(ids=wanted, limit=len(wanted)), key=lambda run: run.run_id)
    standing = standing_of(name, [run.run_id for run in runs], linked_id(Key.SEED) or SEED)
    if not standing.order:
        return None
    at = st.session_state.get(Key.VIEW) or standing.next_open() or len(standing.order) + 1
    st.session_state[Key.SHOWN] = at
    return PairDesk(name, tuple(runs), at, standing)


def start(name: str, ids: Sequence[int], seed: int = SEED) -> None:
    """Begin or go on comparing under a name."""
    st.session_state[Key.RATER] = scoring.clean_name(name)
    st.query_params.pop(Key.RUNS, None)
    st.query_params[Key.PAIRS] = "-".join(map(str, sorted(ids)))
    if seed != SEED:
        st.query_params[Key.SEED] = str(seed)
    go()


def _moved(desk: PairDesk) -> bool:
    return st.session_state.get(Key.SHOWN) != desk.place


def save(desk: PairDesk) -> None:
    """Store what is chosen for the pair in view and go to the next open one; without a choice, say so and stay."""
    pair = desk.pair
    if pair is None or _moved(desk):
        return
    chosen = st.session_state.get(desk.key("choice-pair"))
    if chosen is None:
        st.session_state[Key.PROBLEM] = "Which answer is better? Choose one, or the same."
        return
    compared = Compared(Preference(chosen), st.session_state.get(desk.key("note")) or "")

    def store_and_go() -> None:
        with store.writing(data.engine()) as session:
            comparisons.save_comparison(pair, compared, name=desk.name, place=desk.place, session=session)
        go()

    guarded(store_and_go)


def skip(desk: PairDesk) -> None:
    """Leave this pair open and go to the next open one after it, from the start again after the end."""
    if desk.pair is None or _moved(desk):
        return
    order = desk.standing.order
    around = (*range(desk.place + 1, len(order) + 1), *range(1, desk.place + 1))
    following = next((at for at in around if order[at - 1].answers not in desk.standing.done), None)
    if following == desk.place:
        note("This is the last open pair.")
    go(following)


def back(desk: PairDesk) -> None:
    """To the pair before this one in the order, compared or not."""
    if desk.place > 1 and not _moved(desk):
        go(desk.place - 1)


def undo(desk: PairDesk) -> None:
    """Take back the last change and show its pair, with what was said of it before or nothing."""

    def take_back() -> None:
        with store.writing(data.engine()) as session:
            rater_id = scoring.save_person(desk.name, session=session)
            pair = comparisons.undo_last(rater_id, desk.run_ids, session=session)
        if pair is None:
            note("There is nothing to undo.")
            return
        at = next((i for i, one in enumerate(desk.standing.order, 1) if one.answers == pair.answers), None)
        note(f"Took back the last change of pair {at}." if at else "Took back the last change.")
        go(at)

    if not _moved(desk):
        guarded(take_back)


def fill_in(desk: PairDesk) -> None:
    """On arrival at a pair, put what was said before into its controls, or empty them."""
    here = desk.key("arrived")
    if st.session_state.get(Key.ARRIVED) == here and desk.key("choice-pair") in st.session_state:
        return
    st.session_state[Key.ARRIVED] = here
    before = None
    if desk.pair:
        with store.reading(data.engine()) as session:
            rater = scoring.find_person(desk.name, session=session)
            if rater and rater.id is not None:
                before = comparisons.get_compared(desk.pair, rater.id, session=session)
    st.session_state[desk.key("choice-pair")] = before.preference.value if before and before.preference else None
    st.session_state[desk.key("note")] = before.note if before else ""
