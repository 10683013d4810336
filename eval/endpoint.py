"""One endpoint: a request in, a reply with its timings out. The only module that imports openai.

Here live retries, time limits and the sentences that explain a failure. transport.py stamps the bytes, stream.py reads
them; which questions are asked and where answers are stored is the runner's business.
"""

import asyncio
import json
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter_ns
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx2
import openai

from eval.chat import Attempt, ChatRequest, Completion, Endpoint, EndpointError
from eval.lag import LagMonitor
from eval.stream import (
    NotJSONError,
    Pace,
    clean,
    complete_usage,
    error_message,
    pace,
    parse_stream,
    parse_whole,
    streamed_tokens,
)
from eval.transport import BodyTooLargeError, StampedBody, StampingTransport, is_loopback, recorder
from eval.turnstile import Turnstile

CONNECT_TIMEOUT_S = 10.0
CHECK_TIMEOUT_S = 30.0
MAX_WAIT_S = 60.0  # a server that asks for more patience than this is treated as failed
FIRST_WAIT_S = 0.5
ADAPTABLE = {  # parameters that may be left out where a server refuses them, and how its refusal names them
    "stream_options": r"stream_options",
    "seed": r"seed",
    "temperature": r"temperature",
    "max_tokens": r"max_tokens",
    "response_format": r"response[_ ]format|json_schema",
    "stream": r"stream(ing|ed)?",
}
OVERLONG = re.compile(
    r"context (length|window|size)|n_ctx|too many tokens|prompt is too long|maximum model length"
    r"|exceeds the maximum number of tokens|reduce the length of the messages",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _FailureError(Exception):
    """Why an attempt failed, and whether another may do better."""

    kind: str
    text: str
    transient: bool = False
    retry_after_s: float | None = None
    adapt: str | None = None  # a parameter the server refused: ask again without it


def _offered_models(body: str) -> list[str]:
    """The ids in a list of models; a bare list (Together AI) and null for none (Ollama) are understood."""
    try:
        value = json.loads(body)
        entries = value if isinstance(value, list) else value["data"] or []
        return [m["id"] for m in entries if isinstance(m, dict) and isinstance(m.get("id"), str)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotJSONError(body[:200]) from None


def _retry_after_s(headers: httpx2.Headers) -> float | None:
    """The pause a server asks for (RFC 9110, section 10.2.3): seconds or a date."""
    value = headers.get("retry-after")
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError, TypeError):
        when = parsedate_to_datetime(value)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    return None


class EndpointClient:
    """An open connection pool to one endpoint; use it as an async context manager."""

    def __init__(self, endpoint: Endpoint, lag: LagMonitor | None = None) -> None:
        self.endpoint = endpoint
        self.server: str | None = None  # what the server calls itself
        self.simulated = False
        self.refused: dict[str, set[str]] = {}  # by model: parameters this server does not take
        self._lag = lag
        self._turnstile = Turnstile()
        self._key = endpoint.api_key()
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.url,
            api_key=self._key,
            max_retries=0,  # a hidden retry would falsify a latency
            timeout=httpx2.Timeout(endpoint.timeout_s, connect=CONNECT_TIMEOUT_S),
            http_client=httpx2.AsyncClient(transport=StampingTransport(endpoint.host, endpoint.concurrency + 1)),
        )
        self._openai.organization = self._openai.project = None  # the environment's are no other server's business

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
        patience_s = min(CHECK_TIMEOUT_S, self.endpoint.timeout_s)
        try:
            async with asyncio.timeout(patience_s):
                raw = await self._openai.models.with_raw_response.list()
            self._note_server(raw.http_response)
            offered = _offered_models(raw.http_response.text)
        except Exception as error:
            failure = self._explain(error, patience_s)
            if failure.kind not in ("not_found", "bad_request", "not_json") or not models:
                raise EndpointError(failure.text) from error
            await self._check_chat(models[0], failure)
            return []
        for model in models:
            if offered and not {model, f"{model}:latest"} & set(offered):  # Ollama takes both for one
                near = ", ".join(offered[:8]) + (" ..." if len(offered) > 8 else "")
                raise EndpointError(f'{self.endpoint.url} does not offer the model "{model}"; it offers: {near}.')
        return offered

    async def _check_chat(self, model: str, failure: _FailureError) -> None:
        """Ask a server that failed to list its models for a reply all the same. Raises EndpointError if it has none."""
        outcome = await self.complete(ChatRequest(model, [{"role": "user", "content": "Say ok."}], max_tokens=16))
        if not outcome.ok:
            alike = outcome.last.error_kind in ("not_found", "bad_request", "not_json")
            raise EndpointError((None if alike else outcome.last.error) or failure.text)

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
            if failure.adapt:  # the next attempt is without it, so this comes to an end
                self.refused.setdefault(request.model, set()).add(failure.adapt)
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
        refused = self.refused.get(request.model, set())
        body: dict[str, Any] = {"model": request.model, "messages": list(request.messages)}
        body["max_completion_tokens" if "max_tokens" in refused else "max_tokens"] = request.max_tokens
        body |= {"temperature": request.temperature, "seed": request.seed}
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if request.response_format:
            body["response_format"] = request.response_format
        if request.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        if "stream" in refused:
            body.pop("stream_options", None)
        return {k: v for k, v in body.items() if k not in refused}

    async def _try(self, request: ChatRequest, attempt: Attempt) -> str:
        await self._turnstile.passed()
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
        except openai.APIStatusError as error:
            attempt.status_code = error.status_code
            raise self._explain_status(error, body) from error
        finally:
            self._note_stamps(attempt, called_ns)
        await self._turnstile.passed()
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
        begin = b"".join(chunk for _, chunk in stamps.chunks[:8]).removeprefix(b"\xef\xbb\xbf").lstrip()
        said = raw.headers.get("content-type", "")
        as_events = begin.startswith((b"data:", b":", b"event:")) or (
            "text/event-stream" in said and not begin.startswith(b"{")
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
        if reply.finish_reason is None and not (reply.text or reply.reasoning):
            raise _FailureError("empty_reply", f"{self.endpoint.url} sent an empty reply.", transient=True)
        attempt.top_logprobs = reply.top_logprobs
        attempt.usage = complete_usage(reply.usage, request.prompt, reply)
        self._note_pace(attempt, pace(reply, stamps.sent_ns, streamed_tokens(attempt.usage, reply)))
        return reply.text

    def _overlong(self, said: str) -> _FailureError | None:
        """A prompt that does not fit fails every time; servers say so in many words and with different statuses."""
        if OVERLONG.search(said):
            return _FailureError(
                "too_long", f"The prompt does not fit the model's context: {said} ({self.endpoint.url})"
            )
        return None

    @staticmethod
    def _note_pace(attempt: Attempt, its: Pace) -> None:
        attempt.ttft_ms, attempt.ttfat_ms, attempt.generation_ms = its.ttft_ms, its.ttfat_ms, its.generation_ms
        attempt.itl_p50_ms, attempt.itl_p95_ms = its.itl_p50_ms, its.itl_p95_ms
        attempt.tokens_per_s, attempt.chunk_ms = its.tokens_per_s, its.chunk_ms

    def _note_server(self, response: httpx2.Response) -> None:
        self.server = response.headers.get("server", self.server)
        self.simulated = self.simulated or response.headers.get("x-rightsize-simulated") == "1"

    # --- failures in plain words --------------------------------------------------------------------------------

    def _explain(self, error: BaseException, patience_s: float | None = None) -> _FailureError:
        """One sentence for what went wrong and what to do; whether to try again. Never holds the key."""
        failure = self._name(error, patience_s or self.endpoint.timeout_s)
        text = clean(failure.text)
        if self.endpoint.api_key_env:
            shown = re.escape(self._key[:8]) + r"\S*" if len(self._key) > 12 else re.escape(self._key)  # also cut off
            text = re.sub(shown, "(the key)", text)  # some servers say what they were sent
        return replace(failure, text=text)

    def _name(self, error: BaseException, patience_s: float) -> _FailureError:
        url = self.endpoint.url
        match error:
            case _FailureError():
                return error
            case openai.APITimeoutError() if isinstance(error.__cause__, httpx2.ConnectTimeout):
                return self._name(error.__cause__, patience_s)
            case httpx2.ConnectTimeout():
                seconds = min(CONNECT_TIMEOUT_S, patience_s)
                return _FailureError("unreachable", f"{url} took no connection within {seconds:g} s.", True)
            case TimeoutError() | openai.APITimeoutError() | httpx2.TimeoutException():
                return _FailureError("timeout", f"{url} gave no complete reply within {patience_s:g} s.", True)
            case NotJSONError():
                start = re.sub(r"\s+", " ", str(error))[:60]
                return _FailureError(
                    "not_json",
                    f"{url} answered with something that is not the OpenAI API ({start!r}); check the address and that "
                    "it ends in /v1.",
                )
            case openai.APIStatusError():
                return self._explain_status(error, {})
            case BodyTooLargeError():
                return _FailureError("too_large", f"{url} sent more than a reply may hold; it was cut off.")
            case openai.APIConnectionError():
                return self._name(error.__cause__ or httpx2.ConnectError(str(error)), patience_s)
            case httpx2.ConnectError() if "TLS" in str(error) or "certificate" in str(error).lower():
                said = str(error).removeprefix("TLS: ")
                return _FailureError(
                    "tls", f"No secure connection to {url}: {said}; check the certificate, or http instead of https."
                )
            case httpx2.ProxyError():
                return _FailureError(
                    "unreachable", f"The proxy in the environment gives no way to {url}: {error}.", transient=True
                )
            case httpx2.ConnectError():
                return _FailureError(
                    "unreachable", f"Nothing answers at {url}; start the server or correct the address.", transient=True
                )
            case httpx2.TransportError():
                return _FailureError("dropped", f"The connection to {url} was dropped ({error}).", transient=True)
            case _:
                return _FailureError("client_error", f"The request to {url} failed: {type(error).__name__}: {error}")

    def _explain_status(self, error: openai.APIStatusError, sent: dict[str, Any]) -> _FailureError:
        url, status = self.endpoint.url, error.status_code
        text = error_message(error.body if error.body is not None else error.response.text)
        if status != 429 and (overlong := self._overlong(text)):
            return overlong
        if 300 <= status < 400:
            where = urlsplit(error.response.headers.get("location", ""))
            to = urlunsplit((where.scheme, where.netloc.rpartition("@")[2], where.path, "", "")) or "another address"
            return _FailureError("not_found", f"{url} redirects to {to}, which is not followed; correct the address.")
        if status in (401, 403):
            where = "(none was given; --api-key-env names its variable)"
            if self.endpoint.api_key_env:
                where = f"in {self.endpoint.api_key_env}"
            elif is_loopback(self.endpoint.host):
                where = "(none was sent to this computer: --api-key-env is for others, rightsize.toml names one for it)"
            return _FailureError("wrong_key", f"{url} refused the key {where} with status {status}; set the right one.")
        if status == 404 and re.search(r"\bmodel\b", text, re.IGNORECASE) and not text.startswith("a web page"):
            return _FailureError("unknown_model", f"{url} does not know this model: {text}")
        if status in (404, 405):
            return _FailureError(
                "not_found", f"{url} has no chat completions (status {status}); the path often ends in /v1."
            )
        if status == 429 or status >= 500 or status == 408:
            wait = _retry_after_s(error.response.headers)
            return _FailureError(f"status_{status}", f"{url} answered with status {status}: {text}", True, wait)
        told = error.body.get("param") if isinstance(error.body, dict) else None
        named = [p for p, pattern in ADAPTABLE.items() if p in sent and re.search(rf"\b({pattern})\b", text)]
        adapt = told if told in ADAPTABLE and told in sent else named[0] if named else None
        return _FailureError("bad_request", f"{url} refused the request ({status}): {text}", adapt=adapt)


class _RawStream(openai.AsyncStream[httpx2.Response]):
    """Hands the unread response over instead of parsing chunk by chunk, which costs 150 us each."""

    def __init__(self, *, response: httpx2.Response, **_: Any) -> None:
        self.response = response
