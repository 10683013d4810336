"""What is counted of an answer's wording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.wording import GRAM, READING_WORDS_PER_MINUTE, count_words, reading_s, wording


@pytest.mark.parametrize(
    ("text", "n"),
    [("", 0), ("One.", 1), ("well-known facts", 2), ("It's 3,500.50 EUR", 3), ("a\nb\tc", 3), ("- item * item", 2)],
)
def test_words_are_counted_as_a_reader_would(text: str, n: int) -> None:
    assert count_words(text) == n


def test_repeated_4grams_are_the_share_that_stood_before() -> None:
    assert wording("a b c d a b c d").repeated_4grams == pytest.approx(1 / 5)  # abcd bcda cdab dabc abcd
    assert wording("a b c d e f g h").repeated_4grams == 0
    assert wording("The cat sat down. the CAT sat down!").repeated_4grams == pytest.approx(1 / 5)


@pytest.mark.parametrize("text", ["", "one two three", "one two three four"])
def test_an_answer_of_less_than_two_4grams_has_no_share(text: str) -> None:
    assert wording(text).repeated_4grams is None


def test_238_words_take_a_minute_to_read() -> None:
    assert reading_s(READING_WORDS_PER_MINUTE) == 60


@given(st.text())
def test_the_share_lies_between_0_and_1(text: str) -> None:
    share = wording(text).repeated_4grams
    assert share is None or 0 <= share < 1


@given(st.lists(st.sampled_from("abc"), min_size=6), st.integers(2, 4))
def test_what_is_said_again_counts_as_repeated(words: list[str], times: int) -> None:
    again = wording(" ".join(words * times)).repeated_4grams
    grams, said_again = len(words) * times - GRAM + 1, (len(words) - GRAM + 1) * (times - 1)
    assert again is not None
    assert round(again * grams) >= said_again
