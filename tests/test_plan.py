"""Plans: what the command line, the file and the defaults make of each other, and what cannot be carried out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configured import GOOD, RUBRIC, TARGET, refusal

from eval import qa_set
from eval.estimate import estimate
from eval.plan import JudgeSpec, Overrides, PlanError, make_judges, make_plan, parse_model_at_url
from eval.qa_set import QASetError
from eval.rubric import RubricError, built_in

KEY = "MY_KEY"


# --- what a plan is made of -----------------------------------------------------------------------------------------


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


# --- the command line -----------------------------------------------------------------------------------------------


def test_a_target_on_the_command_line_that_is_nearly_one_of_the_file_is_asked_about(
    written: Callable[[str], Path],
) -> None:
    assert 'There is no target "smal"; did you mean "small" (known: small, hybrid)' in refusal(
        written(GOOD), targets=("smal",)
    )


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


# --- keys -----------------------------------------------------------------------------------------------------------


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
