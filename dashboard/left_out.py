"""Which runs a page leaves out, and why: a sentence that names them, so that nobody takes a part for the whole.

Markdown, pure. Which runs are in view is widgets.py's business.
"""

from collections.abc import Mapping, Sequence

from dashboard.data import RunRow
from dashboard.format import plain
from eval.enumeration import listed

SHOWN = 4  # runs named for one reason; more are counted


def left_out(in_view: Sequence[RunRow], others: Sequence[RunRow], sets: Mapping[int, str]) -> str:
    """The runs that are not in view by the reason, nothing where there is none; `sets` names QA sets by id."""
    shown = {run.run_id for run in in_view}
    reasons: dict[str, list[str]] = {}
    for run in others:
        if run.run_id not in shown:
            why, name = _why(run, in_view, sets)
            reasons.setdefault(why, []).append(name)
    if not reasons:
        return ""
    return f"Runs left out here: {'; '.join(f'{why}: {_named(names)}' for why, names in reasons.items())}."


def _why(run: RunRow, in_view: Sequence[RunRow], sets: Mapping[int, str]) -> tuple[str, str]:
    """Why a run is left out, and what it is called beside that reason."""
    name = plain(f"#{run.run_id} {run.target}")
    if not run.finished:
        return "not finished", f"{name} ({plain(run.status)})"
    if all(run.qa_set_id != here.qa_set_id for here in in_view):
        return "on another QA set or version", f"{name} ({plain(sets.get(run.qa_set_id, 'unknown'))})"
    newer = [here.run_id for here in in_view if here.target == run.target and here.run_id > run.run_id]
    if newer:
        return "not the newest of their target", f"{name} (#{max(newer)} is shown)"
    return "not chosen above", name


def _named(names: Sequence[str]) -> str:
    return listed(list(names) if len(names) <= SHOWN else [*names[:SHOWN], f"{len(names) - SHOWN:,} more"])


def unscored(in_view: Sequence[RunRow], numbered: Sequence[int], criterion: str) -> str:
    """The runs in view that have no number on a criterion; nothing where all have one."""
    missing = [plain(f"#{run.run_id} {run.target}") for run in in_view if run.run_id not in numbered]
    return f"No number, because nobody scored them on {plain(criterion)}: {listed(missing)}." if missing else ""


def preliminary(in_view: Sequence[RunRow]) -> str:
    """The runs in view that are not finished; nothing where all are."""
    names = [f"{plain(f'#{run.run_id} {run.target}')} ({plain(run.status)})" for run in in_view if not run.finished]
    return f"Not finished, so the figures are preliminary: {listed(names)}." if names else ""
