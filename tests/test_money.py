"""Money over time, against the worked examples of the numpy-financial documentation and properties of the formulas."""

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eval.cost.money import (
    amount,
    first_month_ahead,
    internal_rate,
    monthly_rate,
    npv,
    payment,
    periods_to_recover,
)

flows = st.lists(st.decimals(-(10**6), 10**6, places=2), min_size=1, max_size=40)


def test_npv_is_that_of_the_numpy_financial_documentation():
    # numpy.org/numpy-financial, npv: rate 0.08, [-40_000, 5_000, 8_000, 12_000, 30_000] -> 3065.22267
    assert float(npv(0.08, [-40_000, 5_000, 8_000, 12_000, 30_000])) == pytest.approx(3065.22267, abs=5e-6)


def test_payment_is_that_of_the_numpy_financial_documentation():
    # numpy.org/numpy-financial, pmt(0.075/12, 12*15, 200000) -> -1854.0247200054619; ours has the sign of the loan
    assert payment(0.075 / 12, 12 * 15, 200_000) == pytest.approx(1854.0247200054619, rel=1e-12)
    assert payment(0, 10, 1000) == 100


@pytest.mark.parametrize(
    ("given_flows", "rate"),
    [
        ([-100, 39, 59, 55, 20], 0.28095),
        ([-100, 0, 0, 74], -0.0955),
        ([-100, 100, 0, -7], -0.0833),
        ([-100, 100, 0, 7], 0.06206),
        ([-5, 10.5, 1, -8, 1], 0.0886),
    ],
)
def test_the_rate_of_return_is_that_of_the_numpy_financial_documentation(given_flows, rate):
    # numpy.org/numpy-financial, irr, rounded there to five places
    assert internal_rate(given_flows) == pytest.approx(rate, abs=6e-6)


@pytest.mark.parametrize("given_flows", [[], [0.0, 0.0], [1.0, 2.0], [-1.0, -2.0]])
def test_flows_of_one_sign_have_no_rate_of_return(given_flows):
    assert internal_rate(given_flows) is None


@settings(deadline=None)
@given(flows)
def test_npv_at_zero_is_the_sum(given_flows):
    assert npv(0.0, given_flows) == sum(given_flows)


@settings(deadline=None)
@given(st.floats(0.001, 0.5), st.lists(st.floats(1, 1000), min_size=1, max_size=12))
def test_the_rate_of_return_makes_the_value_zero(rate, later):
    first = -sum(flow / (1 + rate) ** (t + 1) for t, flow in enumerate(later))
    found = internal_rate([first, *later])
    assert found is not None
    assert found == pytest.approx(rate, abs=1e-9)


@settings(deadline=None)
@given(st.floats(-0.9, 5))
def test_twelve_monthly_rates_make_the_yearly_one(rate):
    assert (1 + monthly_rate(rate)) ** 12 - 1 == pytest.approx(rate, abs=1e-9)


@pytest.mark.parametrize("rate", [-1.0, -1.5])
def test_a_rate_of_minus_one_hundred_percent_is_refused(rate):
    with pytest.raises(ValueError, match="above -100 %"):
        monthly_rate(rate)
    with pytest.raises(ValueError, match="above -100 %"):
        npv(rate, [1, 2])
    with pytest.raises(ValueError, match="at least 1"):
        payment(0.01, 0, 100)


def test_amounts_are_exact():
    assert sum((amount(0.1) for _ in range(10)), Decimal(0)) == 1


def test_the_lenovo_break_even_is_reproduced():
    # Lenovo Press LP2225, "On-Premise vs Cloud: Generative AI Total Cost of Ownership": 833,806 $ bought, against 98.32
    # $ an hour on demand and 0.87 $ an hour for running it
    hours = periods_to_recover(833_806, 98.32 - 0.87)
    assert hours is not None
    assert round(hours) == 8556
    assert periods_to_recover(100, 0) is None


def test_the_month_of_overtaking_counts_fractions_and_has_to_last():
    ours = [Decimal(100), Decimal(10), Decimal(10), Decimal(10), Decimal(10)]
    theirs = [Decimal(0), Decimal(50), Decimal(50), Decimal(50), Decimal(50)]
    assert first_month_ahead(ours, theirs) == pytest.approx(2.5)
    assert first_month_ahead(theirs, ours) is None  # cheaper at first only
    assert first_month_ahead(ours, [*theirs[:4], Decimal(-100)]) is None  # overtaken again at the end
    assert first_month_ahead(ours, ours) == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30), st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_whoever_pays_less_in_the_end_has_overtaken_or_was_never_behind(ours, theirs):
    length = min(len(ours), len(theirs))
    a, b = [Decimal(x) for x in ours[:length]], [Decimal(x) for x in theirs[:length]]
    assume(sum(a) != sum(b))
    assert (first_month_ahead(a, b) is not None) == (sum(a) < sum(b))
