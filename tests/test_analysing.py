"""Agreement and comparison of stored runs: the figures of the statistics reach the command line unchanged."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import rows
from command import Command
from sqlalchemy import Engine
from sqlmodel import Session

from db import store
from db.models import Answer, Design, QASet, Question, Rater, Run
from eval.agreeing import AgreementError, agreements
from eval.comparing import ComparisonError, compare, detectable_difference
from eval.stats.agreement import agreement
from eval.stats.comparison import compare_all
from eval.stats.scores import Pair

N = 36
JUDGE = 3 * (5, 4, 4, 3, 5, 2, 1, 4, 5, 3, 4, 2)
PERSON = 3 * (4, 4, 5, 3, 4, 2, 2, 4, 5, 2, 3, 2)
SECOND = 3 * (4, 3, 5, 3, 5, 1, 2, 4, 4, 2, 3, 1)
WORSE = tuple(max(1, score - 1) for score in JUDGE)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = store.connect(f"sqlite:///{(tmp_path / 'rightsize.db').as_posix()}")
    yield made
    made.dispose()


def a_run(
    session: Session, qa_set: QASet, questions: Sequence[Question], target: str = "one"
) -> tuple[Run, list[Answer]]:
    run = rows.add_run(session, qa_set, target=target, name=target)
    return run, [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]


def give(
    answers: Sequence[Answer],
    rater: Rater,
    values: Sequence[int],
    session: Session,
    protocol: str = "quick",
    **given: object,
) -> None:
    for answer, value in zip(answers, values, strict=True):
        made = rows.assessment(answer, rater, rows.rubric(session), protocol, **given)
        store.save_assessment(made, rows.scores([value] * 3), session=session)


def judged_and_scored(engine: Engine, *, second: bool = False) -> Run:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        give(answers, rows.judge(session), JUDGE, session)
        give(answers, rows.person(session, "Ann"), PERSON, session, "person")
        if second:
            give(answers, rows.person(session, "Bob"), SECOND, session, "person")
    return run


def two_runs(engine: Engine, version: str = "1") -> list[Run]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        one, answers = a_run(session, qa_set, questions, "one")
        give(answers, rows.judge(session), JUDGE, session)
        if version != "1":
            qa_set, questions = rows.add_qa_set(session, N, version)
        two, answers = a_run(session, qa_set, questions, "two")
        give(answers, rows.judge(session), WORSE, session)
    return [one, two]


# --- agreement ------------------------------------------------------------------------------------------------------


def test_the_judge_is_held_against_the_person_as_the_statistics_do(engine: Engine) -> None:
    found = agreements([judged_and_scored(engine)], engine)
    assert [each.criterion for each in found] == list(rows.CRITERIA)
    (judge,) = found[0].judges
    assert judge.among.judge is not None
    expected = agreement([Pair(i, "one", j, p) for i, (j, p) in enumerate(zip(JUDGE, PERSON, strict=True))])
    shown = judge.among.judge.with_mean
    assert (shown.n, shown.confusion) == (N, expected.confusion)
    assert shown.quadratic_kappa.value == pytest.approx(expected.quadratic_kappa.value)
    assert shown.bias.value == pytest.approx(sum(JUDGE) / N - sum(PERSON) / N)


def test_two_people_are_held_against_each_other(engine: Engine) -> None:
    found = agreements([judged_and_scored(engine, second=True)], engine, rows.CRITERIA[0])[0]
    assert found.people is not None
    assert found.people.people == ("Ann", "Bob")
    expected = agreement([Pair(i, "one", a, b) for i, (a, b) in enumerate(zip(PERSON, SECOND, strict=True))])
    assert found.people.kappas["Ann", "Bob"].value == pytest.approx(expected.quadratic_kappa.value)


def test_judges_are_held_against_each_other_without_any_person(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        give(answers, rows.judge(session, "a"), JUDGE, session)
        give(answers, rows.judge(session, "b"), PERSON, session)
    found = agreements([run], engine)[0]
    assert (found.people, found.judges) == (None, [])
    (pair,) = found.between_judges
    assert {pair.first, pair.second} == {"a (quick)", "b (quick)"}
    assert pair.agreement.n == N


def test_scores_of_answers_that_were_picked_for_disagreement_are_left_out(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        give(answers, rows.judge(session), JUDGE, session)
        person, rubric = rows.person(session), rows.rubric(session)
        give(answers[:10], person, PERSON[:10], session, "person")
        for answer in answers[10:]:
            drawn = rows.sample(answer, rubric, session, Design.disagreement)
            give([answer], person, [1], session, "person", draw_id=drawn.id)
    judge = agreements([run], engine)[0].judges[0].among.judge
    assert judge is not None
    assert judge.with_mean.n == 10


def test_readings_of_a_judge_count_as_their_mean(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        for sample, values in enumerate((JUDGE, PERSON)):
            give(answers, rows.judge(session), values, session, sample=sample)
        give(answers, rows.person(session), PERSON, session, "person")
    judge = agreements([run], engine)[0].judges[0].among.judge
    assert judge is not None
    assert judge.with_mean.bias.value == pytest.approx((sum(JUDGE) + sum(PERSON)) / 2 / N - sum(PERSON) / N)


def test_runs_that_nobody_scored_have_no_agreement(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, _ = a_run(session, qa_set, questions)
    with pytest.raises(AgreementError, match="Nobody scored"):
        agreements([run], engine)


def test_the_command_prints_every_figure_of_agreement(rightsize: Command, engine: Engine) -> None:
    judged_and_scored(engine, second=True)
    db = str(engine.url.database)
    shown = json.loads(rightsize("agreement", "1", "--db", db, "--json", "--criterion", rows.CRITERIA[0]).out)
    (each,) = shown
    held = each["judges"][0]["among"]
    assert {"alpha", "kappas", "ceiling", "judge", "n", "people"} <= set(held)
    figures = held["judge"]["with_mean"]
    assert {"exact", "within_one", "bias", "mae", "quadratic_kappa", "alpha", "overall", "per_question"} <= set(figures)
    assert figures["quadratic_kappa"]["n"] == N
    assert figures["system_level"]["spearman"]["reason"]
    assert list(held["kappas"]) == ["Ann / Bob"]
    assert held["judge"]["replacement"]["reason"] == "too few raters"
    told = rightsize("agreement", "1", "--db", db).err
    assert "weighted kappa" in told
    assert "is not told: too few raters" in told


# --- comparison -----------------------------------------------------------------------------------------------------


def test_a_comparison_is_that_of_the_statistics_over_shared_questions(engine: Engine) -> None:
    found = {each.criterion: each for each in compare(two_runs(engine), engine)}
    assert set(found) == {*rows.CRITERIA, "overall"}
    (pair,) = found["overall"].pairs
    values = [{i: float(v) for i, v in enumerate(scores)} for scores in (JUDGE, WORSE)]
    (expected,) = compare_all({"one": values[0], "two": values[1]})
    assert (pair.outcome, pair.n, found["overall"].n_shared) == ("better", N, N)
    assert (pair.difference, pair.low, pair.high) == pytest.approx((expected.difference, expected.low, expected.high))
    assert found["overall"].best.probability["one"] == 1


def test_versions_of_a_qa_set_are_not_compared_without_saying_so(engine: Engine) -> None:
    one, two = two_runs(engine, version="2")
    apart = (
        r"These runs answered different QA sets \(one: Test set 1; two: Test set 2\) that have no question in common"
    )
    with pytest.raises(ComparisonError, match=f"^{apart}"):
        compare([one, two], engine)
    with store.writing(engine) as session:  # a third set, half of whose questions are those of the first
        known = store.list_questions(one.qa_set_id, session=session)[: N // 2]
        copies = [Question(**question.model_dump(exclude={"id", "qa_set_id"}), qa_set_id=0) for question in known]
        head = QASet(sha256="3" * 64, name="Half", version="1", n_questions=len(copies))
        half = store.save_qa_set(head, copies, session=session)
        questions = store.list_questions(half.id or 0, session=session)
        three, answers = a_run(session, half, questions, "three")
        unscored, _ = a_run(session, half, questions, "four")
        give(answers, rows.judge(session), WORSE[: N // 2], session)
    (each, *_) = compare([one, three], engine)
    start = "These runs answered different QA sets or versions (one: Test set 1; three: Half 1)"
    assert each.notes[0] == f"{start}; only what all share is compared: {N // 2} questions are the same."
    assert each.n_shared == N // 2
    with pytest.raises(ComparisonError, match=r"^These runs answered different QA sets or versions .* Nobody scored"):
        compare([one, unscored], engine)


def test_what_nobody_scored_alike_is_not_compared(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        one, answers = a_run(session, qa_set, questions, "one")
        give(answers, rows.judge(session, "a"), JUDGE, session)
        two, answers = a_run(session, qa_set, questions, "two")
        give(answers, rows.judge(session, "b"), JUDGE, session)
    with pytest.raises(ComparisonError, match="Nobody scored all of these runs"):
        compare([one, two], engine)
    with pytest.raises(ComparisonError, match="Two runs or more"):
        compare([one], engine)


def test_an_unknown_source_or_criterion_is_refused_with_those_there_are(engine: Engine) -> None:
    runs = two_runs(engine)
    with pytest.raises(ComparisonError, match=r"those who did: test-judge \(quick\)"):
        compare(runs, engine, source="people")
    with pytest.raises(ComparisonError, match='no criterion "wit" here; there are: '):
        compare(runs, engine, criterion="wit")


def test_the_command_says_better_worse_or_not_decisive(rightsize: Command, engine: Engine) -> None:
    two_runs(engine)
    db = str(engine.url.database)
    told = rightsize("compare", "1", "2", "--db", db, "--criterion", "overall").err
    assert "better" in told
    shown = json.loads(rightsize("compare", "1", "2", "--db", db, "--json").out)
    assert {each["criterion"] for each in shown} == {*rows.CRITERIA, "overall"}
    assert {"difference", "low", "high", "effect_size", "p", "p_holm", "n", "outcome"} <= set(shown[0]["pairs"][0])


def test_the_command_says_first_that_qa_sets_differ(rightsize: Command, engine: Engine) -> None:
    two_runs(engine, version="2")
    done = rightsize("compare", "1", "2", "--db", str(engine.url.database))
    assert done.code == 1
    assert done.err.startswith("rightsize: These runs answered different QA sets")


def test_two_targets_of_one_name_are_told_apart(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        runs = []
        for values in (JUDGE, WORSE):
            run, answers = a_run(session, qa_set, questions, "same")
            give(answers, rows.judge(session), values, session)
            runs.append(run)
    assert compare(runs, engine)[0].targets == ("same (run 1)", "same (run 2)")


def test_what_a_question_set_can_show_comes_from_the_spread_seen(engine: Engine) -> None:
    assert "not known before two targets" in detectable_difference(60, 2, engine)
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        for target, values in (("one", JUDGE), ("two", PERSON)):
            _, answers = a_run(session, qa_set, questions, target)
            give(answers, rows.judge(session), values, session)
    few, many = (detectable_difference(n, 2, engine) for n in (20, 200))
    assert few.startswith("20 questions show a difference of ")
    assert float(few.split()[6]) > float(many.split()[6])
