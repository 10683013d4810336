"""Claims about the flat form: what it holds comes back to the letter, scales are declared, formulas are harmless."""

import csv
import io
from typing import Any

import pytest
from exchanged import database, exported, exported_csv, faults_of, imported, rows_in, small
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_interchange import files

from eval.formula import neutralised, restored
from eval.interchange.dumping import ExportError
from eval.interchange.flat import COLUMNS
from eval.interchange.scales import ScaleError, parse_scale, parse_scales
from eval.summary import summarise

HEAD = "question_id,question,target,answer,rater,clarity\n"
ROW = "q1,What?,a,An answer.,Ada,4\n"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def told_by(text: str) -> list[dict[str, str]]:
    """The rows without the hash of the rubric: what its scores mean is more than a table holds."""
    return [row | {"rubric": " ".join(row["rubric"].split()[:-1])} for row in table(text)]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(files())
def test_what_a_table_holds_comes_back_to_the_letter(told: list[dict[str, Any]]) -> None:
    ids = [c["id"] for record in told if record["record"] == "rubric" for c in record["criteria"]]
    assume(len(ids) == len(set(ids)) and any(record["record"] == "answer" for record in told))
    with database() as first, database() as second:
        imported(first, told)
        once, _ = exported_csv(first)
        imported(second, once, "scores.csv")
        assert _without_blank_columns(told_by(exported_csv(second)[0])) == _without_blank_columns(told_by(once))
        assert imported(first, once, "scores.csv").new == {}


def _without_blank_columns(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows without the criteria that nobody used, and without their scales."""
    rows = [row for row in rows if row["question_id"] != "#scale"]
    used = {name for row in rows for name, cell in row.items() if cell}
    return [{name: cell for name, cell in row.items() if name in used} for row in rows]


@given(st.text())
def test_no_text_is_taken_for_a_formula_and_each_comes_back(text: str) -> None:
    assert restored(neutralised(text)) == text
    assert not neutralised(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_in_an_answer_is_harmless_in_the_table() -> None:
    evil = '=HYPERLINK("http://127.0.0.1/","x")'
    with database() as engine:
        imported(engine, small(answer={"text": evil}))
        text, _ = exported_csv(engine)
    assert table(text)[1]["answer"] == f"'{evil}"


def test_people_and_judges_answers_and_errors_stand_in_one_table() -> None:
    with database() as engine:
        imported(engine, small(assessment={"note": "Well said."}))
        text, notes = exported_csv(engine)
    scale, first, second = table(text)
    assert text.startswith("\ufeff" + ",".join(COLUMNS) + ",clarity,depth\r\n")
    assert (scale["question_id"], scale["clarity"], scale["depth"]) == ("#scale", "0-100", "1-7")
    assert [first[name] for name in ("rater", "rater_kind", "note", "clarity", "depth")] == [
        *("Ada", "person", "Well said.", "80", "5.5")
    ]
    assert (second["answer"], second["error"], second["rater"], second["clarity"]) == ("", "It failed.", "", "")
    assert notes == []


def test_what_a_table_cannot_hold_is_said() -> None:
    told = small()
    told += [told[6] | {"cold": True}, told[8] | {"current": False}, told[8] | {"reading": 1, "status": "withdrawn"}]
    with database() as engine:
        imported(engine, told)
        _, notes = exported_csv(engine)
    assert notes == [
        "1 warm-up was left out; --format jsonl holds them.",
        "2 verdicts that hold no scores or were replaced were left out; --format jsonl holds them.",
    ] or notes == [
        "2 verdicts that hold no scores or were replaced were left out; --format jsonl holds them.",
        "1 warm-up was left out; --format jsonl holds them.",
    ]


def test_runs_on_two_qa_sets_and_runs_of_one_name_do_not_fit_in_one_table() -> None:
    with database() as engine:
        imported(engine, small())
        imported(engine, small(question={"question": "Other?"}))
        with pytest.raises(ExportError, match="answers to one QA set"):
            exported_csv(engine)
    with database() as engine:
        for moment in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"):
            imported(engine, small(run={"created_at": moment}))
        with pytest.raises(ExportError, match="Two of the runs are g1/model-a"):
            exported_csv(engine)
        assert [record["id"] for record in exported(engine) if record["record"] == "run"] == [
            "g1/model-a",
            "g1/model-a#2",
        ]


# --- tables from elsewhere ----------------------------------------------------------------------------------------


def test_a_table_of_labels_needs_a_question_a_target_a_rater_and_scores() -> None:
    with database() as engine:
        report = imported(engine, HEAD + ROW + "q2,Why?,a,Another.,Ada,2\nq1,What?,a,An answer.,Ben,5\n", "mine.csv")
        assert [(run.answers, run.assessments) for run in report.runs] == [(2, 3)]
        (quality,) = summarise(1, engine).quality
        assert (quality.source.partition(",")[0], quality.score.value, quality.scale) == ("people", 3.25, (1, 5))


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (HEAD + "#scale,,,,,1-7\n" + ROW.replace(",4\n", ",7\n"), {}),
        (HEAD + ROW.replace(",4\n", ",7\n"), {"scales": {"": (1, 7)}}),
        (HEAD + ROW.replace(",4\n", ",7\n"), {"scales": {"clarity": (1, 7)}}),
        (HEAD + "#scale,,,,,0-100\n" + ROW.replace(",4\n", ",7\n"), {"scales": {"clarity": (1, 7)}}),
    ],
)
def test_another_scale_is_declared_in_a_row_or_with_an_option(text: str, given: dict[str, Any]) -> None:
    with database() as engine:
        imported(engine, text, "mine.csv", **given)
        (quality,) = summarise(1, engine).quality
        assert (quality.score.value, quality.scale) == (7, (1, 7))


def test_without_a_scale_it_is_1_to_5() -> None:
    with database() as engine:
        (found,) = faults_of(engine, HEAD + ROW.replace(",4\n", ",7\n"), "mine.csv")
    assert found.startswith(
        "line 2, scores.clarity: 7 is not on the scale from 1 to 5; correct it, or declare its scale"
    )


@pytest.mark.parametrize(
    ("text", "scale"), [("1-7", (1, 7)), (" 0 - 100 ", (0, 100)), ("-3 to 3", (-3, 3)), ("0..1", (0, 1))]
)
def test_a_scale_is_written_low_high(text: str, scale: tuple[int, int]) -> None:
    assert parse_scale(text) == scale
    assert parse_scales([text, f"clarity={text}"]) == {"": scale, "clarity": scale}


@pytest.mark.parametrize("text", ["", "7", "7-1", "1-1", "a-b", "0.5-1", "1-7-9"])
def test_what_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(ScaleError, match="is not a scale; write the lowest and the highest score"):
        parse_scale(text)


def test_names_of_columns_become_criteria_and_stay_readable() -> None:
    with database() as engine:
        imported(
            engine, HEAD.replace("clarity", "Answer clarity (1-5),Overall") + ROW.replace(",4\n", ",4,3\n"), "x.csv"
        )
        (rubric,) = [record for record in exported(engine) if record["record"] == "rubric"]
    assert [(c["id"], c["label"]) for c in rubric["criteria"]] == [
        ("answer_clarity_1_5", "Answer clarity (1-5)"),
        ("overall_score", "Overall"),
    ]


def test_labels_find_answers_that_are_stored() -> None:
    with database() as engine:
        imported(engine, small())
        report = imported(engine, "question_id,group,target,rater,tone\nq1,g1,model-a,Ben,4\n", "labels.csv")
        assert report.new == {"rubric": 1, "rater": 1, "assessment": 1}
        (found,) = faults_of(engine, "question_id,target,rater,tone\nq1,model-b,Ben,4\n", "labels.csv")
        assert found.startswith('line 2, run: there is no run "model-b"')


def test_answers_to_known_questions_are_of_the_stored_set() -> None:
    with database() as engine:
        imported(engine, small())
        report = imported(engine, "question_id,question,target,answer\nq1,What?,other,Mine.\n", "answers.csv")
        assert "qa_set" not in report.new
        assert rows_in(engine)["qa_set"] == 1
        imported(engine, "question_id,question,target,answer\nq1,What else?,other,Mine.\n", "answers.csv")
        assert rows_in(engine)["qa_set"] == 2


def test_answers_to_the_built_in_questions_need_not_repeat_them() -> None:
    with database() as engine:
        answers = "question_id,target,answer\nfacts-01,mine,Gold is Au.\n"
        assert imported(engine, answers, "answers.csv", qa_set="built-in").new["question"] == 60
        assert [record["question"] for record in exported(engine) if record["record"] == "answer"] == ["facts-01"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1, question_id: the column is missing; name the columns in the first row: question_id,"),
        ("question_id;target\nq1;a\n", 'line 1: the columns are separated by ";"; separate them by commas'),
        ("question_id,tone\nq1,3\n", "line 1, target: the column is missing; say in every row what answered"),
        (HEAD.replace("answer", "anwser") + ROW, "line 1, anwser: this column is not known; did you mean answer?"),
        (
            HEAD.replace("rater,", "rater,rater,") + ROW,
            "line 1, rater: there are several columns of this name",
        ),
        (HEAD.replace("rater", "") + ROW, "line 1: a column has no name; name it, or remove it"),
        (HEAD + "q1,What?,a\n", "line 2: the row has 3 cells, the header has 6; put a text with commas in quotes"),
        (HEAD + ROW.replace("Ada", ""), "line 2, rater: it is blank; say who gave the scores of this row"),
        (HEAD + ROW.replace(",4", ',"4,5"'), 'line 2, clarity: "4,5" is not a score; write a number such as 3.5'),
        (HEAD + ROW + ROW, "line 3, rater: this rater has scored the answer in line 2 already; remove one"),
        (HEAD + ROW + ROW.replace("An answer", "B"), "line 3, answer: it is another text than on line 2; repeat it"),
        (HEAD + ROW + ROW.replace("What?", "B?"), "line 3, question: it is another text than on line 2; repeat it"),
        (HEAD + '"open', "line 2: a quote that opens here is never closed; close it"),
        (HEAD + "#scale,,,,,wide\n" + ROW, 'line 2, clarity: "wide" is not a scale; write the lowest and the highest'),
        (HEAD, "there is no row below the header; write a row for each answer and rater"),
        (
            HEAD.replace("rater", "rater_kind,rater") + ROW.replace("Ada", "robot,Ada"),
            'line 2, rater.kind: "robot" is not',
        ),
        (HEAD.replace("rater", "repeat,rater") + ROW.replace("Ada", "one,Ada"), 'line 2, repeat: "one" is not a whole'),
    ],
)
def test_a_fault_of_a_table_is_named_and_nothing_is_stored(text: str, said: str) -> None:
    with database() as engine:
        found = faults_of(engine, text, "mine.csv")
        assert found[0].startswith(said), found
        assert rows_in(engine) == {}


def test_all_faults_of_a_table_are_named_at_once() -> None:
    rows = "q 1,What?,a,A.,Ada,3\nq2,,a,B.,Ada,9\nq3,Why?,,C.,Ada,x\nq4,Who?,a,D.,,2\n"
    with database() as engine:
        found = faults_of(engine, HEAD + rows, "mine.csv")
    assert [fault.partition(":")[0] for fault in found] == [
        *("line 2, id", "line 3, question", "line 4, target", "line 4, clarity", "line 5, rater")
    ]


def test_a_scale_for_a_column_that_is_not_there_is_a_fault() -> None:
    with database() as engine:
        (found,) = faults_of(engine, HEAD + ROW, "mine.csv", scales={"tone": (1, 7)})
    assert found == "tone: a scale is given for a column that is not there; there are: clarity"


@pytest.mark.parametrize("content", [(HEAD + ROW).encode("utf-16"), HEAD.encode() + b"q1,What\xe9?,a,b,c,1\n"])
def test_what_is_not_utf_8_is_named(content: bytes) -> None:
    with database() as engine:
        (found,) = faults_of(engine, content, "mine.csv")
    assert "save it as UTF-8" in found


def test_a_score_that_could_not_be_given_says_why() -> None:
    with database() as engine:
        imported(engine, HEAD + ROW.replace(",4", ",null: cut off"), "mine.csv")
        (verdict,) = [record for record in exported(engine) if record["record"] == "assessment"]
    assert (verdict["scores"], verdict["status"]) == ({"clarity": {"null_reason": "cut off"}}, "partial")
