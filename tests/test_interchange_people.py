"""Export and import of what people did: strata keep their questions and undo keeps what it took back, ids or not."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import peopled
import pytest
from exchanged import database, exported, faults_of, imported, small
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from db import comparisons, people_frames, scoring, store
from db.comparisons import Compared, Pair
from db.models import Answer, Assessment, Comparison, Preference, Question, Sample
from db.scoring import Given

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
