"""One endpoint: a request in, a reply with its timings out. The only module that imports openai.

Here live retries, time limits and the sentences that explain a failure. transport.py stamps the bytes, stream.py reads
them; which questions are asked and where answers are stored is the runner's business.
"""

import asyncio
import os
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter_ns
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, Field, field_validator

from eval.lag import LIMIT_MS, LagMonitor
from eval.stream import NotJSONError, Reply, Usage, complete_usage, error_message, pace, parse_stream, parse_whole
from eval.transport import BodyTooLargeError, StampedBody, StampingTransport, recorder

CONNECT_TIMEOUT_S = 10.0
MAX_WAIT_S = 60.0  # a server that asks for more patience than this is treated as failed
FIRST_WAIT_S = 0.5
ADAPTABLE = ("stream_options", "seed", "temperature", "max_tokens", "response_format", "stream")

Message = dict[str, str]


class EndpointError(Exception):
    """An endpoint cannot be used as it is configured; the text says why and what to do."""


class Endpoint(BaseModel):
    """Where a server speaks the OpenAI API, and how patient to be with it. Holds the name of a key, never a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str
    api_key_env: str | None = None
    concurrency: int = Field(default=1, ge=1, le=256)
    timeout_s: float = Field(default=300.0, gt=0, le=3600)
    max_attempts: int = Field(default=4, ge=1, le=10)

    @field_validator("url")
    @classmethod
    def _plain_http(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'"{url}" is not an address; write it like http://127.0.0.1:5273/v1')
        if parts.username or parts.password:
            raise ValueError("the address holds credentials; put the key in an environment variable instead")
        return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def api_key(self) -> str:
        """The key from the environment; local servers get a dummy. Raises EndpointError if the variable is unset."""
        if self.api_key_env is None:
            return "none"
        if not (key := os.environ.get(self.api_key_env, "").strip()):
            raise EndpointError(
                f"The environment variable {self.api_key_env}, which should hold the key for {self.url}, is not set."
            )
        return key


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked: messages and the parameters that are held constant over all targets."""

    model: str
    messages: Sequence[Message]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 7
    stream: bool = True
    response_format: dict[str, Any] | None = None

    @property
    def prompt(self) -> str:
        return "\n".join(message["content"] for message in self.messages)


@dataclass(slots=True)
class Attempt:
    """One try of one request, successful or not: the fields of a stored call. Times in milliseconds."""

    number: int
    request_id: str
    started_at: datetime
    wait_before_ms: float = 0.0
    streamed: bool = True
    status_code: int | None = None
    error_kind: str | None = None
    error: str | None = None
    model_returned: str | None = None
    http_version: str | None = None
    connection_reused: bool | None = None
    prepare_ms: float | None = None
    connect_ms: float | None = None
    headers_ms: float | None = None
    first_byte_ms: float | None = None
    ttft_ms: float | None = None
    ttfat_ms: float | None = None
    generation_ms: float | None = None
    total_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    tokens_per_s: float | None = None
    chunk_ms: list[float] = field(default_factory=list)
    finish_reason: str | None = None
    loop_lag_ms: float | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class Completion:
    """The outcome of one request: every attempt, and the text of the last one if it succeeded."""

    request: ChatRequest
    endpoint: str
    text: str
    attempts: list[Attempt]
    simulated: bool = False

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def ok(self) -> bool:
        return self.last.error_kind is None

    @property
    def client_limited(self) -> bool:
        return (self.last.loop_lag_ms or 0.0) > LIMIT_MS


@dataclass(frozen=True, slots=True)
class _FailureError(Exception):
    """Why an attempt failed, and whether another may do better."""

    kind: str
    text: str
    transient: bool = False
    retry_after_s: float | None = None
    adapt: str | None = None  # a parameter the server refused: ask again without it


def _retry_after_s(headers: httpx2.Headers) -> float | None:
    """The pause a server asks for (RFC 9110, section 10.2.3): seconds or a date."""
    value = headers.get("retry-after")
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None


class EndpointClient:
    """An open connection pool to one endpoint; use it as an async context manager."""

    def __init__(self, endpoint: Endpoint, lag: LagMonitor | None = None) -> None:
        self.endpoint = endpoint
        self.server: str | None = None  # what the server calls itself
        self.simulated = False
        self.refused: set[str] = set()  # parameters this server does not take
        self._lag = lag
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.url,
            api_key=endpoint.api_key(),
            max_retries=0,  # a hidden retry would falsify a latency
            timeout=httpx2.Timeout(endpoint.timeout_s, connect=CONNECT_TIMEOUT_S),
            http_client=httpx2.AsyncClient(transport=StampingTransport(endpoint.host, endpoint.concurrency + 1)),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._openai.close()

    # --- before a run -------------------------------------------------------------------------------------------

    async def check(self, models: Sequence[str]) -> list[str]:
        """Ask for the list of models, which also opens the connection and warms the client up.

        Returns the ids offered (empty where the server keeps no list). Raises EndpointError with one sentence if the
        endpoint cannot be reached, refuses the key, is no OpenAI API, or does not offer one of `models`.
        """
        try:
            async with asyncio.timeout(min(30.0, self.endpoint.timeout_s)):
                raw = await self._openai.models.with_raw_response.list()
            self._note_server(raw.http_response)
            body = raw.http_response.json()
            offered = [m["id"] for m in body["data"] if isinstance(m, dict) and isinstance(m.get("id"), str)]
        except Exception as error:
            failure = self._explain(error)
            if failure.kind in ("not_found", "bad_request", "not_json") and await self._answers_chat(models):
                return []
            raise EndpointError(failure.text) from error
        for model in models:
            if offered and model not in offered:
                near = ", ".join(offered[:8]) + (" ..." if len(offered) > 8 else "")
                raise EndpointError(f'{self.endpoint.url} does not offer the model "{model}"; it offers: {near}.')
        return offered

    async def _answers_chat(self, models: Sequence[str]) -> bool:
        """Whether a server without a list of models answers a chat request all the same."""
        if not models:
            return False
        outcome = await self.complete(ChatRequest(models[0], [{"role": "user", "content": "Say ok."}], max_tokens=16))
        return outcome.ok

    # --- one request --------------------------------------------------------------------------------------------

    async def complete(self, request: ChatRequest) -> Completion:
        """Send one request, repeat it where that may help, and return every attempt. A failure is never raised.

        Repeated: 429, 5xx, refused or dropped connections, timeouts; at most `max_attempts` times, with full jitter
        (AWS Architecture Blog, "Exponential backoff and jitter") or after the server's Retry-After. No wait is part of
        a latency.
        """
        attempts: list[Attempt] = []
        wait_s, tries, text = 0.0, 0, ""
        while True:
            if wait_s:
                await asyncio.sleep(wait_s)
            attempt = Attempt(len(attempts) + 1, uuid4().hex, datetime.now(UTC), wait_before_ms=wait_s * 1e3)
            attempts.append(attempt)
            try:
                text = await self._try(request, attempt)
                break
            except Exception as error:
                failure = self._explain(error)
            attempt.error_kind, attempt.error = failure.kind, failure.text
            wait_s = 0.0
            if failure.adapt and failure.adapt not in self.refused:
                self.refused.add(failure.adapt)
                continue
            tries += 1
            if not failure.transient or tries >= self.endpoint.max_attempts:
                break
            if (failure.retry_after_s or 0.0) > MAX_WAIT_S:
                break
            backoff_s = random.uniform(0, min(MAX_WAIT_S, FIRST_WAIT_S * 2**tries))
            wait_s = max(backoff_s, failure.retry_after_s or 0.0)
        return Completion(request, self.endpoint.url, text, attempts, self.simulated)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        """The JSON of a request, without what this server was found not to take."""
        body: dict[str, Any] = {"model": request.model, "messages": list(request.messages)}
        body["max_completion_tokens" if "max_tokens" in self.refused else "max_tokens"] = request.max_tokens
        body |= {"temperature": request.temperature, "seed": request.seed}
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if request.response_format:
            body["response_format"] = request.response_format
        kept = {k: v for k, v in body.items() if k == "max_tokens" or k not in self.refused}
        if "stream" in self.refused:
            kept.pop("stream_options", None)
        return kept

    async def _try(self, request: ChatRequest, attempt: Attempt) -> str:
        called_ns = perf_counter_ns()
        recorder.set(None)
        body = self._body(request)
        attempt.streamed = bool(body.get("stream"))
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                response = await self._openai.post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body=body,
                    stream=attempt.streamed,
                    stream_cls=_RawStream,
                    options={"headers": {"x-rightsize-request": attempt.request_id}},
                )
                raw = response.response if isinstance(response, _RawStream) else response
                self._note_server(raw)
                attempt.status_code = raw.status_code
                body_stream: StampedBody = raw.extensions["body"]
                if attempt.streamed:
                    try:
                        await body_stream.drain()
                    finally:
                        await raw.aclose()
        finally:
            self._note_stamps(attempt, called_ns)
        return self._read(request, attempt, raw)

    def _note_stamps(self, attempt: Attempt, called_ns: int) -> None:
        """Turn the stamps of the attempt into milliseconds, whether it succeeded or not."""
        stamps = recorder.get()
        if stamps is None or stamps.sent_ns is None:
            return
        attempt.http_version, attempt.connection_reused = stamps.http_version, stamps.connection_reused
        attempt.connect_ms = stamps.connect_ns / 1e6
        attempt.prepare_ms = (stamps.sent_ns - called_ns - stamps.connect_ns) / 1e6
        if stamps.headers_ns:
            attempt.headers_ms = (stamps.headers_ns - stamps.sent_ns) / 1e6
        if stamps.chunks:
            attempt.first_byte_ms = (stamps.chunks[0][0] - stamps.sent_ns) / 1e6
        if stamps.ended_ns:
            attempt.total_ms = (stamps.ended_ns - stamps.sent_ns) / 1e6
            if self._lag:
                attempt.loop_lag_ms = self._lag.worst_ms(stamps.sent_ns, stamps.ended_ns)

    def _read(self, request: ChatRequest, attempt: Attempt, raw: httpx2.Response) -> str:
        stamps = recorder.get()
        assert stamps is not None
        assert stamps.sent_ns is not None
        if not stamps.chunks:
            raise _FailureError("empty_reply", f"{self.endpoint.url} sent an empty reply.", transient=True)
        as_events = "text/event-stream" in raw.headers.get("content-type", "") or stamps.chunks[0][1].startswith(
            (b"data:", b":", b"event:")
        )
        reply = parse_stream(stamps.chunks) if as_events else parse_whole(stamps.chunks)
        attempt.streamed = as_events
        attempt.model_returned, attempt.finish_reason = reply.model, reply.finish_reason
        if reply.error:
            raise self._overlong(reply.error) or _FailureError(
                "server_error", f"{self.endpoint.url} broke off: {reply.error}", transient=True
            )
        if not reply.complete:
            raise _FailureError("stream_cut", f"{self.endpoint.url} cut the stream before its end.", transient=True)
        attempt.usage = complete_usage(reply.usage, request.prompt, reply)
        self._note_pace(attempt, reply, stamps.sent_ns)
        return reply.text

    def _overlong(self, said: str) -> _FailureError | None:
        """A prompt that does not fit fails every time; servers say so in many words and with different statuses."""
        if re.search(r"context (length|window|size)|n_ctx|too many tokens|prompt is too long", said, re.IGNORECASE):
            return _FailureError(
                "too_long", f"The prompt does not fit the model's context: {said} ({self.endpoint.url})"
            )
        return None

    @staticmethod
    def _note_pace(attempt: Attempt, reply: Reply, sent_ns: int) -> None:
        its = pace(reply, sent_ns, attempt.usage.completion_tokens)
        attempt.ttft_ms, attempt.ttfat_ms, attempt.generation_ms = its.ttft_ms, its.ttfat_ms, its.generation_ms
        attempt.itl_p50_ms, attempt.itl_p95_ms = its.itl_p50_ms, its.itl_p95_ms
        attempt.tokens_per_s, attempt.chunk_ms = its.tokens_per_s, its.chunk_ms

    def _note_server(self, response: httpx2.Response) -> None:
        self.server = response.headers.get("server", self.server)
        self.simulated = self.simulated or response.headers.get("x-rightsize-simulated") == "1"

    # --- failures in plain words --------------------------------------------------------------------------------

    def _explain(self, error: BaseException) -> _FailureError:
        """One sentence for what went wrong and what to do; whether to try again."""
        url = self.endpoint.url
        match error:
            case _FailureError():
                return error
            case TimeoutError() | openai.APITimeoutError() | httpx2.TimeoutException():
                return _FailureError(
                    "timeout", f"{url} gave no complete reply within {self.endpoint.timeout_s:g} s.", True
                )
            case NotJSONError() | ValueError() | KeyError():
                start = re.sub(r"\s+", " ", str(error))[:60]
                return _FailureError(
                    "not_json",
                    f"{url} answered with something that is not the OpenAI API ({start!r}); check the address and that "
                    "it ends in /v1.",
                )
            case openai.APIStatusError():
                return self._explain_status(error)
            case BodyTooLargeError():
                return _FailureError("too_large", f"{url} sent more than a reply may hold; it was cut off.")
            case openai.APIConnectionError():
                return self._explain(error.__cause__ or httpx2.ConnectError(str(error)))
            case httpx2.ConnectError() if "TLS" in str(error) or "certificate" in str(error).lower():
                return _FailureError(
                    "tls", f"No secure connection to {url}: {error}; check the certificate, or http instead of https."
                )
            case httpx2.ConnectError():
                return _FailureError(
                    "unreachable", f"Nothing answers at {url}; start the server or correct the address.", transient=True
                )
            case httpx2.TransportError():
                return _FailureError("dropped", f"The connection to {url} was dropped ({error}).", transient=True)
            case _:
                return _FailureError("client_error", f"The request to {url} failed: {type(error).__name__}: {error}")

    def _explain_status(self, error: openai.APIStatusError) -> _FailureError:
        url, status = self.endpoint.url, error.status_code
        text = error_message(error.body if error.body is not None else error.response.text[:200])
        if overlong := self._overlong(text):
            return overlong
        if status in (401, 403):
            where = f"in {self.endpoint.api_key_env}" if self.endpoint.api_key_env else "(none was given)"
            return _FailureError("wrong_key", f"{url} refused the key {where} with status {status}; set the right one.")
        if status == 404 and "model" in text.lower():
            return _FailureError("unknown_model", f"{url} does not know this model: {text}")
        if status in (404, 405):
            return _FailureError(
                "not_found", f"{url} has no chat completions (status {status}); the path often ends in /v1."
            )
        if status == 429 or status >= 500 or status == 408:
            wait = _retry_after_s(error.response.headers)
            return _FailureError(f"status_{status}", f"{url} answered with status {status}: {text}", True, wait)
        named = [p for p in ADAPTABLE if p not in self.refused and re.search(rf"\b{p}(ing|ed)?\b", text)]
        return _FailureError(
            "bad_request", f"{url} refused the request ({status}): {text}", adapt=named[0] if named else None
        )


class _RawStream(openai.AsyncStream[httpx2.Response]):
    """Hands the unread response over instead of parsing chunk by chunk, which costs 150 us each."""

    def __init__(self, *, response: httpx2.Response, **_: Any) -> None:
        self.response = response
