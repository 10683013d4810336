"""Frames of a TCO for the page's tables, and the changes that an edited table of assumptions asks for."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.format import plain
from db.frames import records
from eval.cost.comparison import Comparison, difference
from eval.cost.figure import Figure
from eval.cost.register import SIMULATED, label_of, unit_of
from eval.cost.result import Capacity, OptionResult, Result
from eval.cost.scenario import Scenario, assumptions

EDITABLE = ("value", "low", "high", "kind", "source")
_SAID = ("per_1000_said", "per_1000_acceptable_said", "cheapest_said", "npv_drawn_said")
_WORDS = ("option", "standing", *_SAID, "why", "simulated")
_COMPARED = {"billed": "billed_cost", "npv": "npv", "per_1000": "per_1000", "cheapest": "probability_cheapest"}
MOST_FLIPS = 5
KINDS = ("assumed", "quoted", "measured", "derived")


def _amount(figure: Figure) -> float | None:
    return None if figure.value is None else float(figure.value)


def _money(figure: Figure) -> str | None:
    """An amount with the ends of its band: 2.56 (1.85 to 3.40)."""
    value = _amount(figure)
    if value is None or figure.low is None or figure.high is None:
        return None if value is None else f"{value:,.2f}"
    return f"{value:,.2f} ({figure.low:,.2f} to {figure.high:,.2f})"


def _percent(option: OptionResult) -> float | None:
    """The share of draws in which an option is the cheapest, in whole percent, which is as much as it is good for."""
    share = _amount(option.probability_cheapest)
    return None if share is None else round(100 * share)


def _cheapest(option: OptionResult) -> str:
    """The share of draws in which an option is the cheapest, or that it is not among those it is counted of."""
    percent = _percent(option)
    return option.standing if percent is None else f"{percent} %"


def _drawn(option: OptionResult) -> str | None:
    """The net present value over the draws: 61,907 (36,515 to 103,561)."""
    middle = _amount(option.npv_p50)
    low, high = option.npv_p50.low, option.npv_p50.high
    return None if middle is None or low is None or high is None else f"{middle:,.0f} ({low:,.0f} to {high:,.0f})"


def options_frame(result: Result) -> pd.DataFrame:
    """A row an option: money with its 10th and 90th percentile, and whether it can be chosen."""
    rows = []
    for option in result.options:
        rows.append(
            {
                "option": option.label or option.name,
                "standing": option.standing,
                "billed": _amount(option.billed_cost),
                "npv": _amount(option.npv),
                "npv_p50": _amount(option.npv_p50),
                "npv_p10": option.npv_p50.low,
                "npv_p90": option.npv_p50.high,
                "per_1000": _amount(option.per_1000),
                "per_1000_acceptable": _amount(option.per_1000_acceptable),
                "per_1000_said": _money(option.per_1000),
                "per_1000_acceptable_said": _money(option.per_1000_acceptable),
                "cheapest": _amount(option.probability_cheapest),
                "cheapest_percent": _percent(option),
                "cheapest_said": _cheapest(option),
                "npv_drawn_said": _drawn(option),
                "why": " ".join([*option.blocked, *option.out]),
                "simulated": option.simulated,
            }
        )
    frame = pd.DataFrame(rows)
    numbers = [name for name in frame.columns if name not in _WORDS]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def comparison_frame(both: Comparison, names: tuple[str, str]) -> pd.DataFrame:
    """Two rows an option, one a scenario, and a third with the second less the first; `names` are the scenarios'.

    An option that one lacks has no figures there, and amounts in different currencies have no difference.
    """
    rows = []
    for name, *sides in both.options:
        known = next(option for option in sides if option is not None)
        for scenario, side, option in zip(names, (both.here, both.there), sides, strict=True):
            figures = (
                dict.fromkeys(_COMPARED, None)
                if option is None
                else {column: _amount(getattr(option, attribute)) for column, attribute in _COMPARED.items()}
            )
            rows.append(
                {
                    "option": known.label or name,
                    "scenario": scenario,
                    "currency": side.currency,
                    "standing": "not in it" if option is None else option.standing,
                    **figures,
                    "cheapest_percent": None if option is None else _percent(option),
                    "simulated": option is not None and option.simulated,
                }
            )
        more = {column: difference(attribute, *sides) for column, attribute in _COMPARED.items()}
        amounts = {column: None if found is None else _amount(found) for column, found in more.items()}
        points = None if amounts["cheapest"] is None else round(100 * amounts["cheapest"])
        told = {"option": known.label or name, "scenario": "difference", "currency": "", "standing": ""}
        rows.append({**told, **amounts, "cheapest_percent": points, "simulated": known.simulated})
    frame = pd.DataFrame(rows)
    numbers = [*_COMPARED, "cheapest_percent"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def differences_frame(both: Comparison) -> pd.DataFrame:
    """What two scenarios state otherwise, a row each, numbers in words too."""
    labels = {row.key: row.label for side in (both.there, both.here) for row in side.register}
    rows = [(labels.get(found.path, found.path), found.here, found.there, found.path) for found in both.differences]
    return pd.DataFrame(rows, columns=["label", "here", "there", "path"], dtype="str")


def machines_frame(result: Result) -> pd.DataFrame:
    """The machines of each option for the busy hour, and what their throughput rests on."""
    rows = [
        {
            "option": option.label or option.name,
            "hardware": part.hardware,
            "first": _amount(part.machines_first),
            "last": _amount(part.machines_last),
            "places": _amount(part.places),
            "utilisation": _amount(part.utilisation),
            "wait": _wait(part),
            "throughput": part.basis,
            "simulated": option.simulated,
        }
        for option in result.options
        for part in option.capacity
    ]
    return pd.DataFrame(rows)


def _wait(part: Capacity) -> str | None:
    if not part.shared:
        return "one person each, no queue"
    wait = _amount(part.p95_wait)
    return None if wait is None else f"{wait:.3g} s"


def assumptions_frame(scenario: Scenario) -> pd.DataFrame:
    """Every assumption of a scenario to edit, by its path, in words and with its unit."""
    rows = [
        {
            **{"path": path, "label": label_of(path, scenario), "unit": unit_of(path, scenario)},
            **{name: getattr(given, name) for name in EDITABLE},
        }
        for path, given in assumptions(scenario).items()
    ]
    frame = pd.DataFrame(rows, columns=["path", "label", "unit", *EDITABLE])
    frame[["value", "low", "high"]] = frame[["value", "low", "high"]].apply(pd.to_numeric)
    return frame


def changes(edited_frame: pd.DataFrame, scenario: Scenario) -> dict[str, dict[str, Any]]:
    """The fields that an edited table says otherwise than the scenario, by path; an emptied value stays as it was."""
    given = assumptions(scenario)
    found: dict[str, dict[str, Any]] = {}
    for row in records(edited_frame):
        before = given[str(row["path"])]
        fields = {name: row[name] for name in EDITABLE if row[name] != getattr(before, name)}
        if fields.get("value", 0) is None:
            fields.pop("value")
        if "source" in fields:
            fields["source"] = fields["source"] or ""
        if fields:
            found[str(row["path"])] = fields
    return found


def undrawn(result: Result) -> str:
    """Why no saving is drawn that numbers could move, as Markdown."""
    if result.decision.option is None:
        return "There is nothing to show here: no option meets everything that is asked for with its cost known."
    if result.tornado_of is None:
        label = plain(result.option(result.decision.option).label or result.decision.option)
        return (
            f"There is nothing to show here: a single option is left, {label}, and no other of known cost to hold its "
            "saving against."
        )
    return "There is nothing to show here: no number that it rests on has a range."


def moves(result: Result) -> str:
    """What would make another option the cheapest, and how far requirements would have to move, as Markdown."""
    central = result.decision.central
    if central is None:
        return ""
    label = plain(result.option(central).label or central)
    flips = [f"- {plain(flip.sentence)}" for flip in result.flips[:MOST_FLIPS]]
    head = f"What would make another option than **{label}** the cheapest at the central values, one number moved:"
    if result.decision.runner_up is None:
        said = ["No number makes another option the cheapest: no other meets everything that is asked for."]
    else:
        said = [head, "", *flips] if flips else ["No single number makes another option the cheapest."]
    if result.margins:
        how = "How far a requirement would have to move to change the decision:"
        said += ["", how, "", *(f"- {plain(margin.sentence)}" for margin in result.margins)]
    return "\n".join(said)


def standing(result: Result) -> str:
    """Why options are out or blocked, and what to hesitate at, as a Markdown list."""
    labels: Mapping[str, str] = {o.name: plain(o.label or o.name) for o in result.options}
    said = [
        f"- **{labels[option.name]}** {word}: {plain(' '.join(reasons))}"
        for option in result.options
        for word, reasons in (("cannot be computed", option.blocked), ("is out", option.out))
        if reasons
    ]
    for sentence, options in result.grown.items():
        said.append(f"- {', '.join(f'**{labels[option.name]}**' for option in options)}: {plain(sentence)}")
    warned = [sentence for sentence in result.warnings if sentence != SIMULATED]  # the page's banner says it
    said += [f"- {plain(sentence)}" for sentence in (*result.decision.caveats, *warned)]
    return "\n".join(said)
