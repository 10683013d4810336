"""The commands that show what is stored: runs and show."""

from typing import Annotated, Any

import typer

from db import store, workers
from db.models import Run
from eval import terminal
from eval.commands.database import open_existing
from eval.commands.options import AsJson, Db
from eval.commands.outcome import print_json
from eval.interchange import run_as_json
from eval.run_cost import prices_of_runs
from eval.summary import summarise


def show(
    run: Annotated[str, typer.Argument(help='Id, name or group of a run, or "last".')],
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Show a run: its figures, or with --json everything stored of it."""
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs([run], session=session)
    if as_json:
        shown = [run_as_json(each, engine) for each in chosen]
        print_json(shown[0] if len(shown) == 1 else shown)
    else:
        terminal.show_summaries(chosen, [summarise(each.id or 0, engine) for each in chosen], prices_of_runs(engine))


def _as_json(run: Run) -> dict[str, Any]:
    return run.model_dump(mode="json", exclude={"summary", "summary_revision"}) | {"standing": workers.standing(run)}


def runs(db: Db = None, as_json: AsJson = False) -> None:
    """List the stored runs, newest first."""
    engine = open_existing(db)
    with store.reading(engine) as session:
        stored = store.list_runs(session=session)
    if as_json:
        print_json([_as_json(run) for run in stored])
    elif stored:
        terminal.show_runs(stored)
    else:
        terminal.say("There are no runs yet; start with: rightsize demo")
