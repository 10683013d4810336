"""What an option takes month by month, and what that is billed at: one calculation for a single value or 10,000 draws.

Every number comes in as a column of draws, shape (n, 1), and spreads over the months to (n, T). A line of a bill is a
factor (n, 1) times a basis (n, T) that several lines share, which is what makes 10,000 draws cheap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.cost.assumption import Floats
from eval.cost.capacity import UTILISATION_CAP, machines_for
from eval.cost.measured import stretch
from eval.cost.price_card import PriceRow, Tier
from eval.cost.program import ApiPart, MachinePart, Pool, Program, Tokens
from eval.cost.scenario import DoNothing, Escalate, Hardware, Scenario

VOLUME_FACTOR = "volume factor"  # multiplies the volume, for sweeps over it; 1 where it is left out
MILLION = 1e6
HEADS = ("API tokens", "retries", "judge", "gate", "fixed fees", "hardware", "energy", "support", "labour", "today")


@dataclass(frozen=True, slots=True)
class Workings:
    """What all options of a scenario share: by draw and month the answers, and those at the drifted price.

    `per_s` is the rate of requests in the busiest minutes, in requests a second.
    """

    scenario: Scenario
    values: Mapping[str, Floats]
    months: int
    horizon: int
    growth: Floats
    answers: Floats
    drifted: Floats
    per_s: Floats

    def __getitem__(self, key: str) -> Floats:
        return self.values[key]


def workings(scenario: Scenario, values: Mapping[str, Floats], months: int | None = None) -> Workings:
    """The volume of each draw and month; with `months` only the first so many, one-time costs spread as ever."""
    horizon = scenario.workload.horizon_months
    count = horizon if months is None else months
    years = np.arange(count)[None, :] / 12
    if scenario.workload.requests_per_month is not None:
        first = values["workload.requests_per_month"]
    else:
        first = (
            values["workload.users"] * values["workload.questions_per_user_day"] * values["workload.workdays_per_month"]
        )
    growth = np.exp(np.log1p(values["workload.growth_per_year"]) * years)
    if VOLUME_FACTOR in values:
        growth = growth * values[VOLUME_FACTOR]
    answers = first * growth
    drifted = answers * np.exp(np.log1p(values["money.api_price_drift_per_year"]) * years)
    busiest = values["workload.busy_hour_share"] * values["workload.burst"] / values["workload.workdays_per_month"]
    return Workings(scenario, values, count, horizon, growth, answers, drifted, answers * (busiest / 3600))


@dataclass(frozen=True, slots=True)
class Line:
    """An amount a month: factor times basis. `list_factor` is the factor at list price."""

    head: str
    basis: str
    factor: Floats
    list_factor: Floats


@dataclass(frozen=True, slots=True)
class Asset:
    """Machines that are bought: how many there are in each month, price, residual value as a share, life in months."""

    bought: Floats
    capex: Floats
    residual: Floats
    life: Floats


@dataclass(slots=True)
class Bill:
    """All lines of an option. `kwh` are energies as lines; `once` are costs before the first month."""

    bases: dict[str, Floats]
    lines: list[Line] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    once: list[tuple[str, Floats]] = field(default_factory=list)
    kwh: list[Line] = field(default_factory=list)
    machines: dict[str, Floats] = field(default_factory=dict)  # by pool, those of the busy hour with their spares
    load: dict[str, Floats] = field(default_factory=dict)  # by pool, in Erlang
    service_s: dict[str, Floats] = field(default_factory=dict)
    feasible: Floats | None = None  # by draw, 1 where the machines that can be had suffice

    def add(self, head: str, basis: str, factor: Any, list_factor: Any = None) -> None:
        """A line; without a list factor the list price is what is paid."""
        column = np.atleast_2d(factor)
        self.lines.append(Line(head, basis, column, column if list_factor is None else np.atleast_2d(list_factor)))


def bill(program: Program, w: Workings) -> Bill:
    """The bill of an option; the program must not be `unpriced`."""
    made = Bill({"month": np.ones((1, w.months)), "answers": w.answers, "drifted": w.drifted})
    name, option = program.name, program.option
    for part in program.api:
        _add_api(made, name, part, w)
    if program.judge is not None:
        for basis, row in _periods(made, program.judge, w):
            made.add("judge", basis, w["workload.judged_share"] * _per_answer(program.judge, row, w))
    for pool in program.pools:
        _add_machines(made, pool, w)
    made.add("fixed fees", "month", w[f"options.{name}.fixed_per_month"])
    if isinstance(option, Escalate):
        made.add("gate", "answers", w[f"options.{name}.gate_per_1000"] / 1000)
    if isinstance(option, DoNothing):
        made.add("today", "month", w[f"options.{name}.cost_per_month"])
        made.add("today", "answers", w[f"options.{name}.cost_per_1000_requests"] / 1000)
    _add_foreign_energy(made, program, w)
    return made


# --- tokens ---------------------------------------------------------------------------------------------------------


def _periods(made: Bill, tokens: Tokens, w: Workings) -> list[tuple[str, PriceRow]]:
    """The basis of each period: the answers of its months at the drifted price."""
    found: list[tuple[str, PriceRow]] = []
    for period in tokens.periods:
        if period.first >= w.months:
            continue
        basis = "drifted"
        if len(tokens.periods) > 1:
            basis = f"drifted {period.first}-{period.last}"
            if basis not in made.bases:
                months = np.arange(w.months)
                made.bases[basis] = w.drifted * ((months >= period.first) & (months <= period.last))
        found.append((basis, period.row))
    return found


def prompt_tokens(tokens: Tokens, w: Workings) -> Floats:
    """What is sent for an answer, in tokens by draw, with the completions that are sent along."""
    ours, more = (w["workload.prompt_scale"], w["workload.completion_scale"]) if tokens.scaled else (1.0, 1.0)
    prompt = w[tokens.prompt] * ours
    for key in tokens.again:
        prompt = prompt + w[key] * more
    return prompt


def _per_answer(tokens: Tokens, row: PriceRow, w: Workings, batch_share: Floats | None = None) -> Floats:
    """What one answer costs at list price in the scenario's currency, by draw.

    Raises ValueError where a price that is needed in any draw is unknown: compile.py blocks such an option.
    """
    total = _listed(tokens, row, w, batch_share)
    if np.isnan(total).any():
        raise ValueError(f"A price of {row.id} that is needed is unknown.")
    return total


def unknown_rows(program: Program, w: Workings) -> np.ndarray:
    """By draw, whether a price that the option would need there is unknown, as (n,) or (1,)."""
    found = np.zeros(1, dtype=bool)
    for part in program.api:
        for stage in part.stages:
            for period in stage.periods:
                listed = _listed(stage, period.row, w, w[f"options.{program.name}.batch_share"])
                found = found | np.isnan(listed)[:, 0]
    return found


def _listed(tokens: Tokens, row: PriceRow, w: Workings, batch_share: Floats | None) -> Floats:
    """What one answer costs at list price, NaN where a price that is needed is unknown.

    Each draw is billed at the context tier that its own prompt falls into.
    """
    prompt = prompt_tokens(tokens, w)
    completion = w[tokens.completion] * (w["workload.completion_scale"] if tokens.scaled else 1.0)
    cached = w[tokens.cached] if isinstance(tokens.cached, str) else np.array([[tokens.cached]])
    waiting = np.zeros((1, 1)) if batch_share is None else batch_share
    used = {"input": prompt * (1 - cached), "cached_input": prompt * cached, "output": completion}
    total = np.zeros((1, 1))
    for kind, share in (("", 1 - waiting), ("batch_", waiting)):
        for name, count in used.items():
            quantity = count * share
            if np.any(quantity > 0):
                total = total + np.where(quantity > 0, quantity * _price(row, f"{kind}{name}_per_mtok", prompt), 0.0)
    return total / MILLION * _rate(w, row.currency)


def _price(row: PriceRow, name: str, prompt: Floats) -> Floats:
    """The price of the tier that each draw's prompt falls into, NaN where it is unknown."""
    prices = np.full_like(prompt, _number(row, name))
    for tier in row.tiers:
        prices = np.where(prompt > tier.above_tokens, _number(tier, name), prices)
    return prices


def _number(row: PriceRow | Tier, name: str) -> float:
    value = getattr(row, name, None)  # a tier has no batch prices
    return np.nan if value is None else float(value)


def _rate(w: Workings, currency: str | None) -> Floats:
    if currency in (None, w.scenario.money.currency):
        return np.ones((1, 1))
    return w[f"money.rates.{currency}"]


def _add_api(made: Bill, name: str, part: ApiPart, w: Workings) -> None:
    share = w[part.share] if part.share else 1.0
    paid = 1 - w[f"options.{name}.discount"]
    for tokens in part.stages:
        for basis, row in _periods(made, tokens, w):
            listed = _per_answer(tokens, row, w, w[f"options.{name}.batch_share"]) * share
            made.add("API tokens", basis, listed * paid, listed)
            if part.attempts > 1:
                again = listed * (part.attempts - 1)
                made.add("retries", basis, again * paid, again)


def _add_foreign_energy(made: Bill, program: Program, w: Workings) -> None:
    """The energy of answers in somebody else's data centre, where it is assumed; it costs nothing extra."""
    key = f"options.{program.name}.wh_per_answer"
    if key in w.values:
        for part in program.api[:1]:
            factor = np.atleast_2d(w[key] / 1000 * (w[part.share] if part.share else 1.0))
            made.kwh.append(Line("API", "answers", factor, factor))


# --- machines -------------------------------------------------------------------------------------------------------


def service_time(part: MachinePart, w: Workings) -> Floats:
    """How long one place of a machine takes for an answer, in seconds, by draw."""
    if part.rate is None:
        share = part.load.ttft_share if part.load else None
        return part.machine.service_s * stretch(share, w["workload.prompt_scale"], w["workload.completion_scale"])
    if not part.rated_tokens:
        return part.machine.places / w[part.rate]
    tokens = sum(
        w[key] * w["workload.prompt_scale" if key.endswith(".prompt") else "workload.completion_scale"]
        for key in part.rated_tokens
    )
    return part.machine.places * tokens / w[part.rate]


def _add_machines(made: Bill, pool: Pool, w: Workings) -> None:
    key, name = f"hardware.{pool.hardware}", pool.name
    profile = w.scenario.hardware[pool.hardware]
    shares = [w[part.share] if part.share else np.ones((1, 1)) for part in pool.parts]
    services = [service_time(part, w) for part in pool.parts]
    places = [1.0 if profile.one_per_user else pool.weight(part) for part in pool.parts]
    busy = sum(t * s * c for c, t, s in zip(places, services, shares, strict=True))
    load = w.per_s * busy
    need, held, fits = _counts(profile, pool, load, w)
    rate = _rate(w, profile.currency)
    made.machines[name], made.load[name] = need, load
    made.service_s[name] = services[0] if len(services) == 1 else np.atleast_2d(busy / sum(shares))
    made.feasible = fits if made.feasible is None else made.feasible * fits
    made.bases[f"need {name}"], made.bases[f"held {name}"] = need, held
    if profile.capex is not None:
        bought = np.maximum(held - profile.owned, 0)
        life = np.maximum(np.rint(w[f"{key}.life_months"]), 1)
        made.assets.append(Asset(bought, w[f"{key}.capex"] * rate, w[f"{key}.residual_share"], life))
    if np.any(w[f"{key}.rent_per_hour"] > 0):
        made.add("hardware", f"need {name}", w[f"{key}.rent_per_hour"] * w[f"{key}.hours_on_per_month"] * rate)
    made.add("support", f"held {name}", w[f"{key}.support_per_year"] / 12 * rate)
    hourly = w[f"{key}.labour_rate_per_hour"] * rate
    made.add("labour", "month", w[f"{key}.labour_hours_per_month"] * hourly)
    made.once.append(("labour", w[f"{key}.setup_hours"] * hourly))
    _add_energy(made, pool, profile, [t * s for t, s in zip(services, shares, strict=True)], w)


def _counts(profile: Hardware, pool: Pool, load: Floats, w: Workings) -> tuple[Floats, Floats, Floats]:
    """Machines needed, machines there are by then, and by draw whether they suffice.

    A machine of one person has one place and no queue: it suffices while that person does not keep it too busy.
    """
    fits = np.ones((1, 1))
    if profile.one_per_user:
        need = np.ceil(w["workload.users"] * w.growth)
        fits = (load / need <= UTILISATION_CAP).all(axis=1, keepdims=True).astype(float)
        need = need + profile.spares
    else:
        need = machines_for(load, pool.table) + profile.spares
    held = np.maximum.accumulate(need, axis=1)
    rented = profile.rent_per_hour.value > 0
    if profile.capex is None and not profile.one_per_user and not rented:
        fits = fits * (held[:, -1:] <= profile.owned)
        need, held = np.minimum(need, profile.owned), np.minimum(held, profile.owned)
    return need, held, fits


def _add_energy(made: Bill, pool: Pool, profile: Hardware, busy_s: Sequence[Floats], w: Workings) -> None:
    """Idle power while the machines are on, and what answering takes above it, both times the PUE.

    `busy_s` is how long an answer keeps a place busy, by part. What a shared machine takes is spread over the answers
    it makes at once; a machine of one person makes one. Rented machines without a price have it in the rent.
    """
    key = f"hardware.{pool.hardware}"
    kilo = w[f"{key}.pue"] / 1000
    lines: list[tuple[str, str, Floats]] = []
    for part, seconds in zip(pool.parts, busy_s, strict=True):
        active = f"{key}.active_watts" if f"{key}.active_watts" in w.values else part.watts
        idle = f"{key}.idle_watts" if f"{key}.idle_watts" in w.values else part.idle_watts
        if active is None or idle is None:
            return
        above = np.maximum(w[active] - w[idle], 0) * kilo
        at_once = 1 if profile.one_per_user else part.machine.places
        lines.append((part.name, "answers", above * seconds / at_once / 3600))
        if part is pool.parts[0] and not profile.runs_other_work:
            lines.append((part.name, f"held {pool.name}", w[idle] * kilo * w[f"{key}.hours_on_per_month"]))
    for name, basis, factor in lines:
        column = np.atleast_2d(factor)
        made.kwh.append(Line(name, basis, column, column))
        if f"{key}.price_per_kwh" in w.values:
            made.add("energy", basis, column * w[f"{key}.price_per_kwh"] * _rate(w, profile.currency))
