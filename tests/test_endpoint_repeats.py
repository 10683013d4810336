"""Which requests are tried again, after what pause, and that no latency holds the pause."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import httpx2
import pytest
from asked import JUDGE, ask, ask_script, complaint, failed
from servers import GOOD, Reply, delta, events, refusal, serve_bytes, streamed, until_closed

from eval import endpoint

pytestmark = pytest.mark.usefixtures("no_long_waits")


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


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
