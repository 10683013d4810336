"""What a judge's reply says: text in, checked scores or a named failure out.

Pure. The reply is validated here whatever the server promised: nothing is clipped, rounded or filled in. The prompt and
the calls are judge.py's business, the wording of the criteria the rubric's.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from eval.rubric import Rubric
from eval.stream import clean

Status = Literal["ok", "partial", "unparsed", "invalid", "error"]
CLAIM_VERDICTS = ("supported", "contradicted", "not_in_reference")
KEY_POINT_VERDICTS = ("covered", "missing")
CHECKS = "checks"  # where a reply holds the yes/no checks, beside its criteria
FLAGS = ("refusal", "off_topic", "instruction_in_answer", "needs_reference")
WITH_CLAIMS = "factuality"  # the criterion that lists claims and key points before its score
MAX_QUOTES = 5
NO_CHECKS: Mapping[str, tuple[str, str]] = MappingProxyType({})

_WHOLE_REPLY = re.compile(
    r"(?:score\s*[:=]?\s*)?([0-9]{1,9}(?:[.,][0-9]{1,2})?)(?:\s*(?:/|out of)\s*5)?\s*\.?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """One criterion of a verdict: a whole score, or null with a reason, or a problem that made it unusable."""

    criterion: str
    score: float | None = None  # whole, but for an expectation
    null_reason: str | None = None
    rationale: str = ""
    quotes: tuple[str, ...] = ()
    claims: tuple[dict[str, str], ...] = ()
    key_points: tuple[dict[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    problem: str | None = None
    digit_mass: float | None = None  # of an expectation
    probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """One yes/no check of a question; `met` is None where the reply does not say."""

    kind: str  # must, must_not
    text: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All criteria of one reply with the status that follows from them."""

    status: Status
    criteria: tuple[CriterionVerdict, ...] = ()
    problem: str | None = None
    checks: tuple[CheckVerdict, ...] = ()
    usable: tuple[CriterionVerdict, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "usable", tuple(c for c in self.criteria if c.problem is None))


# --- the form that is asked for -------------------------------------------------------------------------------------


def _labelled(label: str, verdicts: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {label: {"type": "string"}, "verdict": {"type": "string", "enum": list(verdicts)}},
            "required": [label, "verdict"],
            "additionalProperties": False,
        },
    }


def check_keys(must: Sequence[str], must_not: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The yes/no checks of a question under the short names that the prompt and the reply use: (kind, text)."""
    kinds = (("must", must), ("must_not", must_not))
    return {f"{kind}_{i}": (kind, text) for kind, texts in kinds for i, text in enumerate(texts, 1)}


def reply_schema(
    criterion_ids: tuple[str, ...], check_names: Sequence[str] = (), *, bounded: bool = False
) -> dict[str, Any]:
    """The JSON schema of a reply: an object keyed by criterion, evidence before score, then any checks.

    `bounded` adds limits on lengths, for servers that enforce them; OpenAI's strict mode refuses those keywords.
    """
    properties: dict[str, Any] = {}
    for criterion in criterion_ids:
        parts: dict[str, Any] = {}
        if criterion == WITH_CLAIMS:
            parts["claims"] = _labelled("claim", CLAIM_VERDICTS)
            parts["key_points"] = _labelled("key_point", KEY_POINT_VERDICTS)
        parts["quotes"] = {"type": "array", "items": {"type": "string"}}
        parts["rationale"] = {"type": "string"}
        parts["flags"] = {"type": "array", "items": {"type": "string", "enum": list(FLAGS)}}
        parts["null_reason"] = {"type": ["string", "null"]}
        parts["score"] = {"type": ["integer", "null"], "enum": [1, 2, 3, 4, 5, None]}
        properties[criterion] = {
            "type": "object",
            "properties": parts,
            "required": list(parts),
            "additionalProperties": False,
        }
    if check_names:
        properties[CHECKS] = {
            "type": "object",
            "properties": {name: {"type": ["boolean", "null"]} for name in check_names},
            "required": list(check_names),
            "additionalProperties": False,
        }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return _with_bounds(schema) if bounded else schema


def _with_bounds(schema: Any) -> Any:
    if isinstance(schema, dict):
        bounded = {key: _with_bounds(value) for key, value in schema.items()}
        if "string" in (schema.get("type") or ()) and "enum" not in schema:
            bounded["maxLength"] = 400
        if schema.get("type") == "array":
            bounded["maxItems"] = MAX_QUOTES
        return bounded
    return [_with_bounds(item) for item in schema] if isinstance(schema, list) else schema


# --- reading what came ----------------------------------------------------------------------------------------------


class UnreadableError(ValueError):
    """No JSON object of the asked form could be found; the text says what was wrong, for the repair call."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _decode(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, strict=False, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _balanced(text: str, after: int = 0) -> tuple[int, int] | None:
    """Where the first brace-balanced piece of a text begins and ends, braces inside strings not counted."""
    start = text.find("{", after)
    depth, inside, escaped = 0, False, False
    for i in range(start, len(text)) if start >= 0 else ():
        character = text[i]
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return start, i + 1
    return None


def find_object(reply: str) -> dict[str, Any]:
    """The JSON object in a reply: the whole text, else its first balanced object. Raises UnreadableError.

    Where another object follows that says something else, which of them is meant cannot be known.
    """
    if (found := _decode(reply.strip())) is not None:
        return found
    span = _balanced(reply)
    if span is None:
        raise UnreadableError("it holds no complete JSON object")
    piece = reply[slice(*span)]
    found = _decode(piece)
    if found is None:
        raise UnreadableError("its JSON object is malformed")
    while span := _balanced(reply, span[1]):
        other = reply[slice(*span)]
        if other != piece and _decode(other):
            raise UnreadableError("it holds more than one JSON object")
    return found


def read_score(value: Any) -> int:
    """A whole score from 1 to 5. Raises ValueError with what is wrong; nothing is rounded or cut to the range.

    4.0 is 4 (JSON knows one kind of number); of strings only a bare score is read, such as "4 out of 5" or "4/5".
    """
    if isinstance(value, str):
        match = _WHOLE_REPLY.fullmatch(value.strip())
        if not match:
            raise ValueError(f"the score {value[:40]!r} is not a number")
        value = float(match[1].replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the score is not a number but a {type(value).__name__}")
    if not 1 <= value <= 5:  # first, as infinity and integers without end can be compared but not converted
        raise ValueError(f"the score {value:g} is not between 1 and 5" if abs(value) < 1e9 else "the score is huge")
    if value != int(value):
        raise ValueError(f"the score {value:g} is not whole")
    return int(value)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", clean(text)).split())


def _strings(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is not a list of strings")
    return tuple(clean(item) for item in value)


def _pairs(value: Any, label: str, verdicts: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list):
        raise ValueError(f"the list of each {label} is missing")
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get(label), str) or item.get("verdict") not in verdicts:
            raise ValueError(f"a {label} lacks its text or a verdict of {', '.join(verdicts)}")
    return tuple({label: clean(item[label]), "verdict": item["verdict"]} for item in value)


def _check_quotes(quotes: tuple[str, ...], answer: str, *, needed: bool) -> None:
    if needed and not quotes:
        raise ValueError("no quote from the answer is given")
    if len(quotes) > MAX_QUOTES:
        raise ValueError(f"more than {MAX_QUOTES} quotes are given")
    material = _plain(answer)
    for quote in quotes:
        if not _plain(quote) or _plain(quote) not in material:
            raise ValueError(f"the quote {quote[:60]!r} does not occur in the answer")


def _read_criterion(criterion: str, body: Any, answer: str) -> CriterionVerdict:
    try:
        if not isinstance(body, dict):
            raise ValueError("it is missing" if body is None else "it is not an object")
        if "score" not in body:
            raise ValueError("it has no score")
        score = None if body["score"] is None else read_score(body["score"])
        said = body.get("null_reason")
        reason = clean(said) if isinstance(said, str) and score is None else None
        if score is None and not (reason and reason.strip()):
            raise ValueError("the score is null without a reason")
        quotes = _strings(body.get("quotes", []), "quotes")
        _check_quotes(quotes, answer, needed=score is not None and bool(answer.strip()))
        claims, key_points = (), ()
        if criterion == WITH_CLAIMS:
            claims = _pairs(body.get("claims"), "claim", CLAIM_VERDICTS)
            key_points = _pairs(body.get("key_points"), "key_point", KEY_POINT_VERDICTS)
        rationale = body.get("rationale", "")
        if not isinstance(rationale, str):
            raise ValueError("the rationale is not a text")
        flags = tuple(flag for flag in _strings(body.get("flags", []), "flags") if flag in FLAGS)
    except ValueError as error:
        return CriterionVerdict(criterion, problem=str(error))
    return CriterionVerdict(criterion, score, reason, clean(rationale), quotes, claims, key_points, flags)


def read_checks(body: dict[str, Any], wanted: Mapping[str, tuple[str, str]]) -> tuple[CheckVerdict, ...]:
    """The yes/no checks of a reply. What is no plain true or false is not said; it never counts as a no."""
    said = body.get(CHECKS)
    held = said if isinstance(said, dict) else {}
    found = []
    for name, (kind, text) in wanted.items():
        holds = held.get(name)
        met = None if not isinstance(holds, bool) else holds if kind == "must" else not holds
        found.append(CheckVerdict(kind, text, met))
    return tuple(found)


def read_verdict(
    reply: str, criterion_ids: tuple[str, ...], answer: str, checks: Mapping[str, tuple[str, str]] = NO_CHECKS
) -> Verdict:
    """The verdict a reply holds. Raises UnreadableError if there is no JSON object in it.

    A criterion with a fault (score out of range or fractional, invented quote, missing evidence) is kept with its
    problem and without a score; the others stand.
    """
    body = find_object(reply)
    if len(criterion_ids) == 1 and criterion_ids[0] not in body and "score" in body:
        body = {criterion_ids[0]: body}  # a judge asked for one criterion may leave the outer object away
    criteria = tuple(_read_criterion(name, body.get(name), answer) for name in criterion_ids)
    problems = [f"{c.criterion}: {c.problem}" for c in criteria if c.problem]
    status: Status = "ok" if not problems else "invalid" if len(problems) == len(criteria) else "partial"
    return Verdict(status, criteria, "; ".join(problems) or None, read_checks(body, checks))


def read_bare_score(reply: str, criterion: str) -> Verdict:
    """The last resort for one criterion: a reply that is nothing but a score. Evidence is missing and flagged so."""
    try:
        score = read_score(reply)
    except ValueError as error:
        return Verdict("invalid" if _WHOLE_REPLY.fullmatch(reply.strip()) else "unparsed", problem=str(error))
    return Verdict("ok", (CriterionVerdict(criterion, score, flags=("no_evidence",)),))


def criteria_by_call(rubric: Rubric, protocol: str) -> tuple[tuple[str, ...], ...]:
    """Which criteria each call asks for: all in one under `quick`, one a call under `study`."""
    return (rubric.criterion_ids,) if protocol == "quick" else tuple((c,) for c in rubric.criterion_ids)
