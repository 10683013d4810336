"""Everything stored of a run as plain JSON values, for machines and for a look by hand."""

from typing import Any

from sqlalchemy import Engine

from db import store
from db.models import Answer, Call, Run


def _plain(row: Any, *without: str) -> dict[str, Any]:
    dumped = row.model_dump(mode="json", exclude=set(without))
    return {name: dumped[name] for name in type(row).model_fields if name in dumped}  # in the order of the table


def _group(rows: list[Any], key: str) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(getattr(row, key), []).append(row)
    return grouped


def _attempts(calls: list[Call]) -> list[dict[str, Any]]:
    return [_plain(call, "id", "answer_id", "assessment_id") for call in calls]


def run_as_json(run: Run, engine: Engine) -> dict[str, Any]:
    """One run as it is stored: provenance, the rubrics used, and each answer.

    An answer has its question's id, text or error, times, attempts and assessments; an assessment its rater, attempts,
    scores and checks.
    """
    assert run.id is not None
    with store.reading(engine) as session:
        questions = {q.id: q for q in store.list_questions(run.qa_set_id, session=session)}
        answers = store.list_answers(run.id, session=session)
        calls = _group(store.list_run_calls(run.id, session=session), "answer_id")
        assessments = store.list_run_assessments(run.id, session=session)
        judging_calls = _group(store.list_run_judging_calls(run.id, session=session), "assessment_id")
        scores = _group(store.list_run_scores(run.id, session=session), "assessment_id")
        checks = _group(store.list_run_checks(run.id, session=session), "assessment_id")
        rubrics = store.list_rubrics(session=session)
    used = {assessment.rubric_id for assessment, _ in assessments}
    judged: dict[int, list[dict[str, Any]]] = {}
    for assessment, rater in assessments:
        its = assessment.id or 0
        judged.setdefault(assessment.answer_id, []).append(
            _plain(assessment, "answer_id", "run_id", "question_id", "rater_id", "attempts")
            | {"rater": _plain(rater, "id")}
            | {"attempts": _attempts(judging_calls.get(its, []))}
            | {"scores": [_plain(score, "id", "assessment_id") for score in scores.get(its, [])]}
            | {"checks": [_plain(check, "id", "assessment_id") for check in checks.get(its, [])]}
        )

    def answer_as_json(answer: Answer) -> dict[str, Any]:
        question = questions[answer.question_id]
        return (
            {"question_id": question.key, "category": question.category}
            | _plain(answer, "run_id", "question_id", "attempts")
            | {"attempts": _attempts(calls.get(answer.id or 0, []))}
            | {"assessments": judged.get(answer.id or 0, [])}
        )

    return (
        _plain(run, "summary", "summary_revision")
        | {"rubrics": [_plain(rubric) for rubric in rubrics if rubric.id in used]}
        | {"answers": [answer_as_json(answer) for answer in answers]}
    )
