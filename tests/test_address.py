"""A copied address reproduces the view: every control whose key may stand in it is bound to it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_layers import FILES, name

from dashboard.keys import Key

PAGES = [file for file in FILES if name(file).startswith("dashboard/")]


def controls(file: Path) -> Iterator[tuple[Key, ast.Call]]:
    """Every call that is given one of the keys as its `key`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            its = keyword.value
            if keyword.arg == "key" and isinstance(its, ast.Attribute) and ast.unparse(its.value).endswith("Key"):
                yield Key[its.attr], node


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_a_control_stands_in_the_address_if_and_only_if_its_key_may(file: Path) -> None:
    for key, call in controls(file):
        bound = any(keyword.arg == "bind" for keyword in call.keywords)
        assert bound != key.startswith("_"), f"line {call.lineno}: {key.name}"


def test_there_are_controls_of_both_kinds() -> None:
    found = [key.startswith("_") for file in PAGES for key, _ in controls(file)]
    assert found.count(True) > 10
    assert found.count(False) > 10
