"""Takes texts apart: tokens, units (sentences, lines, items), words, numbers, negations.

Pure. answers.py uses it to spoil a reference, judging.py to see what was spoilt; neither knows of the other.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATORS = _words("not no never neither nor none cannot nothing without")
ANTONYMS = dict(
    pair.split("/")
    for pair in _words(
        """yes/no rose/fell rises/falls more/less higher/lower before/after longer/shorter above/below increase/decrease
        increased/decreased earlier/later largest/smallest first/last gained/lost extended/shortened covers/excludes
        accepted/rejected open/closed"""
    )
)
OPPOSITES = ANTONYMS | {right: left for left, right in ANTONYMS.items()}

_TOKEN = re.compile(r"\s*\S{1,5}|\s+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])|\n+")
_STOP = _words(
    """a about all also an and any are as at be because been being both but by can could did do does for from had has
    have he her his how if in into is it its itself may me might more most must of on one only or other our out over
    she should since so some such than that the their them then there these they this those to under up us was we were
    what when where which while who whom whose why will with would you your"""
)


def tokens(text: str) -> list[str]:
    """Cut a text into tokens, each at most five letters with the white space before it; joined they are the text.

    English prose comes to about 4.4 characters a token, near what real tokenisers reach.
    """
    return _TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class Units:
    """A text's parts in order, and what stands between two of them."""

    parts: tuple[str, ...]
    joint: str
    prose: bool  # sentences; else lines, items of a list, or members of a JSON value

    def join(self, parts: Iterable[str]) -> str:
        """Put parts together the way this text is."""
        return self.joint.join(parts)


@lru_cache(maxsize=4096)
def units(text: str) -> Units:
    """Cut a text into the parts a reader would count: sentences, lines, the items of a one-line list or of JSON."""
    stripped = text.strip()
    if members := _members(stripped):
        return Units(members, ", ", prose=False)
    parts = tuple(p for line in _BREAK.split(stripped) for p in _members(line.strip()) or (line,) if p.strip())
    if any(part.rstrip("\"'”)").endswith((".", "!", "?")) for part in parts):
        return Units(parts, "\n" if "\n" in stripped else " ", prose=True)
    if len(parts) == 1 and parts[0].count(", ") >= 2:
        return Units(tuple(parts[0].split(", ")), ", ", prose=False)
    return Units(parts, "\n", prose=False)


def _members(text: str) -> tuple[str, ...]:
    value = json_value(text)
    if isinstance(value, dict):
        return tuple(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
    return tuple(json.dumps(item, ensure_ascii=False) for item in value) if isinstance(value, list) else ()


def json_value(text: str) -> dict[str, object] | list[object] | None:
    """The JSON object or array that a text is, or None."""
    if not text.startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def numbers(text: str) -> frozenset[str]:
    """The numbers in a text, thousands separators and leading zeros removed."""
    return frozenset(_plain(match) for match in _NUMBER.findall(text))


def _plain(number: str) -> str:
    head, *rest = number.split(",")
    if rest and all(len(part.split(".")[0]) == 3 for part in rest):
        number = head + "".join(rest)
    return number.lstrip("0") or "0"


def raw_words(text: str) -> list[str]:
    """The words of a text in lower case, in order, without numbers."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


@lru_cache(maxsize=16384)
def features(text: str) -> frozenset[str]:
    """What a text is about: the stems of its content words, and its numbers."""
    return frozenset(_stem(w) for w in raw_words(text) if w not in _STOP and w not in NEGATORS) | numbers(text)


def _stem(word: str) -> str:
    for ending in ("'s", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def negations(text: str) -> int:
    """How many words in a text negate."""
    return sum(1 for word in raw_words(text) if word in NEGATORS or word.endswith("n't"))
