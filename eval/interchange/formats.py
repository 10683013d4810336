"""Which kind of file one is, told by its content, and the reader for it."""

import json
import re
from collections.abc import Callable
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any

from eval import qa_set
from eval.faults import Faults
from eval.interchange import flat, inspect_log, jsonl, openai_evals, promptfoo
from eval.interchange.lines import FileError, file_hash, opened
from eval.interchange.loading import Source
from eval.interchange.scales import Scales

HEAD = 64 * 1024  # bytes that are looked at


class Format(StrEnum):
    """The kinds of file that can be imported."""

    auto = "auto"
    rightsize = jsonl.FORMAT
    csv = flat.FORMAT
    promptfoo = promptfoo.FORMAT
    inspect = inspect_log.FORMAT
    openai_evals = openai_evals.FORMAT
    qa_set = "qa-set"


_SCALED: dict[Format, Callable[[Path, Scales], Source]] = {
    Format.promptfoo: promptfoo.read,
    Format.inspect: inspect_log.read,
    Format.openai_evals: openai_evals.read,
}


def read(path: Path, kind: Format, scales: Scales, into_set: str | None = None) -> Source:
    """A file as a source of records. Raises FileError for one that cannot be read, or whose kind cannot be told.

    `scales` are for formats that do not declare their own; `into_set` names the QA set that a CSV's answers belong to.
    """
    kind = detect(path) if kind == Format.auto else kind
    if scales and kind in (Format.rightsize, Format.qa_set):
        raise FileError(f"--scale does not go with {path}: a {kind} file says itself on which scale scores are.")
    if into_set and kind != Format.csv:
        raise FileError(f"--qa-set does not go with {path}: only a CSV can leave out the questions.")
    if kind == Format.csv:
        return flat.read(path, scales, into_set)
    if kind == Format.qa_set:
        return _questions(path)
    return _SCALED[kind](path, scales) if kind in _SCALED else jsonl.read(path)


def detect(path: Path) -> Format:
    """The kind of a file by its first bytes. Raises FileError where it is none of those that can be read."""
    with opened(path) as file:
        head = file.read(HEAD)
    if head.startswith(b"PK\x03\x04"):
        return Format.inspect
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith(("{", "[")):
        if found := _by_keys(text):
            return found
        raise FileError(f"{path} is JSON of no kind that is known here; name its kind with --format.")
    first = text.partition("\n")[0]
    if path.suffix.lower() == ".csv" or "question_id" in first:
        columns = re.split(r"[,;\t]", first.replace('"', "").strip())
        is_set = {"id", "question", "reference"} <= set(columns) and "question_id" not in columns
        return Format.qa_set if is_set else Format.csv
    raise FileError(
        f"What kind of file {path} is cannot be told from its content; it begins with no record, no header of a table "
        "and no archive. Name its kind with --format."
    )


def _by_keys(text: str) -> Format | None:
    """The kind of a JSON file by the keys of its first object, or, where that is cut off, by what it begins with."""
    line = next(line for line in chain(text.splitlines(), [""]) if line.strip())
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        first = None
    keys = set(first) if isinstance(first, dict) else set(re.findall(r'"(\w+)"\s*:', text[:4000]))
    if "record" in keys:
        return Format.rightsize
    if {"spec", "final_report"} & keys or {"run_id", "event_id", "sample_id"} <= keys:
        return Format.openai_evals
    if "results" in keys or "evalId" in keys:
        return Format.promptfoo
    return Format.qa_set if {"id", "question"} <= keys and isinstance(first, dict) else None


def _questions(path: Path) -> Source:
    """A QA set's own file as a source of records. Raises QASetError with every fault of it."""
    loaded, digest = qa_set.load(path), file_hash(path)

    def records(_: Faults) -> Any:
        yield None, {"record": "header", "version": 1}
        about = {"name": loaded.name, "version": loaded.version}
        yield None, {"record": "qa_set", "id": "set", **about}
        for question in loaded.questions:
            yield question.id, {"record": "question", "qa_set": "set", **question.model_dump(mode="json")}

    return Source(path, "qa-set", records, lambda: digest)
