"""Reads a QA set from a file, checks every line of it, and gives it a hash of its content.

It leaves asking the questions to `runner`, scoring the answers to `judge`, and storing both to `db.store`.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from eval.expected import ExpectedError
from eval.faults import MAX_FAULTS as MAX_FAULTS
from eval.faults import Fault as Fault
from eval.faults import Faults, UndecodableError, decoded, field_path, invalid, parse_json, printable, shown, unknown
from eval.formula import neutralised, restored

MAX_BYTES = 50_000_000
MAX_OUTPUT = 32_768
TOO_DEEP = "a question needs three levels at most"
MAX_CHECKS = 20  # of each kind a question
BUILT_IN = Path(__file__).parent / "data" / "qa_set.jsonl"
BUILT_IN_VERSION = "1"

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LISTED = ("key_points", "must", "must_not")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# Names other tools use; by spelling alone "answer" would be nearest to "answerable".
_SYNONYMS = {"answer": "reference", "expected": "reference", "ideal": "reference", "prompt": "question"}
_SYNONYMS |= {"context": "documents", "contexts": "documents", "max_tokens": "output_limit"}


def _no_nul(text: str) -> str:
    if "\0" in text:  # PostgreSQL stores no NUL, so the file would fail later, without a line number
        invalid("it holds a NUL character", "remove it")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        invalid("it is blank", "write a text")
    return text


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        remedy = "use 1 to 64 letters a-z, digits, dots, hyphens or underscores, the first a letter or digit"
        invalid(f"{shown(text)} is not an id", remedy)
    return text


AnyText = Annotated[StrictStr, AfterValidator(_no_nul)]
Text = Annotated[AnyText, AfterValidator(_not_blank)]
Slug = Annotated[StrictStr, AfterValidator(_slug)]


class Difficulty(StrEnum):
    """How hard a question is, in its author's opinion."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Document(BaseModel):
    """A source handed to the target together with the question; an untitled one has an empty title."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: AnyText = ""
    text: Text


class Question(BaseModel):
    """One question with all that is needed to judge an answer to it.

    `key_points` are what an answer must hold, each stated by the reference too. `answerable` is False where the
    documents do not hold the answer, so that the right reply is to say so. `output_limit` counts tokens. `must` and
    `must_not` are yes/no checks beside the scores: statements that hold for a right answer, or must not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    question: Text
    reference: Text
    category: Text = "uncategorised"
    difficulty: Difficulty = Difficulty.MEDIUM
    key_points: tuple[Text, ...] = ()
    documents: tuple[Document, ...] = ()
    answerable: StrictBool = True
    output_limit: Annotated[StrictInt, Field(ge=1, le=MAX_OUTPUT)] = 512
    must: Annotated[tuple[Text, ...], Field(max_length=MAX_CHECKS)] = ()
    must_not: Annotated[tuple[Text, ...], Field(max_length=MAX_CHECKS)] = ()

    @property
    def sha256(self) -> str:
        """The hash of all fields, the same for every way of writing accents and line ends."""
        body = self.model_dump(mode="json")
        for later in ("must", "must_not"):  # a question without them keeps the hash it had before they existed
            if not body[later]:
                del body[later]
        canonical = json.dumps(_normal(body), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class QASet(BaseModel):
    """A fixed list of questions, at least one, no two with the same id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    version: Text
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> "QASet":
        seen: set[str] = set()
        for question in self.questions:
            if question.id.lower() in seen:
                invalid(f"the id {shown(question.id)} occurs twice", "give every question its own id")
            seen.add(question.id.lower())
        return self

    @property
    def sha256(self) -> str:
        """The hash of the questions in their order; name and version do not enter it."""
        return hashlib.sha256("\n".join(q.sha256 for q in self.questions).encode()).hexdigest()


class QASetError(ExpectedError, ValueError):
    """A file is not a QA set; `faults` says why, line by line."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self.path = path
        self.faults = faults
        super().__init__(f"{printable(str(path))} is not a QA set:\n" + "\n".join(f"- {fault}" for fault in faults))


@cache
def built_in() -> QASet:
    """Give the questions that come with Rightsize."""
    questions = load(BUILT_IN).questions
    return QASet(name="built-in", version=BUILT_IN_VERSION, questions=questions)


def load(path: Path) -> QASet:
    """Read a QA set from a .jsonl, .ndjson or .csv file; its version is the start of its hash.

    Raises QASetError with every fault of the file, the first MAX_FAULTS of them in full.
    """
    questions, faults = _read(path)
    if faults:
        raise QASetError(path, faults)
    name = printable(path.stem).strip() or "unnamed"
    unversioned = QASet(name=name, version="0", questions=questions)
    return QASet(name=name, version=unversioned.sha256[:8], questions=questions)


def to_csv(qa_set: QASet) -> str:
    """Write a QA set as a table, such that `load` gives the same questions; no text is taken for a formula.

    Raises ValueError for a text that a cell cannot hold: a list's with a line end or " | ", one with blanks around.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(Question.model_fields)
    for question in qa_set.questions:
        body = question.model_dump(mode="json")
        listed = [item for name in _LISTED for item in body[name]]
        if any(re.search(r"[\r\n]| \| ", item) for item in listed) or any(
            item != item.strip() for item in [*listed, question.category]
        ):
            raise ValueError(f"a cell cannot hold a key point, a check or the category of question {question.id}")
        body |= {name: " | ".join(body[name]) for name in _LISTED}
        body["documents"] = json.dumps(body["documents"], ensure_ascii=False) if body["documents"] else ""
        body["answerable"] = str(question.answerable).lower()
        writer.writerow([neutralised(str(value)) for value in body.values()])
    return "\ufeff" + out.getvalue()


def check(path: Path) -> list[Fault]:
    """List every fault of a file, none if it is a QA set."""
    return _read(path)[1]


def to_jsonl(qa_set: QASet) -> str:
    """Write a QA set as JSON Lines, every field spelled out, such that `load` gives the same questions."""
    return "".join(json.dumps(q.model_dump(mode="json"), ensure_ascii=False) + "\n" for q in qa_set.questions)


def _read(path: Path) -> tuple[tuple[Question, ...], list[Fault]]:
    faults = Faults()
    questions: list[Question] = []
    text = _text(path, faults)
    if text is not None:
        records = _csv_records if path.suffix.lower() == ".csv" else _json_records
        lines_of_ids: dict[str, int] = {}
        for line, record in records(text, faults):
            key = record.get("id")
            if isinstance(key, str) and key.strip():
                first = lines_of_ids.setdefault(key.lower(), line)
                if first != line:
                    faults.add(line, "id", f"{shown(key)} is already on line {first}", "give every question its own id")
            try:
                questions.append(Question.model_validate(record))
            except ValidationError as error:
                for details in error.errors(include_url=False):
                    _add_invalid(faults, line, details)
        if not questions and not faults.listed:
            faults.add(None, None, "there is no question in the file", "write at least one")
    return tuple(questions), faults.all()


def _text(path: Path, faults: Faults) -> str | None:
    """The file's text, or None and a fault."""
    try:
        if path.is_dir():
            return faults.add(None, None, "this is a folder", "name a file in it")
        size = path.stat().st_size
        if not path.is_file():
            return faults.add(None, None, "this is not a regular file", "name a file on a disk")
        if path.suffix.lower() not in (".jsonl", ".ndjson", ".csv"):
            problem = f"the kind of file cannot be told from the name {shown(path.name)}"
            return faults.add(None, None, problem, "use .jsonl or .ndjson for JSON Lines, .csv for a table")
        if size > MAX_BYTES:
            problem = f"the file has {size / 1e6:,.1f} MB, the limit is {MAX_BYTES / 1e6:,.0f} MB"
            return faults.add(None, None, problem, "split it, or shorten the documents")
        data = path.read_bytes()
    except FileNotFoundError:
        return faults.add(None, None, "there is no such file", "check the name and the folder")
    except PermissionError:
        return faults.add(None, None, "the file may not be read", "give yourself the right to read it")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return faults.add(None, None, f"the file cannot be read ({error})", "check the name and the disk")
    if not data:
        return faults.add(None, None, "the file is empty", "write at least one question")
    try:
        return decoded(data)
    except UndecodableError as error:
        return faults.add(error.fault.line, None, error.fault.problem, error.fault.remedy)


def _json_records(text: str, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, source in enumerate(io.StringIO(text, newline=None), start=1):
        if not source.strip():
            continue
        if line == 1 and source.strip() in ("[", "{"):
            remedy = "write one question a line, as an object in curly braces"
            return faults.add(1, None, "the file is one JSON value over several lines", remedy)
        parsed, value = parse_json(source, line, None, faults, ("write one JSON object on the line", TOO_DEEP))
        if parsed and not isinstance(value, dict):
            faults.add(line, None, f"{shown(value)} is not an object", "write one question in curly braces on the line")
        elif parsed:
            yield line, value
    return None


def _csv_records(text: str, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    # The limit belongs to the whole process, so it is only ever raised; a document may exceed the usual 128 KiB.
    csv.field_size_limit(max(MAX_BYTES, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    doubled = 'a quote within a text is written "", and the text stands in quotes'
    header: list[str] | None = None
    stand_ins: dict[str, str] = {}  # a missing column is told once, and its cells are stood in for: rows are still read
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                faults.add(line, None, "a quote that opens here is never closed", f"close it; {doubled}")
                return
            faults.add(line, None, "the quotes do not match", doubled)
            if header is None or reader.line_num > line:  # where the next record begins is anybody's guess
                return
            continue
        if not any(cell.strip() for cell in row):
            continue
        if header is None:
            header = [cell.strip() for cell in row]
            if not _is_header(header, line, faults):
                return
            stand_ins = _check_header(header, line, faults)
        elif len(row) != len(header):
            problem = f"the row has {len(row)} cells, the header has {len(header)}"
            faults.add(line, None, problem, "put a text with commas in quotes, and write a comma for an empty cell")
        else:
            cells = dict(zip(header, map(restored, row), strict=True))
            yield line, _csv_record(cells, line, faults) | {name: f"{its}{line}" for name, its in stand_ins.items()}


def _is_header(header: list[str], line: int, faults: Faults) -> bool:
    """Whether rows can be read under this header."""
    known = Question.model_fields
    remedy = f"name the columns in the first row: {', '.join(known)}"
    if not set(header) & set(known):
        other = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), None)
        if other:
            faults.add(line, None, f"the columns are separated by {shown(other)}", "separate them by commas")
        else:
            faults.add(line, None, "there is no header", remedy)
        return False
    return True


def _check_header(header: list[str], line: int, faults: Faults) -> dict[str, str]:
    """Name unknown, doubled and missing columns once, not in every row; gives a stand-in for each missing one."""
    known = Question.model_fields
    stand_ins: dict[str, str] = {}
    for name in dict.fromkeys(header):
        if name not in known:
            faults.add(line, field_path((name,)) if name else None, *_unknown_column(name, tuple(known)))
        elif header.count(name) > 1:
            faults.add(line, name, "there are several columns of this name", "keep one")
    for name, info in known.items():
        if info.is_required() and name not in header:
            faults.add(line, name, "the column is missing", "add it to the header and to every row")
            stand_ins[name] = "line-"
    return stand_ins


def _unknown_column(name: str, known: tuple[str, ...]) -> tuple[str, str]:
    return unknown(name, known, _SYNONYMS) if name else ("a column has no name", "name it, or remove it")


def _csv_record(cells: dict[str, str], line: int, faults: Faults) -> dict[str, Any]:
    """The row as the object it would be in JSON Lines. An empty optional cell is a field left out."""
    fields = Question.model_fields
    record: dict[str, Any] = {
        name: cell for name, cell in cells.items() if name in fields and (cell.strip() or fields[name].is_required())
    }
    for name in ("id", "category", "difficulty"):
        if name in record:
            record[name] = record[name].strip()
    for listed in _LISTED:
        if listed in record:
            points = re.split(r"\r\n|\r|\n| \| ", record[listed])
            record[listed] = [point.strip() for point in points if point.strip()]
    if "answerable" in record:
        record["answerable"] = _BOOLEANS.get(record["answerable"].strip().lower(), record["answerable"])
    if "output_limit" in record and re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", record["output_limit"]):
        record["output_limit"] = int(record["output_limit"])
    if "documents" in record and re.match(r"\s*\[\s*[{\]]", record["documents"]):
        example = 'write a list such as [{"title": "", "text": "..."}]'
        parsed, value = parse_json(record.pop("documents"), line, "documents", faults, (example, example))
        if parsed:
            record["documents"] = value
    elif "documents" in record:
        record["documents"] = [{"text": record["documents"]}]
    return record


def _add_invalid(faults: Faults, line: int, details: ErrorDetails) -> None:
    kind, loc, context = details["type"], details["loc"], details.get("ctx", {})
    given = shown(details["input"])
    if kind == "said":
        problem, remedy = context["problem"], context["remedy"]
    elif kind == "missing":
        problem, remedy = "it is missing", "write it"
    elif kind == "extra_forbidden":
        known = Question.model_fields if len(loc) == 1 else Document.model_fields
        problem, remedy = unknown(str(loc[-1]), tuple(known), _SYNONYMS)
    elif kind == "enum":
        problem, remedy = f"{given} is not known", "use easy, medium or hard"
    elif kind in ("greater_than_equal", "less_than_equal"):
        problem, remedy = f"{given} is out of range", f"use 1 to {MAX_OUTPUT}"
    elif kind == "string_unicode":
        problem, remedy = "it holds half of a surrogate pair", "write the character itself, or both halves"
    elif kind.startswith("int"):
        problem, remedy = f"{given} is not a whole number", "write one such as 512"
    elif kind.startswith("bool"):
        problem, remedy = f"{given} is not known", "use true or false"
    elif kind == "string_type":
        problem, remedy = f"{given} is not a text", "write a text in quotes"
    elif kind == "tuple_type":
        problem, remedy = f"{given} is not a list", "write a list in square brackets"
    elif kind.startswith("model"):
        problem, remedy = f"{given} is not an object", "write an object with title and text"
    else:
        problem, remedy = f"{given} is not valid", details["msg"]
    faults.add(line, field_path(loc), problem, remedy)


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    return value
