"""Money over time: present value, payment, rate of return, and when one stream of costs overtakes another.

Periods are months unless said otherwise. A rate per year becomes one per month by compounding, so that twelve months
give the year's rate again. Sums of money are exact: Decimal in, Decimal out.
"""

from collections.abc import Sequence
from decimal import Context, Decimal

import numpy as np
from scipy.optimize import brentq

QUANTUM = Decimal("0.000000001")  # amounts are kept to a billionth, so that sums of them are exact
_WIDE = Context(prec=60)  # absurd amounts are rounded too, not refused


def amount(value: float | Decimal) -> Decimal:
    """A float as money, to a billionth of the currency; a binary 0.1 becomes exactly 0.1."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return exact.quantize(QUANTUM, context=_WIDE)


def monthly_rate(rate_per_year: float) -> float:
    """The rate a month that compounds to the rate a year; raises ValueError at -100 % and below."""
    if rate_per_year <= -1:
        raise ValueError(f"A rate of {rate_per_year:.0%} a year has no monthly rate; it has to be above -100 %.")
    return (1 + rate_per_year) ** (1 / 12) - 1


def npv(rate: float | Decimal, flows: Sequence[float | Decimal]) -> Decimal:
    """The net present value of flows one period apart, the first of them now: sum of flow / (1 + rate)^t.

    Raises ValueError for a rate of -100 % or below. Convention as in numpy-financial, not as in spreadsheets, whose
    NPV discounts the first flow too.
    """
    base = 1 + Decimal(repr(float(rate)) if isinstance(rate, float) else rate)
    if base <= 0:
        raise ValueError("The discount rate has to be above -100 %.")
    # Horner's scheme from the last flow backwards divides instead of raising to powers.
    total = Decimal(0)
    for flow in reversed(flows):
        total = total / base + (flow if isinstance(flow, Decimal) else Decimal(repr(float(flow))))
    return total


def payment(rate: float, periods: int, present_value: float) -> float:
    """The equal payment at the end of each period that repays a present value; positive for a positive value.

    Raises ValueError for no periods. The annuity formula; numpy-financial's pmt with the sign turned.
    """
    if periods < 1:
        raise ValueError(f"{periods} periods repay nothing; it takes at least 1.")
    if rate == 0:
        return present_value / periods
    return present_value * rate / (1 - (1 + rate) ** -periods)


def internal_rate(flows: Sequence[float]) -> float | None:
    """The rate per period at which the flows are worth nothing, or None where there is none.

    Where there are several, the one nearest to 0: the one a reader would call the return. Searched from -99.9 %, or as
    near to it as many periods leave representable, to 10,000 % a period.
    """
    if not flows or min(flows) >= 0 or max(flows) <= 0:
        return None

    def value(rate: float) -> float:
        return float(np.polynomial.polynomial.polyval(1 / (1 + rate), flows))

    least = max(-0.999, 10 ** (-150 / len(flows)) - 1)
    rates = np.unique(np.concatenate([np.linspace(least, 0, 101), 100 * np.linspace(0, 1, 401) ** 3]))
    values = np.polynomial.polynomial.polyval(1 / (1 + rates), flows)
    roots = rates[values == 0].tolist()
    signs = np.sign(values)
    for i in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        roots.append(float(brentq(value, rates[i], rates[i + 1], xtol=1e-13)))
    return min(roots, key=abs) if roots else None


def periods_to_recover(outlay: float, saved_per_period: float) -> float | None:
    """After how many periods an outlay is saved again, fractions counted; None where nothing is saved."""
    return outlay / saved_per_period if saved_per_period > 0 else None


def first_month_ahead(ours: Sequence[Decimal], theirs: Sequence[Decimal]) -> float | None:
    """When our cumulative cost first falls to theirs and stays there until the end, in months; None if it never does.

    Both are the flows of months 0, 1, ...; within a month the difference is taken to move evenly. 0 where we are never
    behind.
    """
    behind = Decimal(0)
    crossing: float | None = 0.0
    for month, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        now = behind + our - their
        if now > 0:
            crossing = None
        elif crossing is None:
            crossing = float(month - 1 + behind / (behind - now))
        behind = now
    return crossing
