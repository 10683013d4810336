"""A thread that commits: whoever hands over what to store never waits for the disk.

What is handed over together is committed together. A writer that gives way stores in bursts with PAUSE_S between them:
fewer commits, and what measures beside it is disturbed less often.
"""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Engine
from sqlmodel import Session

from db import store

Deed = Callable[[Session], object]
PAUSE_S = 0.25


class Writer:
    """Stores in the background, in the order handed over. Leaving the context waits until all is written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._deeds: deque[Deed] = deque()
        self._ready, self._ended = threading.Event(), threading.Event()
        self._pause_s = 0.0
        self._storing = threading.Lock()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._store_waiting()
        self._ended.set()
        self._ready.set()
        self._thread.join()
        if error is None:
            self.raise_failure()

    def put(self, deed: Deed) -> None:
        """Hand over something to store. Raises what an earlier deed failed with, so that work stops soon after."""
        self.raise_failure()
        self._deeds.append(deed)
        self._ready.set()

    def flush(self) -> None:
        """Commit everything handed over so far. Raises what a deed failed with."""
        self._store_waiting()
        self.raise_failure()

    def give_way(self) -> None:
        """From now on rest between two bursts; what comes after a rest is still committed at once."""
        self._pause_s = PAUSE_S

    def raise_failure(self) -> None:
        """Raise the StoreError (or any fault) that ended the writing, if one did."""
        if self._failure:
            raise self._failure

    def _work(self) -> None:
        while not self._ended.is_set():
            self._ready.wait()
            self._ready.clear()
            self._store_waiting()
            self._ended.wait(self._pause_s)

    def _store_waiting(self) -> None:
        """Commit all that waits; whichever thread comes first does it, so that the order is kept."""
        with self._storing:
            while self._deeds and not self._failure:
                deeds = [self._deeds.popleft() for _ in range(len(self._deeds))]
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
