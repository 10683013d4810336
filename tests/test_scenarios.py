"""Scenarios are stored, pinned to a price card, copied, renamed and deleted; a newer card says what changed."""

from decimal import Decimal

import cost_samples
import pytest
from sqlalchemy import Engine

from db import scenarios, store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.price_card import PriceCard
from eval.cost.scenario_file import ScenarioError

MODEL = {"model": "m", "input_per_mtok": Decimal("0.1"), "output_per_mtok": Decimal("0.123456789012345678")}


@pytest.fixture
def engine(empty_url: str) -> Engine:
    return store.connect(empty_url)


def card(date: str = "2026-11-25", **changed: object) -> PriceCard:
    return cost_samples.card({**MODEL, **changed}).model_copy(update={"date": date})


def test_a_scenario_comes_back_as_it_was_saved_with_the_card_it_was_made_with(engine: Engine):
    saved = stored_scenarios.save(scenario_file.demo(), card(), engine)
    found = stored_scenarios.load("Internal assistant", engine)
    assert found == saved
    assert found.price_card is not None
    assert found.price_card.sha256 == card().sha256
    assert stored_scenarios.card_of(found, engine) == card()  # prices to the last digit


def test_saving_again_replaces_the_scenario_and_keeps_the_earlier_card(engine: Engine):
    stored_scenarios.save(scenario_file.demo(), card(), engine)
    stored_scenarios.save(scenario_file.demo(), card(model="other"), engine)
    assert stored_scenarios.names(engine) == ["Internal assistant"]
    with store.reading(engine) as session:
        assert scenarios.find_price_card(card().sha256, session=session) is not None
    assert (
        stored_scenarios.card_of(stored_scenarios.load("Internal assistant", engine), engine).rows[0].model == "other"
    )


def test_a_copy_and_a_renamed_scenario_carry_their_own_name(engine: Engine):
    stored_scenarios.save(scenario_file.demo(), card(), engine)
    with store.writing(engine) as session:
        scenarios.copy_scenario("Internal assistant", "Second", session=session)
        scenarios.rename_scenario("Internal assistant", "First", session=session)
    assert sorted(stored_scenarios.names(engine)) == ["First", "Second"]
    assert stored_scenarios.load("Second", engine).name == "Second"
    assert stored_scenarios.load("First", engine).name == "First"


@pytest.mark.parametrize("verb", [scenarios.copy_scenario, scenarios.rename_scenario])
def test_a_taken_name_is_refused_and_changes_nothing(verb, engine: Engine):
    stored_scenarios.save(scenario_file.demo(), card(), engine)
    with store.writing(engine) as session:
        scenarios.copy_scenario("Internal assistant", "Second", session=session)
    with pytest.raises(store.StoreError, match='already a scenario "Second"'), store.writing(engine) as session:
        verb("Internal assistant", "Second", session=session)
    assert sorted(stored_scenarios.names(engine)) == ["Internal assistant", "Second"]


def test_a_deleted_scenario_is_gone_and_an_unknown_one_names_those_there_are(engine: Engine):
    stored_scenarios.save(scenario_file.demo(), card(), engine)
    with pytest.raises(store.StoreError, match='no scenario "x"; stored are Internal assistant'):
        stored_scenarios.load("x", engine)
    with store.writing(engine) as session:
        scenarios.delete_scenario("Internal assistant", session=session)
    with pytest.raises(store.StoreError, match="none is stored yet"):
        stored_scenarios.load("Internal assistant", engine)


def test_a_stored_scenario_that_no_longer_passes_names_its_faults(engine: Engine):
    with store.writing(engine) as session:
        scenarios.save_scenario("broken", {"baseline": 1}, session=session)
    with pytest.raises(ScenarioError, match="workload"):
        stored_scenarios.load("broken", engine)


def test_a_newer_card_says_what_changed_since(engine: Engine):
    stored = stored_scenarios.save(scenario_file.demo(), card("2027-01-01"), engine)
    assert stored_scenarios.changed_since(stored, engine) is None
    newer = card("2027-02-01", input_per_mtok=Decimal("0.2"))
    stored_scenarios.save(stored.model_copy(update={"name": "other"}), newer, engine)
    found = stored_scenarios.changed_since(stored, engine)
    assert found is not None
    assert found[0] == newer
    assert "rose from 0.1 to 0.2 USD" in found[1][0].sentence


def test_without_a_stored_card_the_built_in_one_counts(engine: Engine):
    assert stored_scenarios.card_of(scenario_file.demo(), engine) == price_card_file.built_in()
    assert stored_scenarios.find("demo", engine) == scenario_file.demo()
