"""What answering and judging share: how many jobs run at a time, what stops a run, how progress is told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

RAMP_S = 0.005  # between the first requests of parallel workers, so that they do not burst
FATAL = ("wrong_key", "unknown_model", "not_found", "tls", "unreachable")  # stops a run: no question would fare better


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one run is in one phase; tokens and errors count from the start of this process."""

    run_id: int
    target: str
    phase: str  # answering, judging
    done: int
    planned: int
    errors: int
    completion_tokens: int


OnProgress = Callable[[Progress], None]
_T = TypeVar("_T")


class RunFailedError(Exception):
    """A run cannot go on; the text says why. What was answered is stored and the run can be resumed."""


async def all_at_most(concurrency: int, jobs: Sequence[_T], do: Callable[[_T], Awaitable[None]]) -> None:
    """Do all jobs, so many at a time. After a RunFailedError none begins, those under way end, and it is raised."""
    pending = iter(jobs)
    failures: list[RunFailedError] = []

    async def worker(number: int) -> None:
        await asyncio.sleep(number * RAMP_S)
        while not failures and (job := next(pending, None)) is not None:
            try:
                await do(job)
            except RunFailedError as failure:
                failures.append(failure)

    async with asyncio.TaskGroup() as group:
        for number in range(min(concurrency, len(jobs))):
            group.create_task(worker(number))
    if failures:
        raise failures[0]


async def failure_of(work: Coroutine[Any, Any, None]) -> str | None:
    """Do some work of several tasks; returns why it could not go on, if so. Any other fault is raised bare."""
    failure, fault = None, None
    try:
        await work
    except* RunFailedError as failures:
        failure = str(failures.exceptions[0])
    except* Exception as faults:
        fault = faults.exceptions[0]
    if fault:
        raise fault
    return failure
