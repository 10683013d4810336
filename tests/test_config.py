"""config.py: a file that cannot be read is refused with the place, and every fault in one is named at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from configured import GOOD, RUBRIC, TARGET, refusal

from eval.plan import Overrides, make_plan

# --- a file that cannot be read -------------------------------------------------------------------------------------


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


# --- faults in a file -----------------------------------------------------------------------------------------------


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
