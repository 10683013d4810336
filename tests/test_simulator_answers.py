"""What the simulator answers: the reference, spoilt as its profile says, to the question that was asked."""

import json
from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BRIDGE, PRICE, QUESTIONS, RIGHT, TABLE, scores

from eval import qa_set
from eval.qa_set import Question
from eval.simulator import answers
from eval.simulator.profiles import SMALL
from eval.simulator.text import numbers, tokens, units
from eval.targets import build_messages

# --- texts and answers ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize("count", [0, 1, 7, 100, 1001])
def test_filler_has_exactly_so_many_tokens(count: int) -> None:
    assert len(tokens(answers.filler(count))) == count


def test_same_seed_gives_same_answer() -> None:
    first = [answers.derive(BRIDGE, SMALL, seed) for seed in range(50)]
    assert first == [answers.derive(BRIDGE, SMALL, seed) for seed in range(50)]
    assert len(set(first)) > 10


@pytest.mark.parametrize("question", QUESTIONS.questions, ids=lambda question: question.id)
def test_a_profile_without_faults_answers_with_the_reference(question: Question) -> None:
    assert answers.derive(question, RIGHT, 7) == question.reference


def test_omission_leaves_parts_out_but_never_all() -> None:
    profile = replace(RIGHT, omission=1.0)
    for seed in range(20):
        assert answers.derive(BRIDGE, profile, seed) in units(BRIDGE.reference).parts
        assert len(json.loads(answers.derive(TABLE, profile, seed))) == 1


def test_contradiction_states_a_number_that_no_source_holds() -> None:
    known = numbers(BRIDGE.reference) | numbers(BRIDGE.documents[0].text)
    for seed in range(20):
        assert numbers(answers.derive(BRIDGE, replace(RIGHT, contradiction=1.0), seed)) - known


def test_contradiction_without_a_number_negates() -> None:
    question = BRIDGE.model_copy(update={"reference": "Bo tells the truth. The door is open. Yes, the box was full."})
    answer = answers.derive(question, replace(RIGHT, contradiction=1.0), 7)
    assert answer == "It is not so that bo tells the truth. The door is closed. No, the box was full."
    assert scores(answer, question)["factuality"] < 3


def test_padding_adds_sentences_without_content() -> None:
    answer = answers.derive(BRIDGE, replace(RIGHT, padding=1.0), 7)
    assert [p for p in units(answer).parts if p not in answers.PADDING] == list(units(BRIDGE.reference).parts)
    assert len(units(answer).parts) == 7


def test_disorder_changes_the_order_or_breaks_sentences_off() -> None:
    made = [units(answers.derive(BRIDGE, replace(RIGHT, disorder=1.0), seed)).parts for seed in range(30)]
    whole = [parts for parts in made if not any(part.endswith("...") for part in parts)]
    assert whole
    assert len(whole) < len(made)
    assert all(sorted(p) == sorted(units(BRIDGE.reference).parts) and p != units(BRIDGE.reference).parts for p in whole)


@settings(deadline=None)
@given(st.text().filter(str.strip), st.integers(0, 9))
def test_any_reference_can_be_spoilt(reference: str, seed: int) -> None:
    worst = replace(SMALL, omission=0.3, contradiction=1.0, padding=1.0, disorder=1.0)
    question = BRIDGE.model_copy(update={"reference": reference + " Then it ended." * seed * 3})
    answer = answers.derive(question, worst, seed)
    assert answer == answers.derive(question, worst, seed)
    assert all(1 <= score <= 5 for score in scores(answer, question).values())


def test_json_stays_json_when_spoilt() -> None:
    profile = replace(RIGHT, omission=0.3, contradiction=0.3, disorder=0.5)
    made = [json.loads(answers.derive(TABLE, profile, seed)) for seed in range(30)]
    assert any(value != json.loads(TABLE.reference) for value in made)
    assert all(set(value) <= {"ada", "bo", "cy"} for value in made)


def test_a_wrong_answer_to_an_unanswerable_question_is_invented() -> None:
    answer = answers.derive(PRICE, replace(RIGHT, contradiction=0.5), 7)
    assert "does not say" not in answer
    assert scores(answer, PRICE)["factuality"] == 1


def test_a_draft_halves_what_goes_wrong() -> None:
    plain = [answers.derive(BRIDGE, SMALL, seed) == BRIDGE.reference for seed in range(300)]
    refined = [answers.derive(BRIDGE, SMALL, seed, refining=True) == BRIDGE.reference for seed in range(300)]
    assert mean(refined) > mean(plain) + 0.1


def test_a_draft_is_seen_in_the_prompt_of_the_refine_stage() -> None:
    index = answers.Index(QUESTIONS.questions)
    for draft in ("It is 480 metres long.", ""):
        prompt = answers.prompt_text(build_messages(BRIDGE, draft))
        expected = [answers.derive(BRIDGE, SMALL, seed, refining=True) for seed in range(20)]
        assert [answers.answer(prompt, index, SMALL, seed) for seed in range(20)] == expected


# --- finding the question ---------------------------------------------------------------------------------------------


def test_the_longest_question_in_the_prompt_is_answered() -> None:
    longer = BRIDGE.model_copy(update={"id": "longer", "question": BRIDGE.question + " Name the source."})
    index = answers.Index([BRIDGE, longer])
    assert index.find(f"Question: {longer.question}") == longer
    assert index.find(f"Question: {BRIDGE.question} Name nothing.") == BRIDGE
    assert index.find("What is the bridge?") is None


def test_questions_with_the_same_text_are_told_apart_by_their_documents() -> None:
    questions = [q for q in qa_set.built_in().questions if q.documents]
    index = answers.Index(qa_set.built_in().questions)
    assert [index.find(answers.prompt_text(build_messages(q))) for q in questions] == questions


def test_a_question_is_found_among_ten_thousand() -> None:
    many = [BRIDGE.model_copy(update={"id": f"q{i}", "question": f"What is number {i}?"}) for i in range(10_000)]
    found = answers.Index(many).find("Documents: none.\nWhat is number 7777?")
    assert found is not None
    assert found.id == "q7777"


def test_an_unknown_question_gets_a_neutral_sentence() -> None:
    assert answers.answer("Who are you?", answers.Index(QUESTIONS.questions), SMALL, 7) == answers.UNKNOWN
