"""The commands that check a file and name every fault in it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from eval import qa_set as qa_sets
from eval import rubric as rubrics
from eval import terminal


def qa_check(file: Annotated[Path, typer.Argument(help="A QA set as JSONL or CSV.")]) -> None:
    """Check a QA set: every fault with its line, field, what is wrong and what would be right."""
    checked = qa_sets.load(file)
    counts: dict[str, int] = {}
    for question in checked.questions:
        counts[question.category] = counts.get(question.category, 0) + 1
    spread = ", ".join(f"{n} {category}" for category, n in counts.items())
    n = terminal.counted(len(checked.questions), "question")
    sys.stdout.write(f"{file}: {n} ({spread}), version {checked.sha256[:8]}, no fault\n")


def rubric_check(file: Annotated[Path, typer.Argument(help="A rubric as TOML.")]) -> None:
    """Check a rubric: every fault with its key, what is wrong and what would be right."""
    checked = rubrics.load(file)
    sys.stdout.write(
        f"{file}: rubric {checked.name} {checked.version} ({checked.sha256[:8]}), criteria "
        f"{', '.join(checked.criterion_ids)}, no fault\n"
    )
