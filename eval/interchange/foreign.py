"""What the importers of other tools' files share: looking into JSON that is not ours, scales, and what was left out."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from eval.faults import Faults
from eval.interchange.lines import FileError, opened

MAX_DOCUMENT = 512 * 2**20  # bytes of a file that has to be read as a whole
UNIT = (0, 1)


def dig(value: Any, *path: str | int) -> Any:
    """What lies at a place inside JSON; None where any part of the way is missing or of another kind."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str:
    """The text at a place, clean enough to be stored; blank where there is none."""
    found = dig(value, *path)
    return clean(found) if isinstance(found, str) else ""


def clean(text: str) -> str:
    """The text with what no database keeps replaced: NULs and halves of surrogate pairs."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def number_at(value: Any, *path: str | int) -> float | None:
    """The finite number at a place; true and false are none."""
    found = dig(value, *path)
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return found if is_number and isfinite(found) else None


def count_at(value: Any, *path: str | int) -> int | None:
    """The whole number from 0 at a place."""
    found = number_at(value, *path)
    return int(found) if found is not None and found >= 0 and found == int(found) and found < 2**31 else None


def whole_document(path: Path, limit: int = MAX_DOCUMENT) -> tuple[bytes, str]:
    """A file's bytes and their hash. Raises FileError."""
    with opened(path, limit) as file:
        data = file.read(limit + 1)
    return data, hashlib.sha256(data).hexdigest()


@dataclass
class LeftOut:
    """What a file holds that an import cannot carry over, counted; said once, when all is read."""

    counted: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def count(self, what: str, n: int = 1) -> None:
        self.counted[what] += n

    def say(self, sentence: str) -> None:
        if sentence not in self.said:
            self.said.append(sentence)

    def sentences(self) -> list[str]:
        """A sentence each."""
        counted = [f"Not carried over: {what}, {n:,} times." for what, n in self.counted.items() if n]
        return [*self.said, *counted]


@dataclass
class Criteria:
    """The criteria that turn up in a file, with the scores they were given: what their scales must hold."""

    scales: Mapping[str, tuple[int, int]]  # as they were declared, by criterion; "" for all others
    faults: Faults
    seen: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None) -> None:
        self.seen.setdefault(name, [])
        if value is not None:
            bounds = self.seen[name]
            self.seen[name] = [min([value, *bounds]), max([value, *bounds])]

    def declared(self, ids: Mapping[str, str], names: Iterable[str]) -> list[dict[str, Any]]:
        """The criteria of a rubric; a fault for each whose scale is neither declared nor plainly 0 to 1."""
        return [{"id": ids[name], "label": name, **self._scale(name, ids[name])} for name in names]

    def _scale(self, name: str, its: str) -> dict[str, int]:
        declared = next((self.scales[key] for key in (name, its, "") if key in self.scales), None)
        low, high = declared or UNIT
        if declared is None and any(not low <= value <= high for value in self.seen[name]):
            least, most = self.seen[name]
            problem = f"its scores run from {least:g} to {most:g}, and the file does not say on which scale"
            self.faults.add(None, name, problem, f"say it with --scale {its}=LOW-HIGH")
            return {"low": int(min(0, least // 1)), "high": int(max(1, -(-most // 1)))}
        return {"low": low, "high": high}


def not_this(path: Path, tool: str, why: str) -> FileError:
    """The error for a file that is not what it should be."""
    return FileError(f"{path} is not a {tool}: {why}.")
