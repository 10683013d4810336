"""docs/interchange.md says what is so: every field of every record as it is checked; its examples can be imported."""

import json
import re
import types
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from exchanged import database, exported, imported
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from eval import qa_set
from eval.interchange import archive, flat, foreign, formats, lines, records
from eval.interchange.formats import Format
from eval.interchange.loading import load
from eval.summary import summarise

HOME = Path(__file__).parents[1]
TEXT = (HOME / "docs" / "interchange.md").read_text(encoding="utf-8")
PARTS = (records.CallRecord, records.HandoutRecord, records.RaterRecord, records.ScoreRecord, records.CheckRecord)
MODELS: list[type[BaseModel]] = [*records.KINDS.values(), *PARTS, records.StratumRecord, records.Side]
EXAMPLES: dict[str, list[str]] = {}
for language, body in re.findall(r"^```((?:jsonl|json|csv)(?: [a-z-]+)?)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
    EXAMPLES.setdefault(language, []).append(body)


# --- fields -------------------------------------------------------------------------------------------------------


def kind_of(annotation: Any, bounds: list[Any]) -> str:
    """What a value has to be, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return kind_of(annotation.__origin__, [*bounds, *annotation.__metadata__])
    if origin in (Union, types.UnionType):
        return " or ".join([*(kind_of(each, bounds) for each in inner if each is not type(None)), "null"])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (list, tuple):
        return f"list of {kind_of(inner[0], [])}s".replace("any JSONs", "objects")
    if origin is dict:
        return "object"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    limits = [getattr(part, "metadata", [part]) for part in bounds]
    least = next((each.ge for part in limits for each in part if hasattr(each, "ge")), None)
    most = next((each.le for part in limits for each in part if hasattr(each, "le")), None)
    most = None if most in (records.LARGEST, None) else most
    above = next((each.gt for part in limits for each in part if hasattr(each, "gt")), None)
    span = f", {least:g} to {most:g}" if most is not None and least is not None else ""
    span = span or (f", {least:g} or more" if least in (0, 1) else "")
    span = span or (f", above {above:g} to {most:g}" if above is not None else "")
    named = {str: "text", bool: "true or false", int: "whole number", float: "number"}
    return named[annotation] + span if annotation in named else "moment"


def row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    """A field as the document's tables have it: name, kind, whether it is required, meaning (blank where not told)."""
    kind = kind_of(field.annotation, list(field.metadata))
    return f"`{name}`", kind, "yes" if field.is_required() else "no", field.description or ""


def table_of(model: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    return [row(name, field) for name, field in model.model_fields.items() if name != "record"]


def told(model: type[BaseModel]) -> list[tuple[str, ...]]:
    """The rows of a record's table in the document."""
    body = re.search(rf"^<!-- fields: {model.__name__} -->\n\n(.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)
    assert body, f"there is no table of {model.__name__}"
    cells = [line.strip("| ").split(" | ") for line in body[1].splitlines()[2:]]
    return [tuple(cell.strip() for cell in each) for each in cells]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_told_as_it_is_checked(model: type[BaseModel]) -> None:
    its, right = told(model), table_of(model)
    assert [each[:3] for each in its] == [each[:3] for each in right]
    for (name, _, _, meaning), (*_, described) in zip(its, right, strict=True):
        assert meaning == described or (meaning and not described), name


def test_every_column_of_the_table_is_told() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (yes|no) \|", TEXT, re.MULTILINE)
    columns = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(columns) == sorted(flat.COLUMNS)


def test_every_kind_of_file_and_limit_is_told() -> None:
    assert all(kind == Format.auto or f"{kind}" in TEXT for kind in Format)
    limits = (lines.MAX_FILE, 2 * 2**30), (lines.MAX_LINE, 16 * 2**20), (lines.MAX_LINES, 5_000_000)
    limits += (flat.MAX_BYTES, 100_000_000), (qa_set.MAX_BYTES, 50_000_000), (foreign.MAX_DOCUMENT, 512 * 2**20)
    limits += (archive.MAX_ARCHIVE, 2 * 2**30), (archive.MAX_ENTRIES, 200_000), (archive.MAX_ENTRY, 256 * 2**20)
    limits += (archive.MAX_TOTAL, 8 * 2**30), (archive.MAX_RATIO, 200), (records.MAX_CRITERIA, 200)
    assert all(limit == told for limit, told in (*limits, (records.MAX_DEPTH, 40), (qa_set.MAX_FAULTS, 200)))


# --- examples -----------------------------------------------------------------------------------------------------


def test_the_examples_of_records_are_a_file_that_can_be_imported() -> None:
    whole = "".join(EXAMPLES["jsonl"])
    kinds = {json.loads(line)["record"] for line in whole.splitlines()}
    assert kinds == set(records.KINDS)
    with database() as engine:
        report = imported(engine, whole)
        assert [(run.target, run.answers, run.errors, run.assessments) for run in report.runs] == [
            ("small model", 1, 1, 1),
            ("large model", 2, 0, 2),
        ]
        told = [json.loads(line) for line in whole.splitlines()]
        again = exported(engine)
        assert [(r["record"]) for r in again if r["record"] != "header"] == [
            r["record"] for r in told if r["record"] != "header"
        ]
        assert imported(engine, whole).new == {}
        (clarity,) = (q for q in summarise(2, engine).quality if q.criterion == "clarity")
        assert (clarity.score.value, clarity.scale) == (6, (1, 7))


def test_the_example_of_a_table_can_be_imported() -> None:
    (example,) = EXAMPLES["csv"]
    with database() as engine:
        (small, large) = imported(engine, example, "labels.csv").runs
        assert (small.target, small.answers, small.assessments) == ("small model", 1, 2)
        assert (large.target, large.answers, large.assessments) == ("large model", 1, 1)


@pytest.mark.parametrize(
    ("language", "name", "kind"),
    [
        ("jsonl qa-set", "mine.jsonl", Format.qa_set),
        ("csv qa-set", "mine.csv", Format.qa_set),
        ("json promptfoo", "results.json", Format.promptfoo),
        ("jsonl openai-evals", "log.jsonl", Format.openai_evals),
    ],
)
def test_the_other_examples_can_be_imported_without_naming_their_kind(
    language: str, name: str, kind: Format, tmp_path: Path
) -> None:
    (example,) = EXAMPLES[language]
    file = tmp_path / name
    file.write_text(example, encoding="utf-8")
    assert formats.detect(file) == kind
    with database() as engine:
        report = load(formats.read(file, Format.auto, {}), engine)
        assert report.new["question"] == 1
        assert [run.answers for run in report.runs] == ([] if kind == Format.qa_set else [1])
