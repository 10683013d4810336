"""The commands that ask models: run, resume and judge."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from db import store, workers
from db.exchange import is_imported
from db.models import Price, RaterKind, Run, RunStatus
from eval import demo as demo_runs
from eval import run_tables, terminal
from eval.assessing import find_rater, judge_runs, list_due, rubric_of
from eval.chat import EndpointError
from eval.commands.database import is_there, open_existing
from eval.commands.options import AsJson, Config, Db, Judges, RubricFile, Runs, Samples, Temperature
from eval.commands.outcome import report
from eval.comparing import detectable_difference
from eval.config import PlanError
from eval.connections import check_endpoints, need_keys
from eval.estimate import estimate, estimate_judging
from eval.hosts import host_of
from eval.judge import Protocol, protocol_name
from eval.plan import JudgeSpec, Overrides, Plan, make_judges, make_plan
from eval.records import to_question
from eval.rubric import Rubric
from eval.run_cost import CURRENCY, price_of, prices_of_runs
from eval.run_quality import Quality
from eval.runner import resume_runs, run_plan
from eval.simulator.profiles import SimulatorError

CONFIG = Path("rightsize.toml")
JudgeProtocol = Annotated[
    Protocol | None,
    typer.Option(help="quick: one call an answer; study: one a criterion; expected: one digit, by its probabilities."),
]


def execute(
    plan: Plan,
    engine: Engine,
    *,
    simulator: dict[str, Any] | None = None,
    condition: Callable[[Session], None] | None = None,
) -> tuple[list[int], dict[int, str]]:
    """Carry a plan out with estimate and progress on the terminal; as run_plan of the runner."""
    models = [stage.model for target in plan.targets for stage in target.stages]
    prices, pace = _known([*models, *(judge.model for judge in plan.judges)], engine)
    run_tables.show_plan(plan)
    run_tables.show_estimate(estimate(plan, {**prices, **plan.prices}, pace))
    if len(plan.targets) > 1:
        terminal.say(detectable_difference(len(plan.asked), len(plan.targets), engine))
    _say_who_contends((stage.endpoint.url for target in plan.targets for stage in target.stages), engine)
    with terminal.progress_bars() as on_progress:
        return asyncio.run(run_plan(plan, engine, on_progress, simulator, condition))


def _say_who_contends(urls: Iterable[str], engine: Engine, ours: Sequence[int] = ()) -> None:
    """Say which runs another process measures on the same hosts at this moment: turns are taken within one process."""
    hosts = {host_of(url) for url in urls}
    with store.reading(engine) as session:
        unfinished = store.list_runs(unfinished=True, session=session)
    for run in unfinished:
        measured = run.status == RunStatus.answering and not run.simulated and run.id not in ours
        if measured and host_of(run.endpoint) in hosts and workers.is_alive(run):
            terminal.say(
                f"Run {run.id} ({run.target}) is being measured on {host_of(run.endpoint)} by another process: the "
                "latencies of both will be too long. Stop one of them where latency matters."
            )


def _known(models: Iterable[str], engine: Engine) -> tuple[dict[str, Price], dict[tuple[str, str], float]]:
    """What an estimate can rest on: the prices that the summary will use too, and how long judges took before."""
    card = prices_of_runs(engine)
    rows = {model: card.in_force(model, card.date)[0] for model in models}
    prices = {model: price_of(row) for model, row in rows.items() if row and row.currency == CURRENCY}
    with store.reading(engine) as session:
        return prices, store.judging_pace(session=session)


def run(
    target: Annotated[list[str] | None, typer.Option(help="NAME=MODEL@URL, or a name from the configuration.")] = None,
    judge: Judges = None,
    protocol: JudgeProtocol = None,
    samples: Samples = None,
    temperature: Temperature = None,
    rubric: RubricFile = None,
    qa_set: Annotated[Path | None, typer.Option(help="JSONL or CSV. Default: the built-in set.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each question is asked.")] = None,
    warmup: Annotated[int | None, typer.Option(min=0, help="Answers ahead that are stored but not counted.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Requests at once to an endpoint.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first N questions only.")] = None,
    category: Annotated[str | None, typer.Option(help="Ask the questions of one category only.")] = None,
    side_by_side: Annotated[
        bool | None,
        typer.Option(
            "--side-by-side/--in-turn", help="Measure endpoints on one host at the same time. Default: in turn."
        ),
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Name of the variable that holds the key for URLs given here.")
    ] = None,
    config: Config = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Ask targets the questions of a QA set, then let a judge score the answers."""
    if api_key_env and not os.environ.get(api_key_env):
        raise PlanError(f"The environment variable {api_key_env}, named by --api-key-env, is not set.")
    overrides = Overrides(
        targets=tuple(target or ()),
        judges=tuple(judge or ()),
        protocol=protocol,
        samples=samples,
        temperature=temperature,
        rubric=rubric,
        qa_set=qa_set,
        repeats=repeats,
        warmups=warmup,
        concurrency=concurrency,
        limit=limit,
        category=category,
        side_by_side=side_by_side,
        api_key_env=api_key_env,
    )
    plan = make_plan(overrides, config or (CONFIG if CONFIG.exists() else None))
    need_keys(plan.targets, plan.judges)
    url = store.database_url(db)
    if not is_there(url):  # a run that cannot begin makes no database
        asyncio.run(check_endpoints(plan.targets, plan.judges))
    engine = store.connect(url)
    report(*execute(plan, engine), engine, as_json)


def go_on(runs: Sequence[Run], engine: Engine, *, retry_errors: bool = False) -> dict[int, str]:
    """Go on with runs, group by group; a demo's simulator is started again on its ports.

    Returns the sentences of runs that failed. A group whose endpoint cannot be used is left as it is, and the next
    one's turn comes.
    """
    failed: dict[int, str] = {}
    for group_id in dict.fromkeys(run.group_id for run in runs):
        group = [run for run in runs if run.group_id == group_id]
        ids = [run.id for run in group if run.id is not None]
        simulator = group[0].definition.get("simulator")
        _say_who_contends((run.endpoint for run in group if not run.simulated), engine, ids)
        with store.writing(engine) as session:  # before its ports are taken: one process at a time
            workers.claim_runs(ids, session=session)
        try:
            with ExitStack() as stack:
                if simulator:
                    stack.enter_context(demo_runs.demo_simulator(simulator["ports"]))
                on_progress = stack.enter_context(terminal.progress_bars())
                failed |= asyncio.run(resume_runs(ids, engine, on_progress, retry_errors=retry_errors))
        except (EndpointError, SimulatorError) as error:
            failed |= dict.fromkeys(ids, str(error))
            with store.writing(engine) as session:
                workers.release_runs(ids, str(error), session=session)
    return failed


def _busy(runs: Sequence[Run], engine: Engine) -> list[Run]:
    """Those of some runs that another process is at work on, or whose simulator it has started for others."""
    with store.reading(engine) as session:
        groups = {g: store.list_runs(group_id=g, session=session) for g in {run.group_id for run in runs}}

    def is_busy(run: Run) -> bool:
        sharing = groups[run.group_id] if run.definition.get("simulator") else [run]
        return any(workers.is_alive(other) for other in sharing)

    return [run for run in runs if is_busy(run)]


def resume(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs to go on with. Default: all that are unfinished.")
    ] = None,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Ask failed questions again.")] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Go on with runs that were stopped, killed or failed; nothing stored is asked again."""
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session) if runs else store.list_runs(session=session)
        failing = store.list_failing(session=session) if retry_errors else set[int]()
    due = sorted(
        (run for run in chosen if run.id in failing or run.status != RunStatus.finished), key=lambda run: run.id or 0
    )
    if not runs:
        due = [run for run in due if not is_imported(run)]
    if busy := _busy(due, engine):
        numbers = ", ".join(str(run.id) for run in busy)
        terminal.say(f"Left alone, because it is being worked on by another process: run {numbers}.")
        due = [run for run in due if run.id not in {each.id for each in busy}]
    if not due and busy:
        terminal.say("There is nothing else to resume.")
        raise typer.Exit(1 if runs else 0)  # what was named could not be done; what is unfinished is being done
    if not due:
        terminal.say("There is nothing to resume: every run is finished.")
        return
    failed = go_on(due, engine, retry_errors=retry_errors)
    report([run.id or 0 for run in due], failed, engine, as_json)


def judge(
    runs: Runs,
    judge: Judges = None,
    protocol: JudgeProtocol = None,
    samples: Samples = None,
    temperature: Temperature = None,
    rubric: Annotated[
        Path | None, typer.Option(help="TOML. Default: that of the configuration's judge, else that of each run.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Requests at once to the judge.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Name of the variable that holds the judge's key.")] = None,
    config: Config = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Judge stored answers with another judge, rubric or protocol; the targets are not asked again."""
    overrides = Overrides(
        judges=tuple(judge or ()),
        protocol=protocol,
        samples=samples,
        temperature=temperature,
        rubric=rubric,
        concurrency=concurrency,
        api_key_env=api_key_env,
    )
    default = CONFIG if not judge and CONFIG.exists() else None
    specs, its_rubric = make_judges(overrides, config or default)
    need_keys((), specs)
    engine = open_existing(db)
    with store.reading(engine) as session:
        stored = store.find_runs(runs, session=session)
    due = [
        (
            spec,
            (its := its_rubric or rubric_of(run)),
            [(to_question(q), a.text or "") for a, q in list_due(run, spec, its, engine)],
        )
        for run in stored
        for spec in specs
    ]
    chosen = [run.id or 0 for run in stored]
    if not any(pairs for _, _, pairs in due):
        names = ", ".join(dict.fromkeys(f"{spec.name} ({spec.protocol})" for spec in specs))
        terminal.say(f"There is nothing left to judge: {names} has judged every answer of these runs by this rubric.")
        report(chosen, {}, engine, as_json)
        return
    run_tables.show_estimate(estimate_judging(due, *_known([spec.model for spec in specs], engine)))
    with terminal.progress_bars() as on_progress:
        failed = asyncio.run(judge_runs(chosen, specs, engine, on_progress, its_rubric))
    report(chosen, failed, engine, as_json, _by_these(specs, its_rubric, stored, engine))


def _by_these(
    specs: Sequence[JudgeSpec], rubric: Rubric | None, runs: Sequence[Run], engine: Engine
) -> Callable[[Quality], bool]:
    """Which scores are those of some judges under a rubric, or under each run's own."""
    protocols = {protocol_name(spec.protocol, spec.temperature) for spec in specs}
    hashes = {(rubric or rubric_of(run)).sha256 for run in runs}
    with store.reading(engine) as session:
        rubrics = {stored.id for stored in store.list_rubrics(session=session) if stored.sha256 in hashes}
        raters = store.list_raters(kind=RaterKind.judge, session=session)
    judges = {rater.id for spec in specs if (rater := find_rater(spec, raters))}
    return lambda its: its.judge_id in judges and its.protocol in protocols and its.rubric_id in rubrics
