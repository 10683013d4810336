"""The TCO told for people who never saw the tool: sections of prose, lists and tables, made from a Result alone.

The front part is what a board reads: decision, workload, options, evidence, cost, what would change it. What it rests
on in detail is in the appendices (appendices.py).
Every number in it is tagged: a Figure, or a Said sentence with a kind and an origin. Prose holds no digit at all, so
that a number without a tag cannot slip in; what others named (targets, runs, hashes, dates) is a Name.
Files are written from it by eval.report.
"""

from collections.abc import Iterable, Iterator, Mapping

from eval.cost.appendices import appendices, made_from, or_words, traceability
from eval.cost.decision import RULE
from eval.cost.evidence import LATE
from eval.cost.fields import months_after
from eval.cost.figure import Figure, Kind, bare_numbers
from eval.cost.prose import (
    Block,
    Bullets,
    Name,
    Narrative,
    Paragraph,
    Picture,
    Said,
    Section,
    Span,
    Spans,
    Table,
    UntaggedNumberError,
    named,
    once_a_row,
    refuse_untagged,
    spans,
    unitless,
)
from eval.cost.result import BY_JUDGE, CENTRAL, MEDIAN, SCALED, Decision, OptionResult, Result

REVIEW_MONTHS = 6
MOST_FLIPS = 8
LOCKED_IN = (
    "Where answers need a provider, not all of them come offline, and the provider may change prices, terms and "
    "models. Where they need none, they come offline too, and the model stays as it is."
)
GROWN = "one machine for each of the users with their growth"
BRACKETS = (
    "In brackets: beside what was measured, with its n, the 95 % interval; beside an assumption the range that was "
    "stated; beside money and break-evens the 10th to 90th percentile of the draws. Amounts are those of the central "
    "values of all assumptions unless they are called the median of the draws; where ranges lean to one side an amount "
    "of the central values need not lie between the percentiles."
)


def narrate(result: Result) -> Narrative:
    """The narrative of a result. Raises UntaggedNumberError for a number that does not say what it is."""
    if bare := bare_numbers(result):
        raise UntaggedNumberError(f"Numbers without a kind and an origin: {', '.join(bare[:5])}.")
    made = (
        Section("Decision and confidence", tuple(_decision(result))),
        Section("Question and workload", tuple(_workload(result))),
        Section("Options", tuple(_options(result))),
        Section("Evidence", tuple(_evidence(result))),
        Section("Cost by head and present value", tuple(_money(result))),
        Section("Break-even against capacity", tuple(_break_even(result))),
        Section("Sensitivity, and what would change the decision", tuple(_sensitivity(result))),
        Section("What is not about cost", tuple(_beyond_cost(result))),
        Section("Validation and review", tuple(_review(result))),
        *appendices(result),
    )
    told = [once_a_row(section) for section in made]
    source = made_from(result)
    sources: dict[tuple[str, str], int] = {}
    for span in (span for section in (*told, Section("", (source,))) for span in spans(section)):
        if isinstance(span, Figure | Said):
            sources.setdefault((span.kind, span.origin), len(sources) + 1)
    last = Section("Appendix: traceability", (source, *traceability(sources)), appendix=True)
    sections = (*told, last)
    refuse_untagged(sections, result)
    return Narrative(result.scenario, _banner(result), sections, sources)


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
    for sentence in decision.hand_scores:
        yield Paragraph((Said(sentence, "derived", "hand scores behind the quality that floors are held against"),))
    yield Paragraph((RULE,))
    yield Paragraph((Said(BRACKETS, "derived", "how intervals and ranges are given in this report"),))
    if decision.runner_up is not None:
        saved = "Saved over the horizon against ", named(result.option(decision.runner_up)), " (a minus is a loss): "
        central = decision.saving_to_runner_up
        middle = decision.saving_p50, " in the median of the draws, ", central, " at the central values."
        yield Paragraph((*saved, *middle))
    elif decision.option is not None:  # no other to save against: what it costs
        only = result.option(decision.option)
        costs = named(only), " is billed ", only.billed_cost, " over the horizon. Its net present value is "
        middle = only.npv_p50, " in the median of the draws, ", only.npv, " at the central values."
        yield Paragraph((*costs, *middle))
    yield from _sentences(decision.caveats, "derived", "checks of the evidence against the requirements")
    warned = (text for text in result.warnings if not text.startswith(LATE))  # which stands with the evidence
    yield from _sentences(warned, "derived", "checks of prices and runs")
    yield Picture("cumulative", "Cumulative cost of the options over the horizon, with the band of the draws")


def _verdict(result: Result, decision: Decision) -> Spans:
    """The decision with each of its numbers by its own tag; where it needs none, its sentence."""
    if decision.option is None or decision.runner_up is None:
        return (Said(decision.sentence, "derived", decision.probability.origin),)
    best, second = result.option(decision.option), result.option(decision.runner_up)
    core, asked, rest = decision.sentence.partition(" are asked for.")
    if asked:
        said: Spans = (
            *("Not decisive: ", named(best), " is the cheapest in ", decision.probability, " of the draws, "),
            *(named(second), " in ", second.probability_cheapest, ", and "),
            *(result.requirements["decisive from"], asked),
        )
    else:
        core, end, rest = decision.sentence.partition(" of the draws.")
        open_ = "Not decisive: " if core.startswith("Not decisive: ") else ""
        words = " is the cheapest of what meets everything that is asked for in "
        said = (open_, named(best), words, decision.probability, end)
    return (*said, " ", Said(rest.strip(), "derived", decision.probability.origin)) if rest else said


def _workload(result: Result) -> Iterator[Block]:
    if result.question:
        yield Paragraph((Name(result.question),))
    first = ("The first month begins on ", Name(result.starts_on), ", the horizon is ", result.months, ".")
    yield Paragraph(first)
    rows = tuple((Name(k), v) for k, v in {**result.workload, **result.requirements}.items())
    yield Table("The workload, and what an option has to meet", ("quantity or requirement", "value"), rows)
    if result.allowed_residency:
        yield Paragraph(("Data may go to: ", Name(", ".join(result.allowed_residency)), "."))


def _options(result: Result) -> Iterator[Block]:
    rows = tuple(
        (
            *(named(o), *map(unitless, (o.npv, o.npv_p50, o.per_1000, o.per_1000_acceptable))),
            o.probability_cheapest if o.probability_cheapest.value is not None else ("blocked" if o.blocked else "out"),
        )
        for o in result.options
    )
    headings = ("option", f"net present value, {CENTRAL}", f"net present value, {MEDIAN}", "per thousand answers")
    caption = f"The options, amounts in {result.currency}"
    yield Table(caption, (*headings, f"per thousand acceptable, {BY_JUDGE}", "cheapest"), rows)
    items = tuple(
        (named(option), words, *_one_by_one(_reason(option, reason, rules) for reason in reasons))
        for rules in (result.requirements,)
        for option in result.options
        for words, reasons in ((" cannot be computed: ", option.blocked), (" is out: ", option.out))
        if reasons
    )
    items += tuple(
        (Name(", ".join(named(option).text for option in options)), ": ", Said(sentence, "derived", GROWN))
        for sentence, options in result.grown.items()
    )
    if items:
        yield Bullets(items)


def _one_by_one(sentences: Iterable[Spans]) -> Iterator[Span]:
    """Sentences after each other, with a space between them."""
    for number, sentence in enumerate(sentences):
        yield from (" ", *sentence) if number else sentence


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
            return ("Its ", Name("p95 latency"), " is unknown, and at most ", bound, " are allowed.")
        if key == "p95 latency, at most" and sentence.startswith("Its p95 latency of "):
            above = f", {SCALED}, is above the " if option.scaled else " is above the "
            return ("Its ", Name("p95 latency"), " of ", option.p95, above, bound, " allowed.")
        for budget, cost in (("a month", option.per_month), ("at the start", option.upfront)):
            if key == f"{budget}, at most" and sentence.startswith("It costs ") and f" {budget}, and " in sentence:
                return ("It costs ", cost, f" {budget}, and ", bound, " are allowed.")
    return (Said(sentence, "derived", f"options.{option.name} against what is asked for"),)


def _evidence(result: Result) -> Iterator[Block]:
    if not result.evidence:
        yield Paragraph(("Nothing was measured.",))
        return
    criteria = list(dict.fromkeys(c for o in result.options for c in o.quality))
    measured = [o for o in result.options if o.target is not None]
    rows = tuple(
        (named(o), *(o.quality.get(c, "not measured") for c in criteria), o.acceptable, o.p50, o.p95) for o in measured
    )
    scaled = f", {SCALED}" if any(o.scaled for o in measured) else ""
    if rows:
        times = (f"acceptable answers, {BY_JUDGE}", *(f"{which} latency{scaled}" for which in ("median", "p95")))
        yield Table("Quality and latency, with intervals of confidence", ("option", *map(Name, criteria), *times), rows)
    asked, hardware, dates, scored = (
        Name(", ".join(dict.fromkeys(getattr(e, name) or "not stated" for e in result.evidence)))
        for name in ("questions", "hardware", "date", "scored_by")
    )
    if scaled:
        by = {a.key: a.figure for a in result.register}
        yield Paragraph(
            (
                *("Real prompts are taken to be ", by["workload.prompt_scale"], " as long as the measured ones, real "),
                *("answers ", by["workload.completion_scale"], ". Latencies are the measured ones made longer by it."),
            )
        )
    late = tuple((Said(text, "measured", e.client_limited.origin),) for e in result.evidence for text in e.lateness)
    if late:
        yield Bullets(late)
    yield Paragraph(("Asked: ", asked, ". Hardware: ", hardware, ". Date: ", dates, ". Scored by: ", scored, "."))
    yield Paragraph(
        (
            *("An answer is acceptable where every criterion has at least ", result.evidence[0].acceptable_from),
            f". That is told {BY_JUDGE} alone: people's scores do not correct it.",
        )
    )
    yield Picture("quality", "Cost of an answer against its quality, one point an option")


def _money(result: Result) -> Iterator[Block]:
    heads = list(dict.fromkeys(head.head for o in result.options for head in o.heads))
    rows = []
    for option in result.options:
        if option.heads:
            by_head = {head.head: head.effective_cost for head in option.heads}
            costs = (unitless(by_head[head]) if head in by_head else "none" for head in heads)
            rows.append((named(option), *costs, unitless(option.effective_cost)))
    if not rows:
        yield Paragraph(("No option has all its prices known.",))
        return
    caption = f"Effective cost over the horizon by head, in {result.currency}"
    yield Table(caption, ("option", *heads, "sum"), tuple(rows))
    yield Picture("heads", "Effective cost by head, one bar an option")


def _break_even(result: Result) -> Iterator[Block]:
    if not result.break_even:
        yield Paragraph(("No option with machines can be held against one that is billed by the token.",))
        return
    rows = tuple(
        (
            *(named(result.option(b.option)), named(result.option(b.against))),
            or_words(unitless(b.volume), "never on this hardware"),
            or_words(unitless(b.horizon_volume), "never"),
            _bears(result.option(b.option)),
            or_words(b.months_to_recover, "not within the horizon"),
        )
        for b in result.break_even
    )
    headings = ("option", "costs no more than", "at the first month's prices, from", "over the horizon, from")
    more = ("its first month's machines bear", "what is paid for it is saved after")
    yield Table("Break-even, in requests a month", (*headings, *more), rows)
    yield Paragraph(
        (
            "Over the horizon means by the first month's volume, in net present value, with growth, price changes and "
            "discounting: that is what the decision goes by.",
        )
    )
    lost = tuple((Said(b.sentence, "derived", b.volume.origin),) for b in result.break_even if b.lost_at is not None)
    if lost:
        yield Bullets(lost)
    yield Picture(
        "volume", "Cost of the first month by its volume, with break-evens and what the first month's machines bear"
    )


def _bears(option: OptionResult) -> Span:
    """What the machines of the first month bear, of the part that bears least; beyond it a further one is counted."""
    shared = [part.bears_first for part in option.capacity if part.shared]
    if not shared:
        return "one machine a person"
    return unitless(min(shared, key=lambda bears: bears.value or 0))


def _sensitivity(result: Result) -> Iterator[Block]:
    if result.tornado_of is not None:
        ours, theirs = (named(result.option(name)) for name in result.tornado_of)
        moves = ("How the saving of ", ours, " against ", theirs, " moves with each number, all others central:")
        yield Paragraph(moves)
        yield Picture("tornado", "Saving at the 10th and the 90th percentile of each number, the widest first")
    if result.flips and result.decision.central is not None:
        central = named(result.option(result.decision.central))
        yield Paragraph(
            ("What would make another option than ", central, " the cheapest at the central values, one number moved:")
        )
        yield Bullets(tuple((Said(flip.sentence, "derived", flip.value.origin),) for flip in result.flips[:MOST_FLIPS]))
    elif result.decision.option is not None and result.decision.runner_up is None:
        alone = "No number makes another option the cheapest: no other meets everything that is asked for."
        yield Paragraph((alone,))
    else:
        yield Paragraph(("No single number makes another option the cheapest in the ranges that were tried.",))
    if result.margins:
        yield Paragraph(("How far a requirement would have to move to change the decision, all else as it is:",))
        yield Bullets(tuple((Said(found.sentence, "derived", found.value.origin),) for found in result.margins))


def _beyond_cost(result: Result) -> Iterator[Block]:
    rows = tuple(
        (named(o), Name(o.residency or "not stated"), _provider(o), Name(" ".join(o.remarks))) for o in result.options
    )
    yield Table("Residency and remarks", ("option", "data goes to", "answers need a provider", "remarks"), rows)
    if any(option.providers for option in result.options):
        yield Paragraph((LOCKED_IN,))
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


def _provider(option: OptionResult) -> Span:
    """The providers that an option sends requests to: it does not work offline, and depends on them."""
    if option.kind == "do-nothing":
        return "nothing is built"
    if option.providers:
        return Name(", ".join(option.providers))
    return "not known" if option.blocked and option.kind != "self-hosted" else "no"


def _review(result: Result) -> Iterator[Block]:
    used = [p for o in result.options for p in o.prices]
    ends = sorted(day for p in used for day in (p.valid_until, p.retires_on) if day)
    day = min([months_after(result.card_date, REVIEW_MONTHS), *ends[:1]])
    origin = (
        f"the first day of the month {REVIEW_MONTHS} months after the price card's, or the first end of a price or "
        "retirement of a model before that"
    )
    yield Paragraph((Said(f"To be reviewed by {day}.", "derived", origin),))
    yield Bullets(
        (
            ("Hold the first month's bill and request log against the workload stated here.",),
            ("Replace assumptions marked as defaults by your own, those with the widest bars first.",),
            ("Measure again when a model, a driver, the hardware or the questions change.",),
            ("Let people score a random sample of answers, to see whether the judge can be trusted.",),
        )
    )
