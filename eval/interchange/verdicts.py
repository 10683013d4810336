"""What people and judges said of a file's answers: assessments, samples with their draws, comparisons.

A verdict that is stored already is left as it is; of several by one rater the newest counts, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from db import exchange, models, store
from db.exchange import Row
from db.models import AssessmentStatus, Design, RaterKind, now
from eval.faults import shown
from eval.interchange.context import Context, Where, place_of
from eval.interchange.records import (
    AssessmentRecord,
    ComparisonRecord,
    DrawRecord,
    HandoutRecord,
    Place,
    SampleRecord,
    ScoreRecord,
    StratumRecord,
)
from eval.interchange.runs import BATCH, Held, Runs
from eval.interchange.sets import Raters, Rubrics, StoredRubric
from eval.provenance import model_family
from eval.toml_file import did_you_mean

_APART = {"record", "run", "question", "repeat", "cold", "rater", "rubric", "reading", "scores", "checks", "calls"}
_APART |= {"sample", "status", "protocol", "current", "answer_sha256", "created_at", "id", "undoes"}


@dataclass(slots=True)
class _Pending:
    """A verdict that waits for its answer to be written."""

    held: Held
    row: Row
    scores: list[Row]
    checks: list[Row]
    calls: list[Row]
    draw: models.Draw | None
    name: str | None  # its id in the file
    undoes: str | None  # the id in the file of what it takes back


@dataclass
class Verdicts:
    """The verdicts of a file."""

    context: Context
    runs: Runs
    rubrics: Rubrics
    raters: Raters
    _samples: dict[str, tuple[models.Sample, Where]] = field(default_factory=dict)
    _pending: list[_Pending] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)  # kinds and ids in the file
    _named: dict[tuple[str, str], int] = field(default_factory=dict)  # ids by kind and id in the file

    # --- assessments ----------------------------------------------------------------------------------------------

    def take(self, where: Where, record: AssessmentRecord) -> None:
        held = self.runs.find_answer(where, record)
        rubric = self.rubrics.find(where, record.rubric)
        if held is None or rubric is None or not self._is_sound(where, record, held, rubric):
            return
        if not self._is_told(where, "assessment", record):
            return
        rater = self.raters.find(record.rater)
        protocol = record.protocol or ("person" if record.rater.kind == RaterKind.person else "imported")
        line = (rater, rubric.id, protocol, record.reading)
        row: Row = {
            **record.model_dump(exclude=_APART),
            **dict(zip(("rater_id", "rubric_id", "protocol", "sample"), line, strict=True)),
            "run_id": held.run.id,
            "question_id": held.question,
            "status": record.status or _status(record, rubric),
            "answer_sha256": record.answer_sha256 or held.sha256 or "",
            "created_at": record.created_at or now(),
            "current": record.current is not False,
        }
        if "same_family" not in record.model_fields_set:
            row["same_family"] = _is_own_family(record, held.run.row)
        if row["current"] and not self._is_alone(where, held, line):
            return
        if held.is_stored and (stored := self._find_alike(record, row, held)):
            self.context.there["assessment"] += 1
            self._name("assessment", record.id, stored)
            return
        draw = self._draw_of(where, record, held)
        if record.sample is not None and draw is None:
            return
        self.context.new["assessment"] += 1
        held.run.n_assessments += 1
        scores = [{"criterion": criterion, **score.model_dump()} for criterion, score in record.scores.items()]
        checks, calls = ([part.model_dump() for part in parts] for parts in (record.checks, record.calls))
        self._pending.append(_Pending(held, row, scores, checks, calls, draw, record.id, record.undoes))
        if len(self._pending) >= BATCH:
            self.flush()

    def _is_sound(self, where: Where, record: AssessmentRecord, held: Held, rubric: StoredRubric) -> bool:
        """Whether the answer is one to score, and every score is one of the rubric's."""
        faults = []
        if held.failed:
            faults.append(("question", "the answer is an error: there is nothing to score", "remove the assessment"))
        elif record.answer_sha256 not in (None, "", held.sha256):
            faults.append(
                ("answer_sha256", "another text than the answer's was scored", "score this text, or leave it out")
            )
        for criterion, score in record.scores.items():
            if problem := _fault(criterion, score, rubric):
                faults.append((f"scores.{criterion}" if criterion in rubric.scales else "scores", *problem))
        for name, problem, remedy in faults:
            self.context.fault(where, name, problem, remedy)
        return not faults

    def _is_alone(self, where: Where, held: Held, line: tuple[object, ...]) -> bool:
        """Whether this is the only verdict of its rater in the file that counts for this answer."""
        held.lines = held.lines or {}
        first = held.lines.setdefault(line, where)
        if first == where:
            return True
        problem = f"this rater has scored the answer in {place_of(first)} already"
        remedy = 'remove one, mark the earlier one "current": false, or give it another reading'
        self.context.fault(where, "rater", problem, remedy)
        return False

    def _find_alike(self, record: AssessmentRecord, row: Row, held: Held) -> int | None:
        """The id of a stored verdict that says the same. A newer stored one of its line goes on counting."""
        counting = []
        for stored in self._line_of(row, held):
            if self._says(record, row, stored):
                return stored.id
            counting += [stored] if stored.current else []
        if row["current"] and any(stored.created_at > row["created_at"] for stored in counting):
            row["current"] = False
        elif row["current"] and counting:
            exchange.supersede([stored.id or 0 for stored in counting], session=self.context.session)
        return None

    def _is_told(self, where: Where, kind: str, record: AssessmentRecord | ComparisonRecord) -> bool:
        """Whether what a record takes back stands on an earlier line."""
        if record.id is not None:
            self._told.add((kind, record.id))
        if record.undoes is None or (kind, record.undoes) in self._told:
            return True
        self.context.fault(where, "undoes", f"no earlier {kind} has the id {shown(record.undoes)}", "leave it out")
        return False

    def _name(self, kind: str, name: str | None, row_id: int | None) -> None:
        if name is not None and row_id is not None:
            self._named[kind, name] = row_id

    def _line_of(self, row: Row, held: Held) -> list[models.Assessment]:
        """The stored verdicts of one rater on one answer, under one rubric and protocol, in one reading."""
        stored = store.list_assessments([held.id], session=self.context.session)
        columns = ("rater_id", "rubric_id", "protocol", "sample")
        return [a for a, _ in stored if all(getattr(a, name) == row[name] for name in columns)]

    def _says(self, record: AssessmentRecord, row: Row, stored: models.Assessment) -> bool:
        """Whether a stored verdict says all that the file says."""
        told = record.model_dump(exclude_unset=True, exclude=_APART - {"created_at"}) | {"status": row["status"]}
        if any(getattr(stored, name) != value for name, value in told.items()):
            return False
        scores = {s.criterion: s for s in store.list_scores([stored.id or 0], session=self.context.session)}
        if scores.keys() != record.scores.keys():
            return False
        given = {criterion: score.model_dump(exclude_unset=True) for criterion, score in record.scores.items()}
        return all(getattr(scores[c], name) == value for c, its in given.items() for name, value in its.items())

    def flush(self) -> None:
        """Write the gathered verdicts, after their answers."""
        self.runs.flush()
        session, (pending, self._pending) = self.context.session, (self._pending, [])
        session.flush()
        for each in pending:
            each.row |= {"answer_id": each.held.id, "draw_id": each.draw.id if each.draw else None}
        ids = exchange.add_rows(models.Assessment, [each.row for each in pending], session=session)
        for model, part in ((models.Score, "scores"), (models.CheckResult, "checks"), (models.Call, "calls")):
            rows = [
                row | {"assessment_id": its}
                for its, each in zip(ids, pending, strict=True)
                for row in getattr(each, part)
            ]
            exchange.add_rows(model, rows, session=session)
        for its, each in zip(ids, pending, strict=True):
            self._name("assessment", each.name, its)
        undoing = {
            its: self._named.get(("assessment", e.undoes)) for its, e in zip(ids, pending, strict=True) if e.undoes
        }
        exchange.note_undone(undoing, session=session)

    # --- samples --------------------------------------------------------------------------------------------------

    def take_sample(self, where: Where, record: SampleRecord) -> None:
        if record.id in self._samples:
            return self.context.taken(where, "sample", record.id, self._samples[record.id][1])
        runs = [self.runs.find(where, name, f"runs[{i}]") for i, name in enumerate(record.runs)]
        rubric = self.rubrics.find(where, record.rubric)
        known = [run for run in runs if run is not None]
        if rubric is None or len(known) < len(runs):
            self.context.broken.add(("sample", record.id))
            return None
        given = record.model_dump(exclude={"record", "id", "runs", "rubric", "strata"}, exclude_none=True)
        given["strata"] = [self._stratum(where, each, i) for i, each in enumerate(record.strata)]
        row = models.Sample(**given, run_ids=[run.id for run in known], rubric_id=rubric.id)
        moment = record.created_at is not None
        stored = exchange.find_sample(row, known_moment=moment, session=self.context.session)
        if stored is None:
            self.context.session.add(row)
            self.context.session.flush()
        (self.context.there if stored else self.context.new)["sample"] += 1
        self._samples[record.id] = stored or row, where
        return None

    def _stratum(self, where: Where, record: StratumRecord, number: int) -> Row:
        """A stratum with the ids of its run and questions as they are numbered here."""
        name = f"strata[{number}]"
        run = self.runs.find(where, record.run, f"{name}.run")
        questions = run.questions if run else {}
        for key in record.questions if run else ():
            if key not in questions:
                self.context.missing(where, f"{name}.questions", "question", key, questions)
        ids = [questions[key] for key in record.questions if key in questions]
        about = record.model_dump(exclude={"run", "questions"})
        return about | {"run_id": run.id if run else 0, "question_ids": ids}

    def take_draw(self, where: Where, record: DrawRecord) -> None:
        held, found = self.runs.find_answer(where, record), self._samples.get(record.sample)
        if found is None:
            return self.context.missing(where, "sample", "sample", record.sample, self._samples)
        if held is None:
            return None
        if found[0].design == Design.disagreement and record.probability is not None:
            problem = f"sample {shown(record.sample)} holds answers in dispute: they were picked, not drawn by chance"
            self.context.fault(where, "probability", problem, "leave it out, or correct the sample's design")
        held.draws = held.draws or {}
        if record.sample in held.draws:
            return self.context.fault(where, None, "this answer is drawn in this sample already", "remove one")
        if not held.id:
            self.runs.flush()
        sample_id = found[0].id or 0
        draw = exchange.find_draw(sample_id, held.id, session=self.context.session) if held.is_stored else None
        (self.context.there if draw else self.context.new)["draw"] += 1
        held.draws[record.sample] = draw or self._new_draw(sample_id, held, record)
        return None

    def _new_draw(self, sample_id: int, held: Held, record: DrawRecord) -> models.Draw:
        given = record.model_dump(exclude={"record", "sample", "handouts", *Place.model_fields})
        draw = models.Draw(sample_id=sample_id, answer_id=held.id, **given)
        self.context.session.add(draw)
        self.context.session.flush()
        self._add_handouts(draw, record.handouts)
        return draw

    def _add_handouts(self, draw: models.Draw, handouts: Sequence[HandoutRecord]) -> None:
        for handout in handouts:
            given: dict[str, Any] = handout.model_dump(exclude={"rater"}, exclude_none=True)
            rater = self.raters.find(handout.rater)
            self.context.session.add(models.Handout(draw_id=draw.id or 0, rater_id=rater, **given))

    def _draw_of(self, where: Where, record: AssessmentRecord, held: Held) -> models.Draw | None:
        if record.sample is None:
            return None
        if record.sample not in self._samples:
            self.context.missing(where, "sample", "sample", record.sample, self._samples)
        elif record.sample not in (held.draws or {}):
            problem = f"the answer is not drawn in sample {shown(record.sample)}"
            self.context.fault(where, "sample", problem, "write its draw on an earlier line")
        return (held.draws or {}).get(record.sample)

    # --- comparisons ----------------------------------------------------------------------------------------------

    def take_comparison(self, where: Where, record: ComparisonRecord) -> None:
        sides = [
            self.runs.find_answer(where, Place(run=side.run, question=record.question, repeat=side.repeat, cold=False))
            for side in (record.left, record.right)
        ]
        left, right = sides
        if left is None or right is None or not self._is_told(where, "comparison", record):
            return
        if left is right or left.failed or right.failed:
            problem = "two answers are needed, neither of them an error"
            self.context.fault(where, "right", problem, "name the answers that were shown")
            return
        self.runs.flush()
        apart = {"record", "question", "left", "right", "rater", "id", "undoes"}
        given = record.model_dump(exclude=apart, exclude_none=True)
        row = models.Comparison(
            question_id=left.question,
            left_answer_id=left.id,
            right_answer_id=right.id,
            rater_id=self.raters.find(record.rater),
            undoes=self._named.get(("comparison", record.undoes or "")),
            **given,
        )
        stored = self._find_compared(record, row) if left.is_stored and right.is_stored else None
        if stored is None:
            self.context.session.add(row)
            self.context.session.flush()
        (self.context.there if stored else self.context.new)["comparison"] += 1
        self._name("comparison", record.id, (stored or row).id)

    def _find_compared(self, record: ComparisonRecord, row: models.Comparison) -> models.Comparison | None:
        told = record.model_dump(include={"preference", "note", "created_at"}, exclude_unset=True)
        same = exchange.list_same_comparisons(row, session=self.context.session)
        alike = (each for each in same if all(getattr(each, name) == value for name, value in told.items()))
        return next(alike, None)


def _status(record: AssessmentRecord, rubric: StoredRubric) -> AssessmentStatus:
    """What a verdict is that does not say so itself: whole where every criterion has a score."""
    scored = {criterion for criterion, score in record.scores.items() if score.value is not None}
    return AssessmentStatus.ok if scored == set(rubric.scales) else AssessmentStatus.partial


def _is_own_family(record: AssessmentRecord, run: models.Run | None) -> bool:
    """Whether judge and target are known to be of one model family, by what the file or their models' names say."""
    if run is None or record.rater.kind == RaterKind.person:
        return False
    judge = record.rater.family or model_family(record.rater.model or record.rater.name)
    return judge is not None and judge == (run.family or model_family(run.model))


def _fault(criterion: str, score: ScoreRecord, rubric: StoredRubric) -> tuple[str, str] | None:
    """What is wrong with a score under a rubric, and what would be right."""
    if criterion not in rubric.scales:
        guess = did_you_mean(criterion, rubric.scales).removeprefix("; ")
        known = f"known are {', '.join(rubric.scales)}"
        return f"rubric {rubric.name} has no criterion {shown(criterion)}", guess or known
    low, high = rubric.scales[criterion]
    if score.value is not None and not low <= score.value <= high:
        return (
            f"{score.value:g} is not on the scale from {low:g} to {high:g}",
            "correct it, or declare its scale: low and high of the rubric, --scale for a CSV",
        )
    return None
