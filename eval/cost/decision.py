"""Which options are out and why, which of the rest is cheapest, and whether that is decisive.

One rule decides: of the options that meet everything, the one that is the cheapest (net present value) in the largest
share of the draws is chosen. The central values only break a tie: they are one draw among all, and where ranges lean to
one side they are not the likeliest. It is decisive where the share reaches `constraints.decisive_at` and no rival's
cost is unknown. "Not decisive" is a result: no option is the cheapest in so many of the draws that it could be
recommended for its cost.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from eval.cost.figure import Figure
from eval.cost.program import Program
from eval.cost.result import SCALED, Decision, OptionResult
from eval.cost.scenario import DoNothing, Scenario
from eval.enumeration import listed

RULE = (
    "Of the options that meet everything, the one that is the cheapest in the largest share of the draws is chosen; "
    "the central values only break a tie."
)
FEW_HAND_SCORES = 20  # questions: below it a further one may still move the quality by a tenth of a point and more


def reasons_out(
    scenario: Scenario,
    program: Program,
    *,
    fits: bool,
    per_month: Figure,
    upfront: Figure,
    p95: Figure,
    scaled: bool,
    quality: Mapping[str, Figure],
) -> tuple[str, ...]:
    """Why an option cannot be chosen, one sentence each; none where it meets everything.

    A requirement that was not measured counts as not met: an option is not recommended on trust. `scaled` says that
    the p95 latency is not the measured one.
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
            of = f"{p95.value:,.0f} ms, {SCALED}," if scaled else f"{p95.value:,.0f} ms"
            reasons.append(f"Its p95 latency of {of} is above the {rules.p95_ms:,.0f} ms allowed.")
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


def ranked(options: Sequence[OptionResult], probabilities: Mapping[str, float]) -> list[OptionResult]:
    """The options that are in, the likeliest to be the cheapest first; of two as likely the cheaper at the central
    values.
    """
    eligible = [option for option in options if not option.blocked and not option.out and option.npv.value is not None]
    return sorted(eligible, key=lambda o: (-probabilities.get(o.name, 0.0), o.npv.value or 0))


def open_rivals(scenario: Scenario, options: Sequence[OptionResult]) -> tuple[str, ...]:
    """The blocked options, as a reader knows them, that may yet be the cheapest: nothing known rules them out."""
    rules = scenario.constraints
    allowed = {place.lower() for place in rules.allowed_residency}
    found = []
    for option in options:
        away = bool(allowed and option.residency) and option.residency.lower() not in allowed
        scores = (
            (option.quality[name].value, floor) for name, floor in rules.quality_floor.items() if name in option.quality
        )
        poor = any(value is not None and value < floor for value, floor in scores)
        if option.blocked and not option.out and not away and not poor:
            found.append(option.label or option.name)
    return tuple(found)


def decide(
    scenario: Scenario,
    ranking: Sequence[OptionResult],
    probabilities: Mapping[str, float],
    saving: Figure | None,
    saving_p50: Figure | None,
    unknown: Sequence[str] = (),
) -> Decision:
    """The decision among the options that are in, the best first as `ranked` gives them.

    `probabilities` is the share of draws in which each is cheapest, `saving` what the first saves against the second at
    the central values, `saving_p50` the median of the draws with its band. `unknown` names options whose cost
    cannot be computed: with any of them nothing is decisive.
    """
    origin = "share of draws in which it is the cheapest of the options that are in"
    currency = scenario.money.currency
    if not ranking:
        reason = "No option meets everything that is asked for with all its numbers known."
        nothing = Figure(None, currency, "derived", origin, reason=reason)
        chance = Figure(None, "share", "derived", origin, reason=reason)
        return Decision("none", None, None, None, chance, nothing, nothing, reason, ())
    best, second = ranking[0], ranking[1] if len(ranking) > 1 else None
    chance = probabilities.get(best.name, 0.0)
    words = best.label or best.name
    clear = second is None or chance >= scenario.constraints.decisive_at
    if second is None:
        sentence = f"{words} is the only option that meets everything that is asked for."
    elif clear:
        sentence = (
            f"{words} is the cheapest of what meets everything that is asked for in {_percent(chance)} of the draws."
        )
    else:
        sentence = (
            f"Not decisive: {words} is the cheapest in {_percent(chance)} of the draws, {second.label or second.name} "
            f"in {_percent(probabilities.get(second.name, 0.0))}, and {_percent(scenario.constraints.decisive_at)} are "
            "asked for."
        )
    central = min(ranking, key=lambda option: option.npv.value or 0)
    alone = Figure(None, currency, "derived", origin, reason="There is no other option that is in.")
    if central is not best:
        sentence += (
            f" At the central values alone {central.label or central.name} is the cheapest; the decision follows the "
            "draws, because they count the whole range of every assumption."
        )
    if unknown:
        sentence = f"Not decisive: {sentence}" if clear else sentence
        sentence += f" What {listed(unknown)} would cost is unknown, and may be less."
    return Decision(
        "decisive" if clear and not unknown else "not decisive",
        best.name,
        second.name if second else None,
        central.name,
        Figure(chance, "share", "derived", origin),
        saving or alone,
        saving_p50 or alone,
        sentence,
        tuple(sentence for option in ranking for sentence in _caveats(scenario, option)),
    )


def few_hand_scores(scenario: Scenario, options: Sequence[OptionResult]) -> tuple[str, ...]:
    """Where few hand scores, or none, are behind who meets a quality floor: a sentence a criterion and number.

    Nothing is said of an option whose hand scores were not counted, or that was not scored.
    """
    found: list[str] = []
    for criterion in scenario.constraints.quality_floor:
        by_number: dict[tuple[int, int], list[str]] = {}  # by how many entered, and how many there are
        for option in options:
            counted, quality = option.hand_scored.get(criterion), option.quality.get(criterion)
            if counted is not None and counted.value is not None and quality is not None and not option.blocked:
                given = option.hand_scores_given.get(criterion, counted).value
                counts = int(counted.value), int(given or 0)
                by_number.setdefault(counts, []).append(option.label or option.name)
        for (number, given), names in sorted(by_number.items()):
            whose = (
                f"Whether {listed(names)} {'meets' if len(names) == 1 else 'meet'} the floor of {criterion} rests on"
            )
            more = "let people score a random sample of answers before it is relied on."
            if number == given == 0:
                found.append(f"{whose} the judge's scores alone, with no hand scores to correct them: {more}")
            elif number == 0:
                there = f"hand scores of {_questions(given)} only, which do not correct them"
                found.append(f"{whose} the judge's scores alone, with {there}: {more}")
            elif number < FEW_HAND_SCORES:
                found.append(f"{whose} hand scores of {_questions(number)} only: {more}")
    return tuple(found)


def near_misses(scenario: Scenario, options: Sequence[OptionResult]) -> tuple[str, ...]:
    """Which options are out by a value whose interval reaches beyond the bound, a sentence for each bound.

    Those that are in by such a value are told with the decision.
    """
    found, limit = [], scenario.constraints.p95_ms
    for option in options:
        if option.blocked or not option.out:
            continue
        words = option.label or option.name
        for criterion, floor in scenario.constraints.quality_floor.items():
            its = option.quality.get(criterion)
            if its is not None and its.value is not None and its.high is not None and its.value < floor < its.high:
                found.append(
                    f"The interval of {words}'s {criterion} reaches {its.high:.2f}, above {floor:g} (n = {its.n}): "
                    "more questions or hand scores may show that it meets the floor."
                )
        low, value, n = option.p95.low, option.p95.value, option.p95.n
        if limit is not None and low is not None and value is not None and low < limit < value:
            found.append(
                f"The interval of {words}'s p95 latency{f', {SCALED},' if option.scaled else ''} begins at "
                f"{low:,.0f} ms, below the {limit:,.0f} ms allowed (n = {n}): more questions may show that it keeps "
                "the ceiling."
            )
    return tuple(found)


def late_ceilings(scenario: Scenario, options: Sequence[OptionResult]) -> tuple[str, ...]:
    """Which decisions on the p95 ceiling rest on answers that were measured while the measuring computer was late."""
    limit = scenario.constraints.p95_ms
    named: dict[bool, list[str]] = {}
    for option in options:
        late, p95 = option.client_limited, option.p95
        if limit is not None and late.value and p95.value is not None:
            counted = f"{option.label or option.name} ({late.value:,.0f} of {late.n:,} answers)"
            named.setdefault(p95.value > limit, []).append(counted)
    ends = {
        False: "it keeps the ceiling all the same.",
        True: "it is above the ceiling. Measure again while that computer does nothing else.",
    }
    return tuple(
        f"The p95 latency of {listed(names)} was partly measured while the measuring computer was itself late, so "
        f"that it may be too long; {ends[missed]}"
        for missed, names in named.items()
    )


def _questions(number: int) -> str:
    return "1 question" if number == 1 else f"{number:,} questions"


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
                f"The interval of {words}'s {criterion} begins at {figure.low:.2f}, below {floor:g} (n = {figure.n}): "
                "more scores may show that it misses the floor."
            )
    limit = scenario.constraints.p95_ms
    if limit is not None and option.p95.high is not None and option.p95.high > limit:
        found.append(
            f"The interval of {words}'s p95 latency{f', {SCALED},' if option.scaled else ''} reaches to "
            f"{option.p95.high:,.0f} ms, above what is allowed."
        )
    return tuple(found)
