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
Judges = Annotated[
    list[str] | None,
    typer.Option("--judge", help="MODEL@URL of a judge; several are a panel. Default: those of the configuration."),
]
Samples = Annotated[int | None, typer.Option(min=1, max=20, help="How often a judge reads each answer.")]
Temperature = Annotated[
    float | None, typer.Option(min=0, max=2, help="The judge's temperature; its readings at another are kept apart.")
]
