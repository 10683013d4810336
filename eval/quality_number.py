"""The quality number of a stored run: what people would score on average, from their scores and the judge's.

Finds the sample that people scored and joins it with the judge's scores; the arithmetic is stats.quality's, what more
scores would buy stats.planning's. Shows nothing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from db import frames, people_frames, rating_frames, store
from db.models import Design, Run
from db.scales import FIVE, Scale
from eval.comparing import labels_of, question_scores
from eval.stats.corrected import Inference
from eval.stats.planning import Prospect, after_more_scores
from eval.stats.quality import Quality as QualityNumber
from eval.stats.quality import QuestionScores, quality
from eval.summary import Quality, summarise

MORE = 20  # hand scores to come, whose worth is told


class QualityError(Exception):
    """There is no quality to tell of a run; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class RunQuality:
    """One run's quality number on one criterion, whom it rests on, and what more hand scores would buy."""

    run_id: int
    target: str
    criterion: str
    judge: str | None  # the source whose scores enter, None without a judge
    sample_id: int | None  # the sample that people scored, None where none did
    number: QualityNumber
    prospect: Prospect
    simulated: bool
    scale: Scale


def judges_of_runs(runs: Sequence[Run], engine: Engine) -> list[str]:
    """The judges and panels that scored any of some runs, those that scored most of them first."""
    by_run = [{q.source for q in summarise(run.id or 0, engine).quality if q.rater_kind != "person"} for run in runs]
    found = dict.fromkeys(source for its in by_run for source in sorted(its))
    return sorted(found, key=lambda source: -sum(source in its for its in by_run))


def quality_numbers(
    runs: Sequence[Run],
    engine: Engine,
    criterion: str = "overall",
    *,
    judge: str | None = None,
    inference: Inference = "questions like these",
) -> list[RunQuality]:
    """The quality number of each run on one criterion. Raises QualityError where nothing was scored on it.

    Without a `judge` the one that scored most of the runs is taken.
    """
    known = judges_of_runs(runs, engine)
    chosen = judge or (known[0] if known else None)
    if judge and judge not in known:
        raise QualityError(f'"{judge}" scored none of these runs; those who did: {", ".join(known) or "nobody"}.')
    found = []
    for run, name in zip(runs, labels_of(runs), strict=True):
        judged = next(
            (q for q in summarise(run.id or 0, engine).quality if (q.source, q.criterion) == (chosen, criterion)), None
        )
        sample_id, scores = _questions(run, judged, criterion, engine)
        if scores:
            scale = judged.scale if judged else _scale_of_people(run, criterion, engine)
            number = quality(scores, inference=inference, scale=scale)
            prospect = after_more_scores(scores, MORE, inference=inference, scale=scale)
            source = chosen if judged else None
            found.append(
                RunQuality(run.id or 0, name, criterion, source, sample_id, number, prospect, run.simulated, scale)
            )
    if not found:
        raise QualityError(
            f'Nobody scored these runs on "{criterion}"; let a judge score them, or score on the Score page.'
        )
    return found


def _scale_of_people(run: Run, criterion: str, engine: Engine) -> Scale:
    by_people = (q for q in summarise(run.id or 0, engine).quality if q.rater_kind == "person")
    return next((q.scale for q in by_people if q.criterion == criterion), FIVE)


def _questions(
    run: Run, judged: Quality | None, criterion: str, engine: Engine
) -> tuple[int | None, list[QuestionScores]]:
    """One entry a question that could have been drawn, with the judge's and, where people scored it, their score."""
    run_id = run.id or 0
    by_hash = question_scores(run, judged, engine) if judged else {}
    with store.reading(engine) as session:
        asked = frames.records(rating_frames.answered_frame(run_id, session=session))
        hand = [
            row
            for row in frames.records(people_frames.hand_scores_frame(run_id, session=session))
            if row["criterion"] == criterion and row["design"] != Design.disagreement.value
        ]
        sample_id = _best_sample(hand)
        drawn_from = _drawn_from(sample_id, run_id, asked, hand, session)
    people = {int(row["question_id"]): float(row["mean"]) for row in hand if row["sample_id"] == sample_id}
    judge: dict[int, Hashable] = {int(row["question_id"]): row["question"] for row in asked}
    scores = [
        QuestionScores(
            judge=by_hash.get(judge[question_id]),
            people=people.get(question_id),
            probability=probability if question_id in people else None,
            stratum=stratum,
        )
        for question_id, (stratum, probability) in drawn_from.items()
        if question_id in judge
    ]
    usable = any(score.judge is not None or score.drawn_score is not None for score in scores)
    return sample_id, scores if usable else []


def _best_sample(hand: Sequence[dict[str, Any]]) -> int | None:
    """The sample of which people scored most; None where their scores belong to none."""
    counts: dict[int | None, int] = {}
    for row in hand:
        counts[row["sample_id"]] = counts.get(row["sample_id"], 0) + 1
    drawn = {sample_id: n for sample_id, n in counts.items() if sample_id is not None}
    return max(drawn, key=lambda sample_id: drawn[sample_id] or 0) if drawn else None


def _drawn_from(
    sample_id: int | None,
    run_id: int,
    asked: Sequence[dict[str, Any]],
    hand: Sequence[dict[str, Any]],
    session: Session,
) -> dict[int, tuple[str, float | None]]:
    """Every question that could have been drawn with its stratum and its probability.

    Where people's scores belong to no sample (they came from elsewhere, say) they only count if every question was
    scored: then nothing was left to chance.
    """
    if sample_id is not None:
        strata = frames.records(people_frames.strata_frame(int(sample_id), run_id, session=session))
        return {int(row["question_id"]): (row["stratum"], float(row["probability"])) for row in strata}
    scored = {int(row["question_id"]) for row in hand}
    whole = bool(asked) and all(int(row["question_id"]) in scored for row in asked)
    return {int(row["question_id"]): ("", 1.0 if whole else None) for row in asked}
