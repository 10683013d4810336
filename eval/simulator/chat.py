"""The OpenAI API as bytes: reads a chat request, writes its events, bodies and error objects.

Pure. What is answered comes from answers.py and judging.py, when it is sent is server.py's business.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from eval.simulator.profiles import Profile
from eval.simulator.text import tokens

_SLOT = "\x00"  # where the text of a piece goes


class BadRequestError(ValueError):
    """A request that the OpenAI API refuses with status 400; `param` names the field at fault."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatQuery:
    """What a client asked, checked."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    stream: bool
    include_usage: bool
    limit: int | None  # tokens
    seed: int
    temperature: float
    top_logprobs: int  # of each token of a reply that is not streamed; 0: none
    schema: Mapping[str, Any] | None  # of the reply, where one was asked for


@dataclass(frozen=True, slots=True)
class Generation:
    """What is sent back: the tokens of thought and of the answer, already cut to the limit."""

    reasoning: tuple[str, ...]
    content: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int

    @property
    def count(self) -> int:
        return len(self.reasoning) + len(self.content)

    @property
    def usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.count,
            "total_tokens": self.prompt_tokens + self.count,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": len(self.reasoning)},
        }


def read_query(body: bytes) -> ChatQuery:
    """Read the body of a chat request. Raises BadRequestError."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body of the request is not JSON.") from error
    if not isinstance(asked, dict):
        raise BadRequestError("The body of the request is not a JSON object.")
    model, messages = asked.get("model"), asked.get("messages")
    if not isinstance(model, str) or not model:
        raise BadRequestError("The request names no model.", "model")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise BadRequestError("messages has to be a list of at least one message.", "messages")
    limit_name = "max_completion_tokens" if asked.get("max_completion_tokens") is not None else "max_tokens"
    limit = asked.get(limit_name)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise BadRequestError(f"{limit_name} has to be a whole number of at least 1.", limit_name)
    seed = asked.get("seed") or 0
    if not isinstance(seed, int):
        raise BadRequestError("seed has to be a whole number.", "seed")
    options = asked.get("stream_options")
    include_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    schema = _schema(asked.get("response_format"))
    temperature, top = asked.get("temperature") or 0.0, asked.get("top_logprobs") or 0
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise BadRequestError("temperature has to be a number from 0 to 2.", "temperature")
    if not isinstance(top, int) or not 0 <= top <= 20 or (top and not asked.get("logprobs")):
        raise BadRequestError("top_logprobs has to be a whole number from 0 to 20, with logprobs.", "top_logprobs")
    return ChatQuery(
        model, tuple(messages), bool(asked.get("stream")), include_usage, limit, seed, temperature, top, schema
    )


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    """The schema of the reply: under `schema` as OpenAI has it, or beside the name as Foundry Local wants it."""
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return None
    named = response_format.get("json_schema")
    if not isinstance(named, dict):
        raise BadRequestError("response_format lacks its json_schema.", "response_format")
    schema = named.get("schema", named)
    return schema if isinstance(schema, dict) else None


def generate(text: str, thoughts: str, prompt: str, limit: int | None) -> Generation:
    """Cut a reply into tokens, thoughts first, and off at the limit."""
    reasoning, content = tokens(thoughts), tokens(text)
    if limit is None or len(reasoning) + len(content) <= limit:
        finish_reason = "stop"
    else:
        reasoning, finish_reason = reasoning[:limit], "length"
        content = content[: limit - len(reasoning)]
    return Generation(tuple(reasoning), tuple(content), finish_reason, len(tokens(prompt)))


def due_ms(profile: Profile, prompt_tokens: int, count: int, rng: Random) -> list[float]:
    """When each token is due, in milliseconds after the request was received: an absolute plan without drift."""

    def factor() -> float:
        sigma = profile.jitter
        return math.exp(rng.gauss(-sigma * sigma / 2, sigma)) if sigma else 1.0

    due = [(profile.ttft_ms + profile.ttft_per_prompt_token_ms * prompt_tokens) * factor()]
    for _ in range(count - 1):
        due.append(due[-1] + profile.itl_ms * factor())
    return due


def _event(head: Mapping[str, Any], rest: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps({**head, **rest}, separators=(",", ":")).encode() + b"\n\n"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A streamed reply as bytes: the chunk with the role, the pieces that carry tokens, and what ends the stream."""

    role: bytes
    pieces: list[bytes]
    last_token: list[int]  # for each piece: the index of its last token, at whose time it is due
    end: bytes


def encode_stream(query: ChatQuery, made: Generation, reply_id: str, per_chunk: int, usage: bool) -> Encoded:
    """Write every event of a stream before it starts, so that sending one costs next to nothing."""
    head = _head(reply_id, "chat.completion.chunk", query.model)

    def delta(content: Mapping[str, str], finish_reason: str | None = None) -> bytes:
        return _event(head, {"choices": [{"index": 0, "delta": content, "finish_reason": finish_reason}]})

    # Only the text differs between two pieces, so the rest is written once: 64 streams may start at the same moment.
    around = {name: delta({name: _SLOT}).split(json.dumps(_SLOT).encode()) for name in ("reasoning_content", "content")}
    pieces: list[bytes] = []
    last_token: list[int] = []
    done = 0
    for name, part in (("reasoning_content", made.reasoning), ("content", made.content)):
        for start in range(0, len(part), per_chunk):
            chunk = part[start : start + per_chunk]
            pieces.append(json.dumps("".join(chunk)).encode().join(around[name]))
            done += len(chunk)
            last_token.append(done - 1)
    end = delta({}, made.finish_reason)
    if query.include_usage and usage:
        end += _event(head, {"choices": [], "usage": made.usage})
    return Encoded(delta({"role": "assistant", "content": ""}), pieces, last_token, end + b"data: [DONE]\n\n")


def encode_whole(
    query: ChatQuery, made: Generation, reply_id: str, usage: bool, logprobs: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The body of a reply that is not streamed; `logprobs` are those of its first token, the likeliest first."""
    message = {"role": "assistant", "content": "".join(made.content)}
    if made.reasoning:
        message["reasoning_content"] = "".join(made.reasoning)
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": made.finish_reason}
    if logprobs and query.top_logprobs:
        listed = [{"token": token, "logprob": value} for token, value in logprobs.items()]
        listed.sort(key=lambda entry: -float(entry["logprob"]))
        choice["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed[: query.top_logprobs]}]}
    body = {**_head(reply_id, "chat.completion", query.model), "choices": [choice]}
    return body | {"usage": made.usage} if usage else body


def _head(reply_id: str, kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply_id}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": "rightsize-simulator",
    }


def error_body(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error object as the OpenAI API writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def models_body(profiles: Sequence[Profile]) -> dict[str, Any]:
    """The list of models."""
    return {"object": "list", "data": [model_body(profile) for profile in profiles]}


def model_body(profile: Profile) -> dict[str, Any]:
    """One model of the list; `created` is a fixed date, since nothing was ever trained."""
    return {
        "id": profile.name,
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "rightsize-simulator",
        "description": profile.description,
    }


def instance(schema: Mapping[str, Any], text: str, depth: int = 0) -> Any:
    """A small value of a JSON schema, with the text where it asks for a string."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth < 10:
        members = schema.get("properties", {})
        return {name: instance(member, text, depth + 1) for name, member in members.items()}
    simple = {"string": text, "integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.0)}
    return (simple | {"boolean": True, "array": []}).get(kind)
