"""Agreement and comparison of stored runs: the figures of the statistics reach the command line unchanged."""

import json
from collections.abc import Hashable, Sequence

import pytest
import rows
from command import Command
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from dashboard import quality_tables as tables
from db import sampling, store
from db.models import Answer, Design, Draw, QASet, Question, Rater, Run
from db.sampling import Wish
from eval.agreeing import AgreementError, agreements
from eval.comparing import ComparisonError, common_sources, compare, detectable_difference
from eval.cost.price_card_file import built_in as built_in_card
from eval.quality_number import QualityError, quality_numbers
from eval.run_tables import show_summaries
from eval.stats.agreement import agreement
from eval.stats.comparison import compare_all
from eval.stats.planning import detectable, spread_seen
from eval.stats.reliability import Level
from eval.stats.scores import Pair
from eval.summary import sources_of, summarise

N = 36
JUDGE = 3 * (5, 4, 4, 3, 5, 2, 1, 4, 5, 3, 4, 2)
PERSON = 3 * (4, 4, 5, 3, 4, 2, 2, 4, 5, 2, 3, 2)
SECOND = 3 * (4, 3, 5, 3, 5, 1, 2, 4, 4, 2, 3, 1)
WORSE = tuple(max(1, score - 1) for score in JUDGE)


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


def scored_and_in_dispute(engine: Engine, scored: slice, disputed: slice) -> Run:
    """A judged run of which a person scored some answers, and then some (with 1 point) from the disagreement queue."""
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        give(answers, rows.judge(session), JUDGE, session)
        person, rubric = rows.person(session), rows.rubric(session)
        give(answers[scored], person, PERSON[scored], session, "person")
        for answer in answers[disputed]:
            drawn = rows.sample(answer, rubric, session, Design.disagreement)
            give([answer], person, [1], session, "person", draw_id=drawn.id)
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
    run = scored_and_in_dispute(engine, slice(10), slice(10, None))
    judge = agreements([run], engine)[0].judges[0].among.judge
    assert judge is not None
    assert judge.with_mean.n == 10


def test_a_later_score_from_the_disagreement_queue_does_not_hide_a_persons_earlier_one(engine: Engine) -> None:
    run = scored_and_in_dispute(engine, slice(None), slice(10))
    judge = agreements([run], engine)[0].judges[0].among.judge
    assert judge is not None
    assert judge.with_mean.n == N
    assert judge.with_mean.bias.value == pytest.approx(sum(JUDGE) / N - sum(PERSON) / N)


def test_one_judgement_under_another_rubric_leaves_the_people_in_and_is_named(engine: Engine) -> None:
    run = judged_and_scored(engine)
    with store.writing(engine) as session:
        answer = session.exec(select(Answer)).first()
        assert answer is not None
        made = rows.assessment(answer, rows.judge(session), rows.rubric(session, "2"))
        store.save_assessment(made, rows.scores([1, 1, 1]), session=session)
    found = agreements([run], engine)[0]
    assert found.people is not None
    assert found.people.n == N
    assert found.notes == (
        f"{len(rows.CRITERIA)} scores under another rubric are left out; those under test 1 are the most.",
    )


def test_of_answers_that_two_people_scored_single_scores_are_counted(engine: Engine) -> None:
    judge = agreements([judged_and_scored(engine, second=True)], engine)[0].judges[0].among.judge
    assert judge is not None
    shown = judge.with_mean
    single = [(j, p) for column in (PERSON, SECOND) for j, p in zip(JUDGE, column, strict=True)]
    assert shown.confusion is not None
    assert sum(map(sum, shown.confusion)) == len(single)
    assert shown.exact.value == pytest.approx(sum(j == p for j, p in single) / len(single))
    assert shown.kappa.value is not None
    assert shown.first_counts == tuple(2 * JUDGE.count(label) for label in (1, 2, 3, 4, 5))


def test_every_figure_is_told_by_target_and_for_two_people(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        runs = []
        for target, shift in (("one", 0), ("two", 1)):
            run, answers = a_run(session, qa_set, questions, target)
            give(answers, rows.judge(session), [min(5, score + shift) for score in JUDGE], session)
            give(answers, rows.person(session, "Ann"), PERSON, session, "person")
            give(answers, rows.person(session, "Bob"), SECOND, session, "person")
            runs.append(run)
    found = agreements(runs, engine, rows.CRITERIA[0])[0]
    assert found.people is not None
    judge = found.judges[0].among.judge
    assert judge is not None
    assert [each.n for each in judge.by_target.values()] == [N, N]
    one, two = judge.by_target["one"], judge.by_target["two"]
    assert (two.bias.value or 0) > (one.bias.value or 0)
    for each in (one, two, found.people.pairs["Ann", "Bob"]):
        measured = (each.exact, each.quadratic_kappa, each.alpha, each.mae, each.overall.spearman, each.overall.kendall)
        assert None not in [measure.value for measure in measured]
    expected = agreement([Pair(i, "one", a, b) for i, (a, b) in enumerate(zip(PERSON, SECOND, strict=True))])
    assert found.people.pairs["Ann", "Bob"].exact.value == expected.exact.value


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
    replacement = held["judge"]["replacement"]
    assert (replacement["n_people"], replacement["n_tested"], replacement["fewest"]) == (2, 2, N)
    assert figures["alpha_level"] == "interval"  # the mean of two people lies between points
    told = rightsize("agreement", "1", "--db", db, "--full").err
    assert "weighted kappa" in told
    assert "cannot be told yet (too few raters)" in told
    assert "Here it is on the interval level for test-judge (quick) / people" in " ".join(told.split())


def test_agreement_is_a_row_a_pair_first_and_all_of_it_where_that_is_asked_for(
    rightsize: Command, engine: Engine
) -> None:
    judged_and_scored(engine, second=True)
    db = str(engine.url.database)
    short, full = (rightsize("agreement", "1", "--db", db, *more).err for more in ((), ("--full",)))
    rows_of = [line for line in short.splitlines() if "/" in line]
    assert len(rows_of) == 2 * len(rows.CRITERIA)  # the judge and people, and two people, on each criterion
    assert all(f" {N} " in line for line in rows_of)
    assert "exact" not in short.splitlines()[1]
    assert "--full" in short
    assert len(short) < len(full) / 2


def test_a_panel_of_judges_is_held_against_people_as_a_judge_is(rightsize: Command, engine: Engine) -> None:
    run = judged_and_scored(engine)
    with store.writing(engine) as session:
        answers = session.exec(select(Answer).order_by(col(Answer.id))).all()
        give(answers[:-1], rows.judge(session, "other"), SECOND[:-1], session)
    found = agreements([run], engine, rows.CRITERIA[0])[0]
    assert [judge.judge for judge in found.judges] == ["other (quick)", "test-judge (quick)", "panel of judges (quick)"]
    panel = found.judges[-1].among.judge
    assert panel is not None
    assert panel.with_mean.n == N - 1  # where both judges scored
    means = [(one + two) / 2 for one, two in zip(JUDGE[:-1], SECOND[:-1], strict=True)]
    assert panel.with_mean.bias.value == pytest.approx((sum(means) - sum(PERSON[:-1])) / (N - 1))
    assert panel.with_mean.alpha_level is Level.interval
    assert len(found.between_judges) == 1  # a panel is not held against its own members
    assert "panel of judges (quick) / people" in rightsize("agreement", "1", "--db", str(engine.url.database)).err


def test_run_and_quality_take_the_scores_of_the_same_source(
    rightsize: Command, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged_and_scored(engine)
    with store.writing(engine) as session:
        answers = session.exec(select(Answer).order_by(col(Answer.id))).all()
        give(answers, rows.judge(session, "a-judge of another name"), SECOND, session)
    (number,) = quality_numbers([run], engine)
    show_summaries([run], [summarise(run.id or 0, engine)], built_in_card())
    assert f"Quality in the table is scored by {number.judge}" in " ".join(capsys.readouterr().err.split())
    told = rightsize("quality", "1", "--db", str(engine.url.database)).err
    assert f"overall, the judge being {number.judge}" in told
    assert number.judge == sources_of([summarise(run.id or 0, engine)])[0]


def test_quality_without_an_overall_criterion_names_those_there_are(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run, answers = a_run(session, qa_set, questions)
        mixed = rows.rubric(session, "2", **{rows.CRITERIA[0]: (0, 100)})
        for answer, value in zip(answers, JUDGE, strict=True):
            made = rows.assessment(answer, rows.judge(session), mixed)
            store.save_assessment(made, rows.scores([value] * 3), session=session)
    with pytest.raises(QualityError, match=f"scored on .*{rows.CRITERIA[0]}.*: choose one with --criterion"):
        quality_numbers([run], engine)


def test_runs_without_a_shared_scored_question_are_said_to_be_incomparable(rightsize: Command, engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        for target, part in (("one", slice(0, 18)), ("two", slice(18, N))):
            _, answers = a_run(session, qa_set, questions, target)
            give(answers[part], rows.judge(session), JUDGE[part], session)
    told = " ".join(rightsize("compare", "1", "2", "--db", str(engine.url.database)).err.split())
    assert "these runs cannot be compared, because no question was scored for both; 2 are the least" in told
    assert "0 shared" not in told
    with store.reading(engine) as session:
        (found,) = compare(store.find_runs(["1", "2"], session=session), engine, criterion="overall")
    assert "cannot be compared" in tables.finding(found)


# --- comparison -----------------------------------------------------------------------------------------------------


def test_a_comparison_is_that_of_the_statistics_over_shared_questions(engine: Engine) -> None:
    found = {each.criterion: each for each in compare(two_runs(engine), engine)}
    assert set(found) == {*rows.CRITERIA, "overall"}
    (pair,) = found["overall"].pairs
    values: list[dict[Hashable, float]] = [{i: float(v) for i, v in enumerate(scores)} for scores in (JUDGE, WORSE)]
    (expected,) = compare_all({"one": values[0], "two": values[1]})
    assert (pair.outcome, pair.n, found["overall"].n_shared) == ("better", N, N)
    assert (pair.difference, pair.low, pair.high) == pytest.approx((expected.difference, expected.low, expected.high))
    assert found["overall"].best.probability["one"] == 1


def biased_for_the_worse(engine: Engine) -> list[Run]:
    """People score "one" two points above "two", on 24 of 36 questions drawn; the judge says the opposite."""
    low = [1 + i % 3 for i in range(N)]
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        rubric, runs = rows.rubric(session), []
        for target, up, judged in (("one", 2, 1), ("two", 0, 3)):
            run, answers = a_run(session, qa_set, questions, target)
            give(answers, rows.judge(session), [min(5, value + judged) for value in low], session)
            wish = Wish((run.id or 0,), Design.random, 24, double_share=0)
            sample = sampling.draw_sample(wish, rubric, seed=3, session=session)
            drawn = {d.answer_id: d.id for d in session.exec(select(Draw).where(col(Draw.sample_id) == sample.id))}
            for answer, value in zip(answers, low, strict=True):
                if answer.id in drawn:
                    given = {"draw_id": drawn[answer.id]}
                    give([answer], rows.person(session), [value + up], session, "person", **given)
            runs.append(run)
    return runs


def test_no_verdict_of_a_judge_runs_against_what_people_scored(rightsize: Command, engine: Engine) -> None:
    runs = biased_for_the_worse(engine)
    one, two = quality_numbers(runs, engine)
    assert (one.number.low or 0) > (two.number.high or 9)
    (found,) = compare(runs, engine, criterion="overall")
    (pair,) = found.pairs
    assert (pair.outcome, pair.n_people, pair.method) == ("better", (24, 24), one.number.method)
    assert found.rests_on.startswith("people")
    assert not any("judge only" in note for note in found.notes)
    (by_judge,) = compare(runs, engine, criterion="overall", source="test-judge (quick)")
    assert by_judge.pairs[0].outcome == "not decisive"
    assert "say the opposite" in by_judge.pairs[0].words
    assert (by_judge.pairs[0].difference or 0) < 0
    assert by_judge.best.probability == {}
    told = rightsize("compare", "1", "2", "--db", str(engine.url.database), "--criterion", "overall").err
    assert "scored by people" in told.replace("\n", " ")


def test_a_judge_without_people_is_said_to_be_judge_only(rightsize: Command, engine: Engine) -> None:
    words = "judge only, not calibrated"
    (found,) = compare(two_runs(engine), engine, criterion="overall")
    assert found.pairs[0].method == words
    assert any(words in note for note in found.notes)
    db = str(engine.url.database)
    (shown,) = json.loads(rightsize("compare", "1", "2", "--db", db, "--criterion", "overall", "--json").out)
    assert any(words in note for note in shown["notes"])
    assert words in " ".join(rightsize("compare", "1", "2", "--db", db, "--criterion", "overall").err.split())


def test_people_come_last_among_the_sources_and_simulated_runs_say_so(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        runs = []
        for target, simulated in (("one", True), ("two", False)):
            run = rows.add_run(session, qa_set, target=target, name=target, simulated=simulated)
            answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
            give(answers, rows.judge(session, "a-judge"), JUDGE, session)
            give(answers, rows.person(session), PERSON, session, "person")
            runs.append(run)
    assert common_sources(runs, engine) == ["a-judge (quick)", "people"]
    (found,) = compare(runs, engine, criterion="overall")
    assert found.source == "a-judge (quick)"
    assert any(note.startswith("Simulated") for note in found.notes)
    (real,) = compare([runs[1], runs[1]], engine, criterion="overall")
    assert not any(note.startswith("Simulated") for note in real.notes)


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


def test_more_targets_make_more_pairs_and_what_can_be_shown_larger(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        for target, values in (("one", JUDGE), ("two", PERSON)):
            _, answers = a_run(session, qa_set, questions, target)
            give(answers, rows.judge(session), values, session)
    spread = spread_seen([[a - b for a, b in zip(JUDGE, PERSON, strict=True)]])
    for targets, pairs in ((2, 1), (3, 3), (4, 6)):
        expected = detectable(60, spread, comparisons=pairs)
        assert detectable_difference(60, targets, engine).startswith(expected)


def test_what_can_be_shown_names_the_sets_and_says_what_is_simulated(engine: Engine) -> None:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        for target, values in (("one", JUDGE), ("two", PERSON)):
            run = rows.add_run(session, qa_set, target=target, name=target, simulated=False)
            answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
            give(answers, rows.judge(session), values, session)
    assert detectable_difference(60, 2, engine).endswith(f"Those were on {qa_set.name}.")
    with store.writing(engine) as session:
        for target, values in (("three", JUDGE), ("four", PERSON)):
            run = rows.add_run(session, qa_set, "other", target=target, name=target, simulated=True)
            answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
            give(answers, rows.judge(session), values, session)
    assert detectable_difference(60, 2, engine).endswith(f"{qa_set.name}; simulated runs are among them.")
