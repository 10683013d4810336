"""Builds databases of invented runs for the tests: small ones through the store, large ones by bulk insert.

Everything here is test data and says so in its names; nothing is measured.
"""

import hashlib
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from db import store
from db.models import Answer, Assessment, Call, Price, QASet, Question, Rater, RaterKind, Rubric, Run, RunStatus, Score
from eval.rubric import built_in
from eval.summary import summarise

CRITERIA = ("coherence", "factuality", "conciseness")
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """An invented target: what its figures scatter around."""

    name: str
    models: tuple[str, ...]  # one, or the draft's and the refining one
    ttft_ms: float
    tokens_per_s: float
    score: float
    family: str | None = None


TARGETS = (
    Sample("test-small", ("test-phi-mini",), 90, 60, 3.2, "phi"),
    Sample("test-large", ("test-llama-70b",), 420, 18, 4.1, "llama"),
    Sample("test-hybrid", ("test-phi-mini", "test-llama-70b"), 900, 18, 4.2, "llama"),
    Sample("test-cloud", ("test-gpt",), 310, 75, 4.4, "openai"),
)
PRICES = {"test-phi-mini": (0.05, 0.2), "test-llama-70b": (0.6, 1.2)}  # USD per million tokens; test-gpt has none


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def add_qa_set(session: Session, n: int = 12, version: str = "1") -> QASet:
    """A QA set of n invented questions."""
    head = QASet(sha256=_sha(f"test set {version} {n}"), name="Test set", version=version, n_questions=n)
    questions = [
        Question(
            qa_set_id=0,
            position=i,
            key=f"q{i}",
            sha256=_sha(f"q{i} {version}"),
            category=("facts", "summary", "reasoning")[i % 3],
            difficulty=("easy", "medium", "hard")[i % 3],
            text=f"Invented test question {i}?",
            reference=f"Invented reference {i}.",
            key_points=[f"point {i}"],
            documents=[],
            answerable=True,
            output_limit=256,
        )
        for i in range(n)
    ]
    return store.save_qa_set(head, questions, session=session)


def add_run(session: Session, sample: Sample, qa_set: QASet, group_id: str, **given: Any) -> Run:
    """One stored run of an invented target."""
    assert qa_set.id is not None
    names = ("draft", "refine") if len(sample.models) == 2 else ("answer",)
    stages = [
        {"name": s, "model": m, "endpoint": {"url": "http://127.0.0.1:9/v1"}}
        for s, m in zip(names, sample.models, strict=True)
    ]
    fields: dict[str, Any] = {
        "group_id": group_id,
        "name": sample.name,
        "target": sample.name,
        "kind": "plain" if len(sample.models) == 1 else "draft_and_refine",
        "model": " + ".join(sample.models),
        "endpoint": "http://127.0.0.1:9/v1",
        "family": sample.family,
        "definition": {"target": {"name": sample.name, "stages": stages}, "parameters": {"temperature": 0}},
        "qa_set_id": qa_set.id,
        "repeats": 1,
        "warmups": 1,
        "concurrency": 1,
        "n_questions": qa_set.n_questions,
        "n_planned": qa_set.n_questions,
        "status": RunStatus.finished,
        "simulated": True,
        "tags": ["invented"],
        "provenance": {"machine": {"cpu": "test cpu", "memory_gib": 16}, "servers": {}},
        "created_at": START,
        "started_at": START,
        "ended_at": START + timedelta(minutes=3),
    }
    return store.save_run(Run(**(fields | given)), session=session)


def _answer(run: Run, sample: Sample, question: Question, rng: random.Random, text: str, cold: bool) -> Answer:
    tokens = rng.randint(60, 180)
    ttft = sample.ttft_ms * rng.lognormvariate(0, 0.25) * (4 if cold else 1)
    speed = sample.tokens_per_s * rng.lognormvariate(0, 0.08)
    assert run.id is not None
    assert question.id is not None
    return Answer(
        run_id=run.id, question_id=question.id, repeat=0, cold=cold, text=text, sha256=_sha(text),
        prepare_ms=1.0, connect_ms=0.0, headers_ms=ttft / 2, first_byte_ms=ttft / 2, ttft_ms=ttft, ttfat_ms=ttft,
        generation_ms=tokens / speed * 1000, total_ms=ttft + tokens / speed * 1000, tokens_per_s=speed,
        prompt_tokens=rng.randint(80, 400), completion_tokens=tokens, finish_reason="stop",
        client_limited=rng.random() < 0.03,
    )  # fmt: skip


def _calls(run: Run, sample: Sample, answer: Answer) -> list[Call]:
    stages = ("draft", "refine") if len(sample.models) == 2 else ("answer",)
    return [
        Call(
            stage=stage, attempt=1, endpoint=run.endpoint, model=model, model_returned=model, started_at=START,
            status_code=200, ttft_ms=answer.ttft_ms, total_ms=answer.total_ms, prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens, chunk_ms=[answer.ttft_ms or 0, answer.total_ms or 0],
        )
        for stage, model in zip(stages, sample.models, strict=True)
    ]  # fmt: skip


def _scores(sample: Sample, rng: random.Random) -> list[Score]:
    level = rng.gauss(sample.score, 0.7)
    return [
        Score(assessment_id=0, criterion=c, value=min(5, max(1, round(rng.gauss(level, 0.4)))), rationale="invented")
        for c in CRITERIA
    ]


def add_group(
    url: str,
    *,
    targets: tuple[Sample, ...] = TARGETS,
    questions: int = 12,
    version: str = "1",
    judged: bool = True,
    people: bool = False,
    failing: int = 1,
    text: str = "Invented test answer.",
    seed: int = 1,
    **given: Any,
) -> list[int]:
    """A group of runs with answers and scores, prices for all but one model; returns the ids of the runs."""
    rng = random.Random(seed)
    ids: list[int] = []
    with store.writing(store.connect(url)) as session:
        qa_set = add_qa_set(session, questions, version)
        group_id = store.new_group_id()
        judge = store.save_rater(
            Rater(kind=RaterKind.judge, name="test-judge", model="test-judge", family="llama", simulated=True),
            session=session,
        )
        person = store.save_rater(Rater(kind=RaterKind.person, name="Test Person"), session=session)
        rubric = store.save_rubric(
            Rubric(sha256=built_in().sha256, name="test rubric", version="1", body=built_in().model_dump(mode="json")),
            session=session,
        )
        for model, (into, out) in PRICES.items():
            price = Price(model=model, input_usd_per_mtok=into, output_usd_per_mtok=out, kind="hypothetical")
            store.save_price(price, session=session)
        asked = store.list_questions(qa_set.id or 0, session=session)
        for sample in targets:
            run = add_run(session, sample, qa_set, group_id, **given)
            ids.append(run.id or 0)
            cold = _answer(run, sample, asked[0], rng, text, cold=True)
            store.save_answer(cold, _calls(run, sample, cold), session=session)
            for i, question in enumerate(asked):
                answer = _answer(run, sample, question, rng, f"{text} ({sample.name}, {question.key})", cold=False)
                if i < failing:
                    answer = Answer(run_id=run.id or 0, question_id=question.id or 0, repeat=0, error_kind="timeout",
                                    error="The server gave no answer within 60 s (invented).")  # fmt: skip
                store.save_answer(answer, [] if i < failing else _calls(run, sample, answer), session=session)
                raters = [(judge, "quick")] * judged + [(person, "person")] * (people and i % 2 == 0)
                for rater, protocol in raters if i >= failing else []:
                    verdict = Assessment(
                        answer_id=answer.id or 0, run_id=run.id or 0, question_id=question.id or 0,
                        rater_id=rater.id or 0, rubric_id=rubric.id or 0, protocol=protocol, status="ok",
                        answer_sha256=answer.sha256 or "", same_family=sample.family == rater.family,
                    )  # fmt: skip
                    store.save_assessment(verdict, _scores(sample, rng), session=session)
    return ids


def add_many(url: str, *, runs: int, questions: int = 200, seed: int = 1, summaries: bool = False) -> None:
    """Many runs by bulk insert, four a group, without calls: for measuring how pages behave in a large database."""
    engine = store.connect(url)
    rng = random.Random(seed)
    with store.writing(engine) as session:
        qa_set = add_qa_set(session, questions, "large")
        asked = store.list_questions(qa_set.id or 0, session=session)
    for first in range(0, runs, 40):
        with store.writing(engine) as session:
            rows: list[dict[str, Any]] = []
            for n in range(first, min(first + 40, runs)):
                sample = TARGETS[n % 4]
                bulk = {"machine": {"packages": {f"package-{i}": "1.0" for i in range(60)}}}
                run = add_run(session, sample, qa_set, f"group{n // 4}", revision=questions, provenance=bulk,
                              created_at=START + timedelta(minutes=n))  # fmt: skip
                for question in asked:
                    answer = _answer(run, sample, question, rng, "Invented test answer.", cold=False)
                    rows.append(answer.model_dump(exclude={"id"}))
            session.execute(insert(Answer), rows)
    if summaries:
        for run_id in range(1, runs + 1):
            summarise(run_id, engine)


if __name__ == "__main__":  # python tests/samples.py sample.db [runs]: a database to look at
    file = Path(sys.argv[1])
    address = f"sqlite:///{file.as_posix()}"
    if len(sys.argv) > 2:
        add_many(address, runs=int(sys.argv[2]))
    add_group(address, questions=60, people=True)
