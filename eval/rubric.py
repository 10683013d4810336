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
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from eval import toml_file
from eval.qa_set import Text

SCORES = (5, 4, 3, 2, 1)
BUILT_IN = Path(__file__).parent / "data" / "rubric.toml"
MAX_CRITERIA = 10
RESERVED = "overall"  # the mean of the criteria has this name


class RubricError(ValueError):
    """A file is not a rubric; the text holds every fault with its key."""


def _criterion_id(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text):
        raise ValueError(
            f'"{text[:40]}" is no id; use 1 to 40 small letters, digits or underscores, the first a letter'
        )
    if text == RESERVED:
        raise ValueError(f'"{RESERVED}" is the mean of all criteria; use another id')
    return text


class Criterion(BaseModel):
    """One quality that is scored alone, with a written anchor for every score."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Annotated[Text, AfterValidator(_criterion_id)] = Field(description='a short name in small letters: "clarity"')
    label: Text = Field(description='what people read as its name: "Clarity"')
    question: Text = Field(description='what the score answers: "Is it easy to follow?"')
    anchors: dict[int, str] = Field(description="a table with a sentence for each of 1 to 5 on when it is given")

    @field_validator("anchors", mode="before")
    @classmethod
    def _one_for_each_score(cls, anchors: Any, info: ValidationInfo) -> Any:
        if not isinstance(anchors, dict):
            return anchors
        name = f"criterion {info.data['id']}" if "id" in info.data else "a criterion"
        known = {str(score): anchor for score, anchor in anchors.items()}
        wanted = [str(score) for score in reversed(SCORES)]
        faults = [f"{score} is missing" for score in wanted if score not in known]
        faults += [f"{score} is no score, remove it" for score in known if score not in wanted]
        faults += [
            f"{score} has no text"
            for score, anchor in known.items()
            if score in wanted and not (isinstance(anchor, str) and anchor.strip() and "\0" not in anchor)
        ]
        if faults:
            raise ValueError(f"{name} needs an anchor for each of 1 to 5: {', '.join(faults)}")
        return {int(score): anchor for score, anchor in known.items()}


class Rubric(BaseModel):
    """A named, versioned set of criteria; another wording is another rubric."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Text = Field(max_length=60, description='what it is called, up to 60 characters: "our-rubric"')
    version: Text = Field(max_length=20, description='a text of up to 20 characters in quotes: "1"')
    instruction: Text = Field(description="what the judge has to heed for all criteria")
    criteria: tuple[Criterion, ...] = Field(description=f"1 to {MAX_CRITERIA} tables, each headed [[criteria]]")

    @field_validator("criteria", mode="before")
    @classmethod
    def _not_none_nor_too_many(cls, criteria: Any) -> Any:
        if isinstance(criteria, list | tuple) and not 1 <= len(criteria) <= MAX_CRITERIA:
            raise ValueError(f"there are {len(criteria)}; write 1 to {MAX_CRITERIA}, each headed [[criteria]]")
        return criteria

    @field_validator("criteria")
    @classmethod
    def _ids_differ(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        if faults := _twice([criterion.id for criterion in criteria]):
            raise ValueError("; ".join(faults))
        return criteria

    @property
    def sha256(self) -> str:
        body = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def criterion_ids(self) -> tuple[str, ...]:
        return tuple(criterion.id for criterion in self.criteria)


def _twice(ids: Sequence[Any]) -> list[str]:
    """A sentence for each id that more than one criterion has."""
    return [f'the id "{name}" stands there {n} times; give each its own' for name, n in Counter(ids).items() if n > 1]


@cache
def built_in() -> Rubric:
    """The rubric that comes with Rightsize."""
    return load(BUILT_IN)


def load(path: Path) -> Rubric:
    """Read a rubric from a TOML file. Raises RubricError with every fault: its key, what is wrong, what is right."""
    try:
        raw = toml_file.read(path, "rubric")
    except FileNotFoundError:
        raise RubricError(f"There is no file {path} with a rubric.") from None
    except toml_file.TomlError as error:
        raise RubricError(str(error)) from error
    try:
        return Rubric.model_validate(raw)
    except ValidationError as error:
        faults = toml_file.faults_in(error, Rubric)
        criteria = raw.get("criteria")
        ids = [c.get("id") for c in criteria if isinstance(c, dict)] if isinstance(criteria, list) else []
        doubled = [f"criteria: {fault}" for fault in _twice([name for name in ids if isinstance(name, str)])]
        faults += [fault for fault in doubled if fault not in faults]  # other faults do not hide them
        raise RubricError(f"{path} is not a rubric:\n" + "\n".join(f"- {fault}" for fault in faults)) from error
