"""Who gets which answer of a sample next, who holds what, and who has done how much.

Every answer goes to one person (turn 0); one that is marked double goes to a second person (turn 1) once the first is
done, and never to the same one. A handing is a row that the database lets exist once, so that two people at the same
moment cannot get the same turn. What a person holds longer than LEASE without a score is free again; what was skipped
comes back to others when nothing fresh is left, and then to the person who skipped it. Scores are scoring.py's part.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import func, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from db.models import Draw, Handout, Rater, now
from db.store import StoreError

LEASE = timedelta(minutes=30)
BLOCK = 10  # answers of neighbouring places that are shuffled for each person
FIRST, SECOND = 0, 1  # turns
_TRIES = 20  # against others who take the same answer at the same moment


@dataclass(frozen=True, slots=True)
class Handed:
    """An answer of a sample in a person's hands; `place` counts from 1 in the order shown to this person."""

    handout_id: int
    draw_id: int
    answer_id: int
    place: int
    done: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sample is: answers, those scored, those to be scored by two people, and those that were."""

    n: int
    n_done: int
    n_double: int
    n_double_done: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one person did of a sample."""

    name: str
    n: int
    n_second: int  # of them as a second opinion
    last: datetime


# --- what one person holds ----------------------------------------------------------------------------------------


def _of(sample_id: int, rater_id: int):
    """A person's handouts of a sample with their draws, in the order shown."""
    return (
        select(Handout, Draw)
        .join(Draw, col(Draw.id) == col(Handout.draw_id))
        .where(Handout.rater_id == rater_id, Draw.sample_id == sample_id)
        .order_by(col(Handout.position))
    )


def _handed(handout: Handout, draw: Draw) -> Handed:
    assert handout.id is not None
    return Handed(handout.id, handout.draw_id, draw.answer_id, handout.position, handout.done_at is not None)


def get_before(sample_id: int, rater_id: int, place: int | None, *, session: Session) -> Handed | None:
    """What this person had before the answer at a place (None: last of all); what was skipped is nobody's."""
    query = _of(sample_id, rater_id).where(col(Handout.skipped).is_(False))
    if place is not None:
        query = query.where(Handout.position < place)
    found = session.exec(query.order_by(None).order_by(col(Handout.position).desc()).limit(1)).first()
    return _handed(*found) if found else None


def count_done(sample_id: int, rater_id: int, *, session: Session) -> int:
    """How many answers of a sample a person has scored."""
    done = select(func.count()).select_from(Handout).join(Draw, col(Draw.id) == col(Handout.draw_id))
    mine = (Handout.rater_id == rater_id, Draw.sample_id == sample_id, col(Handout.done_at).is_not(None))
    return session.exec(done.where(*mine)).one()


def find_handed(draw_id: int, rater_id: int, *, session: Session) -> Handed | None:
    """The handout by which this person has, or had and scored, a draw; None if it is somebody else's by now."""
    mine = (Handout.draw_id == draw_id, Handout.rater_id == rater_id, col(Handout.skipped).is_(False))
    found = session.exec(select(Handout, Draw).join(Draw, col(Draw.id) == col(Handout.draw_id)).where(*mine)).first()
    return _handed(*found) if found else None


def get_handed(handout_id: int, sample_id: int, rater_id: int, *, session: Session) -> Handed | None:
    """A handout of a sample if it is (still) this person's."""
    mine = (Handout.id == handout_id, col(Handout.skipped).is_(False))
    found = session.exec(_of(sample_id, rater_id).where(*mine)).first()
    return _handed(*found) if found else None


# --- handing out --------------------------------------------------------------------------------------------------


def next_handout(sample_id: int, rater_id: int, *, at: datetime | None = None, session: Session) -> Handed | None:
    """The answer a person scores next, now in their hands; None if nothing is left for them.

    What they hold already comes first, so that a reload shows the same answer. Needs a writing session.
    """
    at = at or now()
    held = _of(sample_id, rater_id).where(col(Handout.done_at).is_(None), col(Handout.skipped).is_(False))
    if found := session.exec(held.limit(1)).first():
        handout, draw = found
        handout.handed_at = at
        session.add(handout)
        session.flush()
        return _handed(handout, draw)
    for _ in range(_TRIES):
        choice = _choose(sample_id, rater_id, at, session)
        if choice is None:
            return None
        draw, turn, old = choice
        if handout := _take(draw, turn, old, rater_id, at, session):
            return _handed(handout, draw)
    raise StoreError("Many people are taking answers at this moment; try again.")


def _choose(sample_id: int, rater_id: int, at: datetime, session: Session) -> tuple[Draw, int, Handout | None] | None:
    """The draw to hand out: fresh ones first, then those others skipped, then those this person skipped.

    Among fresh ones the first block of places that has any, shuffled for this person.
    """
    for kind in ("fresh", "skipped", "own"):
        free = [
            (draw, turn, old)
            for turn in (FIRST, SECOND)
            for draw, old in session.exec(_free(sample_id, rater_id, turn, kind, at).limit(BLOCK))
        ]
        if free:
            block = min(draw.position // BLOCK for draw, _, _ in free)
            within = [one for one in free if one[0].position // BLOCK == block]
            return min(within, key=lambda one: _place_of(one[0].id or 0, rater_id))
    return None


def _place_of(draw_id: int, rater_id: int) -> str:
    """Orders the draws of a block: another order for every person, the same next time."""
    return blake2b(f"{rater_id}:{draw_id}".encode(), digest_size=8).hexdigest()


def _free(sample_id: int, rater_id: int, turn: int, kind: str, at: datetime):
    """The draws whose turn a person may take, in their order, each with its handout if it had one before."""
    other = aliased(Handout)  # of the same draw's other turn
    query = (
        select(Draw, Handout)
        .outerjoin(Handout, (col(Handout.draw_id) == col(Draw.id)) & (col(Handout.turn) == turn))
        .where(Draw.sample_id == sample_id)
        .order_by(col(Draw.position))
    )
    elsewhere = select(other.id).where(other.draw_id == Draw.id, other.turn == 1 - turn)  # one row: by draw and turn
    query = query.where(~elsewhere.where(other.rater_id == rater_id).exists())
    if turn == SECOND:
        query = query.where(col(Draw.double).is_(True), elsewhere.where(col(other.done_at).is_not(None)).exists())
    waiting = col(Handout.done_at).is_(None)
    if kind == "fresh":
        expired = waiting & col(Handout.skipped).is_(False) & (col(Handout.handed_at) < at - LEASE)
        return query.where(or_(col(Handout.id).is_(None), expired))
    by_me = col(Handout.rater_id) == rater_id
    return query.where(waiting, col(Handout.skipped).is_(True), by_me if kind == "own" else ~by_me)


def _take(draw: Draw, turn: int, old: Handout | None, rater_id: int, at: datetime, session: Session) -> Handout | None:
    """Put a draw's turn into a person's hands; None if somebody else was faster."""
    last = select(func.max(Handout.position)).join(Draw, col(Draw.id) == col(Handout.draw_id))
    place = session.exec(last.where(Handout.rater_id == rater_id, Draw.sample_id == draw.sample_id)).one() or 0
    if old is not None:
        return _take_over(old, rater_id, place + 1, at, session)
    assert draw.id is not None
    handout = Handout(draw_id=draw.id, turn=turn, rater_id=rater_id, position=place + 1, handed_at=at)
    try:
        with session.begin_nested():
            session.add(handout)
    except IntegrityError:
        return None
    return handout


def _take_over(old: Handout, rater_id: int, place: int, at: datetime, session: Session) -> Handout | None:
    unchanged = (
        col(Handout.id) == old.id,
        col(Handout.rater_id) == old.rater_id,
        col(Handout.handed_at) == old.handed_at,
        col(Handout.skipped) == old.skipped,
        col(Handout.done_at).is_(None),
    )
    new = {"rater_id": rater_id, "position": place, "handed_at": at, "skipped": False}
    taken = session.execute(
        update(Handout).where(*unchanged).values(**new), execution_options={"synchronize_session": False}
    )
    session.refresh(old)
    return old if taken.rowcount else None  # pyright: ignore[reportAttributeAccessIssue]


# --- giving back --------------------------------------------------------------------------------------------------


def skip(handout_id: int, rater_id: int, *, session: Session) -> None:
    """Give an answer back unscored; nothing happens if it is no longer this person's or is scored."""
    mine = (col(Handout.id) == handout_id, col(Handout.rater_id) == rater_id, col(Handout.done_at).is_(None))
    session.execute(update(Handout).where(*mine).values(skipped=True))


def release(handout_id: int, rater_id: int, *, at: datetime | None = None, session: Session) -> None:
    """Let others have an answer at once that this person holds and will not score now; it stays theirs until then."""
    mine = (col(Handout.id) == handout_id, col(Handout.rater_id) == rater_id, col(Handout.done_at).is_(None))
    session.execute(update(Handout).where(*mine).values(handed_at=(at or now()) - LEASE - timedelta(seconds=1)))


def finish(handout_id: int, rater_id: int, *, at: datetime | None = None, session: Session) -> None:
    """Note that an answer is scored; nothing happens if somebody else holds it by now, or it was noted before."""
    mine = (col(Handout.id) == handout_id, col(Handout.rater_id) == rater_id, col(Handout.done_at).is_(None))
    session.execute(update(Handout).where(*mine).values(done_at=at or now(), skipped=False))


def reopen(draw_id: int, rater_id: int, *, at: datetime | None = None, session: Session) -> None:
    """Put a scored answer back into the hands of the person whose score was taken back."""
    mine = (col(Handout.draw_id) == draw_id, col(Handout.rater_id) == rater_id)
    session.execute(update(Handout).where(*mine).values(done_at=None, skipped=False, handed_at=at or now()))


# --- how far ------------------------------------------------------------------------------------------------------


def get_progress(sample_id: int, *, session: Session) -> Progress:
    """How far a sample is."""
    drawn = select(func.count()).select_from(Draw).where(Draw.sample_id == sample_id)
    done = select(func.count(func.distinct(Handout.draw_id))).join(Draw, col(Draw.id) == col(Handout.draw_id))
    done = done.where(Draw.sample_id == sample_id, col(Handout.done_at).is_not(None))
    return Progress(
        n=session.exec(drawn).one(),
        n_done=session.exec(done).one(),
        n_double=session.exec(drawn.where(col(Draw.double).is_(True))).one(),
        n_double_done=session.exec(done.where(Handout.turn == SECOND)).one(),
    )


def last_free_at(sample_id: int, *, session: Session) -> datetime | None:
    """When the last of the answers that are in somebody's hands comes free; None where nobody holds one."""
    held = select(func.max(Handout.handed_at)).join(Draw, col(Draw.id) == col(Handout.draw_id))
    waiting = (col(Handout.done_at).is_(None), col(Handout.skipped).is_(False))
    last = session.exec(held.where(Draw.sample_id == sample_id, *waiting)).one()
    return None if last is None else last + LEASE


def list_shares(sample_id: int, *, session: Session) -> list[Share]:
    """Who scored how many answers of a sample, and when last; the most diligent first."""
    query = (
        select(Rater.name, func.count(), func.sum(Handout.turn), func.max(Handout.done_at))
        .select_from(Handout)
        .join(Draw, col(Draw.id) == col(Handout.draw_id))
        .join(Rater, col(Rater.id) == col(Handout.rater_id))
        .where(Draw.sample_id == sample_id, col(Handout.done_at).is_not(None))
        .group_by(col(Rater.id), col(Rater.name))
        .order_by(func.count().desc(), col(Rater.name))
    )
    return [Share(row[0], row[1], row[2] or 0, row[3]) for row in session.execute(query)]
