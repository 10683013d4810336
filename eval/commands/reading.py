"""The command that shows what is stored of a run: show."""

from typing import Annotated

import typer

from db import store
from eval.commands.database import open_existing
from eval.commands.json_output import print_json
from eval.commands.options import AsJson, Db
from eval.interchange import run_as_json
from eval.run_cost import prices_of_runs
from eval.run_tables import show_summaries
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
        show_summaries(chosen, [summarise(each.id or 0, engine) for each in chosen], prices_of_runs(engine))
