"""Texts in tables that spreadsheets open: none is taken for a formula, and each can be had back as it was. Pure."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def neutralised(text: str) -> str:
    """The text with an apostrophe ahead where a spreadsheet would compute it, or where it looks neutralised already."""
    return f"'{text}" if _FORMULA.match(text) else text


def restored(text: str) -> str:
    """The text as it was before `neutralised`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
