"""A scenario: a workload, money, hardware and options, from which the TCO is computed.

Data with its checks. Every number that is not a fact is an Assumption: a value or a range, with its kind and source.
Reading and writing TOML is scenario_file.py's business; whether runs and prices for it exist is compile.py's.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictInt, StrictStr, WrapValidator, model_validator

from eval.cost.assumption import Assumption, Bounds, default, within
from eval.cost.faults import Fault, guess, invalid, invalid_at, shown
from eval.cost.fields import Currency, IsoDate, Name, Strict, Text
from eval.rubric import built_in

Share = Annotated[Assumption, within(0, 1, "a share of one; 8 % is 0.08")]
Money = Annotated[Assumption, within(0, 1e9)]
Hours = Annotated[Assumption, within(0, 1e5)]
Watts = Annotated[Assumption, within(0, 1e5, "watts of one machine")]
PARTS = ("draft", "refine", "local", "remote")  # of hybrids
SLIP = 0.9  # how alike a word is to the name it was to be; rubrics of others may have criteria of their own
BUSIEST = "a 24th to all of a day's requests; 20 % is 0.2"
YEARLY = "above -100 % a year; 8 % is 0.08"
YearlyRate = Annotated[Assumption, within(-0.99, 3, YEARLY)]  # 300 % a year: beyond it percents were meant


class Workload(Strict):
    """How much is asked: either `requests_per_month`, or `users` times `questions_per_user_day` on workdays.

    `busy_hour_share` is the share of a day's requests in its busiest hour, `burst` how many times that hour's mean
    its busiest minutes are. `prompt_scale` and `completion_scale` say how many times the measured tokens a real request
    has. `cacheable_prompt_share` is the share of the prompt billed as cached; left out, it is as measured.
    `judged_share` is the share of answers that a judge goes on scoring in production.
    """

    requests_per_month: Annotated[Assumption, within(1, 1e11, "at least one request a month")] | None = None
    users: Annotated[Assumption, within(1, 1e9, "at least one user")] | None = None
    questions_per_user_day: Annotated[Assumption, within(1e-4, 1e5, "more than none")] | None = None
    workdays_per_month: Annotated[Assumption, within(1, 31, "days")] = default(21)
    busy_hour_share: Annotated[Assumption, within(1 / 24, 1, BUSIEST)] = default(0.2)
    burst: Annotated[Assumption, within(1, 100, "1 is no burst")] = default(1.5)
    growth_per_year: YearlyRate = default(0)
    prompt_scale: Annotated[Assumption, within(0.001, 1000)] = default(1)
    completion_scale: Annotated[Assumption, within(0.001, 1000)] = default(1)
    cacheable_prompt_share: Share | None = None
    judged_share: Share = default(0)
    judge_price: Name | None = None
    horizon_months: Annotated[StrictInt, Field(ge=1, le=120)] = 36

    @model_validator(mode="after")
    def _one_volume(self) -> "Workload":
        by_users = (self.users is not None, self.questions_per_user_day is not None)
        if self.requests_per_month is not None:
            if any(by_users):
                invalid("the volume is given twice", "keep requests_per_month, or users and questions_per_user_day")
        elif not all(by_users):
            invalid("there is no volume", "write requests_per_month, or users and questions_per_user_day")
        return self


class Finance(Strict):
    """The currency of all amounts, what a later payment is worth, and what other currencies cost in it."""

    currency: Currency = "USD"
    discount_rate_per_year: Annotated[Assumption, within(-0.99, 1, YEARLY)] = default(0.08)
    api_price_drift_per_year: YearlyRate = default(0)
    rates: dict[Currency, Annotated[Assumption, within(1e-9, 1e9, "units of the scenario's currency for one")]] = Field(
        default_factory=dict
    )


class Energy(Strict):
    """The carbon of a kilowatt hour; left out, no carbon is told."""

    grid_gco2e_per_kwh: Annotated[Assumption, within(0, 2000, "grams of CO2e for one kWh")] | None = None


class Constraints(Strict):
    """What an option must meet; whatever is left out does not count. Quality floors are by criterion, from 1 to 5.

    `decisive_at` is the probability of being cheapest from which a decision is called decisive, `acceptable_from` the
    score that every criterion of an acceptable answer has: 3 is the rubric's "the main answer is right".
    """

    p95_ms: Annotated[float, Field(strict=True, gt=0, le=3_600_000, allow_inf_nan=False)] | None = None
    quality_floor: dict[Name, Annotated[float, Field(strict=True, ge=1, le=5, allow_inf_nan=False)]] = Field(
        default_factory=dict
    )
    budget_per_month: Annotated[float, Field(strict=True, gt=0, le=1e12, allow_inf_nan=False)] | None = None
    budget_upfront: Annotated[float, Field(strict=True, ge=0, le=1e12, allow_inf_nan=False)] | None = None
    allowed_residency: tuple[Name, ...] = ()
    acceptable_from: Annotated[float, Field(strict=True, ge=1, le=5, allow_inf_nan=False)] = 3.0
    decisive_at: Annotated[float, Field(strict=True, gt=0.5, le=1, allow_inf_nan=False)] = 0.8


class Throughput(Strict):
    """A quoted throughput of one machine, for hardware nothing was measured on: answers or tokens a second.

    `places` is how many requests it serves at once at that throughput. `counts` says which tokens a second are meant.
    """

    places: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    answers_per_s: Annotated[Assumption, within(1e-6, 1e6)] | None = None
    tokens_per_s: Annotated[Assumption, within(1e-3, 1e8)] | None = None
    counts: Literal["output", "all"] = "output"

    @model_validator(mode="after")
    def _one(self) -> "Throughput":
        if (self.answers_per_s is None) == (self.tokens_per_s is None):
            invalid("the throughput is given not once", "write answers_per_s or tokens_per_s")
        return self


class Hardware(Strict):
    """A profile of machines. Amounts are a machine, in `currency`, else in the scenario's.

    `owned` machines are there already and cost no purchase; without `capex` no further one can be had. `one_per_user`
    gives every user a machine of their own, so that none is shared. `runs_other_work` leaves idle power out: the
    machines are on anyway. `spares` are the machines beyond the busy hour's need (N+1). Without `throughput` it is what
    was measured.
    """

    label: Text = ""
    currency: Currency | None = None
    capex: Money | None = None
    owned: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = 0
    one_per_user: StrictBool = False
    runs_other_work: StrictBool = False
    spares: Annotated[StrictInt, Field(ge=0, le=100)] = 1
    residual_share: Share = default(0)
    life_months: Annotated[Assumption, within(1, 240, "months")] = default(48)
    rent_per_hour: Money = default(0)
    hours_on_per_month: Annotated[Assumption, within(1, 744, "hours of a month")] = default(730)
    idle_watts: Watts | None = None
    active_watts: Watts | None = None
    pue: Annotated[Assumption, within(1, 4, "power usage effectiveness")] = default(1)
    price_per_kwh: Annotated[Assumption, within(0, 10)] | None = None
    support_per_year: Money = default(0)
    setup_hours: Hours = default(40)
    labour_hours_per_month: Hours = default(8)
    labour_rate_per_hour: Annotated[Assumption, within(0, 10_000)] = default(80)
    throughput: Throughput | None = None

    @model_validator(mode="after")
    def _to_be_had(self) -> "Hardware":
        if self.capex is None and not self.owned and self.rent_per_hour.value == 0 and not self.one_per_user:
            invalid("there is no way to have this machine", "write capex, rent_per_hour, or how many are owned")
        idle, active = self.idle_watts, self.active_watts
        if idle is not None and active is not None and active.value < idle.value:
            invalid(f"active_watts {active.value:g} is below idle_watts {idle.value:g}", "correct one of them")
        return self


class _Option(Strict):
    """What all options have. `remarks` are what is not about cost, `fixed_per_month` is billed whatever is asked."""

    label: Text = ""
    residency: Text = ""
    remarks: tuple[Text, ...] = ()
    fixed_per_month: Money = default(0)


class _Billed(_Option):
    """What options with an API in them have. `prices` maps a measured model to the `provider/model` it is billed by.

    `discount` is negotiated off the list price, `batch_share` the share of requests that may wait for batch prices,
    `wh_per_answer` the energy of an answer in somebody else's data centre.
    """

    prices: dict[Name, Name] = Field(default_factory=dict)
    discount: Share = default(0)
    batch_share: Share = default(0)
    cacheable_prompt_share: Share | None = None
    wh_per_answer: Annotated[Assumption, within(0, 1e5)] | None = None


class Part(Strict):
    """One of two models of a hybrid: the plain target it was measured as, and the hardware; without, it is an API."""

    target: Name
    hardware: Name | None = None


class Api(_Billed):
    """Every stage of a target is billed by the token."""

    kind: Literal["api"]
    target: Name


class SelfHosted(_Option):
    """A target runs on machines of a hardware profile."""

    kind: Literal["self-hosted"]
    target: Name
    hardware: Name


class DraftAndRefine(_Billed):
    """One model drafts every answer, another refines it, the draft counted again as its input.

    `target` is the hybrid as it was measured, for tokens, quality and latency; without it the tokens are put together
    from the parts, and quality and latency are unknown.
    """

    kind: Literal["draft-and-refine"]
    target: Name | None = None
    draft: Part
    refine: Part


class Escalate(_Billed):
    """The local model answers every request, and a share of them is asked again of the remote one.

    `gate_per_1000` is what deciding costs for 1,000 requests; `draft_as_input` sends the local answer along.
    """

    kind: Literal["escalate"]
    target: Name | None = None
    local: Part
    remote: Part
    escalation_share: Share
    gate_per_1000: Money = default(0)
    draft_as_input: StrictBool = True


class DoNothing(_Option):
    """What goes on costing if nothing is built; it is a reference and never recommended."""

    kind: Literal["do-nothing"]
    cost_per_month: Money = default(0)
    cost_per_1000_requests: Money = default(0)


Option = Annotated[Api | SelfHosted | DraftAndRefine | Escalate | DoNothing, Field(discriminator="kind")]


def _hash(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        invalid(f"{shown(text)} is not a hash", "write its 64 digits (0-9, a-f), or leave the table [price_card] out")
    return text


class PinnedCard(Strict):
    """The price card a scenario was made with."""

    name: Name
    date: IsoDate
    sha256: Annotated[StrictStr, AfterValidator(_hash)]


class Scenario(Strict):
    """Everything the TCO is computed from, besides what was measured and the price card."""

    name: Name
    question: Text = ""
    starts_on: IsoDate
    baseline: Name
    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = 1
    draws: Annotated[StrictInt, Field(ge=100, le=100_000)] = 10_000
    price_card: PinnedCard | None = None
    workload: Workload
    money: Finance = Field(default_factory=Finance)
    energy: Energy = Field(default_factory=Energy)
    constraints: Constraints = Field(default_factory=Constraints)
    hardware: dict[Name, Hardware] = Field(default_factory=dict)
    options: Annotated[dict[Name, Option], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _names_fit(self) -> "Scenario":
        invalid_at(self._misfits())
        return self

    def _misfits(self) -> Iterator[Fault]:
        """What does not fit together, though every table is sound by itself."""
        named = {name: list(hardware_of(option)) for name, option in self.options.items()}
        yield from unknown_names(self.baseline, named, list(self.hardware))
        yield from _alike(self.options)
        for name, option in self.options.items():
            for key, hardware in hardware_of(option):
                profile = self.hardware.get(hardware)
                if profile is not None and profile.one_per_user and self.workload.users is None:
                    problem = f"{shown(hardware)} is one machine a user, and the workload has no users"
                    yield Fault(f"options.{name}.{key}", problem, "write workload.users and questions_per_user_day")
        if self.money.currency in self.money.rates:
            problem = f"{self.money.currency} is the scenario's own currency"
            yield Fault(f"money.rates.{self.money.currency}", problem, "remove it: rates are of the other ones")
        criteria = [criterion.id for criterion in built_in().criteria]
        for name in self.constraints.quality_floor:
            near = get_close_matches(name.lower(), criteria, n=1, cutoff=SLIP)
            if near and name not in criteria:
                yield Fault(f"constraints.quality_floor.{name}", "this is no criterion", f"did you mean {near[0]}?")
        for name, profile in self.hardware.items():
            if profile.currency not in (None, self.money.currency, *self.money.rates):
                problem = f"its prices are in {profile.currency}, the scenario's in {self.money.currency}"
                remedy = f"write what one {profile.currency} costs under [money.rates]"
                yield Fault(f"hardware.{name}.currency", problem, remedy)

    @property
    def sha256(self) -> str:
        """The hash of everything in the scenario, whatever the order of its tables."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def unknown_names(
    baseline: Any, named: Mapping[str, Sequence[tuple[str, Any]]], hardware: Sequence[str]
) -> Iterator[Fault]:
    """The names that nothing has: the baseline's, and those of hardware that options give under a key."""
    if isinstance(baseline, str) and baseline not in named:
        yield Fault("baseline", f"{shown(baseline)} is no option", guess(baseline, named))
    for name, found in named.items():
        for key, profile in found:
            if isinstance(profile, str) and profile not in hardware:
                place = f"options.{name}.{key}"
                yield Fault(place, f"{shown(profile)} is not described", guess(profile, hardware))


def _alike(options: Mapping[str, _Option]) -> Iterator[Fault]:
    """Options that a reader could not tell apart: by names that differ in case only, or by their labels."""
    names: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name, option in options.items():
        if (other := names.setdefault(name.casefold(), name)) != name:
            yield Fault(f"options.{name}", f"it differs from {shown(other)} in case only", "call one of them otherwise")
        label = option.label or name
        if (other := labels.setdefault(label.casefold(), name)) != name and name.casefold() != other.casefold():
            problem = f"{shown(label)} is what {shown(other)} is shown as too"
            yield Fault(f"options.{name}.label", problem, "give each option a label of its own")


def hardware_of(option: Any) -> Iterator[tuple[str, str]]:
    """The hardware profiles an option names, each with the key it is named under."""
    if isinstance(option, SelfHosted):
        yield "hardware", option.hardware
    for where in PARTS:
        part = getattr(option, where, None)
        if part is not None and part.hardware is not None:
            yield f"{where}.hardware", part.hardware


def assumptions(scenario: Scenario) -> dict[str, Assumption]:
    """Every assumption by its path, such as `workload.burst` or `hardware.laptop.capex`."""
    return {path: found for path, found, _, _ in _walk(scenario, "")}


def bounds(scenario: Scenario) -> dict[str, Bounds]:
    """What the field of each assumption allows, by path."""
    return {path: _limits(model, field) for path, _, model, field in _walk(scenario, "")}


def _walk(model: BaseModel, path: str) -> Iterator[tuple[str, Assumption, type[BaseModel], str]]:
    """Every assumption below a model with its path, and the field that holds it."""
    for name in type(model).model_fields:
        value, at = getattr(model, name), f"{path}.{name}".lstrip(".")
        if isinstance(value, Assumption):
            yield at, value, type(model), name
        elif isinstance(value, BaseModel):
            yield from _walk(value, at)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, Assumption):
                    yield f"{at}.{key}", inner, type(model), name
                elif isinstance(inner, BaseModel):
                    yield from _walk(inner, f"{at}.{key}")


@cache
def _limits(model: type[BaseModel], field: str) -> Bounds:
    """The bounds written at a field, looked for in its annotation; without any, any number."""
    info: Any = model.model_fields[field]
    pending = [*info.metadata, info.annotation]
    while pending:
        item = pending.pop()
        if isinstance(item, WrapValidator) and isinstance(item.func, Bounds):
            return item.func
        pending += [*getattr(item, "__metadata__", ()), *getattr(item, "__args__", ())]
    return Bounds(float("-inf"), float("inf"))
