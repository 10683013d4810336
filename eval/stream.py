"""What a reply says and when it said it: raw stamped bytes in, text, usage and timings out.

Pure: the bytes were stamped by transport.py while they arrived; here they are parsed after the stream has ended, so
that parsing never delays a stamp. Whether a failed attempt is repeated is endpoint.py's decision.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from pydantic_core import from_json

CHARACTERS_PER_TOKEN = 4  # for estimates where a server sends no usage; the OpenAI rule of thumb for English

MIN_ARRIVALS = 5  # below this the speed of generation cannot be told
MAX_FIRST_TOKENS = 8  # more of them that arrive at one moment do not tell when the first one was there
MAX_COUNT = 2**31 - 1  # a larger token count is none, and no database column would hold it
MAX_POSITIONS = 8  # tokens of a reply whose probabilities are kept
MAX_ERROR = 500  # characters of a server's own words


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
    top_logprobs: list[dict[str, float]] = field(default_factory=list)  # of the first tokens, where asked for
    error: str | None = None  # an error object sent inside a stream that began well
    complete: bool = False  # a finish reason or [DONE] was seen


class NotJSONError(ValueError):
    """The body is no JSON object, or an event holds none; carries the start of what came instead."""


class _Event(NamedTuple):
    """One server-sent event: its joined data lines, with the stamp of its end."""

    stamp_ns: int
    name: bytes
    data: bytes
    ended: bool  # by a blank line; the last one of a body may lack it, or be cut off


def _lines(chunks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Each line without its line break, with the stamp of the chunk that ended it."""
    parts, stamp_ns = list[bytes](), 0
    for stamp_ns, chunk in chunks:
        first, *others = chunk.split(b"\n")
        parts.append(first)
        for other in others:
            yield stamp_ns, b"".join(parts).removesuffix(b"\r")
            parts = [other]
    if last := b"".join(parts):
        yield stamp_ns, last


def _events(chunks: Iterable[tuple[int, bytes]]) -> Iterator[_Event]:
    """Server-sent events (WHATWG HTML, section 9.2); llama.cpp's field "error" counts as an event of that name."""
    name, data, stamp_ns = b"", list[bytes](), 0
    for stamp_ns, raw in _lines(chunks):
        line = raw.removeprefix(b"\xef\xbb\xbf")
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif line.startswith(b"error:"):
            name = b"error"
            data.append(line[6:].strip())
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif not line:
            if data:
                yield _Event(stamp_ns, name, b"\n".join(data), True)
            name, data = b"", []
    if data:
        yield _Event(stamp_ns, name, b"\n".join(data), False)


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
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT else None


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
    """The sentence inside an error object, whichever of the common shapes it has; of a web page its title."""
    if isinstance(body, dict):
        body = body.get("error") or body.get("detail") or body.get("message") or body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        body = body["message"]
    try:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    except RecursionError:
        text = "an error nested too deeply to read"
    if text.lstrip().startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)", text[:100_000], re.IGNORECASE)
        text = f"a web page ({title[1].strip()})" if title and title[1].strip() else "a web page"
    return " ".join(clean(text[: 2 * MAX_ERROR]).split())[:MAX_ERROR]


def _parts(content: Any, kind: str) -> str:
    """The pieces of one kind in a content that is a list (Mistral sends "text" and "thinking" so)."""
    if not isinstance(content, list):
        return ""
    held = (part.get(kind) for part in content if isinstance(part, dict) and part.get("type") == kind)
    return "".join(piece if isinstance(piece, str) else _parts(piece, "text") for piece in held)


def _take(reply: Reply, event: dict[str, Any], stamp_ns: int, part: str) -> None:
    """Add one event (part "delta") or a whole completion (part "message") to the reply."""
    if event.get("error") or event.get("object") == "error":
        reply.error = reply.error or error_message(event)
        return
    model = event.get("model")
    if model != reply.model and isinstance(model, str) and model:  # each event repeats it
        reply.model = clean(model)
    if isinstance(event.get("usage"), dict):
        reply.usage = _usage(event["usage"])
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return
    choice: dict[str, Any] = choices[0]
    piece = choice.get(part)
    if isinstance(piece, dict):
        content = piece.get("content")
        listed = isinstance(content, list)
        thought = piece.get("reasoning_content") or piece.get("reasoning") or (listed and _parts(content, "thinking"))
        if isinstance(thought, str) and thought:
            reply.reasoning += thought
            reply.reasoning_ns.append(stamp_ns)
        said = (_parts(content, "text") if listed else content) or piece.get("refusal")
        if isinstance(said, str) and said:
            reply.text += said
            reply.content_ns.append(stamp_ns)
    if isinstance(choice.get("finish_reason"), str):
        reply.finish_reason = clean(choice["finish_reason"])
        reply.complete = True


def clean(text: str) -> str:
    """Text that any database can hold: halves of a character joined, lone halves and NUL replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def parse_stream(chunks: list[tuple[int, bytes]]) -> Reply:
    """Parse a reply that was streamed as server-sent events.

    A stream without a finish reason and without [DONE] comes back with `complete` False: it was cut.
    Raises NotJSONError if the first event holds no JSON object or the body holds no event.
    """
    reply, seen = Reply(), False
    for event in _events(chunks):
        if event.data == b"[DONE]":
            seen = reply.complete = True
            break
        try:
            value = _load(event.data)
        except NotJSONError as error:
            if event.name == b"error":
                reply.error = reply.error or error_message(event.data.decode("utf-8", "replace"))
            elif not event.ended:
                seen = True  # the body ended amid an event
                break
            elif not seen:
                raise
            else:
                reply.error = reply.error or error_message(f"an event that is no JSON object: {error}")
        else:
            if event.name == b"error":
                reply.error = reply.error or error_message(value)
            _take(reply, value, event.stamp_ns, "delta")
        seen = True
    if not seen:
        raise NotJSONError(b"".join(chunk for _, chunk in chunks)[:200].decode("utf-8", "replace"))
    reply.text, reply.reasoning = clean(reply.text), clean(reply.reasoning)
    return reply


def parse_whole(chunks: list[tuple[int, bytes]]) -> Reply:
    """Parse a reply that came as one JSON object; it has no first-token time. Raises NotJSONError."""
    body = _load(b"".join(chunk for _, chunk in chunks))
    reply = Reply()
    _take(reply, body, chunks[-1][0], "message")
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    reply.complete = isinstance(first, dict) and isinstance(first.get("message"), dict)
    reply.top_logprobs = _top_logprobs(first)
    if not reply.complete and reply.error is None:
        raise NotJSONError(json.dumps(body)[:200])
    reply.text, reply.reasoning = clean(reply.text), clean(reply.reasoning)
    reply.content_ns, reply.reasoning_ns = [], []
    return reply


def _top_logprobs(choice: Any) -> list[dict[str, float]]:
    """The likeliest tokens with their log-probabilities at each of the first positions; empty where none were sent."""
    held = choice.get("logprobs") if isinstance(choice, dict) else None
    content = held.get("content") if isinstance(held, dict) else None
    return [_likeliest(position) for position in content[:MAX_POSITIONS]] if isinstance(content, list) else []


def _likeliest(position: Any) -> dict[str, float]:
    listed = position.get("top_logprobs") if isinstance(position, dict) else None
    tokens = [t for t in listed if isinstance(t, dict)] if isinstance(listed, list) else []
    return {
        t["token"]: float(t["logprob"])
        for t in tokens
        if isinstance(t.get("token"), str) and isinstance(t.get("logprob"), int | float) and t["logprob"] <= 0
    }


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, for servers that count none."""
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN)) if text else 0


def complete_usage(usage: Usage, prompt: str, reply: Reply) -> Usage:
    """The usage as sent, or, where the server sent none, an estimate flagged as one.

    One streamed piece is close to one token; without pieces the length of the text decides. A count of 0 for a text
    that is there is no count.
    """
    by_length = estimate_tokens(reply.reasoning + reply.text)
    prompt_tokens, completion_tokens = usage.prompt_tokens, usage.completion_tokens
    if prompt_tokens == 0 and prompt:
        prompt_tokens = None
    if completion_tokens == 0 and by_length:
        completion_tokens = None
    if prompt_tokens is not None and completion_tokens is not None:
        return usage
    pieces = len(reply.content_ns) + len(reply.reasoning_ns)
    return Usage(
        prompt_tokens=prompt_tokens if prompt_tokens is not None else estimate_tokens(prompt),
        completion_tokens=completion_tokens if completion_tokens is not None else max(pieces, by_length),
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated=True,
    )


def streamed_tokens(usage: Usage, reply: Reply) -> int | None:
    """The tokens that the pieces hold: all, but for thoughts that a server counts and does not send."""
    if usage.completion_tokens is None or reply.reasoning_ns:
        return usage.completion_tokens
    return max(0, usage.completion_tokens - (usage.reasoning_tokens or 0))


@dataclass(frozen=True, slots=True)
class Pace:
    """Timings of one streamed reply, milliseconds.

    Those between tokens are None where the pieces came bunched, all but the arrivals where the reply came in one piece.
    """

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


def _at_once(arrivals: list[int], tokens: int | None) -> bool:
    """Whether several tokens came in one piece, or in pieces that were held back and sent together."""
    return len(set(arrivals)) == 1 and tokens is not None and tokens > MAX_FIRST_TOKENS


def pace(reply: Reply, sent_ns: int, tokens: int | None) -> Pace:
    """Timings of a streamed reply, counted from the moment the request left; `tokens` are those in its pieces.

    Tokens per second of generation = tokens after the first piece / (last piece - first piece): the first piece
    belongs to the prompt's processing (MLPerf Inference's time per output token, inverted; where a server sends
    several tokens a piece, the first piece is counted as the average one). With fewer than MIN_ARRIVALS distinct
    arrivals the stream came too bunched to tell, and neither can the times between tokens be told. A reply of more than
    MAX_FIRST_TOKENS that arrived at one moment was not streamed in effect: like one that was not streamed at all it has
    no first-token time.
    """
    arrivals = sorted(reply.reasoning_ns + reply.content_ns)
    ms = [(stamp - sent_ns) / 1e6 for stamp in arrivals]
    if not arrivals or _at_once(arrivals, tokens):
        return Pace(None, None, None, None, None, None, [round(v, 2) for v in ms])
    generation_ms = ms[-1] - ms[0]
    in_content = estimate_tokens(reply.text) if reply.reasoning_ns else tokens
    without_ttfat = not reply.content_ns or _at_once(reply.content_ns, in_content)
    bunched = len(set(arrivals)) < MIN_ARRIVALS
    gaps = [] if bunched else sorted(later - earlier for earlier, later in pairwise(ms))
    return Pace(
        ttft_ms=ms[0],
        ttfat_ms=None if without_ttfat else (reply.content_ns[0] - sent_ns) / 1e6,
        generation_ms=generation_ms,
        itl_p50_ms=_quantile(gaps, 0.50),
        itl_p95_ms=_quantile(gaps, 0.95),
        tokens_per_s=tokens * (1 - 1 / len(ms)) / generation_ms * 1e3 if tokens and not bunched else None,
        chunk_ms=[round(v, 2) for v in ms],
    )
