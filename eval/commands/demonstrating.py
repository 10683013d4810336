"""The command that shows how it works on simulated models: demo."""

import time
from typing import Annotated

import typer
from sqlalchemy import Engine

from db import store, workers
from db.models import RunStatus
from eval import demo as demo_runs
from eval import server, terminal
from eval.commands.measuring import execute, go_on
from eval.commands.options import Db, NoBrowser, Port
from eval.commands.outcome import report

POLL_S = 0.5  # how often another process's demo is looked at


def demo(
    port: Port = None,
    no_browser: NoBrowser = False,
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Only run; do not serve the dashboard.")] = False,
    db: Db = None,
) -> None:
    """Fill the database with a simulated evaluation, offline and without a key, and open the dashboard."""
    url = store.database_url(db)
    chosen_port = None if no_dashboard else server.free_port(port)
    engine = store.connect(url)
    _run_demo(engine, wait=chosen_port is None)
    if chosen_port is not None:
        engine.dispose()
        server.serve_dashboard(url, chosen_port, open_browser=not no_browser)


def _run_demo(engine: Engine, *, wait: bool) -> None:
    """Run the demo, or go on with it, unless it is there; `wait` for another process that is at work on it."""
    stored = demo_runs.find_demo(engine)
    if not stored:
        try:
            with demo_runs.demo_simulator() as urls:
                plan, note = demo_runs.demo_plan(urls), demo_runs.simulator_note(urls)
                outcome = execute(plan, engine, simulator=note, condition=demo_runs.only_once)
            report(*outcome, engine, False)
            return
        except demo_runs.DemoExistsError:  # begun by another process at the same moment
            stored = demo_runs.find_demo(engine)
    if any(workers.is_alive(run) for run in stored):
        terminal.say("The demo is being run by another process right now" + (", which is waited for." if wait else "."))
        if not wait:
            return
        while any(workers.is_alive(run) for run in stored):
            time.sleep(POLL_S)
            stored = demo_runs.find_demo(engine)
    unfinished = [run for run in stored if run.status != RunStatus.finished]
    if unfinished:
        terminal.say("The demo was begun before; going on where it stopped.")
        report([run.id or 0 for run in stored], go_on(unfinished, engine), engine, False)
    else:
        terminal.say(
            f"The demo is already there: {len(stored)} simulated runs in {engine.url!r}; nothing is run again."
        )
