"""What can be counted about an answer's wording: companions to the conciseness score, never part of it.

Pure. The figures are stored with each answer (records.py) and averaged by summary.py.
"""

import re
from dataclasses import dataclass

READING_WORDS_PER_MINUTE = 238  # silent reading of non-fiction by adults: Brysbaert, J. Memory and Language 109 (2019)
GRAM = 4

_WORD = re.compile(r"\w+(?:['’.,-]\w+)*")


@dataclass(frozen=True, slots=True)
class Wording:
    """Words, and the share of 4-grams that stand in the answer already (None below two 4-grams)."""

    words: int
    repeated_4grams: float | None


def count_words(text: str) -> int:
    """The words of a text; numbers and hyphenated words count as one each."""
    return len(_WORD.findall(text))


def wording(answer: str) -> Wording:
    """Count words and repeated 4-grams (seq-rep-4 of Welleck et al. 2020), the case of letters ignored."""
    words = [word.casefold() for word in _WORD.findall(answer)]
    grams = [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
    repeated = 1 - len(set(grams)) / len(grams) if len(grams) > 1 else None
    return Wording(len(words), repeated)


def reading_s(words: float) -> float:
    """How many seconds so many words take to read."""
    return words / READING_WORDS_PER_MINUTE * 60
