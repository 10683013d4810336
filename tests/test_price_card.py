"""Price cards: faults named with their place, one price a day, nothing lost in a file, changes in words."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cost import price_card_file
from eval.cost.json_lines import Lines
from eval.cost.price_card import MAX_ROWS, PRICES, PriceCard, PriceRow, Tier
from eval.cost.price_card_file import PriceCardError, built_in, dump_csv, dump_json, load, parse_csv, parse_json
from eval.cost.price_changes import changes
from eval.make_card import make_card

HEADER = "provider,model,input_per_mtok,output_per_mtok,kind,source,valid_from,valid_until\n"
META = "#name,a card\n#date,2026-11-25\n"


def row(**changed) -> PriceRow:
    fields = {
        "provider": "acme",
        "model": "m-1",
        "input_per_mtok": "0.25",
        "output_per_mtok": 2,
        "kind": "quoted",
        "source": "a price list",
    }
    return PriceRow.model_validate(fields | changed)


def card(*rows: PriceRow) -> PriceCard:
    return PriceCard(name="a card", date="2026-11-25", rows=rows)


def faults_of(text: str) -> list[str]:
    read = parse_csv if text.startswith("#") else parse_json
    with pytest.raises(PriceCardError) as error:
        read(text, "prices")
    return [str(fault) for fault in error.value.faults]


# --- what a card may hold -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("acme,m,-1,2,quoted,list,,", "line 4, input_per_mtok: -1 is not a price; it has to be from 0 to 100,000 per"),
        ("acme,m,200000,2,quoted,list,,", "line 4, input_per_mtok: 200000 is not a price"),
        ("acme,m,cheap,2,quoted,list,,", 'line 4, input_per_mtok: "cheap" is not a number'),
        ("acme,m,NaN,2,quoted,list,,", "line 4, input_per_mtok:"),
        ('acme,m,"0,25",2,quoted,list,,', 'line 4, input_per_mtok: "0,25" is not a number; write a point, like 0.15'),
        ("acme,m,1,,quoted,list,,", "line 4: a price is unknown without a reason; write in note why"),
        ("acme,m,1,2,guessed,list,,", 'line 4, kind: "guessed" is not known; use'),
        ("acme,m,1,2,quoted,,,", "line 4, source: it is missing; write it"),
        ("acme,m,1,2,quoted,list,2026-02-30,", 'line 4, valid_from: "2026-02-30" is not a date; write year-month-day'),
        ("acme,m,1,2,quoted,list,2026-02-02,2026-02-01", "valid_until 2026-02-01 lies before valid_from 2026-02-02"),
        ("acme,m,1,2,quoted", "line 4: the row has 5 cells, the header has 8"),
    ],
)
def test_a_fault_is_named_with_line_field_and_remedy(rows, fault):
    (found,) = faults_of(META + HEADER + rows)
    assert fault in found


def test_every_fault_of_a_file_is_named_at_once():
    found = faults_of(META + HEADER + "acme,m,-1,x,quoted,list,,\nacme,n,1,2,guessed,list,,\n")
    assert [fault.split(":")[0] for fault in found] == [
        "line 4, input_per_mtok",
        "line 4, output_per_mtok",
        "line 5, kind",
    ]


def test_a_price_given_twice_is_refused():
    found = faults_of(META + HEADER + "acme,m,1,2,quoted,list,,\nacme,m,1,3,quoted,list,,\n")
    assert found == ["line 5: acme/m is already priced in line 4; keep one of the two"]


def test_prices_that_overlap_in_time_are_refused_with_the_day():
    rows = "acme,m,1,2,quoted,list,2026-01-01,2026-06-30\nACME,m,1,3,quoted,list,2026-06-30,\n"
    (found,) = faults_of(META + HEADER + rows)
    assert found.startswith("line 5: ACME/m has another price in line 4 that is valid on 2026-06-30 too;")


def test_prices_one_after_the_other_are_no_overlap():
    rows = "acme,m,1,2,quoted,list,,2026-06-30\nacme,m,1,3,quoted,list,2026-07-01,\n"
    made = parse_csv(META + HEADER + rows)
    assert made.in_force("m", "2026-06-30")[0] == made.rows[0]
    assert made.in_force("acme/m", "2026-07-01")[0] == made.rows[1]


def test_an_overlap_is_refused_without_a_file_too():
    with pytest.raises(ValueError, match="row 2: acme/m-1 is already priced in row 1"):
        card(row(), row())


def test_unknown_keys_get_a_guess():
    text = json.dumps({"name": "n", "date": "2026-11-25", "rows": [row().model_dump(mode="json") | {"modle": 1}]})
    assert faults_of(text) == ["line 1, row 1, modle: this is not known; did you mean model?"]
    (column,) = faults_of(META + HEADER.replace("valid_until", "valid_untill"))
    assert column == "line 3, valid_untill: this column is not known; did you mean valid_until?"


FAULTY_JSON = """{
 "name": "x",
 "date": "2026-13-01",
 "rows": [
  {"provider": "acme", "model": "a", "kind": "quoted",
   "source": "s", "input_per_mtok": -1, "output_per_mtok": 1,
   "tiers": [{"above_tokens": 5, "input_per_mtok": 1,
     "output_per_mtok": -1}]},
  {"provider": "acme", "kind": "quotd", "source": "s", "input_per_mtok": 1, "output_per_mtok": 1},
  {"provider": "acme", "model": "b", "kind": "quoted", "source": "s", "input_per_mtok": 1, "output_per_mtok": 1},
  {"provider": "acme", "model": "b", "kind": "quoted", "source": "s", "input_per_mtok": 1, "output_per_mtok": 1}
 ],
 "nme": "y"
}"""
FAULTY_CSV = """#name,x
#date,2026-13-01
provider,model,kind,source,input_per_mtok,output_per_mtok,tiers,extra
acme,a,quoted,s,-1,1,,
acme,b,quotd,s,1,1,zz,
acme,c,quoted,s,1,1
acme,d,quoted,s,1,1,,
acme,d,quoted,s,1,1,,
"""


def test_the_faults_of_json_have_their_lines_in_the_order_of_the_file():
    assert [fault.partition(": ")[0] for fault in faults_of(FAULTY_JSON)] == [
        "line 3, date",
        "line 6, row 1, input_per_mtok",
        "line 8, row 1, tiers.0.output_per_mtok",
        "line 9, row 2, model",  # it is missing: the line of what it is missing in
        "line 9, row 2, kind",
        "line 11, row 4",
        "line 13, nme",
    ]


def test_the_faults_of_csv_have_their_lines_in_the_order_of_the_file():
    found = faults_of(FAULTY_CSV)
    assert [fault.partition(": ")[0] for fault in found] == [
        *("line 2, date", "line 3, extra", "line 4, input_per_mtok", "line 5, tiers", "line 5, kind", "line 6"),
        "line 8",
    ]
    assert "this column is not known; remove it; known are provider, model" in found[1]


_PARTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(_PARTS, st.booleans())
def test_every_value_of_a_json_text_is_found_on_its_line(data, ascii_only: bool):
    text = json.dumps(data, indent=1, ensure_ascii=ascii_only)
    lines = text.split("\n")
    found = Lines(text)
    assert found.twice == []
    for path, line in found.at.items():
        value = data
        for part in path:
            value = value[part]
        written = lines[line - 1].strip()
        if isinstance(path[-1], str):
            name = f"{json.dumps(path[-1], ensure_ascii=ascii_only)}: "
            assert written.startswith(name)
            written = written.removeprefix(name)
        first = json.dumps(value, ensure_ascii=ascii_only)
        assert written.rstrip(",") == (first[:1] if isinstance(value, list | dict) and value else first)


def test_a_name_that_occurs_twice_in_an_object_is_found_with_its_later_line():
    found = Lines('{"a": 1,\n"b": {"a": 2,\n"a": 3}}')
    assert found.twice == [("b", "a")]
    assert found.at == {("a",): 1, ("b",): 2, ("b", "a"): 3}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[1]", "it is not an object with a list of rows"),
        ('{"rows": [', "line 1: it is not JSON"),
        (
            '{"name": "a", "name": "b", "date": "2026-11-25", "rows": []}',
            "line 1, name: it occurs again in the same object",
        ),
        ('{"name": "a", "date": "2026-11-25", "rows": [3]}', "line 1, row 1: 3 is not a table"),
        ('{"date": "2026-11-25", "rows": []}', "name: it is missing"),
        ('{"name": "a", "date": "2026-11-25", "rows": [NaN]}', "NaN is no number in JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("#name,x\n#date,2026-11-25\na;b;c\n", "this column is not known"),
        ("#name,x\n#date,2026-11-25\n", "there is no header"),
        ('#name,"x\n', "the quotes do not match"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(text, fault):
    assert any(fault in found for found in faults_of(text))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_may_be_separated_as_the_spreadsheet_of_any_country_does(separator):
    rows = csv.reader(io.StringIO(dump_csv(price_card_file.built_in()), newline=""))
    width = len(price_card_file.COLUMNS)
    out = io.StringIO(newline="")
    # a spreadsheet fills every row up to the width of the table
    csv.writer(out, delimiter=separator).writerows([*cells, *[""] * (width - len(cells))] for cells in rows)
    assert parse_csv(out.getvalue()) == price_card_file.built_in()


@pytest.mark.parametrize("price", ["0,25", "1.000,5"])
def test_a_decimal_comma_between_semicolons_is_refused_with_how_to_write_it(price):
    text = "#name;x\n#date;2026-11-25\nprovider;model;input_per_mtok;output_per_mtok;kind;source\n"
    (fault,) = faults_of(f"{text}acme;large;{price};2;quoted;a list\n")
    assert fault.startswith(f'line 4, input_per_mtok: "{price}" is not a number; write a ')


def test_a_row_that_is_too_short_is_told_of_its_own_separator():
    (fault,) = faults_of("#name;x\n#date;2026-11-25\nprovider;model;kind;source\nacme;large;quoted\n")
    assert fault == (
        "line 4: the row has 3 cells, the header has 4; put a text with a semicolon in quotes; an empty cell needs its "
        "semicolon"
    )


def test_a_file_too_large_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(price_card_file, "MAX_BYTES", 100)
    large = tmp_path / "card.json"
    large.write_text(dump_json(card(row())))
    with pytest.raises(PriceCardError, match="larger than"):
        load(large)
    with pytest.raises(PriceCardError, match="longer than"):
        parse_json(large.read_text())


def test_a_card_with_too_many_rows_is_refused():
    with pytest.raises(ValueError, match=f"at most {MAX_ROWS}"):
        card(*(row(model=f"m{i}") for i in range(MAX_ROWS + 1)))


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(PriceCardError, match="there is no such file"):
        load(tmp_path / "nothing.json")
    with pytest.raises(PriceCardError, match=r"use \.json or \.csv"):
        load(tmp_path / "card.xls")
    (tmp_path / "latin.csv").write_bytes("#name,Preisübersicht".encode("latin-1"))
    with pytest.raises(PriceCardError, match="not UTF-8"):
        load(tmp_path / "latin.csv")


# --- looking a price up ---------------------------------------------------------------------------------------------


def test_a_model_id_alone_is_enough_where_one_provider_has_it():
    assert card(row()).in_force("M-1", "2026-11-25") == (row(), None)


def test_a_model_of_several_providers_needs_the_provider():
    both = card(row(), row(provider="other"))
    assert both.in_force("m-1", "2026-11-25")[1] == "Several providers offer m-1: say which of acme/m-1, other/m-1."
    assert both.in_force("other/m-1", "2026-11-25")[0] == row(provider="other")


def test_a_model_without_a_price_gives_the_reason_and_a_guess():
    found, reason = card(row()).in_force("acme/m-2", "2026-11-25")
    assert found is None
    assert reason == 'The price card "a card" has no price of acme/m-2 (did you mean acme/m-1?).'


def test_a_price_that_is_not_yet_valid_is_none():
    assert card(row(valid_from="2027-01-01")).in_force("m-1", "2026-11-25")[0] is None


# --- files lose nothing ---------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).map(str.strip)
words = texts.filter(bool)
prices = st.none() | st.decimals(0, 100_000, allow_nan=False, places=9)
days = st.none() | st.dates(date(2000, 1, 1)).map(date.isoformat)


@st.composite
def cards(draw) -> PriceCard:
    rows = []
    for i in range(draw(st.integers(0, 3))):
        first, last = draw(days), draw(days)
        if first and last and last < first:
            first, last = last, first
        thresholds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=2)))
        rows.append(
            PriceRow(
                provider=draw(words),
                model=f"{i}{draw(words)}",
                **{name: draw(prices) for name in PRICES},
                tiers=tuple(Tier(above_tokens=t, input_per_mtok=draw(prices)) for t in thresholds),
                currency=draw(st.sampled_from(["USD", "EUR"])),
                kind=draw(st.sampled_from(["quoted", "assumed", "hypothetical"])),
                source=draw(words),
                valid_from=first,
                valid_until=last,
                retires_on=draw(days),
                borrowed_from=draw(st.none() | words),
                note=draw(words),
            )
        )
    return PriceCard(name=draw(words), date="2026-11-25", source=draw(texts), note=draw(texts), rows=tuple(rows))


@settings(deadline=None)
@given(cards())
def test_csv_and_json_give_back_the_same_card(made):
    for again in (parse_csv(dump_csv(made)), parse_json(dump_json(made))):
        assert again == made
        assert again.sha256 == made.sha256


def test_a_text_that_looks_like_a_formula_is_marked_and_comes_back():
    made = card(row(note="=1+1", source="'-quoted"))
    assert "'=1+1" in dump_csv(made)
    assert parse_csv(dump_csv(made)) == made


def test_the_hash_goes_by_content_and_not_by_order_or_zeros():
    one, two = row(), row(model="m-2")
    assert card(one, two).sha256 == card(two, one).sha256
    assert card(row(input_per_mtok="0.250")).sha256 == card(one).sha256
    assert card(row(input_per_mtok="0.251")).sha256 != card(one).sha256


# --- what changed ---------------------------------------------------------------------------------------------------


def test_changes_are_sentences_about_the_price_that_moved():
    old = card(row(), row(model="gone"))
    new = card(row(input_per_mtok="0.2", cached_input_per_mtok="0.02", retires_on="2027-03-31"), row(model="fresh"))
    assert [change.sentence for change in changes(old, new)] == [
        "acme/m-1: input fell from 0.25 to 0.2 USD, -20 % per million tokens.",
        "acme/m-1: cached input became known, 0.02 USD per million tokens.",
        "acme/m-1: retires on changed from none to 2027-03-31.",
        "acme/gone is no longer on the card.",
        "acme/fresh is new on the card.",
    ]


def test_equal_cards_have_no_changes():
    assert changes(card(row()), card(row())) == ()


def test_a_price_that_begins_later_is_a_change_only_from_that_day():
    old = card(row())
    new = card(row(valid_until="2026-12-31"), row(input_per_mtok=1, valid_from="2027-01-01"))
    assert [c.field for c in changes(old, new, day="2026-11-25")] == ["valid_until"]
    (price, *_) = changes(old, new, day="2027-01-01")
    assert (price.field, price.old, price.new) == ("input_per_mtok", "0.25", "1")


# --- the card that comes with Rightsize -----------------------------------------------------------------------------


def test_the_built_in_card_is_what_genai_prices_says_on_its_date():
    assert make_card(date.fromisoformat(built_in().date)) == built_in()


def test_a_borrowed_price_is_named_and_gets_no_batch_price():
    (borrowed,) = built_in().named("azure/gpt-4o-mini")
    (native,) = built_in().named("openai/gpt-4o-mini")
    assert (borrowed.borrowed_from, native.borrowed_from) == ("openai", None)
    assert borrowed.input_per_mtok == native.input_per_mtok
    assert borrowed.batch_input_per_mtok is None
    assert native.batch_input_per_mtok == Decimal("0.075")


def test_a_batch_price_that_is_not_published_stays_unknown():
    (priced,) = built_in().named("groq/llama-3.1-8b-instant")
    assert priced.batch_input_per_mtok is None
    assert "batch input" in priced.note


def test_a_model_the_package_lacks_is_null_with_the_reason():
    (missing,) = built_in().named("azure/phi-4-mini-reasoning")
    assert missing.input_per_mtok is None
    assert "has no entry for this model" in missing.note


def test_an_announced_price_is_a_row_of_its_own():
    now, later = built_in().named("google/gemini-4-argon")
    assert (now.valid_until, later.valid_from) == ("2026-11-30", "2026-12-01")
    assert later.input_per_mtok == 2 * (now.input_per_mtok or 0)


def test_the_price_of_the_dearest_hour_is_kept_and_said():
    (peak,) = built_in().named("deepseek/deepseek-v4-flash")
    assert peak.input_per_mtok == Decimal("0.3")
    assert "the cheapest is 0.15 in" in peak.note


def test_made_up_prices_are_hypothetical_and_all_others_quoted_with_a_source():
    assert {row.kind for row in built_in().rows if row.provider == "simulator"} == {"hypothetical"}
    for priced in built_in().rows:
        if priced.provider != "simulator":
            assert priced.kind == "quoted"
            assert priced.source.startswith("genai-prices 0.2.3, http")
