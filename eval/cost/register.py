"""The assumption register, and what a reader has to be told beside the numbers: warnings and limits of the model."""

from collections.abc import Iterator, Mapping, Sequence

from eval.cost.assumption import Assumption
from eval.cost.evidence import lateness_of_all
from eval.cost.fields import months_after
from eval.cost.figure import Figure
from eval.cost.price_card import PriceCard
from eval.cost.program import Program
from eval.cost.result import Assumed
from eval.cost.scenario import Scenario
from eval.stats.intervals import Estimate

LIMITS = (
    "Ranges are drawn independently of each other; what moves together in truth is not modelled as such.",
    "Waiting follows Erlang C: random arrivals and service times, one queue for all machines of a part; a machine "
    "of one person has no queue.",
    "Taxes, data transfer and the price of writing to a prompt cache are not counted.",
    "Measured tokens, latencies and throughput hold for the measured questions and hardware, scaled as stated.",
    "The judge's tokens are those it took on the measured answers; they are not scaled with longer ones.",
)
SIMULATED = "Runs of simulated models are in these numbers: they show how the tool decides, not what to decide."
BASES = {  # what each head of cost is derived from
    "API tokens": "measured tokens, scaled, at the prices used, times the requests of the workload",
    "retries": "requests repeated in the runs, at the cost of the API tokens",
    "judge": "measured tokens of the judge at its price, times workload.judged_share of the requests",
    "hardware": "machines for the busy hour at their capex over their life, or at their rent",
    "support": "machines held times support_per_year",
    "labour": "setup_hours and labour_hours_per_month of all machines of a profile together, at labour_rate_per_hour",
    "energy": "watts of the machines, pue and price_per_kwh",
    "fixed fees": "fixed_per_month",
    "gate": "gate_per_1000 times the requests of the workload",
    "today": "cost_per_month and cost_per_1000_requests",
}
_UNITS = {
    "requests_per_month": "requests/month",
    "users": "users",
    "questions_per_user_day": "questions/user/day",
    "workdays_per_month": "days/month",
    "burst": "times",
    "prompt_scale": "times",
    "completion_scale": "times",
    "growth_per_year": "share/year",
    "discount_rate_per_year": "share/year",
    "api_price_drift_per_year": "share/year",
    "grid_gco2e_per_kwh": "gCO2e/kWh",
    "life_months": "months",
    "hours_on_per_month": "h/month",
    "labour_hours_per_month": "h/month",
    "setup_hours": "h",
    "idle_watts": "W",
    "active_watts": "W",
    "watts": "W",
    "pue": "times",
    "wh_per_answer": "Wh/answer",
    "answers_per_s": "answers/s",
    "tokens_per_s": "tokens/s",
    "prompt": "tokens/answer",
    "completion": "tokens/answer",
}
_MONEY = {
    "capex": "",
    "rent_per_hour": "/h",
    "price_per_kwh": "/kWh",
    "support_per_year": "/year",
    "labour_rate_per_hour": "/h",
    "fixed_per_month": "/month",
    "cost_per_month": "/month",
    "gate_per_1000": "/1,000 answers",
    "cost_per_1000_requests": "/1,000 answers",
}


_LABELS = {
    "requests_per_month": "requests a month",
    "users": "number of users",
    "questions_per_user_day": "questions a user and workday",
    "workdays_per_month": "workdays a month",
    "busy_hour_share": "share of a day's requests in its busiest hour",
    "burst": "busiest minutes over the busiest hour's mean",
    "growth_per_year": "growth of requests",
    "prompt_scale": "real prompts over the measured ones",
    "completion_scale": "real answers over the measured ones, in length",
    "cacheable_prompt_share": "share of the prompt billed as cached",
    "judged_share": "share of answers that a judge goes on scoring",
    "discount_rate_per_year": "discount rate",
    "api_price_drift_per_year": "change of API prices",
    "grid_gco2e_per_kwh": "carbon of a kilowatt hour",
    "capex": "purchase of a machine",
    "residual_share": "share of the purchase it can be resold for",
    "life_months": "life of a machine",
    "hours_on_per_month": "hours switched on",
    "idle_watts": "power when idle",
    "active_watts": "power when busy",
    "pue": "power usage effectiveness",
    "price_per_kwh": "price of electricity",
    "support_per_year": "support of a machine",
    "setup_hours": "hours to set up, all machines together",
    "labour_hours_per_month": "hours of upkeep, all machines together",
    "labour_rate_per_hour": "cost of an hour's work",
    "rent_per_hour": "rent of a machine",
    "answers_per_s": "quoted answers a second",
    "tokens_per_s": "quoted tokens a second",
    "fixed_per_month": "fixed cost",
    "discount": "discount off the list price",
    "batch_share": "share that may wait for batch prices",
    "wh_per_answer": "energy of an answer",
    "escalation_share": "share of requests asked again",
    "gate_per_1000": "cost of deciding whom to ask",
    "cost_per_month": "cost today",
    "cost_per_1000_requests": "cost today by request",
}


def label_of(key: str, scenario: Scenario) -> str:
    """What a number is in words, with the hardware, option or target it belongs to: "Power when idle: Workstation".

    No two numbers of a scenario have the same: profiles that are labelled alike have their names behind.
    """
    rest, _, last = key.rpartition(".")
    if key.startswith("money.rates."):
        return f"One {last}"
    if key.startswith("measured."):
        return _measured_label(rest.removeprefix("measured."), last)
    words = _LABELS.get(last, last.replace("_", " "))
    if key == "workload.growth_per_year" and any(profile.one_per_user for profile in scenario.hardware.values()):
        words += ", and of users with a machine each"
    words = words[:1].upper() + words[1:]
    for group, owners in (("hardware", scenario.hardware), ("options", scenario.options)):
        labels = [owner.label or name for name, owner in owners.items()]
        for name, owner in owners.items():
            if key.startswith(f"{group}.{name}."):
                label = owner.label or name
                return f"{words}: {label}" if labels.count(label) == 1 else f"{words}: {label} ({name})"
    return words


def _measured_label(owner: str, last: str) -> str:
    """What a measured number is, of a target or of one of its stages: "Measured prompt of an answer: cloud, draft"."""
    what = {
        "prompt": "Measured prompt of an answer",
        "completion": "Measured completion of an answer",
        "watts": "Measured power when busy",
        "idle_watts": "Measured power when idle",
    }[last]
    target, _, stage = owner.rpartition(".") if last in ("prompt", "completion") else (owner, "", "")
    return f"{what}: {target}, {stage}" if stage and stage != "answer" else f"{what}: {target}"


def unit_of(key: str, scenario: Scenario) -> str:
    """The unit of a number by its key; money of a hardware profile is in the profile's currency."""
    parts = key.split(".")
    last, currency = parts[-1], scenario.money.currency
    if key.startswith("money.rates."):
        return f"{currency}/{last}"
    if last in _MONEY:
        if parts[0] == "hardware":
            currency = scenario.hardware[".".join(parts[1:-1])].currency or currency
        return f"{currency}{_MONEY[last]}"
    return _UNITS.get(last, "share")


def number(
    key: str,
    scenario: Scenario,
    stated: Mapping[str, Assumption],
    estimates: Mapping[str, tuple[Estimate, str]],
) -> Figure:
    """The number with a key as a figure: one that was stated, else one that was measured."""
    unit = unit_of(key, scenario)
    if key in stated:
        return stated[key].figure(unit, key)
    estimate, origin = estimates[key]
    return Figure(estimate.value, unit, "measured", origin, estimate.low, estimate.high, estimate.n)


def register(scenario: Scenario, stated: Mapping[str, Assumption], used: Sequence[str]) -> tuple[Assumed, ...]:
    """Every stated number with its source, those that the result depends on first."""
    rows = [
        Assumed(key, label_of(key, scenario), given.figure(unit_of(key, scenario), key), given.shape, key in used)
        for key, given in stated.items()
    ]
    return tuple(sorted(rows, key=lambda row: not row.used))


def warnings(scenario: Scenario, card: PriceCard, programs: Sequence[Program]) -> Iterator[str]:
    """What a reader has to know of prices and runs before the numbers."""
    if scenario.price_card is not None and scenario.price_card.sha256 != card.sha256:
        yield (
            f'The prices are those of "{card.name}" of {card.date}, not those of "{scenario.price_card.name}" of '
            f"{scenario.price_card.date} that the scenario was made with."
        )
    if any(program.simulated for program in programs):
        yield SIMULATED
    asked = dict.fromkeys((s.questions, s.target) for program in programs for s in program.sources if s.questions)
    if len(sets := list(dict.fromkeys(questions for questions, _ in asked))) > 1:
        by_set = "; ".join(f"{one} by {', '.join(t for q, t in asked if q == one)}" for one in sets)
        yield f"These targets answered different questions, which makes them hard to compare: {by_set}."
    yield from lateness_of_all(source for program in programs for source in program.sources)
    end = months_after(scenario.starts_on, scenario.workload.horizon_months)
    rows = dict.fromkeys(row for program in programs for row in program.rows)
    if any(row.kind == "hypothetical" for row in rows):
        names = ", ".join(dict.fromkeys(row.id for row in rows if row.kind == "hypothetical"))
        yield f"Hypothetical (made-up) prices are in these numbers: {names}."
    for row in rows:
        if row.borrowed_from:
            yield f"The price of {row.id} is borrowed from {row.borrowed_from}; {row.provider} may charge another."
        if row.retires_on and row.retires_on < end:
            yield f"{row.id} retires on {row.retires_on}, within the horizon; moving to another model is not counted."
        if row.valid_from and row.valid_from > scenario.starts_on:
            yield f"The price of {row.id} changes on {row.valid_from}; the months after it are billed at the new one."
