"""The expectation over digit probabilities: right by hand, refused where the judge meant to write something else."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.expectation import MIN_MASS, NoExpectationError, read_expectation


def logs(**mass: float) -> dict[str, float]:
    return {token.removeprefix("t"): log(p) for token, p in mass.items()}


def test_the_expectation_is_the_mean_over_the_digits_own_total() -> None:
    found = read_expectation([logs(t3=0.2, t4=0.6, t5=0.16, The=0.04)])
    assert found.digit_mass == pytest.approx(0.96)
    assert found.score == pytest.approx((3 * 0.2 + 4 * 0.6 + 5 * 0.16) / 0.96)
    assert found.probabilities == pytest.approx((0, 0, 0.2 / 0.96, 0.6 / 0.96, 0.16 / 0.96))


def test_tokens_that_differ_in_white_space_are_one_digit() -> None:
    found = read_expectation([{"4": log(0.5), " 4": log(0.45), "\n4": log(0.01)}])
    assert (found.score, round(found.digit_mass, 6)) == (4, 0.96)


def test_white_space_and_markers_ahead_of_the_digit_are_passed_over() -> None:
    assert read_expectation([{"<|channel|>": 0.0}, {"\n": -0.01}, {"2": log(0.98)}]).score == 2


@pytest.mark.parametrize("digit_mass", [0.0, 0.4, MIN_MASS - 0.001])
def test_a_judge_that_was_about_to_write_something_else_gives_no_score(digit_mass: float) -> None:
    positions = [{"The": log(1 - digit_mass), **({"4": log(digit_mass)} if digit_mass else {})}]
    with pytest.raises(NoExpectationError, match="of the probability"):
        read_expectation(positions)


def test_nine_tenths_of_the_probability_are_enough_and_less_is_not() -> None:
    """The least is 0.9, whatever the constant says."""
    assert read_expectation([{"4": log(0.9001), "The": log(0.0999)}]).score == 4
    with pytest.raises(NoExpectationError, match=r"hold 0\.89 of the probability, 0\.9 is needed"):
        read_expectation([{"4": log(0.89), "The": log(0.11)}])


def test_digits_outside_the_scale_are_no_score() -> None:
    with pytest.raises(NoExpectationError):
        read_expectation([logs(t4=0.5, t7=0.5)])
    with pytest.raises(NoExpectationError):
        read_expectation([{"45": 0.0}])


def test_a_server_that_sends_no_probabilities_is_told_from_an_unsure_judge() -> None:
    with pytest.raises(NoExpectationError, match="no token probabilities; judge by the protocol quick or study"):
        read_expectation([])


@given(st.lists(st.floats(0.001, 1), min_size=5, max_size=5))
def test_the_score_lies_on_the_scale_and_the_probabilities_add_up(weights: list[float]) -> None:
    total = sum(weights)
    found = read_expectation([{str(i): log(w / total) for i, w in enumerate(weights, 1)}])
    assert 1 <= found.score <= 5
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.score == pytest.approx(sum(i * w for i, w in enumerate(weights, 1)) / total)
    assert exp(log(found.digit_mass)) == pytest.approx(1)
