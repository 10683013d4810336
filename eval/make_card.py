"""Maintenance: makes the built-in price card from the offline data of genai-prices (`pip install -e ".[prices]"`).

`python -m eval.make_card [--date YYYY-MM-DD] [--out FILE]`. Knows that package's traps: an entry borrowed from another
provider is named as borrowed, a batch price that does not exist stays unknown instead of falling back to the standard
one, and a price that depends on the hour is the dearest of the day. Nothing is invented: what the package does not
have is null, with the reason. The demo's prices are added from eval.demo, labelled hypothetical.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

try:
    from genai_prices import types
    from genai_prices.data import providers
except ModuleNotFoundError:
    raise SystemExit(
        'This needs the package genai-prices; in the folder of Rightsize: pip install -e ".[prices]"'
    ) from None

from eval.cost.price_card import PriceCard, PriceRow, Tier
from eval.cost.price_card_file import dump_json
from eval.demo import PRICES

OUT = Path(__file__).parent / "data" / "price_card.json"
PACKAGE = f"genai-prices {version('genai-prices')}"
BATCH = {"processing": "batch"}
MODELS = (  # provider and exact id, as the package spells them
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5-nano"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-5"),
    ("openai", "gpt-6-luna"),
    ("openai", "gpt-6.1-terra"),
    ("azure", "gpt-4o-mini"),
    ("azure", "gpt-5-mini"),
    ("azure", "phi-4-mini-instruct"),
    ("azure", "phi-4-mini-reasoning"),
    ("azure", "phi-4"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-sonnet-5-5"),
    ("google", "gemini-2.5-flash-lite"),
    ("google", "gemini-3.8-flash"),
    ("google", "gemini-4-argon"),
    ("mistral", "mistral-small-2603"),
    ("mistral", "mistral-large-4"),
    ("deepseek", "deepseek-v4-flash"),
    ("groq", "openai/gpt-oss-20b"),
    ("groq", "openai/gpt-oss-120b"),
    ("groq", "llama-3.1-8b-instant"),
    ("groq", "llama-3.3-70b-versatile"),
    ("aws", "openai.gpt-oss-20b-1:0"),
    ("aws", "meta.llama3-3-70b-instruct-v1:0"),
    ("ovhcloud", "gpt-oss-20b"),
)
_KEYS = {  # a field of a tier or a row, and what the package calls it
    "input_per_mtok": "input_mtok",
    "cached_input_per_mtok": "cache_read_mtok",
    "output_per_mtok": "output_mtok",
}


def main() -> None:
    """Write the card."""
    parser = argparse.ArgumentParser(description="Make the built-in price card from genai-prices.")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(tz=UTC).date(), help="day of the card")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    card = make_card(args.date)
    args.out.write_text(dump_json(card), encoding="utf-8")
    print(f"{len(card.rows)} rows of {len({row.id for row in card.rows})} models in {args.out}")


def make_card(day: date) -> PriceCard:
    """The card as of a day: the prices in force on it, and those already announced for later."""
    rows = [row for provider, model in MODELS for row in _rows(provider, model, day)]
    return PriceCard(
        name="Rightsize price card",
        date=day.isoformat(),
        source=f"{PACKAGE}, offline data; its newest price up to this date begins on {_newest_start(day)}",
        note="Prices in USD per million tokens, without taxes and individual discounts. The package has no retirement "
        "dates, so retires_on is empty: that means unknown, not never. Writing to a prompt cache is not counted; where "
        "it costs extra, the row says so. Where valid_from is empty the package does not tell since when.",
        rows=(*rows, *_simulated()),
    )


def _rows(provider_id: str, model_ref: str, day: date) -> Iterator[PriceRow]:
    provider = next(p for p in providers if p.id == provider_id)
    model = provider.find_model(model_ref.lower(), all_providers=providers)
    if model is None:
        note = f"{PACKAGE} has no entry for this model, so its prices are unknown."
        yield PriceRow(provider=provider_id, model=model_ref, kind="quoted", source=_source(provider), note=note)
        return
    # The price list behind a borrowed entry is the lender's.
    lender = next(p for p in providers if any(m is model for m in p.models))
    starts = _starts(model)
    past, future = [s for s in starts if s <= day], [s for s in starts if s > day]
    begins = [past[-1] if past else None, *future]
    for begin, following in zip(begins, [*begins[1:], None], strict=True):
        yield PriceRow(
            provider=provider_id,
            model=model_ref,
            currency="USD",
            kind="quoted",
            source=_source(lender),
            valid_from=begin.isoformat() if begin else None,
            valid_until=(following - timedelta(days=1)).isoformat() if following else None,
            borrowed_from=None if lender is provider else lender.id,
            **_prices(model, max(day, begin or day), borrowed=lender is not provider),
        )


def _source(provider: types.Provider) -> str:
    return ", ".join([PACKAGE, *(provider.pricing_urls or [])[:1]])


def _starts(model: types.ModelInfo) -> list[date]:
    """The days on which another standard price begins."""
    conditions = model.prices if isinstance(model.prices, list) else []
    dated = (c.constraint.start_date for c in conditions if isinstance(c.constraint, types.StartDateConstraint))
    return sorted(set(dated))


def _prices(model: types.ModelInfo, day: date, *, borrowed: bool) -> dict[str, Any]:
    """The fields of a row on a day, and the note that says what is missing and why."""
    hours = [model.get_prices(datetime.combine(day, time(hour), UTC)) for hour in range(24)]
    prices = max(hours, key=lambda price: (_base(price, "input_mtok") or 0, _base(price, "output_mtok") or 0))
    fields: dict[str, Any] = {name: _base(prices, key) for name, key in _KEYS.items()}
    notes = []
    cheap = min(hours, key=lambda price: _base(price, "input_mtok") or 0)
    if _base(cheap, "input_mtok") != fields["input_per_mtok"]:
        least = f"{_base(cheap, 'input_mtok')} in and {_base(cheap, 'output_mtok')} out"
        notes.append(f"The price depends on the hour; this is the dearest of the day, the cheapest is {least}.")
    fields["tiers"] = _tiers(prices)
    batch = {} if borrowed else _batch(model, day)
    for name, key in _KEYS.items():
        fields[f"batch_{name}"] = batch.get(key)
    missing = [name.removesuffix("_per_mtok").replace("_", " ") for name, value in fields.items() if value is None]
    if missing:
        because = "; a borrowed entry says nothing of batch prices" if borrowed else ""
        notes.append(f"{PACKAGE} has no price for {', '.join(missing)}{because}.")
    if (write := _base(prices, "cache_write_mtok")) is not None:
        notes.append(f"Writing to the cache costs {write} per million tokens, which is not counted.")
    if model.deprecated:
        notes.append("The provider has marked the model as deprecated.")
    return fields | {"note": " ".join(notes)}


def _base(prices: types.ModelPrice, key: str) -> Decimal | None:
    price = getattr(prices, key)
    return price.base if isinstance(price, types.TieredPrices) else price


def _tiers(prices: types.ModelPrice) -> tuple[Tier, ...]:
    kept = {name: getattr(prices, key) for name, key in _KEYS.items()}
    starts = sorted({t.start for price in kept.values() if isinstance(price, types.TieredPrices) for t in price.tiers})
    return tuple(Tier(above_tokens=s, **{name: _above(price, s) for name, price in kept.items()}) for s in starts)


def _above(price: Decimal | types.TieredPrices | None, start: int) -> Decimal | None:
    if not isinstance(price, types.TieredPrices):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= start), price.base)


def _batch(model: types.ModelInfo, day: date) -> dict[str, Decimal | None]:
    """Only what a batch price is written down for; the package would fall back to the standard price."""
    at = datetime.combine(day, time(12), UTC)
    found: dict[str, Decimal | None] = {}
    for variant in model.price_variants or ():
        if variant.when == BATCH and (variant.constraint is None or variant.constraint.active(at)):
            for key in _KEYS.values():
                price = _base(variant.prices, key)
                if price is not None:
                    found.setdefault(key, price)
    return found


def _newest_start(day: date) -> str:
    """The latest day on which a price begins, up to the card's: the package does not tell when its data was made."""
    begun = [start for p in providers for m in p.models for start in _starts(m) if start <= day]
    return max(begun).isoformat()


def _simulated() -> Iterator[PriceRow]:
    for model, price in PRICES.items():
        yield PriceRow(
            provider="simulator",
            model=model,
            input_per_mtok=Decimal(str(price.input_usd_per_mtok)),
            output_per_mtok=Decimal(str(price.output_usd_per_mtok)),
            kind="hypothetical",
            source=price.source,
            note="Made up for the demo; it stands for no product.",
        )


if __name__ == "__main__":
    main()
