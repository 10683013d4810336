"""The samples of one run that people scored, joined with a judge's scores: what its quality number is computed from.

Reads; the arithmetic is stats.quality's. What people scored and is left out is counted, with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
UNKNOWN = "one of the queues does not say how all its answers were drawn; more scores are in what is used"
ELSEWHERE = "its answers were drawn from others than those of the queues that are used, which hold more scores"
THIN = "taken together with what is used, a band of its draw would hold fewer than 2 scored questions; score more of it"
PAIRED = (
    "what is used holds more than half of the questions, and with another kind of draw targets could no longer be "
    "compared question by question; score what is left of the queues that are used"
)
LEAST = 2  # hand scores of a stratum, or all it has: with fewer there is no interval (stats.quality)


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

        Samples under one rubric that were drawn independently are one. Those from the same strata: given how many
        questions of a stratum at least one of them holds, each such set of questions is as likely as any other, so that
        together they are a random draw of the stratum as well. Those from other strata of the same questions: the same
        holds in every part that the strata of all of them share, and these parts become the strata. `judge` holds a
        judge's score by question, on the same scale. No questions where neither scored.
        """
        hand = [row for row in self.rows if row["criterion"] == criterion]
        groups = self._alike_groups([row for row in hand if self._scale_of(row) == scale and _drawn(row)])
        used, drawn_from, apart = self._taken_together(groups)
        sample_ids = tuple(sorted(_samples_of(used)))
        people = _means(used)
        found = {
            question_id: QuestionScores(
                judge=judge.get(question_id),
                people=people.get(question_id),
                probability=probability if question_id in people else None,
                stratum=stratum,
            )
            for question_id, (stratum, probability) in drawn_from.items()
            if question_id in self.asked
        }
        usable = any(each.judge is not None or each.drawn_score is not None for each in found.values())
        entered = {id(row) for row in used}
        left_out = self._left_out([row for row in hand if id(row) not in entered], used, scale, apart)
        return HandSample(sample_ids, found if usable else {}, left_out)

    def _alike_groups(self, rows: Rows) -> list[list[Mapping[str, Any]]]:
        """Rows of samples drawn from the same strata, most questions first; of no sample only where there is none."""
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for row in rows:
            groups.setdefault(self._alike(row), []).append(row)
        drawn = {key: its for key, its in groups.items() if its[0]["sample_id"] is not None}
        return sorted((drawn or groups).values(), key=lambda its: -len({row["question_id"] for row in its}))

    def _taken_together(
        self, groups: Sequence[list[Mapping[str, Any]]]
    ) -> tuple[list[Mapping[str, Any]], Strata, Mapping[int, str]]:
        """The rows that enter, what they were drawn from, and by sample why it does not enter."""
        if not groups:
            return [], self._drawn_from((), ()), {}
        used, *others = groups
        used = list(used)
        strata = self._drawn_from(sorted(_samples_of(used)), used)
        apart: dict[int, str] = {}
        for rows in others:
            if rows[0]["rubric_id"] != used[0]["rubric_id"]:
                continue
            added = self._drawn_from(sorted(_samples_of(rows)), rows)
            cells = _shared_parts(strata, added)
            if why := _why_apart(strata, added, cells, used, rows):
                apart |= dict.fromkeys(_samples_of(rows), why)
            else:
                used, strata = [*used, *rows], cells
        return used, strata, apart

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

    def _drawn_from(self, sample_ids: Sequence[int], rows: Rows) -> Strata:
        """Every question that could have been drawn with its stratum and the probability that a sample holds it.

        A sample from elsewhere may not say what it was drawn from: then from all questions, if they were one stratum.
        Where people's scores belong to no sample they only count if every question was scored: then nothing was left
        to chance.
        """
        strata = [self.strata[sample_id] for sample_id in sample_ids]
        if strata and strata[0]:
            joined, *more = strata
            for its in more:
                joined = {q: (name, _by_either(p, its[q][1])) for q, (name, p) in joined.items()}
            return joined
        if strata:
            chances = {int(row["question_id"]): row["probability"] for row in rows if not row["stratum"]}
            return {question_id: ("", chances.get(question_id)) for question_id in self.asked}
        whole = bool(self.asked) and set(self.asked) <= {int(row["question_id"]) for row in rows}
        return dict.fromkeys(self.asked, ("", 1.0 if whole else None))

    def _left_out(self, rows: Rows, used: Rows, scale: Scale, apart: Mapping[int, str]) -> tuple[LeftOut, ...]:
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
                why = NO_QUEUE if row["sample_id"] is None else apart.get(int(row["sample_id"]), UNKNOWN)
            of = None if row["sample_id"] is None else int(row["sample_id"])
            counts[of, why] = counts.get((of, why), 0) + int(row["n_verdicts"])
        return tuple(LeftOut(of, n, why) for (of, why), n in counts.items())


def queue_notes(sample_ids: Sequence[int], left_out: Sequence[LeftOut]) -> list[str]:
    """Which queues the hand scores come from, where there are several, and which scores stay out, a sentence each."""
    said = []
    if len(sample_ids) > 1:
        queues = f"{', '.join(f'#{i}' for i in sample_ids[:-1])} and #{sample_ids[-1]}"
        said.append(
            f"The hand scores are those of queues {queues} together: drawn independently from the same answers, they "
            "are one random sample."
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


def _samples_of(rows: Rows) -> set[int]:
    return {int(row["sample_id"]) for row in rows if row["sample_id"] is not None}


def _shared_parts(strata: Strata, added: Strata) -> Strata:
    """The parts that two draws' strata share, with the probability that at least one of the draws holds a question.

    A question from which the second was not drawn is in a part of its own, which the first alone reaches.
    """
    several = len({added.get(q, ("", None))[0] if q in added else None for q in strata}) > 1
    found = {}
    for question_id, (name, probability) in strata.items():
        its_name, its_probability = added.get(question_id, ("not drawn from", 0.0))
        part = " / ".join(filter(None, (name, its_name))) if several else name
        found[question_id] = (part, _by_either(probability, its_probability))
    return found


def _why_apart(strata: Strata, added: Strata, cells: Strata, used: Rows, rows: Rows) -> str:
    """Why a sample is not taken together with those in use, "" where it is."""
    if any(p is None for its in (strata, added) for _, p in its.values()):
        return UNKNOWN
    if not added or not set(added) <= set(strata):
        return ELSEWHERE
    scored = {int(row["question_id"]) for row in used}
    plain = len({name for name, _ in strata.values()}) == 1 < len({name for name, _ in cells.values()})
    if plain and 2 * len(scored) > len(strata):
        return PAIRED
    sizes = Counter(name for name, _ in cells.values())
    held = Counter(cells[q][0] for q in scored | {int(row["question_id"]) for row in rows} if q in cells)
    return THIN if any(held[name] < min(LEAST, size) for name, size in sizes.items()) else ""


def _by_either(one: float | None, other: float | None) -> float:
    """The probability that at least one of two independent samples holds a question."""
    return 1 - (1 - (one or 0.0)) * (1 - (other or 0.0))
