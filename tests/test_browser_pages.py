"""In Chromium: every page has an address that can be typed and copied, whatever is stored."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import serve, settled, visit
from playwright.sync_api import Browser, Page, expect
from samples import add_group

pytestmark = pytest.mark.xdist_group("browser")
TITLES = {
    "overview": "Overview",
    "answers": "Answers",
    "score": "Score",
    "cost": "Cost",
    "runs": "Runs",
    "start": "Which model is good enough, fast enough, cheap enough?",
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard with one group of runs."""
    url = f"sqlite:///{(tmp_path_factory.mktemp('pages') / 'full.db').as_posix()}"
    add_group(url, people=True)
    with serve(url) as address:
        yield address


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard on a database without runs."""
    with serve(f"sqlite:///{(tmp_path_factory.mktemp('pages') / 'empty.db').as_posix()}") as address:
        yield address


def at(page: Page) -> tuple[str, dict[str, list[str]]]:
    """Path and query of the address a window stands at."""
    parts = urlsplit(page.url)
    return parts.path, parse_qs(parts.query)


@pytest.mark.parametrize("state", ["full", "empty"])
def test_every_page_can_be_typed_by_its_own_address(chromium: Browser, state: str, request: pytest.FixtureRequest):
    address = request.getfixturevalue(state)
    with visit(chromium) as (page, _):
        for path, title in TITLES.items():
            page.goto(f"{address}/{path}?latency=Total+time&mine=1")
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
            settled(page)
            assert page.get_by_text("Page not found").count() == 0, path
            stands_at, query = at(page)
            assert stands_at == f"/{path}"
            assert query["mine"] == ["1"]


@pytest.mark.parametrize(("state", "path"), [("full", "overview"), ("empty", "start")])
def test_the_bare_address_leads_to_a_page_with_an_address_and_keeps_the_query(
    chromium: Browser, state: str, path: str, request: pytest.FixtureRequest
):
    with visit(chromium) as (page, _):
        page.goto(f"{request.getfixturevalue(state)}/?latency=Total+time&mine=1")
        expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[path])
        settled(page)
        stands_at, query = at(page)
        assert stands_at == f"/{path}"
        assert query["mine"] == ["1"]
        assert page.get_by_text("Total time").count() or state == "empty"


@pytest.mark.parametrize(("state", "path"), [("full", "overview"), ("empty", "start")])
def test_the_server_itself_leads_on_so_that_nothing_is_drawn_twice(
    chromium: Browser, state: str, path: str, request: pytest.FixtureRequest
):
    address = request.getfixturevalue(state)
    with visit(chromium) as (page, _):
        reply = page.request.get(f"{address}/?runs=1%2C2", max_redirects=0)
        assert (reply.status, reply.headers["location"]) == (307, f"{path}?runs=1%2C2")


def colours(page: Page, selector: str) -> list[str]:
    """The fills of what a selector finds, as the browser paints them."""
    return page.locator(selector).evaluate_all("found => found.map((each) => getComputedStyle(each).fill)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_target_has_one_colour_on_every_page(chromium: Browser, full: str, scheme: str):
    """In the order of the runs; those in view are not the first ones stored."""
    points = ".mark-symbol.role-mark path"
    with visit(chromium, scheme=scheme) as (page, _):
        page.goto(f"{full}/overview?runs=2,3,4")
        expect(page.locator(points)).to_have_count(3)
        seen = colours(page, points)
        page.goto(f"{full}/answers?runs=2,3,4&question=q3")
        marks = page.locator("[class*=st-key-mark-] svg path[fill]")
        expect(marks).to_have_count(3)
        expect(marks.last).to_have_attribute("d", re.compile("M"))
        assert colours(page, "[class*=st-key-mark-] svg path") == seen
        page.goto(f"{full}/cost?runs=2,3,4")
        bars = ".mark-rect.role-mark path"
        expect(page.locator(bars)).to_have_count(3)
        assert set(colours(page, bars)) == set(seen)
        assert len(set(seen)) == 3


def test_an_address_that_is_no_page_says_so(chromium: Browser, full: str):
    with visit(chromium) as (page, _):
        page.goto(f"{full}/nowhere")
        expect(page.get_by_text("Page not found")).to_be_visible()
