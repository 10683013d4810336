"""Rows for tests of storage: one of everything that belongs to a run, built on the invented samples."""

import hashlib
from collections.abc import Sequence
from typing import Any

import samples
from sqlalchemy import Engine, text
from sqlmodel import Session

from db import store
from db.models import (
    Answer,
    Assessment,
    AssessmentStatus,
    Base,
    Call,
    Design,
    Draw,
    QASet,
    Question,
    Rater,
    RaterKind,
    Rubric,
    Run,
    RunStatus,
    Sample,
    Score,
)
from eval.rubric import built_in

CRITERIA = samples.CRITERIA


def sha256(part: str) -> str:
    return hashlib.sha256(part.encode()).hexdigest()


def add_qa_set(session: Session, n: int = 3, version: str = "1") -> tuple[QASet, list[Question]]:
    qa_set = samples.add_qa_set(session, n, version)
    return qa_set, store.list_questions(qa_set.id or 0, session=session)


def add_run(session: Session, qa_set: QASet, group_id: str = "group", **given: Any) -> Run:
    return samples.add_run(session, samples.TARGETS[0], qa_set, group_id, **({"status": RunStatus.planned} | given))


def judge(session: Session, name: str = "test-judge") -> Rater:
    return store.save_rater(Rater(kind=RaterKind.judge, name=name, model=name), session=session)


def person(session: Session, name: str = "Test Person") -> Rater:
    return store.save_rater(Rater(kind=RaterKind.person, name=name), session=session)


def rubric(session: Session, version: str = "1", **scales: tuple[int, int]) -> Rubric:
    """A rubric of the usual criteria; `scales` says from where to where those are scored that are not from 1 to 5."""
    digest = built_in().sha256 if version == "1" else sha256(f"rubric {version}")  # version 1 stands for today's
    body = built_in().model_dump(mode="json")
    for criterion in body["criteria"]:
        criterion |= dict(zip(("low", "high"), scales.get(criterion["id"], ()), strict=False))
    row = Rubric(sha256=digest, name="test", version=version, body=body)
    return store.save_rubric(row, session=session)


def call(**given: Any) -> Call:
    fields = {"stage": "answer", "attempt": 1, "endpoint": "http://127.0.0.1:9/v1", "model": "test"}
    return Call(**(fields | {"started_at": samples.START} | given))


def answer(run: Run, question: Question, repeat: int = 0, **given: Any) -> Answer:
    fields: dict[str, Any] = {"run_id": run.id, "question_id": question.id, "repeat": repeat}
    if "error_kind" not in given:
        fields |= {"text": "Invented.", "sha256": sha256("Invented."), "ttft_ms": 100.0, "total_ms": 900.0}
    return Answer(**(fields | given))


def assessment(of: Answer, rater: Rater, rubric: Rubric, protocol: str = "quick", **given: Any) -> Assessment:
    fields: dict[str, Any] = {
        "answer_id": of.id,
        "run_id": of.run_id,
        "question_id": of.question_id,
        "rater_id": rater.id,
        "rubric_id": rubric.id,
        "protocol": protocol,
        "status": AssessmentStatus.ok,
        "answer_sha256": of.sha256 or "",
    }
    return Assessment(**(fields | given))


def sample(of: Answer, rubric: Rubric, session: Session, design: Design = Design.random, **given: Any) -> Draw:
    """A sample that holds one answer; returns its draw."""
    head = Sample(
        name="test", design=design, run_ids=[of.run_id], rubric_id=rubric.id, seed=1, n_population=3, double_share=0.1
    )
    session.add(head)
    session.flush()
    fields: dict[str, Any] = {"position": 0, "probability": None if design == Design.disagreement else 1 / 3}
    draw = Draw(sample_id=head.id, answer_id=of.id, **(fields | given))
    session.add(draw)
    session.flush()
    return draw


def scores(values: Sequence[int | None]) -> list[Score]:
    """Scores of the criteria in their order; fewer values leave the last criteria out."""
    return [
        Score(assessment_id=0, criterion=c, value=v, null_reason=None if v else "no ground")
        for c, v in zip(CRITERIA, values, strict=False)
    ]


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as it lies in the database."""
    with engine.connect() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
            for name in Base.metadata.tables
        }
