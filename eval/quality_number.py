"""The quality number of a stored run: what people would score on average, from their scores and the judge's.

The sample that people scored is hand_sample's, the arithmetic stats.quality's, what more scores would buy
stats.planning's. For "questions like these" the number is the one that is kept with the run's other figures
(summary.py). Shows nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from db.models import Run
from db.scales import Scale
from eval.comparing import labels_of
from eval.provenance import own_family_note
from eval.run_scores import join_scores, judges_of_runs
from eval.stats.corrected import Inference
from eval.stats.planning import Prospect, after_more_scores
from eval.stats.quality import Quality as QualityNumber
from eval.stats.quality import quality
from eval.summary import summarise

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
    own_family: bool = False  # the judge is of the target's model family


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
        joined = join_scores(run, criterion, chosen, engine)
        if scores := list(joined.questions.values()):
            judged = summarise(run.id or 0, engine).quality_of(joined.judge, criterion) if joined.judge else None
            number = quality(scores, inference=inference, scale=joined.scale)
            prospect = after_more_scores(scores, MORE, inference=inference, scale=joined.scale)
            found.append(
                RunQuality(
                    run.id or 0,
                    name,
                    criterion,
                    joined.judge,
                    joined.sample_id,
                    number,
                    prospect,
                    run.simulated,
                    joined.scale,
                    judged is not None and judged.same_family,
                )
            )
    if not found:
        raise QualityError(
            f'Nobody scored these runs on "{criterion}"; let a judge score them, or score on the Score page.'
        )
    return found


def own_family_notes(found: Sequence[RunQuality]) -> list[str]:
    """A sentence where the judge is of a target's own model family: it may favour it."""
    own: dict[str, list[str]] = {}
    for each in found:
        if each.judge and each.own_family:
            own.setdefault(each.judge, []).append(each.target)
    return [own_family_note(judge, targets) for judge, targets in own.items()]
