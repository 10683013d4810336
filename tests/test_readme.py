"""The README says what is so: its configuration is accepted, its commands, faults and keys are those there are."""

import re
import tomllib
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from dashboard.hotkeys import KEYS
from eval.cli import app
from eval.config import read_config
from eval.qa_set import Question
from eval.rubric import judgeable, load
from eval.simulator.faults import Faults

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def test_its_configuration_has_no_fault(tmp_path: Path) -> None:
    example, _ = EXAMPLES
    file = tmp_path / "rightsize.toml"
    file.write_text(example, encoding="utf-8")
    config = read_config(file, ("qa_set", "rubric")).config
    assert list(config.targets) == ["small", "cloud", "hybrid"]
    assert config.judge is not None


def test_its_rubric_has_no_fault(tmp_path: Path) -> None:
    _, example = EXAMPLES
    file = tmp_path / "our-rubric.toml"
    file.write_text(example, encoding="utf-8")
    assert judgeable(load(file)).criterion_ids == ("tone",)


def test_every_field_of_a_question_is_told() -> None:
    told = re.findall(r"^\| (`[a-z_`, ]+`) \|", README[README.index("## Your own questions") :], re.MULTILINE)
    assert set(Question.model_fields) <= set(re.findall(r"`([a-z_]+)`", " ".join(told)))


def test_the_start_page_names_the_same_servers() -> None:
    page = (HOME / "dashboard" / "app_pages" / "start.py").read_text(encoding="utf-8")
    servers = dict(re.findall(r'"([\w. ]+)": \("[^"]+", "(http[^"]+)"\)', page))
    told = re.sub(r"\s+", " ", README[README.index("Usual addresses:") :].partition("\n\n")[0])
    assert dict(re.findall(r"([\w.]+(?: [A-Z]\w+)?) `(http[^`]+)`", told)) == servers


def leaves(command: Any, *path: str) -> dict[str, Any]:
    """The commands below a group by the words that call them."""
    below = getattr(command, "commands", None)
    if below is None:
        return {" ".join(path): command.load()}
    return {name: leaf for word, one in below.items() for name, leaf in leaves(one, *path, word).items()}


COMMANDS = leaves(app)
LINES = re.findall(r"rightsize ((?:[^`\n^|]|\^\n\s*)+)", README)


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_accepted(line: str) -> None:
    words = line.replace("^\n", " ").split()
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    COMMANDS[name].make_context(name, words[len(name.split()) :])  # reads the line and does nothing


def test_every_option_in_the_table_is_one_of_its_command() -> None:
    told = re.findall(r"^\| `rightsize ([a-z ]*[a-z])[^|]*\| (.*) \|$", README, re.MULTILINE)
    assert len(told) > 8
    for name, text in told:
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", text)) <= known, name


def test_every_command_takes_a_database_but_those_that_use_none() -> None:
    without = [name for name, one in COMMANDS.items() if not any("--db" in its.opts for its in one.params)]
    assert {name for name in without if not name.endswith(" check")} == {"simulate"}


def test_every_command_is_named() -> None:
    assert len(COMMANDS) > 8
    assert [name for name in COMMANDS if f"`rightsize {name}" not in README] == []


def test_the_constraints_pin_every_dependency_by_its_version_alone() -> None:
    lines = (HOME / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if len(pin) != 2 or not re.fullmatch(r"[\w.+]+", pin[1])] == []  # no hash, no address
    project = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.match(r"[\w.-]+", requirement).group() for requirement in wanted}  # pyright: ignore
    assert names <= {name.lower() for name, _ in pins}


def test_the_gate_runs_the_command_that_the_readme_gives_for_the_tests() -> None:
    (command,) = re.findall(r"```\n(pip install .*pytest)\n```", README)
    gate = (HOME / ".ci" / "run").read_text(encoding="utf-8")
    last = gate.strip().splitlines()[-1]
    assert last.replace(" --quiet", "") == command
    assert "apt-get install -y -q chromium" in gate
    assert "CI=true" in gate  # a missing browser is a failure there


def test_every_file_that_it_leads_to_is_there() -> None:
    told = re.findall(r"\]\(([^)#]+)\)", README)
    told += re.findall(r"`((?:docs|tests|eval|dashboard|db)/[\w/.]+\.\w+)`", README)
    assert "docs/overview.png" in told
    assert [path for path in told if not (HOME / path).exists()] == []


def test_every_fault_of_the_simulator_is_named() -> None:
    assert [field.name for field in fields(Faults) if field.name != "script" and field.name not in README] == []


@pytest.mark.parametrize("key", [key for key in KEYS if len(key) > 1])
def test_every_key_for_scoring_is_told_with_what_it_does(key: str) -> None:
    assert f"| {key} | {KEYS[key]} |" in README
