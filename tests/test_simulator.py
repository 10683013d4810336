"""What the simulator replies over HTTP, and how it is run: on its ports, in a process, under load."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from simulated import BRIDGE, QUESTIONS, RIGHT, Reply, ask, chat_body, judge_body, simulator

from eval import qa_set
from eval.simulator import answers
from eval.simulator.faults import Faults
from eval.simulator.process import simulator_process
from eval.simulator.profiles import PROFILES, SMALL, Profile, SimulatorError, read_fields
from eval.simulator.server import Settings, Simulator
from eval.simulator.text import tokens
from eval.targets import build_messages

# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_each_profile_is_what_it_says_of_itself() -> None:
    small, large, cloud, judge = PROFILES
    assert [profile.name for profile in PROFILES] == ["sim-small", "sim-large", "sim-cloud", "sim-judge"]
    assert small.ttft_ms < cloud.ttft_ms < large.ttft_ms  # soon there; behind a network; slow
    assert max(small.itl_ms, cloud.itl_ms) < large.itl_ms
    assert cloud.jitter > max(small.jitter, large.jitter)  # a wait that varies
    for fault in ("omission", "contradiction", "padding", "disorder", "refusal"):
        assert getattr(small, fault) > getattr(large, fault) >= getattr(cloud, fault), fault
    assert judge.judge_noise == pytest.approx(1 / 12, abs=0.01)  # one score in twelve is a point off


def test_models_are_listed_and_labelled_as_simulated() -> None:
    with Simulator() as simulated:
        reply = ask(simulated.url, path="/models")
        one = ask(simulated.url, path="/models/sim-large")
    assert [model["id"] for model in reply.json["data"]] == [profile.name for profile in PROFILES]
    assert reply.headers["x-rightsize-simulated"] == "1"
    assert reply.headers["server"].startswith("rightsize-simulator/")
    assert reply.headers["x-request-id"]
    assert one.json["id"] == "sim-large"


def test_streamed_and_whole_replies_say_the_same() -> None:
    with simulator() as simulated:
        streamed = ask(simulated.url, chat_body())
        whole = ask(simulated.url, chat_body(stream=False)).json
    assert streamed.text == whole["choices"][0]["message"]["content"] == BRIDGE.reference
    assert streamed.finish_reason == whole["choices"][0]["finish_reason"] == "stop"
    usage = {**streamed.events[-1]["usage"]}
    assert usage == whole["usage"]
    assert usage["completion_tokens"] == len(tokens(BRIDGE.reference))
    assert usage["prompt_tokens"] == len(tokens(answers.prompt_text(build_messages(BRIDGE))))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_tokens_is_kept(name: str) -> None:
    with simulator() as simulated:
        reply = ask(simulated.url, chat_body() | {name: 5})
    assert reply.text == "".join(tokens(BRIDGE.reference)[:5])
    assert reply.finish_reason == "length"
    assert reply.events[-1]["usage"]["completion_tokens"] == 5


def test_the_seed_of_a_request_changes_the_answer() -> None:
    with simulator(replace(SMALL, ttft_ms=0, itl_ms=0)) as simulated:
        texts = {
            seed: ask(simulated.url, chat_body(model="sim-small", seed=seed)).text for seed in (*range(8), *range(8))
        }
        again = {seed: ask(simulated.url, chat_body(model="sim-small", seed=seed)).text for seed in range(8)}
    assert texts == again
    assert len(set(texts.values())) > 1


def test_usage_comes_only_when_asked_for() -> None:
    with simulator() as simulated:
        reply = ask(simulated.url, chat_body(stream_options={}))
    assert not any("usage" in event for event in reply.events)


def test_thoughts_are_sent_before_the_answer_and_counted() -> None:
    with simulator(replace(RIGHT, reasoning_tokens=4)) as simulated:
        reply = ask(simulated.url, chat_body())
        [entry] = simulated.log()
    deltas = [event["choices"][0]["delta"] for event in reply.events if event["choices"]]
    kinds = [k for delta in deltas for k in ("reasoning_content", "content") if delta.get(k)]
    assert kinds == ["reasoning_content"] * 4 + ["content"] * len(tokens(BRIDGE.reference))
    usage = reply.events[-1]["usage"]
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 4}
    assert usage["completion_tokens"] == 4 + len(tokens(BRIDGE.reference))
    assert entry["first_token_ms"] == entry["chunk_ms"][0]
    assert entry["first_answer_ms"] == entry["chunk_ms"][4]


def test_several_tokens_can_share_a_chunk() -> None:
    with simulator(replace(RIGHT, tokens_per_chunk=4)) as simulated:
        reply = ask(simulated.url, chat_body())
        [entry] = simulated.log()
    assert reply.text == BRIDGE.reference
    assert len(entry["chunk_ms"]) == -(-entry["tokens"] // 4)


def test_a_bench_profile_sends_so_many_tokens_whatever_is_asked() -> None:
    with simulator(Profile("bench", ttft_ms=0, itl_ms=0, fixed_tokens=100)) as simulated:
        for body in (chat_body(model="bench"), judge_body("x") | {"model": "bench"}):
            reply = ask(simulated.url, body | {"stream": False})
            assert reply.json["usage"]["completion_tokens"] == 100


def test_a_schema_is_followed() -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}, "sure": {"enum": ["yes", "no"]}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    with simulator() as simulated:
        reply = ask(simulated.url, chat_body(stream=False, response_format=wanted))
    assert json.loads(reply.json["choices"][0]["message"]["content"]) == {"answer": BRIDGE.reference, "sure": "yes"}


def test_content_in_parts_is_read() -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": BRIDGE.question}, {"type": "image_url"}]}]
    with simulator() as simulated:
        assert ask(simulated.url, {"model": "right", "messages": parts, "stream": True}).text == BRIDGE.reference


# --- running it -------------------------------------------------------------------------------------------------------


def test_every_port_serves_every_model() -> None:
    with Simulator(Settings(profiles=(RIGHT,), qa_set=QUESTIONS), ports=[0, 0, 0, 0]) as simulated:
        assert len(set(simulated.urls)) == 4
        assert [ask(url, chat_body()).text for url in simulated.urls] == [BRIDGE.reference] * 4
        assert len(simulated.log()) == 4


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SimulatorError, match=rf"cannot listen on 127\.0\.0\.1:{port}"), Simulator(ports=[0, port]):
            pass


def test_sixty_four_streams_are_each_whole() -> None:
    async def load(url: str, one: Callable[[aiohttp.ClientSession, str], Awaitable[bytes]]) -> list[bytes]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.gather(*(one(session, url) for _ in range(64)))

    async def one(session: aiohttp.ClientSession, url: str) -> bytes:
        async with session.post(url + "/chat/completions", json=chat_body(model="bench")) as response:
            return await response.read()

    with simulator(Profile("bench", ttft_ms=20, itl_ms=1, fixed_tokens=50)) as simulated:
        bodies = asyncio.run(load(simulated.url, one))
    assert {Reply(200, {}, body, []).text for body in bodies} == {answers.filler(50)}


def test_a_process_of_its_own_serves_and_ends_with_its_parent(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(qa_set.to_jsonl(QUESTIONS), encoding="utf-8")
    ready = tmp_path / "ready.json"
    arguments = ["--ports", "0,0", "--qa-set", str(questions), "--profile", "name=right,ttft_ms=0,itl_ms=0"]
    arguments += ["--ready-file", str(ready), "--faults", "script=500,no_usage"]
    with simulator_process(arguments) as urls:
        assert ask(urls[0], chat_body()).status == 500
        assert ask(urls[1], chat_body()).text == BRIDGE.reference
        assert json.loads(ready.read_text(encoding="utf-8")) == {"urls": urls}
    with pytest.raises(aiohttp.ClientConnectionError):
        ask(urls[0], path="/models")


def test_a_process_that_cannot_start_says_why() -> None:
    with pytest.raises(SimulatorError, match='"speling" is not known'), simulator_process(["--profile", "speling=1"]):
        pass


def test_profiles_and_faults_can_be_written_in_a_line() -> None:
    assert read_fields(Profile, "name=a, itl_ms=2.5, fixed_tokens=3") == Profile("a", itl_ms=2.5, fixed_tokens=3)
    assert read_fields(Faults, "no_usage,rate_429=0.5,script=ok+drop") == Faults(
        no_usage=True, rate_429=0.5, script=("ok", "drop")
    )
    for kind, text in ((Profile, "itl_ms=2"), (Profile, "name=a,itl_ms=x"), (Profile, "name=a,omission=2")):
        with pytest.raises(SimulatorError):
            read_fields(kind, text)
    for text in ("no_usage=maybe", "script=fire", "rate_429=0.8,rate_500=0.8"):
        with pytest.raises(SimulatorError):
            read_fields(Faults, text)
