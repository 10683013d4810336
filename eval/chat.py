"""The data of one request: where it goes, what is asked, every attempt and what came back of it.

Sending it and timing the reply is endpoint.py's business.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from eval.expected import ExpectedError
from eval.lag import LIMIT_MS
from eval.stream import Usage

Message = dict[str, str]


class EndpointError(ExpectedError):
    """An endpoint cannot be used as it is configured; the text says why and what to do."""


class Endpoint(BaseModel):
    """Where a server speaks the OpenAI API, and how patient to be with it. Holds the name of a key, never a key."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    url: str = Field(description='an address in quotes: "http://127.0.0.1:5273/v1"')
    api_key_env: str | None = None
    concurrency: int = Field(default=1, ge=1, le=256)
    timeout_s: float = Field(default=300.0, gt=0, le=3600)
    max_attempts: int = Field(default=4, ge=1, le=10)

    @field_validator("url")
    @classmethod
    def _plain_http(cls, url: str) -> str:
        url = url.strip()
        if "@" in url.partition("?")[0]:
            raise ValueError("the address holds credentials; put the key in an environment variable instead")
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, or half of an IPv6 address
            parts, sound = urlsplit(""), False
        if not sound or " " in url or not url.isprintable():
            raise ValueError(f'"{url.partition("?")[0]}" is not an address; write it like http://127.0.0.1:5273/v1')
        if parts.query or parts.fragment:
            raise ValueError("the address has a part after ? or #, which would be lost; leave it out")
        return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))

    @field_validator("api_key_env")
    @classmethod
    def _name_of_variable(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("api_key_env has to be the name of an environment variable, and never the key itself")
        return name

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def api_key(self) -> str:
        """The key from the environment, or a dummy where none is named. Raises EndpointError if it is not there."""
        if self.api_key_env is None:
            return "none"
        if not (key := os.environ.get(self.api_key_env, "").strip()):
            raise EndpointError(
                f"The environment variable {self.api_key_env}, which should hold the key for {self.url}, is not set."
            )
        if not (key.isascii() and key.isprintable()):
            raise EndpointError(f"{self.api_key_env} holds characters that no key for {self.url} can have.")
        return key


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked: messages and the parameters that are held constant over all targets."""

    model: str
    messages: Sequence[Message]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 7
    stream: bool = True
    response_format: dict[str, Any] | None = None
    top_logprobs: int | None = None  # how many of the likeliest tokens to tell with their probabilities

    @property
    def prompt(self) -> str:
        return "\n".join(message["content"] for message in self.messages)


@dataclass(slots=True)
class Attempt:
    """One try of one request, successful or not: the fields of a stored call. Times in milliseconds."""

    number: int
    request_id: str
    started_at: datetime
    wait_before_ms: float = 0.0
    streamed: bool = True
    status_code: int | None = None
    error_kind: str | None = None
    error: str | None = None
    model_returned: str | None = None
    http_version: str | None = None
    connection_reused: bool | None = None
    prepare_ms: float | None = None
    connect_ms: float | None = None
    headers_ms: float | None = None
    first_byte_ms: float | None = None
    ttft_ms: float | None = None
    ttfat_ms: float | None = None
    generation_ms: float | None = None
    total_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    tokens_per_s: float | None = None
    chunk_ms: list[float] = field(default_factory=list)
    finish_reason: str | None = None
    loop_lag_ms: float | None = None
    usage: Usage = field(default_factory=Usage)
    top_logprobs: list[dict[str, float]] = field(default_factory=list)


@dataclass(slots=True)
class Completion:
    """The outcome of one request: every attempt, and the text of the last one if it succeeded."""

    request: ChatRequest
    endpoint: str
    text: str
    attempts: list[Attempt]
    simulated: bool = False

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def ok(self) -> bool:
        return self.last.error_kind is None

    @property
    def client_limited(self) -> bool:
        return (self.last.loop_lag_ms or 0.0) > LIMIT_MS
