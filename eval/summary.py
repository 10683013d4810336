"""The figures of one run: computed from its rows once, kept with it, and valid as long as nothing was added.

db groups in SQL, stats turns groups into estimates, this module puts the two together. A million stored answers cost
a page nothing: it reads the kept figures of the runs it shows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import Any

import pandas as pd
from pydantic import TypeAdapter
from sqlalchemy import Engine
from sqlmodel import Session

from db import cost_frames, frames, judge_frames, store
from db.models import RaterKind, Run
from db.scales import FIVE, Scale, list_scales
from eval.consumption import attempts, judges_of, stages_of
from eval.cost.measured import JudgeUse, StageUse
from eval.hand_sample import HandScores, LeftOut, queue_notes, read_hand_scores
from eval.rubric import built_in as built_in_rubric
from eval.stats.intervals import Estimate, mean_interval, quantile_interval
from eval.stats.quality import Quality as QualityNumber
from eval.stats.quality import quality
from eval.wording import count_words, reading_s

PANEL = "panel"  # the kind of rater that several judges are together
TOKENS = ("prompt", "completion", "cached", "reasoning")
CALIBRATED = ("human-corrected", "people alone")  # methods of a quality number that rests on people's scores
UNDRAWN = "people, not a random sample"  # how a quality was found that is people's plain mean
MOSTLY = 0.5  # the share of its prompt from which an answer counts as read from the server's cache
SUMMARY_VERSION = 11  # a kept summary of another version is computed again


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
class Judging:
    """What one judge's assessments of a run took; tokens are None where its server counted none."""

    judge: str
    model: str | None
    protocol: str
    n: int  # assessments, replaced ones too
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float | None  # waiting for replies, one after the other


@dataclass(frozen=True, slots=True)
class Companions:
    """What stands beside conciseness: means over questions, counted from the answers' texts."""

    words: Estimate
    words_over_reference: Estimate
    repeated_4grams: Estimate  # share, 0 to 1
    reading_s: float | None


@dataclass(frozen=True, slots=True)
class Checks:
    """The share of yes/no checks that one judge saw met; `n` counts the checks it answered."""

    source: str
    met: Estimate
    n: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a run. Times in ms, tokens per answer; every estimate carries its n."""

    run_id: int
    n_answers: int
    n_errors: int
    n_client_limited: int
    n_estimated_tokens: int
    n_cached: int  # answers whose prompt was mostly read from the server's cache: their first token comes sooner
    n_cache_known: int  # answers whose server told how much of the prompt came from its cache
    n_without_ttft: int  # answers without a first-token time: they came in one piece, or are empty
    latency_p50: dict[str, Estimate]  # by measure: ttft_ms, ttfat_ms, total_ms, generation_ms, prepare_ms
    latency_p95: dict[str, Estimate]
    mean_ms: Estimate  # total time of an answer, mean over questions
    tokens_per_s: Estimate
    token_means: dict[str, Estimate]  # prompt, completion, cached and reasoning tokens an answer; n counts questions
    quality: list[Quality] = field(default_factory=list)
    stages: list[StageUse] = field(default_factory=list)  # by stage and model: what the cost comes from
    attempts_per_answer: float | None = None  # requests, repeated ones too; None where they were not recorded
    judge_uses: list[JudgeUse] = field(default_factory=list)  # what judging an answer takes, by judge and protocol
    judging: list[Judging] = field(default_factory=list)
    companions: Companions | None = None  # None where no answer's words were counted
    checks: list[Checks] = field(default_factory=list)

    @property
    def tokens(self) -> dict[str, float | None]:
        """The mean tokens an answer without their intervals, by kind."""
        return {kind: estimate.value for kind, estimate in self.token_means.items()}

    def quality_of(self, source: str, criterion: str) -> Quality | None:
        return next((q for q in self.quality if q.source == source and q.criterion == criterion), None)


_KEPT = TypeAdapter(Summary)


def _known(value: Any) -> float | None:
    return None if value is None else float(value)


Source = tuple[str, int | None, str, int]  # kind of rater, judge's id (None for the people), protocol, rubric's id


def _source(row: dict[str, Any]) -> Source:
    judge_id = None if row["judge_id"] is None else int(row["judge_id"])
    return str(row["kind"]), judge_id, str(row["protocol"]), int(row["rubric_id"])


def _label(source: Source, judges: dict[int, str], rubrics: dict[int, str]) -> str:
    """What a source is called; another rubric than today's is named, so that two are never taken for one."""
    kind, judge_id, protocol, rubric_id = source
    who = "people" if judge_id is None else f"{judges[judge_id]} ({protocol})"
    if kind == PANEL:
        who = panel_name(protocol)
    return f"{who}, {rubrics[rubric_id]}" if rubrics.get(rubric_id) else who


def panel_name(protocol: str) -> str:
    """What the mean over several judges, asked in one way, is called."""
    return f"panel of judges ({protocol})"


def _rubric_names(session: Session) -> dict[int, str]:
    """By id, how a rubric is told from today's; empty for today's itself."""
    today = built_in_rubric().sha256
    return {
        rubric.id or 0: "" if rubric.sha256 == today else f"{rubric.name} {rubric.version} ({rubric.sha256[:6]})"
        for rubric in store.list_rubrics(session=session)
    }


def _qualities(
    scores: Sequence[dict[str, Any]],
    spreads: Sequence[dict[str, Any]],
    verdicts: pd.DataFrame,
    judges: dict[int, str],
    rubrics: dict[int, str],
    scales: dict[tuple[int, str], Scale],
    hand: HandScores,
    n_answers: int,
) -> list[Quality]:
    """A row a source and criterion. A source none of whose verdicts could be used has one row, without a figure."""
    apart: dict[tuple[Source, str], list[float]] = {}
    for row in spreads:
        apart.setdefault((_source(row), str(row["criterion"])), []).append(float(row["spread"]))
    n_failed: dict[Source, int] = {}
    for row in frames.records(verdicts):
        if row["status"] not in ("ok", "partial", "withdrawn"):
            n_failed[_source(row)] = n_failed.get(_source(row), 0) + int(row["n"])
    groups: dict[tuple[Source, str], list[dict[str, Any]]] = {}
    for row in scores:
        groups.setdefault((_source(row), str(row["criterion"])), []).append(row)
    scored = {source for source, _ in groups}
    groups |= {(source, "overall"): [] for source in n_failed if source not in scored}
    return [
        Quality(
            source=_label((kind, judge_id, protocol, rubric_id), judges, rubrics),
            rater_kind=kind,
            judge_id=judge_id,
            protocol=protocol,
            rubric_id=rubric_id,
            criterion=criterion,
            score=mean_interval([float(row["mean"]) for row in group], bounds=scales.get((rubric_id, criterion), FIVE)),
            n_scored=sum(int(row["n_answers"]) for row in group),
            n_failed=n_failed.get((kind, judge_id, protocol, rubric_id), 0),
            n_answers=n_answers,
            same_family=any(row["same_family"] for row in group),
            spread=_spread(
                apart.get(((kind, judge_id, protocol, rubric_id), criterion)), scales.get((rubric_id, criterion), FIVE)
            ),
            scale=scales.get((rubric_id, criterion), FIVE),
            questions=tuple(sorted({int(row["question_id"]) for row in group})),
            **_number(
                hand, criterion, group if kind != RaterKind.person else [], scales.get((rubric_id, criterion), FIVE)
            ),
        )
        for ((kind, judge_id, protocol, rubric_id), criterion), group in sorted(groups.items(), key=_order)
    ]


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


def _compute(run: Run, engine: Engine) -> Summary:
    assert run.id is not None
    with store.reading(engine) as session:
        answers = frames.answers_frame(run.id, session=session)
        scores = frames.question_scores_frame(run.id, session=session)
        verdicts = frames.verdicts_frame(run.id, session=session)
        stages = frames.records(cost_frames.stage_use_frame(run.id, session=session))
        requests = frames.records(cost_frames.requests_frame(run.id, session=session))[0]
        judge_uses = frames.records(cost_frames.judge_use_frame(run.id, session=session))
        panel = _of_kind(judge_frames.panel_frame(run.id, session=session), PANEL)
        flicker = _of_kind(judge_frames.flicker_frame(run.id, session=session), RaterKind.judge.value)
        spent = frames.records(judge_frames.spent_frame(run.id, session=session))
        checks = frames.records(judge_frames.checks_frame(run.id, session=session))
        worded = frames.records(judge_frames.wording_frame(run.id, session=session))
        rubrics = _rubric_names(session)
        scales = {(i, name): its for i, known in list_scales(session=session).items() for name, its in known.items()}
        raters = store.list_raters(session=session, kind=RaterKind.judge)
        hand = read_hand_scores(run.id, session=session)
    # On measured answers a simulated judge is named as one, wherever its scores appear.
    judges = {r.id or 0: f"{r.name}, simulated" if r.simulated and not run.simulated else r.name for r in raters}
    good = answers[answers["failed"] == 0]

    def quantile(name: str, q: float) -> Estimate:
        known = good[good[name].notna()]
        return quantile_interval(known[name].to_list(), q, questions=known["question_id"].to_list())

    def mean(name: str) -> Estimate:
        known = good[good[name].notna()]
        return mean_interval(known.groupby("question_id")[name].mean().to_list(), bounds=(0.0, inf))

    prompt, cached = (pd.to_numeric(good[f"{kind}_tokens"]) for kind in ("prompt", "cached"))
    return Summary(
        run_id=run.id,
        n_answers=len(good),
        n_errors=len(answers) - len(good),
        n_client_limited=int(good["client_limited"].sum()),
        n_estimated_tokens=int(good["tokens_estimated"].sum()),
        n_cached=int((cached.gt(0) & cached.ge(MOSTLY * prompt)).sum()),
        n_cache_known=int(cached.notna().sum()),
        n_without_ttft=int(good["ttft_ms"].isna().sum()),
        latency_p50={name: quantile(name, 0.50) for name in frames.LATENCIES},
        latency_p95={name: quantile(name, 0.95) for name in frames.LATENCIES},
        mean_ms=mean("total_ms"),
        tokens_per_s=quantile("tokens_per_s", 0.50),
        token_means={kind: mean(f"{kind}_tokens") for kind in TOKENS},
        quality=_qualities(
            [*frames.records(scores), *panel], [*panel, *flicker], verdicts, judges, rubrics, scales, hand, len(good)
        ),
        judging=[_judging(row) for row in spent],
        companions=_companions(worded),
        checks=_checks(checks, judges),
        stages=list(stages_of(stages)),
        attempts_per_answer=attempts(requests),
        judge_uses=list(judges_of(judge_uses)),
    )


def _of_kind(frame: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """The rows of a frame of judges with the kind of rater that they stand for."""
    return [{"judge_id": None, **row, "kind": kind} for row in frames.records(frame)]


def _judging(row: dict[str, Any]) -> Judging:
    counted = not row["uncounted"]
    return Judging(
        judge=row["name"],
        model=row["model"],
        protocol=row["protocol"],
        n=int(row["assessments"]),
        prompt_tokens=int(row["prompt_tokens"]) if counted else None,
        completion_tokens=int(row["completion_tokens"]) if counted and row["completion_tokens"] is not None else None,
        seconds=_known(row["seconds"]),
    )


def _companions(rows: Sequence[dict[str, Any]]) -> Companions | None:
    if not rows:
        return None
    ratios = [row["words"] / n for row in rows if (n := count_words(row["reference"]))]
    words = mean_interval([float(row["words"]) for row in rows], bounds=(0.0, inf))
    return Companions(
        words=words,
        words_over_reference=mean_interval(ratios, bounds=(0.0, inf)),
        repeated_4grams=mean_interval([r["repeated"] for r in rows if r["repeated"] is not None], bounds=(0.0, 1.0)),
        reading_s=None if words.value is None else reading_s(words.value),
    )


def _checks(rows: Sequence[dict[str, Any]], judges: dict[int, str]) -> list[Checks]:
    by_source: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_source.setdefault((int(row["judge_id"]), str(row["protocol"])), []).append(row)
    return [
        Checks(
            source=f"{judges[judge_id]} ({protocol})",
            met=mean_interval([float(row["share"]) for row in group], bounds=(0.0, 1.0)),
            n=sum(int(row["n"]) for row in group),
        )
        for (judge_id, protocol), group in by_source.items()
    ]


def sources_of(summaries: Sequence[Summary]) -> list[str]:
    """Whose scores some runs have, in the one order in which all pages and commands offer them.

    Those that scored most of the runs first, people after judges and panels, then by name.
    """
    counted = Counter(source for its in summaries for source in {q.source for q in its.quality})
    return sorted(counted, key=lambda source: (-counted[source], source == "people", source))


def _version() -> str:
    """Changes with the form of the summary and with the rubric that needs no name."""
    return f"{SUMMARY_VERSION}/{built_in_rubric().sha256[:8]}"


def _pack(summary: Summary) -> dict[str, Any]:
    return {"version": _version(), **asdict(summary)}


def _unpack(kept: dict[str, Any]) -> Summary:
    return _KEPT.validate_python({key: value for key, value in kept.items() if key != "version"})


def summarise(run_id: int, engine: Engine) -> Summary:
    """The figures of a run: those kept with it if nothing was added since, else computed and kept.

    Raises StoreError for an unknown run. A database that cannot be written still gives the figures.
    """
    with store.reading(engine) as session:
        run = store.get_run(run_id, session=session)
        kept, fresh = run.summary, run.summary_revision == run.revision
    if kept and fresh and kept.get("version") == _version():
        return _unpack(kept)
    summary = _compute(run, engine)
    try:
        with store.writing(engine) as session:
            store.save_summary(run_id, _pack(summary), run.revision, session=session)
    except store.StoreError:
        return summary  # shown, not kept
    return summary
