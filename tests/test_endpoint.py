"""Claims about one endpoint: what is sent, what is measured, what is tried again, and what a failure is called."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import httpx2
import pytest
import trustme
from pydantic import ValidationError
from servers import (
    CHAT,
    DONE,
    GOOD,
    MODELS,
    Received,
    Reply,
    Server,
    as_json,
    completion,
    delta,
    event,
    events,
    model_list,
    page,
    refusal,
    serve,
    serve_bytes,
    streamed,
    until_closed,
)

from eval import endpoint, transport
from eval.chat import Attempt, ChatRequest, Completion, Endpoint, EndpointError
from eval.endpoint import EndpointClient
from eval.lag import LagMonitor
from eval.stream import parse_stream
from eval.turnstile import Turnstile

ASK = ChatRequest("m", [{"role": "user", "content": "Where?"}], max_tokens=64)
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
JUDGE = ChatRequest("m", ASK.messages, max_tokens=64, stream=False, response_format=FORM)
KEY = "sk-proj-0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_WAIT_S", 0.001)


def ask_all(url: str, *requests: ChatRequest, **settings: Any) -> list[Completion]:
    """Send requests one after another through one client."""

    async def run() -> list[Completion]:
        async with EndpointClient(Endpoint(url=url, **settings)) as client:
            return [await client.complete(request) for request in requests]

    return asyncio.run(run())


def ask(url: str, request: ChatRequest = ASK, **settings: Any) -> Completion:
    return ask_all(url, request, **settings)[0]


def ask_script(*chats: Any, request: ChatRequest = ASK, **settings: Any) -> tuple[Completion, list[Received]]:
    """The outcome of one request to a server that replies as scripted, and what the server was asked."""
    with serve(*chats) as server:
        return ask(server.url, request, **settings), server.chats


def check(url: str, *models: str, **settings: Any) -> list[str]:
    async def run() -> list[str]:
        async with EndpointClient(Endpoint(url=url, **settings)) as client:
            return await client.check(models)

    return asyncio.run(run())


def complaint(url: str, *models: str, **settings: Any) -> str:
    """The sentence with which a check fails."""
    with pytest.raises(EndpointError) as caught:
        check(url, *models, **settings)
    return str(caught.value)


def failed(outcome: Completion, kind: str) -> str:
    """The sentence of a failure, which is one line and leaves no text behind."""
    assert (outcome.ok, outcome.text, outcome.last.error_kind) == (False, "", kind)
    assert outcome.last.error
    assert "\n" not in outcome.last.error
    assert outcome.last.ttft_ms is None
    return outcome.last.error


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_streaming_temperature_0_and_a_fixed_seed_are_sent() -> None:
    _, (chat,) = ask_script(GOOD)
    assert chat.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Where?"}],
        "max_tokens": 64,
        "temperature": 0.0,
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_that_is_not_to_be_streamed_says_nothing_of_streams() -> None:
    outcome, (chat,) = ask_script(as_json(completion("{}")), request=JUDGE)
    assert outcome.ok
    assert "stream" not in chat.body
    assert "stream_options" not in chat.body
    assert chat.body["response_format"] == FORM


def test_each_attempt_carries_its_own_id() -> None:
    outcome, chats = ask_script(refusal(500, "busy"), GOOD)
    ids = [chat.headers["x-rightsize-request"] for chat in chats]
    assert ids == [attempt.request_id for attempt in outcome.attempts]
    assert len(set(ids)) == 2


def test_the_key_comes_from_the_named_variable_and_nothing_else_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", f" {KEY} ")
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "private")
    _, (keyed,) = ask_script(GOOD, api_key_env="SOME_KEY")
    _, (keyless,) = ask_script(GOOD)
    assert keyed.headers["authorization"] == f"Bearer {KEY}"
    assert "private" not in json.dumps([keyed.headers, keyless.headers])


# --- what is measured -----------------------------------------------------------------------------------------------


def test_the_first_token_is_the_first_content_and_not_the_role() -> None:
    outcome, _ = ask_script(events(delta(role="assistant", content=""), 0.15, *streamed("Oslo", 0.1, ".")[1:]))
    its = outcome.last
    assert outcome.ok
    assert its.ttft_ms is not None
    assert its.ttft_ms >= 149
    assert its.headers_ms is not None
    assert its.first_byte_ms is not None
    assert its.total_ms is not None
    assert its.headers_ms <= its.first_byte_ms <= its.ttft_ms
    assert its.total_ms >= 249
    assert its.ttfat_ms == its.ttft_ms


def test_with_reasoning_first_the_first_answer_token_comes_later() -> None:
    outcome, _ = ask_script(events(delta(reasoning_content="hm"), 0.15, *streamed("Oslo")))
    its = outcome.last
    assert outcome.text == "Oslo"
    assert its.ttft_ms is not None
    assert its.ttfat_ms is not None
    assert its.ttft_ms <= its.ttfat_ms
    assert its.ttfat_ms >= 149


def test_a_steady_stream_has_a_speed_and_times_between_tokens() -> None:
    texts = [part for n in range(12) for part in (f"{n} ", 0.02)]
    outcome, _ = ask_script(events(*streamed(*texts, usage={"prompt_tokens": 5, "completion_tokens": 12})))
    its = outcome.last
    assert len(its.chunk_ms) == 12
    assert its.itl_p50_ms is not None
    assert its.itl_p95_ms is not None
    assert its.tokens_per_s is not None
    assert its.generation_ms is not None
    assert its.itl_p50_ms <= its.itl_p95_ms
    assert its.tokens_per_s == pytest.approx(11 / its.generation_ms * 1e3)


def test_a_short_stream_that_comes_at_once_has_a_first_token_and_no_speed() -> None:
    together = b"".join(piece for piece in streamed(*"abc") if isinstance(piece, bytes))
    outcome, _ = ask_script(events(together))
    its = outcome.last
    assert outcome.text == "abc"
    assert its.ttft_ms is not None
    assert (its.itl_p50_ms, its.itl_p95_ms, its.tokens_per_s) == (None, None, None)


@pytest.mark.parametrize("texts", [("abcdefghijkl",), tuple("abcdefghijkl")], ids=["one piece", "one packet"])
def test_a_longer_stream_that_comes_at_once_has_no_first_token_like_a_reply_that_is_not_streamed(
    texts: tuple[str, ...],
) -> None:
    counts = {"prompt_tokens": 5, "completion_tokens": 12}
    together = b"".join(piece for piece in streamed(*texts, usage=counts) if isinstance(piece, bytes))
    outcome, _ = ask_script(events(0.05, together))
    its = outcome.last
    assert (outcome.text, its.streamed, its.usage.completion_tokens) == ("abcdefghijkl", True, 12)
    assert (its.ttft_ms, its.ttfat_ms, its.generation_ms, its.tokens_per_s) == (None, None, None, None)
    assert its.total_ms is not None
    assert set(its.chunk_ms) == {its.chunk_ms[0]}  # when it came is kept with the call
    assert its.chunk_ms[0] <= round(its.total_ms, 2)


def test_usage_finish_reason_and_model_are_the_servers() -> None:
    counts = {
        "prompt_tokens": 21,
        "completion_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    made = [delta(content="Oslo", model="m-2026-11"), delta("length", model="m-2026-11")]
    outcome, _ = ask_script(events(*made, event({"choices": [], "usage": counts}), DONE))
    usage = outcome.last.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens) == (21, 8, 16, 4)
    assert not usage.estimated
    assert (outcome.last.model_returned, outcome.last.finish_reason) == ("m-2026-11", "length")


def test_usage_is_estimated_and_flagged_where_none_is_sent() -> None:
    outcome, _ = ask_script(events(*streamed("a", "b", "c", usage=None)))
    usage = outcome.last.usage
    assert (usage.completion_tokens, usage.estimated) == (3, True)
    assert usage.prompt_tokens == 2  # of "Where?"


def test_connection_and_http_version_are_noted() -> None:
    with serve() as server:
        first, second = ask_all(server.url, ASK, ASK)
        assert server.connections == 1
    assert (first.last.connection_reused, second.last.connection_reused) == (False, True)
    assert first.last.connect_ms is not None
    assert first.last.connect_ms > 0
    assert second.last.connect_ms == 0
    assert first.last.http_version == "1.1"


def test_checking_first_leaves_a_warm_connection() -> None:
    async def run(url: str) -> Completion:
        async with EndpointClient(Endpoint(url=url)) as client:
            await client.check(["m"])
            return await client.complete(ASK)

    with serve() as server:
        assert asyncio.run(run(server.url)).last.connection_reused


def test_preparation_is_a_figure_of_its_own() -> None:
    async def run(url: str) -> tuple[Completion, float]:
        async with EndpointClient(Endpoint(url=url)) as client:
            post = client._openai.post

            async def slowly(*args: Any, **more: Any) -> Any:
                await asyncio.sleep(0.3)
                return await post(*args, **more)

            client._openai.post = slowly
            began = time.perf_counter()
            outcome = await client.complete(ASK)
            return outcome, (time.perf_counter() - began) * 1e3

    with serve() as server:
        outcome, wall_ms = asyncio.run(run(server.url))
    its = outcome.last
    assert its.prepare_ms is not None
    assert its.connect_ms is not None
    assert its.total_ms is not None
    assert its.ttft_ms is not None
    assert its.prepare_ms >= 299
    assert its.ttft_ms <= its.total_ms <= wall_ms - its.prepare_ms - its.connect_ms


def test_json_instead_of_a_stream_is_measured_without_a_first_token() -> None:
    outcome, _ = ask_script(Reply((0.1, json.dumps(completion("Oslo.")).encode())))
    its = outcome.last
    assert (outcome.text, its.streamed) == ("Oslo.", False)
    assert (its.ttft_ms, its.ttfat_ms, its.tokens_per_s, its.chunk_ms) == (None, None, None, [])
    assert its.total_ms is not None
    assert its.total_ms >= 99


@pytest.mark.parametrize("kind", ["", "text/plain", "text/event-stream; charset=utf-8"])
def test_a_stream_is_known_by_its_bytes_whatever_its_type_says(kind: str) -> None:
    outcome, _ = ask_script(Reply(streamed("Oslo"), headers={"content-type": kind}))
    assert (outcome.text, outcome.last.streamed) == ("Oslo", True)
    outcome, _ = ask_script(Reply((json.dumps(completion("Oslo")).encode(),), headers={"content-type": kind}))
    assert (outcome.text, outcome.last.streamed) == ("Oslo", False)


def test_an_answer_may_be_empty_if_the_model_says_that_it_stopped() -> None:
    outcome, _ = ask_script(events(delta(role="assistant", content=""), delta("stop"), DONE))
    assert (outcome.ok, outcome.text, outcome.last.ttft_ms) == (True, "", None)


def test_simulated_replies_say_so() -> None:
    with serve(headers={"x-rightsize-simulated": "1"}) as simulated, serve() as real:
        assert ask(simulated.url).simulated
        assert not ask(real.url).simulated


# --- the client's own lag -------------------------------------------------------------------------------------------


def test_an_answer_measured_while_the_loop_was_blocked_is_marked() -> None:
    async def run(url: str) -> Completion:
        with LagMonitor() as lag:
            async with EndpointClient(Endpoint(url=url), lag) as client:
                asking = asyncio.create_task(client.complete(ASK))
                await asyncio.sleep(0.1)
                time.sleep(0.2)
                return await asking

    with serve(events(*streamed("a", 0.4, "b"))) as server:
        outcome = asyncio.run(run(server.url))
    assert outcome.client_limited
    assert outcome.last.loop_lag_ms is not None
    assert outcome.last.loop_lag_ms > 50


def test_an_answer_measured_on_an_idle_loop_is_not_marked() -> None:
    async def run(url: str) -> list[Completion]:
        with LagMonitor() as lag:
            async with EndpointClient(Endpoint(url=url), lag) as client:
                return [await client.complete(ASK) for _ in range(20)]

    with serve() as server:
        outcomes = asyncio.run(run(server.url))
    assert all(outcome.last.loop_lag_ms is not None for outcome in outcomes)
    assert any(not outcome.client_limited for outcome in outcomes)  # this machine may be busy, but not all the time


# --- trying again ---------------------------------------------------------------------------------------------------


def test_a_429_is_repeated_after_the_pause_it_asks_for_and_no_latency_holds_the_pause() -> None:
    began = time.perf_counter()
    outcome, chats = ask_script(refusal(429, "slow down", retry_after="0.5"), GOOD)
    wall_ms = (time.perf_counter() - began) * 1e3
    first, last = outcome.attempts
    assert (outcome.text, len(chats)) == ("Oslo it is.", 2)
    assert (first.error_kind, first.status_code, first.wait_before_ms) == ("status_429", 429, 0)
    assert last.wait_before_ms >= 500
    assert last.ttft_ms is not None
    assert last.total_ms is not None
    assert last.wait_before_ms + last.total_ms <= wall_ms  # would not hold if the total held the pause too
    assert last.ttft_ms <= last.total_ms


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0.25", 0.25),
        ("-3", 0),
        ("soon", None),
        ("", None),
        ("nan", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
        ("Wed, 99 Oct 2015", None),
    ],
)
def test_the_pause_a_server_asks_for(value: str, seconds: float | None) -> None:
    assert endpoint._retry_after_s(httpx2.Headers({"retry-after": value})) == seconds


def test_the_pause_may_be_a_date() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    pause = endpoint._retry_after_s(httpx2.Headers({"retry-after": when}))
    assert pause is not None
    assert 20 < pause <= 30


@pytest.mark.parametrize("value", ["61", "inf", "in an hour"])
def test_who_asks_for_too_long_a_pause_has_failed(value: str) -> None:
    if value == "in an hour":
        value = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    outcome, chats = ask_script(refusal(429, "come back tomorrow", retry_after=value), GOOD)
    assert "come back tomorrow" in failed(outcome, "status_429")
    assert len(chats) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_repeated_up_to_the_limit(status: int) -> None:
    outcome, chats = ask_script(refusal(status, "busy"), max_attempts=3)
    assert "busy" in failed(outcome, f"status_{status}")
    assert len(chats) == 3
    assert [attempt.number for attempt in outcome.attempts] == [1, 2, 3]
    assert [attempt.status_code for attempt in outcome.attempts] == [status] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422])
def test_what_will_not_pass_is_not_repeated(status: int) -> None:
    outcome, chats = ask_script(refusal(status, "no"), GOOD)
    assert not outcome.ok
    assert (len(chats), len(outcome.attempts), outcome.last.status_code) == (1, 1, status)


def test_the_openai_client_itself_never_repeats_a_request() -> None:
    urging = refusal(503, "busy", x_should_retry="true", retry_after="0", retry_after_ms="1")
    outcome, chats = ask_script(urging, max_attempts=1)
    failed(outcome, "status_503")
    assert len(chats) == 1


def test_a_refused_connection_is_repeated_and_then_one_sentence() -> None:
    with nobody() as url:
        outcome = ask(url, max_attempts=3)
        assert len(outcome.attempts) == 3
        assert failed(outcome, "unreachable") == f"Nothing answers at {url}; start the server or correct the address."
        assert complaint(url, "m") == outcome.last.error


def test_a_dropped_connection_is_repeated() -> None:
    with serve_bytes([b""], until_closed("text/event-stream", *streamed("Oslo"))) as server:
        outcome = ask(server.url)
        assert (outcome.text, server.connections) == ("Oslo", 2)
    assert outcome.attempts[0].error_kind == "dropped"


def test_a_timeout_is_repeated_up_to_the_limit_and_says_how_long_it_waited() -> None:
    outcome, chats = ask_script(events(delta(content="Os"), 30), timeout_s=0.2, max_attempts=2)
    assert "within 0.2 s" in failed(outcome, "timeout")
    assert len(chats) == 2
    outcome, chats = ask_script(Reply((30,)), request=JUDGE, timeout_s=0.2, max_attempts=2)
    assert "within 0.2 s" in failed(outcome, "timeout")
    assert len(chats) == 2


def test_a_host_that_takes_no_connection_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "CONNECT_TIMEOUT_S", 0.2)

    async def connect(*_: Any, **__: Any) -> Any:
        raise aiohttp.ConnectionTimeoutError

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect)
    outcome = ask("http://127.0.0.1:9/v1", max_attempts=2)
    assert "took no connection within 0.2 s" in failed(outcome, "unreachable")
    assert len(outcome.attempts) == 2


def test_the_waits_between_attempts_grow_and_stay_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(endpoint, "MAX_WAIT_S", 0.01)
    monkeypatch.setattr(endpoint.random, "uniform", lambda low, high: (low + high) / 2)
    outcome, _ = ask_script(refusal(500, "busy"), max_attempts=6)
    assert [attempt.wait_before_ms for attempt in outcome.attempts] == [0, 1, 2, 4, 5, 5]  # full jitter: from 0 on


# --- broken replies -------------------------------------------------------------------------------------------------

HALF = (delta(role="assistant", content=""), delta(content="Oslo is the"))


@pytest.mark.parametrize(
    "pieces",
    [
        until_closed("text/event-stream", *HALF),
        until_closed("text/event-stream", *HALF, b'data: {"choices": [{"delta": {"cont'),
        until_closed("text/event-stream", *HALF, event({"choices": [], "usage": {"completion_tokens": 3}})),
        until_closed("text/event-stream", b": thinking\n\n", delta(role="assistant", content="")),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n", *HALF),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: ",),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-str",),
    ],
)
def test_a_stream_cut_in_the_middle_is_an_error_and_no_short_answer(pieces: Any) -> None:
    with serve_bytes(pieces) as server:
        outcome = ask(server.url, max_attempts=2)
        assert server.connections == 2
    assert outcome.last.error_kind in ("stream_cut", "dropped")
    failed(outcome, outcome.last.error_kind)


def test_a_stream_that_the_server_aborts_is_an_error() -> None:
    outcome, _ = ask_script(events(*HALF, cut=True), max_attempts=1)
    failed(outcome, "dropped")


def test_an_error_inside_a_stream_is_an_error() -> None:
    broken = events(*HALF, event({"error": {"message": "out of memory"}}), delta("stop"), DONE)
    outcome, chats = ask_script(broken, max_attempts=2)
    assert "out of memory" in failed(outcome, "server_error")
    assert len(chats) == 2


def test_an_error_with_status_200_is_an_error() -> None:
    outcome, _ = ask_script(as_json({"error": {"message": "no credits"}}), max_attempts=1)
    assert "no credits" in failed(outcome, "server_error")


@pytest.mark.parametrize(
    "nothing",
    [
        Reply(),
        Reply(status=204),
        events(DONE),
        events(delta(role="assistant", content=""), DONE),
        as_json(completion("", None)),
    ],
)
def test_an_empty_reply_is_an_error(nothing: Reply) -> None:
    outcome, _ = ask_script(nothing, max_attempts=1)
    assert "sent an empty reply" in failed(outcome, "empty_reply")


@pytest.mark.parametrize("body", [page("<html><h1>Welcome</h1>"), events(b"<html><h1>Welcome</h1>\n\n")])
def test_a_web_page_instead_of_json_is_one_sentence(body: Reply) -> None:
    outcome, chats = ask_script(body)
    assert "not the OpenAI API ('<html>" in failed(outcome, "not_json")
    assert len(chats) == 1


def test_a_web_page_with_an_error_status_is_told_by_its_title() -> None:
    text = "<html><head><title>502 Bad Gateway</title></head>\n<body>model nginx</body>" + "x" * 5000
    assert failed(ask_script(page(text, 502), max_attempts=1)[0], "status_502").endswith("a web page (502 Bad Gateway)")
    missing = page("<html><title>This model of page is gone</title>", 404)
    assert "often ends in /v1" in failed(ask_script(missing)[0], "not_found")


@pytest.mark.parametrize("request_", [ASK, JUDGE], ids=["streamed", "whole"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_body_without_end_is_cut_off(request_: ChatRequest, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 200_000)
    endless = Reply((b": " + b"x" * 60_000 + b"\n", 0.001) * 10_000, status)
    outcome, chats = ask_script(endless, request=request_)
    assert "more than a reply may hold" in failed(outcome, "too_large")
    assert len(chats) == 1


LONG = [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
    "the request exceeds the available context size, try increasing it",
    "Requested tokens (5000) exceed context window of 4096",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "prompt is too long: 5000 tokens > 4096 maximum",
    "The input token count (5000) exceeds the maximum number of tokens allowed (4096).",
    "Please reduce the length of the messages or completion.",
]


@pytest.mark.parametrize("message", LONG)
@pytest.mark.parametrize("status", [400, 413, 500])
def test_a_prompt_too_long_is_one_sentence_and_not_repeated(message: str, status: int) -> None:
    outcome, chats = ask_script(refusal(status, message), GOOD)
    assert failed(outcome, "too_long").startswith(f"The prompt does not fit the model's context: {message}")
    assert len(chats) == 1


def test_a_prompt_too_long_may_come_to_light_inside_the_stream() -> None:
    outcome, chats = ask_script(events(event({"error": {"message": LONG[0]}})), GOOD)
    failed(outcome, "too_long")
    assert len(chats) == 1


def test_too_many_tokens_a_minute_is_no_prompt_too_long() -> None:
    outcome, chats = ask_script(refusal(429, "Rate limit: too many tokens per minute"), GOOD)
    assert (outcome.ok, len(chats)) == (True, 2)


# --- servers that do not take everything ----------------------------------------------------------------------------

REFUSED = [
    ("stream_options", "Unrecognized request argument supplied: stream_options"),
    ("seed", "Extra inputs are not permitted: seed"),
    ("temperature", "Unsupported value: 'temperature' does not support 0.0 with this model."),
    ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ("response_format", "This model does not support response format `json_schema`."),
    ("stream", "Streaming is not supported (streaming)."),
]


def picky(parameter: str, message: str, status: int = 400, only: str | None = None) -> Any:
    def reply(received: Received) -> Reply:
        if parameter in received.body and only in (None, received.body["model"]):
            return refusal(status, message)
        return GOOD if received.body.get("stream") else as_json(completion("Oslo it is."))

    return reply


@pytest.mark.parametrize(("parameter", "message"), REFUSED)
@pytest.mark.parametrize("status", [400, 422])
def test_what_a_server_refuses_is_left_out_once_and_for_all(parameter: str, message: str, status: int) -> None:
    request = JUDGE if parameter == "response_format" else ASK
    with serve(picky(parameter, message, status)) as server:
        first, second = ask_all(server.url, request, request)
        refused, *after = [chat.body for chat in server.chats]
    assert (first.text, second.text) == ("Oslo it is.", "Oslo it is.")
    assert [len(first.attempts), len(second.attempts)] == [2, 1]
    assert first.attempts[0].error_kind == "bad_request"
    assert first.last.wait_before_ms == 0
    gone = {"stream", "stream_options"} if parameter == "stream" else {parameter}
    for body in after:
        kept = {k: v for k, v in refused.items() if k not in gone}
        assert body == kept | ({"max_completion_tokens": 64} if parameter == "max_tokens" else {})


def test_the_parameter_a_refusal_names_counts_before_its_text() -> None:
    message = "Only the default value is supported, unlike seed."

    def reply(received: Received) -> Reply:
        return refusal(400, message, "temperature") if "temperature" in received.body else GOOD

    outcome, chats = ask_script(reply)
    assert outcome.ok
    assert chats[1].body["seed"] == 7
    assert "temperature" not in chats[1].body


def test_several_refused_parameters_are_left_out_one_by_one() -> None:
    def reply(received: Received) -> Reply:
        for name in ("stream_options", "seed", "temperature", "max_tokens"):
            if name in received.body:
                return refusal(400, f"{name} is not supported")
        return GOOD

    outcome, chats = ask_script(reply, max_attempts=1)
    assert (outcome.ok, len(chats)) == (True, 5)


def test_a_server_that_goes_on_refusing_is_asked_once_more_only() -> None:
    outcome, chats = ask_script(refusal(400, "seed is wrong"))
    assert "seed is wrong" in failed(outcome, "bad_request")
    assert len(chats) == 2


def test_another_model_at_the_same_endpoint_is_still_asked_in_full() -> None:
    other = ChatRequest("other", ASK.messages, 64)
    for asked in ((ASK, other), (other, ASK)):
        picky_one, second = (request.model for request in asked)
        with serve(picky("temperature", "temperature is not supported", only=picky_one)) as server:
            ask_all(server.url, *asked)
            assert [("temperature" in chat.body, chat.body["model"]) for chat in server.chats] == [
                (True, picky_one),
                (False, picky_one),
                (True, second),
            ]


def test_parallel_requests_that_are_refused_together_all_come_through() -> None:
    async def run(url: str) -> list[Completion]:
        async with EndpointClient(Endpoint(url=url, concurrency=8)) as client:
            return await asyncio.gather(*(client.complete(ASK) for _ in range(8)))

    def reply(received: Received) -> Reply:
        refused = refusal(400, "seed is not supported")
        return Reply((0.1, *refused.pieces), 400) if "seed" in received.body else GOOD

    with serve(reply) as server:
        assert all(outcome.ok for outcome in asyncio.run(run(server.url)))


# --- one clear sentence ---------------------------------------------------------------------------------------------


def test_a_wrong_path_is_named_and_the_right_one_suggested() -> None:
    with serve() as server:
        sentence = failed(ask(server.root), "not_found")
        assert sentence == f"{server.root} has no chat completions (status 404); the path often ends in /v1."
        assert complaint(server.root, "m") == sentence


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    wrong = refusal(401, f"Incorrect API key provided: {KEY}.")
    with serve(wrong, models=wrong) as server:
        outcome = ask(server.url, api_key_env="SOME_KEY")
        sentence = f"{server.url} refused the key in SOME_KEY with status 401; set the right one."
        assert failed(outcome, "wrong_key") == sentence
        assert complaint(server.url, "m", api_key_env="SOME_KEY") == sentence
        assert "(none was sent to this computer: --api-key-env is for others" in failed(ask(server.url), "wrong_key")


@pytest.mark.parametrize(
    "echo",
    [
        refusal(400, f"Bad header: authorization: Bearer {KEY}"),
        refusal(500, f"Bearer {KEY}"),
        refusal(404, f"no model for key {KEY}"),
        refusal(400, "x" * 485 + KEY),
        page(f"<html><title>{KEY}</title>", 503),
        page(f"Bearer {KEY}"),
        as_json({"headers": {"Authorization": f"Bearer {KEY}"}}),
        events(event({"error": {"message": f"bad key {KEY}"}})),
        refusal(400, f"context length with {KEY}"),
    ],
)
def test_the_key_is_in_no_message_attempt_or_repr(echo: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)

    async def run(server: Server) -> str:
        client = EndpointClient(Endpoint(url=server.url, api_key_env="SOME_KEY", max_attempts=1))
        async with client:
            outcome = await client.complete(ASK)
            assert not outcome.ok
            with pytest.raises(EndpointError) as caught:
                await client.check(["m"])
            return f"{outcome!r} {client!r} {client.endpoint!r} {client.endpoint.model_dump_json()} {caught.value}"

    with serve(echo, models=echo) as server:
        shown = asyncio.run(run(server))
    assert KEY not in shown
    assert KEY[:12] not in shown


def test_an_unknown_model_is_named_with_those_that_are_offered() -> None:
    with serve(models=model_list("phi", "qwen")) as server:
        assert check(server.url, "phi", "qwen") == ["phi", "qwen"]
        sentence = f'{server.url} does not offer the model "m"; it offers: phi, qwen.'
        assert complaint(server.url, "phi", "m") == sentence
    outcome, _ = ask_script(refusal(404, "The model 'm' does not exist"))
    assert "The model 'm' does not exist" in failed(outcome, "unknown_model")


@pytest.mark.parametrize(
    ("listed", "offered"),
    [
        (as_json([{"id": "m"}, {"no": "id"}, 3]), ["m"]),
        (as_json({"data": None}), []),
        (as_json({"data": []}), []),
    ],
)
def test_unusual_lists_of_models_are_understood(listed: Reply, offered: list[str]) -> None:
    with serve(models=listed) as server:
        assert check(server.url, "m") == offered
        assert server.chats == []


@pytest.mark.parametrize("none", [as_json({"detail": "no"}, 404), as_json({"hello": 1}), page("<html>hi")])
def test_a_server_without_a_list_of_models_may_answer_all_the_same(none: Reply) -> None:
    with serve(models=none) as server:
        assert check(server.url, "m") == []
        complaint(server.url)  # but without a model it cannot be asked


def test_a_server_without_a_list_of_models_says_what_else_is_wrong() -> None:
    with serve(refusal(401, "no"), models=as_json({"detail": "no"}, 404)) as server:
        assert "refused the key" in complaint(server.url, "m")


@pytest.mark.parametrize("body", [page("<html><h1>Welcome"), as_json("text"), as_json({"data": 3}), Reply()])
def test_something_other_than_a_list_of_models_is_one_sentence(body: Reply) -> None:
    with serve(page("<html>"), models=body) as server:
        assert "not the OpenAI API" in complaint(server.url, "m")
        assert "not the OpenAI API" in complaint(server.url)


def test_a_check_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "CHECK_TIMEOUT_S", 0.2)
    with serve(models=Reply((30,))) as server:
        assert complaint(server.url, "m") == f"{server.url} gave no complete reply within 0.2 s."


def test_a_certificate_nobody_vouches_for_is_one_sentence() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with serve(tls=tls) as server:
        outcome = ask(server.url)
        assert len(outcome.attempts) == 1
        sentence = failed(outcome, "tls")
        assert sentence.startswith(f"No secure connection to {server.url}: ")
        assert ": its certificate is not trusted (" in sentence
        assert complaint(server.url, "m") == sentence
        failed(ask(server.url.replace("https", "http"), max_attempts=1), "dropped")


def test_https_spoken_to_a_plain_port_is_one_sentence() -> None:
    with serve() as server:
        outcome = ask(server.url.replace("http", "https"))
        assert failed(outcome, "tls") == (
            f"No secure connection to {server.url.replace('http', 'https')}: what answers there speaks no TLS that is "
            "understood (wrong version number); check the certificate, or http instead of https."
        )
        assert len(outcome.attempts) == 1


def test_a_redirect_is_named_and_not_followed() -> None:
    with serve() as other:
        moved = Reply(status=308, headers={"location": f"{other.url.replace('//', '//u:pw@')}/chat/completions?k=1"})
        with serve(moved, models=moved) as server:
            sentence = failed(ask(server.url), "not_found")
            assert sentence == (
                f"{server.url} redirects to {other.url}/chat/completions, which is not followed; correct the address."
            )
            assert "redirects to" in complaint(server.url, "m")
        assert other.received == []


def test_a_port_that_speaks_another_protocol_is_one_sentence() -> None:
    with serve_bytes([b"SSH-2.0-OpenSSH_9.6\r\n"]) as server:
        failed(ask(server.url, max_attempts=1), "dropped")


# --- what can be configured -----------------------------------------------------------------------------------------


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        monkeypatch.delenv("NO_SUCH_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("NO_SUCH_KEY", value)
        with pytest.raises(EndpointError, match=r"NO_SUCH_KEY.*is not set"):
            EndpointClient(Endpoint(url="http://127.0.0.1/v1", api_key_env="NO_SUCH_KEY"))


@pytest.mark.parametrize("value", ["clé-secret", "one\ntwo", "“quoted”"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_KEY", value)
    with pytest.raises(EndpointError, match="ODD_KEY holds characters") as caught:
        EndpointClient(Endpoint(url="http://127.0.0.1/v1", api_key_env="ODD_KEY"))
    assert value not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "my key", "$KEY", ""])
def test_a_key_in_the_place_of_its_variable_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValidationError, match="never the key itself") as caught:
        Endpoint(url="http://127.0.0.1/v1", api_key_env=key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:5273/v1",
        "127.0.0.1/v1",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://[::1/v1",
        "http://two words/v1",
        "http://host/v1\x00",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an address; write it like http://127\.0\.0\.1:5273/v1"):
        Endpoint(url=url)


@pytest.mark.parametrize(
    "url", ["http://u:hunter2@host/v1", "ftp://u:hunter2@host", "hunter2@host/v1", "http://hunter2@h"]
)
def test_credentials_in_an_address_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ValidationError, match="holds credentials") as caught:
        Endpoint(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://host/v1?api-version=hunter2", "http://host/v1#hunter2"])
def test_what_would_be_lost_of_an_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="would be lost") as caught:
        Endpoint(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" http://127.0.0.1:5273/v1/ ", "http://127.0.0.1:5273/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://api.example.com/openai/v1", "https://api.example.com/openai/v1"),
    ],
)
def test_addresses_are_kept_in_one_form(written: str, kept: str) -> None:
    assert Endpoint(url=written).url == kept


def test_the_paths_below_the_address_are_those_of_the_api() -> None:
    with serve() as server:
        check(server.url + "/", "m")
        ask(server.url + "/")
        assert [(r.method, r.path) for r in server.received] == [("GET", MODELS), ("POST", CHAT)]


def test_preparing_and_reading_each_take_a_turn_so_that_other_streams_are_stamped_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns: list[str] = []
    passed = Turnstile.passed

    async def note(turnstile: Turnstile) -> None:
        await passed(turnstile)
        turns.append("turn")

    monkeypatch.setattr(Turnstile, "passed", note)
    monkeypatch.setattr(endpoint, "parse_stream", lambda chunks: turns.append("read") or parse_stream(chunks))
    with serve(GOOD) as server:
        assert ask(server.url).ok
    assert turns == ["turn", "turn", "read"]


def test_what_the_server_calls_itself_is_noted_with_the_list_of_models() -> None:
    async def run(url: str) -> str | None:
        async with EndpointClient(Endpoint(url=url)) as client:
            await client.check(["m"])
            return client.server

    with serve(GOOD, models=model_list("m"), headers={"server": "oatpp/1.3.0"}) as server:
        assert asyncio.run(run(server.url)) == "oatpp/1.3.0"


@pytest.mark.parametrize(("lag_ms", "limited"), [(None, False), (5.0, False), (5.1, True)])
def test_an_answer_is_limited_by_the_client_above_5_ms_of_lag(lag_ms: float | None, limited: bool) -> None:
    attempt = Attempt(1, "id", datetime.now(UTC), loop_lag_ms=lag_ms)
    assert Completion(ASK, "http://127.0.0.1:9/v1", "", [attempt]).client_limited is limited
