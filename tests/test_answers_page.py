"""The Answers page: every target's answer as text, with timing and verdicts, reproducible from its address."""

import csv
import io
from pathlib import Path

import pytest
import rows as made_rows
from answers_sample import BAD_JUDGE_Q, HOSTILE, NEUTRAL, PLAIN_Q, build
from pages import marked, open_page, parsed, texts
from samples import TARGETS, add_group
from sqlmodel import col, update

from dashboard.answer_tables import answers_table
from dashboard.format import to_csv
from db import store
from db.models import Answer, Assessment, CheckResult, Run, RunStatus
from db.side_by_side import list_replies


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('answers') / 'test.db'}"
    build(url)
    return url


def captions(app) -> str:
    return "\n".join(caption.value for caption in app.caption)


def test_an_empty_database_says_how_to_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    app = open_page(monkeypatch, f"sqlite:///{tmp_path / 'empty.db'}", "answers")
    assert "There are no runs yet" in app.info[0].value


def test_where_runs_are_under_way_an_empty_page_says_where_to_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'begun.db'}"
    build(url)
    with store.writing(store.connect(url)) as session:
        session.execute(update(Run).values(status=RunStatus.answering))
    assert "Runs** shows what is under way" in open_page(monkeypatch, url, "answers").info[0].value


def test_each_target_has_a_card_with_text_facts_and_verdicts(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers", question="q1")
    names = [subheader.value.replace("\\", "") for subheader in app.subheader]
    assert names == [*(target.name for target in TARGETS[:3]), "Where the time went"]
    assert texts(app).count(NEUTRAL) == 3
    assert captions(app).count("first token") == 3
    reasons = "\n".join(text.value for text in app.text)
    assert reasons.count("because of factuality") == 3
    assert reasons.count("✓ supported: moved in 1848") == 3
    assert reasons.count("✗ missing: the price") == 3
    assert "test\\-judge \\(quick\\)" in parsed(app)


def test_quotes_are_marked_in_the_answer_and_can_be_narrowed(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers", question="q1")
    both = {("The border moved", "coherence: test-judge (quick)")}
    both |= {("Fifteen million dollars", "factuality: test-judge (quick)")}
    assert set(marked(app)) == both
    app.segmented_control(key="quotes").set_value("factuality").run()
    assert {text for text, _ in marked(app)} == {"Fifteen million dollars"}
    app.segmented_control(key="quotes").set_value("none").run()
    assert marked(app) == []


def test_the_simulator_is_named(monkeypatch: pytest.MonkeyPatch, url: str):
    assert "Simulated data" in open_page(monkeypatch, url, "answers").warning[0].value


def test_an_error_is_shown_as_one_with_its_sentence(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers", question="q0")
    assert len(app.error) == 3
    assert [text.value for text in app.text].count("The server gave no answer within 60 s (invented).") == 3
    assert "Not assessed yet" not in captions(app)


def test_checks_wording_evidence_and_spread_stand_beside_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    build(url, targets=1, questions=3)
    with store.writing(store.connect(url)) as session:
        session.execute(update(Answer).where(col(Answer.question_id) == PLAIN_Q).values(words=8, repeated_4grams=0.25))
        (reply,) = list_replies(PLAIN_Q, [1], session=session)
        (verdict,) = reply.verdicts
        other = made_rows.judge(session, "other-judge")
        for rater_id, sample in ((verdict.rater.id or 0, 1), (other.id or 0, 0)):
            given = verdict.assessment.model_dump(exclude={"id", "sample", "rater_id"})
            checks = [CheckResult(assessment_id=0, kind="must_not", text=HOSTILE, met=False)]
            made = Assessment(**given, sample=sample, rater_id=rater_id)
            store.save_assessment(made, made_rows.scores([1, 1, 1]), [], checks, session=session)
    app = open_page(monkeypatch, url, "answers", question="q1")
    said = captions(app).replace("\\", "").replace("\u2060", "")
    assert "8 words · 2.7 × the reference · 25 % repeated 4-grams · 2 s to read" in said
    assert "2 judges, at most" in said
    assert "2 readings, at most" in said
    assert "Reading 1 of 2 · 1 claim: 1 supported · 0 of 1 key point covered · 2 quotes found in the answer" in said
    assert "0 of 1 check met" in said
    shown = "\n".join(text.value for text in app.text)
    assert f"✗ not met: must not {HOSTILE}" in shown
    assert "attacker" not in parsed(app)


def test_an_unreadable_verdict_is_shown_with_what_the_judge_said(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers", question=f"q{BAD_JUDGE_Q - 1}")
    assert captions(app).count("could not be read") == 3
    assert [code.value for code in app.code] == [f"4 stars! {HOSTILE}"] * 3


@pytest.mark.parametrize("question", ["q2", f"q{BAD_JUDGE_Q - 1}"])
def test_nothing_a_model_wrote_is_read_as_markdown(monkeypatch: pytest.MonkeyPatch, url: str, question: str):
    """It stands on the page, and nowhere in a field that Streamlit parses."""
    app = open_page(monkeypatch, url, "answers", question=question)
    assert HOSTILE in "".join([*texts(app), *(code.value for code in app.code)])
    for poison in ("attacker", "<img", "<script", ":red", "$$x"):
        assert poison not in parsed(app).replace(HOSTILE_LABEL, "")


HOSTILE_LABEL = "q2: " + " ".join(HOSTILE.split())[:110] + "…"  # options of a selectbox are text


def test_the_address_holds_the_question_and_the_buttons_change_it(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers")
    assert app.query_params["question"] == "q0"
    assert app.button(key="question-previous").disabled
    app.button(key="question-next").click().run()
    assert app.query_params["question"] == "q1"
    app.selectbox(key="_question_box").select("q4").run()
    assert app.query_params["question"] == "q4"
    assert app.button(key="question-next").disabled
    app.button(key="question-previous").click().run()
    assert app.query_params["question"] == "q3"


def test_an_unknown_question_in_the_address_is_said(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers", question="nonsense")
    assert "no question of the id in the address" in captions(app)
    assert app.query_params["question"] == "q0"


def test_search_and_category_narrow_the_questions(monkeypatch: pytest.MonkeyPatch, url: str):
    app = open_page(monkeypatch, url, "answers")
    app.multiselect(key="category").select("summary").run()
    assert app.query_params["question"] == "q1"
    assert "Question 1 of 2" in app.selectbox(key="_question_box").label
    app.text_input(key="find").set_value("QUESTION 4").run()
    assert app.query_params["question"] == "q4"
    app.text_input(key="find").set_value("zebra").run()
    assert "None of the 5 questions matches" in app.info[0].value


def test_repeats_are_chosen_and_only_one_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'repeats.db'}"
    build(url, targets=2, questions=3)
    with store.writing(store.connect(url)) as session:
        (first,) = [r.answer for r in list_replies(2, [1], session=session)]
        fields = first.model_dump(exclude={"id", "repeat", "text"})
        session.add(Answer(**fields, repeat=1, text="the second time"))
    app = open_page(monkeypatch, url, "answers", question="q1")
    assert "the second time" not in texts(app)
    app.segmented_control(key="repeat").set_value(1).run()
    assert "the second time" in texts(app)
    assert NEUTRAL not in texts(app)


def test_flags_of_a_measurement_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'flags.db'}"
    build(url, targets=1, questions=3)
    with store.writing(store.connect(url)) as session:
        flagged = {"finish_reason": "length", "client_limited": True, "attempts": 3, "tokens_estimated": True}
        session.execute(update(Answer).where(col(Answer.question_id) == 2).values(**flagged))
    said = parsed(open_page(monkeypatch, url, "answers", question="q1"))
    for word in ("cut off at the output limit", "while this computer was busy", "took 3 tries", "estimated"):
        assert word in said


def test_runs_on_another_version_of_the_questions_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'versions.db'}"
    build(url, targets=1, questions=3)
    add_group(url, targets=TARGETS[1:2], questions=3, version="2")
    app = open_page(monkeypatch, url, "answers", runs="1,2", set="1", question="q1")
    assert texts(app).count(NEUTRAL) == 1
    assert not [text for text in texts(app) if "test-large" in text]


def test_the_csv_holds_every_answer_with_its_scores_and_no_formula(url: str):
    with store.writing(store.connect(url)) as session:
        replies = list_replies(2, [1, 2, 3], session=session)
    replies[0].answer.text = "=HYPERLINK(1)"
    table = to_csv(answers_table("q1", replies, {1: "a", 2: "b", 3: "c"})).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["target"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["answer"] == "'=HYPERLINK(1)"
    assert rows[1]["answer"] == NEUTRAL
    scores = {s.criterion: s.value for s in replies[1].verdicts[0].scores}
    assert int(rows[1]["test-judge (quick): factuality"]) == scores["factuality"]
    assert float(rows[1]["ttft_ms"]) == pytest.approx(replies[1].answer.ttft_ms)
