"""What the TCO of a scenario is: every number a Figure or a Series with its kind and origin, nothing bare.

A narrative, a page or a file is written from a Result alone. evaluate.py makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from eval.cost.figure import Figure, Series

CENTRAL = "central values"  # of all assumptions: what an amount is at them is one draw among all
MEDIAN = "median of the draws"  # and the percentiles about it are those of the draws too
BY_JUDGE = "by the judge's scores"  # which answers are acceptable: people's scores, of samples, do not tell it
SCALED = "scaled to the workload's lengths"  # of a latency that is not the measured one


@dataclass(frozen=True, slots=True)
class HeadCost:
    """One head of an option's cost over the horizon, in the three views of FOCUS, and its share of the effective."""

    head: str
    list_cost: Figure
    effective_cost: Figure
    billed_cost: Figure
    share: Figure


@dataclass(frozen=True, slots=True)
class Fan:
    """The cumulative billed cost at the times 0 to T: 10th, 50th and 90th percentile over the draws."""

    p10: Series
    p50: Series
    p90: Series


@dataclass(frozen=True, slots=True)
class Capacity:
    """Machines of one part of an option. Waiting is that of the busiest minutes of the last month, spares left aside.

    Machines that are not `shared` serve one person each: one place, no queue, no wait for another's request.
    `working_first` are those of the first month without the spares, and `bears_first` the requests a month that these
    bear.

    `steps` pairs a number of machines with the requests a month they bear. `basis` says what the throughput rests on.
    """

    part: str
    hardware: str
    shared: bool
    places: Figure
    service: Figure
    machines_first: Figure
    machines_last: Figure
    working_first: Figure
    bears_first: Figure
    utilisation: Figure
    waiting_probability: Figure
    mean_wait: Figure
    p95_wait: Figure
    sequential: bool
    quoted: bool
    basis: str
    steps: tuple[tuple[Figure, Figure], ...]


@dataclass(frozen=True, slots=True)
class AnswerCost:
    """What one answer costs by the measured tokens at list price: its own tokens, repeated requests, judging it."""

    tokens: Figure
    retries: Figure
    judge: Figure


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """Prices an option is billed by; `label` says that they are hypothetical or borrowed, where they are.

    `row` names the row of the price card with the context tier, the first month of several, and whether for a batch.
    """

    row: str
    model: str
    input: Figure
    cached_input: Figure
    output: Figure
    label: str
    source: str
    valid_from: str | None
    valid_until: str | None
    retires_on: str | None
    note: str


@dataclass(frozen=True, slots=True)
class OptionResult:
    """One option. With `blocked` sentences its money is unknown; with `out` reasons it cannot be chosen.

    Money is over the horizon unless its name says otherwise. `npv` is that of the central values; its median over the
    draws, `npv_p50`, and `saving` (of the central values, against the baseline) have the percentiles 10 and 90 of the
    draws as low and high, measured figures their 95 % interval.
    `p50` and `p95` are `latency_scale` times what was measured, because the workload's prompts and answers are longer.
    `client_limited` of the answers behind `p50` and `p95` were measured while the measuring computer was itself late.
    `hand_scored` counts the questions whose hand scores entered the quality on a criterion, `hand_scores_given` all
    those that people scored.
    `grown` says what growth does to machines of one person each, and who pays for them.
    `power` says whether the watts behind its energy are measured or assumed, and where they come from.
    `providers` are those that it sends requests to, by the prices it is billed by; a judge's is not among them.
    """

    name: str
    label: str
    kind: str
    target: str | None
    residency: str
    simulated: bool
    hypothetical: bool
    blocked: tuple[str, ...]
    out: tuple[str, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    list_cost: Figure
    effective_cost: Figure
    billed_cost: Figure
    upfront: Figure
    npv: Figure
    npv_p50: Figure
    per_month: Figure
    per_1000: Figure
    per_1000_acceptable: Figure
    saving: Figure
    probability_cheapest: Figure
    energy: Figure
    power: str
    providers: tuple[str, ...]
    carbon: Figure
    quality: Mapping[str, Figure]
    hand_scored: Mapping[str, Figure]
    hand_scores_given: Mapping[str, Figure]
    acceptable: Figure
    p50: Figure
    p95: Figure
    latency_scale: Figure
    client_limited: Figure
    answer: AnswerCost
    heads: tuple[HeadCost, ...] = ()
    effective_by_month: Series | None = None
    list_by_month: Series | None = None
    billed_by_month: Series | None = None
    fan: Fan | None = None
    capacity: tuple[Capacity, ...] = ()
    grown: tuple[str, ...] = ()
    prices: tuple[PriceUsed, ...] = ()

    @property
    def standing(self) -> str:
        """Whether it can be chosen, in a word or two."""
        return "blocked" if self.blocked else "out" if self.out else "meets everything"

    @property
    def scaled(self) -> bool:
        """Whether its latency is another than the measured one."""
        return self.p95.value is not None and self.latency_scale.value not in (None, 1.0)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where an option with machines meets another. `sentence` says it, also that it never does.

    `volume` is at the first month's prices. `horizon_volume` is the first month's volume from which it costs no more
    over the whole horizon: net present value, with growth and price changes.
    """

    option: str
    against: str
    volume: Figure
    horizon_volume: Figure
    lost_at: Figure | None
    for_good_from: Figure | None
    never_share: Figure
    months_to_recover: Figure
    return_per_year: Figure
    sentence: str


@dataclass(frozen=True, slots=True)
class CostCurve:
    """What a month costs with an option by its volume, at the first month's prices and the machines it takes."""

    option: str
    volumes: Series
    costs: Series


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One bar of the tornado: what the saving becomes at the 10th and the 90th percentile of one number.

    `label` is the number in words.
    """

    key: str
    label: str
    p10: Figure
    p90: Figure
    saving_at_p10: Figure
    saving_at_p90: Figure


@dataclass(frozen=True, slots=True)
class FlipPoint:
    """The value of one number from which another option is the cheapest, all others at their central values.

    `inside` its stated range or beyond it. `label` is the number in words.
    """

    key: str
    label: str
    central: Figure
    value: Figure
    cheapest: str
    inside: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Margin:
    """Where one requirement, moved alone, lets an option in or out: its bound now, and the value where it does.

    `option` comes in there, chosen or not, or goes out where it is the chosen one.
    """

    requirement: str
    bound: Figure
    value: Figure
    option: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: `verdict` is "decisive", "not decisive" or "none". `option` is the one chosen by decision.RULE.

    `central` is the cheapest at the central values alone, of those that meet everything; mostly the same. What is saved
    to the runner-up is told at the central values and as the median of the draws, which has the band of the draws.
    `hand_scores` says where few of them, or none, are behind who meets a quality floor: to be read with the decision.
    `caveats` are why a reader should hesitate although the number is high: intervals that straddle a floor. Made-up
    prices and simulated runs are among the result's warnings.
    """

    verdict: str
    option: str | None
    runner_up: str | None
    central: str | None
    probability: Figure
    saving_to_runner_up: Figure
    saving_p50: Figure
    sentence: str
    caveats: tuple[str, ...]
    hand_scores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assumed:
    """One line of the assumption register; `used` says whether any option's cost, energy or carbon depends on it.

    `label` is the number in words.
    """

    key: str
    label: str
    figure: Figure
    shape: str
    used: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured of one target, for the reader who asks on what this rests.

    Tokens are those of an answer, `cached` a part of `prompt` and `reasoning` of `completion`; `judge_...` those that
    judging it took. `service` is the mean time of an answer, at `concurrency` requests at once. `client_limited` of the
    answers were measured while the measuring computer was itself late, which `lateness` says in sentences, of every run
    that tells what the target bears; it is empty where no answer was. `questions` names the QA set with its version and
    hash.
    """

    target: str
    answers: Figure
    errors: Figure
    client_limited: Figure
    lateness: tuple[str, ...]
    tokens_per_s: Figure
    prompt: Figure
    cached: Figure
    completion: Figure
    reasoning: Figure
    judge_prompt: Figure
    judge_completion: Figure
    service: Figure
    concurrency: Figure
    questions: str
    hardware: str
    date: str
    judge: str
    scored_by: str
    acceptable_from: Figure
    runs: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The TCO of a scenario with everything a narrative needs, and nothing that would have to be looked up."""

    scenario: str
    question: str
    scenario_sha256: str
    card: str
    card_date: str
    card_sha256: str
    card_is_pinned: bool
    currency: str
    starts_on: str
    baseline: str
    months: Figure
    draws: Figure
    seed: Figure
    workload: Mapping[str, Figure]
    requirements: Mapping[str, Figure]
    allowed_residency: tuple[str, ...]
    options: tuple[OptionResult, ...]
    decision: Decision
    break_even: tuple[BreakEven, ...]
    curves: tuple[CostCurve, ...]
    tornado: tuple[Sensitivity, ...]
    tornado_of: tuple[str, str] | None
    flips: tuple[FlipPoint, ...]
    margins: tuple[Margin, ...]
    register: tuple[Assumed, ...]
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def grown(self) -> Mapping[str, tuple[OptionResult, ...]]:
        """What growth does to machines of one person each, by sentence, with the options that use them."""
        sentences = dict.fromkeys(sentence for option in self.options for sentence in option.grown)
        return {text: tuple(option for option in self.options if text in option.grown) for text in sentences}

    def option(self, name: str) -> OptionResult:
        """The result of an option; raises KeyError for a name that is none."""
        for found in self.options:
            if found.name == name:
                return found
        raise KeyError(name)
