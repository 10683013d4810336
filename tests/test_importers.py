"""Files of other tools: what becomes of each, what is left out and said so, and that no broken one is half imported.

interchange/inspect.eval was written by inspect_ai 0.3.285; the other fixtures by hand, in the formats of promptfoo
0.123 and of evals/record.py.
"""

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from exchanged import FIXTURES, database, exported, rows_in
from sqlalchemy import Engine

from db.exchange import IMPORTED
from eval.interchange import formats, inspect_log, openai_evals, promptfoo
from eval.interchange.formats import Format, detect
from eval.interchange.lines import FileError
from eval.interchange.loading import ImportFaultsError, Report, load
from eval.summary import summarise

PROMPTFOO = json.loads((FIXTURES / "promptfoo.json").read_text(encoding="utf-8"))
EVALS = [json.loads(line) for line in (FIXTURES / "openai_evals.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def engine():
    with database() as opened:
        yield opened


def fixture(name: str, engine: Engine, **given: Any) -> Report:
    return load(formats.read(FIXTURES / name, Format.auto, given.pop("scales", {})), engine, **given)


def of(engine: Engine, kind: str) -> list[dict[str, Any]]:
    return [record for record in exported(engine) if record["record"] == kind]


def means(engine: Engine, run_id: int) -> dict[tuple[str, str], float | None]:
    """The mean of each rater and criterion of a run."""
    return {(q.source.partition(" ")[0], q.criterion): q.score.value for q in summarise(run_id, engine).quality}


@pytest.mark.parametrize("name", ["promptfoo.json", "inspect.eval", "openai_evals.jsonl"])
def test_a_file_imported_twice_is_there_once_and_its_origin_is_kept(name: str, engine: Engine) -> None:
    first = fixture(name, engine)
    rows = rows_in(engine)
    second = fixture(name, engine)
    assert (second.new, rows_in(engine)) == ({}, rows)
    assert second.notes == first.notes
    for run in of(engine, "run"):
        marks = run["provenance"][IMPORTED]
        assert (marks["file"], marks["format"], len(marks["sha256"])) == (name, first.format, 64)
        assert marks["tool"].startswith(("promptfoo 0.123.1", "inspect_ai 0.3.285", "openai/evals"))
        assert run.get("kind", "imported") == "imported"


@pytest.mark.parametrize("name", ["promptfoo.json", "inspect.eval", "openai_evals.jsonl"])
def test_what_was_imported_survives_a_round_trip(name: str, engine: Engine) -> None:
    fixture(name, engine)
    with database() as other:
        text = "".join(json.dumps(record) + "\n" for record in exported(engine))
        file = Path(str(other.url.database)).parent / "again.jsonl"
        file.write_text(text, encoding="utf-8")
        load(formats.read(file, Format.auto, {}), other)
        assert rows_in(other) == rows_in(engine)


# --- promptfoo ----------------------------------------------------------------------------------------------------


def test_each_provider_of_promptfoo_is_a_run_and_each_repeated_test_a_repeat(engine: Engine) -> None:
    report = fixture("promptfoo.json", engine)
    assert [(run.target, run.answers, run.errors) for run in report.runs] == [
        ("small", 3, 0),
        ("openai:chat:gpt-4o", 2, 1),
    ]
    run, other = of(engine, "run")
    assert (run["model"], run["family"], run["repeats"], run["concurrency"]) == ("gpt-4o-mini", "openai", 2, 2)
    assert run["created_at"] == other["created_at"] == "2026-09-25T10:00:00Z"
    assert [(q["question"], q.get("reference")) for q in of(engine, "question")] == [
        ("What is the capital of France?", "Paris"),
        ("What is 2 + 2?", "4"),
    ]
    answers = [(a["run"].partition("/")[2], a["question"], a.get("repeat", 0)) for a in of(engine, "answer")]
    assert answers[:3] == [("small", "test-1", 0), ("small", "test-1", 1), ("small", "test-2", 0)]


def test_times_of_promptfoo_are_kept_but_for_those_of_its_cache(engine: Engine) -> None:
    report = fixture("promptfoo.json", engine)
    assert [a.get("total_ms") for a in of(engine, "answer")] == [420, 380, None, 910.5, 420, None]
    assert [a.get("prompt_tokens") for a in of(engine, "answer")] == [12, 12, None, 12, 12, None]
    assert all("ttft_ms" not in a for a in of(engine, "answer"))
    assert "Times are promptfoo's: they hold its own waits and retries." in report.notes
    assert "Not carried over: the time of an answer that came from promptfoo's cache, 1 times." in report.notes


def test_scores_and_passes_of_promptfoo_are_kept_apart(engine: Engine) -> None:
    fixture("promptfoo.json", engine)
    found = means(engine, 1)
    assert found["promptfoo", "score"] == pytest.approx((0.8 + 0.45) / 2 / 2 + 1.97 / 3 / 2)
    assert (found["promptfoo", "equals"], found["promptfoo", "politeness"]) == (0.5, 0.75)
    assert (found["promptfoo", "contains"], found["promptfoo", "contains_2"]) == (1, 0)
    verdict = next(v for v in of(engine, "assessment") if v.get("checks"))
    assert verdict["checks"] == [
        {"kind": "must", "text": "equals: Paris", "met": True},
        {"kind": "must", "text": "llm-rubric: is polite", "met": True},
    ]


def test_a_failed_grader_gives_no_score_and_a_person_stays_a_person(engine: Engine) -> None:
    fixture("promptfoo.json", engine)
    verdicts = [v for v in of(engine, "assessment") if v["run"].endswith("gpt-4o")]
    polite = [v["scores"]["politeness"] for v in verdicts if "politeness" in v["scores"]]
    assert polite[0] == {"null_reason": "Could not parse the grader's reply"}
    people = [v for v in verdicts if v["rater"]["kind"] == "person"]
    assert [(v["rater"]["name"], v["scores"]["score"]["value"]) for v in people] == [("promptfoo reviewer", 1)]


def test_an_error_of_a_provider_is_an_error_and_a_failed_assertion_is_none(engine: Engine) -> None:
    fixture("promptfoo.json", engine)
    errors = [a for a in of(engine, "answer") if "error" in a]
    assert [a["error"] for a in errors] == ["API error: 429 Too Many Requests"]
    assert [a["text"] for a in of(engine, "answer") if "text" in a][-1] == '{"city": "Paris"}'


def test_nothing_of_promptfoos_configuration_comes_along(engine: Engine) -> None:
    fixture("promptfoo.json", engine)
    assert "sk-not-a-real-key" not in json.dumps(exported(engine))


def changed(**fields: Any) -> bytes:
    """The fixture of promptfoo with a summary's fields changed; a function changes the results."""
    whole = copy.deepcopy(PROMPTFOO)
    change = fields.pop("change", None)
    if change:
        change(whole["results"]["results"])
    whole["results"] |= fields
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            changed(version=2),
            "version 3: its version is 2; export the evaluation with a promptfoo that writes",
        ),
        (changed(version=4), "its version is 4"),
        (changed(results=None), "there is no list results.results"),
        (b'{"results": ', "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"evalId": "x"}', "there is no list results.results"),
        (b"\xff\xfe{", "it is not JSON"),
    ],
)
def test_what_is_no_result_of_version_3_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(content)
    with pytest.raises(FileError) as caught:
        promptfoo.read(file)
    assert said in str(caught.value)


def test_the_summary_alone_is_read_as_well(tmp_path: Path, engine: Engine) -> None:
    file = tmp_path / "summary.json"
    file.write_text(json.dumps(PROMPTFOO["results"]), encoding="utf-8")
    assert len(load(promptfoo.read(file), engine).runs) == 2


def test_two_prompts_of_one_provider_are_two_targets(tmp_path: Path, engine: Engine) -> None:
    whole = copy.deepcopy(PROMPTFOO)
    for result in whole["results"]["results"]:
        result["provider"] = {"id": "openai:chat:gpt-4o"}
    whole["results"]["prompts"][1]["raw"] = "Say: {{question}}"
    file = tmp_path / "results.json"
    file.write_text(json.dumps(whole), encoding="utf-8")
    names = [run.target for run in load(promptfoo.read(file), engine).runs]
    assert names == ["openai:chat:gpt-4o, prompt 1", "openai:chat:gpt-4o, prompt 2"]


def test_scores_beyond_1_need_a_scale(tmp_path: Path, engine: Engine) -> None:
    def raise_(results: list[Any]) -> None:
        results[0]["gradingResult"]["componentResults"][1]["score"] = 8

    file = tmp_path / "results.json"
    file.write_bytes(changed(change=raise_))
    with pytest.raises(ImportFaultsError) as caught:
        load(promptfoo.read(file), engine)
    (found,) = caught.value.faults
    assert str(found) == (
        "politeness: its scores run from 0.5 to 8, and the file does not say on which scale; say it with --scale "
        "politeness=LOW-HIGH"
    )
    assert rows_in(engine) == {}
    load(promptfoo.read(file, {"politeness": (0, 10)}), engine)
    scales = {q.criterion: q.scale for q in summarise(1, engine).quality}
    assert (scales["politeness"], scales["equals"]) == ((0, 10), (0, 1))


def test_all_faulty_results_are_named_at_once(tmp_path: Path, engine: Engine) -> None:
    def break_(results: list[Any]) -> None:
        results[1]["provider"] = None
        del results[3]["promptIdx"]
        results[4] = "result"

    file = tmp_path / "results.json"
    file.write_bytes(changed(change=break_))
    with pytest.raises(ImportFaultsError) as caught:
        load(promptfoo.read(file), engine)
    assert [str(fault).partition(":")[0] for fault in caught.value.faults] == [
        "results.results[1], provider.id",
        "results.results[3], promptIdx",
        "results.results[4], provider.id",
    ]
    assert rows_in(engine) == {}


# --- Inspect ------------------------------------------------------------------------------------------------------


def log_with(**entries: Any) -> bytes:
    """A log by hand: a header and samples by the name of their entry."""
    header = {
        "version": 2, "status": "success", "plan": {"config": {"max_connections": 4}},
        "eval": {
            "run_id": "r1", "created": "2026-11-25T18:09:09+00:00", "task": "t", "model": "openai/gpt-4o-mini",
            "dataset": {"name": "d"}, "packages": {"inspect_ai": "0.3.100"}, "config": {},
        },
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("header.json", json.dumps(header | entries.pop("header", {})))
        for name, sample in entries.items():
            content = sample if isinstance(sample, (bytes, str)) else json.dumps(sample)
            made.writestr(f"samples/{name}_epoch_1.json", content)
    return out.getvalue()


def sample(**given: Any) -> dict[str, Any]:
    output = {"completion": "Yes.", "choices": [{"stop_reason": "stop"}], "time": 0.5}
    output["usage"] = {"input_tokens": 7, "output_tokens": 2, "input_tokens_cache_read": 3}
    whole = {"id": "s1", "epoch": 1, "input": "Is it?", "target": "Yes", "output": output, "scores": {}}
    return whole | {"messages": [{"role": "user"}, {"role": "assistant"}]} | given


def log(tmp_path: Path, content: bytes, engine: Engine, **given: Any) -> Report:
    file = tmp_path / "log.eval"
    file.write_bytes(content)
    return load(inspect_log.read(file, **given), engine)


def test_a_log_of_inspect_is_a_run_its_epochs_repeats_its_scorers_judges(engine: Engine) -> None:
    report = fixture("inspect.eval", engine)
    assert [(run.target, run.answers, run.assessments) for run in report.runs] == [("mockllm/model", 6, 18)]
    questions = {q["id"]: (q["question"], q["reference"]) for q in of(engine, "question")}
    assert questions == {
        "capital": ("What is the capital of France?", "Paris"),
        "2": ("system: Be short.\n\nuser: What is 2+2?", "4 or four"),
        "choice": ("Pick the even number.\nA) 3\nB) 4", "B"),
    }
    assert sorted(a["text"] for a in of(engine, "answer")) == ["A", "B", "Lyon", "Paris", "The answer is 4", "four é"]
    found = means(engine, 1)
    assert (found["match", "match"], found["graded", "graded_clarity"]) == (0.5, 0.75)
    assert found["partly", "partly"] == 0.25  # P is 0.5, N is 0, and what has no score is not counted


def test_a_score_that_inspect_did_not_give_is_null_with_its_reason(engine: Engine) -> None:
    fixture("inspect.eval", engine)
    verdicts = [v for v in of(engine, "assessment") if "partly" in v["scores"] and v["question"] == "choice"]
    assert [v["scores"]["partly"] for v in verdicts] == [
        {"null_reason": "grader_failed", "rationale": "no verdict"}
    ] * 2


def test_time_and_tokens_are_those_of_a_single_call(tmp_path: Path, engine: Engine) -> None:
    two_calls = sample(id="s2", messages=[{"role": "assistant"}, {"role": "assistant"}])
    cached = sample(id="s3", events=[{"event": "model", "cache": "read"}])
    report = log(tmp_path, log_with(s1=sample(), s2=two_calls, s3=cached), engine)
    first, second, third = of(engine, "answer")
    figures = ("total_ms", "prompt_tokens", "completion_tokens", "cached_tokens")
    assert [first[name] for name in figures] == [500, 10, 2, 3]
    assert not {"total_ms", "prompt_tokens"} & {*second, *third}
    assert any("took several calls, or came from a cache, 2 times" in note for note in report.notes)
    (run,) = of(engine, "run")
    assert (run["concurrency"], run["model"], run["family"]) == (4, "gpt-4o-mini", "openai")


def test_errors_attachments_and_parts_of_messages(tmp_path: Path, engine: Engine) -> None:
    parts = [{"type": "text", "text": "Look:"}, {"type": "image", "image": "data:..."}]
    failed = sample(id="bad", error={"message": "RateLimitError('slow down')", "traceback": "..."})
    kept = sample(id="long", input="attachment://abc", attachments={"abc": "The long text."})
    seen = sample(id="seen", input=[{"role": "user", "content": parts}], invalidation=None)
    void = sample(id="void", invalidation={"author": "ada"})
    report = log(tmp_path, log_with(a=failed, b=kept, c=seen, d=void), engine)
    texts = {q["id"]: q["question"] for q in of(engine, "question")}
    assert texts == {"bad": "Is it?", "long": "The long text.", "seen": "Look:"}
    assert [a["error"] for a in of(engine, "answer") if "error" in a] == ["RateLimitError('slow down')"]
    assert any("no text (image), 1 times" in note for note in report.notes)
    assert any("marked invalid, 1 times" in note for note in report.notes)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("C", 1),
        ("I", 0),
        ("P", 0.5),
        ("N", 0),
        (True, 1),
        (False, 0),
        (0.3, 0.3),
        ("0.7", 0.7),
        ("yes", 1),
        ("False", 0),
    ],
)
def test_values_of_scores_are_read_as_inspect_reads_them(
    value: Any, kept: float, tmp_path: Path, engine: Engine
) -> None:
    log(tmp_path, log_with(s1=sample(scores={"x": {"value": value}})), engine)
    (verdict,) = of(engine, "assessment")
    assert verdict["scores"]["x"]["value"] == kept


def test_words_and_lists_are_no_scores_and_said_so(tmp_path: Path, engine: Engine) -> None:
    scores = {"word": {"value": "excellent"}, "list": {"value": [1, 2]}, "edited": {"value": 1, "history": [{}, {}]}}
    report = log(tmp_path, log_with(s1=sample(scores=scores)), engine)
    assert [list(v["scores"]) for v in of(engine, "assessment")] == [["edited"]]
    said = " ".join(report.notes)
    assert "a score of word that is a word, 1 times" in said
    assert "a score of list that is a list, 1 times" in said
    assert "earlier values of a score that was edited, 2 times" in said


def test_scores_of_inspect_beyond_1_need_a_scale(tmp_path: Path, engine: Engine) -> None:
    content = log_with(s1=sample(scores={"x": {"value": 7}}))
    with pytest.raises(ImportFaultsError, match="say it with --scale x=LOW-HIGH"):
        log(tmp_path, content, engine)
    log(tmp_path, content, engine, scales={"": (1, 10)})
    assert [q.scale for q in summarise(1, engine).quality] == [(1, 10)]


def test_a_log_that_was_never_finished_is_read_as_far_as_it_goes(tmp_path: Path, engine: Engine) -> None:
    out = io.BytesIO()
    whole = json.loads(zipfile.ZipFile(io.BytesIO(log_with())).read("header.json"))
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("_journal/start.json", json.dumps({"version": 2, "eval": whole["eval"], "plan": {}}))
        made.writestr("samples/s1_epoch_1.json", json.dumps(sample()))
        made.writestr("samples/s2_epoch_1/sample.json", json.dumps(sample(id="s2")))
    log(tmp_path, out.getvalue(), engine)
    (run,) = of(engine, "run")
    assert (run["status"], run["error"], len(of(engine, "answer"))) == ("failed", "the log was never finished", 2)


def test_faulty_samples_are_named_by_their_entries(tmp_path: Path, engine: Engine) -> None:
    content = log_with(a="{broken", b={"id": None, "epoch": 1}, c=sample(epoch=0), d=sample())
    with pytest.raises(ImportFaultsError) as caught:
        log(tmp_path, content, engine)
    assert [str(fault).partition(":")[0] for fault in caught.value.faults] == [
        *("samples/a_epoch_1.json", "samples/b_epoch_1.json, id", "samples/c_epoch_1.json, id")
    ]
    assert rows_in(engine) == {}


def test_an_archive_without_a_log_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "log.eval"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("other.json", "{}")
    with pytest.raises(FileError, match=r"is not a log of Inspect: there is no header\.json"):
        inspect_log.read(file)


# --- OpenAI evals -------------------------------------------------------------------------------------------------


def test_a_log_of_openai_evals_is_a_run(engine: Engine) -> None:
    report = fixture("openai_evals.jsonl", engine)
    assert [(run.target, run.answers, run.errors, run.assessments) for run in report.runs] == [("gpt-4o-mini", 3, 1, 3)]
    questions = {q["id"]: (q["question"], q.get("reference", "")) for q in of(engine, "question")}
    assert questions["capitals.dev.0"] == ("system: Be short.\n\nuser: What is the capital of France?", "Paris")
    assert questions["capitals.dev.1"] == ("Q: What is the capital of Peru?\nA:", "Lima or Lima City")
    assert questions["capitals.dev.2"] == ("Explain why.", "")
    answers = {a["question"]: a for a in of(engine, "answer")}
    assert (answers["capitals.dev.0"]["text"], answers["capitals.dev.0"]["prompt_tokens"]) == ("Paris", 21)
    assert answers["capitals.dev.2"]["text"] == "Because."
    assert answers["capitals.dev.3"]["error"] == "Too many requests"
    assert not any("total_ms" in answer for answer in answers.values())  # the file has no times
    assert means(engine, 1) == {
        **{("capitals.dev.v0", "correct"): 0.5, ("capitals.dev.v0", "score"): 0.5},
        ("capitals.dev.v0", "f1_score"): 0.25,
    }
    assert report.notes == [
        "Not carried over: a later completion of a sample (of the grader, or a further turn), 1 times.",
        "Not carried over: a metric that is no number (choice), 1 times.",
        "Not carried over: an event of type extra, 1 times.",
    ]


def evals(tmp_path: Path, events: list[Any], engine: Engine) -> Report:
    file = tmp_path / "log.jsonl"
    file.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events), encoding="utf-8")
    return load(openai_evals.read(file), engine)


def test_several_completions_are_repeats_and_their_scores_nobodys(tmp_path: Path, engine: Engine) -> None:
    events = copy.deepcopy(EVALS[:3])
    events[1]["data"]["sampled"] = ["Paris", "Lyon"]
    report = evals(tmp_path, events, engine)
    assert [(a.get("repeat", 0), a["text"]) for a in of(engine, "answer")] == [(0, "Paris"), (1, "Lyon")]
    assert of(engine, "assessment") == []
    assert any("which they belong to is not recorded" in note for note in report.notes)


def test_a_final_report_may_come_first_and_a_match_may_hold_the_answer(tmp_path: Path, engine: Engine) -> None:
    evals(tmp_path, [EVALS[0], EVALS[-1], EVALS[2]], engine)
    assert [a["text"] for a in of(engine, "answer")] == ["Paris"]
    assert [q["question"] for q in of(engine, "question")] == ["(prompt not recorded: capitals.dev.0)"]


def test_faulty_events_are_named_with_their_lines(tmp_path: Path, engine: Engine) -> None:
    events = [
        EVALS[0],
        "{broken",
        {"sample_id": "a", "type": "match"},
        {"type": "match", "data": {}},
        EVALS[0],
        EVALS[1],
    ]
    with pytest.raises(ImportFaultsError) as caught:
        evals(tmp_path, events, engine)
    found = [str(fault).partition(":")[0] for fault in caught.value.faults]
    assert found == ["line 2", "line 3, data", "line 4, sample_id", "line 5, spec"]
    assert rows_in(engine) == {}


def test_a_log_without_a_spec_is_one_sentence(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(FileError, match=r'is not a log of OpenAI evals: there is no line \{"spec"'):
        evals(tmp_path, EVALS[1:], engine)
    assert rows_in(engine) == {}


# --- which kind a file is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ((FIXTURES / "promptfoo.json").read_bytes(), Format.promptfoo),
        (json.dumps(PROMPTFOO).encode(), Format.promptfoo),
        (json.dumps(PROMPTFOO["results"]).encode(), Format.promptfoo),
        ((FIXTURES / "inspect.eval").read_bytes(), Format.inspect),
        ((FIXTURES / "openai_evals.jsonl").read_bytes(), Format.openai_evals),
        (json.dumps(EVALS[-1]).encode(), Format.openai_evals),
        (b'\n{"version": 1, "record": "header"}\n', Format.rightsize),
        (b'\xef\xbb\xbf{"record": "header"}', Format.rightsize),
        (b"\xef\xbb\xbfquestion_id,target\n", Format.csv),
        (b'{"id": "a", "question": "Why?", "reference": "So."}\n', Format.qa_set),
        (b"id,question,reference\n", None),
        (b'{"hello": 1}', None),
        (b"\x00\x01\x02", None),
        (b"hello", None),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_content(content: bytes, kind: Format | None, tmp_path: Path) -> None:
    file = tmp_path / "file.dat"
    file.write_bytes(content)
    if kind is None:
        with pytest.raises(FileError, match="with --format"):
            detect(file)
    else:
        assert detect(file) == kind


def test_a_table_of_questions_is_told_from_a_table_of_scores(tmp_path: Path) -> None:
    for head, kind in (("id,question,reference", Format.qa_set), ("question_id,target,id", Format.csv)):
        (tmp_path / "x.csv").write_text(f"{head}\n", encoding="utf-8")
        assert detect(tmp_path / "x.csv") == kind


def test_a_score_without_its_grading_counts_and_that_of_a_failed_call_never_does(
    tmp_path: Path, engine: Engine
) -> None:
    def strip(results: list[Any]) -> None:
        for number, result in enumerate(results):
            result.pop("gradingResult", None)
            result |= {"success": False, "score": 0}
            if number:
                result |= {"failureReason": promptfoo.ERROR, "error": "500", "response": {}}

    file = tmp_path / "results.json"
    file.write_bytes(changed(change=strip))
    loaded = load(promptfoo.read(file), engine)
    assert sum(run.assessments for run in loaded.runs) == 1
