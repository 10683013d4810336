"""What an endpoint's client measures: times, speed, usage, connection, and its own lag."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from asked import ASK, ask, ask_all, ask_script
from servers import DONE, Reply, completion, delta, event, events, serve, streamed

from eval.chat import Attempt, Completion, Endpoint
from eval.endpoint import EndpointClient
from eval.lag import LagMonitor

pytestmark = pytest.mark.usefixtures("no_long_waits")


# --- what is measured -------------------------------------------------------------------------------------------------


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


# --- the client's own lag ---------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("lag_ms", "limited"), [(None, False), (5.0, False), (5.1, True)])
def test_an_answer_is_limited_by_the_client_above_5_ms_of_lag(lag_ms: float | None, limited: bool) -> None:
    attempt = Attempt(1, "id", datetime.now(UTC), loop_lag_ms=lag_ms)
    assert Completion(ASK, "http://127.0.0.1:9/v1", "", [attempt]).client_limited is limited
