"""Which options are out and why, which of the rest is cheapest, and whether that is decisive.

"Not decisive" is a result: no option is the cheapest in so many of the draws that it could be recommended for its cost.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from eval.cost.figure import Figure
from eval.cost.program import Program
from eval.cost.result import Decision, OptionResult
from eval.cost.scenario import DoNothing, Scenario


def reasons_out(
    scenario: Scenario,
    program: Program,
    *,
    fits: bool,
    per_month: Figure,
    upfront: Figure,
    p95: Figure,
    quality: Mapping[str, Figure],
) -> tuple[str, ...]:
    """Why an option cannot be chosen, one sentence each; none where it meets everything.

    A requirement that was not measured counts as not met: an option is not recommended on trust.
    """
    rules = scenario.constraints
    reasons: list[str] = []
    if isinstance(program.option, DoNothing):
        return ("It is the reference: it does not do what is asked for.",)
    if not fits:
        reasons.append("Never on this hardware: the machines that can be had do not bear the busy hour.")
    for criterion, floor in rules.quality_floor.items():
        found = quality.get(criterion)
        if found is None or found.value is None:
            reasons.append(f"Its {criterion} was not measured, and {floor:g} is asked for.")
        elif found.value < floor:
            reasons.append(f"Its {criterion} of {found.value:.2f} is below the {floor:g} that is asked for.")
    if rules.p95_ms is not None:
        if p95.value is None:
            reasons.append(f"Its p95 latency is unknown, and at most {rules.p95_ms:,.0f} ms are allowed.")
        elif p95.value > rules.p95_ms:
            reasons.append(f"Its p95 latency of {p95.value:,.0f} ms is above the {rules.p95_ms:,.0f} ms allowed.")
    for budget, cost, words in (
        (rules.budget_per_month, per_month, "a month"),
        (rules.budget_upfront, upfront, "at the start"),
    ):
        if budget is not None and cost.value is not None and cost.value > Decimal(repr(budget)):
            reasons.append(f"It costs {cost.value:,.0f} {cost.unit} {words}, and {budget:,.0f} are allowed.")
    if rules.allowed_residency:
        allowed = ", ".join(rules.allowed_residency)
        if not program.option.residency:
            reasons.append(f"Where its data goes is not stated, and only {allowed} is allowed.")
        elif program.option.residency.lower() not in {place.lower() for place in rules.allowed_residency}:
            reasons.append(f"Its data goes to {program.option.residency}, and only {allowed} is allowed.")
    return tuple(reasons)


def decide(
    scenario: Scenario,
    options: Sequence[OptionResult],
    probabilities: Mapping[str, float],
    savings: Mapping[str, Figure],
) -> Decision:
    """The decision among the options that are in.

    `probabilities` is the share of draws in which each is cheapest, `savings` what the cheapest saves against each
    other one, with its band.
    """
    origin = "share of draws in which it is the cheapest of the options that are in"
    eligible = sorted(
        (option for option in options if not option.blocked and not option.out and option.npv.value is not None),
        key=lambda option: -probabilities.get(option.name, 0.0),
    )
    if not eligible:
        reason = "No option meets everything that is asked for with all its numbers known."
        unknown = Figure(None, "share", "derived", origin, reason=reason)
        nothing = Figure(None, scenario.money.currency, "derived", origin, reason=reason)
        return Decision("none", None, None, unknown, nothing, reason, ())
    # The likeliest to be the cheapest; where two are as likely, the cheaper at the central values.
    best = min(eligible, key=lambda o: (-probabilities.get(o.name, 0.0), o.npv.value or 0))
    rest = [option for option in eligible if option is not best]
    second = rest[0] if rest else None
    chance = probabilities.get(best.name, 0.0)
    probability = Figure(chance, "share", "derived", origin)
    words = best.label or best.name
    if second is None:
        sentence = f"{words} is the only option that meets everything that is asked for."
        saving = Figure(None, scenario.money.currency, "derived", origin, reason="There is no other option that is in.")
        return Decision("decisive", best.name, None, probability, saving, sentence, _caveats(scenario, best))
    saving = savings[second.name]
    other = second.label or second.name
    if chance >= scenario.constraints.decisive_at:
        verdict = "decisive"
        sentence = (
            f"{words} is the cheapest of what meets everything that is asked for in {_percent(chance)} of the draws."
        )
    else:
        verdict = "not decisive"
        sentence = (
            f"Not decisive: {words} is the cheapest in {_percent(chance)} of the draws, {other} in "
            f"{_percent(probabilities.get(second.name, 0.0))}, and {_percent(scenario.constraints.decisive_at)} are "
            "asked for."
        )
    return Decision(verdict, best.name, second.name, probability, saving, sentence, _caveats(scenario, best))


def _percent(share: float) -> str:
    """A share in whole percent that says 100 only where it is all, and 0 only where it is none."""
    if 0.99 < share < 1:
        return "more than 99 %"
    return "less than 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def _caveats(scenario: Scenario, option: OptionResult) -> tuple[str, ...]:
    found, words = [], option.label or option.name
    for criterion, floor in scenario.constraints.quality_floor.items():
        figure = option.quality.get(criterion)
        if figure is not None and figure.low is not None and figure.low < floor:
            found.append(
                f"The interval of {words}'s {criterion} begins at {figure.low:.2f}, below {floor:g}: more questions "
                "may show that it misses the floor."
            )
    limit = scenario.constraints.p95_ms
    if limit is not None and option.p95.high is not None and option.p95.high > limit:
        found.append(
            f"The interval of {words}'s p95 latency reaches to {option.p95.high:,.0f} ms, above what is allowed."
        )
    return tuple(found)
