"""How the command line speaks: plain lines, progress while work goes on, the list of stored runs.

What is said goes to standard error, so that standard output stays free for what was asked for. What a run was found to
be worth is run_tables.py's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from db import workers
from db.exchange import is_imported
from db.models import Run
from eval.work import Progress

LIST_COLUMNS = 110  # wider, and a line is hard to follow

console = Console(stderr=True, highlight=False)
if not console.is_terminal:
    console = Console(stderr=True, highlight=False, width=120)  # a log file is not 80 columns wide


def say(text: str) -> None:
    """One plain line, never read as markup."""
    console.print(escape(text), soft_wrap=True)


def counted(n: int, noun: str) -> str:
    """1 question, 2 questions."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


@contextmanager
def progress_bars(quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Bars for each run and phase while it goes: done, errors, time left, tokens per second.

    Those are the tokens of all requests together over the time since the bar first moved: not the speed of one answer,
    which the table tells.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True),
    )
    tasks: dict[tuple[int, str], tuple[TaskID, float]] = {}
    with Bars(*columns, console=console, disable=quiet) as bars:

        def on_progress(its: Progress) -> None:
            key = (its.run_id, its.phase)
            if key not in tasks:
                label = f"{escape(its.target)} [dim]{its.phase}[/dim]"
                tasks[key] = (bars.add_task(label, total=its.planned, figures=""), monotonic())
            task, since = tasks[key]
            seconds = monotonic() - since
            rate = f"{its.completion_tokens / seconds:,.0f} tok/s, waits included" if seconds > 0.5 else ""
            errors = f"[red]{its.errors} {'error' if its.errors == 1 else 'errors'}[/red] " if its.errors else ""
            bars.update(task, completed=its.done, figures=errors + rate)

        yield on_progress


def show_runs(runs: Sequence[Run]) -> None:
    """The stored runs by group, a line each within 80 columns; why one failed stands on a line of its own."""
    console = Console()
    for group_id, its in groupby(runs, key=lambda run: run.group_id):
        group = list(its)
        began = min((run.started_at for run in group if run.started_at), default=None)
        made = "imported" if all(is_imported(run) for run in group) else "not started"
        when = f"{began:%Y-%m-%d %H:%M} UTC" if began else made
        console.print(f"[bold]group {escape(group_id)}[/bold]  {when}")
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.width = min(console.width, LIST_COLUMNS)
        table.add_column(width=6, justify="right")
        table.add_column(ratio=3, overflow="fold")
        table.add_column(ratio=3, overflow="fold")
        table.add_column(width=11)
        table.add_column(width=14, justify="right")
        for run in group:
            marks = [word for word, so in (("simulated", run.simulated), ("imported", is_imported(run))) if so]
            name = f"{run.name} ({', '.join(marks)})" if marks else run.name
            cells = (str(run.id), name, run.model, workers.standing(run), f"{run.n_planned:,} planned")
            table.add_row(*(escape(cell) for cell in cells))
        console.print(table)
        for run in group:
            if run.error:
                console.print(Padding(f"[dim]run {run.id}:[/dim] {escape(run.error)}", (0, 0, 0, 4)))
    if interrupted := [str(run.id) for run in runs if workers.standing(run) == workers.INTERRUPTED]:
        console.print(f"Go on with what was interrupted: rightsize resume {' '.join(interrupted)}", soft_wrap=True)
