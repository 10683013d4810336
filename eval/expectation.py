"""A judge's score as an expectation: the probabilities of the digit it would write next, in place of the one it wrote.

Pure. The request for token probabilities is endpoint.py's business, the prompt that asks for one digit judge.py's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

MIN_MASS = 0.9  # below this the judge was about to write something else than a score


class NoExpectationError(ValueError):
    """The token probabilities give no score; the text says why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The mean over the score digits, the probability that a digit came at all, and that of each digit given one."""

    score: float
    digit_mass: float
    probabilities: tuple[float, ...]  # of each score, lowest first; they add up to 1


def read_expectation(positions: Sequence[Mapping[str, float]], low: int = 1, high: int = 5) -> Expectation:
    """The expected score of a reply from the log-probabilities of the likeliest tokens at each of its positions.

    The score is the sum of digit x P(digit) over the digits' own total (G-Eval, Liu et al. 2023, equation 1). The first
    position where the likeliest token is a score counts: servers put white space or a marker ahead. Tokens that differ
    in white space alone are one digit. Raises NoExpectationError where the server sent no probabilities, or the digits'
    total is below MIN_MASS. A scale of one-digit scores only (0 to 9).
    """
    if not positions:
        raise NoExpectationError("the server sent no token probabilities; judge by the protocol quick or study")
    digits = [str(score) for score in range(low, high + 1)]
    first = next((p for p in positions if p and max(p, key=lambda token: p[token]).strip() in digits), positions[0])
    mass = {digit: sum(exp(log) for token, log in first.items() if token.strip() == digit) for digit in digits}
    total = sum(mass.values())
    if total < MIN_MASS:
        raise NoExpectationError(
            f"the digits {low} to {high} hold {total:.2f} of the probability, {MIN_MASS} is needed"
        )
    probabilities = tuple(mass[digit] / total for digit in digits)
    score = sum((low + i) * p for i, p in enumerate(probabilities))
    return Expectation(min(max(score, low), high), min(total, 1.0), probabilities)
