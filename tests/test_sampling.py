"""sampling.py and disputes.py: what is drawn from stored answers, what is kept of the draw, and what is in dispute."""

from collections.abc import Sequence
from pathlib import Path

import peopled
import pytest
import rows
from peopled import answers, draw, draws, head, rubric
from plans import plans, statements
from sqlalchemy import Engine, update
from sqlmodel import col, select

from db import sampling, store
from db.disputes import Dispute, dispute_of, find_disputes
from db.drawing import Allocation
from db.models import Answer, Assessment, Design, Draw, Question, Sample
from db.sampling import Wish

template, engine = peopled.fixtures(questions=31)


def test_without_a_size_every_answer_that_can_be_scored_is_in_the_sample_and_no_other(engine: Engine):
    sample_id = draw(engine)
    found = draws(engine, sample_id)
    assert sorted(one.answer_id for one in found) == sorted(a.id or 0 for a in answers(engine))
    assert len(found) == 2 * 30
    assert {one.probability for one in found} == {1.0}
    assert [one.position for one in found] == list(range(60))


def test_the_same_seed_gives_the_same_sample_and_another_another(engine: Engine):
    found = [[(d.answer_id, d.double) for d in draws(engine, draw(engine, size=20, seed=seed))] for seed in (7, 7, 8)]
    assert found[0] == found[1] != found[2]


def test_a_sample_keeps_what_it_was_drawn_by(engine: Engine):
    sample = head(engine, draw(engine, size=20, seed=3, name="May", categories=("facts", "summary"), double_share=0.2))
    assert (sample.name, sample.design, sample.run_ids, sample.seed, sample.double_share) == (
        "May", Design.random, [1, 2], 3, 0.2,
    )  # fmt: skip
    assert sample.definition == {"size": 20, "categories": ["facts", "summary"]}
    assert sample.n_population == sum(stratum["n_population"] for stratum in sample.strata)
    assert sum(stratum["n_drawn"] for stratum in sample.strata) == 20
    assert sum(one.double for one in draws(engine, sample.id or 0)) == 4


def test_only_the_categories_asked_for_are_drawn(engine: Engine):
    drawn = {one.answer_id for one in draws(engine, draw(engine, categories=("facts",)))}
    with store.reading(engine) as session:
        query = select(Answer.id).join(Question).where(Question.category == "facts", col(Answer.cold).is_(False))
        wanted = set(session.exec(query.where(col(Answer.error_kind).is_(None))))
        assert sampling.list_categories([1], session=session) == ["facts", "reasoning", "summary"]
        assert sampling.count_scorable([1, 2], ("facts",), session=session) == len(wanted)
    assert drawn == wanted


def test_a_stratified_sample_has_strata_of_one_run_each_and_equal_chances_unless_told_otherwise(engine: Engine):
    sample_id = draw(engine, design=Design.stratified, size=30)
    found = draws(engine, sample_id)
    sample = head(engine, sample_id)
    assert {one.probability for one in found} == {0.5}
    assert len({one.stratum for one in found}) > 2
    assert sample.definition["allocation"] == "proportional"
    for stratum in sample.strata:
        assert stratum["n_population"] == len(stratum["question_ids"])
        assert stratum["n_drawn"] == sum(one.stratum == stratum["name"] for one in found)
    questions = [(s["run_id"], q) for s in sample.strata for q in s["question_ids"]]
    assert len(set(questions)) == len(questions) == 60


def test_by_spread_the_probabilities_are_those_of_the_strata(engine: Engine):
    sample_id = draw(engine, design=Design.stratified, size=30, allocation=Allocation.spread)
    sample = head(engine, sample_id)
    stored = {stratum["name"]: stratum["n_drawn"] / stratum["n_population"] for stratum in sample.strata}
    assert len(set(stored.values())) > 1
    assert all(one.probability == stored[one.stratum] for one in draws(engine, sample_id))


def test_the_strata_follow_the_judges_scores_under_the_samples_rubric(engine: Engine):
    """Without a judgement that counts there is a stratum a run."""
    with store.writing(engine) as session:
        session.execute(update(Assessment).values(current=False))
    sample = head(engine, draw(engine, design=Design.stratified, size=30))
    assert [stratum["name"] for stratum in sample.strata] == ["#1 test-small", "#2 test-large"]


def test_of_a_question_with_repeats_one_answer_is_drawn_first(tmp_path: Path):
    engine = store.connect(f"sqlite:///{tmp_path / 'repeats.db'}")
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 10)
        run = rows.add_run(session, qa_set, repeats=3)
        for repeat in range(3):
            for question in questions:
                store.save_answer(rows.answer(run, question, repeat), [], session=session)
    few, more = (draws(engine, draw(engine, run_ids=(1,), size=size)) for size in (10, 15))
    asked = {a.id: a.question_id for a in answers(engine)}
    assert len({asked[one.answer_id] for one in few}) == 10
    assert len({asked[one.answer_id] for one in more}) == 10
    assert len({one.answer_id for one in more}) == 15
    engine.dispose()


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"run_ids": (99,)}, "no answer that could be scored"),
        ({"categories": ("poetry",)}, "none is in these categories"),
        ({"design": Design.disagreement}, "judges and readings agree"),
    ],
)
def test_where_nothing_can_be_drawn_it_is_said_why_and_nothing_is_stored(
    engine: Engine, wish: dict[str, object], said: str
):
    with pytest.raises(store.StoreError, match=said):
        draw(engine, **wish)  # type: ignore
    with store.reading(engine) as session:
        assert session.exec(select(Sample)).all() == []


def test_a_size_below_1_is_refused(engine: Engine):
    with pytest.raises(ValueError, match="sample of 0 answers"):
        draw(engine, size=0)


def test_samples_are_listed_newest_first_with_how_far_they_are(engine: Engine):
    first, second = draw(engine, size=4, name="one"), draw(engine, size=3, name="two", run_ids=(2,))
    peopled.score_all(engine, first)
    with store.reading(engine) as session:
        listed = sampling.list_samples(session=session)
        of_run_1 = sampling.list_samples([1], session=session)
    assert [(one.name, one.n_drawn, one.n_done, one.run_ids) for one in listed] == [
        ("two", 3, 0, (2,)),
        ("one", 4, 4, (1, 2)),
    ]
    assert [one.sample_id for one in of_run_1] == [first]
    assert [one.sample_id for one in listed] == [second, first]


def test_only_a_sample_that_nobody_scored_can_be_discarded(engine: Engine):
    kept, gone = draw(engine, size=2), draw(engine, size=2)
    handed = peopled.take(engine, kept)
    assert handed
    peopled.save(engine, handed)
    peopled.take(engine, gone)
    with store.writing(engine) as session:
        sampling.discard_sample(gone, session=session)
        with pytest.raises(store.StoreError, match="never removed"):
            sampling.discard_sample(kept, session=session)
        with pytest.raises(store.StoreError, match=f"no sample {gone}"):
            sampling.get_sample(gone, session=session)
    assert len(draws(engine, kept)) == 2
    assert draws(engine, gone) == []


def test_drawing_reads_neither_a_text_nor_a_whole_table(engine: Engine):
    with statements(engine) as sent:
        draw(engine, design=Design.stratified, size=20, categories=("facts",))
    assert not [statement for statement, _ in sent if "answer.text" in statement or "question.text" in statement]
    found = plans(engine, sent)
    assert any("SEARCH answer USING" in plan for plan in found)
    assert any("SEARCH assessment USING INDEX ix_assessment_run" in plan for plan in found)
    for table in ("answer", "assessment", "score", "question", "draw"):
        assert not [plan for plan in found if f"SCAN {table}" in plan]


# --- disputes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "threshold", "points", "reason"),
    [
        ({(1, "quick"): {"a": [4]}}, None, 0, ""),
        ({(1, "quick"): {"a": [4]}, (2, "quick"): {"a": [2]}}, None, 2, "judges differ by 2 on a"),
        ({(1, "quick"): {"a": [4]}, (2, "study"): {"a": [2]}}, None, 0, ""),
        ({(1, "quick"): {"a": [2, 4, 3], "b": [1, 2]}}, None, 2, "one judge's readings differ by 2 on a"),
        ({(1, "quick"): {"a": [2, 4]}, (2, "quick"): {"a": [3]}}, None, 2, "one judge's readings differ by 2 on a"),
        ({(1, "quick"): {"a": [3], "b": [4]}}, 3.5, 1, "0 from the threshold 3.5"),
        ({(1, "quick"): {"a": [3]}}, 3.75, 0.25, "0.75 from the threshold 3.75"),
        ({(1, "quick"): {"a": [3]}}, 4, 0, ""),
        (
            {(1, "quick"): {"a": [3]}, (2, "quick"): {"a": [4]}}, 3.5, 1,
            "judges differ by 1 on a; 0 from the threshold 3.5",
        ),
    ],
)  # fmt: skip
def test_a_dispute_is_the_widest_gap_in_points_with_its_reason(
    readings: dict[tuple[int, str], dict[str, Sequence[float]]], threshold: float | None, points: float, reason: str
):
    assert dispute_of(7, readings, threshold) == Dispute(7, points, reason)


def judge_again(engine: Engine, answer: Answer, values: Sequence[int], **given: object) -> None:
    with store.writing(engine) as session:
        other = rows.judge(session, "other")
        stored = store.save_rubric(rubric(), session=session)
        made = rows.assessment(answer, other, stored, **given)
        store.save_assessment(made, rows.scores(values), session=session)


def scores_of(engine: Engine, answer_id: int) -> list[float]:
    with store.reading(engine) as session:
        found = store.list_assessments([answer_id], session=session)
        return [s.value or 0 for s in store.list_scores([a.id or 0 for a, _ in found], session=session)]


def test_the_widest_dispute_comes_first_without_a_probability_and_what_people_scored_is_left_out(engine: Engine):
    some = answers(engine)[:4]
    for answer, gap in zip(some, (1, 3, 2, 3), strict=True):
        values = [int(value) for value in scores_of(engine, answer.id or 0)]
        judge_again(engine, answer, [values[0] - gap if values[0] > gap else values[0] + gap, *values[1:]])
    with store.writing(engine) as session:
        person = rows.person(session)
        stored = store.save_rubric(rubric(), session=session)
        store.save_assessment(
            rows.assessment(some[3], person, stored, "person"), rows.scores([1, 1, 1]), session=session
        )
    found = draws(engine, draw(engine, design=Design.disagreement, size=10))
    assert [one.answer_id for one in found] == [some[1].id, some[2].id, some[0].id]
    assert [one.probability for one in found] == [None] * 3
    assert [one.reason for one in found] == [f"judges differ by {gap} on coherence" for gap in (3, 2, 1)]


def test_failed_answers_other_categories_and_other_rubrics_are_no_dispute(engine: Engine):
    one, other = answers(engine)[:2]
    for answer in (one, other):
        values = [int(value) for value in scores_of(engine, answer.id or 0)]
        judge_again(engine, answer, [6 - values[0] if values[0] != 3 else 5, *values[1:]])
    with store.writing(engine) as session:
        session.execute(update(Answer).where(col(Answer.id) == one.id).values(error_kind="gone"))
        category = session.exec(select(Question.category).where(Question.id == other.question_id)).one()
    assert [d.answer_id for d in draws(engine, draw(engine, design=Design.disagreement))] == [other.id]
    elsewhere = {"facts", "summary", "reasoning"} - {category}
    with pytest.raises(store.StoreError):
        draw(engine, design=Design.disagreement, categories=tuple(elsewhere))
    with store.reading(engine) as session:
        assert find_disputes([1, 2], 10**6, session=session) == []


def test_answers_near_a_threshold_are_found_and_the_threshold_is_kept(engine: Engine):
    sample_id = draw(engine, design=Design.disagreement, threshold=3.5, size=5)
    found = draws(engine, sample_id)
    gaps = [abs(sum(scores_of(engine, one.answer_id)) / 3 - 3.5) for one in found]
    every = sorted(abs(sum(scores_of(engine, a.id or 0)) / 3 - 3.5) for a in answers(engine))
    assert gaps == pytest.approx(every[:5])
    assert all("from the threshold 3.5" in one.reason for one in found)
    assert head(engine, sample_id).definition["threshold"] == 3.5


def test_a_reason_does_not_tell_whose_answer_it_is(engine: Engine):
    draw(engine, design=Design.disagreement, threshold=3.5)
    with store.reading(engine) as session:
        said = " ".join(session.exec(select(Draw.reason)))
    assert not [name for name in ("test-small", "test-large", "phi", "llama", "judge-") if name in said]


def test_deleting_a_run_takes_its_draws_along_and_an_empty_sample(engine: Engine):
    both, one = draw(engine), draw(engine, run_ids=(2,))
    with store.writing(engine) as session:
        store.delete_run(2, session=session)
    assert len(draws(engine, both)) == 30
    with store.reading(engine) as session, pytest.raises(store.StoreError):
        sampling.get_sample(one, session=session)


def test_a_wish_needs_no_more_than_its_runs():
    assert (Wish((1,)).design, Wish((1,)).size, Wish((1,)).double_share) == (Design.random, None, 0.1)


def test_a_number_of_a_discarded_sample_is_never_given_again(engine: Engine):
    """A link to it would lead to other answers."""
    gone = draw(engine, size=2)
    with store.writing(engine) as session:
        sampling.discard_sample(gone, session=session)
    assert draw(engine, size=2) > gone


def test_how_many_answers_two_samples_share_is_told_and_none_is_left_out_of_a_draw(engine: Engine) -> None:
    first, second = peopled.draw(engine, seed=1, size=4), peopled.draw(engine, seed=2, size=4)
    alone = peopled.draw(engine, seed=3, size=3, run_ids=(2,))
    held = {sample: {d.answer_id for d in peopled.draws(engine, sample)} for sample in (first, second, alone)}
    with store.reading(engine) as session:
        found = {sample: sampling.count_shared(sample, session=session) for sample in held}
    for one, its in held.items():
        assert found[one] == {o: len(its & also) for o, also in held.items() if o != one and its & also}
    assert any(found.values())
    assert held[second] == {  # as if there were no other
        d.answer_id for d in peopled.draws(engine, peopled.draw(engine, seed=2, size=4))
    }
