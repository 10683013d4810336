"""Replies that are cut off, empty, endless or no reply at all are errors and never short answers."""

from typing import Any

import pytest
from asked import ASK, JUDGE, ask, ask_script, failed
from servers import (
    DONE,
    GOOD,
    Reply,
    as_json,
    completion,
    delta,
    event,
    events,
    page,
    refusal,
    serve_bytes,
    until_closed,
)

from eval import transport
from eval.chat import ChatRequest

pytestmark = pytest.mark.usefixtures("no_long_waits")

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
