"""What a person scores: the order answers are shown in, the next one, saving, and taking the last one back.

Nothing here tells who wrote an answer: a page that is built from these verbs stays blind. Verdicts are stored through
the store, so earlier ones stay readable; what a criterion means is the rubric's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sqlmodel import Session, col, select

from db.models import Answer, Assessment, AssessmentStatus, Question, Rater, RaterKind, Rubric, Score
from db.scales import scales_of
from db.store import StoreError, save_assessment, save_rater, save_rubric

PROTOCOL = "person"
MAX_NAME = 80  # characters
NOT_JUDGED = "the rater could not judge it"
_COUNTS = (AssessmentStatus.ok, AssessmentStatus.partial)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a rater sees of an answer: its text and its question, and nothing of where it came from."""

    answer_id: int
    text: str
    question: Question


@dataclass(frozen=True, slots=True)
class Given:
    """The scores a person gave an answer by criterion, None where it could not be judged, and the note."""

    values: Mapping[str, float | None]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """The answers one rater is shown, in their order; places count from 1."""

    order: tuple[int, ...]  # answer ids
    scored: frozenset[int]
    last: int | None = None  # the answer scored last

    @property
    def open(self) -> int:
        """How many answers are not scored."""
        return len(self.order) - len(self.scored)

    def skipped(self, place: int) -> int:
        """How many answers ahead of a place were passed over."""
        return sum(answer_id not in self.scored for answer_id in self.order[: place - 1])

    def next_open(self, place: int) -> int | None:
        """The next place after this one that is not scored, from the start again after the end; None if all are.

        The place itself comes last.
        """
        n = len(self.order)
        around = (*range(place + 1, n + 1), *range(1, min(place, n) + 1))
        return next((there for there in around if self.order[there - 1] not in self.scored), None)

    def resume(self) -> int | None:
        """The place to go on at: the first open one after the answer scored last; None if all are scored."""
        return self.next_open(self.order.index(self.last) + 1 if self.last in self.order else 0)


def clean_name(name: str) -> str:
    """A person's name as it is stored: single spaces, at most MAX_NAME characters."""
    return " ".join(name.split())[:MAX_NAME].strip()


def token(answer_id: int, seed: str) -> str:
    """A short name for an answer that tells nothing about it, neither its run nor when it was made."""
    return blake2b(f"{seed}:{answer_id}".encode(), digest_size=8).hexdigest()


def shuffled(answer_ids: Sequence[int], seed: str) -> tuple[int, ...]:
    """The ids in an order that depends on the seed alone: the same next time, another for another seed."""
    return tuple(sorted(answer_ids, key=lambda answer_id: token(answer_id, seed)))


def find_person(name: str, *, session: Session) -> Rater | None:
    """The person of this name, whatever its capitals; None if nobody of that name has scored yet."""
    wanted = clean_name(name).casefold()
    people = session.exec(select(Rater).where(Rater.kind == RaterKind.person))
    return next((person for person in people if person.name.casefold() == wanted), None)


def list_scorable(run_ids: Sequence[int], *, session: Session) -> list[int]:
    """The ids of the answers of some runs that a person can score: no failures, no warm-ups. Texts are not read."""
    query = select(Answer.id).where(
        col(Answer.run_id).in_(run_ids), col(Answer.cold).is_(False), col(Answer.error_kind).is_(None)
    )
    return [answer_id for answer_id in session.exec(query) if answer_id is not None]


def _verdicts_of(rater: Rater, rubric_sha256: str, run_ids: Sequence[int]):
    """The verdicts of a person that count, over some runs."""
    rubric_id = select(Rubric.id).where(Rubric.sha256 == rubric_sha256).scalar_subquery()
    return select(Assessment).where(
        col(Assessment.run_id).in_(run_ids),
        col(Assessment.current).is_(True),
        Assessment.rater_id == rater.id,
        Assessment.rubric_id == rubric_id,
        Assessment.protocol == PROTOCOL,
        col(Assessment.status).in_(_COUNTS),
    )


def get_queue(name: str, run_ids: Sequence[int], rubric_sha256: str, *, session: Session) -> Queue:
    """Where a person stands over some runs: the shuffled order, what is scored under this rubric, and the last one.

    The order is seeded by the person's name and the runs, so that it survives a reload.
    """
    seed = f"{clean_name(name).casefold()}|{','.join(str(run_id) for run_id in sorted(run_ids))}"
    order = shuffled(list_scorable(run_ids, session=session), seed)
    rater = find_person(name, session=session)
    if rater is None:
        return Queue(order, frozenset())
    query = _verdicts_of(rater, rubric_sha256, run_ids).with_only_columns(col(Assessment.id), col(Assessment.answer_id))
    found = sorted((row[0], row[1]) for row in session.execute(query))
    known = set(order)
    scored = [answer_id for _, answer_id in found if answer_id in known]
    return Queue(order, frozenset(scored), scored[-1] if scored else None)


def get_shown(answer_id: int, *, session: Session) -> Shown:
    """An answer with its question, as a rater may see it. Raises StoreError if it is gone."""
    query = select(Answer.text, Question).join(Question, col(Question.id) == Answer.question_id)
    if found := session.exec(query.where(Answer.id == answer_id)).first():
        return Shown(answer_id, found[0] or "", found[1])
    raise StoreError("This answer is no longer there; its run was deleted. Reload the page.")


def get_given(answer_id: int, name: str, rubric_sha256: str, *, session: Session) -> Given | None:
    """The scores a person gave an answer under a rubric, if they count."""
    rater = find_person(name, session=session)
    answer = session.get(Answer, answer_id)
    if rater is None or answer is None:
        return None
    query = _verdicts_of(rater, rubric_sha256, [answer.run_id]).where(Assessment.answer_id == answer_id)
    assessment = session.exec(query).first()
    if assessment is None:
        return None
    scores = session.exec(select(Score).where(Score.assessment_id == assessment.id))
    return Given({score.criterion: score.value for score in scores}, assessment.note or "")


def _check(given: Given, rubric: Rubric) -> None:
    asked, scales = {criterion["id"] for criterion in rubric.body["criteria"]}, scales_of(rubric.body)
    if set(given.values) != asked:
        raise ValueError(f"scores are needed for {', '.join(sorted(asked))}, not for {', '.join(sorted(given.values))}")
    for criterion, value in given.values.items():
        low, high = scales[criterion]
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise ValueError(f"the score {value!r} for {criterion} is not a whole number from {low:g} to {high:g}")


def save_given(
    answer_id: int, given: Given, *, name: str, rubric: Rubric, place: int, blind: bool = True, session: Session
) -> Assessment | None:
    """Store a person's scores; an earlier verdict stays, but no longer counts. Returns None if nothing is new.

    The same scores and note a second time (Enter pressed twice) are not stored again. Raises ValueError for a score
    that is not on its scale or a criterion too few or too many, StoreError if the answer is gone or had failed.
    """
    _check(given, rubric)
    if not clean_name(name):
        raise ValueError("a name is needed to save scores")
    answer = session.get(Answer, answer_id)
    if answer is None or answer.error_kind is not None:
        raise StoreError("This answer can no longer be scored; its run was deleted or asked again. Reload the page.")
    if get_given(answer_id, name, rubric.sha256, session=session) == Given(dict(given.values), given.note.strip()):
        return None
    rater = find_person(name, session=session) or save_rater(
        Rater(kind=RaterKind.person, name=clean_name(name)), session=session
    )
    stored = save_rubric(rubric, session=session)
    assert rater.id is not None
    assert stored.id is not None
    whole = all(value is not None for value in given.values.values())
    assessment = Assessment(
        answer_id=answer_id,
        run_id=answer.run_id,
        question_id=answer.question_id,
        rater_id=rater.id,
        rubric_id=stored.id,
        protocol=PROTOCOL,
        status=AssessmentStatus.ok if whole else AssessmentStatus.partial,
        note=given.note.strip() or None,
        blind=blind,
        position=place,
        answer_sha256=answer.sha256 or "",
    )
    scores = [
        Score(assessment_id=0, criterion=criterion, value=value, null_reason=NOT_JUDGED if value is None else None)
        for criterion, value in given.values.items()
    ]
    return save_assessment(assessment, scores, session=session)


def withdraw_last(name: str, run_ids: Sequence[int], rubric_sha256: str, *, session: Session) -> int | None:
    """Take back the verdict a person saved last over some runs; returns its answer's id, None if there is none.

    The verdict stays readable; a withdrawn one without scores takes its place.
    """
    rater = find_person(name, session=session)
    if rater is None:
        return None
    query = _verdicts_of(rater, rubric_sha256, run_ids).order_by(col(Assessment.id).desc()).limit(1)
    last = session.exec(query).first()
    if last is None:
        return None
    copied = last.model_dump(exclude={"id", "status", "note", "created_at", "current"})
    save_assessment(Assessment(**copied, status=AssessmentStatus.withdrawn), [], session=session)
    return last.answer_id
