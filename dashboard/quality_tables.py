"""The quality number of runs and their comparison as the frames and sentences that the Quality page shows.

Shows nothing and caches nothing. The figures are those of eval.quality_number and eval.comparing.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.format import plain, plural
from eval.best_words import best_words, shares_words
from eval.comparing import Compared, title_of
from eval.enumeration import listed
from eval.p_words import p_words
from eval.preferring import Preferences
from eval.quality_number import RunQuality, grounds, own_family_notes
from eval.stats.comparison import Comparison
from eval.stats.preference import Preferred

WORD = {"better": "is better than", "worse": "is worse than"}


def _interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None:
        return "unknown"
    return f"{value:{form}}" if low is None or high is None else f"{value:{form}} ({low:{form}} to {high:{form}})"


def _with_numbers(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame whose figures are numbers, missing ones NaN."""
    frame = pd.DataFrame(rows)
    for column in columns:
        frame[column] = pd.to_numeric(frame[column])
    return frame


def _verdict(pair: Comparison | Preferred) -> str:
    return f"{pair.first} is {pair.words}" if pair.outcome in WORD else pair.words


def _next(each: RunQuality) -> str:
    """What more hand scores would do to the interval, short enough for a cell."""
    its = each.prospect
    if its.method is None or its.width_now is None or its.width_then is None:
        return "not known yet"
    if its.n_then == its.n_now:
        return "nothing: all are scored"
    return f"width from {its.width_now:.2f} to about {its.width_then:.2f} points"


def numbers_frame(found: Sequence[RunQuality]) -> pd.DataFrame:
    """A row a run: the quality number with its interval, how it was found, and what it rests on."""
    rows = [
        {
            "target": each.target,
            "run_id": each.run_id,
            "quality": _interval(each.number.value, each.number.low, each.number.high, ".2f"),
            "method": each.number.method,
            "people": f"{each.number.n_people} of {each.number.n_questions}",
            "judge": f"{each.number.n_judge} of {each.number.n_questions}",
            "gain": each.number.gain,
            "next": _next(each),
            "value": each.number.value,
            "low": each.number.low,
            "high": each.number.high,
            "own_family": each.own_family,
            "simulated": each.simulated,
        }
        for each in found
    ]
    return _with_numbers(rows, ("gain", "value", "low", "high"))


def pairs_frame(compared: Compared) -> pd.DataFrame:
    """A row a pair of targets: the difference with its interval, effect size, p-value and the verdict in words."""
    rows = [
        {
            "pair": f"{pair.first} less {pair.second}",
            "n": pair.n,
            "hand_scores": pair.hand_scores,
            "difference": _interval(pair.difference, pair.low, pair.high, "+.2f"),
            "effect_size": pair.effect_size,
            "p_holm": pair.p_holm,
            "p_said": None if pair.p_holm is None else p_words(pair.p_holm),
            "verdict": _verdict(pair),
            "difference_value": pair.difference,
            "low": pair.low,
            "high": pair.high,
        }
        for pair in compared.pairs
    ]
    return _with_numbers(rows, ("effect_size", "p_holm", "difference_value", "low", "high"))


def preferences_frame(found: Preferences) -> pd.DataFrame:
    """A row a pair of targets: how often people preferred the first, its share of wins, and the verdict in words."""
    rows = [
        {
            "pair": f"{pair.first} against {pair.second}",
            "n_questions": pair.n_questions,
            "n": pair.n,
            "better": pair.better,
            "same": pair.same,
            "worse": pair.worse,
            "wins": _percent(pair.win_share, pair.low, pair.high),
            "p_holm": pair.p_holm,
            "p_said": None if pair.p_holm is None else p_words(pair.p_holm),
            "verdict": _verdict(pair),
            "win_share": pair.win_share,
            "low": pair.low,
            "high": pair.high,
        }
        for pair in found.pairs
    ]
    return _with_numbers(rows, ("p_holm", "win_share", "low", "high"))


def _percent(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "unknown"
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def preference_finding(found: Preferences) -> str:
    """Whom people preferred, in a sentence each; what is not decided is in the table."""
    decided = [
        f"**{plain(one)}** to **{plain(other)}**"
        for one, other in (
            (pair.first, pair.second) if pair.outcome == "better" else (pair.second, pair.first)
            for pair in found.pairs
            if pair.outcome in WORD
        )
    ]
    said = f"People prefer {'; '.join(decided)}." if decided else "No preference between these targets is decisive."
    return f"{said} {plural(found.n, 'pair')} compared by {listed([plain(name) for name in found.raters])}."


def finding(compared: Compared) -> str:
    """What is decided, in a sentence each; what is not is in the table."""
    if all(pair.outcome == "no comparison" for pair in compared.pairs):
        return plain(title_of(compared))
    decided = [
        f"**{plain(pair.first)}** {WORD[pair.outcome]} **{plain(pair.second)}**"
        for pair in compared.pairs
        if pair.outcome in WORD
    ]
    open_ = sum(pair.outcome == "not decisive" for pair in compared.pairs)
    said = "; ".join(decided) + "." if decided else "No difference between these targets is decisive."
    return said + (f" Not decisive: {plural(open_, 'pair')}." if decided and open_ else "")


def holm_sentence(compared: Compared) -> str:
    """Why an interval that leaves out 0 may still decide nothing; nothing where there is no such pair."""
    open_ = [p for p in compared.pairs if p.outcome == "not decisive" and p.low is not None and p.high is not None]
    if not any((pair.low or 0) > 0 or (pair.high or 0) < 0 for pair in open_):
        return ""
    return (
        "An interval is that of its pair alone. Where it leaves out 0 and the pair is not decisive, the p-value, which "
        "is held against all pairs, is what is missing."
    )


def source_sentence(compared: Compared) -> str:
    """Whose scores the differences rest on."""
    return f"Scored by {plain(compared.rests_on)}."


def best_sentence(compared: Compared) -> str:
    """Which target is best, or that it is open; then how often each is highest if the questions are drawn anew."""
    return plain(" ".join(sentence for sentence in (best_words(compared), shares_words(compared)) if sentence))


def notes(found: Sequence[RunQuality]) -> tuple[list[str], list[str]]:
    """What all numbers rest on, and what some do, a sentence each; what holds for several targets is said once."""
    of_all, of_some = [plain(note) for note in own_family_notes(found)], []
    for note, targets in grounds(found):
        if targets:
            of_some.append(f"**{listed([plain(target) for target in targets])}**: {plain(note)}")
        else:
            of_all.append(plain(note))
    return of_all, of_some
