"""The rubric: versioned data that says what each score means.

Pure: the text lies in data/rubric.toml or in a user's own file. judge.py turns it into a prompt, the Score page shows
it to people.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from eval import toml_file
from eval.expected import ExpectedError
from eval.qa_set import Text

SCORES = (5, 4, 3, 2, 1)
FIVE = (1, 5)  # the scale of judges, and of people here; scores from elsewhere may have another
LARGEST = 1_000_000
BUILT_IN = Path(__file__).parent / "data" / "rubric.toml"
MAX_CRITERIA = 10
RESERVED = "overall"  # the mean of the criteria has this name


class RubricError(ExpectedError, ValueError):
    """A file is not a rubric; the text holds every fault with its line and key, `faults` one by one if it was read."""

    def __init__(self, said: str, faults: Sequence[str] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{said}\n" + "\n".join(f"- {fault}" for fault in faults) if faults else said)


def _criterion_id(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text):
        raise ValueError(
            f'"{text[:40]}" is no id; use 1 to 40 small letters, digits or underscores, the first a letter'
        )
    if text == RESERVED:
        raise ValueError(f'"{RESERVED}" is the mean of all criteria; use another id')
    return text


class Criterion(BaseModel):
    """One quality that is scored alone, from `low` to `high`, with a written anchor for every score.

    On another scale than 1 to 5 anchors may be left out, all or some.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    anchored: ClassVar[bool] = True  # a scale of 1 to 5 needs all its anchors

    id: Annotated[Text, AfterValidator(_criterion_id)] = Field(description='a short name in small letters: "clarity"')
    label: Text = Field(description='what people read as its name: "Clarity"')
    question: Text = Field(description='what the score answers: "Is it easy to follow?"')
    low: StrictInt = Field(default=FIVE[0], description="the lowest score, a whole number; 1 if left out", ge=-LARGEST)
    high: StrictInt = Field(default=FIVE[1], description="the highest score, above low; 5 if left out", le=LARGEST)
    anchors: dict[int, str] = Field(
        default_factory=dict,
        validate_default=True,
        description="a table with a sentence for each of 1 to 5 on when it is given",
    )

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: int, info: ValidationInfo) -> int:
        low = info.data.get("low", high - 1)
        if not low < high <= low + LARGEST:
            raise ValueError(f"{high} is not above low, which is {low}, or more than {LARGEST} points above it")
        return high

    @field_validator("anchors", mode="before")
    @classmethod
    def _one_for_each_score(cls, anchors: Any, info: ValidationInfo) -> Any:
        if not isinstance(anchors, dict) or not {"low", "high"} <= set(info.data):
            return anchors
        name = f"criterion {info.data['id']}" if "id" in info.data else "a criterion"
        scale = (info.data["low"], info.data["high"])
        known = {str(score): anchor for score, anchor in anchors.items()}
        wanted = [str(score) for score in range(scale[0], scale[1] + 1)]
        missing = [score for score in wanted if score not in known] if cls.anchored and scale == FIVE else []
        faults = [f"{score} is missing" for score in missing]
        faults += [f"{score} is no score, remove it" for score in known if score not in wanted]
        faults += [
            f"{score} has no text"
            for score, anchor in known.items()
            if score in wanted and not (isinstance(anchor, str) and anchor.strip() and "\0" not in anchor)
        ]
        if faults:
            each = "needs an anchor for each of" if cls.anchored and scale == FIVE else "may have an anchor for each of"
            raise ValueError(f"{name} {each} {scale[0]} to {scale[1]}: {', '.join(faults)}")
        return {int(score): anchor for score, anchor in known.items()}


class Rubric(BaseModel):
    """A named, versioned set of criteria; another wording is another rubric."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    most: ClassVar[int] = MAX_CRITERIA

    name: Text = Field(max_length=60, description='what it is called, up to 60 characters: "our-rubric"')
    version: Text = Field(max_length=20, description='a text of up to 20 characters in quotes: "1"')
    instruction: Text = Field(description="what the judge has to heed for all criteria")
    criteria: tuple[Criterion, ...] = Field(description=f"1 to {MAX_CRITERIA} tables, each headed [[criteria]]")

    @field_validator("criteria", mode="before")
    @classmethod
    def _not_none_nor_too_many(cls, criteria: Any) -> Any:
        if isinstance(criteria, list | tuple) and not 1 <= len(criteria) <= cls.most:
            raise ValueError(f"there are {len(criteria)}; write 1 to {cls.most}, each headed [[criteria]]")
        return criteria

    @field_validator("criteria")
    @classmethod
    def _ids_differ(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        if faults := _twice([criterion.id for criterion in criteria]):
            raise ValueError("; ".join(faults))
        return criteria

    @property
    def sha256(self) -> str:
        body = self.model_dump(mode="json")
        for criterion in body["criteria"]:
            if (criterion["low"], criterion["high"]) == FIVE:  # keeps the hash it had before there were other scales
                del criterion["low"], criterion["high"]
        return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def is_five_point(self) -> bool:
        """Whether every criterion is scored from 1 to 5, as judges do."""
        return all((criterion.low, criterion.high) == FIVE for criterion in self.criteria)

    @property
    def criterion_ids(self) -> tuple[str, ...]:
        return tuple(criterion.id for criterion in self.criteria)


def _twice(ids: Sequence[Any]) -> list[str]:
    """A sentence for each id that more than one criterion has."""
    return [f'the id "{name}" stands there {n} times; give each its own' for name, n in Counter(ids).items() if n > 1]


def judgeable(rubric: Rubric) -> Rubric:
    """The rubric, if judges can score by it. Raises RubricError where it has another scale than 1 to 5."""
    other = next((c for c in rubric.criteria if (c.low, c.high) != FIVE), None)
    if other:
        raise RubricError(
            f"The rubric {rubric.name} scores {other.id} from {other.low} to {other.high}; judges score from 1 to 5: "
            "name another with --rubric."
        )
    return rubric


@cache
def built_in() -> Rubric:
    """The rubric that comes with Rightsize."""
    return load(BUILT_IN)


def load(path: Path) -> Rubric:
    """Read a rubric from a TOML file. Raises RubricError with every fault: its key, what is wrong, what is right."""
    try:
        raw, lines = toml_file.read(path, "rubric")
    except toml_file.TomlError as error:
        raise RubricError(str(error)) from error
    try:
        return Rubric.model_validate(raw)
    except ValidationError as error:
        faults = [str(fault) for fault in toml_file.faults_in(error, Rubric, lines)]
        criteria = raw.get("criteria")
        ids = [c.get("id") for c in criteria if isinstance(c, dict)] if isinstance(criteria, list) else []
        doubled = _twice([name for name in ids if isinstance(name, str)])
        more = [str(lines.fault(("criteria",), its, "")) for its in doubled]
        faults += [fault for fault in more if fault not in faults]  # other faults do not hide them
        raise RubricError(f"{path} is not a rubric:", faults) from error
