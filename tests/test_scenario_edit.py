"""Options come and go in a scenario, checked like one that was read."""

import pytest

from eval.cost import scenario_file
from eval.cost.scenario_edit import with_baseline, with_option, without_option
from eval.cost.scenario_file import ScenarioError

DEMO = scenario_file.demo()


def test_an_option_is_added_at_the_end_and_the_scenario_it_came_from_stays():
    made = with_option(DEMO, "second", {"kind": "api", "target": "cloud"})
    assert list(made.options) == [*DEMO.options, "second"]
    assert "second" not in DEMO.options
    assert without_option(made, "second") == DEMO


def test_an_option_of_the_same_name_is_replaced_in_its_place():
    made = with_option(DEMO, "hybrid", {"kind": "do-nothing", "cost_per_month": 5})
    assert list(made.options) == list(DEMO.options)
    assert made.options["hybrid"].kind == "do-nothing"


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"kind": "api"}, "options.x.target: it is missing; write it"),
        ({"kind": "self-hosted", "target": "a", "hardware": "laptop"}, 'options.x.hardware: "laptop" is not described'),
        ({"kind": "api", "target": "a", "discount": 2}, "options.x.discount: 2 is out of range; allowed is 0 to 1"),
        ({"kind": "free"}, 'options.x: "free" is not a kind'),
    ],
)
def test_a_faulty_option_names_its_field(option: dict[str, object], fault: str):
    with pytest.raises(ScenarioError) as raised:
        with_option(DEMO, "x", option)
    assert fault in str(raised.value)


def test_the_baseline_stays_until_another_one_is_chosen():
    with pytest.raises(ScenarioError, match="baseline"):
        without_option(DEMO, "cloud")
    moved = without_option(with_baseline(DEMO, "large-local"), "cloud")
    assert "cloud" not in moved.options
    assert moved.baseline == "large-local"
    with pytest.raises(ScenarioError, match="is no option"):
        with_baseline(DEMO, "nosuch")
