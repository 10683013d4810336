"""A latency that was scaled to the workload's lengths is called so wherever it is shown, and no other one is."""

import html
import json
import re
from pathlib import Path

import pytest
from command import Command
from cost_samples import FREE, card, demo_targets, known, scenario, target, use
from costed import add_demo_targets
from pages import open_page

from dashboard.format import plain
from db import store
from eval import stored_scenarios
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.measured import Load
from eval.cost.result import SCALED, Result
from eval.cost.scenario import Constraints
from eval.report import files

LONGER = {"prompt_scale": 4, "completion_scale": 2}
ASKED = "Its p95 latency of 4,000 ms, scaled to the workload's lengths, is above the 3,000 ms allowed."


def made(**workload: float) -> Result:
    """An API whose answers took 2 s at p95, with 3 s allowed."""
    x = target("x", use("answer", "x", 200, 100), p50_ms=known(1000), p95_ms=known(2000))
    rules = {"p95_ms": 3000}
    one = scenario({"api": {"kind": "api", "target": "x"}}, workload=workload, constraints=rules)
    return evaluate(one, {"x": x}, card({"model": "x", "input_per_mtok": 1, "output_per_mtok": 1}))


def demo(*, plainly: bool = False) -> Result:
    one = scenario_file.demo().model_copy(update={"draws": 300})
    if plainly:
        scales = {"prompt_scale": {"value": 1}, "completion_scale": {"value": 1}}
        one = type(one).model_validate(one.model_dump() | {"workload": one.workload.model_dump() | scales})
    return evaluate(one, demo_targets(), price_card_file.built_in())


def test_an_option_that_is_out_by_a_scaled_latency_says_that_it_is_scaled():
    assert made(**LONGER).option("api").out == (ASKED,)
    assert made(completion_scale=2).option("api").latency_scale.value == 2
    told = files.made(made(**LONGER), "md").decode().replace("\\", "")
    assert re.search(r"Its p95 latency of 4,000 ms, n = 60 \[d\d+\], scaled to the workload's lengths, is above", told)


def test_a_measured_latency_is_not_called_scaled():
    option = made().option("api")
    assert (option.p95.value, option.p95.kind, option.scaled, option.latency_scale.value) == (
        2000,
        "measured",
        False,
        1,
    )
    assert SCALED not in files.made(demo(plainly=True), "md").decode().replace("\\", "")


def test_machines_that_miss_the_ceiling_say_it_too():
    box = {"capex": 100, "price_per_kwh": 0.2, "idle_watts": 50, "active_watts": 200} | FREE
    own = {"kind": "self-hosted", "target": "x", "hardware": "box"}
    x = target("x", use("answer", "x", 200, 100), loads=(Load(1, 1.0, 900, 60),), p95_ms=known(900))

    def out(scale: float) -> str:
        rules = {"p95_ms": 500}
        one = scenario({"own": own}, hardware={"box": box}, constraints=rules, workload={"completion_scale": scale})
        return (
            evaluate(one, {"x": x}, card({"model": "x", "input_per_mtok": 1, "output_per_mtok": 1})).options[0].out[0]
        )

    assert out(2).endswith(
        "its p95 latency is 1,800 ms, and 500 ms are allowed (latency scaled to the workload's lengths)."
    )
    assert SCALED not in out(1)


@pytest.mark.parametrize("format", ["md", "html"])
def test_the_headings_of_the_evidence_say_it_and_by_how_much(format: files.Format):
    told = html.unescape(files.made(demo(), format).decode()).replace("\\", "").replace("<wbr>", "")
    assert f"median latency, {SCALED}" in told
    assert f"p95 latency, {SCALED}" in told
    assert "Real prompts are taken to be 8 times (4 to 12)" in told


def test_the_command_and_the_page_say_it(rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    strict = scenario_file.demo()
    strict = strict.model_copy(update={"name": "Strict", "constraints": Constraints(p95_ms=1000)})
    stored_scenarios.save(strict, price_card_file.built_in(), store.connect(url))
    found = json.loads(rightsize("tco", "Strict", "--json", "--db", url).out)
    late = [reason for option in found["options"] for reason in option["out"] if "p95 latency" in reason]
    assert sum(SCALED in reason for reason in late) > 2
    assert SCALED in " ".join(rightsize("tco", "Strict", "--db", url).err.split())
    app = open_page(monkeypatch, url, "tco", scenario="Strict")
    assert any(plain(SCALED) in str(element.value) for element in app.markdown)
