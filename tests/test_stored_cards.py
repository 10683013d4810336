"""Price cards are stored once, never overwritten, and the newest of them is offered to scenarios with an older one."""

from decimal import Decimal

import cost_samples
import pytest
from sqlalchemy import Engine

from db import store
from eval import stored_cards, stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.price_card import PriceCard


@pytest.fixture
def engine(empty_url: str) -> Engine:
    return store.connect(empty_url)


def card(name: str = "ours", date: str = "2026-11-25", price: str = "1") -> PriceCard:
    made = cost_samples.card({"model": "m", "input_per_mtok": Decimal(price), "output_per_mtok": Decimal(2)})
    return made.model_copy(update={"name": name, "date": date})


def test_without_any_stored_card_there_is_the_one_of_rightsize(engine: Engine):
    assert [head.name for head in stored_cards.card_heads(engine)] == ["Rightsize price card"]
    assert stored_cards.newest_card(engine) == price_card_file.built_in()


def test_a_new_card_stands_beside_the_one_a_scenario_is_pinned_to(engine: Engine):
    pinned = stored_scenarios.save(scenario_file.demo(), card(), engine)
    stored_cards.save_new_card(card("theirs", "2027-01-01", "3"), engine)
    assert stored_scenarios.card_of(pinned, engine) == card()
    found = stored_scenarios.changed_since(pinned, engine)
    assert found is not None
    assert found[0].name == "theirs"
    moved = stored_scenarios.save(pinned, found[0], engine)
    assert stored_scenarios.changed_since(moved, engine) is None


def test_a_card_of_ones_own_of_the_same_day_counts_as_newer_than_the_one_of_rightsize(engine: Engine):
    ours = card(date=price_card_file.built_in().date)
    stored_cards.save_new_card(ours, engine)
    stored_scenarios.save(scenario_file.demo(), price_card_file.built_in(), engine)  # stores the other one later
    assert stored_cards.newest_card(engine) == ours


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (card("again", "2027-01-01"), 'The price card "ours" of 2026-11-25 has exactly these prices already'),
        (card(price="3"), 'There is already a price card "ours" of 2026-11-25'),
    ],
)
def test_the_same_prices_and_the_same_name_and_date_are_refused(second: PriceCard, sentence: str, engine: Engine):
    stored_cards.save_new_card(card(), engine)
    with pytest.raises(store.StoreError, match=sentence):
        stored_cards.save_new_card(second, engine)
    assert stored_cards.find_card(card().sha256, engine) == card()
    assert len(stored_cards.card_heads(engine)) == 2


def test_an_unknown_card_is_none(engine: Engine):
    assert stored_cards.find_card("0" * 64, engine) is None
