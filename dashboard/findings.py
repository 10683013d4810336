"""Sentences about the Overview's frame: what it shows, what stays open, and what a reader has to know before.

Markdown, pure. The frame comes from overview_tables.overview_frame.
"""

from collections.abc import Sequence

import pandas as pd

from dashboard.data import RunRow
from dashboard.format import plain, plural
from dashboard.left_out import preliminary
from dashboard.overview_tables import estimate_of, placed
from db.frames import records
from eval.comparing import PEOPLE
from eval.enumeration import listed
from eval.run_quality import UNDRAWN
from eval.stats.frontier import overlapping
from eval.stats.intervals import Estimate

SHOWN_PAIRS = 4


def _names(frame: pd.DataFrame) -> list[str]:
    return [plain(name) for name in frame["label"]]


def not_comparable(frame: pd.DataFrame) -> str | None:
    """Why not all runs can be ranked against each other; None where they can."""
    shown = placed(frame)
    if shown["group"].nunique() < 2:
        return None
    levels = sorted({int(n) for n in shown["concurrency"]})
    why = []
    if len(levels) > 1:
        why.append(f"latencies were measured at {listed([str(n) for n in levels])} questions at a time")
    if shown["calibrated"].nunique() > 1:
        why.append("quality is corrected by people's scores for some and is a judge's alone for others")
    if shown.groupby(["concurrency", "calibrated"])["group"].nunique().max() > 1:
        why.append("scores rest on different questions")
    return f"**These runs cannot all be ranked against each other**: their {' and their '.join(why)}."


def finding(frame: pd.DataFrame) -> str:
    """What the chart says: who is on the frontier by point estimates, among those that can be compared."""
    shown = placed(frame).sort_values("latency")
    if shown.empty:
        return "None of these runs has both scores and latencies, so there is nothing to weigh up yet."
    if len(shown) == 1:
        return f"Only **{_names(shown)[0]}** has both scores and latencies; add runs to compare."
    groups = [members for _, members in shown.groupby("group", sort=True)]
    if len(groups) == 1:
        return f"{_asked(shown).capitalize()}, by point estimates, {_ahead(shown)}."
    said = [
        f"Among {listed(_names(members))}, {_asked(members)} and by point estimates, {_ahead(members)}."
        for members in groups
        if len(members) > 1
    ]
    alone = [name for members in groups if len(members) == 1 for name in _names(members)]
    if alone:
        said.append(f"Not ranked: {listed(alone)}.")
    return " ".join(said)


def _asked(shown: pd.DataFrame) -> str:
    """On how much this rests; where people's scores alone give a quality, they are fewer than the answers timed."""
    questions = _range(shown["quality_n"], "question")
    by_hand = shown["how"].isin(("people alone", UNDRAWN))
    if not by_hand.any() or (shown["quality_n"] == shown["latency_n"]).all():
        return f"on {questions}"
    scored = _range(shown["quality_n"], "hand-scored question") if by_hand.all() else questions
    return f"with quality on {scored} and latency on {_range(shown['latency_n'], 'answer')}"


def _range(counts: "pd.Series[int]", what: str) -> str:
    fewest, most = int(counts.min()), int(counts.max())
    return plural(most, what) if fewest == most else f"{fewest:,} to {plural(most, what)}"


def _ahead(shown: pd.DataFrame) -> str:
    front, rest = _names(shown[shown["ahead"]]), _names(shown[~shown["ahead"]])
    said = f"**{listed(front)}** {'is' if len(front) == 1 else 'are'} on the frontier"
    return f"{said}; {listed(rest)} {'lies' if len(rest) == 1 else 'lie'} behind it" if rest else said


def _estimates(frame: pd.DataFrame, name: str) -> dict[str, Estimate]:
    return {str(row["label"]): estimate_of(row, name) for row in records(frame[frame[name].notna()])}


def left_open(frame: pd.DataFrame) -> str | None:
    """Which differences are not decisive because the intervals overlap or are missing; None where all are clear."""
    said = []
    for name in ("quality", "latency"):
        pairs = [pair for _, members in frame.groupby("group") for pair in overlapping(_estimates(members, name))]
        if pairs:
            shown = [f"{plain(a)} and {plain(b)}" for a, b in pairs[:SHOWN_PAIRS]]
            more = f", and {plural(len(pairs) - SHOWN_PAIRS, 'more pair')}" if len(pairs) > SHOWN_PAIRS else ""
            said.append(f"in {name} between {'; '.join(shown)}{more}")
    if not said:
        return None
    return (
        f"Not decisive, because the intervals overlap or are missing: {'. And '.join(said)}. The Quality page tests "
        "each difference question by question."
    )


def what_is_missing(frame: pd.DataFrame) -> str:
    """Why nothing can be placed, and what to do about it."""
    if frame["n_answers"].sum() == 0:
        return "No answer came back yet. The Runs page shows what is under way and why a run stopped."
    if frame["quality"].isna().all():
        return (
            "These answers have no such scores yet. Let a judge score them, or score them yourself on the Score page."
        )
    if (frame["latency_n"] > 0).any():
        return "There are too few answers for a 95th percentile; choose the median."
    return "This latency was not measured for these runs; choose another."


WAYS = (
    "Human-corrected: hand scores of a random sample correct the judge's scores. People alone: the hand scores without "
    "the judge's, because they are too few to correct it or it does not help. Judge only: too few hand scores, or none."
)
MEANINGS = {
    "human-corrected": "what people would score, from their scores of a random sample corrected with the judge's",
    "people alone": "what people would score, from their scores of a random sample alone",
    "judge only, not calibrated": "judge only, not calibrated by people; its bars cover judge noise and question "
    "sampling, not the judge's error",
    UNDRAWN: "the plain mean of what people scored, which was no random sample",
}


def how_found(frame: pd.DataFrame) -> str:
    """How the quality in the chart was found, target by target where it differs. The Quality page says more."""
    shown = placed(frame)
    groups = {how: _names(members) for how, members in shown.groupby("how", sort=False)}
    if len(groups) == 1:
        return f"Quality is {MEANINGS.get(how := next(iter(groups)), how)}."
    return " ".join(f"Quality of {listed(names)}: {MEANINGS.get(str(how), how)}." for how, names in groups.items())


def scored_by(frame: pd.DataFrame, source: str | None) -> str:
    """Whose scores the quality axis shows, as the table's own column says it."""
    ways = [str(how) for how in placed(frame)["how"].unique()]
    if ways == ["people alone"]:
        return "scored by people alone" if source in (None, PEOPLE) else f"scored by people alone, without {source}"
    if ways == ["human-corrected"]:
        return f"scored by people, corrected with {source}"
    return f"scored by {source}" if len(ways) < 2 else "scored as the table says of each target"


def apart(frame: pd.DataFrame) -> list[str]:
    """How far judges, and readings of one judge, lie apart on average; nothing where nobody looked twice."""
    said = []
    for name, who in (("judges_apart", "The judges of one answer"), ("flicker", "Readings of one answer by one judge")):
        known = {label: estimate.value for label, estimate in _estimates(frame, name).items()}
        if known:
            points = listed([f"{plain(label)} {value:.2f}" for label, value in known.items()])
            said.append(f"{who} lie apart by so many points on average: {points}.")
    return said


def _counted(rows: Sequence[dict[str, object]], column: str) -> str:
    return listed([f"{plain(row['label'])} ({row[column]:,})" for row in rows if row[column]])


def cautions(runs: Sequence[RunRow], frame: pd.DataFrame) -> list[str]:
    """What a reader has to know before trusting the comparison."""
    said = []
    levels = sorted({run.concurrency for run in runs})
    at_a_time = listed([str(n) for n in levels])
    said.append(f"Latencies were measured with {at_a_time} question{'' if levels == [1] else 's'} at a time.")
    if len({run.n_questions for run in runs}) > 1:
        said.append("These runs asked different numbers of questions of the set; compare with care.")
    rows = records(frame)
    if same := [plain(row["label"]) for row in rows if row["same_family"]]:
        said.append(f"Judge and target are of one model family for {listed(same)}; judges favour their own.")
    if busy := _counted(rows, "n_client_limited"):
        said.append(f"Answers measured while this computer was busy, so perhaps too slow: {busy}.")
    if cached := _counted(rows, "n_cached"):
        said.append(f"Answers whose prompt the server had read before, so sooner than a first time: {cached}.")
    if whole := _counted(rows, "n_without_ttft"):
        said.append(f"Answers that came in one piece or empty, so without a first-token time: {whole}.")
    if several := [f"{plain(row['label'])} ({row['queues']})" for row in rows if "," in row["queues"]]:
        said.append(f"Hand scores of several queues are taken together for {listed(several)}.")
    if left_out := _counted(rows, "n_left_out"):
        said.append(f"Hand scores that stay out of the quality, as the Quality page explains: {left_out}.")
    if failed := _counted(rows, "n_failed_verdicts"):
        said.append(f"Judgements that could not be used: {failed}.")
    if unfinished := preliminary(runs):
        said.append(unfinished)
    return said
