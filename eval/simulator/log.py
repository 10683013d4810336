"""What truly happened to each request of the simulator, for whoever checks what Rightsize measured.

application.py takes the stamps, each just before the bytes are handed to the socket, so that nothing can have been
received before it. The clock is time.perf_counter_ns, which all processes of one machine share.
"""

import asyncio
import json
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from eval.simulator.profiles import SimulatorError

KEPT = 20_000  # entries in memory; the oldest go first


@dataclass(slots=True)
class LogEntry:
    """One request. Times in milliseconds after `received_ns`; None where it never came so far."""

    request_id: str  # the x-request-id of the reply
    client_id: str | None  # the client's header x-rightsize-request
    received_ns: int  # time.perf_counter_ns when the request was wholly read
    model: str | None = None
    status: int | None = None
    streamed: bool = False
    fault: str | None = None  # as in faults.py, or client_gone
    prompt_tokens: int | None = None
    tokens: int = 0  # that were sent, thoughts included
    headers_sent_ms: float | None = None
    first_token_ms: float | None = None  # the first piece of a stream, thought or answer
    first_answer_ms: float | None = None  # the first piece of the answer
    last_token_ms: float | None = None
    done_ms: float | None = None  # what ends the reply, or the whole of it where it is not streamed
    late_ms: float = 0.0  # the worst delay of a piece against the plan
    chunk_ms: list[float] = field(default_factory=list)  # every piece with a thought or an answer

    def now_ms(self) -> float:
        """Milliseconds since the request was wholly read."""
        return (perf_counter_ns() - self.received_ns) / 1e6


class Log:
    """The finished requests, in memory and, if there is a path, as JSON lines at the end of a file.

    Raises SimulatorError if the file cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=KEPT)
        try:
            self._file = path.open("a", encoding="utf-8") if path else None
        except OSError as error:
            raise SimulatorError(f"The log {path} cannot be written: {error.strerror}.") from error

    def add(self, entry: LogEntry) -> None:
        """Keep an entry; the file gets it once the event loop is free, so that no byte waits for a disk."""
        self._entries.append(entry)
        if self._file:
            asyncio.get_running_loop().call_soon(self._write, entry)

    def _write(self, entry: LogEntry) -> None:
        if self._file:
            self._file.write(json.dumps(asdict(entry)) + "\n")
            self._file.flush()

    def entries(self) -> list[dict[str, Any]]:
        """The finished requests, oldest first."""
        return [asdict(entry) for entry in list(self._entries)]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
