"""A number somebody stated: a value or a range, of what kind it is and where it comes from; and draws from it.

Ranges are drawn from the inverse of their distribution at uniform numbers that depend on the seed and on the
assumption's own key alone: another assumption more or less changes no draw of this one, and all options share it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, log, sqrt
from typing import Annotated, Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator, model_validator
from scipy.special import ndtri

from eval.cost.faults import invalid, shown
from eval.cost.fields import Strict, Text
from eval.cost.figure import Figure, Kind

Shape = Literal["fixed", "triangular", "uniform", "lognormal", "normal"]
Floats = NDArray[np.floating[Any]]
DEFAULT = "default of Rightsize, to be replaced by your own"
P90 = 1.2815515655446004  # standard normal quantile
P975 = 1.959963984540054
HUGE = 1e15  # beyond it nobody counts the digits
EXTREMES = np.array([1e-12, 1 - 1e-12])  # no draw lies beyond these quantiles


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Assumption(Strict):
    """A stated number: `value` is its central one, `low` and `high` with `shape` its range where there is one.

    triangular: between low and high with its peak at value. uniform: between low and high. lognormal: low and high are
    its 10th and 90th percentile, value its median, and no draw leaves what the field allows. A bare number in a file is
    a fixed value that somebody assumed.
    """

    value: Number
    low: Number | None = None
    high: Number | None = None
    shape: Literal["fixed", "triangular", "uniform", "lognormal"] = "fixed"
    kind: Kind = "assumed"
    source: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, data: Any) -> Any:
        if isinstance(data, int | float) and not isinstance(data, bool):
            return {"value": data}
        if isinstance(data, Assumption):
            return data
        if not isinstance(data, Mapping):
            invalid(f"{shown(data)} is not a number", "write one without a unit, or { value = 2, low = 1, high = 3 }")
        low, high = _number(data.get("low")), _number(data.get("high"))
        if low is None or high is None:
            return data
        if "shape" not in data:
            data = {**data, "shape": "triangular" if "value" in data else "uniform"}
        if "value" not in data and data["shape"] == "uniform":
            return {**data, "value": (low + high) / 2}
        if "value" not in data and data["shape"] == "lognormal" and low > 0 and high > 0:
            return {**data, "value": sqrt(low * high)}
        return data

    @model_validator(mode="after")
    def _sound(self) -> "Assumption":
        if self.kind in ("measured", "quoted") and not self.source:
            invalid(f"a {self.kind} value has no source", 'write where it comes from: source = "..."')
        if self.shape == "fixed":
            if self.low is not None or self.high is not None:
                remedy = 'give both low and high, and shape = "triangular", "uniform" or "lognormal"'
                invalid("a range needs both its ends and a shape", remedy)
            return self
        if self.low is None or self.high is None:
            invalid(f"a {self.shape} range needs low and high", "write both")
        if not self.low <= self.value <= self.high:
            problem = f"value {self.value:g} does not lie between low {self.low:g} and high {self.high:g}"
            invalid(problem, "order them low, value, high")
        if self.shape == "lognormal":
            if self.low <= 0:
                invalid(f"a lognormal range cannot begin at {self.low:g}", "begin above 0, or use triangular")
            median = sqrt(self.low * self.high)
            if abs(self.value / median - 1) > 0.01:
                problem = f"the median of a lognormal range from {self.low:g} to {self.high:g} is {median:.4g}"
                invalid(f"{problem}, not {self.value:g}", "write that value, or leave it out")
        return self

    @property
    def spread(self) -> "Spread":
        return Spread(self.value, self.low, self.high, self.shape)

    def figure(self, unit: str, key: str) -> Figure:
        """The assumption as a figure of a result; low and high are the ends of its range."""
        origin = f"{key}: {self.source}" if self.source else key
        return Figure(self.value, unit, self.kind, origin, self.low, self.high)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def default(value: float) -> Assumption:
    """A default that is marked as an assumption."""
    return Assumption(value=value, source=DEFAULT)


def plain(value: float) -> str:
    """A number as a person writes it: with commas, at most six decimals, and an exponent only if it is tiny or huge."""
    if abs(value) > HUGE:
        return f"{value:.6g}"
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text if value == 0 or text.strip("-") != "0" else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a field allows; the check that a scenario's field carries.

    It looks at what was written before the assumption's own checks do: who writes a number that is not allowed is to be
    told so, not that it stands in the wrong order.
    """

    least: float
    most: float
    why: str = ""

    def __call__(self, written: Any, made_of: ValidatorFunctionWrapHandler) -> Assumption:
        allowed = f"allowed is {plain(self.least)} to {plain(self.most)}" + (f", {self.why}" if self.why else "")
        wrong = [
            f"{name} {plain(given)}".lstrip()
            for name, given in _numbers(written).items()
            if isfinite(given) and not self.least <= given <= self.most
        ]
        if wrong:
            listed = " and ".join([", ".join(wrong[:-1]), wrong[-1]] if wrong[1:] else wrong)
            invalid(f"{listed} {'are' if wrong[1:] else 'is'} out of range", allowed)
        assumption = made_of(written)
        if assumption.shape == "lognormal" and self.most <= 1:
            invalid("a lognormal range has no upper end", f"use triangular or uniform; {allowed}")
        return assumption


def _numbers(written: Any) -> dict[str, float]:
    """The numbers that were written of an assumption, by their names; the value of one without a range has none."""
    fields = written.model_dump() if isinstance(written, Assumption) else written
    if not isinstance(fields, Mapping):
        fields = {"value": fields}
    found = {name: _number(fields.get(name)) for name in ("value", "low", "high")}
    known = {name: given for name, given in found.items() if given is not None}
    return {"": known["value"]} if list(known) == ["value"] else known


def within(least: float, most: float, why: str = "") -> WrapValidator:
    """The check that an assumption lies in what its field allows."""
    return WrapValidator(Bounds(least, most, why))


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number is distributed. normal: low and high are the ends of its 95 % interval, and it is never negative.

    `least` and `most` are what the number can be at all: a lognormal draw beyond them is set to the nearer one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    shape: Shape = "fixed"
    least: float = -np.inf
    most: float = np.inf

    @property
    def fixed(self) -> bool:
        """Whether every draw is the same."""
        return self.shape == "fixed" or self.low == self.high

    def at(self, u: Floats) -> Floats:
        """The quantiles at probabilities `u`, by the inverse of the distribution; the value itself if it is fixed."""
        if self.fixed or self.low is None or self.high is None:
            return np.full_like(u, self.value)
        low, width = self.low, self.high - self.low
        match self.shape:
            case "uniform":
                return low + u * width
            case "triangular":
                peak = (self.value - low) / width
                rising = low + np.sqrt(u * width * (self.value - low))
                falling = self.high - np.sqrt((1 - u) * width * (self.high - self.value))
                return np.where(u < peak, rising, falling)
            case "lognormal":
                free = self.value * np.exp(ndtri(u) * log(self.high / self.low) / (2 * P90))
                return np.clip(free, self.least, self.most)
            case _:
                return np.maximum(self.value + ndtri(u) * width / (2 * P975), 0.0)

    @property
    def p10_p90(self) -> tuple[float, float]:
        """The 10th and the 90th percentile."""
        low, high = self.at(np.array([0.1, 0.9]))
        return float(low), float(high)


def draw(spreads: Mapping[str, Spread], n: int, seed: int) -> dict[str, Floats]:
    """`n` draws of each number as a column of shape (n, 1); a fixed one as a single (1, 1).

    Stratified: each of n equal parts of the distribution is drawn from once (Latin hypercube, McKay et al.,
    Technometrics 21 (1979) 239-245), in an order of its own for each key, so that fewer draws tell as much.
    """
    columns: dict[str, Floats] = {}
    for key, spread in spreads.items():
        if spread.fixed:
            columns[key] = np.array([[spread.value]])
            continue
        random = np.random.default_rng([seed, crc32(key.encode())])
        u = (random.permutation(n) + random.random(n)) / n
        columns[key] = spread.at(np.clip(u, *EXTREMES))[:, None]
    return columns


def central(spreads: Mapping[str, Spread]) -> dict[str, Floats]:
    """The central value of each number, of shape (1, 1)."""
    return {key: np.array([[spread.value]]) for key, spread in spreads.items()}
