"""A run's figures: computed from its rows, kept while nothing is added, and the same after being stored as JSON."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pytest
import rows
import samples
from sqlalchemy import Engine

from db import store
from db.models import Answer, AssessmentStatus, Question, Run
from db.store import StoreError
from eval import summary as module
from eval.stats.intervals import Estimate, mean_interval
from eval.summary import Summary, summarise

S = AssessmentStatus
NOTHING = Estimate(None, None, None, 0)


def add_run(engine: Engine, n: int = 4) -> tuple[Run, list[Question]]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, n)
        return rows.add_run(session, qa_set, n_planned=n), questions


def add_answer(engine: Engine, run: Run, question: Question, repeat: int = 0, **given: Any) -> Answer:
    with store.writing(engine) as session:
        return store.save_answer(rows.answer(run, question, repeat, **given), [], session=session)


def assess(engine: Engine, answer: Answer, values: list[int | None], rater: str = "", **given: Any) -> None:
    """A verdict of the judge, or of a person where one is named."""
    with store.writing(engine) as session:
        who, protocol = (rows.person(session, rater), "person") if rater else (rows.judge(session), "quick")
        rubric = rows.rubric(session, given.pop("rubric", "1"), **given.pop("scales", {}))
        made = rows.assessment(answer, who, rubric, given.pop("protocol", protocol), **given)
        store.save_assessment(made, rows.scores(values), session=session)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the runs whose figures were worked out, in order."""
    seen: list[int] = []
    compute = module._compute

    def counted(run: Run, engine: Engine) -> Summary:
        seen.append(run.id or 0)
        return compute(run, engine)

    monkeypatch.setattr(module, "_compute", counted)
    return seen


# --- keeping ------------------------------------------------------------------------------------------------------


def test_figures_are_kept_and_worked_out_again_only_after_something_was_added(
    engine: Engine, computed: list[int]
) -> None:
    run, questions = add_run(engine)
    run_id = run.id or 0
    first = add_answer(engine, run, questions[0])

    def again() -> int:
        computed.clear()
        assert summarise(run_id, engine) == summarise(run_id, engine)
        return len(computed)

    assert again() == 1
    assert again() == 0
    add_answer(engine, run, questions[1])
    assert again() == 1
    assert summarise(run_id, engine).n_answers == 2
    assess(engine, first, [1, 2, 3])
    assert again() == 1
    assert len(summarise(run_id, engine).quality) == 4
    assess(engine, first, [], "Ada", status=S.withdrawn)
    assert again() == 1
    add_answer(engine, run, questions[2], error_kind="timeout")
    assert again() == 1
    add_answer(engine, run, questions[2])
    assert again() == 1
    assert summarise(run_id, engine).n_errors == 0
    assert again() == 0


def test_what_is_added_to_one_run_leaves_the_figures_of_another_kept(engine: Engine, computed: list[int]) -> None:
    run, questions = add_run(engine)
    other, _ = add_run(engine)
    for one in (run, other):
        summarise(one.id or 0, engine)
    add_answer(engine, run, questions[0])
    computed.clear()
    for one in (run, other):
        summarise(one.id or 0, engine)
    assert computed == [run.id]


def test_kept_figures_of_another_version_are_worked_out_again(
    engine: Engine, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = add_run(engine)
    summarise(run.id or 0, engine)
    monkeypatch.setattr(module, "SUMMARY_VERSION", module.SUMMARY_VERSION + 1)
    summarise(run.id or 0, engine)
    summarise(run.id or 0, engine)
    assert len(computed) == 2


def test_an_answer_that_comes_while_figures_are_worked_out_makes_them_stale(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, questions = add_run(engine)
    compute = module._compute

    def slowly(run: Run, engine: Engine) -> Summary:
        found = compute(run, engine)
        monkeypatch.setattr(module, "_compute", compute)
        add_answer(engine, run, questions[0])
        return found

    monkeypatch.setattr(module, "_compute", slowly)
    assert summarise(run.id or 0, engine).n_answers == 0
    assert summarise(run.id or 0, engine).n_answers == 1


def test_a_read_only_database_still_gives_the_figures(engine: Engine, path: Path, computed: list[int]) -> None:
    run, questions = add_run(engine)
    answer = add_answer(engine, run, questions[0])
    assess(engine, answer, [2, 3, 4])
    readable = store.connect(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true")
    shown = summarise(run.id or 0, readable)
    assert shown == summarise(run.id or 0, readable)
    assert len(computed) == 2, "nothing could be kept"
    assert shown == summarise(run.id or 0, engine)
    readable.dispose()


def test_an_unknown_run_has_no_figures(engine: Engine) -> None:
    with pytest.raises(StoreError, match="There is no run 7"):
        summarise(7, engine)


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_the_same_after_being_kept_as_json_and_hold_no_nan(seed: int, tmp_path: Path) -> None:
    url = f"sqlite:///{(tmp_path / 'full.db').as_posix()}"
    ids = samples.add_group(url, people=True, failing=seed, questions=8 + seed, seed=seed)
    engine = store.connect(url)
    for run_id in ids:
        fresh, kept = summarise(run_id, engine), summarise(run_id, engine)
        assert kept == fresh
        assert type(kept.quality[0].score) is Estimate
        assert type(kept.stages[0]) is type(fresh.stages[0])
        text = json.dumps(asdict(fresh), allow_nan=False)
        assert module._unpack(json.loads(json.dumps(module._pack(fresh)))) == fresh
        assert "NaN" not in text
        with store.reading(engine) as session:
            json.dumps(store.get_run(run_id, session=session).summary, allow_nan=False)
    engine.dispose()


# --- what the figures say -----------------------------------------------------------------------------------------


def test_an_empty_run_has_figures_that_say_so(engine: Engine) -> None:
    run, _ = add_run(engine)
    for found in (summarise(run.id or 0, engine), summarise(run.id or 0, engine)):
        assert (found.n_answers, found.n_errors, found.n_client_limited, found.n_estimated_tokens) == (0, 0, 0, 0)
        assert set(found.latency_p50.values()) == set(found.latency_p95.values()) == {NOTHING}
        assert found.tokens_per_s == NOTHING
        assert found.tokens == {"prompt": None, "completion": None, "cached": None, "reasoning": None}
        assert set(found.token_means.values()) == {NOTHING}
        assert (found.n_cached, found.n_cache_known, found.n_without_ttft) == (0, 0, 0)
        assert found.quality == []
        assert found.stages == []


def test_a_run_of_errors_alone_has_no_latency_no_tokens_and_no_score(engine: Engine) -> None:
    run, questions = add_run(engine)
    for question in questions:
        with store.writing(engine) as session:
            failed = rows.answer(run, question, error_kind="timeout", prompt_tokens=7)
            store.save_answer(failed, [rows.call(error_kind="timeout", prompt_tokens=7)], session=session)
    found = summarise(run.id or 0, engine)
    assert (found.n_answers, found.n_errors) == (0, 4)
    assert set(found.latency_p50.values()) == {NOTHING}
    assert found.tokens["prompt"] is None
    assert found.stages == []
    assert found.quality == []


def test_errors_and_warm_ups_are_in_no_figure(engine: Engine) -> None:
    run, questions = add_run(engine)
    add_answer(engine, run, questions[0], ttft_ms=100.0, prompt_tokens=10)
    add_answer(engine, run, questions[1], ttft_ms=300.0, prompt_tokens=30, client_limited=True, tokens_estimated=True)
    add_answer(engine, run, questions[2], error_kind="timeout", ttft_ms=9e9, prompt_tokens=9, client_limited=True)
    add_answer(engine, run, questions[0], cold=True, ttft_ms=9e9, prompt_tokens=9, client_limited=True)
    found = summarise(run.id or 0, engine)
    assert (found.n_answers, found.n_errors, found.n_client_limited, found.n_estimated_tokens) == (2, 1, 1, 1)
    assert found.latency_p50["ttft_ms"] == Estimate(200.0, None, None, 2)
    assert found.tokens["prompt"] == 20.0
    assert found.tokens["cached"] is None


def test_mean_tokens_count_questions_and_carry_an_interval(engine: Engine) -> None:
    run, questions = add_run(engine)
    for question, counts in zip(questions[:3], ([10, 30], [40, 40], [100, None]), strict=True):
        for repeat, tokens in enumerate(counts):
            add_answer(engine, run, question, repeat, prompt_tokens=tokens, completion_tokens=7)
    found = summarise(run.id or 0, engine)
    assert found.token_means["prompt"] == mean_interval([20.0, 40.0, 100.0], bounds=(0.0, math.inf))
    assert (found.token_means["prompt"].n, found.token_means["prompt"].low) == (3, 0.0)
    assert found.token_means["completion"] == Estimate(7.0, None, None, 3)
    assert found.token_means["reasoning"] == NOTHING
    assert found.tokens["prompt"] == found.token_means["prompt"].value


def test_answers_mostly_read_from_the_servers_cache_are_counted(engine: Engine) -> None:
    run, questions = add_run(engine, 8)
    told = [(100, 50), (100, 49), (100, 100), (100, 0), (0, 0), (100, None), (None, 100), (1, 1)]
    for question, (prompt, cached) in zip(questions, told, strict=True):
        add_answer(engine, run, question, prompt_tokens=prompt, cached_tokens=cached)
    add_answer(engine, run, questions[0], cold=True, prompt_tokens=9, cached_tokens=9)
    add_answer(engine, run, questions[0], 1, error_kind="timeout", prompt_tokens=9, cached_tokens=9)
    found = summarise(run.id or 0, engine)
    assert (found.n_cached, found.n_cache_known) == (3, 7)


def test_answers_without_a_first_token_time_are_counted_and_in_no_latency_to_it(engine: Engine) -> None:
    run, questions = add_run(engine)
    add_answer(engine, run, questions[0], ttft_ms=100.0)
    add_answer(engine, run, questions[1], ttft_ms=None)
    add_answer(engine, run, questions[2], ttft_ms=None, streamed=False)
    found = summarise(run.id or 0, engine)
    assert found.n_without_ttft == 2
    assert (found.latency_p50["ttft_ms"].n, found.latency_p50["total_ms"].n) == (1, 3)


def test_latencies_are_the_quantiles_of_the_answers_that_have_one(engine: Engine) -> None:
    run, questions = add_run(engine, 80)
    taken = [float(x) for x in np.random.default_rng(5).lognormal(6, 1, 80)]
    with store.writing(engine) as session:
        for i, (question, ms) in enumerate(zip(questions, taken, strict=True)):
            answer = rows.answer(run, question, ttft_ms=ms if i % 2 else None, total_ms=ms)
            store.save_answer(answer, [], session=session)
    found = summarise(run.id or 0, engine)
    assert found.latency_p50["total_ms"].value == pytest.approx(median(taken))
    assert found.latency_p95["total_ms"].value == pytest.approx(float(np.quantile(taken, 0.95)))
    assert found.latency_p95["total_ms"].low is not None
    assert found.latency_p50["ttft_ms"].n == 40
    assert found.latency_p50["ttft_ms"].value == pytest.approx(median(taken[1::2]))
    assert found.latency_p95["ttft_ms"].low is None  # 40 are too few
    assert found.latency_p50["generation_ms"] == NOTHING


def test_repeats_of_a_question_do_not_pass_for_independent_answers(engine: Engine) -> None:
    """Ten equal repeats of twenty questions tell no more than the twenty do."""
    taken = [100.0 * i for i in range(1, 21)]
    found = []
    for repeats in (1, 10):
        run, questions = add_run(engine, 20)
        with store.writing(engine) as session:
            for question, ms in zip(questions, taken, strict=True):
                for repeat in range(repeats):
                    store.save_answer(rows.answer(run, question, repeat, total_ms=ms), [], session=session)
        found.append(summarise(run.id or 0, engine).latency_p50["total_ms"])
    once, often = found
    assert (once.n, often.n) == (20, 200)
    assert once.value == often.value
    assert (often.low or 9e9) <= (once.low or 0) < (once.high or 9e9) <= (often.high or 0)


def test_quality_counts_questions_in_n_and_answers_beside_it(engine: Engine) -> None:
    run, questions = add_run(engine)
    for i, question in enumerate(questions[:3]):
        for repeat in range(2):
            assess(engine, add_answer(engine, run, question, repeat), [i + 1, i + 2, i + 1 + 2 * repeat])
    add_answer(engine, run, questions[3])  # never assessed
    add_answer(engine, run, questions[3], 1, error_kind="timeout")
    found = summarise(run.id or 0, engine)
    coherence = found.quality_of("test-judge (quick)", "coherence")
    overall = found.quality_of("test-judge (quick)", "overall")
    assert coherence is not None
    assert overall is not None
    assert coherence.score == mean_interval([1, 2, 3], bounds=(1, 5))
    assert overall.score == mean_interval([fmean([i + 1, i + 2, i + 2]) for i in range(3)], bounds=(1, 5))
    assert (coherence.score.n, coherence.n_scored, coherence.n_answers, coherence.n_failed) == (3, 6, 7, 0)
    assert found.quality_of("nobody", "overall") is None


def test_scores_on_another_scale_have_an_interval_within_it(engine: Engine) -> None:
    run, questions = add_run(engine)
    scales = dict.fromkeys(rows.CRITERIA, (0, 100))
    for question, value in zip(questions, (98, 100, 100, 40), strict=True):
        assess(engine, add_answer(engine, run, question), [value] * 3, rubric="2", scales=scales)
    found = {quality.criterion: quality for quality in summarise(run.id or 0, engine).quality}
    assert set(found) == {*rows.CRITERIA, "overall"}
    for quality in found.values():
        assert quality.score == mean_interval([98, 100, 100, 40], bounds=(0, 100))
        assert (quality.score.high, quality.scale) == (100, (0, 100))


def test_criteria_on_different_scales_have_no_mean(engine: Engine) -> None:
    run, questions = add_run(engine)
    for question in questions:
        answer = add_answer(engine, run, question)
        for judge in ("quick", "study"):  # two readings by protocols of their own
            assess(engine, answer, [3, 70, 5], rubric="2", scales={"factuality": (0, 100)}, protocol=judge)
            assess(engine, answer, [3, 4, 5], protocol=judge)
    found = summarise(run.id or 0, engine).quality
    mixed = {quality.criterion: quality.scale for quality in found if "test 2" in quality.source}
    assert mixed == {"coherence": (1, 5), "factuality": (0, 100), "conciseness": (1, 5)}
    assert any(quality.criterion == "overall" for quality in found if quality.source == "test-judge (quick)")


def test_verdicts_that_cannot_be_used_are_counted_and_withdrawn_ones_are_not(engine: Engine) -> None:
    run, questions = add_run(engine, 8)
    answers = [add_answer(engine, run, question) for question in questions]
    for answer, status in zip(answers, (S.ok, S.ok, S.partial, S.unparsed, S.invalid, S.error), strict=False):
        assess(engine, answer, [3, 3, 3] if status == S.ok else [2] if status == S.partial else [], status=status)
    assess(engine, answers[6], [], status=S.error)
    assess(engine, answers[6], [3, 3, 3])  # the second try went well
    assess(engine, answers[0], [4, 4, 4], "Ada")
    assess(engine, answers[1], [4, 4, 4], "Ada")
    assess(engine, answers[1], [], "Ada", status=S.withdrawn)
    found = {(q.source, q.criterion): q for q in summarise(run.id or 0, engine).quality}
    judged, people = found["test-judge (quick)", "overall"], found["people", "overall"]
    assert (judged.n_scored, judged.n_failed, judged.n_answers) == (3, 3, 8)
    assert found["test-judge (quick)", "coherence"].n_scored == 4
    assert (people.n_scored, people.n_failed, people.n_answers) == (1, 0, 8)
    assert (people.rater_kind, people.judge_id) == ("person", None)


def test_a_judge_none_of_whose_verdicts_can_be_used_is_named_with_its_failures(engine: Engine) -> None:
    run, questions = add_run(engine)
    for question in questions[:3]:
        assess(engine, add_answer(engine, run, question), [], status=S.unparsed)
    (only,) = summarise(run.id or 0, engine).quality
    assert (only.source, only.criterion, only.score) == ("test-judge (quick)", "overall", NOTHING)
    assert (only.n_scored, only.n_failed, only.n_answers) == (0, 3, 3)


def test_sources_are_told_apart_by_judge_protocol_and_rubric(engine: Engine) -> None:
    run, questions = add_run(engine)
    answer = add_answer(engine, run, questions[0])
    assess(engine, answer, [1, 1, 1])
    assess(engine, answer, [2, 2, 2], protocol="study")
    assess(engine, answer, [3, 3, 3], rubric="2")
    assess(engine, answer, [4, 4, 4], "Ada")
    assess(engine, answer, [5, 5, 5], "Bob")
    found = summarise(run.id or 0, engine)
    overall = [(q.source, q.rubric_id, q.score.value) for q in found.quality if q.criterion == "overall"]
    (other,) = {source for source, rubric_id, _ in overall if rubric_id == 2}
    assert other.startswith("test-judge (quick), test 2 ("), "a rubric that is not today's is named"
    assert sorted(overall) == [
        ("people", 1, 4.5),
        ("test-judge (quick)", 1, 1.0),
        (other, 2, 3.0),
        ("test-judge (study)", 1, 2.0),
    ]


def test_a_judge_of_the_models_own_family_is_flagged(engine: Engine) -> None:
    run, questions = add_run(engine)
    assess(engine, add_answer(engine, run, questions[0]), [3, 3, 3], same_family=True)
    assess(engine, add_answer(engine, run, questions[1]), [3, 3, 3], "Ada")
    flagged = {q.source: q.same_family for q in summarise(run.id or 0, engine).quality}
    assert flagged == {"test-judge (quick)": True, "people": False}


def test_tokens_by_stage_are_means_over_questions_and_unknown_counts_stay_unknown(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        for question, tokens in zip(questions, (10, 30), strict=False):
            calls = [
                rows.call(stage="draft", model="small", prompt_tokens=tokens, completion_tokens=None),
                rows.call(stage="refine", model="large", error_kind="status_500", prompt_tokens=999),
                rows.call(stage="refine", model="large", prompt_tokens=2 * tokens, completion_tokens=1),
            ]
            store.save_answer(rows.answer(run, question), calls, session=session)
    found = [
        (s.stage, s.model, s.prompt.value, s.completion.value, s.prompt.n)
        for s in summarise(run.id or 0, engine).stages
    ]
    assert found == [("draft", "small", 20.0, None, 2), ("refine", "large", 40.0, 1.0, 2)]
    assert all(value is None or math.isfinite(value) for row in found for value in row[2:4])
