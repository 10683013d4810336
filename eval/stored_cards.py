"""Price cards between the database and the cost model: those stored and the one that comes with Rightsize.

A card is never changed once stored; another content is another card. Rows are db.scenarios' business, checking a card
is eval.cost.price_card's.
"""

import json

from sqlalchemy import Engine
from sqlmodel import Session

from db import scenarios, store
from db.models import PriceCard as CardRow
from db.scenarios import CardHead
from eval.cost import price_card_file
from eval.cost.price_card import PriceCard


def card_heads(engine: Engine) -> list[CardHead]:
    """All price cards there are, the newest first; of one day, those of one's own before the one of Rightsize."""
    ours = price_card_file.built_in()
    with store.reading(engine) as session:
        stored = scenarios.list_price_cards(session=session)
    if ours.sha256 not in {head.sha256 for head in stored}:
        stored.append(CardHead(ours.sha256, ours.name, ours.date))
    return sorted(stored, key=lambda head: (head.dated, head.sha256 != ours.sha256), reverse=True)


def find_card(sha256: str, engine: Engine) -> PriceCard | None:
    """The card with this content; None where it is neither stored nor the one that comes with Rightsize."""
    if sha256 == (ours := price_card_file.built_in()).sha256:
        return ours
    with store.reading(engine) as session:
        row = scenarios.find_price_card(sha256, session=session)
    return None if row is None else _card(row)


def newest_card(engine: Engine) -> PriceCard:
    """The card with the latest date among those stored and the one that comes with Rightsize."""
    return find_card(card_heads(engine)[0].sha256, engine) or price_card_file.built_in()


def keep_card(card: PriceCard, *, session: Session) -> CardRow:
    """Store a card, or find the row that already has its content."""
    row = CardRow(sha256=card.sha256, name=card.name, dated=card.date, body=json.loads(price_card_file.dump_json(card)))
    return scenarios.save_price_card(row, session=session)


def save_new_card(card: PriceCard, engine: Engine) -> None:
    """Store a card under a name and date of its own. Raises StoreError where these or its prices are there already."""
    for head in card_heads(engine):
        if head.sha256 == card.sha256:
            raise store.StoreError(f'The price card "{head.name}" of {head.dated} has exactly these prices already.')
        if (head.name, head.dated) == (card.name, card.date):
            raise store.StoreError(
                f'There is already a price card "{card.name}" of {card.date}; choose another name or date.'
            )
    with store.writing(engine) as session:
        keep_card(card, session=session)


def _card(row: CardRow) -> PriceCard:
    return price_card_file.parse_json(json.dumps(row.body), f'the stored price card "{row.name}"')
