"""Assessments in the store: the newest of a rater counts, none is lost, and what is due for a judge."""

import rows
from sqlalchemy import Engine
from stored import add_run

from db import store
from db.models import AssessmentStatus, RaterKind


def test_a_second_assessment_of_a_rater_counts_and_the_first_is_kept(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, rubric = rows.judge(session), rows.rubric(session)
        answer = store.save_answer(rows.answer(run, questions[0]), [], session=session)
        for value in (1, 2, 3):
            store.save_assessment(rows.assessment(answer, judge, rubric), rows.scores([value] * 3), session=session)
    with store.reading(engine) as session:
        assessments = [a for a, _ in store.list_run_assessments(run.id or 0, session=session)]
        scores = store.list_run_scores(run.id or 0, session=session)
    assert [a.current for a in assessments] == [False, False, True]
    assert [s.value for s in scores] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_another_rater_rubric_protocol_or_answer_does_not_replace_an_assessment(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, other, someone = rows.judge(session), rows.judge(session, "other"), rows.person(session)
        rubric, newer = rows.rubric(session), rows.rubric(session, "2")
        first, second = (store.save_answer(rows.answer(run, q), [rows.call()], session=session) for q in questions[:2])
        for made in (
            rows.assessment(first, judge, rubric),
            rows.assessment(first, other, rubric),
            rows.assessment(first, someone, rubric, "person"),
            rows.assessment(first, judge, newer),
            rows.assessment(first, judge, rubric, "study"),
            rows.assessment(second, judge, rubric),
        ):
            store.save_assessment(made, rows.scores([3, 3, 3]), session=session)
    with store.reading(engine) as session:
        assert [a.current for a, _ in store.list_run_assessments(run.id or 0, session=session)] == [True] * 6


def test_raters_and_rubrics_are_stored_once(engine: Engine) -> None:
    for _ in range(2):
        with store.writing(engine) as session:
            assert rows.judge(session).id == 1
            assert rows.person(session, "test-judge").id == 2  # of another kind: another rater
            assert rows.rubric(session).id == 1
            assert rows.rubric(session, "2").id == 2
    with store.reading(engine) as session:
        assert [r.kind for r in store.list_raters(session=session)] == [RaterKind.judge, RaterKind.person]
        assert [r.id for r in store.list_raters(session=session, kind=RaterKind.person)] == [2]


def test_due_for_a_judge_is_what_it_has_not_assessed_or_failed_to(engine: Engine) -> None:
    run, questions = add_run(engine, 9)
    with store.writing(engine) as session:
        judge, other, rubric = rows.judge(session), rows.judge(session, "other"), rows.rubric(session)
        newer = rows.rubric(session, "2")
        answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions[:8]]
        store.save_answer(rows.answer(run, questions[8], error_kind="timeout"), [], session=session)
        store.save_answer(rows.answer(run, questions[0], cold=True), [], session=session)
        ok, unparsed, invalid, partial, failed, mended, others, fresh = answers
        given = [
            (ok, judge, rubric, AssessmentStatus.ok),
            (unparsed, judge, rubric, AssessmentStatus.unparsed),
            (invalid, judge, rubric, AssessmentStatus.invalid),
            (partial, judge, rubric, AssessmentStatus.partial),
            (failed, judge, rubric, AssessmentStatus.error),
            (mended, judge, rubric, AssessmentStatus.error),
            (mended, judge, rubric, AssessmentStatus.ok),
            (others, other, rubric, AssessmentStatus.ok),
            (others, judge, newer, AssessmentStatus.ok),
        ]
        for answer, rater, its_rubric, status in given:
            store.save_assessment(rows.assessment(answer, rater, its_rubric, status=status), [], session=session)
        study = rows.assessment(others, judge, rubric, "study")
        store.save_assessment(study, [], session=session)

    def due(protocol: str = "quick") -> list[int | None]:
        with store.reading(engine) as session:
            pairs = store.list_unassessed(run.id or 0, judge.id or 0, rubric.id or 0, protocol, session=session)
            assert all(answer.question_id == question.id and sample == 0 for answer, question, sample in pairs)
            return [answer.id for answer, *_ in pairs]

    assert due() == [failed.id, others.id, fresh.id]
    assert due("study") == [a.id for a in answers if a is not others]
    with store.reading(engine) as session:
        three = store.list_unassessed(run.id or 0, judge.id or 0, rubric.id or 0, "quick", 3, session=session)
    missing = [(answer.id, sample) for answer, _, sample in three]
    assert missing == [(a.id, n) for a in answers for n in range(3) if n or a in (failed, others, fresh)]


def test_how_long_a_judge_takes_is_the_mean_over_what_it_assessed(engine: Engine) -> None:
    run, questions = add_run(engine)
    with store.writing(engine) as session:
        judge, rubric = rows.judge(session), rows.rubric(session)
        for question, ms in zip(questions, (1000.0, 3000.0), strict=False):
            answer = store.save_answer(rows.answer(run, question), [], session=session)
            store.save_assessment(rows.assessment(answer, judge, rubric, total_ms=ms), [], session=session)
        assert store.judging_pace(session=session) == {("test-judge", "quick"): 2.0}
