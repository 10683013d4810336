"""How many answers with their calls a second can be stored: `python tests/benchmarks/insert_rate.py [N]`.

Committed one by one and through eval.writer.Writer, beside what bare sqlite3 does with the same columns in the same
minute on the same disk.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy.dialects import sqlite

from db import store
from db.models import Answer, Call
from eval.writer import Writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import samples

N = 2_000
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Pair = tuple[Answer, Call]


def _new_run(url: str) -> tuple[Engine, int, int]:
    """A fresh database with one run; returns its engine, the run's id and a question's."""
    engine = store.connect(url)
    with store.writing(engine) as session:
        qa_set = samples.add_qa_set(session, 1)
        run = samples.add_run(session, samples.TARGETS[0], qa_set, "group")
        question = store.list_questions(qa_set.id or 0, session=session)[0]
        return engine, run.id or 0, question.id or 0


def _pairs(n: int, run_id: int, question_id: int) -> list[Pair]:
    """Answers as a run stores them, about 100 tokens each, every one with a call and the arrivals of its pieces."""
    took = {"ttft_ms": 90.0, "ttfat_ms": 90.0, "total_ms": 1800.0, "prompt_tokens": 200, "completion_tokens": 100}
    arrivals = [90.0 + 17 * i for i in range(100)]
    return [
        (
            Answer(run_id=run_id, question_id=question_id, repeat=i, text="Invented test answer. " * 20, **took),
            Call(stage="answer", attempt=1, endpoint="http://127.0.0.1:9/v1", model="test", started_at=AT,
                 chunk_ms=arrivals, **took),
        )
        for i in range(n)
    ]  # fmt: skip


def _as_values(row: Any, without: str) -> dict[str, Any]:
    """A row as the values that SQLAlchemy would bind, for bare sqlite3."""
    statement = insert(type(row)).values(row.model_dump(exclude={"id", without})).compile(dialect=sqlite.dialect())
    processors = statement._bind_processors
    return {k: processors[k](v) if k in processors else v for k, v in statement.params.items()}


def _insert(table: str, row: dict[str, Any]) -> str:
    return f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({", ".join(f":{name}" for name in row)})'


def bare(path: Path, n: int, *, at_once: bool) -> float:
    """Seconds for bare sqlite3: all rows by executemany in one transaction, or a transaction an answer."""
    engine, run_id, question_id = _new_run(f"sqlite:///{path.as_posix()}")
    engine.dispose()
    pairs = _pairs(n, run_id, question_id)
    answers = [_as_values(answer, "") | {"id": i + 1} for i, (answer, _) in enumerate(pairs)]
    calls = [_as_values(call, "answer_id") | {"answer_id": i + 1} for i, (_, call) in enumerate(pairs)]
    into_answer, into_call = _insert("answer", answers[0]), _insert("call", calls[0])
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    began = perf_counter()
    if at_once:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(into_answer, answers)
        connection.executemany(into_call, calls)
        connection.execute("COMMIT")
    else:
        for answer, call in zip(answers, calls, strict=True):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(into_answer, answer)
            connection.execute(into_call, call)
            connection.execute("COMMIT")
    took = perf_counter() - began
    connection.close()
    return took


def one_by_one(path: Path, n: int) -> float:
    """Seconds for the store, a transaction an answer."""
    engine, run_id, question_id = _new_run(f"sqlite:///{path.as_posix()}")
    pairs = _pairs(n, run_id, question_id)
    began = perf_counter()
    for answer, call in pairs:
        with store.writing(engine) as session:
            store.save_answer(answer, [call], session=session)
    took = perf_counter() - began
    engine.dispose()
    return took


def through_writer(path: Path, n: int) -> float:
    """Seconds for the writer, everything handed over as fast as it takes it, until all is committed."""
    engine, run_id, question_id = _new_run(f"sqlite:///{path.as_posix()}")
    pairs = _pairs(n, run_id, question_id)
    began = perf_counter()
    with Writer(engine) as writer:
        for answer, call in pairs:
            writer.put(lambda session, a=answer, c=call: store.save_answer(a, [c], session=session))
    took = perf_counter() - began
    engine.dispose()
    return took


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N
    ways: list[tuple[str, Callable[[Path], float]]] = [
        ("bare sqlite3, executemany, one commit", lambda path: bare(path, n, at_once=True)),
        ("bare sqlite3, a commit an answer", lambda path: bare(path, n, at_once=False)),
        ("store, a commit an answer", lambda path: one_by_one(path, n)),
        ("eval.writer.Writer, group commit", lambda path: through_writer(path, n)),
    ]
    print(f"{n:,} answers, each with its call\n{'way':<40}{'answers/s':>12}{'us each':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, measure) in enumerate(ways):
            took = measure(Path(folder) / f"{number}.db")
            print(f"{name:<40}{n / took:>12,.0f}{took / n * 1e6:>10,.0f}")


if __name__ == "__main__":
    main()
