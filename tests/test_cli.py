"""The command line from outside: each thing a person can get wrong ends in one sentence, and nothing half-written."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import store
from eval.commands.exchanging import export
from eval.interchange.dumping import ExportError
from eval.simulator.process import simulator_process

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "RIGHTSIZE_DB"} | {"PYTHONUTF8": "1", "COLUMNS": "200"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with simulator_process(["--speed", "50"]) as (address,):
        yield address


def rightsize(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eval.cli", *arguments],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT | environment,
        timeout=60,
        cwd=cwd,
        check=False,
    )


def made(folder: Path) -> None:
    """An empty database in a folder, under its usual name."""
    store.connect(f"sqlite:///{(folder / 'rightsize.db').as_posix()}").dispose()


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on standard error with these words, an exit code that is not 0, no traceback, no output."""
    assert done.returncode not in (0, None), done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert done.stdout == ""


def an_empty_database(folder: Path) -> None:
    store.connect(f"sqlite:///{(folder / 'rightsize.db').as_posix()}").dispose()


def test_endpoint_down_stores_nothing(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ("run", "--target", f"a=m@http://127.0.0.1:{port}/v1")
    refused(rightsize(*arguments, cwd=tmp_path), "Nothing answers", "start the server")
    assert list(tmp_path.iterdir()) == []
    an_empty_database(tmp_path)
    refused(rightsize(*arguments, cwd=tmp_path), "Nothing answers", "start the server")
    with sqlite3.connect(tmp_path / "rightsize.db") as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM qa_set").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("judge", ["sim-judge@http://127.0.0.1:1/v1", "nope@{url}"], ids=["down", "unknown model"])
def test_a_judge_that_cannot_be_used_is_refused_before_a_target_is_asked(judge: str, url: str, tmp_path: Path) -> None:
    target, judge = ("--target", f"a=sim-small@{url}"), judge.format(url=url)
    why = "Nothing answers" if "127.0.0.1:1/" in judge else '"nope"'
    an_empty_database(tmp_path)
    refused(rightsize("run", *target, "--judge", judge, "--limit", "1", cwd=tmp_path), why)
    with sqlite3.connect(tmp_path / "rightsize.db") as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (0,)
    connection.close()
    assert rightsize("run", *target, "--limit", "1", cwd=tmp_path).returncode == 0
    refused(rightsize("judge", "last", "--judge", judge, cwd=tmp_path), why)
    with sqlite3.connect(tmp_path / "rightsize.db") as connection:
        assert connection.execute("SELECT count(*) FROM rater").fetchone() == (0,)
    connection.close()


def test_wrong_path_says_that_it_often_ends_in_v1(url: str, tmp_path: Path) -> None:
    refused(rightsize("run", "--target", f"a=sim-small@{url}/nothing", cwd=tmp_path), "/v1")


def test_wrong_key_is_named_by_its_variable_and_never_shown(tmp_path: Path) -> None:
    with simulator_process(["--api-key", "right-key"]) as (locked,):
        (tmp_path / "rightsize.toml").write_text(
            f'[endpoints.e]\nurl = "{locked}"\napi_key_env = "MY_KEY"\n'
            '[targets.a]\nmodel = "sim-small"\nendpoint = "e"\n',
            encoding="utf-8",
        )
        done = rightsize("run", cwd=tmp_path, MY_KEY="wrong-secret-key")
        refused(done, "MY_KEY", "401")
        assert "wrong-secret-key" not in done.stderr
        good = rightsize("run", "--limit", "1", cwd=tmp_path, MY_KEY="right-key")
        assert good.returncode == 0, good.stderr
    stored = (
        (tmp_path / "rightsize.db").read_bytes() + (tmp_path / "rightsize.db-wal").read_bytes()
        if (tmp_path / "rightsize.db-wal").exists()
        else (tmp_path / "rightsize.db").read_bytes()
    )
    assert b"MY_KEY" in stored
    assert b"right-key" not in stored


@pytest.mark.parametrize("key", [None, " "], ids=["unset", "blank"])
def test_a_key_that_is_not_there_is_refused_before_the_estimate(key: str | None, url: str, tmp_path: Path) -> None:
    (tmp_path / "rightsize.toml").write_text(
        f'[endpoints.open]\nurl = "{url}"\n[endpoints.locked]\nurl = "{url}"\napi_key_env = "MY_KEY"\n'
        '[targets.a]\nmodel = "sim-small"\nendpoint = "open"\n'
        '[targets.b]\nmodel = "sim-small"\nendpoint = "locked"\n',
        encoding="utf-8",
    )
    environment = {} if key is None else {"MY_KEY": key}
    done = rightsize("run", "--limit", "1", cwd=tmp_path, **environment)  # one address, and the key is not forgotten
    refused(done, f"The environment variable MY_KEY, which should hold the key for {url}, is not set.")
    assert "Estimate" not in done.stderr
    assert not (tmp_path / "rightsize.db").exists()
    unused = rightsize("run", "--target", "a", "--limit", "1", cwd=tmp_path, **environment)
    assert unused.returncode == 0, unused.stderr


def test_unknown_model_names_those_offered(url: str, tmp_path: Path) -> None:
    refused(rightsize("run", "--target", f"a=nope@{url}", cwd=tmp_path), '"nope"', "sim-small", "sim-large")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "m@http://127.0.0.1:1/v1"), ("NAME=MODEL@URL",)),
        (("--target", "a=m"), ("MODEL@URL",)),
        (("--target", "a=m@ftp://x"), ("MODEL@URL",)),
        (("--target", "a=m@http://u:secret@127.0.0.1/v1"), ("environment variable",)),
        ((), ("No target is given",)),
        (("--target", "ghost"), ('no target "ghost"',)),
        (("--target", "a=m@http://127.0.0.1:1/v1", "--target", "a=n@http://127.0.0.1:1/v1"), ("called a",)),
        (
            ("--target", "a=m@http://127.0.0.1:1/v1", "--category", "poems"),
            ('has the category "poems" (there are: ', "facts"),
        ),
        (("--target", "a=m@http://127.0.0.1:1/v1", "--limit", "0"), ("--limit",)),
        (("--target", "a=m@http://127.0.0.1:1/v1", "--repeats", "0"), ("--repeats",)),
        (("--target", "a=m@http://127.0.0.1:1/v1", "--qa-set", "missing.jsonl"), ("missing.jsonl",)),
        (("--config", "missing.toml"), ("missing.toml",)),
    ],
)
def test_a_faulty_plan_is_refused_before_anything_is_written(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path
) -> None:
    done = rightsize("run", *arguments, cwd=tmp_path)
    refused(done, *words)
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_fault_of_a_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "rightsize.toml").write_text(
        '[endpoints.e]\nurl = "nowhere"\nconcurrency = 0\n[targets.a]\nmodle = "x"\n', encoding="utf-8"
    )
    refused(rightsize("run", cwd=tmp_path), "endpoints.e.url", "endpoints.e.concurrency", "targets.a.modle")


def test_every_fault_of_what_the_simulator_should_do_is_named(tmp_path: Path) -> None:
    done = rightsize("simulate", "--faults", "rate_429=2,foo=1,rate_500=x,bar", cwd=tmp_path)
    refused(done, '"foo" is not known', '"bar" is not known', '"x" does not fit rate_500', "has to lie between 0 and 1")


def test_an_export_is_not_poured_onto_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for runs in (["last"], ["qa-set", "built-in"]):
        with pytest.raises(ExportError, match=r"name a file: --out runs\.jsonl"):
            export(runs)
    export(["qa-set", "built-in"], out=tmp_path / "set.jsonl")
    assert (tmp_path / "set.jsonl").exists()
    assert rightsize("export", "qa-set", "built-in", cwd=tmp_path).stdout.startswith("{")


def test_judging_what_is_judged_says_so_and_estimates_nothing(url: str, tmp_path: Path) -> None:
    judge = ("--judge", f"sim-judge@{url}")
    done = rightsize("run", "--target", f"a=sim-small@{url}", "--limit", "1", *judge, cwd=tmp_path)
    assert done.stderr.startswith("1 question x 1 repeat x 1 target, QA set built-in 1 (")
    again = rightsize("judge", "last", *judge, cwd=tmp_path)
    assert again.returncode == 0
    assert "There is nothing left to judge: sim-judge (quick) has judged every answer" in again.stderr
    assert "Estimate" not in again.stderr


def test_every_fault_of_a_qa_set_is_named_with_its_line(tmp_path: Path) -> None:
    lines = ['{"id": "a", "question": "Q?", "reference": "R."}', '{"id": "a", "question": "", "referense": "R."}', "{"]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = rightsize("qa", "check", "mine.jsonl", cwd=tmp_path)
    refused(done, "line 2", "line 3", "referense", "reference")


def test_a_good_qa_set_passes_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,question,reference\na,Q?,R.\nb,Q2?,R2.\n", encoding="utf-8")
    done = rightsize("qa", "check", "mine.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert "2 questions" in done.stdout


def test_what_is_said_is_utf8_whatever_the_terminal_is_set_to(tmp_path: Path) -> None:
    (tmp_path / "质量.csv").write_text("id,question,reference\na,Q?,R.\n", encoding="utf-8")
    done = rightsize("qa", "check", "质量.csv", cwd=tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    assert "质量.csv" in done.stdout
    refused(rightsize("qa", "check", "缺.csv", cwd=tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="cp1252"), "缺.csv")


def test_a_users_own_questions_are_asked(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,question,reference\na,What is it?,It is this.\n", encoding="utf-8")
    with simulator_process(["--speed", "50", "--qa-set", str(tmp_path / "mine.csv")]) as (mine,):
        done = rightsize("run", "--target", f"a=sim-cloud@{mine}", "--qa-set", "mine.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["n_answers"] == 1


@pytest.mark.parametrize("command", [("show", "7"), ("show", "ghost"), ("resume", "7"), ("show", "last")])
def test_an_unknown_run_is_one_sentence(command: tuple[str, ...], tmp_path: Path) -> None:
    made(tmp_path)
    refused(rightsize(*command, cwd=tmp_path), "There is no run", "rightsize runs")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is no database, but long enough to be looked at as one" * 20, ("not a database",)),
        (None, ("another program",)),
    ],
)
def test_a_file_that_is_no_rightsize_database_is_left_as_it_was(
    content: bytes | None, words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "other.db"
    if content is None:
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE customers (id INTEGER)")
        connection.commit()
        connection.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    refused(rightsize("runs", "--db", "other.db", cwd=tmp_path), *words)
    assert file.read_bytes() == before


def test_a_database_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    connection = sqlite3.connect(tmp_path / "rightsize.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    refused(rightsize("runs", cwd=tmp_path), "newer version")


def test_a_missing_folder_for_the_database_is_named(tmp_path: Path) -> None:
    refused(rightsize("runs", "--db", "nowhere/x.db", cwd=tmp_path), "nowhere", "does not exist")


@pytest.mark.parametrize("command", ["demo", "dashboard"])
def test_a_port_in_use_is_refused_before_anything_runs(command: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = rightsize(command, "--port", str(port), "--no-browser", cwd=tmp_path)
    refused(done, str(port), "in use")
    assert not (tmp_path / "rightsize.db").exists()


def test_a_port_in_use_ends_the_simulator_with_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = rightsize("simulate", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    refused(done, "another port")


def test_rightsize_db_chooses_the_database(url: str, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.db"
    done = rightsize(
        "run", "--target", f"a=sim-small@{url}", "--limit", "1", cwd=tmp_path, RIGHTSIZE_DB=f"sqlite:///{other}"
    )
    assert done.returncode == 0, done.stderr
    assert other.exists()
    assert not (tmp_path / "rightsize.db").exists()


def test_all_answers_failing_is_a_failure_of_the_command(tmp_path: Path) -> None:
    with simulator_process(["--speed", "50", "--faults", "rate_500=1.0"]) as (broken,):
        (tmp_path / "rightsize.toml").write_text(
            f'[endpoints.e]\nurl = "{broken}"\nmax_attempts = 1\n[targets.a]\nmodel = "sim-small"\nendpoint = "e"\n',
            encoding="utf-8",
        )
        done = rightsize("run", "--limit", "3", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_estimate_names_what_has_no_price(url: str, tmp_path: Path) -> None:
    an_empty_database(tmp_path)  # where there is none, the server is asked first
    done = rightsize("run", "--target", f"a=nobodys-model@{url}", "--limit", "1", cwd=tmp_path)
    assert done.returncode == 1  # the server does not offer it
    assert "cost unknown (no price for nobodys-model)" in done.stderr


def test_the_estimate_knows_the_prices_that_the_summary_uses(url: str, tmp_path: Path) -> None:
    done = rightsize("run", "--target", f"a=sim-small@{url}", "--limit", "1", cwd=tmp_path)
    assert re.search(r"cost at most \$\d+\.\d\d at hypothetical prices", done.stderr)
    assert done.stderr.count("at hypothetical prices") == 2
    assert re.search(r"1,000 answers cost \$(\S+) at hypothetical prices \(tokens \$\1, repeated requests", done.stderr)
