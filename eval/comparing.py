"""Targets compared on the same questions: which is better, by how much, and whether that is decided.

Reads what the database grouped and hands it to stats.comparison, stats.best and stats.planning; shows nothing.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sqlalchemy import Engine

from db import frames, rating_frames, store
from db.models import Run
from db.scales import Scale
from eval.expected import ExpectedError
from eval.provenance import own_family_note
from eval.run_quality import Quality
from eval.run_scores import contents, join_scores, judges_of_runs, question_scores
from eval.stats.best import Best, best, best_number
from eval.stats.calibrated import Calibrated, calibrate, contradicts, measure, withdrawn
from eval.stats.comparison import Comparison, Measured, Test, compare_all
from eval.stats.planning import detectable, spread_seen
from eval.summary import summarise

PEOPLE = "people"
JUDGE_ONLY = "judge only, not calibrated"


class ComparisonError(ExpectedError):
    """The runs cannot be compared; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Compared:
    """All pairs of some runs on one criterion, over the questions they share.

    `source` scored them all; each pair says in its `method` whether its difference is that source's or that of quality
    numbers, which the scores of `judge` correct; `rests_on` says it of all in words. `decided_best` is the target that
    every pair says is better; None where that is open. `best` tells how often each is highest over resamples: empty
    where the pairs do not rest on scores of one kind, or people's scores contradict them.
    """

    criterion: str
    source: str
    targets: tuple[str, ...]
    n_shared: int
    pairs: list[Comparison]
    best: Best
    notes: tuple[str, ...]
    rests_on: str
    decided_best: str | None = None
    own_family: tuple[str, ...] = ()  # the targets of the judge's own model family
    judge: str | None = None


def title_of(compared: Compared) -> str:
    """What a comparison is of, as one line; a sentence where nothing can be compared."""
    said = f"{compared.criterion}, scored by {compared.rests_on}"
    if all(pair.outcome == "no comparison" for pair in compared.pairs):
        most = max((pair.n for pair in compared.pairs), default=0)
        shared = "no question" if most == 0 else "only one question"
        return f"{said}: these runs cannot be compared, because {shared} was scored for two of them."
    if not compared.n_shared:
        return f"{said}; no question was scored for all of them, each pair says how many it shares"
    return f"{said}, {compared.n_shared} shared question{'' if compared.n_shared == 1 else 's'}"


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
    return sorted(ordered, key=lambda source: source != PEOPLE)


def compare(
    runs: Sequence[Run],
    engine: Engine,
    *,
    source: str | None = None,
    criterion: str | None = None,
    test: Test = "sign-flip",
    judge: str | None = None,
) -> list[Compared]:
    """Every pair of runs, on each criterion that all have (or one), by one source. Raises ComparisonError.

    Without a source, pairs that people scored a valid sample of are compared by their quality numbers, which `judge`
    helps (or the one that scored most of the runs); the others by the first source that scored all. No verdict stands
    against quality numbers whose intervals lie apart the other way.
    """
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
    chosen = source or (judge if judge in known and PEOPLE not in known else known[0])
    if chosen not in known:
        raise ComparisonError(f'"{chosen}" did not score all of these runs; those who did: {", ".join(known)}.')
    by_run = [_qualities(run, chosen, engine) for run in runs]
    criteria = [name for name in by_run[0] if all(name in its for its in by_run)]
    if criterion and criterion not in criteria:
        raise ComparisonError(f'There is no criterion "{criterion}" here; there are: {", ".join(criteria)}.')
    helper = judge or (chosen if chosen != PEOPLE else next(iter(judges_of_runs(runs, engine)), None))
    names = labels_of(runs)
    found = []
    for name in [criterion] if criterion else criteria:
        scores = {
            label: question_scores(run, its[name], engine) for label, run, its in zip(names, runs, by_run, strict=True)
        }
        scale = by_run[0][name].scale
        numbers = {label: _calibrated(run, name, helper, scale, engine) for label, run in zip(names, runs, strict=True)}
        instead = {} if source else _measured(numbers, scale)
        found_pairs = compare_all(scores, test=test, scale=scale, instead=instead)
        pairs = [_settled(pair, numbers, chosen) for pair in found_pairs]
        settled = [pair.outcome for pair in pairs] == [pair.outcome for pair in found_pairs]
        calibrated = [number.questions for number in numbers.values() if number]
        shared = calibrated if len(calibrated) == len(runs) and instead else scores.values()
        own = tuple(label for label, its in zip(names, by_run, strict=True) if its[name].same_family)
        told = (*notes, *_grounds(pairs), *((own_family_note(chosen, own),) if own else ()))
        corrected = helper if any(pair.method == "human-corrected" for pair in pairs) else None
        found.append(
            Compared(
                name,
                chosen,
                tuple(names),
                len(set.intersection(*(set(questions) for questions in shared))),
                pairs,
                _highest(scores, numbers, instead) if settled else Best({}, 0),
                told,
                rests_on(pairs, chosen, corrected),
                decided_best(names, pairs),
                own,
                corrected,
            )
        )
    return found


def rests_on(pairs: Sequence[Comparison], source: str, judge: str | None) -> str:
    """Whose scores some differences are those of, in words; `judge` is who corrects people's."""
    ways = {pair.n_people is not None for pair in pairs}
    calibrated = f"people, corrected with {judge}" if judge else PEOPLE
    if ways == {True}:
        return calibrated
    alone = source if source == PEOPLE else f"{source} ({JUDGE_ONLY})"
    return f"{calibrated}, or {alone}" if True in ways and calibrated != alone else alone


def decided_best(targets: Sequence[str], pairs: Sequence[Comparison]) -> str | None:
    """The target that its pair with every other one says is better; None where there is none."""
    wins = Counter(
        pair.first if pair.outcome == "better" else pair.second for pair in pairs if pair.outcome in ("better", "worse")
    )
    return next((name for name in targets if wins[name] == len(targets) - 1), None)


def _highest(
    scores: Mapping[str, Mapping[Hashable, float]],
    numbers: Mapping[str, Calibrated | None],
    instead: Mapping[tuple[str, str], Measured],
) -> Best:
    """How often each target is highest by what its pairs rest on; nothing where they rest on scores of two kinds."""
    if not instead:
        return best(scores)
    known = {label: number for label, number in numbers.items() if number}
    return best_number(known) if len(known) == len(numbers) else Best({}, 0)


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


def _calibrated(run: Run, criterion: str, judge: str | None, scale: Scale, engine: Engine) -> Calibrated | None:
    """The run's quality number with the questions behind it; None where people scored no valid sample on this scale."""
    joined = join_scores(run, criterion, judge, engine)
    hashes = contents(run, engine)
    if joined.scale != scale:
        return None
    return calibrate({hashes[i]: scores for i, scores in joined.questions.items() if i in hashes}, scale=scale)


def _measured(numbers: Mapping[str, Calibrated | None], scale: Scale) -> dict[tuple[str, str], Measured]:
    """The pairs of which both have a quality number that people's scores give, compared by it."""
    return {
        (one, other): measure(one, other, ours, theirs, scale=scale)
        for (one, ours), (other, theirs) in combinations(numbers.items(), 2)
        if ours and theirs
    }


def _settled(pair: Comparison, numbers: Mapping[str, Calibrated | None], source: str) -> Comparison:
    """The pair with what its scores are, and without a verdict that people's scores contradict."""
    if pair.method is None:
        pair = replace(pair, method=PEOPLE if source == PEOPLE else JUDGE_ONLY)
    return withdrawn(pair) if contradicts(pair, numbers[pair.first], numbers[pair.second]) else pair


def _grounds(pairs: Sequence[Comparison]) -> list[str]:
    """What the differences rest on, a sentence each."""
    said = []
    if any(pair.n_people for pair in pairs):
        said.append(
            "Where people scored a valid sample of both, the difference is that of what people would score, corrected "
            "with the judge's scores where they help; unless the same questions were hand-scored, the variances of "
            "both are added."
        )
    if judged := [pair for pair in pairs if pair.method == JUDGE_ONLY]:
        which = "" if len(judged) == len(pairs) else ": " + ", ".join(f"{p.first} and {p.second}" for p in judged)
        said.append(
            f"These differences are {JUDGE_ONLY}{which}: the judge's bias can differ between targets by more than that."
        )
    return said


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


def detectable_difference(n_questions: int, n_targets: int, engine: Engine) -> str:
    """A sentence for the plan of a run: the smallest difference that so many questions can show at 80 % power.

    The spread is that of the differences between targets of the newest groups of runs, on the mean of all criteria,
    whatever QA set they answered; the sentence names the sets and says where runs are simulated.
    """
    with store.reading(engine) as session:
        groups = dict.fromkeys(run.group_id for run in store.list_runs(session=session, limit=100))
        seen = [store.list_runs(group_id=group, session=session) for group in list(groups)[:10]]
        sets = {its.id: its.name for its in store.list_qa_sets(session=session)}
    differences = []
    used: list[Run] = []
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
        of_group = [[first[q] - other[q] for q in first if q in other] for other in others]
        if any(len(values) > 1 for values in of_group):
            used += runs
        differences += of_group
    pairs = max(1, n_targets * (n_targets - 1) // 2)
    said = detectable(n_questions, spread_seen(differences), comparisons=pairs)
    if not used:
        return said
    names = ", ".join(sorted({sets[run.qa_set_id] for run in used}))
    simulated = "; simulated runs are among them" if any(run.simulated for run in used) else ""
    return f"{said} Those were on {names}{simulated}."
