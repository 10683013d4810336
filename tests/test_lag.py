"""Claims about the client's watch over itself: a loop that was kept from running is seen, one that ran is not."""

import asyncio
import threading
import time

import pytest

from eval import lag
from eval.lag import LagMonitor

MS = 1_000_000


def monitor_that_saw(*lags_ms: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> LagMonitor:
    """A monitor whose pings were sent and answered at the given times."""

    async def run() -> LagMonitor:
        monitor = LagMonitor()
        for sent, answered in lags_ms:
            monkeypatch.setattr(lag, "perf_counter_ns", lambda now=answered: int(now * MS))
            monitor._answer(int(sent * MS))
        return monitor

    return asyncio.run(run())


def test_a_blocked_loop_is_seen_in_the_span_it_was_blocked() -> None:
    async def block() -> float:
        with LagMonitor() as monitor:
            await asyncio.sleep(0.05)
            began = time.perf_counter_ns()
            time.sleep(0.3)
            await asyncio.sleep(0.05)
            return monitor.worst_ms(began, time.perf_counter_ns())

    assert asyncio.run(block()) > 100


def test_the_longest_lag_that_touches_the_span_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = monitor_that_saw((10, 20), (50, 90), (100, 102), monkeypatch=monkeypatch)
    assert monitor.worst_ms(0, 9 * MS) == 0
    assert monitor.worst_ms(15 * MS, 30 * MS) == 10
    assert monitor.worst_ms(60 * MS, 70 * MS) == 40  # the span lies within the lag
    assert monitor.worst_ms(0, 200 * MS) == 40
    assert monitor.worst_ms(95 * MS, 200 * MS) == 2
    assert monitor.worst_ms(103 * MS, 200 * MS) == 0


def test_lags_up_to_a_millisecond_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = monitor_that_saw((10, 11), (12, 12.4), monkeypatch=monkeypatch)
    assert monitor.worst_ms(0, 100 * MS) == 0


def test_the_watch_ends_with_its_context() -> None:
    async def watch() -> None:
        with LagMonitor():
            watching = [t for t in threading.enumerate() if t.name == "lag-monitor"]
            await asyncio.sleep(0.02)
        assert watching
        for thread in watching:
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()

    asyncio.run(watch())
