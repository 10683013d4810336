"""The simulated judge: reads a judge's prompt and scores what the answer's text shows against the reference.

Pure, and blind by construction: it sees the prompt alone, never who wrote the answer. eval/judge.py builds the prompt,
eval/verdict.py reads the reply; server.py carries both.

How it scores, by the anchors of the built-in rubric:
- a part of the answer (sentence, line, item) matches the part of the reference with which it shares most content words
  and numbers, if that is at least 4 in 10 of its own (or 6 in 10 are spread over the reference);
- a matched part is contradicted if it holds a number that no source holds, an opposite of a word of its match, or one
  negation more or less than it; a part that matches nothing is a claim if it holds a number, else mere padding;
- a key point is covered if the answer holds its numbers and most of what the reference holds of its words;
- coherence counts fragments, parts out of the reference's order and padding in between; factuality contradictions,
  missing key points and unsupported claims; conciseness the share of parts that match nothing.

It is imperfect on purpose: each score is one point off with the probability `noise`, drawn from the answer's text.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

from eval.simulator.text import OPPOSITES, Units, features, negations, numbers, raw_words, units

CRITERIA = ("coherence", "factuality", "conciseness")
CHECKS = "checks"  # where the reply holds the yes/no checks
MATCH = 0.4  # share of an answer part's features that its match has to hold
MERGED = 0.6  # the same for a part that merges several of the reference
SAME = 0.7  # share, both ways, from which a difference in negation is a contradiction and no paraphrase
MAX_QUOTE = 120
MAX_LISTED = 20

_SECTION = re.compile(
    r"^\[(question|documents|reference|key points|checks|answer) ([0-9a-f]{16})\]\n(.*?)\n?^\[/\1 \2\]$",
    re.DOTALL | re.MULTILINE,
)
_REFUSAL = re.compile(
    r"\b(i (cannot|can't|am unable|do not know|don't know)|does not know this question|sorry)\b", re.I
)
_INSTRUCTION = re.compile(
    r"(ignore|disregard|forget) (all|any|the|your|every|previous)"
    r"|\b(give|award|assign)\b.{0,40}\b(5|five|full|highest)\b"
    r"|as (the|a|your) judge|\[/?(answer|reference|question) [0-9a-f]+\]|system (prompt|message)|score this",
    re.IGNORECASE,
)
_ENDED = re.compile(r"[.!?:;)\]}|\"'”’`]$")


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """The sections of a judge's prompt; a missing one is empty."""

    question: str = ""
    documents: str = ""
    reference: str = ""
    key_points: tuple[str, ...] = ()
    answer: str = ""
    checks: tuple[tuple[str, str], ...] = ()  # name and statement


@dataclass(slots=True)
class Findings:
    """What the text of an answer shows against the reference."""

    answer: Units
    matches: list[int | None] = field(default_factory=list)  # for each part of the answer: which of the reference
    contradicted: list[int] = field(default_factory=list)
    unsupported: list[int] = field(default_factory=list)
    points: list[tuple[str, bool]] = field(default_factory=list)
    fragments: int = 0
    refusal: bool = False
    off_topic: bool = False
    instruction: bool = False

    @property
    def removable(self) -> list[int]:
        return [i for i, match in enumerate(self.matches) if match is None]

    @property
    def missing(self) -> int:
        return sum(not covered for _, covered in self.points)

    @property
    def missing_share(self) -> float:
        return self.missing / len(self.points) if self.points else 0.0


def read_prompt(text: str) -> JudgePrompt | None:
    """Find the sections of a judge's prompt; None if the text is no such prompt.

    The marker of the first section holds for all: a section with another marker is material inside one of these.
    """
    found: dict[str, str] = {}
    marker: str | None = None
    for match in _SECTION.finditer(text):
        marker = marker or match[2]
        if match[2] == marker:
            found.setdefault(match[1], match[3])
    if "answer" not in found:
        return None
    points = tuple(line[2:] for line in found.get("key points", "").splitlines() if line.startswith("- "))
    named = (line.partition(": ") for line in found.get("checks", "").splitlines())
    return JudgePrompt(
        found.get("question", ""),
        found.get("documents", ""),
        found.get("reference", ""),
        points,
        found["answer"],
        tuple((name, statement) for name, _, statement in named if statement),
    )


def asked_criterion(text: str) -> str:
    """The criterion that a prompt for a single score describes, by the id that stands in brackets after its name."""
    return next((name for name in CRITERIA if f"({name}):" in text), CRITERIA[0])


def examine(prompt: JudgePrompt) -> Findings:
    """Compare the answer with the reference, part by part and key point by key point."""
    reference, answer = units(prompt.reference), units(prompt.answer)
    answer = replace(answer, parts=tuple(part for part in answer.parts if re.search(r"\w", part)))  # no table rules
    found = Findings(answer)
    known = numbers("\n".join((prompt.question, prompt.documents, prompt.reference)))
    denied: set[int] = set()
    for i, part in enumerate(answer.parts):
        match = _best_match(part, reference)
        found.matches.append(match)
        strange = bool(numbers(part) - known)
        if match is None:
            if strange and not _INSTRUCTION.search(part):
                found.unsupported.append(i)
            continue
        if _denies(part, reference.parts[match]):
            denied.add(i)
        if strange or i in denied:
            found.contradicted.append(i)
    found.fragments = _fragments(answer, reference)
    kept = [part for i, part in enumerate(answer.parts) if i not in denied]
    extra = len(found.removable) > 0
    points = prompt.key_points or reference.parts
    found.points = [(point, _covered(point, kept, reference, extra)) for point in points]
    says_so = found.missing_share < 1 or _REFUSAL.search(prompt.reference)
    found.refusal = bool(_REFUSAL.search(prompt.answer)) and not says_so
    found.instruction = bool(_INSTRUCTION.search(prompt.answer))
    about = features(prompt.question) | features(prompt.reference)
    found.off_topic = bool(answer.parts) and not found.refusal and not features(prompt.answer) & about
    return found


def _best_match(part: str, reference: Units) -> int | None:
    own = features(part)
    if not own or not reference.parts:
        return None
    shares = [len(own & features(other)) / len(own) for other in reference.parts]
    merged = len(own & frozenset[str]().union(*map(features, reference.parts))) / len(own)
    return shares.index(max(shares)) if max(shares) >= MATCH or merged >= MERGED else None


def _denies(part: str, match: str) -> bool:
    words, others = set(raw_words(part)), set(raw_words(match))
    if any(OPPOSITES.get(word, "") in others - words for word in words - others):
        return True
    own, its = features(part), features(match)
    shared = len(own & its)
    alike = bool(own) and bool(its) and shared >= SAME * len(own) and shared >= SAME * len(its)
    return alike and (negations(part) - negations(match)) % 2 == 1


def _fragments(answer: Units, reference: Units) -> int:
    if not reference.prose:
        return 0
    return sum(not _ENDED.search(p.rstrip()) or p.rstrip().endswith(("...", "…")) for p in answer.parts)


def _covered(point: str, parts: Sequence[str], reference: Units, extra: bool) -> bool:
    """Whether the parts hold a key point: its numbers, and most of those of its words that the reference holds."""
    if extra and re.search(r"\bnothing (but|else)\b", point):
        return False
    wanted = features(point) & frozenset[str]().union(*map(features, reference.parts))
    if len(wanted) < 0.3 * len(features(point)):  # the point is about form: nothing foreign is all that can be seen
        return bool(parts) and not extra
    held = frozenset[str]().union(*map(features, parts))
    needed = 0.75 if reference.prose else 1.0
    return numbers(point) & wanted <= held and len(wanted & held) >= needed * len(wanted)


def score_coherence(found: Findings) -> int:
    """1 to 5 for how well the answer reads as one."""
    if not found.answer.parts:
        return 1
    if found.fragments * 2 > len(found.answer.parts) and len(found.answer.parts) > 1:
        return 1
    if found.fragments or found.off_topic:
        return 2
    places = [i for i, match in enumerate(found.matches) if match is not None]
    order = [match for match in found.matches if match is not None]
    steps_back = sum(later < earlier for earlier, later in pairwise(order))
    interrupted = bool(places) and places[-1] - places[0] + 1 - len(places) > 1
    loose = steps_back * (2 if len(order) > 2 else 1) + interrupted + found.refusal
    return max(2, 5 - loose)


def score_factuality(found: Findings) -> int:
    """1 to 5 for how true the answer is to the reference and how much of it is there."""
    covered = len(found.points) - found.missing
    if not found.answer.parts or found.refusal or covered == 0:
        return 1
    wrong = len(found.contradicted)
    if wrong:
        return 3 if wrong == 1 and found.missing_share <= 0.5 else 2
    if not found.missing:
        return 4 if found.unsupported else 5
    return 4 if found.missing_share <= 0.34 else 3 if found.missing_share <= 0.5 else 2


def score_conciseness(found: Findings) -> int:
    """1 to 5 for how much of the answer is needed."""
    parts, removable = len(found.answer.parts), len(found.removable)
    if not parts or found.refusal:
        return 1
    share = removable / parts
    if removable == 0:
        return 4 if found.missing_share > 0.5 else 5
    if removable == 1 and parts > 2:
        return 4
    return 3 if share <= 0.375 else 2 if share <= 0.6 else 1


def judge(prompt: JudgePrompt, criteria: Sequence[str], noise: float, seed: int) -> dict[str, Any]:
    """The verdict on each criterion, in the form that the judge's schema asks for: evidence first, score last.

    A criterion that the simulated judge does not know is null with a reason, and so is factuality without a reference.
    """
    found = examine(prompt)
    known = [c for c in CRITERIA if c in criteria]
    return {
        name: _verdict(name, prompt, found, noise, seed) for name in known + [c for c in criteria if c not in known]
    }


def check(prompt: JudgePrompt) -> dict[str, bool]:
    """For each yes/no check whether the answer holds its numbers and most of its words: as crude as that."""
    held = features(prompt.answer)
    wanted = {name: features(statement) for name, statement in prompt.checks}
    return {name: len(words & held) >= 0.6 * len(words) for name, words in wanted.items()}


def digit_logprobs(score: int, noise: float) -> dict[str, float]:
    """The log-probabilities of the next token of a judge that means `score`: most of it there, some on its neighbours.

    One in a hundred goes to a token that is no score, as with real models.
    """
    spread = {str(digit): noise / 2 if abs(digit - score) == 1 else 0.0 for digit in range(1, 6)}
    spread[str(score)] = 0.99 - sum(spread.values())
    return {token: math.log(p) for token, p in {**spread, "The": 0.01}.items() if p > 0}


def _verdict(name: str, prompt: JudgePrompt, found: Findings, noise: float, seed: int) -> dict[str, Any]:
    flags = (
        ["refusal"] * found.refusal + ["off_topic"] * found.off_topic + ["instruction_in_answer"] * found.instruction
    )
    score, why, null_reason = None, "", None
    if name == "coherence":
        score, why = score_coherence(found), f"{found.fragments} fragments; order: {_order(found)}."
    elif name == "conciseness":
        score, why = score_conciseness(found), f"{len(found.removable)} of {len(found.answer.parts)} parts could go."
    elif name != "factuality":
        null_reason = f"The simulated judge knows {', '.join(CRITERIA)} only."
    elif not prompt.reference.strip():
        null_reason, flags = "There is no reference to compare with.", [*flags, "needs_reference"]
    else:
        score = score_factuality(found)
        why = (
            f"{len(found.points) - found.missing} of {len(found.points)} key points are covered; "
            f"{len(found.contradicted)} statements are contradicted, {len(found.unsupported)} are unsupported."
        )
    rng = Random(f"judge|{seed}|{name}|{prompt.answer}")
    if score is not None and rng.random() < noise:
        score = min(5, max(1, score + rng.choice((-1, 1))))
    verdict: dict[str, Any] = _evidence(prompt, found) if name == "factuality" else {}
    return verdict | {
        "quotes": _quotes(name, prompt.answer, found),
        "rationale": why,
        "flags": flags,
        "null_reason": null_reason,
        "score": score,
    }


def _order(found: Findings) -> str:
    return " ".join("-" if match is None else str(match + 1) for match in found.matches[:MAX_LISTED]) or "none"


def _evidence(prompt: JudgePrompt, found: Findings) -> dict[str, Any]:
    claims = []
    for i, part in enumerate(found.answer.parts):
        if i in found.contradicted:
            claims.append({"claim": part[:MAX_QUOTE], "verdict": "contradicted"})
        elif i in found.unsupported:
            claims.append({"claim": part[:MAX_QUOTE], "verdict": "not_in_reference"})
        elif found.matches[i] is not None:
            claims.append({"claim": part[:MAX_QUOTE], "verdict": "supported"})
    stated = found.points if prompt.key_points else []
    points = [{"key_point": point, "verdict": "covered" if covered else "missing"} for point, covered in stated]
    return {"claims": claims[:MAX_LISTED], "key_points": points}


def _quotes(name: str, answer: str, found: Findings) -> list[str]:
    """Passages of the answer that decided the score, else its beginning; to the letter, at most two."""
    deciding = {"factuality": found.contradicted + found.unsupported, "conciseness": found.removable}.get(name, [])
    passages = [found.answer.parts[i][:MAX_QUOTE] for i in deciding or range(len(found.answer.parts))]
    beginning = answer.strip()[:MAX_QUOTE].strip()
    return [p for p in passages if p in answer][:2] or ([beginning] if beginning else [])


def spoil(verdicts: dict[str, Any], kind: str) -> str:
    """A judge's reply as text, broken if `kind` is one of faults.MALFORMED."""
    if kind == "out_of_five":
        return f"{next(iter(verdicts.values()))['score']} out of 5"
    scores: dict[str, Any] = {"fractional": 4.5, "out_of_range": 7, "null_score": None}
    changed = {name: dict(verdict) for name, verdict in verdicts.items()}
    for verdict in changed.values():
        if kind in scores:
            verdict["score"] = scores[kind]
        elif kind == "invented_quote":
            verdict["quotes"] = ["These words occur nowhere in what was assessed."]
        elif kind == "control_characters":
            verdict["rationale"] = f"First line,\nsecond line,\ttab: {verdict['rationale']}"
    text = json.dumps(changed, ensure_ascii=False)
    match kind:
        case "fenced":
            return f"```json\n{text}\n```"
        case "trailing_comma":
            return text[:-1] + ",}"
        case "prose":
            return f"Here is my assessment:\n{text}\nI hope this helps."
        case "truncated":
            return text[: len(text) // 2]
        case "control_characters":
            return text.replace("\\n", "\n").replace("\\t", "\t")
    return text
