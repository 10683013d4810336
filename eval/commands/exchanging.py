"""The commands that write runs and QA sets into files, and read files of our own and of other tools."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from db import exchange, store
from eval import qa_set as qa_sets
from eval import terminal
from eval.commands.database import is_there, open_existing
from eval.commands.json_output import print_json
from eval.commands.options import AsJson, Db
from eval.interchange import formats, jsonl, loading
from eval.interchange.dumping import Dump, ExportError, header, qa_set_records
from eval.interchange.files import whole_file
from eval.interchange.flat_writing import FlatDump
from eval.interchange.formats import Format
from eval.interchange.loading import Report
from eval.interchange.scales import Scales, parse_scales
from eval.records import to_question

QA_SET = "qa-set"  # as the first word: what follows names a QA set


class Written(StrEnum):
    """The forms an export can have."""

    jsonl = "jsonl"
    csv = "csv"


def export(
    runs: Annotated[
        list[str], typer.Argument(help='Ids, names or groups of runs, "last", or: qa-set NAME (a name, or a hash).')
    ],
    form: Annotated[
        Written, typer.Option("--format", help="jsonl: all there is. csv: answers and scores.")
    ] = Written.jsonl,
    out: Annotated[Path | None, typer.Option(help="File to write. Default: standard output.")] = None,
    db: Db = None,
) -> None:
    """Write runs with all that is stored of them, or a QA set, for another database or another tool."""
    if out is None and sys.stdout.isatty():
        raise ExportError(
            f"A terminal is no place for an export; name a file: --out runs.{form.value}, or lead the output on."
        )
    if runs[0] == QA_SET:
        _export_qa_set(runs[1:], form, out, db)
        return
    engine = open_existing(db)
    with store.reading(engine) as session:
        chosen = store.find_runs(runs, session=session)
        dump = Dump(chosen, session) if form == Written.jsonl else FlatDump(chosen, session)
        lines = jsonl.written(dump.records()) if isinstance(dump, Dump) else dump.lines()
        _write(lines, out)
    for note in dump.notes:
        terminal.say(note)
    if form == Written.csv:
        terminal.say(
            "A CSV holds answers and the scores that count, and no more: calls, times, tokens, rationales and the "
            "history of scores are left out. --format jsonl keeps all there is."
        )
    if out:
        terminal.say(f"Exported {len(chosen)} run{'s' if len(chosen) > 1 else ''} to {out}.")


def _export_qa_set(names: Sequence[str], form: Written, out: Path | None, db: str | None) -> None:
    if len(names) != 1:
        raise ExportError("Name one QA set: rightsize export qa-set NAME (built-in, a name, or the start of a hash).")
    if names[0] == "built-in":
        text, said = _as_file(qa_sets.built_in(), form)
    else:
        with store.reading(open_existing(db)) as session:
            text, said = _stored_set(names[0], form, session)
    _write(iter([text]), out)
    if out:
        terminal.say(f"Exported {said} to {out}.")


def _as_file(found: qa_sets.QASet, form: Written) -> tuple[str, str]:
    """A QA set in the form of its own file, and what it is."""
    try:
        text = qa_sets.to_csv(found) if form == Written.csv else qa_sets.to_jsonl(found)
    except ValueError as error:
        raise ExportError(f"A CSV cannot hold this QA set: {error}; export it as JSONL.") from None
    return text, f"{terminal.counted(len(found.questions), 'question')} of {found.name} {found.version}"


def _stored_set(name: str, form: Written, session: Session) -> tuple[str, str]:
    head = exchange.find_qa_set(name, session=session)
    if head is None:
        known = ", ".join(f"{each.name} ({each.sha256[:8]})" for each in store.list_qa_sets(session=session))
        raise ExportError(f'There is no QA set "{name}"; there are: {known or "none"}.')
    rows = store.list_questions(head.id or 0, session=session)
    bare = [row.key for row in rows if not row.reference.strip()]
    if not bare:
        questions = tuple(to_question(row) for row in rows)
        return _as_file(qa_sets.QASet(name=head.name, version=head.version, questions=questions), form)
    if form == Written.csv:
        raise ExportError(
            f"A CSV cannot hold this QA set: question {bare[0]} has no reference answer; export it as JSONL."
        )
    text = "".join(jsonl.written([header(), *qa_set_records(head, session)]))
    why = f"as records, since {len(bare)} of them have no reference answer, which a QA set of your own needs"
    return text, f"{terminal.counted(len(rows), 'question')} of {head.name} {head.version} {why},"


def _write(lines: Iterator[str], out: Path | None) -> None:
    with whole_file(out) as file:
        for line in lines:
            file.write(line.encode("utf-8"))


def import_(
    file: Annotated[Path, typer.Argument(help="What was exported here, a CSV of scores, or another tool's results.")],
    kind: Annotated[Format, typer.Option("--format", help="auto: told by the content.")] = Format.auto,
    scale: Annotated[
        list[str] | None, typer.Option(help="LOW-HIGH of scores, or CRITERION=LOW-HIGH; may be repeated. Default: 1-5.")
    ] = None,
    qa_set: Annotated[
        str | None, typer.Option(help='A CSV without questions: the QA set they are of, by name or "built-in".')
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Read answers and scores from a file: all of it, or nothing where anything is wrong."""
    scales, url = parse_scales(scale or ()), store.database_url(db)
    tried = None if is_there(url) else _try(file, kind, scales, qa_set)
    report = tried if tried and dry_run else _load(file, kind, scales, qa_set, store.connect(url), dry_run)
    if as_json:
        print_json(asdict(report))
    else:
        _say(report)


def _load(
    file: Path, kind: Format, scales: Scales, qa_set: str | None, engine: Engine, dry_run: bool = False
) -> Report:
    return loading.load(formats.read(file, kind, scales, qa_set), engine, dry_run=dry_run)


def _try(file: Path, kind: Format, scales: Scales, qa_set: str | None) -> Report:
    """What an import into an empty database would give, so that a faulty file leaves no database behind."""
    with TemporaryDirectory(prefix="rightsize-") as folder:
        trial = store.connect(f"sqlite:///{(Path(folder) / 'trial.db').as_posix()}")
        try:
            return _load(file, kind, scales, qa_set, trial, True)
        finally:
            trial.dispose()


def _say(report: Report) -> None:
    """What came of an import, a sentence a run, and what was left out."""
    did = "Imported" if report.stored else "Would import"
    for run in report.runs:
        number = f"run {run.run_id}" if report.stored else "a run"
        counts = f"{run.answers} answers, {run.errors} errors, {run.assessments} assessments"
        if run.is_new:
            sys.stdout.write(f"{did} {number}, {run.target}: {counts}.\n")
        elif run.answers or run.errors or run.assessments:
            sys.stdout.write(f"{did} into run {run.run_id}, {run.target}, which was there: {counts}.\n")
    if report.new.get("question") and not report.runs:
        sys.stdout.write(f"{did} a QA set of {terminal.counted(report.new['question'], 'question')}.\n")
    if report.there:
        there = ", ".join(f"{n} {kind.replace('_', ' ')}{'s' if n > 1 else ''}" for kind, n in report.there.items())
        sys.stdout.write(f"Already there, and left as it is: {there}.\n")
    for note in report.notes:
        terminal.say(note)
