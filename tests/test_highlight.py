"""highlight.py: the pieces are the text, and the marks lie where the quotes stand."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.highlight import Mark, cut

AWKWARD = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("e\u0301\u0323가ᄀ ᅡ\u00a0\n\t<>[]!*_`$:\\")), max_size=60
)


def quote(text: str, kind: str = "factuality") -> Mark:
    return Mark(text, kind, f"{kind}: judge")


def marked(text: str, *quotes: str) -> list[str]:
    return [piece.text for piece in cut(text, [quote(q) for q in quotes]) if piece.marks]


@given(AWKWARD, st.lists(AWKWARD, max_size=4))
def test_the_pieces_joined_are_the_text(text: str, quotes: list[str]):
    assert "".join(piece.text for piece in cut(text, [quote(q) for q in quotes])) == text


@given(AWKWARD, st.data())
def test_a_passage_copied_from_the_text_is_always_found(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    copied = text[start:end]
    whole = " ".join(unicodedata.normalize("NFC", copied).split())
    if whole and whole in " ".join(unicodedata.normalize("NFC", text).split()):
        assert marked(text, copied)


def test_white_space_and_accents_may_differ():
    assert marked("The cafe\u0301\n  opens at 8.", "café opens") == ["cafe\u0301\n  opens"]
    assert marked("a  b", "  a b  ") == ["a  b"]


def test_overlapping_quotes_share_a_piece_that_carries_both():
    pieces = cut("one two three", [quote("one two"), quote("two three", "coherence")])
    assert [(p.text, [m.kind for m in p.marks]) for p in pieces] == [
        ("one ", ["factuality"]),
        ("two", ["factuality", "coherence"]),
        (" three", ["coherence"]),
    ]


@pytest.mark.parametrize("absent", ["", "   ", "four", "one  two  four"])
def test_what_does_not_occur_marks_nothing(absent: str):
    assert marked("one two three", absent) == []


def test_a_quote_is_marked_once_where_it_occurs_first():
    assert [piece.text for piece in cut("so so", [quote("so")])] == ["so", " so"]


def test_an_empty_text_has_no_pieces():
    assert cut("", [quote("x")]) == []
