"""What tests of import and export share: empty databases at the cost of a copy, and files in and out of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from db import store
from eval.interchange import flat, jsonl
from eval.interchange.dumping import Dump
from eval.interchange.flat_writing import FlatDump
from eval.interchange.loading import ImportFaultsError, Report, load

FIXTURES = Path(__file__).parent / "interchange"
_EMPTY: list[bytes] = []


def _empty() -> bytes:
    """An empty database's file, made once. It is copied while nothing has it open: SQLite's locks would be lost."""
    if not _EMPTY:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "empty.db"
            store.connect(f"sqlite:///{file.as_posix()}").dispose()
            _EMPTY.append(file.read_bytes())
    return _EMPTY[0]


@contextmanager
def database() -> Iterator[Engine]:
    """An empty database for as long as it is needed."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "runs.db"
        file.write_bytes(_empty())
        engine = store.connect(f"sqlite:///{file.as_posix()}")
        try:
            yield engine
        finally:
            engine.dispose()


def exported(engine: Engine, *run_ids: int) -> list[dict[str, Any]]:
    """The records of some runs, of all where none are named."""
    return [json.loads(line) for line in exported_text(engine, *run_ids).split("\n") if line]


def exported_text(engine: Engine, *run_ids: int) -> str:
    with store.reading(engine) as session:
        ids = run_ids or tuple(run.id or 0 for run in reversed(store.list_runs(session=session)))
        dump = Dump([store.get_run(run_id, session=session) for run_id in ids], session)
        return "".join(jsonl.written(dump.records()))


def exported_csv(engine: Engine, *run_ids: int) -> tuple[str, list[str]]:
    """The table of some runs (of all where none are named), and what was said to be left out."""
    with store.reading(engine) as session:
        ids = run_ids or tuple(run.id or 0 for run in reversed(store.list_runs(session=session)))
        dump = FlatDump([store.get_run(run_id, session=session) for run_id in ids], session)
        return "".join(dump.lines()), dump.notes


def imported(engine: Engine, content: Any, name: str = "file.jsonl", **given: Any) -> Report:
    """Import a file of this content: records, a text or bytes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        if isinstance(content, list):
            content = "".join(json.dumps(record) + "\n" for record in content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        options = {key: given.pop(key) for key in ("scales", "qa_set") if key in given}
        source = flat.read(file, **options) if name.endswith(".csv") else jsonl.read(file)
        return load(source, engine, **given)


def faults_of(engine: Engine, content: Any, name: str = "file.jsonl", **given: Any) -> list[str]:
    """The faults for which a file is refused."""
    try:
        imported(engine, content, name, **given)
    except ImportFaultsError as error:
        return [str(fault) for fault in error.faults]
    return []


HEADER: dict[str, Any] = {"record": "header", "version": 1}


def small(**changed: dict[str, Any]) -> list[dict[str, Any]]:
    """A whole small file: two questions, a rubric of two scales, a run, its answers and a person's scores.

    `changed` holds fields by record, such as answer={"text": "Other."}.
    """
    qa_set = {"record": "qa_set", "id": "set", "name": "Small"}
    question = {"record": "question", "qa_set": "set", "id": "q1", "question": "What?", "reference": "This."}
    criteria = [{"id": "clarity", "low": 0, "high": 100}, {"id": "depth", "low": 1, "high": 7}]
    rubric = {"record": "rubric", "id": "ours", "name": "Ours", "version": "1", "criteria": criteria}
    run = {"record": "run", "id": "a", "qa_set": "set", "target": "model-a", "group": "g1"}
    answer = {"record": "answer", "run": "a", "question": "q1", "text": "An answer."}
    place = {"record": "assessment", "run": "a", "question": "q1", "rubric": "ours"}
    assessment = {**place, "rater": {"kind": "person", "name": "Ada"}, "scores": {"clarity": 80, "depth": 5.5}}
    return [
        HEADER,
        qa_set | changed.get("qa_set", {}),
        question | changed.get("question", {}),
        {"record": "question", "qa_set": "set", "id": "q2", "question": "Why?", "reference": "So."},
        rubric | changed.get("rubric", {}),
        run | changed.get("run", {}),
        answer | changed.get("answer", {}),
        {"record": "answer", "run": "a", "question": "q2", "error": "It failed."},
        assessment | changed.get("assessment", {}),
    ]


def rows_in(engine: Engine) -> dict[str, int]:
    """How many rows the tables hold that do."""
    tables = ("qa_set", "question", "run", "answer", "call", "rater", "rubric", "assessment", "score", "check_result")
    tables += ("sample", "draw", "handout", "comparison")
    with engine.connect() as connection:
        counts = {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables}
    return {name: n for name, n in counts.items() if n}
