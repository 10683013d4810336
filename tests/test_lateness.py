"""Answers that were measured while the measuring computer was itself late are told wherever their latency is."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import cost_samples
import docx
import pytest
import rows
from command import Command
from cost_samples import FREE, card, known, target, use
from costed import add_demo_targets
from pages import open_page
from sqlalchemy import update
from sqlmodel import col, select
from test_measured_runs import scenario as of_targets

from dashboard.format import plain
from db import store
from db.exchange import IMPORTED
from db.models import Answer, Run, RunStatus
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.evidence import lateness
from eval.cost.measured import Load, Measured
from eval.cost.result import Result
from eval.lag import LIMIT_MS
from eval.measured_runs import measured_targets
from eval.report import files

LATE = "measured while the measuring computer was itself late by more than 5 ms"


def demo(late: int = 12, **changed: object) -> Result:
    """The demo with so many of 60 answers of the cloud measured late."""
    targets = cost_samples.demo_targets()
    cloud = replace(targets["cloud"], n_client_limited=late, late_from_ms=5.0)
    loads = (replace(load, p95=cloud.p95_ms, n_client_limited=late) for load in cloud.loads)
    cloud = replace(cloud, loads=tuple(loads))
    one = scenario_file.demo().model_copy(update={"draws": 300} | changed)
    return evaluate(one, targets | {"cloud": cloud}, price_card_file.built_in())


def text_of(report: bytes, format: str) -> str:
    if format != "docx":
        return report.decode().replace("\\", "").replace("<wbr>", "")
    document = docx.Document(io.BytesIO(report))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def make_late(url: str, name: str, n: int) -> int:
    """Mark the first n answers of a target as measured late; returns how many answers of it came."""
    with store.writing(store.connect(url)) as session:
        its = select(Answer.id).join(Run, col(Run.id) == Answer.run_id).where(Run.target == name)
        ids = list(session.exec(its.where(col(Answer.error_kind).is_(None), ~col(Answer.cold))))
        session.execute(update(Answer).where(col(Answer.id).in_(ids[:n])).values(client_limited=True))
    return len(ids)


def test_a_run_s_late_answers_are_counted_in_its_figures_and_in_what_it_bears(empty_url: str):
    engine = store.connect(empty_url)
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 3)
        run = rows.add_run(session, qa_set, status=RunStatus.finished, simulated=False)
        for late, question in zip((True, True, False), questions, strict=True):
            made = rows.answer(run, question, total_ms=1000.0, client_limited=late)
            store.save_answer(made, [rows.call()], session=session)
    found = measured_targets(of_targets("test-small"), engine)["test-small"]
    assert (found.n_client_limited, found.n_answers, found.late_from_ms) == (2, 3, LIMIT_MS)
    assert [load.n_client_limited for load in found.loads] == [2]
    assert list(lateness(found)) == [f"2 of 3 answers of test-small were {LATE}; their times may be too long."]


def test_of_an_imported_run_the_limit_is_not_claimed_to_be_known(empty_url: str):
    engine = store.connect(empty_url)
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 1)
        run = rows.add_run(session, qa_set, status=RunStatus.finished, provenance={IMPORTED: {"file": "x"}})
        store.save_answer(rows.answer(run, questions[0], client_limited=True), [rows.call()], session=session)
    (said,) = lateness(measured_targets(of_targets("test-small"), engine)["test-small"])
    assert said.startswith("1 of 1 answers of test-small was measured while the measuring computer was itself late;")


def test_nothing_is_said_where_no_answer_was_late():
    result = demo(0)
    assert all(e.client_limited.value == 0 and e.lateness == () for e in result.evidence)
    assert [text for text in (*result.warnings, *result.decision.caveats) if "was itself late" in text] == []
    assert "was itself late" not in text_of(files.made(result, "md"), "md")


def test_runs_at_other_concurrencies_are_told_apart():
    loads = (Load(1, 1.0, 900, 60, p95=known(900)), Load(4, 2.0, 1500, 60, p95=known(1500), n_client_limited=1))
    found = target("x", loads=(*loads, Load(8, 4.0, 3000, 60, p95=known(3000), n_client_limited=7)))
    found = replace(found, concurrency=8, p95_ms=known(3000), n_client_limited=7, late_from_ms=5.0)
    assert list(lateness(found)) == [
        f"7 of 60 answers of x at 8 at once were {LATE}; their times may be too long.",
        f"1 of 60 answers of x at 4 at once was {LATE}; its time may be too long.",
    ]


def test_the_evidence_and_the_option_carry_it_as_a_measured_figure():
    result = demo()
    (cloud,) = (e for e in result.evidence if e.target == "cloud")
    figures = (cloud.client_limited, result.option("cloud").client_limited)
    assert [(f.value, f.n, f.kind) for f in figures] == [(12, 60, "measured")] * 2
    assert cloud.lateness == (f"12 of 60 answers of cloud were {LATE}; their times may be too long.",)


@pytest.mark.parametrize("format", files.FORMATS)
def test_every_report_tells_it_beside_the_latency(format: files.Format):
    told = text_of(files.made(demo(), format), format)
    assert f"12 of 60 answers of cloud were {LATE}; their times may be too long." in told
    assert "measured while the computer was late" in told
    assert "measured while the computer was late" not in text_of(files.made(demo(0), format), format)


def ceiling(at: int, late: int, p95: float = 900) -> Result:
    """An option on a machine whose p95 latency rests on the load at four at once."""
    box = {"capex": 100, "price_per_kwh": 0.2, "idle_watts": 50, "active_watts": 200} | FREE
    own = {"kind": "self-hosted", "target": "x", "hardware": "box", "label": "Our box"}
    load = Load(4, 4.0, p95, 80, p95=known(p95), n_client_limited=late)
    measured: Measured = target("x", use("answer", "x", 200, 100), loads=(load,), p95_ms=known(p95))
    rules = {"p95_ms": at}
    one = cost_samples.scenario({"own": own}, hardware={"box": box}, constraints=rules)
    return evaluate(one, {"x": measured}, card({"model": "x", "input_per_mtok": 1, "output_per_mtok": 1}))


def test_a_ceiling_that_is_met_by_late_answers_says_so():
    assert ceiling(2000, 9).decision.caveats == (
        "The p95 latency of Our box (9 of 80 answers) was partly measured while the measuring computer was itself "
        "late, so that it may be too long; it keeps the ceiling all the same.",
    )
    assert ceiling(2000, 0).decision.caveats == ()


def test_a_ceiling_that_is_missed_by_late_answers_says_that_the_option_is_out_by_them():
    result = demo(12, constraints=scenario_file.demo().constraints.model_copy(update={"p95_ms": 1000}))
    assert any("p95 latency of 4,195 ms, scaled" in reason for reason in result.option("cloud").out)
    (said,) = (text for text in result.decision.caveats if "Cloud API" in text)
    assert said.startswith("The p95 latency of Cloud API (12 of 60 answers) was partly measured while")
    assert said.endswith("it is above the ceiling. Measure again while that computer does nothing else.")
    assert said in text_of(files.made(result, "md"), "md")


@pytest.fixture
def late_url(tmp_path: Path) -> tuple[str, str]:
    """The demo's targets, some answers of one measured late; the sentence that is to be said of them."""
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    n = make_late(url, "cloud", 3)
    return url, (
        "Measured while the measuring computer was itself late, so that times may be too long: "
        f"3 of {n} answers of cloud."
    )


def test_the_command_says_it_in_words_and_in_json(rightsize: Command, late_url: tuple[str, str]):
    url, sentence = late_url
    assert sentence in " ".join(rightsize("tco", "demo", "--db", url).err.split())
    found = json.loads(rightsize("tco", "demo", "--json", "--db", url).out)
    late = {e["target"]: e["client_limited"]["value"] for e in found["evidence"]}
    assert late == {"small-local": 0, "large-local": 0, "cloud": 3, "hybrid": 0}
    assert sentence in found["warnings"]


def test_a_comparison_says_of_both_sides_what_a_ceiling_rests_on(rightsize: Command, late_url: tuple[str, str]):
    said = " ".join(rightsize("tco", "demo", "--against", "demo", "--db", late_url[0]).err.split())
    assert len(re.findall(r"p95 latency of Cloud API \(3 of \d+ answers\) was partly measured while", said)) == 2


def test_the_page_says_it(late_url: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    url, sentence = late_url
    app = open_page(monkeypatch, url, "tco")
    assert any(plain(sentence) in str(element.value) for element in app.markdown)
