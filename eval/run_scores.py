"""One run's scores question by question: a source's means, and people's sample joined with a judge's.

Reads what the database grouped; what is computed from it is the business of quality_number.py and comparing.py.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from db import frames, judge_frames, rating_frames, store
from db.models import Run
from db.scales import FIVE, Scale
from eval.hand_sample import LeftOut, read_hand_scores
from eval.run_quality import PANEL, Quality
from eval.stats.quality import QuestionScores
from eval.summary import sources_of, summarise


@dataclass(frozen=True, slots=True)
class Joined:
    """People's samples of one run and criterion joined with a judge's scores, by the question's id.

    `judge`: whose scores are in, None without; `sample_ids`: the samples taken as one, none where people scored none;
    `left_out`: people's scores that do not enter.
    """

    judge: str | None
    sample_ids: tuple[int, ...]
    scale: Scale
    questions: Mapping[int, QuestionScores]
    left_out: tuple[LeftOut, ...]


def judges_of_runs(runs: Sequence[Run], engine: Engine) -> list[str]:
    """The judges and panels that scored any of some runs, in the order of summary.sources_of."""
    summaries = [summarise(run.id or 0, engine) for run in runs]
    people = {q.source for its in summaries for q in its.quality if q.rater_kind == "person"}
    return [source for source in sources_of(summaries) if source not in people]


def join_scores(run: Run, criterion: str, judge: str | None, engine: Engine) -> Joined:
    """What people scored of a run's sample and what the judge scored of its questions, on one criterion."""
    judged = summarise(run.id or 0, engine).quality_of(judge, criterion) if judge else None
    with store.reading(engine) as session:
        hand = read_hand_scores(run.id or 0, session=session)
    scale = judged.scale if judged else hand.scale(criterion) or FIVE
    found = hand.join(criterion, scores_by_id(run, judged, engine) if judged else {}, scale)
    return Joined(judge if judged else None, found.sample_ids, scale, found.questions, found.left_out)


def scores_by_id(run: Run, quality: Quality, engine: Engine) -> dict[int, float]:
    """One source's mean score by question, which goes by its id."""
    with store.reading(engine) as session:
        rows = frames.records(frames.question_scores_frame(run.id or 0, session=session))
        panel = frames.records(judge_frames.panel_frame(run.id or 0, session=session))
    rows += [{**row, "kind": PANEL, "judge_id": None} for row in panel]
    wanted = (quality.rater_kind, quality.judge_id, quality.protocol, quality.rubric_id, quality.criterion)
    parts = ("kind", "judge_id", "protocol", "rubric_id", "criterion")
    return {int(row["question_id"]): float(row["mean"]) for row in rows if tuple(row[p] for p in parts) == wanted}


def question_scores(run: Run, quality: Quality, engine: Engine) -> dict[Hashable, float]:
    """The same, each question going by its content's hash: over several versions of a QA set."""
    scores = scores_by_id(run, quality, engine)
    return {question: scores[i] for i, question in contents(run, engine).items() if i in scores}


def contents(run: Run, engine: Engine) -> dict[int, str]:
    """The content's hash of every question that a run answered, by the question's id."""
    with store.reading(engine) as session:
        asked = frames.records(rating_frames.answered_frame(run.id or 0, session=session))
    return {int(row["question_id"]): str(row["question"]) for row in asked}
