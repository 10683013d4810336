"""Who grows gets further machines: how many of one person each, who pays for them, and whose hours are whose."""

from pathlib import Path
from typing import Any

import pytest
from command import Command
from cost_samples import FREE, card, demo_targets, scenario, target, use
from costed import add_demo_targets
from pages import open_page

from dashboard.format import plain
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.measured import Load
from eval.cost.register import label_of
from eval.cost.result import OptionResult
from eval.report import files

POWER = {"price_per_kwh": 0.25, "idle_watts": 10, "active_watts": 50}
SAID = "2,000 in the first month, 3,404 in the last; no purchase is counted for the further ones"


def option(growth: float = 0.2, months: int = 36, **profile: Any) -> OptionResult:
    """A hundred users, each with a laptop of their own."""
    laptops = {"label": "Our laptops", "one_per_user": True, "spares": 0} | POWER | FREE | profile
    work = {"requests_per_month": None, "users": 100, "questions_per_user_day": 2, "growth_per_year": growth}
    one = scenario(
        {"own": {"kind": "self-hosted", "target": "x", "hardware": "laptops"}},
        hardware={"laptops": laptops},
        workload=work | {"horizon_months": months},
    )
    x = target("x", use("answer", "x", 200, 100), loads=(Load(1, 1.0, 900, 60),))
    return evaluate(one, {"x": x}, card({"model": "x", "input_per_mtok": 1, "output_per_mtok": 1})).option("own")


@pytest.mark.parametrize(
    ("profile", "paid"),
    [
        ({}, "no purchase is counted for the further ones, as if they were there already: state capex to count it."),
        ({"capex": 900}, "all of them are bought."),
        ({"capex": 900, "owned": 110}, "those beyond 110 are bought."),
        ({"rent_per_hour": 0.1}, "they are rented."),
    ],
)
def test_growth_says_how_many_further_laptops_it_takes_and_who_pays_for_them(profile: dict[str, Any], paid: str):
    made = option(**profile)
    (said,) = made.grown
    last = float(made.capacity[0].machines_last.value or 0)
    assert last > 150
    assert said == (
        'Growth takes further machines of "Our laptops", because users are taken to grow as requests do and each has '
        f"one: 100 in the first month, {last:,.0f} in the last; {paid}"
    )


def test_what_is_bought_is_what_the_sentence_says():
    assert option().upfront.value == 0
    assert float(option(capex=900).billed_cost.value or 0) > float(option(capex=900, owned=110).billed_cost.value or 0)
    assert float(option(capex=900, owned=110).upfront.value or 0) == 0


def test_without_growth_there_is_nothing_to_say():
    assert option(growth=0).grown == ()


def test_hours_and_growth_say_in_the_register_whose_they_are():
    demo = scenario_file.demo()
    laptops = "The laptops we already have"
    assert label_of("hardware.laptops.labour_hours_per_month", demo) == (
        f"Hours of upkeep, all machines together: {laptops}"
    )
    assert label_of("hardware.laptops.setup_hours", demo) == f"Hours to set up, all machines together: {laptops}"
    assert label_of("workload.growth_per_year", demo) == "Growth of requests, and of users with a machine each"
    shared = demo.model_copy(update={"hardware": {"workstation": demo.hardware["workstation"]}})
    assert label_of("workload.growth_per_year", shared) == "Growth of requests"


@pytest.mark.parametrize("format", ["md", "html"])
def test_the_report_says_it_once_beside_the_options(format: files.Format):
    one = scenario_file.demo().model_copy(update={"draws": 300})
    told = files.made(evaluate(one, demo_targets(), price_card_file.built_in()), format).decode().replace("\\", "")
    assert told.count(SAID) == 1
    assert "Small model on the laptops, Laptop drafts, workstation refines, Laptop first, cloud where" in told


def test_the_command_and_the_page_say_it(rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    assert SAID in " ".join(rightsize("tco", "demo", "--db", url).err.split())
    app = open_page(monkeypatch, url, "tco")
    assert any(plain(SAID) in str(element.value) for element in app.markdown)
