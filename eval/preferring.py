"""Targets compared by people, two answers side by side: how often each was preferred, and whether that is decided.

Reads the preferences that count and hands them to stats.preference; shows nothing.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Engine

from db import frames, people_frames, store
from db.models import Preference, Run
from eval.comparing import labels_of, notes_of
from eval.stats.preference import BETTER, SAME, WORSE, Preferred, preferred_all

SOURCE = "people, two answers side by side"
VALUES = {Preference.left: BETTER, Preference.same: SAME, Preference.right: WORSE}


@dataclass(frozen=True, slots=True)
class Preferences:
    """All pairs of some runs that people compared; `n` preferences by `raters`."""

    criterion: str  # "preference": what it is printed under beside the rubric's
    source: str
    targets: tuple[str, ...]
    n: int
    raters: tuple[str, ...]
    pairs: list[Preferred]
    notes: tuple[str, ...]


def preferences(runs: Sequence[Run], engine: Engine) -> Preferences | None:
    """People's preferences for every pair of some runs that anybody compared; None where nobody did."""
    with store.reading(engine) as session:
        rows = frames.records(people_frames.preferences_frame([run.id or 0 for run in runs], session=session))
    given: dict[tuple[int, int], list[tuple[Hashable, float]]] = defaultdict(list)
    for row in rows:
        value = VALUES[Preference(row["preference"])]
        given[row["left_run_id"], row["right_run_id"]].append((row["question_id"], value))
    names = labels_of(runs)
    pairs: dict[tuple[str, str], list[tuple[Hashable, float]]] = {}
    for (one, first), (other, second) in combinations(zip([run.id or 0 for run in runs], names, strict=True), 2):
        mirrored = [(question, 1 - value) for question, value in given[other, one]]
        if found := given[one, other] + mirrored:
            pairs[first, second] = found
    if not pairs:
        return None
    raters = tuple(dict.fromkeys(str(row["rater"]) for row in rows))
    n = sum(len(values) for values in pairs.values())
    return Preferences("preference", SOURCE, tuple(names), n, raters, preferred_all(pairs), notes_of(runs))
