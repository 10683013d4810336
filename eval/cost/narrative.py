"""The TCO told for people who never saw the tool: sections of prose, lists and tables, made from a Result alone.

Every number in it is tagged: a Figure, or a Said sentence with a kind and an origin. Prose holds no digit at all, so
that a number without a tag cannot slip in; what others named (targets, runs, hashes, dates) is a Name.
Files are written from it by eval.report.
"""

from collections.abc import Iterable, Iterator, Mapping

from eval.cost.fields import months_after
from eval.cost.figure import Figure, Kind, bare_numbers
from eval.cost.prose import (
    Block,
    Bullets,
    Name,
    Narrative,
    Origins,
    Paragraph,
    Picture,
    Said,
    Section,
    Span,
    Spans,
    Table,
    UntaggedNumberError,
    refuse_untagged,
    spans,
)
from eval.cost.result import Decision, OptionResult, Result

REVIEW_MONTHS = 6
MOST_BARS, MOST_FLIPS = 12, 10
BRACKETS = (
    "In brackets: beside what was measured, with its n, the 95 % interval; beside an assumption the range that was "
    "stated; beside money and break-evens the 10th to 90th percentile of the draws (P10 to P90)."
)


def narrate(result: Result) -> Narrative:
    """The narrative of a result. Raises UntaggedNumberError for a number that does not say what it is."""
    if bare := bare_numbers(result):
        raise UntaggedNumberError(f"Numbers without a kind and an origin: {', '.join(bare[:5])}.")
    told = [
        Section("Decision and confidence", tuple(_decision(result))),
        Section("Question and workload", tuple(_workload(result))),
        Section("Options", tuple(_options(result))),
        Section("Evidence", tuple(_evidence(result))),
        Section("Cost by head and present value", tuple(_money(result))),
        Section("Break-even against capacity", tuple(_break_even(result))),
        Section("Sensitivity, and what would change the decision", tuple(_sensitivity(result))),
        Section("What is not about cost", tuple(_beyond_cost(result))),
        Section("Assumption register", tuple(_register(result))),
        Section("Validation and review", tuple(_review(result))),
    ]
    made_from = _made_from(result)
    sources: dict[tuple[str, str], int] = {}
    for span in (span for section in (*told, Section("", (made_from,))) for span in spans(section)):
        if isinstance(span, Figure | Said):
            sources.setdefault((span.kind, span.origin), len(sources) + 1)
    sections = (*told, Section("Traceability", (made_from, *_trace(sources))))
    refuse_untagged(sections, result)
    return Narrative(result.scenario, _banner(result), sections, sources)


def _name(option: OptionResult) -> Name:
    return Name(option.label or option.name)


def _sentences(texts: Iterable[str], kind: Kind, origin: str) -> Iterator[Bullets]:
    items = tuple((Said(text, kind, origin),) for text in texts)
    if items:
        yield Bullets(items)


def _banner(result: Result) -> str:
    if any(option.simulated for option in result.options) or any(e.simulated for e in result.evidence):
        return (
            "Simulated data: the targets are invented models of the built-in simulator. This report shows how the "
            "tool decides, never what to decide."
        )
    return ""


def _decision(result: Result) -> Iterator[Block]:
    decision = result.decision
    yield Paragraph(_verdict(result, decision))
    yield Paragraph((Said(BRACKETS, "derived", "how intervals and ranges are given in this report"),))
    if decision.option is not None:
        yield Paragraph(("Probability that it is the cheapest of what is allowed: ", decision.probability, "."))
    if decision.runner_up is not None:
        other = result.option(decision.runner_up)
        words = "Saved over the horizon against ", _name(other)
        how = ", at the central values, the span of the draws in brackets (a minus is a loss): "
        yield Paragraph((*words, how, decision.saving_to_runner_up, "."))
    yield from _sentences(decision.caveats, "derived", "checks of the evidence against the requirements")
    yield from _sentences(result.warnings, "derived", "checks of prices and runs")
    yield Picture("cumulative", "Cumulative cost of the options over the horizon, with the band of the draws")


def _verdict(result: Result, decision: Decision) -> Spans:
    """The decision with each of its numbers by its own tag; where it needs none, its sentence."""
    if decision.option is None or decision.runner_up is None:
        return (Said(decision.sentence, "derived", decision.probability.origin),)
    best, second = result.option(decision.option), result.option(decision.runner_up)
    core, asked, rest = decision.sentence.partition(" are asked for.")
    if asked:
        said: Spans = (
            *("Not decisive: ", _name(best), " is the cheapest in ", decision.probability, " of the draws, "),
            *(_name(second), " in ", second.probability_cheapest, ", and "),
            *(result.requirements["decisive from"], asked),
        )
    else:
        core, end, rest = decision.sentence.partition(" of the draws.")
        open_ = "Not decisive: " if core.startswith("Not decisive: ") else ""
        words = " is the cheapest of what meets everything that is asked for in "
        said = (open_, _name(best), words, decision.probability, end)
    return (*said, " ", Said(rest.strip(), "derived", decision.probability.origin)) if rest else said


def _workload(result: Result) -> Iterator[Block]:
    if result.question:
        yield Paragraph((Name(result.question),))
    first = ("The first month begins on ", Name(result.starts_on), ", the horizon is ", result.months, ".")
    yield Paragraph(first)
    yield Table("The workload", ("quantity", "value"), tuple((Name(k), v) for k, v in result.workload.items()))
    if result.requirements:
        rows = tuple((Name(k), v) for k, v in result.requirements.items())
        yield Table("What an option has to meet", ("requirement", "value"), rows)
    if result.allowed_residency:
        yield Paragraph(("Data may go to: ", Name(", ".join(result.allowed_residency)), "."))


def _options(result: Result) -> Iterator[Block]:
    rows = tuple(
        (
            _name(o),
            o.npv,
            o.per_1000,
            o.per_1000_acceptable,
            o.probability_cheapest if o.probability_cheapest.value is not None else ("blocked" if o.blocked else "out"),
        )
        for o in result.options
    )
    headings = ("option", "net present value", "per thousand answers", "per thousand acceptable", "cheapest")
    yield Table("The options", headings, rows)
    for option in result.options:
        for words, reasons in ((" cannot be computed:", option.blocked), (" is out:", option.out)):
            if reasons:
                yield Paragraph((_name(option), words))
                yield Bullets(tuple(_reason(option, reason, result.requirements) for reason in reasons))
        if option.notes:
            yield Paragraph((_name(option), ", to be known:"))
            yield from _sentences(option.notes, "derived", f"options.{option.name}: how it was put together")


def _reason(option: OptionResult, sentence: str, requirements: Mapping[str, Figure]) -> Spans:
    """Why an option is out: what was found of it and what is asked for, each by its own tag, where both are known."""
    for key, bound in requirements.items():
        criterion = key.removesuffix(", at least")
        if criterion != key and sentence.startswith(f"Its {criterion} of "):
            asked = " that is asked for."
            return ("Its ", Name(criterion), " of ", option.quality[criterion], " is below the ", bound, asked)
        if criterion != key and sentence.startswith(f"Its {criterion} was not measured"):
            return ("Its ", Name(criterion), " was not measured, and ", bound, " is asked for.")
        if key == "p95 latency, at most" and sentence.startswith("Its p95 latency is unknown"):
            return ("The time of its slowest twentieth is unknown, and at most ", bound, " are allowed.")
        if key == "p95 latency, at most" and sentence.startswith("Its p95 latency of "):
            return ("The time of its slowest twentieth of ", option.p95, " is above the ", bound, " allowed.")
        for budget, cost in (("a month", option.per_month), ("at the start", option.upfront)):
            if key == f"{budget}, at most" and sentence.startswith("It costs ") and f" {budget}, and " in sentence:
                return ("It costs ", cost, f" {budget}, and ", bound, " are allowed.")
    return (Said(sentence, "derived", f"options.{option.name} against what is asked for"),)


def _evidence(result: Result) -> Iterator[Block]:
    if not result.evidence:
        yield Paragraph(("Nothing was measured.",))
        return
    rows = tuple(
        (Name(e.target), e.answers, e.errors, e.service, e.concurrency, e.tokens_per_s, Name(e.hardware), Name(e.date))
        for e in result.evidence
    )
    headings = ("target", "answers", "failed", "mean time of an answer", "requests", "speed", "hardware", "date")
    yield Table("What was measured", headings, rows)
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
    criteria = list(dict.fromkeys(c for o in result.options for c in o.quality))
    rows = tuple(
        (_name(o), *(o.quality.get(c, "not measured") for c in criteria), o.acceptable, o.p50, o.p95)
        for o in result.options
        if o.target is not None
    )
    if rows:
        headings = (
            "option",
            *map(Name, criteria),
            "acceptable answers",
            "median time",
            "time of the slowest twentieth",
        )
        yield Table("Quality and latency, with intervals of confidence", headings, rows)
    least = result.evidence[0].acceptable_from
    judged = next((a.figure for a in result.register if a.key == "workload.judged_share"), None)
    yield Paragraph(("An answer is acceptable where every criterion has at least ", least, "."))
    if judged is not None:
        yield Paragraph(
            (
                "The cost of an acceptable answer is all cost of an option over the acceptable share of its answers. "
                "Judging is in it as it is billed: of all answers, this share is judged: ",
                judged,
                ". Its band is that of the draws, in which the acceptable share varies by its interval, clustered by "
                "question.",
            )
        )
    yield Picture("quality", "Cost of an answer against its quality, one point an option")


def _money(result: Result) -> Iterator[Block]:
    heads = list(dict.fromkeys(head.head for o in result.options for head in o.heads))
    rows = []
    for option in result.options:
        if option.heads:
            by_head = {head.head: head.effective_cost for head in option.heads}
            rows.append((_name(option), *(by_head.get(head, "none") for head in heads), option.effective_cost))
    if not rows:
        yield Paragraph(("No option has all its prices known.",))
        return
    yield Table("Effective cost over the horizon by head", ("option", *heads, "sum"), tuple(rows))
    yield Picture("heads", "Effective cost by head, one bar an option")
    rows = tuple(
        (_name(o), o.list_cost, o.billed_cost, o.upfront, o.per_month, o.npv, o.npv_p50, o.saving)
        for o in result.options
        if not o.blocked
    )
    headings = ("option", "at list price", "billed", "at the start", "a month", "net present value", "its median")
    yield Table("Money in its views", (*headings, "saving against the baseline"), rows)
    rows = tuple((_name(o), o.energy, o.carbon, Name(o.power)) for o in result.options if not o.blocked)
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


def _break_even(result: Result) -> Iterator[Block]:
    if not result.break_even:
        yield Paragraph(("No option with machines can be held against one that is billed by the token.",))
    rows = tuple(
        (
            _name(result.option(b.option)),
            _or(b.volume, "never on this hardware"),
            _or(b.months_to_recover, "not within the horizon"),
        )
        for b in result.break_even
    )
    if rows:
        yield Bullets(tuple((Said(found.sentence, "derived", found.volume.origin),) for found in result.break_even))
        headings = ("option", "break-even volume", "time until what is paid for it is saved")
        yield Table("Break-even", headings, rows)
        yield Picture(
            "volume", "Cost of a month by its volume, with break-evens and what the first month's machines bear"
        )
        yield Picture(
            "break_even", "Where each option breaks even, with its band, the workload and what the machines bear"
        )
    rows = tuple(
        (_name(o), Name(c.hardware), c.machines_first, c.machines_last, c.utilisation, c.p95_wait, Name(c.basis))
        for o in result.options
        for c in o.capacity
    )
    if rows:
        headings = ("option", "hardware", "machines at first", "machines at last", "utilisation", "waiting, slowest")
        yield Table("Machines for the busy hour", (*headings, "throughput is"), rows)


def _or(figure: Figure, otherwise: str) -> Span:
    """A figure, or words where there is none because it does not come to pass, which is known."""
    return figure if figure.value is not None else Said(otherwise, figure.kind, figure.origin)


def _sensitivity(result: Result) -> Iterator[Block]:
    if result.tornado_of is not None:
        ours, theirs = (_name(result.option(name)) for name in result.tornado_of)
        yield Paragraph(("How the saving of ", ours, " against ", theirs, " moves with each range:"))
        yield Picture("tornado", "Saving at the low and the high end of each range, the widest first")
        rows = tuple(
            (Name(bar.key), bar.low, bar.high, bar.saving_at_low, bar.saving_at_high)
            for bar in result.tornado[:MOST_BARS]
        )
        yield Table("The widest ranges", ("number", "low", "high", "saving at low", "saving at high"), rows)
    if result.flips:
        yield Paragraph(("What would make another option the cheapest, one number moved alone:",))
        yield Bullets(tuple((Said(flip.sentence, "derived", flip.value.origin),) for flip in result.flips[:MOST_FLIPS]))
    else:
        yield Paragraph(("No single number makes another option the cheapest in the ranges that were tried.",))
    if result.margins:
        yield Paragraph(("How far a requirement would have to move to change the decision, all else as it is:",))
        yield Bullets(tuple((Said(found.sentence, "derived", found.value.origin),) for found in result.margins))


def _beyond_cost(result: Result) -> Iterator[Block]:
    rows = tuple((_name(o), Name(o.residency or "not stated"), Name(" ".join(o.remarks))) for o in result.options)
    yield Table("Residency and remarks", ("option", "data goes to", "remarks"), rows)
    for row, day in {p.row: p.retires_on for o in result.options for p in o.prices}.items():
        if day:
            yield Paragraph((Name(row), " retires on ", Name(day), "."))
        else:
            yield Paragraph(
                (
                    Name(row),
                    ": no retirement date is known.",
                )
            )


def _register(result: Result) -> Iterator[Block]:
    rows = tuple(
        (Name(a.key), a.figure, Name(a.shape), "yes" if a.used else "no") for a in result.register
    )  # each with its source, which the appendix names
    yield Table("Every stated number", ("number", "value and range", "shape", "used"), rows)
    yield from _sentences(result.limits, "derived", "limits of the model")


def _review(result: Result) -> Iterator[Block]:
    ends = sorted(p.valid_until for o in result.options for p in o.prices if p.valid_until)
    day = min([months_after(result.card_date, REVIEW_MONTHS), *ends[:1]])
    origin = f"{REVIEW_MONTHS} months after the date of the price card, or the first end of a price before that"
    yield Paragraph((Said(f"To be reviewed by {day}.", "derived", origin),))
    yield Bullets(
        (
            ("Hold the first month's bill and request log against the workload stated here.",),
            ("Replace assumptions marked as defaults by your own, those with the widest bars first.",),
            ("Measure again when a model, a driver, the hardware or the questions change.",),
            ("Let people score a random sample of answers, to see whether the judge can be trusted.",),
        )
    )


def _made_from(result: Result) -> Table:
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
            ("seed", result.seed),
        ),
    )


def _trace(sources: Mapping[tuple[str, str], int]) -> Iterator[Block]:
    yield Paragraph(("Tags: m measured, q quoted, a assumed, d derived. Each tag's number leads to its origin:",))
    entries = tuple((Name(f"{kind[0]}{i}"), Name(origin)) for (kind, origin), i in sources.items())
    yield Origins("Origins", entries)
