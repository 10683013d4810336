"""Which process works on a run: claims, signs of life, and who still lives. What the work stores is store.py's."""

import os
import socket
from collections.abc import Sequence
from datetime import timedelta

import psutil
from sqlalchemy import update
from sqlmodel import Session, col, select

from db.models import Run, RunStatus, now
from db.opening import StoreError

CLAIM_S = 60  # a run whose worker on another machine gave no sign of life for so long is free again
INTERRUPTED = "interrupted"
SLACK_S = 5  # the moment a process began, as the system tells it, may be off by a clock's correction


def claim_runs(run_ids: Sequence[int], *, session: Session) -> None:
    """Take runs for this process. Raises StoreError if another living process is at work on one of them."""
    me = f"{socket.gethostname()}:{os.getpid()}"
    for run in session.exec(select(Run).where(col(Run.id).in_(run_ids))):
        if run.worker and run.worker != me and is_alive(run):
            raise StoreError(f"Run {run.id} is being worked on by process {run.worker}; wait for it or stop it first.")
        run.worker, run.heartbeat_at = me, now()
        session.add(run)


def release_runs(run_ids: Sequence[int], error: str, *, session: Session) -> None:
    """Give claimed runs back untouched; those that are unfinished say why it did not go on."""
    for run in session.exec(select(Run).where(col(Run.id).in_(run_ids))):
        run.worker = None
        if run.status != RunStatus.finished:
            run.error = error
        session.add(run)
        run.revision += 1


def is_alive(run: Run) -> bool:
    """Whether the process that works on a run still lives: asked here, guessed from its heartbeat elsewhere.

    A process that began after the run's last sign of life is another one, which was given the same number.
    """
    if not run.worker:
        return False
    host, _, pid = run.worker.rpartition(":")
    if host != socket.gethostname():
        return run.heartbeat_at is not None and now() - run.heartbeat_at < timedelta(seconds=CLAIM_S)
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return run.heartbeat_at is None or process.create_time() < run.heartbeat_at.timestamp() + SLACK_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # there, but another user's
        return True


def standing(run: Run) -> str:
    """Where a run stands: its status, or INTERRUPTED where it says that somebody is at work who no longer lives."""
    under_way = run.status in (RunStatus.planned, RunStatus.answering, RunStatus.judging)
    return INTERRUPTED if under_way and not is_alive(run) else str(run.status)


def beat(run_ids: Sequence[int], *, session: Session) -> None:
    """Give a sign of life for runs being worked on."""
    session.execute(update(Run).where(col(Run.id).in_(run_ids)).values(heartbeat_at=now()))
