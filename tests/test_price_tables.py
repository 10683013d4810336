"""An edited table makes a card: untouched prices to the last digit, every fault with its row, no borrowed source."""

from decimal import Decimal
from typing import Any

import cost_samples
import pandas as pd
import pytest

from dashboard.price_tables import card_frame, edited_card
from eval.cost import price_card_file
from eval.cost.price_card import PriceCard
from eval.cost.price_card_file import PriceCardError

EXACT = Decimal("0.123456789012345678")
CARD = cost_samples.card(
    {"model": "m", "input_per_mtok": EXACT, "output_per_mtok": Decimal("0.50")},
    {"model": "n", "input_per_mtok": Decimal(1), "output_per_mtok": Decimal(2), "valid_until": "2026-12-31"},
)


def made(frame: pd.DataFrame, card: PriceCard = CARD) -> PriceCard:
    return edited_card(frame, card, "another", "2027-01-01")


def changed(row: int, **fields: Any) -> pd.DataFrame:
    frame = card_frame(CARD)
    for name, value in fields.items():
        frame.loc[row, name] = value
    return frame


def test_an_untouched_table_is_the_same_card_to_the_last_digit():
    assert made(card_frame(CARD)).rows == CARD.rows
    built_in = price_card_file.built_in()
    assert made(card_frame(built_in), built_in).sha256 == built_in.sha256


def test_an_edit_is_in_the_new_card_with_its_name_and_date_and_not_in_the_old_one():
    new = made(changed(0, output_per_mtok="0.75", source="an offer of January"))
    assert new.rows[0].output_per_mtok == Decimal("0.75")
    assert new.rows[0].input_per_mtok == EXACT
    assert (new.name, new.date) == ("another", "2027-01-01")
    assert CARD.rows[0].output_per_mtok == Decimal("0.5")
    assert 'Edited from "a card" of 2026-11-25' in new.source


def test_rows_come_and_go():
    frame = card_frame(CARD).drop(index=0)
    frame.loc[2, ["provider", "model", "kind", "source"]] = ["acme", "o", "hypothetical", "made up"]
    frame.loc[2, ["input_per_mtok", "output_per_mtok"]] = ["3", "4.0"]
    new = made(frame)
    assert [row.id for row in new.rows] == ["acme/n", "acme/o"]
    assert new.rows[1].kind == "hypothetical"
    assert new.rows[0] == CARD.rows[1]


def test_every_fault_is_named_with_its_row():
    frame = changed(0, input_per_mtok="-1", currency="dollars")
    frame.loc[1, "valid_until"] = "soon"
    with pytest.raises(PriceCardError) as raised:
        made(frame)
    told = str(raised.value)
    assert "row 1 (acme/m), input_per_mtok: -1 is not a price" in told
    assert 'row 1 (acme/m), currency: "dollars" is not a currency' in told
    assert 'row 2 (acme/n), valid_until: "soon" is not a date' in told


def test_two_prices_of_one_day_are_a_fault():
    frame = card_frame(CARD)
    frame.loc[1, "model"] = "m"
    with pytest.raises(PriceCardError, match=r"row 2 \(acme/m\): acme/m has another price in row 1 \(acme/m\)"):
        made(frame)


def test_a_changed_price_cannot_keep_the_source_of_the_old_one():
    with pytest.raises(PriceCardError, match="write where the new price comes from"):
        made(changed(0, output_per_mtok="0.75"))
    assert made(changed(0, output_per_mtok="0.75", kind="hypothetical")).rows[0].kind == "hypothetical"


@pytest.mark.parametrize("typed", ["1,7", "1.234,5", "1,234.5", "1 234", "2.000", "1_000", "free"])
def test_a_price_that_is_no_number_is_refused_and_never_another_price(typed: str):
    with pytest.raises(PriceCardError) as raised:
        made(changed(0, output_per_mtok=typed, source="an offer"))
    (fault,) = raised.value.faults
    assert fault.where == "row 1 (acme/m), output_per_mtok"
    assert "write a point, like 1.7, and thousands without separators" in fault.remedy


def test_a_price_written_with_more_zeros_is_not_a_changed_one():
    assert made(changed(0, output_per_mtok="0.500")).rows[0] == CARD.rows[0]


def test_an_emptied_price_is_unknown_and_needs_a_reason():
    with pytest.raises(PriceCardError, match="write in note why"):
        made(changed(0, output_per_mtok=None, source="asked again"))
    assert made(changed(0, output_per_mtok=None, source="x", note="not told")).rows[0].output_per_mtok is None
