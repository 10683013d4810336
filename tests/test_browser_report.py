"""The report in Chromium: printed it is short to read, and on a telephone nothing hangs over the edge."""

import re

import cost_samples
import pytest
from playwright.sync_api import Browser

from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.report import files
from eval.report.charts import CHARTS

READ = "Cost by head and present value"  # the last section that everybody reads


@pytest.fixture(scope="module")
def report() -> str:
    result = evaluate(scenario_file.demo(), cost_samples.demo_targets(), price_card_file.built_in())
    return files.made(result, "html").decode()


def pages(chromium: Browser, html: str) -> int:
    """How many pages A4 it takes when it is printed."""
    page = chromium.new_page()
    page.set_content(html)
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    return len(re.findall(rb"/Type\s*/Page[^s]", printed))


def until(html: str, marker: str) -> str:
    """The report without what comes after the section that holds the marker."""
    end = html.index("</section>", html.index(marker))
    return html[:end] + "</section></body></html>"


def test_decision_options_evidence_and_costs_are_read_on_four_pages(chromium: Browser, report: str) -> None:
    assert pages(chromium, until(report, f"<h2>{READ}")) <= 4


def test_everything_but_the_appendices_is_read_on_seven_pages(chromium: Browser, report: str) -> None:
    front = report[: report.index('<section class="appendix">')] + "</body></html>"
    assert pages(chromium, front) <= 7
    assert pages(chromium, report) > pages(chromium, front)


@pytest.mark.parametrize("width", [420, 1400])
def test_nothing_hangs_over_the_edge(width: int, chromium: Browser, report: str) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_content(report)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


@pytest.mark.parametrize("width", [420, 1400])
def test_every_chart_is_seen_whole_and_once(width: int, chromium: Browser, report: str) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_content(report)
    seen = [box for svg in page.locator("figure svg").all() if (box := svg.bounding_box()) is not None]
    assert len(seen) == len(CHARTS)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in seen)
    assert page.evaluate("[...document.querySelectorAll('figure')].every(f => f.scrollWidth <= f.clientWidth)")
    page.close()
