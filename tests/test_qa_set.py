"""Claims about reading a QA set: what is accepted, what each fault says, and that nothing is a traceback."""

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eval import qa_set
from eval.faults import UndecodableError, decoded
from eval.qa_set import Difficulty, Document, Fault, QASet, QASetError, Question, check, load, to_jsonl

MINIMAL = {"id": "a", "question": "Why?", "reference": "Because."}
FIELDS = list(Question.model_fields)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)
points = st.text("abc 1,;\"'é|", min_size=1).map(str.strip).filter(lambda s: s and " | " not in s)
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
documents = st.builds(Document, title=st.text(st.characters(codec="utf-8", exclude_characters="\0")), text=texts)
questions = st.builds(
    Question,
    id=ids,
    question=texts,
    reference=texts,
    category=texts.map(str.strip),
    difficulty=st.sampled_from(Difficulty),
    key_points=st.lists(points, max_size=3).map(tuple),
    documents=st.lists(documents, max_size=2).map(tuple),
    answerable=st.booleans(),
    output_limit=st.integers(1, 32_768),
    must=st.lists(points, max_size=2).map(tuple),
    must_not=st.lists(points, max_size=2).map(tuple),
)
qa_sets = st.lists(questions, min_size=1, max_size=4, unique_by=lambda q: q.id.lower()).map(
    lambda qs: QASet(name="x", version="1", questions=tuple(qs))
)


def write(tmp_path: Path, content: str | bytes, name: str = "set.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*records: object) -> str:
    return "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)


def only(path: Path) -> Fault:
    faults = check(path)
    assert len(faults) == 1, faults
    return faults[0]


def parsed(content: bytes, suffix: str) -> QASet:
    with tempfile.TemporaryDirectory() as folder:
        return load(write(Path(folder), content, f"x{suffix}"))


def as_csv(a_set: QASet) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(FIELDS)
    for q in a_set.questions:
        record = q.model_dump(mode="json")
        record |= {name: "\n".join(record[name]) for name in ("key_points", "must", "must_not")}
        record["documents"] = json.dumps(record["documents"])
        writer.writerow([record[name] for name in FIELDS])
    return out.getvalue()


# What is accepted


def test_only_id_question_and_reference_are_required(tmp_path: Path) -> None:
    question = load(write(tmp_path, lines(MINIMAL))).questions[0]
    assert (question.category, question.difficulty, question.output_limit) == ("uncategorised", "medium", 512)
    assert question.answerable


def test_blank_lines_and_a_byte_order_mark_are_accepted(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff\n" + lines(MINIMAL) + " \n\r\n")
    assert load(path).questions[0].id == "a"


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    record = json.dumps(MINIMAL | {"question": "one\u2028two\x85three"}, ensure_ascii=False)
    assert load(write(tmp_path, record)).questions[0].question == "one\u2028two\x85three"


def test_name_is_the_file_name_and_version_the_start_of_the_hash(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, lines(MINIMAL), "staff questions.NDJSON"))
    assert (loaded.name, loaded.version) == ("staff questions", loaded.sha256[:8])


def test_csv_cells_become_lists_documents_and_booleans(tmp_path: Path) -> None:
    content = (
        "id,question,reference,key_points,documents,answerable,output_limit,difficulty\r\n"
        'a,Q,R,"one | two\nthree",[1] plain text,No,64,hard\r\n'
        'b,Q,R,,"[{""title"": ""T"", ""text"": ""x""}]",1,,\r\n'
    )
    first, second = load(write(tmp_path, content, "x.csv")).questions
    assert first.key_points == ("one", "two", "three")
    assert first.documents == (Document(title="", text="[1] plain text"),)
    assert (first.answerable, first.output_limit, first.difficulty) == (False, 64, "hard")
    assert second.documents == (Document(title="T", text="x"),)
    assert (second.answerable, second.output_limit, second.difficulty) == (True, 512, "medium")


def test_a_csv_document_may_exceed_the_usual_field_limit(tmp_path: Path) -> None:
    content = f"id,question,reference,documents\na,Q,R,{'x' * 200_000}\n"
    assert len(load(write(tmp_path, content, "x.csv")).questions[0].documents[0].text) == 200_000


@settings(deadline=None)  # a loaded machine is no fault
@given(qa_sets)
def test_jsonl_round_trip_keeps_every_question(a_set: QASet) -> None:
    again = parsed(to_jsonl(a_set).encode(), ".jsonl")
    assert again.questions == a_set.questions
    assert again.sha256 == a_set.sha256


@settings(deadline=None)
@given(qa_sets)
def test_csv_round_trip_keeps_every_question(a_set: QASet) -> None:
    assert parsed(as_csv(a_set).encode(), ".csv").questions == a_set.questions


# The hash


def test_the_built_in_set_has_the_hash_it_had_before_there_were_checks() -> None:
    assert qa_set.built_in().sha256.startswith("9348e6362aa683bd")


def test_hash_ignores_name_version_line_ends_and_the_form_of_accents() -> None:
    def hashed(text: str, name: str = "x") -> str:
        question = Question.model_validate(MINIMAL | {"reference": text})
        return QASet(name=name, version=name, questions=(question,)).sha256

    assert hashed("caf\u00e9\nnoir") == hashed("cafe\u0301\r\nnoir", "y") == hashed("cafe\u0301\rnoir")
    assert hashed("café") != hashed("cafe")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"question": "How?"},
        {"reference": "So."},
        {"category": "c"},
        {"difficulty": "easy"},
        {"key_points": ["k"]},
        {"must": ["m"]},
        {"must_not": ["m"]},
        {"documents": [{"title": "", "text": "t"}]},
        {"documents": [{"title": "t", "text": "t"}]},
        {"answerable": False},
        {"output_limit": 511},
    ],
)
def test_hash_depends_on_every_field(change: dict[str, object]) -> None:
    assert Question.model_validate(MINIMAL | change).sha256 != Question.model_validate(MINIMAL).sha256


def test_hash_depends_on_the_order_of_questions() -> None:
    a, b = (Question.model_validate(MINIMAL | {"id": i}) for i in "ab")
    one, other = (QASet(name="x", version="1", questions=qs) for qs in ((a, b), (b, a)))
    assert one.sha256 != other.sha256


def test_hash_stays_the_same_between_releases() -> None:
    expected = "a33ce220f4688aee3ddf98fe6eeb8fccc87de7e6a1ab4ecbb26ae9648f866ef6"
    assert Question.model_validate(MINIMAL | {"reference": "Café."}).sha256 == expected


def test_a_set_refuses_two_questions_of_one_id() -> None:
    question = Question.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match="occurs twice"):
        QASet(name="x", version="1", questions=(question, question.model_copy(update={"id": "A"})))


# Faults of one field


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difficulty": "tough"}, 'line 1, difficulty: "tough" is not known; use easy, medium or hard'),
        ({"dificulty": "easy"}, "line 1, dificulty: this field is not known; did you mean difficulty?"),
        ({"answer": "x"}, "line 1, answer: this field is not known; did you mean reference?"),
        ({"question": " \n"}, "line 1, question: it is blank; write a text"),
        ({"question": 7}, "line 1, question: 7 is not a text; write a text in quotes"),
        ({"reference": None}, "line 1, reference: null is not a text; write a text in quotes"),
        ({"reference": "a\0b"}, "line 1, reference: it holds a NUL character; remove it"),
        ({"output_limit": 0}, "line 1, output_limit: 0 is out of range; use 1 to 32768"),
        ({"output_limit": 32769}, "line 1, output_limit: 32769 is out of range; use 1 to 32768"),
        ({"output_limit": "512"}, 'line 1, output_limit: "512" is not a whole number; write one such as 512'),
        ({"output_limit": 51.0}, "line 1, output_limit: 51.0 is not a whole number; write one such as 512"),
        ({"output_limit": True}, "line 1, output_limit: true is not a whole number; write one such as 512"),
        ({"answerable": 1}, "line 1, answerable: 1 is not known; use true or false"),
        ({"key_points": "a"}, 'line 1, key_points: "a" is not a list; write a list in square brackets'),
        ({"key_points": ["a", ""]}, "line 1, key_points[1]: it is blank; write a text"),
        ({"documents": ["a"]}, 'line 1, documents[0]: "a" is not an object; write an object with title and text'),
        ({"documents": [{"title": "a"}]}, "line 1, documents[0].text: it is missing; write it"),
    ],
)
def test_a_fault_names_line_field_value_and_remedy(tmp_path: Path, change: dict[str, object], message: str) -> None:
    assert str(only(write(tmp_path, lines(MINIMAL | change)))) == message


@pytest.mark.parametrize("bad", ["", "-a", "a b", "é", "a/b", "a\n", "x" * 65])
def test_an_id_has_to_be_a_slug(tmp_path: Path, bad: str) -> None:
    fault = only(write(tmp_path, lines(MINIMAL | {"id": bad})))
    assert fault.field == "id"
    assert "is not an id" in fault.problem


def test_a_strange_value_or_field_stays_on_one_line_and_can_be_printed(tmp_path: Path) -> None:
    text = str(
        QASetError(tmp_path, check(write(tmp_path, lines(MINIMAL | {"difficulty": "\u2028\ud800\x1b", "a\nb\x85": 1}))))
    )
    assert text.encode()
    assert len(text.splitlines()) == 3


def test_missing_field_is_named(tmp_path: Path) -> None:
    assert [f.field for f in check(write(tmp_path, lines({"id": "a"})))] == ["question", "reference"]


def test_duplicate_id_names_both_lines(tmp_path: Path) -> None:
    fault = only(write(tmp_path, "\n" + lines(MINIMAL, MINIMAL | {"id": "b"}, MINIMAL | {"id": "A"})))
    assert (fault.line, fault.field) == (4, "id")
    assert fault.problem == '"A" is already on line 2'


def test_duplicate_key_in_an_object_is_named(tmp_path: Path) -> None:
    fault = only(write(tmp_path, '{"id": "a", "id": "b", "question": "q", "reference": "r"}'))
    assert (fault.line, fault.field) == (1, "id")
    assert "2 times" in fault.problem


# Faults of a line


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "it is not JSON"),
        ("[1]", "a list is not an object"),
        ("null", "null is not an object"),
        ('{"output_limit": NaN}', "NaN is no number"),
        ('{"output_limit": -Infinity}', "-Infinity is no number"),
        ('{"output_limit": ' + "9" * 5000 + "}", "4300 digits"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_object_is_a_fault_of_that_line(tmp_path: Path, line: str, problem: str) -> None:
    fault = only(write(tmp_path, lines(MINIMAL, line)))
    assert fault.line == 2
    assert problem in fault.problem


def test_every_fault_of_the_file_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path, lines({"id": "a", "question": ""}, "x", MINIMAL, MINIMAL | {"id": "b", "difficulty": "x"}))
    with pytest.raises(QASetError) as caught:
        load(path)
    assert [(f.line, f.field) for f in caught.value.faults] == [
        (1, "question"),
        (1, "reference"),
        (2, None),
        (3, "id"),
        (4, "difficulty"),
    ]
    assert caught.value.path == path
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)


def test_too_many_faults_are_counted(tmp_path: Path) -> None:
    faults = check(write(tmp_path, "1\n" * 250))
    assert len(faults) == qa_set.MAX_FAULTS + 1
    assert faults[-1].problem == "50 more faults not listed"


def test_json_over_several_lines_is_one_fault(tmp_path: Path) -> None:
    assert "several lines" in only(write(tmp_path, json.dumps([MINIMAL], indent=1))).problem


# Faults of the file


def test_missing_file_folder_and_unknown_kind_are_named(tmp_path: Path) -> None:
    assert only(tmp_path / "none.jsonl").problem == "there is no such file"
    assert only(tmp_path).problem == "this is a folder"
    assert 'the name "x.txt"' in only(write(tmp_path, "x", "x.txt")).problem
    assert "cannot be read" in only(Path("a\0.csv")).problem


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.jsonl", "", "the file is empty"),
        ("x.csv", "", "the file is empty"),
        ("x.jsonl", " \n\n", "there is no question in the file"),
        ("x.csv", "id,question,reference\n\n", "there is no question in the file"),
    ],
)
def test_a_file_without_questions_is_a_fault(tmp_path: Path, name: str, content: str, problem: str) -> None:
    assert only(write(tmp_path, content, name)).problem == problem


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.truncate(qa_set.MAX_BYTES + 1_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    assert only(path).problem == "the file has 51.0 MB, the limit is 50 MB"


def test_an_unreadable_file_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError("no")

    path = write(tmp_path, "x")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert only(path).problem == "the file may not be read"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf8_is_named_with_its_line(tmp_path: Path, mark: bytes) -> None:
    fault = only(write(tmp_path, mark + b"\n\r\nab\xe9"))
    assert fault.line == 3
    assert f"byte {len(mark) + 6} of the file (0xE9)" in fault.problem
    assert "save it as UTF-8" in fault.remedy


def test_utf16_and_nul_bytes_are_named(tmp_path: Path) -> None:
    assert only(write(tmp_path, "id".encode("utf-16"))).problem == "the file is UTF-16"
    fault = only(write(tmp_path, "id,question,reference\na,b\0,c\0\n", "x.csv"))
    assert (fault.line, fault.problem) == (2, "the file holds 2 NUL bytes, the first on this line")


# Faults of a table


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n1,2,3\n", "line 1: there is no header; name the columns in the first row: " + ", ".join(FIELDS)),
        ("id;question;reference\n", 'line 1: the columns are separated by ";"; separate them by commas'),
        ("id,question\na,b\n", "line 1, reference: the column is missing; add it to the header and to every row"),
        ("id,id,question,reference\na,b,c,d\n", "line 1, id: there are several columns of this name; keep one"),
        ("id,question,reference,\na,b,c,\n", "line 1: a column has no name; name it, or remove it"),
        ("id,question,reference,levle\na,b,c,d\n", "line 1, levle: this field is not known"),
        ('id,question,reference\na,"b\nc",d\ne,f\n', "line 4: the row has 2 cells, the header has 3"),
        ('id,question,reference\na,"b\nc",d\ne,"f,g\nh,i,j\n', "line 4: a quote that opens here is never closed"),
        ('id,question,reference\na,"b" c,d\n', "line 2: the quotes do not match"),
        ("id,question,reference,answerable\na,b,c,maybe\n", 'line 2, answerable: "maybe" is not known'),
        ("id,question,reference,output_limit\na,b,c,many\n", 'line 2, output_limit: "many" is not a whole number'),
        ('id,question,reference,documents\na,b,c,"[{""a"" 1}]"\n', "line 2, documents: it is not JSON"),
        ("id,question,reference\na,b, \n", "line 2, reference: it is blank"),
    ],
)
def test_a_fault_of_a_table_names_the_physical_line(tmp_path: Path, content: str, message: str) -> None:
    assert str(only(write(tmp_path, content, "x.csv"))).startswith(message)


@pytest.mark.parametrize(
    ("content", "row_fault"),
    [
        ("id,question\na,b\na,c\n", 'line 3, id: "a" is already on line 2'),
        ("question,reference,referense\n ,b,c\n", "line 2, question: it is blank"),
        ("id,question,question,reference,answerable\na,b,c,d,maybe\n", 'line 2, answerable: "maybe" is not known'),
    ],
)
def test_a_bad_header_hides_no_fault_of_a_row(content: str, row_fault: str, tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text(content, encoding="utf-8")
    said = [str(fault) for fault in check(path)]
    assert said[0].startswith("line 1, ")
    assert [line for line in said if not line.startswith("line 1")] == [said[-1]]
    assert said[-1].startswith(row_fault)


def test_how_to_convert_a_file_is_said_for_where_one_is() -> None:
    for platform, has_iconv in (("win32", False), ("linux", True), ("darwin", True)):
        for data in (b"\xff\xfea\0", b"a\x80"):
            with pytest.raises(UndecodableError, match="save it as UTF-8") as caught:
                decoded(data, platform)
            assert ("iconv" in str(caught.value)) == has_iconv


def test_rows_after_a_mismatched_quote_on_one_line_are_still_checked(tmp_path: Path) -> None:
    content = 'id,question,reference\na,"b" c,d\ne,,f\n'
    assert [f.line for f in check(write(tmp_path, content, "x.csv"))] == [2, 3]


# Never a traceback

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=4),
    max_leaves=8,
)
json_lines = st.lists(junk.map(lambda v: json.dumps(v)), max_size=4).map(lambda ls: "\n".join(ls).encode())
pieces = st.sampled_from([*FIELDS, ",", '"', "\n", "\r", '{"', '":', "}", "[", "]", "\\ud800", "NaN", "1", "é", "\0"])
soups = st.lists(pieces, max_size=30).map(lambda ps: "".join(ps).encode())
rows = soups.map(lambda s: b"id,question,reference,documents,output_limit,answerable,key_points\n" + s)


@settings(deadline=None)
@given(st.binary() | json_lines | soups | rows, st.sampled_from([".jsonl", ".csv"]))
def test_any_bytes_are_a_qa_set_or_named_faults(content: bytes, suffix: str) -> None:
    try:
        found = parsed(content, suffix)
    except QASetError as error:
        faults, message = error.faults, str(error)
    else:
        assert found.questions
        return
    assert faults
    assert message.encode()
    assert len(message.splitlines()) == len(faults) + 1
