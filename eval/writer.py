"""A thread that commits: whoever hands over what to store never waits for the disk.

What is handed over together is committed together. A modest writer works while a processor is idle; what has waited for
MAX_WAIT_S all the same, or is flushed, is committed at the usual priority by another thread.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from sqlalchemy import Engine
from sqlmodel import Session

from db import store

Deed = Callable[[Session], object]
MAX_WAIT_S = 0.5


class Writer:
    """Stores in the background, in the order handed over. Leaving the context waits until all is written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._deeds: deque[tuple[float, Deed]] = deque()
        self._ready, self._ended, self._modest = threading.Event(), threading.Event(), threading.Event()
        self._storing = threading.Lock()
        self._failure: BaseException | None = None
        self._worker = threading.Thread(target=self._work, name="writer", daemon=True)
        self._overseer = threading.Thread(target=self._oversee, name="writer-overseer", daemon=True)

    def __enter__(self) -> "Writer":
        self._worker.start()
        self._overseer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._store_waiting()
        self._ended.set()
        self._ready.set()
        self._overseer.join()
        self._worker.join()
        if error is None:
            self.raise_failure()

    def put(self, deed: Deed) -> None:
        """Hand over something to store. Raises what an earlier deed failed with, so that work stops soon after."""
        self.raise_failure()
        self._deeds.append((time.monotonic(), deed))
        self._ready.set()

    def flush(self) -> None:
        """Commit everything handed over so far. Raises what a deed failed with."""
        self._store_waiting()
        self.raise_failure()

    def give_way(self) -> None:
        """From now on store while a processor is idle, where the system knows such a thing for a thread (Linux).

        Niceness is not enough there: since Linux 6.6 a thread that has begun its time slice keeps it, however nice, and
        what wakes up to stamp a byte waits for up to 3 ms.
        """
        self._modest.set()

    def raise_failure(self) -> None:
        """Raise the StoreError (or any fault) that ended the writing, if one did."""
        if self._failure:
            raise self._failure

    def _work(self) -> None:
        while not self._ended.is_set():
            self._ready.wait()
            self._ready.clear()
            if self._modest.is_set():
                self._modest.clear()
                _run_when_idle()
            self._store_waiting()

    def _oversee(self) -> None:
        while not self._ended.wait(MAX_WAIT_S / 2):
            with suppress(IndexError):  # another thread took the last one
                if self._deeds and time.monotonic() - self._deeds[0][0] > MAX_WAIT_S:
                    self._store_waiting()

    def _store_waiting(self) -> None:
        """Commit all that waits; whichever thread comes first does it, so that the order is kept."""
        with self._storing:
            while self._deeds and not self._failure:
                deeds = [self._deeds.popleft()[1] for _ in range(len(self._deeds))]
                try:
                    self._commit(deeds)
                except BaseException as error:  # handed to who asks next, which stops the run and reports it
                    self._failure = error

    def _commit(self, deeds: list[Deed]) -> None:
        """Commit deeds together; if that fails, one by one, so that a full disk loses no more than it must."""
        try:
            with store.writing(self._engine) as session:
                for deed in deeds:
                    deed(session)
        except store.StoreError:
            if len(deeds) == 1:
                raise
            for deed in deeds:
                self._commit([deed])


def _run_when_idle() -> None:
    """Let every other thread of this machine go before the calling one."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # 0: this thread alone
