"""p-values in words: none is said to be 0."""

import pytest

from eval.p_words import p_is, p_words


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0, "<0.0001"), (1e-9, "<0.0001"), (0.00004, "<0.0001"), (0.00006, "0.0001"), (0.0432, "0.0432"), (1, "1.0000")],
)
def test_a_p_value_that_rounds_to_nothing_is_said_to_be_smaller_than_the_last_digit(p: float, said: str):
    assert p_words(p) == said


def test_a_sentence_says_equal_or_smaller():
    assert (p_is(0.0123, 3), p_is(0.0001, 3)) == ("p = 0.012", "p < 0.001")
