"""The TCO page in Chromium: the menu of a scenario is gone once what was asked for in it is done."""

import pytest
from browser import serve, settled, visit
from costed import add_demo_targets
from playwright.sync_api import Browser, expect

from db import store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file

pytestmark = pytest.mark.xdist_group("browser")


def test_the_menu_closes_when_a_scenario_was_renamed(chromium: Browser, tmp_path_factory: pytest.TempPathFactory):
    url = f"sqlite:///{(tmp_path_factory.mktemp('tco') / 'tco.db').as_posix()}"
    add_demo_targets(url)
    one = scenario_file.demo().model_copy(update={"name": "One"})
    stored_scenarios.save(one, price_card_file.built_in(), store.connect(url))
    with serve(url) as address, visit(chromium) as (page, _):
        page.goto(f"{address}/tco?scenario=One")
        settled(page)
        page.get_by_role("button", name="Copy, rename, delete").click()
        name = page.get_by_label("New name")
        name.fill("Another")
        name.press("Enter")
        settled(page)
        page.get_by_role("button", name="Rename", exact=True).click()
        expect(page.get_by_text("Renamed: Another")).to_be_visible()
        expect(name).not_to_be_visible()
        assert stored_scenarios.names(store.connect(url)) == ["Another"]
        page.get_by_role("button", name="Copy, rename, delete").click()  # it opens again, and empty
        expect(name).to_have_value("")
