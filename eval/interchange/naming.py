"""Names from elsewhere as names that are allowed here: ids of criteria and of questions. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from eval.rubric import RESERVED


def criterion_ids(names: Iterable[str]) -> dict[str, str]:
    """An id for each name, no two the same: small letters, digits, underscores. A name that is an id stays one."""
    ids: dict[str, str] = {}
    for name in names:
        if name not in ids:
            plain = re.sub(r"[^a-z0-9]+", "_", _ascii(name).lower()).strip("_")[:36]
            plain = name if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) else plain
            plain = plain if plain[:1].isalpha() else f"c_{plain}".rstrip("_")
            ids[name] = _free(f"{plain}_score" if plain == RESERVED else plain, "_", ids.values())
    return ids


def question_ids(names: Iterable[str]) -> dict[str, str]:
    """An id for each name, no two the same but for capitals. A name that is an id stays one."""
    ids: dict[str, str] = {}
    for name in names:
        if name not in ids:
            plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _ascii(name)).strip("-._")[:56] or "q"
            plain = name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) else plain
            ids[name] = _free(plain, "-", ids.values())
    return ids


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


def _free(plain: str, joint: str, taken: Iterable[str]) -> str:
    lower, number, free = {name.lower() for name in taken}, 2, plain
    while free.lower() in lower:
        free, number = f"{plain}{joint}{number}", number + 1
    return free
