"""The commands of cost end in a table, in JSON, or in one sentence and exit code 1."""

import json
from pathlib import Path

import pytest
from command import Command
from costed import add_demo_targets, lopsided

from db import store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file

DATA = Path(__file__).parents[1] / "eval" / "data"


@pytest.fixture
def demo_url(tmp_path: Path) -> str:
    """Invented runs of targets that are called as in the demo scenario."""
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    return url


def test_the_demo_scenario_ends_in_a_table_and_a_decision(rightsize: Command, demo_url: str):
    said = rightsize("tco", "demo", "--db", demo_url)
    assert said.code == 0
    assert said.out == ""
    assert "Cloud API" in said.err
    assert "Small model on the laptops" in said.err
    assert "simulated models" in said.err
    words = said.err.split()
    assert {"acceptable", "judge's", "scores"} <= set(words)  # a heading of several lines


def test_command_and_report_say_which_of_two_answers_the_decision_follows(
    rightsize: Command, demo_url: str, tmp_path: Path
):
    file = tmp_path / "lopsided.toml"
    file.write_text(scenario_file.dump(lopsided()), encoding="utf-8")
    sentence = (
        "At the central values alone Offer is the cheapest; the decision follows the draws, because they count the "
        "whole range of every assumption."
    )
    said = " ".join(rightsize("tco", str(file), "--db", demo_url).err.split())
    assert sentence in said
    assert "It would change:" not in said
    assert "At the central values: Cloud API is the cheapest at the central values too where" in said
    place = tmp_path / "r.md"
    assert rightsize("report", str(file), "--format", "md", "--out", str(place), "--db", demo_url).code == 0
    text = place.read_text(encoding="utf-8").replace("\\", "")
    assert sentence in text
    assert "What would make another option than Offer the cheapest at the central values" in text


def test_a_target_without_runs_blocks_its_option_and_is_never_free(rightsize: Command, shared_url: str):
    said = rightsize("tco", "demo", "--db", shared_url)
    assert said.code == 1
    assert 'the target "cloud" has no run with an answer' in said.err
    assert "unknown" in said.err


def test_json_holds_every_figure_with_its_kind_and_origin(rightsize: Command, demo_url: str):
    said = rightsize("tco", "demo", "--json", "--db", demo_url)
    result = json.loads(said.out)
    npv = next(option for option in result["options"] if option["name"] == "cloud")["npv"]
    assert npv["kind"] == "derived"
    assert npv["origin"]
    assert npv["value"] is not None


def test_a_scenario_is_found_as_a_file_and_as_a_stored_one(rightsize: Command, demo_url: str, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(scenario_file.dump(scenario_file.demo()).replace("Internal assistant", "Mine"), encoding="utf-8")
    by_file = json.loads(rightsize("tco", str(file), "--json", "--db", demo_url).out)
    assert by_file["scenario"] == "Mine"
    stored_scenarios.save(scenario_file.load(file), price_card_file.built_in(), store.connect(demo_url))
    by_name = json.loads(rightsize("tco", "Mine", "--json", "--db", demo_url).out)
    assert by_name["card_is_pinned"]
    assert by_name["decision"] == by_file["decision"]


def test_a_price_card_of_a_file_is_used(rightsize: Command, demo_url: str, tmp_path: Path):
    file = tmp_path / "card.csv"
    dearer = price_card_file.dump_csv(price_card_file.built_in()).replace("sim-cloud,1.25", "sim-cloud,12.5")
    file.write_text(dearer, encoding="utf-8", newline="")
    before = json.loads(rightsize("tco", "demo", "--json", "--db", demo_url).out)
    after = json.loads(rightsize("tco", "demo", "--json", "--card", str(file), "--db", demo_url).out)
    assert float(after["options"][0]["npv"]["value"]) > float(before["options"][0]["npv"]["value"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tco", "nosuch"), 'There is no scenario "nosuch"'),
        (("tco", "nosuch.toml"), "there is no such file"),
        (("tco", "demo", "--run", "nosuch"), 'There is no run "nosuch"'),
        (("tco", "demo", "--card", "nosuch.csv"), "there is no such file"),
    ],
)
def test_what_does_not_exist_ends_in_one_sentence(
    arguments: tuple[str, ...], sentence: str, rightsize: Command, shared_url: str
):
    said = rightsize(*arguments, "--db", shared_url)
    assert said.code == 1
    assert sentence in said.err
    assert "Traceback" not in said.err


def test_sound_files_have_no_fault(rightsize: Command):
    assert "no fault" in rightsize("scenario", "check", str(DATA / "scenario_demo.toml")).out
    assert "32 prices, no fault" in rightsize("prices", "check", str(DATA / "price_card.json")).out


def test_every_fault_of_a_scenario_and_of_a_card_is_named(rightsize: Command, tmp_path: Path):
    scenario = tmp_path / "s.toml"
    scenario.write_text('name = "s"\nstarts_on = "2027-13-01"\nbaseline = "a"\n', encoding="utf-8")
    said = rightsize("scenario", "check", str(scenario))
    assert said.code == 1
    assert "starts_on" in said.err
    assert "options" in said.err
    card = tmp_path / "c.csv"
    card.write_text("provider,model\n", encoding="utf-8")
    said = rightsize("prices", "check", str(card))
    assert said.code == 1
    assert "kind: the column is missing" in said.err


def test_the_band_stands_with_the_median_of_the_draws_and_each_is_named(rightsize: Command, demo_url: str):
    result = json.loads(rightsize("tco", "demo", "--json", "--db", demo_url).out)
    cloud = next(option for option in result["options"] if option["name"] == "cloud")
    assert cloud["npv"]["low"] is None
    assert cloud["npv_p50"]["low"] < cloud["npv_p50"]["value"] < cloud["npv_p50"]["high"]
    (row,) = (line for line in rightsize("tco", "demo", "--db", demo_url).err.splitlines() if "Cloud API  " in line)
    _, _, npv, drawn, *_ = (cell.strip() for cell in row.strip("│").split("│"))
    assert npv == f"{float(cloud['npv']['value']):,.0f}"
    middle, low = (cloud["npv_p50"][name] for name in ("value", "low"))
    assert drawn.startswith(f"{middle:,.0f} ({low:,.0f}")
