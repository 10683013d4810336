"""The flat form: a table of answers and scores as CSV, a row an answer and rater, a column a criterion. Reading it.

docs/interchange.md describes the columns. Texts that a spreadsheet would compute come back as they were (formula.py).
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.faults import Faults, shown
from eval.formula import restored
from eval.interchange.lines import Lines, opened
from eval.interchange.loading import Raw, Source
from eval.interchange.naming import criterion_ids
from eval.interchange.scales import ScaleError, Scales, parse_scale
from eval.rubric import FIVE

FORMAT = "csv"
SCALE_ROW = "#scale"  # in place of a question's id: this row says from where to where each criterion is scored
COLUMNS = (
    *("question_id", "question", "reference", "group", "target", "model", "repeat", "answer", "error"),
    *("rater", "rater_kind", "rubric", "protocol", "reading", "note", "own_family"),
)
MAX_BYTES = 100_000_000
_SYNONYMS = {"id": "question_id", "prompt": "question", "expected": "reference", "output": "answer", "system": "target"}
_RUN = ("group", "target")


@dataclass
class _Table:
    """What was read of the file: its header and rows, and the scales it declares."""

    criteria: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    scales: dict[str, tuple[int, int]] = field(default_factory=dict)


def read(path: Path, scales: Scales | None = None, qa_set: str | None = None) -> Source:
    """The file as a source of records. Raises FileError where it cannot be read.

    `scales` has the last word over the file's own row of scales. `qa_set` names a stored QA set (or the built-in one)
    whose questions were answered, for a file that does not hold their texts.
    """
    opened(path, MAX_BYTES).close()
    digest: list[str] = []

    def records(faults: Faults) -> Iterator[Raw]:
        with opened(path, MAX_BYTES) as file:
            data = file.read(MAX_BYTES + 1)
        digest.append(hashlib.sha256(data).hexdigest())
        yield None, {"record": "header", "version": 1}
        table = _Table()
        for line, cells in _rows(data, faults):
            if not table.known:
                if not _header(cells, line, table, faults):
                    return
            else:
                _row(cells, line, table, faults)
        if not table.rows and not faults.listed:
            faults.add(None, None, "there is no row below the header", "write a row for each answer and rater")
        yield from _Records(table, scales or {}, qa_set, path.stem, faults).all()

    return Source(path, FORMAT, records, lambda: digest[-1] if digest else "")


# --- the table ----------------------------------------------------------------------------------------------------


def _rows(data: bytes, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    before = len(faults.listed) + faults.unlisted
    for _ in Lines(io.BytesIO(data), faults):  # what no line of text may hold is named with its line
        pass
    if len(faults.listed) + faults.unlisted > before:
        return
    csv.field_size_limit(max(MAX_BYTES, csv.field_size_limit()))  # of the whole process, so it is only ever raised
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    doubled = 'a quote within a text is written "", and the text stands in quotes'
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                faults.add(line, None, "a quote that opens here is never closed", f"close it; {doubled}")
            else:
                faults.add(line, None, "the quotes do not match", doubled)
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header(cells: list[str], line: int, table: _Table, faults: Faults) -> bool:
    """Take the names of the columns; whether rows can be read under them."""
    names = [cell.strip() for cell in cells]
    if "question_id" not in names:
        other = next((mark for mark in (";", "\t") if len(names) == 1 and mark in names[0]), None)
        if other:
            faults.add(line, None, f"the columns are separated by {shown(other)}", "separate them by commas")
        else:
            remedy = f"name the columns in the first row: {', '.join(COLUMNS)}, and one for each criterion"
            faults.add(line, "question_id", "the column is missing", remedy)
        return False
    sound = True
    if "target" not in names:
        faults.add(line, "target", "the column is missing", "say in every row what answered")
        sound = False
    for name in dict.fromkeys(names):
        near = get_close_matches(name.lower(), COLUMNS, n=1, cutoff=0.8)
        guess = _SYNONYMS.get(name.lower(), near[0] if near else None)
        if not name:
            faults.add(line, None, "a column has no name", "name it, or remove it")
        elif names.count(name) > 1:
            faults.add(line, name, "there are several columns of this name", "keep one")
        elif name not in COLUMNS and guess:
            faults.add(
                line, name, "this column is not known", f"did you mean {guess}? Else give the criterion another name"
            )
        else:
            continue
        sound = False
    table.known, table.criteria = names, [name for name in names if name not in COLUMNS]
    return sound


def _row(cells: list[str], line: int, table: _Table, faults: Faults) -> None:
    if len(cells) != len(table.known):
        problem = f"the row has {len(cells)} cells, the header has {len(table.known)}"
        remedy = "put a text with commas in quotes, and write a comma for an empty cell"
        return faults.add(line, None, problem, remedy)
    row = dict(zip(table.known, map(restored, cells), strict=True))
    if row["question_id"].strip() != SCALE_ROW:
        if not row["target"].strip():
            faults.add(line, "target", "it is blank", "say what answered")
            row["target"] = "blank"  # so that other faults of the row are named, too
        table.rows.append((line, row))
        return None
    for criterion in table.criteria:
        if row[criterion].strip():
            try:
                table.scales[criterion] = parse_scale(row[criterion])
            except ScaleError as error:
                problem, _, remedy = str(error).partition("; ")
                faults.add(line, criterion, problem, remedy)
    return None


# --- records ------------------------------------------------------------------------------------------------------


@dataclass
class _Records:
    """The rows of a table as records. A text that several rows repeat must be the same in each."""

    table: _Table
    scales: Scales
    qa_set: str | None
    name: str
    faults: Faults
    _said: dict[tuple[object, ...], tuple[str, int]] = field(default_factory=dict)

    @cached_property
    def ids(self) -> dict[str, str]:
        """The criterion's id of each column that holds scores."""
        return criterion_ids(self.table.criteria)

    def all(self) -> Iterator[Raw]:
        rows, columns = self.table.rows, self.table.known
        for name in self.scales:
            if name and name not in self.table.criteria:
                known = ", ".join(self.table.criteria) or "none"
                self.faults.add(None, name, "a scale is given for a column that is not there", f"there are: {known}")
        if "question" in columns:
            yield None, {"record": "qa_set", "id": "questions", "name": self.name, "subset": True}
            yield from self._questions()
        yield from self._rubrics()
        if "question" in columns or self.qa_set:
            yield from self._runs("questions" if "question" in columns else str(self.qa_set))
        for line, row in rows:
            place = self._place(line, row)
            is_new = self._is_new(line, row, tuple(place.values()), "answer", "error")
            if is_new and ("answer" in columns or row.get("error", "").strip()):
                yield line, {"record": "answer", **place, **self._answer(row)}
        for line, row in rows:
            if assessment := self._assessment(line, row):
                yield line, assessment

    def _is_new(self, line: int, row: dict[str, str], key: tuple[object, ...], *columns: str) -> bool:
        """Whether no earlier row says something of this thing in these columns; a fault where one says another."""
        is_new = False
        for column in columns:
            text, first = self._said.setdefault((column, *key), (row.get(column, ""), line))
            is_new = first == line
            if text != row.get(column, ""):
                problem = f"it is another text than on line {first}"
                self.faults.add(line, column, problem, "repeat it as it was, or give the row another repeat or group")
        return is_new

    def _questions(self) -> Iterator[Raw]:
        for line, row in self.table.rows:
            key = row["question_id"].strip()
            if self._is_new(line, row, (key,), "question", "reference"):
                its = {"id": key, "question": row["question"], "reference": row.get("reference", "")}
                yield line, {"record": "question", "qa_set": "questions", **its}

    def _rubrics(self) -> Iterator[Raw]:
        lines: dict[str, int] = {}
        for line, row in self.table.rows:
            if row.get("rater", "").strip():
                lines.setdefault(row.get("rubric", "").strip(), line)
        for named, line in lines.items() if self.table.criteria else ():
            words, given = named.split(), {"name": named or "imported", "version": "1"}
            if len(words) > 2 and re.fullmatch("[0-9a-f]{8,64}", words[-1]):
                given = {"name": " ".join(words[:-2]), "version": words[-2], "hash": words[-1]}
            its = {"id": f"rubric {named}".strip(), **given, "criteria": self._criteria(named)}
            yield line, {"record": "rubric", **its}

    def _criteria(self, named: str) -> list[dict[str, Any]]:
        """The criteria of a rubric: the columns in which it has scores, all where it has none."""
        its_rows = [row for _, row in self.table.rows if row.get("rubric", "").strip() == named]
        used = [name for name in self.ids if any(row[name].strip() for row in its_rows)] or list(self.ids)
        criteria = []
        for name in used:
            low, high = self.scales.get(name) or self.scales.get("") or self.table.scales.get(name, FIVE)
            its = self.ids[name]
            criteria.append({"id": its, "low": low, "high": high} | ({"label": name} if name != its else {}))
        return criteria

    def _run_id(self, row: dict[str, str]) -> str:
        return "/".join(part for name in _RUN if (part := row.get(name, "").strip()))

    def _runs(self, qa_set: str) -> Iterator[Raw]:
        for line, row in self.table.rows:
            its = self._run_id(row)
            if self._is_new(line, row, (its,), "model"):
                given = {name: text for name in (*_RUN, "model") if (text := row.get(name, "").strip())}
                yield line, {"record": "run", "id": its, "qa_set": qa_set, "target": "", **given}

    def _place(self, line: int, row: dict[str, str]) -> dict[str, Any]:
        repeat = self._whole(line, row, "repeat")
        return {"run": self._run_id(row), "question": row["question_id"].strip(), "repeat": repeat}

    def _whole(self, line: int, row: dict[str, str], column: str) -> int:
        text = row.get(column, "").strip()
        if text and not re.fullmatch(r"\d{1,9}", text):
            self.faults.add(line, column, f"{shown(text)} is not a whole number", "write 0, 1, 2, or nothing for 0")
            return 0
        return int(text or 0)

    def _answer(self, row: dict[str, str]) -> dict[str, str]:
        error = row.get("error", "")
        return {"error": error} if error.strip() else {"text": row.get("answer", "")}

    def _assessment(self, line: int, row: dict[str, str]) -> dict[str, Any] | None:
        read = {its: self._score(line, row, name) for name, its in self.ids.items()}
        scores = {its: score for its, score in read.items() if score is not None}
        name, note = row.get("rater", "").strip(), row.get("note", "")
        if not name:
            if scores or note:
                self.faults.add(line, "rater", "it is blank", "say who gave the scores of this row")
            return None
        kind = row.get("rater_kind", "").strip() or "person"
        given: dict[str, Any] = {"rater": {"kind": kind, "name": name}, "scores": scores}
        given |= {"reading": self._whole(line, row, "reading")} | ({"note": note} if note else {})
        if protocol := row.get("protocol", "").strip():
            given["protocol"] = protocol
        if own := row.get("own_family", "").strip().lower():
            if own not in ("yes", "no"):
                self.faults.add(line, "own_family", f"{shown(own)} is neither", "write yes or no, or leave it blank")
            given["same_family"] = own == "yes"
        rubric = f"rubric {row.get('rubric', '').strip()}".strip()
        return {"record": "assessment", **self._place(line, row), "rubric": rubric, **given}

    def _score(self, line: int, row: dict[str, str], criterion: str) -> dict[str, Any] | None:
        text = row[criterion].strip()
        if not text:
            return None
        if found := re.fullmatch(r"null(?:: (.*))?", row[criterion] if text != "null" else text, re.DOTALL):
            return {"value": None} | ({"null_reason": found[1]} if found[1] else {})
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) and math.isfinite(value := float(text)):
            return {"value": value}
        remedy = "write a number such as 3.5, nothing where there is no score, or null: and why there can be none"
        self.faults.add(line, criterion, f"{shown(text)} is not a score", remedy)
        return None
