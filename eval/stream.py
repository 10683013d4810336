"""What a reply says and when it said it: raw stamped bytes in, text, usage and timings out.

Pure: the bytes were stamped by transport.py while they arrived; here they are parsed after the stream has ended, so
that parsing never delays a stamp. Whether a failed attempt is repeated is endpoint.py's decision.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pydantic_core import from_json

CHARACTERS_PER_TOKEN = 4  # for estimates where a server sends no usage; the OpenAI rule of thumb for English

MIN_ARRIVALS = 5  # below this the speed of generation cannot be told


@dataclass(slots=True)
class Usage:
    """Token counts of one request; `estimated` where the server sent none."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


@dataclass(slots=True)
class Reply:
    """One parsed reply. Piece times are nanoseconds on the clock of the stamps."""

    text: str = ""
    reasoning: str = ""
    content_ns: list[int] = field(default_factory=list)  # arrivals of non-empty pieces of the answer
    reasoning_ns: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    error: str | None = None  # an error object sent inside a stream that began well
    complete: bool = False  # a finish reason or [DONE] was seen


class NotJSONError(ValueError):
    """The body is no JSON object, or an event holds none; carries the start of what came instead."""


def _events(chunks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Server-sent events (WHATWG HTML, section 9.2): the joined data lines of each, with the stamp of its end."""
    rest, data = b"", list[bytes]()
    last_ns = 0
    for stamp_ns, chunk in chunks:
        last_ns = stamp_ns
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif line in (b"", b"\r") and data:
                yield stamp_ns, b"\n".join(data)
                data = []
    if rest.startswith(b"data:"):
        data.append(rest[5:].strip())
    if data:
        yield last_ns, b"\n".join(data)


def _load(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body)  # five times faster than json.loads
    except ValueError:
        try:
            value = json.loads(body, strict=False)  # some servers emit raw control characters inside strings
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise NotJSONError(body[:200].decode("utf-8", "replace"))
    return value


def _count(holder: Any, key: str) -> int | None:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _usage(usage: Any) -> Usage:
    """Token counts as the OpenAI API names them; a count that is missing stays unknown."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return Usage(
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_count(details, "cached_tokens"),
        reasoning_tokens=_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def error_message(body: Any) -> str:
    """The sentence inside an error object, whichever of the common shapes it has."""
    if isinstance(body, dict):
        inner = body.get("error", body.get("detail", body.get("message", body)))
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            return inner["message"]
        return inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False, default=str)[:500]
    return str(body)[:500]


def _take(reply: Reply, event: dict[str, Any], stamp_ns: int, part: str) -> None:
    """Add one event (part "delta") or a whole completion (part "message") to the reply."""
    if event.get("error"):
        reply.error = error_message(event)
        return
    if isinstance(event.get("model"), str) and event["model"]:
        reply.model = event["model"]
    if isinstance(event.get("usage"), dict):
        reply.usage = _usage(event["usage"])
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return
    choice: dict[str, Any] = choices[0]
    piece = choice.get(part)
    if isinstance(piece, dict):
        thought = piece.get("reasoning_content") or piece.get("reasoning")
        if isinstance(thought, str) and thought:
            reply.reasoning += thought
            reply.reasoning_ns.append(stamp_ns)
        content = piece.get("content")
        if isinstance(content, str) and content:
            reply.text += content
            reply.content_ns.append(stamp_ns)
        elif content is None and isinstance(piece.get("refusal"), str):
            reply.text += piece["refusal"]
            reply.content_ns.append(stamp_ns)
    if isinstance(choice.get("finish_reason"), str):
        reply.finish_reason = choice["finish_reason"]
        reply.complete = True


def _clean(text: str) -> str:
    """Text that any database can hold: halves of a character joined, lone halves and NUL replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def parse_stream(chunks: list[tuple[int, bytes]]) -> Reply:
    """Parse a reply that was streamed as server-sent events.

    A stream without a finish reason and without [DONE] comes back with `complete` False: it was cut.
    Raises NotJSONError if an event holds no JSON object or the body holds no event.
    """
    reply, seen = Reply(), False
    for stamp_ns, data in _events(chunks):
        seen = True
        if data == b"[DONE]":
            reply.complete = True
            break
        _take(reply, _load(data), stamp_ns, "delta")
    if not seen:
        raise NotJSONError(b"".join(chunk for _, chunk in chunks)[:200].decode("utf-8", "replace"))
    reply.text, reply.reasoning = _clean(reply.text), _clean(reply.reasoning)
    return reply


def parse_whole(chunks: list[tuple[int, bytes]]) -> Reply:
    """Parse a reply that came as one JSON object; it has no first-token time. Raises NotJSONError."""
    body = _load(b"".join(chunk for _, chunk in chunks))
    reply = Reply()
    _take(reply, body, chunks[-1][0], "message")
    reply.complete = reply.complete or (reply.error is None and bool(body.get("choices")))
    if not reply.complete and reply.error is None:
        raise NotJSONError(json.dumps(body)[:200])
    reply.text, reply.reasoning = _clean(reply.text), _clean(reply.reasoning)
    reply.content_ns, reply.reasoning_ns = [], []
    return reply


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, for servers that count none."""
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN)) if text else 0


def complete_usage(usage: Usage, prompt: str, reply: Reply) -> Usage:
    """The usage as sent, or, where the server sent none, an estimate flagged as one.

    One streamed piece is close to one token; without pieces the length of the text decides.
    """
    if usage.prompt_tokens is not None and usage.completion_tokens is not None:
        return usage
    pieces = len(reply.content_ns) + len(reply.reasoning_ns)
    by_length = estimate_tokens(reply.reasoning + reply.text)
    return Usage(
        prompt_tokens=usage.prompt_tokens if usage.prompt_tokens is not None else estimate_tokens(prompt),
        completion_tokens=usage.completion_tokens if usage.completion_tokens is not None else max(pieces, by_length),
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated=True,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """Inter-token figures of one streamed reply, milliseconds; None with fewer than two pieces."""

    ttft_ms: float | None
    ttfat_ms: float | None
    generation_ms: float | None
    itl_p50_ms: float | None
    itl_p95_ms: float | None
    tokens_per_s: float | None
    chunk_ms: list[float]


def _quantile(ordered: list[float], q: float) -> float | None:
    """The linearly interpolated quantile (Hyndman and Fan 1996, type 7, numpy's default) of ordered values."""
    if not ordered:
        return None
    position = q * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def pace(reply: Reply, sent_ns: int, completion_tokens: int | None) -> Pace:
    """Timings of a streamed reply, counted from the moment the request left.

    Tokens per second of generation = tokens after the first piece / (last piece - first piece): the first piece
    belongs to the prompt's processing (MLPerf Inference's time per output token, inverted; where a server sends
    several tokens a piece, the first piece is counted as the average one). With fewer than MIN_ARRIVALS distinct
    arrivals the stream came too bunched to tell.
    """
    arrivals = sorted(reply.reasoning_ns + reply.content_ns)
    if not arrivals:
        return Pace(None, None, None, None, None, None, [])
    ms = [(stamp - sent_ns) / 1e6 for stamp in arrivals]
    generation_ms = ms[-1] - ms[0]
    gaps = sorted(later - earlier for earlier, later in pairwise(ms))
    return Pace(
        ttft_ms=ms[0],
        ttfat_ms=(reply.content_ns[0] - sent_ns) / 1e6 if reply.content_ns else None,
        generation_ms=generation_ms,
        itl_p50_ms=_quantile(gaps, 0.50),
        itl_p95_ms=_quantile(gaps, 0.95),
        tokens_per_s=completion_tokens * (1 - 1 / len(ms)) / generation_ms * 1e3
        if completion_tokens and len(set(arrivals)) >= MIN_ARRIVALS
        else None,
        chunk_ms=[round(v, 2) for v in ms],
    )
