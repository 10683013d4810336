"""Answers one run: what is left to ask, warm-ups first, so many questions at a time, in its turn.

Targets on one host take turns, because they would contend for its processor; others run side by side. One
request is endpoint.py's business, one answer of several calls targets.py's, storing the scribe's.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle, islice

from sqlalchemy import Engine

from db import models, store
from db.models import RunStatus
from eval import qa_set, records, targets
from eval.endpoint import EndpointClient
from eval.hosts import endpoint_of, host_of
from eval.scribe import Scribe
from eval.targets import Target
from eval.work import FATAL, OnProgress, Progress, RunFailedError, all_at_most, failure_of


@dataclass(frozen=True, slots=True)
class Job:
    """One question of one repeat."""

    question_id: int
    question: qa_set.Question
    repeat: int
    cold: bool


@dataclass(slots=True)
class Work:
    """A stored run, ready to be carried out."""

    run_id: int
    target: Target
    warmups: list[Job]
    jobs: list[Job]
    planned: int
    concurrency: int
    done: int = 0
    errors: int = 0
    tokens: int = 0


def load_work(run: models.Run, engine: Engine, *, retry_errors: bool = False) -> Work:
    """What is left to ask of a stored run, in the order of the plan.

    What failed in a way that stops a run is asked again, other failures only with `retry_errors`. A process that asks
    anything warms up first: the server may have been started anew.
    """
    assert run.id is not None
    with store.reading(engine) as session:
        rows = store.list_questions(run.qa_set_id, session=session)
        answered = store.answered(run.id, session=session)
        failures = store.failures(run.id, session=session)
    standing = answered - {key for key, kind in failures.items() if retry_errors or kind in FATAL}
    wanted = set(run.definition["questions"])
    asked = [(row.id or 0, records.to_question(row)) for row in rows if row.key in wanted]
    everything = [Job(i, q, repeat, False) for repeat in range(run.repeats) for i, q in asked]
    jobs = [job for job in everything if (job.question_id, job.repeat, False) not in standing]
    return Work(
        run_id=run.id,
        target=Target.model_validate(run.definition["target"]),
        warmups=_warmups(asked, run.warmups, answered) if jobs else [],
        jobs=jobs,
        planned=len(everything),
        concurrency=run.concurrency,
        done=len(everything) - len(jobs),
    )


def _warmups(
    asked: Sequence[tuple[int, qa_set.Question]], count: int, answered: Collection[tuple[int, int, bool]]
) -> list[Job]:
    """Warm-ups, numbered on from those that are stored, with the shortest answers: they need not be long to wake it."""
    following: dict[int, int] = {}
    for question_id, repeat, cold in answered:
        if cold:
            following[question_id] = max(following.get(question_id, 0), repeat + 1)
    jobs: list[Job] = []
    for question_id, question in islice(cycle(sorted(asked, key=lambda pair: pair[1].output_limit)), count):
        repeat = following.get(question_id, 0)
        following[question_id] = repeat + 1
        jobs.append(Job(question_id, question, repeat, cold=True))
    return jobs


async def _ask(work: Work, job: Job, clients: Mapping[str, EndpointClient], scribe: Scribe) -> None:
    """Ask one question and hand the answer to the scribe. Raises RunFailedError where going on makes no sense."""
    scribe.raise_failure()
    answered = await targets.answer(work.target, job.question, clients)
    failure = answered.last.last
    scribe.put("answer", answered, work.run_id, job.question_id, job.repeat, job.cold)
    if not answered.ok and failure.error_kind in FATAL:
        raise RunFailedError(failure.error)
    if not job.cold:
        work.done += 1
        work.errors += not answered.ok
        work.tokens += answered.completion_tokens


async def _answer_all(
    work: Work, clients: Mapping[str, EndpointClient], scribe: Scribe, on_progress: OnProgress
) -> None:
    """Warm up, then ask everything that is left, `concurrency` questions at a time."""

    def report() -> None:
        on_progress(
            Progress(work.run_id, work.target.name, "answering", work.done, work.planned, work.errors, work.tokens)
        )

    report()
    for job in work.warmups:
        await _ask(work, job, clients, scribe)

    async def ask(job: Job) -> None:
        await _ask(work, job, clients, scribe)
        report()

    await all_at_most(work.concurrency, work.jobs, ask)


async def take_turns(
    work: Work,
    turns: Mapping[str, asyncio.Lock],
    clients: Mapping[str, EndpointClient],
    scribe: Scribe,
    on_progress: OnProgress,
) -> str | None:
    """Answer one run while no other has its turn; returns the sentence it failed with, if it did.

    `turns` holds a lock by endpoint address; addresses that have to take turns share one.
    """
    if not work.jobs:
        return None
    locks = {id(turns[url]): turns[url] for url in work.target.endpoints}
    async with AsyncExitStack() as stack:
        for key in sorted(locks):  # in one order, so that two staged targets cannot wait for each other
            await stack.enter_async_context(locks[key])
        scribe.put("status", [work.run_id], RunStatus.answering)
        failure = await failure_of(_answer_all(work, clients, scribe, on_progress))
        if left_out := _left_out(work.target, clients):
            scribe.put("provenance", work.run_id, "parameters_left_out", left_out)
        return failure


def turns_of(clients: Mapping[str, EndpointClient], side_by_side: bool) -> dict[str, asyncio.Lock]:
    """A lock for each endpoint; those that may not be measured at the same time share one.

    Servers on one host contend for its processor, so they share a lock unless asked to run side by side. A simulator's
    latencies do not depend on load. Targets at one and the same endpoint always take turns.
    """
    locks: dict[str, asyncio.Lock] = {}
    return {
        url: locks.setdefault(endpoint_of(url) if side_by_side or client.simulated else host_of(url), asyncio.Lock())
        for url, client in clients.items()
    }


def _left_out(target: Target, clients: Mapping[str, EndpointClient]) -> dict[str, list[str]]:
    """Which parameters were left out by stage, because the server refused them for that model."""
    refused = {s.name: clients[s.endpoint.url].refused.get(s.model, set()) for s in target.stages}
    return {name: sorted(parameters) for name, parameters in refused.items() if parameters}
