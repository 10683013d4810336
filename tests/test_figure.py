"""Figures: tagged or refused, units that come back, and bare numbers that are found."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cost.figure import Figure, Series, UnitError, bare_numbers, convert, figures

PAIRS = [
    ("ms", "h"),
    ("Wh", "MWh"),
    ("J", "kWh"),
    ("gCO2e", "tCO2e"),
    ("USD/Mtoken", "USD/token"),
    ("USD/answer", "USD/1,000 answers"),
    ("gCO2e/kWh", "tCO2e/MWh"),
    ("%", "share"),
]


@settings(deadline=None)
@given(st.sampled_from(PAIRS), st.floats(-1e12, 1e12))
def test_a_value_comes_back_from_another_unit(pair, value):
    unit, other = pair
    assert convert(convert(value, unit, other), other, unit) == pytest.approx(value, rel=1e-12)


def test_units_are_converted_by_their_size():
    assert convert(1500, "Wh", "kWh") == 1.5
    assert convert(2.5, "USD/Mtoken", "USD/token") == pytest.approx(2.5e-6)
    assert convert(0.003, "USD/answer", "USD/1,000 answers") == pytest.approx(3.0)
    assert convert(3_600_000, "J", "kWh") == pytest.approx(1.0)


@pytest.mark.parametrize(("unit", "to"), [("kWh", "h"), ("USD", "EUR"), ("USD/h", "USD/kWh")])
def test_what_does_not_measure_the_same_is_refused(unit, to):
    with pytest.raises(UnitError, match="cannot be given in"):
        convert(1, unit, to)


def test_a_figure_keeps_its_band_and_origin_in_another_unit():
    given_in = Figure(Decimal(1500), "Wh", "derived", "somewhere", 1000, 2000, 7)
    assert given_in.to("kWh") == Figure(1.5, "kWh", "derived", "somewhere", 1.0, 2.0, 7)


@pytest.mark.parametrize(
    "fields",
    [
        (1.0, "USD", "guessed", "somewhere"),
        (1.0, "USD", "measured", ""),
        (None, "USD", "measured", "somewhere"),
        (float("nan"), "USD", "measured", "somewhere"),
        (float("inf"), "USD", "measured", "somewhere"),
    ],
)
def test_a_number_without_kind_origin_or_reason_is_no_figure(fields):
    with pytest.raises(ValueError, match="figure"):
        Figure(*fields)


def test_bare_numbers_are_found_wherever_they_hide():
    @dataclass
    class Part:
        tagged: Figure
        row: Series
        flag: bool
        inside: dict[str, tuple[object, ...]]

    tagged = Figure(1.0, "s", "measured", "a run")
    row = Series((1.0, 2.0), "USD", "derived", "a sum")
    sound = Part(tagged, row, True, {"a": ("text", None, tagged)})
    assert bare_numbers(sound) == []
    assert [path for path, _ in figures(sound)] == ["tagged", "row", "inside[a][2]"]
    assert bare_numbers(Part(tagged, row, False, {"a": (tagged, Decimal(3))})) == ["inside[a][1]"]
