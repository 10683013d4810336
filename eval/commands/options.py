"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[str | None, typer.Option("--db", help="Database: a file or a URL. Default: RIGHTSIZE_DB, rightsize.db")]
Port = Annotated[int | None, typer.Option(help="Port of the dashboard. Default: the first free one from 8501.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Serve the dashboard without opening a browser.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Runs = Annotated[list[str], typer.Argument(help='Ids, names or groups of runs, or "last" for the newest group.')]
Config = Annotated[Path | None, typer.Option(help="Configuration. Default: rightsize.toml, if there is one.")]
RubricFile = Annotated[
    Path | None,
    typer.Option("--rubric", help="TOML; `rightsize rubric check` names its faults. Default: the built-in one."),
]
