"""Only the command that is called is imported, and every command says in the list what it says of itself."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from command import Command
from test_readme import COMMANDS

HEAVY = "openai pandas altair scipy aiohttp streamlit"


@pytest.mark.parametrize("arguments", ["--help", "runs", "qa check none.jsonl", "nonsense"])
def test_what_a_command_does_not_need_is_not_imported(arguments: str) -> None:
    script = (
        "import sys; from eval import cli\n"
        f"sys.argv = ['rightsize', *{arguments.split()!r}]\n"
        "try: cli.main()\n"
        f"except SystemExit: print('imported:', *[name for name in '{HEAVY}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines()[-1] == "imported:"


def test_every_command_is_listed_with_what_it_says_of_itself(
    rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    said = " ".join(rightsize("--help").out.split())
    for name, command in COMMANDS.items():
        if " " not in name:
            assert " ".join((command.help or "").split())[:60] in said
        else:
            below = rightsize(name.split()[0], "--help").out
            assert " ".join((command.help or "").split())[:60] in " ".join(below.split())


def test_the_version_is_told(rightsize: Command) -> None:
    said = rightsize("--version")
    assert (said.code, said.out) == (0, f"rightsize {version('rightsize')}\n")


def test_a_command_that_is_nearly_typed_is_guessed(rightsize: Command) -> None:
    said = rightsize("shwo")
    assert said.code == 2
    assert "Did you mean 'show'" in said.err
