"""Sentences about agreement that the Agreement page and the command line share, so that both say the same.

Pure. A rater's name comes in as it is to be shown; the figures are those of stats.
"""

from collections.abc import Iterable, Mapping

from eval.stats.agreement import Agreement
from eval.stats.reliability import Level
from eval.stats.replacement import Replacement


def replacement_sentence(who: str, held: Replacement) -> str:
    """May this judge stand in for a person? The verdict, on how many people and questions it rests, and cautions."""
    if held.reason is not None or held.winning_rate is None:
        why = f" ({held.reason.value})" if held.reason else ""
        return (
            f"Whether {who} may replace a person cannot be told yet{why}: the alternative annotator test needs "
            f"three people with ten questions each that others scored too; here are {_people(held.n_people)}, "
            f"{held.n_tested} with so many."
        )
    verdict = "may replace a person" if held.passed else "is not shown to be fit to replace a person"
    questions = f"{held.fewest}" if held.fewest == held.most else f"{held.fewest} to {held.most}"
    said = (
        f"{who} {verdict} by the alternative annotator test: it holds its own against {held.winning_rate:.0%} of "
        f"{_people(held.n_tested)} (n = {questions} questions each; epsilon {held.epsilon:g})."
    )
    return f"{said} Take care: {'; '.join(held.cautions)}." if held.cautions else said


def _people(n: int) -> str:
    return f"{n} {'person' if n == 1 else 'people'}"


def alpha_note(named: Mapping[str, Agreement]) -> str:
    """Where alpha is on the interval level, and why; nothing where it is ordinal for all."""
    between = [name for name, found in named.items() if found.alpha_level is Level.interval]
    if not between:
        return ""
    which = "all" if len(between) == len(named) else _listed(between)
    return (
        f"Alpha is ordinal where scores are whole points. Here it is on the interval level for {which}: scores "
        "between points (means, expectations) are nearly all different, and ordinal alpha, which counts how many "
        "scores lie between two, would read low."
    )


def _listed(names: Iterable[str]) -> str:
    return "; ".join(names)
