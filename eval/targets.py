"""What is evaluated: a target turns a question into an answer by one or several calls.

A plain target asks one model; draft-and-refine lets a small model draft and a large one refine. The calls themselves
are endpoint.py's business, the order of questions the runner's.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eval.chat import ChatRequest, Completion, Endpoint, Message
from eval.endpoint import EndpointClient
from eval.qa_set import Question

Kind = Literal["plain", "draft_and_refine"]
STAGES: dict[str, tuple[str, ...]] = {"plain": ("answer",), "draft_and_refine": ("draft", "refine")}

PROMPT_VERSION = "1"
SYSTEM = (
    "Answer the question in the form it asks for, completely and without padding. Where documents are given, rest the "
    "answer on them alone; if they do not hold the answer, say so."
)
REFINE = (
    "A smaller model drafted an answer; it stands between the fences below and may hold errors. Check it against the "
    "question and the documents, then reply with the improved answer only."
)


class Stage(BaseModel):
    """One call of a target: which model at which endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    model: str = Field(min_length=1)
    endpoint: Endpoint


class Target(BaseModel):
    """A candidate under its name, with the stages that make its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=60)
    kind: Kind = "plain"
    stages: tuple[Stage, ...]

    @model_validator(mode="after")
    def _stages_fit(self) -> "Target":
        if tuple(stage.name for stage in self.stages) != STAGES[self.kind]:
            raise ValueError(f"a {self.kind} target has the stages {', '.join(STAGES[self.kind])}")
        return self

    @property
    def model(self) -> str:
        return " + ".join(stage.model for stage in self.stages)

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(sorted({stage.endpoint.url for stage in self.stages}))


@dataclass(frozen=True, slots=True)
class StageOutcome:
    stage: Stage
    completion: Completion


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one question: the completions of the stages in order, the last one holding the answer."""

    outcomes: tuple[StageOutcome, ...]

    @property
    def last(self) -> Completion:
        return self.outcomes[-1].completion

    @property
    def completion_tokens(self) -> int:
        return sum(outcome.completion.last.usage.completion_tokens or 0 for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        return all(outcome.completion.ok for outcome in self.outcomes)


def build_messages(question: Question, draft: str | None = None) -> list[Message]:
    """The prompt for a question, the same for every target; with a draft, the prompt to refine it."""
    parts = [f"Document: {d.title}\n{d.text}" if d.title else f"Document:\n{d.text}" for d in question.documents]
    parts.append(f"Question: {question.question}")
    if draft is not None:
        marker = hashlib.sha256(f"{question.id}\n{draft}".encode()).hexdigest()[:16]
        parts.append(f"{REFINE}\n[draft {marker}]\n{draft}\n[/draft {marker}]")
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "\n\n".join(parts)}]


async def answer(target: Target, question: Question, clients: Mapping[str, EndpointClient]) -> Answered:
    """Ask a target one question, stage by stage; `clients` are open connections by endpoint address.

    A failed stage ends the answer; the failure is in its completion, never raised.
    """
    outcomes: list[StageOutcome] = []
    draft: str | None = None
    for stage in target.stages:
        request = ChatRequest(stage.model, build_messages(question, draft), max_tokens=question.output_limit)
        completion = await clients[stage.endpoint.url].complete(request)
        outcomes.append(StageOutcome(stage, completion))
        if not completion.ok:
            break
        draft = completion.text
    return Answered(tuple(outcomes))
