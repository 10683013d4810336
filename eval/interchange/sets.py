"""What answers and scores of a file refer to: QA sets, rubrics and raters, found by content or stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from urllib.parse import urlsplit

from db import exchange, models, scoring, store
from db.models import RaterKind
from db.scales import Scale, scales_of
from eval import qa_set, records, rubric
from eval.faults import shown
from eval.interchange.context import Context, Where, place_of
from eval.interchange.records import OpenQuestion, QASetHead, QuestionRecord, RaterRecord, RubricRecord

BUILT_IN = "built-in"  # what comes with Rightsize may be named so without writing it into the file


@dataclass(frozen=True)
class StoredSet:
    """A QA set as it lies in the database: the id of each question by the author's id."""

    id: int
    sha256: str
    questions: dict[str, int]
    others: tuple["StoredSet", ...] = ()  # further ones that hold the same questions


@dataclass
class _Open:
    """A QA set whose questions are still being read."""

    head: QASetHead
    where: Where
    questions: dict[str, OpenQuestion] = field(default_factory=dict)
    lower: dict[str, Where] = field(default_factory=dict)
    stored: StoredSet | None = None
    is_closed: bool = False


@dataclass
class QASets:
    """The QA sets of a file; one is complete, and stored, when the first run that answered it comes."""

    context: Context
    _sets: dict[str, _Open] = field(default_factory=dict)

    def take(self, where: Where, record: QASetHead) -> None:
        if first := self._sets.get(record.id):
            return self.context.taken(where, "qa_set", record.id, first.where)
        self._sets[record.id] = _Open(record, where)
        return None

    def take_question(self, where: Where, record: QuestionRecord) -> None:
        its = self._sets.get(record.qa_set)
        if its is not None and not its.is_closed and its.lower.setdefault(record.id.lower(), where) == where:
            its.questions[record.id] = record.opened()
            return
        self.context.broken.add(("question", record.id))
        if its is None:
            self.context.missing(where, "qa_set", "qa_set", record.qa_set, self._sets)
        elif its.is_closed:
            remedy = "write all questions ahead of the runs that answered them"
            self.context.fault(where, "qa_set", "a run on an earlier line has answered this QA set", remedy)
        else:
            problem = f"{shown(record.id)} is already in {place_of(its.lower[record.id.lower()])}"
            self.context.fault(where, "id", problem, "give every question its own id")

    def find(self, where: Where, name: str) -> StoredSet | None:
        """A QA set of the file, stored now if it was not; None, and a fault, where there is none or it is faulty."""
        if name not in self._sets:
            self._look_up(where, name)
        its = self._sets.get(name)
        if its is None:
            return self.context.missing(where, "qa_set", "qa_set", name, self._sets)
        if not its.is_closed:
            its.is_closed = True
            its.stored = self._store(its)
        return its.stored

    def _look_up(self, where: Where, name: str) -> None:
        """A QA set that no line declares: the one that comes with Rightsize, or one that is stored."""
        head = QASetHead(record="qa_set", id=name, name=name)
        if stored := exchange.find_qa_set(name, session=self.context.session):
            its = self._as_stored(stored)
            self._sets[name] = _Open(head, where, stored=its, is_closed=True)
        elif name == BUILT_IN:
            built_in = qa_set.built_in()
            questions = {q.id: OpenQuestion.model_validate(q.model_dump()) for q in built_in.questions}
            self._sets[name] = _Open(head.model_copy(update={"version": built_in.version}), where, questions)

    def finish(self) -> None:
        """Store those, too, that no run has answered."""
        for name, its in list(self._sets.items()):
            self.find(its.where, name)

    def _store(self, its: _Open) -> StoredSet | None:
        if not its.questions:
            if not self.context.faults.listed:  # else the fault may be that of its questions
                problem = "there is no question of this QA set"
                self.context.fault(its.where, None, problem, "write its questions ahead of its first run")
            return None
        if its.head.subset and (found := self._holding(its)):
            self.context.there["question"] += len(its.questions)
            return found
        whole = qa_set.QASet(name=its.head.name, version="0", questions=tuple(its.questions.values()))
        if its.head.sha256 not in (None, whole.sha256) and not self.context.faults.listed:  # or a faulty one is missing
            problem = f"its questions have the hash {whole.sha256[:12]}..., not {str(its.head.sha256)[:12]}..."
            self.context.fault(its.where, "sha256", problem, "leave it out, or restore the questions as they were")
        head, rows = records.qa_set_rows(whole.model_copy(update={"version": its.head.version or whole.sha256[:8]}))
        stored = store.save_qa_set(head, rows, session=self.context.session)
        counts = self.context.new if stored is head else self.context.there
        counts["qa_set"] += 1
        counts["question"] += len(rows)
        if stored is not head and (stored.name, stored.version) != (head.name, head.version):
            named = f"{stored.name} {stored.version}"
            self.context.notes.append(f"QA set {head.name} {head.version} is stored already, as {named}.")
        return self._as_stored(stored)

    def _holding(self, its: _Open) -> StoredSet | None:
        """The newest stored QA set that holds all these questions, with the others that do."""
        texts = {key: (question.question, question.reference) for key, question in its.questions.items()}
        found = exchange.list_qa_sets_with(texts, session=self.context.session)
        first, *others = [self._as_stored(row) for row in found] or [None]
        return first and replace(first, others=tuple(other for other in others if other))

    def _as_stored(self, row: models.QASet) -> StoredSet:
        questions = store.list_questions(row.id or 0, session=self.context.session)
        return StoredSet(row.id or 0, row.sha256, {q.key: q.id or 0 for q in questions})


@dataclass(frozen=True)
class StoredRubric:
    """A rubric as it lies in the database: the scale of each criterion."""

    id: int
    name: str
    scales: dict[str, Scale]  # by criterion, in the rubric's order


@dataclass
class Rubrics:
    """The rubrics of a file."""

    context: Context
    _rubrics: dict[str, tuple[StoredRubric, Where]] = field(default_factory=dict)

    def take(self, where: Where, record: RubricRecord) -> None:
        if record.id in self._rubrics:
            return self.context.taken(where, "rubric", record.id, self._rubrics[record.id][1])
        known = self._known(record.hash) if record.hash else None
        self._rubrics[record.id] = known or self._store(record.scored()), where
        return None

    def _known(self, digest: str) -> StoredRubric | None:
        """The rubric whose hash begins so, if it is stored or comes with Rightsize."""
        if rubric.built_in().sha256.startswith(digest):
            return self._store(rubric.built_in())
        stored = exchange.find_rubric(digest, session=self.context.session)
        return stored and self._as_stored(stored, [criterion["id"] for criterion in stored.body["criteria"]])

    def find(self, where: Where, name: str) -> StoredRubric | None:
        """A rubric of the file; None, and a fault, where there is none."""
        if name not in self._rubrics and name == BUILT_IN:
            self._rubrics[name] = self._store(rubric.built_in()), where
        if name not in self._rubrics:
            return self.context.missing(where, "rubric", "rubric", name, self._rubrics)
        return self._rubrics[name][0]

    def _store(self, its: rubric.Rubric) -> StoredRubric:
        body = its.model_dump(mode="json")
        row = models.Rubric(sha256=its.sha256, name=its.name, version=its.version, body=body)
        stored = store.save_rubric(row, session=self.context.session)
        (self.context.new if stored is row else self.context.there)["rubric"] += 1
        return self._as_stored(stored, its.criterion_ids)

    def _as_stored(self, row: models.Rubric, criteria: Sequence[str]) -> StoredRubric:
        scales = scales_of(row.body)
        return StoredRubric(row.id or 0, row.name, {name: scales[name] for name in criteria})


@dataclass
class Raters:
    """The raters of a file. A judge of the same name but another model or address is another judge."""

    context: Context
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def find(self, record: RaterRecord) -> int:
        """The id of a rater, stored now if it is new."""
        key = (record.kind, record.name, record.model, record.endpoint, record.family, record.simulated)
        if key not in self._known:
            self._known[key] = self._person(record) if record.kind == RaterKind.person else self._judge(record)
        return self._known[key]

    def _person(self, record: RaterRecord) -> int:
        found = scoring.find_person(record.name, session=self.context.session)
        return self._id(found, record.name, record)

    def _judge(self, record: RaterRecord) -> int:
        stored = {r.name: r for r in store.list_raters(session=self.context.session, kind=RaterKind.judge)}
        name = next(n for n in _names(record) if n not in stored or _is_same(stored[n], record))
        if name != record.name:
            self.context.notes.append(f"Judge {record.name} is called {name} here: another judge has that name.")
        return self._id(stored.get(name), name, record)

    def _id(self, found: models.Rater | None, name: str, record: RaterRecord) -> int:
        if found:
            self.context.there["rater"] += 1
            return found.id or 0
        self.context.new["rater"] += 1
        row = models.Rater(**record.model_dump(exclude={"name"}), name=name)
        return store.save_rater(row, session=self.context.session).id or 0


def _is_same(stored: models.Rater, record: RaterRecord) -> bool:
    """Whether what the file says of a judge is so of the stored one."""
    given = record.model_dump(exclude_unset=True, include={"model", "endpoint", "simulated"})
    return all(getattr(stored, name) == value for name, value in given.items())


def _names(record: RaterRecord) -> Iterator[str]:
    """What a judge may be called, best first: as everywhere, by its name and where it is."""
    address = record.endpoint or record.model or "imported"
    where = urlsplit(address).netloc or address
    yield from (record.name, f"{record.name} @ {where}", f"{record.name} @ {address}")
    yield from (f"{record.name} @ {address}, {n}" for n in count(2))
