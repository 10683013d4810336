"""The store's voice: the verbs that save, get, list and change rows.

Every verb takes a keyword-only session, which `reading` or `writing` of opening.py gives; both are offered here too, so
that a caller needs this one name. Figures over many rows are grouped in frames.py.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from db.models import (
    Answer,
    Assessment,
    AssessmentStatus,
    Call,
    CheckResult,
    Draw,
    Price,
    QASet,
    Question,
    Rater,
    RaterKind,
    Rubric,
    Run,
    RunStatus,
    Sample,
    Score,
    now,
)
from db.opening import StoreError as StoreError
from db.opening import connect as connect
from db.opening import database_url as database_url
from db.opening import reading as reading
from db.opening import writing as writing
from db.workers import is_alive

MAX_ID = 2**31 - 1  # a server takes no larger number for an id


# --- QA sets ------------------------------------------------------------------------------------------------------


def save_qa_set(qa_set: QASet, questions: Sequence[Question], *, session: Session) -> QASet:
    """Store a QA set with its questions, or return the row that already has this content."""
    stored = session.exec(select(QASet).where(QASet.sha256 == qa_set.sha256)).first()
    if stored:
        return stored
    session.add(qa_set)
    session.flush()
    for question in questions:
        question.qa_set_id = _id(qa_set)
    session.add_all(questions)
    session.flush()
    return qa_set


def list_qa_sets(*, session: Session) -> list[QASet]:
    """All QA sets that have runs or were loaded, newest first."""
    return list(session.exec(select(QASet).order_by(col(QASet.id).desc())))


def list_questions(qa_set_id: int, *, session: Session) -> list[Question]:
    """The questions of a QA set in their order."""
    return list(session.exec(select(Question).where(Question.qa_set_id == qa_set_id).order_by(col(Question.position))))


# --- runs ---------------------------------------------------------------------------------------------------------


def new_group_id() -> str:
    """A fresh id for runs started together."""
    return uuid4().hex[:12]


def save_run(run: Run, *, session: Session) -> Run:
    """Store a new run and give it its id."""
    session.add(run)
    session.flush()
    return run


def get_run(run_id: int, *, session: Session) -> Run:
    """One run. Raises StoreError where there is none with this id."""
    if abs(run_id) <= MAX_ID and (run := session.get(Run, run_id)):
        return run
    raise StoreError(f"There is no run {run_id}; `rightsize runs` lists those there are.")


def find_runs(names: Sequence[str], *, session: Session) -> list[Run]:
    """Runs by id, name, group or the word "last" (the newest group). Raises StoreError for one that is unknown."""
    found: dict[int, Run] = {}
    for name in names:
        if not (runs := _runs_called(name, session)):
            raise StoreError(f'There is no run "{name}"; `rightsize runs` lists those there are.')
        found |= {_id(run): run for run in runs}
    return list(found.values())


def _runs_called(name: str, session: Session) -> list[Run]:
    called = (col(Run.name) == name) | (col(Run.group_id) == name)
    if name == "last":
        newest = select(Run.group_id).order_by(col(Run.id).desc()).limit(1).scalar_subquery()
        called = col(Run.group_id) == newest
    elif name.isdecimal() and len(name) < 18 and int(name) <= MAX_ID and (run := session.get(Run, int(name))):
        return [run]  # an id goes before a name or a group that happens to be a number
    return list(session.exec(select(Run).where(called).order_by(col(Run.id))))


def list_runs(
    *,
    session: Session,
    group_id: str | None = None,
    qa_set_id: int | None = None,
    unfinished: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Run]:
    """Runs, newest first, whole: lists of many are read with frames.runs_frame."""
    query = select(Run).order_by(col(Run.id).desc())
    if group_id is not None:
        query = query.where(Run.group_id == group_id)
    if qa_set_id is not None:
        query = query.where(Run.qa_set_id == qa_set_id)
    if unfinished:
        query = query.where(col(Run.status) != RunStatus.finished)
    return list(session.exec(query.limit(limit).offset(offset)))


def set_status(run_ids: Sequence[int], status: RunStatus, *, session: Session, error: str | None = None) -> None:
    """Note where runs stand; the start is stamped once, the end whenever work on them ends."""
    for run in session.exec(select(Run).where(col(Run.id).in_(run_ids))):
        run.status, run.error = status, error
        if status == RunStatus.answering and run.started_at is None:
            run.started_at = now()
        if status in (RunStatus.finished, RunStatus.stopped, RunStatus.failed):
            run.ended_at, run.worker = now(), None
        session.add(run)
        _bump(_id(run), session)


def add_provenance(run_id: int, key: str, value: Any, *, session: Session) -> None:
    """Add a fact about a run that was only learned while it went."""
    run = get_run(run_id, session=session)
    run.provenance = {**run.provenance, key: value}
    session.add(run)


def edit_run(run_id: int, *, session: Session, name: str | None = None, tags: list[str] | None = None) -> None:
    """Rename or tag a run. Raises StoreError if it is gone."""
    run = get_run(run_id, session=session)
    run.name = run.name if name is None else name
    run.tags = run.tags if tags is None else tags
    session.add(run)
    _bump(run_id, session)


def delete_run(run_id: int, *, session: Session) -> None:
    """Delete a run with its answers, calls, assessments and scores. Raises StoreError while it is being worked on."""
    run = get_run(run_id, session=session)
    if is_alive(run):
        raise StoreError(f"Run {run_id} is still being worked on; stop it first.")
    assessments = select(Assessment.id).where(Assessment.run_id == run_id)
    session.execute(delete(Score).where(col(Score.assessment_id).in_(assessments)))
    session.execute(delete(Call).where(col(Call.assessment_id).in_(assessments)))
    session.execute(delete(Assessment).where(col(Assessment.run_id) == run_id))
    answers = select(Answer.id).where(Answer.run_id == run_id)
    session.execute(delete(Call).where(col(Call.answer_id).in_(answers)))
    samples = session.exec(select(Draw.sample_id).where(col(Draw.answer_id).in_(answers)).distinct()).all()
    session.execute(delete(Answer).where(col(Answer.run_id) == run_id))
    for sample_id in samples:  # those that hold answers of other runs stay, with what is left of them
        if session.exec(select(Draw.id).where(Draw.sample_id == sample_id).limit(1)).first() is None:
            session.execute(delete(Sample).where(col(Sample.id) == sample_id))
    session.execute(delete(Run).where(col(Run.id) == run_id))


def save_summary(run_id: int, summary: dict[str, Any], revision: int, *, session: Session) -> None:
    """Keep figures computed from a run's rows as they were at `revision`."""
    session.execute(update(Run).where(col(Run.id) == run_id).values(summary=summary, summary_revision=revision))


def newest_change(*, session: Session) -> tuple[int, int, int, str]:
    """A small key that changes whenever a run, an answer or a score was added, changed or removed."""
    made = func.max(col(Run.created_at))  # an id may come back after a deletion, a moment does not
    query = select(func.count(), func.max(col(Run.id)), func.sum(col(Run.revision)), made).select_from(Run)
    count, newest, revisions, newest_made = session.exec(query).one()
    return count, newest or 0, revisions or 0, str(newest_made)


# --- answers ------------------------------------------------------------------------------------------------------


def _id(row: Any) -> int:
    assert row.id is not None
    return row.id


def _bump(run_id: int, session: Session) -> None:
    """Let a run's revision grow in the database alone: to look through what the session holds takes ever longer."""
    grown = update(Run).where(col(Run.id) == run_id).values(revision=col(Run.revision) + 1)
    session.execute(grown, execution_options={"synchronize_session": False})


def save_answer(answer: Answer, calls: Sequence[Call], *, session: Session) -> Answer:
    """Store one answer with its calls; if this question was answered in this repeat already, the first answer stays.

    A failed one gives way to a later try. The calls of both are kept, numbered on.
    """
    same = (Answer.run_id == answer.run_id, Answer.question_id == answer.question_id)
    again = select(Answer).where(*same, Answer.repeat == answer.repeat, col(Answer.cold).is_(answer.cold))
    if stored := session.exec(again).first():
        if stored.error_kind is None:
            return stored
        earlier = list(session.exec(select(Call.stage).where(Call.answer_id == stored.id)))
        for call in calls:
            call.attempt += earlier.count(call.stage)
        stored.sqlmodel_update(answer.model_dump(exclude={"id", "attempts"}))
        stored.attempts += answer.attempts
        answer = stored
    session.add(answer)
    session.flush()
    for call in calls:
        call.answer_id = answer.id
    session.add_all(calls)
    _bump(answer.run_id, session)
    return answer


def answered(run_id: int, *, session: Session) -> set[tuple[int, int, bool]]:
    """What a run has already asked: (question id, repeat, cold)."""
    rows = session.exec(select(Answer.question_id, Answer.repeat, Answer.cold).where(Answer.run_id == run_id))
    return set(rows.all())


def list_failing(*, session: Session) -> set[int]:
    """The ids of the runs that have answers with an error."""
    return set(session.exec(select(Answer.run_id).where(col(Answer.error_kind).is_not(None)).distinct()))


def failures(run_id: int, *, session: Session) -> dict[tuple[int, int, bool], str]:
    """The kind of error of each failed answer of a run, by (question id, repeat, cold)."""
    query = select(Answer.question_id, Answer.repeat, Answer.cold, Answer.error_kind).where(Answer.run_id == run_id)
    rows = session.exec(query.where(col(Answer.error_kind).is_not(None)))
    return {(question_id, repeat, cold): kind or "" for question_id, repeat, cold, kind in rows}


def list_answers(run_id: int, *, session: Session) -> list[Answer]:
    """All answers of a run in the order they came."""
    return list(session.exec(select(Answer).where(Answer.run_id == run_id).order_by(col(Answer.id))))


def list_calls(*, session: Session, answer_ids: Sequence[int] = (), assessment_ids: Sequence[int] = ()) -> list[Call]:
    """The calls behind answers or assessments, in the order they were made."""
    where = col(Call.answer_id).in_(answer_ids) if answer_ids else col(Call.assessment_id).in_(assessment_ids)
    return list(session.exec(select(Call).where(where).order_by(col(Call.id))))


def list_run_calls(run_id: int, *, session: Session) -> list[Call]:
    """The calls behind all answers of a run, in the order they were made."""
    query = select(Call).join(Answer, col(Answer.id) == col(Call.answer_id)).where(Answer.run_id == run_id)
    return list(session.exec(query.order_by(col(Call.id))))


def list_run_judging_calls(run_id: int, *, session: Session) -> list[Call]:
    """The calls behind all assessments of a run's answers, in the order they were made."""
    query = select(Call).join(Assessment, col(Assessment.id) == col(Call.assessment_id))
    return list(session.exec(query.where(Assessment.run_id == run_id).order_by(col(Call.id))))


# --- assessments --------------------------------------------------------------------------------------------------


def save_rubric(rubric: Rubric, *, session: Session) -> Rubric:
    """Store a rubric, or return the row that already has this content."""
    stored = session.exec(select(Rubric).where(Rubric.sha256 == rubric.sha256)).first()
    if stored:
        return stored
    session.add(rubric)
    session.flush()
    return rubric


def list_rubrics(*, session: Session) -> list[Rubric]:
    """All rubrics that were ever used."""
    return list(session.exec(select(Rubric).order_by(col(Rubric.id))))


def save_rater(rater: Rater, *, session: Session) -> Rater:
    """Store a rater, or return the one of this kind and name."""
    stored = session.exec(select(Rater).where(Rater.kind == rater.kind, Rater.name == rater.name)).first()
    if stored:
        return stored
    session.add(rater)
    session.flush()
    return rater


def list_raters(*, session: Session, kind: RaterKind | None = None) -> list[Rater]:
    """All raters, or those of one kind, by name."""
    query = select(Rater).order_by(Rater.name)
    return list(session.exec(query.where(Rater.kind == kind) if kind else query))


def save_assessment(
    assessment: Assessment,
    scores: Sequence[Score],
    calls: Sequence[Call] = (),
    checks: Sequence[CheckResult] = (),
    *,
    session: Session,
) -> Assessment:
    """Store a verdict. Earlier ones of the same rater, rubric, protocol and reading stay, but no longer count."""
    earlier = (
        col(Assessment.answer_id) == assessment.answer_id,
        col(Assessment.rater_id) == assessment.rater_id,
        col(Assessment.rubric_id) == assessment.rubric_id,
        col(Assessment.protocol) == assessment.protocol,
        col(Assessment.sample) == assessment.sample,
        col(Assessment.current).is_(True),
    )
    old = list(session.exec(select(Assessment.id).where(*earlier)))
    if old:
        session.execute(update(Assessment).where(col(Assessment.id).in_(old)).values(current=False))
    session.add(assessment)
    session.flush()
    for score in scores:
        score.assessment_id = _id(assessment)
    for call in calls:
        call.assessment_id = assessment.id
    for check in checks:
        check.assessment_id = _id(assessment)
    session.add_all([*scores, *calls, *checks])
    _bump(assessment.run_id, session)
    return assessment


def list_unassessed(
    run_id: int, rater_id: int, rubric_id: int, protocol: str, samples: int = 1, *, session: Session
) -> list[tuple[Answer, Question, int]]:
    """What this judge has not read of a run under this rubric and protocol: answer, question, number of the reading.

    Each answer is to be read `samples` times. Failed answers and warm-ups are left out. An assessment whose endpoint
    failed is due again; an unreadable one is not.
    """
    read = select(Assessment.answer_id, Assessment.sample).where(
        Assessment.run_id == run_id,
        Assessment.rater_id == rater_id,
        Assessment.rubric_id == rubric_id,
        Assessment.protocol == protocol,
        col(Assessment.current).is_(True),
        Assessment.status != AssessmentStatus.error,
        col(Assessment.sample) < samples,
    )
    counted = read.subquery()
    whole = select(counted.c.answer_id).group_by(counted.c.answer_id).having(func.count() >= samples)
    query = (
        select(Answer, Question)
        .join(Question, col(Question.id) == col(Answer.question_id))
        .where(
            Answer.run_id == run_id,
            col(Answer.cold).is_(False),
            col(Answer.error_kind).is_(None),
            col(Answer.id).not_in(whole.scalar_subquery()),
        )
        .order_by(col(Answer.id))
    )
    done = set(session.exec(read).all()) if samples > 1 else set()
    return [
        (answer, question, sample)
        for answer, question in session.exec(query)
        for sample in range(samples)
        if (answer.id, sample) not in done
    ]


def judging_pace(*, session: Session) -> dict[tuple[str, str], float]:
    """By judge's model and protocol, how many seconds its assessments took on average so far."""
    query = (
        select(Rater.model, Assessment.protocol, func.avg(Assessment.total_ms))
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .where(Rater.kind == RaterKind.judge, col(Assessment.total_ms).is_not(None))
        .group_by(col(Rater.model), Assessment.protocol)
    )
    return {(model or "", protocol): float(ms) / 1000 for model, protocol, ms in session.exec(query)}


def list_assessments(answer_ids: Sequence[int], *, session: Session) -> list[tuple[Assessment, Rater]]:
    """Every assessment of some answers with its rater, oldest first; `current` tells which count."""
    query = (
        select(Assessment, Rater)
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .where(col(Assessment.answer_id).in_(answer_ids))
        .order_by(col(Assessment.id))
    )
    return [(assessment, rater) for assessment, rater in session.exec(query)]


def list_run_assessments(run_id: int, *, session: Session) -> list[tuple[Assessment, Rater]]:
    """Every assessment of a run's answers with its rater, oldest first."""
    query = select(Assessment, Rater).join(Rater, col(Rater.id) == col(Assessment.rater_id))
    rows = session.exec(query.where(Assessment.run_id == run_id).order_by(col(Assessment.id)))
    return [(assessment, rater) for assessment, rater in rows]


def list_run_scores(run_id: int, *, session: Session) -> list[Score]:
    """Every score of a run's answers."""
    query = select(Score).join(Assessment, col(Assessment.id) == col(Score.assessment_id))
    return list(session.exec(query.where(Assessment.run_id == run_id).order_by(col(Score.id))))


def list_run_checks(run_id: int, *, session: Session) -> list[CheckResult]:
    """Every yes/no check that was judged of a run's answers."""
    query = select(CheckResult).join(Assessment, col(Assessment.id) == col(CheckResult.assessment_id))
    return list(session.exec(query.where(Assessment.run_id == run_id).order_by(col(CheckResult.id))))


def list_scores(assessment_ids: Sequence[int], *, session: Session) -> list[Score]:
    """The scores of some assessments."""
    query = select(Score).where(col(Score.assessment_id).in_(assessment_ids)).order_by(col(Score.id))
    return list(session.exec(query))


# --- prices -------------------------------------------------------------------------------------------------------


def save_price(price: Price, *, session: Session) -> None:
    """Store a price unless it says what the newest for this model says already."""
    newest = list_prices(session=session).get(price.model)
    fields = ("input_usd_per_mtok", "output_usd_per_mtok", "kind", "source")
    if newest is None or any(getattr(newest, f) != getattr(price, f) for f in fields):
        session.add(price)


def list_prices(*, session: Session) -> dict[str, Price]:
    """The newest price of each model."""
    return {price.model: price for price in session.exec(select(Price).order_by(col(Price.id)))}
