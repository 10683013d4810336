"""Stored runs become what the cost model takes in, and what they do not tell stays unknown."""

import re
from collections.abc import Sequence

import pytest
import rows
import samples
from sqlalchemy import Engine, update

from db import store
from db.models import Rubric, RunStatus
from eval.cost import price_card_file
from eval.cost.evaluate import evaluate
from eval.cost.scenario import Constraints, Scenario
from eval.measured_runs import measured_targets, targets_of


def scenario(*targets: str) -> Scenario:
    options = {name: {"kind": "api", "target": name} for name in targets}
    workload = {"requests_per_month": 1000}
    return Scenario.model_validate(
        {
            "name": "s",
            "starts_on": "2027-01-01",
            "baseline": targets[0],
            "workload": workload,
            "options": options,
        }
    )


@pytest.fixture
def engine(empty_url: str) -> Engine:
    return store.connect(empty_url)


def stored(engine: Engine, calls: list[list[dict]], *, verdicts: Sequence[list[int]] = (), **given) -> int:
    """A finished run with an answer a list of calls, each to a question of its own; returns its id."""
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 3)
        run = rows.add_run(session, qa_set, status=RunStatus.finished, simulated=False, **given)
        judge, rubric = rows.judge(session), rows.rubric(session)
        for i, made in enumerate(calls):
            answer = store.save_answer(
                rows.answer(run, questions[i], total_ms=1000.0 * (i + 1)),
                [rows.call(**c) for c in made],
                session=session,
            )
            if i < len(verdicts):
                verdict = rows.assessment(answer, judge, rubric, prompt_tokens=500 + i, completion_tokens=50)
                store.save_assessment(verdict, rows.scores(verdicts[i]), session=session)
        return run.id or 0


def test_the_targets_of_a_scenario_are_those_of_options_and_of_their_parts():
    made = scenario("a").model_dump()
    made["options"]["h"] = {
        "kind": "escalate",
        "local": {"target": "b"},
        "remote": {"target": "c"},
        "escalation_share": 0.2,
    }
    assert targets_of(Scenario.model_validate(made)) == {"a", "b", "c"}


def test_tokens_are_means_over_questions_with_their_n_and_interval(engine: Engine):
    stored(
        engine,
        [[{"prompt_tokens": 100, "completion_tokens": 10, "cached_tokens": 40, "reasoning_tokens": 4}],
         [{"prompt_tokens": 300, "completion_tokens": 30, "cached_tokens": 60, "reasoning_tokens": 8}]],
    )  # fmt: skip
    (stage,) = measured_targets(scenario("test-small"), engine)["test-small"].stages
    assert (stage.prompt.value, stage.prompt.n) == (200, 2)
    assert stage.prompt.low is not None
    assert (stage.completion.value, stage.cached.value, stage.reasoning.value) == (20, 50, 6)


def test_tokens_that_were_not_told_are_unknown_and_not_zero(engine: Engine):
    stored(engine, [[{"prompt_tokens": None}], [{"prompt_tokens": None}]])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    (stage,) = found.stages
    assert stage.prompt.value is None
    assert stage.cached.value is None
    assert found.judge is None
    assert found.acceptable.value is None
    assert found.quality == {}
    assert found.scored_by == ""
    assert found.watts.value is None


def test_attempts_count_failed_requests_of_answers_that_came(engine: Engine):
    failed = {"prompt_tokens": None, "error_kind": "timeout", "total_ms": None}
    stored(engine, [[failed, {"attempt": 2, "prompt_tokens": 100}], [{"prompt_tokens": 100}]])
    assert measured_targets(scenario("test-small"), engine)["test-small"].attempts_per_answer == 1.5


def test_a_run_without_stored_requests_does_not_know_its_attempts(engine: Engine):
    stored(engine, [[], []])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert found.attempts_per_answer is None
    assert found.stages == ()


def test_a_load_is_concurrency_over_mean_time_and_never_more_than_was_asked(engine: Engine):
    stored(engine, [[{}], [{}]], concurrency=1)
    (load,) = measured_targets(scenario("test-small"), engine)["test-small"].loads
    assert (load.concurrency, load.n) == (1, 2)
    assert load.answers_per_s == pytest.approx(1 / 1.5)  # the answers took 1 s and 2 s
    stored(engine, [[{}], [{}]], concurrency=30, group_id="later")
    load = measured_targets(scenario("test-small"), engine)["test-small"].loads[-1]
    assert load.concurrency == 2
    assert load.answers_per_s == pytest.approx(2 / 1.5)


def test_named_runs_of_one_target_give_a_load_each_and_the_newest_gives_the_figures(engine: Engine):
    first = stored(engine, [[{"prompt_tokens": 1}]], concurrency=1)
    second = stored(engine, [[{"prompt_tokens": 9}], [{"prompt_tokens": 9}]], concurrency=2, group_id="later")
    found = measured_targets(scenario("test-small"), engine, [str(first), str(second)])["test-small"]
    assert [load.concurrency for load in found.loads] == [1, 2]
    assert found.stages[0].prompt.value == 9
    assert found.runs == (str(first), str(second))


def test_runs_at_other_concurrencies_tell_the_loads_and_the_newest_run_the_figures(engine: Engine):
    ids = [
        stored(engine, [[{}]] * 3, concurrency=1, group_id="a"),
        stored(engine, [[{}]] * 3, concurrency=2, group_id="b"),
        stored(engine, [[{}]] * 3, concurrency=3, group_id="c", endpoint="http://127.0.0.1:9999/v1"),  # another server
        stored(engine, [[{}]], concurrency=2, group_id="d"),  # newer, so it counts and not b
        stored(engine, [[{"prompt_tokens": 7}]] * 3, concurrency=4, group_id="e"),
    ]
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert found.runs == tuple(str(ids[i]) for i in (3, 0, 4))
    assert found.stages[0].prompt.value == 7
    assert [load.concurrency for load in found.loads] == [1, 3]  # three answers have never four under way
    assert found.loads[-1].p95 == found.p95_ms


PIECEWISE = {"ttft_ms": 100.0, "total_ms": 400.0}
AT_ONCE = {"ttft_ms": None, "total_ms": 600.0}


@pytest.mark.parametrize(
    ("calls", "share"),
    [
        ([{"ttft_ms": 100.0, "total_ms": 400.0}, {"ttft_ms": 300.0, "total_ms": 600.0}], 0.4),
        ([PIECEWISE, PIECEWISE, AT_ONCE], 0.25),
        ([PIECEWISE, AT_ONCE], 0.25),
        ([PIECEWISE, AT_ONCE, AT_ONCE], None),
        ([AT_ONCE, AT_ONCE], None),
    ],
)
def test_the_time_to_the_first_token_is_a_share_of_the_answers_that_told_it(calls, share, engine: Engine):
    """Known from half of them: a few that arrived in one piece do not leave it unknown of all the others."""
    stored(engine, [[call] for call in calls])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    told = (sum(call["ttft_ms"] is not None for call in calls), len(calls))
    assert (found.ttft_share, found.first_token) == (share, told)
    assert (found.loads[0].ttft_share, found.loads[0].first_token) == (share, told)


def test_an_answer_of_two_stages_tells_its_first_token_where_both_do(engine: Engine):
    stored(engine, [[PIECEWISE, PIECEWISE], [PIECEWISE, AT_ONCE]])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert (found.ttft_share, found.first_token) == (0.25, (1, 2))


def test_a_run_without_a_stored_request_knows_no_first_token(engine: Engine):
    stored(engine, [[]])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert (found.ttft_share, found.first_token) == (None, (0, 0))


def test_a_target_outside_the_newest_group_counts_by_its_newest_run_on_the_same_questions(engine: Engine):
    stored(engine, [[{"prompt_tokens": 1}]], group_id="a", target="other")
    stored(engine, [[{"prompt_tokens": 2}]], group_id="b", target="other")
    stored(engine, [[{"prompt_tokens": 3}]], group_id="c")
    found = measured_targets(scenario("test-small", "other"), engine)
    assert found["other"].stages[0].prompt.value == 2
    assert found["test-small"].stages[0].prompt.value == 3


def test_the_newest_group_counts_and_unfinished_runs_do_not(engine: Engine):
    stored(engine, [[{"prompt_tokens": 1}]], group_id="a")
    stored(engine, [[{"prompt_tokens": 2}]], group_id="b")
    with store.writing(engine) as session:
        qa_set, _ = rows.add_qa_set(session, 3)
        rows.add_run(session, qa_set, group_id="c", status=RunStatus.stopped)
    assert measured_targets(scenario("test-small"), engine)["test-small"].stages[0].prompt.value == 2


def test_a_target_without_a_run_is_absent(engine: Engine):
    assert measured_targets(scenario("nobody"), engine) == {}


def test_an_answer_is_acceptable_where_its_worst_criterion_is(engine: Engine):
    stored(engine, [[{}], [{}], [{}]], verdicts=[[5, 3, 4], [5, 2, 5], [4, 4]])
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert found.acceptable.value == 0.5  # the third was not scored on every criterion
    assert found.acceptable.n == 2
    assert found.scored_by == "test-judge (quick)"
    assert found.quality["coherence"].value == pytest.approx(14 / 3)
    rules = Constraints(acceptable_from=4)
    strict = scenario("test-small").model_copy(update={"constraints": rules})
    stricter = measured_targets(strict, engine)["test-small"]
    assert stricter.acceptable.value == 0


def test_scores_on_another_scale_are_no_points_of_five(engine: Engine):
    stored(engine, [[{}], [{}]], verdicts=[[1, 5, 5], [0, 4, 4]])
    criteria = [{"id": "coherence", "low": 0, "high": 1}, {"id": "factuality"}, {"id": "conciseness"}]
    with store.writing(engine) as session:
        session.execute(update(Rubric).values(body={"criteria": criteria}))
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert sorted(found.quality) == ["conciseness", "factuality"]
    assert found.acceptable.value is None


def test_judging_is_the_mean_over_questions_of_an_answers_tokens(engine: Engine):
    stored(engine, [[{}], [{}]], verdicts=[[5, 5, 5], [4, 4, 4]])
    judge = measured_targets(scenario("test-small"), engine)["test-small"].judge
    assert judge is not None
    assert (judge.model, judge.prompt.value, judge.completion.value) == ("test-judge", 500.5, 50)


def test_hardware_is_told_of_this_machine_only(engine: Engine):
    stored(engine, [[{}]], group_id="a")
    assert measured_targets(scenario("test-small"), engine)["test-small"].hardware == "test cpu, 16 GiB"
    stored(engine, [[{}]], group_id="b", endpoint="https://models.example.com/v1")
    assert (
        "unknown, behind models.example.com" in measured_targets(scenario("test-small"), engine)["test-small"].hardware
    )


def test_simulated_runs_are_flagged_and_dated(full_url: str):
    found = measured_targets(scenario(*(s.name for s in samples.TARGETS)), store.connect(full_url))
    assert len(found) == 4
    assert all(one.simulated and one.date == "2026-11-02" for one in found.values())
    assert [stage.stage for stage in found["test-hybrid"].stages] == ["draft", "refine"]
    assert found["test-small"].n_errors == 1


def test_the_evidence_names_its_questions_its_concurrency_and_its_mean_time(engine: Engine):
    stored(engine, [[{}], [{}]], concurrency=4)
    found = measured_targets(scenario("test-small"), engine)["test-small"]
    assert found.concurrency == 4
    assert (found.mean_ms.value, found.mean_ms.n) == (1500.0, 2)
    assert found.mean_ms.low is not None
    assert re.fullmatch(r"\S.* 1 \([0-9a-f]{12}\)", found.questions)


def on_set(engine: Engine, version: str, target: str) -> int:
    """A finished run of a target on a QA set of its own version."""
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 1, version)
        run = rows.add_run(session, qa_set, status=RunStatus.finished, target=target, group_id=f"g{version}")
        store.save_answer(rows.answer(run, questions[0], total_ms=900.0), [rows.call()], session=session)
        return run.id or 0


def called(engine: Engine, version: str) -> str:
    with store.reading(engine) as session:
        found = next(q for q in store.list_qa_sets(session=session) if q.version == version)
    return f"{found.name} {version} ({found.sha256[:12]})"


def test_a_target_that_was_asked_other_questions_says_which_runs_asked_which_and_what_to_do(engine: Engine):
    a, b, newer = on_set(engine, "1", "a"), on_set(engine, "1", "b"), on_set(engine, "2", "a")
    found = measured_targets(scenario("a", "b"), engine)
    assert found["a"].runs == (str(newer),)
    assert found["b"].n_answers == 0
    assert found["b"].elsewhere == (
        f"was asked other questions: run {b} asked {called(engine, '1')}. The newest run counts, and run {newer} of a "
        f"asked {called(engine, '2')}; run it on {called(engine, '2')} too, or rest on --run {a} --run {b}, which "
        "asked one QA set."
    )
    result = evaluate(scenario("a", "b"), found, price_card_file.built_in())
    assert f'options.b: the target "b" {found["b"].elsewhere}' in result.option("b").blocked
    assert [e.target for e in result.evidence] == ["a"]
    named = measured_targets(scenario("a", "b"), engine, [str(a), str(b)])
    assert (named["a"].runs, named["b"].runs) == ((str(a),), (str(b),))


def test_where_no_qa_set_was_asked_of_all_there_is_only_one_thing_to_do(engine: Engine):
    b, a = on_set(engine, "1", "b"), on_set(engine, "2", "a")
    said = measured_targets(scenario("a", "b"), engine)["b"].elsewhere
    assert f"run {b} asked {called(engine, '1')}" in said
    assert f"run {a} of a asked {called(engine, '2')}" in said
    assert said.endswith(f"run it on {called(engine, '2')} too.")


def test_named_runs_on_different_questions_are_warned_of(engine: Engine):
    a, b = on_set(engine, "1", "a"), on_set(engine, "2", "b")
    found = measured_targets(scenario("a", "b"), engine, [str(a), str(b)])
    (said,) = (w for w in evaluate(scenario("a", "b"), found, price_card_file.built_in()).warnings if "questions" in w)
    assert said == (
        "These targets answered different questions, which makes them hard to compare: "
        f"{called(engine, '1')} by a; {called(engine, '2')} by b."
    )
