"""The quality number of stored runs: the sample that people scored is joined with the judge's scores."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import rows
from command import Command
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from db import sampling, store
from db.models import Answer, Design, Draw, Run
from db.sampling import Wish
from eval.hand_sample import HandScores
from eval.measured_runs import _measured
from eval.quality_number import QualityError, quality_numbers
from eval.stats.intervals import Estimate
from eval.stats.quality import QuestionScores, quality
from eval.summary import summarise

N = 40
JUDGE = [1 + (7 * i) % 5 for i in range(N)]
PEOPLE = [min(5, max(1, value + (0, -1, 1, 0)[i % 4])) for i, value in enumerate(JUDGE)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = store.connect(f"sqlite:///{(tmp_path / 'quality.db').as_posix()}")
    yield made
    made.dispose()


def a_run(session: Session, *, judged: bool = True) -> tuple[Run, list[Answer]]:
    qa_set, questions = rows.add_qa_set(session, N)
    run = rows.add_run(session, qa_set)
    answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
    if judged:
        for answer, value in zip(answers, JUDGE, strict=True):
            made = rows.assessment(answer, rows.judge(session), rows.rubric(session))
            store.save_assessment(made, rows.scores([value] * 3), session=session)
    return run, answers


def score(answers: Sequence[Answer], chosen: dict[int | None, int | None], session: Session) -> None:
    """A person's scores of some answers, each with the draw that led to it (None: nobody drew it)."""
    by_id = {answer.id: (answer, value) for answer, value in zip(answers, PEOPLE, strict=True)}
    for answer_id, draw_id in chosen.items():
        answer, value = by_id[answer_id]
        made = rows.assessment(answer, rows.person(session), rows.rubric(session), "person", draw_id=draw_id)
        store.save_assessment(made, rows.scores([value] * 3), session=session)


def drawn(
    run: Run, size: int | None, session: Session, design: Design = Design.random, seed: int = 3
) -> dict[int | None, int | None]:
    wish = Wish((run.id or 0,), design, size, double_share=0)
    sample = sampling.draw_sample(wish, rows.rubric(session), seed=seed, session=session)
    return {d.answer_id: d.id for d in session.exec(select(Draw).where(col(Draw.sample_id) == sample.id))}


def expected(hand: dict[int | None, int | None], answers: Sequence[Answer]) -> list[QuestionScores]:
    return [
        QuestionScores(float(judge), float(person) if a.id in hand else None, len(hand) / N if a.id in hand else None)
        for a, judge, person in zip(answers, JUDGE, PEOPLE, strict=True)
    ]


def test_without_people_it_is_the_judges_mean_labelled_as_such(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, _ = a_run(session)
    (found,) = quality_numbers([run], engine)
    assert (found.number.method, found.number.n_people, found.sample_ids) == ("judge only, not calibrated", 0, ())
    assert found.number.value == pytest.approx(sum(JUDGE) / N)


def test_a_random_sample_corrects_the_judge_as_the_statistics_do(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        hand = drawn(run, 20, session)
        score(answers, hand, session)
    (found,) = quality_numbers([run], engine)
    by_hand = quality(expected(hand, answers))
    assert len(found.sample_ids) == 1
    assert found.left_out == ()
    assert (found.number.method, found.number.n_people, found.number.n_questions) == ("human-corrected", 20, N)
    assert (found.number.value, found.number.low, found.number.high) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high)
    )
    assert found.number.gain is not None
    assert found.number.gain > 1
    assert found.prospect.n_then == N  # 20 more are all there are


def test_a_stratified_sample_carries_its_strata_and_probabilities(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        hand = drawn(run, 25, session, Design.stratified)
        score(answers, hand, session)
        strata = {d.stratum for d in session.exec(select(Draw))}
    (found,) = quality_numbers([run], engine)
    assert len(strata) > 1
    assert found.number.n_people == len(hand)
    assert found.number.method in ("human-corrected", "people alone")
    assert abs((found.number.value or 0) - sum(PEOPLE) / N) < 0.5


def test_answers_picked_for_disagreement_or_by_nobodys_draw_never_enter(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        rubric = rows.rubric(session)
        picked = {a.id: rows.sample(a, rubric, session, Design.disagreement).id for a in answers[:15]}
        score(answers, picked, session)
        score(answers, dict.fromkeys(a.id for a in answers[20:30]), session)
    (found,) = quality_numbers([run], engine)
    assert (found.number.method, found.number.n_people) == ("judge only, not calibrated", 0)


def test_a_larger_disagreement_queue_does_not_take_the_place_of_the_random_sample(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        hand = drawn(run, 20, session)
        score(answers, hand, session)
        queue = {answers[0].id: rows.sample(answers[0], rows.rubric(session), session, Design.disagreement)}
        for place, answer in enumerate(answers[1:30], 1):
            queue[answer.id] = Draw(sample_id=queue[answers[0].id].sample_id, answer_id=answer.id or 0, position=place)
        session.add_all(queue.values())
        session.flush()
        score(answers, {answer_id: draw.id for answer_id, draw in queue.items()}, session)
    (found,) = quality_numbers([run], engine)
    by_hand = quality(expected(hand, answers))
    assert (found.number.method, found.number.n_people) == ("human-corrected", 20)
    assert found.number.value == pytest.approx(by_hand.value)


def test_queues_drawn_alike_are_one_random_sample(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        queues = [drawn(run, size, session, seed=seed) for size, seed in ((12, 3), (16, 4))]
        for hand in queues:
            score(answers, hand, session)
    both = {a.id for hand in queues for a in answers if a.id in hand}
    assert max(map(len, queues)) < len(both) < sum(map(len, queues))  # some are in both, none holds the other
    (found,) = quality_numbers([run], engine)
    by_hand = quality(expected(dict.fromkeys(both), answers))
    assert (found.sample_ids, found.left_out, found.number.n_people) == ((1, 2), (), len(both))
    assert (found.number.value, found.number.low, found.number.high) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high)
    )
    assert "queues #1 and #2 together" in found.number.notes[-1]


def test_a_question_of_two_queues_is_held_by_one_of_them_as_often_as_its_probability_says() -> None:
    rng = np.random.default_rng(7)
    held = [len({*rng.choice(N, 12, replace=False), *rng.choice(N, 16, replace=False)}) / N for _ in range(2000)]
    strata = {1: dict.fromkeys(range(N), ("", 12 / N)), 2: dict.fromkeys(range(N), ("", 16 / N))}
    row = {"criterion": "c", "rubric_id": 1, "design": "random", "n_verdicts": 1, "stratum": ""}
    given = [
        row | {"sample_id": i, "question_id": 0, "mean": mean, "n_verdicts": i} for i, mean in ((1, 2.0), (2, 5.0))
    ]
    scores = HandScores(tuple(range(N)), tuple(given), strata, {})
    found = scores.join("c", {}, (1, 5)).questions[0]
    assert found.probability == pytest.approx(np.mean(held), abs=0.01)
    assert found.people == pytest.approx(4.0)  # three verdicts: 2, 5 and 5


def test_the_interval_of_two_queues_taken_as_one_holds_the_truth() -> None:
    """400 times two queues of a set of 40: the mean is without bias, the interval for this set covers it."""
    rng, truth = np.random.default_rng(11), float(np.mean(PEOPLE))
    strata = {1: dict.fromkeys(range(N), ("", 14 / N)), 2: dict.fromkeys(range(N), ("", 18 / N))}
    row = {"criterion": "c", "rubric_id": 1, "design": "random", "n_verdicts": 1, "stratum": ""}
    values, held = [], []
    for _ in range(400):
        scored = [(i, q) for i, n in ((1, 14), (2, 18)) for q in rng.choice(N, n, replace=False)]
        given = tuple(row | {"sample_id": i, "question_id": q, "mean": float(PEOPLE[q])} for i, q in scored)
        joined = HandScores(tuple(range(N)), given, strata, {}).join("c", {}, (1, 5))
        found = quality(list(joined.questions.values()), inference="this question set")
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        held.append(found.low <= truth <= found.high)
    assert np.mean(values) == pytest.approx(truth, abs=3 * float(np.std(values)) / 20)
    assert np.mean(held) > 0.93


BANDS = {q: f"band {q // 14}" for q in range(N)}  # 14, 14 and 12 questions
ROW = {"criterion": "c", "rubric_id": 1, "design": "random", "n_verdicts": 1, "stratum": "", "mean": 3.0}


def two_kinds(
    plain: Sequence[int], banded: Sequence[int], *, strata: dict[int, dict[int, tuple[str, float | None]]] | None = None
) -> HandScores:
    """Scores of a random queue, and of one stratified in three bands, 4 drawn of each, for these questions."""
    sizes = {name: list(BANDS.values()).count(name) for name in BANDS.values()}
    drawn = {
        1: dict.fromkeys(range(N), ("", len(plain) / N)),
        2: {q: (name, 4 / sizes[name]) for q, name in BANDS.items()},
    }
    given = [
        ROW | {"sample_id": i, "question_id": int(q), "mean": float(PEOPLE[q])}
        for i, its in ((1, plain), (2, banded))
        for q in its
    ]
    return HandScores(tuple(range(N)), tuple(given), strata or drawn, {})  # type: ignore[arg-type]


def draw_banded(rng: np.random.Generator) -> list[int]:
    return [int(q) for at in (0, 14, 28) for q in rng.choice(np.arange(at, min(at + 14, N)), 4, replace=False)]


@pytest.mark.parametrize("n", [10, 16])  # fewer and more than the second
def test_a_random_and_a_stratified_queue_are_one_sample_in_the_bands_of_the_second(n: int) -> None:
    rng = np.random.default_rng(5)
    plain = [int(q) for q in rng.choice(N, n, replace=False)]
    banded = draw_banded(rng)
    joined = two_kinds(plain, banded).join("c", {}, (1, 5))
    assert (joined.sample_ids, joined.left_out) == ((1, 2), ())
    assert {q for q, scores in joined.questions.items() if scores.people is not None} == {*plain, *banded}
    assert {q: scores.stratum for q, scores in joined.questions.items()} == BANDS
    for q in banded:
        share = 4 / (12 if q >= 28 else 14)
        assert joined.questions[q].probability == pytest.approx(1 - (1 - n / N) * (1 - share))
    assert quality(list(joined.questions.values())).method != "refused"


@pytest.mark.parametrize("n", [10, 16])
def test_the_interval_of_a_random_and_a_stratified_queue_taken_as_one_holds_the_truth(n: int) -> None:
    """800 times both: without bias though the bands are drawn from unlike, and the interval for this set covers it."""
    rng, truth = np.random.default_rng(12), float(np.mean(PEOPLE))
    values, held = [], []
    for _ in range(800):
        joined = two_kinds(rng.choice(N, n, replace=False).tolist(), draw_banded(rng)).join("c", {}, (1, 5))
        found = quality(list(joined.questions.values()), inference="this question set")
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        held.append(found.low <= truth <= found.high)
    assert np.mean(values) == pytest.approx(truth, abs=3 * float(np.std(values)) / 28)
    assert np.mean(held) > 0.93


def test_a_queue_whose_bands_hold_too_few_scores_stays_out_and_says_what_to_do() -> None:
    joined = two_kinds(range(14), [14, 15]).join("c", {}, (1, 5))  # no score in the third band
    assert joined.sample_ids == (1,)
    assert [(each.sample_id, each.n) for each in joined.left_out] == [(2, 2)]
    assert "score more of it" in joined.left_out[0].why
    assert {scores.stratum for scores in joined.questions.values()} == {""}


def test_a_queue_of_a_part_of_the_questions_is_taken_with_one_of_all() -> None:
    part: dict[int, tuple[str, float | None]] = dict.fromkeys(range(20), ("", 0.5))
    strata = {1: dict.fromkeys(range(N), ("", 12 / N)), 2: part}
    joined = two_kinds([0, 1, 2, 3, 30, 31, 32, 33, 34, 35, 36, 37], range(4, 12), strata=strata).join("c", {}, (1, 5))
    assert joined.sample_ids == (1, 2)
    outside = {q for q, scores in joined.questions.items() if scores.stratum == "not drawn from"}
    assert outside == set(range(20, N))
    assert joined.questions[30].probability == pytest.approx(12 / N)
    assert joined.questions[4].probability == pytest.approx(1 - 0.5 * (1 - 12 / N))


def test_a_queue_of_other_questions_or_of_unknown_chances_stays_out_with_the_reason() -> None:
    of_all = dict.fromkeys(range(N), ("", 12 / N))
    for strata, why in (
        ({1: dict.fromkeys(range(20), ("", 0.6)), 2: of_all}, "drawn from others than those"),
        ({1: of_all, 2: dict.fromkeys(range(N), ("", None))}, "does not say how all its answers were drawn"),
    ):
        joined = two_kinds(range(12), range(20, 28), strata=strata).join("c", {}, (1, 5))
        assert joined.sample_ids == (1,)
        assert why in joined.left_out[0].why


def test_a_random_queue_of_more_than_half_keeps_the_pairs_of_targets() -> None:
    joined = two_kinds(range(25), range(25, 37)).join("c", {}, (1, 5))
    assert joined.sample_ids == (1,)
    assert "compared question by question" in joined.left_out[0].why


def test_scores_of_a_queue_that_cannot_be_joined_are_counted_and_named(rightsize: Command, engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        score(answers, drawn(run, 25, session), session)
        score(answers, drawn(run, 18, session, Design.stratified), session)
        score(answers, {answers[0].id: rows.sample(answers[0], rows.rubric(session), session, Design.disagreement).id},
              session)  # fmt: skip
        score(answers, {answers[1].id: None}, session)
    (found,) = quality_numbers([run], engine)
    assert (found.sample_ids, found.number.n_people) == ((1,), 25)
    assert {(each.sample_id, each.n) for each in found.left_out} == {(2, 18), (3, 1), (None, 1)}
    told = rightsize("quality", "1", "--db", str(engine.url.database)).err
    assert "The hand scores are those of queue #1." in told
    assert "18 hand scores of queue #2 do not enter: what is used holds more than half" in " ".join(told.split())
    (shown,) = json.loads(rightsize("quality", "1", "--db", str(engine.url.database), "--json").out)
    assert (shown["sample_ids"], {each["sample_id"]: each["n"] for each in shown["left_out"]}) == (
        [1], {2: 18, 3: 1, None: 1},
    )  # fmt: skip


def test_scores_from_elsewhere_count_where_every_question_has_one(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session, judged=False)
        score(answers, dict.fromkeys(a.id for a in answers), session)
    (found,) = quality_numbers([run], engine)
    assert (found.judge, found.number.method, found.number.n_people) == (None, "people alone", N)
    assert found.number.value == pytest.approx(sum(PEOPLE) / N)


def test_what_nobody_scored_has_no_quality(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, _ = a_run(session, judged=False)
    with pytest.raises(QualityError, match="Nobody scored these runs"):
        quality_numbers([run], engine)
    with pytest.raises(QualityError, match='"x" scored none of these runs'):
        quality_numbers([run], engine, judge="x")


def test_the_target_of_inference_is_chosen_and_said(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        score(answers, drawn(run, 20, session), session)
    (these,) = quality_numbers([run], engine)
    (this,) = quality_numbers([run], engine, inference="this question set")
    assert "questions like these" in these.number.notes[0]
    assert "this question set" in this.number.notes[0]
    assert (this.number.width or 9) < (these.number.width or 0)


def test_the_command_prints_the_number_and_every_figure_behind_it(rightsize: Command, engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        score(answers, drawn(run, 20, session), session)
    db = str(engine.url.database)
    (shown,) = json.loads(rightsize("quality", "1", "--db", db, "--json").out)
    assert shown["number"]["method"] == "human-corrected"
    assert {"value", "low", "high", "gain", "width_people_alone", "judge_weight", "notes"} <= set(shown["number"])
    assert {"n_now", "n_then", "width_now", "width_then"} <= set(shown["prospect"])
    told = rightsize("quality", "1", "--db", db).err
    assert "human-corrected" in told
    assert "if they are like the 20 there are" in told


@pytest.mark.parametrize("size", [None, 20, 3])
def test_the_number_kept_with_the_run_is_the_one_that_is_computed(size: int | None, engine: Engine) -> None:
    """The Overview shows the kept one, the Quality page the other: there must be no two."""
    with store.writing(engine) as session:
        run, answers = a_run(session)
        if size:
            score(answers, drawn(run, size, session), session)
    for criterion in ("overall", *rows.CRITERIA):
        (found,) = quality_numbers([run], engine, criterion)
        kept = summarise(run.id or 0, engine).quality_of("test-judge (quick)", criterion)
        assert kept is not None
        assert kept.number == found.number
        assert (kept.shown.value, kept.shown.low, kept.how) == (
            found.number.value, found.number.low, found.number.method,
        )  # fmt: skip
        assert kept.calibrated == (size == 20)
        assert len(kept.population) == (N if size == 20 else 0)


def test_a_hand_score_changes_the_kept_number(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        hand = drawn(run, 20, session)

    def kept() -> Estimate:
        found = summarise(run.id or 0, engine).quality_of("test-judge (quick)", "overall")
        assert found is not None
        return found.shown

    before = kept()
    with store.writing(engine) as session:
        score(answers, hand, session)
    assert kept() != before


def test_people_who_scored_no_sample_are_shown_as_their_plain_mean(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        score(answers, dict.fromkeys(a.id for a in answers[:10]), session)
    people = summarise(run.id or 0, engine).quality_of("people", "overall")
    assert people is not None
    assert (people.how, people.calibrated, people.shown) == ("people, not a random sample", False, people.score)
    assert people.shown.value == pytest.approx(sum(PEOPLE[:10]) / 10)


def test_people_alone_are_the_number_of_their_sample(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session, judged=False)
        hand = drawn(run, 20, session)
        score(answers, hand, session)
    people = summarise(run.id or 0, engine).quality_of("people", "overall")
    assert people is not None
    assert (people.how, people.calibrated, people.shown.n) == ("people alone", True, 20)


def test_hand_scores_on_another_scale_than_the_judges_do_not_enter(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        hundred = rows.rubric(session, "2", **dict.fromkeys(rows.CRITERIA, (0, 100)))
        for answer in answers:
            made = rows.assessment(answer, rows.person(session), hundred, "person")
            store.save_assessment(made, rows.scores([90] * 3), session=session)
    (found,) = quality_numbers([run], engine)
    assert (found.number.method, found.number.n_people, found.scale) == ("judge only, not calibrated", 0, (1, 5))


def test_the_tco_takes_the_same_number(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        score(answers, drawn(run, 20, session), session)
    (found,) = quality_numbers([run], engine, "factuality")
    measured = _measured([run], {run.id or 0: summarise(run.id or 0, engine)}, "test-judge (quick)", 4, engine)
    quality = measured.quality["factuality"]
    assert (quality.value, quality.low, quality.high) == (found.number.value, found.number.low, found.number.high)
    assert measured.hand_scored == dict.fromkeys(measured.quality, 20)
    assert measured.scored_by.startswith("test-judge (quick), corrected by people")
    assert measured.scored_by.endswith("; acceptable answers by test-judge (quick) alone")


@pytest.mark.parametrize(("n", "entered"), [(0, 0), (3, 0), (12, 12)])
def test_the_tco_counts_the_hand_scores_that_entered(n: int, entered: int, engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        if n:
            score(answers, drawn(run, n, session), session)
    measured = _measured([run], {run.id or 0: summarise(run.id or 0, engine)}, "test-judge (quick)", 4, engine)
    assert set(measured.hand_scored.values()) == {entered}
    assert set(measured.hand_scores.values()) == {n}


def test_the_tco_counts_hand_scores_that_were_not_drawn_too(engine: Engine) -> None:
    with store.writing(engine) as session:
        run, answers = a_run(session)
        for answer in answers[:4]:
            made = rows.assessment(answer, rows.person(session), rows.rubric(session), "person")
            store.save_assessment(made, rows.scores([4] * 3), session=session)
    measured = _measured([run], {run.id or 0: summarise(run.id or 0, engine)}, "test-judge (quick)", 4, engine)
    assert (set(measured.hand_scored.values()), set(measured.hand_scores.values())) == ({0}, {4})
