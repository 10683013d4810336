"""What import and export read and write beside the store's verbs: whole runs at once, and what is there already.

Which rows a file becomes, and what a row becomes in a file, is the business of eval.interchange.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import false, insert, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from db.models import (
    Answer,
    Assessment,
    Call,
    CheckResult,
    Comparison,
    Design,
    Draw,
    Handout,
    QASet,
    Rubric,
    Run,
    Sample,
)
from db.store import StoreError, find_runs, list_questions

Row = dict[str, Any]  # the columns of a row by name

IMPORTED = "imported"  # the key in a run's provenance, there only where the run came from a file


def is_imported(run: Run) -> bool:
    """Whether a run came from a file: its target cannot be asked from here."""
    return IMPORTED in run.provenance


# --- for export ---------------------------------------------------------------------------------------------------


def list_verdict_calls(run_id: int, *, session: Session) -> list[Call]:
    """The calls behind all assessments of a run, in the order they were made."""
    query = select(Call).join(Assessment, col(Assessment.id) == col(Call.assessment_id))
    return list(session.exec(query.where(Assessment.run_id == run_id).order_by(col(Call.id))))


def list_checks(run_id: int, *, session: Session) -> list[CheckResult]:
    """Every yes/no check of a run's answers."""
    query = select(CheckResult).join(Assessment, col(Assessment.id) == col(CheckResult.assessment_id))
    return list(session.exec(query.where(Assessment.run_id == run_id).order_by(col(CheckResult.id))))


def list_used_rubrics(run_ids: Sequence[int], *, session: Session) -> list[Rubric]:
    """The rubrics by which the answers of some runs were scored, or drawn to be scored."""
    scored = select(Assessment.rubric_id).where(col(Assessment.run_id).in_(run_ids))
    answers = select(Answer.id).where(col(Answer.run_id).in_(run_ids)).scalar_subquery()
    samples = select(Draw.sample_id).where(col(Draw.answer_id).in_(answers)).scalar_subquery()
    drawn = select(Sample.rubric_id).where(col(Sample.id).in_(samples))
    used = set(session.exec(scored.distinct())) | set(session.exec(drawn))
    return list(session.exec(select(Rubric).where(col(Rubric.id).in_(used)).order_by(col(Rubric.id))))


def list_draws(run_ids: Sequence[int], *, session: Session) -> list[tuple[Sample, Draw, Answer]]:
    """What was drawn of the answers of some runs, each with its sample, sample by sample."""
    query = (
        select(Sample, Draw, Answer)
        .join(Draw, col(Draw.sample_id) == col(Sample.id))
        .join(Answer, col(Answer.id) == col(Draw.answer_id))
        .where(col(Answer.run_id).in_(run_ids))
        .order_by(col(Sample.id), col(Draw.id))
    )
    return [(sample, draw, answer) for sample, draw, answer in session.exec(query)]


def find_apart(run_id: int, *, session: Session) -> dict[int, str]:
    """The draws of a run whose scores stand in no plain mean, each with why: picked, or drawn with unequal chances.

    The same rule as in frames: only a sample that gave every question of the run one probability may stand in one.
    """
    chances: dict[int, list[float | None]] = {}
    samples: dict[int, Sample] = {}
    rows = list_draws([run_id], session=session)
    for sample, draw, _ in rows:
        samples[draw.sample_id] = sample
        chances.setdefault(draw.sample_id, []).append(draw.probability)
    why: dict[int, str] = {}
    for sample_id, found in chances.items():
        known = [chance for chance in found if chance is not None]
        if samples[sample_id].design == Design.disagreement:
            why[sample_id] = "picked where judges disagree"
        elif len(known) < len(found) or max(known) - min(known) >= 1e-9:
            why[sample_id] = "drawn with unequal or unknown probabilities"
    return {draw.id or 0: why[draw.sample_id] for _, draw, _ in rows if draw.sample_id in why}


def list_handouts(draw_ids: Sequence[int], *, session: Session) -> list[Handout]:
    """In whose hands some drawn answers were."""
    query = select(Handout).where(col(Handout.draw_id).in_(draw_ids)).order_by(col(Handout.id))
    return list(session.exec(query)) if draw_ids else []


def list_comparisons(run_ids: Sequence[int], *, session: Session) -> list[tuple[Comparison, Answer, Answer]]:
    """The preferences for or against answers of some runs, each with its left and its right answer."""
    left, right = aliased(Answer), aliased(Answer)
    query = (
        select(Comparison, left, right)
        .join(left, col(left.id) == col(Comparison.left_answer_id))
        .join(right, col(right.id) == col(Comparison.right_answer_id))
        .where(col(left.run_id).in_(run_ids) | col(right.run_id).in_(run_ids))
        .order_by(col(Comparison.id))
    )
    return [(comparison, one, other) for comparison, one, other in session.exec(query)]


# --- for import ---------------------------------------------------------------------------------------------------


def find_same_run(
    group_id: str, target: str, qa_set_id: int, created_at: datetime | None, *, session: Session
) -> Run | None:
    """The stored run of this group, target and QA set, and of this moment if one is given; the newest of several."""
    same = (Run.group_id == group_id, Run.target == target, Run.qa_set_id == qa_set_id)
    for run in session.exec(select(Run).where(*same).order_by(col(Run.id).desc())):
        if created_at is None or run.created_at == created_at:
            return run
    return None


def find_named_runs(name: str, *, session: Session) -> list[Run]:
    """The stored runs that a file may mean: GROUP/TARGET, what a command takes, or a target. Raises StoreError."""
    group, slash, target = name.partition("/")
    query = select(Run).order_by(col(Run.id))
    if slash and (found := list(session.exec(query.where(Run.group_id == group, Run.target == target)))):
        return found
    try:
        return find_runs([name], session=session)
    except StoreError:
        if found := list(session.exec(query.where(Run.target == name))):
            return found
        raise


def find_answer(run_id: int, question_id: int, repeat: int, cold: bool, *, session: Session) -> Answer | None:
    """One answer of a run, if it is there."""
    same = (Answer.run_id == run_id, Answer.question_id == question_id, Answer.repeat == repeat)
    return session.exec(select(Answer).where(*same, col(Answer.cold).is_(cold))).first()


def find_sample(like: Sample, *, known_moment: bool, session: Session) -> Sample | None:
    """The stored sample that was drawn in the same way over the same runs, and at the same moment if that is known."""
    same = (Sample.name == like.name, Sample.design == like.design, Sample.seed == like.seed)
    for sample in session.exec(select(Sample).where(*same, Sample.rubric_id == like.rubric_id)):
        moment = not known_moment or sample.created_at == like.created_at
        if moment and set(like.run_ids) <= set(sample.run_ids) and sample.n_population == like.n_population:
            return sample
    return None


def find_draw(sample_id: int, answer_id: int, *, session: Session) -> Draw | None:
    """The draw of an answer in a sample, if it is there."""
    return session.exec(select(Draw).where(Draw.sample_id == sample_id, Draw.answer_id == answer_id)).first()


def list_same_comparisons(like: Comparison, *, session: Session) -> list[Comparison]:
    """What a rater has said of two answers, sides as shown."""
    same = (Comparison.left_answer_id == like.left_answer_id, Comparison.right_answer_id == like.right_answer_id)
    return list(session.exec(select(Comparison).where(*same, Comparison.rater_id == like.rater_id)))


def find_qa_set(name: str, *, session: Session) -> QASet | None:
    """The stored QA set of this name, or of a hash that begins so; the newest of several."""
    digest = col(QASet.sha256).startswith(name, autoescape=True) if len(name) >= 8 else false()
    query = select(QASet).where(or_(col(QASet.name) == name, digest)).order_by(col(QASet.id).desc())
    return session.exec(query).first()


def list_qa_sets_with(texts: Mapping[str, tuple[str, str]], *, session: Session) -> list[QASet]:
    """The QA sets that hold all of some questions, newest first: text and reference by the author's id.

    A reference that is blank is not known, and so the same as any.
    """
    head = select(QASet).where(QASet.n_questions >= len(texts)).order_by(col(QASet.id).desc())
    found = []
    for qa_set in session.exec(head):
        stored = {q.key: q for q in list_questions(qa_set.id or 0, session=session) if q.key in texts}
        if len(stored) == len(texts) and all(
            stored[key].text == text and reference in ("", stored[key].reference)
            for key, (text, reference) in texts.items()
        ):
            found.append(qa_set)
    return found


def find_rubric(digest: str, *, session: Session) -> Rubric | None:
    """The stored rubric whose hash begins so."""
    query = select(Rubric).where(col(Rubric.sha256).startswith(digest, autoescape=True)).order_by(col(Rubric.id))
    return session.exec(query).first()


def add_rows(model: type[SQLModel], rows: Sequence[Row], *, session: Session) -> list[int]:
    """Store many rows of a table at once, what they leave out as its model says; returns their ids, in their order.

    Past the models: making an object of each row takes longer than storing it.
    """
    if not rows:
        return []
    known = {name: field for name, field in model.model_fields.items() if name != "id" and not field.is_required()}

    def whole(row: Row) -> Row:
        return row | {name: known[name].get_default(call_default_factory=True) for name in known.keys() - row}

    table: Any = model
    query = insert(table).returning(table.id, sort_by_parameter_order=True)
    return list(session.execute(query, [whole(row) for row in rows]).scalars())


def note_undone(undoing: Mapping[int, int | None], *, session: Session) -> None:
    """Note which assessment (value) each of some assessments (key) takes back."""
    for assessment_id, undone in undoing.items():
        session.execute(update(Assessment).where(col(Assessment.id) == assessment_id).values(undoes=undone))


def supersede(assessment_ids: Sequence[int], *, session: Session) -> None:
    """Let some assessments no longer count."""
    session.execute(update(Assessment).where(col(Assessment.id).in_(assessment_ids)).values(current=False))


def bump_runs(run_ids: Sequence[int], *, session: Session) -> None:
    """Let the revisions of some runs grow, so that figures kept with them are worked out again."""
    session.execute(update(Run).where(col(Run.id).in_(run_ids)).values(revision=col(Run.revision) + 1))
