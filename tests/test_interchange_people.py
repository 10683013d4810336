"""Export and import of what people did: what it was drawn by and what it took back stays so, and no mean changes."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import peopled
import pytest
from command import Command
from exchanged import database, exported, exported_csv, faults_of, imported, small
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from db import comparisons, people_frames, scoring, store
from db.comparisons import Compared, Pair
from db.drawing import Allocation
from db.models import Answer, Assessment, Comparison, Design, Draw, Preference, Question, Sample
from db.scoring import Given
from eval.interchange import records
from eval.quality_number import quality_numbers
from eval.summary import summarise

LOW = Given({"coherence": 1, "factuality": 1, "conciseness": 1})
OTHER = Given({"coherence": 1, "factuality": 1, "conciseness": 2})


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A stratified sample, scored, with one score changed and the change taken back; a preference taken back."""
    file = tmp_path_factory.mktemp("people") / "first.db"
    peopled.make(file)
    engine = peopled.copy(file, file.with_name("second.db"))
    sample_id = peopled.draw(engine, design="stratified", size=6)
    handed = peopled.score_all(engine, sample_id)
    peopled.save(engine, handed[0], OTHER)
    anna = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        scoring.undo_last(sample_id, anna, session=session)
        left, right = session.exec(select(Answer).where(Answer.question_id == 2).order_by(col(Answer.run_id))).all()[:2]
        pair = Pair(2, left.id or 0, right.id or 0)
        comparisons.save_comparison(pair, Compared(Preference.left), name="Anna", session=session)
        comparisons.undo_last(anna, (1, 2), session=session)
    yield engine
    engine.dispose()


def test_a_table_says_that_it_leaves_out_how_scores_came_to_be_drawn(
    rightsize: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("drawn") / "first.db"
    peopled.make(file)
    engine = peopled.copy(file, file.with_name("second.db"))
    peopled.score_all(engine, peopled.draw(engine, size=4, double_share=0))
    told = " ".join(
        rightsize("export", "1", "2", "--format", "csv", "--out", "a.csv", "--db", str(engine.url.database)).err.split()
    )
    assert "How 4 verdicts of people came to be drawn (queues, strata, probabilities) is left out" in told
    assert "calls, times, tokens, rationales and the history of scores are left out" in told
    assert "--format jsonl keeps all there is" in told
    whole = rightsize("export", "1", "2", "--out", "a.jsonl", "--db", str(engine.url.database)).err
    assert "left out" not in whole
    engine.dispose()


@pytest.fixture
def other(measured: Engine) -> Iterator[Engine]:
    """A database where every id is another one: something was there before."""
    with database() as engine:
        imported(engine, small())
        told = exported(measured)
        for record in told:
            if record["record"] == "qa_set":
                del record["sha256"]  # that of these invented questions is invented, too
        imported(engine, told)
        yield engine


def strata(engine: Engine) -> list[tuple[str, str, float]]:
    """The questions a sample was drawn from, by their authors' ids."""
    with Session(engine) as session:
        (sample,) = session.exec(select(Sample)).all()
        keys = {question.id: question.key for question in session.exec(select(Question))}
        found: list[tuple[str, str, float]] = []
        for run_id in sample.run_ids:
            frame = people_frames.strata_frame(sample.id or 0, run_id, session=session)
            found += [(keys[q], s, p) for q, s, p in frame.itertuples(index=False)]
        return sorted(found)


def links(engine: Engine, table: type[Any]) -> list[tuple[datetime, bool, datetime | None]]:
    """Of each of a table's rows its moment, whether it counts, and the moment of the row that it takes back."""
    with Session(engine) as session:
        rows = {row.id: row for row in session.exec(select(table))}
        undone = {row.id: rows[row.undoes].created_at if row.undoes is not None else None for row in rows.values()}
        return sorted((row.created_at, row.current, undone[row.id]) for row in rows.values())


def test_a_samples_strata_hold_the_same_questions_there(measured: Engine, other: Engine) -> None:
    assert len(strata(measured)) > 6
    assert strata(other) == strata(measured)


def test_undone_scores_and_preferences_stay_undone(measured: Engine, other: Engine) -> None:
    first, second = links(measured, Assessment), links(other, Assessment)
    assert sum(undone is not None for _, _, undone in first) == 1
    assert set(first) < set(second)  # the small file's stands beside them
    assert len(second) == len(first) + 1
    preferences = links(measured, Comparison)
    assert [(counts, undone is not None) for _, counts, undone in preferences] == [(False, False), (True, True)]
    assert links(other, Comparison) == preferences


def test_the_next_undo_there_goes_one_change_further_back(other: Engine) -> None:
    with store.writing(other) as session:
        (sample,) = session.exec(select(Sample)).all()
        rater = scoring.find_person("Anna", session=session)
        assert rater
        draw_id = scoring.undo_last(sample.id or 0, rater.id or 0, session=session)
        rows = session.exec(select(Assessment).where(Assessment.draw_id == draw_id).order_by(col(Assessment.id))).all()
        assert rows[-1].undoes not in (None, *(row.undoes for row in rows[:-1]))


def test_what_takes_back_something_unknown_is_refused(other: Engine) -> None:
    (fault,) = faults_of(other, small(assessment={"undoes": "nothing"}))
    assert "undoes: no earlier assessment has the id" in fault


# --- what may stand in a mean -------------------------------------------------------------------------------------


@pytest.fixture
def scored(tmp_path: Path) -> Iterator[tuple[Engine, int]]:
    """Twenty questions; Anna scored a random sample of all, then Berta and Anna all that is in dispute, low."""
    peopled.make(tmp_path / "runs.db", questions=21)
    engine = store.connect(f"sqlite:///{(tmp_path / 'runs.db').as_posix()}")
    disputed = peopled.draw(engine, design=Design.disagreement, threshold=3.0, double_share=0.5)
    peopled.score_all(engine, peopled.draw(engine, double_share=0))
    n = len(peopled.score_all(engine, disputed, given=LOW)) + len(peopled.score_all(engine, disputed, "Berta", LOW))
    assert n > 5
    yield engine, n
    engine.dispose()


def people(engine: Engine) -> dict[str, list[tuple[str, float | None, int]]]:
    """People's mean of every run and criterion, with the number of its questions."""
    with store.reading(engine) as session:
        runs = store.list_runs(session=session)
    told = {run.target: summarise(run.id or 0, engine).quality for run in runs}
    return {
        target: [(q.criterion, q.score.value, q.n_scored) for q in found if q.judge_id is None]
        for target, found in told.items()
    }


def without_hash(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if (r["record"], k) != ("qa_set", "sha256")} for r in told]


def test_scores_in_dispute_do_not_enter_a_mean_by_way_of_a_table(scored: tuple[Engine, int]) -> None:
    engine, n = scored
    text, notes = exported_csv(engine)
    assert f"{n} hand scores of answers picked where judges disagree were left out; --format jsonl holds them." in notes
    with database() as other:
        imported(other, text, "scores.csv")
        assert people(other) == people(engine)
    assert {mean for found in people(engine).values() for _, mean, _ in found} == {5, 4, 3}  # all of them Anna's


def test_scores_drawn_with_unequal_probabilities_are_left_out_of_a_table_and_told(tmp_path: Path) -> None:
    peopled.make(tmp_path / "runs.db", questions=41)
    engine = store.connect(f"sqlite:///{(tmp_path / 'runs.db').as_posix()}")
    spread = peopled.draw(
        engine, design=Design.stratified, size=30, double_share=0, allocation=Allocation.spread, run_ids=(1,)
    )
    assert len({draw.probability for draw in peopled.draws(engine, spread)}) > 1
    peopled.score_all(engine, spread)
    text, notes = exported_csv(engine)
    engine.dispose()
    assert "Anna" not in text
    assert any(note.startswith("30 hand scores of answers drawn with unequal") for note in notes)


def test_scores_in_dispute_do_not_enter_a_mean_by_way_of_equal_probabilities(scored: tuple[Engine, int]) -> None:
    engine, _ = scored
    before = people(engine)
    told = without_hash(exported(engine))
    disputed = next(r["id"] for r in told if r["record"] == "sample" and r["design"] == "disagreement")
    for record in told:
        if record["record"] == "draw" and record["sample"] == disputed:
            record["probability"] = 0.5
    with database() as other:
        faults = faults_of(other, told)
    assert faults
    assert all("probability: " in fault and "picked, not drawn by chance" in fault for fault in faults)
    with store.writing(engine) as session:  # an earlier version took such a file
        for draw in session.exec(select(Draw).join(Sample).where(Sample.design == Design.disagreement)):
            draw.probability = 0.5
            session.add(draw)
    assert people(engine) == before


# --- what an import leaves open -----------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0, -0.1, 1.5])
def test_a_probability_is_above_0_and_at_most_1(measured: Engine, probability: float) -> None:
    told = without_hash(exported(measured))
    for record in told:
        if record["record"] == "draw":
            record["probability"] = probability
        for stratum in record.get("strata", []):
            stratum["probability"] = probability
    with database() as other:
        faults = faults_of(other, told)
    assert len([fault for fault in faults if "probability" in fault]) >= 7
    assert any("strata[0].probability" in fault or "strata.0.probability" in fault for fault in faults)


def _optional(model: type[BaseModel]) -> list[str]:
    """The fields of a record that may be null."""
    return [name for name, field in model.model_fields.items() if type(None) in get_args(field.annotation)]


NEEDED = ("text", "error", "error_kind", "current")  # one of an answer's; which of two verdicts counts
KINDS = [kind for kind in records.KINDS if _optional(records.KINDS[kind])]
ONE_BY_ONE = [(kind, name) for kind in ("sample", "draw", "assessment") for name in _optional(records.KINDS[kind])]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        *((kind, tuple(_optional(records.KINDS[kind]))) for kind in KINDS),
        *((kind, (name,)) for kind, name in ONE_BY_ONE),
        ("stratum", tuple(_optional(records.StratumRecord))),
        ("score", tuple(_optional(records.ScoreRecord))),
        ("handout", tuple(_optional(records.HandoutRecord))),
    ],
    ids=lambda given: given if isinstance(given, str) else ",".join(given)[:30],
)
def test_every_optional_field_may_be_null_and_the_run_can_be_read(
    measured: Engine, kind: str, names: tuple[str, ...]
) -> None:
    told = without_hash(exported(measured))
    for record in told:
        parts = {"stratum": record.get("strata", []), "handout": record.get("handouts", [])}
        parts["score"] = [each for each in record.get("scores", {}).values() if isinstance(each, dict)]
        for part in parts.get(kind, [record] if record["record"] == kind else []):
            part |= {name: None for name in names if name in part and name not in NEEDED}
            part |= (
                {"undoes": None} if "id" in names and "undoes" in part else {}
            )  # it would take back something unknown
    with database() as other:
        report = imported(other, told)
        with store.reading(other) as session:
            runs = store.list_runs(session=session)
        assert {run.id for run in runs} == {run.run_id for run in report.runs}
        for run in runs:
            assert summarise(run.id or 0, other).n_answers > 0
        assert kind == "score" or quality_numbers(runs, other)
