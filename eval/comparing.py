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
from eval.stats.calibrated import CALIBRATED, Calibrated, calibrate, contradicts, measure, withdrawn
from eval.stats.comparison import Comparison, Measured, Test, compare_all
from eval.stats.planning import detectable, spread_seen
from eval.stats.quality import MIN_HAND_SCORES, QuestionScores
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
        return f"{said}: these runs cannot be compared, because {_too_few_shared(compared.pairs)}."
    if not compared.n_shared:
        return f"{said}; no question was scored for all of them, each pair says how many it shares"
    return f"{said}, {compared.n_shared} shared question{'' if compared.n_shared == 1 else 's'}"


def _too_few_shared(pairs: Sequence[Comparison]) -> str:
    """How many scored questions the pairs share where each shares less than two."""
    none, one = (sum(pair.n == n for pair in pairs) for n in (0, 1))
    if not (none and one):
        shared = "no question was" if none else "only one question was"
        return f"{shared} scored for both{' of any pair' if len(pairs) > 1 else ''}; 2 are the least"
    verbs = [f"{n} share{'s' if n == 1 else ''}" for n in (none, one)]
    return f"of {len(pairs)} pairs {verbs[0]} no scored question and {verbs[1]} only one; 2 are the least"


def labels_of(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its target's, with the run's number where two share one."""
    targets = [run.target for run in runs]
    return [run.target if targets.count(run.target) == 1 else f"{run.target} (run {run.id})" for run in runs]


def common_sources(runs: Sequence[Run], engine: Engine) -> list[str]:
    """Who scored all of the runs: judges and panels in the order of all pages, people last.

    A few hand scores of other questions of each run are a source of all, on which next to nothing can be compared.
    """
    by_run = [summarise(run.id or 0, engine).quality for run in runs]
    scored = [{q.source for q in qualities if q.score.n} for qualities in by_run]
    shared = set.intersection(*scored) if scored else set()
    judges = [source for source in judges_of_runs(runs, engine) if source in shared]
    return judges + sorted(shared - set(judges), key=lambda source: (source != PEOPLE, source))


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
    helps (or the one that scored most of the runs); the others by the scores of that judge, as the quality numbers of
    targets with too few hand scores are, and by people's plain scores only where no judge scored all. No verdict
    stands against quality numbers whose intervals lie apart the other way.
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
    chosen = source or (judge if judge in known else known[0])
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
        hand = {label: _with_hand(run, name, helper, scale, engine) for label, run in zip(names, runs, strict=True)}
        numbers = {label: calibrate(questions, scale=scale) for label, questions in hand.items()}
        instead = {} if source else _measured(numbers, scale)
        found_pairs = compare_all(scores, test=test, scale=scale, instead=instead)
        pairs = [_settled(pair, numbers, chosen) for pair in found_pairs]
        settled = [pair.outcome for pair in pairs] == [pair.outcome for pair in found_pairs]
        calibrated = [number.questions for number in numbers.values() if number]
        shared = calibrated if len(calibrated) == len(runs) and instead else scores.values()
        own = tuple(
            label
            for label, its in zip(names, by_run, strict=True)
            if its[name].same_family and any(pair.method != "people alone" for pair in pairs)
        )
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
                rests_on(pairs, chosen, corrected, _too_few(pairs, hand, numbers)),
                decided_best(names, pairs),
                own,
                corrected,
            )
        )
    return found


def rests_on(pairs: Sequence[Comparison], source: str, judge: str | None, few: str = "") -> str:
    """Whose scores some differences are those of, in words; `judge` is who corrects people's.

    `few`: why people's scores do not enter where there are some, "" where there are none.
    """
    ways = {pair.method in CALIBRATED for pair in pairs}
    calibrated = f"people, corrected with {judge}" if judge else PEOPLE
    if ways == {True}:
        return calibrated
    alone = source if source == PEOPLE else f"{source} ({'; '.join(filter(None, (JUDGE_ONLY, few)))})"
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


def _with_hand(
    run: Run, criterion: str, judge: str | None, scale: Scale, engine: Engine
) -> dict[Hashable, QuestionScores]:
    """The run's questions with people's sample and the judge's scores; none where people scored on another scale."""
    joined = join_scores(run, criterion, judge, engine)
    if joined.scale != scale:
        return {}
    hashes = contents(run, engine)
    return {hashes[i]: scores for i, scores in joined.questions.items() if i in hashes}


def _too_few(
    pairs: Sequence[Comparison],
    hand: Mapping[str, Mapping[Hashable, QuestionScores]],
    numbers: Mapping[str, Calibrated | None],
) -> str:
    """That the hand scores of targets in pairs compared by a judge alone give no quality number; "" without any."""
    judged = dict.fromkeys(name for p in pairs if p.method == JUDGE_ONLY for name in (p.first, p.second))
    counts = [
        sum(scores.drawn_score is not None for scores in hand[name].values())
        for name in judged
        if numbers[name] is None
    ]
    if not (n := sum(counts)):
        return ""
    if any(count >= MIN_HAND_SCORES for count in counts):
        return f"{n} hand scores do not suffice"
    return f"{n} hand score{' is' if n == 1 else 's are'} too few"


def _measured(numbers: Mapping[str, Calibrated | None], scale: Scale) -> dict[tuple[str, str], Measured]:
    """The pairs of which both have a quality number that people's scores give, compared by it."""
    return {
        (one, other): measure(one, other, ours, theirs, scale=scale)
        for (one, ours), (other, theirs) in combinations(numbers.items(), 2)
        if ours and theirs
    }


def _settled(pair: Comparison, numbers: Mapping[str, Calibrated | None], source: str) -> Comparison:
    """The pair with what its scores are, and without a verdict that people's scores contradict."""
    if pair.method is None and source == PEOPLE:  # each question they share is hand-scored for both
        pair = replace(pair, method=PEOPLE, n_people=(pair.n, pair.n), n_people_shared=pair.n)
    elif pair.method is None:
        pair = replace(pair, method=JUDGE_ONLY)
    return withdrawn(pair) if contradicts(pair, numbers[pair.first], numbers[pair.second]) else pair


def _grounds(pairs: Sequence[Comparison]) -> list[str]:
    """What the differences rest on, a sentence each."""
    said = []
    if any(pair.method in CALIBRATED for pair in pairs):
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
