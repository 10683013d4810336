"""A command started from the dashboard is a process of its own, with a log and a known end."""

import time
from pathlib import Path

from db import store
from eval.launch import exit_code, launch


def wait(log: Path) -> int | None:
    for _ in range(300):
        if (code := exit_code(log)) is not None:
            return code
        time.sleep(0.1)
    return None


def test_a_command_that_works_ends_with_0_and_leaves_its_output(empty_url: str):
    store.connect(empty_url).dispose()
    log = launch(["runs"], empty_url)
    assert wait(log) == 0
    assert "There are no runs yet" in log.read_text(encoding="utf-8")


def test_a_command_that_fails_ends_with_another_code(empty_url: str):
    assert wait(launch(["resume", "77"], empty_url)) not in (0, None)


def test_a_log_of_nobody_knows_no_end(tmp_path: Path):
    assert exit_code(tmp_path / "gone.log") is None
