"""Makes a simulated model's answer: finds the question in the prompt and spoils its reference in known ways.

Pure, and the same for the same seed. Latencies are server.py's business, judgements judging.py's.

The ways to go wrong, with the probabilities of the profile (times 0.6 for easy and 1.5 for hard questions, halved where
the prompt holds a draft to refine):
- omission: a part (sentence, line, item) is left out; of a single sentence its last clause;
- contradiction: in a part one number is changed to one that no source holds, else the part is negated; where the
  documents do not hold the answer, once for the whole: the answer is invented;
- padding: sentences without content stand before the answer or between its parts;
- disorder: two or more parts change places; a sentence breaks off;
- refusal: an answerable question is not answered.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from random import Random

from eval.qa_set import Difficulty, Question
from eval.simulator.profiles import Profile
from eval.simulator.text import OPPOSITES, json_value, numbers, units

UNKNOWN = "This is a simulated model, and it does not know this question."
REFUSAL = "I am sorry, but I cannot answer this question."
OPENING = "Here is the result you asked for, with my remarks."
PADDING = (
    "It is worth noting that this topic deserves careful attention.",
    "In today's fast-moving business environment, such matters are relevant for every stakeholder.",
    "Overall, a holistic view helps to unlock synergies.",
    "Naturally, many different aspects have to be weighed here.",
    "This underlines how crucial a thorough understanding of the context is.",
    "Let me add that best practices should always be kept in mind.",
    "Experts broadly agree that thoughtful consideration pays off.",
    "As always, the details may vary from case to case.",
    "It goes without saying that clarity matters in this respect.",
    "I hope that this overview provides valuable insights.",
)
INVENTIONS = {
    "who": "According to the material, it was {name}.",
    "when": "According to the material, this is at {number}:45.",
    "which": "According to the material, the answer is {name}.",
    "": "According to the material, the figure is {number}.",
}
FILLER = ("these", "words", "fill", "space", "so", "that", "a", "text", "gets", "long")  # a token each
NAMES = ("Marlow Hensby", "Tilda Quorn", "Edvard Sallow", "Brina Castellard")

_PREFIX = 12  # letters of a question by which the index finds it
_START = re.compile(r"(?<!\w).|\W", re.DOTALL)  # a question may begin wherever no word is under way
_DRAFT = re.compile(r"^\[draft ([0-9a-f]{16})\]\n(.*?)\n?\[/draft \1\]", re.DOTALL | re.MULTILINE)
_AUXILIARY = re.compile(r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may|must|does|do|did)\b")
_DIFFICULTY = {Difficulty.EASY: 0.6, Difficulty.MEDIUM: 1.0, Difficulty.HARD: 1.5}
_NUMBER = re.compile(r"(?<![A-Za-z\d])\d{1,15}(?:[.,]\d+)*(?![A-Za-z\d])")


def prompt_text(messages: Iterable[Mapping[str, object]]) -> str:
    """The text of all messages, a line break between two; parts that are no text are left out."""
    texts: list[str] = []
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else [{"text": content}]:
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str):
                texts.append(text)
    return "\n".join(texts)


class Index:
    """Finds which question a prompt asks, in time that depends on the prompt and hardly on the number of questions."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._by_text: dict[str, list[Question]] = defaultdict(list)
        for question in questions:
            self._by_text[question.question.strip()].append(question)
        lengths: dict[str, set[int]] = defaultdict(set)
        for text in self._by_text:
            lengths[text[:_PREFIX]].add(len(text))
        self._lengths = {prefix: sorted(found, reverse=True) for prefix, found in lengths.items()}
        self._prefix_lengths = sorted({len(prefix) for prefix in lengths})

    def find(self, prompt: str) -> Question | None:
        """The question whose text occurs in the prompt, the longest one if there are several.

        Several questions may share a text and differ in their documents: then it is the one whose documents occur.
        """
        longest = ""
        for match in _START.finditer(prompt):
            start = match.start()
            for prefix in self._prefix_lengths:
                for length in self._lengths.get(prompt[start : start + prefix], ()):
                    if length <= len(longest):
                        break
                    if (text := prompt[start : start + length]) in self._by_text:
                        longest = text
                        break
        found = self._by_text.get(longest, [])
        if len(found) > 1:
            return max(found, key=lambda question: _share_of_documents(question, prompt))
        return found[0] if found else None


def _share_of_documents(question: Question, prompt: str) -> float:
    parts = [part for document in question.documents for part in units(document.text).parts]
    return sum(part in prompt for part in parts) / len(parts) if parts else 0.0


def answer(prompt: str, index: Index, profile: Profile, seed: int) -> str:
    """What a model answers to a prompt; a neutral sentence if the prompt holds no question of the index."""
    if profile.fixed_tokens:
        return filler(profile.fixed_tokens)
    question = index.find(prompt)
    if question is None:
        return UNKNOWN
    return derive(question, profile, seed, refining=_DRAFT.search(prompt) is not None)


def filler(count: int) -> str:
    """A text of exactly `count` tokens."""
    return " ".join(islice(cycle(FILLER), count))


def derive(question: Question, profile: Profile, seed: int, *, refining: bool = False) -> str:
    """A question's reference, spoilt as this profile spoils it; the same for the same arguments."""
    rng = Random(f"{profile.seed}|{question.id}|{seed}|{refining}")
    scale = _DIFFICULTY[question.difficulty] * (0.5 if refining else 1.0)

    def happens(chance: float) -> bool:
        return rng.random() < chance * scale

    if question.answerable and happens(profile.refusal):
        return REFUSAL
    if not question.answerable and happens(2 * profile.contradiction):
        invented = _invention(question, rng)
        return f"{rng.choice(PADDING)} {invented}" if happens(profile.padding) else invented
    sources = [question.question, question.reference, *(document.text for document in question.documents)]
    taken = frozenset[str]().union(*map(numbers, sources))
    reference = units(question.reference)
    parts = [part for part in reference.parts if not happens(profile.omission)] or [rng.choice(reference.parts)]
    if len(reference.parts) == 1 and happens(profile.omission):
        parts = [_first_clause(parts[0])]
    parts = [_contradicted(part, taken, rng) if happens(profile.contradiction) else part for part in parts]
    if reference.prose:
        parts = [_broken_off(part) if happens(profile.disorder / 3) else part for part in parts]
    if len(parts) > 1 and happens(profile.disorder):
        moved = rng.randrange(len(parts))
        part = parts.pop(moved)
        parts.insert((moved + rng.randrange(1, len(parts) + 1)) % (len(parts) + 1), part)
    if not reference.prose:
        text = _as_json(question.reference, parts) or reference.join(parts)
        return f"{OPENING}\n{text}" if happens(profile.padding) else text
    padded = [rng.choice(PADDING)] if happens(profile.padding) else []
    for part in parts:
        padded.append(part)
        if happens(profile.padding):
            padded.append(rng.choice([p for p in PADDING if p not in padded] or PADDING))
    return reference.join(padded)


def _invention(question: Question, rng: Random) -> str:
    lowered = question.question.lower()
    form = next(form for word, form in INVENTIONS.items() if word in lowered.split()[:3] or not word)
    return form.format(name=rng.choice(NAMES), number=rng.randint(13, 22))


def _first_clause(sentence: str) -> str:
    head, comma, _ = sentence.rpartition(", ")
    return head.rstrip(",;") + sentence[-1] if comma else sentence


def _broken_off(sentence: str) -> str:
    words = sentence.split(" ")
    return " ".join(words[: max(2, len(words) * 2 // 3)]).rstrip(",;:.") + " ..." if len(words) > 4 else sentence


def _contradicted(part: str, taken: frozenset[str], rng: Random) -> str:
    """The part with one number changed, else with an opposite, else negated, else with its longest word garbled."""
    if found := list(_NUMBER.finditer(part)):
        match = rng.choice(found)
        return part[: match.start()] + _other_number(match[0], taken, rng) + part[match.end() :]
    words = re.findall(r"\w+", part)
    for word in words:
        if word.lower() in OPPOSITES:
            other = OPPOSITES[word.lower()]
            return re.sub(rf"\b{word}\b", other.capitalize() if word[0].isupper() else other, part, count=1)
    if _AUXILIARY.search(part):
        negated = _AUXILIARY.sub(r"\1 not", part, count=1)
        return negated.replace(" not not ", " ").replace(" not only ", " ")
    if part.endswith("."):
        return f"It is not so that {part[0].lower()}{part[1:]}"
    longest = max(words, key=len, default="")
    return part.replace(longest, longest[: len(longest) // 2] + "ox", 1) if longest else part


def _other_number(number: str, taken: frozenset[str], rng: Random) -> str:
    """A number written like the given one that none of the sources holds."""
    head, point, decimals = number.replace(",", "").partition(".")
    if "." in decimals:  # a version such as 1.9.3
        return f"{head}.{int(decimals[0]) + rng.randint(3, 9)}"
    value = int(head)
    for reach in range(1, 200):
        other = max(1, value + rng.choice((-1, 1)) * rng.randint(1, max(2, value // 4, reach)))
        written = f"{other:,}" if "," in number else str(other).rjust(len(head) if head[0] == "0" else 0, "0")
        written += point + decimals
        if not numbers(written) & taken and other != value:
            return written
    return str(value + 1_000_003)


def _as_json(reference: str, members: Sequence[str]) -> str | None:
    """Members of a JSON value put back into its brackets, as densely written as the reference; None for other texts."""
    value = json_value(reference.strip())
    if value is None:
        return None
    comma, colon = (", ", ": ") if ", " in reference else (",", ":")
    body = comma.join(_rewritten(member, comma, colon, isinstance(value, dict)) for member in members)
    return "{" + body + "}" if isinstance(value, dict) else f"[{body}]"


def _rewritten(member: str, comma: str, colon: str, keyed: bool) -> str:
    text = "{" + member + "}" if keyed else member
    try:
        dense = json.dumps(json.loads(text), ensure_ascii=False, separators=(comma, colon))
    except ValueError:  # garbled by a contradiction
        dense = text
    return dense[1:-1] if keyed else dense
