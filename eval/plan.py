"""What a run is to do, settled and checked before the first request: targets, QA set, judge, repeats.

Reads the command line's `NAME=MODEL@URL` and `rightsize.toml`; the runner carries the plan out. Keys are only ever
named (by environment variable), never held.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from eval import qa_set, targets, toml_file
from eval.endpoint import Endpoint, Message
from eval.judge import MAX_TOKENS, Protocol
from eval.judge import build_messages as build_judge_messages
from eval.rubric import Rubric
from eval.rubric import built_in as built_in_rubric
from eval.rubric import load as load_rubric
from eval.stream import estimate_tokens
from eval.targets import Stage, Target
from eval.transport import is_loopback
from eval.verdict import criteria_by_call

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class PlanError(Exception):
    """The plan cannot be carried out as it is written; the text says what is wrong and what would be right."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JudgeSpec(_Strict):
    """Who judges, where and by which protocol."""

    model: str = Field(min_length=1)
    endpoint: Endpoint
    protocol: Protocol = "quick"

    @property
    def name(self) -> str:
        return self.model


class PriceSpec(_Strict):
    """USD per million tokens of one model; an unknown price is left out, never 0 by default."""

    input_usd_per_mtok: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    output_usd_per_mtok: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    kind: Literal["quoted", "assumed", "hypothetical"] = "assumed"
    source: str = ""


class Plan(_Strict):
    """Everything a group of runs needs, before any request is made."""

    targets: tuple[Target, ...] = Field(min_length=1)
    questions: qa_set.QASet
    judge: JudgeSpec | None = None
    rubric: Rubric = Field(default_factory=built_in_rubric)
    repeats: int = Field(default=1, ge=1, le=1000)
    warmups: int = Field(default=1, ge=0, le=100)
    limit: int | None = Field(default=None, ge=1)
    category: str | None = None
    side_by_side: bool = False  # also endpoints on one host; they contend for its processor
    prices: dict[str, PriceSpec] = Field(default_factory=dict)

    @property
    def asked(self) -> tuple[qa_set.Question, ...]:
        """The questions left after the filters, in their order."""
        kept = (q for q in self.questions.questions if self.category in (None, q.category))
        return tuple(kept)[: self.limit]

    @model_validator(mode="after")
    def _something_to_ask(self) -> "Plan":
        if not self.asked:
            known = ", ".join(sorted({q.category for q in self.questions.questions}))
            raise ValueError(f'no question is left: none has the category "{self.category}" (there are: {known})')
        return self


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says; None leaves the file's word or the default."""

    targets: tuple[str, ...] = ()
    judge: str | None = None
    protocol: Protocol | None = None
    rubric: Path | None = None
    qa_set: Path | None = None
    repeats: int | None = None
    warmups: int | None = None
    concurrency: int | None = None
    limit: int | None = None
    category: str | None = None
    side_by_side: bool | None = None
    api_key_env: str | None = None


# --- rightsize.toml -------------------------------------------------------------------------------------------------


class _StageConfig(_Strict):
    model: str = Field(min_length=1)
    endpoint: Name


class _TargetConfig(_Strict):
    kind: Literal["plain", "draft-and-refine"] = "plain"
    model: str | None = None
    endpoint: Name | None = None
    draft: _StageConfig | None = None
    refine: _StageConfig | None = None

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> "_TargetConfig":
        whole, staged = (self.model, self.endpoint), (self.draft, self.refine)
        faults = list[str]()
        if self.kind == "plain":
            if not all(whole):
                faults.append("a plain target needs model and endpoint")
            if any(staged):
                faults.append('draft and refine belong to a target of kind = "draft-and-refine"')
        else:
            if not all(staged):
                faults.append("a draft-and-refine target needs draft and refine, each with model, endpoint")
            if any(whole):
                faults.append("model and endpoint belong inside draft and refine; remove them here")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def parts(self) -> dict[str, _StageConfig]:
        """The stages by name, whatever the kind."""
        if self.draft and self.refine:
            return {"draft": self.draft, "refine": self.refine}
        return {"answer": _StageConfig(model=self.model or "", endpoint=self.endpoint or "")}


class _JudgeConfig(_StageConfig):
    protocol: Protocol = "quick"
    rubric: str | None = None


class _RunConfig(_Strict):
    qa_set: str | None = None
    repeats: int = Field(default=1, ge=1, le=1000)
    warmup: int = Field(default=1, ge=0, le=100)
    limit: int | None = Field(default=None, ge=1)
    side_by_side: bool = False


class _Config(_Strict):
    endpoints: dict[Name, Endpoint] = Field(default_factory=dict)
    targets: dict[Name, _TargetConfig] = Field(default_factory=dict)
    judge: _JudgeConfig | None = None
    run: _RunConfig = Field(default_factory=_RunConfig)
    prices: dict[str, PriceSpec] = Field(default_factory=dict)


def _read_config(path: Path) -> _Config:
    """Read rightsize.toml. Raises PlanError with every fault in it at once."""
    try:
        raw = toml_file.read(path, "configuration")
    except FileNotFoundError:
        raise PlanError(f"There is no file {path}; correct --config or give --target NAME=MODEL@URL.") from None
    except toml_file.TomlError as error:
        raise PlanError(str(error)) from error
    config, faults = None, _unknown_endpoints(raw)
    try:
        config = _Config.model_validate(raw)
    except ValidationError as error:
        faults = toml_file.faults_in(error, _Config) + faults
    if config is None or faults:
        raise PlanError(f"{path} has faults: {'; '.join(faults)}.")
    return config


def _unknown_endpoints(raw: Mapping[str, Any]) -> list[str]:
    """A sentence for each name of an endpoint that the file does not define, told from the file as it was written.

    Other faults in it do not hide these.
    """

    def tables(value: Any) -> dict[str, dict[str, Any]]:
        return {k.strip(): v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}

    known = [name.strip() for name in raw["endpoints"]] if isinstance(raw.get("endpoints"), dict) else []
    parts = [("judge", part) for part in tables({"": raw.get("judge")}).values()]
    for name, target in tables(raw.get("targets")).items():
        parts += [(f"targets.{name}", part) for part in (target, *tables(target).values())]
    faults: list[str] = []
    for where, part in parts:
        named = part.get("endpoint")
        if isinstance(named, str) and named.strip() not in known:
            meant = toml_file.did_you_mean(named, known) or f" (known: {', '.join(known) or 'none'})"
            faults.append(f'{where} names the endpoint "{named}", which [endpoints] does not define{meant}')
    return list(dict.fromkeys(faults))


def _target_from(config: _Config, name: str) -> Target:
    its = config.targets[name]
    stages = tuple(
        Stage(name=stage, model=part.model, endpoint=config.endpoints[part.endpoint])
        for stage, part in its.parts.items()
    )
    return Target(name=name, kind="plain" if its.kind == "plain" else "draft_and_refine", stages=stages)


# --- the command line -----------------------------------------------------------------------------------------------


def _listed(error: ValidationError) -> str:
    return "; ".join(toml_file.faults_in(error))


def parse_model_at_url(text: str, api_key_env: str | None = None) -> tuple[str, Endpoint]:
    """`MODEL@URL` as a model and an endpoint. The key's variable is not sent to this machine's own servers."""
    model, found, url = text.partition("@http")
    if not found or not model.strip():
        raise PlanError(f'"{text}" should read MODEL@URL, like phi-4-mini@http://127.0.0.1:5273/v1.')
    try:
        endpoint = Endpoint(url=f"http{url}")
        needs_key = api_key_env is not None and not is_loopback(endpoint.host)
        return model.strip(), Endpoint(url=endpoint.url, api_key_env=api_key_env if needs_key else None)
    except ValidationError as error:
        raise PlanError(f'The address of "{model.strip()}" is refused: {_listed(error)}.') from error


def _ad_hoc_target(text: str, api_key_env: str | None) -> Target:
    name, _, rest = text.partition("=")
    model, endpoint = parse_model_at_url(rest, api_key_env)
    try:
        return Target(name=name.strip(), stages=(Stage(name="answer", model=model, endpoint=endpoint),))
    except ValidationError as error:
        raise PlanError(f'"{text}": {_listed(error)}; write NAME=MODEL@URL.') from error


def _choose_targets(config: _Config, given: Sequence[str], api_key_env: str | None) -> tuple[Target, ...]:
    chosen: list[Target] = []
    for text in given or tuple(config.targets):
        if "=" in text:
            chosen.append(_ad_hoc_target(text, api_key_env))
        elif text in config.targets:
            chosen.append(_target_from(config, text))
        else:
            known = ", ".join(config.targets) or "none are defined"
            meant = toml_file.did_you_mean(text, config.targets).rstrip("?")
            raise PlanError(f'There is no target "{text}"{meant} (known: {known}); or write it as NAME=MODEL@URL.')
    if not chosen:
        raise PlanError("No target is given; use --target NAME=MODEL@URL, or define [targets] in rightsize.toml.")
    names = [target.name for target in chosen]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PlanError(f"Two targets are called {', '.join(sorted(twice))}; give each its own name.")
    return tuple(chosen)


def _with_concurrency(endpoint: Endpoint, concurrency: int | None) -> Endpoint:
    return endpoint if concurrency is None else endpoint.model_copy(update={"concurrency": concurrency})


def _judge_from(config: _Config, folder: Path, overrides: Overrides) -> tuple[JudgeSpec | None, Rubric | None]:
    """Who judges and by which rubric, each None where neither the command line nor the file says."""
    its = config.judge
    path = overrides.rubric or (folder / its.rubric if its and its.rubric else None)
    rubric = load_rubric(path) if path else None
    protocol = overrides.protocol or (its.protocol if its else "quick")
    if overrides.judge:
        model, endpoint = parse_model_at_url(overrides.judge, overrides.api_key_env)
        return JudgeSpec(model=model, endpoint=endpoint, protocol=protocol), rubric
    if its:
        return JudgeSpec(model=its.model, endpoint=config.endpoints[its.endpoint], protocol=protocol), rubric
    return None, rubric


def make_judge(overrides: Overrides, config_path: Path | None = None) -> tuple[JudgeSpec, Rubric | None]:
    """The judge for answers that are stored, and a rubric if one is given; the command line has the last word.

    Raises PlanError or RubricError, each with every fault found.
    """
    config = _read_config(config_path) if config_path else _Config()
    spec, rubric = _judge_from(config, config_path.parent if config_path else Path(), overrides)
    if spec is None:
        raise PlanError("No judge is given; use --judge MODEL@URL, or define [judge] in rightsize.toml.")
    if overrides.concurrency is not None:
        spec = spec.model_copy(update={"endpoint": _with_concurrency(spec.endpoint, overrides.concurrency)})
    return spec, rubric


def make_plan(overrides: Overrides, config_path: Path | None = None) -> Plan:
    """The plan that the command line and the configuration file give together; the command line has the last word.

    Raises PlanError, QASetError or RubricError, each with every fault found.
    """
    config = _read_config(config_path) if config_path else _Config()
    if overrides.concurrency is not None and not 1 <= overrides.concurrency <= 256:
        raise PlanError("--concurrency must be from 1 to 256.")
    chosen = tuple(
        target.model_copy(
            update={
                "stages": tuple(
                    s.model_copy(update={"endpoint": _with_concurrency(s.endpoint, overrides.concurrency)})
                    for s in target.stages
                )
            }
        )
        for target in _choose_targets(config, overrides.targets, overrides.api_key_env)
    )
    judge, rubric = _judge_from(config, config_path.parent if config_path else Path(), overrides)
    path = overrides.qa_set or (config_path.parent / config.run.qa_set if config_path and config.run.qa_set else None)
    questions = qa_set.load(path) if path else qa_set.built_in()
    try:
        return Plan(
            targets=chosen,
            questions=questions,
            judge=judge,
            rubric=rubric or built_in_rubric(),
            repeats=config.run.repeats if overrides.repeats is None else overrides.repeats,
            warmups=config.run.warmup if overrides.warmups is None else overrides.warmups,
            limit=config.run.limit if overrides.limit is None else overrides.limit,
            category=overrides.category,
            side_by_side=config.run.side_by_side if overrides.side_by_side is None else overrides.side_by_side,
            prices=config.prices,
        )
    except ValidationError as error:
        raise PlanError(f"The plan has faults: {_listed(error)}.") from error


# --- what it will take ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan takes at most, as far as output is bounded by limits. The cost is None where a price is unknown."""

    answer_calls: int
    judge_calls: int
    input_tokens: int
    output_tokens: int  # at most
    cost_usd: float | None
    unpriced: tuple[str, ...]
    hypothetical: bool  # a made-up price is in the cost


def estimate(plan: Plan, prices: Mapping[str, Any]) -> Estimate:
    """Calls, tokens and cost of a plan before it starts; `prices` maps a model to its newest price row.

    Input tokens are estimated from the length of the prompts; every answer is taken to use its question's limit, every
    verdict the judge's, warm-ups counted. Requests that fail and are repeated come on top.
    """
    calls = judge_calls = tokens_in = tokens_out = 0
    cost, unpriced, hypothetical = 0.0, list[str](), False
    questions = sorted(plan.asked, key=lambda q: q.output_limit)  # warm-ups take them in this order
    warmups = Counter(n % len(questions) for n in range(plan.warmups))
    limits = [q.output_limit for q in questions]

    def add(model: str, times: Sequence[int], into: Sequence[int], out: Sequence[int]) -> None:
        nonlocal tokens_in, tokens_out, cost, hypothetical
        its_in, its_out = (sum(t * n for t, n in zip(times, tokens, strict=True)) for tokens in (into, out))
        tokens_in, tokens_out = tokens_in + its_in, tokens_out + its_out
        price = prices.get(model)
        if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
            if model not in unpriced:
                unpriced.append(model)
        else:
            hypothetical = hypothetical or price.kind == "hypothetical"
            cost += (its_in * price.input_usd_per_mtok + its_out * price.output_usd_per_mtok) / 1e6

    asked = [plan.repeats + warmups[i] for i in range(len(questions))]
    for stage in (stage for target in plan.targets for stage in target.stages):
        calls += sum(asked)
        refines = stage.name == "refine"
        prompts = [_prompt_tokens(targets.build_messages(q, "" if refines else None)) for q in questions]
        drafts = [limit if refines else 0 for limit in limits]
        add(stage.model, asked, [p + d for p, d in zip(prompts, drafts, strict=True)], limits)
    if plan.judge:
        rubric, most = plan.rubric, MAX_TOKENS[plan.judge.protocol]
        judged = [plan.repeats * len(plan.targets)] * len(questions)
        for criteria in criteria_by_call(rubric, plan.judge.protocol):
            judge_calls += sum(judged)
            prompts = [_prompt_tokens(build_judge_messages(q, "", rubric, criteria, "0" * 16)) for q in questions]
            into = [p + answer for p, answer in zip(prompts, limits, strict=True)]
            add(plan.judge.model, judged, into, [most] * len(questions))
    total = None if unpriced else cost
    return Estimate(calls, judge_calls, tokens_in, tokens_out, total, tuple(unpriced), hypothetical)


def _prompt_tokens(messages: Sequence[Message]) -> int:
    return estimate_tokens("".join(message["content"] for message in messages))
