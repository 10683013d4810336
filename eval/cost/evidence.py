"""What a result rests on, by target: what was measured, on which questions, where and when, and who judged it."""

from collections.abc import Iterable, Iterator, Sequence

from eval.cost.answer_cost import measured_figure
from eval.cost.figure import Figure
from eval.cost.measured import UNKNOWN, Measured
from eval.cost.program import Program
from eval.cost.result import Evidence
from eval.stats.intervals import Estimate

LATE = "Measured while the measuring computer was itself late"
UNCOUNTED = "The server did not count them."


def evidence(programs: Sequence[Program]) -> Iterator[Evidence]:
    """The evidence of every target that an option rests on, each once."""
    seen = {source.target: source for program in programs for source in program.sources}
    for target in seen.values():
        yield _of(target)


def _of(target: Measured) -> Evidence:
    origin, judge = target.origin, target.judge
    concurrency = target.concurrency
    return Evidence(
        target=target.target,
        answers=Figure(target.n_answers, "answers", "measured", origin),
        errors=Figure(target.n_errors, "errors", "measured", origin),
        client_limited=Figure(target.n_client_limited, "answers", "measured", origin, n=target.n_answers),
        lateness=tuple(lateness(target)),
        tokens_per_s=measured_figure(target.tokens_per_s, "tokens/s", origin, "It could not be told."),
        prompt=_tokens(target, "prompt"),
        cached=_tokens(target, "cached"),
        completion=_tokens(target, "completion"),
        reasoning=_tokens(target, "reasoning"),
        judge_prompt=_judging(target, "prompt"),
        judge_completion=_judging(target, "completion"),
        service=measured_figure(target.mean_ms, "ms", origin, "It was not measured."),
        concurrency=Figure(
            concurrency,
            "at once",
            "measured",
            f"requests under way at once in {origin}",
            reason=None if concurrency is not None else "It was not recorded.",
        ),
        questions=target.questions,
        hardware=target.hardware,
        date=target.date,
        judge=judge.model if judge else "",
        scored_by=target.scored_by,
        acceptable_from=Figure(
            target.acceptable_from,
            "of 5",
            "assumed",
            "constraints.acceptable_from",
            reason=None if target.acceptable_from is not None else "No threshold was set.",
        ),
        runs=target.runs,
        simulated=target.simulated,
    )


def lateness(target: Measured) -> Iterator[str]:
    """A sentence for each run of a target with answers that were measured while the measuring computer was late.

    The newest run is that of the target's figures; the others tell what it bears at other concurrencies.
    """
    limit = "" if target.late_from_ms is None else f" by more than {target.late_from_ms:g} ms"
    for late, said in _late_counts(target):
        were, their = ("was", "its time") if late == 1 else ("were", "their times")
        yield f"{said} {were} measured while the measuring computer was itself late{limit}; {their} may be too long."


def lateness_of_all(targets: Iterable[Measured]) -> Iterator[str]:
    """The same of all targets in one sentence; none where no answer was late."""
    if counted := list(dict.fromkeys(said for target in targets for _, said in _late_counts(target))):
        yield f"{LATE}, so that times may be too long: {', '.join(counted)}."


def _late_counts(target: Measured) -> Iterator[tuple[int, str]]:
    """How many answers were late in each of a target's runs, as a number and in words."""
    counts = {(target.concurrency, target.n_client_limited, target.n_answers): None}
    newest = (target.p95_ms, target.n_client_limited)
    others = [load for load in target.loads if (load.p95, load.n_client_limited) != newest]
    counts |= {(load.concurrency, load.n_client_limited, load.n): None for load in others}
    for concurrency, late, n in counts:
        if late:
            at = f" at {concurrency} at once" if others and concurrency is not None else ""
            yield late, f"{late:,} of {n:,} answers of {target.target}{at}"


def _tokens(target: Measured, kind: str) -> Figure:
    """The tokens of a kind an answer, all stages together.

    One stage has its own interval. Of several only the sum is told: their tokens go together, and how far is unknown.
    """
    counts: list[Estimate] = [getattr(stage, kind) for stage in target.stages]
    if len(counts) == 1:
        return measured_figure(counts[0], "tokens/answer", target.origin, UNCOUNTED)
    values = [count.value for count in counts if count.value is not None]
    whole = len(values) == len(counts) > 0
    total = Estimate(sum(values), None, None, min(c.n for c in counts)) if whole else UNKNOWN
    return measured_figure(total, "tokens/answer", f"{target.origin}, sum of its stages", UNCOUNTED)


def _judging(target: Measured, kind: str) -> Figure:
    origin = f"judge of {target.origin}"
    if target.judge is None:
        return measured_figure(UNKNOWN, "tokens/answer", origin, "No judge scored it.")
    return measured_figure(getattr(target.judge, kind), "tokens/answer", origin, UNCOUNTED)
