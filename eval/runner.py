"""Carries a plan out: asks every target every question, then lets the judges assess, and stores each step.

Measures first and judges after. What was stored is never asked again, so a run that was stopped or killed goes on where
it was. Answering one run is answering.py's business, assessing its answers assessing.py's.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from db import models, store, workers
from db.exchange import is_imported
from db.models import RunStatus
from eval import records, targets
from eval.answering import Work, load_work, take_turns, turns_of
from eval.assessing import assess_by_plan, judges_of
from eval.chat import ChatRequest
from eval.connections import connected
from eval.endpoint import EndpointClient
from eval.lag import LagMonitor
from eval.plan import Plan
from eval.provenance import describe_machine, describe_server, model_family
from eval.scribe import Scribe
from eval.summary import summarise
from eval.work import OnProgress, failure_of

HEARTBEAT_S = 5.0


# --- surroundings ---------------------------------------------------------------------------------------------------


@contextmanager
def quiet_process() -> Iterator[None]:
    """Keep this process from disturbing its own stop-watch: short thread switches, few garbage collections."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # a request leaves few cycles; at Python's own 700 they cost a tenth of its CPU
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


# --- creating runs --------------------------------------------------------------------------------------------------


def _parameters(plan: Plan) -> dict[str, Any]:
    example = ChatRequest("", (), 1)
    return {
        "temperature": example.temperature,
        "seed": example.seed,
        "max_tokens": "the question's output limit",
        "system": targets.SYSTEM,
        "prompt_version": targets.PROMPT_VERSION,
        "rubric_sha256": plan.rubric.sha256,
        "qa_set_sha256": plan.questions.sha256,
    }


async def _create_runs(
    plan: Plan,
    clients: Mapping[str, EndpointClient],
    engine: Engine,
    simulator: dict[str, Any] | None,
    condition: Callable[[Session], None] | None,
) -> list[int]:
    """Store the QA set, the prices and one planned run a target, all at once; returns the ids of the runs.

    `condition` is asked in that same transaction; what it raises leaves the database as it was.
    """
    machine = await asyncio.to_thread(describe_machine)
    servers = dict(
        zip(clients, await asyncio.gather(*(describe_server(u, c.server) for u, c in clients.items())), strict=True)
    )
    group_id = store.new_group_id()
    head, questions = records.qa_set_rows(plan.questions)
    with store.writing(engine) as session:
        stored = store.save_qa_set(head, questions, session=session)
        if condition:
            condition(session)
        for model, price in plan.prices.items():
            store.save_price(models.Price(model=model, **price.model_dump()), session=session)
        runs = []
        for target in plan.targets:
            its = [clients[url] for url in target.endpoints]
            run = models.Run(
                group_id=group_id,
                name=target.name,
                target=target.name,
                kind=target.kind,
                model=target.model,
                endpoint=", ".join(target.endpoints),
                family=model_family(target.stages[-1].model),
                definition={
                    "target": target.model_dump(mode="json"),
                    "judges": [judge.model_dump(mode="json") for judge in plan.judges],
                    "rubric": {"sha256": plan.rubric.sha256, "body": plan.rubric.model_dump(mode="json")},
                    "questions": [q.id for q in plan.asked],
                    "parameters": _parameters(plan),
                    "side_by_side": plan.side_by_side,
                    "simulator": simulator,
                },
                qa_set_id=stored.id or 0,
                repeats=plan.repeats,
                warmups=plan.warmups,
                concurrency=min(stage.endpoint.concurrency for stage in target.stages),
                n_questions=len(plan.asked),
                n_planned=len(plan.asked) * plan.repeats,
                simulated=any(client.simulated for client in its),
                provenance={
                    "machine": machine,
                    "servers": {url: servers[url] for url in target.endpoints},
                    "side_by_side": plan.side_by_side,
                },
            )
            runs.append(store.save_run(run, session=session))
        workers.claim_runs([run.id or 0 for run in runs], session=session)
        return [run.id or 0 for run in runs]


# --- the whole ------------------------------------------------------------------------------------------------------


async def _beat(run_ids: Sequence[int], scribe: Scribe) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        scribe.put("beat", run_ids)


def _get_runs(run_ids: Sequence[int], engine: Engine) -> list[models.Run]:
    with store.reading(engine) as session:
        return [store.get_run(run_id, session=session) for run_id in run_ids]


async def _carry_out(
    works: Sequence[Work],
    clients: Mapping[str, EndpointClient],
    engine: Engine,
    on_progress: OnProgress,
    *,
    side_by_side: bool,
) -> dict[int, str]:
    """Answer, then judge, the runs; returns the sentence each failed run failed with."""
    run_ids = [work.run_id for work in works]
    failed: dict[int, str] = {}
    status = RunStatus.stopped
    with Scribe(engine.url.render_as_string(hide_password=False)) as scribe:
        heart = asyncio.create_task(_beat(run_ids, scribe))
        try:
            turns = turns_of(clients, side_by_side)
            tasks: list[asyncio.Task[str | None]] = []

            async def answer_side_by_side() -> None:
                async with asyncio.TaskGroup() as group:
                    for work in works:
                        tasks.append(group.create_task(take_turns(work, turns, clients, scribe, on_progress)))

            await failure_of(answer_side_by_side())
            failed = {i: text for i, task in zip(run_ids, tasks, strict=True) if (text := task.result())}
            for run in _get_runs([i for i in run_ids if i not in failed], engine):
                if text := await _judge(run, clients, engine, scribe, on_progress):
                    failed[run.id or 0] = text
            status = RunStatus.finished
        finally:
            heart.cancel()
            _finish(scribe, [i for i in run_ids if i not in failed], failed, status)
    for run_id in run_ids:
        summarise(run_id, engine)
    return failed


async def _judge(
    run: models.Run, clients: Mapping[str, EndpointClient], engine: Engine, scribe: Scribe, on_progress: OnProgress
) -> str | None:
    """Judge one run as its definition says; without a judge there is nothing to do."""
    if not judges_of(run):
        return None
    scribe.put("status", [run.id], RunStatus.judging)
    scribe.flush()
    return await assess_by_plan(run, clients, engine, scribe, on_progress)


def _finish(scribe: Scribe, left: Sequence[int], failed: Mapping[int, str], status: RunStatus) -> None:
    """Note how the runs ended. A scribe that has failed can note nothing more; leaving it raises its failure."""
    with suppress(store.StoreError):
        scribe.put("status", left, status)
        for run_id, sentence in failed.items():
            scribe.put("status", [run_id], RunStatus.failed, error=sentence)


async def run_plan(
    plan: Plan,
    engine: Engine,
    on_progress: OnProgress,
    simulator: dict[str, Any] | None = None,
    condition: Callable[[Session], None] | None = None,
) -> tuple[list[int], dict[int, str]]:
    """Carry a plan out from the start; returns the ids of its runs and the sentences of those that failed.

    Raises EndpointError before anything is stored if an endpoint cannot be used, or what `condition` raises in the
    transaction that would store the runs; StoreError if storing fails.
    """
    with quiet_process(), LagMonitor() as lag:
        async with connected(plan.targets, plan.judges, lag) as clients:
            run_ids = await _create_runs(plan, clients, engine, simulator, condition)
            works = [load_work(run, engine) for run in _get_runs(run_ids, engine)]
            return run_ids, await _carry_out(works, clients, engine, on_progress, side_by_side=plan.side_by_side)


async def resume_runs(
    run_ids: Sequence[int], engine: Engine, on_progress: OnProgress, *, retry_errors: bool = False
) -> dict[int, str]:
    """Go on with the stored runs of one group where they were; returns the sentences of those that failed again.

    Raises StoreError if another living process is at work on one of them or one came from a file, EndpointError as
    run_plan does.
    """
    runs = _get_runs(run_ids, engine)
    if imported := next((run for run in runs if is_imported(run)), None):  # its addresses are those of somebody else
        raise store.StoreError(f"Run {imported.id} was imported; its target cannot be asked from here.")
    judges = [judge for run in runs for judge in judges_of(run)]
    with store.writing(engine) as session:
        workers.claim_runs(run_ids, session=session)
    works = [load_work(run, engine, retry_errors=retry_errors) for run in runs]
    with quiet_process(), LagMonitor() as lag:
        async with connected([work.target for work in works if work.jobs], judges, lag) as clients:
            side_by_side = all(run.definition.get("side_by_side", False) for run in runs)
            return await _carry_out(works, clients, engine, on_progress, side_by_side=side_by_side)
