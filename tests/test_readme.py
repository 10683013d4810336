"""The README says what is so: its configuration is accepted, its commands, faults and keys are those there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from dashboard.hotkeys import KEYS
from eval.cli import app
from eval.plan import _read_config
from eval.simulator.faults import Faults

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_its_configuration_has_no_fault(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "rightsize.toml"
    file.write_text(example, encoding="utf-8")
    config = _read_config(file)
    assert list(config.targets) == ["small", "cloud", "hybrid"]
    assert config.judge is not None


def test_every_command_is_named() -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    names += [f"{group.name} check" for group in app.registered_groups]
    assert len(names) > 8
    assert [name for name in names if f"`rightsize {name}" not in README] == []


def test_every_fault_of_the_simulator_is_named() -> None:
    assert [field.name for field in fields(Faults) if field.name != "script" and field.name not in README] == []


@pytest.mark.parametrize("key", [key for key in KEYS if len(key) > 1])
def test_every_key_for_scoring_is_told_with_what_it_does(key: str) -> None:
    assert f"| {key} | {KEYS[key]} |" in README
