"""A number that says what it is: its unit, how far to trust it, and where it comes from.

Everything a result holds is a Figure or a Series, so that a narrative can be written from the result alone and
`bare_numbers` can refuse one that slipped through untagged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, Self

Kind = Literal["measured", "quoted", "assumed", "derived"]
KINDS: tuple[Kind, ...] = ("measured", "quoted", "assumed", "derived")

# A unit that can be converted: the quantity it measures, and how many of the base unit it is.
_SCALES: Mapping[str, tuple[str, float]] = {
    "ms": ("time", 0.001),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "J": ("energy", 1.0),
    "Wh": ("energy", 3600.0),
    "kWh": ("energy", 3_600_000.0),
    "MWh": ("energy", 3_600_000_000.0),
    "W": ("power", 1.0),
    "kW": ("power", 1000.0),
    "gCO2e": ("carbon", 1.0),
    "kgCO2e": ("carbon", 1000.0),
    "tCO2e": ("carbon", 1_000_000.0),
    "token": ("tokens", 1.0),
    "ktoken": ("tokens", 1000.0),
    "Mtoken": ("tokens", 1_000_000.0),
    "share": ("share", 1.0),
    "%": ("share", 0.01),
    "answer": ("answers", 1.0),
    "1,000 answers": ("answers", 1000.0),
}


class UnitError(ValueError):
    """Two units do not measure the same thing."""


def _scale(unit: str) -> tuple[str, float]:
    """What a unit measures, and its size; "USD/Mtoken" is money per tokens, so its size is one over a million."""
    over, slash, per = unit.partition("/")
    if not slash:
        return _SCALES.get(unit, (unit, 1.0))
    (quantity, size), (divisor, its_size) = _scale(over), _scale(per)
    return f"{quantity}/{divisor}", size / its_size


def convert(value: float, unit: str, to: str) -> float:
    """A value in another unit of the same quantity, such as Wh in kWh or USD/Mtoken in USD/token.

    Raises UnitError where the two do not measure the same thing. Currencies are never converted here: that takes a
    rate, which is an assumption of a scenario.
    """
    (quantity, size), (other, its_size) = _scale(unit), _scale(to)
    if quantity != other:
        raise UnitError(f"{unit} cannot be given in {to}: one is {quantity}, the other {other}.")
    return value * (size / its_size)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a result. `value` is None where it is unknown, and `reason` then says why in a sentence.

    `low` and `high` are its 10th and 90th percentile where it comes from the simulation, its 95 % interval where it was
    measured, and None where there is neither. `n` counts the observations behind a measured one.
    """

    value: float | Decimal | None
    unit: str
    kind: Kind
    origin: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'"{self.kind}" is no kind of figure; there are: {", ".join(KINDS)}.')
        if not self.origin:
            raise ValueError("A figure has to say where it comes from.")
        if self.value is None and not self.reason:
            raise ValueError(f"An unknown figure ({self.origin}) has to say why it is unknown.")
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"{self.value} ({self.origin}) is no figure; what is unknown is None with a reason.")

    def to(self, unit: str) -> Self:
        """The same figure in another unit of the same quantity; raises UnitError where there is none."""

        def given(value: float | None) -> float | None:
            return None if value is None else convert(value, self.unit, unit)

        value = None if self.value is None else float(self.value)
        return replace(self, value=given(value), low=given(self.low), high=given(self.high), unit=unit)


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers in a row, one a month unless `steps` says otherwise, that share unit, kind and origin."""

    values: tuple[float | Decimal, ...]
    unit: str
    kind: Kind
    origin: str
    steps: str = "month"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.origin:
            raise ValueError("A series has to say of what kind it is and where it comes from.")


def figures(thing: Any, path: str = "") -> Iterator[tuple[str, Figure | Series]]:
    """Every figure and series in a result, each with its path such as `options[0].total`."""
    for where, leaf in _leaves(thing, path):
        if isinstance(leaf, Figure | Series):
            yield where, leaf


def bare_numbers(thing: Any) -> list[str]:
    """The paths of numbers in a result that stand outside a Figure or a Series: none in a sound result."""
    return [
        where
        for where, leaf in _leaves(thing, "")
        if isinstance(leaf, int | float | Decimal) and not isinstance(leaf, bool)
    ]


def _leaves(thing: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Figure | Series):
        yield path, thing
    elif is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            yield from _leaves(getattr(thing, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _leaves(value, f"{path}[{key}]")
    elif isinstance(thing, tuple | list):
        for i, value in enumerate(thing):
            yield from _leaves(value, f"{path}[{i}]")
    else:
        yield path, thing
