"""What the command line shows of a TCO: a table of the options and the sentences that go with them.

Only presentation, on standard error like everything of terminal.py.
"""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from eval.cost.comparison import Comparison
from eval.cost.figure import Figure
from eval.cost.price_card import PriceCard
from eval.cost.price_changes import Change
from eval.cost.result import OptionResult, Result
from eval.terminal import console, say

MOST_CHANGES = 10
MOST_FLIPS = 5


def show_result(result: Result) -> None:
    """The options with their money, the decision, what would change it, and what to know before believing it."""
    table = Table(
        caption=f"{result.currency} over {_amount(result.months)} months; in brackets the 10th to 90th percentile.",
        caption_justify="left",
    )
    for heading in ("option", "total", "NPV", "per 1,000", "per 1,000 acceptable", "cheapest"):
        table.add_column(heading, justify="left" if heading == "option" else "right")
    for option in result.options:
        table.add_row(*_row(option))
    console.print(table)
    for option in result.options:
        for word, reasons in (("cannot be computed", option.blocked), ("is out", option.out)):
            if reasons:
                say(f"{option.label or option.name} {word}: {' '.join(reasons)}")
    say(result.decision.sentence)
    for sentence in (*result.decision.caveats, *result.warnings):
        say(f"- {sentence}")
    for found in result.break_even:
        say(f"Break-even: {found.sentence}")
    for flip in result.flips[:MOST_FLIPS]:
        say(f"It would change: {flip.sentence}")
    for margin in result.margins:
        say(f"Requirement: {margin.sentence}")


def show_comparison(both: Comparison) -> None:
    """Two scenarios beside each other: every option on both sides, both decisions, and what differs."""
    table = Table(caption="In brackets the 10th to 90th percentile.", caption_justify="left")
    for heading in ("option", "scenario", "total", "NPV", "per 1,000", "per 1,000 acceptable", "cheapest"):
        table.add_column(heading, justify="left" if heading in ("option", "scenario") else "right")
    for name, here, there in both.options:
        for side, option in ((both.here, here), (both.there, there)):
            scenario = escape(f"{side.scenario} ({side.currency})")
            if option is None:
                table.add_row(escape(name), scenario, *["[dim]not in it[/dim]"] * 5)
            else:
                label, *figures = _row(option)
                table.add_row(label, scenario, *figures)
        table.add_section()
    console.print(table)
    for side in (both.here, both.there):
        say(f"{side.scenario}: {side.decision.sentence}")
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
    chance = option.probability_cheapest
    standing = option.standing
    return (
        escape(option.label or option.name),
        _amount(option.billed_cost),
        _amount(option.npv),
        _amount(option.per_1000, ",.2f"),
        _amount(option.per_1000_acceptable, ",.2f"),
        standing if chance.value is None else f"{float(chance.value):.0%}",
    )


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
