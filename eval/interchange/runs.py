"""Runs and answers of a file: found where they are stored already, else stored.

Rows are gathered and written many at a time. An answer that is stored is never changed: one that differs is a fault.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from db import exchange, models, store
from db.exchange import IMPORTED, Row
from db.models import RunStatus
from eval.faults import shown
from eval.interchange.context import Context, Where, place_of
from eval.interchange.records import AnswerRecord, Place, RunRecord
from eval.interchange.sets import QASets, StoredSet
from eval.records import sha256 as hash_of
from eval.wording import wording

BATCH = 500  # answers gathered before they are written
_KEPT_APART = {"record", "run", "question", "calls", "created_at", "words", "repeated_4grams"}


@dataclass(slots=True)
class Held:
    """An answer that records may refer to: its id as soon as it is written."""

    run: "HeldRun"
    question: int  # its id
    where: Where
    sha256: str | None
    failed: bool
    is_stored: bool  # it was there before this import
    row: Row | None = None  # until it is written
    id: int = 0
    lines: dict[tuple[object, ...], Where] | None = None  # who scored it, and on which line
    draws: dict[str, models.Draw] | None = None  # by the sample's id in the file


@dataclass(slots=True)
class HeldRun:
    """A run that records may refer to."""

    id: int
    target: str
    is_new: bool
    is_measured: bool  # its answers were measured here: none is added
    questions: dict[str, int]  # ids by the author's id
    where: Where = None
    row: models.Run | None = None
    record: RunRecord | None = None
    answers: dict[tuple[int, int, bool], Held] = field(default_factory=dict)
    n_answers: int = 0
    n_errors: int = 0
    n_assessments: int = 0


@dataclass
class Runs:
    """The runs and answers of a file."""

    context: Context
    qa_sets: QASets
    origin: dict[str, Any]  # file, format, tool, version: what the provenance of new runs says
    runs: dict[str, HeldRun] = field(default_factory=dict)
    _pending: list[tuple[Held, list[Row]]] = field(default_factory=list)

    # --- runs -----------------------------------------------------------------------------------------------------

    def take(self, where: Where, record: RunRecord) -> None:
        if record.id in self.runs:
            return self.context.taken(where, "run", record.id, self.runs[record.id].where)
        its = self.qa_sets.find(where, record.qa_set)
        if its is None:
            self.context.broken.add(("run", record.id))
            return None
        group = record.group or f"import-{sha256(its.sha256.encode()).hexdigest()[:8]}"
        stored = None
        for each in (its, *its.others):
            same = {"group_id": group, "target": record.target, "qa_set_id": each.id, "created_at": record.created_at}
            if stored := exchange.find_same_run(**same, session=self.context.session):
                its = each
                break
        if stored is None:
            self.runs[record.id] = self._new(where, record, group, its)
        elif self._agrees(where, record, stored):
            self.context.there["run"] += 1
            self.runs[record.id] = self._held(stored, its.questions, where)
        else:
            self.context.broken.add(("run", record.id))
        return None

    def _new(self, where: Where, record: RunRecord, group: str, its: StoredSet) -> HeldRun:
        name = record.name or record.target
        given = record.model_dump(exclude={"record", "id", "qa_set", "group"}, exclude_none=True)
        missing = {"repeats": 1, "n_questions": 0, "n_planned": 0, "model": record.target}  # counted at the end
        row = models.Run(**(missing | given | {"name": name, "group_id": group, "qa_set_id": its.id}))
        store.save_run(row, session=self.context.session)
        self.context.new["run"] += 1
        return HeldRun(row.id or 0, row.target, True, False, its.questions, where, row, record)

    def _held(self, stored: models.Run, questions: dict[str, int], where: Where) -> HeldRun:
        measured = not exchange.is_imported(stored)
        return HeldRun(stored.id or 0, stored.target, False, measured, questions, where, stored)

    def _agrees(self, where: Where, record: RunRecord, stored: models.Run) -> bool:
        """Whether a stored run is the one that is meant; what people may change of a run does not matter."""
        given = record.model_dump(exclude_unset=True, include={"model", "simulated", "kind"})
        for name, value in given.items():
            if getattr(stored, name) != value:
                problem = f"it is {shown(value)}, of run {stored.id} with the same group and target {_of(stored, name)}"
                self.context.fault(where, name, problem, "give the run another group, or correct it")
                return False
        return True

    def find(self, where: Where, name: str, field_name: str = "run") -> HeldRun | None:
        """A run of the file, else a stored one; None, and a fault, where it cannot be told which."""
        if name in self.runs or ("run", name) in self.context.broken:
            return self.runs.get(name)
        try:
            found = exchange.find_named_runs(name, session=self.context.session)
        except store.StoreError:
            self.context.missing(where, field_name, "run", name, self.runs)
            self.context.broken.add(("run", name))
            return None
        if len(found) > 1:
            numbers = ", ".join(str(run.id) for run in found[:10])
            problem, remedy = f"{shown(name)} may be any of the stored runs {numbers}", "write one of these numbers"
            self.context.broken.add(("run", name))
            return self.context.fault(where, field_name, problem, remedy)
        questions = store.list_questions(found[0].qa_set_id, session=self.context.session)
        self.runs[name] = self._held(found[0], {q.key: q.id or 0 for q in questions}, where)
        return self.runs[name]

    # --- answers --------------------------------------------------------------------------------------------------

    def take_answer(self, where: Where, record: AnswerRecord) -> None:
        run = self.find(where, record.run)
        question = run and self._question(where, run, record.question)
        if run is None or question is None:
            return
        key = (question, record.repeat, record.cold)
        if first := run.answers.get(key):
            problem = f"this answer is already in {place_of(first.where)}"
            self.context.fault(where, None, problem, "remove one, or give it another repeat")
            return
        stored = None
        if not run.is_new:
            stored = exchange.find_answer(run.id, *key, session=self.context.session)
        if stored:
            self._compare(where, record, stored)
            run.answers[key] = _held_answer(run, where, stored)
            self.context.there["answer"] += 1
        elif run.is_measured:
            problem = f"run {run.id} was measured here and has no such answer"
            self.context.fault(where, "run", problem, "give the run of the file another group or target")
        else:
            self._gather(where, record, run, key)
        return

    def _question(self, where: Where, run: HeldRun, name: str) -> int | None:
        if name not in run.questions:
            self.context.missing(where, "question", "question", name, run.questions)
        return run.questions.get(name)

    def _gather(self, where: Where, record: AnswerRecord, run: HeldRun, key: tuple[int, int, bool]) -> None:
        row: Row = {"run_id": run.id, "question_id": key[0], **record.model_dump(exclude=_KEPT_APART)}
        row |= {"created_at": record.created_at} if record.created_at else {}
        if record.text is None:
            row["error_kind"] = record.error_kind or IMPORTED
            run.n_errors += not record.cold
        else:
            counted = wording(record.text)
            row |= {"words": counted.words, "repeated_4grams": counted.repeated_4grams, "sha256": hash_of(record.text)}
            row |= record.model_dump(include={"words", "repeated_4grams"}, exclude_unset=True)
            run.n_answers += not record.cold
        held = Held(run, key[0], where, row.get("sha256"), record.text is None, False, row)
        run.answers[key] = held
        self._pending.append((held, [call.model_dump() for call in record.calls]))
        self.context.new["answer"] += 1
        if len(self._pending) >= BATCH:
            self.flush()

    def _compare(self, where: Where, record: AnswerRecord, stored: models.Answer) -> None:
        """What the file says of a stored answer must be so."""
        given = record.model_dump(exclude_unset=True, exclude={"record", "run", "question", "repeat", "cold", "calls"})
        for name, value in given.items():
            kind = stored.error_kind if name == "error" else None  # a table has one column for both
            if getattr(stored, name) != value and (kind is None or kind != value):
                problem = f"run {stored.run_id} has another {name} for this answer{_of(stored, name)}"
                self.context.fault(where, name, problem, "give the run another group to keep both, or correct it")

    def find_answer(self, where: Where, place: Place) -> Held | None:
        """The answer that a record means; None, and a fault, where there is none."""
        run = self.find(where, place.run)
        question = run and self._question(where, run, place.question)
        if run is None or question is None:
            return None
        key = (question, place.repeat, place.cold)
        if key not in run.answers and not run.is_new:
            stored = exchange.find_answer(run.id, *key, session=self.context.session)
            if stored:
                run.answers[key] = _held_answer(run, None, stored)
        if key not in run.answers and ("answer", f"{place.run}\0{place.question}") not in self.context.broken:
            problem = f"run {shown(place.run)} has no answer to {shown(place.question)} in repeat {place.repeat}"
            self.context.fault(where, "question", problem, "write the answer on an earlier line")
        return run.answers.get(key)

    def flush(self) -> None:
        """Write the gathered answers with their calls."""
        pending, self._pending = self._pending, []
        session = self.context.session
        session.flush()
        ids = exchange.add_rows(models.Answer, [held.row or {} for held, _ in pending], session=session)
        for (held, _), its in zip(pending, ids, strict=True):
            held.id, held.row = its, None
        calls = [call | {"answer_id": held.id} for held, its in pending for call in its]
        exchange.add_rows(models.Call, calls, session=session)

    # --- the end --------------------------------------------------------------------------------------------------

    def finish(self, digest: str, now: Callable[[], Any]) -> None:
        """Count what runs did not say of themselves, and mark the new ones as imported."""
        for run in {id(run): run for run in self.runs.values()}.values():
            if run.row is None or run.record is None:
                continue
            told, row = run.record, run.row
            counted = [key for key in run.answers if not key[2]]
            row.repeats = _first(told.repeats, max((key[1] + 1 for key in counted), default=1))
            row.n_questions = _first(told.n_questions, len({key[0] for key in counted}))
            row.n_planned = _first(told.n_planned, len(counted))
            marks: dict[str, Any] = {**self.origin, "sha256": digest, "imported_at": now().isoformat()}
            if earlier := told.provenance.get(IMPORTED):
                marks["earlier"] = earlier
            if told.status != RunStatus.finished:  # nothing more will come of it here
                marks["status"], row.status = told.status.value, RunStatus.finished
            row.provenance = {**told.provenance, IMPORTED: marks}
            self.context.session.add(row)
        self.context.session.flush()


def _first(told: int | None, counted: int) -> int:
    return counted if told is None else told


def _held_answer(run: HeldRun, where: Where, stored: models.Answer) -> Held:
    failed = stored.error_kind is not None
    return Held(run, stored.question_id, where, stored.sha256, failed, True, id=stored.id or 0)


def _of(stored: object, name: str) -> str:
    """What is stored instead, where it is short."""
    value = getattr(stored, name)
    return f", {shown(value)}" if isinstance(value, (str, int, float)) and len(str(value)) <= 60 else ""
