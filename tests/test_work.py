"""Many jobs, so many at a time: what one failure does to the others."""

import asyncio

import pytest

from eval.work import RunFailedError, all_at_most, failure_of


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_so_many_run_at_a_time_and_each_is_done_once(concurrency: int) -> None:
    running, most, done = 0, 0, list[int]()

    async def do(job: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        done.append(job)

    asyncio.run(all_at_most(concurrency, range(6), do))
    assert sorted(done) == list(range(6))
    assert most == min(concurrency, 6)


def test_after_a_failure_none_begins_and_those_under_way_end() -> None:
    begun, ended = list[int](), list[int]()

    async def do(job: int) -> None:
        begun.append(job)
        await asyncio.sleep(0.1)
        if job == 0:
            raise RunFailedError("the server is gone")
        await asyncio.sleep(0.3)
        ended.append(job)

    assert asyncio.run(failure_of(all_at_most(3, range(9), do))) == "the server is gone"
    assert (sorted(begun), sorted(ended)) == ([0, 1, 2], [1, 2])


def test_the_first_failure_is_the_one_that_is_told() -> None:
    async def do(job: int) -> None:
        await asyncio.sleep(0.1 * (job + 1))
        raise RunFailedError(f"failure {job}")

    assert asyncio.run(failure_of(all_at_most(2, range(2), do))) == "failure 0"


def test_any_other_fault_ends_all_at_once_and_is_raised_bare() -> None:
    async def do(job: int) -> None:
        await asyncio.sleep(0 if job else 60)
        raise LookupError(job)

    with pytest.raises(LookupError, match="1"):
        asyncio.run(failure_of(all_at_most(2, range(2), do)))


def test_nothing_to_do_is_done() -> None:
    async def do(_: int) -> None:
        raise AssertionError

    assert asyncio.run(failure_of(all_at_most(4, [], do))) is None
