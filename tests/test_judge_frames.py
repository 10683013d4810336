"""What several judges and several readings say of the same answers, grouped in the database."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import rows
from sqlalchemy import Engine
from sqlmodel import Session

from db import frames, judge_frames, store
from db.models import Answer, AssessmentStatus, CheckResult, Rater, Run
from eval.summary import Summary, summarise


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = store.connect(f"sqlite:///{(tmp_path / 'judges.db').as_posix()}")
    yield made
    made.dispose()


def fill(engine: Engine, given: dict[str, Sequence[Sequence[Sequence[int]]]]) -> tuple[Run, list[Answer]]:
    """A run whose answers each judge scored: judge -> answers -> readings -> scores of the three criteria."""
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        answers = [
            store.save_answer(rows.answer(run, q, words=10 + i), [], session=session) for i, q in enumerate(questions)
        ]
        for name, by_answer in given.items():
            judge = rows.judge(session, name)
            for answer, readings in zip(answers, by_answer, strict=False):
                for sample, values in enumerate(readings):
                    add(answer, judge, values, sample, session)
    return run, answers


def add(answer: Answer, judge: Rater, values: Sequence[int], sample: int, session: Session, **given: object) -> None:
    made = rows.assessment(answer, judge, rows.rubric(session), sample=sample, **given)
    store.save_assessment(made, rows.scores(values), session=session)


def of(run: Run, engine: Engine) -> Summary:
    return summarise(run.id or 0, engine)


def panel(run: Run, engine: Engine) -> list[dict[str, object]]:
    with store.reading(engine) as session:
        return frames.records(judge_frames.panel_frame(run.id or 0, session=session))


TWO = {"a": [[[5, 4, 3]], [[4, 4, 4]]], "b": [[[3, 4, 1]], [[4, 2, 4]]]}


def test_a_panel_is_the_mean_of_its_judges_with_how_far_they_lie_apart(engine: Engine) -> None:
    run, _ = fill(engine, TWO)
    found = {
        (row["criterion"], row["question_id"]): (row["mean"], row["spread"], row["judges"])
        for row in panel(run, engine)
    }
    assert found[rows.CRITERIA[0], 1] == (4, 2, 2)
    assert found[rows.CRITERIA[1], 2] == (3, 2, 2)
    assert found["overall", 1] == pytest.approx((10 / 3, 4 / 3, 2))
    quality = of(run, engine).quality_of("panel of judges (quick)", rows.CRITERIA[0])
    assert quality is not None
    assert quality.score.value == 4
    assert quality.spread is not None
    assert (quality.spread.value, quality.spread.n) == (1, 2)  # 2 points apart on one answer, none on the other


def test_an_answer_that_one_judge_of_the_panel_did_not_score_is_not_in_its_mean(engine: Engine) -> None:
    run, _ = fill(engine, {"a": TWO["a"], "b": TWO["b"][:1]})
    assert {row["question_id"] for row in panel(run, engine)} == {1}


def test_one_judge_is_no_panel(engine: Engine) -> None:
    run, _ = fill(engine, {"a": TWO["a"]})
    assert panel(run, engine) == []
    assert [q.source for q in of(run, engine).quality if q.criterion == "overall"] == ["a (quick)"]


def test_readings_of_one_judge_are_averaged_and_their_spread_is_its_flicker(engine: Engine) -> None:
    run, _ = fill(engine, {"a": [[[5, 5, 5], [3, 5, 4]], [[2, 2, 2], [2, 4, 2]]]})
    first = of(run, engine).quality_of("a (quick)", rows.CRITERIA[0])
    assert first is not None
    assert first.score.value == (4 + 2) / 2
    assert first.spread is not None
    assert (first.spread.value, first.spread.n) == (1, 2)
    assert first.n_scored == 2  # answers, not readings


def test_a_single_reading_has_no_flicker(engine: Engine) -> None:
    run, _ = fill(engine, {"a": TWO["a"]})
    assert all(q.spread is None for q in of(run, engine).quality)


def test_a_reading_that_is_made_again_replaces_that_reading_alone(engine: Engine) -> None:
    run, answers = fill(engine, {"a": [[[5, 5, 5], [3, 3, 3]]]})
    with store.writing(engine) as session:
        add(answers[0], rows.judge(session, "a"), [1, 1, 1], 1, session)
    quality = of(run, engine).quality_of("a (quick)", rows.CRITERIA[0])
    assert quality is not None
    assert quality.score.value == 3


def test_what_judging_took_counts_replaced_verdicts_and_is_unknown_where_tokens_were_not_counted(
    engine: Engine,
) -> None:
    run, answers = fill(engine, {})
    with store.writing(engine) as session:
        judge = rows.judge(session, "a")
        for tokens in (100, 50):
            add(answers[0], judge, [3, 3, 3], 0, session, prompt_tokens=tokens, completion_tokens=10, total_ms=1500.0)
    (spent,) = of(run, engine).judging
    assert (spent.judge, spent.n, spent.prompt_tokens, spent.completion_tokens, spent.seconds) == ("a", 2, 150, 20, 3.0)
    with store.writing(engine) as session:
        add(answers[1], rows.judge(session, "a"), [3, 3, 3], 0, session, prompt_tokens=None)
    assert of(run, engine).judging[0].prompt_tokens is None


def test_checks_are_a_share_beside_the_scores(engine: Engine) -> None:
    run, answers = fill(engine, {})
    with store.writing(engine) as session:
        judge, rubric = rows.judge(session, "a"), rows.rubric(session)
        for answer, met in zip(answers, [(True, False), (True, None), (True, True)], strict=True):
            checks = [CheckResult(assessment_id=0, kind="must", text=f"{i}", met=m) for i, m in enumerate(met)]
            made = rows.assessment(answer, judge, rubric, status=AssessmentStatus.ok)
            store.save_assessment(made, rows.scores([4, 4, 4]), [], checks, session=session)
    (found,) = of(run, engine).checks
    assert (found.source, found.n, found.met.n) == ("a (quick)", 5, 3)
    assert found.met.value == pytest.approx((0.5 + 1 + 1) / 3)
    assert {q.score.value for q in of(run, engine).quality} == {4}


def test_the_companions_of_conciseness_are_means_over_questions(engine: Engine) -> None:
    run, _ = fill(engine, {})
    found = of(run, engine).companions
    assert found is not None
    assert (found.words.value, found.words.n) == (11, 3)
    assert found.reading_s == pytest.approx(11 / 238 * 60)


def test_an_answer_whose_words_were_never_counted_has_no_companions(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session)
        run = rows.add_run(session, qa_set)
        store.save_answer(rows.answer(run, questions[0]), [], session=session)
    assert of(run, engine).companions is None
