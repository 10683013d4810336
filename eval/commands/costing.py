"""The commands of cost: the TCO of a scenario, and the checks of scenarios and price cards."""

import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from db import frames, store
from eval import findings_cost, stored_scenarios
from eval.commands.database import open_existing
from eval.commands.json_output import print_json
from eval.commands.options import AsJson, Db
from eval.cost import price_card_file, scenario_file
from eval.cost.comparison import FIGURES, Comparison, compared, difference
from eval.cost.evaluate import evaluate
from eval.cost.result import OptionResult, Result
from eval.cost.scenario import Scenario
from eval.measured_runs import measured_targets
from eval.report.files import Format, check_place, write
from eval.terminal import say

ScenarioName = Annotated[str, typer.Argument(help='A TOML file, the name of a stored scenario, or "demo".')]
RunNames = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        help="Id, name or group of a run it rests on; may be repeated. Default: the newest group, and what its targets "
        "bore at other concurrencies on the same questions.",
    ),
]
Card = Annotated[
    Path | None, typer.Option("--card", help="Price card as JSON or CSV. Default: the scenario's, else the built-in.")
]
Source = Annotated[
    str | None, typer.Option("--source", help='Whose scores are the quality: "people", or "gpt-oss-20b (quick)".')
]


def result_of(
    scenario: Scenario, runs: list[str] | None, card: Path | None, source: str | None, engine: Engine
) -> Result:
    """The TCO of a scenario on what is stored."""
    prices = price_card_file.load(card) if card else stored_scenarios.card_of(scenario, engine)
    return evaluate(scenario, measured_targets(scenario, engine, runs or (), source=source), prices)


def tco(
    scenario: ScenarioName,
    runs: RunNames = None,
    card: Card = None,
    source: Source = None,
    against: Annotated[
        str | None, typer.Option("--against", help="Another scenario, to show both beside each other and what differs.")
    ] = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """The total cost of a scenario's options: what each costs, which is cheapest, and whether that is decisive.

    Ends with exit code 1 where an option cannot be computed, after saying why.
    """
    engine = open_existing(db)
    found = stored_scenarios.find(scenario, engine)
    result = result_of(found, runs, card, source, engine)
    if against is not None:
        other = stored_scenarios.find(against, engine)
        both = compared(found, result, other, result_of(other, runs, card, source, engine))
        if as_json:
            print_json(_plain(_beside(both)))
        else:
            findings_cost.show_comparison(both)
        _end(both.here, both.there)
        return
    if as_json:
        print_json(_plain(asdict(result)))
    else:
        findings_cost.show_result(result)
        if newer := stored_scenarios.changed_since(found, engine):
            findings_cost.show_changes(*newer)
    _end(result)


def _end(*results: Result) -> None:
    """Exit code 1 where an option is blocked, so that a script does not take a part for the whole."""
    if any(option.blocked for result in results for option in result.options):
        raise typer.Exit(1)


def report(
    scenario: ScenarioName,
    format: Annotated[
        Format, typer.Option("--format", help="html: one file that needs no network; md: Markdown; docx: for Word.")
    ] = "html",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write. Default: rightsize-report with the format's ending.")
    ] = None,
    runs: RunNames = None,
    card: Card = None,
    source: Source = None,
    db: Db = None,
) -> None:
    """Write the TCO of a scenario as a report for others: decision, evidence, cost, what would change it.

    Ends with exit code 1 where an option cannot be computed; the report is written all the same and says why.
    """
    place = Path(f"rightsize-report.{format}") if out is None else out
    check_place(place, format)
    engine = open_existing(db)
    result = result_of(stored_scenarios.find(scenario, engine), runs, card, source, engine)
    with store.reading(engine) as session:
        order = frames.targets_frame(session=session)["target"].to_list()
    write(result, format, place, order)
    say(f"Written: {place}")
    _end(result)


def _plain(value: Any) -> Any:
    """A result as JSON knows it; an exact amount of money stays exact as a text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value


def _beside(both: Comparison) -> dict[str, Any]:
    """A comparison as JSON: each side's decision, every option's figures on both sides, and what differs."""
    return {
        **{name: _side(side) for name, side in (("here", both.here), ("there", both.there))},
        "options": [
            {"option": name, "here": _option(here), "there": _option(there), "difference": _difference(here, there)}
            for name, here, there in both.options
        ],
        "differences": [asdict(difference) for difference in both.differences],
    }


def _side(result: Result) -> dict[str, Any]:
    names = ("scenario", "scenario_sha256", "card", "card_date", "card_sha256", "currency")
    return {name: getattr(result, name) for name in names} | {"decision": asdict(result.decision)}


def _option(option: OptionResult | None) -> dict[str, Any] | None:
    if option is None:
        return None
    words = {name: getattr(option, name) for name in ("label", "standing", "blocked", "out", "simulated")}
    return words | {name: asdict(getattr(option, name)) for name in FIGURES}


def _difference(here: OptionResult | None, there: OptionResult | None) -> dict[str, Any]:
    """Each figure there less here; null where a side lacks it or counts in another currency."""
    found = {name: difference(name, here, there) for name in FIGURES}
    return {name: None if figure is None else asdict(figure) for name, figure in found.items()}


def scenario_check(file: Annotated[Path, typer.Argument(help="A scenario as TOML.")]) -> None:
    """Check a scenario: every fault with its key, what is wrong and what would be right."""
    checked = scenario_file.load(file)
    sys.stdout.write(
        f"{file}: scenario {checked.name} ({checked.sha256[:8]}), options {', '.join(checked.options)}, no fault\n"
    )


def prices_check(file: Annotated[Path, typer.Argument(help="A price card as JSON or CSV.")]) -> None:
    """Check a price card: every fault with its row or line, what is wrong and what would be right."""
    checked = price_card_file.load(file)
    sys.stdout.write(
        f"{file}: price card {checked.name} of {checked.date} ({checked.sha256[:8]}), {len(checked.rows)} prices, "
        "no fault\n"
    )
