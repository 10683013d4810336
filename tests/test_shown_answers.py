"""A run as JSON is everything that is stored of it, whatever columns and rows there are."""

import json
from pathlib import Path
from typing import Any

import rows

from db import store
from db.models import Answer, Base, CheckResult
from eval.interchange import run_as_json

REFERENCES = {
    "id",
    "answer_id",
    "assessment_id",
    "run_id",
    "rater_id",
    "question_id",
    "attempts",
}  # told by where it stands


def whole(row: Base) -> dict[str, Any]:
    """Every column of a row as JSON, but for what its place in the tree tells."""
    return row.model_dump(mode="json", exclude=REFERENCES)


def test_every_column_of_every_row_behind_an_answer_is_shown(tmp_path: Path) -> None:
    engine = store.connect(f"sqlite:///{(tmp_path / 'runs.db').as_posix()}")
    with store.writing(engine) as session:
        qa_set, (question, *_) = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        attempts = [rows.call(attempt=1, error_kind="timeout"), rows.call(attempt=2, ttft_ms=7.0, chunk_ms=[7.0])]
        answer = store.save_answer(rows.answer(run, question), attempts, session=session)
        assert isinstance(answer, Answer)
        judge = rows.judge(session)
        read = [rows.call(stage="judge", attempt=1, status_code=500), rows.call(stage="repair", attempt=1)]
        checks = [CheckResult(assessment_id=0, kind="must", text="names the date", met=False)]
        scores = rows.scores([5, 4, None])
        ours = rows.rubric(session, version="2")
        rows.rubric(session, version="3")  # judged nothing here
        verdict = store.save_assessment(rows.assessment(answer, judge, ours), scores, read, checks, session=session)
        stored = {
            "answer": whole(answer),
            "calls": [whole(call) for call in attempts],
            "verdict": whole(verdict),
            "rater": whole(judge),
            "read": [whole(call) for call in read],
            "scores": [whole(score) for score in scores],
            "checks": [whole(check) for check in checks],
            "rubric": ours.model_dump(mode="json"),
        }
    shown = run_as_json(run, engine)
    engine.dispose()
    json.dumps(shown)
    (its,) = shown["answers"]
    assert its["question_id"] == question.key
    assert its.items() >= stored["answer"].items()
    assert its["attempts"] == stored["calls"]
    (assessed,) = its["assessments"]
    assert assessed.items() >= stored["verdict"].items()
    assert assessed["rater"] == stored["rater"]
    assert assessed["attempts"] == stored["read"]
    assert assessed["scores"] == stored["scores"]
    assert assessed["checks"] == stored["checks"]
    assert shown["rubrics"] == [stored["rubric"]]
