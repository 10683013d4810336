"""The samples of one run that people scored, joined with a judge's scores: what its quality number is computed from.

Reads; the arithmetic is stats.quality's. What people scored and is left out is counted, with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from sqlmodel import Session

from db import frames, people_frames, rating_frames
from db.models import Design
from db.scales import FIVE, Scale, list_scales
from eval.stats.quality import QuestionScores

Strata = Mapping[int, tuple[str, float | None]]  # by question: stratum and probability (None: an import left it out)
Rows = Sequence[Mapping[str, Any]]

PICKED = "its answers were picked because judges disagree, not drawn at random"
NO_QUEUE = "no queue led to them, so that nobody drew their answers at random"
OTHERWISE = "it was drawn another way, or from other answers; more scores are in what is used"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many scores of people do not enter, of which sample (None: of none), and why."""

    sample_id: int | None
    n: int
    why: str


@dataclass(frozen=True, slots=True)
class HandSample:
    """The samples that are taken as one, each question that could have been drawn with its scores, and what is out."""

    sample_ids: tuple[int, ...]
    questions: Mapping[int, QuestionScores]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class HandScores:
    """People's scores of one run, the samples they belong to, and the questions it answered."""

    asked: tuple[int, ...]
    rows: tuple[dict[str, Any], ...]  # a row a sample, criterion and question
    strata: Mapping[int, Strata]  # by sample: every question that could have been drawn
    scales: Mapping[int, Mapping[str, Scale]]  # by rubric and criterion

    def scale(self, criterion: str) -> Scale | None:
        """The scale on which people scored a criterion; None where they did not."""
        return next((self._scale_of(row) for row in self.rows if row["criterion"] == criterion and _drawn(row)), None)

    def _scale_of(self, row: Mapping[str, Any]) -> Scale:
        return self.scales.get(int(row["rubric_id"]), {}).get(row["criterion"], FIVE)

    def join(self, criterion: str, judge: Mapping[int, float], scale: Scale) -> HandSample:
        """The samples of which people scored most, and by id each question that could have been drawn with its scores.

        Samples under one rubric, drawn independently from the same strata, are one: given how many questions of a
        stratum at least one of them holds, each such set of questions is as likely as any other, so that together they
        are a random draw of the stratum as well. `judge` holds a judge's score by question, on the same scale. No
        questions where neither scored.
        """
        hand = [row for row in self.rows if row["criterion"] == criterion]
        used = self._most_scored([row for row in hand if self._scale_of(row) == scale and _drawn(row)])
        sample_ids = tuple(sorted({int(row["sample_id"]) for row in used if row["sample_id"] is not None}))
        people = _means(used)
        found = {
            question_id: QuestionScores(
                judge=judge.get(question_id),
                people=people.get(question_id),
                probability=probability if question_id in people else None,
                stratum=stratum,
            )
            for question_id, (stratum, probability) in self._drawn_from(sample_ids, used).items()
            if question_id in self.asked
        }
        usable = any(each.judge is not None or each.drawn_score is not None for each in found.values())
        entered = {id(row) for row in used}
        left_out = self._left_out([row for row in hand if id(row) not in entered], used, scale)
        return HandSample(sample_ids, found if usable else {}, left_out)

    def _most_scored(self, rows: Rows) -> list[Mapping[str, Any]]:
        """The rows of the samples that together hold most questions; of no sample only where there is none."""
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for row in rows:
            groups.setdefault(self._alike(row), []).append(row)
        drawn = {key: its for key, its in groups.items() if its[0]["sample_id"] is not None}
        return max((drawn or groups).values(), key=lambda its: len({row["question_id"] for row in its}), default=[])

    def _alike(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the samples that may be taken together share: the rubric, and which questions form a stratum."""
        if row["sample_id"] is None:
            return (row["rubric_id"], None)
        strata = self.strata[int(row["sample_id"])]
        if not strata or any(probability is None for _, probability in strata.values()):
            return (row["rubric_id"], int(row["sample_id"]))
        held: dict[str, set[int]] = {}
        for question_id, (stratum, _) in strata.items():
            held.setdefault(stratum, set()).add(question_id)
        return (row["rubric_id"], frozenset(frozenset(ids) for ids in held.values()))

    def _drawn_from(self, sample_ids: Sequence[int], rows: Rows) -> Mapping[int, tuple[str, float | None]]:
        """Every question that could have been drawn with its stratum and the probability that a sample holds it.

        A sample from elsewhere may not say what it was drawn from: then from all questions, if they were one stratum.
        Where people's scores belong to no sample they only count if every question was scored: then nothing was left
        to chance.
        """
        strata = [self.strata[sample_id] for sample_id in sample_ids]
        if len(strata) > 1:
            return {q: (stratum, _by_any([its[q][1] for its in strata])) for q, (stratum, _) in strata[0].items()}
        if strata and strata[0]:
            return strata[0]
        if strata:
            chances = {int(row["question_id"]): row["probability"] for row in rows if not row["stratum"]}
            return {question_id: ("", chances.get(question_id)) for question_id in self.asked}
        whole = bool(self.asked) and set(self.asked) <= {int(row["question_id"]) for row in rows}
        return dict.fromkeys(self.asked, ("", 1.0 if whole else None))

    def _left_out(self, rows: Rows, used: Rows, scale: Scale) -> tuple[LeftOut, ...]:
        """What does not enter, a row a sample and reason."""
        rubrics = {row["rubric_id"] for row in used}
        counts: dict[tuple[int | None, str], int] = {}
        for row in rows:
            if row["design"] == Design.disagreement.value:
                why = PICKED
            elif self._scale_of(row) != scale:
                why = "they are on another scale"
            elif rubrics and row["rubric_id"] not in rubrics:
                why = "they are under another rubric"
            else:
                why = NO_QUEUE if row["sample_id"] is None else OTHERWISE
            of = None if row["sample_id"] is None else int(row["sample_id"])
            counts[of, why] = counts.get((of, why), 0) + int(row["n_verdicts"])
        return tuple(LeftOut(of, n, why) for (of, why), n in counts.items())


def queue_notes(sample_ids: Sequence[int], left_out: Sequence[LeftOut]) -> list[str]:
    """Which queues the hand scores come from, where there are several, and which scores stay out, a sentence each."""
    said = []
    if len(sample_ids) > 1:
        queues = f"{', '.join(f'#{i}' for i in sample_ids[:-1])} and #{sample_ids[-1]}"
        said.append(
            f"The hand scores are those of queues {queues} together: drawn alike from the same answers, they are one "
            "random sample."
        )
    elif sample_ids and left_out:
        said.append(f"The hand scores are those of queue #{sample_ids[0]}.")
    for each in left_out:
        scores = f"{each.n} hand score{'' if each.n == 1 else 's'}"
        where = "" if each.sample_id is None else f" of queue #{each.sample_id}"
        said.append(f"{scores}{where} {'does' if each.n == 1 else 'do'} not enter: {each.why}.")
    return said


def read_hand_scores(run_id: int, *, session: Session) -> HandScores:
    """What people scored of a run, on all criteria."""
    rows = frames.records(people_frames.hand_scores_frame(run_id, session=session))
    samples = {int(row["sample_id"]) for row in rows if row["sample_id"] is not None}
    asked = frames.records(rating_frames.answered_frame(run_id, session=session))
    return HandScores(
        asked=tuple(int(row["question_id"]) for row in asked),
        rows=tuple(rows),
        strata={sample_id: _strata(sample_id, run_id, session) for sample_id in samples},
        scales=list_scales(session=session),
    )


def _strata(sample_id: int, run_id: int, session: Session) -> Strata:
    rows = frames.records(people_frames.strata_frame(sample_id, run_id, session=session))
    return {int(row["question_id"]): (row["stratum"], row["probability"]) for row in rows}


def _drawn(row: Mapping[str, Any]) -> bool:
    return row["design"] != Design.disagreement.value


def _means(rows: Rows) -> dict[int, float]:
    """People's mean score by question, each verdict counting once where several samples hold the question."""
    sums: dict[int, list[float]] = {}
    for row in rows:
        its = sums.setdefault(int(row["question_id"]), [0.0, 0.0])
        its[0] += float(row["mean"]) * int(row["n_verdicts"])
        its[1] += int(row["n_verdicts"])
    return {question_id: total / n for question_id, (total, n) in sums.items()}


def _by_any(probabilities: Sequence[float | None]) -> float:
    """The probability that at least one of some independent samples holds a question."""
    return 1 - prod(1 - (p or 0.0) for p in probabilities)
