"""What the terminal says beside the figures: why a latency cannot be taken at its word, and how runs are listed."""

import re
from pathlib import Path

import pytest
import rows
from rich.console import Console
from sqlalchemy import Engine

from db import store
from db.models import CheckResult, Run
from eval import run_tables
from eval.cost.price_card_file import built_in
from eval.estimate import Bill, Estimate
from eval.run_tables import evidence_notes, latency_notes, show_estimate, show_summaries
from eval.summary import summarise
from eval.terminal import show_runs


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return store.connect(f"sqlite:///{(tmp_path / 'runs.db').as_posix()}")


def add_run(engine: Engine, *answers: dict[str, object]) -> Run:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 4)
        run = rows.add_run(session, qa_set)
        for question, given in zip(questions, answers, strict=False):
            store.save_answer(rows.answer(run, question, **given), [], session=session)
        return run


def notes(engine: Engine, *runs: Run) -> list[str]:
    return latency_notes(runs, [summarise(run.id or 0, engine) for run in runs])


def test_nothing_is_said_of_answers_that_were_measured_well(engine: Engine) -> None:
    assert notes(engine, add_run(engine, {}, {"prompt_tokens": 100, "cached_tokens": 10})) == []


def test_answers_from_the_servers_cache_are_told_with_their_target_and_number(engine: Engine) -> None:
    cached = {"prompt_tokens": 100, "cached_tokens": 90}
    plain = add_run(engine, {})
    (note,) = notes(engine, plain, add_run(engine, cached, cached, {}))
    assert "read from the server's cache" in note
    assert note.endswith(f": {plain.target} 2 of 3 answers.")


def test_answers_in_one_piece_and_answers_of_a_busy_computer_are_told(engine: Engine) -> None:
    first, second = notes(engine, add_run(engine, {"ttft_ms": None}, {"client_limited": True}, {}, {}))
    assert "while this computer was busy" in first
    assert "1 of 4 answers" in first
    assert "in one piece" in second
    assert "1 of 4 answers" in second


def test_the_estimate_tells_calls_tokens_cost_and_time(capfd: pytest.CaptureFixture[str]) -> None:
    asking, judging = Bill(1_061, 20_000, 3_000, 0.5, hypothetical=True), Bill(60, 4_000, 1_000, 1.25)
    show_estimate(Estimate(asking, judging, 90.0))
    first, second = capfd.readouterr().err.splitlines()
    assert first == (
        "Estimate: 1,061 calls to targets, 60 to judges, about 24,000 tokens in, at most 4,000 out; "
        "cost at most $1.75 at hypothetical prices."
    )
    assert second.startswith("Of that, judging: about 4,000 tokens in; cost at most $1.25; about ")
    assert second.endswith(", as it took before.")
    show_estimate(Estimate(asking, Bill(60, 4_000, 1_000, None, ("j",)), None))
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("cost unknown (no price for j).")
    assert second.endswith("cost unknown (no price for j); time unknown, as this judge has not been seen at work.")


def test_every_figure_of_the_table_stands_beneath_its_heading(
    engine: Engine, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_tables, "console", Console(stderr=True, width=200))
    three = [{"ttft_ms": 111.0 * n, "total_ms": 1111.0 * n, "tokens_per_s": 33.0 * n} for n in (1, 2, 7)]
    run = add_run(engine, *three, {"error_kind": "timeout"})
    with store.writing(engine) as session:
        first = store.list_answers(run.id or 0, session=session)[0]
        made = rows.assessment(first, rows.judge(session), rows.rubric(session))
        store.save_assessment(made, rows.scores([4, 4, 4]), [], session=session)
    show_summaries([run], [summarise(run.id or 0, engine)], built_in())
    lines = capfd.readouterr().err.splitlines()
    heading, row = ([cell.strip() for cell in re.split("[┃│]", line)[1:-1]] for line in (lines[1], lines[3]))
    told = dict(zip(heading, row, strict=True))
    assert (told["run"], told["target"], told["errors"]) == (str(run.id), run.target, "1")
    assert told["answers"] == f"3/{run.n_planned}"
    assert (told["first token ms"], told["total ms"], told["tok/s"]) == ("222", "2,222", "66")
    quality = next(cell for name, cell in told.items() if name.startswith("quality"))
    assert (quality, told["judged"]) == ("4.00", "1/3")


def test_the_table_is_followed_by_what_has_to_be_known(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    run = add_run(engine, {"ttft_ms": None})
    show_summaries([run], [summarise(run.id or 0, engine)], built_in())
    assert "Without a first-token time" in capfd.readouterr().err


def test_wording_and_checks_are_told_where_they_were_counted(engine: Engine) -> None:
    worded = [{"words": words, "repeated_4grams": share} for words, share in ((6, 0.0), (18, 0.1))]
    run, plain = add_run(engine, *worded), add_run(engine, {})
    with store.writing(engine) as session:
        for answer, met in zip(store.list_answers(run.id or 0, session=session), (True, False), strict=True):
            made = rows.assessment(answer, rows.judge(session), rows.rubric(session))
            checks = [CheckResult(assessment_id=0, kind="must", text="x", met=met)]
            store.save_assessment(made, rows.scores([4, 4, 4]), [], checks, session=session)
    found = evidence_notes([run, plain], [summarise(each.id or 0, engine) for each in (run, plain)])
    assert found == [
        f"{run.target}, a mean answer: 12 words, 4.0 times the reference, 5.0% repeated 4-grams, 3 s to read.",
        f"{run.target}: 50% of 2 checks met, as test-judge (quick) saw it.",
    ]


def test_the_table_says_how_its_quality_was_found(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    run = add_run(engine, {}, {})
    with store.writing(engine) as session:
        for answer in store.list_answers(run.id or 0, session=session):
            made = rows.assessment(answer, rows.judge(session), rows.rubric(session))
            store.save_assessment(made, rows.scores([4, 4, 4]), session=session)
    show_summaries([run], [summarise(run.id or 0, engine)], built_in())
    assert f"Quality of {run.target}: judge only, not calibrated." in capfd.readouterr().err


def test_runs_on_different_questions_are_not_shown_as_if_they_could_be_compared(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    with store.writing(engine) as session:
        runs = [rows.add_run(session, rows.add_qa_set(session, 2, version)[0]) for version in ("1", "2")]
    summaries = [summarise(run.id or 0, engine) for run in runs]
    show_summaries(runs, summaries, built_in())
    assert "cannot be compared" in capfd.readouterr().err
    show_summaries(runs[:1], summaries[:1], built_in())
    assert "cannot be compared" not in capfd.readouterr().err


def test_simulated_runs_are_named_as_such_beneath_the_table(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session, 2)
        runs = [rows.add_run(session, qa_set, target=name, simulated=name == "made-up") for name in ("made-up", "real")]
    summaries = [summarise(run.id or 0, engine) for run in runs]
    show_summaries(runs, summaries, built_in())
    assert "Simulated: the figures of made-up describe no real model." in capfd.readouterr().err
    show_summaries(runs[1:], summaries[1:], built_in())
    assert "imulated" not in capfd.readouterr().err


def listed(runs: list[Run], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    show_runs(runs)
    return capfd.readouterr().out


def test_a_list_of_runs_fits_80_columns_and_loses_nothing(
    engine: Engine, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "Nothing answers at http://127.0.0.1:5273/v1; start the server or correct the address."
    names = ["small-local", "a name [of] a target that goes on and on until the line is full"]
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session, 2)
        for group in ("first", "second"):
            for name in names:
                made = rows.add_run(
                    session, qa_set, group, name=name, model="Phi-4-mini-instruct-generic-gpu:5", status="failed",
                    error=why, n_planned=12_000, simulated=True,
                )  # fmt: skip
                assert made.id
        runs = store.list_runs(session=session)
    said = listed(runs, capfd, monkeypatch, 80)
    assert max(len(line) for line in said.splitlines()) <= 80
    words = said.split()
    assert said.count("group ") == 2
    assert words.count("failed") == 4
    assert words.count("(simulated)") == 4
    assert words.count("12,000") == 4
    assert " ".join(words).count(why) == 4
    assert "[of]" in words
    assert why in listed(runs, capfd, monkeypatch, 200)  # on a line of its own where there is room


def test_scores_that_were_asked_for_and_did_not_come_are_not_passed_over(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    run = add_run(engine, {})
    said = "None of the verdicts asked for holds a usable score"
    show_summaries([run], [summarise(run.id or 0, engine)], built_in(), lambda _quality: False)
    assert said in capfd.readouterr().err
    show_summaries([run], [summarise(run.id or 0, engine)], built_in())
    assert said not in capfd.readouterr().err
