"""Stored runs as the cost model takes them in: one Measured a target, with where each figure comes from.

Reads frames and summaries; computes no cost. What a run does not tell stays unknown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from sqlalchemy import Engine
from sqlmodel import Session

from db import cost_frames, frames, store
from db.exchange import is_imported
from db.models import QASet, RaterKind, Run, RunStatus
from db.scales import FIVE
from eval.consumption import attempts, mean_of, stages_of
from eval.cost.faults import guess
from eval.cost.measured import UNKNOWN, JudgeUse, Load, Measured, Told, acceptable_share
from eval.cost.scenario import Scenario
from eval.lag import LIMIT_MS
from eval.run_quality import PANEL, Quality
from eval.stats.intervals import Estimate
from eval.summary import Summary, summarise
from eval.transport import is_loopback

OVERALL = "overall"
TOLD_FROM = 0.5  # share of the answers that have to tell their first token for these to stand for all


def targets_of(scenario: Scenario) -> set[str]:
    """The names of all targets that a scenario's options speak of."""
    found: set[str] = set()
    for option in scenario.options.values():
        parts = [getattr(option, name, None) for name in ("draft", "refine", "local", "remote")]
        found |= {named.target for named in [option, *parts] if getattr(named, "target", None)}  # pyright: ignore
    return found


def chosen_runs(wanted: Iterable[str], engine: Engine, names: Sequence[str] = ()) -> list[Run]:
    """The finished runs a scenario rests on: those named, else the newest group that holds one of the targets.

    Of a target that was run several times in that group its newest run counts; of one that is not in it, its newest run
    on the same questions. Before it stand its newest runs on the same questions at other concurrencies, of the same
    model at the same endpoint on the same machine: they tell what it bears. Raises StoreError for an unknown name.
    """
    targets = set(wanted)
    with store.reading(engine) as session:
        if names:
            found = [run for run in store.find_runs(names, session=session) if run.status == RunStatus.finished]
            if not found:
                raise store.StoreError("None of these runs is finished; `rightsize resume` goes on with them.")
            return sorted(found, key=lambda run: run.id or 0)
        newest = frames.records(frames.runs_frame(session=session, status=RunStatus.finished.value))
        first = next((row for row in newest if row["target"] in targets), None)
        if first is None:
            return []
        alike = [row for row in newest if row["target"] in targets and row["qa_set_id"] == first["qa_set_id"]]
        latest = {row["target"]: row["run_id"] for row in reversed(alike)}
        latest |= {row["target"]: row["run_id"] for row in reversed(alike) if row["group_id"] == first["group_id"]}
        chosen: list[Run] = []
        for target, run_id in latest.items():
            run = store.get_run(run_id, session=session)
            chosen += [*_at_other_loads(run, [row for row in alike if row["target"] == target], session), run]
        return chosen


def _at_other_loads(run: Run, rows: Sequence[dict[str, Any]], session: Session) -> Iterator[Run]:
    """The newest run at each other concurrency that is of the same model, endpoint and machine; `rows` newest first."""
    seen = {run.concurrency}
    for row in rows:
        if row["concurrency"] in seen:
            continue
        other = store.get_run(row["run_id"], session=session)
        same = (other.model, other.endpoint, other.simulated) == (run.model, run.endpoint, run.simulated)
        if same and _hardware(other) == _hardware(run):
            seen.add(other.concurrency)
            yield other


def measured_targets(
    scenario: Scenario,
    engine: Engine,
    names: Sequence[str] = (),
    *,
    source: str | None = None,
) -> dict[str, Measured]:
    """What was measured of a scenario's targets, by name; a target without a finished run is absent.

    Of one that was only asked other questions than the others there are no figures: it tells which runs asked what.

    `source` names whose scores count as quality ("people", or a judge like "gpt-oss-20b (quick)"); left out, it is the
    judge that scored most of the runs. What is acceptable, the scenario's constraints say.
    Raises StoreError for an unknown run or source.
    """
    wanted, acceptable_from = targets_of(scenario), scenario.constraints.acceptable_from
    runs = chosen_runs(wanted, engine, names)
    summaries = {run.id or 0: summarise(run.id or 0, engine) for run in runs}
    known = dict.fromkeys(q.source for summary in summaries.values() for q in summary.quality)
    if source is not None and source not in known:
        raise store.StoreError(f'Nobody called "{source}" scored these runs; {guess(source, known).rstrip("?")}.')
    elsewhere = {} if names else dict(_elsewhere(wanted, runs, engine))
    scored_by = source or _commonest(list(summaries.values()))
    by_target: dict[str, list[Run]] = {}
    for run in runs:
        if run.target in wanted:
            by_target.setdefault(run.target, []).append(run)
    found = {target: _measured(its, summaries, scored_by, acceptable_from, engine) for target, its in by_target.items()}
    return found | {target: Measured(target, (), elsewhere=said) for target, said in elsewhere.items()}


def _elsewhere(wanted: set[str], chosen: Sequence[Run], engine: Engine) -> Iterator[tuple[str, str]]:
    """Each target that was asked other questions only than the chosen runs: which runs asked which, and what to do."""
    missing = wanted - {run.target for run in chosen}
    if not missing or not chosen:
        return
    with store.reading(engine) as session:
        rows = frames.records(frames.runs_frame(session=session, status=RunStatus.finished.value))
        called = {q.id or 0: _called(q) for q in store.list_qa_sets(session=session)}
    newest: dict[int, dict[str, int]] = {}  # by QA set and target
    for row in rows:  # the newest first
        if row["target"] in wanted:
            newest.setdefault(row["qa_set_id"], {}).setdefault(row["target"], row["run_id"])
    count = called[chosen[0].qa_set_id]
    here = ", ".join(f"run {run.id} of {run.target}" for run in chosen)
    whole = next((its for its in newest.values() if len(its) == len(wanted)), None)
    remedy = f"run it on {count} too"
    if whole is not None:
        remedy += f", or rest on {' '.join(f'--run {run}' for run in sorted(whole.values()))}, which asked one QA set"
    for target in sorted(missing):
        asked = ", ".join(f"run {its[target]} asked {called[qa]}" for qa, its in newest.items() if target in its)
        if asked:
            yield (
                target,
                f"was asked other questions: {asked}. The newest run counts, and {here} asked {count}; {remedy}.",
            )


def _called(qa_set: QASet) -> str:
    return f"{qa_set.name} {qa_set.version} ({qa_set.sha256[:12]})"


def _commonest(summaries: Sequence[Summary]) -> str | None:
    """The source that scored most of the runs; people, who seldom score all answers, only where no judge did."""
    often = Counter(name for s in summaries for name in {q.source for q in s.quality if q.score.n})
    return min(often, key=lambda name: (-often[name], name == "people", name), default=None)


def _measured(
    runs: Sequence[Run], summaries: Mapping[int, Summary], source: str | None, acceptable_from: float, engine: Engine
) -> Measured:
    """One target. Its figures are those of its last run; the others only add what a machine bears at other loads."""
    run = runs[-1]
    summary = summaries[run.id or 0]
    with store.reading(engine) as session:
        stages = frames.records(cost_frames.stage_use_frame(run.id or 0, session=session))
        requests = frames.records(cost_frames.requests_frame(run.id or 0, session=session))[0]
        times = {r.id: frames.records(cost_frames.mean_time_frame(r.id or 0, session=session))[0] for r in runs}
        first_tokens = {r.id: _first_tokens(r, session) for r in runs}
        asked = next(q for q in store.list_qa_sets(session=session) if q.id == run.qa_set_id)
        judging = frames.records(cost_frames.judge_use_frame(run.id or 0, session=session))
        worst = frames.records(cost_frames.worst_scores_frame(run.id or 0, session=session))
    scores = [q for q in summary.quality if q.source == source and q.criterion != OVERALL and q.score.n]
    loads = {
        load.concurrency: load
        for r in runs
        if (load := _load(r, summaries[r.id or 0], times[r.id], *first_tokens[r.id]))
    }
    ttft_share, first_token = first_tokens[run.id]
    return Measured(
        target=run.target,
        stages=tuple(stages_of(stages)),
        loads=tuple(loads[level] for level in sorted(loads)),
        concurrency=run.concurrency,
        mean_ms=summary.mean_ms,
        p50_ms=summary.latency_p50["total_ms"],
        p95_ms=summary.latency_p95["total_ms"],
        ttft_share=ttft_share,
        first_token=first_token,
        tokens_per_s=summary.tokens_per_s,
        quality={  # floors are points of 1 to 5
            q.criterion: q.shown for q in scores if q.scale == FIVE and q.shown.value is not None
        },
        hand_scored={q.criterion: _hand_scored(q) for q in scores},
        hand_scores={q.criterion: _hand_scores(q.criterion, summary.quality) for q in scores},
        acceptable=_acceptable(scores, worst, acceptable_from),
        attempts_per_answer=attempts(requests),
        judge=_judge_use(scores, judging),
        n_answers=summary.n_answers,
        n_errors=summary.n_errors,
        n_client_limited=summary.n_client_limited,
        late_from_ms=None if is_imported(run) else LIMIT_MS,
        runs=tuple(str(r.id) for r in runs),
        questions=_called(asked),
        hardware=_hardware(run),
        date=(run.ended_at or run.created_at).date().isoformat(),
        simulated=any(r.simulated for r in runs),
        scored_by=_scored_by(source, scores),
        acceptable_from=acceptable_from,
    )


def _scored_by(source: str | None, scores: Sequence[Quality]) -> str:
    """Whose scores the quality is, how people's entered, and that a judge alone tells which answers are acceptable."""
    if source is None or not scores:
        return ""
    if all(q.rater_kind == RaterKind.person for q in scores):
        return source
    words = {"human-corrected": f"{source}, corrected by people", "people alone": "people alone"}
    found = " and ".join(dict.fromkeys(words.get(q.how, source) for q in scores))
    return f"{found}; acceptable answers by {source} alone" if any(q.calibrated for q in scores) else found


def _hand_scored(quality: Quality) -> int:
    """How many questions' hand scores are behind a quality: none where it is the judge's mean alone."""
    if quality.rater_kind == RaterKind.person:
        return quality.shown.n
    return quality.number.n_people if quality.number is not None and quality.calibrated else 0


def _hand_scores(criterion: str, quality: Sequence[Quality]) -> int:
    """How many questions people scored on a criterion, whether that entered a quality or not."""
    by_people = [q for q in quality if q.rater_kind == RaterKind.person and q.criterion == criterion]
    return len({question for q in by_people for question in q.questions})


def _first_tokens(run: Run, session: Session) -> tuple[float | None, Told]:
    """The share of an answer's time until its first token, and how many of the answers it is of.

    Answers that came in one piece do not tell it; it is unknown where fewer than half of them do.
    """
    row = frames.records(cost_frames.first_token_frame(run.id or 0, session=session))[0]
    counted = Told(int(row["told"]), int(row["answers"]))
    if row["share"] is None or counted.told < TOLD_FROM * counted.answers:
        return None, counted
    return min(float(row["share"]), 1.0), counted


def _load(
    run: Run, summary: Summary, times: Mapping[str, Any], ttft_share: float | None, first_token: Told
) -> Load | None:
    """What was borne at the run's concurrency: requests under way over their mean time (Little, Operations Research 9
    (1961) 383-387). No more were under way than were asked in all.
    """
    n, mean_ms = int(times["n"]), times["mean_ms"]
    if not n or not mean_ms:
        return None
    level = min(run.concurrency, n)
    p50, p95 = summary.latency_p50["total_ms"], summary.latency_p95["total_ms"]
    per_s, late = level / (mean_ms / 1000), summary.n_client_limited
    return Load(level, per_s, p95.value, n, p50, p95, ttft_share, first_token, n_client_limited=late)


def _is_of(quality: Quality, row: Mapping[str, Any]) -> bool:
    """Whether a row of single scores or of a judge's tokens belongs to the source of a quality figure."""
    same = row["protocol"] == quality.protocol and int(row["rubric_id"]) == quality.rubric_id
    return same and (quality.rater_kind == PANEL or row["judge_id"] == quality.judge_id)


def _acceptable(scores: Sequence[Quality], worst: Sequence[dict[str, Any]], least: float) -> Estimate:
    """The share of answers whose every criterion reaches `least`, over those that the source scored on all of them.

    Unknown where people are the source: their scores come from samples and stand for the others only by their design.
    Unknown, too, where a criterion is not scored from 1 to 5.
    """
    if not scores or any(q.scale != FIVE for q in scores):
        return UNKNOWN
    kind = scores[0].rater_kind
    rows = [row for row in worst if row["kind"] == kind and _is_of(scores[0], row) and row["criteria"] == len(scores)]
    return acceptable_share([row["worst"] >= least for row in rows], [int(row["question_id"]) for row in rows])


def _judge_use(scores: Sequence[Quality], judging: Sequence[dict[str, Any]]) -> JudgeUse | None:
    """What judging an answer took of the source; of a panel all its judges together."""
    rows = [row for row in judging if scores and _is_of(scores[0], row)]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    whole = frame.groupby("question_id")[["prompt", "completion"]].sum(min_count=frame["judge_id"].nunique())
    models = " + ".join(dict.fromkeys(row["model"] or "unknown" for row in rows))
    by_question = frames.records(whole)
    return JudgeUse(models, mean_of(by_question, "prompt"), mean_of(by_question, "completion"))


def _hardware(run: Run) -> str:
    """The machine that answered, where it is the one that measured; of a server elsewhere only its place is known."""
    if run.simulated:
        return "none: simulated"
    hosts = dict.fromkeys(urlsplit(url).hostname or url for url in run.endpoint.split(", "))
    if away := [host for host in hosts if not is_loopback(host)]:
        return f"unknown, behind {', '.join(away)}"
    machine = run.provenance.get("machine") or {}
    gpus = machine.get("gpu") or []
    memory = f"{machine['memory_gib']:g} GiB" if machine.get("memory_gib") else ""
    return ", ".join(part for part in (str(machine.get("cpu") or ""), memory, *map(str, gpus)) if part)
