"""A database of invented runs whose targets are called as in the demo scenario, so that its options can be priced."""

import samples
from sqlalchemy import update

from db import store
from db.models import Assessment
from eval.cost import scenario_file
from eval.cost.scenario import Scenario

CALLED = {
    "test-small": ("small-local", ("sim-small",)),
    "test-large": ("large-local", ("sim-large",)),
    "test-hybrid": ("hybrid", ("sim-small", "sim-large")),
    "test-cloud": ("cloud", ("sim-cloud",)),
}


def add_demo_targets(url: str) -> None:
    """The four targets of the demo scenario with judged answers and the tokens that judging took."""
    made = tuple(samples.Sample(*CALLED[s.name], s.ttft_ms, s.tokens_per_s, s.score) for s in samples.TARGETS)
    samples.add_group(url, targets=made)
    with store.writing(store.connect(url)) as session:
        session.execute(update(Assessment).values(prompt_tokens=900, completion_tokens=150))


def lopsided() -> Scenario:
    """The demo's cloud beside an offer of it: a fifth cheaper at a fee that is 0 at best, and mostly eats that up."""
    demo = scenario_file.demo()
    fee = {"value": 0, "low": 0, "high": 9000, "shape": "uniform", "kind": "assumed", "source": "an offer"}
    offer = demo.options["cloud"].model_dump() | {"label": "Offer", "discount": 0.2, "fixed_per_month": fee}
    fields = demo.model_dump() | {"options": {"cloud": demo.options["cloud"].model_dump(), "offer": offer}}
    return Scenario.model_validate(fields | {"name": "Lopsided", "constraints": {}})
