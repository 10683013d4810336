"""Claims about the rubric: it is complete, versioned by its content, and what the protocol rests on."""

import pytest
from pydantic import ValidationError

from eval.rubric import SCORES, Criterion, Rubric, built_in
from eval.verdict import WITH_CLAIMS

ANCHORS = {score: f"anchor {score}" for score in SCORES}


def rubric(**changes: object) -> Rubric:
    criterion = {"id": "style", "label": "Style", "question": "Is it?", "anchors": ANCHORS}
    return Rubric.model_validate(
        {"name": "own", "version": "1", "instruction": "Score.", "criteria": [criterion]} | changes
    )


def test_the_built_in_rubric_scores_three_criteria_with_an_anchor_for_every_score() -> None:
    assert built_in().criterion_ids == ("coherence", "factuality", "conciseness")
    assert WITH_CLAIMS in built_in().criterion_ids
    for criterion in built_in().criteria:
        assert set(criterion.anchors) == {1, 2, 3, 4, 5}
        assert all(anchor.strip() for anchor in criterion.anchors.values())
        assert len(set(criterion.anchors.values())) == 5


@pytest.mark.parametrize("anchors", [{}, {1: "a", 2: "b", 3: "c", 4: "d"}, ANCHORS | {0: "worse"}])
def test_a_criterion_needs_exactly_one_anchor_for_each_score(anchors: dict[int, str]) -> None:
    with pytest.raises(ValidationError, match="criterion style needs an anchor for each of 1 to 5"):
        Criterion(id="style", label="Style", question="Is it?", anchors=anchors)


def test_another_wording_is_another_rubric() -> None:
    assert rubric().sha256 == rubric().sha256
    worded = {"id": "style", "label": "Style", "question": "Is it?", "anchors": ANCHORS | {3: "Other words."}}
    others = [rubric(name="b"), rubric(version="2"), rubric(instruction="Score well."), rubric(criteria=[worded])]
    assert len({rubric().sha256, *(other.sha256 for other in others)}) == 5


def test_a_rubric_read_back_from_the_database_is_the_same() -> None:
    assert Rubric.model_validate(built_in().model_dump(mode="json")).sha256 == built_in().sha256


def test_what_a_rubric_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        rubric(weights={"style": 2})
