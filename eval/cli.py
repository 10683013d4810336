"""The `rightsize` command: puts the commands together and ends each in a sentence and an exit code.

What a person can cause ends in one sentence and an exit code that is not 0. The commands themselves are in commands/.
"""

import io
import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_group

from db.store import StoreError
from eval import terminal
from eval.expected import ExpectedError
from eval.lazy_command import LazyCommand

INTERRUPTED = 130  # what typer exits with after Ctrl-C
COMMANDS = {
    "run": "measuring",
    "resume": "measuring",
    "judge": "measuring",
    "show": "reading",
    "runs": "listing",
    "quality": "analysing",
    "agreement": "analysing",
    "compare": "analysing",
    "tco": "costing",
    "report": "costing",
    "demo": "demonstrating",
    "dashboard": "serving",
    "simulate": "simulating",
    "export": "exchanging",
    "import": "exchanging",
}
CHECKS = {
    "qa": ("checking", "Check QA sets."),
    "rubric": ("checking", "Check rubrics."),
    "scenario": ("costing", "Check scenarios."),
    "prices": ("costing", "Check price cards."),
}


def _command(name: str, module: str, function: str) -> LazyCommand:
    return LazyCommand(name, f"eval.commands.{module}", function)


def _check(subject: str, module: str, help_text: str) -> TyperGroup:
    its = _command("check", module, f"{subject}_check")
    return TyperGroup(name=subject, commands=[its], help=help_text, no_args_is_help=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"rightsize {version('rightsize')}\n")
        raise typer.Exit


def _rightsize(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Measure language models on your own questions and compare quality, latency and cost."""


def _make_app() -> TyperGroup:
    app = get_group(typer.Typer(callback=_rightsize, no_args_is_help=True, add_completion=False))
    for name, module in COMMANDS.items():
        app.add_command(_command(name, module, "import_" if name == "import" else name))
    for subject, its in CHECKS.items():
        app.add_command(_check(subject, *its))
    return app


app = _make_app()


def main() -> None:
    """Run the command line; expected faults end with one sentence on standard error and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except (ExpectedError, StoreError) as error:
        terminal.say(f"rightsize: {error}")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            terminal.say(
                "Stopped; nothing stored is lost. A run goes on with `rightsize resume`, judging with the same command."
            )
        raise


if __name__ == "__main__":
    main()
