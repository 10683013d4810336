"""Sample inputs of the cost model: targets as a demo measures them, small scenarios, and a price card."""

from collections.abc import Mapping
from typing import Any

from eval.cost.compile import Compiler
from eval.cost.measured import JudgeUse, Load, Measured, StageUse
from eval.cost.price_card import PriceCard, PriceRow
from eval.cost.scenario import Scenario
from eval.stats.intervals import Estimate

FREE = {"setup_hours": 0, "labour_hours_per_month": 0, "labour_rate_per_hour": 0}  # hardware without labour


def known(value: float, spread: float = 0.0, n: int = 60) -> Estimate:
    """An estimate with an interval of so much to either side, or without one."""
    return Estimate(value, value - spread, value + spread, n) if spread else Estimate(value, None, None, n)


def use(stage: str, model: str, prompt: float, completion: float, spread: float = 0.0, **more: Estimate) -> StageUse:
    """What a stage consumes; no token was cached."""
    cached = more.pop("cached", known(0))
    return StageUse(stage, model, known(prompt, spread), known(completion, spread), cached, **more)


def target(name: str, *stages: StageUse, **more: Any) -> Measured:
    """A target with 60 answers and nothing repeated."""
    fields = {"attempts_per_answer": 1.0, "n_answers": 60, "runs": ("1",), "date": "2026-11-20"} | more
    return Measured(name, stages, **fields)


def demo_targets() -> dict[str, Measured]:
    """The four targets of the demo, with figures close to what its simulated runs measure."""

    def made(name: str, stages: tuple[StageUse, ...], mean_s: float, p95: float, factuality: float) -> Measured:
        return target(
            name,
            *stages,
            loads=(Load(30, 30 / mean_s, p95, 60),),
            p50_ms=known(mean_s * 900),
            p95_ms=known(p95),
            tokens_per_s=known(50),
            quality={"factuality": known(factuality, 0.25), "coherence": known(4.5, 0.2)},
            acceptable=known(0.7, 0.1),
            judge=JudgeUse("sim-judge", known(900), known(150)),
            simulated=True,
        )

    targets = (
        made("small-local", (use("answer", "sim-small", 175.5, 50.8, 12),), 0.45, 1092, 3.32),
        made("large-local", (use("answer", "sim-large", 175.5, 58.4, 12),), 1.65, 3757, 4.67),
        made("cloud", (use("answer", "sim-cloud", 175.5, 57.7, 12),), 0.8, 1678, 4.72),
        made(
            "hybrid",
            (use("draft", "sim-small", 175.5, 50.8, 12), use("refine", "sim-large", 281.3, 55.2, 12)),
            2.1,
            4977,
            4.63,
        ),
    )
    return {one.target: one for one in targets}


def card(*rows: Mapping[str, Any]) -> PriceCard:
    """A card of quoted USD prices; each row needs model and prices."""
    fixed = {"provider": "acme", "kind": "quoted", "source": "a price list"}
    made = tuple(PriceRow.model_validate(fixed | dict(row)) for row in rows)
    return PriceCard(name="a card", date="2026-11-25", rows=made)


def scenario(options: Mapping[str, Any], **changed: Any) -> Scenario:
    """A scenario of one year without growth, drift or discount, so that sums can be checked by hand."""
    fields: dict[str, Any] = {
        "name": "a scenario",
        "starts_on": "2027-01-01",
        "baseline": next(iter(options)),
        "draws": 200,
        "workload": {"requests_per_month": 100_000, "horizon_months": 12},
        "money": {"discount_rate_per_year": 0},
        "options": dict(options),
    }
    for key, value in changed.items():
        fields[key] = fields[key] | value if isinstance(fields.get(key), dict) and isinstance(value, dict) else value
    return Scenario.model_validate(fields)


def compiled(one: Scenario, measured: Mapping[str, Measured], prices: PriceCard):
    """The programs of a scenario's options, with the compiler that made them."""
    compiler = Compiler(one, measured, prices)
    return compiler.programs(), compiler
