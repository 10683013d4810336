"""Figures in words, names as plain text, and CSV that a spreadsheet does not take for formulas."""

import csv
import io
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import format as fmt
from eval.enumeration import listed
from eval.stats.intervals import Estimate


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "unknown"),
        (0, "$0.00"),
        (0.994, "$0.99"),
        (1, "$1.00"),
        (1234.5, "$1,234.50"),
        (0.00042, "$0.00042"),
        (0.00000042, "$4.2e-07"),
    ],
)
def test_money_keeps_what_matters_and_never_makes_the_unknown_a_zero(value: float | None, said: str):
    assert fmt.usd(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "unknown"),
        (0.4, "0 ms"),
        (85, "85 ms"),
        (999.6, "1.00 s"),
        (1240, "1.24 s"),
        (12_340, "12.3 s"),
        (125_000, "2 min 05 s"),
    ],
)
def test_times_are_read_as_people_say_them(value: float | None, said: str):
    assert fmt.milliseconds(value) == said


def test_an_interval_stands_beside_the_mean_or_says_why_not():
    assert fmt.interval(Estimate(4.123, 3.9, 4.34, 60)) == "4.12 (3.90 to 4.34)"
    assert fmt.interval(Estimate(4.0, None, None, 1)) == "4.00 (too few for an interval)"
    assert fmt.interval(Estimate(None, None, None, 0)) == "unknown"
    assert fmt.quantile(Estimate(1320, 301, 1355, 60)) == "1,320 (301 to 1,355)"
    assert fmt.quantile(Estimate(320, None, None, 30)) == "320 (too few for an interval)"
    assert fmt.quantile(Estimate(None, None, None, 0)) == "unknown"


def test_equal_scores_have_no_interval_because_no_difference_was_seen():
    """Not because there are too few: sixty answers with 5 points each say nothing about what else could come."""
    assert fmt.interval(Estimate(5.0, None, None, 60)) == "5.00 (no difference seen)"


def test_names_are_listed_and_counted_in_english():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert fmt.plural(1, "answer") == "1 answer"
    assert fmt.plural(1200, "answer") == "1,200 answers"


def test_moments_are_in_utc():
    assert fmt.when(datetime(2026, 11, 3, 9, 5, tzinfo=UTC)) == "3 Nov 2026, 09:05 UTC"
    assert fmt.when(None) == "not yet"


@pytest.mark.parametrize(
    "hostile", ["**bold**", "[x](http://a.b)", "$E=mc^2$", "`code`", "<b>", ":red[x]", ":smile:", "# title", "a_b_c"]
)
def test_markdown_in_a_name_loses_its_meaning(hostile: str):
    shown = fmt.plain(hostile)
    for special in "*[]$`<:#_":
        at = -1
        while (at := shown.find(special, at + 1)) >= 0:
            assert shown[at - 1] == "\\", f"{special} is bare in {shown}"


def test_codes_for_emoji_and_addresses_are_broken_up():
    assert ":smile:" not in fmt.plain(":smile:").replace("\\", "")
    assert "www." not in fmt.plain("www.example.com").replace("\\", "")
    assert fmt.plain("two\nlines") == "two lines"


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(start: str):
    frame = pd.DataFrame({"text": [f"{start}cmd|' /C calc'!A0", "fine"]})
    assert read(fmt.to_csv(frame))[1][0].startswith("'")
    assert read(fmt.to_csv(frame))[2][0] == "fine"


def test_numbers_stay_numbers_and_missing_stays_empty():
    frame = pd.DataFrame({"n": [-1.5, None], "mixed": pd.Series([-2, "-x"], dtype=object), "when": [None, None]})
    assert read(fmt.to_csv(frame)) == [["n", "mixed", "when"], ["-1.5", "-2", ""], ["", "'-x", ""]]


def test_a_list_is_neutralised_as_one_cell_and_so_is_a_heading():
    frame = pd.DataFrame({"=tags": [["=a", "b"]]})
    assert read(fmt.to_csv(frame)) == [["'=tags"], ["'=a; b"]]


def test_excel_sees_utf8():
    assert fmt.to_csv(pd.DataFrame({"a": ["ä"]})).startswith(b"\xef\xbb\xbf")


@given(st.text(max_size=40))
def test_no_text_leaves_as_a_formula(text: str):
    cell = read(fmt.to_csv(pd.DataFrame({"a": [text], "b": ["x"]})))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
