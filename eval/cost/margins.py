"""How far a requirement would have to move to change the decision: quality floors and the ceiling of the latency.

Who would be chosen, by the same rule as in decision.py, if one bound alone were another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from eval.cost.figure import Figure
from eval.cost.result import Margin, OptionResult

P95 = "p95 latency, at most"
FLOOR = ", at least"


def margins(
    options: Sequence[OptionResult],
    requirements: Mapping[str, Figure],
    chosen: str | None,
    chosen_with: Callable[[str], bool],
) -> Iterator[Margin]:
    """For each bound: the nearest option that only it keeps out, one that would be chosen first, and where the chosen
    one is out.

    `chosen_with` tells whether an option would be the chosen one if it were in. An option that something else keeps out
    too comes in by no move of one bound. Without a chosen option, any that comes in counts.
    """
    now = next((option for option in options if option.name == chosen), None)
    for key, bound in requirements.items():
        floor = key.endswith(FLOOR)
        if not floor and key != P95:
            continue
        if (found := _comes_in(options, requirements, key, chosen_with)) is not None:
            yield found
        if now is not None and (value := _measured(now, key)) is not None and value.value is not None:
            move = "raised above" if floor else "lowered below"
            yield _margin(key, bound, value, now, f"{_words(now)} is out where {_named(key)} is {move}")


def _comes_in(
    options: Sequence[OptionResult], requirements: Mapping[str, Figure], key: str, chosen_with: Callable[[str], bool]
) -> Margin | None:
    """The nearest option that would be chosen if the bound were moved to what was measured of it.

    Where none that comes in would be, the nearest that comes in, and that it changes nothing.
    """
    floor, bound = key.endswith(FLOOR), requirements[key]
    near: list[tuple[bool, float, OptionResult, Figure]] = []
    for option in options:
        value = _measured(option, key)
        if option.blocked or len(option.out) != 1 or value is None or not _misses(option, key, bound):
            continue
        near.append(
            (not chosen_with(option.name), abs(float(value.value or 0) - float(bound.value or 0)), option, value)
        )
    if not near:
        return None
    passed_over, _, option, value = min(near, key=lambda row: row[:2])
    happens = "would come in, and not be chosen," if passed_over else "would be chosen"
    move = "lowered to" if floor else "raised to"
    return _margin(key, bound, value, option, f"{_words(option)} {happens} where {_named(key)} is {move}")


def _measured(option: OptionResult, key: str) -> Figure | None:
    return option.p95 if key == P95 else option.quality.get(key.removesuffix(FLOOR))


def _misses(option: OptionResult, key: str, bound: Figure) -> bool:
    value = _measured(option, key)
    if value is None or value.value is None or bound.value is None:
        return False
    return value.value < bound.value if key.endswith(FLOOR) else value.value > bound.value


def _named(key: str) -> str:
    return "the p95 latency allowed" if key == P95 else f"the floor of {key.removesuffix(FLOOR)}"


def _words(option: OptionResult) -> str:
    return option.label or option.name


def _margin(key: str, bound: Figure, value: Figure, option: OptionResult, words: str) -> Margin:
    amount, stated = float(value.value or 0), float(bound.value or 0)
    form = ",.0f" if key == P95 else ".2f"
    unit = f" {value.unit}" if key == P95 else ""
    sentence = (
        f"{words} {amount:{form}} {value.unit} instead of {stated:{form}}{unit}, by {abs(amount - stated):{form}}"
    )
    sentence += f"{unit}."
    origin = f"{value.origin}, against {bound.origin}"
    return Margin(key, bound, Figure(amount, value.unit, "derived", origin), option.name, sentence)
