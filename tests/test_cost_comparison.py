"""Two scenarios beside each other: every option on both sides, and exactly what they state otherwise."""

import json
from dataclasses import replace
from pathlib import Path

import cost_samples
import pytest
from command import Command
from costed import add_demo_targets

from eval.cost import price_card_file, scenario_file
from eval.cost.comparison import Comparison, compared, difference
from eval.cost.evaluate import evaluate
from eval.cost.scenario import Scenario
from eval.cost.scenario_edit import edited, without_option

BASE = scenario_file.demo().model_copy(update={"draws": 200})


def beside(one: Scenario, other: Scenario) -> Comparison:
    made = [evaluate(side, cost_samples.demo_targets(), price_card_file.built_in()) for side in (one, other)]
    return compared(one, made[0], other, made[1])


def test_a_scenario_beside_itself_differs_in_nothing():
    assert beside(BASE, BASE).differences == ()


def test_a_copy_of_another_name_states_the_same():
    assert beside(BASE, BASE.model_copy(update={"name": "copy"})).differences == ()


def test_an_edited_assumption_is_the_one_difference_with_both_ranges():
    other = edited(BASE, {"workload.users": {"value": 2500, "low": 2000}})
    (found,) = beside(BASE, other).differences
    assert found.path == "workload.users"
    assert found.here == "2,000 (1,200 to 3,000, triangular)"
    assert found.there == "2,500 (2,000 to 3,000, triangular)"


def test_where_only_the_source_differs_the_sources_are_told():
    (found,) = beside(BASE, edited(BASE, {"workload.burst": {"source": "the log of May"}})).differences
    assert found.there == "1.5, assumed: the log of May"
    assert found.here is not None
    assert "default of Rightsize" in found.here


def test_what_is_no_assumption_differs_too():
    other = BASE.model_copy(update={"constraints": BASE.constraints.model_copy(update={"p95_ms": None})})
    (found,) = beside(BASE, other).differences
    assert (found.path, found.here, found.there) == ("constraints.p95_ms", "15000.0", None)


def test_an_option_of_one_side_is_one_difference_and_a_row_without_figures():
    both = beside(BASE, without_option(BASE, "hybrid"))
    (found,) = both.differences
    assert (found.path, found.here, found.there) == ("options.hybrid", "Laptop drafts, workstation refines", None)
    sides = {name: (here, there) for name, here, there in both.options}
    assert list(sides) == list(BASE.options)
    assert sides["hybrid"][1] is None
    assert sides["cloud"][0] is both.here.option("cloud")
    assert sides["cloud"][1] is both.there.option("cloud")


def test_another_price_card_is_a_difference():
    dear = price_card_file.dump_csv(price_card_file.built_in()).replace("sim-cloud,1.25", "sim-cloud,12.5")
    cards = (price_card_file.built_in(), price_card_file.parse_csv(dear))
    made = [evaluate(BASE, cost_samples.demo_targets(), card) for card in cards]
    (found,) = compared(BASE, made[0], BASE, made[1]).differences
    assert found.path == "price card"
    assert found.here != found.there


@pytest.fixture
def other_file(tmp_path: Path) -> str:
    file = tmp_path / "more.toml"
    more = edited(BASE, {"workload.users": {"value": 2900}}).model_copy(update={"name": "More users"})
    file.write_text(scenario_file.dump(more), encoding="utf-8")
    return str(file)


@pytest.fixture
def demo_url(tmp_path: Path) -> str:
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    return url


def test_the_command_shows_both_decisions_and_what_differs(rightsize: Command, demo_url: str, other_file: str):
    said = rightsize("tco", "demo", "--against", other_file, "--db", demo_url)
    assert said.code == 0
    assert "More users: " in said.err
    assert "Internal assistant: " in said.err
    assert "workload.users" in said.err


def test_the_command_prints_both_sides_as_json(rightsize: Command, demo_url: str, other_file: str):
    found = json.loads(rightsize("tco", "demo", "--against", other_file, "--json", "--db", demo_url).out)
    assert found["there"]["scenario"] == "More users"
    cloud = next(option for option in found["options"] if option["option"] == "cloud")
    assert float(cloud["there"]["npv"]["value"]) > float(cloud["here"]["npv"]["value"])
    assert "workload.users" in [difference["path"] for difference in found["differences"]]


def test_the_command_shows_what_each_figure_is_more_on_the_other_side(
    rightsize: Command, demo_url: str, other_file: str
):
    found = json.loads(rightsize("tco", "demo", "--against", other_file, "--json", "--db", demo_url).out)
    cloud = next(option for option in found["options"] if option["option"] == "cloud")
    for name in ("npv", "billed_cost", "per_1000"):
        more = float(cloud["there"][name]["value"]) - float(cloud["here"][name]["value"])
        assert cloud["difference"][name]["value"] == pytest.approx(more)
    said = rightsize("tco", "demo", "--against", other_file, "--db", demo_url).err
    assert "difference" in said
    assert f"{float(cloud['difference']['npv']['value']):+,.0f}" in said.replace("\n", "")


def test_amounts_in_other_currencies_and_options_of_one_side_have_no_difference():
    both = beside(BASE, without_option(BASE, "hybrid"))
    sides = {name: (here, there) for name, here, there in both.options}
    assert difference("npv", *sides["hybrid"]) is None
    same = difference("npv", *sides["cloud"])
    assert same is not None
    assert same.value == 0
    here = both.here.option("cloud")
    euros = replace(here, npv=replace(here.npv, unit="EUR"))
    assert difference("npv", here, euros) is None


def test_an_unknown_second_scenario_ends_in_one_sentence(rightsize: Command, demo_url: str):
    said = rightsize("tco", "demo", "--against", "nosuch", "--db", demo_url)
    assert said.code == 1
    assert 'There is no scenario "nosuch"' in said.err
