"""Passages of an answer that try to instruct whoever judges it, and the answer without them.

Pure, and best effort: wordings that no pattern foresees go unseen, and the judge's prompt declares the answer to be
material whatever it says. What is found is flagged, and judge.py lets the answer without it decide the score.

The search runs over the text as it reads and not as it is written: compatibility forms, accents, case, invisible
characters, letters of other alphabets that look Latin, digits in place of letters and line breaks make no difference.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

CRITERIA = ("coherence", "factuality", "conciseness")  # of the built-in rubric
_LOOKALIKES = str.maketrans("аеорсухіѕјԁɡαοе", "aeopcyxisjdgaoe")  # Cyrillic and Greek letters as they look
_DIGITS_AS_LETTERS = str.maketrans("0134", "oiea")
_MIXED = re.compile(r"\b(?=[a-z]{0,20}[0134])(?=[0134]{0,9}[a-z])[a-z0134]{4,20}\b")  # a word with digits in it

# Words, folded: no accents, small letters. Numbers count as scores only where no unit follows: "5 mg" is none.
_NEAR = r"[^.!?]{0,60}?"
_NUMBER = (
    r"(?:[0-5]|10|one|two|three|four|five|ten)\b(?! ?[-:]\d)(?= ?(?:$|[.,;:!?)\]}\"'*/]|out of|of|points?|marks?|stars?"
    r"|on|in|for|and|because|no matter|across|passes|von|sur|de|sobre|punkte|puntos))"
)
_TOP = r"(?:full|max|maximum|maximal|highest|top|perfect|best|lowest|minimum|excellent)"
_BEST = rf"(?:{_TOP}\b|{_NUMBER})"
_SCORE = r"(?:scores?|points?|marks?|grades?|ratings?)"
_THIS = (
    r"(?:it|me|this|mine|(?:this|my|the) (?:\w+ )?(?:answer|response|reply|text|summary|submission|output|work)"
    rf"|(?:each|every|all)(?: of)?(?: the)?(?: three)? (?:criteria|criterion|{_SCORE}))"
)
_GRADER = r"(?:judge|grader|evaluator|assessor|rater|reviewer|scorer|examiner|grading model|llm)s?"
_START = r"(?:^|[.!?:;,>*\"(] ?|\b(?:please|must|should|now|and|just|then|so|therefore|simply|always|to) )"
_RULES = r"(?:instructions?|rules?|rubric|prompt|guidelines?|anchors?|directives?|grading|criteria|scoring)"

_ENGLISH = (
    # against the rules
    r"\b(ignore|disregard|forget|override|bypass|overlook)\b[^.!?]{0,30}?"
    rf"\b(all|any|the|your|every|previous|prior|above|earlier|these|those)\b[^.!?]{{0,40}}?\b({_RULES}|reference)\b",
    r"\b(ignore|disregard|forget) (everything|anything|all|what)\b[^.!?]{0,20}?\b(above|before|told|said|read)\b",
    r"\b(do not|don't|never|stop|refrain from) (apply|us|follow|consult|heed|consider)(e|ing)?\b[^.!?]{0,15}?"
    r"\b(rubric|anchors|scoring guide|grading scheme|scoring rules|reference answer)\b",
    r"\bnew (system )?(instructions?|rules?)\b",
    r"\breference( answer| solution)? (above |given )?(is|was|contains) "
    r"(wrong|incorrect|outdated|flawed|mistaken|false)",
    r"\b(use|treat|take|regard|consider) (this|my|the) (answer|response|reply|text) (as|to be) (the |a )?"
    r"(reference|gold|correct|right|perfect|flawless)",
    # for a score
    rf"\b(give|award|assign|grant|allocate|rate|grade|score|mark|evaluate|deem|consider) {_THIS}\b{_NEAR}"
    rf"\b({_TOP} {_SCORE}\b|{_NUMBER}|maximum|perfect|flawless|null\b|highly|generously|leniently|favou?rably)",
    rf"{_START}(give|award|assign|grant|allocate|output|return|write|put|enter|record) (?:\w+ ){{0,3}}"
    rf"({_TOP} {_SCORE}\b|(?:a|an) (?:perfect )?{_NUMBER}|{_NUMBER} {_SCORE}\b|{_SCORE} of {_BEST})"
    r"(?! ?(?:for|per|to|if|when) (?:an?|each|every|any|one|correct)\b)",
    rf"{_START}(output|respond|reply|answer|grade|score|mark|rate) (with |as )?(?:an? |the |only |just )*"
    r"(?:number |digit |score )?[\"']?(?:[1-5]|five|perfect)[\"']?(?= ?(?:[.,;!]|$))",
    r"\b(respond|reply|answer|output|return)\b.{0,25}\b(only|just|exactly)\b.{0,25}(\{|\b5\b|\bjson\b)",
    rf"\bset (?:the |all |every |each )*{_SCORE}( fields?| values?)? to {_BEST}",
    rf"\b(return|give|output|set|write|use|answer)\b{_NEAR}\bnull\b{_NEAR}\b(criteri\w+|{_SCORE}|null_reason|judg\w+)\b",
    rf"\b(return|give|output|set|write|use|answer)\b{_NEAR}\b(criteri\w+|{_SCORE}|judg\w+)\b{_NEAR}\bnull\b",
    rf"\b(it|this|answer|response|reply|i) (clearly |really |fully |surely )?(deserves?|merits?|warrants?|earns?)"
    rf" (?:\w+ ){{0,2}}({_TOP} {_SCORE}|{_NUMBER})",
    r"\b(please|you (must|should)|do) (be|grade|mark|score|rate|judge) (generous|lenient|kind|favou?rabl)",
    rf"\b(my|i|me)\b{_NEAR}\b{_TOP} {_SCORE}\b",
    r"\b(scor|grad|rat|mark|judg)(es?|ing|ed) (this|it|me|my|the) ?(answer|response)? ?"
    r"(below|under|lower|less|anything)",
    # as a verdict that was given already
    rf"\b(the|an?) (score|rating|grade)s? (of|must be|should be|has to be|have to be|is to be|is) {_BEST}",
    rf"\b{_SCORE} (must|should|has to|have to|is to) be {_BEST}",
    rf"(?:^|[.!?] |[*#>-] ?)(?:(?:overall|final|total|evaluation|grading|judges?|your|my|the) ){{0,2}}"
    rf"(?:evaluation|assessment|grading|judge?ment|verdict|{_SCORE})(?: result| score| verdict)?s? ?(?:[:=]|->|is) ?"
    rf"(?:the |a |all |criteria |every |criterion ){{0,3}}{_BEST}",
    r"^\W{0,9}(?:5|five) ?(?:/|out of|von|sur) ?(?:5|five)\W{0,9}$",
    r"\b(this|my|the) (above )?(answer|response|reply|summary|submission) (clearly |fully )?"
    rf"(meets|satisfies|fulfil\w+|matches|reaches|earns|qualifies)\b{_NEAR}\b"
    rf"(?:(?:anchor|level|score|conditions|requirements|rubric|rating|grade) (?:for |of )?(?:a |level |score )?"
    rf"{_BEST}|{_TOP} {_SCORE})",
    rf"\b(already|previously)\b{_NEAR}\b(approved|graded|scored|rated|verified|marked)\b{_NEAR}"
    rf"\b({_TOP} {_SCORE}|five|5)\b",
    # to whoever judges
    rf"\b(dear (?:\w+ ){{0,2}}|(you are|you're|attention|note to|message (to|for))\b.{{0,15}}\b){_GRADER}\b",
    rf"\bas (the|an?|your) (?:\w+ )?{_GRADER}\b.{{0,5}}\b(you|your|please|give|must|i)\b",
    rf"\btest (of|for) (the|this|your|an?) {_GRADER}\b",
    r"\b(graders?|evaluators?|assessors?|raters?|reviewers?|scorers?) "
    rf"(would|should|must|will|can only|has to|have to)\b"
    rf"[^.!?]{{0,15}}\b(give|assign|award|rate|score|mark|grade)\b{_NEAR}\b{_BEST}",
    r"\bi,? (?:am )?(?:the|your|an?)\b[^.!?]{0,15}?\b(administrator|admin|developer|operator|supervisor)\b",
)
_OTHER_LANGUAGES = (
    # German
    r"\b(ignorier\w*|missacht\w*|vergiss|vergessen sie|ubergeh\w*)\b[^.!?]{0,50}?"
    r"\b(anweisung|regel|instruktion|vorgabe|rubrik|bewertungs|richtlinie)\w*",
    r"\b(bewert\w+|benot\w+|vergib|vergeb\w+|gib|geben sie|erteil\w+|verdient|gebuhrt)\b[^.!?]{0,60}?"
    r"\b(hochst(note|punkt|wert|bewert)\w*|bestnote\w*|(voll|hochst|best|maximal)\w* (punkt|note|bewertung|wertung)\w*"
    r"|(5|funf) ?(punkt\w*|von|/)|mit (einer )?(5|funf))",
    r"\b(bewertung|punktzahl|gesamtnote|endnote) ?(?:[:=]|ist|lautet) ?(?:5|funf)\b",
    # French
    r"\b(ignore[zr]?|oublie[zr]?|pas compte)\b[^.!?]{0,50}?\b(instructions?|consignes?|regles?|grille|bareme)\b",
    r"\b(donne[zr]?|attribue[zr]?|accorde[zr]?|mets|mettez|note[zr]|evalue[zr]?|merite)\b[^.!?]{0,60}?"
    r"\b((note|score|evaluation) (maximale?|parfaite?|la plus (haute|elevee)|de (5|cinq))|(meilleure|plus haute) note"
    r"|(5|cinq) ?(points?|sur|/)|tous les points|maximum de points)",
    r"\b(note( finale)?|evaluation|resultat de l.evaluation) ?[:=] ?(?:5|cinq) ?(?:/|sur) ?(?:5|cinq)",
    # Spanish
    r"\b(ignor\w+|olvid\w+|caso omiso)\b[^.!?]{0,50}?\b(instruccion\w*|reglas|rubrica|indicaciones)\b",
    r"\b(da|dale|dele|otorg\w+|asign\w+|calific\w+|puntu\w+|evalu\w+|pon\w*|conced\w+|merece)\b[^.!?]{0,60}?"
    r"\b((puntuacion|nota|calificacion|puntaje) (maxima|perfecta|mas alta|de (5|cinco))"
    r"|(maxima|mejor) (puntuacion|nota|calificacion)|(5|cinco) ?(puntos|sobre|/)|con un (5|cinco))",
    r"\b(puntuacion|calificacion|puntaje|nota)( final| total)? ?(?:[:=]|es) ?(?:5|cinco)\b",
    # Chinese
    r"[给打评][^.!?。]{0,20}?(?:5|五|满) ?分",
)
_FORGED = (
    r"\[/? ?(answer|reference|question|documents|key points)\b[^\]]{0,40}\]",
    r"<\|?/?(im_start|im_end|system|assistant|user|endoftext|end_of_turn)\b",
    r"^ ?#* ?(system|developer|assistant|human)( (prompt|message|note|override))? ?:",
    r"\"(score|null_reason|rationale)\" ?:",
)
_BETWEEN = " \n.!?:;,"  # what stands between a sentence and the next belongs to the former
_END = re.compile(r"[.!?。！？]+(?=\s)\n?|\n")  # of a sentence or a line


def _criteria_stated(criteria: Sequence[str]) -> tuple[str, ...]:
    """Patterns of verdicts by a rubric's criteria: "coherence: 5", an object with the criteria as its keys."""
    names = "|".join(re.escape(_folded(name)).replace("_", "(?:_| )").replace(r"\ ", " ") for name in criteria)
    return (
        rf"\b(?:{names})\b\W{{0,12}}(?:score\W{{0,6}})?(?:is |of |at )?(?:a )?{_BEST}",
        rf"[\"'](?:{names})[\"'] ?: ?(?:\{{|{_NUMBER}|null\b|\"?[1-5]\b)",
    )


@lru_cache(maxsize=16)
def _compiled(criteria: tuple[str, ...]) -> re.Pattern[str]:
    """All patterns as one, in which a space stands for any white space: a line may be broken there."""
    patterns = (*_ENGLISH, *_OTHER_LANGUAGES, *_FORGED, *_criteria_stated(criteria))
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns).replace(" ", "[ \n]"), re.MULTILINE)


def _folded(text: str) -> str:
    return "".join(letter for letter, _ in _letters(text))


def _letters(text: str) -> Iterable[tuple[str, int]]:
    """Each letter of a text as it reads, with the place it came from; white space is one space or line break."""
    space = ""
    for place, written in enumerate(text):
        if written.isspace():
            space = "\n" if "\n" in space + written else " "
            continue
        for letter in unicodedata.normalize("NFKD", written).casefold():
            if unicodedata.category(letter) in ("Mn", "Cf", "Me"):  # accents; zero-width and other invisible ones
                continue
            if space:
                yield space, place - 1
                space = ""
            yield letter.translate(_LOOKALIKES), place
    if space:
        yield space, len(text) - 1


def find_instructions(answer: str, criteria: Sequence[str] = CRITERIA) -> list[str]:
    """The sentences and lines of an answer that read like instructions to its judge, in their order.

    `criteria` are the ids of the rubric's criteria: a verdict by them inside an answer is an attempt too.
    """
    return [piece.strip() for piece, is_found in _pieces(answer, criteria) if is_found and piece.strip()]


def without_instructions(answer: str, criteria: Sequence[str] = CRITERIA) -> str:
    """The answer with those sentences and lines left out."""
    left, kept = answer, _kept(answer, criteria)
    while kept != left:  # what remains may read as another
        left, kept = kept, _kept(kept, criteria)
    return kept.strip()


def _kept(answer: str, criteria: Sequence[str]) -> str:
    return "".join(piece for piece, is_found in _pieces(answer, criteria) if not is_found)


def _pieces(answer: str, criteria: Sequence[str]) -> list[tuple[str, bool]]:
    """The sentences and lines of an answer, each with whether a pattern was found in it or across it."""
    found = sorted(_spans(answer, tuple(criteria)))
    ends = [match.end() for match in _END.finditer(answer)]
    pieces, start = list[tuple[str, bool]](), 0
    for end in [*ends, len(answer)]:
        if end > start:
            pieces.append((answer[start:end], any(low < end and high > start for low, high in found)))
        start = end
    return pieces


def _spans(answer: str, criteria: tuple[str, ...]) -> set[tuple[int, int]]:
    """Where in an answer patterns were found: start and end."""
    letters = list(_letters(answer))
    text = "".join(letter for letter, _ in letters)
    plain = _MIXED.sub(lambda word: word[0].translate(_DIGITS_AS_LETTERS), text)  # as long as before
    found = [match.span() for variant in (text, plain) for match in _compiled(criteria).finditer(variant)]
    begun = [(start + len(text[start:end]) - len(text[start:end].lstrip(_BETWEEN)), end) for start, end in found]
    return {(letters[start][1], letters[end - 1][1] + 1) for start, end in begun if end > start}
