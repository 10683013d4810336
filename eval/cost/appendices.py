"""The appendices of the narrative: evidence, money, machines and ranges in detail, stated numbers, all origins.

For who wants to check what the front part (narrative.py) says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from eval.cost.figure import Figure
from eval.cost.prose import (
    Block,
    Bullets,
    Name,
    Origins,
    Paragraph,
    Picture,
    Said,
    Section,
    Span,
    Table,
    named,
    unitless,
)
from eval.cost.result import BY_JUDGE, Capacity, Result

MOST_BARS = 12


def appendices(result: Result) -> Iterator[Section]:
    """All appendices but the traceability, which takes the tags of everything that was told."""
    for title, blocks in (
        ("evidence in detail", _evidence(result)),
        ("money, energy and prices in detail", _money(result)),
        ("machines and break-even bands", _machines(result)),
        ("widest ranges", _ranges(result)),
        ("assumption register", _register(result)),
    ):
        if found := tuple(blocks):
            yield Section(f"Appendix: {title}", found, appendix=True)


def or_words(figure: Figure, otherwise: str) -> Span:
    """A figure, or words where there is none because it does not come to pass, which is known."""
    return figure if figure.value is not None else Said(otherwise, figure.kind, figure.origin)


def _evidence(result: Result) -> Iterator[Block]:
    if not result.evidence:
        return
    late = any(e.client_limited.value for e in result.evidence)  # a column that says something, or none
    rows = tuple(
        (
            *(Name(e.target), e.answers, e.errors, *([replace(e.client_limited, n=None)] if late else [])),
            *(e.service, e.concurrency, e.tokens_per_s, Name(e.hardware), Name(e.date)),
        )
        for e in result.evidence
    )
    headings = ("mean time of an answer", "requests", "speed", "hardware", "date")
    yield Table(
        "What was measured",
        ("target", "answers", "failed", *(["measured while the computer was late"] if late else []), *headings),
        rows,
    )
    rows = tuple((Name(e.target), e.prompt, e.cached, e.completion, e.reasoning) for e in result.evidence)
    headings = ("target", "prompt", "of it cached", "completion", "of it reasoning")
    yield Table("Tokens of an answer, all its stages", headings, rows)
    rows = tuple(
        (
            *(Name(e.target), Name(e.questions or "not stated"), Name(e.scored_by or "nobody")),
            *(Name(e.judge or "none"), e.judge_prompt, e.judge_completion),
        )
        for e in result.evidence
    )
    headings = ("target", "questions, version and hash", "scored by", "judge", "judge's prompt", "judge's completion")
    yield Table("Questions and judge, with the tokens that judging an answer took", headings, rows)
    judged = next((a.figure for a in result.register if a.key == "workload.judged_share"), None)
    if judged is not None:
        yield Paragraph(
            (
                "The cost of an acceptable answer is all cost of an option over the share of its answers that are "
                f"acceptable, {BY_JUDGE} alone. Judging is in it as it is billed: of all answers, this share is "
                "judged: ",
                judged,
                ". Its band is that of the draws, in which the acceptable share varies by its interval, clustered by "
                "question.",
            )
        )


def _money(result: Result) -> Iterator[Block]:
    priced = [option for option in result.options if not option.blocked]
    if not priced:
        return
    views = ("list_cost", "billed_cost", "upfront", "per_month", "saving")
    rows = tuple((named(o), *(unitless(getattr(o, view)) for view in views)) for o in priced)
    headings = (
        "option",
        "at list price",
        "billed",
        "at the start",
        "a month",
        "saving against the baseline, band of the draws",
    )
    yield Table(f"Money in its views, in {result.currency}", headings, rows)
    rows = tuple((named(o), o.energy, o.carbon, Name(o.power)) for o in priced)
    yield Table(
        "Energy and carbon over the horizon; carbon with the range of the grid",
        ("option", "energy", "carbon", "power in watts is"),
        rows,
    )
    rows = tuple(
        (Name(p.row), p.input, p.cached_input, p.output, Name(p.label or "as listed"), Name(p.source))
        for p in {p.row: p for o in result.options for p in o.prices}.values()
    )
    if rows:
        yield Table("Prices used", ("price", "input", "cached input", "output", "kind", "source"), rows)


def _machines(result: Result) -> Iterator[Block]:
    rows = tuple(
        (
            *(named(o), Name(c.hardware), c.machines_first, c.machines_last, c.utilisation),
            *(_wait(c), Name(c.basis)),
        )
        for o in result.options
        for c in o.capacity
    )
    if rows:
        headings = ("option", "hardware", "machines at first", "machines at last", "utilisation", "p95 wait")
        yield Table("Machines for the busy hour", (*headings, "throughput is"), rows)
    notes = tuple(
        (named(o), ": ", Said(note, "derived", f"options.{o.name}: how it was put together"))
        for o in result.options
        for note in o.notes
    )
    if notes:
        yield Paragraph(("To be known of how options were put together:",))
        yield Bullets(notes)
    if any(found.volume.value is not None for found in result.break_even):
        yield Picture(
            "break_even", "Where each option breaks even, with its band, the workload and what the machines bear"
        )


def _wait(machines: Capacity) -> Span:
    wait = machines.p95_wait
    return wait if machines.shared else Said("one person each, no queue", wait.kind, wait.origin)


def _ranges(result: Result) -> Iterator[Block]:
    rows = tuple(
        (Name(bar.label), bar.p10, bar.p90, bar.saving_at_p10, bar.saving_at_p90) for bar in result.tornado[:MOST_BARS]
    )
    if rows and result.tornado_of is not None:
        ends = ("10th percentile", "90th percentile")
        headings = ("number", *ends, *(f"saving at the {end}" for end in ends))
        ours, theirs = (named(result.option(name)) for name in result.tornado_of)
        yield Paragraph(("What is saved with ", ours, " against ", theirs, ", all other numbers at central values:"))
        yield Table("The widest ranges", headings, rows)


def _register(result: Result) -> Iterator[Block]:
    rows = tuple(
        (Name(a.label), a.figure, Name(a.shape), "yes" if a.used else "no") for a in result.register
    )  # each with its source and its key, which the traceability names
    yield Table("Every stated number", ("number", "value and range", "shape", "used"), rows)
    yield Bullets(tuple((Said(text, "derived", "limits of the model"),) for text in result.limits))


def made_from(result: Result) -> Table:
    """What a report was made from: scenario, card and runs by their hashes and names."""
    runs = ", ".join(dict.fromkeys(run for e in result.evidence for run in e.runs)) or "none"
    return Table(
        "What this report was made from",
        ("thing", "value"),
        (
            ("scenario", Name(f"{result.scenario}, {result.scenario_sha256}")),
            ("price card", Name(f"{result.card}, {result.card_date}, {result.card_sha256}")),
            ("the scenario's own card", "yes" if result.card_is_pinned else "no"),
            ("runs", Name(runs)),
            ("draws", result.draws),
            ("seed", unitless(result.seed)),
        ),
    )


def traceability(sources: Mapping[tuple[str, str], int]) -> Iterator[Block]:
    """Every tag with its origin."""
    yield Paragraph(("Tags: m measured, q quoted, a assumed, d derived. Each tag's number leads to its origin:",))
    entries = tuple((Name(f"{kind[0]}{i}"), Name(origin)) for (kind, origin), i in sources.items())
    yield Origins("Origins", entries)
