"""Where the names of points stand in a chart: beside their own, clear of each other, of other points and of bars.

Pure. A chart's height is fixed and its width is the window's, so that places are weighed at several widths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

WIDTHS = (480.0, 720.0, 1040.0)  # pixels of the plot: a narrow window, a laptop, a desktop
LETTER, LINE = 7.8, 16.0  # pixels of a letter and a line of 13 px bold type, widest letters aside
MARK = 8.0  # half a marker, with a little air
APART = 9.0  # from a point to the side of its name
STEPS = (-11.0, 13.0, -29.0, 31.0, -47.0, 49.0, -65.0, 67.0)  # from a point to the middle of its name, downwards
COVERED, CROSSED, OUTSIDE = 100.0, 6.0, 400.0  # what it costs to meet a name or point, a bar, the end of the plot


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in shares of the plot (0 to 1, from the left and from the bottom), its bars' ends and its name."""

    x: float
    y: float
    across: tuple[float, float] | None
    upright: tuple[float, float] | None
    name: str


class Place(NamedTuple):
    """Where a name stands: the side of it that is near its point, and pixels from the point, downwards positive."""

    align: Literal["left", "right"]
    dx: float
    dy: float


class _Box(NamedTuple):
    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def place_names(spots: Sequence[Spot], *, height: float) -> list[Place]:
    """A place for each name where the least is in the way, the nearest of such; `height` of the plot in pixels.

    Names of points in the densest company choose first.
    """
    found: dict[int, Place] = {}
    choices = [Place(side, APART if side == "left" else -APART, dy) for dy in STEPS for side in ("left", "right")]
    choices.sort(key=_away)
    marks = {width: [_mark(spot, width, height) for spot in spots] for width in WIDTHS}
    bars = {width: [bar for spot in spots for bar in _bars(spot, width, height)] for width in WIDTHS}
    names: dict[float, list[_Box]] = {width: [] for width in WIDTHS}
    for i in sorted(range(len(spots)), key=lambda i: -_company(spots, i)):
        least, best = inf, choices[0]
        for place in choices:
            if _away(place) >= least:
                break  # what follows is farther, whatever is in the way
            cost = _away(place)
            for width in WIDTHS:
                box = name_box(spots[i], place, width, height)
                others = [mark for j, mark in enumerate(marks[width]) if j != i]
                cost += OUTSIDE * (box.left < 0 or box.right > width or box.top < 0 or box.bottom > height)
                cost += COVERED * sum(box.meets(other) for other in names[width] + others)
                cost += CROSSED * sum(box.meets(bar) for bar in bars[width])
            if cost < least:
                least, best = cost, place
        found[i] = best
        for width in WIDTHS:
            names[width].append(name_box(spots[i], best, width, height))
    return [found[i] for i in range(len(spots))]


def _away(place: Place) -> float:
    """What a place costs by itself: near its point and right of it is best."""
    return abs(place.dy) / 10 + (place.align == "right")


def _company(spots: Sequence[Spot], i: int) -> float:
    return sum(1 / (0.02 + abs(spot.x - spots[i].x) + abs(spot.y - spots[i].y)) for spot in spots)


def name_box(spot: Spot, place: Place, width: float, height: float) -> _Box:
    """What a name takes up, in pixels from the plot's upper left corner."""
    near = spot.x * width + place.dx
    far = near + (LETTER if place.align == "left" else -LETTER) * len(spot.name)
    middle = (1 - spot.y) * height + place.dy
    return _Box(min(near, far), max(near, far), middle - LINE / 2, middle + LINE / 2)


def _mark(spot: Spot, width: float, height: float) -> _Box:
    x, y = spot.x * width, (1 - spot.y) * height
    return _Box(x - MARK, x + MARK, y - MARK, y + MARK)


def _bars(spot: Spot, width: float, height: float) -> list[_Box]:
    x, y, bars = spot.x * width, (1 - spot.y) * height, []
    if spot.across:
        bars.append(_Box(spot.across[0] * width, spot.across[1] * width, y - 1, y + 1))
    if spot.upright:
        bars.append(_Box(x - 1, x + 1, (1 - spot.upright[1]) * height, (1 - spot.upright[0]) * height))
    return bars
