"""A QA set goes out alone and comes in elsewhere as the same set, as lines and as a table."""

import json
from pathlib import Path

import pytest
from command import Command
from exchanged import FIXTURES

from eval import qa_set
from eval.interchange.formats import Format, detect


@pytest.mark.parametrize(("form", "name"), [("jsonl", "again.jsonl"), ("csv", "again.csv")])
def test_a_qa_set_goes_out_alone_and_is_the_same_set_elsewhere(
    form: str, name: str, rightsize: Command, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.jsonl"
    lines = [
        {
            "id": "a-1",
            "question": "What, =1+1?",
            "reference": "This.",
            "key_points": ["one", "two"],
            "must": ["says so"],
        },
        {"id": "a-2", "question": "Why?", "reference": "So.", "documents": [{"title": "T", "text": "Long."}]},
    ]
    mine.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert "Imported a QA set of 2 questions" in rightsize("import", str(mine), "--db", "here.db").out
    out = tmp_path / name
    assert rightsize("export", "qa-set", "mine", "--format", form, "--out", str(out), "--db", "here.db").code == 0
    assert detect(out) == Format.qa_set
    assert qa_set.load(out).sha256 == qa_set.load(mine).sha256
    assert "Already there" in rightsize("import", str(out), "--db", "here.db").out
    assert "Imported a QA set of 2 questions" in rightsize("import", str(out), "--db", "there.db").out


def test_the_built_in_set_needs_no_database(rightsize: Command) -> None:
    text = rightsize("export", "qa-set", "built-in").out
    assert text == qa_set.to_jsonl(qa_set.built_in())


def test_a_set_without_references_goes_out_as_records(rightsize: Command, tmp_path: Path) -> None:
    rightsize("import", str(FIXTURES / "openai_evals.jsonl"), "--db", "here.db")
    out = tmp_path / "open.jsonl"
    said = rightsize("export", "qa-set", "capitals.dev.v0", "--out", str(out), "--db", "here.db").err
    assert "4 questions of capitals.dev.v0" in said
    assert "2 of them have no reference answer" in said
    assert detect(out) == Format.rightsize
    assert "Already there" in rightsize("import", str(out), "--db", "here.db").out
    refused = rightsize("export", "qa-set", "capitals.dev.v0", "--format", "csv", "--db", "here.db")
    assert "question capitals.dev.2 has no reference answer; export it as JSONL" in refused.err


def test_a_set_that_is_not_there_is_told_with_those_that_are(rightsize: Command) -> None:
    rightsize("import", str(FIXTURES / "openai_evals.jsonl"), "--db", "here.db")
    said = rightsize("export", "qa-set", "nothing", "--db", "here.db").err
    assert 'There is no QA set "nothing"; there are: capitals.dev.v0 (' in said
    assert "Name one QA set" in rightsize("export", "qa-set", "--db", "here.db").err
