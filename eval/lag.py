"""The client's watch over itself: how late its own event loop runs while it measures.

A thread posts a ping into the loop every few milliseconds and notes how long it took to be answered. (A timer inside
the loop would mistake the coarse clock of Windows for lag.) endpoint.py marks what was measured during a lag.
"""

import asyncio
import threading
from bisect import bisect_left
from time import perf_counter_ns
from types import TracebackType

LIMIT_MS = 5.0  # an answer measured while the loop lagged more than this is marked client_limited
INTERVAL_S = 0.005


class LagMonitor:
    """Samples the lag of the running event loop between enter and exit."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends_ns: list[int] = []
        self._lags_ns: list[int] = []
        self._answered = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ping, name="lag-monitor", daemon=True)

    def __enter__(self) -> "LagMonitor":
        self._thread.start()
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._stop.set()

    def _ping(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answer, perf_counter_ns())
            except RuntimeError:  # the loop is closed: nothing is measured any more
                return
            self._answered.wait(5)

    def _answer(self, sent_ns: int) -> None:
        now_ns = perf_counter_ns()
        if now_ns - sent_ns > 1_000_000:  # shorter lags are of no interest and would only fill the list
            self._ends_ns.append(now_ns)
            self._lags_ns.append(now_ns - sent_ns)
        self._answered.set()

    def worst_ms(self, from_ns: int, to_ns: int) -> float:
        """The longest lag that touched the span, in milliseconds; 0.0 for none over one millisecond."""
        worst = 0
        for i in range(bisect_left(self._ends_ns, from_ns), len(self._ends_ns)):
            if self._ends_ns[i] - self._lags_ns[i] > to_ns:
                break
            worst = max(worst, self._lags_ns[i])
        return worst / 1e6
