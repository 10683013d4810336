"""The quality number of a stored run: what people would score on average, from their scores and the judge's.

The sample that people scored is hand_sample's, the arithmetic stats.quality's, what more scores would buy
stats.planning's. For "questions like these" the number is the one that is kept with the run's other figures
(summary.py). Shows nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from db.models import Run
from db.scales import Scale
from eval.comparing import labels_of
from eval.expected import ExpectedError
from eval.hand_sample import LeftOut, queue_notes
from eval.provenance import own_family_note
from eval.run_scores import join_scores, judges_of_runs
from eval.stats.corrected import Inference
from eval.stats.planning import Prospect, after_more_scores
from eval.stats.quality import Quality as QualityNumber
from eval.stats.quality import quality
from eval.summary import summarise

MORE = 20  # hand scores to come, whose worth is told


class QualityError(ExpectedError):
    """There is no quality to tell of a run; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class RunQuality:
    """One run's quality number on one criterion, whom it rests on, and what more hand scores would buy."""

    run_id: int
    target: str
    criterion: str
    judge: str | None  # the source whose scores enter, None without a judge
    sample_ids: tuple[int, ...]  # the samples (queues) whose scores enter, taken as one; none where people scored none
    number: QualityNumber
    prospect: Prospect
    simulated: bool
    scale: Scale
    own_family: bool = False  # the judge is of the target's model family
    left_out: tuple[LeftOut, ...] = ()  # people's scores that do not enter, and why


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
            number = replace(number, notes=(*number.notes, *queue_notes(joined.sample_ids, joined.left_out)))
            prospect = after_more_scores(scores, MORE, inference=inference, scale=joined.scale)
            found.append(
                RunQuality(
                    run.id or 0,
                    name,
                    criterion,
                    joined.judge,
                    joined.sample_ids,
                    number,
                    prospect,
                    run.simulated,
                    joined.scale,
                    judged is not None and judged.same_family,
                    joined.left_out,
                )
            )
    if not found:
        raise QualityError(_nothing(runs, criterion, engine))
    return found


def _nothing(runs: Sequence[Run], criterion: str, engine: Engine) -> str:
    """Why there is no quality on a criterion, and which criteria or ways there are."""
    said = f'Nobody scored these runs on "{criterion}"'
    known = dict.fromkeys(q.criterion for run in runs for q in summarise(run.id or 0, engine).quality if q.score.n)
    if known:
        return f"{said}; they were scored on {', '.join(known)}: choose one with --criterion."
    return f"{said}; let a judge score them, or score on the Score page."


def grounds(found: Sequence[RunQuality]) -> list[tuple[str, tuple[str, ...]]]:
    """What the numbers rest on: each sentence once, with the targets it holds for (none named: all of them)."""
    holds: dict[str, list[str]] = {}
    for each in found:
        for note in each.number.notes:
            holds.setdefault(note, []).append(each.target)
    told = [(note, () if len(names) == len(found) else tuple(names)) for note, names in holds.items()]
    return sorted(told, key=lambda one: bool(one[1]))


def own_family_notes(found: Sequence[RunQuality]) -> list[str]:
    """A sentence where the judge is of a target's own model family: it may favour it."""
    own: dict[str, list[str]] = {}
    for each in found:
        if each.judge and each.own_family:
            own.setdefault(each.judge, []).append(each.target)
    return [own_family_note(judge, targets) for judge, targets in own.items()]
