"""The quality of one run by everybody who scored it: judges, panels of them, and people, on each criterion.

db groups in SQL, stats turns groups into estimates; the number that people's sample gives is hand_sample's and
stats.quality's. Keeping the figures is summary.py's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from sqlmodel import Session

from db import frames, judge_frames, store
from db.models import RaterKind
from db.scales import FIVE, Scale, list_scales
from eval.hand_sample import HandScores, LeftOut, queue_notes, read_hand_scores
from eval.rubric import built_in as built_in_rubric
from eval.stats.intervals import Estimate, mean_interval
from eval.stats.quality import Quality as QualityNumber
from eval.stats.quality import quality

PANEL = "panel"  # the kind of rater that several judges are together
CALIBRATED = ("human-corrected", "people alone")  # methods of a quality number that rests on people's scores
UNDRAWN = "people, not a random sample"  # how a quality was found that is people's plain mean

Source = tuple[str, int | None, str, int]  # kind of rater, judge's id (None for the people), protocol, rubric's id
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quality:
    """The mean score of a run on one criterion from one source."""

    source: str  # "people", or the judge's name with its protocol; a rubric that is not today's is named
    rater_kind: str
    judge_id: int | None
    protocol: str
    rubric_id: int
    criterion: str  # a rubric's criterion, or "overall"
    score: Estimate  # n counts questions
    n_scored: int  # answers with a score on this criterion
    n_failed: int  # verdicts that could not be used
    n_answers: int  # answers there were to score
    same_family: bool
    spread: Estimate | None = None  # points between a panel's judges, or between one judge's readings of an answer
    scale: Scale = FIVE  # lowest and highest score there are
    questions: tuple[int, ...] = ()  # ids of those with a score: means over others cannot be compared
    number: QualityNumber | None = (
        None  # people's scores corrected with these, or these alone, for questions like these
    )
    population: tuple[int, ...] = ()  # ids of the questions that people's sample stands for
    sample_ids: tuple[int, ...] = ()  # the samples of people's scores that enter the number, taken as one
    left_out: tuple[LeftOut, ...] = ()  # people's scores that do not enter it, and why

    @property
    def calibrated(self) -> bool:
        """Whether the quality rests on what people scored of a valid sample."""
        return self.number is not None and self.number.method in CALIBRATED

    @property
    def shown(self) -> Estimate:
        """The quality that is shown everywhere: the quality number; people's plain mean where they scored no sample.

        Its n counts the questions that entered.
        """
        its = self.number
        if its is None or self.how == UNDRAWN:
            return self.score
        n = its.n_people if its.method == "people alone" else max(its.n_people, its.n_judge)
        return Estimate(its.value, its.low, its.high, n)

    @property
    def how(self) -> str:
        """How the quality that is shown was found."""
        if self.number is None or (self.rater_kind == RaterKind.person and not self.calibrated):
            return UNDRAWN if self.rater_kind == RaterKind.person else "judge only, not calibrated"
        return self.number.method


@dataclass(frozen=True, slots=True)
class ScoreRows:
    """What is stored of the scores of one run, grouped: what its qualities are computed from."""

    scores: Sequence[Row]  # a row a source, criterion and question
    spreads: Sequence[Row]  # how far judges, and readings of one judge, lie apart
    verdicts: Sequence[Row]  # counted by source and status
    rubrics: Mapping[int, str]  # by id, how a rubric is told from today's
    scales: Mapping[tuple[int, str], Scale]  # by rubric and criterion
    hand: HandScores


def read_scores(run_id: int, *, session: Session) -> ScoreRows:
    """The scores of a run by everybody."""
    panel = _of_kind(judge_frames.panel_frame(run_id, session=session), PANEL)
    flicker = _of_kind(judge_frames.flicker_frame(run_id, session=session), RaterKind.judge.value)
    scales = list_scales(session=session)
    return ScoreRows(
        scores=[*frames.records(frames.question_scores_frame(run_id, session=session)), *panel],
        spreads=[*panel, *flicker],
        verdicts=frames.records(frames.verdicts_frame(run_id, session=session)),
        rubrics=_rubric_names(session),
        scales={(i, name): its for i, known in scales.items() for name, its in known.items()},
        hand=read_hand_scores(run_id, session=session),
    )


def _of_kind(frame: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """The rows of a frame of judges with the kind of rater that they stand for."""
    return [{"judge_id": None, **row, "kind": kind} for row in frames.records(frame)]


def _rubric_names(session: Session) -> dict[int, str]:
    """By id, how a rubric is told from today's; empty for today's itself."""
    today = built_in_rubric().sha256
    return {
        rubric.id or 0: "" if rubric.sha256 == today else f"{rubric.name} {rubric.version} ({rubric.sha256[:6]})"
        for rubric in store.list_rubrics(session=session)
    }


def _source(row: dict[str, Any]) -> Source:
    judge_id = None if row["judge_id"] is None else int(row["judge_id"])
    return str(row["kind"]), judge_id, str(row["protocol"]), int(row["rubric_id"])


def _label(source: Source, judges: Mapping[int, str], rubrics: Mapping[int, str]) -> str:
    """What a source is called; another rubric than today's is named, so that two are never taken for one."""
    kind, judge_id, protocol, rubric_id = source
    who = "people" if judge_id is None else f"{judges[judge_id]} ({protocol})"
    if kind == PANEL:
        who = panel_name(protocol)
    return f"{who}, {rubrics[rubric_id]}" if rubrics.get(rubric_id) else who


def panel_name(protocol: str) -> str:
    """What the mean over several judges, asked in one way, is called."""
    return f"panel of judges ({protocol})"


def qualities(rows: ScoreRows, judges: Mapping[int, str], n_answers: int) -> list[Quality]:
    """A row a source and criterion; `judges` are their names by id, `n_answers` how many there were to score.

    A source none of whose verdicts could be used has one row, without a figure.
    """
    apart: dict[tuple[Source, str], list[float]] = {}
    for row in rows.spreads:
        apart.setdefault((_source(row), str(row["criterion"])), []).append(float(row["spread"]))
    n_failed: dict[Source, int] = {}
    for row in rows.verdicts:
        if row["status"] not in ("ok", "partial", "withdrawn"):
            n_failed[_source(row)] = n_failed.get(_source(row), 0) + int(row["n"])
    groups: dict[tuple[Source, str], list[Row]] = {}
    for row in rows.scores:
        groups.setdefault((_source(row), str(row["criterion"])), []).append(row)
    scored = {source for source, _ in groups}
    groups |= {(source, "overall"): [] for source in n_failed if source not in scored}
    found = []
    for (source, criterion), group in sorted(groups.items(), key=_order):
        kind, judge_id, protocol, rubric_id = source
        scale = rows.scales.get((rubric_id, criterion), FIVE)
        found.append(
            Quality(
                source=_label(source, judges, rows.rubrics),
                rater_kind=kind,
                judge_id=judge_id,
                protocol=protocol,
                rubric_id=rubric_id,
                criterion=criterion,
                score=mean_interval([float(row["mean"]) for row in group], bounds=scale),
                n_scored=sum(int(row["n_answers"]) for row in group),
                n_failed=n_failed.get(source, 0),
                n_answers=n_answers,
                same_family=any(row["same_family"] for row in group),
                spread=_spread(apart.get((source, criterion)), scale),
                scale=scale,
                questions=tuple(sorted({int(row["question_id"]) for row in group})),
                **_number(rows.hand, criterion, group if kind != RaterKind.person else [], scale),
            )
        )
    return found


def _number(hand: HandScores, criterion: str, judged: Sequence[dict[str, Any]], scale: Scale) -> dict[str, Any]:
    """The quality number that people's sample and one judge's scores give, what it stands for, and what is left out."""
    joined = hand.join(criterion, {int(row["question_id"]): float(row["mean"]) for row in judged}, scale)
    if not joined.questions:
        return {}
    found = quality(list(joined.questions.values()), scale=scale)
    return {
        "number": replace(found, notes=(*found.notes, *queue_notes(joined.sample_ids, joined.left_out))),
        "population": tuple(sorted(joined.questions)) if found.method in CALIBRATED else (),
        "sample_ids": joined.sample_ids,
        "left_out": joined.left_out,
    }


def _spread(values: list[float] | None, scale: Scale) -> Estimate | None:
    return mean_interval(values, bounds=(0.0, scale[1] - scale[0])) if values else None


def _order(item: tuple[tuple[Source, str], Any]) -> tuple[str, int, str, int, str]:
    (kind, judge_id, protocol, rubric_id), criterion = item[0]
    return kind, judge_id or 0, protocol, rubric_id, criterion
