"""What is wrong in a file is named, all at once, with line, field and remedy; and then nothing of it is stored."""

import json
from typing import Any

import pytest
from exchanged import HEADER, database, exported, faults_of, imported, rows_in, small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from db import store
from eval.interchange import lines
from eval.interchange.lines import FileError, Lines, convert, opened

# line numbers in small(): 1 header, 2 QA set, 3 and 4 questions, 5 rubric, 6 run, 7 answer, 8 an error, 9 assessment
ONE = [
    ({"qa_set": {"sha256": "0" * 64}}, "line 2, sha256: its questions have the hash"),
    ({"question": {"question": " "}}, "line 3, question: it is blank; write a text"),
    ({"question": {"referense": "x"}}, "line 3, referense: this field is not known; did you mean reference?"),
    ({"question": {"qa_set": "sett"}}, 'line 3, qa_set: there is no qa set "sett"; did you mean "set"?'),
    ({"rubric": {"criteria": []}}, "line 5, criteria: there are 0; write 1 to 200"),
    ({"rubric": {"criteria": [{"id": "Tone"}]}}, 'line 5, criteria[0].id: "Tone" is no id; use 1 to 40 small letters'),
    ({"rubric": {"criteria": [{"id": "x", "low": 3, "high": 3}]}}, "line 5, criteria[0].high: 3 is not above low"),
    ({"run": {"qa_set": "other"}}, 'line 6, qa_set: there is no qa set "other"; write the qa set on an earlier line'),
    ({"run": {"target": 7}}, "line 6, target: 7 is not a text; write what answered, as charts name it"),
    ({"run": {"status": "done"}}, 'line 6, status: "done" is not known; write finished'),
    ({"run": {"created_at": "2026-01-01"}}, 'line 6, created_at: "2026-01-01" does not say in which time zone; write'),
    ({"run": {"created_at": "yesterday"}}, 'line 6, created_at: "yesterday" is not a moment; write a moment'),
    ({"run": {"definition": {"a": "\ud800"}}}, "line 6, definition: it holds a NUL character or half of a surrogate"),
    ({"answer": {"error": "x"}}, "line 7: there are both a text and an error; write text, or error where no answer"),
    ({"answer": {"text": None}}, "line 7: there is neither a text nor an error; write text, or error"),
    ({"answer": {"txet": "x"}}, "line 7, txet: this field is not known; did you mean text?"),
    ({"answer": {"output": "x"}}, "line 7, output: this field is not known; did you mean text?"),
    ({"answer": {"ttft_ms": -1}}, "line 7, ttft_ms: -1 is out of range; write request to first content, ms"),
    ({"answer": {"ttft_ms": "fast"}}, 'line 7, ttft_ms: "fast" is not a number; write request to first content, ms'),
    ({"answer": {"repeat": 1.5}}, "line 7, repeat: 1.5 is not a whole number; write which repeat, from 0"),
    ({"answer": {"prompt_tokens": 2**40}}, "line 7, prompt_tokens: 1099511627776 is out of range; write tokens in"),
    ({"answer": {"cold": "no"}}, 'line 7, cold: "no" is not true or false; write true for a warm-up'),
    (
        {"answer": {"calls": [{"stage": "a", "started_at": "2026-01-01T00:00:00Z"}]}},
        "line 7, calls[0].model: it is missing; write the",
    ),
    ({"assessment": {"rubric": "our"}}, 'line 9, rubric: there is no rubric "our"; did you mean "ours"?'),
    ({"assessment": {"run": "b"}}, 'line 9, run: there is no run "b"'),
    ({"assessment": {"question": "q2"}}, "line 9, question: the answer is an error: there is nothing to score"),
    ({"assessment": {"repeat": 1}}, 'line 9, question: run "a" has no answer to "q1" in repeat 1; write the answer on'),
    ({"assessment": {"scores": {"clarty": 3}}}, 'line 9, scores: rubric Ours has no criterion "clarty"; did you mean'),
    (
        {"assessment": {"scores": {"depth": 8}}},
        "line 9, scores.depth: 8 is not on the scale from 1 to 7; correct it, or",
    ),
    ({"assessment": {"scores": {"depth": "good"}}}, 'line 9, scores.depth: "good" is not an object'),
    ({"assessment": {"scores": {"depth": True}}}, "line 9, scores.depth: true is not an object"),
    (
        {"assessment": {"rater": {"kind": "human", "name": "A"}}},
        'line 9, rater.kind: "human" is not known; write judge',
    ),
    ({"assessment": {"rater": "Ada"}}, 'line 9, rater: "Ada" is not an object; write an object: {"kind": "person"'),
    ({"assessment": {"answer_sha256": "0"}}, "line 9, answer_sha256: another text than the answer's was scored"),
    ({"assessment": {"sample": "s"}}, 'line 9, sample: there is no sample "s"; write the sample on an earlier line'),
]


FIRST = [  # what asks for the record that was meant is a fault, too
    ({"question": {"id": "a b"}}, 'line 3, id: "a b" is not an id; use 1 to 64 letters'),
    ({"question": {"id": "Q2"}}, 'line 4, id: "q2" is already in line 3; give every question its own id'),
    (
        {"answer": {"question": "q3"}},
        'line 7, question: there is no question "q3"; write the question on an earlier line',
    ),
]


@pytest.mark.parametrize(("changed", "said"), FIRST)
def test_a_fault_that_brings_others_is_named_first(changed: dict[str, Any], said: str) -> None:
    with database() as engine:
        assert faults_of(engine, small(**changed))[0].startswith(said)
        assert rows_in(engine) == {}


@pytest.mark.parametrize(("changed", "said"), ONE, ids=[said[:60] for _, said in ONE])
def test_a_fault_is_named_with_its_line_field_and_remedy(changed: dict[str, Any], said: str) -> None:
    with database() as engine:
        found = faults_of(engine, small(**changed))
        assert len(found) == 1, found
        assert found[0].startswith(said)
        assert rows_in(engine) == {}


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    told = small(
        question={"id": "a b"},
        run={"created_at": "soon"},
        answer={"txet": "x"},
        assessment={"blind": "yes"},
        rubric={"x": 1},
    )
    told += ["[1]", {"record": "runn"}, {"id": 1}]
    content = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in told) + "{broken\n"
    with database() as engine:
        found = faults_of(engine, content)
        assert rows_in(engine) == {}
    assert [fault.partition(":")[0] for fault in found] == [
        *("line 3, id", "line 5, x", "line 6, created_at", "line 7, txet", "line 9, blind"),
        *("line 10", "line 11, record", "line 12, record", "line 13"),
    ]
    assert "did you mean run?" in found[6]


def test_what_refers_to_a_faulty_record_is_not_called_faulty_for_that() -> None:
    with database() as engine:
        assert len(faults_of(engine, small(run={"status": "done"}))) == 1
        assert len(faults_of(engine, small(rubric={"criteria": [{"id": "A B"}]}))) == 1
        assert len(faults_of(engine, small(answer={"text": 5}))) == 1


def test_one_fault_in_the_last_line_keeps_the_whole_file_out() -> None:
    with database() as engine:
        imported(engine, small())
        before = rows_in(engine)
        many = [
            HEADER,
            *small(run={"group": "g2"})[1:],
            {"record": "answer", "run": "a", "question": "q1", "repeat": 1},
        ]
        assert len(faults_of(engine, many)) == 1
        assert rows_in(engine) == before


def test_a_dry_run_checks_all_and_stores_nothing() -> None:
    with database() as engine:
        report = imported(engine, small(), dry_run=True)
        assert (report.stored, report.new["answer"]) == (False, 2)
        assert rows_in(engine) == {}
        assert len(faults_of(engine, small(answer={"text": 5}), dry_run=True)) == 1


# --- twice the same -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (1, 'line 10, id: "set" is already the qa set of line 2; give each its own id'),
        (2, "line 10, qa_set: a run on an earlier line has answered this QA set; write all questions ahead"),
        (4, 'line 10, id: "ours" is already the rubric of line 5; give each its own id'),
        (5, 'line 10, id: "a" is already the run of line 6; give each its own id'),
        (6, "line 10: this answer is already in line 7; remove one, or give it another repeat"),
        (8, "line 10, rater: this rater has scored the answer in line 9 already; remove one, mark the earlier one"),
        (0, "line 10, record: there is a second header; keep the first, in the first line"),
    ],
)
def test_a_doubled_record_is_named_with_the_line_of_the_first(line: int, said: str) -> None:
    told = small()
    with database() as engine:
        (found,) = faults_of(engine, [*told, told[line]])
    assert found.startswith(said)


def test_an_earlier_verdict_that_no_longer_counts_is_none_too_many() -> None:
    told = small()
    with database() as engine:
        imported(engine, [*told[:-1], told[-1] | {"current": False, "scores": {"depth": 1}}, told[-1]])
        assert rows_in(engine)["assessment"] == 2
        assert [record.get("current") for record in exported(engine) if record["record"] == "assessment"] == [
            False,
            None,
        ]


def test_an_answer_that_is_stored_is_never_changed() -> None:
    with database() as engine:
        imported(engine, small(answer={"ttft_ms": 100}))
        (found,) = faults_of(engine, small(answer={"text": "Another answer."}))
        assert found.startswith(
            'line 7, text: run 1 has another text for this answer, "An answer."; give the run another'
        )
        (found,) = faults_of(engine, small(answer={"ttft_ms": 90}))
        assert "run 1 has another ttft_ms for this answer, 100" in found
        assert imported(engine, small(run={"group": "g2"}, answer={"text": "Another answer."})).new["answer"] == 2


def test_no_answer_is_added_to_a_run_that_was_measured_here() -> None:
    with database() as engine:
        imported(engine, small())
        with store.writing(engine) as session:
            run = store.get_run(1, session=session)
            run.provenance = {}
            session.add(run)
        more = {"record": "answer", "run": "a", "question": "q1", "repeat": 1, "text": "More."}
        (found,) = faults_of(engine, [*small(), more])
        assert found.startswith(
            "line 10, run: run 1 was measured here and has no such answer; give the run of the file"
        )
        assert imported(engine, small()).new == {}


def test_a_run_of_another_model_under_the_same_name_is_a_fault() -> None:
    with database() as engine:
        imported(engine, small(run={"model": "one"}))
        (found,) = faults_of(engine, small(run={"model": "two"}))
    assert found.startswith('line 6, model: it is "two", of run 1 with the same group and target')


def test_a_name_that_may_be_any_of_several_runs_is_asked_about() -> None:
    with database() as engine:
        for group in ("g1", "g2"):
            imported(engine, small(run={"group": group}))
        answer = {"record": "answer", "run": "model-a", "question": "q1", "text": "x"}
        (found,) = faults_of(engine, [HEADER, answer, answer | {"question": "q2"}])
    assert found.startswith('line 2, run: "model-a" may be any of the stored runs 1, 2; write one of these numbers')


# --- the file itself ----------------------------------------------------------------------------------------------


def test_a_file_begins_with_its_header() -> None:
    with database() as engine:
        (found,) = faults_of(engine, small()[1:])
        assert found.startswith("line 1, record: the file does not begin with its header; write")
        (found,) = faults_of(engine, [{"record": "header", "version": 2}, *small()[1:]])
        assert found.startswith("line 1, version: version 2 is newer than this Rightsize reads; upgrade it")
        assert faults_of(engine, "\n\n") == ["there is no record in the file; write at least a header"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"record": "answer", "text": "\xe9"}', "line 2: byte 31 of the line (0xE9) is not UTF-8; save it as UTF-8"),
        (b'{"a": "\0"}', "line 2: the line holds NUL bytes; remove them"),
        (b'{"a": 1, "a": 2}', "line 2, a: it occurs 2 times in one object; keep one"),
        (b"[" * 100_000, "line 2: lists or objects are nested too deeply"),
        (b'{"a": NaN}', "line 2: NaN is no number in JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "line 2: Exceeds the limit"),
        (b'{"record": "answer", "ttft_ms": 1e999}', "line 2, run: it is missing"),
        (
            b'{"record": "run", "definition": ' + b'{"a":' * 60 + b"1" + b"}" * 61,
            "line 2, definition: lists or objects",
        ),
        (b'"text"', 'line 2: "text" is not an object; write an object such as {"record": "answer", ...}'),
    ],
)
def test_a_line_that_is_no_record_is_named_and_reading_goes_on(line: bytes, said: str) -> None:
    content = json.dumps(HEADER).encode() + b"\n" + line + b'\n{"record": "nothing"}\n'
    with database() as engine:
        found = faults_of(engine, content)
    assert any(fault.startswith(said) for fault in found), found
    assert found[-1].startswith('line 3, record: "nothing" is not known')


def test_a_number_without_end_is_refused() -> None:
    with database() as engine:
        found = faults_of(engine, json.dumps(HEADER) + '\n{"record": "answer", "ttft_ms": 1e999}\n')
    assert "line 2, ttft_ms: Infinity is not a finite number; write request to first content, ms" in found


def test_a_huge_line_is_skipped_and_named_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines.Lines, "__init__", _limited(max_line=1000))
    content = json.dumps(HEADER) + "\n" + "x" * 100_000 + '\n{"record": "nothing"}\n'
    with database() as engine:
        found = faults_of(engine, content)
    assert [fault.partition(":")[0] for fault in found] == ["line 2", "line 3, record"]
    assert "the line has more than 0 MiB" in found[0]


@pytest.mark.parametrize("limit", [{"max_lines": 3}, {"max_file": 100}])
def test_a_file_beyond_its_limits_is_refused(limit: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines.Lines, "__init__", _limited(**limit))
    with database() as engine:
        assert "split the file" in faults_of(engine, small())[0]
        assert rows_in(engine) == {}


def _limited(**limits: int) -> Any:
    made = Lines.__init__
    return lambda self, file, faults: made(self, file, faults, **limits)


def test_utf_16_and_a_byte_order_mark() -> None:
    text = "".join(json.dumps(record) + "\n" for record in small())
    with database() as engine:
        (found,) = faults_of(engine, text.encode("utf-16"))
        assert found.startswith("line 1: the file is UTF-16; save it as UTF-8, for example with: iconv -f UTF-16")
        assert imported(engine, text.replace("\n", "\r\n").encode("utf-8-sig")).new["answer"] == 2


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_way_to_utf_8_is_one_that_the_platform_has(platform: str) -> None:
    for encoding in ("UTF-16", "WINDOWS-1252"):
        said = convert(encoding, platform)
        assert "UTF-8" in said
        assert ("iconv" in said) == (platform != "win32")
        assert ("Set-Content NEW -Encoding utf8" in said) == (platform == "win32")
    assert "-Encoding Unicode" in convert("UTF-16", "win32")


def test_what_is_no_file_is_one_sentence(tmp_path: Any) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "none", "There is no file"),
        (tmp_path / "empty", "is empty"),
    ):
        with pytest.raises(FileError, match=words):
            opened(path)
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(FileError, match="at most 0 MB are read"):
        opened(tmp_path / "large", 10)
    with pytest.raises(FileError, match="cannot be read"):
        opened(tmp_path / "a\0b")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_records_or_named_faults(junk: bytes) -> None:
    with database() as engine:
        content = json.dumps(HEADER).encode() + b"\n" + junk
        if faults_of(engine, content):
            assert rows_in(engine) == {}


def test_beyond_200_faults_are_counted() -> None:
    with database() as engine:
        found = faults_of(engine, [HEADER, *[{"record": "nothing"}] * 205])
    assert len(found) == 201
    assert found[-1] == "5 more faults not listed; repair these first"


def test_a_failure_of_the_database_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with database() as engine:
        monkeypatch.setattr(Session, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            imported(engine, small())
        assert rows_in(engine) == {}
