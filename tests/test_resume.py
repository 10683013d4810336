"""A failure that stops a run is stored with its attempts, asked again on resume, and nothing else is asked twice."""

from collections import Counter
from dataclasses import dataclass, field, replace

from carried_out import carry_out, resume, rows
from command import Command
from servers import (
    CHAT,
    GOOD,
    Received,
    Reply,
    Server,
    as_json,
    completion,
    events,
    model_list,
    refusal,
    serve,
    streamed,
)

from db import store
from db.models import Answer, Assessment, AssessmentStatus, Call, Run, RunStatus
from eval.qa_set import built_in

FACTS = {question.id: question.question for question in built_in().questions if question.category == "facts"}
KEYS = list(FACTS)
WRONG = refusal(401, "Wrong key.")


@dataclass
class Door:
    """A server's reply that depends on what is set: which of the first questions it refuses, for good or for now."""

    shut: set[str] = field(default_factory=set)
    reply: Reply = GOOD
    refused: Reply = WRONG

    def __call__(self, received: Received) -> Reply:
        said = received.body["messages"][-1]["content"]
        return self.refused if any(FACTS[key] in said for key in self.shut) else self.reply


def asked(server: Server) -> Counter[str]:
    """How often each question was asked, warm-ups included."""
    prompts = [request.body["messages"][-1]["content"] for request in server.received if request.path == CHAT]
    return Counter(key for prompt in prompts for key in KEYS if FACTS[key] in prompt)


def test_a_failure_that_stops_a_run_is_stored_with_its_attempt_and_asked_again(empty_url: str) -> None:
    door = Door(shut={KEYS[2]})
    with serve(door) as server:
        (run_id,), failed = carry_out(empty_url, f"a=m@{server.url}", category="facts", limit=5, warmups=0)
        assert "refused the key" in failed[run_id]
        answers = rows(empty_url, Answer)
        assert [answer.error_kind for answer in answers] == [None, None, "wrong_key"]
        assert "refused the key" in answers[2].error
        (attempt,) = [call for call in rows(empty_url, Call) if call.answer_id == answers[2].id]
        assert (attempt.status_code, attempt.error_kind) == (401, "wrong_key")

        door.shut.clear()
        assert resume(empty_url, run_id) == {}
        assert asked(server) == {KEYS[0]: 1, KEYS[1]: 1, KEYS[2]: 2, KEYS[3]: 1, KEYS[4]: 1}
    answers = rows(empty_url, Answer)
    assert [answer.error_kind for answer in answers] == [None] * 5
    assert [answer.attempts for answer in answers] == [1, 1, 2, 1, 1]
    calls = [call for call in rows(empty_url, Call) if call.answer_id == answers[2].id]
    assert [(call.attempt, call.error_kind) for call in calls] == [(1, "wrong_key"), (2, None)]
    assert answers[2].total_ms == calls[1].total_ms
    assert rows(empty_url, Run)[0].status == RunStatus.finished


def test_a_resume_that_fails_too_adds_its_attempt_and_loses_none(empty_url: str) -> None:
    with serve(Door(shut={KEYS[0]})) as server:
        (run_id,), _ = carry_out(empty_url, f"a=m@{server.url}", category="facts", limit=1, warmups=0)
        assert "refused the key" in resume(empty_url, run_id)[run_id]
    (answer,) = rows(empty_url, Answer)
    assert (answer.error_kind, answer.attempts) == ("wrong_key", 2)
    assert len(rows(empty_url, Call)) == 2


def test_answers_under_way_when_a_run_stops_are_kept_and_none_is_begun(empty_url: str) -> None:
    late, soon = events(0.8, *streamed("Oslo.")), replace(WRONG, pieces=(0.3, *WRONG.pieces))
    with serve(Door(shut={KEYS[0]}, reply=late, refused=soon)) as server:
        carry_out(empty_url, f"a=m@{server.url}", category="facts", limit=9, warmups=0, concurrency=3)
        assert asked(server) == {KEYS[0]: 1, KEYS[1]: 1, KEYS[2]: 1}
    assert sorted(str(answer.error_kind) for answer in rows(empty_url, Answer)) == ["None", "None", "wrong_key"]


def test_a_failure_that_stops_one_run_leaves_the_others_of_its_group_alone(empty_url: str) -> None:
    def reply(received: Received) -> Reply:
        return WRONG if received.body["model"] == "locked" else GOOD

    names = ("before", "locked", "after")
    with serve(reply, models=model_list(*names)) as server:
        targets = [f"{name}={name}@{server.url}" for name in names]
        run_ids, failed = carry_out(empty_url, *targets, category="facts", limit=3, warmups=0)
    assert list(failed) == [run_ids[1]]
    runs = rows(empty_url, Run)
    assert [run.status for run in runs] == [RunStatus.finished, RunStatus.failed, RunStatus.finished]
    assert [bool(run.error) for run in runs] == [False, True, False]
    answers = rows(empty_url, Answer)
    assert [sum(a.run_id == i and a.error_kind is None for a in answers) for i in run_ids] == [3, 0, 3]


def test_a_server_that_is_gone_for_good_does_not_keep_later_runs_from_going_on(rightsize: Command) -> None:
    url = store.database_url()
    given = {"category": "facts", "limit": 2, "warmups": 0}
    with serve(Door(shut={KEYS[1]})) as gone:
        carry_out(url, f"old=m@{gone.url}", **given)
    door = Door(shut={KEYS[1]})
    with serve(door) as server:
        carry_out(url, f"new=m@{server.url}", **given)
        door.shut.clear()
        said = rightsize("resume")
    assert said.code == 1
    assert "Run 1 failed: Nothing answers at" in said.err
    assert "rightsize resume 1" in said.err
    assert [run.status for run in rows(url, Run)] == [RunStatus.failed, RunStatus.finished]
    assert [answer.error_kind for answer in rows(url, Answer)] == [None, "wrong_key", None, None]
    left = rows(url, Run)[0]
    assert left.worker is None
    assert left.error
    assert left.error.startswith("Nothing answers at")  # why it did not go on, no longer why it stopped at first


def test_other_failures_are_asked_again_only_when_that_is_wanted(empty_url: str) -> None:
    door = Door(shut={KEYS[1]}, refused=refusal(400, "No such parameter."))
    with serve(door) as server:
        (run_id,), failed = carry_out(empty_url, f"a=m@{server.url}", category="facts", limit=3, warmups=0)
        assert failed == {}
        door.shut.clear()
        assert resume(empty_url, run_id) == {}
        assert [a.error_kind for a in rows(empty_url, Answer)] == [None, "bad_request", None]
        assert resume(empty_url, run_id, retry_errors=True) == {}
        assert asked(server) == {KEYS[0]: 1, KEYS[1]: 2, KEYS[2]: 1}
    assert [a.error_kind for a in rows(empty_url, Answer)] == [None, None, None]


def test_a_resumed_run_warms_up_anew_and_a_finished_one_does_not(empty_url: str) -> None:
    door = Door(shut={KEYS[2]})
    with serve(door) as server:
        (run_id,), _ = carry_out(empty_url, f"a=m@{server.url}", category="facts", limit=3, warmups=2)
        door.shut.clear()
        assert resume(empty_url, run_id) == {}
        before = len(server.received)
        assert resume(empty_url, run_id) == {}
        assert not [request for request in server.received[before:] if request.path == CHAT]
    cold = Counter((a.question_id, a.repeat) for a in rows(empty_url, Answer) if a.cold)
    assert set(cold.values()) == {1}
    assert sorted(repeat for _, repeat in cold) == [0, 0, 1, 1]
    assert len([a for a in rows(empty_url, Answer) if not a.cold]) == 3


def test_a_failure_that_stops_judging_is_stored_with_its_attempt_and_judged_again(empty_url: str) -> None:
    verdict = as_json(completion("no verdict"))
    door = Door(shut={KEYS[1]}, reply=verdict)
    with serve(GOOD) as target, serve(door, models=model_list("j")) as server:
        given = {"category": "facts", "limit": 3, "warmups": 0, "judges": (f"j@{server.url}",)}
        (run_id,), failed = carry_out(empty_url, f"a=m@{target.url}", **given)
        assert "Judging by j stopped" in failed[run_id]
        assert [a.status for a in rows(empty_url, Assessment)] == ["unparsed", "error"]
        stopped = rows(empty_url, Assessment)[1]
        (attempt,) = [call for call in rows(empty_url, Call) if call.assessment_id == stopped.id]
        assert (attempt.status_code, attempt.error_kind) == (401, "wrong_key")
        door.shut.clear()
        assert resume(empty_url, run_id) == {}
    assert Counter((a.status, a.current) for a in rows(empty_url, Assessment)) == {
        (AssessmentStatus.unparsed, True): 3,
        (AssessmentStatus.error, False): 1,
    }
