"""What the Overview says in words: it ranks only what can be compared, and tells why a figure is missing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard import findings
from dashboard.data import RunRow
from dashboard.overview_tables import View, overview_frame, with_words
from eval.cost.price_card_file import built_in
from eval.run_quality import Quality
from eval.stats.intervals import Estimate
from eval.stats.quality import Quality as Number
from eval.summary import Summary

QUESTIONS = tuple(range(1, 61))
VIEW = View("ttft_ms", "p50", "overall", "people")


def run(run_id: int, target: str, **given: Any) -> RunRow:
    made = datetime(2026, 11, 2, tzinfo=UTC)
    row = RunRow(
        run_id=run_id, group_id="g", name=target, target=target, kind="plain", model="m", endpoint="e", family=None,
        qa_set_id=1, qa_set="set", qa_set_version="1", n_questions=60, repeats=1, concurrency=1, n_planned=60,
        status="finished", error=None, simulated=False, tags=(), created_at=made, started_at=made, ended_at=made,
    )  # fmt: skip
    return replace(row, **given)


def summary(run_id: int, score: Estimate, latency: float, **given: Any) -> Summary:
    quality: dict[str, Any] = {
        "source": "people", "rater_kind": "person", "judge_id": None, "protocol": "person", "rubric_id": 1,
        "criterion": "overall", "n_scored": score.n, "n_failed": 0, "n_answers": 60, "same_family": False,
        "questions": QUESTIONS,
    }  # fmt: skip
    times = {"ttft_ms": Estimate(latency, latency - 5, latency + 5, 60)}
    return Summary(
        run_id=run_id, n_answers=60, n_errors=0, n_client_limited=0, n_estimated_tokens=0, n_cached=0, n_cache_known=0,
        n_without_ttft=0, latency_p50=times, latency_p95={"ttft_ms": Estimate(2 * latency, None, None, 60)},
        tokens_per_s=Estimate(50, 45, 55, 60), mean_ms=Estimate(900, 800, 1000, 60),
        token_means=dict.fromkeys(("prompt", "completion"), score),
        quality=[Quality(score=score, **(quality | given))],
    )  # fmt: skip


def frame(*rows: tuple[RunRow, Summary], **changes: Any):
    runs = [row for row, _ in rows]
    summaries = {row.run_id: one for row, one in rows}
    return overview_frame(runs, summaries, {r.run_id: r.target for r in runs}, replace(VIEW, **changes), built_in())


def score(value: float, n: int = 60) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, n)


SLOW_GOOD = (run(1, "good"), summary(1, score(4.5), 300))
FAST_POOR = (run(2, "fast"), summary(2, score(3.5), 100))
BEATEN = (run(3, "beaten"), summary(3, score(3.0), 400))


def test_comparable_runs_are_ranked_without_a_warning():
    shown = frame(SLOW_GOOD, FAST_POOR, BEATEN)
    assert findings.not_comparable(shown) is None
    said = findings.finding(shown)
    assert said == "On 60 questions, by point estimates, **fast and good** are on the frontier; beaten lies behind it."
    assert shown["on_frontier"].to_list() == [True, True, False]


def test_people_s_scores_on_different_questions_are_not_ranked():
    other = (run(2, "fast"), summary(2, score(3.5, 12), 100, questions=QUESTIONS[:12]))
    shown = frame(SLOW_GOOD, other)
    assert "scores rest on different questions" in (findings.not_comparable(shown) or "")
    assert findings.finding(shown) == "Not ranked: good and fast."
    assert findings.left_open(shown) is None
    assert not shown["on_frontier"].any()


def test_as_many_but_other_questions_are_different_questions():
    other = (run(2, "fast"), summary(2, score(3.5), 100, questions=tuple(range(2, 62))))
    assert findings.not_comparable(frame(SLOW_GOOD, other))


def test_what_is_comparable_among_the_rest_is_ranked():
    alone = (run(4, "alone"), summary(4, score(5.0, 5), 10, questions=QUESTIONS[:5]))
    said = findings.finding(frame(SLOW_GOOD, alone, FAST_POOR, BEATEN))
    assert "Among fast, good and beaten, on 60 questions and by point estimates, **fast and good**" in said
    assert said.endswith("Not ranked: alone.")


def test_a_judge_s_few_failures_do_not_hinder_but_are_told():
    judged = {"source": "judge (quick)", "rater_kind": "judge", "judge_id": 1}
    one = (run(1, "good"), summary(1, score(4.5), 300, **judged))
    other = (run(2, "fast"), summary(2, score(3.5, 57), 100, **judged, questions=QUESTIONS[3:]))
    shown = frame(one, other, source="judge (quick)")
    assert findings.not_comparable(shown) is None
    assert findings.finding(shown).startswith("On 57 to 60 questions, by point estimates")
    half = (run(2, "fast"), summary(2, score(3.5, 30), 100, **judged, questions=QUESTIONS[30:]))
    assert findings.not_comparable(frame(one, half, source="judge (quick)"))


@pytest.mark.parametrize(
    ("change", "why"),
    [({"concurrency": 4}, "latencies were measured at 1 and 4 questions at a time"), ({"qa_set_id": 2}, "questions")],
)
def test_other_conditions_are_not_ranked(change: dict[str, Any], why: str):
    shown = frame(SLOW_GOOD, (run(2, "fast", **change), FAST_POOR[1]))
    assert why in (findings.not_comparable(shown) or "")
    assert "Not ranked" in findings.finding(shown)


def test_figure_and_interval_stand_in_one_cell_that_sorts_as_the_figure():
    words = with_words(frame(SLOW_GOOD, FAST_POOR, (run(5, "slow"), summary(5, Estimate(5.0, None, None, 60), 2000))))
    assert words["quality_said"].to_list() == [
        "4.50 (4.40 to 4.60)", "3.50 (3.40 to 3.60)", "5.00 (no difference seen)",
    ]  # fmt: skip
    assert words["p50_said"].sort_values().to_list() == [
        "  100 (95 to 105)", "  300 (295 to 305)", "2,000 (1,995 to 2,005)",
    ]  # fmt: skip
    assert words["p95_said"].to_list()[0].strip() == "600 (too few for an interval)"


# --- how quality was found ------------------------------------------------------------------------------------------


JUDGED = {"source": "judge (quick)", "rater_kind": "judge", "judge_id": 1}


def corrected(score: Estimate, **given: Any) -> dict[str, Any]:
    """What a judge's quality says where people scored a sample."""
    number = Number(score.value, score.low, score.high, "human-corrected", "questions like these", 20, 60, 60)
    return {**JUDGED, "number": replace(number, **given), "population": QUESTIONS}


def test_what_people_corrected_is_not_ranked_with_a_judge_alone():
    one = (run(1, "good"), summary(1, score(4.9), 300, **corrected(score(4.5))))
    other = (run(2, "fast"), summary(2, score(3.5), 100, **JUDGED))
    shown = frame(one, other, source="judge (quick)")
    assert shown["quality"].to_list() == [4.5, 3.5]
    assert "corrected by people's scores for some and is a judge's alone for others" in (
        findings.not_comparable(shown) or ""
    )
    assert findings.finding(shown) == "Not ranked: good and fast."
    said = findings.how_found(shown)
    assert said.startswith("Quality of good: what people would score, from their scores of a random sample corrected")
    assert "Quality of fast: judge only, not calibrated by people" in said


def test_where_people_alone_give_the_quality_headline_and_axis_say_whose_questions_they_count():
    rows = []
    for run_id, target, n, latency in ((1, "good", 8, 300), (2, "fast", 10, 100)):
        value = score(4.5 if run_id == 1 else 3.5, 60)
        alone = corrected(value, method="people alone", n_people=n)
        rows.append((run(run_id, target), summary(run_id, value, latency, **alone)))
    shown = frame(*rows, source="judge (quick)")
    start = "With quality on 8 to 10 hand-scored questions and latency on 60 answers, by point estimates, **fast and"
    assert findings.finding(shown).startswith(start)
    assert findings.scored_by(shown, "judge (quick)") == "scored by people alone, without judge (quick)"
    assert set(shown["how"]) == {"people alone"}


def test_corrected_numbers_are_ranked_where_they_stand_for_the_same_questions():
    one = (run(1, "good"), summary(1, score(4.9), 300, **corrected(score(4.5)), questions=QUESTIONS[:40]))
    other = (run(2, "fast"), summary(2, score(3.9), 100, **corrected(score(3.5))))
    shown = frame(one, other, source="judge (quick)")
    assert findings.not_comparable(shown) is None
    assert findings.how_found(shown).startswith("Quality is what people would score")
    few = (run(2, "fast"), summary(2, score(3.9), 100, **(corrected(score(3.5)) | {"population": QUESTIONS[:20]})))
    assert findings.not_comparable(frame(one, few, source="judge (quick)"))


def test_where_the_source_scored_nothing_people_s_sample_stands_in():
    number = Number(4.0, 3.8, 4.2, "people alone", "questions like these", 20, 0, 60)
    of_people = (run(2, "fast"), summary(2, score(4.1), 100, number=number, population=QUESTIONS))
    judged = (run(1, "good"), summary(1, score(4.9), 300, **corrected(score(4.5))))
    shown = frame(judged, of_people, source="judge (quick)")
    assert (shown["quality"].to_list(), shown["how"].to_list()) == ([4.5, 4.0], ["human-corrected", "people alone"])
    unsampled = (run(2, "fast"), summary(2, score(4.1), 100))
    assert frame(judged, unsampled, source="judge (quick)")["how"].to_list() == ["human-corrected", "not scored"]


def test_a_refused_number_is_none_and_says_so():
    refused = corrected(Estimate(None, None, None, 0), method="refused")
    shown = frame((run(1, "good"), summary(1, score(4.9), 300, **refused)), source="judge (quick)")
    assert (shown["quality"].isna().all(), shown["how"].to_list()) == (True, ["refused"])


def test_how_far_judges_and_readings_lie_apart_is_told_where_it_is_known():
    panel = {"source": "panel", "rater_kind": "panel", "spread": Estimate(0.4, 0.3, 0.5, 60)}
    steady = {**JUDGED, "spread": Estimate(0.1, 0.0, 0.2, 60)}
    one = summary(1, score(4.5), 300, **steady)
    others = [replace(one.quality[0], **panel), replace(one.quality[0], source="b", judge_id=2, spread=score(0.7))]
    one = replace(one, quality=[*one.quality, *others])
    shown = frame((run(1, "good"), one), FAST_POOR, source="judge (quick)")
    assert shown["judges_apart"].to_list()[0] == 0.4
    assert shown["flicker"].to_list()[0] == 0.1  # of the judge that is shown, not of another
    assert with_words(shown)["flicker_said"].to_list() == ["0.10 (0.00 to 0.20)", "not measured"]
    assert findings.apart(shown) == [
        "The judges of one answer lie apart by so many points on average: good 0.40.",
        "Readings of one answer by one judge lie apart by so many points on average: good 0.10.",
    ]
    assert findings.apart(frame(FAST_POOR)) == []
