"""Builds a large database of invented runs by bulk insert: `python tests/benchmarks/million.py PATH --answers N`.

Groups of four targets; every answer has a call, an assessment by a judge and three scores. Each run is one transaction;
its summary is computed at the end, as after a real run. Nothing in it is measured; every run is labelled simulated.
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, func, insert, select
from sqlmodel import Session

from db import store
from db.models import (
    Answer,
    Assessment,
    AssessmentStatus,
    Call,
    Price,
    Question,
    Rater,
    RaterKind,
    Rubric,
    Run,
    Score,
)
from eval.rubric import built_in as built_in_rubric
from eval.summary import summarise

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import samples

GROUPS = 10
QUESTIONS = 500
CHUNK = 5_000  # answers handed to the database at a time
TEXT = "Invented test answer, as long as a short paragraph of a model, so that the file is as large as a real one. " * 3
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


def _next_id(model: Any, session: Session) -> int:
    return (session.execute(select(func.max(model.id))).scalar() or 0) + 1


def _pairs(questions: list[Question], count: int) -> Iterator[tuple[Question, int]]:
    """Which question in which repeat: all of them, again and again, until there are enough."""
    for number in range(count):
        yield questions[number % len(questions)], number // len(questions)


def _fill(
    run: Run, sample: samples.Sample, questions: list[Question], count: int, session: Session, **ids: int
) -> None:
    """Insert the answers of one run with their calls, assessments and scores."""
    rng = random.Random(run.id)
    assert run.id is not None
    answer_id, assessment_id = _next_id(Answer, session), _next_id(Assessment, session)
    at = run.created_at
    answer = Answer(run_id=run.id, question_id=0, repeat=0, text=TEXT, sha256=SHA256, finish_reason="stop",
                    prepare_ms=1.0, connect_ms=0.0, created_at=at).model_dump(exclude={"id"})  # fmt: skip
    call = Call(stage="answer", attempt=1, endpoint=run.endpoint, model=run.model, model_returned=run.model,
                started_at=at, status_code=200, http_version="1.1", connection_reused=True,
                chunk_ms=[100.0, 200.0, 300.0]).model_dump(exclude={"id"})  # fmt: skip
    assessment = Assessment(answer_id=0, run_id=run.id, question_id=0, protocol="quick", status=AssessmentStatus.ok,
                            answer_sha256=SHA256, created_at=at, **ids).model_dump(exclude={"id"})  # fmt: skip
    score = Score(assessment_id=0, criterion="", rationale="An invented rationale.", quotes=["Invented"]).model_dump(
        exclude={"id"}
    )
    pairs, criteria = _pairs(questions, count), built_in_rubric().criterion_ids
    for first in range(0, count, CHUNK):
        rows: dict[Any, list[dict[str, Any]]] = {Answer: [], Call: [], Assessment: [], Score: []}
        for question, repeat in (next(pairs) for _ in range(min(CHUNK, count - first))):
            tokens = rng.randint(60, 180)
            ttft = sample.ttft_ms * rng.lognormvariate(0, 0.25)
            speed = sample.tokens_per_s * rng.lognormvariate(0, 0.08)
            took = {
                "headers_ms": ttft / 2, "first_byte_ms": ttft / 2, "ttft_ms": ttft, "ttfat_ms": ttft,
                "generation_ms": tokens / speed * 1e3, "total_ms": ttft + tokens / speed * 1e3,
                "prompt_tokens": rng.randint(80, 400), "completion_tokens": tokens,
            }  # fmt: skip
            asked = {"question_id": question.id}
            rows[Answer].append(answer | took | asked | {"id": answer_id, "repeat": repeat, "tokens_per_s": speed})
            rows[Call].append(call | took | {"answer_id": answer_id})
            rows[Assessment].append(assessment | asked | {"id": assessment_id, "answer_id": answer_id})
            level = rng.gauss(sample.score, 0.7)
            for criterion in criteria:
                value = min(5, max(1, round(rng.gauss(level, 0.4))))
                rows[Score].append(score | {"assessment_id": assessment_id, "criterion": criterion, "value": value})
            answer_id, assessment_id = answer_id + 1, assessment_id + 1
        for model, its in rows.items():
            session.execute(insert(model.__table__), its)


def _shared(session: Session) -> tuple[list[Question], dict[str, int], Any]:
    """What all runs share: the questions, the ids of the judge and the rubric, and the QA set."""
    qa_set = samples.add_qa_set(session, QUESTIONS, "large")
    judge = Rater(kind=RaterKind.judge, name="test-judge", model="test-judge", family="openai", simulated=True)
    judge = store.save_rater(judge, session=session)
    rubric = built_in_rubric()
    stored = store.save_rubric(
        Rubric(sha256=rubric.sha256, name=rubric.name, version=rubric.version, body=rubric.model_dump(mode="json")),
        session=session,
    )
    for model, (into, out) in samples.PRICES.items():
        price = Price(model=model, input_usd_per_mtok=into, output_usd_per_mtok=out, kind="hypothetical")
        store.save_price(price, session=session)
    questions = store.list_questions(qa_set.id or 0, session=session)
    return questions, {"rater_id": judge.id or 0, "rubric_id": stored.id or 0}, qa_set


def build(url: str, answers: int = 1_000_000, groups: int = GROUPS) -> list[int]:
    """Fill a database with `answers` answers in `groups` groups of four runs; returns the ids of the runs."""
    engine = store.connect(url)
    try:
        return _build(engine, answers, groups)
    finally:
        engine.dispose()


def _build(engine: Engine, answers: int, groups: int) -> list[int]:
    targets = samples.TARGETS
    n_runs = groups * len(targets)
    with store.writing(engine) as session:
        questions, ids, qa_set = _shared(session)
    run_ids = []
    for number in range(n_runs):
        sample, count = targets[number % len(targets)], answers // n_runs + (number < answers % n_runs)
        with store.writing(engine) as session:
            run = samples.add_run(
                session, sample, qa_set, f"group{number // len(targets)}", n_planned=count, n_questions=len(questions),
                repeats=-(-count // len(questions)), revision=2 * count,
                created_at=samples.START + timedelta(minutes=number),
            )  # fmt: skip
            _fill(run, sample, questions, count, session, **ids)
            run_ids.append(run.id or 0)
    for run_id in run_ids:
        summarise(run_id, engine)
    return run_ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=GROUPS, help="of four runs each")
    given = parser.parse_args()
    began = perf_counter()
    run_ids = build(store.database_url(str(given.path)), given.answers, given.groups)
    took = perf_counter() - began
    size = given.path.stat().st_size / 2**20
    print(f"{given.answers:,} answers in {len(run_ids)} runs, {size:,.0f} MiB, {took:.1f} s")


if __name__ == "__main__":
    main()
