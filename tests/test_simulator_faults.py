"""Every fault of the simulator comes on demand, and what is asked wrongly is refused with an error object."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from simulated import BRIDGE, RIGHT, ask, chat_body, simulator

from eval.simulator.faults import Faults
from eval.simulator.server import Simulator
from eval.simulator.text import tokens


def test_too_many_requests_names_the_wait() -> None:
    with simulator(faults=Faults(script=("429",), retry_after_s=3)) as simulated:
        refused, answered = ask(simulated.url, chat_body()), ask(simulated.url, chat_body())
        logged = [(entry["status"], entry["fault"]) for entry in simulated.log()]
    assert (refused.status, refused.headers["retry-after"]) == (429, "3")
    assert refused.json["error"]["code"] == "rate_limit_exceeded"
    assert answered.text == BRIDGE.reference
    assert logged == [(429, "429"), (200, None)]


def test_a_server_error_is_an_error_object() -> None:
    with simulator(faults=Faults(rate_500=1.0)) as simulated:
        reply = ask(simulated.url, chat_body())
    assert reply.status == 500
    assert reply.json["error"]["type"] == "server_error"


@pytest.mark.parametrize("stream", [True, False])
def test_a_dropped_connection_is_dropped(stream: bool) -> None:
    with simulator(faults=Faults(script=("drop",))) as simulated:
        with pytest.raises(aiohttp.ClientError):
            ask(simulated.url, chat_body(stream=stream))
        assert ask(simulated.url, chat_body()).text == BRIDGE.reference
        dropped = simulated.log()[0]
    assert dropped["fault"] == "drop"
    assert len(dropped["chunk_ms"]) < len(tokens(BRIDGE.reference))
    assert bool(dropped["chunk_ms"]) == stream


def test_usage_can_be_missing() -> None:
    with simulator(faults=Faults(no_usage=True)) as simulated:
        assert not any("usage" in event for event in ask(simulated.url, chat_body()).events)
        assert "usage" not in ask(simulated.url, chat_body(stream=False)).json


def test_the_role_can_come_long_before_the_first_token() -> None:
    with simulator(replace(RIGHT, ttft_ms=50), faults=Faults(early_role_chunk=True)) as simulated:
        reply = ask(simulated.url, chat_body())
        [entry] = simulated.log()
    assert reply.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert reply.text == BRIDGE.reference
    assert entry["first_token_ms"] >= 50


def test_streaming_can_be_refused() -> None:
    with simulator(faults=Faults(no_stream=True)) as simulated:
        refused = ask(simulated.url, chat_body())
        assert ask(simulated.url, chat_body(stream=False)).status == 200
    assert (refused.status, refused.json["error"]["param"]) == (400, "stream")


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with Simulator() as simulated:
        reply = ask(simulated.url, chat_body(model="gpt-99"))
        assert ask(simulated.url, path="/models/gpt-99").status == 404
    assert (reply.status, reply.json["error"]["code"]) == (404, "model_not_found")
    assert "sim-small" in reply.json["error"]["message"]


def test_a_key_is_demanded_if_there_is_one() -> None:
    with simulator(api_key="secret") as simulated:
        refused = ask(simulated.url, chat_body(), authorization="Bearer wrong")
        assert ask(simulated.url, chat_body(), authorization="Bearer secret").status == 200
    assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        {"messages": [{}]},
        {"model": "right", "messages": []},
        chat_body(max_tokens=0),
        chat_body(max_tokens="5"),
        chat_body(seed="x"),
        chat_body(response_format={"type": "json_schema"}),
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_bad_request_is_refused_with_an_error_object(body: Any) -> None:
    with simulator() as simulated:
        reply = ask(simulated.url, body)
        assert simulated.log()[0]["status"] == 400
    assert reply.status == 400
    assert reply.json["error"]["message"]


def test_another_path_is_not_found_with_an_error_object() -> None:
    with simulator() as simulated:
        reply = ask(simulated.url, path="/embeddings")
        assert ask(simulated.url).status == 405
    assert reply.status == 404
    assert reply.json["error"]["message"].endswith("/v1/embeddings")


def test_shares_of_faults_are_about_kept_and_reproducible() -> None:
    faults = Faults(rate_429=0.2, rate_500=0.1, rate_drop=0.05)
    drawn = [fault for fault, _ in zip(faults.draw(3), range(2000), strict=False)]
    assert drawn == [fault for fault, _ in zip(faults.draw(3), range(2000), strict=False)]
    for name, share in (("429", 0.2), ("500", 0.1), ("drop", 0.05)):
        assert drawn.count(name) / 2000 == pytest.approx(share, abs=0.03)
