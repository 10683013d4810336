"""The TCO of a scenario: scenario, measurements and price card in, one Result out.

The one function that pages, commands and reports call. Pure: the same three inputs give the same result, draws too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from eval.cost import prose
from eval.cost.assumption import Spread, central
from eval.cost.bill import Workings, bill, workings
from eval.cost.break_even import Crossing, crossing, curve
from eval.cost.build import priced, unpriced
from eval.cost.compile import Compiler
from eval.cost.decision import decide, few_hand_scores, late_ceilings, near_misses, open_rivals, ranked, reasons_out
from eval.cost.evidence import evidence
from eval.cost.figure import Figure, Series
from eval.cost.margins import margins
from eval.cost.measured import Measured
from eval.cost.price_card import PriceCard
from eval.cost.program import Program
from eval.cost.register import LIMITS, label_of, number, register, unit_of, warnings
from eval.cost.result import BreakEven, CostCurve, Decision, FlipPoint, OptionResult, Result, Sensitivity
from eval.cost.scenario import Scenario, bounds
from eval.cost.uncertainty import Draws, cheapest, flips, npvs, percentiles, simulate, tornado, used_keys

GRID = "energy.grid_gco2e_per_kwh"
FAR = 5.0  # times the last month's volume, beyond which a break-even is told but not drawn
BEYOND = 1.25  # of the largest volume to be shown, so that it does not lie at the edge


def evaluate(scenario: Scenario, measured: Mapping[str, Measured], card: PriceCard) -> Result:
    """The TCO. `measured` holds the targets by name. An option that lacks something is in it with the reason."""
    return _Evaluation(scenario, measured, card).result()


class _Evaluation:
    """Holds what the parts of a result share while it is made."""

    def __init__(self, scenario: Scenario, measured: Mapping[str, Measured], card: PriceCard) -> None:
        self.scenario, self.card = scenario, card
        compiler = Compiler(scenario, measured, card)
        self.programs = compiler.programs()
        self.spreads: Mapping[str, Spread] = compiler.spreads
        self.estimates, self.stated = compiler.estimates, compiler.assumed
        self.billable = [program for program in self.programs.values() if not program.unpriced]
        self.w: Workings = workings(scenario, central(self.spreads))
        self.draws: Draws = simulate(scenario, self.billable, self.spreads)
        self.points = npvs(scenario, self.billable, self.w.values)
        self.currency = scenario.money.currency

    def result(self) -> Result:
        scenario, card = self.scenario, self.card
        options = [self._option(program) for program in self.programs.values()]
        eligible = [option.name for option in options if not option.blocked and not option.out]
        chances = cheapest(self.draws.npv, self.draws.fits, eligible)
        options = [self._with_chance(option, chances) for option in options]
        decision = self._decision(options, chances)
        pair = self._pair(decision)
        break_even = tuple(self._break_evens())
        watched = used_keys(scenario, self.billable, self.spreads)
        pinned = scenario.price_card is not None and scenario.price_card.sha256 == card.sha256
        return Result(
            scenario=scenario.name,
            question=scenario.question,
            scenario_sha256=scenario.sha256,
            card=card.name,
            card_date=card.date,
            card_sha256=card.sha256,
            card_is_pinned=pinned,
            currency=self.currency,
            starts_on=scenario.starts_on,
            baseline=scenario.baseline,
            months=self._chosen(scenario.workload.horizon_months, "months", "workload.horizon_months"),
            draws=self._chosen(scenario.draws, "draws", "draws"),
            seed=self._chosen(scenario.seed, "seed", "seed"),
            workload=dict(self._workload()),
            requirements=dict(self._requirements()),
            allowed_residency=scenario.constraints.allowed_residency,
            options=tuple(options),
            decision=decision,
            break_even=break_even,
            curves=tuple(self._curves(break_even)),
            tornado=tuple(self._tornado(pair)) if pair else (),
            tornado_of=pair,
            flips=tuple(self._flips(eligible, decision)),
            margins=tuple(
                margins(options, dict(self._requirements()), decision.option, partial(self._chosen_with, options))
            ),
            register=register(scenario, self.stated, [*watched, *self._carbon_key(options)]),
            evidence=tuple(evidence(list(self.programs.values()))),
            warnings=tuple(warnings(scenario, card, list(self.programs.values()))),
            limits=LIMITS,
        )

    def _chosen(self, value: float, unit: str, key: str) -> Figure:
        return Figure(value, unit, "assumed", f"{key} of the scenario")

    # --- options ------------------------------------------------------------------------------------------------------

    def _option(self, program: Program) -> OptionResult:
        """An option with its money, its saving and the reasons why it is out."""
        if program.unpriced:
            return unpriced(self.scenario, self.card, program)
        saving = self._saving(program.name, self.scenario.baseline)
        made = priced(self.scenario, self.card, program, self.w, self.draws, saving)
        feasible = bill(program, self.w).feasible
        out = reasons_out(
            self.scenario,
            program,
            fits=feasible is None or bool(feasible[0, 0] > 0),
            per_month=made.per_month,
            upfront=made.upfront,
            p95=made.p95,
            scaled=made.scaled,
            quality=made.quality,
        )
        notes = made.notes
        short = float(1 - self.draws.fits[program.name].mean())
        if short > 0:
            notes = (*notes, f"In {short:.0%} of the draws its machines do not bear the busy hour.")
        return replace(made, out=out, notes=notes)

    def _saving(self, name: str, against: str) -> Figure:
        """What an option saves against another, net present value, with the band of the difference."""
        origin = f"net present value of {against} less that of {name}"
        if against not in self.draws.npv:
            reason = f"The cost of {against} is unknown."
            return Figure(None, self.currency, "derived", origin, reason=reason)
        low, _, high = percentiles((self.draws.npv[against] - self.draws.npv[name])[None, :])[:, 0].tolist()
        saved = float(self.points[against][0] - self.points[name][0])
        return Figure(saved, self.currency, "derived", origin, low, high)

    def _with_chance(self, option: OptionResult, chances: Mapping[str, float]) -> OptionResult:
        origin = f"share of {self.scenario.draws:,} draws, among {', '.join(chances) or 'none'}"
        if option.name in chances:
            return replace(option, probability_cheapest=Figure(chances[option.name], "share", "derived", origin))
        reason = option.blocked[0] if option.blocked else f"It is out: {option.out[0]}"
        return replace(option, probability_cheapest=Figure(None, "share", "derived", origin, reason=reason))

    def _decision(self, options: Sequence[OptionResult], chances: Mapping[str, float]) -> Decision:
        ranking = ranked(options, chances)
        pair = (ranking[0].name, ranking[1].name) if len(ranking) > 1 else None
        saving, middle = (self._saving(*pair), self._saved_in_the_middle(*pair)) if pair else (None, None)
        saving = replace(saving, low=None, high=None) if saving else None  # the band stands with the median
        decision = decide(self.scenario, ranking, chances, saving, middle, open_rivals(self.scenario, options))
        caveats = decision.caveats + near_misses(self.scenario, options) + late_ceilings(self.scenario, options)
        return replace(decision, caveats=caveats, hand_scores=few_hand_scores(self.scenario, options))

    def _saved_in_the_middle(self, name: str, against: str) -> Figure:
        """The median of what an option saves against another in the draws, with its band."""
        low, middle, high = percentiles((self.draws.npv[against] - self.draws.npv[name])[None, :])[:, 0].tolist()
        origin = f"median over {self.scenario.draws:,} draws: net present value of {against} less that of {name}"
        return Figure(middle, self.currency, "derived", origin, low, high)

    def _chosen_with(self, options: Sequence[OptionResult], extra: str) -> bool:
        """Whether an option that is out would be the chosen one if it were in; not where its cost is unknown."""
        if extra not in self.draws.npv:
            return False
        among = [replace(o, out=()) if o.name == extra else o for o in options]
        names = [option.name for option in among if not option.blocked and not option.out]
        return ranked(among, cheapest(self.draws.npv, self.draws.fits, names))[0].name == extra

    def _pair(self, decision: Decision) -> tuple[str, str] | None:
        """Whose saving the tornado shows: the chosen option's against the baseline, else against the runner-up."""
        if decision.option is None:
            return None
        against = self.scenario.baseline
        if against == decision.option or self.programs[against].unpriced:
            against = decision.runner_up or ""
        return (decision.option, against) if against else None

    # --- what moves it ------------------------------------------------------------------------------------------------

    def _end(self, key: str, value: float, which: str) -> Figure:
        """One end of a number's range, which follows from what was stated or measured of it."""
        given = number(key, self.scenario, self.stated, self.estimates)
        return Figure(value, given.unit, "derived", f"{which} of {key} ({given.kind}: {given.origin})")

    def _tornado(self, pair: tuple[str, str]) -> Iterator[Sensitivity]:
        for bar in tornado(self.scenario, self.programs, self.spreads, *pair):
            origin = f"saving of {pair[0]} against {pair[1]} with {bar.key} at this value, all others central"
            at = [Figure(saving, self.currency, "derived", origin) for saving in (bar.at_low, bar.at_high)]
            ends = self._end(bar.key, bar.low, "10th percentile"), self._end(bar.key, bar.high, "90th percentile")
            yield Sensitivity(bar.key, label_of(bar.key, self.scenario), *ends, *at)

    def _flips(self, eligible: Sequence[str], decision: Decision) -> Iterator[FlipPoint]:
        """What would make another option the cheapest at the central values; the chosen one too, where it is not."""
        for flip in flips(self.scenario, self.programs, self.spreads, bounds(self.scenario), eligible):
            option = self.programs[flip.cheapest].option
            label, unit = label_of(flip.key, self.scenario), unit_of(flip.key, self.scenario)
            origin = f"where the cheapest option changes, with {flip.key} moved alone"
            value = Figure(flip.value, unit, "derived", origin)
            now = prose.words(Figure(flip.central, unit, "derived", origin))
            where = "within the stated range" if flip.inside else "outside the stated range"
            chosen = flip.cheapest == decision.option
            becomes = "is the cheapest at the central values too" if chosen else "becomes the cheapest"
            sentence = (
                f"{option.label or flip.cheapest} {becomes} where {prose.in_a_sentence(label)} is {prose.words(value)} "
                f"instead of {now}, {where}."
            )
            central_value = number(flip.key, self.scenario, self.stated, self.estimates)
            yield FlipPoint(flip.key, label, central_value, value, flip.cheapest, flip.inside, sentence)

    def _break_evens(self) -> Iterator[BreakEven]:
        """Every option with machines against the one that is billed by the token: the baseline, else the first."""
        by_token = [p for p in self.billable if p.api and not p.machines]
        first = next((p for p in by_token if p.name == self.scenario.baseline), by_token[0] if by_token else None)
        for program in self.billable:
            if first is not None and program.machines:
                yield self._break_even(crossing(self.scenario, program, first, self.spreads))

    def _curves(self, found: Sequence[BreakEven]) -> Iterator[CostCurve]:
        """The cost by volume of all options that a break-even is told of, up to where the eye needs it."""
        last = float(self.w.answers[0, -1])
        near = [float(x.volume.value) for x in found if x.volume.value is not None and x.volume.value <= FAR * last]
        top = BEYOND * max([last, *near])
        for name in dict.fromkeys(name for each in found for name in (each.against, each.option)):
            volumes, costs = curve(self.scenario, self.programs[name], self.spreads, top)
            origin = f"options.{name}: effective cost of the first month by its volume, all else central"
            yield CostCurve(
                name,
                Series(tuple(volumes.tolist()), "requests/month", "derived", origin, "volume"),
                Series(tuple(costs.tolist()), self.currency, "derived", origin, "volume"),
            )

    def _break_even(self, found: Crossing) -> BreakEven:
        ours, theirs = (self.programs[name].option.label or name for name in (found.option, found.against))
        origin = f"effective cost of the first month, {found.option} against {found.against}"
        never = f"Never on this hardware: {ours} stays dearer than {theirs} at every volume."
        unsaved = "What is paid for it is not saved within the horizon."
        low, high = (found.band[0], found.band[2]) if found.band else (None, None)
        requests = "requests/month"

        def known(value: float | None, unit: str, reason: str) -> Figure:
            return Figure(value, unit, "derived", origin, reason=None if value is not None else reason)

        volume = replace(known(found.first, requests, never), low=low, high=high)
        whole = f"net present value over {self.w.months} months by the first month's volume, {found.option} against "
        horizon = Figure(
            found.whole, requests, "derived", whole + found.against, reason=None if found.whole is not None else never
        )
        return BreakEven(
            found.option,
            found.against,
            volume,
            horizon,
            None if found.lost_at is None else known(found.lost_at, requests, ""),
            None if found.for_good is None else known(found.for_good, requests, ""),
            Figure(found.never, "share", "derived", "share of draws without a break-even"),
            known(found.months, "months", unsaved),
            known(found.return_per_year, "share/year", unsaved),
            _met(found, ours, theirs),
        )

    def _carbon_key(self, options: Sequence[OptionResult]) -> list[str]:
        """The key of the grid's carbon where it is in the result: it moves no cost."""
        return [GRID] if GRID in self.stated and any(o.carbon.value is not None for o in options) else []

    # --- what it rests on ---------------------------------------------------------------------------------------------

    def _workload(self) -> Iterator[tuple[str, Figure]]:
        origin = "workload"
        months = [float(x) for x in np.broadcast_to(self.w.answers, (1, self.w.months))[0]]
        yield "requests in the first month", Figure(months[0], "requests", "derived", origin)
        yield "requests in the last month", Figure(months[-1], "requests", "derived", origin)
        yield "requests over the horizon", Figure(sum(months), "requests", "derived", origin)
        yield "busiest minutes of the last month", Figure(float(self.w.per_s[0, -1]), "requests/s", "derived", origin)

    def _requirements(self) -> Iterator[tuple[str, Figure]]:
        rules = self.scenario.constraints
        for criterion, floor in rules.quality_floor.items():
            yield f"{criterion}, at least", Figure(floor, "of 5", "assumed", "constraints.quality_floor")
        for words, name, unit in (
            ("p95 latency, at most", "p95_ms", "ms"),
            ("a month, at most", "budget_per_month", self.currency),
            ("at the start, at most", "budget_upfront", self.currency),
            ("decisive from", "decisive_at", "share"),
        ):
            value = getattr(rules, name)
            if value is not None:
                yield words, Figure(value, unit, "assumed", f"constraints.{name}")


def _met(found: Crossing, ours: str, theirs: str) -> str:
    """Where two options meet, in words: at the first month's prices, and over the whole horizon."""
    if found.first is None and found.whole is None:
        return f"Never on this hardware: {ours} stays dearer than {theirs} at every volume, and over the whole horizon."
    if found.first is None:
        sentence = f"At the first month's prices {ours} stays dearer than {theirs} at every volume."
    elif found.lost_at is None:
        sentence = (
            f"At the first month's prices {ours} costs no more than {theirs} from {found.first:,.0f} requests a month."
        )
    else:
        sentence = (
            f"At the first month's prices {ours} costs no more than {theirs} from {found.first:,.0f} to "
            f"{found.lost_at:,.0f} requests a month; there a further machine brings its cost back in"
        )
        sentence += f", until {found.for_good:,.0f}." if found.for_good is not None else "."
    over = "Over the whole horizon, with growth, price changes and discounting, it"
    if found.whole is None:
        return f"{sentence} {over} stays dearer at every volume."
    until = "" if found.whole_lost_at is None else f" to {found.whole_lost_at:,.0f}"
    return f"{sentence} {over} does so from {found.whole:,.0f}{until} requests in the first month."
