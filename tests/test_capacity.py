"""Machines and waiting, against a worked example of Erlang C, its recursion, and the limits they have to keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cost.capacity import (
    TABLE,
    UTILISATION_CAP,
    Machine,
    bearable,
    erlang_c,
    machine_at,
    machines_for,
    mean_wait,
    wait_quantile,
)
from eval.cost.measured import Load


def recursive_erlang_c(load: float, places: int) -> float:
    """Erlang C by the textbook's recursion of Erlang B, which needs no logarithms."""
    blocked = 1.0
    for k in range(1, places + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked / (1 - load / places * (1 - blocked))


def test_the_worked_example_of_48_erlang_on_55_places():
    assert float(erlang_c(48, 55)) == pytest.approx(0.2387, abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.01, 0.99))
def test_erlang_c_is_its_recursion(places, busy):
    assert float(erlang_c(busy * places, places)) == pytest.approx(recursive_erlang_c(busy * places, places), rel=1e-9)


def test_one_place_is_the_queue_of_every_textbook():
    # M/M/1: waiting probability rho, mean wait rho / (1 - rho) services, P(wait > t) = rho exp(-(1 - rho) t)
    assert float(erlang_c(0.6, 1)) == pytest.approx(0.6)
    assert float(mean_wait(0.6, 1, 2.0)) == pytest.approx(2.0 * 0.6 / 0.4)
    assert float(wait_quantile(0.6, 1, 2.0, 0.9)) == pytest.approx(2.0 * np.log(0.6 / 0.1) / 0.4)


@pytest.mark.parametrize("load", [3.0, 5.0])
def test_a_full_system_waits_without_end(load):
    assert float(erlang_c(load, 3)) == 1.0
    assert np.isinf(mean_wait(load, 3, 1.0))
    assert np.isinf(wait_quantile(load, 3, 1.0))


def test_an_empty_system_does_not_wait():
    assert float(erlang_c(0, 3)) == 0.0
    assert float(wait_quantile(0.01, 30, 1.0)) == 0.0


LOADS = [Load(1, 1.0, 900, 60), Load(4, 3.2, 1300, 60), Load(8, 4.0, 2100, 60)]


def test_the_highest_concurrency_that_meets_the_target_counts():
    assert machine_at(LOADS, 2000) == Machine(4, 4 / 3.2, 0.7)
    assert machine_at(LOADS, 5000) == Machine(8, 2.0, 2.9)
    assert machine_at(LOADS, None) == Machine(8, 2.0, None)


def test_a_target_that_nothing_meets_says_what_it_takes():
    reason = machine_at(LOADS, 500)
    assert reason == "even at 1 request at once its p95 latency is 900 ms, and 500 ms are allowed"


@pytest.mark.parametrize(
    ("loads", "said"),
    [
        ([Load(30, 4.0, 2100, 60)], "at 30 requests at once, the fewest measured, its p95 latency is 2,100 ms"),
        (LOADS[1:], "at 4 requests at once, the fewest measured, its p95 latency is 1,300 ms"),
        (
            [Load(4, 3.2, 1300, 60), Load(8, 4.0, 900, 60)],
            "at 8 requests at once, where it was shortest, its p95 latency is 900 ms",
        ),
    ],
)
def test_many_requests_at_once_are_not_called_lenient(loads, said):
    assert machine_at(loads, 500) == f"{said}, and 500 ms are allowed"


def test_a_target_measured_one_by_one_is_a_sequential_bound():
    machine = machine_at(LOADS[:1], 2000)
    assert isinstance(machine, Machine)
    assert machine.sequential
    assert not getattr(machine_at(LOADS, 950), "sequential", True)  # more was measured, it only did not serve


@pytest.mark.parametrize(
    ("loads", "reason"),
    [([], "throughput was never measured"), ([Load(1, 1.0, None, 9)], "p95 latency was never measured")],
)
def test_what_was_not_measured_is_said(loads, reason):
    assert reason in str(machine_at(loads, 1000))


@settings(deadline=None)
@given(st.integers(1, 32), st.floats(0.1, 30), st.none() | st.floats(0.05, 60))
def test_what_machines_bear_keeps_both_limits_and_grows(places, service, limit):
    machine = Machine(places, service, limit)
    table = bearable(machine)
    counts = np.arange(1, TABLE + 1) * places
    assert (np.diff(table) >= 0).all()
    assert (table <= counts * UTILISATION_CAP + 1e-9).all()
    if limit is not None:
        assert (wait_quantile(table * (1 - 1e-9), counts, service) <= limit + 1e-6).all()


@settings(deadline=None)
@given(st.integers(1, 16), st.none() | st.floats(0.2, 10), st.lists(st.floats(0, 2000), min_size=2, max_size=20))
def test_machines_bear_their_load_and_one_less_would_not(places, limit, loads):
    table = bearable(Machine(places, 2.0, limit))
    load = np.sort(np.array(loads))
    count = machines_for(load, table)
    assert (np.diff(count) >= 0).all()
    inside = (load <= table[-1]) & (count > 1)
    index = count[inside].astype(int)
    assert (load[inside] <= table[index - 1]).all()
    assert (load[inside] > table[index - 2]).all()
    beyond = load > table[-1]
    assert (load[beyond] <= count[beyond] * places * UTILISATION_CAP + 1e-6).all()


def test_a_machine_is_busy_for_seventy_percent_at_most():
    table = bearable(Machine(10, 1.0, None))
    assert machines_for(np.array([7.0, 7.01, 14.0, 14.01]), table).tolist() == [1, 2, 2, 3]


def test_a_service_without_requests_still_takes_a_machine():
    assert machines_for(np.array([0.0]), bearable(Machine(4, 1.0, None))).tolist() == [1.0]
