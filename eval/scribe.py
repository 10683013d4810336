"""A process of its own that stores what a run brings, so that storing never delays a time stamp.

In one process, threads share one interpreter lock: at 64 streams a writing thread made first tokens 15 ms late, a
process none. It also outlives a killed run for the moment it takes to store what it was handed. The parent's side is
Scribe; the child is `python -m eval.scribe`, which commits through writer.Writer.
"""

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO

import psutil
from sqlmodel import Session

from db import models, store, workers
from eval import records
from eval.judge import Assessed
from eval.targets import Answered
from eval.writer import Writer

STOP_TIMEOUT_S = 60.0
NICENESS = 19


def _store_answer(
    answered: Answered, run_id: int, question_id: int, repeat: int, cold: bool, *, session: Session
) -> None:
    answer, calls = records.answer_rows(answered, run_id, question_id, repeat, cold=cold)
    store.save_answer(answer, calls, session=session)


def _store_assessment(assessed: Assessed, answer: models.Answer, given: dict[str, Any], *, session: Session) -> None:
    store.save_assessment(*records.assessment_rows(assessed, answer, **given), session=session)


VERBS: dict[str, Callable[..., object]] = {
    "answer": _store_answer,
    "assessment": _store_assessment,
    "status": store.set_status,
    "beat": workers.beat,
    "provenance": store.add_provenance,
}


class Scribe:
    """The parent's side: hand over what to store, never wait.

    Entering the context waits until the child is ready, leaving it until all is committed.
    """

    def __init__(self, db_url: str) -> None:
        self._db_url = db_url
        self._messages: queue.Queue[tuple[str, tuple[Any, ...], dict[str, Any]] | None] = queue.Queue()
        self._failure: str | None = None
        self._flushes = 0
        self._flushed = 0

    def __enter__(self) -> "Scribe":
        self._child = subprocess.Popen(
            [sys.executable, "-m", "eval.scribe"],
            env=os.environ | {"RIGHTSIZE_DB": self._db_url},  # not an argument: it may hold a password
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._feeder = threading.Thread(target=self._feed, name="scribe-feeder", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="scribe-listener", daemon=True)
        self._listener.start()
        self._feeder.start()
        try:
            self.flush()  # its imports cost a second of a processor: not while the first answers are measured
        except store.StoreError:
            self._stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._stop()
        if error is None:
            self.raise_failure()

    def _stop(self) -> None:
        self._messages.put(None)
        self._feeder.join()
        self._child.wait(STOP_TIMEOUT_S)
        self._listener.join()

    def put(self, verb: str, *arguments: Any, **named: Any) -> None:
        """Hand over something to store. Raises StoreError if storing has failed, so that work stops soon after."""
        self.raise_failure()
        self._messages.put((verb, arguments, named))

    def flush(self) -> None:
        """Wait until everything handed over so far is committed. Raises StoreError if storing failed."""
        self.put("flush")
        self._flushes += 1
        while self._flushed < self._flushes:
            self.raise_failure()
            time.sleep(0.002)

    def raise_failure(self) -> None:
        """Raise StoreError with the sentence that storing failed with, if it did."""
        if self._failure:
            raise store.StoreError(self._failure)

    def _feed(self) -> None:
        assert self._child.stdin
        try:
            with self._child.stdin as pipe:
                while (message := self._messages.get()) is not None:
                    pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
                    pipe.flush()
        except OSError:  # the child is gone; the listener tells why, if it was told
            self._listener.join()
            self._failure = self._failure or "The process that stores answers ended; resume the run."

    def _listen(self) -> None:
        assert self._child.stdout
        with self._child.stdout as pipe:
            for line in pipe:
                said = json.loads(line)
                self._failure = said.get("failure", self._failure)
                self._flushed = said.get("flushed", self._flushed)


# --- the child ------------------------------------------------------------------------------------------------------


def _messages(pipe: BinaryIO) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    while True:
        try:
            yield pickle.load(pipe)
        except EOFError:  # the run has ended, or was killed: what came before is stored all the same
            return
        except pickle.UnpicklingError:  # killed in the middle of a message
            return


def _say(**said: object) -> None:
    with suppress(OSError):  # nobody listens any more
        print(json.dumps(said), flush=True)


def main() -> None:
    """Store what comes on standard input until it closes; failures and flushes are told on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes the pipe
    flushed = 0
    try:
        engine = store.connect(store.database_url())
        with Writer(engine) as writer:
            for verb, arguments, named in _messages(sys.stdin.buffer):
                if verb == "flush":
                    writer.flush()
                    flushed += 1
                    _say(flushed=flushed)
                    if flushed == 1:  # the parent waits for it: what follows comes beside what is measured
                        _give_way(writer)
                else:
                    writer.put(_deed(VERBS[verb], arguments, named))
        engine.dispose()
    except store.StoreError as error:
        _say(failure=str(error))


def _give_way(writer: Writer) -> None:
    """Let what measures go first where processors are few: storing can wait, a time stamp cannot.

    Linux has a still lower class, for idle processors alone. A process in it starved beside a busy model server, with
    the database locked.
    """
    writer.give_way()
    with suppress(psutil.Error, OSError):
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICENESS)


def _deed(
    verb: Callable[..., object], arguments: tuple[Any, ...], named: dict[str, Any]
) -> Callable[[Session], object]:
    bound = partial(verb, *arguments, **named)
    return lambda session: bound(session=session)


if __name__ == "__main__":
    main()
