"""One thread that commits: the event loop hands over what to store and never waits for the disk.

What is handed over together is committed together; nothing stays unwritten longer than one commit takes.
"""

import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Engine
from sqlmodel import Session

from db import store

Deed = Callable[[Session], object]


class Writer:
    """Stores in the background, in the order handed over. Leaving the context waits until all is written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._deeds: queue.Queue[Deed | None] = queue.Queue()
        self._failure: BaseException | None = None
        self._handed = self._stored = 0
        self._thread = threading.Thread(target=self._work, name="writer")

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._deeds.put(None)
        self._thread.join()
        if error is None:
            self.raise_failure()

    def put(self, deed: Deed) -> None:
        """Hand over something to store. Raises what an earlier deed failed with, so that work stops soon after."""
        self.raise_failure()
        self._handed += 1
        self._deeds.put(deed)

    def flush(self) -> None:
        """Wait until everything handed over so far is committed. Raises what a deed failed with."""
        handed = self._handed
        while self._stored < handed:
            self.raise_failure()
            time.sleep(0.002)
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise the StoreError (or any fault) that ended the writing, if one did."""
        if self._failure:
            raise self._failure

    def _take_all(self) -> tuple[list[Deed], bool]:
        """Wait for the next deed and take whatever else lies ready; True if the end was among them."""
        taken = [self._deeds.get()]
        while True:
            try:
                taken.append(self._deeds.get_nowait())
            except queue.Empty:
                return [deed for deed in taken if deed], None in taken

    def _work(self) -> None:
        ended = False
        while not ended:
            deeds, ended = self._take_all()
            if self._failure or not deeds:
                continue
            try:
                self._commit(deeds)
            except BaseException as error:  # handed to the loop, which stops the run and reports it
                self._failure = error

    def _commit(self, deeds: list[Deed]) -> None:
        """Commit deeds together; if that fails, one by one, so that a full disk loses no more than it must."""
        try:
            with store.writing(self._engine) as session:
                for deed in deeds:
                    deed(session)
            self._stored += len(deeds)
        except store.StoreError:
            if len(deeds) == 1:
                raise
            for deed in deeds:
                self._commit([deed])
