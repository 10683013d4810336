"""The simulator itself: an HTTP server on this machine that speaks the OpenAI API with known latencies and answers.

It sends what answers.py and judging.py make, in the form chat.py writes, at the times of the profile, with the faults
of faults.py, and logs when each thing truly happened. What a client measures of it is eval/endpoint.py's business.

The log holds one JSON object a finished request: `request_id`, `client_id` (the client's header x-rightsize-request),
`model`, `received_ns` (time.perf_counter_ns of this machine when the request was wholly read; on Linux, macOS and
Windows another process reads the same clock) and, in milliseconds after it, `headers_sent_ms`, `first_token_ms` (the
first piece of thought or answer was handed to the socket), `first_answer_ms`, `last_token_ms`, `done_ms`, `chunk_ms`
(every such piece) and `late_ms` (the worst delay against the plan); `status`, `tokens`, `prompt_tokens`, `streamed`,
`fault`.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import Any, Self, TextIO
from uuid import uuid4

from aiohttp import web

from eval import qa_set as qa_sets
from eval.qa_set import QASet
from eval.simulator import answers, chat, judging
from eval.simulator.faults import Faults
from eval.simulator.profiles import PROFILES, Profile, SimulatorError

SERVER = f"rightsize-simulator/{version('rightsize')}"
MAX_BODY_BYTES = 32 * 1024 * 1024
KEPT = 20_000  # log entries in memory; the oldest go first
HOST = "127.0.0.1"


@dataclass(slots=True)
class LogEntry:
    """What truly happened to one request; the module's text says what each time means."""

    request_id: str
    client_id: str | None
    received_ns: int
    model: str | None = None
    status: int | None = None
    streamed: bool = False
    fault: str | None = None
    prompt_tokens: int | None = None
    tokens: int = 0
    headers_sent_ms: float | None = None
    first_token_ms: float | None = None
    first_answer_ms: float | None = None
    last_token_ms: float | None = None
    done_ms: float | None = None
    late_ms: float = 0.0
    chunk_ms: list[float] = field(default_factory=list)

    def now_ms(self) -> float:
        """Milliseconds since the request was wholly read."""
        return (perf_counter_ns() - self.received_ns) / 1e6


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a simulator is made of. `speed` divides all times; `seed` enters every answer, fault and jitter."""

    profiles: tuple[Profile, ...] = PROFILES
    qa_set: QASet | None = None  # the built-in one
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    speed: float = 1.0
    api_key: str | None = None  # demanded of every request, if given
    log_file: Path | None = None  # gets a line a request, too


class _Application:
    """The routes and what they share: models, questions, faults, log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profiles = {profile.name: profile.faster(settings.speed) for profile in settings.profiles}
        self.index = answers.Index((settings.qa_set or qa_sets.built_in()).questions)
        self.entries: deque[LogEntry] = deque(maxlen=KEPT)
        self._faults = settings.faults.draw(settings.seed)
        self._numbers = count()
        self._file: TextIO | None = None
        if settings.log_file:
            try:
                self._file = settings.log_file.open("a", encoding="utf-8")
            except OSError as error:
                raise SimulatorError(f"The log {settings.log_file} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        if self._file:
            self._file.close()

    def routes(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._around])
        app.on_response_prepare.append(self._label)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{name}", self._model)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/simulator/log", self._log)
        return app

    async def _label(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["server"] = SERVER
        response.headers["x-rightsize-simulated"] = "1"
        response.headers["x-request-id"] = request.get("id") or uuid4().hex

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Demand the key, and write every error the way the OpenAI API does."""
        key = self.settings.api_key
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
        try:
            return await handler(request)
        except chat.BadRequestError as error:
            return _error(400, str(error), "invalid_request_error", None, error.param)
        except web.HTTPException as error:
            return _error(error.status, f"{error.reason}: {request.method} {request.path}", "invalid_request_error")

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(chat.models_body(list(self.profiles.values())))

    async def _model(self, request: web.Request) -> web.Response:
        profile = self.profiles.get(request.match_info["name"])
        return web.json_response(chat.model_body(profile)) if profile else self._unknown(request.match_info["name"])

    def _unknown(self, model: str) -> web.Response:
        message = f"The model '{model}' does not exist; there are: {', '.join(self.profiles)}."
        return _error(404, message, "invalid_request_error", "model_not_found", "model")

    async def _log(self, _: web.Request) -> web.Response:
        lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in self.entries)
        return web.Response(text=lines, content_type="application/jsonl")

    # --- one chat request ---------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        entry = LogEntry(uuid4().hex, request.headers.get("x-rightsize-request"), perf_counter_ns())
        request["id"] = entry.request_id
        response: web.StreamResponse | None = None
        try:
            response = await self._reply(request, chat.read_query(body), entry)
            entry.status = response.status
            if isinstance(response, web.Response) and entry.fault != "drop":
                await response.prepare(request)
                entry.headers_sent_ms = entry.now_ms()
                await response.write_eof()
            return response
        except chat.BadRequestError:
            entry.status = 400
            raise
        except (asyncio.CancelledError, ConnectionError):
            entry.fault = entry.fault or "client_gone"
            raise
        finally:
            entry.done_ms = entry.now_ms()
            self.entries.append(entry)
            if self._file:
                self._file.write(json.dumps(asdict(entry)) + "\n")
                self._file.flush()

    async def _reply(self, request: web.Request, query: chat.ChatQuery, entry: LogEntry) -> web.StreamResponse:
        faults = self.settings.faults
        entry.model, entry.streamed = query.model, query.stream
        profile = self.profiles.get(query.model)
        if profile is None:
            return self._unknown(query.model)
        if query.stream and faults.no_stream:
            raise chat.BadRequestError("This server does not support stream.", "stream")
        drawn = next(self._faults)
        if drawn == "429":
            entry.fault = drawn
            refused = _error(429, "Rate limit reached.", "rate_limit_error", "rate_limit_exceeded")
            refused.headers["retry-after"] = f"{faults.retry_after_s:g}"
            return refused
        if drawn == "500":
            entry.fault = drawn
            return _error(500, "The simulator fails on purpose.", "server_error")
        text, spoilt = self._text(query, profile, drawn)
        thoughts = answers.filler(profile.reasoning_tokens)
        made = chat.generate(text, thoughts, answers.prompt_text(query.messages), query.limit)
        entry.fault = spoilt or (drawn if drawn == "drop" else None)
        entry.prompt_tokens = made.prompt_tokens
        rng = Random(f"{self.settings.seed}|{profile.seed}|{next(self._numbers)}")
        due = chat.due_ms(profile, made.prompt_tokens, max(1, made.count), rng)
        cut = rng.randint(1, max(1, made.count - 1)) if drawn == "drop" else None
        if query.stream:
            return await self._stream(request, query, made, profile, due, cut, entry)
        await asyncio.sleep(max(0.0, due[cut - 1 if cut else -1] - entry.now_ms()) / 1e3)
        if cut:
            _abort(request)
            return web.Response()
        entry.tokens = made.count
        return web.json_response(chat.encode_whole(query, made, entry.request_id, not faults.no_usage))

    def _text(self, query: chat.ChatQuery, profile: Profile, drawn: str | None) -> tuple[str, str | None]:
        """What the model says, and the fault if its judgement was spoilt."""
        asked = answers.prompt_text(m for m in query.messages if m.get("role") == "user")
        to_judge = None if profile.fixed_tokens else judging.read_prompt(asked)
        if to_judge is None:
            text = answers.answer(asked, self.index, profile, self.settings.seed * 1_000_003 + query.seed)
            return (json.dumps(chat.instance(query.schema, text)) if query.schema else text), None
        criteria = tuple(query.schema.get("properties", {})) if query.schema else judging.CRITERIA
        verdicts = judging.judge(to_judge, criteria, profile.judge_noise, self.settings.seed + profile.seed)
        fault, _, kind = (drawn or "").partition(":")
        if fault == "malformed_judge":
            return judging.spoil(verdicts, kind), drawn
        return json.dumps(verdicts, ensure_ascii=False), None

    async def _stream(
        self,
        request: web.Request,
        query: chat.ChatQuery,
        made: chat.Generation,
        profile: Profile,
        due: list[float],
        cut: int | None,
        entry: LogEntry,
    ) -> web.StreamResponse:
        faults = self.settings.faults
        encoded = chat.encode_stream(query, made, entry.request_id, profile.tokens_per_chunk, not faults.no_usage)
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        entry.headers_sent_ms = entry.now_ms()
        if faults.early_role_chunk:
            await response.write(encoded.role)
        pieces = [(due[last], _framed(piece)) for piece, last in zip(encoded.pieces, encoded.last_token, strict=True)]
        kept = pieces if cut is None else pieces[: max(1, cut // profile.tokens_per_chunk)]
        await _Sender(request, entry, kept).run()
        entry.tokens = made.count if cut is None else sum(last < cut for last in encoded.last_token)
        if entry.chunk_ms:
            entry.first_token_ms, entry.last_token_ms = entry.chunk_ms[0], entry.chunk_ms[-1]
            thoughts = -(-len(made.reasoning) // profile.tokens_per_chunk)
            entry.first_answer_ms = entry.chunk_ms[thoughts] if len(entry.chunk_ms) > thoughts else None
        if cut is not None:
            _abort(request)
        else:
            await response.write(encoded.end)
            await response.write_eof()
        return response


class _Sender:
    """Hands each piece to the socket when it is due, from timers: a task woken for each would cost twice as much.

    A late piece does not delay the next one, since each has its own due time.
    """

    def __init__(self, request: web.Request, entry: LogEntry, pieces: Sequence[tuple[float, bytes]]) -> None:
        self._request, self._entry, self._pieces = request, entry, pieces
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()
        self._offset_s = self._loop.time() - entry.now_ms() / 1e3
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Send all pieces; raises ConnectionResetError if the client goes away."""
        self._tick()
        try:
            await self._done
        finally:
            if self._timer:
                self._timer.cancel()

    def _tick(self) -> None:
        entry, transport = self._entry, self._request.transport
        if self._done.done():
            return
        if transport is None or transport.is_closing():
            self._done.set_exception(ConnectionResetError("the client went away"))
            return
        while self._next < len(self._pieces):
            due_ms, piece = self._pieces[self._next]
            now_ms = entry.now_ms()
            if now_ms < due_ms:
                self._timer = self._loop.call_at(self._offset_s + due_ms / 1e3, self._tick)
                return
            transport.write(piece)
            entry.chunk_ms.append(now_ms)
            entry.late_ms = max(entry.late_ms, now_ms - due_ms)
            self._next += 1
        self._done.set_result(None)


def _framed(piece: bytes) -> bytes:
    """A piece as a chunk of HTTP/1.1's chunked encoding, to be written past aiohttp's own writer."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _error(status: int, message: str, kind: str, code: str | None = None, param: str | None = None) -> web.Response:
    return web.json_response(chat.error_body(message, kind, code, param), status=status)


# --- running it -----------------------------------------------------------------------------------------------------


class _Running:
    """A simulator that listens; `urls` holds one address a port."""

    def __init__(self, settings: Settings, ports: Sequence[int], host: str) -> None:
        self.application = _Application(settings)
        self._sockets: list[socket.socket] = []
        try:
            for port in ports:
                self._sockets.append(_listen(host, port))
        except SimulatorError:
            self._close_sockets()
            self.application.close()
            raise
        name = f"[{host}]" if ":" in host else host
        self.urls = [f"http://{name}:{sock.getsockname()[1]}/v1" for sock in self._sockets]
        self._runner: web.AppRunner | None = None

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def start(self) -> None:
        self._runner = web.AppRunner(
            self.application.routes(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        for sock in self._sockets:
            await web.SockSite(self._runner, sock, backlog=512).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        self._close_sockets()
        self.application.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SimulatorError(
            f"The simulator cannot listen on {host}:{port} ({reason}); choose another port, or 0 for any free one."
        ) from error
    sock.setblocking(False)
    return sock


def serve(
    settings: Settings | None = None,
    *,
    ports: Sequence[int] = (0,),
    host: str = HOST,
    on_ready: Callable[[list[str]], None] | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Serve until Ctrl-C, or until standard input closes; `on_ready` gets one URL a port.

    Raises SimulatorError if a port or the log cannot be had.
    """

    async def main() -> None:
        running = _Running(settings or Settings(), ports, host)
        stopped = asyncio.Event()
        try:
            await running.start()
            if on_ready:
                on_ready(running.urls)
            if until_stdin_closes:
                loop = asyncio.get_running_loop()
                threading.Thread(target=_wait_for_stdin, args=(loop, stopped), daemon=True).start()
            await stopped.wait()
        finally:
            await running.stop()

    with suppress(KeyboardInterrupt):
        asyncio.run(main())


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    # os.read and not sys.stdin: a thread that holds the lock of sys.stdin makes the interpreter's end crash.
    with suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stopped.set)


class Simulator:
    """A simulator in a thread of this process, as a context manager: for tests, where a process costs too much.

    For measurements start a process of its own (see `eval.simulator.process`), which shares no interpreter lock.
    """

    def __init__(self, settings: Settings | None = None, *, ports: Sequence[int] = (0,), host: str = HOST) -> None:
        self._settings, self._ports, self._host = settings or Settings(), ports, host
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._running: _Running | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    @property
    def running(self) -> _Running:
        if self._running is None:
            raise SimulatorError("The simulator has not been started; use it in a with statement.")
        return self._running

    @property
    def urls(self) -> list[str]:
        """One base URL a port, ending in /v1."""
        return self.running.urls

    @property
    def url(self) -> str:
        """The base URL of the first port."""
        return self.urls[0]

    def log(self) -> list[dict[str, Any]]:
        """The log of the finished requests, oldest first."""
        return [asdict(entry) for entry in list(self.running.application.entries)]

    def __enter__(self) -> Self:
        try:
            self._running = _Running(self._settings, self._ports, self._host)
        except SimulatorError:
            self._loop.close()
            raise
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        await self.running.start()
        self._ready.set()
        await self._stopped.wait()
        await self.running.stop()
