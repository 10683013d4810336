"""The command that lists what is stored: runs."""

from typing import Any

from db import store, workers
from db.models import Run
from eval import terminal
from eval.commands.database import open_existing
from eval.commands.json_output import print_json
from eval.commands.options import AsJson, Db


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
