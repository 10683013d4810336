"""Makes an option's part of the result from its bill: figures with their kinds, money summed exactly."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from eval.cost.answer_cost import answer_cost, measured_figure
from eval.cost.assumption import Floats, Spread, draw
from eval.cost.bill import Bill, Workings, bill, prompt_tokens
from eval.cost.figure import Figure, Kind, Series
from eval.cost.ledger import by_head, kwh
from eval.cost.machines import capacity, grown
from eval.cost.measured import UNKNOWN, Load, Measured, stretch
from eval.cost.money import amount, monthly_rate, npv
from eval.cost.price_card import PriceCard, PriceRow
from eval.cost.program import Program, tier_of
from eval.cost.register import BASES
from eval.cost.result import BY_JUDGE, AnswerCost, Fan, HeadCost, OptionResult, PriceUsed
from eval.cost.scenario import Scenario, SelfHosted
from eval.cost.uncertainty import Draws, percentiles
from eval.stats.intervals import Estimate

TIMES = "end of month, from 0"
_MONEY = (
    "list_cost", "effective_cost", "billed_cost", "upfront", "npv", "npv_p50", "per_month", "per_1000",
    "per_1000_acceptable", "saving",
)  # fmt: skip


def unpriced(scenario: Scenario, card: PriceCard, program: Program) -> OptionResult:
    """The result of an option without a total: what was measured stays, money is unknown with the reason."""
    reason = program.unpriced[0]
    currency, origin = scenario.money.currency, f"options.{program.name}"
    money: dict[str, Any] = {name: Figure(None, currency, "derived", origin, reason=reason) for name in _MONEY}
    nothing: dict[str, Any] = {
        "probability_cheapest": Figure(None, "share", "derived", origin, reason=reason),
        "energy": Figure(None, "kWh", "derived", origin, reason=reason),
        "power": power_words(scenario, program),
        "carbon": Figure(None, "kgCO2e", "derived", origin, reason=reason),
    }
    return OptionResult(**_measured(scenario, card, program), **money, **nothing)


def priced(
    scenario: Scenario,
    card: PriceCard,
    program: Program,
    w: Workings,
    draws: Draws,
    saving: Figure,
) -> OptionResult:
    """The result of an option at the central values `w`, with its bands from the draws.

    Whether it is out and how likely it is the cheapest takes the other options, and is filled in by evaluate.py.
    """
    made = bill(program, w)
    currency, months = scenario.money.currency, w.months
    origin = f"options.{program.name}: sum of its heads over {months} months"
    heads, billed_flows, effective, listed = _heads(made, w, currency, origin)
    total = sum(effective, Decimal(0))
    yearly = float(w["money.discount_rate_per_year"][0, 0])
    rate = monthly_rate(yearly)
    worth = amount(npv(rate, billed_flows))
    answers = Decimal(repr(float(w.answers.sum())))
    low, middle, high = percentiles(draws.npv[program.name][None, :])[:, 0].tolist()
    per_1000_draws = draws.effective[program.name] / draws.answers * 1000
    p10, _, p90 = percentiles(per_1000_draws[None, :])[:, 0].tolist()
    per_1000 = Figure(amount(total / answers * 1000), f"{currency}/1,000 answers", "derived", origin, p10, p90)

    def money(
        value: Decimal | float | None, why: str = origin, low: float | None = None, high: float | None = None
    ) -> Figure:
        return Figure(value, currency, "derived", why, low, high)

    central = f"options.{program.name}: billed cost discounted at {yearly:.2%}, all assumptions at central values"
    fan = draws.fan.get(program.name)
    drawn = f"options.{program.name}: cumulative billed cost over {scenario.draws:,} draws"
    energy = _energy(made, w, program)
    machines = tuple(capacity(pool, made, w, scenario) for pool in program.pools)
    return OptionResult(
        **_measured(scenario, card, program),
        grown=tuple(grown(machines, scenario)),
        list_cost=money(sum(listed, Decimal(0))),
        effective_cost=money(total),
        billed_cost=money(sum(billed_flows, Decimal(0))),
        upfront=money(billed_flows[0], f"options.{program.name}: paid before the first month"),
        npv=money(worth, central),
        npv_p50=money(middle, f"options.{program.name}: median over {scenario.draws:,} draws", low, high),
        per_month=Figure(amount(total / months), currency, "derived", f"{origin}, a month"),
        per_1000=per_1000,
        per_1000_acceptable=_per_acceptable(scenario, program, per_1000, per_1000_draws),
        saving=saving,
        probability_cheapest=Figure(None, "share", "derived", origin, reason="It was not compared."),
        energy=energy,
        power=power_words(scenario, program),
        carbon=_carbon(energy, scenario),
        heads=heads,
        effective_by_month=Series(tuple(effective), currency, "derived", origin),
        list_by_month=Series(tuple(listed), currency, "derived", origin),
        billed_by_month=Series(tuple(billed_flows), currency, "derived", origin, TIMES),
        fan=None if fan is None else _fan(fan, currency, drawn),
        capacity=machines,
        prices=tuple(_prices(program, w)),
    )


def _measured(scenario: Scenario, card: PriceCard, program: Program) -> dict[str, Any]:
    """The fields that do not depend on money: names, sentences, and what was measured of the option's target."""
    target, option = program.target, program.option
    name = target.target if target else program.name
    origin = target.origin if target else f"options.{program.name}"
    missing = f"It was not measured for {option.label or program.name}."
    quality = {
        criterion: measured_figure(estimate, "of 5", origin, missing)
        for criterion, estimate in (target.quality if target else {}).items()
    }
    scale = _latency_scale(scenario, program)
    return {
        "name": program.name,
        "label": option.label,
        "kind": option.kind,
        "target": target.target if target else None,
        "residency": option.residency,
        "simulated": program.simulated,
        "providers": tuple(dict.fromkeys(row.provider for row in program.asked)),
        "hypothetical": any(row.kind == "hypothetical" for row in program.rows),
        "blocked": program.blocked,
        "out": program.never,
        "notes": program.notes,
        "remarks": option.remarks,
        "quality": quality,
        **{
            field: {
                criterion: Figure(n, "questions", "measured", f"{origin}, scored by people")
                for criterion, n in counts.items()
            }
            for field, counts in (
                ("hand_scored", target.hand_scored if target else {}),
                ("hand_scores_given", target.hand_scores if target else {}),
            )
        },
        "acceptable": measured_figure(
            target.acceptable if target else UNKNOWN, "share", f"{origin}, {BY_JUDGE}", missing
        ),
        "p50": _latency(program, "p50", scale),
        "p95": _latency(program, "p95", scale),
        "latency_scale": scale,
        "client_limited": _client_limited(program),
        "answer": _answer(scenario, card, program, target, name),
    }


def _latency_scale(scenario: Scenario, program: Program) -> Figure:
    """How many times longer than measured an answer takes, where real prompts and answers are longer."""
    target, load, workload = program.target, _load(program), scenario.workload
    origin = "workload.completion_scale"
    if target is None:
        reason = f"It was not measured for {program.option.label or program.name}."
        return Figure(None, "times", "derived", origin, reason=reason)
    source = target if load is None else load
    share, counted = source.ttft_share, source.first_token
    if share:
        origin = "workload.prompt_scale until the first token and workload.completion_scale after it"
    scale = stretch(share, workload.prompt_scale.value, workload.completion_scale.value)
    n = counted.told if share and counted is not None else None
    return Figure(float(scale), "times", "derived", origin, n=n)


def _latency(program: Program, which: Literal["p50", "p95"], scale: Figure) -> Figure:
    """How long an answer takes: as measured at the load that the machines are taken at, else in the target's own run.

    Times `scale`, which is 1 where real prompts and answers are as long as those measured. Unknown on quoted hardware.
    """
    target = program.target
    origin = target.origin if target else f"options.{program.name}"
    if any(part.rate is not None for part in program.machines):
        reason = "The throughput of its hardware is quoted, and how long an answer takes on it was not measured."
        return Figure(None, "ms", "derived", origin, reason=reason)
    estimate = getattr(target, f"{which}_ms") if target else UNKNOWN
    load = _load(program)
    if load is not None:
        if (told := getattr(load, which)).value is not None:
            estimate = told
        elif which == "p95" and load.p95_ms is not None and load.p95_ms != estimate.value:
            estimate = Estimate(load.p95_ms, None, None, load.n)
        origin += f", {load.concurrency} at once"
    missing = f"It was not measured for {program.option.label or program.name}."
    figure = measured_figure(estimate, "ms", origin, missing)
    times = float(scale.value or 1)
    if times == 1 or figure.value is None:
        return figure
    low = None if figure.low is None else figure.low * times
    high = None if figure.high is None else figure.high * times
    why = f"{origin}, times {scale.origin}"
    return Figure(float(figure.value) * times, "ms", "derived", why, low, high, figure.n)


def _load(program: Program) -> Load | None:
    """The load whose latency an option has: that of its own machines; None where the target's own run tells it."""
    return program.machines[0].load if isinstance(program.option, SelfHosted) and program.machines else None


def _client_limited(program: Program) -> Figure:
    """How many of the answers behind the latency were measured while the measuring computer was itself late."""
    target, load = program.target, _load(program)
    if target is None:
        reason = f"It was not measured for {program.option.label or program.name}."
        return Figure(None, "answers", "derived", f"options.{program.name}", reason=reason)
    if load is None:
        return Figure(target.n_client_limited, "answers", "measured", target.origin, n=target.n_answers)
    origin = f"{target.origin}, {load.concurrency} at once"
    return Figure(load.n_client_limited, "answers", "measured", origin, n=load.n)


def _answer(scenario: Scenario, card: PriceCard, program: Program, target: Measured | None, name: str) -> AnswerCost:
    if target is not None and program.api:
        prices = getattr(program.option, "prices", {})
        judge = scenario.workload.judge_price
        return answer_cost(target, card, scenario.starts_on, prices=prices, judge_price=judge)
    unit = f"{scenario.money.currency}/answer"
    reason = f"{name} is not billed by the token." if not program.api else f"{name} was not measured as a whole."
    nothing = Figure(None, unit, "derived", f"options.{program.name}", reason=reason)
    return AnswerCost(nothing, nothing, nothing)


def _heads(
    made: Bill, w: Workings, currency: str, origin: str
) -> tuple[tuple[HeadCost, ...], list[Decimal], list[Decimal], list[Decimal]]:
    """The heads, and over all of them the billed flows and the effective and list cost by month, summed exactly."""
    months = w.months
    billed_flows, effective, listed = [Decimal(0)] * (months + 1), [Decimal(0)] * months, [Decimal(0)] * months
    sums: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    for head, amounts in by_head(made, w).items():
        views = [_amounts(a, n) for a, n in ((amounts.listed, months), (amounts.effective, months))]
        paid = _amounts(amounts.billed, months + 1)
        if not any(views[0]) and not any(views[1]) and not any(paid):
            continue
        listed = [a + b for a, b in zip(listed, views[0], strict=True)]
        effective = [a + b for a, b in zip(effective, views[1], strict=True)]
        billed_flows = [a + b for a, b in zip(billed_flows, paid, strict=True)]
        sums[head] = (sum(views[0], Decimal(0)), sum(views[1], Decimal(0)), sum(paid, Decimal(0)))
    total = sum(effective, Decimal(0))
    heads = tuple(
        HeadCost(
            head,
            Figure(values[0], currency, "derived", f"{origin}, {head}: {BASES.get(head, head)}"),
            Figure(values[1], currency, "derived", f"{origin}, {head}: {BASES.get(head, head)}"),
            Figure(values[2], currency, "derived", f"{origin}, {head}: {BASES.get(head, head)}"),
            Figure(
                float(values[1] / total) if total else 0.0,
                "share",
                "derived",
                f"{origin}, {head}: {BASES.get(head, head)}",
            ),
        )
        for head, values in sums.items()
    )
    return heads, billed_flows, effective, listed


def _amounts(row: Floats, count: int) -> list[Decimal]:
    return [amount(value) for value in np.broadcast_to(row, (1, count))[0].tolist()]


def _per_acceptable(scenario: Scenario, program: Program, per_1000: Figure, drawn: Floats) -> Figure:
    """All costs, judging the judged share included, over the number of acceptable answers, by 1,000.

    Its band is the 10th to 90th percentile over the draws, in which the share varies by its interval, which is
    clustered by question.
    """
    unit, target = f"{scenario.money.currency}/1,000 acceptable answers", program.target
    origin = f"{per_1000.origin} over the share of answers acceptable {BY_JUDGE}"
    if target is None or target.acceptable.value is None:
        reason = "The share of acceptable answers was not measured."
        return Figure(None, unit, "derived", origin, reason=reason)
    share = target.acceptable
    if not share.value or per_1000.value is None:
        return Figure(None, unit, "derived", origin, reason="No measured answer was acceptable.")
    low = high = None
    if share.low is not None and share.high is not None:
        key = f"measured.{target.target}.acceptable"
        spread = Spread(share.value, share.low, share.high, "normal")
        shares = np.clip(draw({key: spread}, scenario.draws, scenario.seed)[key][:, 0], 1e-9, 1.0)
        low, _, high = percentiles((drawn / shares)[None, :])[:, 0].tolist()
    value = amount(Decimal(per_1000.value) / Decimal(repr(share.value)))
    return Figure(value, unit, "derived", origin, low, high)


def _fan(rows: Floats, currency: str, origin: str) -> Fan:
    p10, p50, p90 = (Series(tuple(row), currency, "derived", origin, TIMES) for row in rows.tolist())
    return Fan(p10, p50, p90)


def _energy(made: Bill, w: Workings, program: Program) -> Figure:
    used = kwh(made, w)
    origin = f"options.{program.name}: power of its machines, and of others where assumed"
    if used is None:
        return Figure(None, "kWh", "derived", origin, reason=_no_energy(program))
    if program.api and not any(line.head == "API" for line in made.kwh):
        origin += "; without what the API's provider uses, which is unknown"
    return Figure(float(used.sum()), "kWh", "derived", origin)


def _no_energy(program: Program) -> str:
    """Why there is no energy to tell, in a sentence."""
    if program.machines:
        return "The energy of rented machines is part of their rent, and is not told apart."
    if program.api:
        return "Neither measured nor assumed: a provider's energy is unknown unless that of an answer is stated."
    return "What is done today is not described, so its energy is not counted."


def power_words(scenario: Scenario, program: Program) -> str:
    """Whether the power behind an option's energy is measured or assumed, with the sources of what is assumed."""
    found: list[str] = []
    for part in program.machines:
        profile = scenario.hardware[part.hardware]
        for what, stated, measured in (
            ("active", profile.active_watts, part.watts),
            ("idle", profile.idle_watts, part.idle_watts),
        ):
            if stated is not None:
                found.append(f"{part.hardware}, {what}: {stated.kind} ({stated.source or 'no source given'})")
            elif measured is not None:
                found.append(f"{part.hardware}, {what}: measured")
    foreign = getattr(program.option, "wh_per_answer", None)
    if foreign is not None:
        found.append(f"provider: {foreign.kind} ({foreign.source or 'no source given'})")
    return "; ".join(dict.fromkeys(found)) or "none"


def _carbon(energy: Figure, scenario: Scenario) -> Figure:
    grid = scenario.energy.grid_gco2e_per_kwh
    origin = f"{energy.origin}; energy.grid_gco2e_per_kwh"
    if energy.value is None:
        return Figure(None, "kgCO2e", "derived", origin, reason=energy.reason)
    if grid is None:
        reason = "energy.grid_gco2e_per_kwh is not stated."
        return Figure(None, "kgCO2e", "derived", origin, reason=reason)
    used = float(energy.value)
    low = None if grid.low is None else used * grid.low / 1000
    high = None if grid.high is None else used * grid.high / 1000
    return Figure(used * grid.value / 1000, "kgCO2e", "derived", origin, low, high)


def _prices(program: Program, w: Workings) -> Iterator[PriceUsed]:
    """The prices it is billed by at the central values: a row each for a period, a context tier and a batch."""
    stages = [*(stage for part in program.api for stage in part.stages), *filter(None, [program.judge])]
    batch = f"options.{program.name}.batch_share"
    waits = batch in w.values and bool(w[batch][0, 0] > 0)
    seen: set[tuple[str, str]] = set()
    for stage in stages:
        for period in stage.periods:
            tiers = [t.above_tokens for t in period.row.tiers if t.above_tokens < prompt_tokens(stage, w)[0, 0]]
            words = [f"above {tiers[-1]:,} tokens"] if tiers else []
            if len(stage.periods) > 1:
                words.append(f"from month {period.first + 1}")
            for kind in ("", "batch_") if waits and stage is not program.judge else ("",):
                name = ", ".join([period.row.id, *words, *(["batch"] if kind else [])])
                if (name, stage.model) not in seen:
                    seen.add((name, stage.model))
                    yield _price(name, tier_of(period.row, float(prompt_tokens(stage, w)[0, 0])), stage.model, kind)


def _price(name: str, row: PriceRow, model: str, batch: str) -> PriceUsed:
    kind: Kind = "quoted" if row.kind == "quoted" else "assumed"
    labels = ["hypothetical"] if row.kind == "hypothetical" else []
    labels += [f"borrowed from {row.borrowed_from}"] if row.borrowed_from else []

    def price(what: str) -> Figure:
        value = getattr(row, f"{batch}{what}_per_mtok")
        reason = (row.note or "The price card has none.") if value is None else None
        return Figure(value, f"{row.currency}/Mtoken", kind, row.source, reason=reason)

    return PriceUsed(
        name,
        model,
        price("input"),
        price("cached_input"),
        price("output"),
        ", ".join(labels),
        row.source,
        row.valid_from,
        row.valid_until,
        row.retires_on,
        row.note,
    )
