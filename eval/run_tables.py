"""What the command line shows of runs: plan and estimate before, a table with its notes after.

Only presentation; everything goes to standard error, so that standard output stays free for --json.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from rich.markup import escape
from rich.table import Table

from db.exchange import is_imported
from db.models import Run
from eval.cost.price_card import PriceCard
from eval.estimate import Bill, Estimate
from eval.plan import Plan
from eval.run_cost import RunCost, per, run_cost
from eval.run_quality import PANEL, Quality
from eval.spent import duration, judging_took
from eval.stats import intervals
from eval.summary import Summary, sources_of
from eval.terminal import console, counted, say


def show_plan(plan: Plan) -> None:
    """What is about to be asked of whom."""
    its, start = plan.questions, plan.questions.sha256[:8]
    parts = ((len(plan.asked), "question"), (plan.repeats, "repeat"), (len(plan.targets), "target"))
    version = its.version if its.version == start else f"{its.version} ({start})"
    say(f"{' x '.join(counted(n, noun) for n, noun in parts)}, QA set {its.name} {version}")


def show_estimate(estimate: Estimate) -> None:
    """What it may take before it starts, judging apart."""
    total, judging = estimate.total, estimate.judging
    say(
        f"Estimate: {estimate.answering.calls:,} calls to targets, {judging.calls:,} to judges, about "
        f"{total.input_tokens:,} tokens in, at most {total.output_tokens:,} out; cost {_cost(total)}."
    )
    if judging.calls:
        time = (
            f"about {duration(estimate.judging_s)}, as it took before"
            if estimate.judging_s is not None
            else "time unknown, as this judge has not been seen at work"
        )
        say(f"Of that, judging: about {judging.input_tokens:,} tokens in; cost {_cost(judging)}; {time}.")


def _cost(bill: Bill) -> str:
    if bill.cost_usd is None:
        return f"unknown (no price for {', '.join(bill.unpriced)})"
    return f"at most ${bill.cost_usd:,.2f}" + (" at hypothetical prices" if bill.hypothetical else "")


def _with_interval(estimate: intervals.Estimate, form: str) -> str:
    if estimate.value is None:
        return "-"
    text = format(estimate.value, form)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [dim]({estimate.low:{form}}-{estimate.high:{form}})[/dim]"


def show_summaries(
    runs: Sequence[Run],
    summaries: Sequence[Summary],
    card: PriceCard,
    wanted: Callable[[Quality], bool] | None = None,
) -> None:
    """The table at the end: a row a run, every mean with its 95 % interval; below it what the runs cost.

    `wanted` picks whose scores the table shows, where they were just asked for; else those that stand first everywhere
    (summary.sources_of).
    """
    headlines = _headlines(summaries)
    if wanted is not None:
        asked = {q.source for summary in summaries for q in summary.quality if wanted(q) and q.n_scored}
        if not asked:
            say("None of the verdicts asked for holds a usable score; `rightsize show RUN --json` shows the replies.")
        headlines = dict(sorted(headlines.items(), key=lambda item: item[0] not in asked))
    first = next(iter(headlines), "")
    table = Table(
        caption="Latency and speed: medians without warm-ups. In brackets: 95 % intervals.", caption_justify="left"
    )
    for heading in (
        "run",
        "target",
        "answers",
        "errors",
        f"quality{_scale(headlines, summaries)}",
        "judged",
        "first token ms",
        "total ms",
        "tok/s",
    ):
        table.add_column(heading, justify="left" if heading in ("run", "target") else "right")
    for run, summary in zip(runs, summaries, strict=True):
        overall = summary.quality_of(first, headlines.get(first, ""))
        table.add_row(
            str(run.id),
            escape(run.target),
            f"{summary.n_answers}/{run.n_planned}",
            str(summary.n_errors),
            _with_interval(overall.shown, ".2f") if overall else "-",
            f"{overall.n_scored}/{overall.n_answers}" if overall else "-",
            _with_interval(summary.latency_p50["ttft_ms"], ",.0f"),
            _with_interval(summary.latency_p50["total_ms"], ",.0f"),
            _with_interval(summary.tokens_per_s, ",.0f"),
        )
    console.print(table)
    if headlines:
        others = list(headlines)[1:]
        say(
            f"Quality in the table is scored by {first}"
            + (f"; there are also scores by {', '.join(others)}." if others else ".")
        )
    for note in [*_how(runs, summaries, first, headlines.get(first, "")), *_apart(runs, summaries, headlines)]:
        say(note)
    if len({run.qa_set_id for run in runs}) > 1:
        console.print("[yellow]These runs answered different QA sets:[/yellow] their figures cannot be compared.")
    notes = (
        *(evidence_notes(runs, summaries), cost_notes(runs, summaries, card)),
        *(judging_notes(summaries, card), latency_notes(runs, summaries)),
    )
    for note in chain.from_iterable(notes):
        say(note)
    if any(run.simulated for run in runs):
        names = escape(", ".join(dict.fromkeys(run.target for run in runs if run.simulated)))
        console.print(f"[yellow]Simulated:[/yellow] the figures of {names} describe no real model.")


def _headlines(summaries: Sequence[Summary]) -> dict[str, str]:
    """By source, the criterion that stands for its verdicts: the mean of all, or the only one there is."""
    found: dict[str, set[str]] = {}
    for quality in (q for summary in summaries for q in summary.quality):
        found.setdefault(quality.source, set()).add(quality.criterion)
    return {
        source: "overall" if "overall" in criteria else min(criteria)
        for source in sources_of(summaries)
        if "overall" in (criteria := found[source]) or len(criteria) == 1
    }


def _how(runs: Sequence[Run], summaries: Sequence[Summary], source: str, criterion: str) -> list[str]:
    """How the quality in the table was found, and of whom."""
    found: dict[str, list[str]] = {}
    for run, summary in zip(runs, summaries, strict=True):
        if quality := summary.quality_of(source, criterion):
            found.setdefault(quality.how, []).append(run.target)
    return [f"Quality of {', '.join(dict.fromkeys(names))}: {how}." for how, names in found.items()]


def _scale(headlines: Mapping[str, str], summaries: Sequence[Summary]) -> str:
    """From where to where the scores in the table run, for its heading; nothing where none are shown."""
    source, criterion = next(iter(headlines.items()), ("", ""))
    shown = next((q for summary in summaries if (q := summary.quality_of(source, criterion))), None)
    return f" {shown.scale[0]:g}-{shown.scale[1]:g}" if shown else ""


def _apart(runs: Sequence[Run], summaries: Sequence[Summary], headlines: Mapping[str, str]) -> list[str]:
    """The means of those whose criteria have no mean of all, each on its own scale."""
    notes = []
    for run, summary in zip(runs, summaries, strict=True):
        means: dict[str, list[str]] = {}
        for q in summary.quality:
            if q.source not in headlines and q.score.value is not None:
                figure = _with_interval(q.score, ".2f").replace("[dim]", "").replace("[/dim]", "")
                means.setdefault(q.source, []).append(
                    f"{q.criterion} {figure} of {q.scale[0]:g}-{q.scale[1]:g}, n={q.score.n}"
                )
        notes += [f"{run.target}, scored by {source}: {'; '.join(each)}." for source, each in means.items()]
    return notes


def evidence_notes(runs: Sequence[Run], summaries: Sequence[Summary]) -> list[str]:
    """What stands beside conciseness, and how many yes/no checks were met, a sentence a run."""
    notes = []
    for run, summary in zip(runs, summaries, strict=True):
        if (its := summary.companions) and its.words.value is not None and its.reading_s is not None:
            facts = [f"{its.words.value:,.0f} words", f"{its.reading_s:,.0f} s to read"]
            if its.words_over_reference.value is not None:
                facts.insert(1, f"{its.words_over_reference.value:.1f} times the reference")
            if its.repeated_4grams.value is not None:
                facts.insert(-1, f"{its.repeated_4grams.value:.1%} repeated 4-grams")
            notes.append(f"{run.target}, a mean answer: {', '.join(facts)}.")
        notes += [
            f"{run.target}: {check.met.value:.0%} of {check.n:,} checks met, as {check.source} saw it."
            for check in summary.checks
            if check.met.value is not None
        ]
    return notes


def cost_notes(runs: Sequence[Run], summaries: Sequence[Summary], card: PriceCard) -> list[str]:
    """What 1,000 answers of each run cost, with the parts; or why that is unknown."""
    notes = []
    for run, summary in zip(runs, summaries, strict=True):
        if not summary.n_answers:
            continue
        cost = run_cost(run.target, summary, card)
        if cost.asking.value is None:
            notes.append(f"{run.target}: the cost of 1,000 answers is unknown. {cost.asking.reason}")
            continue
        kinds = f"at {' and '.join(sorted(cost.kinds))} prices"
        tokens, again = (f"${per(part, 1000):,.4f}" for part in (cost.parts.tokens, cost.parts.retries))
        notes.append(
            f"{run.target}: 1,000 answers cost ${per(cost.asking, 1000):,.4f} {kinds} (tokens {tokens}, repeated "
            f"requests {again}){_judging_apart(cost)}."
        )
    return notes


def _judging_apart(cost: RunCost) -> str:
    if not cost.judged:
        return ""
    judging = per(cost.parts.judge, 1000)
    return (
        f"; judging them, ${judging:,.4f}" if judging is not None else f"; judging them, unknown: {cost.whole.reason}"
    )


def judging_notes(summaries: Sequence[Summary], card: PriceCard) -> list[str]:
    """What judging took, how far judges and readings lie apart, and which judge is of a target's own family."""
    notes = judging_took(summaries, card)
    for quality in (q for summary in summaries for q in summary.quality if q.criterion == "overall" and q.spread):
        assert quality.spread is not None
        what = "its judges" if quality.rater_kind == PANEL else "its readings of one answer"
        points = _with_interval(quality.spread, ".2f").replace("[dim]", "").replace("[/dim]", "")
        notes.append(f"{quality.source}: {what} lie {points} points apart on average.")
    own = dict.fromkeys(q.source for summary in summaries for q in summary.quality if q.same_family)
    if own:
        notes.append(f"Judges a model of its own family, which it may favour: {', '.join(own)}.")
    return notes


def latency_notes(runs: Sequence[Run], summaries: Sequence[Summary]) -> list[str]:
    """What has to be known beside the latencies of some runs, a sentence each."""
    notes = (
        ("n_client_limited", "Measured while this computer was busy, so that latencies may be too long"),
        ("n_cached", "At least half of the prompt read from the server's cache, so that the first token comes sooner"),
        ("n_without_ttft", "Without a first-token time, because the answer came in one piece or is empty"),
    )
    found: list[str] = []
    for name, meaning in notes:
        told = [
            f"{run.target} {getattr(summary, name)} of {summary.n_answers} answers"
            for run, summary in zip(runs, summaries, strict=True)
            if getattr(summary, name) and not is_imported(run)
        ]
        if told:
            found.append(f"{meaning}: {', '.join(told)}.")
    if imported := dict.fromkeys(run.target for run in runs if is_imported(run)):
        found.append(f"Imported, not measured here: {', '.join(imported)}.")
    return found
