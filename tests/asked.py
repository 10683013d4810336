"""Requests through the endpoint's client to the servers of servers.py, and the sentences of those that fail."""

import asyncio
from typing import Any

import pytest
from servers import Received, serve

from eval import endpoint
from eval.chat import ChatRequest, Completion, Endpoint, EndpointError
from eval.endpoint import EndpointClient

ASK = ChatRequest("m", [{"role": "user", "content": "Where?"}], max_tokens=64)
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
JUDGE = ChatRequest("m", ASK.messages, max_tokens=64, stream=False, response_format=FORM)
KEY = "sk-proj-0123456789abcdef"


@pytest.fixture
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is tried again at once."""
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
