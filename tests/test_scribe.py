"""The storing process: nothing handed over is lost, failures reach the run, a killed run's last answers are kept."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from db import models, store
from db.models import RunStatus
from eval.chat import Attempt, ChatRequest, Completion, Endpoint
from eval.scribe import Scribe
from eval.targets import Answered, Stage, StageOutcome

STAGE = Stage(name="answer", model="m", endpoint=Endpoint(url="http://127.0.0.1:1/v1"))


def answered(text: str) -> Answered:
    attempt = Attempt(1, "r", datetime.now(UTC), ttft_ms=1.0, total_ms=2.0)
    return Answered((StageOutcome(STAGE, Completion(ChatRequest("m", (), 1), STAGE.endpoint.url, text, [attempt])),))


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{(tmp_path / 'scribe.db').as_posix()}"
    engine = store.connect(address)
    questions = [
        models.Question(
            qa_set_id=0, position=n, key=f"q{n}", sha256="", category="c", difficulty="easy", text="Q", reference="R",
            key_points=[], documents=[], answerable=True, output_limit=8,
        )
        for n in range(50)
    ]  # fmt: skip
    with store.writing(engine) as session:
        store.save_qa_set(models.QASet(sha256="x", name="n", version="1", n_questions=50), questions, session=session)
        run = models.Run(
            group_id="g", name="n", target="t", kind="plain", model="m", endpoint="e", definition={}, qa_set_id=1,
            repeats=1, warmups=0, concurrency=1, n_questions=50, n_planned=50,
        )  # fmt: skip
        store.save_run(run, session=session)
    engine.dispose()
    return address


def texts(url: str) -> list[str | None]:
    engine: Engine = store.connect(url)
    with store.reading(engine) as session:
        found = list(session.exec(select(models.Answer.text).order_by(models.Answer.id)))  # type: ignore[arg-type]
    engine.dispose()
    return found


def test_everything_is_stored_in_order_when_the_context_is_left(url: str) -> None:
    with Scribe(url) as scribe:
        for n in range(50):
            scribe.put("answer", answered(f"text {n}"), 1, n + 1, 0, False)
    assert texts(url) == [f"text {n}" for n in range(50)]


def test_flush_returns_when_all_is_committed(url: str) -> None:
    with Scribe(url) as scribe:
        scribe.put("answer", answered("one"), 1, 1, 0, False)
        scribe.flush()
        assert texts(url) == ["one"]
        scribe.put("status", [1], RunStatus.judging)
        scribe.flush()


def test_an_answer_handed_over_twice_is_stored_once(url: str) -> None:
    with Scribe(url) as scribe:
        scribe.put("answer", answered("first"), 1, 1, 0, False)
        scribe.put("answer", answered("second"), 1, 1, 0, False)
    assert texts(url) == ["first"]


def keep_handing_over(scribe: Scribe) -> None:
    """Until the failure shows, as a run would."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        scribe.put("answer", answered("lost"), 1, 2, 0, False)
        time.sleep(0.02)


def test_a_failure_of_the_database_reaches_the_run_as_one_sentence(url: str, tmp_path: Path) -> None:
    for file in tmp_path.glob("scribe.db*"):
        file.write_bytes(b"no database any more " * 500)
    with pytest.raises(store.StoreError, match="is not a database"), Scribe(url) as scribe:
        keep_handing_over(scribe)


def test_a_storing_process_that_dies_is_noticed(url: str) -> None:
    with pytest.raises(store.StoreError, match="ended"), Scribe(url) as scribe:  # noqa: PT012
        scribe.put("answer", answered("kept"), 1, 1, 0, False)
        scribe.flush()
        scribe._child.kill()
        keep_handing_over(scribe)
    assert texts(url) == ["kept"]


def test_what_a_killed_run_had_handed_over_is_stored_all_the_same(url: str) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_scribe import Scribe, answered
with Scribe({url!r}) as scribe:
    for n in range(50):
        scribe.put("answer", answered(f"text {{n}}"), 1, n + 1, 0, False)
    while not scribe._messages.empty():
        time.sleep(0.001)
    print("handed over", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout
    assert process.stdout.readline()
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while len(texts(url)) < 50 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert texts(url)[:49] == [f"text {n}" for n in range(49)]
