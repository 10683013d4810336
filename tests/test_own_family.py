"""A judge of a target's own model family is flagged wherever its scores appear: pages, commands, JSON and exports."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import rows
from command import Command
from exchanged import database, exported, exported_csv, faults_of, imported, small
from pages import open_page, parsed
from samples import TARGETS, add_group
from sqlalchemy import Engine
from sqlmodel import Session, select

from dashboard.answer_tables import answers_table
from dashboard.keys import Key
from db import store
from db.models import Answer, Assessment, Rater, Run
from db.side_by_side import list_replies
from eval import terminal

JUDGE, OTHER = "test-judge (quick)", "young-judge (quick)"
PANEL = "panel of judges (quick)"  # of both
OWN, FOREIGN = "test-large", "test-small"  # the judge is a llama, as the former is
NOTE = f"{JUDGE} judged its own model family, which it may favour: {OWN}."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two targets, one of the judge's family, and a second judge; nobody scored by hand."""
    url = f"sqlite:///{(tmp_path_factory.mktemp('family') / 'runs.db').as_posix()}"
    add_group(url, targets=TARGETS[:2], questions=13, judged=True)
    engine = store.connect(url)
    with store.writing(engine) as session:
        other, rubric = rows.judge(session, "young-judge"), rows.rubric(session)
        for answer in session.exec(select(Answer).where(Answer.error_kind == None, Answer.cold == False)).all():  # noqa: E711, E712
            store.save_assessment(rows.assessment(answer, other, rubric), rows.scores([4, 3, 4]), session=session)
    engine.dispose()
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = store.connect(url)
    yield made
    made.dispose()


def with_people(url: str, into: Path) -> str:
    """The same where a person scored every answer."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as one, closing(sqlite3.connect(into)) as two:
        one.backup(two)
    engine = store.connect(f"sqlite:///{into.as_posix()}")
    with store.writing(engine) as session:
        person, rubric = rows.person(session, "Ann"), rows.rubric(session)
        for answer in session.exec(select(Answer).where(Answer.error_kind == None, Answer.cold == False)).all():  # noqa: E711, E712
            verdict = rows.assessment(answer, person, rubric, "person")
            store.save_assessment(verdict, rows.scores([4, 3, 4]), session=session)
    engine.dispose()
    return f"sqlite:///{into.as_posix()}"


def words(text: str) -> str:
    return " ".join(text.replace("\\", "").replace("\u2060", "").split())


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "said", "query"),
    [
        ("overview", f"Judge and target are of one model family for {OWN}", {}),
        ("answers", "same family", {"question": "q5"}),
        ("quality", f"judged its own model family, which it may favour: {OWN}.", {}),
        ("agreement", NOTE, {}),
        ("agreement", "test-judge (quick) (own family)", {}),
    ],
)
@pytest.mark.parametrize("people", [False, True], ids=["judges alone", "people too"])
def test_every_page_that_shows_the_judges_scores_shows_it(
    url: str, page: str, said: str, query: dict[str, str], people: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(monkeypatch, with_people(url, tmp_path / "p.db") if people else url, page, **query)
    tables = " ".join(frame.value.to_csv() for frame in app.dataframe)
    assert said in words(parsed(app) + tables)


def test_the_quality_page_names_the_judge_that_is_chosen_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(monkeypatch, url, "quality")
    app.selectbox(key=Key.NUMBER_JUDGE_BOX).set_value(OTHER).run()
    assert f"{OTHER} judged its own" not in words(parsed(app))


def test_the_table_of_the_answers_page_says_it_of_each_verdict(engine: Engine) -> None:
    with store.reading(engine) as session:
        ids = [run.id or 0 for run in store.list_runs(session=session)]
        question = session.exec(select(Answer.question_id).where(Answer.error_kind == None)).all()[-1]  # noqa: E711
        table = answers_table("q", list_replies(question, ids, session=session), {i: str(i) for i in ids})
        own = {run.target: bool(table.loc[table["run"] == run.id, f"{JUDGE}: own family"].iloc[0])
               for run in store.list_runs(session=session)}  # fmt: skip
    assert own == {OWN: True, FOREIGN: False}


# --- commands -------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str) -> Command:
    monkeypatch.setenv("RIGHTSIZE_DB", url)
    monkeypatch.setattr(terminal.console, "width", 400)  # so that no name is broken over two lines
    return Command(capsys, monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "2"), f"Judges a model of its own family, which it may favour: {JUDGE}"),
        (("quality", "1", "2", "--judge", JUDGE), NOTE),
        (("compare", "1", "2", "--source", JUDGE), NOTE),
        (("agreement", "1", "2"), NOTE),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_every_command_that_shows_the_judges_scores_says_it(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    told = command(*arguments)
    assert told.code == 0
    assert words(said) in words(told.err + told.out)


def test_a_comparison_by_another_judge_does_not_say_it(command: Command) -> None:
    assert "own model family" not in words(command("compare", "1", "2", "--source", OTHER).err)


def test_agreement_of_judge_and_judge_names_it_in_the_row(command: Command) -> None:
    assert f"{JUDGE} (own family)" in words(command("agreement", "1", "2").err)


def _quality(told: list[dict[str, Any]]) -> Any:
    return {each["target"]: each["own_family"] for each in told}


def _compare(told: list[dict[str, Any]]) -> Any:
    return [each["own_family"] for each in told]


def _agreement(told: list[dict[str, Any]]) -> Any:
    return [each["own_family"] for each in told]


@pytest.mark.parametrize(
    ("arguments", "read", "expected"),
    [
        (("quality", "1", "2", "--judge", JUDGE), _quality, {OWN: True, FOREIGN: False}),
        (("compare", "1", "2", "--source", JUDGE, "--criterion", "overall"), _compare, [[OWN]]),
        (("agreement", "1", "2", "--criterion", "factuality"), _agreement, [{JUDGE: [OWN], PANEL: [OWN]}]),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_json_holds_it(
    command: Command, arguments: tuple[str, ...], read: Callable[[list[dict[str, Any]]], Any], expected: Any
) -> None:
    assert read(json.loads(command(*arguments, "--json").out)) == expected


# --- in and out -----------------------------------------------------------------------------------------------------


def flags(engine: Engine) -> set[tuple[str, str, bool]]:
    with Session(engine) as session:
        runs = {run.id: run.target for run in session.exec(select(Run))}
        raters = {rater.id: rater.name for rater in session.exec(select(Rater))}
        return {(runs[a.run_id], raters[a.rater_id], a.same_family) for a in session.exec(select(Assessment))}


ALL = {(OWN, "test-judge", True), (FOREIGN, "test-judge", False), (OWN, "young-judge", False)}
ALL |= {(FOREIGN, "young-judge", False)}


def test_a_jsonl_file_carries_it(engine: Engine) -> None:
    told = exported(engine)
    for record in told:
        if record["record"] == "qa_set":
            del record["sha256"]  # that of these invented questions is invented, too
    with database() as there:
        imported(there, told)
        assert flags(there) == ALL


def test_a_table_carries_it(engine: Engine) -> None:
    text, _ = exported_csv(engine)
    assert text.splitlines()[0].split(",").count("own_family") == 1
    with database() as there:
        imported(there, text, "scores.csv")
        assert flags(there) == ALL


@pytest.mark.parametrize(
    ("rater", "run", "flagged"),
    [
        ({"family": "llama"}, {"family": "llama"}, True),
        ({"family": "llama"}, {"family": "phi"}, False),
        ({"model": "meta-llama/Llama-3.3-70B"}, {"model": "llama-3.1-8b"}, True),
        ({"model": "qwen3-8b"}, {"model": "llama-3.1-8b"}, False),
        ({"model": "unheard-of"}, {"model": "unheard-of"}, False),  # of no known family
    ],
)
def test_an_import_finds_out_where_both_families_are_known(
    rater: dict[str, str], run: dict[str, str], flagged: bool
) -> None:
    judge = {"kind": "judge", "name": "J", **rater}
    with database() as engine:
        imported(engine, small(run=run, assessment={"rater": judge}))
        assert {flag for _, _, flag in flags(engine)} == {flagged}
    with database() as engine:
        imported(engine, small(run=run, assessment={"rater": judge, "same_family": not flagged}))
        assert {flag for _, _, flag in flags(engine)} == {not flagged}  # the file has the last word


def test_a_person_is_of_no_family_and_a_table_says_yes_or_no() -> None:
    with database() as engine:
        imported(engine, small(run={"model": "llama"}, assessment={"rater": {"kind": "person", "name": "Llama"}}))
        assert {flag for _, _, flag in flags(engine)} == {False}
    head = "question_id,question,target,answer,rater,rater_kind,own_family,clarity\n"
    with database() as engine:
        (fault,) = faults_of(engine, head + "q1,What?,a,An answer.,J,judge,perhaps,4\n", "scores.csv")
        assert "own_family" in fault
        assert "write yes or no" in fault
