"""Scenarios between the database and the cost model, and what changed in prices since a scenario was saved.

Rows are db.scenarios' business, price cards stored_cards'; checking a scenario is eval.cost.scenario's.
"""

from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Engine

from db import scenarios, store
from eval import stored_cards
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
        kept = stored_cards.keep_card(card, session=session)
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
    pin = scenario.price_card
    return (stored_cards.find_card(pin.sha256, engine) if pin else None) or price_card_file.built_in()


def changed_since(scenario: Scenario, engine: Engine) -> tuple[PriceCard, tuple[Change, ...]] | None:
    """A newer card than the scenario's with what is different in it on the scenario's first day; None without one."""
    used, newest = card_of(scenario, engine), stored_cards.newest_card(engine)
    if newest.date < used.date or newest.sha256 == used.sha256:
        return None
    return newest, changes(used, newest, scenario.starts_on)
