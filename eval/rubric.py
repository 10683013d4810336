"""The rubric: versioned data that says what each score means.

Pure: the text lies in data/rubric.toml. judge.py turns it into a prompt, the Score page shows it to people.
"""

import hashlib
import json
import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, model_validator

SCORES = (5, 4, 3, 2, 1)


class Criterion(BaseModel):
    """One quality that is scored alone, with a written anchor for every score."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    label: str
    question: str
    anchors: dict[int, str]

    @model_validator(mode="after")
    def _complete(self) -> "Criterion":
        if sorted(self.anchors) != sorted(SCORES):
            raise ValueError(f"criterion {self.id} needs an anchor for each of 1 to 5")
        return self


class Rubric(BaseModel):
    """A named, versioned set of criteria; another wording is another rubric."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    version: str
    instruction: str
    criteria: tuple[Criterion, ...]

    @property
    def sha256(self) -> str:
        body = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def criterion_ids(self) -> tuple[str, ...]:
        return tuple(criterion.id for criterion in self.criteria)


@cache
def built_in() -> Rubric:
    """The rubric that comes with Rightsize."""
    return Rubric.model_validate(tomllib.loads(files("eval").joinpath("data/rubric.toml").read_text(encoding="utf-8")))
