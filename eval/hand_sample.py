"""The sample of one run that people scored, joined with a judge's scores: what its quality number is computed from.

Reads; the arithmetic is stats.quality's. Scores of answers picked because judges disagree are left out here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from db import frames, people_frames, rating_frames
from db.models import Design
from db.scales import FIVE, Scale, list_scales
from eval.stats.quality import QuestionScores

Strata = Mapping[int, tuple[str, float | None]]  # by question: stratum and probability (None: an import left it out)


@dataclass(frozen=True, slots=True)
class HandScores:
    """People's scores of one run, the samples they belong to, and the questions it answered."""

    asked: tuple[int, ...]
    rows: tuple[dict[str, Any], ...]  # a row a sample, criterion and question
    strata: Mapping[int, Strata]  # by sample: every question that could have been drawn
    scales: Mapping[int, Mapping[str, Scale]]  # by rubric and criterion

    def scale(self, criterion: str) -> Scale | None:
        """The scale on which people scored a criterion; None where they did not."""
        return next((self._scale_of(row) for row in self.rows if row["criterion"] == criterion), None)

    def _scale_of(self, row: Mapping[str, Any]) -> Scale:
        return self.scales.get(int(row["rubric_id"]), {}).get(row["criterion"], FIVE)

    def join(
        self, criterion: str, judge: Mapping[int, float], scale: Scale
    ) -> tuple[int | None, dict[int, QuestionScores]]:
        """The sample of which people scored most, and by id each question that could have been drawn with its scores.

        `judge` holds a judge's score by question, on the same scale. Nothing where neither scored.
        """
        hand = [row for row in self.rows if row["criterion"] == criterion and self._scale_of(row) == scale]
        sample_id = _best_sample(hand)
        rows = [row for row in hand if row["sample_id"] == sample_id]
        people = {int(row["question_id"]): float(row["mean"]) for row in rows}
        found = {
            question_id: QuestionScores(
                judge=judge.get(question_id),
                people=people.get(question_id),
                probability=probability if question_id in people else None,
                stratum=stratum,
            )
            for question_id, (stratum, probability) in self._drawn_from(sample_id, rows).items()
            if question_id in self.asked
        }
        usable = any(each.judge is not None or each.drawn_score is not None for each in found.values())
        return sample_id, found if usable else {}

    def _drawn_from(
        self, sample_id: int | None, rows: Sequence[Mapping[str, Any]]
    ) -> Mapping[int, tuple[str, float | None]]:
        """Every question that could have been drawn with its stratum and its probability.

        A sample from elsewhere may not say what it was drawn from: then from all questions, if they were one stratum.
        Where people's scores belong to no sample they only count if every question was scored: then nothing was left
        to chance.
        """
        if sample_id is not None and self.strata[sample_id]:
            return self.strata[sample_id]
        if sample_id is not None:
            chances = {int(row["question_id"]): row["probability"] for row in rows if not row["stratum"]}
            return {question_id: ("", chances.get(question_id)) for question_id in self.asked}
        whole = bool(self.asked) and set(self.asked) <= {int(row["question_id"]) for row in rows}
        return dict.fromkeys(self.asked, ("", 1.0 if whole else None))


def read_hand_scores(run_id: int, *, session: Session) -> HandScores:
    """What people scored of a run, on all criteria."""
    rows = [
        row
        for row in frames.records(people_frames.hand_scores_frame(run_id, session=session))
        if row["design"] != Design.disagreement.value
    ]
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


def _best_sample(rows: list[dict[str, Any]]) -> int | None:
    """The sample of which people scored most; None where their scores belong to none."""
    counts: dict[int, int] = {}
    for row in rows:
        if row["sample_id"] is not None:
            counts[int(row["sample_id"])] = counts.get(int(row["sample_id"]), 0) + 1
    return max(counts, key=counts.__getitem__) if counts else None
