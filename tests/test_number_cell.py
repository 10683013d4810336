"""A number typed into a cell is that number or is refused; none is read as another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.number_cell import CellError, number, text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_shown_number_reads_back_as_the_same(value: float):
    assert number(text(value)) == value


@pytest.mark.parametrize(
    ("typed", "value"), [("1.7", 1.7), (" -0.15 ", -0.15), ("2000", 2000), ("1e3", 1000), (".5", 0.5), ("1.000", None)]
)
def test_a_point_is_decimal_and_what_may_be_thousands_is_refused(typed: str, value: float | None):
    if value is not None:
        assert number(typed) == value
        return
    with pytest.raises(CellError, match=r'"1.000" may be 1 or 1000'):
        number(typed)


@pytest.mark.parametrize(
    "typed", ["1,7", "1.234,5", "1,234", "1 234", "1'234", "1_000", "17 %", "nan", "inf", "1e999", "x"]
)
def test_anything_else_is_refused(typed: str):
    with pytest.raises(CellError, match="is not a number"):
        number(typed)


def test_an_empty_cell_is_no_number_and_not_0():
    assert number(None) is None
    assert number(" ") is None
    assert text(None) is None
