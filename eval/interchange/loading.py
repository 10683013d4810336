"""Records become rows: all of a file in one transaction, or, where anything is wrong, none.

Records come one by one, each after those it refers to. Which file they come from is the business of the readers.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db import exchange, store
from db.models import now
from eval.expected import ExpectedError
from eval.faults import Fault, Faults, printable, shown, unknown
from eval.interchange.checking import checked
from eval.interchange.context import Context, Where
from eval.interchange.records import KINDS, Header
from eval.interchange.runs import Runs
from eval.interchange.sets import QASets, Raters, Rubrics
from eval.interchange.verdicts import Verdicts

Raw = tuple[Where, Any]  # where it was read, and the record as plain JSON


class ImportFaultsError(ExpectedError, ValueError):
    """A file cannot be imported, and nothing of it was; `faults` says why, place by place."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.line or sys.maxsize)  # in the order of the file
        listed = "\n".join(f"- {fault}" for fault in self.faults)
        super().__init__(f"{printable(str(path))} cannot be imported, and nothing of it was:\n{listed}")


class _Undone(Exception):  # noqa: N818 - no error: how a transaction is left without a trace
    """Leaves the transaction, which is rolled back."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run of the file."""

    run_id: int
    target: str
    is_new: bool
    answers: int  # stored now
    errors: int
    assessments: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an import stored, what was there already, and what could not be carried over."""

    format: str
    stored: bool  # false where it was only tried
    new: dict[str, int]
    there: dict[str, int]
    runs: list[RunReport]
    notes: list[str]


@dataclass
class Source:
    """A file as a stream of records. What `sha256` and `notes` say is whole when the stream has ended."""

    path: Path
    format: str
    records: Callable[[Faults], Iterable[Raw]]
    sha256: Callable[[], str]
    notes: Callable[[], list[str]] = field(default=lambda: [])


def load(source: Source, engine: Engine, *, dry_run: bool = False) -> Report:
    """Store a file's records in one transaction; what is there already is left as it is.

    A dry run is undone at the end. Raises ImportFaultsError with every fault of the file, FileError if it cannot be
    read, StoreError if the database fails; in each case nothing was stored.
    """
    faults, reports = Faults(), []
    try:
        with store.writing(engine) as session:
            loader = _Loader(Context(session, faults), _origin(source))
            for where, raw in source.records(faults):
                loader.take(where, raw)
            reports.append(loader.finish(source, stored=not dry_run))
            if faults.listed or dry_run:
                raise _Undone
    except _Undone:
        pass
    if faults.listed:
        raise ImportFaultsError(source.path, faults.all())
    return reports[0]


def _origin(source: Source) -> dict[str, Any]:
    """What the provenance of an imported run says; the file's name without its folders, which are nobody's business."""
    return {"file": source.path.name, "format": source.format, "tool": ""}


class _Loader:
    """One file on its way into the database."""

    def __init__(self, context: Context, origin: dict[str, Any]) -> None:
        self.context = context
        self.qa_sets, self.rubrics = QASets(context), Rubrics(context)
        self.runs = Runs(context, self.qa_sets, origin)
        self.verdicts = Verdicts(context, self.runs, self.rubrics, Raters(context))
        self.n_records = 0
        self._take: Mapping[str, Callable[[Where, Any], None]] = {
            "header": self._take_header,
            "qa_set": self.qa_sets.take,
            "question": self.qa_sets.take_question,
            "rubric": self.rubrics.take,
            "run": self.runs.take,
            "answer": self.runs.take_answer,
            "sample": self.verdicts.take_sample,
            "draw": self.verdicts.take_draw,
            "assessment": self.verdicts.take,
            "comparison": self.verdicts.take_comparison,
        }

    def take(self, where: Where, raw: Any) -> None:
        """Check a record and store it, or add its faults."""
        self.n_records += 1
        if not isinstance(raw, dict):
            remedy = 'write an object such as {"record": "answer", ...}'
            return self.context.fault(where, None, f"{shown(raw)} is not an object", remedy)
        kind = raw.get("record")
        if not isinstance(kind, str) or kind not in KINDS:
            problem, remedy = unknown(kind, tuple(KINDS)) if isinstance(kind, str) else ("", f"write {_listed()}")
            problem = f"{shown(kind)} is not known" if "record" in raw else "it is missing"
            return self.context.fault(where, "record", problem, remedy)
        if self.n_records == 1 and kind != "header":
            remedy = 'write {"record": "header", "version": 1} on a line of its own ahead of all others'
            self.context.fault(where, "record", "the file does not begin with its header", remedy)
        record = checked(raw, KINDS[kind], where, self.context.faults)
        if record is None:
            self._mark(kind, raw)
        else:
            self._take[kind](where, record)
        return None

    def _take_header(self, where: Where, record: Header) -> None:
        if self.n_records > 1:
            self.context.fault(where, "record", "there is a second header", "keep the first, in the first line")
        self.runs.origin["tool"] = record.tool

    def _mark(self, kind: str, raw: dict[str, Any]) -> None:
        """Remember a faulty record, so that what refers to it is not called faulty for that."""
        name = f"{raw.get('run')}\0{raw.get('question')}" if kind == "answer" else raw.get("id")
        if isinstance(name, str):
            self.context.broken.add((kind, name))

    def finish(self, source: Source, *, stored: bool) -> Report:
        """Write what is still gathered, mark and count."""
        self.qa_sets.finish()
        if not self.n_records and not self.context.faults.listed:
            self.context.fault(None, None, "there is no record in the file", "write at least a header")
        self.verdicts.flush()
        self.runs.finish(source.sha256(), now)
        runs = list({run.id: run for run in self.runs.runs.values()}.values())
        touched = [run.id for run in runs if run.is_new or run.n_answers or run.n_errors or run.n_assessments]
        exchange.bump_runs(touched, session=self.context.session)
        return Report(
            format=source.format,
            stored=stored,
            new=dict(self.context.new),
            there=dict(self.context.there),
            runs=[
                RunReport(run.id, run.target, run.is_new, run.n_answers, run.n_errors, run.n_assessments)
                for run in runs
            ],
            notes=[*self.context.notes, *source.notes()],
        )


def _listed() -> str:
    return ", ".join(list(KINDS)[:-1]) + f" or {list(KINDS)[-1]}"
