"""Grouping in SQL against the same in plain Python, over invented runs full of gaps, repeats and second thoughts."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from statistics import fmean
from typing import Any

import pytest
import rows
import samples
from plans import plans, statements
from sqlalchemy import Engine
from sqlmodel import Session

from db import cost_frames, frames, store
from db.models import Answer, Assessment, AssessmentStatus, Call, RaterKind, Run, RunStatus

S = AssessmentStatus
SEEDS = range(4)


# --- an invented run, as untidy as a real one ---------------------------------------------------------------------


def maybe(rng: random.Random, value: Any, chance: float = 0.8) -> Any:
    return value if rng.random() < chance else None


def random_answer(rng: random.Random, run: Run, question: Any, repeat: int, cold: bool) -> Answer:
    if rng.random() < 0.15:
        return rows.answer(run, question, repeat, cold=cold, error_kind="timeout", error="too late")
    return rows.answer(
        run,
        question,
        repeat,
        cold=cold,
        ttft_ms=maybe(rng, rng.uniform(10, 900)),
        total_ms=rng.uniform(900, 5000),
        prompt_tokens=maybe(rng, rng.randint(1, 400)),
        completion_tokens=maybe(rng, rng.randint(1, 400)),
        client_limited=rng.random() < 0.2,
        tokens_estimated=rng.random() < 0.2,
    )


def random_calls(rng: random.Random) -> list[Call]:
    """The calls of a staged answer: a failed attempt here and there, counts missing here and there."""
    calls: list[Call] = []
    for stage, model in (("draft", "small"), ("refine", rng.choice(("large", "larger")))):
        if rng.random() < 0.3:
            calls.append(rows.call(stage=stage, model=model, error_kind="status_500", prompt_tokens=9999))
        calls.append(
            rows.call(
                stage=stage,
                model=model,
                attempt=len(calls) + 1,
                prompt_tokens=rng.randint(1, 500),
                completion_tokens=maybe(rng, rng.randint(1, 500)),
            )
        )
    return calls


def assess(rng: random.Random, answer: Answer, session: Session) -> None:
    """Verdicts of two judges under two protocols and rubrics and of three people, some given twice or withdrawn."""
    judges = [rows.judge(session, name) for name in ("one", "two")]
    people = [rows.person(session, name) for name in ("Ada", "Bob", "Cyd")]
    rubrics = [rows.rubric(session, version) for version in ("1", "2")]
    lines = [
        (j, r, p) for j in judges for r, p in ((rubrics[0], "quick"), (rubrics[0], "study"), (rubrics[1], "quick"))
    ]
    lines += [(person, rubrics[0], "person") for person in people]
    for rater, rubric, protocol in rng.sample(lines, rng.randint(3, len(lines))):
        for _ in range(rng.choice((1, 1, 2, 3))):
            status = rng.choice((S.ok, S.ok, S.ok, S.partial, S.unparsed, S.invalid, S.error))
            if rater.kind == RaterKind.person:
                status = rng.choice((S.ok, S.ok, S.partial, S.withdrawn))
            values = [maybe(rng, rng.randint(1, 5), 0.9) for _ in rows.CRITERIA]
            scores = rows.scores(values)
            if status == S.partial:
                scores = rng.sample(scores, rng.randint(1, 3))
            made = rows.assessment(
                answer, rater, rubric, protocol, status=status, same_family=rng.random() < 0.1,
                prompt_tokens=maybe(rng, rng.randint(1, 99)), completion_tokens=rng.randint(1, 99),
            )  # fmt: skip
            store.save_assessment(made, scores if status in (S.ok, S.partial) else [], session=session)


def add_random_run(seed: int, engine: Engine) -> int:
    """One such run among two others, so that a query that forgets its run is found out; returns its id."""
    rng = random.Random(seed)
    ids = []
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 5)
        for _ in range(3):
            run = rows.add_run(session, qa_set, n_planned=15)
            ids.append(run.id or 0)
            wanted = [(q, r, False) for q in questions for r in range(3)] + [(q, 0, True) for q in questions[:2]]
            for question, repeat, cold in rng.sample(wanted, rng.randint(8, len(wanted))):
                answer = random_answer(rng, run, question, repeat, cold)
                store.save_answer(answer, random_calls(rng), session=session)
                if not cold and answer.error_kind is None:
                    assess(rng, answer, session)
    return ids[1]


@pytest.fixture(scope="module", params=[pytest.param(s, marks=pytest.mark.xdist_group(f"untidy{s}")) for s in SEEDS])
def untidy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, int]]:
    """A database with such a run, which tests only read, and the run's id."""
    opened = store.connect(f"sqlite:///{(tmp_path_factory.mktemp('untidy') / 'runs.db').as_posix()}")
    yield opened, add_random_run(request.param, opened)
    opened.dispose()


# --- the same figures in plain Python -----------------------------------------------------------------------------


def source_of(assessment: Assessment, rater: Any) -> tuple[Any, ...]:
    judge_id = None if rater.kind == RaterKind.person else rater.id
    return rater.kind.value, judge_id, assessment.protocol, assessment.rubric_id


def expected_scores(run_id: int, session: Session) -> dict[tuple[Any, ...], tuple[int, float, bool]]:
    """(source, criterion, question) -> (answers, mean, whether any verdict was of the model's own family)."""
    given = defaultdict(list)
    for score in store.list_run_scores(run_id, session=session):
        given[score.assessment_id].append(score)
    by_answer: dict[tuple[Any, ...], list[tuple[float, bool]]] = defaultdict(list)
    for assessment, rater in store.list_run_assessments(run_id, session=session):
        if not assessment.current:
            continue
        values = {s.criterion: s.value for s in given[assessment.id] if s.value is not None}
        if set(values) == set(rows.CRITERIA) and assessment.status == S.ok:
            values["overall"] = fmean(values.values())
        for criterion, value in values.items():
            key = (*source_of(assessment, rater), criterion, assessment.question_id, assessment.answer_id)
            by_answer[key].append((value, assessment.same_family))
    by_question: dict[tuple[Any, ...], list[tuple[float, bool]]] = defaultdict(list)
    for (*key, _), pairs in by_answer.items():
        by_question[tuple(key)].append((fmean(value for value, _ in pairs), any(same for _, same in pairs)))
    return {
        key: (len(pairs), fmean(value for value, _ in pairs), any(same for _, same in pairs))
        for key, pairs in by_question.items()
    }


def approximately(found: dict[Any, tuple[Any, ...]]) -> dict[Any, Any]:
    return {key: pytest.approx(values) for key, values in found.items()}


def test_scores_a_question_are_those_of_plain_python(untidy: tuple[Engine, int]) -> None:
    engine, run_id = untidy
    with store.reading(engine) as session:
        found = frames.records(frames.question_scores_frame(run_id, session=session))
        expected = expected_scores(run_id, session)
    keys = ("kind", "judge_id", "protocol", "rubric_id", "criterion", "question_id")
    got = {tuple(row[k] for k in keys): (row["n_answers"], row["mean"], bool(row["same_family"])) for row in found}
    assert len(got) == len(found)
    assert len({key[:4] for key in got}) == 7, "the invented run should hold every source"
    assert got == approximately(expected)


def test_verdicts_are_counted_as_in_plain_python(untidy: tuple[Engine, int]) -> None:
    engine, run_id = untidy
    expected: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [set(), None, 0])
    with store.reading(engine) as session:
        found = frames.records(frames.verdicts_frame(run_id, session=session))
        for assessment, rater in store.list_run_assessments(run_id, session=session):
            if assessment.current:
                its = expected[*source_of(assessment, rater), assessment.status.value]
                its[0].add(assessment.answer_id)
                if assessment.prompt_tokens is not None:
                    its[1] = (its[1] or 0) + assessment.prompt_tokens
                its[2] += assessment.completion_tokens
    keys = ("kind", "judge_id", "protocol", "rubric_id", "status")
    counts = ("n", "prompt_tokens", "completion_tokens")
    got = {tuple(row[k] for k in keys): tuple(row[c] for c in counts) for row in found}
    assert got == {key: (len(answers), into, out) for key, (answers, into, out) in expected.items()}


def test_answers_are_those_measured_without_warm_ups(untidy: tuple[Engine, int]) -> None:
    engine, run_id = untidy
    with store.reading(engine) as session:
        frame = frames.answers_frame(run_id, session=session)
        answers = [a for a in store.list_answers(run_id, session=session) if not a.cold]
    got = frames.records(frame[["question_id", "ttft_ms", "prompt_tokens"]])
    assert Counter(tuple(row.values()) for row in got) == Counter(
        (a.question_id, a.ttft_ms, a.prompt_tokens) for a in answers
    )
    assert int(frame["failed"].sum()) == sum(a.error_kind is not None for a in answers)
    assert int(frame["client_limited"].sum()) == sum(a.client_limited for a in answers)


def test_a_stage_that_was_gone_through_again_counts_once(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        failed = [rows.call(stage="draft", prompt_tokens=9), rows.call(stage="refine", error_kind="x")]
        store.save_answer(rows.answer(run, questions[0], error_kind="x"), failed, session=session)
        again = [rows.call(stage="draft", prompt_tokens=30), rows.call(stage="refine", prompt_tokens=50)]
        store.save_answer(rows.answer(run, questions[0]), again, session=session)
        once = [rows.call(stage="draft", prompt_tokens=10), rows.call(stage="refine", prompt_tokens=70)]
        store.save_answer(rows.answer(run, questions[1]), once, session=session)
    with store.reading(engine) as session:
        found = frames.records(cost_frames.stage_use_frame(run.id or 0, session=session))
    got = sorted((row["stage"], row["n"], row["prompt"]) for row in found)  # a row a question
    assert got == [("draft", 1, 10.0), ("draft", 1, 30.0), ("refine", 1, 50.0), ("refine", 1, 70.0)]


def test_progress_counts_answers_errors_and_assessed_answers(untidy: tuple[Engine, int]) -> None:
    engine, _ = untidy
    with store.reading(engine) as session:
        found = frames.records(frames.progress_frame("group", session=session))
        for row, run in zip(found, reversed(store.list_runs(session=session)), strict=True):
            warm = [a for a in store.list_answers(run.id or 0, session=session) if not a.cold]
            assessed = {a.answer_id for a, _ in store.list_run_assessments(run.id or 0, session=session) if a.current}
            assert row["run_id"] == run.id
            assert row["n_planned"] == 15
            assert (row["n_answers"], row["n_assessed"]) == (len(warm), len(assessed))
            assert row["n_errors"] == sum(a.error_kind is not None for a in warm)


def test_what_a_deletion_would_take_is_counted(untidy: tuple[Engine, int]) -> None:
    engine, run_id = untidy
    with store.reading(engine) as session:
        expected = {
            "answers": len(store.list_answers(run_id, session=session)),
            "assessments": len(store.list_run_assessments(run_id, session=session)),
            "scores": len(store.list_run_scores(run_id, session=session)),
        }
        assert frames.records(frames.contents_frame(run_id, session=session)) == [expected]


# --- single claims ------------------------------------------------------------------------------------------------


def one_answer(engine: Engine) -> tuple[int, Answer]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        return run.id or 0, store.save_answer(rows.answer(run, questions[0]), [], session=session)


def save(engine: Engine, answer: Answer, values: list[int | None], rater: str = "", **given: Any) -> None:
    """A verdict of a judge, or of a person where one is named."""
    with store.writing(engine) as session:
        who, protocol = (rows.person(session, rater), "person") if rater else (rows.judge(session), "quick")
        made = rows.assessment(answer, who, rows.rubric(session), protocol, **given)
        store.save_assessment(made, rows.scores(values), session=session)


def means(run_id: int, engine: Engine) -> dict[str, float]:
    with store.reading(engine) as session:
        found = frames.records(frames.question_scores_frame(run_id, session=session))
    return {row["criterion"]: row["mean"] for row in found}


def test_overall_stands_only_where_every_criterion_was_scored(engine: Engine) -> None:
    run_id, answer = one_answer(engine)
    save(engine, answer, [2, 3, 4])
    assert means(run_id, engine) == {"coherence": 2, "factuality": 3, "conciseness": 4, "overall": 3}
    save(engine, answer, [2, 3, None])
    assert means(run_id, engine) == {"coherence": 2, "factuality": 3}


def test_a_verdict_that_lacks_a_criterion_has_no_overall_score(engine: Engine) -> None:
    """What could not be read has no row at all; the mean of the rest must not pass for the whole."""
    run_id, answer = one_answer(engine)
    save(engine, answer, [5, 5], status=S.partial)
    assert means(run_id, engine) == {"coherence": 5, "factuality": 5}


def test_people_are_pooled_and_a_withdrawn_verdict_counts_no_more(engine: Engine) -> None:
    run_id, answer = one_answer(engine)
    save(engine, answer, [1, 1, 1], "Ada")
    save(engine, answer, [4, 4, 4], "Bob")
    assert means(run_id, engine)["overall"] == 2.5
    save(engine, answer, [], "Bob", status=S.withdrawn)
    assert means(run_id, engine)["overall"] == 1


def test_repeats_of_a_question_weigh_as_one(engine: Engine) -> None:
    run_id, answer = one_answer(engine)
    with store.writing(engine) as session:
        run = store.get_run(run_id, session=session)
        question = store.list_questions(run.qa_set_id, session=session)[0]
        second = store.save_answer(rows.answer(run, question, 1), [], session=session)
    save(engine, answer, [1, 1, 1])
    save(engine, second, [2, 2, 2])
    with store.reading(engine) as session:
        frame = frames.question_scores_frame(run_id, session=session)
    overall = frames.records(frame[frame["criterion"] == "overall"])
    assert [(row["n_answers"], row["mean"]) for row in overall] == [(2, 1.5)]


def test_an_empty_run_gives_empty_frames_with_their_columns(engine: Engine) -> None:
    with store.writing(engine) as session:
        run_id = rows.add_run(session, rows.add_qa_set(session)[0]).id or 0
    with store.reading(engine) as session:
        for read in (
            frames.answers_frame,
            frames.question_scores_frame,
            frames.verdicts_frame,
            cost_frames.stage_use_frame,
        ):
            frame = read(run_id, session=session)
            assert len(frame) == 0
            assert len(frame.columns) > 4


# --- lists of runs ------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(engine: Engine) -> Engine:
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session)
        other, _ = rows.add_qa_set(session, 3, "2")
        for i, (name, tags, status) in enumerate(
            (
                ("Ärzte 100%", ["Demo", "a_b"], RunStatus.finished),
                ("small_run", ["demo"], RunStatus.failed),
                ("small run!", ['q"uote', "aXb", "ü"], RunStatus.finished),
                ("large", [], RunStatus.planned),
            )
        ):
            at = samples.START + timedelta(minutes=i)
            rows.add_run(session, other if name == "large" else qa_set, f"g{i // 2}", name=name, target=name, tags=tags,
                         status=status, created_at=at)  # fmt: skip
    return engine


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, [4, 3, 2, 1]),
        ({"limit": 2, "offset": 1}, [3, 2]),
        ({"ids": [1, 4, 99]}, [4, 1]),
        ({"ids": []}, []),
        ({"qa_set_id": 2}, [4]),
        ({"group_id": "g0"}, [2, 1]),
        ({"status": "finished"}, [3, 1]),
        ({"target": "large"}, [4]),
        ({"tag": "demo"}, [2]),
        ({"tag": "Demo"}, [1]),
        ({"tag": "dem"}, []),
        ({"tag": "a_b"}, [1]),
        ({"tag": 'q"uote'}, [3]),
        ({"tag": "ü"}, [3]),
        ({"contains": "SMALL"}, [3, 2]),
        ({"contains": "Ärzte"}, [1]),
        ({"contains": "100%"}, [1]),
        ({"contains": "l_r"}, [2]),
        ({"contains": "run!"}, [3]),
        ({"contains": "'; DROP TABLE run; --"}, []),
        ({"contains": "small", "status": "failed"}, [2]),
    ],
)
def test_runs_are_filtered(filters: dict[str, Any], ids: list[int], listed: Engine) -> None:
    with store.reading(listed) as session:
        frame = frames.runs_frame(session=session, **filters)
        if not {"limit", "offset"} & set(filters):
            assert frames.count_runs(session=session, **filters) == len(ids)
    assert frame["run_id"].to_list() == ids


def test_a_filter_that_does_not_exist_is_a_mistake(listed: Engine) -> None:
    with store.reading(listed) as session, pytest.raises(KeyError):
        frames.runs_frame(session=session, colour="red")


def test_runs_come_with_times_tags_and_the_name_of_their_qa_set(listed: Engine) -> None:
    with store.reading(listed) as session:
        frame = frames.runs_frame(session=session)
        row = frames.records(frame)[3]
        assert frames.list_tags(session=session) == ["Demo", "aXb", "a_b", "demo", 'q"uote', "ü"]
        assert frames.targets_frame(session=session)["target"].to_list() == [
            "Ärzte 100%",
            "small_run",
            "small run!",
            "large",
        ]
        assert frames.qa_sets_frame(session=session)["version"].to_list() == ["2", "1"]
    assert str(frame["created_at"].dtype).endswith("UTC]")
    assert row["created_at"] == samples.START
    assert row["tags"] == ["Demo", "a_b"]
    assert row["simulated"] is True
    assert (row["qa_set"], row["qa_set_version"], row["qa_set_size"]) == ("Test set", "1", 3)
    assert row["error"] is None


# --- through indexes ----------------------------------------------------------------------------------------------


def test_no_figure_of_a_run_looks_through_a_whole_table_of_answers(untidy: tuple[Engine, int]) -> None:
    engine, run_id = untidy
    with store.reading(engine) as session, statements(engine) as sent:
        frames.answers_frame(run_id, session=session)
        frames.question_scores_frame(run_id, session=session)
        frames.verdicts_frame(run_id, session=session)
        cost_frames.stage_use_frame(run_id, session=session)
        frames.contents_frame(run_id, session=session)
        frames.progress_frame("group", session=session)
    found = [plan for plan in plans(engine, sent) if plan != "SCAN rubric"]  # of rubrics there are a few
    assert len(found) == 6
    for plan in found:
        assert not re.search(r"SCAN (answer|assessment|score|call|run)\b", plan), plan
        assert "USING INDEX" in plan or "USING COVERING INDEX" in plan


def test_no_list_of_runs_touches_answers(listed: Engine) -> None:
    with store.reading(listed) as session, statements(listed) as sent:
        frames.runs_frame(session=session, limit=25, contains="s")
        frames.count_runs(session=session)
        frames.targets_frame(session=session)
        frames.list_tags(session=session)
        frames.qa_sets_frame(session=session)
        store.newest_change(session=session)
    for statement, _ in sent:
        assert not re.search(r"\b(answer|assessment|score|call)\b", statement), statement
