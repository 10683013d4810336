"""What is sent to an endpoint, in which order, and what is left out for a server that does not take it."""

import asyncio
import json
from typing import Any

import pytest
from asked import ASK, FORM, JUDGE, KEY, ask, ask_all, ask_script, check, failed
from servers import CHAT, GOOD, MODELS, Received, Reply, as_json, completion, model_list, refusal, serve

from eval import endpoint
from eval.chat import ChatRequest, Completion, Endpoint
from eval.endpoint import EndpointClient
from eval.stream import parse_stream
from eval.turnstile import Turnstile

pytestmark = pytest.mark.usefixtures("no_long_waits")


# --- what is sent -----------------------------------------------------------------------------------------------------


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


# --- servers that do not take everything ------------------------------------------------------------------------------

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
