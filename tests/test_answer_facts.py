"""What stands beside an answer: its wording, what a judge rests on, how far judges and readings lie apart."""

from typing import Any

import pytest

from dashboard import answer_facts as facts
from dashboard.answer_tables import answers_table
from dashboard.highlight import occurring
from db.models import Answer, Assessment, CheckResult, Rater, RaterKind, Score
from db.side_by_side import Reply, Verdict

JUDGES = {1: "a", 2: "b"}


def answer(**given: Any) -> Answer:
    return Answer(**({"run_id": 1, "question_id": 1, "repeat": 0, "text": "The border moved in 1848."} | given))


def verdict(values: dict[str, float | None], rater: int = 1, **given: Any) -> Verdict:
    """A judge's verdict (a person's, where the rater is 0)."""
    kind = RaterKind.judge if rater else RaterKind.person
    about = {"protocol": "study", "rubric_id": 1, "status": "ok", "answer_sha256": ""}
    made = Assessment(answer_id=1, run_id=1, question_id=1, rater_id=rater, **(about | given.pop("about", {})))
    scores = [
        Score(assessment_id=1, criterion=name, value=value, **given.get(name, {})) for name, value in values.items()
    ]
    checks = tuple(CheckResult(assessment_id=1, kind="must", text="x", met=met) for met in given.get("checks", ()))
    return Verdict(made, Rater(id=rater, kind=kind, name=JUDGES.get(rater, "Ada")), tuple(scores), 0, checks)


def test_wording_is_counted_against_the_reference() -> None:
    said = facts.wording_facts(answer(words=119, repeated_4grams=0.034), "one two three four " * 20)
    assert said == ["119 words", "1.5 × the reference", "3 % repeated 4-grams", "30 s to read"]


def test_what_was_not_counted_is_no_fact() -> None:
    assert facts.wording_facts(answer(), "a reference") == []
    assert facts.wording_facts(answer(words=1, repeated_4grams=None), " ") == ["1 word", "under 1 s to read"]


def test_evidence_is_counted_and_quotes_are_looked_for() -> None:
    its = verdict(
        {"factuality": 3, "coherence": 4},
        factuality={
            "claims": [{"claim": "a", "verdict": v} for v in ("supported", "not_in_reference", "supported")],
            "key_points": [{"key_point": "a", "verdict": "covered"}, {"key_point": "b", "verdict": "missing"}],
            "quotes": ["moved  in 1848"],
        },
        coherence={"quotes": ["never said"]},
        checks=(True, False, None),
    )
    assert facts.evidence_facts(its, "The border moved in 1848.") == [
        "3 claims: 2 supported, 1 not in the reference",
        "1 of 2 key points covered",
        "1 of 3 checks met (1 not told)",
        "1 of 2 quotes not in the answer",
    ]
    found = verdict({"coherence": 4}, coherence={"quotes": ["moved"]})
    assert facts.evidence_facts(found, "The border moved in 1848.") == ["1 quote found in the answer"]
    assert facts.evidence_facts(verdict({"coherence": 4}), "The border") == []


@pytest.mark.parametrize(("quote", "there"), [("Cafe\u0301 \n noir", True), ("noir,", False), (" ", False)])
def test_a_quote_is_found_as_it_is_marked(quote: str, there: bool) -> None:
    assert occurring("Caf\u00e9 noir", [quote]) == [there]


def test_readings_of_one_judge_are_one_group_with_the_mean_of_their_scores() -> None:
    first, again = verdict({"coherence": 4}), verdict({"coherence": 5}, about={"sample": 1})
    other, person = verdict({"coherence": 2}, 2), verdict({"coherence": None}, 0, about={"protocol": "person"})
    groups = facts.by_rater([first, other, again, person])
    assert groups == [[first, again], [other], [person]]
    assert [facts.scores_of(group) for group in groups] == [
        {"coherence": 4.5}, {"coherence": 2}, {"coherence": None},
    ]  # fmt: skip
    assert facts.flicker_fact(groups[0]) == "2 readings, at most 1 point apart (coherence)"
    assert facts.flicker_fact(groups[1]) == ""


def test_judges_are_held_against_each_other_by_their_means_and_people_are_not() -> None:
    first = [verdict({"coherence": 4, "factuality": v}, about={"sample": i}) for i, v in enumerate((2, 5))]
    second, person = verdict({"coherence": 4, "factuality": 5}, 2), verdict({"coherence": 1}, 0)
    assert facts.panel_fact([*first, second, person]) == "2 judges, at most 1.5 points apart (factuality)"
    assert facts.panel_fact([second, verdict({"coherence": 4, "factuality": 5})]) == "2 judges, all alike"
    assert facts.panel_fact([*first, person]) == ""


def test_judges_asked_in_another_way_or_by_another_rubric_are_not_compared() -> None:
    one = verdict({"coherence": 4})
    assert facts.panel_fact([one, verdict({"coherence": 1}, 2, about={"protocol": "quick"})]) == ""
    assert facts.panel_fact([one, verdict({"coherence": 1}, 2, about={"rubric_id": 2})]) == ""


def test_the_csv_keeps_every_reading_and_what_it_rests_on() -> None:
    claims = {"claims": [{"claim": "a", "verdict": "not_in_reference"}]}
    first = verdict({"factuality": 4}, factuality=claims, checks=(True,))
    again = verdict({"factuality": 2}, about={"sample": 1})
    (row,) = answers_table("q1", [Reply(answer(words=5), (), (first, again))], {1: "t"}).to_dict("records")
    assert (row["a (study): factuality"], row["a (study), reading 2: factuality"]) == (4, 2)
    assert (row["a (study): claims not in reference"], row["a (study): checks met"], row["words"]) == (1, 1, 5)
