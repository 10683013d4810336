"""The turnstile: pieces of work that come at once run apart, and the loop sees what arrives between two of them."""

import asyncio
import socket

import pytest

from eval.turnstile import Turnstile


def test_what_arrives_during_a_piece_of_work_is_seen_before_the_next_piece() -> None:
    seen: list[str] = []

    async def scenario() -> None:
        turnstile, loop = Turnstile(), asyncio.get_running_loop()
        here, there = socket.socketpair()
        with here, there:
            reader, writer = await asyncio.open_connection(sock=here)
            task = loop.create_task(read(reader))
            await asyncio.sleep(0)

            async def work(name: str) -> None:
                await turnstile.passed()
                there.send(name.encode())
                seen.append(f"work {name}")

            await asyncio.gather(*(work(name) for name in "abc"))
            writer.close()
            await task

    async def read(reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(9):
            seen.append(f"read {piece.decode()}")
            if piece == b"c":
                return

    asyncio.run(scenario())
    assert seen == ["work a", "read a", "work b", "read b", "work c", "read c"]


def test_who_gives_up_waiting_holds_nobody_up() -> None:
    async def scenario() -> list[int]:
        turnstile, passed = Turnstile(), list[int]()

        async def work(number: int) -> None:
            await turnstile.passed()
            passed.append(number)

        tasks = [asyncio.create_task(work(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[2].cancel()
        async with asyncio.timeout(5):
            await asyncio.wait(tasks)
            await work(9)
        return passed

    assert asyncio.run(scenario()) == [1, 3, 9]


@pytest.mark.parametrize("n", [1, 50])
def test_everybody_passes_in_their_order(n: int) -> None:
    async def scenario() -> list[int]:
        turnstile, passed = Turnstile(), list[int]()

        async def work(number: int) -> None:
            for _ in range(3):
                await turnstile.passed()
                passed.append(number)

        await asyncio.gather(*(work(number) for number in range(n)))
        return passed

    assert asyncio.run(scenario()) == list(range(n)) * 3
