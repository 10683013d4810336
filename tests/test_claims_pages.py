"""Claims of the pages that other tests leave open: CSV beside tables, cautions, the waterfall, labels."""

from csv import DictReader
from io import StringIO
from types import SimpleNamespace

import pandas as pd
import pytest
from pages import open_page
from samples import add_group

from dashboard import findings, widgets


@pytest.mark.parametrize(("page", "csvs"), [("overview", 1), ("runs", 1), ("cost", 2), ("answers", 1)])
def test_a_csv_stands_beside_every_table(page: str, csvs: int, shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, page)
    assert [b.proto.label for b in app.get("download_button")].count("CSV") == csvs


def test_cautions_name_a_busy_computer_and_failed_judgements():
    run = SimpleNamespace(concurrency=1, n_questions=3, finished=True, target="a", status="finished")
    frame = pd.DataFrame(
        [
            {
                "label": "a",
                "same_family": True,
                "n_client_limited": 3,
                "n_failed_verdicts": 2,
                "n_cached": 1,
                "n_without_ttft": 0,
                "queues": "",
                "n_left_out": 0,
            }
        ]
    )
    told = " ".join(findings.cautions([run], frame))
    assert "this computer was busy, so perhaps too slow: a (3)" in told
    assert "could not be used: a (2)" in told
    assert "one model family for a" in told


def test_answers_page_shows_the_waterfall(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "answers", question="q3")
    assert app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")


def test_the_csv_of_the_overview_says_which_rows_are_simulated(shared_url: str, monkeypatch: pytest.MonkeyPatch):
    app = open_page(monkeypatch, shared_url, "overview")
    shown = app.dataframe[0].value
    assert {"simulated", "tokens_per_s", "cost_1000", "n_errors"} <= set(shown.columns)
    assert "tokens_per_s" in app.dataframe[0].proto.columns


@pytest.mark.parametrize("page", ["overview", "answers", "quality", "agreement", "cost", "tco", "runs"])
def test_every_csv_says_which_rows_are_simulated(page: str, shared_url: str, monkeypatch: pytest.MonkeyPatch):
    made: dict[str, bytes] = {}
    monkeypatch.setattr(widgets, "csv_button", lambda make, name, **_: made.update({name: make()}))
    open_page(monkeypatch, shared_url, page, question="q3")
    of_data = {name: csv for name, csv in made.items() if name not in ("prices", "assumptions")}  # no data of runs
    assert of_data
    for name, csv in of_data.items():
        rows = list(DictReader(StringIO(csv.decode("utf-8-sig"))))
        said = {row["simulated"] for row in rows}
        assert said == {"True" if name != "tco" else "False"}, name  # the TCO's options were not measured here


def test_the_csv_of_measured_answers_says_that_they_are_none(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, simulated=False)
    made: dict[str, bytes] = {}
    monkeypatch.setattr(widgets, "csv_button", lambda make, name, **_: made.update({name: make()}))
    open_page(monkeypatch, empty_url, "answers", question="q3")
    rows = list(DictReader(StringIO(made["answers"].decode("utf-8-sig"))))
    assert {row["simulated"] for row in rows} == {"False"}


def test_a_simulated_judge_of_measured_answers_is_named_as_one(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    add_group(empty_url, simulated=False)  # its judge is simulated
    app = open_page(monkeypatch, empty_url, "overview")
    (source,) = [box for box in app.selectbox if box.label == "Scored by"]
    assert any("simulated" in option for option in source.options)
