"""A person's scores: what they are shown of an answer, saving, taking back, and every change there was.

Nothing here tells who wrote an answer: a page that is built from these verbs stays blind. Which answer comes next is
handouts.py's business (what this person scored in another sample already is not shown again: carrying.py), what a
criterion means the rubric's. Verdicts are stored through the store, so earlier ones stay readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from db import handouts
from db.handouts import Handed
from db.models import Answer, Assessment, AssessmentStatus, Draw, Question, Rater, RaterKind, Rubric, Sample, Score
from db.scales import scales_of
from db.store import StoreError, list_scores, save_assessment, save_rater, save_rubric
from db.verdicts import CARRIED, COUNTS, PROTOCOL, follow, last_verdict

MAX_NAME = 80  # characters
NOT_JUDGED = "the rater could not judge it"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a rater sees of an answer: its text and its question, and nothing of where it came from."""

    answer_id: int
    text: str
    question: Question


@dataclass(frozen=True, slots=True)
class Given:
    """The scores a person gave an answer by criterion, None where it could not be judged; note and flags."""

    values: Mapping[str, float | None]
    note: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One entry in an answer's history: who gave which scores when and in which sample; none where taken back."""

    rater: str
    at: datetime
    given: Given | None
    counts: bool
    undo: bool  # takes back a change, or restores what was before it
    carried: bool  # not given anew: taken over from another sample
    blind: bool | None
    sample: str


@dataclass(frozen=True, slots=True)
class Scored:
    """An answer of a sample that somebody scored: by whom, and what they flagged. Nothing of whose answer it is."""

    answer_id: int
    question_key: str
    question: str
    raters: tuple[str, ...]
    flags: tuple[str, ...]


# --- people -------------------------------------------------------------------------------------------------------


def clean_name(name: str) -> str:
    """A person's name as it is stored: single spaces, at most MAX_NAME characters."""
    return " ".join(name.split())[:MAX_NAME].strip()


def find_person(name: str, *, session: Session) -> Rater | None:
    """The person of this name, whatever its capitals; None if nobody of that name has scored yet."""
    wanted = clean_name(name).casefold()
    people = session.exec(select(Rater).where(Rater.kind == RaterKind.person).order_by(col(Rater.id)))
    return next((person for person in people if person.name.casefold() == wanted), None)


def save_person(name: str, *, session: Session) -> int:
    """The id of the person of this name, stored if it is new. Raises ValueError for an empty name."""
    if not clean_name(name):
        raise ValueError("a name is needed to save scores")
    person = find_person(name, session=session)
    if person is None:
        try:
            with session.begin_nested():
                person = save_rater(Rater(kind=RaterKind.person, name=clean_name(name)), session=session)
        except IntegrityError:  # the same person in another window, at the same moment
            person = find_person(name, session=session)
    assert person is not None
    assert person.id is not None
    return person.id


# --- an answer ----------------------------------------------------------------------------------------------------


def token(answer_id: int, seed: str) -> str:
    """A short name for an answer that tells nothing about it, neither its run nor when it was made."""
    return blake2b(f"{seed}:{answer_id}".encode(), digest_size=8).hexdigest()


def get_shown(answer_id: int, *, session: Session) -> Shown:
    """An answer with its question, as a rater may see it. Raises StoreError if it is gone."""
    query = select(Answer.text, Question).join(Question, col(Question.id) == Answer.question_id)
    if found := session.exec(query.where(Answer.id == answer_id)).first():
        return Shown(answer_id, found[0] or "", found[1])
    raise StoreError("This answer is no longer there; its run was deleted. Reload the page.")


def _given(assessment: Assessment, scores: Sequence[Score]) -> Given:
    values = {score.criterion: score.value for score in scores if score.assessment_id == assessment.id}
    return Given(values, assessment.note or "", tuple(assessment.flags))


def get_given(
    answer_id: int, rater_id: int, rubric_sha256: str, *, draw_id: int | None = None, session: Session
) -> Given | None:
    """The scores a person gave an answer under a rubric last, as part of a sample's draw; None if taken back."""
    rubric_id = select(Rubric.id).where(Rubric.sha256 == rubric_sha256).scalar_subquery()
    query = (
        select(Assessment)
        .where(Assessment.answer_id == answer_id, Assessment.rater_id == rater_id, Assessment.rubric_id == rubric_id)
        .where(Assessment.protocol == PROTOCOL, Assessment.draw_id == draw_id)
        .order_by(col(Assessment.id).desc())
    )
    last = session.exec(query.limit(1)).first()
    if last is None or last.id is None or last.status not in COUNTS:
        return None
    return _given(last, list_scores([last.id], session=session))


def _check(given: Given, rubric: Rubric) -> None:
    asked, scales = {criterion["id"] for criterion in rubric.body["criteria"]}, scales_of(rubric.body)
    if set(given.values) != asked:
        raise ValueError(f"scores are needed for {', '.join(sorted(asked))}, not for {', '.join(sorted(given.values))}")
    for criterion, value in given.values.items():
        low, high = scales[criterion]
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise ValueError(f"the score {value!r} for {criterion} is not a whole number from {low:g} to {high:g}")


def save_given(
    answer_id: int,
    given: Given,
    *,
    name: str,
    rubric: Rubric,
    place: int | None = None,
    blind: bool = True,
    draw_id: int | None = None,
    session: Session,
) -> Assessment | None:
    """Store a person's scores; an earlier verdict stays, but no longer counts. Returns None if nothing is new.

    Where the earlier one was taken over to another sample, or from one, the new scores hold there too.

    `draw_id`: the draw of a sample by which the answer came to be scored; without one the scores belong to no sample.
    The same scores, note and flags a second time (Enter pressed twice) are not stored again. Raises ValueError for a
    score that is not on its scale or a criterion too few or too many, StoreError if the answer is gone or had failed.
    """
    _check(given, rubric)
    rater_id = save_person(name, session=session)
    answer = session.get(Answer, answer_id)
    if answer is None or answer.error_kind is not None:
        raise StoreError("This answer can no longer be scored; its run was deleted or asked again. Reload the page.")
    given = Given(dict(given.values), given.note.strip(), tuple(sorted(given.flags)))
    if get_given(answer_id, rater_id, rubric.sha256, draw_id=draw_id, session=session) == given:
        return None
    stored = save_rubric(rubric, session=session)
    assert stored.id is not None
    whole = all(value is not None for value in given.values.values())
    assessment = Assessment(
        answer_id=answer_id,
        run_id=answer.run_id,
        question_id=answer.question_id,
        rater_id=rater_id,
        rubric_id=stored.id,
        protocol=PROTOCOL,
        status=AssessmentStatus.ok if whole else AssessmentStatus.partial,
        note=given.note or None,
        flags=list(given.flags),
        blind=blind,
        position=place,
        draw_id=draw_id,
        answer_sha256=answer.sha256 or "",
    )
    scores = [
        Score(assessment_id=0, criterion=criterion, value=value, null_reason=NOT_JUDGED if value is None else None)
        for criterion, value in given.values.items()
    ]
    before = last_verdict(answer_id, rater_id, stored.id, draw_id, session=session)
    saved = save_assessment(assessment, scores, session=session)
    follow(saved, before, session=session)
    return saved


def save_handed(
    handed: Handed, given: Given, *, name: str, rubric: Rubric, blind: bool = True, session: Session
) -> Assessment | None:
    """Store the scores of an answer that was handed out, and note that it is done; raises what save_given raises.

    Also when the answer went to somebody else meanwhile: then there are two opinions, and nothing is lost.
    """
    saved = save_given(
        handed.answer_id,
        given,
        name=name,
        rubric=rubric,
        place=handed.place,
        blind=blind,
        draw_id=handed.draw_id,
        session=session,
    )
    handouts.finish(handed.handout_id, save_person(name, session=session), session=session)
    return saved


# --- taking back --------------------------------------------------------------------------------------------------


def undo_last(sample_id: int, rater_id: int, *, session: Session) -> int | None:
    """Take back the last change a person made in a sample; returns its draw's id, None if there is none.

    What was before it holds again: the scores it replaced, or none, and then the answer is in the person's hands again.
    Both rows stay and a further one says what was taken back, so that the next undo goes one change further back. What
    was carried over from another sample is no change the person made here, and is not taken back; nor is what it
    replaced here. What is taken back here is so wherever it was carried over to.
    """
    query = (
        select(Assessment)
        .join(Draw, col(Draw.id) == col(Assessment.draw_id))
        .where(Assessment.rater_id == rater_id, Draw.sample_id == sample_id)
        .order_by(col(Assessment.id))
    )
    rows = list(session.exec(query))
    undone = {row.undoes for row in rows}
    standing = [row for row in rows if row.undoes is None and row.id not in undone]
    newest = {row.draw_id: row for row in standing}
    given = [row for row in standing if CARRIED not in row.parameters and CARRIED not in newest[row.draw_id].parameters]
    if not given:
        return None
    last = given[-1]
    earlier = standing[: standing.index(last)]
    before = next((row for row in reversed(earlier) if row.draw_id == last.draw_id), None)
    fields = (before or last).model_dump(exclude={"id", "created_at", "current", "undoes"})
    if before is None:
        fields |= {"status": AssessmentStatus.withdrawn, "note": None, "flags": []}
    scores = list_scores([before.id], session=session) if before and before.id else []
    copies = [Score(**score.model_dump(exclude={"id"})) for score in scores]
    saved = save_assessment(Assessment(**fields, undoes=last.id), copies, session=session)
    if before is None and last.draw_id is not None:
        handouts.reopen(last.draw_id, rater_id, session=session)
    follow(saved, last, session=session)
    return last.draw_id


# --- history ------------------------------------------------------------------------------------------------------


def list_changes(answer_id: int, *, session: Session) -> list[Change]:
    """Every change people made to an answer's scores, oldest first."""
    query = (
        select(Assessment, Rater.name, Sample.id, Sample.name, Sample.design)  # pyright: ignore[reportCallIssue, reportArgumentType]
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .outerjoin(Draw, col(Draw.id) == col(Assessment.draw_id))
        .outerjoin(Sample, col(Sample.id) == col(Draw.sample_id))
        .where(Assessment.answer_id == answer_id, Rater.kind == RaterKind.person)
        .order_by(col(Assessment.id))
    )
    rows = session.execute(query).all()
    scores = list_scores([row.id for row, *_ in rows], session=session)
    return [
        Change(
            rater=name,
            at=row.created_at,
            given=_given(row, scores) if row.status in COUNTS else None,
            counts=row.current and row.status in COUNTS,
            undo=row.undoes is not None,
            carried=CARRIED in row.parameters,
            blind=row.blind,
            sample=f"{title or design} #{sample_id}" if sample_id else "",
        )
        for row, name, sample_id, title, design in rows
    ]


def list_scored(sample_id: int, *, session: Session) -> list[Scored]:
    """The answers of a sample that are scored, in the order they were drawn; taken back ones are not among them."""
    columns = (Assessment.answer_id, Draw.position, Question.key, Question.text, Rater.name, Assessment.flags)
    query = (
        select(*columns, Assessment.status)  # pyright: ignore[reportCallIssue, reportArgumentType]
        .join(Draw, col(Draw.id) == col(Assessment.draw_id))
        .join(Question, col(Question.id) == col(Assessment.question_id))
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .where(Draw.sample_id == sample_id)
        .order_by(col(Draw.position), col(Assessment.id))
    )
    newest = {(row[0], row[4]): row for row in session.execute(query)}  # a person's last word on an answer
    by_answer: dict[int, list[Any]] = {}
    for row in newest.values():
        if row[6] in COUNTS:
            by_answer.setdefault(row[0], []).append(row)
    return [
        Scored(
            answer_id=answer_id,
            question_key=rows[0][2],
            question=rows[0][3],
            raters=tuple(row[4] for row in rows),
            flags=tuple(sorted({flag for row in rows for flag in row[5]})),
        )
        for answer_id, rows in sorted(by_answer.items(), key=lambda item: item[1][0][1])
    ]
