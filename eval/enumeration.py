"""Names one after the other within a sentence, the same everywhere."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """a, b and c; nothing where there is none."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
