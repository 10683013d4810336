"""Lets one piece of work at a time through an event loop that also stamps bytes.

Preparing a request, or reading a reply, keeps the loop for a millisecond or two. Where many streams end at once, those
pieces would run back to back, and all that arrives meanwhile would be stamped late by their sum. What measures lives in
transport.py.
"""

import asyncio
from collections import deque

REST_TURNS = 3  # the work itself, what arrived meanwhile, who waits for that


class Turnstile:
    """Between two pieces of work that pass, the loop reads and stamps whatever has arrived."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def passed(self) -> None:
        """Wait for a turn; what follows, up to the next await, runs alone in its turn of the loop."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._admit)
        await turn

    def _admit(self) -> None:
        if not (first := self._waiting[0]).done():  # done: given up
            first.set_result(None)
        self._rest(REST_TURNS)

    def _rest(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._rest, turns - 1)
            return
        self._waiting.popleft()
        if self._waiting:
            self._admit()
