"""The price card on the TCO page: look at any, edit it into a new one, read one from CSV, price the scenario by it.

A stored card is never changed; what is edited becomes a card of its own.
"""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import streamlit as st

from dashboard import data, draft, number_cell, price_draft, price_tables, widgets
from dashboard.format import label, plain, plural
from dashboard.keys import Key
from db.scenarios import CardHead
from eval import stored_cards, stored_scenarios
from eval.cost import price_card_file
from eval.cost.price_card import PriceCard
from eval.cost.price_card_file import PriceCardError
from eval.cost.price_changes import Change, changes
from eval.cost.scenario import Scenario

MOST_CHANGES = 12
MAX_MB = 5  # as much as price_card_file reads
EARLIEST = date(1900, 1, 1)


def price_by(scenario: Scenario, card: PriceCard) -> None:
    """Price the scenario in view by a card from now on; stored when the scenario is."""
    draft.put(stored_scenarios.pinned(scenario, card))
    st.session_state[Key.CARD] = card.sha256
    widgets.note(f"Priced by {plain(card.name)} of {plain(card.date)} now; Save keeps it.")


def offer_newer(scenario: Scenario) -> None:
    """What a newer card than the scenario's says otherwise, and the button that goes over to it; else nothing."""
    newer = stored_scenarios.changed_since(scenario, data.engine())
    if newer is None:
        return
    card, found = newer
    with st.expander(f"There is a newer price card: {label(card.name)} of {label(card.date)}", key="_newer"):
        _say(found)
        st.button("Go over to the newer card", key="_go_over", on_click=price_by, args=(scenario, card))


def _say(found: tuple[Change, ...]) -> None:
    lines = [f"- {plain(change.sentence)}" for change in found[:MOST_CHANGES]]
    if len(found) > MOST_CHANGES:
        lines.append(f"- and {plural(len(found) - MOST_CHANGES, 'more difference')}")
    st.markdown("\n".join(lines) or "It has the same prices on the scenario's first day.")


def show(scenario: Scenario, used: PriceCard) -> None:
    """Choose a card, edit its rows, store them as a new card, and price the scenario by one. `used` is its own."""
    heads = stored_cards.card_heads(data.engine())
    stored = {head.sha256 for head in heads}
    chosen = _choose(heads, used)
    now = price_draft.begin(chosen)
    edited = st.data_editor(
        now.filled,
        key=price_draft.table_key(chosen, now),
        num_rows="dynamic",
        hide_index=True,
        height=420,
        placeholder="unknown",
        alt="Prices of the card, to edit",
        column_config=_columns(),
    )
    table = price_draft.numbered(chosen, now, edited)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name, day = _name_and_day(chosen, now, chosen.sha256 in stored)
        price_draft.keep(chosen, table, name, day)
        made, faults = _made(table, chosen, name, day)
        untouched = made is not None and made.sha256 == chosen.sha256
        st.button(
            "Store as a new card", icon=":material/save:", key="_store_card", on_click=_store, args=(made, chosen),
            disabled=made is None or made.sha256 in stored,
        )  # fmt: skip
        if not untouched:
            st.button(
                "Take the edits back", icon=":material/undo:", key="_undo_card", on_click=price_draft.drop,
                args=(chosen,),
            )  # fmt: skip
        st.button(
            "Price the scenario by this card", key="_use_card", on_click=price_by, args=(scenario, chosen),
            disabled=not untouched or chosen.sha256 not in stored or chosen.sha256 == used.sha256,
            help="The card as it is stored; store your edits first.",
        )  # fmt: skip
        widgets.csv_button(lambda: price_card_file.dump_csv(made or chosen).encode("utf-8-sig"), "price-card")
    if faults:
        st.error("\n".join(f"- {plain(fault)}" for fault in faults))
    elif made is not None and not untouched:
        st.caption("What would be different in the new card; scenarios keep the card they were made with:")
        _say(changes(chosen, made))


def _name_and_day(chosen: PriceCard, now: price_draft.PriceDraft, is_stored: bool) -> tuple[str, date]:
    """The name and the date that the new card is to have; they are kept with the edits."""
    today = datetime.now(UTC).date()
    name, day = price_draft.of(Key.CARD_NAME, chosen), price_draft.of(Key.CARD_DATE, chosen)
    own = f"{chosen.name}, edited"[:120] if is_stored else chosen.name
    st.session_state.setdefault(name, own if now.name is None else now.name)
    st.session_state.setdefault(day, now.day or (today if is_stored else date.fromisoformat(chosen.date)))
    typed = st.text_input("Name of the new card", key=name, max_chars=120, width=280)
    given = st.date_input("Its date", min_value=EARLIEST, key=day, width=150)
    return typed or "", given if isinstance(given, date) else today


def _chosen_otherwise() -> None:
    """Go on with a stored card instead of one that was read, and empty the box for files."""
    st.session_state.pop(Key.CARD_READ, None)
    st.session_state[Key.CARD_FILES] = st.session_state.get(Key.CARD_FILES, 0) + 1


def _choose(heads: list[CardHead], used: PriceCard) -> PriceCard:
    """The card in the table: one that was read from a file, else one of those there are, at first the scenario's."""
    names = _labels({head.sha256: f"{head.name}, {head.dated}" for head in heads}, used)
    shas = list(names)
    if st.session_state.get(Key.CARD) not in shas:
        st.session_state[Key.CARD] = used.sha256
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sha = st.selectbox(
            "Price card", shas, format_func=names.__getitem__, key=Key.CARD, on_change=_chosen_otherwise, width=360
        )
        file = st.file_uploader(
            "Or read one from CSV",
            type=["csv"],
            max_upload_size=MAX_MB,
            key=f"{Key.CARD_FILE}_{st.session_state.get(Key.CARD_FILES, 0)}",
            on_change=lambda: st.session_state.pop(Key.CARD_READ, None),
            help="With the columns that the download beside the table has, separated by commas, semicolons or tabs; "
            "# rows at the top hold name and date.",
            width=420,
        )
    if file is not None:
        try:
            st.session_state[Key.CARD_READ] = price_card_file.parse_csv(file.getvalue().decode("utf-8-sig"), file.name)
        except UnicodeDecodeError:
            st.error(f"{plain(file.name)} is not UTF-8 text; save it as UTF-8.")
        except PriceCardError as error:
            st.error(f"{plain(file.name)} is not a price card:\n" + "\n".join(f"- {plain(x)}" for x in error.faults))
    if (read := st.session_state.get(Key.CARD_READ)) is not None:  # also after another part or page was looked at
        return read
    return used if sha == used.sha256 else stored_cards.find_card(sha, data.engine()) or used


def _labels(names: dict[str, str], used: PriceCard) -> dict[str, str]:
    """What each card is chosen by, by its hash; cards of one name and date have the beginning of the hash behind."""
    named = names | ({} if used.sha256 in names else {used.sha256: f"{used.name}, {used.date}"})
    often = Counter(named.values())
    return {sha: f"{name} ({sha[:8]})" if often[name] > 1 else name for sha, name in named.items()}


def _made(table: Any, chosen: PriceCard, name: str, day: date) -> tuple[PriceCard | None, list[str]]:
    """The card that the edited table makes, or what is wrong with it."""
    try:
        return price_tables.edited_card(table, chosen, name.strip(), day.isoformat()), []
    except PriceCardError as error:
        return None, [str(fault) for fault in error.faults]


def _store(card: PriceCard, edited: PriceCard) -> None:
    """Store a new card, made by editing another, which has no edits then."""
    with widgets.noted_errors():
        stored_cards.save_new_card(card, data.engine())
        price_draft.drop(edited)
        st.session_state[Key.CARD] = card.sha256
        _chosen_otherwise()
        widgets.note(f"Stored: {plain(card.name)} of {plain(card.date)}. Scenarios keep the card they are priced by.")


def _columns() -> dict[str, Any]:
    per = f"Per million tokens. {number_cell.HELP}"
    prices = {
        "input_per_mtok": "Input", "cached_input_per_mtok": "Cached input", "output_per_mtok": "Output",
        "batch_input_per_mtok": "Batch input", "batch_cached_input_per_mtok": "Batch cached input",
        "batch_output_per_mtok": "Batch output",
    }  # fmt: skip
    texts = {
        "source": ("Source", "Where the price comes from, with its date or address."),
        "currency": ("Currency", "Three capital letters, like USD."),
        "valid_from": ("Valid from", "First day, like 2026-11-25; empty: not known since when."),
        "valid_until": ("Valid until", "Last day; empty: until further notice."),
        "retires_on": ("Retires on", "The day the provider withdraws the model; empty: unknown."),
        "tiers": ("Context tiers", "ABOVE_TOKENS:INPUT:CACHED_INPUT:OUTPUT, | between them."),
        "borrowed_from": ("Borrowed from", "The provider whose price list it is, where it is another's."),
        "note": ("Note", "Why a price is missing, and what else is to be known."),
    }
    kinds = "Quoted: from a price list. Assumed: an estimate. Hypothetical: made up, and labelled so everywhere."
    return {
        "provider": st.column_config.TextColumn("Provider", required=True, pinned=True),
        "model": st.column_config.TextColumn("Model", required=True, pinned=True),
        **{key: st.column_config.TextColumn(name, alignment="right", help=per) for key, name in prices.items()},
        "kind": st.column_config.SelectboxColumn("Kind", options=list(price_tables.KINDS), required=True, help=kinds),
        **{key: st.column_config.TextColumn(name, help=said) for key, (name, said) in texts.items()},
    }
