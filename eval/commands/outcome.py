"""How a command that asked or judged says how it went: a table or JSON, and the exit code."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import typer
from sqlalchemy import Engine

from db import store
from eval import terminal
from eval.commands.json_output import print_json
from eval.run_cost import prices_of_runs
from eval.run_quality import Quality
from eval.run_tables import show_summaries
from eval.summary import summarise


def report(
    run_ids: Sequence[int],
    failed: dict[int, str],
    engine: Engine,
    as_json: bool,
    wanted: Callable[[Quality], bool] | None = None,
) -> None:
    """The table (or JSON) at the end; exit code 1 if a run failed or has no answer at all.

    `wanted` picks whose scores the table shows, as in run_tables.show_summaries.
    """
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in run_ids]
    summaries = [summarise(run_id, engine) for run_id in run_ids]
    if as_json:
        print_json(
            [
                {"target": run.target, "status": run.status, "error": run.error, "simulated": run.simulated}
                | asdict(summary)
                for run, summary in zip(runs, summaries, strict=True)
            ]
        )
    show_summaries(runs, summaries, prices_of_runs(engine), wanted)
    for run_id, sentence in failed.items():
        terminal.say(f"Run {run_id} failed: {sentence}")
    if failed:
        terminal.say(f"What was answered is stored. Go on with: rightsize resume {' '.join(map(str, failed))}")
    if failed or any(summary.n_answers == 0 for summary in summaries):
        raise typer.Exit(1)
