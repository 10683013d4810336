"""Plans: every fault of a configuration is named before the first request, and the estimate adds up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval import judge, qa_set, targets
from eval.estimate import Bill, estimate, estimate_judging
from eval.plan import (
    JudgeSpec,
    Overrides,
    Plan,
    PlanError,
    make_judges,
    make_plan,
    parse_model_at_url,
)
from eval.qa_set import QASet, QASetError, Question
from eval.rubric import RubricError, built_in
from eval.stream import estimate_tokens
from eval.toml_file import Lines

KEY = "MY_KEY"
TARGET = "small=phi@http://127.0.0.1:9/v1"
GOOD = """
[endpoints.laptop]
url = "http://127.0.0.1:5273/v1"

[endpoints.cloud]
url = "https://api.example.com/v1/"
api_key_env = "CLOUD_KEY"
concurrency = 8

[targets.small]
model = "phi"
endpoint = "laptop"

[targets.hybrid]
kind = "draft-and-refine"
draft = { model = "phi", endpoint = "laptop" }
refine = { model = "gpt", endpoint = "cloud" }

[judge]
model = "judge"
endpoint = "cloud"
protocol = "study"

[run]
repeats = 3
warmup = 2
limit = 5

[prices.gpt]
input_usd_per_mtok = 1.25
output_usd_per_mtok = 10
kind = "quoted"
source = "price list"
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "rightsize.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(config: Path | None = None, **given: Any) -> str:
    """What is said of a plan that cannot be carried out: one line."""
    with pytest.raises(PlanError) as caught:
        make_plan(Overrides(**given), config)
    said = str(caught.value)
    assert "Input should" not in said  # nothing in the words of a library
    assert "?." not in said
    return said


# --- what a plan is made of ---------------------------------------------------------------------------------------


def test_a_file_becomes_a_plan(written: Callable[[str], Path]) -> None:
    plan = make_plan(Overrides(), written(GOOD))
    small, hybrid = plan.targets
    assert (small.name, small.kind, small.model, small.endpoints) == (
        "small",
        "plain",
        "phi",
        ("http://127.0.0.1:5273/v1",),
    )
    assert (hybrid.kind, hybrid.model) == ("draft_and_refine", "phi + gpt")
    assert [stage.name for stage in hybrid.stages] == ["draft", "refine"]
    cloud = hybrid.stages[1].endpoint
    assert (cloud.url, cloud.api_key_env, cloud.concurrency) == ("https://api.example.com/v1", "CLOUD_KEY", 8)
    assert plan.judges == (JudgeSpec(model="judge", endpoint=cloud, protocol="study"),)
    assert (plan.repeats, plan.warmups, plan.limit, plan.category) == (3, 2, 5, None)
    assert plan.questions == qa_set.built_in()
    assert plan.asked == qa_set.built_in().questions[:5]
    assert (plan.prices["gpt"].output_usd_per_mtok, plan.prices["gpt"].kind) == (10, "quoted")


def test_the_command_line_has_the_last_word(written: Callable[[str], Path]) -> None:
    category = qa_set.built_in().questions[-1].category
    plan = make_plan(
        Overrides(
            targets=("hybrid", "other=llama@http://127.0.0.1:9/v1"), judges=("better@http://127.0.0.1:9/v1",),
            repeats=7, warmups=0, concurrency=4, limit=2, category=category,
        ),
        written(GOOD),
    )  # fmt: skip
    assert [target.name for target in plan.targets] == ["hybrid", "other"]
    assert {stage.endpoint.concurrency for target in plan.targets for stage in target.stages} == {4}
    assert [judge.model for judge in plan.judges] == ["better"]
    assert (plan.repeats, plan.warmups, plan.limit) == (7, 0, 2)
    assert {question.category for question in plan.asked} == {category}


def test_the_protocol_is_the_command_lines_else_the_files_else_quick(written: Callable[[str], Path]) -> None:
    def protocol(config: Path | None, **given: Any) -> str:
        plan = make_plan(Overrides(targets=(TARGET,), **given), config)
        (judge,) = plan.judges
        return judge.protocol

    other = ("better@http://127.0.0.1:9/v1",)
    assert protocol(written(GOOD)) == "study"
    assert protocol(written(GOOD), protocol="quick") == "quick"
    assert protocol(written(GOOD), judges=other) == "study"
    assert protocol(None, judges=other) == "quick"
    assert protocol(None, judges=other, protocol="study") == "study"


def test_without_a_file_there_are_defaults_and_no_judge() -> None:
    plan = make_plan(Overrides(targets=(TARGET,)))
    assert (plan.repeats, plan.warmups, plan.limit, plan.judges, plan.prices) == (1, 1, None, (), {})
    assert len(plan.asked) == len(qa_set.built_in().questions)


def test_questions_are_filtered_by_category_first_and_cut_after() -> None:
    last = qa_set.built_in().questions[-1]
    plan = make_plan(Overrides(targets=(TARGET,), category=last.category, limit=1))
    assert plan.asked == tuple(q for q in qa_set.built_in().questions if q.category == last.category)[:1]


def test_a_qa_set_is_found_beside_the_file_that_names_it(written: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"id": "a", "question": "Why?", "reference": "So."}), encoding="utf-8"
    )
    (tmp_path / "yours.jsonl").write_text(
        json.dumps({"id": "b", "question": "Who?", "reference": "Me."}), encoding="utf-8"
    )
    config = written('[run]\nqa_set = "mine.jsonl"')
    assert make_plan(Overrides(targets=(TARGET,)), config).asked[0].id == "a"
    given = make_plan(Overrides(targets=(TARGET,), qa_set=tmp_path / "yours.jsonl"), config)
    assert given.asked[0].id == "b"


def test_a_qa_set_that_is_missing_or_faulty_is_named(written: Callable[[str], Path], tmp_path: Path) -> None:
    said = refusal(written('[run]\nqa_set = "none.jsonl"'), targets=(TARGET,))
    assert 'line 2, run.qa_set: "none.jsonl": there is no such file; check the name' in said
    (tmp_path / "bad.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(QASetError, match="line 1, reference"):
        make_plan(Overrides(targets=(TARGET,), qa_set=tmp_path / "bad.jsonl"))


@pytest.mark.parametrize("content", ["", "\n# nothing\n", "\ufeff[run]\nrepeats = 1\n", "[run]\r\nrepeats = 1\r\n"])
def test_an_empty_file_a_byte_order_mark_and_windows_line_ends_are_no_faults(
    content: str, written: Callable[[str], Path]
) -> None:
    assert make_plan(Overrides(targets=(TARGET,)), written(content)).repeats == 1


RUBRIC = """
name = "ours"
version = "3"
instruction = "Score."
[[criteria]]
id = "tone"
label = "Tone"
question = "Is it polite?"
anchors = { 1 = "No.", 2 = "Hardly.", 3 = "Somewhat.", 4 = "Yes.", 5 = "Very." }
"""
JUDGED = GOOD.replace('protocol = "study"', 'protocol = "study"\nrubric = "mine.toml"')


def test_the_rubric_is_the_command_lines_else_the_files_else_the_built_in_one(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(RUBRIC, encoding="utf-8")
    (tmp_path / "other.toml").write_text(RUBRIC.replace("ours", "theirs"), encoding="utf-8")
    assert make_plan(Overrides(targets=(TARGET,))).rubric == built_in()
    assert make_plan(Overrides(), written(GOOD)).rubric == built_in()
    assert make_plan(Overrides(), written(JUDGED)).rubric.name == "ours"  # found beside the file that names it
    assert make_plan(Overrides(judges=("j@http://127.0.0.1:9/v1",)), written(JUDGED)).rubric.name == "ours"
    assert make_plan(Overrides(rubric=tmp_path / "other.toml"), written(JUDGED)).rubric.name == "theirs"
    with pytest.raises(RubricError, match="There is no file"):
        make_plan(Overrides(rubric=tmp_path / "none.toml"), written(JUDGED))


def test_a_judge_for_stored_answers_is_the_command_lines_else_the_files(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(RUBRIC, encoding="utf-8")
    (spec,), rubric = make_judges(Overrides(), written(JUDGED))
    assert (spec.model, spec.protocol, spec.endpoint.url) == ("judge", "study", "https://api.example.com/v1")
    assert spec.endpoint.concurrency == 8
    assert rubric is not None
    assert rubric.name == "ours"
    (spec,), rubric = make_judges(Overrides(judges=("j@http://127.0.0.1:9/v1",), concurrency=3))
    assert (spec.model, spec.protocol, spec.endpoint.concurrency, rubric) == ("j", "quick", 3, None)
    for nothing in (None, written("[run]\nrepeats = 2")):
        with pytest.raises(PlanError, match=r"No judge is given; use --judge MODEL@URL, or define \[judge\]"):
            make_judges(Overrides(), nothing)


def test_the_estimate_is_that_of_the_rubric_that_is_used(written: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RUBRIC, encoding="utf-8")
    usual, ours = make_plan(Overrides(), written(GOOD)), make_plan(Overrides(), written(JUDGED))
    assert (estimate(usual, {}).judging.calls, estimate(ours, {}).judging.calls) == (2 * 3 * 5 * 3, 2 * 3 * 5)


# --- a file that cannot be read -----------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    said = refusal(tmp_path / "none.toml")
    assert str(tmp_path / "none.toml") in said
    assert "correct --config or give --target" in said


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: " in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe[\0r\0", "line 1: the file is UTF-16; save it as UTF-8"),  # what PowerShell's > writes
        ('a = 1\nx = "\xe4"'.encode("latin-1"), "line 2: byte 12 of the file (0xE4) is not UTF-8; save it as UTF-8"),
        (b"x = \x80", "(0x80) is not UTF-8; save it as UTF-8"),
        (b"\0", "line 1: the file holds 1 NUL bytes, the first on this line"),
    ],
)
def test_a_file_that_is_not_utf8_is_refused_with_the_place(
    content: bytes, said: str, written: Callable[[bytes], Path]
) -> None:
    found = refusal(written(content))
    assert "rightsize.toml, line " in found
    assert said in found


@pytest.mark.parametrize(
    "content", ["[run", "repeats: 3", "{}", "[run]\nrepeats = 1\nrepeats = 2", '[run]\nqa_set = "a', "[run]\n[run]",
                "x = " + "9" * 5000, "x = " + "[" * 5000, "x = 2026-02-30"],
)  # fmt: skip
def test_a_file_that_is_not_toml_is_refused_with_the_place(content: str, written: Callable[[str], Path]) -> None:
    assert "is not valid TOML: " in refusal(written(content))


def test_a_file_too_large_for_a_configuration_is_refused_unread(written: Callable[[str], Path]) -> None:
    assert "is larger than 1 MB; that is no configuration" in refusal(written("#" * 1_000_001))


# --- faults in a file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[runs]", "runs: this field is not known; did you mean run?"),
        ("[run]\nrepeat = 3", "run.repeat: this field is not known; did you mean repeats?"),
        ("[run]\nrepeats = 0", "line 2, run.repeats: 0 is too small; it has to be at least 1"),
        ("[run]\nrepeats = 1001", "run.repeats: 1001 is too large; it has to be at most 1000"),
        ('[run]\nrepeats = "many"', 'run.repeats: "many" is not a whole number; write one such as'),
        ("[run]\nwarmup = -1", "run.warmup: -1 is too small; it has to be at least"),
        ("[run]\nlimit = 0", "run.limit: 0 is too small; it has to be at least 1"),
        ("[run]\nqa_set = 3", "run.qa_set: 3 is not a text; write a text in quotes"),
        ("run = 3", "line 1, run: 3 is not a table; write a table with keys"),
        ("[endpoints]\na = 3", "line 2, endpoints.a: 3 is not a table"),
        ("[endpoints.a]", "line 1, endpoints.a.url: it is missing; write an address in quotes"),
        ('[endpoints.a]\nurl = "127.0.0.1:80"', "endpoints.a.url: "),
        (
            '[endpoints.a]\nurl = "http://x"\napi_key = "sk-1"',
            "endpoints.a.api_key: this field is not known; did you mean api_key_env?",
        ),
        ('[endpoints.a]\nurl = "http://x"\nconcurrency = 0', "endpoints.a.concurrency: "),
        ('[endpoints.a]\nurl = "http://x"\ntimeout_s = nan', "endpoints.a.timeout_s: "),
        ("[run]\ncolour = 3", "run.colour: this field is not known; remove it; known are qa_set, repeats, "),
        (
            '[targets.t]\ndraft = { model = "m", endpont = "a" }',
            "draft.endpont: this field is not known; did you mean endpoint?",
        ),
        ("[prices.m]\nsorce = 3", "prices.m.sorce: this field is not known; did you mean source?"),
        ('[judge]\nprotokol = "quick"', "judge.protokol: this field is not known; did you mean protocol?"),
        ('[targets.t]\nkind = "rag"', "targets.t.kind: \"rag\" is not known; use 'plain' or 'draft-and-refine'"),
        ('[targets.t]\nmodle = "m"', "targets.t.modle: this field is not known; did you mean model?"),
        ('[targets.t]\nkind = "draft-and-refine"\ndraft = "m"', 'targets.t.draft: "m" is not a table'),
        ('[targets.t]\ndraft = { model = "m" }', "targets.t.draft.endpoint: it is missing"),
        ('[judge]\nmodel = "m"', "judge.endpoint: it is missing; write the name of one that has a table"),
        ('[judge]\nmodel = ""\nendpoint = "a"', "judge.model: it is empty; write the id that its server uses"),
        (
            '[judge]\nmodel = "m"\nendpoint = "a"\nprotocol = "slow"',
            "judge.protocol: \"slow\" is not known; use 'quick', 'study' or 'expected'",
        ),
        (
            '[judge]\nmodel = "m"\nendpoint = "a"\nprotocol = "quik"',
            'line 4, judge.protocol: "quik" is not known; did you mean "quick"?',
        ),
        (
            "[prices.m]\ninput_usd_per_mtok = -1",
            "prices.m.input_usd_per_mtok: -1 is too small; it has to be at least 0",
        ),
        ("[prices.m]\ninput_usd_per_mtok = inf", "prices.m.input_usd_per_mtok: inf is not a number to"),
        (
            "[prices.m]\noutput_usd_per_mtok = nan",
            "prices.m.output_usd_per_mtok: nan is not a number to",
        ),
        (
            '[prices.m]\nkind = "guess"',
            "\"guess\" is not known; use 'quoted', 'assumed' or 'hypothetical'",
        ),
        (f"[targets.{'t' * 61}]", "it has 61 characters; it may have at most 60"),
    ],
)
def test_a_fault_is_named_with_the_key_where_it_lies(content: str, said: str, written: Callable[[str], Path]) -> None:
    found = refusal(written(content), targets=(TARGET,))
    assert "rightsize.toml has faults:\n- " in found
    assert said in found


def test_every_fault_of_a_file_is_named_at_once(written: Callable[[str], Path]) -> None:
    said = refusal(written('colour = 1\n[run]\nrepeats = 0\nwarmup = "x"\n[endpoints.a]\n'))
    for part in ("colour: ", "run.repeats: ", "run.warmup: ", "endpoints.a.url: "):
        assert part in said


def test_files_that_are_named_are_checked_beside_the_other_faults(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "question": "Why?"}', encoding="utf-8")
    (tmp_path / "bad.toml").write_text(RUBRIC.replace('version = "3"\n', ""), encoding="utf-8")
    judges = "".join(
        f'[judges.{name}]\nmodel = "{name}"\nendpoint = "laptop"\nrubric = "{file}"\n'
        for name, file in (("one", "none.toml"), ("two", "bad.toml"))
    )
    content = GOOD.replace("repeats = 3", 'repeats = 0\nqa_set = "bad.jsonl"') + judges
    said = refusal(written(content)).splitlines()
    for part in (
        "run.repeats: 0 is too small",
        'run.qa_set: "bad.jsonl": line 1, reference: it is missing; write it',
        "judges.one.rubric: There is no file",
        'judges.two.rubric: "bad.toml": version: it is missing; write a text of up to 20 characters',
    ):
        assert len([line for line in said if part in line]) == 1, part
    given = Overrides(rubric=tmp_path / "ours.toml", qa_set=tmp_path / "ours.jsonl")
    (tmp_path / "ours.toml").write_text(RUBRIC, encoding="utf-8")
    (tmp_path / "ours.jsonl").write_text('{"id": "a", "question": "Why?", "reference": "So."}', encoding="utf-8")
    repaired = written(content.replace("repeats = 0", "repeats = 1"))
    assert make_plan(given, repaired).rubric.name == "ours"  # what the command line overrules is not read


def test_lines_are_told_past_texts_over_several_lines_and_lists_of_tables() -> None:
    text = '# [no]\na = """\n[b]\n"""\n[[c]]\nd = 1\n[[c]]\n"e.f" = 2\ng.h = 3\n[c.i]\nj = 4\n'
    lines = Lines(text)
    places = [
        ("a",),
        ("c", 0, "d"),
        ("c", 1, "e.f"),
        ("c", 1, "g", "h"),
        ("c", 1, "missing"),
        ("c", 1, "i", "j"),
        ("b",),
    ]
    assert [lines.of(place) for place in places] == [2, 6, 8, 9, 7, 11, None]


def test_unknown_names_and_faults_of_form_are_named_in_one_go_with_what_was_perhaps_meant(
    written: Callable[[str], Path],
) -> None:
    said = refusal(
        written("""
[endpoints.laptop]
url = "http://127.0.0.1:9/v1"
[endpoints.cloud]
url = "nowhere"
[targets.small]
model = "m"
endpoint = "lptop"
[targets.other]
model = "m"
[targets.hybrid]
kind = "draft-and-refine"
draft = { model = "m", endpoint = "cluod" }
refine = { modle = "m", endpoint = "laptop" }
[judge]
model = "j"
endpoint = "zzz"
[run]
repeat = 2
""")
    )
    for part in (
        'line 8, targets.small.endpoint: [endpoints] does not define "lptop"; did you mean laptop?',
        'targets.hybrid.draft.endpoint: [endpoints] does not define "cluod"; did you mean cloud?',
        'judge.endpoint: [endpoints] does not define "zzz"; known are laptop, cloud',
        "targets.hybrid.refine.modle: this field is not known; did you mean model?",
        "run.repeat: this field is not known; did you mean repeats?",
        "endpoints.cloud.url: ",
        "targets.other.endpoint: it is missing, and a plain target needs it; write endpoint = ",
    ):
        assert part in said


def test_a_target_on_the_command_line_that_is_nearly_one_of_the_file_is_asked_about(
    written: Callable[[str], Path],
) -> None:
    assert 'There is no target "smal"; did you mean "small" (known: small, hybrid)' in refusal(
        written(GOOD), targets=("smal",)
    )


def test_a_key_written_into_the_file_is_not_repeated_in_what_is_said(written: Callable[[str], Path]) -> None:
    said = refusal(written('[endpoints.a]\nurl = "http://me:sk-secret@x/v1"\napi_key = "sk-secret"'))
    assert "sk-secret" not in said
    assert "put the key in an environment variable" in said


PART = '{ model = "m", endpoint = "a" }'
ELSEWHERE = '{ model = "m", endpoint = "b" }'
STAGED = '[targets.t]\nkind = "draft-and-refine"\n'
PLAIN = '[targets.t]\nmodel = "m"\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'{PLAIN}endpoint = "b"', 'targets.t.endpoint: [endpoints] does not define "b"; known are a'),
        (f"{STAGED}draft = {PART}\nrefine = {ELSEWHERE}", 'targets.t.refine.endpoint: [endpoints] does not define "b"'),
        (
            f'{PLAIN}endpoint = "a"\n[judge]\nmodel = "j"\nendpoint = "b"',
            'judge.endpoint: [endpoints] does not define "b"',
        ),
        (PLAIN, "line 3, targets.t.endpoint: it is missing, and a plain target needs it"),
        (f"{STAGED}draft = {PART}", "targets.t.refine: it is missing, and a draft-and-refine target needs"),
        (f"{STAGED}draft = {PART}\ncolour = 1", "targets.t.refine: it is missing, and a draft-and-refine target needs"),
        (
            f'{PLAIN}endpoint = "a"\ndraft = {PART}',
            'it does not belong to a plain target; write kind = "draft-and',
        ),
        (
            f'{STAGED}model = "m"\ndraft = {PART}\nrefine = {PART}',
            "targets.t.model: it belongs inside draft",
        ),
    ],
)
def test_parts_that_do_not_fit_together_are_named(content: str, said: str, written: Callable[[str], Path]) -> None:
    assert said in refusal(written(f'[endpoints.a]\nurl = "http://127.0.0.1:9"\n{content}'))


# --- the command line ---------------------------------------------------------------------------------------------


def test_a_target_is_written_as_name_model_and_address() -> None:
    (target,) = make_plan(Overrides(targets=(" my small = org/phi:4k@q8 @http://[::1]:9/v1/ ",))).targets
    assert (target.name, target.model) == ("my small", "org/phi:4k@q8")
    assert target.endpoints == ("http://[::1]:9/v1",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("small=", 'should read MODEL@URL, like phi-4-mini@http'),
        ("small=phi", '"phi" should read MODEL@URL'),
        ("small=phi@127.0.0.1:9", "should read MODEL@URL"),
        ("small=phi@ftp://x", "should read MODEL@URL"),
        ("small=@http://127.0.0.1:9", "should read MODEL@URL"),
        ("small= @http://127.0.0.1:9", "should read MODEL@URL"),
        ("small=phi@http://", "is not an address"),
        ("small=phi@http:/127.0.0.1", "is not an address"),
        ("small=phi@httpx://x", "is not an address"),
        ("small=phi@http://[::1", "is not an address"),
        ("small=phi@http://x/v1?key=1", "a part after ? or #"),
        ("=phi@http://127.0.0.1:9", "name: it is empty; write a text; write NAME=MODEL@URL"),
        (" =phi@http://127.0.0.1:9", "name: it is empty"),
        (f"{'n' * 61}=phi@http://127.0.0.1:9", "name: it has 61 characters; it may have at most 60"),
        ("small", 'There is no target "small" (known: none are defined); or write it as NAME=MODEL@URL'),
        ("phi@http://127.0.0.1:9", 'There is no target "phi@http'),
        ("", 'There is no target ""'),
    ],
)  # fmt: skip
def test_a_target_that_is_written_wrongly_is_refused_with_the_right_form(text: str, said: str) -> None:
    assert said in refusal(targets=(text,))


def test_a_target_that_the_file_does_not_define_is_refused_with_those_it_does(written: Callable[[str], Path]) -> None:
    assert 'There is no target "large" (known: small, hybrid)' in refusal(written(GOOD), targets=("large",))


def test_no_target_at_all_is_refused(written: Callable[[str], Path]) -> None:
    assert "No target is given; use --target NAME=MODEL@URL" in refusal()
    assert "No target is given" in refusal(written("[run]\nrepeats = 2"))


@pytest.mark.parametrize(
    "given",
    [(TARGET, TARGET), (TARGET, " small =llama@http://127.0.0.1:7/v1"), ("small", TARGET), ("hybrid", "hybrid")],
)
def test_two_targets_of_one_name_are_refused(given: tuple[str, ...], written: Callable[[str], Path]) -> None:
    assert "Two targets are called" in refusal(written(GOOD), targets=given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"repeats": 0}, "repeats: 0 is too small; it has to be at least 1"),
        ({"repeats": 1001}, "repeats: 1001 is too large; it has to be at most 1000"),
        ({"warmups": -1}, "warmups: -1 is too small; it has to be at least"),
        ({"limit": 0}, "limit: 0 is too small; it has to be at least 1"),
        ({"concurrency": 0}, "--concurrency must be from 1 to 256"),
        ({"concurrency": 257}, "--concurrency must be from 1 to 256"),
        ({"judges": ("phi",)}, "should read MODEL@URL"),
        ({"judges": ("phi@http://me:pw@x",)}, "the address holds credentials"),
    ],
)
def test_numbers_out_of_range_and_a_judge_written_wrongly_are_refused(given: dict[str, Any], said: str) -> None:
    assert said in refusal(targets=(TARGET,), **given)


def test_a_category_that_leaves_no_question_is_refused_with_those_there_are() -> None:
    said = refusal(targets=(TARGET,), category="fact")
    assert 'No question of the QA set built-in has the category "fact"; did you mean "facts" (there are: ' in said
    for question in qa_set.built_in().questions:
        assert question.category in said


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_held_by_the_name_of_its_variable_only(
    written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_KEY", "sk-secret")
    monkeypatch.setenv(KEY, "sk-secret")
    plan = make_plan(Overrides(targets=("hybrid", "x=m@https://api.example.com/v1"), api_key_env=KEY), written(GOOD))
    assert plan.targets[1].stages[0].endpoint.api_key_env == KEY
    assert "sk-secret" not in plan.model_dump_json() + repr(plan)
    assert '"api_key_env":"CLOUD_KEY"' in plan.model_dump_json()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.8.9.1", "[::1]", "box.localhost"])
def test_a_key_is_not_meant_for_servers_on_this_machine(host: str) -> None:
    assert parse_model_at_url(f"m@http://{host}:9/v1", KEY)[1].api_key_env is None


@pytest.mark.parametrize(
    "host", ["api.example.com", "192.168.1.5", "[2001:db8::1]", "localhost.example.com", "127.0.0.1.example.com"]
)
def test_a_key_is_meant_for_every_other_server(host: str) -> None:
    assert parse_model_at_url(f"m@https://{host}/v1", KEY)[1].api_key_env == KEY
    assert parse_model_at_url(f"m@https://{host}/v1")[1].api_key_env is None


# --- the estimate -------------------------------------------------------------------------------------------------


@dataclass
class Priced:
    """The part of a price row that the estimate reads."""

    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    kind: str = "assumed"


FREE = Priced(0.0, 0.0)
SHORT = Question(id="a", question="Why?", reference="So.", output_limit=100)
LONG = Question(id="b", question="Who knows? " * 40, reference="Me.", output_limit=1000)


def planned(*names: str, **given: Any) -> Plan:
    made = make_plan(
        Overrides(
            targets=names or (TARGET,), **{k: v for k, v in given.items() if k in ("judges", "protocol", "samples")}
        )
    )
    update = {"questions": QASet(name="t", version="1", questions=(LONG, SHORT))}
    return made.model_copy(update=update | {k: v for k, v in given.items() if k in ("repeats", "warmups", "targets")})


def prompt(question: Question, draft: str | None = None) -> int:
    return estimate_tokens("".join(m["content"] for m in targets.build_messages(question, draft)))


def test_the_estimate_of_a_plain_target_counts_every_repeat_and_warm_up() -> None:
    found = estimate(planned(repeats=3, warmups=1), {"phi": Priced(2.0, 10.0)})
    into, out = 3 * (prompt(SHORT) + prompt(LONG)) + prompt(SHORT), 3 * 1100 + 100  # the shortest answer warms up
    assert found.total == Bill(7, into, out, pytest.approx((2 * into + 10 * out) / 1e6), (), False)
    assert found.judging.calls == 0


def test_warm_ups_go_round_from_the_shortest_answer_on() -> None:
    found = estimate(planned(repeats=1, warmups=3), {})
    assert found.answering.calls == 2 + 3
    assert found.total.output_tokens == 1100 + (100 + 1000 + 100)


def hybrid() -> targets.Target:
    def stage(name: str, model: str) -> targets.Stage:
        return targets.Stage(name=name, model=model, endpoint=parse_model_at_url("m@http://127.0.0.1:9/v1")[1])

    return targets.Target(name="h", kind="draft_and_refine", stages=(stage("draft", "small"), stage("refine", "large")))


def test_the_estimate_of_a_hybrid_counts_the_draft_into_the_second_prompt() -> None:
    plan = planned(warmups=0, targets=(hybrid(),))
    found = estimate(plan, {"small": Priced(1.0, 0.0), "large": Priced(0.0, 1.0)})
    drafts = prompt(SHORT) + prompt(LONG)
    refines = prompt(SHORT, "") + prompt(LONG, "") + 1100
    assert (found.answering.calls, found.total.input_tokens, found.total.output_tokens) == (4, drafts + refines, 2200)
    assert found.total.cost_usd == pytest.approx((drafts + 1100) / 1e6)


@pytest.mark.parametrize(("protocol", "calls"), [("quick", 1), ("study", 3), ("expected", 3)])
def test_the_estimate_counts_a_verdict_on_every_answer_but_warm_ups(protocol: Any, calls: int) -> None:
    two = (TARGET, "other=llama@http://127.0.0.1:9/v1")
    plan = planned(*two, repeats=2, warmups=5, judges=("j@http://127.0.0.1:9/v1",), protocol=protocol)
    alone = estimate(plan.model_copy(update={"judges": ()}), {})
    found = estimate(plan, {"phi": FREE, "llama": FREE, "j": Priced(1.0, 1.0)})
    assert found.judging.calls == calls * 2 * 2 * 2
    judged_out = found.total.output_tokens - alone.total.output_tokens
    assert judged_out == found.judging.calls * judge.MAX_TOKENS[protocol]
    assert found.total.cost_usd == pytest.approx(
        (found.total.input_tokens - alone.total.input_tokens + judged_out) / 1e6
    )
    assert found.answering.calls == alone.answering.calls == 2 * (2 * 2 + 5)


def test_the_estimate_of_a_judge_is_that_of_its_real_prompts() -> None:
    plan = planned(warmups=0, judges=("j@http://127.0.0.1:9/v1",))
    judged_in = (
        estimate(plan, {}).total.input_tokens - estimate(plan.model_copy(update={"judges": ()}), {}).total.input_tokens
    )
    answer = {q.id: "word" * q.output_limit for q in plan.asked}  # four characters a token, to the limit
    ids = built_in().criterion_ids
    real = [judge.build_messages(q, answer[q.id], built_in(), ids, "0" * 16) for q in plan.asked]
    tokens = sum(estimate_tokens("".join(m["content"] for m in messages)) for messages in real)
    assert judged_in == pytest.approx(tokens, abs=2)  # each part is rounded


@pytest.mark.parametrize("price", [None, Priced(None, 1.0), Priced(1.0, None), Priced(None, None)])
def test_an_unknown_price_leaves_the_cost_unknown_and_names_the_model_once(price: Priced | None) -> None:
    three = ("a=phi@http://127.0.0.1:9/v1", "b=phi@http://127.0.0.1:9/v1", "c=llama@http://127.0.0.1:9/v1")
    prices = {"llama": Priced(1.0, 1.0)} | ({"phi": price} if price else {})
    found = estimate(planned(*three), prices)
    assert (found.total.cost_usd, found.total.unpriced) == (None, ("phi",))
    assert found.total.input_tokens > 0


def test_a_price_of_nothing_is_a_price() -> None:
    found = estimate(planned(), {"phi": FREE})
    assert (found.total.cost_usd, found.total.unpriced) == (0.0, ())


def test_a_made_up_price_in_the_cost_is_told() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1",))
    assert estimate(plan, {"phi": FREE, "j": Priced(1.0, 1.0, "hypothetical")}).total.hypothetical
    assert not estimate(plan, {"phi": FREE, "j": FREE, "unused": Priced(1.0, 1.0, "hypothetical")}).total.hypothetical


def test_judging_is_billed_apart_and_every_reading_of_every_judge_counts() -> None:
    one, two = "j@http://127.0.0.1:9/v1", "k@http://127.0.0.1:9/v1"
    single = estimate(planned(judges=(one,)), {"phi": FREE, "j": Priced(1.0, 1.0)})
    panel = estimate(planned(judges=(one, two), samples=3), {"phi": FREE, "j": Priced(1.0, 1.0), "k": Priced(1.0, 1.0)})
    assert single.answering.cost_usd == 0
    assert panel.judging.calls == 2 * 3 * single.judging.calls
    assert panel.judging.cost_usd == pytest.approx(6 * (single.judging.cost_usd or 0))
    assert panel.total.cost_usd == panel.judging.cost_usd


def test_the_time_of_judging_is_that_of_before_and_unknown_where_a_judge_was_never_seen() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1", "k@http://127.0.0.1:9/v1"))
    assert estimate(plan, {}, {("j", "quick"): 2.0}).judging_s is None
    assert estimate(plan, {}, {("j", "quick"): 2.0, ("k", "quick"): 0.5}).judging_s == 2 * 2.0 + 2 * 0.5
    assert estimate(plan, {}, {("j", "study"): 2.0, ("k", "quick"): 0.5}).judging_s is None


def test_stored_answers_are_estimated_by_their_own_length() -> None:
    plan = planned(judges=("j@http://127.0.0.1:9/v1",))
    pairs = [(SHORT, "word" * 50), (LONG, "word" * 10)]
    found = estimate_judging([(plan.judges[0], plan.rubric, pairs)], {"j": Priced(1.0, 0.0)}, {("j", "quick"): 1.5})
    longer = estimate_judging([(plan.judges[0], plan.rubric, [(SHORT, "word" * 60), pairs[1]])], {}, {})
    assert (found.judging.calls, found.answering.calls, found.judging_s) == (2, 0, 3.0)
    assert longer.judging.input_tokens - found.judging.input_tokens == 10
    assert found.total.cost_usd == pytest.approx(found.judging.input_tokens / 1e6)


# --- a panel --------------------------------------------------------------------------------------------------------

PANEL = """
[endpoints.here]
url = "http://127.0.0.1:9/v1"
[judges.one]
model = "j"
endpoint = "here"
samples = 3
temperature = 0.7
[judges.two]
model = "k"
endpoint = "here"
"""


def test_several_judges_make_a_panel(written: Callable[[str], Path]) -> None:
    plan = make_plan(Overrides(targets=(TARGET,)), written(PANEL))
    assert [(j.model, j.samples, j.temperature) for j in plan.judges] == [("j", 3, 0.7), ("k", 1, 0)]
    asked = ("a@http://127.0.0.1:9/v1", "b@http://127.0.0.1:9/v1")
    plan = make_plan(Overrides(targets=(TARGET,), judges=asked, samples=5))
    assert [(j.model, j.samples) for j in plan.judges] == [("a", 5), ("b", 5)]


def test_one_judge_is_not_twice_in_a_panel() -> None:
    twice = ("a@http://127.0.0.1:9/v1", "a@http://localhost:9/v1")
    with pytest.raises(PlanError, match="judges twice; a panel needs different judges, readings are --samples"):
        make_plan(Overrides(targets=(TARGET,), judges=twice))


def test_a_judge_of_the_panel_at_an_unknown_endpoint_is_named(written: Callable[[str], Path]) -> None:
    with pytest.raises(PlanError, match=r'judges.two.endpoint: \[endpoints\] does not define "there"'):
        make_plan(
            Overrides(targets=(TARGET,)),
            written(PANEL.replace('model = "k"\nendpoint = "here"', 'model = "k"\nendpoint = "there"')),
        )
