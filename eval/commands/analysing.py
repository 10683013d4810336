"""The commands that tell what stored scores are worth: agreement between raters, and comparison of runs."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any

import typer

from db import store
from eval import findings, terminal
from eval.agreeing import agreements
from eval.commands.database import open_existing
from eval.commands.json_output import print_json
from eval.commands.options import AsJson, Db, Runs
from eval.comparing import Compared, ComparisonError
from eval.comparing import compare as compare_runs
from eval.preferring import preferences
from eval.quality_number import QualityError, RunQuality, quality_numbers
from eval.stats.comparison import Test
from eval.stats.corrected import Inference

Criterion = Annotated[str | None, typer.Option(help="One criterion. Default: all.")]


def plain(value: Any) -> Any:
    """A result as JSON knows it: names of figures as keys, a pair of raters as "A / B"."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain({field.name: getattr(value, field.name) for field in fields(value)})
    if isinstance(value, Mapping):
        return {" / ".join(map(str, k)) if isinstance(k, tuple) else str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def agreement(
    runs: Runs,
    criterion: Criterion = None,
    full: Annotated[bool, typer.Option("--full", help="Every table and sentence, criterion by criterion.")] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """How far judges and people agree on the answers of some runs: a row a pair of raters, or all with --full."""
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session)
    found = agreements(chosen, engine, criterion)
    if as_json:
        print_json([plain(each) for each in found])
    elif full:
        findings.show_agreements(found, chosen)
    else:
        findings.show_agreement_overview(found, chosen)


def quality(
    runs: Runs,
    criterion: Annotated[str, typer.Option(help='A criterion, or "overall".')] = "overall",
    judge: Annotated[str | None, typer.Option(help='Whose scores help: like "gpt-oss-20b (quick)".')] = None,
    this_set: Annotated[
        bool, typer.Option("--this-set", help="Hold for this question set alone, not for questions like these.")
    ] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """The quality number of runs: hand scores corrected with the judge's, its interval, and what it rests on."""
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session)
    inference: Inference = "this question set" if this_set else "questions like these"
    found, refused = list[RunQuality](), list[str]()
    sets = dict.fromkeys(run.qa_set_id for run in chosen)
    for qa_set_id in sets:  # another QA set has other judges, and perhaps another rubric
        try:
            alike = [run for run in chosen if run.qa_set_id == qa_set_id]
            found += quality_numbers(alike, engine, criterion, judge=judge, inference=inference)
        except QualityError as error:
            refused.append(str(error))
    if not found:
        raise QualityError(" ".join(dict.fromkeys(refused)))
    if len(sets) > 1:
        terminal.say("These runs are on different QA sets: their quality cannot be compared.")
    for sentence in refused:
        terminal.say(sentence)
    if as_json:
        print_json([plain(each) for each in found])
    else:
        findings.show_quality(found)


def compare(
    runs: Runs,
    criterion: Criterion = None,
    source: Annotated[
        str | None,
        typer.Option(
            help='Whose scores alone: "people", or a judge like "gpt-oss-20b (quick)". Default: quality numbers where '
            "people scored a valid sample of both, else the judge's scores."
        ),
    ] = None,
    test: Annotated[Test, typer.Option(help="The test behind the p-values.")] = "sign-flip",
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs question by question: better, worse, or not decisive, with how many more questions it would take.

    People's preferences between two answers side by side follow as "preference", unless one criterion or source was
    asked for.
    """
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session)
    preferred = None if criterion or source else preferences(chosen, engine)
    found: list[Compared] = []
    try:
        found = compare_runs(chosen, engine, source=source, criterion=criterion, test=test)
    except ComparisonError as error:
        if preferred is None:
            raise
        terminal.say(str(error))
    if as_json:
        print_json([plain(each) for each in (*found, *([preferred] if preferred else []))])
    else:
        findings.show_comparisons(found)
        if preferred:
            findings.show_preferences(preferred)
