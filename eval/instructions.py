"""Passages of an answer that try to instruct whoever judges it, and the answer without them.

Pure, and deliberately simple: it need not be complete, because the judge's prompt declares the answer to be material
whatever it says. What is found here is flagged, and judge.py judges such an answer a second time without it.
"""

import re

_PATTERNS = (
    r"\b(ignore|disregard|forget|override)\b.{0,30}\b(all|any|the|your|every|previous|prior|above|earlier)\b.{0,40}"
    r"\b(instructions?|rules?|rubric|prompt|guidelines?|anchors?|reference)\b",
    r"\b(give|award|assign|rate|grade|score|mark)\s+(it|me|this|my|the (answer|response|reply|text|summary)"
    r"|(each|every) (criterion|score)|all (three|criteria|scores))\b.{0,60}"
    r"\b([1-5] ?/ ?5|5|10|five|full marks?|highest|maximum|top|perfect|best)\b",
    r"\b(as|you are|you're|dear|attention|note to|message (to|for))\b.{0,15}"
    r"\b(judge|grader|evaluator|assessor|rater)s?\b",
    r"\b(the|an?) (score|rating|grade)s? (of|must be|should be|has to be|is to be|is) (5|five|the maximum|perfect)\b",
    r"\b(coherence|factuality|conciseness)\b\W{0,12}\b(score\W{0,6})?(5|five)\b",
    r"\[/?\s*(answer|reference|question|documents|key points)\b[^\]]{0,40}\]",
    r"<\|?/?(im_start|im_end|system|assistant|user|endoftext|end_of_turn)\b",
    r"^\s*#*\s*(system|developer|assistant)( (prompt|message|note|override))?\s*:",
    r"\bnew (system )?(instructions?|rules?)\b",
    r"\b(respond|reply|answer|output|return)\b.{0,25}\b(only|just|exactly)\b.{0,25}(\{|\b5\b|\bjson\b)",
    r"\"(score|null_reason|rationale)\"\s*:",
    r"\b(ignoriere|ignorez|ignora|ignorar|ignore)\b.{0,40}\b(anweisung(en)?|instructions?|instrucciones|regeln|consignes)\b",
)
_FOUND = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE | re.MULTILINE)
_PIECE = re.compile(r"[^\n.!?]*(?:[.!?]+(?=\s|$)|\n|$)|[^\n]", re.MULTILINE)  # a sentence or a line, with its end


def find_instructions(answer: str) -> list[str]:
    """The sentences and lines of an answer that read like instructions to its judge, in their order."""
    return [piece.strip() for piece in _pieces(answer) if _FOUND.search(piece)]


def without_instructions(answer: str) -> str:
    """The answer with those sentences and lines left out."""
    return "".join(piece for piece in _pieces(answer) if not _FOUND.search(piece)).strip()


def _pieces(answer: str) -> list[str]:
    return [piece for piece in _PIECE.findall(answer) if piece]
