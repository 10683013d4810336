"""What becomes of a measurement when it is stored: staged times, failures, waits, verdicts, questions and back."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from db import models
from db.models import AssessmentStatus
from eval import qa_set, records
from eval.chat import Attempt, ChatRequest, Completion, Endpoint
from eval.judge import Assessed
from eval.lag import LIMIT_MS
from eval.qa_set import Document, QASet, Question
from eval.stream import Usage
from eval.targets import Answered, Stage, StageOutcome
from eval.verdict import CheckVerdict, CriterionVerdict

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "http://127.0.0.1:9/v1"
LATENCIES = ("prepare_ms", "connect_ms", "headers_ms", "first_byte_ms", "ttft_ms", "ttfat_ms", "generation_ms",
             "total_ms", "itl_p50_ms", "itl_p95_ms", "tokens_per_s")  # fmt: skip


def good(start: float = 0.0, **given: Any) -> Attempt:
    """A successful attempt with a different number in every field, so that a mix-up shows."""
    fields: dict[str, Any] = {
        "number": 1, "request_id": "r", "started_at": AT, "status_code": 200, "model_returned": "m-1",
        "http_version": "1.1", "connection_reused": True, "prepare_ms": start + 1, "connect_ms": start + 2,
        "headers_ms": start + 3, "first_byte_ms": start + 4, "ttft_ms": start + 5, "ttfat_ms": start + 6,
        "generation_ms": start + 7, "total_ms": start + 8, "itl_p50_ms": start + 9, "itl_p95_ms": start + 10,
        "tokens_per_s": start + 11, "chunk_ms": [5.0, 6.0], "finish_reason": "stop", "loop_lag_ms": 0.5,
        "usage": Usage(prompt_tokens=10, completion_tokens=20, cached_tokens=3, reasoning_tokens=4),
    }  # fmt: skip
    return Attempt(**(fields | given))


def failed(**given: Any) -> Attempt:
    """A failed attempt, timed as far as it came."""
    fields: dict[str, Any] = {"error_kind": "status_500", "error": "It broke.", "status_code": 500, "usage": Usage()}
    return good(1000, **(fields | given))


def completion(*attempts: Attempt, text: str = "An answer.", model: str = "m") -> Completion:
    return Completion(ChatRequest(model, (), 64), URL, text if attempts[-1].error_kind is None else "", list(attempts))


def answered(**stages: Completion) -> Answered:
    return Answered(
        tuple(
            StageOutcome(Stage(name=name, model=its.request.model, endpoint=Endpoint(url=URL)), its)
            for name, its in stages.items()
        )
    )


def rows_of(given: Answered, *, cold: bool = False) -> tuple[models.Answer, list[models.Call]]:
    return records.answer_rows(given, 1, 2, 3, cold=cold)


# --- answers ------------------------------------------------------------------------------------------------------


def test_an_answer_carries_what_was_measured_of_its_one_call() -> None:
    answer, (call,) = rows_of(answered(answer=completion(good())), cold=True)
    assert (answer.run_id, answer.question_id, answer.repeat, answer.cold) == (1, 2, 3, True)
    assert answer.text == "An answer."
    assert answer.sha256 == hashlib.sha256(b"An answer.").hexdigest()
    assert answer.attempts == 1
    assert [getattr(answer, name) for name in LATENCIES] == [getattr(good(), name) for name in LATENCIES]
    assert (answer.prompt_tokens, answer.completion_tokens) == (10, 20)
    assert (answer.cached_tokens, answer.reasoning_tokens) == (3, 4)
    assert (answer.error_kind, answer.error, answer.finish_reason, answer.streamed) == (None, None, "stop", True)
    assert (call.stage, call.model, call.model_returned, call.endpoint) == ("answer", "m", "m-1", URL)


def test_a_call_carries_every_field_of_its_attempt() -> None:
    attempt = failed(number=2, wait_before_ms=70.0, streamed=False, connection_reused=False)
    _, (call,) = rows_of(answered(answer=completion(attempt)))
    renamed = {"number": "attempt"}
    left_out = {"usage", "itl_p50_ms", "itl_p95_ms", "tokens_per_s", "top_logprobs"}  # kept elsewhere, if at all
    for name in Attempt.__slots__:
        if name not in left_out:
            assert getattr(call, renamed.get(name, name)) == getattr(attempt, name), name


def test_of_a_staged_target_earlier_stages_count_in_full_before_the_first_token() -> None:
    draft, refine = good(100), good(500)
    answer, calls = rows_of(answered(draft=completion(draft, text="Draft."), refine=completion(refine)))
    before = 108 + 501  # the draft to its end, then the work before the second request
    assert answer.ttft_ms == before + 505
    assert answer.ttfat_ms == before + 506
    assert answer.total_ms == before + 508
    assert (answer.headers_ms, answer.first_byte_ms) == (before + 503, before + 504)
    assert answer.generation_ms == 507  # of the last stage alone
    assert (answer.tokens_per_s, answer.itl_p50_ms, answer.itl_p95_ms) == (511, 509, 510)
    assert answer.prepare_ms == 101
    assert answer.connect_ms == 102 + 502
    assert (answer.prompt_tokens, answer.completion_tokens) == (20, 40)
    assert answer.text == "An answer."
    assert answer.attempts == 1
    assert [call.stage for call in calls] == ["draft", "refine"]


def test_three_stages_add_up_as_two_do() -> None:
    stages = {name: completion(good(start)) for name, start in (("one", 100), ("two", 200), ("three", 300))}
    answer, _ = rows_of(answered(**stages))
    assert answer.ttft_ms == 108 + 201 + 208 + 301 + 305


def test_a_time_the_last_stage_does_not_know_stays_unknown() -> None:
    whole = good(500, ttft_ms=None, ttfat_ms=None, generation_ms=None, streamed=False)
    answer, _ = rows_of(answered(draft=completion(good(100)), refine=completion(whole)))
    assert (answer.ttft_ms, answer.ttfat_ms, answer.generation_ms, answer.streamed) == (None, None, None, False)
    assert answer.total_ms == 108 + 501 + 508


def test_waits_and_failed_attempts_are_in_no_latency_and_every_attempt_is_a_call() -> None:
    attempts = (failed(), failed(number=2, wait_before_ms=40_000.0), good(number=3, wait_before_ms=50_000.0))
    answer, calls = rows_of(answered(answer=completion(*attempts)))
    assert [getattr(answer, name) for name in LATENCIES] == [getattr(good(), name) for name in LATENCIES]
    assert answer.attempts == 3
    assert (answer.prompt_tokens, answer.error_kind, answer.error) == (10, None, None)
    assert [call.attempt for call in calls] == [1, 2, 3]
    assert [call.wait_before_ms for call in calls] == [0.0, 40_000.0, 50_000.0]
    assert [call.error_kind for call in calls] == ["status_500", "status_500", None]


def test_a_retry_in_an_earlier_stage_is_not_waited_for_in_the_figures() -> None:
    draft = completion(failed(), good(100, number=2, wait_before_ms=9_000.0))
    answer, calls = rows_of(answered(draft=draft, refine=completion(good(500))))
    assert answer.ttft_ms == 108 + 501 + 505
    assert len(calls) == 3
    assert answer.attempts == 2


def test_a_failed_answer_has_its_reason_and_no_text_latency_or_tokens() -> None:
    answer, calls = rows_of(
        answered(answer=completion(failed(), failed(number=2, error_kind="timeout", error="Late.")))
    )
    assert (answer.error_kind, answer.error) == ("timeout", "Late.")
    assert (answer.text, answer.sha256, answer.finish_reason) == (None, None, None)
    assert [getattr(answer, name) for name in LATENCIES] == [None] * len(LATENCIES)
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)
    assert answer.attempts == 2
    assert [call.ttft_ms for call in calls] == [1005, 1005]  # how far each came stands with the call


def test_an_answer_whose_second_stage_failed_is_a_failure_although_the_draft_was_good() -> None:
    answer, calls = rows_of(answered(draft=completion(good(100)), refine=completion(failed())))
    assert (answer.error_kind, answer.text, answer.total_ms) == ("status_500", None, None)
    assert [call.error_kind for call in calls] == [None, "status_500"]


def test_an_answer_whose_draft_failed_has_no_second_stage() -> None:
    answer, calls = rows_of(answered(draft=completion(failed())))
    assert answer.error_kind == "status_500"
    assert [call.stage for call in calls] == ["draft"]


def test_an_empty_answer_is_an_answer() -> None:
    answer, _ = rows_of(answered(answer=completion(good(), text="")))
    assert answer.text == ""
    assert answer.sha256 == hashlib.sha256(b"").hexdigest()
    assert answer.error_kind is None


def test_estimated_tokens_of_one_stage_flag_the_whole_answer() -> None:
    guessed = good(100, usage=Usage(prompt_tokens=1, completion_tokens=2, estimated=True))
    answer, calls = rows_of(answered(draft=completion(guessed), refine=completion(good(500))))
    assert answer.tokens_estimated
    assert [call.tokens_estimated for call in calls] == [True, False]
    assert (answer.prompt_tokens, answer.cached_tokens) == (11, 3)


def test_an_answer_during_which_this_process_lagged_is_flagged() -> None:
    def lagged(*lags: float | None) -> models.Answer:
        its = {f"stage{i}": completion(good(loop_lag_ms=lag)) for i, lag in enumerate(lags)}
        return rows_of(answered(**its))[0]

    assert lagged(LIMIT_MS + 1, 0.0).client_limited
    assert lagged(0.0, LIMIT_MS + 1).loop_lag_ms == LIMIT_MS + 1
    assert not lagged(LIMIT_MS, 0.0).client_limited
    assert lagged(None).loop_lag_ms is None  # not watched is not 0
    assert not lagged(None).client_limited


# --- assessments --------------------------------------------------------------------------------------------------


def assessed(status: Any, *criteria: CriterionVerdict, **given: Any) -> Assessed:
    fields: dict[str, Any] = {
        "problem": None,
        "completions": (completion(failed(), good(100, number=2)), completion(good(200))),
        "raw_reply": "{}",
        "prompt_sha256": "p",
    }
    return Assessed(status=status, criteria=criteria, **(fields | given))


def assessment_of(given: Assessed) -> tuple[models.Assessment, list[models.Score], list[models.Call]]:
    answer = models.Answer(id=5, run_id=1, question_id=2, repeat=0, text="x", sha256="s")
    *rows, _ = records.assessment_rows(
        given, answer, rater_id=6, rubric_id=7, protocol="quick", parameters={"seed": 7}, same_family=True
    )
    return rows[0], rows[1], rows[2]


def test_a_verdict_carries_its_checks_its_flags_and_the_number_of_its_reading() -> None:
    answer = models.Answer(id=5, run_id=1, question_id=2, repeat=0, text="x", sha256="s")
    checks = (CheckVerdict("must", "Names a day.", True), CheckVerdict("must_not", "Guesses.", None))
    given = assessed("ok", checks=checks, flags=("instruction_in_answer",))
    made, _, _, rows = records.assessment_rows(
        given, answer, rater_id=6, rubric_id=7, protocol="quick", parameters={}, same_family=False, sample=2
    )
    assert (made.sample, made.flags) == (2, ["instruction_in_answer"])
    assert [(row.kind, row.text, row.met) for row in rows] == [
        ("must", "Names a day.", True),
        ("must_not", "Guesses.", None),
    ]


def test_an_expectation_carries_its_probabilities() -> None:
    read = CriterionVerdict("factuality", 3.6, digit_mass=0.97, probabilities=(0.0, 0.1, 0.3, 0.5, 0.1))
    _, (score,), _ = assessment_of(assessed("ok", read))
    assert (score.value, score.digit_mass, score.probabilities) == (3.6, 0.97, [0.0, 0.1, 0.3, 0.5, 0.1])


def test_the_words_of_an_answer_are_counted_when_it_comes() -> None:
    answer, _ = rows_of(answered(answer=completion(good(100), text="One two three four. One two three four.")))
    assert answer.words == 8
    assert answer.repeated_4grams == pytest.approx(1 / 5)


def test_a_verdict_carries_its_scores_and_what_it_rests_on() -> None:
    scored = CriterionVerdict("factuality", 4, rationale="r", quotes=("q",), claims=({"claim": "c", "verdict": "v"},),
                              key_points=({"key_point": "k", "verdict": "covered"},), flags=("refusal",))  # fmt: skip
    unknown = CriterionVerdict("coherence", None, null_reason="cannot be judged")
    assessment, scores, calls = assessment_of(assessed("ok", scored, unknown))
    assert (assessment.answer_id, assessment.run_id, assessment.question_id) == (5, 1, 2)
    assert (assessment.rater_id, assessment.rubric_id, assessment.protocol) == (6, 7, "quick")
    assert (assessment.status, assessment.answer_sha256, assessment.prompt_sha256) == (AssessmentStatus.ok, "s", "p")
    assert (assessment.parameters, assessment.same_family, assessment.error) == ({"seed": 7}, True, None)
    assert [(s.criterion, s.value, s.null_reason) for s in scores] == [
        ("factuality", 4, None),
        ("coherence", None, "cannot be judged"),
    ]
    first = scores[0]
    assert (first.rationale, first.quotes, first.flags) == ("r", ["q"], ["refusal"])
    assert (first.claims, first.key_points) == (
        [{"claim": "c", "verdict": "v"}],
        [{"key_point": "k", "verdict": "covered"}],
    )
    assert {call.stage for call in calls} == {"judge"}


def test_the_tokens_and_time_of_a_verdict_are_those_of_its_last_attempts() -> None:
    assessment, _, calls = assessment_of(assessed("ok"))
    assert (assessment.prompt_tokens, assessment.completion_tokens) == (20, 40)
    assert assessment.total_ms == 108 + 208
    assert assessment.attempts == len(calls) == 3
    assert assessment.model_returned == "m-1"


def test_a_criterion_with_a_problem_has_no_score_and_the_others_stand() -> None:
    bad = CriterionVerdict("coherence", 3, problem="the quote does not occur")
    assessment, scores, _ = assessment_of(
        assessed("partial", bad, CriterionVerdict("factuality", 2), problem="coherence: the quote does not occur")
    )
    assert assessment.status == AssessmentStatus.partial
    assert assessment.error == "coherence: the quote does not occur"
    assert [(s.criterion, s.value) for s in scores] == [("factuality", 2)]


@pytest.mark.parametrize("status", ["unparsed", "invalid", "error"])
def test_a_verdict_that_cannot_be_used_has_a_status_and_no_score(status: Any) -> None:
    assessment, scores, calls = assessment_of(assessed(status, problem="Why.", completions=(completion(failed()),)))
    assert (assessment.status.value, assessment.error) == (status, "Why.")
    assert scores == []
    assert (assessment.prompt_tokens, len(calls)) == (None, 1)


def test_a_reply_of_any_length_is_cut_to_what_is_kept() -> None:
    assert len(assessment_of(assessed("unparsed", raw_reply="x" * 300_000))[0].raw_reply or "") == 100_000


# --- questions ----------------------------------------------------------------------------------------------------


def test_questions_become_rows_and_the_same_questions_again() -> None:
    question = Question(
        id="q-1", question="Wer?", reference="Ada.", category="facts", difficulty=qa_set.Difficulty.HARD,
        key_points=("a", "b"), documents=(Document(title="T", text="Ü"), Document(text="x")), answerable=False,
        output_limit=77, must=("Names Ada.",), must_not=("Names Bob.", "Guesses."),
    )  # fmt: skip
    plain = Question(id="q-2", question="Was?", reference="Das.")
    given = QASet(name="mine", version="3", questions=(question, plain))
    head, rows = records.qa_set_rows(given)
    assert (head.name, head.version, head.sha256, head.n_questions) == ("mine", "3", given.sha256, 2)
    assert [(row.position, row.key, row.sha256) for row in rows] == [
        (0, "q-1", question.sha256),
        (1, "q-2", plain.sha256),
    ]
    assert [records.to_question(row) for row in rows] == [question, plain]


def test_every_built_in_question_survives_being_stored() -> None:
    built_in = qa_set.built_in()
    _, rows = records.qa_set_rows(built_in)
    assert tuple(records.to_question(row) for row in rows) == built_in.questions
