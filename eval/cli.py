"""The `rightsize` command: puts the commands together and ends each in a sentence and an exit code.

What a person can cause ends in one sentence and an exit code that is not 0. The commands themselves are in commands/.
"""

import io
import os
import signal
import sys

import typer

from db import store
from eval import qa_set as qa_sets
from eval import terminal
from eval.agreeing import AgreementError
from eval.chat import EndpointError
from eval.commands import analysing, checking, costing, exchanging, measuring, reading, serving
from eval.comparing import ComparisonError
from eval.config import PlanError
from eval.cost.faults import FaultyFileError
from eval.cost.prose import UntaggedNumberError
from eval.interchange.dumping import ExportError
from eval.interchange.lines import FileError
from eval.interchange.loading import ImportFaultsError
from eval.interchange.scales import ScaleError
from eval.quality_number import QualityError
from eval.report.drawing import ReportError
from eval.rubric import RubricError
from eval.server import ServerError
from eval.simulator.profiles import SimulatorError

EXPECTED = (
    *(PlanError, qa_sets.QASetError, RubricError),
    *(EndpointError, store.StoreError, SimulatorError, ServerError),
    *(AgreementError, ComparisonError, QualityError, FaultyFileError, ReportError, UntaggedNumberError),
    *(ExportError, FileError, ImportFaultsError, ScaleError),
)
INTERRUPTED = 130  # what typer exits with after Ctrl-C

app = typer.Typer(
    help="Measure language models on your own questions and compare quality, latency and cost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    *(measuring.run, measuring.resume, measuring.judge),
    *(reading.show, reading.runs),
    *(analysing.quality, analysing.agreement, analysing.compare),
    *(costing.tco, costing.report),
    *(serving.demo, serving.dashboard, serving.simulate),
):
    app.command()(command)
app.command("export")(exchanging.export)
app.command("import")(exchanging.import_)

qa_app = typer.Typer(help="Check and show QA sets.", no_args_is_help=True)
qa_app.command("check")(checking.qa_check)
app.add_typer(qa_app, name="qa")
rubric_app = typer.Typer(help="Check rubrics.", no_args_is_help=True)
rubric_app.command("check")(checking.rubric_check)
app.add_typer(rubric_app, name="rubric")
scenario_app = typer.Typer(help="Check scenarios.", no_args_is_help=True)
scenario_app.command("check")(costing.scenario_check)
app.add_typer(scenario_app, name="scenario")
prices_app = typer.Typer(help="Check price cards.", no_args_is_help=True)
prices_app.command("check")(costing.prices_check)
app.add_typer(prices_app, name="prices")


def main() -> None:
    """Run the command line; expected faults end with one sentence on standard error and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except EXPECTED as error:
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
