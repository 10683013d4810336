"""The `rightsize` command: reads what was asked for, calls the part that does it, and says how it went.

No logic of its own beyond that. What a person can cause ends in one sentence and an exit code that is not 0.
"""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from db import store
from db.models import Run, RunStatus
from eval import demo as demo_runs
from eval import qa_set as qa_sets
from eval import server, terminal
from eval.endpoint import EndpointError
from eval.interchange import run_as_json
from eval.judge import Protocol
from eval.plan import JudgeSpec, Overrides, Plan, PlanError, estimate, make_plan, parse_model_at_url
from eval.runner import judge_runs, resume_runs, run_plan
from eval.server import ServerError
from eval.simulator.faults import Faults
from eval.simulator.profiles import SimulatorError, read_fields
from eval.simulator.server import HOST, Settings, serve
from eval.summary import summarise

EXPECTED = (PlanError, EndpointError, store.StoreError, qa_sets.QASetError, SimulatorError, ServerError)
CONFIG = Path("rightsize.toml")
INTERRUPTED = 130  # what typer exits with after Ctrl-C

app = typer.Typer(
    help="Measure language models on your own questions and compare quality, latency and cost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
qa_app = typer.Typer(help="Check and show QA sets.", no_args_is_help=True)
app.add_typer(qa_app, name="qa")

Db = Annotated[str | None, typer.Option("--db", help="Database: a file or a URL. Default: RIGHTSIZE_DB, rightsize.db")]
Port = Annotated[int | None, typer.Option(help="Port of the dashboard. Default: the first free one from 8501.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Serve the dashboard without opening a browser.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Runs = Annotated[list[str], typer.Argument(help='Ids, names or groups of runs, or "last" for the newest group.')]


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _report(run_ids: Sequence[int], failed: dict[int, str], engine: Engine, as_json: bool) -> None:
    """The table (or JSON) at the end; exit code 1 if a run failed or has no answer at all."""
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in run_ids]
    summaries = [summarise(run_id, engine) for run_id in run_ids]
    if as_json:
        _print_json(
            [
                {"target": run.target, "status": run.status, "error": run.error, "simulated": run.simulated}
                | asdict(summary)
                for run, summary in zip(runs, summaries, strict=True)
            ]
        )
    terminal.show_summaries(runs, summaries)
    for run_id, sentence in failed.items():
        terminal.say(f"Run {run_id} failed: {sentence}")
    if failed:
        terminal.say(f"What was answered is stored. Go on with: rightsize resume {' '.join(map(str, failed))}")
    if failed or any(summary.n_answers == 0 for summary in summaries):
        raise typer.Exit(1)


def _execute(
    plan: Plan, engine: Engine, *, quiet: bool = False, simulator: dict[str, Any] | None = None
) -> tuple[list[int], dict[int, str]]:
    with store.reading(engine) as session:
        prices: dict[str, Any] = {**store.list_prices(session=session), **plan.prices}
    terminal.show_estimate(plan, estimate(plan, prices))
    with terminal.progress_bars(quiet) as on_progress:
        return asyncio.run(run_plan(plan, engine, on_progress, simulator))


@app.command()
def run(
    target: Annotated[list[str] | None, typer.Option(help="NAME=MODEL@URL, or a name from the configuration.")] = None,
    judge: Annotated[str | None, typer.Option(help="MODEL@URL of the judge.")] = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="quick: one call an answer; study: one a criterion.")
    ] = None,
    qa_set: Annotated[Path | None, typer.Option(help="JSONL or CSV. Default: the built-in set.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each question is asked.")] = None,
    warmup: Annotated[int | None, typer.Option(min=0, help="Answers ahead that are stored but not counted.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Requests at once to an endpoint.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first N questions only.")] = None,
    category: Annotated[str | None, typer.Option(help="Ask the questions of one category only.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Name of the variable that holds the key for URLs given here.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration. Default: rightsize.toml, if there is one.")
    ] = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Ask targets the questions of a QA set, then let a judge score the answers."""
    if api_key_env and not os.environ.get(api_key_env):
        raise PlanError(f"The environment variable {api_key_env}, named by --api-key-env, is not set.")
    path = config or (CONFIG if CONFIG.exists() else None)
    overrides = Overrides(
        targets=tuple(target or ()),
        judge=judge,
        protocol=protocol,
        qa_set=qa_set,
        repeats=repeats,
        warmups=warmup,
        concurrency=concurrency,
        limit=limit,
        category=category,
        api_key_env=api_key_env,
    )
    plan = make_plan(overrides, path)
    engine = store.connect(store.database_url(db))
    _report(*_execute(plan, engine), engine, as_json)


def _resume(runs: Sequence[Run], engine: Engine, *, retry_errors: bool = False) -> dict[int, str]:
    """Go on with runs, group by group; a demo's simulator is started again on its ports."""
    failed: dict[int, str] = {}
    for group_id in dict.fromkeys(run.group_id for run in runs):
        group = [run for run in runs if run.group_id == group_id]
        simulator = group[0].definition.get("simulator")
        with ExitStack() as stack:
            if simulator:
                stack.enter_context(demo_runs.demo_simulator(simulator["ports"]))
            on_progress = stack.enter_context(terminal.progress_bars())
            ids = [run.id for run in group if run.id is not None]
            failed |= asyncio.run(resume_runs(ids, engine, on_progress, retry_errors=retry_errors))
    return failed


@app.command()
def resume(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs to go on with. Default: all that are unfinished.")
    ] = None,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Ask failed questions again.")] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Go on with runs that were stopped, killed or failed; nothing stored is asked again."""
    engine = store.connect(store.database_url(db))
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session) if runs else store.list_runs(session=session)
        failing = store.list_failing(session=session) if retry_errors else set[int]()
    due = [run for run in chosen if run.id in failing or run.status != RunStatus.finished]
    if not runs:
        due = [run for run in due if not store.is_alive(run)]  # those being worked on need nothing
    if not due:
        terminal.say("There is nothing to resume: every run is finished.")
        return
    due.sort(key=lambda run: run.id or 0)
    failed = _resume(due, engine, retry_errors=retry_errors)
    _report([run.id or 0 for run in due], failed, engine, as_json)


@app.command()
def judge(
    runs: Runs,
    judge: Annotated[str, typer.Option(help="MODEL@URL of the judge.")],
    protocol: Annotated[Protocol, typer.Option(help="quick: one call an answer; study: one a criterion.")] = "quick",
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests at once to the judge.")] = 1,
    api_key_env: Annotated[str | None, typer.Option(help="Name of the variable that holds the judge's key.")] = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Judge stored answers with another judge or protocol; the targets are not asked again."""
    model, endpoint = parse_model_at_url(judge, api_key_env)
    spec = JudgeSpec(model=model, endpoint=endpoint.model_copy(update={"concurrency": concurrency}), protocol=protocol)
    engine = store.connect(store.database_url(db))
    with store.reading(engine) as session:
        chosen = [run.id or 0 for run in store.find_runs(runs, session=session)]
    with terminal.progress_bars() as on_progress:
        failed = asyncio.run(judge_runs(chosen, spec, engine, on_progress))
    _report(chosen, failed, engine, as_json)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help='Id, name or group of a run, or "last".')],
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Show a run: its figures, or with --json everything stored of it."""
    engine = store.connect(store.database_url(db))
    with store.reading(engine) as session:
        chosen = store.find_runs([run], session=session)
    if as_json:
        shown = [run_as_json(each, engine) for each in chosen]
        _print_json(shown[0] if len(shown) == 1 else shown)
    else:
        terminal.show_summaries(chosen, [summarise(each.id or 0, engine) for each in chosen])


@app.command()
def runs(db: Db = None, as_json: AsJson = False) -> None:
    """List the stored runs, newest first."""
    engine = store.connect(store.database_url(db))
    with store.reading(engine) as session:
        stored = store.list_runs(session=session)
    if as_json:
        _print_json([run.model_dump(mode="json", exclude={"summary", "summary_revision"}) for run in stored])
    elif stored:
        terminal.show_runs(stored)
    else:
        terminal.say("There are no runs yet; start with: rightsize demo")


@app.command()
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
    stored = demo_runs.find_demo(engine)
    unfinished = [run for run in stored if run.status != RunStatus.finished]
    if any(store.is_alive(run) for run in unfinished):
        terminal.say("The demo is being run by another process right now.")
    elif unfinished:
        terminal.say("The demo was begun before; going on where it stopped.")
        _report([run.id or 0 for run in stored], _resume(unfinished, engine), engine, False)
    elif stored:
        terminal.say(
            f"The demo is already there: {len(stored)} simulated runs in {engine.url!r}; nothing is run again."
        )
    else:
        with demo_runs.demo_simulator() as urls:
            plan = demo_runs.demo_plan(urls)
            outcome = _execute(plan, engine, simulator=demo_runs.simulator_note(urls))
        _report(*outcome, engine, False)
    if chosen_port is not None:
        engine.dispose()
        server.serve_dashboard(url, chosen_port, open_browser=not no_browser)


@app.command()
def dashboard(port: Port = None, no_browser: NoBrowser = False, db: Db = None) -> None:
    """Open the dashboard."""
    url = store.database_url(db)
    chosen_port = server.free_port(port)
    store.connect(url).dispose()
    server.serve_dashboard(url, chosen_port, open_browser=not no_browser)


@app.command()
def simulate(
    port: Annotated[list[int] | None, typer.Option(help="Port to listen on; may be repeated. 0: any free one.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on. Default: this machine only.")] = HOST,
    speed: Annotated[float, typer.Option(help="Divides all times.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Enters every answer, fault and jitter.")] = 0,
    qa_set: Annotated[Path | None, typer.Option(help="Questions it can answer. Default: the built-in set.")] = None,
    log: Annotated[Path | None, typer.Option(help="File that gets the true times of every request.")] = None,
    faults: Annotated[str, typer.Option(help="For example rate_429=0.1,retry_after_s=2,rate_drop=0.05")] = "",
) -> None:
    """Serve simulated models on loopback: an OpenAI-compatible server with known answers and latencies."""
    settings = Settings(
        qa_set=qa_sets.load(qa_set) if qa_set else None,
        faults=read_fields(Faults, faults),
        seed=seed,
        speed=speed,
        log_file=log,
    )

    def ready(urls: list[str]) -> None:
        names = ", ".join(profile.name for profile in settings.profiles)
        terminal.say(f"Simulated models {names} at {' '.join(urls)} (Ctrl-C ends it)")

    serve(settings, ports=port or [0], host=host, on_ready=ready)


@qa_app.command("check")
def qa_check(file: Annotated[Path, typer.Argument(help="A QA set as JSONL or CSV.")]) -> None:
    """Check a QA set: every fault with its line, field, what is wrong and what would be right."""
    checked = qa_sets.load(file)
    counts: dict[str, int] = {}
    for question in checked.questions:
        counts[question.category] = counts.get(question.category, 0) + 1
    spread = ", ".join(f"{n} {category}" for category, n in counts.items())
    sys.stdout.write(f"{file}: {len(checked.questions)} questions ({spread}), version {checked.sha256[:8]}, no fault\n")


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
