"""Databases for tests of people's scores: a few invented runs, judged, made once and copied."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from samples import TARGETS, add_group
from sqlalchemy import Engine
from sqlmodel import col, select

from db import models, sampling, scoring, store
from db.handouts import Handed, next_handout
from db.models import Answer, Draw, Sample
from db.sampling import Wish
from db.scoring import Given
from eval.rubric import built_in

WHOLE = Given({"coherence": 5, "factuality": 4, "conciseness": 3})


def rubric(version: str = "1") -> models.Rubric:
    body = built_in().model_dump(mode="json")
    sha256 = built_in().sha256 if version == "1" else version * 64
    return models.Rubric(sha256=sha256, name="rightsize", version=version, body=body)


SHA = rubric().sha256


def make(file: Path, **given: Any) -> None:
    """Two targets (runs 1 and 2), the first question of each failed; six questions unless told otherwise."""
    add_group(f"sqlite:///{file.as_posix()}", **({"targets": TARGETS[:2], "questions": 6, "judged": True} | given))


def fixtures(**given: Any) -> tuple[Callable[..., Path], Callable[..., Iterator[Engine]]]:
    """The fixtures `template` and `engine` of a test module: what `make` makes, once, and a copy for each test."""

    @pytest.fixture(scope="module")
    def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
        file = tmp_path_factory.mktemp("peopled") / "template.db"
        make(file, **given)
        return file

    @pytest.fixture
    def engine(template: Path, tmp_path: Path) -> Iterator[Engine]:
        opened = copy(template, tmp_path / "test.db")
        yield opened
        opened.dispose()

    return template, engine


def copy(template: Path, into: Path) -> Engine:
    with closing(sqlite3.connect(template)) as one, closing(sqlite3.connect(into)) as other:
        one.backup(other)
    return store.connect(f"sqlite:///{into.as_posix()}")


def draw(engine: Engine, *, seed: int = 1, name: str = "", run_ids: tuple[int, ...] = (1, 2), **wish: Any) -> int:
    """Draw a sample; its id."""
    with store.writing(engine) as session:
        sample = sampling.draw_sample(Wish(run_ids, **wish), rubric(), seed=seed, name=name, session=session)
        assert sample.id is not None
        return sample.id


def draws(engine: Engine, sample_id: int) -> list[Draw]:
    with store.reading(engine) as session:
        return list(session.exec(select(Draw).where(Draw.sample_id == sample_id).order_by(col(Draw.position))))


def head(engine: Engine, sample_id: int) -> Sample:
    with store.reading(engine) as session:
        return sampling.get_sample(sample_id, session=session)


def answers(engine: Engine) -> list[Answer]:
    """The answers that can be scored."""
    with store.reading(engine) as session:
        return [a for a in session.exec(select(Answer)) if not a.cold and a.error_kind is None]


def person(engine: Engine, name: str) -> int:
    with store.writing(engine) as session:
        return scoring.save_person(name, session=session)


def take(engine: Engine, sample_id: int, name: str = "Anna", **given: Any) -> Handed | None:
    """The next answer for a person."""
    rater_id = person(engine, name)
    with store.writing(engine) as session:
        return next_handout(sample_id, rater_id, session=session, **given)


def save(engine: Engine, handed: Handed, given: Given = WHOLE, name: str = "Anna") -> models.Assessment | None:
    with store.writing(engine) as session:
        return scoring.save_handed(handed, given, name=name, rubric=rubric(), session=session)


def score_all(engine: Engine, sample_id: int, name: str = "Anna", given: Given = WHOLE) -> list[Handed]:
    """Score until nothing is left for this person."""
    done: list[Handed] = []
    while handed := take(engine, sample_id, name):
        save(engine, handed, given, name)
        done.append(handed)
    return done
