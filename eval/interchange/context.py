"""What the parts of an import share: the session, the faults, what was counted, and how a reference goes wrong."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlmodel import Session

from eval.faults import Faults, shown

Where = int | str | None  # the number of a line, or another place in words


@dataclass
class Context:
    """One import under way."""

    session: Session
    faults: Faults
    new: Counter[str] = field(default_factory=Counter)  # records by kind that were stored
    there: Counter[str] = field(default_factory=Counter)  # records by kind that were stored before
    notes: list[str] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)  # kind and id of records with faults of their own

    def fault(self, where: Where, name: str | None, problem: str, remedy: str) -> None:
        self.faults.add(where, name, problem, remedy)

    def missing(self, where: Where, name: str, kind: str, wanted: str, known: Iterable[str]) -> None:
        """A reference that leads nowhere; no fault of its own where the record it means is a faulty one."""
        if (kind, wanted) in self.broken:
            return
        near = get_close_matches(wanted, list(known), n=1)
        remedy = f"did you mean {shown(near[0])}?" if near else f"write the {kind.replace('_', ' ')} on an earlier line"
        self.fault(where, name, f"there is no {kind.replace('_', ' ')} {shown(wanted)}", remedy)

    def taken(self, where: Where, kind: str, name: str, first: Where) -> None:
        """An id that a record of this kind has already."""
        problem = f"{shown(name)} is already the {kind.replace('_', ' ')} of {place_of(first)}"
        self.fault(where, "id", problem, "give each its own id")


def place_of(where: Where) -> str:
    """A place for a sentence about another one."""
    return where if isinstance(where, str) else f"line {where}" if where else "the database"
