"""The TCO told for people who never saw the tool: sections of prose, lists and tables, made from a Result alone.

Every number in it is tagged: a Figure, or a Said sentence with a kind and an origin. Prose holds no digit at all, so
that a number without a tag cannot slip in; what others named (targets, runs, hashes, dates) is a Name.
Files are written from it by eval.report.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from eval.cost.fields import months_after
from eval.cost.figure import Figure, Kind, bare_numbers
from eval.cost.result import OptionResult, Result

REVIEW_MONTHS = 6
MOST_BARS, MOST_FLIPS = 12, 10
_DIGIT = re.compile(r"\d")


class UntaggedNumberError(ValueError):
    """A number stands in the result or in the prose without saying what it is and where it comes from."""


@dataclass(frozen=True, slots=True)
class Name:
    """Text that others wrote, or an identifier: shown letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with numbers in it, all of one kind and origin."""

    text: str
    kind: Kind
    origin: str


Span = str | Name | Said | Figure
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[Spans, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `caption` says what they are."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A place for one of the report's charts, by its key, with words for who cannot see it."""

    key: str
    words: str


Block = Paragraph | Bullets | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Narrative:
    """The whole text. `banner` is what has to be read before anything else; `sources` numbers each kind and origin."""

    title: str
    banner: str
    sections: tuple[Section, ...]
    sources: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def tag(self, span: Figure | Said) -> str:
        """The tag of a number: the first letter of its kind and the number of its origin in the appendix."""
        return f"{span.kind[0]}{self.sources[span.kind, span.origin]}"


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
    sources: dict[tuple[str, str], int] = {}
    for span in (span for section in told for span in spans(section)):
        if isinstance(span, str) and _DIGIT.search(span):
            raise UntaggedNumberError(f'A number stands in the prose without a kind and an origin: "{span}".')
        if isinstance(span, Figure | Said):
            sources.setdefault((span.kind, span.origin), len(sources) + 1)
    sections = (*told, Section("Traceability", tuple(_trace(result, sources))))
    return Narrative(result.scenario, _banner(result), sections, sources)


def spans(section: Section) -> Iterator[Span]:
    """Everything that is said in a section, in its order."""
    for block in section.blocks:
        match block:
            case Paragraph():
                yield from block.spans
            case Bullets():
                yield from (span for item in block.items for span in item)
            case Table():
                yield from (cell for row in block.rows for cell in row)
            case Picture():
                pass


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
    yield Paragraph((Said(decision.sentence, "derived", decision.probability.origin),))
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
                yield from _sentences(reasons, "derived", f"options.{option.name} against what is asked for")
        if option.notes:
            yield Paragraph((_name(option), ", to be known:"))
            yield from _sentences(option.notes, "derived", f"options.{option.name}: how it was put together")


def _evidence(result: Result) -> Iterator[Block]:
    if not result.evidence:
        yield Paragraph(("Nothing was measured.",))
        return
    rows = tuple(
        (
            *(Name(e.target), e.answers, e.errors, e.tokens_per_s),
            *(Name(e.hardware), Name(e.date), Name(e.scored_by or "nobody"), Name(e.judge or "none")),
        )
        for e in result.evidence
    )
    headings = ("target", "answers", "failed", "speed", "hardware", "date", "scored by", "judge")
    yield Table("What was measured", headings, rows)
    criteria = list(dict.fromkeys(c for o in result.options for c in o.quality))
    rows = tuple(
        (_name(o), *(o.quality.get(c, "not measured") for c in criteria), o.acceptable, o.p50, o.p95)
        for o in result.options
        if o.target is not None
    )
    if rows:
        headings = ("option", *criteria, "acceptable answers", "median time", "time of the slowest twentieth")
        yield Table("Quality and latency, with intervals of confidence", headings, rows)
    least = result.evidence[0].acceptable_from
    yield Paragraph(("An answer is acceptable where every criterion has at least ", least, "."))
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
    yield Table("Energy and carbon over the horizon", ("option", "energy", "carbon", "power in watts is"), rows)
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


def _beyond_cost(result: Result) -> Iterator[Block]:
    rows = tuple((_name(o), Name(o.residency or "not stated"), Name(" ".join(o.remarks))) for o in result.options)
    yield Table("Residency and remarks", ("option", "data goes to", "remarks"), rows)
    retiring = {p.row: p.retires_on for o in result.options for p in o.prices if p.retires_on}
    for row, day in retiring.items():
        yield Paragraph((Name(row), " retires on ", Name(day), "."))


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


def _trace(result: Result, sources: Mapping[tuple[str, str], int]) -> Iterator[Block]:
    runs = ", ".join(dict.fromkeys(run for e in result.evidence for run in e.runs)) or "none"
    yield Table(
        "What this report was made from",
        ("thing", "value"),
        (
            ("scenario", Name(f"{result.scenario}, {result.scenario_sha256}")),
            ("price card", Name(f"{result.card}, {result.card_date}, {result.card_sha256}")),
            ("the scenario's own card", "yes" if result.card_is_pinned else "no"),
            ("runs", Name(runs)),
            ("draws and seed", Name(f"{_whole(result.draws)}, {_whole(result.seed)}")),
        ),
    )
    yield Paragraph(("Tags: m measured, q quoted, a assumed, d derived. Each tag's number leads to its origin:",))
    rows = tuple((Name(f"{kind[0]}{i}"), kind, Name(origin)) for (kind, origin), i in sources.items())
    yield Table("Origins", ("tag", "kind", "origin"), rows)


def _whole(figure: Figure) -> str:
    return f"{figure.value:,.0f}" if figure.value is not None else "unknown"


def words(figure: Figure) -> str:
    """A figure as people read it: with its unit, its interval and n; or that it is unknown, and why."""
    if figure.value is None:
        return f"unknown: {figure.reason}"
    value = float(figure.value)
    text = _amount(value, figure.unit)
    if figure.low is not None and figure.high is not None:
        text += f" ({_bare(figure.low, figure.unit)} to {_bare(figure.high, figure.unit)})"
    return f"{text}, n = {figure.n}" if figure.n is not None else text


def _amount(value: float, unit: str) -> str:
    bare = _bare(value, unit)
    return bare if unit == "share" else f"{bare} {unit}"


def _bare(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.1%}".replace("%", " %")
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 1 or size < 1e-12:
        return f"{value:,.2f}".rstrip("0").rstrip(".") or "0"
    return f"{value:.3g}"
