"""Answers worth a person's look: judges differ, one judge's readings differ, or a decision turns on the score.

What is found here is picked, not drawn: its scores teach about judges and never stand for the other answers. Only
answers that no person has scored yet are found.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from sqlmodel import Session, col, select

from db.models import Assessment, AssessmentStatus, Rater, RaterKind, Score

NEAR = 1.0  # points around a threshold within which an answer counts as near a decision


@dataclass(frozen=True, slots=True)
class Dispute:
    """An answer in dispute: by how many points, and why in words that do not tell whose answer it is."""

    answer_id: int
    points: float
    reason: str


@dataclass(frozen=True, slots=True)
class Apart:
    """How many points the scores of one answer lie apart at most, and on which criterion."""

    points: float
    criterion: str


Readings = Mapping[tuple[int, str], Mapping[str, Sequence[float]]]  # by judge and protocol, by criterion


def find_disputes(
    run_ids: Sequence[int], rubric_id: int, threshold: float | None = None, *, session: Session
) -> list[Dispute]:
    """The answers of some runs that are in dispute under a rubric, the largest dispute first.

    `threshold`: a mean score on which a decision turns; an answer exactly at it counts like a dispute of NEAR points,
    one NEAR points away not at all.
    """
    known = (col(Assessment.run_id).in_(run_ids), col(Assessment.current).is_(True))
    columns = (Assessment.answer_id, Assessment.rater_id, Assessment.protocol, Score.criterion, Score.value)
    query = (
        select(*columns)  # pyright: ignore[reportCallIssue, reportArgumentType]
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .join(Score, col(Score.assessment_id) == col(Assessment.id))
        .where(*known, Assessment.rubric_id == rubric_id, Rater.kind == RaterKind.judge, col(Score.value).is_not(None))
    )
    scored = (
        select(Assessment.answer_id)
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .where(*known, Assessment.rubric_id == rubric_id, Rater.kind == RaterKind.person)
        .where(col(Assessment.status).in_((AssessmentStatus.ok, AssessmentStatus.partial)))
    )
    done = set(session.exec(scored))
    given: dict[int, dict[tuple[int, str], dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for answer_id, rater_id, protocol, criterion, value in session.execute(query):
        if answer_id not in done:
            given[answer_id][rater_id, protocol][criterion].append(value)
    found = [dispute_of(answer_id, readings, threshold) for answer_id, readings in given.items()]
    return sorted((one for one in found if one.points > 0), key=lambda one: (-one.points, one.answer_id))


def readings_apart(readings: Readings) -> Apart | None:
    """How far readings of one judge lie apart on the criterion where it is most; None where no judge read twice."""
    return _widest((criterion, values) for by in readings.values() for criterion, values in by.items())


def judges_apart(readings: Readings) -> Apart | None:
    """How far judges lie apart on the criterion where it is most; None where no two were asked alike.

    Judges are compared under one protocol, each by the mean of its readings: two protocols ask differently.
    """
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (_, protocol), by in readings.items():
        for criterion, values in by.items():
            means[protocol, criterion].append(fmean(values))
    return _widest((criterion, values) for (_, criterion), values in means.items())


def _widest(scores: Iterable[tuple[str, Sequence[float]]]) -> Apart | None:
    found = [(max(values) - min(values), criterion) for criterion, values in scores if len(values) > 1]
    return Apart(*max(found)) if found else None


def dispute_of(answer_id: int, readings: Readings, threshold: float | None = None) -> Dispute:
    """How far judges, and readings of one judge, lie apart on one answer, and how near it is to a decision."""
    apart = (("judges differ", judges_apart(readings)), ("one judge's readings differ", readings_apart(readings)))
    far = [(said, each) for said, each in apart if each and each.points > 0]
    reasons = [f"{said} by {each.points:.2g} on {each.criterion}" for said, each in far]
    points = max((each.points for _, each in far), default=0.0)
    if threshold is not None and readings:
        mean = fmean(fmean(fmean(values) for values in by.values()) for by in readings.values())
        near = NEAR - abs(mean - threshold)
        if near > 0:
            points = max(points, near)
            reasons.append(f"{abs(mean - threshold):.2g} from the threshold {threshold:g}")
    return Dispute(answer_id, points, "; ".join(reasons))
