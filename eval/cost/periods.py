"""Which rows of the price card bill a stage over the horizon, and what is unknown in them, in sentences.

A sentence blocks the option it is about; collecting them is compile.py's business.
"""

from collections.abc import Iterator, Mapping

from eval.cost.assumption import EXTREMES, Spread
from eval.cost.fields import months_after
from eval.cost.price_card import PriceCard, PriceRow
from eval.cost.program import Period, Tokens, tiers_within
from eval.cost.scenario import Scenario


def periods(scenario: Scenario, card: PriceCard, place: str, wanted: str) -> tuple[Period, ...] | str:
    """The rows in force in each month of the horizon, as periods; or why they are not known, in a sentence."""
    start, months = scenario.starts_on, scenario.workload.horizon_months
    rows: list[PriceRow] = []
    for month in range(months):
        row, reason = card.in_force(wanted, start if month == 0 else months_after(start, month))
        if row is None:
            return f"{place}: {reason}"
        rows.append(row)
    for row in rows:
        if row.currency not in (scenario.money.currency, *scenario.money.rates):
            what = f"{row.id} is priced in {row.currency}, the scenario in {scenario.money.currency}"
            return f"{place}: {what}; write what one {row.currency} costs under [money.rates]."
    found, first = [], 0
    for month in range(1, months + 1):
        if month == months or rows[month] != rows[first]:
            found.append(Period(first, month - 1, rows[first]))
            first = month
    return tuple(found)


def unknown_prices(name: str, tokens: Tokens, spreads: Mapping[str, Spread]) -> Iterator[str]:
    """The prices that some draw needs for the tokens of an option and that are unknown, a sentence each."""
    needed = ["input_per_mtok", "output_per_mtok"]
    if may_be(tokens.cached, spreads):
        needed.append("cached_input_per_mtok")
    if may_be(f"options.{name}.batch_share", spreads):
        needed += [f"batch_{price}" for price in needed]
    for row in (row for p in tokens.periods for row in tiers_within(p.row, *_prompt_range(tokens, spreads))):
        missing = [price.removesuffix("_per_mtok").replace("_", " ") for price in needed if getattr(row, price) is None]
        if missing:
            note = f" ({row.note})" if row.note else ""
            remedy = "enter it in the price card, or set the share that needs it to 0"
            yield f"options.{name}: the {' and the '.join(missing)} price of {row.id} is unknown{note}; {remedy}."


def may_be(share: str | float, spreads: Mapping[str, Spread]) -> bool:
    """Whether a share can be above 0 in any draw."""
    if not isinstance(share, str):
        return share > 0
    spread = spreads.get(share)
    return spread is not None and max(spread.value, spread.high or 0) > 0


def _prompt_range(tokens: Tokens, spreads: Mapping[str, Spread]) -> tuple[float, float]:
    """The fewest and the most tokens that any draw sends for an answer."""
    prompt, ours, more, *again = (
        spreads[key].at(EXTREMES)
        for key in (tokens.prompt, "workload.prompt_scale", "workload.completion_scale", *tokens.again)
    )
    least, most = prompt * ours + sum(sent * more for sent in again)
    return float(least), float(most)
