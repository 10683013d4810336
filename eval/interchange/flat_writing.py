"""The flat form, written: the answers of some runs and the scores that count, as CSV.

What it cannot hold is named: verdicts without scores, those that were replaced, hand scores that may stand in no plain
mean, how the others were drawn, warm-ups.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from db import exchange, models, store
from db.models import RaterKind, Run
from db.scales import FIVE, scales_of
from eval.formula import neutralised
from eval.interchange.dumping import ExportError, run_ids
from eval.interchange.flat import COLUMNS, SCALE_ROW

_USED = ("ok", "partial")
_UNUSED = "verdicts that hold no scores or were replaced were"
_DRAWN = "drawn"  # verdicts that are written without the draw that led to them


@dataclass
class FlatDump:
    """The table of some runs. `notes` is whole when `lines` has ended."""

    runs: Sequence[Run]
    session: Session
    notes: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The file's lines, header first, with a byte order mark so that Excel reads UTF-8."""
        self._check()
        rubrics = exchange.list_used_rubrics([run.id or 0 for run in self.runs], session=self.session)
        scales = _shared_scales(rubrics)
        yield "\ufeff" + _line([*COLUMNS, *scales])
        if any(scale != FIVE for scale in scales.values()):
            declared = [f"{low:g}-{high:g}" for low, high in scales.values()]
            yield _line([SCALE_ROW, *[""] * (len(COLUMNS) - 1), *declared])
        names = {rubric.id: f"{rubric.name} {rubric.version} {rubric.sha256[:12]}" for rubric in rubrics}
        left_out: defaultdict[str, int] = defaultdict(int)
        for run in self.runs:
            for row in self._rows(run, names, list(scales), left_out):
                yield _line(row)
        drawn = left_out.pop(_DRAWN, 0)
        self.notes += [f"{n} {_counted(what, n)} left out; --format jsonl holds them." for what, n in left_out.items()]
        if drawn:
            self.notes.append(
                f"How {_verdicts(drawn)} of people came to be drawn (queues, strata, probabilities) is left out: read "
                "back from this table, they correct no judge. --format jsonl holds it."
            )

    def _check(self) -> None:
        if len({run.qa_set_id for run in self.runs}) > 1:
            raise ExportError("A CSV holds answers to one QA set; export these runs apart, or as JSONL.")
        if double := next((name for name in run_ids(self.runs).values() if "#" in name), None):
            shared = double.partition("#")[0]
            raise ExportError(f"Two of the runs are {shared}; a CSV cannot tell them apart: export them as JSONL.")

    def _rows(
        self, run: Run, rubrics: dict[int | None, str], criteria: list[str], left_out: dict[str, int]
    ) -> Iterator[list[Any]]:
        questions = {q.id: q for q in store.list_questions(run.qa_set_id, session=self.session)}
        scores: defaultdict[int, dict[str, models.Score]] = defaultdict(dict)
        for score in store.list_run_scores(run.id or 0, session=self.session):
            scores[score.assessment_id][score.criterion] = score
        verdicts = self._verdicts(run, left_out)
        for answer in store.list_answers(run.id or 0, session=self.session):
            if answer.cold:
                left_out["warm-ups were"] += 1
                continue
            question = questions[answer.question_id]
            about = [question.key, question.text, question.reference, run.group_id, run.target, run.model]
            about += [answer.repeat, answer.text or "", _error(answer)]
            for assessment, rater in verdicts[answer.id or 0]:
                given = [rater.name, rater.kind.value, rubrics[assessment.rubric_id], assessment.protocol]
                given += [assessment.sample, assessment.note or "", _own_family(assessment, rater)]
                yield [*about, *given, *[_cell(scores[assessment.id or 0].get(name)) for name in criteria]]
            if not verdicts[answer.id or 0]:
                yield [*about, *[""] * (len(COLUMNS) - len(about) + len(criteria))]

    def _verdicts(self, run: Run, left_out: dict[str, int]) -> dict[int, list[tuple[models.Assessment, models.Rater]]]:
        """The verdicts that count by answer. A table cannot say how an answer came to be scored.

        So what must not stand in a plain mean stays out: read back, it would. A person's score that such a one replaced
        counts again, as it does in the means here.
        """
        apart = exchange.find_apart(run.id or 0, session=self.session)
        lines: dict[tuple[object, ...], tuple[models.Assessment, models.Rater]] = {}
        rows = store.list_run_assessments(run.id or 0, session=self.session)
        for assessment, rater in sorted(rows, key=lambda row: (row[0].current, row[0].created_at, row[0].id or 0)):
            if assessment.draw_id in apart:
                left_out[f"hand scores of answers {apart[assessment.draw_id]} were"] += 1
                continue
            line = (assessment.answer_id, rater.id, assessment.rubric_id, assessment.protocol, assessment.sample)
            if line in lines or not (assessment.current or rater.kind == RaterKind.person):
                left_out[_UNUSED] += 1
            if assessment.current or rater.kind == RaterKind.person:
                lines[line] = assessment, rater
        found: defaultdict[int, list[tuple[models.Assessment, models.Rater]]] = defaultdict(list)
        for assessment, rater in sorted(lines.values(), key=lambda row: row[0].id or 0):
            if assessment.status in _USED:
                left_out[_DRAWN] += assessment.draw_id is not None
                found[assessment.answer_id].append((assessment, rater))
            else:
                left_out[_UNUSED] += 1
        return found


def _counted(what: str, n: int) -> str:
    """What was left out, in the singular where it was one."""
    if n > 1:
        return what
    return {_UNUSED: "verdict that holds no scores or was replaced was", "warm-ups were": "warm-up was"}.get(
        what, what.replace("hand scores", "hand score").removesuffix("were") + "was"
    )


def _verdicts(n: int) -> str:
    return f"{n} verdict{'' if n == 1 else 's'}"


def _own_family(assessment: models.Assessment, rater: models.Rater) -> str:
    if rater.kind == RaterKind.person:
        return ""
    return "yes" if assessment.same_family else "no"


def _error(answer: models.Answer) -> str:
    return (answer.error or answer.error_kind or "") if answer.error_kind else ""


def _cell(score: models.Score | None) -> Any:
    if score is None:
        return ""
    if score.value is not None:
        return score.value
    return f"null: {score.null_reason}" if score.null_reason else "null"


def _shared_scales(rubrics: Sequence[models.Rubric]) -> dict[str, tuple[float, float]]:
    """The scale of each criterion of some rubrics. Raises ExportError where one has two."""
    shared: dict[str, tuple[float, float]] = {}
    for rubric in rubrics:
        scales = scales_of(rubric.body)
        for name in [criterion["id"] for criterion in rubric.body["criteria"]]:
            if shared.setdefault(name, scales[name]) != scales[name]:
                raise ExportError(f"{name} has two scales in these runs; a CSV holds one: export them as JSONL.")
    return shared


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO(newline="")
    safe = [neutralised(cell) if isinstance(cell, str) else repr(cell) for cell in cells]
    csv.writer(out, lineterminator="\r\n").writerow(safe)
    return out.getvalue()
