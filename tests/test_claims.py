"""Claims of the command line that other tests leave open: what is stored, said and labelled."""

import io
import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import rightsize, url  # noqa: F401
from test_runner import rows

from db.models import Answer, Price
from eval import terminal
from eval.simulator.process import simulator_process


def test_a_failed_retry_of_errors_loses_none(tmp_path: Path) -> None:
    with simulator_process(["--speed", "50", "--faults", "rate_500=1.0"]) as (broken,):
        (tmp_path / "rightsize.toml").write_text(
            f'[endpoints.e]\nurl = "{broken}"\nmax_attempts = 1\n[targets.a]\nmodel = "sim-small"\nendpoint = "e"\n',
            encoding="utf-8",
        )
        rightsize("run", "--limit", "3", cwd=tmp_path)
    assert rightsize("resume", "1", "--retry-errors", cwd=tmp_path).returncode == 1  # the server is gone
    answers = rows(f"sqlite:///{tmp_path / 'rightsize.db'}", Answer)
    assert len([a for a in answers if not a.cold]) == 3


def test_every_output_of_simulated_runs_says_so(url: str, tmp_path: Path) -> None:  # noqa: F811
    done = rightsize("run", "--target", f"a=sim-small@{url}", "--limit", "1", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)[0]["simulated"] is True
    assert "simulated" in rightsize("runs", cwd=tmp_path).stdout.lower()


def test_progress_tells_done_errors_speed_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 10.0, 10.0])
    monkeypatch.setattr(terminal, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(terminal, "console", terminal.Console(file=(out := io.StringIO()), width=120))
    with terminal.progress_bars() as on_progress:
        on_progress(terminal.Progress(1, "small", "answering", 3, 12, 2, 500))
    assert all(word in out.getvalue() for word in ("small", "3/12", "2 errors", "50 tok/s", "--:--"))


def test_the_estimate_comes_before_the_first_request(url: str, tmp_path: Path) -> None:  # noqa: F811
    done = rightsize("run", "--target", f"a=sim-small@{url}", "--limit", "1", cwd=tmp_path)
    assert 0 <= done.stderr.index("Estimate:") < done.stderr.index("answering")


def test_what_the_questions_can_show_is_said_before_the_first_request(url: str, tmp_path: Path) -> None:  # noqa: F811
    two = ("--target", f"a=sim-small@{url}", "--target", f"b=sim-large@{url}")
    done = rightsize("run", *two, "--limit", "1", cwd=tmp_path)
    assert 0 <= done.stderr.index("not known before two targets") < done.stderr.index("answering")


def test_a_run_keeps_what_its_figures_rest_on(url: str, tmp_path: Path) -> None:  # noqa: F811
    rightsize("run", "--target", f"a=sim-small@{url}", "--judge", f"sim-judge@{url}", "--limit", "1", cwd=tmp_path)
    shown = json.loads(rightsize("show", "last", "--json", cwd=tmp_path).stdout)
    assert {"rightsize", "commit", "python", "os", "cpu", "memory_gib", "gpu"} <= set(shown["provenance"]["machine"])
    assert len(shown["definition"]["parameters"]["rubric_sha256"]) == 64
    assert len(shown["definition"]["parameters"]["qa_set_sha256"]) == 64
    assert shown["started_at"] < shown["ended_at"]
    answer = shown["answers"][-1]
    times = {"prepare_ms", "headers_ms", "first_byte_ms", "ttft_ms", "generation_ms", "total_ms", "itl_p50_ms"}
    assert times | {"text", "error", "client_limited", "loop_lag_ms", "prompt_tokens"} <= set(answer)
    assert times - {"itl_p50_ms"} | {"wait_before_ms", "error", "http_version"} <= set(answer["attempts"][0])
    assert all(a["loop_lag_ms"] is not None for a in shown["answers"])  # the client watched itself
    assert answer["assessments"][0]["rater"]["simulated"]
    assert answer["assessments"][0]["raw_reply"]


def test_resuming_a_run_that_is_being_worked_on_is_refused(url: str, tmp_path: Path) -> None:  # noqa: F811
    rightsize("run", "--target", f"a=sim-small@{url}", "--limit", "1", cwd=tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with sqlite3.connect(tmp_path / "rightsize.db") as connection:
            worker = f"{socket.gethostname()}:{other.pid}"
            alive = "UPDATE run SET status = 'stopped', worker = ?, heartbeat_at = strftime('%Y-%m-%d %H:%M:%f', 'now')"
            connection.execute(alive, (worker,))
        connection.close()
        done = rightsize("resume", "1", cwd=tmp_path)
        other.communicate(b"\n")
    assert done.returncode == 1
    assert "being worked on" in done.stderr


def test_the_demo_is_judged_and_priced(tmp_path: Path) -> None:
    rightsize("demo", "--no-dashboard", cwd=tmp_path)
    for run in json.loads(rightsize("show", "last", "--json", cwd=tmp_path).stdout):
        warm = [answer for answer in run["answers"] if not answer["cold"]]
        assert len(warm) == 60
        assert all(answer["assessments"] for answer in warm if answer["error"] is None)
    assert {price.model for price in rows(f"sqlite:///{tmp_path / 'rightsize.db'}", Price)} >= {
        "sim-small",
        "sim-cloud",
    }
