"""The simulator's answers over HTTP: the routes of the OpenAI API, each reply sent at its time, with its fault.

What is said comes from answers.py and judging.py, how it is written from chat.py, when from the profile, and what truly
happened goes to log.py. Listening on ports is server.py's business.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import NoReturn
from uuid import uuid4

from aiohttp import HttpVersion11, web

from eval import qa_set as qa_sets
from eval.qa_set import QASet
from eval.simulator import answers, chat, judging
from eval.simulator.chat import ChatQuery, Generation
from eval.simulator.faults import Faults
from eval.simulator.log import Log, LogEntry
from eval.simulator.profiles import PROFILES, Profile

SERVER = f"rightsize-simulator/{version('rightsize')}"
MAX_BODY_BYTES = 32 * 1024 * 1024
_REQUEST_ID = web.RequestKey("request_id", str)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a simulator is made of. `speed` divides all times; `seed` enters every answer, fault and jitter."""

    profiles: tuple[Profile, ...] = PROFILES
    qa_set: QASet | None = None  # None: the built-in one
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    speed: float = 1.0
    api_key: str | None = None  # demanded of every request under /v1, if given
    log_file: Path | None = None  # gets a line a request, too


@dataclass(frozen=True, slots=True)
class _Plan:
    """A reply before it is sent: what, when each token is due, and after how many of them the connection is dropped."""

    profile: Profile
    made: Generation
    due_ms: list[float]
    cut: int | None
    logprobs: dict[str, float] | None = None  # of the first token, where they were asked for


class Application:
    """The routes and what they share: models, questions, faults, log."""

    def __init__(self, settings: Settings) -> None:
        self.log = Log(settings.log_file)
        self._settings = settings
        self._profiles = {profile.name: profile.faster(settings.speed) for profile in settings.profiles}
        self._index = answers.Index((settings.qa_set or qa_sets.built_in()).questions)
        self._faults = settings.faults.draw(settings.seed)
        self._numbers = count()

    def routes(self) -> web.Application:
        """The application for aiohttp to serve."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._around])
        app.on_response_prepare.append(self._label)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{name}", self._model)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/simulator/log", self._read_log)
        return app

    async def _label(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["server"] = SERVER
        response.headers["x-rightsize-simulated"] = "1"
        response.headers["x-request-id"] = request.get(_REQUEST_ID) or uuid4().hex

    @web.middleware
    async def _around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Demand the key, and write every error the way the OpenAI API does."""
        key = self._settings.api_key
        if key and request.path.startswith("/v1/") and request.headers.get("authorization") != f"Bearer {key}":
            return _error(401, "Incorrect API key provided.", code="invalid_api_key")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _error(error.status, f"{error.reason}: {request.method} {request.path}")

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(chat.models_body(list(self._profiles.values())))

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        profile = self._profiles.get(name)
        return web.json_response(chat.model_body(profile)) if profile else self._unknown_model(name)

    def _unknown_model(self, model: str) -> web.Response:
        message = f"The model '{model}' does not exist; there are: {', '.join(self._profiles)}."
        return _error(404, message, code="model_not_found", param="model")

    async def _read_log(self, _: web.Request) -> web.Response:
        lines = "".join(json.dumps(entry) + "\n" for entry in self.log.entries())
        return web.Response(text=lines, content_type="application/jsonl")

    # --- one chat request -------------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        entry = LogEntry(uuid4().hex, request.headers.get("x-rightsize-request"), perf_counter_ns())
        request[_REQUEST_ID] = entry.request_id
        response, end = web.StreamResponse(), b""
        try:
            response, end = await self._reply(request, chat.read_query(body), entry)
            entry.status = response.status
        except chat.BadRequestError as error:
            response, entry.status = _error(400, str(error), param=error.param), 400
        except asyncio.CancelledError:
            entry.fault = entry.fault or "client_gone"
            raise
        except ConnectionError:  # aiohttp finds the connection closed and gives the response up
            entry.fault = entry.fault or "client_gone"
        finally:  # before the last bytes leave, so that whoever has the whole reply finds it in the log
            entry.done_ms = entry.now_ms()
            if entry.headers_sent_ms is None:
                entry.headers_sent_ms = entry.done_ms
            self.log.add(entry)
        if end:
            with suppress(ConnectionError):
                await response.write(end)
        return response

    async def _reply(self, request: web.Request, query: ChatQuery, entry: LogEntry) -> tuple[web.StreamResponse, bytes]:
        """A response, sent but for its last bytes, and these. Raises BadRequestError, or ConnectionError if it ends."""
        faults = self._settings.faults
        entry.model, entry.streamed = query.model, query.stream
        profile = self._profiles.get(query.model)
        if profile is None:
            return self._unknown_model(query.model), b""
        if query.stream and faults.no_stream:
            raise chat.BadRequestError("This server does not support stream.", "stream")
        entry.fault = next(self._faults)
        if entry.fault == "429":
            refused = _error(429, "Rate limit reached.", "rate_limit_error", "rate_limit_exceeded")
            refused.headers["retry-after"] = f"{faults.retry_after_s:g}"
            return refused, b""
        if entry.fault == "500":
            return _error(500, "The simulator fails on purpose.", "server_error"), b""
        plan = self._plan(query, profile, entry)
        entry.prompt_tokens = plan.made.prompt_tokens
        if query.stream:
            return await self._stream(request, query, plan, entry)
        await asyncio.sleep(max(0.0, plan.due_ms[-1 if plan.cut is None else plan.cut - 1] - entry.now_ms()) / 1e3)
        if plan.cut is not None:
            _drop(request)
        entry.tokens = plan.made.count
        body = chat.encode_whole(query, plan.made, entry.request_id, not faults.no_usage, plan.logprobs)
        return web.json_response(body), b""

    def _plan(self, query: ChatQuery, profile: Profile, entry: LogEntry) -> _Plan:
        text, logprobs = self._text(query, profile, entry)
        thoughts = answers.filler(profile.reasoning_tokens)
        made = chat.generate(text, thoughts, answers.prompt_text(query.messages), query.limit)
        rng = Random(f"{self._settings.seed}|{profile.seed}|{next(self._numbers)}")
        due_ms = chat.due_ms(profile, made.prompt_tokens, made.count, rng)
        cut = rng.randint(1, max(1, made.count - 1)) if entry.fault == "drop" else None
        return _Plan(profile, made, due_ms, cut, logprobs)

    def _judge_seed(self, query: ChatQuery, profile: Profile) -> int:
        """A judge that is asked at temperature 0 says the same each time, whatever the seed of the request."""
        return self._settings.seed + profile.seed + (query.seed if query.temperature else 0)

    def _text(self, query: ChatQuery, profile: Profile, entry: LogEntry) -> tuple[str, dict[str, float] | None]:
        """What the model says, and the log-probabilities of the first token where it is to judge by one digit.

        Forgets the fault of a malformed judgement where nothing is judged.
        """
        fault, _, kind = (entry.fault or "").partition(":")
        asked = answers.prompt_text(message for message in query.messages if message.get("role") == "user")
        to_judge = None if profile.fixed_tokens else judging.read_prompt(asked)
        if to_judge and query.top_logprobs:
            criterion = judging.asked_criterion(answers.prompt_text(query.messages))
            seed = self._judge_seed(query, profile)
            score = judging.judge(to_judge, (criterion,), profile.judge_noise, seed)[criterion]["score"]
            return str(score), judging.digit_logprobs(score, profile.judge_noise)
        if to_judge:
            asked_for = tuple(query.schema.get("properties", {})) if query.schema else judging.CRITERIA
            criteria = tuple(name for name in asked_for if name != judging.CHECKS)
            verdicts = judging.judge(to_judge, criteria, profile.judge_noise, self._judge_seed(query, profile))
            if to_judge.checks:
                verdicts[judging.CHECKS] = judging.check(to_judge)
            return judging.spoil(verdicts, kind if fault == "malformed_judge" else ""), None
        if fault == "malformed_judge":
            entry.fault = None
        text = answers.answer(asked, self._index, profile, self._settings.seed * 1_000_003 + query.seed)
        if query.schema and not profile.fixed_tokens:
            return json.dumps(chat.instance(query.schema, text)), None
        return text, None

    async def _stream(
        self, request: web.Request, query: ChatQuery, plan: _Plan, entry: LogEntry
    ) -> tuple[web.StreamResponse, bytes]:
        faults, per_chunk = self._settings.faults, plan.profile.tokens_per_chunk
        encoded = chat.encode_stream(query, plan.made, entry.request_id, per_chunk, not faults.no_usage)
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
        entry.headers_sent_ms, entry.status = entry.now_ms(), response.status
        await response.prepare(request)
        first, *later = encoded.pieces
        if faults.early_role_chunk:
            await response.write(encoded.role)
        else:
            first = encoded.role + first
        framed = [_framed(piece, request) for piece in (first, *later)]
        due_ms = [plan.due_ms[last] for last in encoded.last_token]
        kept = len(framed) if plan.cut is None else max(1, plan.cut // per_chunk)
        try:
            await _Sender(request, entry, list(zip(due_ms, framed, strict=True))[:kept]).run()
        finally:
            sent = entry.chunk_ms
            thoughts = -(-len(plan.made.reasoning) // per_chunk)
            entry.tokens = encoded.last_token[len(sent) - 1] + 1 if sent else 0
            entry.first_token_ms, entry.last_token_ms = (sent[0], sent[-1]) if sent else (None, None)
            entry.first_answer_ms = sent[thoughts] if len(sent) > thoughts else None
        if plan.cut is not None:
            _drop(request)
        return response, encoded.end


class _Sender:
    """Hands each piece to the socket when it is due, from timers: waking a task for each would cost more.

    A late piece does not delay the next one, since each has its own due time.
    """

    def __init__(self, request: web.Request, entry: LogEntry, pieces: Sequence[tuple[float, bytes]]) -> None:
        self._request, self._entry, self._pieces = request, entry, pieces
        self._loop = asyncio.get_running_loop()
        self._start_s = self._loop.time() - entry.now_ms() / 1e3
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Send all pieces. Raises ConnectionResetError if the client goes away."""
        self._send_due()
        try:
            await self._done
        finally:
            if self._timer:
                self._timer.cancel()

    def _send_due(self) -> None:
        entry, sent_ms = self._entry, self._entry.chunk_ms
        transport = self._request.transport
        if transport is None or transport.is_closing():
            self._done.set_exception(ConnectionResetError("the client went away"))
            return
        while len(sent_ms) < len(self._pieces):
            due_ms, piece = self._pieces[len(sent_ms)]
            now_ms = entry.now_ms()
            if now_ms < due_ms:
                self._timer = self._loop.call_at(self._start_s + due_ms / 1e3, self._send_due)
                return
            sent_ms.append(now_ms)
            entry.late_ms = max(entry.late_ms, now_ms - due_ms)
            transport.write(piece)
        self._done.set_result(None)


def _framed(piece: bytes, request: web.Request) -> bytes:
    """A piece as it goes over the wire past aiohttp's own writer: chunked encoding, which HTTP/1.0 does not know."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if request.version >= HttpVersion11 else piece


def _drop(request: web.Request) -> NoReturn:
    """Abort the connection, unsent bytes and all."""
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("dropped on purpose")


def _error(
    status: int, message: str, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None
) -> web.Response:
    return web.json_response(chat.error_body(message, kind, code, param), status=status)
