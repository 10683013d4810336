"""Each section of the narrative holds what a reader looks for in it, told from the result."""

from dataclasses import replace

import cost_samples
import pytest

from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.figure import Figure
from eval.cost.narrative import narrate
from eval.cost.price_card import PriceCard
from eval.cost.prose import Name, named, spans, words
from eval.cost.register import LIMITS
from eval.cost.result import Result

SCENARIO = scenario_file.demo().model_copy(update={"draws": 500})


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(SCENARIO, cost_samples.demo_targets(), price_card_file.built_in())


def said(result: Result, title: str) -> list[str]:
    (section,) = (s for s in narrate(result).sections if s.title == title)
    return [words(s) if isinstance(s, Figure) else s if isinstance(s, str) else s.text for s in spans(section)]


def test_the_evidence_names_questions_hardware_dates_and_who_scored():
    told = {"questions": "set 3 (abc)", "hardware": "a laptop of 2026", "date": "2026-11-19", "scored_by": "a panel"}
    measured = {name: replace(one, **told) for name, one in cost_samples.demo_targets().items()}
    texts = said(evaluate(SCENARIO, measured, price_card_file.built_in()), "Evidence")
    assert "".join(texts).count(
        "Asked: set 3 (abc). Hardware: a laptop of 2026. Date: 2026-11-19. Scored by: a panel."
    ) == 1  # fmt: skip


def test_workload_and_every_requirement_stand_at_the_beginning(result: Result):
    texts = said(result, "Question and workload")
    assert {SCENARIO.question, SCENARIO.starts_on, words(result.months)} <= set(texts)
    for quantity, figure in {**result.workload, **result.requirements}.items():
        assert texts[texts.index(quantity) + 1] == words(figure)


def test_the_decision_states_what_the_only_option_that_is_left_costs(result: Result):
    alone = SCENARIO.model_copy(update={"options": {"cloud": SCENARIO.options["cloud"]}})
    one = evaluate(alone, cost_samples.demo_targets(), price_card_file.built_in())
    only, texts = one.option("cloud"), said(one, "Decision and confidence")
    assert one.decision.runner_up is None
    at = texts.index(" is billed ")
    assert texts[at - 1 : at + 7] == [
        *("Cloud API", " is billed ", words(only.billed_cost), " over the horizon. Its net present value is "),
        *(words(only.npv_p50), " in the median of the draws, ", words(only.npv), " at the central values."),
    ]
    assert " is billed " not in said(result, "Decision and confidence")


def test_every_flip_and_every_margin_is_told_with_the_sensitivity(result: Result):
    texts = said(result, "Sensitivity, and what would change the decision")
    assert result.flips
    assert result.margins
    assert {flip.sentence for flip in result.flips[:8]} <= set(texts)
    assert {margin.sentence for margin in result.margins} <= set(texts)


def test_residency_and_the_author_s_remarks_are_told_as_not_about_cost(result: Result):
    texts = said(result, "What is not about cost")
    for option in result.options:
        at = texts.index(named(option).text)
        assert texts[at + 1] == (option.residency or "not stated")
        assert texts[at + 3] == " ".join(option.remarks)


def test_the_register_tells_every_stated_number_and_the_limits_of_the_model(result: Result):
    texts = said(result, "Appendix: assumption register")
    for stated in result.register:
        at = texts.index(stated.label)
        assert texts[at + 1 : at + 4] == [words(stated.figure), stated.shape, "yes" if stated.used else "no"]
    assert set(LIMITS) <= set(texts)


@pytest.mark.parametrize(
    ("ends", "day"),
    [
        ({}, "2027-05-01"),
        ({"valid_until": "2027-02-28"}, "2027-02-28"),
        ({"retires_on": "2027-03-31"}, "2027-03-31"),
        ({"valid_until": "2028-12-31", "retires_on": "2028-12-31"}, "2027-05-01"),
    ],
    ids=["half a year after the card", "a price ends before", "a model retires before", "both end later"],
)
def test_the_review_is_due_half_a_year_after_the_card_or_when_something_ends(ends: dict[str, str], day: str):
    short = SCENARIO.model_copy(update={"workload": SCENARIO.workload.model_copy(update={"horizon_months": 2})})
    made = price_card_file.built_in()
    rows = tuple(row.model_copy(update=ends) if row.id == "simulator/sim-cloud" else row for row in made.rows)
    card = PriceCard.model_validate(made.model_dump() | {"rows": rows, "date": "2026-11-25"})
    due = said(evaluate(short, cost_samples.demo_targets(), card), "Validation and review")
    assert f"To be reviewed by {day}." in due


def test_the_traceability_names_scenario_card_and_runs_by_what_they_are(result: Result):
    (section,) = (s for s in narrate(result).sections if s.title == "Appendix: traceability")
    names = " ".join(span.text for span in spans(section) if isinstance(span, Name))
    for known in (result.scenario_sha256, result.card_sha256, *(run for e in result.evidence for run in e.runs)):
        assert known in names
