"""A command that is imported only when it is called: of what all commands together import, most need a fraction.

Its help is read from its source, without running it, so that `rightsize --help` is as quick.
"""

import ast
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command


@cache
def _docstrings(module: str) -> dict[str, str]:
    """What the functions of a module say of themselves, by name."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}


class LazyCommand(TyperCommand):
    """The function of a module as a command of a group."""

    def __init__(self, name: str, module: str, function: str) -> None:
        super().__init__(name, help=_docstrings(module)[function])
        self._module, self._function = module, function

    def load(self) -> TyperCommand:
        """Import the function and make the command that its parameters describe."""
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(self.name)(getattr(import_module(self._module), self._function))
        command = get_command(app)
        assert isinstance(command, TyperCommand)
        return command

    def make_context(self, *arguments: Any, **given: Any) -> Any:
        """Read what was typed; from here on the loaded command is at work."""
        return self.load().make_context(*arguments, **given)
