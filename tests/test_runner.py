"""The runner against real simulators over HTTP: order, resume, kill, judging, and what is left in the database."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from carried_out import carry_out
from sqlmodel import Session, SQLModel, select

from db import store
from db.models import Answer, Assessment, Call, Run, RunStatus
from eval import runner
from eval.simulator.process import simulator_process

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "RIGHTSIZE_DB"} | {"PYTHONUTF8": "1"}


@dataclass(frozen=True)
class Simulated:
    """A simulator in a process of its own, with two endpoints and its own log of what truly happened."""

    urls: list[str]
    log: Path

    @property
    def url(self) -> str:
        return self.urls[0]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    log = tmp_path_factory.mktemp("simulator") / "truth.jsonl"
    with simulator_process(["--ports", "0,0", "--speed", "4", "--log", str(log)]) as urls:
        yield Simulated(urls, log)


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{(tmp_path / 'runs.db').as_posix()}"


def rightsize(*arguments: str, db: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eval.cli", *arguments, "--db", db],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        timeout=120,
        cwd=cwd,
        check=False,
    )


def begin(*arguments: str, db: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "eval.cli", *arguments, "--db", db],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )


def rows(db: str, model: type[Any]) -> list[Any]:
    engine = store.connect(db)
    try:
        with Session(engine) as session:
            return list(session.exec(select(model)))
    finally:
        engine.dispose()


def truth(simulator: Simulated) -> dict[str, dict[str, Any]]:
    """The simulator's own log by the id that the client sent."""
    lines = simulator.log.read_text(encoding="utf-8").splitlines()
    return {entry["client_id"]: entry for entry in map(json.loads, lines) if entry["client_id"]}


def test_a_run_is_answered_judged_and_summarised(simulator: Simulated, db: str) -> None:
    done = rightsize(
        *("run", "--target", f"small=sim-small@{simulator.url}", "--judge", f"sim-judge@{simulator.url}"),
        *("--limit", "12", "--concurrency", "4", "--repeats", "2", "--warmup", "2", "--json"),
        db=db,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)[0]
    assert summary["n_answers"] == 24
    assert {q["criterion"] for q in summary["quality"]} == {"coherence", "factuality", "conciseness", "overall"}
    assert all(q["n_scored"] == 24 and q["score"]["n"] == 12 for q in summary["quality"])
    (run,) = rows(db, Run)
    assert run.status == RunStatus.finished
    assert run.simulated
    assert run.concurrency == 4
    answers = rows(db, Answer)
    assert Counter(a.cold for a in answers) == {False: 24, True: 2}
    assert all(a.ttft_ms and a.total_ms and a.ttft_ms <= a.total_ms for a in answers)
    assert "simulated" in done.stderr.lower()


def test_show_prints_everything_stored_of_an_answer(simulator: Simulated, db: str) -> None:
    target = ("--target", f"small=sim-small@{simulator.url}", "--judge", f"sim-judge@{simulator.url}")
    assert rightsize("run", *target, "--limit", "2", db=db).returncode == 0
    shown = json.loads(rightsize("show", "last", "--json", db=db).stdout)
    assert shown["provenance"]["machine"]["python"]
    assert shown["definition"]["parameters"]["temperature"] == 0
    warm = [answer for answer in shown["answers"] if not answer["cold"]]
    assert [answer["question_id"] for answer in warm] == ["summary-01", "summary-02"]
    for answer in warm:
        (attempt,) = answer["attempts"]
        assert attempt["request_id"] in truth(simulator)
        assert attempt["chunk_ms"] == sorted(attempt["chunk_ms"])
        (assessment,) = answer["assessments"]
        assert [score["criterion"] for score in assessment["scores"]] == ["coherence", "factuality", "conciseness"]
        assert all(1 <= score["value"] <= 5 for score in assessment["scores"])


def test_measured_first_token_is_not_before_the_truth(simulator: Simulated, db: str) -> None:
    rightsize("run", "--target", f"small=sim-small@{simulator.url}", "--limit", "10", db=db)
    known = truth(simulator)
    calls = [call for call in rows(db, Call) if call.stage == "answer"]
    assert len(calls) == 11
    for call in calls:
        entry = known[call.request_id]
        assert call.ttft_ms >= entry["first_token_ms"]  # the request was sent before it was received
        assert call.completion_tokens == entry["tokens"]


def test_judging_starts_after_the_last_answer_of_the_group(simulator: Simulated, db: str) -> None:
    targets = [t for name in ("sim-small", "sim-cloud") for t in ("--target", f"{name}={name}@{simulator.url}")]
    rightsize("run", *targets, "--judge", f"sim-judge@{simulator.url}", "--limit", "6", db=db)
    calls = rows(db, Call)
    answered = max(c.started_at for c in calls if c.stage == "answer")
    assert answered < min(c.started_at for c in calls if c.stage == "judge")


def test_targets_on_one_endpoint_take_turns(simulator: Simulated, db: str) -> None:
    targets = [t for name in ("sim-small", "sim-cloud") for t in ("--target", f"{name}={name}@{simulator.url}")]
    rightsize("run", *targets, "--limit", "6", "--concurrency", "2", db=db)
    models = [call.model for call in sorted(rows(db, Call), key=lambda call: call.started_at)]
    changes = sum(earlier != later for earlier, later in pairwise(models))
    assert changes == 1, models


def test_targets_on_different_endpoints_run_side_by_side(simulator: Simulated, db: str) -> None:
    first, second = simulator.urls
    pairs = (("a", first), ("b", second))
    targets = [part for name, url in pairs for part in ("--target", f"{name}=sim-large@{url}")]
    rightsize("run", *targets, "--limit", "6", db=db)
    spans = {}
    for run in rows(db, Run):
        times = [a.created_at for a in rows(db, Answer) if a.run_id == run.id]
        spans[run.target] = (min(times), max(times))
    assert spans["a"][0] < spans["b"][1]
    assert spans["b"][0] < spans["a"][1]


def test_judging_again_asks_no_target_and_keeps_the_first_verdicts(simulator: Simulated, db: str) -> None:
    target = ("--target", f"small=sim-small@{simulator.url}", "--judge", f"sim-judge@{simulator.url}")
    rightsize("run", *target, "--limit", "4", db=db)
    before = len([c for c in rows(db, Call) if c.stage == "answer"])
    study = ("--judge", f"sim-judge@{simulator.url}", "--protocol", "study")
    again = rightsize("judge", "last", *study, db=db)
    assert again.returncode == 0, again.stderr
    assert len([c for c in rows(db, Call) if c.stage == "answer"]) == before
    assert Counter(a.protocol for a in rows(db, Assessment)) == {"quick": 4, "study": 4}
    assert all(a.current for a in rows(db, Assessment))
    third = rightsize("judge", "last", *study, "--json", db=db)
    assert third.returncode == 0
    assert [told["target"] for told in json.loads(third.stdout)] == ["small"]
    assert len(rows(db, Assessment)) == 8  # what is judged is not judged twice


@pytest.mark.parametrize("fault", ["malformed_judge=1.0"])
def test_unreadable_judgements_are_stored_and_never_score(fault: str, db: str) -> None:
    with simulator_process(["--speed", "20", "--faults", fault]) as (url,):
        target = ("--target", f"small=sim-small@{url}", "--judge", f"sim-judge@{url}")
        done = rightsize("run", *target, "--limit", "20", "--concurrency", "4", db=db)
    assert done.returncode == 0, done.stderr
    assessments = rows(db, Assessment)
    assert len(assessments) == 20
    assert {a.status for a in assessments} - {"ok"}, "at least some malformations cannot be used"
    for assessment in assessments:
        assert assessment.raw_reply


def test_faulty_server_gives_every_answer_or_a_named_error(db: str) -> None:
    faults = "rate_429=0.2,rate_500=0.1,rate_drop=0.2,retry_after_s=0.05"
    with simulator_process(["--speed", "50", "--faults", faults]) as (url,):
        done = rightsize("run", "--target", f"small=sim-small@{url}", "--concurrency", "8", db=db)
    assert done.returncode == 0, done.stderr
    answers = [a for a in rows(db, Answer) if not a.cold]
    assert len(answers) == 60
    assert all((a.text is None) == (a.error_kind is not None) for a in answers)
    retried = [a for a in answers if a.attempts > 1 and a.error_kind is None]
    assert retried
    calls = [c for c in rows(db, Call) if c.answer_id == retried[0].id]
    assert [c.error_kind is None for c in calls] == [False] * (len(calls) - 1) + [True]
    assert retried[0].total_ms == pytest.approx(calls[-1].total_ms)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process of a console")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_stops_cleanly_and_is_answered_with_how_to_resume(
    sent: signal.Signals, simulator: Simulated, db: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "eval.cli", "run", "--target", f"l=sim-large@{simulator.url}", "--db", db],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    wait_for_answers(db, 2)
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "rightsize resume" in said.decode()
    assert "Traceback" not in said.decode()
    (run,) = rows(db, Run)
    assert run.status == RunStatus.stopped
    assert run.worker is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process of a console")
def test_ctrl_c_while_judging_keeps_every_verdict_and_resume_judges_the_rest_once(
    simulator: Simulated, db: str
) -> None:
    target = ("--target", f"small=sim-small@{simulator.url}", "--judge", f"sim-judge@{simulator.url}")
    process = begin("run", *target, "--limit", "30", db=db)
    wait_for(db, Assessment, 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    (run,) = rows(db, Run)
    assert (run.status, run.worker) == (RunStatus.stopped, None)
    kept = {a.id for a in rows(db, Assessment)}
    assert 2 <= len(kept) < 30, "stopped too late to show anything"
    again = rightsize("resume", "--json", db=db)
    assert again.returncode == 0, again.stderr
    (shown,) = json.loads(again.stdout)
    assert (shown["target"], shown["status"], shown["n_answers"]) == ("small", "finished", 30)
    verdicts = rows(db, Assessment)
    assert kept < {a.id for a in verdicts}
    assert max(Counter(a.answer_id for a in verdicts if a.current).values()) == 1
    assert len([a for a in verdicts if a.current]) == 30


def wait_for_answers(db: str, count: int) -> None:
    wait_for(db, Answer, count)


def wait_for(db: str, table: type[SQLModel], count: int) -> None:
    deadline = time.monotonic() + 60
    path = Path(db.removeprefix("sqlite:///"))
    while time.monotonic() < deadline:
        if path.exists():
            try:
                if len(rows(db, table)) >= count:
                    return
            except store.StoreError:
                pass
        time.sleep(0.05)
    pytest.fail(f"nothing came into {table.__name__}")


def test_killed_twenty_times_nothing_is_lost_asked_twice_or_doubled(simulator: Simulated, db: str) -> None:
    moments = random.Random(20)
    target = ("--target", f"small=sim-small@{simulator.url}", "--target", f"cloud=sim-cloud@{simulator.urls[1]}")
    first = ("run", *target, "--judge", f"sim-judge@{simulator.url}", "--concurrency", "2", "--repeats", "2")
    process = begin(*first, db=db)
    wait_for_answers(db, 1)
    process.kill()
    process.wait()
    survived: set[tuple[int, int, int]] = set()
    for _ in range(19):
        process = begin("resume", db=db)
        time.sleep(moments.uniform(0.9, 2.2))
        process.kill()
        process.wait()
        kept = {(a.run_id, a.question_id, a.repeat) for a in rows(db, Answer) if not a.cold}
        assert survived <= kept, "an answer was lost"
        survived = kept
    last = rightsize("resume", db=db)
    assert last.returncode == 0, last.stderr
    answers = [a for a in rows(db, Answer) if not a.cold]
    asked = Counter((a.run_id, a.question_id, a.repeat) for a in answers)
    assert len(asked) == 240
    assert set(asked.values()) == {1}
    assert not [a for a in answers if a.error_kind]
    assert set(Counter(a.answer_id for a in rows(db, Assessment)).values()) == {1}
    assert len(rows(db, Assessment)) == 240
    assert {run.status for run in rows(db, Run)} == {RunStatus.finished}
    # What the simulator answered beyond what is stored was in flight at one of the twenty kills.
    stored = {call.request_id for call in rows(db, Call)}
    entries = truth(simulator)
    mine = [entries[request_id] for request_id in stored if request_id in entries]
    began = min(entry["received_ns"] for entry in mine)
    lost = [e for e in entries.values() if e["received_ns"] >= began and e["client_id"] not in stored and e["done_ms"]]
    assert len(lost) <= 20 * 4, "more was asked twice than could be in flight"
    assert rightsize("resume", db=db).stderr.startswith("There is nothing to resume")


def test_two_runs_at_once_into_one_new_database_both_finish(simulator: Simulated, db: str) -> None:
    both = [
        begin("run", "--target", f"{name}=sim-small@{url}", "--limit", "10", db=db)
        for name, url in zip("ab", simulator.urls, strict=True)
    ]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert Counter(run.status for run in rows(db, Run)) == {RunStatus.finished: 2}
    assert len([a for a in rows(db, Answer) if not a.cold]) == 20


def test_a_server_that_goes_away_fails_the_run_which_can_be_resumed(db: str) -> None:
    with simulator_process(["--speed", "2"]) as (url,):
        port = url.rsplit(":", 1)[1].split("/")[0]
        process = begin("run", "--target", f"large=sim-large@{url}", "--limit", "12", db=db)
        wait_for_answers(db, 2)
    assert process.wait(timeout=60) == 1
    (run,) = rows(db, Run)
    assert run.status == RunStatus.failed
    assert "Nothing answers" in (run.error or "") or "dropped" in (run.error or "")
    with simulator_process(["--speed", "8", "--ports", port]):
        assert rightsize("resume", db=db).returncode == 0
    answers = [a for a in rows(db, Answer) if not a.cold]
    assert [a.error_kind for a in answers] == [None] * 12
    interrupted = max(answers, key=lambda answer: answer.attempts)
    calls = [c for c in rows(db, Call) if c.answer_id == interrupted.id]
    assert len(calls) == interrupted.attempts > 1
    assert [c.attempt for c in calls] == list(range(1, len(calls) + 1))
    assert [c.error_kind is None for c in calls] == [False] * (len(calls) - 1) + [True]


def test_a_run_gives_signs_of_life_while_it_goes(
    simulator: Simulated, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HEARTBEAT_S", 0.05)
    carry_out(db, f"large=sim-large@{simulator.url}", limit=3, warmups=0)
    (run,) = rows(db, Run)
    first = min(answer.created_at for answer in rows(db, Answer))
    assert run.created_at < first < run.heartbeat_at  # the claim at the start is older than the first answer


def test_a_hybrid_waits_for_its_draft(simulator: Simulated, db: str, tmp_path: Path) -> None:
    (tmp_path / "rightsize.toml").write_text(
        f"""
[endpoints.here]
url = "{simulator.url}"

[targets.hybrid]
kind = "draft-and-refine"
draft = {{ model = "sim-small", endpoint = "here" }}
refine = {{ model = "sim-large", endpoint = "here" }}
""",
        encoding="utf-8",
    )
    done = rightsize("run", "--limit", "3", db=db, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for answer in (a for a in rows(db, Answer) if not a.cold):
        draft, refine = [c for c in rows(db, Call) if c.answer_id == answer.id]
        assert (draft.stage, refine.stage) == ("draft", "refine")
        assert answer.ttft_ms == pytest.approx(draft.total_ms + refine.prepare_ms + refine.ttft_ms)
        assert answer.completion_tokens == draft.completion_tokens + refine.completion_tokens


def test_a_parameter_that_the_server_refused_is_told_in_the_provenance(db: str) -> None:
    with simulator_process(["--speed", "50", "--faults", "no_stream"]) as (url,):
        done = rightsize("run", "--target", f"small=sim-small@{url}", "--limit", "2", db=db)
    assert done.returncode == 0, done.stderr
    (run,) = rows(db, Run)
    assert run.provenance["parameters_left_out"] == {"answer": ["stream"]}
    assert all(a.ttft_ms is None and a.total_ms and not a.streamed for a in rows(db, Answer))


def test_judging_by_another_rubric_shows_the_scores_just_given(simulator: Simulated, db: str, tmp_path: Path) -> None:
    judge = ("--judge", f"sim-judge@{simulator.url}")
    rightsize("run", "--target", f"small=sim-small@{simulator.url}", *judge, "--limit", "4", db=db)
    built_in = (Path(runner.__file__).parent / "data" / "rubric.toml").read_text(encoding="utf-8")
    ours = tmp_path / "ours.toml"
    ours.write_text(re.sub(r"(?m)^name = .*$", 'name = "ours"', built_in), encoding="utf-8")
    shown = rightsize("judge", "last", *judge, "--rubric", str(ours), db=db)
    assert shown.returncode == 0, shown.stderr
    assert "Quality in the table is scored by sim-judge (quick), ours" in " ".join(shown.stderr.split())
    again = rightsize("judge", "last", *judge, db=db)
    assert "Quality in the table is scored by sim-judge (quick);" in " ".join(again.stderr.split())
