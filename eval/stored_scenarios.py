"""Scenarios and price cards between the database and the cost model, and what changed since a scenario was saved.

Rows are db.scenarios' business; checking a scenario is eval.cost.scenario's.
"""

import json
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Engine

from db import scenarios, store
from db.models import PriceCard as CardRow
from eval.cost import price_card_file, scenario_file
from eval.cost.faults import from_pydantic
from eval.cost.price_card import PriceCard
from eval.cost.price_changes import Change, changes
from eval.cost.scenario import PinnedCard, Scenario
from eval.cost.scenario_file import ScenarioError

DEMO = "demo"


def pinned(scenario: Scenario, card: PriceCard) -> Scenario:
    """The scenario with the card it is made with written into it."""
    pin = PinnedCard(name=card.name, date=card.date, sha256=card.sha256)
    return scenario.model_copy(update={"price_card": pin})


def save(scenario: Scenario, card: PriceCard, engine: Engine) -> Scenario:
    """Store a scenario under its name, pinned to the card; another of that name is replaced."""
    made = pinned(scenario, card)
    with store.writing(engine) as session:
        row = CardRow(sha256=card.sha256, name=card.name, dated=card.date, body=_card_body(card))
        kept = scenarios.save_price_card(row, session=session)
        scenarios.save_scenario(made.name, made.model_dump(mode="json"), kept.id, session=session)
    return made


def load(name: str, engine: Engine) -> Scenario:
    """A stored scenario. Raises StoreError for an unknown name, ScenarioError where it no longer passes its checks."""
    with store.reading(engine) as session:
        body = scenarios.get_scenario(name, session=session).body
    try:
        return Scenario.model_validate(body)
    except ValidationError as error:
        raise ScenarioError(f'The stored scenario "{name}"', "a scenario", from_pydantic(error, Scenario)) from error


def names(engine: Engine) -> list[str]:
    """The names of the stored scenarios, the one changed last first."""
    with store.reading(engine) as session:
        return [row.name for row in scenarios.list_scenarios(session=session)]


def find(wanted: str, engine: Engine) -> Scenario:
    """A scenario by a TOML file, by the name it is stored under, or the word "demo"."""
    if wanted.lower().endswith(".toml"):
        return scenario_file.load(Path(wanted))
    if wanted == DEMO and wanted not in names(engine):
        return scenario_file.demo()
    return load(wanted, engine)


def card_of(scenario: Scenario, engine: Engine) -> PriceCard:
    """The card a scenario is pinned to where it is stored, else the one that comes with Rightsize."""
    if scenario.price_card is not None:
        with store.reading(engine) as session:
            row = scenarios.find_price_card(scenario.price_card.sha256, session=session)
        if row is not None:
            return _card(row)
    return price_card_file.built_in()


def newest_card(engine: Engine) -> PriceCard:
    """The card with the latest date among those stored and the one that comes with Rightsize."""
    with store.reading(engine) as session:
        row = scenarios.newest_price_card(session=session)
    ours = price_card_file.built_in()
    return _card(row) if row is not None and row.dated > ours.date else ours


def changed_since(scenario: Scenario, engine: Engine) -> tuple[PriceCard, tuple[Change, ...]] | None:
    """A newer card than the scenario's with what is different in it on the scenario's first day; None without one."""
    used, newest = card_of(scenario, engine), newest_card(engine)
    if newest.date <= used.date or newest.sha256 == used.sha256:
        return None
    return newest, changes(used, newest, scenario.starts_on)


def _card_body(card: PriceCard) -> dict[str, object]:
    return json.loads(price_card_file.dump_json(card))


def _card(row: CardRow) -> PriceCard:
    return price_card_file.parse_json(json.dumps(row.body), f'the stored price card "{row.name}"')
