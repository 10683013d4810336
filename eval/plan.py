"""What a run is to do, settled and checked before the first request: targets, QA set, judge, repeats.

Reads the command line's `NAME=MODEL@URL` on top of what `rightsize.toml` says (config.py); the runner carries the plan
out. Keys are only ever named (by environment variable), never held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from eval import qa_set, toml_file
from eval.chat import Endpoint
from eval.config import Config, Configured, PlanError, PriceSpec, Strict, read_config
from eval.hosts import endpoint_of
from eval.judge import Protocol
from eval.rubric import Rubric, judgeable
from eval.rubric import built_in as built_in_rubric
from eval.rubric import load as load_rubric
from eval.targets import Stage, Target
from eval.transport import is_loopback


class JudgeSpec(Strict):
    """Who judges, where and by which protocol."""

    model: str = Field(min_length=1)
    endpoint: Endpoint
    protocol: Protocol = "quick"
    samples: int = Field(default=1, ge=1, le=20)  # readings of each answer
    temperature: float = Field(default=0.0, ge=0, le=2)

    @property
    def name(self) -> str:
        return self.model


class Plan(Strict):
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


def _target_from(config: Config, name: str) -> Target:
    its = config.targets[name]
    stages = tuple(
        Stage(name=stage, model=part.model, endpoint=config.endpoints[part.endpoint])
        for stage, part in its.parts.items()
    )
    return Target(name=name, kind="plain" if its.kind == "plain" else "draft_and_refine", stages=stages)


# --- the command line -----------------------------------------------------------------------------------------------


def _listed(error: ValidationError) -> str:
    return "; ".join(map(str, toml_file.faults_in(error)))


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


def _choose_targets(config: Config, given: Sequence[str], api_key_env: str | None) -> tuple[Target, ...]:
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


def _configured(overrides: Overrides, path: Path | None) -> Configured:
    """What the file says, but for the files it names in whose place the command line names others."""
    if path is None:
        return Configured(Config())
    return read_config(path, [key for key in ("qa_set", "rubric") if getattr(overrides, key) is not None])


def _judges_from(said: Configured, overrides: Overrides) -> tuple[tuple[JudgeSpec, ...], Rubric | None]:
    """Who judges and by which rubric; no judge, and None, where neither the command line nor the file says."""
    config, configured = said.config, said.config.panel
    first = configured[0] if configured else None
    rubric = judgeable(load_rubric(overrides.rubric)) if overrides.rubric else said.rubric
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
    specs, rubric = _judges_from(_configured(overrides, config_path), overrides)
    if not specs:
        raise PlanError("No judge is given; use --judge MODEL@URL, or define [judge] in rightsize.toml.")
    return tuple(
        spec.model_copy(update={"endpoint": _with_concurrency(spec.endpoint, overrides.concurrency)}) for spec in specs
    ), rubric


def make_plan(overrides: Overrides, config_path: Path | None = None) -> Plan:
    """The plan that the command line and the configuration file give together; the command line has the last word.

    Raises PlanError, QASetError or RubricError, each with every fault found.
    """
    said = _configured(overrides, config_path)
    config = said.config
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
    judges, rubric = _judges_from(said, overrides)
    questions = qa_set.load(overrides.qa_set) if overrides.qa_set else said.questions or qa_set.built_in()
    categories = sorted({question.category for question in questions.questions})
    if overrides.category is not None and overrides.category not in categories:
        meant = toml_file.did_you_mean(overrides.category, categories).rstrip("?")
        raise PlanError(
            f'No question of the QA set {questions.name} has the category "{overrides.category}"{meant} '
            f"(there are: {', '.join(categories)})."
        )
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
