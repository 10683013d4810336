"""What a run is to do, settled and checked before the first request: targets, QA set, judge, repeats.

Reads the command line's `NAME=MODEL@URL` and `rightsize.toml`; the runner carries the plan out. Keys are only ever
named (by environment variable), never held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from eval import qa_set, toml_file
from eval.endpoint import Endpoint
from eval.hosts import endpoint_of
from eval.judge import Protocol
from eval.rubric import Rubric, judgeable
from eval.rubric import built_in as built_in_rubric
from eval.rubric import load as load_rubric
from eval.targets import Stage, Target
from eval.transport import is_loopback

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
    samples: int = Field(default=1, ge=1, le=20)  # readings of each answer
    temperature: float = Field(default=0.0, ge=0, le=2)

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
    judges: tuple[JudgeSpec, ...] = ()  # several are a panel
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
    judges: tuple[str, ...] = ()
    protocol: Protocol | None = None
    samples: int | None = None
    temperature: float | None = None
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
    samples: int = Field(default=1, ge=1, le=20)
    temperature: float = Field(default=0.0, ge=0, le=2)
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
    judges: dict[Name, _JudgeConfig] = Field(default_factory=dict)
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
    parts += [(f"judges.{name}", part) for name, part in tables(raw.get("judges")).items()]
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


def _judges_from(config: _Config, folder: Path, overrides: Overrides) -> tuple[tuple[JudgeSpec, ...], Rubric | None]:
    """Who judges and by which rubric; no judge, and None, where neither the command line nor the file says."""
    configured = [*([config.judge] if config.judge else []), *config.judges.values()]
    first = configured[0] if configured else None
    path = overrides.rubric or next((folder / its.rubric for its in configured if its.rubric), None)
    rubric = judgeable(load_rubric(path)) if path else None
    given = {
        name: value
        for name in ("protocol", "samples", "temperature")
        if (value := getattr(overrides, name)) is not None
    }
    if overrides.judges:
        shared = (
            {"protocol": first.protocol, "samples": first.samples, "temperature": first.temperature} if first else {}
        )
        named = [parse_model_at_url(text, overrides.api_key_env) for text in overrides.judges]
        specs = [JudgeSpec(model=model, endpoint=endpoint, **(shared | given)) for model, endpoint in named]
    else:
        specs = [
            JudgeSpec(
                model=its.model,
                endpoint=config.endpoints[its.endpoint],
                **({"protocol": its.protocol, "samples": its.samples, "temperature": its.temperature} | given),
            )
            for its in configured
        ]
    unique = {(spec.model, endpoint_of(spec.endpoint.url)) for spec in specs}
    if len(unique) < len(specs):
        raise PlanError(
            "One model at one address judges twice; a panel needs different judges, readings are --samples."
        )
    return tuple(specs), rubric


def make_judges(overrides: Overrides, config_path: Path | None = None) -> tuple[tuple[JudgeSpec, ...], Rubric | None]:
    """The judges for answers that are stored, and a rubric if one is given; the command line has the last word.

    Raises PlanError or RubricError, each with every fault found.
    """
    config = _read_config(config_path) if config_path else _Config()
    specs, rubric = _judges_from(config, config_path.parent if config_path else Path(), overrides)
    if not specs:
        raise PlanError("No judge is given; use --judge MODEL@URL, or define [judge] in rightsize.toml.")
    return tuple(
        spec.model_copy(update={"endpoint": _with_concurrency(spec.endpoint, overrides.concurrency)}) for spec in specs
    ), rubric


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
    judges, rubric = _judges_from(config, config_path.parent if config_path else Path(), overrides)
    path = overrides.qa_set or (config_path.parent / config.run.qa_set if config_path and config.run.qa_set else None)
    questions = qa_set.load(path) if path else qa_set.built_in()
    try:
        return Plan(
            targets=chosen,
            questions=questions,
            judges=judges,
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
