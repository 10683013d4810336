"""The whole job against the real Foundry Local engine on loopback, offline, with a tiny random-weight model.

What the model says is noise; that the real engine streams it, counts its tokens and constrains the judge's JSON is the
point. The engine is in the dev extra; where its wheel does not exist these tests are skipped, in CI they fail.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from eval.verdict import find_object

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "dashboard" / "main.py"
MODEL = "tiny-generic-cpu:1"

if importlib.util.find_spec("foundry_local_sdk") is None and not os.environ.get("CI"):
    pytest.skip("Foundry Local is missing; get it with: pip install foundry-local-sdk", allow_module_level=True)


@pytest.fixture(scope="module")
def foundry() -> Iterator[str]:
    """The address of the real engine, serving the tiny model."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "foundry" / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert process.stdout
    address = process.stdout.readline().removeprefix("URL ").strip()
    assert address.startswith("http://127.0.0.1:")
    yield address
    process.communicate()


def rightsize(db: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eval.cli", *arguments, "--db", str(db)],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def evaluated(foundry: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A database with the built-in QA set answered by the real engine, and everything stored of that run."""
    db = tmp_path_factory.mktemp("foundry") / "foundry.db"
    done = rightsize(db, "run", "--target", f"tiny={MODEL}@{foundry}")
    assert done.returncode == 0, done.stderr
    return db, json.loads(rightsize(db, "show", "last", "--json").stdout)


def test_every_question_is_answered_with_true_token_counts(evaluated: tuple[Path, dict[str, Any]]) -> None:
    answers = [answer for answer in evaluated[1]["answers"] if not answer["cold"]]
    assert len(answers) == 60
    assert not [answer["error"] for answer in answers if answer["error"]]
    for answer in answers:
        assert answer["prompt_tokens"] > 0
        assert answer["completion_tokens"] > 0
        assert not answer["tokens_estimated"]
        assert answer["finish_reason"] in ("stop", "length")
        assert answer["attempts"][0]["model_returned"] == MODEL
    timed = [answer for answer in answers if answer["ttft_ms"] is not None]
    assert timed  # a tiny model's whole answer may be read at one moment, and then has no first-token time
    for answer in timed:
        assert 0 < answer["ttft_ms"] <= answer["total_ms"]


def test_the_engine_is_named_in_the_provenance(evaluated: tuple[Path, dict[str, Any]]) -> None:
    (server,) = evaluated[1]["provenance"]["servers"].values()
    assert server["software"] == "Foundry Local"
    assert not evaluated[1]["simulated"]


def test_the_same_seed_gives_the_same_text(foundry: str, evaluated: tuple[Path, dict[str, Any]]) -> None:
    db, before = evaluated
    assert rightsize(db, "run", "--target", f"again={MODEL}@{foundry}", "--limit", "3").returncode == 0
    after = json.loads(rightsize(db, "show", "last", "--json").stdout)
    texts = {answer["question_id"]: answer["text"] for answer in before["answers"]}
    assert all(answer["text"] == texts[answer["question_id"]] for answer in after["answers"] if not answer["cold"])


def test_constrained_judgements_are_json_of_the_asked_form_and_noise_never_scores(
    foundry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "judged.db"
    judge = ("--judge", f"{MODEL}@{foundry}", "--category", "facts")
    done = rightsize(db, "run", "--target", f"tiny={MODEL}@{foundry}", *judge)
    assert done.returncode == 0, done.stderr
    shown = json.loads(rightsize(db, "show", "last", "--json").stdout)
    assessments = [a for answer in shown["answers"] for a in answer["assessments"]]
    assert len(assessments) == 10
    statuses = Counter(assessment["status"] for assessment in assessments)
    assert set(statuses) <= {"invalid", "unparsed", "partial", "ok"}
    formed = [assessment for assessment in assessments if _has_the_form(assessment["raw_reply"])]
    assert len(formed) >= 5, "the replies lack the form of the schema: the constraint did not work"
    for assessment in assessments:  # random weights cannot quote an answer by chance
        assert all(score["value"] is None or score["quotes"] for score in assessment["scores"])
    monkeypatch.setenv("RIGHTSIZE_DB", str(db))
    page = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert not page.exception
    told = " ".join(caption.value for caption in page.caption)
    assert f"Judgements that could not be used: tiny ({statuses['invalid'] + statuses['unparsed']})" in told


def _has_the_form(reply: str) -> bool:
    """Whether a reply is one object with the three criteria, each with its evidence and score; some are cut off."""
    try:
        found = find_object(reply)
    except ValueError:
        return False
    needed = {"quotes", "rationale", "flags", "null_reason", "score"}
    return set(found) == {"coherence", "factuality", "conciseness"} and all(needed <= set(v) for v in found.values())


def test_an_unknown_model_is_one_sentence_that_names_those_there_are(foundry: str, tmp_path: Path) -> None:
    done = rightsize(tmp_path / "x.db", "run", "--target", f"t=tiny@{foundry}")
    assert done.returncode == 1
    assert MODEL in done.stderr
    assert "Traceback" not in done.stderr


def test_the_run_is_shown_on_the_overview_without_a_simulated_banner(
    evaluated: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHTSIZE_DB", str(evaluated[0]))
    page = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert not page.exception
    assert page.title[0].value == "Overview"
    table = page.dataframe[0].value
    assert "tiny" in table.to_csv()
    assert "imulated data" not in " ".join(warning.value for warning in page.warning)
