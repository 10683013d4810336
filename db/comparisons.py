"""Two targets' answers to one question beside each other: which pairs there are, which comes next, saving, taking back.

The order of pairs is drawn by a seed that all share, so that what is compared first is a random part of the questions;
each person gets neighbouring pairs in another order, and the sides by chance. Nothing here tells who wrote an answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import combinations

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from db.models import Answer, Comparison, Preference, Rater
from db.scoring import clean_name, find_person, save_person
from db.store import StoreError

BLOCK = 10  # pairs of neighbouring places that are shuffled for each person


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one question, on the sides on which one person sees them."""

    question_id: int
    left: int  # answer ids
    right: int

    @property
    def answers(self) -> frozenset[int]:
        return frozenset((self.left, self.right))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a person said of a pair last; None where they took it back."""

    preference: Preference | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands over some runs' pairs: their order, what is compared, and by whom how many."""

    order: tuple[Pair, ...]
    done: frozenset[frozenset[int]]
    shares: tuple[tuple[str, int, datetime], ...] = ()

    def next_open(self) -> int | None:
        """The first place, from 1, whose pair this person has not compared; None if there is none."""
        return next((i for i, pair in enumerate(self.order, 1) if pair.answers not in self.done), None)


def _mixed(*parts: object) -> int:
    """A number that depends on its parts alone: what the order and the sides are drawn by."""
    return int.from_bytes(blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def list_pairs(run_ids: Sequence[int], seed: int, *, session: Session) -> list[tuple[int, int, int]]:
    """All pairs that two runs' answers to one question make: (question id, answer id, answer id), in the drawn order.

    Where a run has repeats, one of them is drawn by the same seed. Failures and warm-ups are left out.
    """
    columns = (col(Answer.question_id), col(Answer.run_id), col(Answer.id))
    query = select(*columns).where(
        col(Answer.run_id).in_(run_ids), col(Answer.cold).is_(False), col(Answer.error_kind).is_(None)
    )
    answers: dict[int, dict[int, int]] = defaultdict(dict)
    for question_id, run_id, answer_id in session.execute(query):
        drawn = answers[question_id].get(run_id)
        if drawn is None or _mixed(seed, answer_id) < _mixed(seed, drawn):
            answers[question_id][run_id] = answer_id
    pairs = [
        (question_id, by_run[one], by_run[other])
        for question_id, by_run in answers.items()
        for one, other in combinations(sorted(by_run), 2)
    ]
    return sorted(pairs, key=lambda pair: _mixed(seed, *pair))


def get_standing(name: str, run_ids: Sequence[int], seed: int, *, session: Session) -> Standing:
    """Where a person stands: their order and sides depend on their name and the seed, and survive a reload."""
    rater = find_person(name, session=session)
    own = clean_name(name).casefold()
    order: list[Pair] = []
    drawn = list_pairs(run_ids, seed, session=session)
    for start in range(0, len(drawn), BLOCK):
        block = sorted(drawn[start : start + BLOCK], key=lambda pair: _mixed(seed, own, *pair))
        for question_id, one, other in block:
            swapped = _mixed(seed, own, "side", one, other) % 2
            order.append(Pair(question_id, *((other, one) if swapped else (one, other))))
    known = {pair.answers for pair in order}
    done: set[frozenset[int]] = set()
    shares: dict[str, tuple[int, datetime]] = {}
    for comparison, who in session.exec(_current(run_ids)):
        pair = frozenset((comparison.left_answer_id, comparison.right_answer_id))
        if comparison.preference is None or pair not in known:
            continue
        if rater and comparison.rater_id == rater.id:
            done.add(pair)
        n, last = shares.get(who, (0, comparison.created_at))
        shares[who] = n + 1, max(last, comparison.created_at)
    most = sorted(((who, n, last) for who, (n, last) in shares.items()), key=lambda row: (-row[1], row[0]))
    return Standing(tuple(order), frozenset(done), tuple(most))


def _current(run_ids: Sequence[int]):
    """The comparisons that count whose left answer is of one of these runs, each with its rater's name."""
    answers = select(Answer.id).where(col(Answer.run_id).in_(run_ids))
    return (
        select(Comparison, Rater.name)
        .join(Rater, col(Rater.id) == col(Comparison.rater_id))
        .where(col(Comparison.left_answer_id).in_(answers), col(Comparison.current).is_(True))
    )


def _of_pair(pair: Pair):
    """All comparisons of two answers, whichever stood left, oldest first."""
    both = tuple(pair.answers)
    return (
        select(Comparison)
        .where(col(Comparison.left_answer_id).in_(both), col(Comparison.right_answer_id).in_(both))
        .order_by(col(Comparison.id))
    )


def get_compared(pair: Pair, rater_id: int, *, session: Session) -> Compared | None:
    """What a person said of a pair, as the sides stand in `pair`; None where they said nothing that counts."""
    last = session.exec(
        _of_pair(pair).where(Comparison.rater_id == rater_id, col(Comparison.current).is_(True))
    ).first()
    if last is None or last.preference is None:
        return None
    preference = last.preference if last.left_answer_id == pair.left else _mirrored(last.preference)
    return Compared(preference, last.note or "")


def _mirrored(preference: Preference) -> Preference:
    sides = {Preference.left: Preference.right, Preference.right: Preference.left}
    return sides.get(preference, preference)


def save_comparison(
    pair: Pair, compared: Compared, *, name: str, place: int | None = None, session: Session
) -> Comparison | None:
    """Store which answer a person found better; an earlier word stays, but no longer counts. None if nothing is new.

    Raises ValueError without a name or a preference, StoreError if an answer is gone or is not one to this question.
    """
    if compared.preference is None:
        raise ValueError("a preference is needed: left, same or right")
    rater_id = save_person(name, session=session)
    found = [session.get(Answer, answer_id) for answer_id in (pair.left, pair.right)]
    if any(one is None or one.error_kind is not None or one.question_id != pair.question_id for one in found):
        raise StoreError("These answers can no longer be compared; a run was deleted or asked again. Reload the page.")
    compared = Compared(compared.preference, compared.note.strip())
    if get_compared(pair, rater_id, session=session) == compared:
        return None
    row = Comparison(
        question_id=pair.question_id,
        left_answer_id=pair.left,
        right_answer_id=pair.right,
        rater_id=rater_id,
        preference=compared.preference,
        note=compared.note or None,
        position=place,
    )
    return _store(row, session)


def _store(row: Comparison, session: Session) -> Comparison:
    pair = Pair(row.question_id, row.left_answer_id, row.right_answer_id)
    for old in session.exec(
        _of_pair(pair).where(Comparison.rater_id == row.rater_id, col(Comparison.current).is_(True))
    ):
        session.execute(update(Comparison).where(col(Comparison.id) == old.id).values(current=False))
    session.add(row)
    session.flush()
    return row


def undo_last(rater_id: int, run_ids: Sequence[int], *, session: Session) -> Pair | None:
    """Take back the last change a person made over some runs' pairs; what was before it holds again.

    Returns the pair as it was shown, None if there is nothing to take back. All rows stay.
    """
    answers = select(Answer.id).where(col(Answer.run_id).in_(run_ids))
    both = (col(Comparison.left_answer_id).in_(answers), col(Comparison.right_answer_id).in_(answers))
    query = select(Comparison).where(Comparison.rater_id == rater_id, *both).order_by(col(Comparison.id))
    rows = list(session.exec(query))
    undone = {row.undoes for row in rows}
    standing = [row for row in rows if row.undoes is None and row.id not in undone]
    if not standing:
        return None
    last = standing[-1]
    pair = Pair(last.question_id, last.left_answer_id, last.right_answer_id)
    answers_of = {row.id: frozenset((row.left_answer_id, row.right_answer_id)) for row in standing}
    before = next((row for row in standing[-2::-1] if answers_of[row.id] == pair.answers), None)
    fields = (before or last).model_dump(exclude={"id", "created_at", "current", "undoes"})
    if before is None:
        fields |= {"preference": None, "note": None}
    _store(Comparison(**fields, undoes=last.id), session)
    return pair


def newest_comparison(*, session: Session) -> int:
    """The id of the newest comparison, 0 where there is none: it grows with every word and every undo."""
    return session.exec(select(func.max(col(Comparison.id)))).one() or 0


def list_compared(pair: Pair, *, session: Session) -> list[tuple[Comparison, str]]:
    """Every comparison of two answers with its rater's name, oldest first; `current` tells which count."""
    query = _of_pair(pair).join(Rater, col(Rater.id) == col(Comparison.rater_id)).add_columns(col(Rater.name))
    return [(row, name) for row, name in session.execute(query)]
