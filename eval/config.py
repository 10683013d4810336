"""`rightsize.toml`: read with the files it names, and every fault of it told at once, each with line, key and remedy.

What is done with it is plan.py's business. Keys are only ever named (by environment variable), never held.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from eval import qa_set, toml_file
from eval.chat import Endpoint
from eval.cost.faults import guess
from eval.expected import ExpectedError
from eval.faults import Fault, printable, shown
from eval.judge import Protocol
from eval.rubric import Rubric, RubricError, judgeable
from eval.rubric import load as load_rubric

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]
PLAIN, STAGED = "plain", "draft-and-refine"


class PlanError(ExpectedError):
    """The plan cannot be carried out as it is written; the text says what is wrong and what would be right."""


class Strict(BaseModel):
    """What has no other fields than those it names, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceSpec(Strict):
    """USD per million tokens of one model; an unknown price is left out, never 0 by default."""

    input_usd_per_mtok: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    output_usd_per_mtok: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    kind: Literal["quoted", "assumed", "hypothetical"] = "assumed"
    source: str = ""


class StageConfig(Strict):
    """Which model at which of the endpoints."""

    model: str = Field(min_length=1, description='the id that its server uses: "phi-4-mini"')
    endpoint: Name = Field(description='the name of one that has a table: "laptop" where there is [endpoints.laptop]')


class TargetConfig(Strict):
    """A candidate: its model, or the two that draft and refine. That the parts fit its kind is checked beforehand."""

    kind: Literal["plain", "draft-and-refine"] = PLAIN
    model: Annotated[str, Field(min_length=1)] | None = None
    endpoint: Name | None = None
    draft: StageConfig | None = None
    refine: StageConfig | None = None

    @property
    def parts(self) -> dict[str, StageConfig]:
        """The stages by name, whatever the kind."""
        if self.draft and self.refine:
            return {"draft": self.draft, "refine": self.refine}
        return {"answer": StageConfig(model=self.model or "", endpoint=self.endpoint or "")}


class JudgeConfig(StageConfig):
    """Who judges and how."""

    protocol: Protocol = "quick"
    samples: int = Field(default=1, ge=1, le=20)
    temperature: float = Field(default=0.0, ge=0, le=2)
    rubric: str | None = None


class RunConfig(Strict):
    """What is asked and how often."""

    qa_set: str | None = None
    repeats: int = Field(default=1, ge=1, le=1000)
    warmup: int = Field(default=1, ge=0, le=100)
    limit: int | None = Field(default=None, ge=1)
    side_by_side: bool = False


class Config(Strict):
    """The tables of `rightsize.toml`."""

    endpoints: dict[Name, Endpoint] = Field(default_factory=dict)
    targets: dict[Name, TargetConfig] = Field(default_factory=dict)
    judge: JudgeConfig | None = None
    judges: dict[Name, JudgeConfig] = Field(default_factory=dict)
    run: RunConfig = Field(default_factory=RunConfig)
    prices: dict[str, PriceSpec] = Field(default_factory=dict)

    @property
    def panel(self) -> tuple[JudgeConfig, ...]:
        """Every judge, in the order of the file."""
        return (*([self.judge] if self.judge else []), *self.judges.values())


@dataclass(frozen=True, slots=True)
class Configured:
    """What the file says, with the QA set and the rubric it names; None where it names none."""

    config: Config
    questions: qa_set.QASet | None = None
    rubric: Rubric | None = None


def read_config(path: Path, overruled: Collection[str] = ()) -> Configured:
    """Read rightsize.toml, and the files it names but for those under the keys that are `overruled` elsewhere.

    Raises PlanError with every fault at once, those of the named files too.
    """
    try:
        raw, lines = toml_file.read(path, "configuration", "correct --config or give --target NAME=MODEL@URL")
    except toml_file.TomlError as error:
        raise PlanError(str(error)) from error
    faults = [lines.fault(loc, *said) for loc, *said in (*_unknown_endpoints(raw), *_misfits(raw))]
    config = Config()
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        faults = toml_file.faults_in(error, Config, lines) + faults
    questions, wrong = _named_questions(raw, path.parent, lines) if "qa_set" not in overruled else (None, [])
    rubric, unfit = _named_rubric(raw, path.parent, lines) if "rubric" not in overruled else (None, [])
    if faults := [*faults, *wrong, *unfit]:
        faults.sort(key=lambda fault: fault.line or 0)
        raise PlanError(f"{printable(str(path))} has faults:\n" + "\n".join(f"- {fault}" for fault in faults))
    return Configured(config, questions, rubric)


# --- the file as it was written: other faults in it do not hide these -----------------------------------------------

_Said = tuple[tuple[str | int, ...], str, str]


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    return {k: v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}


def _judges(raw: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    one = {("judge",): raw["judge"]} if isinstance(raw.get("judge"), dict) else {}
    return one | {("judges", name): its for name, its in _tables(raw.get("judges")).items()}


def _unknown_endpoints(raw: Mapping[str, Any]) -> Iterator[_Said]:
    """Each name of an endpoint that the file does not define."""
    known = [name.strip() for name in raw["endpoints"]] if isinstance(raw.get("endpoints"), dict) else []
    parts: dict[tuple[str, ...], dict[str, Any]] = _judges(raw)
    for name, target in _tables(raw.get("targets")).items():
        parts[("targets", name)] = target
        parts |= {("targets", name, stage): part for stage, part in _tables(target).items()}
    for loc, part in parts.items():
        named = part.get("endpoint")
        if isinstance(named, str) and named.strip() not in known:
            yield (*loc, "endpoint"), f"[endpoints] does not define {shown(named)}", guess(named, known)


def _misfits(raw: Mapping[str, Any]) -> Iterator[_Said]:
    """Parts that a target lacks, or has and should not, by its kind."""
    for name, its in _tables(raw.get("targets")).items():
        kind = its.get("kind", PLAIN)
        if kind not in (PLAIN, STAGED):
            continue
        whole, staged = ("model", "endpoint"), ("draft", "refine")
        wanted, foreign = (whole, staged) if kind == PLAIN else (staged, whole)
        misspelt = [key for key in its if key not in TargetConfig.model_fields]  # told already, with what was meant
        value = '"..."' if kind == PLAIN else '{ model = "...", endpoint = "..." }'
        for key in wanted:
            if key not in its and not get_close_matches(key, misspelt):
                yield ("targets", name, key), f"it is missing, and a {kind} target needs it", f"write {key} = {value}"
        for key in foreign:
            if key in its and kind == PLAIN:
                yield ("targets", name, key), "it does not belong to a plain target", f'write kind = "{STAGED}"'
            elif key in its:
                yield ("targets", name, key), "it belongs inside draft and refine", "remove it here"


def _named_questions(raw: Mapping[str, Any], folder: Path, lines: toml_file.Lines) -> tuple[Any, list[Fault]]:
    """The QA set that the file names, and what is wrong with it."""
    named = next((run.get("qa_set") for run in _tables({"": raw.get("run")}).values()), None)
    if not isinstance(named, str):
        return None, []
    try:
        return qa_set.load(folder / named), []
    except qa_set.QASetError as error:
        return None, [lines.fault(("run", "qa_set"), f"{shown(named)}: {its}", "") for its in error.faults]


def _named_rubric(raw: Mapping[str, Any], folder: Path, lines: toml_file.Lines) -> tuple[Rubric | None, list[Fault]]:
    """The rubric of the first judge that names one, and what is wrong with those that are named."""
    found: list[Rubric] = []
    faults: list[Fault] = []
    for loc, its in _judges(raw).items():
        named = its.get("rubric")
        if isinstance(named, str):
            try:
                found.append(judgeable(load_rubric(folder / named)))
            except RubricError as error:
                told = [f"{shown(named)}: {each}" for each in error.faults] or [str(error).rstrip(".")]
                faults += [lines.fault((*loc, "rubric"), said, "") for said in told]
    return (found[0] if found else None), faults
