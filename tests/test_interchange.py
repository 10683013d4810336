"""Claims about import and export of whole runs: a round trip loses nothing, a second import adds nothing, labels find
their answers, and nothing of a secret or a resumable run comes along."""

import asyncio
import json
from pathlib import Path
from typing import Any

import peopled
import pytest
import test_quality_number
from exchanged import database, exported, exported_text, faults_of, imported, rows_in, small
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from db import models, scoring, store
from db.exchange import IMPORTED, is_imported
from db.models import Assessment, Run, RunStatus
from eval.interchange import records, run_as_json
from eval.interchange.secrets import without_secrets
from eval.plan import Overrides, make_plan
from eval.quality_number import quality_numbers
from eval.runner import resume_runs, run_plan
from eval.simulator.process import simulator_process
from eval.summary import summarise

QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ),  # a file takes a second: shrinking one would take many minutes
)

# --- strategies ---------------------------------------------------------------------------------------------------

clean = st.characters(codec="utf-8", exclude_characters="\0")
odd = st.sampled_from(
    ["=1+1", "'=x", "-2", "@cmd", "\ttab", "a\rb\r\nc\n", '"quoted", text', "null", "  blank ", "é\u0301🙂"]
)
texts = st.one_of(st.text(clean, max_size=20), odd)
full_texts = texts.filter(str.strip)
names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=8)
moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
scales = st.tuples(st.integers(-20, 20), st.integers(1, 100)).map(lambda pair: (pair[0], pair[0] + pair[1]))
ms = st.one_of(st.none(), st.floats(0, 1e6))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of some fields; a field that is not there is unknown."""
    return st.fixed_dictionaries({}, optional=fields)


call_parts = optional(ttft_ms=st.floats(0, 1e6), chunk_ms=st.lists(st.floats(0, 1e6), max_size=3), error=full_texts)
calls = st.lists(
    st.builds(lambda m, at, more: {"stage": "ask", "model": m, "started_at": at, **more}, names, moments, call_parts),
    max_size=2,
)
keys = st.lists(st.from_regex(r"[A-Za-z][a-z0-9.]{0,6}", fullmatch=True), min_size=1, max_size=3, unique_by=str.lower)
criterion_names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


@st.composite
def scores(draw: st.DrawFn, rubric: dict[str, Any]) -> dict[str, Any]:
    """Scores on the scales of a rubric: some null, some left out, fractional ones too."""
    found: dict[str, Any] = {}
    for criterion in rubric["criteria"]:
        low, high = criterion["low"], criterion["high"]
        value = draw(st.one_of(st.none(), st.integers(low, high), st.floats(low, high)))
        more = optional(
            rationale=texts,
            null_reason=texts,
            quotes=st.lists(texts, max_size=2),
            flags=st.lists(texts, max_size=2),
            claims=st.lists(st.fixed_dictionaries({"claim": texts, "verdict": texts}), max_size=1),
            digit_mass=st.floats(0, 1),
            probabilities=st.lists(st.floats(0, 1), max_size=3),
        )
        if draw(st.booleans()):
            found[criterion["id"]] = {"value": value, **draw(more)}
    return found


@st.composite
def rubrics(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A rubric of up to four criteria, each on a scale of its own."""
    ids = draw(st.lists(criterion_names, min_size=1, max_size=4, unique=True))
    criteria = [dict(zip(("id", "low", "high"), (its, *draw(scales)), strict=True)) for its in ids]
    return {"record": "rubric", "id": name, "name": draw(names), "version": name, "criteria": criteria}


@st.composite
def answers(draw: st.DrawFn, run: str, question: str, repeat: int) -> dict[str, Any]:
    """An answer, or an error, with some of its figures and calls."""
    outcome = draw(st.sampled_from(["text", "text", "error"]))
    times = draw(optional(ttft_ms=st.floats(0, 1e6), prompt_tokens=st.integers(0, 9999), finish_reason=texts))
    place = {"run": run, "question": question, "repeat": repeat}
    return {
        "record": "answer",
        **place,
        outcome: draw(texts if outcome == "text" else full_texts),
        **times,
        "created_at": draw(moments),
        "calls": draw(calls),
    }


@st.composite
def verdicts(draw: st.DrawFn, place: dict[str, Any], known: list[dict[str, Any]], sample: str | None) -> Any:
    """Up to two people or judges on one answer."""
    told = []
    for name in draw(st.lists(names, max_size=2, unique_by=str.casefold)):
        rubric = draw(st.sampled_from(known))
        more = draw(optional(note=texts, blind=st.booleans(), raw_reply=texts, flags=st.lists(texts, max_size=1)))
        more |= {"sample": sample} if sample and draw(st.booleans()) else {}
        rater = {"kind": draw(st.sampled_from(["person", "judge"])), "name": name}
        about = {"rater": rater, "rubric": rubric["id"], "created_at": draw(moments), "scores": draw(scores(rubric))}
        told.append({"record": "assessment", **place, **about, **more})
    return told


@st.composite
def samples(draw: st.DrawFn, places: list[dict[str, Any]], rubric: str) -> Any:
    """A sample that holds all answers."""
    runs = sorted({place["run"] for place in places})
    design = draw(st.sampled_from(["random", "stratified", "disagreement"]))
    head = {"record": "sample", "id": "s", "name": draw(names), "design": design, "runs": runs, "rubric": rubric}
    strata = [
        {
            "name": draw(names),
            "run": run,
            "n_population": 9,
            "n_drawn": 1,
            "probability": draw(st.floats(0.1, 1)),
            "questions": asked,
        }
        for run in runs
        for asked in [sorted({place["question"] for place in places if place["run"] == run})]
    ]
    settled = {
        "n_population": 9,
        "created_at": draw(moments),
        "definition": draw(st.dictionaries(texts, texts, max_size=2)),
    }
    told = [head | settled | ({} if design == "disagreement" else {"strata": strata})]
    for place in places:
        chance = {} if design == "disagreement" else {"probability": st.floats(0.1, 1)}
        more = draw(optional(stratum=texts, double=st.booleans(), **chance))
        handout = {"rater": {"kind": "person", "name": draw(names)}, "handed_at": draw(moments)}
        told.append({"record": "draw", "sample": "s", **place, **more, "handouts": [handout]})
    return told


@st.composite
def preferences(draw: st.DrawFn, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """A person's preference between two answers."""
    sides = {name: {"run": p["run"], "repeat": p["repeat"]} for name, p in (("left", left), ("right", right))}
    about = {"question": left["question"], "rater": {"kind": "person", "name": draw(names)}}
    preference = draw(st.sampled_from(["left", "same", "right", None]))
    return {"record": "comparison", **sides, **about, "preference": preference, "created_at": draw(moments)}


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Whole files: a QA set, rubrics on any scales, runs, answers, people and judges, samples, preferences."""
    told: list[dict[str, Any]] = [{"record": "header", "version": 1}]
    told.append({"record": "qa_set", "id": "set", "name": draw(full_texts), "version": draw(names)})
    asked = draw(keys)
    for key in asked:
        more = draw(optional(reference=texts, category=full_texts, key_points=st.lists(full_texts, max_size=2)))
        told.append({"record": "question", "qa_set": "set", "id": key, "question": draw(full_texts), **more})
    known = [draw(rubrics(name)) for name in ("first", "second")]
    told += known
    places: list[dict[str, Any]] = []
    for run in ("run0", "run1"):
        more = draw(
            optional(error=texts, tags=st.lists(texts, max_size=2), simulated=st.booleans(), started_at=moments)
        )
        about = {"target": f"{run} {draw(names)}", "group": draw(names), "created_at": draw(moments)}
        told.append({"record": "run", "id": run, "qa_set": "set", **about, **more})
        for key in asked:
            for repeat in range(draw(st.integers(0, 2))):
                told.append(draw(answers(run, key, repeat)))
                places += [{"run": run, "question": key, "repeat": repeat}] if "text" in told[-1] else []
    is_drawn = bool(places) and draw(st.booleans())
    if is_drawn:
        told += draw(samples(places, known[0]["id"]))
    for place in places:
        told += draw(verdicts(place, known, "s" if is_drawn else None))
    pairs = [(a, b) for a in places for b in places if a["question"] == b["question"] and a != b]
    if pairs and draw(st.booleans()):
        told.append(draw(preferences(*draw(st.sampled_from(pairs)))))
    return told


def comparable(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without the moment of the export and the mark of the import."""
    found = []
    for record in told:
        record = json.loads(json.dumps(record))
        if record["record"] == "header":
            continue
        if record["record"] == "run":
            record.get("provenance", {}).pop(IMPORTED, None)
            record = {name: value for name, value in record.items() if value != {}}
        found.append(record)
    return found


# --- round trips --------------------------------------------------------------------------------------------------


@QUICK
@given(files())
def test_a_round_trip_loses_nothing(told: list[dict[str, Any]]) -> None:
    with database() as first, database() as second:
        imported(first, told)
        once = exported_text(first)
        imported(second, once)
        assert comparable(exported(second)) == comparable([json.loads(line) for line in once.split("\n") if line])
        assert rows_in(first) | {"rubric": 0} == rows_in(second) | {"rubric": 0}  # those that nobody used stay behind


@QUICK
@given(files())
def test_what_a_file_says_is_what_is_stored(told: list[dict[str, Any]]) -> None:
    """The export says all that the import said, scores and texts to the letter."""
    with database() as engine:
        imported(engine, told)
        again = exported(engine)
    for kind, fields in (("question", ("id", "question")), ("answer", ("question", "text")), ("assessment", ("note",))):
        said = sorted(json.dumps([r.get(f) for f in fields]) for r in told if r["record"] == kind)
        assert said == sorted(json.dumps([r.get(f) for f in fields]) for r in again if r["record"] == kind)
    assert _scores_in(told) == _scores_in(again)


def _scores_in(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every score of a file, by criterion."""
    verdicts = [record.get("scores", {}) for record in told if record["record"] == "assessment"]
    found = [(criterion, _known(score)) for scores_ in verdicts for criterion, score in scores_.items()]
    return sorted((criterion, json.dumps(score, sort_keys=True)) for criterion, score in found)


def _known(score: dict[str, Any]) -> dict[str, Any]:
    """What a score says; empty lists say nothing, and 4.0 is 4."""
    said = {name: value for name, value in score.items() if value not in (None, [])}
    return said | ({"value": float(said["value"])} if "value" in said else {})


@QUICK
@given(files())
def test_the_same_file_again_adds_nothing(told: list[dict[str, Any]]) -> None:
    with database() as engine:
        first = imported(engine, told)
        before, rows = exported(engine), rows_in(engine)
        second = imported(engine, told)
        assert second.new == {}
        assert second.there | {"rater": 0} == first.new | {"rater": 0}  # who is only named in draws is not looked up
        assert comparable(exported(engine)) == comparable(before)
        assert rows_in(engine) == rows


@pytest.fixture(scope="module")
def measured() -> Any:
    """A database with two runs measured on the simulator and judged twice; its file as text."""
    with database() as engine, simulator_process(["--speed", "50"]) as (url,):
        targets = (f"small=sim-small@{url}", f"large=sim-large@{url}")
        plan = make_plan(Overrides(targets=targets, judges=(f"sim-large@{url}",), limit=3, samples=2, repeats=2))
        ids, failed = asyncio.run(run_plan(plan, engine, lambda _: None))
        assert failed == {}
        yield engine, ids, exported_text(engine, *ids)


def test_a_measured_run_comes_out_of_the_other_database_as_it_went_in(measured: tuple[Engine, list[int], str]) -> None:
    engine, ids, text = measured
    with database() as other:
        report = imported(other, text)
        assert [(run.target, run.answers, run.errors) for run in report.runs] == [("small", 6, 0), ("large", 6, 0)]
        assert comparable(exported(other)) == comparable([json.loads(line) for line in text.split("\n") if line])
        assert rows_in(other) == rows_in(engine)
        for there, here in zip(ids, [1, 2], strict=True):
            shown = [_shown(which, run_id) for which, run_id in ((engine, there), (other, here))]
            assert shown[0] == shown[1]
            one, two = summarise(there, engine), summarise(here, other)
            assert one.quality == two.quality
            assert one.latency_p50 == two.latency_p50
            assert one.token_means == two.token_means


def _shown(engine: Engine, run_id: int) -> dict[str, Any]:
    """What `show --json` tells of a run, without numbers of rows, the worker, and the mark of the import."""
    with store.reading(engine) as session:
        whole = run_as_json(store.get_run(run_id, session=session), engine)
    dropped = {"id", "qa_set_id", "rubric_id", "draw_id", "revision", "worker", "heartbeat_at"}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in dropped}
        return [plain(item) for item in value] if isinstance(value, list) else value

    whole["provenance"].pop(IMPORTED, None)
    return plain(whole)


def test_a_file_imported_where_its_runs_were_measured_adds_nothing(measured: tuple[Engine, list[int], str]) -> None:
    engine, _, text = measured
    rows = rows_in(engine)
    assert imported(engine, text).new == {}
    assert rows_in(engine) == rows
    with Session(engine) as session:
        assert not any(is_imported(run) for run in session.exec(select(Run)))


def test_every_column_has_a_field_or_a_reason_not_to() -> None:
    """A column that is added to the schema and forgotten here would be lost silently."""
    elsewhere = {
        "Run": {"qa_set_id", "worker", "heartbeat_at", "revision", "summary", "summary_revision", "group_id"},
        "Answer": {"run_id", "question_id", "sha256"},
        "Call": {"answer_id", "assessment_id"},
        "Assessment": {"answer_id", "run_id", "question_id", "rater_id", "rubric_id", "draw_id"},
        "Score": {"assessment_id", "criterion"},
        "CheckResult": {"assessment_id"},
        "Rater": set(),
        "QASet": {"n_questions", "created_at"},
        "Question": {"qa_set_id", "position", "sha256", "key", "text"},
        "Sample": {"run_ids", "rubric_id"},
        "Draw": {"sample_id", "answer_id"},
        "Handout": {"draw_id", "rater_id"},
        "Comparison": {"question_id", "left_answer_id", "right_answer_id", "rater_id"},
    }
    fields = {
        "Run": records.RunRecord,
        "Answer": records.AnswerRecord,
        "Call": records.CallRecord,
        "Assessment": records.AssessmentRecord,
        "Score": records.ScoreRecord,
        "CheckResult": records.CheckRecord,
        "Rater": records.RaterRecord,
        "QASet": records.QASetHead,
        "Question": records.QuestionRecord,
        "Sample": records.SampleRecord,
        "Draw": records.DrawRecord,
        "Handout": records.HandoutRecord,
        "Comparison": records.ComparisonRecord,
    }
    for name, model in fields.items():
        columns = set(getattr(models, name).model_fields) - {"id"} - elsewhere[name]
        assert columns - set(model.model_fields) == set(), name


# --- labels from elsewhere ----------------------------------------------------------------------------------------


def labels(run: str, value: float, **more: Any) -> list[dict[str, Any]]:
    """A file that holds nothing but a person's scores of an answer that is stored."""
    rubric = {"record": "rubric", "id": "ours", "name": "Ours", "version": "1", "criteria": [{"id": "clarity"}]}
    about = {"run": run, "question": "q1", "rubric": "ours", "rater": {"kind": "person", "name": "Ben"}}
    return [
        {"record": "header", "version": 1},
        rubric,
        {"record": "assessment", **about, "scores": {"clarity": value}, **more},
    ]


@pytest.mark.parametrize("name", ["g1/model-a", "1", "model-a"])
def test_scores_find_a_stored_answer_by_group_target_or_number(name: str) -> None:
    with database() as engine:
        imported(engine, small())
        report = imported(engine, labels(name, 4))
        assert report.new == {"rubric": 1, "rater": 1, "assessment": 1}
        assert [(run.run_id, run.is_new, run.assessments) for run in report.runs] == [(1, False, 1)]
        assert rows_in(engine)["assessment"] == 2


def test_of_one_raters_verdicts_the_newest_counts_whichever_file_comes_first() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    for order in ((old, new), (new, old)):
        with database() as engine:
            imported(engine, small())
            for moment in order:
                imported(engine, labels("1", 2 if moment == old else 5, created_at=moment))
            with Session(engine) as session:
                rows = session.exec(select(Assessment).where(Assessment.rater_id == 2)).all()
            assert sorted((row.created_at.month, row.current) for row in rows) == [(1, False), (2, True)]
            quality = next(q for q in summarise(1, engine).quality if "Ours" in q.source and q.scale == (1, 5))
            assert quality.score.value == 5


def test_scores_that_come_later_reach_the_figures_that_were_kept() -> None:
    with database() as engine:
        imported(engine, small())
        before = len(summarise(1, engine).quality)
        imported(engine, labels("1", 4))
        assert len(summarise(1, engine).quality) > before


def test_a_person_is_the_same_whatever_the_capitals() -> None:
    with database() as engine:
        imported(engine, small())
        assert imported(engine, small(assessment={"rater": {"kind": "person", "name": "ADA"}})).there["rater"] == 1


def test_a_judge_of_the_same_name_elsewhere_is_another_judge() -> None:
    with database() as engine:
        for port in (1, 2):
            address = f"http://127.0.0.1:{port}/v1"
            rater = {"kind": "judge", "name": "gpt", "model": "gpt", "endpoint": address}
            report = imported(engine, small(assessment={"rater": rater}))
        assert report.notes == ["Judge gpt is called gpt @ 127.0.0.1:2 here: another judge has that name."]
        with Session(engine) as session:
            assert {rater.name for rater in session.exec(select(models.Rater))} == {"gpt", "gpt @ 127.0.0.1:2"}


# --- scales -------------------------------------------------------------------------------------------------------


def test_scores_of_0_to_100_have_their_own_means_and_bounds() -> None:
    with database() as engine:
        told = small(rubric={"criteria": [{"id": c, "low": 0, "high": 100} for c in ("clarity", "depth")]})
        told += [told[6] | {"repeat": 1}, told[8] | {"repeat": 1, "scores": {"clarity": 100, "depth": 60}}]
        imported(engine, told)
        found = {q.criterion: (q.score.value, q.scale) for q in summarise(1, engine).quality}
    assert found == {"clarity": (90, (0, 100)), "depth": (32.75, (0, 100)), "overall": (61.375, (0, 100))}


def test_criteria_on_two_scales_have_no_mean() -> None:
    with database() as engine:
        imported(engine, small())
        assert {q.criterion: q.scale for q in summarise(1, engine).quality} == {"clarity": (0, 100), "depth": (1, 7)}


def test_the_built_in_rubric_and_questions_need_not_be_written_out() -> None:
    from_here = [
        {"record": "header", "version": 1},
        {"record": "run", "id": "a", "qa_set": "built-in", "target": "elsewhere"},
        {"record": "answer", "run": "a", "question": "facts-01", "text": "Au, 79."},
        {
            "record": "assessment", "run": "a", "question": "facts-01", "rubric": "built-in",
            "rater": {"kind": "person", "name": "Ada"}, "scores": {"coherence": 5, "factuality": 5, "conciseness": 4},
        },
    ]  # fmt: skip
    with database() as engine:
        assert imported(engine, from_here).new["question"] == 60
        assert {q.source for q in summarise(1, engine).quality} == {"people"}


# --- what may not come along --------------------------------------------------------------------------------------


def test_a_key_never_leaves() -> None:
    settings_ = {
        "api_key": "hidden-1", "headers": {"Authorization": "Bearer hidden-2"},
        "nested": [{"client_secret": "hidden-3"}], "note": "uses sk-hidden-6-abcdefghijk",
        "url": "https://ada:hidden-4@models.example.com/v1?api-key=hidden-5&v=2",
    }  # fmt: skip
    kept = {"api_key_env": "MY_KEY", "max_tokens": 5, "keyed": "yes", "tokens": "many", "key_points": "two"}
    with database() as engine:
        run = {"definition": settings_ | kept, "endpoint": "https://ada:hidden-7@models.example.com/v1"}
        imported(engine, small(run=run))
        text = exported_text(engine)
    assert "hidden" not in text
    (written,) = [record for record in map(json.loads, text.strip().split("\n")) if record["record"] == "run"]
    assert {name: written["definition"][name] for name in kept} == kept
    assert written["definition"]["url"] == "https://models.example.com/v1?api-key=***&v=2"


def test_what_holds_no_secret_is_left_as_it_is() -> None:
    plain = {"url": "http://127.0.0.1:5273/v1?a=b%20c", "list": [1, None, "token of thanks"], "model": "sk-net"}
    assert without_secrets(plain) == plain


def test_an_unfinished_run_is_stored_as_over_and_exported_as_it_was() -> None:
    with database() as engine:
        imported(engine, small(run={"status": "answering"}))
        with Session(engine) as session:
            run = session.exec(select(Run)).one()
        assert run.status == RunStatus.finished
        (written,) = [record for record in exported(engine) if record["record"] == "run"]
        assert written["status"] == "answering"


def test_an_imported_run_is_never_asked_again() -> None:
    with database() as engine:
        imported(engine, small())
        with pytest.raises(store.StoreError, match="Run 1 was imported; its target cannot be asked from here"):
            asyncio.run(resume_runs([1], engine, lambda _: None, retry_errors=True))


def test_a_run_says_where_it_came_from() -> None:
    with database() as engine:
        imported(engine, small(), name="theirs.jsonl")
        with Session(engine) as session:
            run = session.exec(select(Run)).one()
    marks = run.provenance[IMPORTED]
    assert (run.kind, marks["file"], marks["format"], len(marks["sha256"])) == (
        "imported",
        "theirs.jsonl",
        "rightsize",
        64,
    )
    assert (run.repeats, run.n_questions, run.n_planned) == (1, 2, 2)


# --- samples --------------------------------------------------------------------------------------------------------


def without(told: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name not in names} for record in told]


def test_a_quality_number_is_the_same_in_a_database_that_numbers_runs_and_questions_otherwise() -> None:
    with database() as engine, database() as other:
        with store.writing(engine) as session:
            run, answers = test_quality_number.a_run(session)
            hand = test_quality_number.drawn(run, 20, session, models.Design.stratified)
            test_quality_number.score(answers, hand, session)
        (before,) = quality_numbers([run], engine)
        imported(other, small())
        told = without(exported(engine), "sha256")
        (sample,) = (record for record in told if record["record"] == "sample")
        assert sample["definition"]["size"] == 20
        assert {key for stratum in sample["strata"] for key in stratum["questions"]} == {f"q{i}" for i in range(40)}
        (report,) = imported(other, told).runs
        assert report.run_id != run.id
        with store.reading(other) as session:
            (after,) = quality_numbers([store.get_run(report.run_id, session=session)], other)
        assert after.number == before.number
        assert before.number.n_people == len(hand)


def test_a_sample_that_does_not_say_what_it_was_drawn_from_was_drawn_from_all_questions() -> None:
    """Draws with their probabilities, as other tools may write them, without strata."""
    with database() as engine, database() as other:
        with store.writing(engine) as session:
            run, answers = test_quality_number.a_run(session)
            test_quality_number.score(answers, test_quality_number.drawn(run, 20, session), session)
        told = without(exported(engine), "sha256", "strata", "stratum")
        (report,) = imported(other, told).runs
        with store.reading(other) as session:
            (found,) = quality_numbers([store.get_run(report.run_id, session=session)], other)
        assert (found.number.method, found.number.n_people, found.number.n_questions) == ("human-corrected", 20, 40)


def test_a_stratum_of_questions_that_are_not_there_is_a_fault() -> None:
    strata = [{"run": "a", "questions": ["q1", "q9"], "probability": 0.5}]
    sample = {"record": "sample", "id": "s", "name": "s", "design": "random", "runs": ["a"], "rubric": "ours"}
    with database() as engine:
        faults = faults_of(engine, [*small(), sample | {"n_population": 2, "strata": strata}])
        assert len(faults) == 1
        assert "strata[0].questions" in faults[0]
        assert '"q9"' in faults[0]


def test_scores_that_were_taken_back_are_exported_and_stay_taken_back(tmp_path: Path) -> None:
    peopled.make(tmp_path / "undone.db", judged=False)
    engine = store.connect(f"sqlite:///{(tmp_path / 'undone.db').as_posix()}")
    sample_id = peopled.draw(engine)
    handed = peopled.take(engine, sample_id)
    assert handed is not None
    peopled.save(engine, handed)
    with store.writing(engine) as session:
        scoring.undo_last(sample_id, peopled.person(engine, "Anna"), session=session)
    told = without(exported(engine), "sha256")
    engine.dispose()
    assert [r.get("status") for r in told if r["record"] == "assessment"] == ["ok", "withdrawn"]
    with database() as other:
        imported(other, told)
        with store.reading(other) as session:
            assert [(a.status, a.current) for a in session.exec(select(Assessment))] == [
                ("ok", False), ("withdrawn", True),
            ]  # fmt: skip
        assert not [q for q in summarise(1, other).quality if q.score.n]
