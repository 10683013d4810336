"""Stored runs become records, in the order in which they can be read again.

Reads the database and writes nothing. Defaults are left out of the records; secrets never get in.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, select

from db import exchange, models, store
from db.models import Run, now
from eval.expected import ExpectedError
from eval.faults import Faults
from eval.interchange.checking import checked
from eval.interchange.records import FORMAT, KINDS, RunRecord
from eval.interchange.secrets import plain_address, without_secrets


class ExportError(ExpectedError, ValueError):
    """What was asked for cannot be written; the text says why."""


@dataclass
class Dump:
    """What is written of some runs. `notes` is whole when `records` has ended."""

    runs: Sequence[Run]
    session: Session
    notes: list[str] = field(default_factory=list)
    _ids: dict[int, str] = field(default_factory=dict)  # of runs within the file
    _keys: dict[int, str] = field(default_factory=dict)  # of questions
    _raters: dict[int, models.Rater] = field(default_factory=dict)
    _rubrics: dict[int, str] = field(default_factory=dict)

    def records(self) -> Iterator[dict[str, Any]]:
        """All records, header first; each stands after those it refers to."""
        self._ids = run_ids(self.runs)
        self._raters = {rater.id or 0: rater for rater in store.list_raters(session=self.session)}
        yield header()
        yield from self._sets()
        yield from self._used_rubrics()
        for run in self.runs:
            yield self._run(run)
        for run in self.runs:
            yield from self._answers(run)
        samples = yield from self._samples()
        for run in self.runs:
            yield from self._assessments(run, samples)
        yield from self._comparisons()

    # --- what is referred to --------------------------------------------------------------------------------------

    def _sets(self) -> Iterator[dict[str, Any]]:
        stored = {qa_set.id: qa_set for qa_set in store.list_qa_sets(session=self.session)}
        for qa_set_id in dict.fromkeys(run.qa_set_id for run in self.runs):
            yield from qa_set_records(head := stored[qa_set_id], self.session)
            self._keys |= {q.id or 0: q.key for q in store.list_questions(head.id or 0, session=self.session)}

    def _used_rubrics(self) -> Iterator[dict[str, Any]]:
        used = exchange.list_used_rubrics([run.id or 0 for run in self.runs], session=self.session)
        for rubric in used:
            self._rubrics[rubric.id or 0] = name = f"rubric-{rubric.sha256[:12]}"
            yield _record("rubric", {"id": name, **rubric.body}, f"rubric {rubric.name}")

    def _rater(self, rater_id: int) -> dict[str, Any]:
        given = self._raters[rater_id].model_dump(exclude={"id"}, exclude_none=True)
        return given | ({"endpoint": plain_address(given["endpoint"])} if "endpoint" in given else {})

    def _place(self, answer: models.Answer) -> dict[str, Any]:
        run, question = self._ids[answer.run_id], self._keys[answer.question_id]
        return {"run": run, "question": question, "repeat": answer.repeat, "cold": answer.cold}

    # --- runs and answers -----------------------------------------------------------------------------------------

    def _run(self, run: Run) -> dict[str, Any]:
        given = run.model_dump(include=set(RunRecord.model_fields) - {"id", "record"}, exclude_none=True)
        given |= {name: without_secrets(given[name]) for name in ("definition", "provenance")}
        marks = run.provenance.get(exchange.IMPORTED, {})
        given |= {"endpoint": plain_address(run.endpoint), "status": marks.get("status", run.status)}
        its = {"id": self._ids[run.id or 0], "group": run.group_id, "qa_set": self._qa_set(run.qa_set_id)}
        return _record("run", given | its, f"run {run.id}")

    def _qa_set(self, qa_set_id: int) -> str:
        return _set_id(self.session.exec(select(models.QASet).where(models.QASet.id == qa_set_id)).one())

    def _answers(self, run: Run) -> Iterator[dict[str, Any]]:
        calls = _by(store.list_run_calls(run.id or 0, session=self.session), "answer_id")
        for answer in store.list_answers(run.id or 0, session=self.session):
            given = _known_error(_plain(answer, "run_id", "question_id", "sha256"))
            given["calls"] = [_call(call) for call in calls[answer.id or 0]]
            yield _record("answer", given | self._place(answer), f"run {run.id}")

    # --- verdicts -------------------------------------------------------------------------------------------------

    def _samples(self) -> Iterator[dict[str, Any]]:
        """The samples with their draws; gives back the id in the file of each draw's sample."""
        drawn = exchange.list_draws([run.id or 0 for run in self.runs], session=self.session)
        handouts = _by(exchange.list_handouts([draw.id or 0 for _, draw, _ in drawn], session=self.session), "draw_id")
        names: dict[int, str] = {}
        for sample, draw, answer in drawn:
            name = f"sample-{sample.id}"
            if name not in names.values():
                yield self._sample(sample, name)
            names[draw.id or 0] = name
            given = _plain(draw, "sample_id", "answer_id") | self._place(answer) | {"sample": name}
            given["handouts"] = [
                _plain(handout, "draw_id", "rater_id") | {"rater": self._rater(handout.rater_id)}
                for handout in handouts[draw.id or 0]
            ]
            yield _record("draw", given, name)
        return names

    def _sample(self, sample: models.Sample, name: str) -> dict[str, Any]:
        runs = [self._ids[run_id] for run_id in sample.run_ids if run_id in self._ids]
        if left := [run_id for run_id in sample.run_ids if run_id not in self._ids]:
            numbers = ", ".join(map(str, left))
            self.notes.append(f"Sample {sample.name} was drawn from runs {numbers}, too, which are not exported.")
        its = {"id": name, "runs": runs, "rubric": self._rubrics[sample.rubric_id]}
        its["strata"] = [self._stratum(each) for each in sample.strata if each["run_id"] in self._ids]
        return _record("sample", _plain(sample, "run_ids", "rubric_id") | its, f"sample {sample.name}")

    def _stratum(self, stored: dict[str, Any]) -> dict[str, Any]:
        """A stratum with names for ids, which mean nothing in another database."""
        questions = [self._keys[question_id] for question_id in stored["question_ids"]]
        kept = {name: value for name, value in stored.items() if name not in ("run_id", "question_ids")}
        return kept | {"run": self._ids[stored["run_id"]], "questions": questions}

    def _assessments(self, run: Run, samples: dict[int, str]) -> Iterator[dict[str, Any]]:
        run_id, session = run.id or 0, self.session
        answers = {answer.id: answer for answer in store.list_answers(run_id, session=session)}
        scores = _by(store.list_run_scores(run_id, session=session), "assessment_id")
        checks = _by(exchange.list_checks(run_id, session=session), "assessment_id")
        calls = _by(exchange.list_verdict_calls(run_id, session=session), "assessment_id")
        found = store.list_run_assessments(run_id, session=session)
        names = _undone([row for row, _ in found])
        for row, _ in found:
            key = row.id or 0
            given = _plain(row, "answer_id", "run_id", "question_id", "rater_id", "rubric_id", "draw_id", "sample")
            given |= {"id": names.get(key), "undoes": names.get(row.undoes)}
            given |= self._place(answers[row.answer_id]) | {"reading": row.sample, "rater": self._rater(row.rater_id)}
            given |= {"rubric": self._rubrics[row.rubric_id], "current": None if row.current else False}
            given |= {"sample": samples[row.draw_id]} if row.draw_id is not None else {}
            given["parameters"] = without_secrets(row.parameters)
            given["scores"] = {s.criterion: _plain(s, "assessment_id", "criterion") for s in scores[key]}
            given["checks"] = [_plain(check, "assessment_id") for check in checks[key]]
            given["calls"] = [_call(call) for call in calls[key]]
            yield _record("assessment", given, f"run {run.id}")

    def _comparisons(self) -> Iterator[dict[str, Any]]:
        left_out = 0
        found = exchange.list_comparisons(list(self._ids), session=self.session)
        names = _undone([row for row, _, _ in found])
        for row, left, right in found:
            if left.run_id not in self._ids or right.run_id not in self._ids:
                left_out += 1
                continue
            given = _plain(row, "question_id", "left_answer_id", "right_answer_id", "rater_id")
            given |= {"id": names.get(row.id), "undoes": names.get(row.undoes)}
            given |= {"preference": row.preference, "question": self._keys[left.question_id]}
            for name, side in (("left", left), ("right", right)):
                given[name] = {"run": self._ids[side.run_id], "repeat": side.repeat}
            yield _record("comparison", given | {"rater": self._rater(row.rater_id)}, "a comparison")
        if left_out:
            self.notes.append(f"{left_out} comparisons with answers of runs that are not exported were left out.")


def header() -> dict[str, Any]:
    """The first line of a file that is written now."""
    given = {"version": FORMAT, "tool": f"rightsize {version('rightsize')}", "created_at": now()}
    return _record("header", given, "the header")


def qa_set_records(head: models.QASet, session: Session) -> Iterator[dict[str, Any]]:
    """A QA set and its questions."""
    name = _set_id(head)
    what = f"QA set {head.name}"
    yield _record("qa_set", _plain(head, "n_questions", "created_at") | {"id": name}, what)
    for row in store.list_questions(head.id or 0, session=session):
        yield _record("question", {"qa_set": name} | _question(row), what)


def run_ids(runs: Sequence[Run]) -> dict[int, str]:
    """The id of each run within a file: GROUP/TARGET, numbered where several are the same."""
    ids: dict[int, str] = {}
    for run in runs:
        name = f"{run.group_id}/{run.target}"
        taken = sum(other == name or other.startswith(f"{name}#") for other in ids.values())
        ids[run.id or 0] = f"{name}#{taken + 1}" if taken else name
    return ids


def _set_id(head: models.QASet) -> str:
    return f"qa-{head.sha256[:12]}"


def _question(row: models.Question) -> dict[str, Any]:
    given = {name: getattr(row, name) for name in ("reference", "category", "difficulty", "answerable", "output_limit")}
    listed = {name: getattr(row, name) for name in ("key_points", "documents", "must", "must_not")}
    return {"id": row.key, "question": row.text, **given, **listed}


def _plain(row: BaseModel, *without: str) -> dict[str, Any]:
    """A row's values that are known, without its own id."""
    return row.model_dump(exclude={"id", *without}, exclude_none=True)


def _call(call: models.Call) -> dict[str, Any]:
    return _known_error(_plain(call, "answer_id", "assessment_id")) | {"endpoint": plain_address(call.endpoint)}


def _known_error(given: dict[str, Any]) -> dict[str, Any]:
    """A row without an error that says nothing."""
    return {name: value for name, value in given.items() if name != "error" or value.strip()}


def _undone(rows: Sequence[models.Assessment | models.Comparison]) -> dict[int | None, str]:
    """A name in the file for each row that another takes back, by its id."""
    return {row.undoes: f"undone-{row.undoes}" for row in rows if row.undoes is not None}


def _by(rows: Sequence[Any], key: str) -> defaultdict[int, list[Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, key)].append(row)
    return grouped


def _record(kind: str, given: dict[str, Any], what: str) -> dict[str, Any]:
    """A record as plain JSON. Raises ExportError for what could not be read again."""
    faults = Faults()
    record = checked({"record": kind, **given}, KINDS[kind], what, faults)
    if record is None:
        raise ExportError(f"It cannot be exported: {faults.listed[0]}.")
    return {"record": kind, **record.model_dump(mode="json", exclude_defaults=True)}
