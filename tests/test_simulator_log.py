"""The simulator's log is true to what was sent, and its times keep to the profile."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

import aiohttp
import pytest
from simulated import ask, chat_body, simulator

from eval.simulator import answers, chat
from eval.simulator.profiles import LARGE, Profile, SimulatorError


def test_log_matches_stream() -> None:
    profile = Profile("timed", ttft_ms=20, itl_ms=2)
    with simulator(profile) as simulated:
        before_ns = time.perf_counter_ns()
        reply = ask(simulated.url, chat_body(model="timed"), **{"x-rightsize-request": "mine"})
        after_ns = time.perf_counter_ns()
        [entry] = simulated.log()
        served = ask(simulated.url.removesuffix("/v1"), path="/simulator/log").body.decode().splitlines()
    assert [json.loads(line) for line in served] == [entry]
    assert (entry["client_id"], entry["request_id"]) == ("mine", reply.headers["x-request-id"])
    assert (entry["model"], entry["status"], entry["streamed"], entry["fault"]) == ("timed", 200, True, None)
    pieces = [e for e in reply.events if e["choices"] and e["choices"][0]["delta"].get("content")]
    assert len(pieces) == len(entry["chunk_ms"]) == entry["tokens"] == reply.events[-1]["usage"]["completion_tokens"]
    assert entry["prompt_tokens"] == reply.events[-1]["usage"]["prompt_tokens"]
    assert all(at >= 20 + 2 * k for k, at in enumerate(entry["chunk_ms"]))  # never before its time
    moments = [entry[f"{name}_ms"] for name in ("headers_sent", "first_token", "last_token", "done")]
    assert moments == sorted(moments)
    assert (entry["chunk_ms"][0], entry["chunk_ms"][-1]) == (entry["first_token_ms"], entry["last_token_ms"])
    assert before_ns < entry["received_ns"] < after_ns
    assert reply.arrivals_ns[-1] > entry["received_ns"] + entry["last_token_ms"] * 1e6


def test_the_log_goes_to_a_file_too(tmp_path: Path) -> None:
    with simulator(log_file=tmp_path / "log.jsonl") as simulated:
        ask(simulated.url, chat_body())
        ask(simulated.url, chat_body(model="none"))
    entries = simulated.log()
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == entries
    assert [entry["status"] for entry in entries] == [200, 404]


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="cannot be written"), simulator(log_file=tmp_path):
        pass


def test_a_client_that_goes_away_is_logged() -> None:
    async def leave(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            response = await session.post(url + "/chat/completions", json=chat_body(model="slow"))
            response.close()  # after the headers, long before the first token

    with simulator(Profile("slow", ttft_ms=60_000)) as simulated:
        asyncio.run(leave(simulated.url))
        for _ in range(1000):
            if simulated.log():
                break
            time.sleep(0.01)
        [entry] = simulated.log()
    assert (entry["fault"], entry["chunk_ms"]) == ("client_gone", [])


def test_speed_divides_every_time() -> None:
    fast = LARGE.faster(10)
    assert (fast.ttft_ms, fast.itl_ms, fast.ttft_per_prompt_token_ms) == pytest.approx((35, 2.2, 0.02))
    assert fast.omission == LARGE.omission
    with pytest.raises(SimulatorError, match="above 0"):
        LARGE.faster(0)


def test_the_plan_of_a_stream_is_right_on_average() -> None:
    profile = Profile("jittery", ttft_ms=100, itl_ms=10, jitter=0.3, ttft_per_prompt_token_ms=0.5)
    due = [chat.due_ms(profile, 100, 50, answers.Random(seed)) for seed in range(400)]
    assert mean(d[0] for d in due) == pytest.approx(150, rel=0.05)
    assert mean((d[-1] - d[0]) / 49 for d in due) == pytest.approx(10, rel=0.02)
    assert all(d == sorted(d) for d in due)
    assert chat.due_ms(replace(profile, jitter=0), 100, 3, answers.Random(0)) == [150, 160, 170]
