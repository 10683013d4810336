"""What changed between two price cards, as rows and as sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from eval.cost.price_card import PRICES, PriceCard, PriceRow, Tier

_WORDS = {name: name.removesuffix("_per_mtok").replace("_", " ") for name in PRICES}
_OTHERS = ("currency", "kind", "source", "valid_until", "retires_on", "borrowed_from", "note")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `field` is "row" where a price came or went, and old or new is None where there was none."""

    row: str  # provider/model
    field: str
    old: str | None
    new: str | None
    sentence: str


def changes(old: PriceCard, new: PriceCard, day: str | None = None) -> tuple[Change, ...]:
    """What is different in the newer card, model by model; with a day, only among the prices in force on it."""
    before, after = _by_key(old, day), _by_key(new, day)
    found: list[Change] = []
    for key in dict.fromkeys([*before, *after]):
        found += _between(before.get(key), after.get(key))
    return tuple(found)


def _by_key(card: PriceCard, day: str | None) -> dict[tuple[str, str], PriceRow]:
    rows = [row for row in card.rows if day is None or row.holds_on(day)]
    return {(row.id.lower(), "" if day else row.valid_from or ""): row for row in rows}


def _between(old: PriceRow | None, new: PriceRow | None) -> Iterator[Change]:
    if old is None or new is None:
        row = new or old
        if row is not None:
            word = "is new on the card" if old is None else "is no longer on the card"
            since = f" (valid from {row.valid_from})" if row.valid_from else ""
            price = f"{_text(row.input_per_mtok)} in, {_text(row.output_per_mtok)} out"
            gone, come = (price, None) if new is None else (None, price)
            yield Change(row.id, "row", gone, come, f"{row.id}{since} {word}.")
        return
    for name in PRICES:
        a, b = getattr(old, name), getattr(new, name)
        if a != b:
            sentence = f"{new.id}: {_WORDS[name]} {_moved(a, b, new.currency)} per million tokens."
            yield Change(new.id, name, _text(a), _text(b), sentence)
    if old.tiers != new.tiers:
        a, b = _tier_text(old.tiers), _tier_text(new.tiers)
        yield Change(new.id, "tiers", a, b, f"{new.id}: the context tiers changed from {a} to {b}.")
    for name in _OTHERS:
        a, b = getattr(old, name), getattr(new, name)
        if a != b:
            words = name.replace("_", " ")
            yield Change(new.id, name, a, b, f"{new.id}: {words} changed from {a or 'none'} to {b or 'none'}.")


def _text(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")


def _moved(a: Decimal | None, b: Decimal | None, currency: str) -> str:
    if a is None or b is None:
        known = f"{b if a is None else a} {currency}"
        return f"became known, {known}" if a is None else f"is no longer known, it was {known}"
    verb = "rose" if b > a else "fell"
    percent = f", {(b - a) / a * 100:+.0f} %" if a else ""
    return f"{verb} from {a} to {b} {currency}{percent}"


def _tier_text(tiers: tuple[Tier, ...]) -> str:
    parts = [
        f"above {t.above_tokens:,} tokens {t.input_per_mtok} / {t.cached_input_per_mtok} / {t.output_per_mtok}"
        for t in tiers
    ]
    return "; ".join(parts) or "none"
