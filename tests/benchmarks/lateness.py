"""How late Rightsize sees the first token, against the simulator's own log, beside two bare clients in the same run.

    python tests/benchmarks/lateness.py [--answers-per-stream 6] [--streams 1,16,64]

Each client streams 100 tokens of 10 ms from a simulator in a process of its own. Lateness: the time to first token that
the client measured less the one that truly was. Ideal wall: the server's own time for all streams, side by side.
CPU and peak memory are those of the client's process. Nothing is asserted: a shared machine is a noisy one.
"""

import argparse
import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import numpy as np
import openai
import psutil

from db import store
from db.models import Call
from eval.chat import ChatRequest, Endpoint
from eval.endpoint import EndpointClient
from eval.lag import LagMonitor
from eval.plan import Plan
from eval.qa_set import QASet, Question
from eval.runner import quiet_process, run_plan
from eval.simulator.process import simulator_process
from eval.targets import Stage, Target
from eval.work import RAMP_S

PROFILE = "name=bench,ttft_ms=50,itl_ms=10,jitter=0.2,fixed_tokens=100"
MESSAGES = [{"role": "user", "content": "One question of a usual length. " * 20}]
HEADER = "x-rightsize-request"
Measured = tuple[dict[str, float], float]  # time to first token in ms by request id, and the wall of all requests in s


async def _side_by_side(streams: int, total: int, ask: Callable[[], Awaitable[None]]) -> float:
    """`total` requests over `streams` workers, started one after the other as the runner starts them; the wall, s."""
    began = time.perf_counter()
    numbers = iter(range(total))

    async def worker(number: int) -> None:
        await asyncio.sleep(number * RAMP_S)
        for _ in numbers:
            await ask()

    await asyncio.gather(*(worker(number) for number in range(streams)))
    return time.perf_counter() - began


async def bare_aiohttp(url: str, streams: int, total: int) -> Measured:
    """The floor: raw bytes stamped in a loop, parsed when the stream has ended."""
    measured: dict[str, float] = {}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask() -> None:
            request_id = uuid.uuid4().hex
            body = {"model": "bench", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
            began, stamps = time.perf_counter_ns(), list[tuple[int, bytes]]()
            async with session.post(f"{url}/chat/completions", json=body, headers={HEADER: request_id}) as reply:
                async for chunk in reply.content.iter_any():
                    stamps.append((time.perf_counter_ns(), chunk))
            for line in b"".join(chunk for _, chunk in stamps).split(b"\n"):
                if line.startswith(b"data: {"):
                    json.loads(line[6:])
            first = next(stamp for stamp, chunk in stamps if b'"content"' in chunk)
            measured[request_id] = (first - began) / 1e6

        wall_s = await _side_by_side(streams, total, ask)
    return measured, wall_s


async def bare_openai(url: str, streams: int, total: int) -> Measured:
    """What most people write: the SDK's own stream, stamped at the first chunk with content."""
    measured: dict[str, float] = {}
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask() -> None:
            request_id, first = uuid.uuid4().hex, None
            began = time.perf_counter_ns()
            stream = await client.chat.completions.create(
                model="bench",
                messages=MESSAGES,  # pyright: ignore[reportArgumentType]
                stream=True,
                stream_options={"include_usage": True},
                extra_headers={HEADER: request_id},
            )
            async for chunk in stream:
                if first is None and chunk.choices and chunk.choices[0].delta.content:
                    first = time.perf_counter_ns()
            measured[request_id] = ((first or 0) - began) / 1e6

        wall_s = await _side_by_side(streams, total, ask)
    return measured, wall_s


async def rightsize_client(url: str, streams: int, total: int) -> Measured:
    """Rightsize's endpoint client with its lag monitor, nothing stored."""
    measured: dict[str, float] = {}
    with quiet_process(), LagMonitor() as lag:
        async with EndpointClient(Endpoint(url=url, concurrency=streams), lag) as client:
            await client.check(["bench"])

            async def ask() -> None:
                done = await client.complete(ChatRequest("bench", MESSAGES, max_tokens=512))
                measured[done.last.request_id] = done.last.ttft_ms or 0.0

            wall_s = await _side_by_side(streams, total, ask)
    return measured, wall_s


async def rightsize_run(url: str, streams: int, total: int) -> Measured:
    """A whole run as `rightsize run` does it, every answer stored in a database that is there."""
    questions = tuple(Question(id=f"q{n}", question=MESSAGES[0]["content"], reference="None.") for n in range(total))
    stage = Stage(name="answer", model="bench", endpoint=Endpoint(url=url, concurrency=streams))
    plan = Plan(
        targets=(Target(name="bench", stages=(stage,)),),
        questions=QASet(name="bench", version="1", questions=questions),
        warmups=0,
    )
    engine = store.connect(store.database_url())
    await run_plan(plan, engine, lambda _progress: None)
    with store.reading(engine) as session:
        calls: list[Call] = store.list_run_calls(1, session=session)
    engine.dispose()
    ends = [call.started_at.timestamp() + ((call.prepare_ms or 0) + (call.total_ms or 0)) / 1e3 for call in calls]
    wall_s = max(ends) - min(call.started_at.timestamp() for call in calls)
    return {call.request_id or "": call.ttft_ms or 0.0 for call in calls}, wall_s


CLIENTS = {
    "bare aiohttp loop": bare_aiohttp,
    "rightsize client": rightsize_client,
    "rightsize run": rightsize_run,
    "bare openai stream": bare_openai,
}


def peak_mib(process: psutil.Process) -> float:
    """The most memory that this process held at any time; macOS does not tell, so there what it holds now."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where psutil knows no peak
        (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return int(peak_kib) / 2**10
    memory = process.memory_info()
    return getattr(memory, "peak_wset", memory.rss) / 2**20


def child(client: str, url: str, streams: int, total: int) -> None:
    """Measure one client in this process and print what it saw and what it cost."""
    gc.collect()
    gc.freeze()
    process = psutil.Process()
    before = process.cpu_times()
    measured, wall_s = asyncio.run(CLIENTS[client](url, streams, total))
    after = process.cpu_times()
    print(
        json.dumps(
            {
                "measured": measured,
                "wall_s": wall_s,
                "cpu_s": after.user + after.system - before.user - before.system,
                "peak_mib": peak_mib(process),
            }
        )
    )


def measure(client: str, streams: int, per_stream: int, log: Path) -> str:
    """One row of the table."""
    total = streams * per_stream
    database = f"sqlite:///{log.with_name(f'{streams} {client}.db').as_posix()}"
    store.connect(database).dispose()
    with simulator_process(["--profile", PROFILE, "--log", str(log)]) as (url,):
        arguments = [sys.executable, __file__, "--child", client, url, str(streams), str(total)]
        told = subprocess.run(
            arguments, env=os.environ | {"RIGHTSIZE_DB": database}, capture_output=True, check=True, encoding="utf-8"
        )
    found = json.loads(told.stdout)
    truth = {e["client_id"]: e for e in map(json.loads, log.read_text(encoding="utf-8").splitlines())}
    truth = {request_id: truth[request_id] for request_id in found["measured"]}
    late = [found["measured"][request_id] - truth[request_id]["first_token_ms"] for request_id in truth]
    ideal_s = sum(entry["done_ms"] for entry in truth.values()) / 1e3 / streams
    p50, p99 = np.percentile(late, [50, 99])
    log.unlink()
    return (
        f"{client:20} {streams:4} {len(late):6} {p50:8.2f} {p99:8.2f} {found['wall_s'] / ideal_s:10.3f} "
        f"{found['cpu_s'] / len(late) * 1e3:12.2f} {found['peak_mib']:8.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers-per-stream", type=int, default=6)
    parser.add_argument("--streams", default="1,16,64")
    parser.add_argument("--child", nargs=4)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], given.child[1], int(given.child[2]), int(given.child[3]))
        return
    print(f"{'client':20} strm answers  p50 ms   p99 ms  wall/ideal  CPU s/1,000 peak MiB")
    with tempfile.TemporaryDirectory() as folder:
        for streams in map(int, given.streams.split(",")):
            for client in CLIENTS:
                print(measure(client, streams, given.answers_per_stream, Path(folder) / "truth.jsonl"), flush=True)


if __name__ == "__main__":
    main()
