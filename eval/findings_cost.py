"""What the command line shows of a TCO: a table of the options and the sentences that go with them.

Only presentation, on standard error like everything of terminal.py.
"""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from eval.cost.comparison import FIGURES, Comparison, difference
from eval.cost.figure import Figure
from eval.cost.price_card import PriceCard
from eval.cost.price_changes import Change
from eval.cost.result import BY_JUDGE, CENTRAL, MEDIAN, OptionResult, Result
from eval.terminal import console, say

MOST_CHANGES = 10
MOST_FLIPS = 5
BRACKETS = "in brackets the 10th to 90th percentile of the draws"
ACCEPTABLE = f"per 1,000 acceptable {BY_JUDGE}"
HEADINGS = (
    "total",
    f"NPV, {CENTRAL}",
    f"NPV, {MEDIAN}",
    "per 1,000",
    ACCEPTABLE,
    "cheapest",
)  # of the figures of comparison.FIGURES


def show_result(result: Result) -> None:
    """The options with their money, the decision, what would change it, and what to know before believing it."""
    table = Table(
        caption=f"{result.currency} over {_amount(result.months)} months, {CENTRAL} unless said; {BRACKETS}.",
        caption_justify="left",
    )
    for heading in ("option", *HEADINGS):
        table.add_column(heading, justify="left" if heading == "option" else "right")
    for option in result.options:
        table.add_row(*_row(option))
    console.print(table)
    for option in result.options:
        for word, reasons in (("cannot be computed", option.blocked), ("is out", option.out)):
            if reasons:
                say(f"{option.label or option.name} {word}: {' '.join(reasons)}")
    for sentence, options in result.grown.items():
        say(f"{', '.join(option.label or option.name for option in options)}: {sentence}")
    say(" ".join([result.decision.sentence, *result.decision.hand_scores]))
    for sentence in (*result.decision.caveats, *result.warnings):
        say(f"- {sentence}")
    for found in result.break_even:
        say(f"Break-even: {found.sentence}")
    same = result.decision.central == result.decision.option
    moved = "It would change" if same else "At the central values"
    for flip in result.flips[:MOST_FLIPS]:
        say(f"{moved}: {flip.sentence}")
    for margin in result.margins:
        say(f"Requirement: {margin.sentence}")


def show_comparison(both: Comparison) -> None:
    """Two scenarios beside each other: every option on both sides, both decisions, and what differs."""
    caption = f"At {CENTRAL} unless said; {BRACKETS}. The difference is the second less the first."
    table = Table(caption=caption, caption_justify="left")
    sides = [escape(f"{side.scenario} ({side.currency})") for side in (both.here, both.there)]
    for heading in ("option", "figure", *sides, "difference"):
        table.add_column(heading, justify="left" if heading in ("option", "figure") else "right")
    for name, here, there in both.options:
        label = next(option.label or name for option in (here, there) if option is not None)
        rows = zip(HEADINGS, FIGURES, _figures(here), _figures(there), strict=True)
        for number, (heading, figure, *texts) in enumerate(rows):
            more = difference(figure, here, there)
            table.add_row(escape(label) if number == 0 else "", heading, *texts, _more(figure, more))
        table.add_section()
    console.print(table)
    for side in (both.here, both.there):
        say(f"{side.scenario}: {' '.join([side.decision.sentence, *side.decision.hand_scores])}")
        for caveat in side.decision.caveats:
            say(f"- {side.scenario}: {caveat}")
    if not both.differences:
        say("The two scenarios state the same.")
        return
    differing = Table(title="What differs", title_justify="left")
    for heading in ("path", both.here.scenario, both.there.scenario):
        differing.add_column(escape(heading), overflow="fold")
    for found in both.differences:
        differing.add_row(
            *(escape(found.path), escape(found.here or "not stated"), escape(found.there or "not stated"))
        )
    console.print(differing)


def _row(option: OptionResult) -> tuple[str, ...]:
    return (escape(option.label or option.name), *_figures(option))


def _figures(option: OptionResult | None) -> tuple[str, ...]:
    """The figures of an option under HEADINGS."""
    if option is None:
        return ("[dim]not in it[/dim]",) * len(HEADINGS)
    chance = option.probability_cheapest
    return (
        _amount(option.billed_cost),
        _amount(option.npv),
        _amount(option.npv_p50),
        _amount(option.per_1000, ",.2f"),
        _amount(option.per_1000_acceptable, ",.2f"),
        option.standing if chance.value is None else f"{float(chance.value):.0%}",
    )


def _more(figure: str, found: Figure | None) -> str:
    """A difference with its sign; nothing where there is none to tell."""
    if found is None or found.value is None:
        return "[dim]-[/dim]"
    if figure == "probability_cheapest":
        return f"{float(found.value) * 100:+.0f} points"
    return format(float(found.value), "+,.2f" if figure.startswith("per_") else "+,.0f")


def _amount(figure: Figure, form: str = ",.0f") -> str:
    if figure.value is None:
        return "[dim]unknown[/dim]"
    value = float(figure.value)
    text = format(value if abs(value) >= 0.5 * 10 ** -int(form[-2]) else 0.0, form)
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [dim]({figure.low:{form}} to {figure.high:{form}})[/dim]"


def show_changes(newest: PriceCard, changed: Sequence[Change]) -> None:
    """What a newer price card says otherwise than the one the scenario was made with."""
    say(f'There is a newer price card, "{newest.name}" of {newest.date}: {len(changed)} differences.')
    for change in changed[:MOST_CHANGES]:
        say(f"- {change.sentence}")
