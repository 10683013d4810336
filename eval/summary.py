"""The figures of one run: computed from its rows once, kept with it, and valid as long as nothing was added.

db groups in SQL, stats turns groups into estimates, this module puts the two together; what a run is worth by everybody
who scored it is run_quality.py's business. A million stored answers cost a page nothing: it reads the kept figures of
the runs it shows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

import pandas as pd
from pydantic import TypeAdapter
from sqlalchemy import Engine

from db import cost_frames, frames, judge_frames, store
from db.models import RaterKind, Run
from eval.consumption import attempts, judges_of, stages_of
from eval.cost.measured import JudgeUse, StageUse
from eval.rubric import built_in as built_in_rubric
from eval.run_quality import Quality, qualities, read_scores
from eval.stats.intervals import Estimate, mean_interval, quantile_interval
from eval.wording import count_words, reading_s

TOKENS = ("prompt", "completion", "cached", "reasoning")
MOSTLY = 0.5  # the share of its prompt from which an answer counts as read from the server's cache
SUMMARY_VERSION = 11  # a kept summary of another version is computed again


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


def _compute(run: Run, engine: Engine) -> Summary:
    assert run.id is not None
    with store.reading(engine) as session:
        answers = frames.answers_frame(run.id, session=session)
        scores = read_scores(run.id, session=session)
        stages = frames.records(cost_frames.stage_use_frame(run.id, session=session))
        requests = frames.records(cost_frames.requests_frame(run.id, session=session))[0]
        judge_uses = frames.records(cost_frames.judge_use_frame(run.id, session=session))
        spent = frames.records(judge_frames.spent_frame(run.id, session=session))
        checks = frames.records(judge_frames.checks_frame(run.id, session=session))
        worded = frames.records(judge_frames.wording_frame(run.id, session=session))
        raters = store.list_raters(session=session, kind=RaterKind.judge)
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
        quality=qualities(scores, judges, len(good)),
        judging=[_judging(row) for row in spent],
        companions=_companions(worded),
        checks=_checks(checks, judges),
        stages=list(stages_of(stages)),
        attempts_per_answer=attempts(requests),
        judge_uses=list(judges_of(judge_uses)),
    )


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
