"""In Chromium: answers scored by keyboard alone, by two people at once, and hostile text that stays text."""

import re
from collections.abc import Iterator
from pathlib import Path

import peopled
import pytest
from answers_sample import HOSTILE, build
from browser import FLAGS, find_browser, serve, settled, visit
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from db import store
from db.models import Assessment, Comparison, Draw, Rater, Score

pytestmark = pytest.mark.xdist_group("browser")
N = 3 * 4


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A dashboard on three runs of five questions, the first of them failed: (address, database)."""
    url = f"sqlite:///{tmp_path_factory.mktemp('browser') / 'test.db'}"
    build(url)
    with serve(url) as address:
        yield address, url


def stored(url: str, name: str) -> list[tuple[str, int | None, bool, str | None, list[int | None]]]:
    """A person's verdicts: status, position, whether it counts, note, scores by criterion's name."""
    with store.reading(store.connect(url)) as session:
        query = select(Assessment).join(Rater).where(Rater.name == name).order_by(col(Assessment.id))
        return [
            (str(a.status), a.position, a.current, a.note, [
                score.value
                for score in session.exec(
                    select(Score).where(Score.assessment_id == a.id).order_by(col(Score.criterion).asc())
                )
            ])
            for a in session.exec(query)
        ]  # fmt: skip


def begin(page: Page, address: str, name: str) -> None:
    """Draw a queue of all answers under a name."""
    page.goto(f"{address}/score")
    page.get_by_role("textbox", name="Your name").fill(name)
    page.keyboard.press("Enter")
    settled(page)
    if page.get_by_text("New queue").count():
        page.get_by_text("New queue").click()
    start = page.get_by_role("button", name="Draw and start")
    expect(start).to_be_enabled()
    settled(page)
    start.press("Enter")  # the expander may still be unfolding: a click would miss what moves
    arrived(page, 1)


def arrived(page: Page, place: int) -> None:
    """Wait until an answer is drawn and its first criterion has the focus."""
    expect(page.get_by_text(re.compile(rf"^Your answer {place}(;|$)"))).to_be_visible()
    page.wait_for_function("document.activeElement?.getAttribute('role') === 'radiogroup'")
    settled(page)


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def test_three_answers_scored_by_keyboard_survive_a_reload_and_stand_on_the_overview(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, hosts):
        begin(page, address, "Anna")
        keys(page, "5", "4", "3", "Enter")
        arrived(page, 2)
        assert stored(url, "Anna") == [("ok", 1, True, None, [5, 3, 4])]
        keys(page, "2", "2", "0", "n")
        page.keyboard.type("s 5 b u ? f no key acts while one writes")
        keys(page, "Control+Enter")
        arrived(page, 3)
        assert "Anna" not in page.url
        page.reload()
        arrived(page, 3)
        expect(page.get_by_text(f"2 of {N} scored, 2 by you")).to_be_visible()
        keys(page, "1", "1", "1", "Enter", "Enter")
        arrived(page, 4)
        assert stored(url, "Anna") == [
            ("ok", 1, True, None, [5, 3, 4]),
            ("partial", 2, True, "s 5 b u ? f no key acts while one writes", [2, None, 2]),
            ("ok", 3, True, None, [1, 1, 1]),
        ]
        page.goto(f"{address}/overview?scored_by=people")
        source = page.get_by_test_id("stSelectbox").filter(has_text="Scored by").locator("input")
        expect(source).to_have_value("People")
        expect(page.get_by_text("Overall quality (1 to 5 points)", exact=True)).to_be_visible()
        expect(page.get_by_text("scored by people", exact=True)).to_be_visible()
        assert hosts <= {"127.0.0.1", ""}


def test_skip_back_undo_flag_and_changing_a_score_by_keyboard(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, _):
        begin(page, address, "Berta")
        keys(page, "s")
        arrived(page, 2)  # another answer, though perhaps to the same question
        keys(page, "ArrowDown", "4", "ArrowUp", "ArrowUp", "ArrowUp", "5", "ArrowDown", "ArrowDown", "3", "f", "Enter")
        arrived(page, 3)
        assert stored(url, "Berta") == [("ok", 2, True, None, [5, 3, 4])]
        keys(page, "b")
        arrived(page, 2)
        expect(page.locator("[role=radio][aria-checked=true]")).to_have_text(["5", "4", "3"])
        keys(page, "1", "Enter")
        arrived(page, 3)
        assert [row[-1] for row in stored(url, "Berta")] == [[5, 3, 4], [1, 3, 4]]
        keys(page, "u")
        arrived(page, 2)
        expect(page.locator("[role=radio][aria-checked=true]")).to_have_text(["5", "4", "3"])
        keys(page, "u")
        expect(page.locator("[role=radio][aria-checked=true]")).to_have_count(0)
        assert [(row[0], row[2]) for row in stored(url, "Berta")] == [
            ("ok", False), ("ok", False), ("ok", False), ("withdrawn", True),
        ]  # fmt: skip
    with store.reading(store.connect(url)) as session:
        flags = session.exec(select(Assessment.flags).join(Rater).where(Rater.name == "Berta")).all()
    assert flags == [["second_look"], ["second_look"], ["second_look"], []]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_the_focus_is_can_be_seen(chromium: Browser, site, scheme: str):
    address, _ = site
    bars = "boxes => boxes.map(box => getComputedStyle(box).borderLeftColor !== 'rgba(0, 0, 0, 0)')"
    ring = "element => { const s = getComputedStyle(element); return `${s.outlineStyle} ${s.boxShadow}` }"
    with visit(chromium, scheme=scheme) as (page, _):
        begin(page, address, f"Gerda {scheme}")
        criteria = page.locator("[class*=st-key-score-criterion-]")
        assert criteria.evaluate_all(bars) == [True, False, False]
        keys(page, "4")
        assert criteria.evaluate_all(bars) == [False, True, False]
        skip = page.get_by_role("button", name="Skip")
        resting = skip.evaluate(ring)
        for _ in range(40):
            keys(page, "Tab")
            if skip.evaluate("element => element === document.activeElement"):
                break
        assert skip.evaluate(ring) != resting


def test_a_link_opened_elsewhere_leads_to_the_same_queue_and_asks_who_comes(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, _):
        begin(page, address, "Greta")
        link = page.url
    with visit(chromium) as (page, _):
        page.goto(link)
        page.get_by_role("textbox", name="Your name").fill("Hanna")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Start", exact=True).click()
        arrived(page, 1)
        keys(page, "5", "4", "3", "Enter")
        arrived(page, 2)
        assert page.url == link
    with store.reading(store.connect(url)) as session:
        of_link = int(link.rpartition("=")[2])
        found = session.exec(select(Draw.sample_id).join(Assessment).join(Rater).where(Rater.name == "Hanna")).all()
    assert found == [of_link]


def test_enter_with_a_criterion_unset_stores_nothing_and_says_which(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, _):
        begin(page, address, "Clara")
        keys(page, "5", "Enter")
        expect(page.get_by_text("Factuality has no score yet.")).to_be_visible()
        keys(page, "?")
        expect(page.get_by_text("skip this answer for now")).to_be_visible()
        assert stored(url, "Clara") == []


def test_a_double_click_on_save_stores_once(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, _):
        begin(page, address, "Dora")
        keys(page, "5", "4", "3")
        page.get_by_role("button", name="Save", exact=True).dblclick()
        arrived(page, 2)
        page.wait_for_timeout(500)
        assert stored(url, "Dora") == [("ok", 1, True, None, [5, 3, 4])]
        expect(page.get_by_text(re.compile("^Your answer 2"))).to_be_visible()


def test_two_answers_side_by_side_are_compared_by_keyboard(chromium: Browser, site):
    address, url = site
    with visit(chromium) as (page, _):
        page.goto(f"{address}/score?runs=1,2&mode=Two+side+by+side")
        page.get_by_role("textbox", name="Your name").fill("Ida")
        page.keyboard.press("Enter")
        settled(page)
        page.get_by_role("button", name="Start comparing").click()
        for place, key in enumerate(("1", "5", "2"), 1):
            expect(page.get_by_text(f"Pair {place} of 4")).to_be_visible()
            page.wait_for_function("document.activeElement?.getAttribute('role') === 'radiogroup'")
            settled(page)
            keys(page, key, *(["3"] if key == "5" else []), "Enter")
        expect(page.get_by_text("Pair 4 of 4")).to_be_visible()
        settled(page)
    with store.reading(store.connect(url)) as session:
        query = select(Comparison.preference).join(Rater).where(Rater.name == "Ida").order_by(col(Comparison.id))
        assert session.exec(query).all() == ["left", "right", "same"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_text_stands_on_the_page_letter_by_letter_and_loads_nothing(chromium: Browser, site, scheme: str):
    address, _ = site
    with visit(chromium, scheme=scheme) as (page, hosts):
        page.goto(f"{address}/answers?question=q2")
        boxes = page.locator(".text")
        expect(boxes.filter(has_text="<script>")).not_to_have_count(0)
        settled(page)
        for summary in page.locator("summary").all():
            summary.click()
        shown = boxes.evaluate_all("boxes => boxes.map(box => box.textContent)")
        assert shown.count(HOSTILE) >= 3
        inside = boxes.evaluate_all("boxes => boxes.flatMap(box => [...box.querySelectorAll('*')].map(e => e.tagName))")
        assert set(inside) == {"MARK"}, "the only elements inside are marks around quotes"
        assert page.locator("img, iframe, script:not([src])[data-x], .katex, a[href*=attacker]").count() == 0
        page.wait_for_timeout(300)
        assert page.title() != "hit"
        assert hosts <= {"127.0.0.1", ""}


def test_the_score_page_shows_hostile_text_as_text_too(chromium: Browser, site):
    address, _ = site
    with visit(chromium) as (page, hosts):
        begin(page, address, "Eve")
        texts = page.locator(".text")
        for place in range(2, N + 2):
            if HOSTILE in texts.all_text_contents():
                break
            keys(page, "1", "1", "1", "Enter")
            arrived(page, place)
        assert texts.all_text_contents().count(HOSTILE) >= 3, "question, answer and reference"
        assert page.locator("img, .katex, a[href*=attacker]").count() == 0
        assert hosts <= {"127.0.0.1", ""}


def test_in_a_low_window_the_criterion_in_focus_and_then_the_next_answer_come_into_view(chromium: Browser, site):
    address, _ = site
    with visit(chromium, width=800, height=600) as (page, _):
        begin(page, address, "Fay")
        keys(page, "5", "4")
        third = page.get_by_role("radiogroup", name="Conciseness")
        expect(third).to_be_focused()
        expect(third).to_be_in_viewport(ratio=1)
        keys(page, "3", "Enter")
        arrived(page, 2)
        expect(page.get_by_text(f"1 of {N} scored, 1 by you")).to_be_in_viewport(ratio=1)


def test_the_key_for_a_note_brings_it_into_view_above_the_bar(chromium: Browser, site):
    address, _ = site
    with visit(chromium, width=1400, height=1000) as (page, _):
        begin(page, address, "Gus")
        keys(page, "n")
        note = page.get_by_role("textbox", name="Note (optional)")
        expect(note).to_be_focused()
        page.wait_for_timeout(300)  # it may be scrolling still
        box, bar = note.bounding_box(), page.get_by_test_id("stBottom").bounding_box()
        assert box is not None
        assert bar is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= bar["y"]


SAVES = 200
HERE = """place =>
    [...document.querySelectorAll("p")].some(p => p.textContent === `Your answer ${place}`)
    && document.activeElement?.getAttribute("role") === "radiogroup"
    && !document.querySelector("[role=radio][aria-checked=true]")
"""


def test_two_people_score_one_queue_in_two_browsers_at_once_and_no_save_is_lost_or_doubled(
    chromium: Browser, tmp_path: Path
):
    url = f"sqlite:///{(tmp_path / 'rush.db').as_posix()}"
    peopled.make(tmp_path / "rush.db", questions=1 + SAVES // 2, judged=False)
    engine = store.connect(url)
    sample_id = peopled.draw(engine, double_share=0)
    again = chromium.browser_type.launch(executable_path=str(find_browser()), args=FLAGS)
    with serve(url) as address, visit(chromium, 900, 700) as (anna, _), visit(again, 900, 700) as (berta, _):
        at = {"Anna": anna, "Berta": berta}
        for name, page in at.items():
            page.goto(f"{address}/score?sample={sample_id}")
            page.get_by_role("textbox", name="Your name").fill(name)
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Start", exact=True).click()
            arrived(page, 1)
        for place in range(1, SAVES // 2 + 1):
            for page in at.values():
                keys(page, "5", "4", "3", "Enter")
            for page in at.values():
                if place < SAVES // 2:
                    page.wait_for_function(HERE, arg=place + 1, polling=40)
        for page in at.values():
            expect(page.get_by_text("in other hands").or_(page.get_by_text(f"All {SAVES} answers"))).to_be_visible()
    again.close()
    found = {name: stored(url, name) for name in at}
    assert [len(rows) for rows in found.values()] == [SAVES // 2] * 2
    assert all(row[:3] == ("ok", place, True) for rows in found.values() for place, row in enumerate(rows, 1))
    assert all(row[-1] == [5, 3, 4] for rows in found.values() for row in rows)
    with store.reading(engine) as session:
        scored = session.exec(select(Assessment.answer_id)).all()
    assert sorted(scored) == sorted(one.answer_id for one in peopled.draws(engine, sample_id))
    engine.dispose()
