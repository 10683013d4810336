"""What is known of one answer beside its scores, in a line each: its wording, the judges' evidence, their spread.

Pure. Counting words is eval.wording's job, how far judges lie apart db.disputes'; drawing is answer_card's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from dashboard.format import plural
from dashboard.highlight import occurring
from db.disputes import Apart, judges_apart, readings_apart
from db.models import Answer, RaterKind
from db.side_by_side import Verdict
from eval.verdict import CLAIM_VERDICTS
from eval.wording import count_words, reading_s

Readings = dict[tuple[int, str], dict[str, list[float]]]


def wording_facts(answer: Answer, reference: str) -> list[str]:
    """What was counted of an answer's text: words, against the reference's, repeats, reading time. None, no fact."""
    if answer.words is None:
        return []
    facts = [plural(answer.words, "word")]
    if expected := count_words(reference):
        facts.append(f"{answer.words / expected:.1f} × the reference")
    if answer.repeated_4grams is not None:
        facts.append(f"{answer.repeated_4grams:.0%} repeated 4-grams".replace("%", " %"))
    seconds = reading_s(answer.words)
    return [*facts, f"{seconds:,.0f} s to read" if seconds >= 1 else "under 1 s to read"]


def counted(verdict: Verdict) -> Mapping[str, Counter[str]]:
    """How often a verdict says what of claims, key points and checks; empty counts where it says nothing."""
    told = {True: "met", False: "not met", None: "not told"}
    return {
        "claims": Counter(claim.get("verdict", "") for score in verdict.scores for claim in score.claims),
        "key points": Counter(point.get("verdict", "") for score in verdict.scores for point in score.key_points),
        "checks": Counter(told[check.met] for check in verdict.checks),
    }


def evidence_facts(verdict: Verdict, text: str) -> list[str]:
    """What a verdict rests on: claims, key points and checks counted, and whether its quotes stand in the answer."""
    claims, points, checks = counted(verdict).values()
    facts = []
    if claims:
        said = [f"{claims[name]:,} {name.replace('_', ' ')}" for name in CLAIM_VERDICTS if claims[name]]
        facts.append(f"{plural(claims.total(), 'claim')}: {', '.join(said).replace('not in ', 'not in the ')}")
    if points:
        facts.append(f"{points['covered']:,} of {plural(points.total(), 'key point')} covered")
    if checks:
        untold = f" ({checks['not told']:,} not told)" if checks["not told"] else ""
        facts.append(f"{checks['met']:,} of {plural(checks.total(), 'check')} met{untold}")
    if quotes := [quote for score in verdict.scores for quote in score.quotes]:
        missing = occurring(text, quotes).count(False)
        facts.append(
            f"{missing:,} of {plural(len(quotes), 'quote')} not in the answer"
            if missing
            else f"{plural(len(quotes), 'quote')} found in the answer"
        )
    return facts


def by_rater(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """The verdicts in groups: the readings of one judge, asked in one way, are one group; so is each person's word."""
    groups: dict[tuple[int, str, int], list[Verdict]] = {}
    for verdict in verdicts:
        its = verdict.assessment
        groups.setdefault((its.rater_id, its.protocol, its.rubric_id), []).append(verdict)
    return list(groups.values())


def scores_of(readings: Sequence[Verdict]) -> dict[str, float | None]:
    """Each criterion's score, the mean over the readings that have one; None where none has."""
    given: dict[str, list[float]] = {}
    for score in (score for verdict in readings for score in verdict.scores):
        given.setdefault(score.criterion, []).extend([] if score.value is None else [score.value])
    return {criterion: fmean(values) if values else None for criterion, values in given.items()}


def flicker_fact(readings: Sequence[Verdict]) -> str:
    """How far one judge's readings of the answer lie apart; blank where it read once."""
    return _said(plural(len(readings), "reading"), readings_apart(_readings(readings)))


def panel_fact(verdicts: Sequence[Verdict]) -> str:
    """How far several judges lie apart on the answer, by one rubric; blank where there are no two to compare."""
    found: list[tuple[Apart, int]] = []
    for rubric_id in {verdict.assessment.rubric_id for verdict in verdicts}:
        readings = _readings([verdict for verdict in verdicts if verdict.assessment.rubric_id == rubric_id])
        if apart := judges_apart(readings):
            found.append((apart, len({judge for judge, _ in readings})))
    apart, judges = max(found, key=lambda each: each[0].points, default=(None, 0))
    return _said(plural(judges, "judge"), apart)


def _said(who: str, apart: Apart | None) -> str:
    if apart is None:
        return ""
    unit = "point" if apart.points == 1 else "points"
    return (
        f"{who}, at most {apart.points:.2g} {unit} apart ({apart.criterion})" if apart.points else f"{who}, all alike"
    )


def _readings(verdicts: Sequence[Verdict]) -> Readings:
    """The judges' scores by judge and protocol, then criterion: what db.disputes compares."""
    found: Readings = {}
    for verdict in verdicts:
        if verdict.rater.kind != RaterKind.judge:
            continue
        by = found.setdefault((verdict.assessment.rater_id, verdict.assessment.protocol), {})
        for score in verdict.scores:
            if score.value is not None:
                by.setdefault(score.criterion, []).append(score.value)
    return found
