"""The report is the same in HTML, Markdown and DOCX: whole, self-contained, and with hostile text shown as text."""

import io
import json
import re
import tomllib
from pathlib import Path

import cost_samples
import docx
import pytest
from command import Command
from costed import add_demo_targets
from docx.oxml.ns import qn
from docx.shared import Pt

from db import frames, store
from eval.commands import costing
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.narrative import narrate
from eval.cost.result import Result
from eval.report import charts, drawing, files
from eval.report.charts import CHARTS
from eval.report.drawing import ReportError

HOSTILE = '<script>alert(1)</script> ![x](http://evil.example/x.png) | `a` "q"'


@pytest.fixture(scope="module")
def result() -> Result:
    demo = scenario_file.demo()
    option = demo.options["cloud"].model_copy(update={"label": HOSTILE[:110], "remarks": (HOSTILE,)})
    changed = {"draws": 500, "question": HOSTILE, "options": {**demo.options, "cloud": option}}
    return evaluate(demo.model_copy(update=changed), cost_samples.demo_targets(), price_card_file.built_in())


def test_every_chart_of_the_demo_has_something_to_show(result: Result):
    assert [key for key, draw in CHARTS.items() if draw(result) is None] == []


def test_every_picture_keeps_the_mark_of_simulated_data(result: Result):
    assert [key for key, svg in drawing.svgs(result).items() if "Simulated data" not in svg] == []


def test_a_report_has_the_colours_of_the_pages():
    root = Path(__file__).parents[1]
    theme = tomllib.loads((root / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
    assert list(drawing.COLORS) == theme["light"]["chartCategoricalColors"]


@pytest.mark.parametrize("order", [["cloud", "small-local"], ["small-local", "other", "cloud"]])
def test_an_option_has_the_colour_of_its_target_s_place_in_every_picture(order: list[str]):
    made = evaluate(
        scenario_file.demo().model_copy(update={"draws": 500}), cost_samples.demo_targets(), price_card_file.built_in()
    )
    for key in ("cumulative", "volume"):
        chart = charts.marked(key, made, order)
        assert chart is not None
        domains = re.findall(r'"domain": (\[[^]]*Cloud API[^]]*\])', json.dumps(chart.to_dict()))
        assert domains
        for domain in map(json.loads, domains):
            assert domain.index("Cloud API") == order.index("cloud")
            assert domain.index("Small model on the laptops") == order.index("small-local")
    svg = drawing.svgs(made, order)["cumulative"]
    assert drawing.COLORS[order.index("cloud")] in svg
    assert files.made(made, "html", order) != files.made(made, "html", order[::-1])


def test_no_chart_is_drawn_of_nothing():
    demo = scenario_file.demo().model_copy(update={"draws": 500})
    nothing = evaluate(demo, {}, price_card_file.built_in())
    assert CHARTS["quality"](nothing) is None
    assert CHARTS["break_even"](nothing) is None


def test_html_needs_no_network_and_runs_no_script(result: Result):
    page = files.made(result, "html").decode()
    assert page.count("<svg") == 2 * len(CHARTS)  # each for a wide and for a narrow window
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=[\"']?https?:", page)
    assert "&lt;script&gt;alert(1)" in page
    assert page.index('class="banner"') < page.index("<h2>")


def test_markdown_shows_hostile_text_as_text(result: Result):
    page = files.made(result, "md").decode()
    assert "<script" not in page.replace("\\<script", "")
    assert "![x]" not in page.replace("\\!\\[x", "")
    tables = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(tables) > 40
    assert page.index("Simulated data") < page.index("## ")


def test_docx_opens_with_the_same_sections_and_charts(result: Result):
    document = docx.Document(io.BytesIO(files.made(result, "docx")))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "Simulated data" in text
    assert HOSTILE in text
    titles = [p.text for p in document.paragraphs if p.style is not None and p.style.name == "Heading 1"]
    page = files.made(result, "md").decode()
    assert titles == re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert len(document.inline_shapes) == len(CHARTS)


def test_docx_repeats_its_headings_names_its_pictures_and_fits_the_page(result: Result):
    document = docx.Document(io.BytesIO(files.made(result, "docx")))
    headings = [table.rows[0]._tr.get_or_add_trPr() for table in document.tables]
    assert all(row.find(qn("w:tblHeader")) is not None for row in headings)
    page = document.sections[0]
    assert page.page_width is not None
    room = page.page_width - (page.left_margin or 0) - (page.right_margin or 0)
    for shape in document.inline_shapes:
        assert shape._inline.docPr.get("descr")
        assert shape.width <= room


def test_a_long_word_may_break_and_is_still_the_same_text(result: Result):
    page = files.made(result, "html").decode()
    assert "hardware.<wbr>workstation.<wbr>labour_<wbr>hours_<wbr>per_<wbr>month" in page
    assert result.scenario_sha256 in page.replace("<wbr>", "")


def test_the_machines_of_a_simulated_run_are_no_evidence_and_power_says_what_it_is(result: Result):
    page = files.made(result, "md").decode()
    assert "simulated: it does not bend under load, and is no evidence" in page
    assert "laptops, active: assumed \\(a business laptop under load\\)" in page


def test_a_report_that_cannot_be_written_leaves_nothing_behind(result: Result, tmp_path: Path):
    with pytest.raises(ReportError, match="cannot be written"):
        files.write(result, "md", tmp_path / "no" / "report.md")
    (tmp_path / "report.md").mkdir()
    with pytest.raises(ReportError, match="is a folder"):
        files.write(result, "md", tmp_path / "report.md")
    assert [file.name for file in tmp_path.iterdir()] == ["report.md"]


def test_a_missing_package_is_told_in_a_sentence():
    with pytest.raises(ReportError, match=r'pip install -e "\.\[report\]"'):
        drawing.extra("no_such_package_of_rightsize")


def test_the_origins_are_one_short_line_each_in_small_print(result: Result):
    narrative = narrate(result)
    page = files.made(result, "md").decode()
    lines = re.findall(r"^- [mqad]\d+ .+$", page, re.MULTILINE)
    assert len(lines) == len(narrative.sources) > 100
    html = files.made(result, "html").decode()
    assert html.count("<li><b>") == len(lines)
    assert re.search(r"@media print.*ul\.origins \{ font-size: 5\.8pt", html, re.DOTALL)
    document = docx.Document(io.BytesIO(files.made(result, "docx")))
    (origins,) = (p for p in document.paragraphs if len(p.runs) == len(lines))
    assert {run.font.size for run in origins.runs} == {Pt(6)}


def test_the_exported_report_of_the_readme_has_the_sections_and_tables_of_todays():
    root = Path(__file__).parents[1]
    demo = evaluate(scenario_file.demo(), cost_samples.demo_targets(), price_card_file.built_in())
    today, kept = (
        re.findall(r"^(?:## .*|\*\*.*\*\*)$", text, re.MULTILINE)
        for text in (files.made(demo, "md").decode(), (root / "docs/report-demo.md").read_text(encoding="utf-8"))
    )
    assert kept == today
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "(docs/report-demo.md)" in readme
    assert "](docs/report-demo.png)" in readme
    assert (root / "docs/report-demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("format", files.FORMATS)
def test_the_command_writes_a_file(format: str, rightsize: Command, tmp_path: Path):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    said = rightsize("report", "demo", "--format", format, "--out", str(tmp_path / f"r.{format}"), "--db", url)
    assert said.code == 0, said.err
    assert (tmp_path / f"r.{format}").stat().st_size > 10_000


def test_the_command_colours_options_as_the_pages_do(
    rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    given: list[list[str]] = []
    monkeypatch.setattr(costing, "write", lambda _result, _format, _place, order: given.append(order))
    rightsize("report", "demo", "--out", str(tmp_path / "r.html"), "--db", url)
    with store.reading(store.connect(url)) as session:
        assert given == [frames.targets_frame(session=session)["target"].to_list()]
    assert "cloud" in given[0]


def test_an_unknown_format_is_refused(rightsize: Command, shared_url: str):
    assert rightsize("report", "demo", "--format", "pdf", "--db", shared_url).code != 0


def test_a_report_with_a_blocked_option_is_written_and_ends_as_incomplete(
    rightsize: Command, shared_url: str, tmp_path: Path
):
    said = rightsize("report", "demo", "--format", "md", "--out", str(tmp_path / "r.md"), "--db", shared_url)
    assert said.code == 1
    assert "has no run with an answer" in (tmp_path / "r.md").read_text(encoding="utf-8").replace("\\", "")
