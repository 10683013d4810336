"""Puts a scenario, what was measured and the price card together: which tokens and machines each option takes.

Says here, once, what cannot be computed and why; bill.py then only calculates. An option that lacks something has
`blocked` sentences and no total, the others go on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from eval.cost.assumption import Spread
from eval.cost.capacity import Machine, bearable, load_at, machine_at
from eval.cost.faults import guess
from eval.cost.measured import Load, Measured, StageUse, stretch
from eval.cost.periods import may_be, periods, unknown_prices
from eval.cost.price_card import PriceCard
from eval.cost.program import ApiPart, MachinePart, Period, Program, Tokens
from eval.cost.result import SCALED
from eval.cost.scenario import (
    Api,
    DoNothing,
    DraftAndRefine,
    Escalate,
    Option,
    Part,
    Scenario,
    SelfHosted,
    assumptions,
    bounds,
)
from eval.stats.intervals import Estimate


class _Problems:
    """Collects what is wrong with one option while it is put together."""

    def __init__(self) -> None:
        self.blocked: list[str] = []
        self.never: list[str] = []
        self.notes: list[str] = []
        self.sources: dict[str, Measured] = {}


class Compiler:
    """Makes the programs of a scenario's options; `spreads` then holds every number they refer to by key."""

    def __init__(self, scenario: Scenario, measured: Mapping[str, Measured], card: PriceCard) -> None:
        self.scenario, self.card = scenario, card
        self.measured = {name: one for name, one in measured.items() if not one.elsewhere}
        self.elsewhere = {name: one.elsewhere for name, one in measured.items() if one.elsewhere}
        self.assumed = assumptions(scenario)
        self.spreads: dict[str, Spread] = {
            key: replace(self.assumed[key].spread, least=limits.least, most=limits.most)
            for key, limits in bounds(scenario).items()
        }
        self.estimates: dict[str, tuple[Estimate, str]] = {}  # measured keys, each with its origin

    def programs(self) -> dict[str, Program]:
        """The program of every option, in the scenario's order."""
        return {name: self._program(name, option) for name, option in self.scenario.options.items()}

    def _program(self, name: str, option: Option) -> Program:
        problems = _Problems()
        api: list[ApiPart] = []
        machines: list[MachinePart] = []
        match option:
            case Api():
                api += self._api(name, option, option.target, problems)
            case SelfHosted():
                machines += self._machines(name, option.target, option.hardware, problems)
            case DraftAndRefine():
                self._hybrid(name, option, (option.draft, option.refine), None, problems, api, machines)
            case Escalate():
                share = f"options.{name}.escalation_share"
                self._hybrid(name, option, (option.local, option.remote), share, problems, api, machines)
            case DoNothing():
                pass
        target = None if isinstance(option, DoNothing) else self._target(name, option.target, problems)
        if target is None and isinstance(option, DraftAndRefine | Escalate):
            problems.notes.append("The hybrid itself was not measured, so its quality and latency are unknown.")
        judged = target
        if judged is None and isinstance(option, DraftAndRefine | Escalate):
            last = option.refine if isinstance(option, DraftAndRefine) else option.remote
            judged = problems.sources.get(last.target)  # whoever has the last word is taken to be judged alike
        judge = self._judge(judged, problems) if judged is not None else None
        self._check_price_names(name, option, problems)
        distinct = {kind: tuple(dict.fromkeys(getattr(problems, kind))) for kind in ("blocked", "never", "notes")}
        return Program(
            name, option, target, tuple(problems.sources.values()), tuple(api), tuple(machines), judge, **distinct
        )

    def _check_price_names(self, name: str, option: Option, problems: _Problems) -> None:
        """Block the option where it prices a model that none of its runs asked: it would be a slip, and unseen."""
        models = dict.fromkeys(stage.model for source in problems.sources.values() for stage in source.stages)
        for model in getattr(option, "prices", {}):
            if models and model not in models:
                what = f'"{model}" is no model of {" or ".join(problems.sources)}'
                problems.blocked.append(f"options.{name}.prices: {what}; {guess(model, models).rstrip('?')}.")

    # --- targets and tokens -------------------------------------------------------------------------------------------

    def _target(self, name: str, target: str | None, problems: _Problems) -> Measured | None:
        if target is None:
            return None
        found = self.measured.get(target)
        if found is None or found.n_answers == 0:
            if said := self.elsewhere.get(target):
                problems.blocked.append(f'options.{name}: the target "{target}" {said}')
                return None
            hint = guess(target, self.measured) if found is None and self.measured else "run it, or remove the option"
            end = "" if hint.endswith("?") else "."
            if self.measured:
                end += " Runs on the questions of the newest run count, or those named by --run."
            problems.blocked.append(f'options.{name}: the target "{target}" has no run with an answer; {hint}{end}')
            return None
        problems.sources[target] = found
        return found

    def _estimate(self, key: str, estimate: Estimate, origin: str) -> str:
        """Enter a measured number under a key, with the spread its interval gives it."""
        if estimate.value is not None:
            ranged = estimate.low is not None and estimate.high is not None
            spread = Spread(estimate.value, estimate.low, estimate.high, "normal") if ranged else Spread(estimate.value)
            self.spreads[key] = spread
            self.estimates[key] = (estimate, origin)
        return key

    def _tokens(
        self, name: str, target: Measured, stage: StageUse, problems: _Problems, again: tuple[str, ...] = ()
    ) -> Tokens | None:
        """One stage of a target, billed by the token; None where tokens or prices are unknown, with the reason."""
        prompt, completion = self._token_keys(name, target, stage, problems)
        option = self.scenario.options[name]
        wanted = getattr(option, "prices", {}).get(stage.model, stage.model)
        its_periods = self._periods(f"options.{name}", wanted, problems)
        if prompt is None or completion is None or not its_periods:
            return None
        cached = self._cached(name, target, stage, problems)
        made = Tokens(stage.model, prompt, completion, its_periods, cached, again)
        problems.blocked += unknown_prices(name, made, self.spreads)
        return made

    def _token_keys(
        self, name: str, target: Measured, stage: StageUse, problems: _Problems
    ) -> tuple[str | None, str | None]:
        if stage.prompt.value is None or stage.completion.value is None:
            what = f"the run of {target.target} has no token counts for {stage.model}"
            problems.blocked.append(f"options.{name}: {what}; use a server that tells usage, or measure it again.")
            return None, None
        key = f"measured.{target.target}.{stage.stage}"
        return (
            self._estimate(f"{key}.prompt", stage.prompt, target.origin),
            self._estimate(f"{key}.completion", stage.completion, target.origin),
        )

    def _cached(self, name: str, target: Measured, stage: StageUse, problems: _Problems) -> str | float:
        for key in (f"options.{name}.cacheable_prompt_share", "workload.cacheable_prompt_share"):
            if key in self.spreads:
                return key
        if stage.cached.value is None or not stage.prompt.value:
            problems.notes.append(
                f"Cached tokens of {target.target} were not told; its whole prompt is billed in full."
            )
            return 0.0
        return min(stage.cached.value / stage.prompt.value, 1.0)

    def _periods(self, place: str, wanted: str, problems: _Problems) -> tuple[Period, ...]:
        """The periods of the prices of a model; an unknown one blocks the option."""
        found = periods(self.scenario, self.card, place, wanted)
        if isinstance(found, str):
            problems.blocked.append(found)
            return ()
        return found

    # --- parts --------------------------------------------------------------------------------------------------------

    def _api(
        self,
        name: str,
        option: Option,
        target_name: str,
        problems: _Problems,
        *,
        only: str | None = None,
        share: str | None = None,
        again: tuple[str, ...] = (),
    ) -> Iterator[ApiPart]:
        """The stages of a target, or the one stage `only`, billed by the token."""
        target = self._target(name, target_name, problems)
        if target is None:
            return
        stages = [stage for stage in target.stages if only in (None, stage.stage)]
        if not stages:
            what = f'stage "{only}" with token counts' if only else "stage with token counts"
            problems.blocked.append(f"options.{name}: the run of {target_name} has no {what}; measure it again.")
            return
        if target.attempts_per_answer is None:
            problems.notes.append(
                f"How often requests of {target_name} were repeated is unknown; repeats are left out."
            )
        self._say_unscaled(target_name, target, problems)
        tokens = [self._tokens(name, target, stage, problems, again) for stage in stages]
        if all(tokens):
            label = only or option.label or name
            attempts = max(target.attempts_per_answer or 1.0, 1.0)
            yield ApiPart(label, tuple(t for t in tokens if t is not None), share, attempts)

    def _machines(
        self,
        name: str,
        target_name: str,
        hardware: str,
        problems: _Problems,
        *,
        share: str | None = None,
        label: str = "",
        slower: float = 1.0,
    ) -> Iterator[MachinePart]:
        """The machines that answer for a target. `slower` is how much longer this stage takes than the plain target."""
        target = self._target(name, target_name, problems)
        if target is None:
            return
        quoted = self._quoted(name, target, hardware, problems)
        made = quoted or self._observed(target, hardware, label, slower, problems)
        if made is None:
            return
        problems.blocked += self._power(f"options.{name}", hardware, target)
        watts, idle = (
            self._estimate(f"measured.{target_name}.{what}", estimate, target.origin)
            if estimate.value is not None
            else None
            for what, estimate in (("watts", target.watts), ("idle_watts", target.idle_watts))
        )
        yield replace(made, name=label or hardware, share=share, watts=watts, idle_watts=idle)

    def _quoted(self, name: str, target: Measured, hardware: str, problems: _Problems) -> MachinePart | None:
        """Machines of a quoted throughput; None where the profile quotes none."""
        quoted = self.scenario.hardware[hardware].throughput
        if quoted is None:
            return None
        rate = f"hardware.{hardware}.throughput." + ("answers_per_s" if quoted.answers_per_s else "tokens_per_s")
        rated: tuple[str, ...] = ()
        if quoted.tokens_per_s is not None:
            for stage in target.stages:
                prompt, completion = self._token_keys(name, target, stage, problems)
                if prompt is not None and completion is not None:
                    rated += (completion,) if quoted.counts == "output" else (prompt, completion)
        problems.notes.append(f"The throughput of {hardware} is quoted; the latency on it was not measured.")
        machine = Machine(quoted.places, quoted.places / self.spreads[rate].value, None)
        return MachinePart(hardware, hardware, machine, bearable(machine), None, rate, rated, rate)

    def _observed(
        self, target: Measured, hardware: str, stage: str, slower: float, problems: _Problems
    ) -> MachinePart | None:
        """Machines of the throughput that was measured; None where none serves, with the reason.

        `stage` names the part of a hybrid: its latency is another than that of the whole answer.
        A machine of one person is taken at the fewest requests at once that were measured: it is asked one at a time.
        """
        alone = self.scenario.hardware[hardware].one_per_user
        workload, ceiling = self.scenario.workload, self.scenario.constraints.p95_ms
        scales = workload.prompt_scale.value, workload.completion_scale.value
        longer = {x.concurrency: stretch(x.ttft_share, *scales) for x in target.loads}
        loads = [
            replace(x, p95_ms=None if x.p95_ms is None else x.p95_ms * longer[x.concurrency] * slower)
            for x in target.loads
        ]
        if alone:
            loads = sorted(loads, key=lambda x: x.concurrency)[:1]
        load, machine = load_at(loads, ceiling, whose="this stage's" if stage else "its"), machine_at(loads, ceiling)
        if isinstance(machine, str) or isinstance(load, str):
            scaled = f" (latency {SCALED})" if any(x.p95_ms and longer[x.concurrency] != 1 for x in loads) else ""
            who = f"Stage {stage}, {target.target} on {hardware}" if stage else f"{target.target} on {hardware}"
            sentence = f"{who}: {load}{scaled}."
            if any(x.p95_ms for x in loads) and min(x.concurrency for x in loads) > 1:
                sentence += (
                    " Fewer at once may be faster: measure that with `rightsize run --concurrency 1`, then 2, 4."
                )
            (problems.never if loads else problems.blocked).append(sentence)
            return None
        if alone and load.concurrency > 1 and not target.simulated:
            problems.notes.append(
                f"{target.target} was measured at {load.concurrency} requests at once, and a machine of one person is "
                "asked one at a time: it may be faster. Measure it with `rightsize run --concurrency 1`."
            )
        if machine.sequential and not alone:
            problems.notes.append(
                f"Sequential bound: {target.target} was measured with one request at a time only, so each machine is "
                "taken to serve one at a time. Measure more with `rightsize run --concurrency 2`, then 4, 8, ..."
            )
        chosen = next(x for x in target.loads if x.concurrency == load.concurrency)
        self._say_unscaled(target.target, chosen, problems)
        machine = replace(machine, service_s=machine.service_s * slower)
        table = bearable(replace(machine, service_s=machine.service_s * longer[load.concurrency]))
        origin, simulated = target.origin, target.simulated
        return MachinePart(hardware, hardware, machine, table, chosen, origin=origin, simulated=simulated)

    def _say_unscaled(self, target: str, source: Measured | Load, problems: _Problems) -> None:
        """What of the time until the first token is not known, where longer prompts make it longer."""
        scale, counted = self.scenario.workload.prompt_scale, source.first_token
        if scale.value == 1 and scale.spread.fixed:
            return
        some = counted is not None and 0 < counted.told < counted.answers
        told = f"told by {counted.told:,} of {counted.answers:,} answers" if counted is not None and some else "unknown"
        how = f"How long {target} took until its first token is {told}"
        if source.ttft_share is None:
            few = ", too few to go by" if some else ""
            problems.notes.append(f"{how}{few}: longer prompts are taken to cost no time.")
        elif some:
            problems.notes.append(f"{how}; the others are taken to be like these.")

    def _power(self, place: str, hardware: str, target: Measured) -> Iterator[str]:
        """What is missing to tell the energy; a rented machine has it in its rent."""
        profile = self.scenario.hardware[hardware]
        if profile.rent_per_hour.value > 0 and profile.price_per_kwh is None:
            return
        if profile.price_per_kwh is None:
            yield f"{place}: hardware.{hardware}.price_per_kwh is unknown; write it, 0 if the energy is free."
        for what, assumed, measured in (
            ("active_watts", profile.active_watts, target.watts),
            ("idle_watts", profile.idle_watts, target.idle_watts),
        ):
            if assumed is None and measured.value is None:
                yield f"{place}: hardware.{hardware}.{what} is neither measured nor assumed; write it."

    def _hybrid(
        self,
        name: str,
        option: DraftAndRefine | Escalate,
        parts: tuple[Part, Part],
        share: str | None,
        problems: _Problems,
        api: list[ApiPart],
        machines: list[MachinePart],
    ) -> None:
        """Two models: the second sees what the first wrote. `share` is the key of the part that reaches the second."""
        names = ("draft", "refine") if share is None else ("local", "remote")
        whole = self.measured.get(option.target) if option.target and share is None else None
        first = self.measured.get(parts[0].target)
        sends = share is None or (isinstance(option, Escalate) and option.draft_as_input)
        for i, (label, part) in enumerate(zip(names, parts, strict=True)):
            its_share = share if i else None
            if part.hardware is not None:
                slower = _slower(whole, label, self.measured.get(part.target))
                machines += self._machines(
                    name, part.target, part.hardware, problems, share=its_share, label=label, slower=slower
                )
            elif whole is not None:
                api += self._api(name, option, whole.target, problems, only=label, share=its_share)
            else:
                again = tuple(self._completions(name, first, problems)) if i and sends and first is not None else ()
                api += self._api(name, option, part.target, problems, share=its_share, again=again)

    def _completions(self, name: str, target: Measured, problems: _Problems) -> Iterator[str]:
        for stage in target.stages[-1:]:  # what the last stage wrote is the target's answer
            _, completion = self._token_keys(name, target, stage, problems)
            if completion is not None:
                yield completion

    def _judge(self, target: Measured, problems: _Problems) -> Tokens | None:
        """The judge that goes on scoring a share of the answers; None where no answer is judged."""
        if not may_be("workload.judged_share", self.spreads):
            return None
        if target.judge is None or target.judge.prompt.value is None or target.judge.completion.value is None:
            what = f"workload.judged_share is above 0, but the judge's tokens for {target.target} are unknown"
            problems.blocked.append(f"{what}; judge its run, or set judged_share to 0.")
            return None
        wanted = self.scenario.workload.judge_price or target.judge.model
        its_periods = self._periods("workload.judge_price", wanted, problems)
        if not its_periods:
            return None
        key = f"measured.{target.target}.judge"
        prompt = self._estimate(f"{key}.prompt", target.judge.prompt, target.origin)
        completion = self._estimate(f"{key}.completion", target.judge.completion, target.origin)
        if any(p.row.input_per_mtok is None or p.row.output_per_mtok is None for p in its_periods):
            problems.blocked.append(f"workload.judge_price: the price of {wanted} is unknown; enter it.")
            return None
        return Tokens(target.judge.model, prompt, completion, its_periods, scaled=False)


def _slower(whole: Measured | None, label: str, plain: Measured | None) -> float:
    """How many times longer a stage takes within the measured hybrid than its plain target; 1 where unknown."""
    if whole is None or plain is None:
        return 1.0
    within = next((stage.ms.value for stage in whole.stages if stage.stage == label), None)
    alone = sum(stage.ms.value or 0 for stage in plain.stages)
    return within / alone if within and alone else 1.0
