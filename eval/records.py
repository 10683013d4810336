"""Between what was measured and what is stored: completions and verdicts become rows, and rows become questions.

Pure: nothing is read or written here; the runner hands the rows to the store.
"""

import hashlib
from collections.abc import Iterable, Sequence

from db import models
from eval.chat import Attempt, Completion
from eval.judge import Assessed
from eval.lag import LIMIT_MS
from eval.qa_set import Document, QASet, Question
from eval.targets import Answered
from eval.wording import wording


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def qa_set_rows(qa_set: QASet) -> tuple[models.QASet, list[models.Question]]:
    """A QA set and its questions as rows; the questions get their set's id when they are stored."""
    head = models.QASet(
        sha256=qa_set.sha256, name=qa_set.name, version=qa_set.version, n_questions=len(qa_set.questions)
    )
    questions = [
        models.Question(
            qa_set_id=0,
            position=position,
            key=q.id,
            sha256=q.sha256,
            category=q.category,
            difficulty=str(q.difficulty),
            text=q.question,
            reference=q.reference,
            key_points=list(q.key_points),
            documents=[{"title": d.title, "text": d.text} for d in q.documents],
            answerable=q.answerable,
            output_limit=q.output_limit,
            must=list(q.must),
            must_not=list(q.must_not),
        )
        for position, q in enumerate(qa_set.questions)
    ]
    return head, questions


def to_question(row: models.Question) -> Question:
    """A stored question as it was read from its file."""
    return Question.model_validate(
        {
            "id": row.key,
            "question": row.text,
            "reference": row.reference,
            "category": row.category,
            "difficulty": row.difficulty,
            "key_points": tuple(row.key_points),
            "documents": tuple(Document(**d) for d in row.documents),
            "answerable": row.answerable,
            "output_limit": row.output_limit,
            "must": tuple(row.must),
            "must_not": tuple(row.must_not),
        }
    )


def _call(stage: str, model: str, endpoint: str, attempt: Attempt) -> models.Call:
    usage = attempt.usage
    return models.Call(
        stage=stage,
        attempt=attempt.number,
        endpoint=endpoint,
        model=model,
        model_returned=attempt.model_returned,
        request_id=attempt.request_id,
        started_at=attempt.started_at,
        status_code=attempt.status_code,
        error_kind=attempt.error_kind,
        error=attempt.error,
        wait_before_ms=attempt.wait_before_ms,
        http_version=attempt.http_version,
        connection_reused=attempt.connection_reused,
        streamed=attempt.streamed,
        prepare_ms=attempt.prepare_ms,
        connect_ms=attempt.connect_ms,
        headers_ms=attempt.headers_ms,
        first_byte_ms=attempt.first_byte_ms,
        ttft_ms=attempt.ttft_ms,
        ttfat_ms=attempt.ttfat_ms,
        generation_ms=attempt.generation_ms,
        total_ms=attempt.total_ms,
        chunk_ms=attempt.chunk_ms,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        tokens_estimated=usage.estimated,
        finish_reason=attempt.finish_reason,
        loop_lag_ms=attempt.loop_lag_ms,
    )


def _calls(stage: str, completion: Completion) -> list[models.Call]:
    return [_call(stage, completion.request.model, completion.endpoint, attempt) for attempt in completion.attempts]


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _tokens(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def answer_rows(
    answered: Answered, run_id: int, question_id: int, repeat: int, *, cold: bool
) -> tuple[models.Answer, list[models.Call]]:
    """One answer and its calls as rows.

    Of a staged target the times are what a user waits: earlier stages count in full before the last one's first
    token. Waits between attempts and failed attempts are in no latency.
    """
    calls = [call for o in answered.outcomes for call in _calls(o.stage.name, o.completion)]
    finals = [o.completion.last for o in answered.outcomes]
    last = finals[-1]
    answer = models.Answer(
        run_id=run_id,
        question_id=question_id,
        repeat=repeat,
        cold=cold,
        attempts=len(calls) - len(finals) + 1,  # 1: every stage succeeded at once
        error_kind=last.error_kind,
        error=last.error,
        streamed=last.streamed,
        loop_lag_ms=max((f.loop_lag_ms for f in finals if f.loop_lag_ms is not None), default=None),
    )
    if not answered.ok:
        return answer, calls
    before = _sum([f.total_ms for f in finals[:-1]] + [f.prepare_ms for f in finals[1:]]) or 0.0

    def after_earlier(value: float | None) -> float | None:
        return None if value is None else before + value

    answer.text, answer.sha256 = answered.last.text, sha256(answered.last.text)
    counted = wording(answered.last.text)
    answer.words, answer.repeated_4grams = counted.words, counted.repeated_4grams
    answer.prepare_ms, answer.connect_ms = finals[0].prepare_ms, _sum(f.connect_ms for f in finals)
    answer.headers_ms, answer.first_byte_ms = after_earlier(last.headers_ms), after_earlier(last.first_byte_ms)
    answer.ttft_ms, answer.ttfat_ms = after_earlier(last.ttft_ms), after_earlier(last.ttfat_ms)
    answer.total_ms, answer.generation_ms = after_earlier(last.total_ms), last.generation_ms
    answer.itl_p50_ms, answer.itl_p95_ms = last.itl_p50_ms, last.itl_p95_ms
    answer.tokens_per_s, answer.finish_reason = last.tokens_per_s, last.finish_reason
    usages = [f.usage for f in finals]
    answer.prompt_tokens = _tokens(u.prompt_tokens for u in usages)
    answer.completion_tokens = _tokens(u.completion_tokens for u in usages)
    answer.cached_tokens = _tokens(u.cached_tokens for u in usages)
    answer.reasoning_tokens = _tokens(u.reasoning_tokens for u in usages)
    answer.tokens_estimated = any(u.estimated for u in usages)
    answer.client_limited = (answer.loop_lag_ms or 0.0) > LIMIT_MS
    return answer, calls


def assessment_rows(
    assessed: Assessed,
    answer: models.Answer,
    *,
    rater_id: int,
    rubric_id: int,
    protocol: str,
    parameters: dict[str, object],
    same_family: bool,
    sample: int = 0,
) -> tuple[models.Assessment, list[models.Score], list[models.Call], list[models.CheckResult]]:
    """One assessment with its usable scores, its calls and its yes/no checks as rows."""
    assert answer.id is not None
    calls = [call for completion in assessed.completions for call in _calls("judge", completion)]
    finals = [completion.last for completion in assessed.completions]
    assessment = models.Assessment(
        answer_id=answer.id,
        run_id=answer.run_id,
        question_id=answer.question_id,
        rater_id=rater_id,
        rubric_id=rubric_id,
        protocol=protocol,
        status=models.AssessmentStatus(assessed.status),
        error=assessed.problem,
        answer_sha256=answer.sha256 or "",
        prompt_sha256=assessed.prompt_sha256,
        parameters=parameters,
        model_returned=finals[-1].model_returned,
        raw_reply=assessed.raw_reply[:100_000],
        attempts=len(calls),
        prompt_tokens=_tokens(f.usage.prompt_tokens for f in finals),
        completion_tokens=_tokens(f.usage.completion_tokens for f in finals),
        total_ms=_sum(f.total_ms for f in finals),
        same_family=same_family,
        sample=sample,
        flags=list(assessed.flags),
    )
    checks = [models.CheckResult(assessment_id=0, kind=c.kind, text=c.text, met=c.met) for c in assessed.checks]
    return assessment, _scores(assessed), calls, checks


def _scores(assessed: Assessed) -> list[models.Score]:
    usable: Sequence[models.Score] = [
        models.Score(
            assessment_id=0,
            criterion=c.criterion,
            value=c.score,
            null_reason=c.null_reason,
            rationale=c.rationale,
            quotes=list(c.quotes),
            claims=list(c.claims),
            key_points=list(c.key_points),
            flags=list(c.flags),
            digit_mass=c.digit_mass,
            probabilities=list(c.probabilities) if c.probabilities else None,
        )
        for c in assessed.criteria
        if c.problem is None
    ]
    return list(usable)
