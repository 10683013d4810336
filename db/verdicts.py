"""One person's verdict on one answer in several samples: a copy in each, and each follows when they change their mind.

An answer that two samples hold is scored once (carrying.py). So what it is worth is said once too: a correction, or
taking a score back, in one of them holds in all. Not from a disagreement queue, where the rater knows that the answer
is in dispute: what is said there changes only copies of what was given there. Every row stays readable.
"""

from sqlalchemy import update
from sqlmodel import Session, col, select

from db import handouts
from db.models import Answer, Assessment, AssessmentStatus, Design, Draw, Handout, Sample, Score, now
from db.store import list_scores, save_assessment

PROTOCOL = "person"
CARRIED = "carried_from"  # a parameter of scores taken over from another sample: the assessment they were given in
COUNTS = (AssessmentStatus.ok, AssessmentStatus.partial)


def last_verdict(
    answer_id: int, rater_id: int, rubric_id: int, draw_id: int | None, *, session: Session
) -> Assessment | None:
    """What a person said of an answer last as part of a draw, taken back or not; None where they said nothing."""
    query = _said(answer_id, rater_id, rubric_id).where(Assessment.draw_id == draw_id)
    return session.exec(query.order_by(col(Assessment.id).desc()).limit(1)).first()


def find_standing(answer_id: int, rater_id: int, rubric_id: int, *, session: Session) -> Assessment | None:
    """The scores of an answer's very text that stand of a person; None where there are none, or they took them back.

    The newest that no disagreement queue led to; if there is none, the newest of such a queue.
    """
    text = session.exec(select(Answer.sha256).where(Answer.id == answer_id)).first()
    query = _said(answer_id, rater_id, rubric_id).order_by(col(Assessment.id))
    newest = {row.draw_id: row for row in session.exec(query)}
    standing = [row for row in newest.values() if row.status in COUNTS and row.answer_sha256 == text]
    sampled = [row for row in standing if not _in_dispute(row.draw_id, session)]
    return max(sampled or standing, key=lambda row: row.id or 0, default=None)


def _said(answer_id: int, rater_id: int, rubric_id: int):
    """Everything a person said of an answer under a rubric."""
    return select(Assessment).where(
        Assessment.answer_id == answer_id,
        Assessment.rater_id == rater_id,
        Assessment.rubric_id == rubric_id,
        Assessment.protocol == PROTOCOL,
    )


def copy_verdict(
    known: Assessment, draw_id: int | None, place: int | None, *, undoes: int | None = None, session: Session
) -> None:
    """Store the same verdict once more, as part of another draw, with where it comes from."""
    fields = known.model_dump(exclude={"id", "created_at", "current", "undoes", "draw_id", "position", "parameters"})
    parameters = {CARRIED: known.id, **known.parameters}  # of a copy, where that came from
    copied = Assessment(**fields, draw_id=draw_id, position=place, parameters=parameters, undoes=undoes)
    scores = [
        Score(**score.model_dump(exclude={"id", "assessment_id"}), assessment_id=0)
        for score in list_scores([known.id or 0], session=session)
    ]
    save_assessment(copied, scores, session=session)


def follow(saved: Assessment, before: Assessment | None, *, session: Session) -> None:
    """Let what a person says now hold wherever the scores that it replaces were taken over to or from.

    `before`: their last verdict on it as part of the same draw. A copy is known by saying the same of the same text,
    not by the number of the assessment it came from, which is another one after an import.
    """
    if before is None or (CARRIED in before.parameters and _in_dispute(saved.draw_id, session)):
        return
    query = _said(saved.answer_id, saved.rater_id, saved.rubric_id).order_by(col(Assessment.id))
    newest = {row.draw_id: row for row in session.exec(query)}
    for draw_id, row in newest.items():
        taken_over = CARRIED in row.parameters or CARRIED in before.parameters
        same_text = row.answer_sha256 == before.answer_sha256 == saved.answer_sha256
        if draw_id != saved.draw_id and taken_over and same_text and _says_the_same(row, before, session):
            undoes = row.id if saved.undoes is not None else None
            copy_verdict(saved, draw_id, row.position, undoes=undoes, session=session)
            _settle(saved, draw_id, session)


def _says_the_same(one: Assessment, other: Assessment, session: Session) -> bool:
    if (one.status, one.note, sorted(one.flags)) != (other.status, other.note, sorted(other.flags)):
        return False
    scores = list_scores([one.id or 0, other.id or 0], session=session)
    said = [{s.criterion: s.value for s in scores if s.assessment_id == each.id} for each in (one, other)]
    return said[0] == said[1]


def _in_dispute(draw_id: int | None, session: Session) -> bool:
    query = select(Sample.design).join(Draw, col(Draw.sample_id) == col(Sample.id)).where(Draw.id == draw_id)
    return session.exec(query).first() == Design.disagreement


def _settle(saved: Assessment, draw_id: int | None, session: Session) -> None:
    """Put the answer back into the person's hands in another sample if they took its scores back; else it is done."""
    if draw_id is None:
        return
    if saved.status == AssessmentStatus.withdrawn:
        handouts.reopen(draw_id, saved.rater_id, session=session)
        return
    mine = (col(Handout.draw_id) == draw_id, col(Handout.rater_id) == saved.rater_id, col(Handout.done_at).is_(None))
    session.execute(update(Handout).where(*mine).values(done_at=now(), skipped=False))
