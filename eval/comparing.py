"""Targets compared on the same questions: which is better, by how much, and whether that is decided.

Reads what the database grouped and hands it to stats.comparison, stats.best and stats.planning; shows nothing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from db import frames, judge_frames, rating_frames, store
from db.models import Run
from eval.provenance import own_family_note
from eval.stats.best import Best, best
from eval.stats.comparison import Comparison, Test, compare_all
from eval.stats.planning import detectable, spread_seen
from eval.summary import PANEL, Quality, summarise


class ComparisonError(Exception):
    """The runs cannot be compared; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Compared:
    """All pairs of some runs on one criterion, scored by one source, over the questions they share."""

    criterion: str
    source: str
    targets: tuple[str, ...]
    n_shared: int
    pairs: list[Comparison]
    best: Best
    notes: tuple[str, ...]
    own_family: tuple[str, ...] = ()  # the targets of the judge's own model family


def labels_of(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its target's, with the run's number where two share one."""
    targets = [run.target for run in runs]
    return [run.target if targets.count(run.target) == 1 else f"{run.target} (run {run.id})" for run in runs]


def common_sources(runs: Sequence[Run], engine: Engine) -> list[str]:
    """Who scored all of the runs: people first, then judges and panels in the order of the first run."""
    by_run = [summarise(run.id or 0, engine).quality for run in runs]
    shared = (
        set.intersection(*({q.source for q in qualities if q.score.n} for qualities in by_run)) if by_run else set()
    )
    ordered = dict.fromkeys(q.source for q in by_run[0] if q.source in shared) if by_run else {}
    return sorted(ordered, key=lambda source: source != "people")


def compare(
    runs: Sequence[Run],
    engine: Engine,
    *,
    source: str | None = None,
    criterion: str | None = None,
    test: Test = "sign-flip",
) -> list[Compared]:
    """Every pair of runs, on each criterion that all have (or one), by one source. Raises ComparisonError."""
    if len(runs) < 2:
        raise ComparisonError("Two runs or more are needed to compare; `rightsize runs` lists those there are.")
    notes = notes_of(runs)
    if apart := _different_sets(runs, engine):
        notes = (apart, *notes[1:])
    known = common_sources(runs, engine)
    if not known:
        raise ComparisonError(
            f"{apart} Nobody scored all of these runs; let one judge score them: rightsize judge RUN...".lstrip()
        )
    chosen = source or known[0]
    if chosen not in known:
        raise ComparisonError(f'"{chosen}" did not score all of these runs; those who did: {", ".join(known)}.')
    by_run = [_qualities(run, chosen, engine) for run in runs]
    criteria = [name for name in by_run[0] if all(name in its for its in by_run)]
    if criterion and criterion not in criteria:
        raise ComparisonError(f'There is no criterion "{criterion}" here; there are: {", ".join(criteria)}.')
    names = labels_of(runs)
    found = []
    for name in [criterion] if criterion else criteria:
        scores = {
            label: question_scores(run, its[name], engine) for label, run, its in zip(names, runs, by_run, strict=True)
        }
        shared = set.intersection(*(set(values) for values in scores.values()))
        pairs = compare_all(scores, test=test, scale=by_run[0][name].scale)
        own = tuple(label for label, its in zip(names, by_run, strict=True) if its[name].same_family)
        told = (*notes, own_family_note(chosen, own)) if own else notes
        found.append(Compared(name, chosen, tuple(names), len(shared), pairs, best(scores), told, own))
    return found


def _different_sets(runs: Sequence[Run], engine: Engine) -> str:
    """A sentence where the runs answered different QA sets or versions; nothing where it was one.

    Raises ComparisonError where no question is the same in all of them.
    """
    if len({run.qa_set_id for run in runs}) == 1:
        return ""
    with store.reading(engine) as session:
        sets = {each.id: f"{each.name} {each.version}" for each in store.list_qa_sets(session=session)}
        asked = [
            {row["question"] for row in frames.records(rating_frames.answered_frame(run.id or 0, session=session))}
            for run in runs
        ]
    which = "; ".join(f"{label}: {sets[run.qa_set_id]}" for label, run in zip(labels_of(runs), runs, strict=True))
    shared = len(set.intersection(*asked))
    if not shared:
        raise ComparisonError(
            f"These runs answered different QA sets ({which}) that have no question in common, so they cannot be "
            "compared; ask all targets the questions of one set."
        )
    n = f"{shared} question{'s are' if shared > 1 else ' is'}"
    return (
        f"These runs answered different QA sets or versions ({which}); only what all share is compared: {n} the same."
    )


def _qualities(run: Run, source: str, engine: Engine) -> dict[str, Quality]:
    return {q.criterion: q for q in summarise(run.id or 0, engine).quality if q.source == source and q.score.n}


def notes_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """What has to be known beside a comparison of some runs, a sentence each."""
    notes = []
    if len({run.qa_set_id for run in runs}) > 1:
        notes.append(
            "The runs answered different versions of a QA set; only questions of the same content are compared."
        )
    if any(run.simulated for run in runs):
        notes.append("Simulated data: the figures describe no real model.")
    return tuple(notes)


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
    with store.reading(engine) as session:
        asked = frames.records(rating_frames.answered_frame(run.id or 0, session=session))
    return {str(row["question"]): scores[row["question_id"]] for row in asked if row["question_id"] in scores}


def detectable_difference(n_questions: int, n_targets: int, engine: Engine) -> str:
    """A sentence for the plan of a run: the smallest difference that so many questions can show at 80 % power.

    The spread is that of the differences between targets of the newest groups of runs, on the mean of all criteria.
    """
    with store.reading(engine) as session:
        groups = dict.fromkeys(run.group_id for run in store.list_runs(session=session, limit=100))
        seen = [store.list_runs(group_id=group, session=session) for group in list(groups)[:10]]
    differences = []
    for runs in seen:
        sources = common_sources(runs, engine) if len(runs) > 1 else []
        if not sources:
            continue
        scores = [
            question_scores(run, its["overall"], engine)
            for run in runs
            if "overall" in (its := _qualities(run, sources[0], engine))
        ]
        first, *others = scores or [{}]
        differences += [[first[q] - other[q] for q in first if q in other] for other in others]
    pairs = max(1, n_targets * (n_targets - 1) // 2)
    return detectable(n_questions, spread_seen(differences), comparisons=pairs)
