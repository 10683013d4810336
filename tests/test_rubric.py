"""Claims about the rubric: it is complete, versioned by its content, and what the protocol rests on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from configured import writer
from pydantic import ValidationError

from eval.rubric import BUILT_IN, SCORES, Criterion, Rubric, RubricError, built_in, judgeable, load
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


def test_the_built_in_rubric_has_the_hash_it_had_before_there_were_other_scales() -> None:
    assert built_in().sha256 == "c6aa2d98b83485e3197f4f25aa3894150add5dfd15f63b4fa53a800b7afc09a1"


def test_another_scale_is_another_rubric_and_needs_no_anchors() -> None:
    criterion = {"id": "style", "label": "Style", "question": "Is it?"}
    percent = rubric(criteria=[criterion | {"low": 0, "high": 100}])
    some = rubric(criteria=[criterion | {"low": 0, "high": 100, "anchors": {0: "Bad.", 100: "Good."}}])
    spelled = rubric(criteria=[criterion | {"low": 1, "high": 5, "anchors": ANCHORS}])
    assert spelled.sha256 == rubric().sha256
    assert len({percent.sha256, some.sha256, rubric().sha256}) == 3
    assert Rubric.model_validate(percent.model_dump(mode="json")).sha256 == percent.sha256
    assert (rubric().is_five_point, percent.is_five_point) == (True, False)


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ({"low": 5, "high": 5}, "5 is not above low, which is 5"),
        ({"low": 0, "high": 2_000_000}, "less than or equal to 1000000"),
        ({"low": 0.5}, "valid integer"),
        ({"low": 0, "high": 1, "anchors": {2: "Too much."}}, "for each of 0 to 1: 2 is no score, remove it"),
    ],
)
def test_a_scale_runs_from_a_whole_number_to_a_higher_one(scale: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Criterion.model_validate({"id": "style", "label": "Style", "question": "Is it?"} | scale)


def test_a_judge_is_given_no_rubric_of_another_scale() -> None:
    assert judgeable(built_in()) is built_in()
    percent = {"id": "style", "label": "Style", "question": "Is it?", "low": 0, "high": 100}
    with pytest.raises(RubricError, match="scores style from 0 to 100; judges score from 1 to 5"):
        judgeable(rubric(criteria=[percent]))


def test_a_rubric_read_back_from_the_database_is_the_same() -> None:
    assert Rubric.model_validate(built_in().model_dump(mode="json")).sha256 == built_in().sha256


def test_what_a_rubric_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        rubric(weights={"style": 2})


# --- a user's own file --------------------------------------------------------------------------------------------

GOOD = """
name = "ours"
version = "1"
instruction = "Score each alone."

[[criteria]]
id = "tone"
label = "Tone"
question = "Is it polite?"
[criteria.anchors]
5 = "Very."
4 = "Yes."
3 = "Somewhat."
2 = "Hardly."
1 = "No."
"""


written = writer("mine.toml")


def refusal(path: Path) -> str:
    with pytest.raises(RubricError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_becomes_a_rubric(written: Callable[[str], Path]) -> None:
    found = load(written("\ufeff" + GOOD))
    assert (found.name, found.version, found.criterion_ids) == ("ours", "1", ("tone",))
    assert found.criteria[0].anchors == {5: "Very.", 4: "Yes.", 3: "Somewhat.", 2: "Hardly.", 1: "No."}


def test_the_built_in_file_read_as_a_users_is_the_built_in_rubric() -> None:
    assert load(BUILT_IN) == built_in()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "ours"', "", 'name: it is missing; write what it is called, up to 60 characters: "our-rubric"'),
        ('name = "ours"', 'name = " "', "name: it is blank; write a text"),
        ('name = "ours"', f'name = "{"n" * 61}"', "name: it has 61 characters; write what it is called"),
        ('version = "1"', "version = 1", "line 3, version: 1 is not a text; write a text of up to 20 characters"),
        ('version = "1"', 'verison = "1"', "verison: this field is not known; did you mean version?"),
        (
            "instruction",
            "weights",
            "weights: this field is not known; remove it; known are name, version,",
        ),
        ('id = "tone"', 'id = "Tone of voice"', 'criteria.#1.id: "Tone of voice" is no id; use 1 to 40 small letters'),
        ('id = "tone"', 'id = "overall"', 'criteria.#1.id: "overall" is the mean of all criteria; use another id'),
        ('label = "Tone"', 'label = "a\\u0000b"', "criteria.#1.label: it holds a NUL character; remove it"),
        ('question = "Is', 'quest = "Is', "line 9, criteria.#1.quest: this field is not known; did you mean question?"),
        ('3 = "Somewhat."', "", "criteria.#1.anchors: criterion tone needs an anchor for each of 1 to 5: 3 is missing"),
        ('3 = "Somewhat."', '3 = ""', "3 has no text"),
        ('3 = "Somewhat."', "3 = 3", "3 has no text"),
        ('3 = "Somewhat."', '3 = "x"\n6 = "y"', "6 is no score, remove it"),
        ('3 = "Somewhat."', '3.5 = "x"', "3 has no text"),
    ],
)
def test_a_fault_is_named_with_its_key_and_what_is_right(
    old: str, new: str, said: str, written: Callable[[str], Path]
) -> None:
    assert old in GOOD
    found = refusal(written(GOOD.replace(old, new, 1)))
    assert "mine.toml is not a rubric:\n- " in found
    assert said in found


def test_every_fault_is_named_at_once(written: Callable[[str], Path]) -> None:
    criterion = GOOD[GOOD.index("[[") :]
    content = "colour = 1\nversion = 1\n" + criterion.replace("5 =", "7 =") + criterion.replace("label", "lable")
    said = refusal(written(content)).splitlines()
    for part in (
        "- name: ",
        "- line 2, version: ",
        "- instruction: ",
        "- line 1, colour: ",
        "- line 7, criteria.#1.anchors: ",
        "- line 15, criteria.#2.lable: ",
        '- line 3, criteria: the id "tone" stands there 2 times',
    ):
        assert len([line for line in said if line.startswith(part)]) == 1, part
    assert len(said) == 9  # the heading, the seven, and the label that is missing


def test_criteria_have_ids_of_their_own_and_are_neither_none_nor_many(written: Callable[[str], Path]) -> None:
    criterion = GOOD[GOOD.index("[[") :]
    (_, fault) = refusal(written(GOOD + criterion)).splitlines()
    assert fault == '- line 6, criteria: the id "tone" stands there 2 times; give each its own'
    head = GOOD[: GOOD.index("[[")]
    assert "criteria: it is missing; write 1 to 10 tables" in refusal(written(head))
    assert "criteria: there are 0; write 1 to 10" in refusal(written(head + "criteria = []"))
    assert "criteria: 3 is not a list; write 1 to 10" in refusal(written(head + "criteria = 3"))
    many = "".join(criterion.replace('"tone"', f'"tone{n}"') for n in range(11))
    assert "criteria: there are 11; write 1 to 10" in refusal(written(head + many))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "line 1: the file is UTF-16; save it as UTF-8"),
        ("a = ", "is not valid TOML"),
        ("#" * 1_000_001, "that is no rubric"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(
    content: str | bytes, said: str, written: Callable[[str | bytes], Path]
) -> None:
    assert said in refusal(written(content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    said = f"There is no file {tmp_path / 'none.toml'} with a rubric; check the name and the folder."
    assert refusal(tmp_path / "none.toml") == said
