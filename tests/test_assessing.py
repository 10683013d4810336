"""Who judges and by what: a judge is a model at an endpoint, a rubric stays with the run it was chosen for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from carried_out import carry_out, resume, rows
from command import Command
from servers import GOOD, Received, Reply, Server, as_json, completion, model_list, refusal, serve

from db.models import Assessment, Rater, Rubric, Run, Score
from eval.assessing import _free_name
from eval.chat import Endpoint
from eval.plan import JudgeSpec
from eval.rubric import built_in, load

MINE = """
name = "ours"
version = "3"
instruction = "Score what stands there."
[[criteria]]
id = "tone"
label = "Tone"
question = "Is it polite to strangers?"
anchors = { 1 = "No.", 2 = "Hardly.", 3 = "Somewhat.", 4 = "Yes.", 5 = "Very." }
"""


def verdict(received: Received) -> Reply:
    """A judge that gives 4 points on whatever it is asked for."""
    asked = received.body["response_format"]["json_schema"]["schema"]["required"]
    one = {"quotes": ["Oslo"], "rationale": "r", "flags": [], "null_reason": None, "score": 4}
    evidence = {"claims": [], "key_points": []}
    return as_json(completion(json.dumps({name: one | (evidence if name == "factuality" else {}) for name in asked})))


@pytest.fixture
def target() -> Iterator[Server]:
    with serve(GOOD, models=model_list("phi-4", "test-x")) as server:
        yield server


@pytest.fixture
def judge() -> Iterator[Server]:
    with serve(verdict, models=model_list("phi-j", "j")) as server:
        yield server


@pytest.fixture
def mine(rightsize: Command) -> Path:  # noqa: ARG001 - it changes the folder
    """A rubric in the working folder, once `rightsize` has changed to it."""
    path = Path("mine.toml")
    path.write_text(MINE, encoding="utf-8")
    return path


def raters(url: str) -> list[tuple[str, str]]:
    return [(rater.name, rater.endpoint) for rater in rows(url, Rater)]


def test_the_same_model_at_another_address_is_another_judge(target: Server, judge: Server, empty_url: str) -> None:
    def judged(address: str) -> None:
        carry_out(empty_url, f"a=phi-4@{target.url}", limit=1, warmups=0, judges=(f"j@{address}",))

    judged(judge.url)
    judged(judge.url.replace("127.0.0.1", "localhost"))  # the same machine by another name
    assert raters(empty_url) == [("j", judge.url)]
    with serve(verdict, models=model_list("j")) as other:
        judged(other.url)
        judged(other.url)
    place = other.url.removeprefix("http://").removesuffix("/v1")
    assert raters(empty_url) == [("j", judge.url), (f"j @ {place}", other.url)]
    assert [assessment.rater_id for assessment in rows(empty_url, Assessment)] == [1, 1, 2, 2]


def test_a_second_judge_of_a_name_is_told_by_its_place_and_a_third_there_by_its_whole_address() -> None:
    spec = JudgeSpec(model="m", endpoint=Endpoint(url="https://h:9/a/v1"))
    taken = ["m", "m @ h:9", "m @ https://h:9/a/v1"]
    assert [_free_name(spec, taken[:n]) for n in range(3)] == taken


def test_a_judge_of_the_targets_family_is_flagged_and_another_is_not(
    target: Server, judge: Server, empty_url: str
) -> None:
    targets = [f"{name}={name}@{target.url}" for name in ("phi-4", "test-x")]
    carry_out(empty_url, *targets, limit=1, warmups=0, judges=(f"phi-j@{judge.url}",))
    flagged = {run.id: run.target for run in rows(empty_url, Run)}
    assert {flagged[a.run_id]: a.same_family for a in rows(empty_url, Assessment)} == {"phi-4": True, "test-x": False}


def test_a_run_keeps_its_rubric_and_is_resumed_with_it(
    target: Server, rightsize: Command, mine: Path, empty_url: str
) -> None:
    wanted = load(mine)
    shut = [refusal(401, "Wrong key.")]
    with serve(lambda received: shut[0] if shut else verdict(received), models=model_list("j")) as server:
        given = ("--target", f"a=phi-4@{target.url}", "--judge", f"j@{server.url}", "--limit", "2", "--db", empty_url)
        assert rightsize("run", *given, "--rubric", str(mine)).code == 1
        (run,) = rows(empty_url, Run)
        assert run.definition["rubric"]["sha256"] == wanted.sha256
        assert run.definition["parameters"]["rubric_sha256"] == wanted.sha256
        mine.unlink()
        shut.clear()
        assert resume(empty_url, run.id) == {}
        prompts = [request.body["messages"][0]["content"] for request in server.chats]
    assert all("Is it polite to strangers?" in prompt and "Coherence" not in prompt for prompt in prompts)
    (stored,) = rows(empty_url, Rubric)
    assert (stored.sha256, stored.body) == (wanted.sha256, wanted.model_dump(mode="json"))
    assert [(score.criterion, score.value) for score in rows(empty_url, Score)] == [("tone", 4)] * 2
    shown = rightsize("show", "last", "--db", empty_url).err
    assert "4.00" in shown  # the only criterion stands for the verdict
    assert "scored by j (quick), ours 3" in shown


def test_judging_again_takes_the_configured_judge_or_another_rubric(
    target: Server, judge: Server, rightsize: Command, mine: Path, empty_url: str
) -> None:
    target_given = ("--target", f"a=phi-4@{target.url}", "--limit", "1", "--warmup", "0")
    assert rightsize("run", *target_given, "--db", empty_url).code == 0
    assert "No judge is given" in rightsize("judge", "last", "--db", empty_url).err
    file = Path("rightsize.toml")
    file.write_text(
        f'[endpoints.e]\nurl = "{judge.url}"\n[judge]\nmodel = "j"\nendpoint = "e"\nprotocol = "study"\n',
        encoding="utf-8",
    )
    assert rightsize("judge", "last", "--db", empty_url).code == 0
    assert [a.protocol for a in rows(empty_url, Assessment)] == ["study"]
    assert rightsize("judge", "last", "--rubric", str(mine), "--protocol", "quick", "--db", empty_url).code == 0
    file.write_text(file.read_text(encoding="utf-8") + 'rubric = "mine.toml"\n', encoding="utf-8")
    assert rightsize("judge", "last", "--db", empty_url).code == 0
    given = ("--judge", f"phi-j@{judge.url}", "--rubric", str(mine))
    assert rightsize("judge", "last", *given, "--db", empty_url).code == 0
    by_id = {rubric.id: rubric.sha256 for rubric in rows(empty_url, Rubric)}
    usual, ours = built_in().sha256, load(mine).sha256
    assert [(by_id[a.rubric_id], a.protocol, a.rater_id) for a in rows(empty_url, Assessment)] == [
        (usual, "study", 1),
        (ours, "quick", 1),
        (ours, "study", 1),
        (ours, "quick", 2),
    ]
    assert len(target.chats) == 1
    assert all(a.current for a in rows(empty_url, Assessment))


def test_a_rubric_that_is_faulty_is_refused_before_anything_is_asked(
    target: Server, judge: Server, rightsize: Command, mine: Path
) -> None:
    mine.write_text(MINE.replace("label", "lable"), encoding="utf-8")
    given = ("--target", f"a=phi-4@{target.url}", "--judge", f"j@{judge.url}", "--rubric", str(mine))
    said = rightsize("run", *given)
    assert (said.code, said.out) == (1, "")
    assert "line 7, criteria.#1.lable: this field is not known; did you mean label?" in said.err
    assert not Path("rightsize.db").exists()
    assert not [*target.received, *judge.received]
    said = rightsize("rubric", "check", str(mine))
    assert said.code == 1
    assert "line 7, criteria.#1.lable: this field is not known; did you mean label?" in said.err


def test_a_sound_rubric_is_told_with_its_criteria(rightsize: Command, mine: Path) -> None:
    said = rightsize("rubric", "check", str(mine))
    assert (said.code, said.err) == (0, "")
    assert said.out == f"mine.toml: rubric ours 3 ({load(mine).sha256[:8]}), criteria tone, no fault\n"
