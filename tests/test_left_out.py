"""Which runs the Quality page leaves out: each is named with the reason, and what is in view is not."""

from pathlib import Path

import pytest
import test_quality_number as filled
from pages import open_page, parsed
from test_findings import run

from dashboard.left_out import left_out, preliminary, unscored
from db import store
from db.models import RunStatus

SETS = {1: "set 1 (abc)", 2: "other 1 (def)"}
HERE = [run(5, "small"), run(6, "big")]


def test_every_reason_is_named_with_its_runs() -> None:
    others = [run(9, "big", status="running"), run(8, "big", qa_set_id=2), run(3, "small"), run(7, "cloud"), *HERE]
    said = left_out(HERE, others, SETS).replace("\\", "")
    assert said == (
        "Runs left out here: not finished: #9 big (running); on another QA set or version: #8 big (other 1 (def)); "
        "not the newest of their target: #3 small (#5 is shown); not chosen above: #7 cloud."
    )


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    assert left_out(HERE, HERE, SETS) == ""
    assert preliminary(HERE) == ""
    assert unscored(HERE, [5, 6], "overall") == ""


def test_a_newer_run_of_a_target_in_view_is_not_called_an_older_one() -> None:
    assert left_out(HERE, [run(12, "small")], SETS) == r"Runs left out here: not chosen above: \#12 small."


def test_many_runs_are_counted_and_some_named() -> None:
    said = left_out(HERE, [run(i, "small", qa_set_id=2) for i in range(100, 120)], SETS)
    assert said.count("small") == 4
    assert said.endswith("and 16 more.")


def test_the_page_names_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{(tmp_path / 'left.db').as_posix()}"
    engine = store.connect(url)
    with store.writing(engine) as session:
        for group, status, judged in (
            ("old", RunStatus.finished, True),
            ("new", RunStatus.finished, True),
            ("new", RunStatus.finished, False),
            ("new", RunStatus.failed, True),
        ):
            stored, _ = filled.a_run(session, judged=judged)
            stored.group_id, stored.status = group, status
            session.add(stored)
    engine.dispose()
    said = parsed(open_page(monkeypatch, url, "quality")).replace("\\", "").replace("\u2060", "")
    assert "not finished: #4 test-small (failed)" in said
    assert "not the newest of their target: #1 test-small (#3 is shown)" in said
    assert "No number, because nobody scored them on overall: #3 test-small." in said
    said = parsed(open_page(monkeypatch, url, "quality", runs="1,2,3,4")).replace("\\", "").replace("\u2060", "")
    assert "Runs left out here" not in said
    assert "Not finished, so the figures are preliminary: #4 test-small (failed)." in said
