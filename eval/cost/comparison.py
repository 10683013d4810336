"""Two scenarios beside each other: what each makes of every option, and which of their assumptions differ.

Works out no cost: it takes two results that evaluate.py made, and the scenarios they were made from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from eval.cost.assumption import Assumption, plain
from eval.cost.figure import Figure
from eval.cost.result import OptionResult, Result
from eval.cost.scenario import Scenario

FIGURES = ("billed_cost", "npv", "npv_p50", "per_1000", "per_1000_acceptable", "probability_cheapest")
_TOLD_APART = ("name", "price_card")  # the one always differs, the other is told as the card that was used
_NAMED = ("options", "hardware")  # tables of which one side may lack a whole entry


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two scenarios state otherwise; None on the side that does not state it."""

    path: str
    here: str | None
    there: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results, and what differs in what they were made from; FIGURES of every option can be held side by side."""

    here: Result
    there: Result
    differences: tuple[Difference, ...]

    @property
    def options(self) -> Iterator[tuple[str, OptionResult | None, OptionResult | None]]:
        """Every option of either side by its name, those of `here` first; None on the side that lacks it."""
        ours, theirs = ({option.name: option for option in side.options} for side in (self.here, self.there))
        for name in dict.fromkeys([*ours, *theirs]):
            yield name, ours.get(name), theirs.get(name)


def difference(name: str, here: OptionResult | None, there: OptionResult | None) -> Figure | None:
    """What a figure of an option is more there than here, at the central values; None where a side lacks it.

    Also None where the two are in different units: other currencies are not converted here.
    """
    if here is None or there is None:
        return None
    ours, theirs = getattr(here, name), getattr(there, name)
    if ours.value is None or theirs.value is None or ours.unit != theirs.unit:
        return None
    origin = f"options.{here.name}: {name} of the second scenario less that of the first"
    return Figure(float(theirs.value) - float(ours.value), ours.unit, "derived", origin)


def compared(one: Scenario, here: Result, other: Scenario, there: Result) -> Comparison:
    """The results of two scenarios beside each other. `here` is made from `one`, `there` from `other`."""
    found = [*_differences(one, other), *_made_from(here, there)]
    return Comparison(here, there, tuple(found))


def _made_from(here: Result, there: Result) -> Iterator[Difference]:
    """What differs besides the scenarios: the price cards that were used, and the runs of a target."""
    cards = [f"{result.card}, {result.card_date} ({result.card_sha256[:8]})" for result in (here, there)]
    if here.card_sha256 != there.card_sha256:
        yield Difference("price card", *cards)
    ours, theirs = ({e.target: ", ".join(e.runs) or None for e in result.evidence} for result in (here, there))
    for target in ours:
        if target in theirs and ours[target] != theirs[target]:
            yield Difference(f"runs of {target}", ours[target], theirs[target])


def _differences(one: Scenario, other: Scenario) -> Iterator[Difference]:
    ours, theirs = dict(_stated(one)), dict(_stated(other))
    lacking: set[str] = set()
    for table in _NAMED:
        here, there = getattr(one, table), getattr(other, table)
        for name in dict.fromkeys([*here, *there]):
            if name not in here or name not in there:
                path = f"{table}.{name}"
                lacking.add(f"{path}.")
                yield Difference(path, *(_entry(held.get(name)) for held in (here, there)))
    for path in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(path), theirs.get(path)
        if a != b and not path.startswith(tuple(lacking)):
            yield Difference(path, *_words(a, b))


def _entry(entry: Any) -> str | None:
    """A whole option or hardware profile in a few words."""
    return None if entry is None else entry.label or getattr(entry, "kind", "") or "described"


def _stated(model: BaseModel, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything a model states, by path: assumptions whole, everything else as text; what is left out is absent."""
    for name in type(model).model_fields:
        if path or name not in _TOLD_APART:
            yield from _leaves(getattr(model, name), f"{path}.{name}".lstrip("."))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Assumption):
        yield path, value
    elif isinstance(value, BaseModel):
        yield from _stated(value, path)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    elif value not in (None, "", ()):
        yield path, ", ".join(value) if isinstance(value, tuple) else str(value)


def _words(a: Any, b: Any) -> Iterator[str | None]:
    """Both sides in words; kind and source of an assumption only where the numbers are the same."""
    numbers = [_number(side) if isinstance(side, Assumption) else side for side in (a, b)]
    for side, number in zip((a, b), numbers, strict=True):
        if isinstance(side, Assumption) and numbers[0] == numbers[1]:
            yield f"{number}, {side.kind}" + (f": {side.source}" if side.source else "")
        else:
            yield number


def _number(stated: Assumption) -> str:
    if stated.low is None or stated.high is None:
        return plain(stated.value)
    return f"{plain(stated.value)} ({plain(stated.low)} to {plain(stated.high)}, {stated.shape})"
