"""Stored scenarios and the price cards they are pinned to: save, list, get, copy, rename, delete.

A card is never changed, since a scenario's figures hang on it; what is in a body is eval's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from db.models import PriceCard, Scenario, now
from db.opening import StoreError


def save_price_card(card: PriceCard, *, session: Session) -> PriceCard:
    """Store a price card, or return the row that already has this content."""
    stored = session.exec(select(PriceCard).where(PriceCard.sha256 == card.sha256)).first()
    if stored:
        return stored
    session.add(card)
    session.flush()
    return card


def find_price_card(sha256: str, *, session: Session) -> PriceCard | None:
    """The stored price card with this content, if there is one."""
    return session.exec(select(PriceCard).where(PriceCard.sha256 == sha256)).first()


@dataclass(frozen=True, slots=True)
class CardHead:
    """What a stored price card is called, without its rows."""

    sha256: str
    name: str
    dated: str


def list_price_cards(*, session: Session) -> list[CardHead]:
    """The stored price cards, the latest date first; of several of one day the one stored last."""
    newest = (col(PriceCard.dated).desc(), col(PriceCard.id).desc())
    rows = session.exec(select(PriceCard.sha256, PriceCard.name, PriceCard.dated).order_by(*newest))
    return [CardHead(*row) for row in rows]


def save_scenario(
    name: str, body: Mapping[str, Any], price_card_id: int | None = None, *, session: Session
) -> Scenario:
    """Store a scenario; one of the same name gets the new body and card."""
    stored = session.exec(select(Scenario).where(Scenario.name == name)).first()
    if stored is None:
        return _add(Scenario(name=name, body={**body, "name": name}, price_card_id=price_card_id), session)
    stored.body, stored.price_card_id, stored.updated_at = {**body, "name": name}, price_card_id, now()
    session.add(stored)
    session.flush()
    return stored


def list_scenarios(*, session: Session) -> list[Scenario]:
    """All stored scenarios, the one changed last first."""
    return list(session.exec(select(Scenario).order_by(col(Scenario.updated_at).desc(), col(Scenario.id).desc())))


def get_scenario(name: str, *, session: Session) -> Scenario:
    """One scenario by its name. Raises StoreError where there is none, with the names there are."""
    stored = session.exec(select(Scenario).where(Scenario.name == name)).first()
    if stored:
        return stored
    names = [scenario.name for scenario in list_scenarios(session=session)]
    known = f"stored are {', '.join(names)}" if names else "none is stored yet"
    raise StoreError(f'There is no scenario "{name}"; {known}.')


def copy_scenario(name: str, to: str, *, session: Session) -> Scenario:
    """A second scenario like the first, under a name of its own. Raises StoreError if that is taken."""
    stored = get_scenario(name, session=session)
    copied = Scenario(name=to, body={**stored.body, "name": to}, price_card_id=stored.price_card_id)
    return _add(copied, session)


def rename_scenario(name: str, to: str, *, session: Session) -> Scenario:
    """Give a scenario another name. Raises StoreError if that is taken."""
    stored = get_scenario(name, session=session)
    if to == name:
        return stored
    stored.name, stored.body, stored.updated_at = to, {**stored.body, "name": to}, now()
    return _add(stored, session)


def delete_scenario(name: str, *, session: Session) -> None:
    """Delete a scenario; its price card stays. Raises StoreError where there is none."""
    session.delete(get_scenario(name, session=session))
    session.flush()


def _add(scenario: Scenario, session: Session) -> Scenario:
    name = scenario.name
    try:
        with session.begin_nested():
            session.add(scenario)
    except IntegrityError as error:
        raise StoreError(f'There is already a scenario "{name}"; choose another name.') from error
    return scenario
