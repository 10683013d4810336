"""Price cards as they are edited on the TCO page: kept for this window, card by card, and stored only as new cards.

A table forgets its edits when it is left for another part or page; then a new one begins, filled with what was typed.
"""

from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import streamlit as st

from dashboard.keys import Key
from dashboard.price_tables import card_frame
from eval.cost.price_card import PriceCard


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """The edits of one card: what its table was filled with, what is typed now, and the name and date to be given.

    `typed` is numbered by the rows of the card, further ones behind them. The table's own rows are numbered anew each
    time, because only to such a table the browser adds rows; `rows` are their numbers on the card. `number` counts the
    tables begun for the card.
    """

    filled: pd.DataFrame
    typed: pd.DataFrame
    rows: tuple[int, ...]
    number: int = 0
    name: str | None = None
    day: date | None = None


def begin(card: PriceCard) -> PriceDraft:
    """The draft of a card; where its table was left with edits in it, they fill the next one."""
    drafts: dict[str, PriceDraft] = st.session_state.setdefault(Key.CARD_DRAFTS, {})
    draft = drafts.get(card.sha256)
    if draft is None:
        frame = card_frame(card)
        draft = PriceDraft(frame, frame, tuple(range(len(frame))))
    elif table_key(card, draft) not in st.session_state:
        filled = draft.typed.reset_index(drop=True)
        draft = replace(draft, filled=filled, rows=tuple(draft.typed.index), number=draft.number + 1)
    drafts[card.sha256] = draft
    return draft


def numbered(card: PriceCard, draft: PriceDraft, table: pd.DataFrame) -> pd.DataFrame:
    """The edited table with its rows numbered as on the card, and those that were added behind them."""
    known, more = len(draft.rows), max([len(card.rows) - 1, *draft.rows]) + 1
    rows = [draft.rows[row] if row < known else more + row - known for row in table.index]
    return table.set_axis(pd.Index(rows, dtype="int64"), axis=0)


def keep(card: PriceCard, typed: pd.DataFrame, name: str, day: date) -> None:
    """Remember what is typed into the table of a card, and the name and date of the card to be made of it."""
    drafts: dict[str, PriceDraft] = st.session_state[Key.CARD_DRAFTS]
    drafts[card.sha256] = replace(drafts[card.sha256], typed=typed, name=name, day=day)


def drop(card: PriceCard) -> None:
    """Forget the edits of a card: its own prices begin a new table."""
    drafts: dict[str, PriceDraft] = st.session_state[Key.CARD_DRAFTS]
    frame = card_frame(card)
    drafts[card.sha256] = PriceDraft(frame, frame, tuple(range(len(frame))), drafts[card.sha256].number + 1)
    for key in (Key.CARD_NAME, Key.CARD_DATE):
        st.session_state.pop(of(key, card), None)


def table_key(card: PriceCard, draft: PriceDraft) -> str:
    """The key of the table of a card."""
    return of(Key.CARD_ROWS, card) + (f"_{draft.number}" if draft.number else "")


def of(key: Key, card: PriceCard) -> str:
    """A key of its own for each card, so that a value typed for one is not taken for another."""
    return f"{key}_{card.sha256[:12]}"
