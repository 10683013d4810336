"""Rightsize's own interchange file: one record a line, as JSON. docs/interchange.md says what may stand in it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from eval.faults import Faults, parse_json
from eval.interchange.lines import Lines, opened
from eval.interchange.loading import Raw, Source

FORMAT = "rightsize"
_REMEDIES = ("write one record on the line, an object in curly braces", "a record needs few levels")


def read(path: Path) -> Source:
    """The file as a source of records. Raises FileError where it cannot be read."""
    opened(path).close()
    digest: list[str] = []

    def records(faults: Faults) -> Iterator[Raw]:
        with opened(path) as file:
            lines = Lines(file, faults)
            for number, text in lines:
                whole, raw = parse_json(text, number, None, faults, _REMEDIES)
                if whole:
                    yield number, raw
            digest.append(lines.sha256)

    return Source(path, FORMAT, records, lambda: digest[-1] if digest else "")


def written(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines of a file of these records."""
    for record in records:
        yield json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")) + "\n"
