"""Lets judges assess the stored answers of runs, and stores what they say.

One answer is judge.py's business, asking the targets the runner's. A verdict that is stored is never asked for again,
so judging that was stopped goes on where it was.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

from db import models, store
from db.models import RaterKind
from eval import records
from eval.config import PlanError
from eval.connections import connected
from eval.endpoint import EndpointClient
from eval.hosts import endpoint_of
from eval.judge import Judge, protocol_name
from eval.plan import JudgeSpec
from eval.provenance import model_family
from eval.rubric import Rubric, judgeable
from eval.rubric import built_in as built_in_rubric
from eval.scribe import Scribe
from eval.summary import summarise
from eval.work import FATAL, OnProgress, Progress, RunFailedError, all_at_most, failure_of


def rubric_of(run: models.Run) -> Rubric:
    """The rubric a run was planned with; one that names none (from before it was kept, imported) gets the built-in."""
    kept = run.definition.get("rubric")
    return judgeable(Rubric.model_validate(kept["body"])) if kept else built_in_rubric()


def judges_of(run: models.Run) -> list[JudgeSpec]:
    """The judges a run was planned with; runs from before there were panels name one at most."""
    one = run.definition.get("judge")
    return [JudgeSpec.model_validate(spec) for spec in run.definition.get("judges", [one] if one else [])]


def find_rater(spec: JudgeSpec, raters: Sequence[models.Rater]) -> models.Rater | None:
    """The judge among those stored: a model at an endpoint, since one name at two addresses may be two models."""
    place = endpoint_of(spec.endpoint.url)
    same = (r for r in raters if r.model == spec.model and r.endpoint and endpoint_of(r.endpoint) == place)
    return next(same, None)


def _store_rater(spec: JudgeSpec, rubric: Rubric, simulated: bool, engine: Engine) -> tuple[int, int]:
    """The ids of the judge and of the rubric, stored if they are new."""
    with store.writing(engine) as session:
        judges = store.list_raters(session=session, kind=RaterKind.judge)
        rater = find_rater(spec, judges) or store.save_rater(
            models.Rater(
                kind=RaterKind.judge,
                name=_free_name(spec, {judge.name for judge in judges}),
                model=spec.model,
                endpoint=spec.endpoint.url,
                family=model_family(spec.model),
                simulated=simulated,
            ),
            session=session,
        )
        stored = store.save_rubric(
            models.Rubric(
                sha256=rubric.sha256, name=rubric.name, version=rubric.version, body=rubric.model_dump(mode="json")
            ),
            session=session,
        )
        return rater.id or 0, stored.id or 0


def _free_name(spec: JudgeSpec, taken: Collection[str]) -> str:
    """What a new judge is called: its model, and where another has that name, the model and where it is."""
    address = urlsplit(spec.endpoint.url)
    names = [spec.name, f"{spec.name} @ {address.netloc}", f"{spec.name} @ {spec.endpoint.url}"]
    return next((name for name in names if name not in taken), names[-1])


async def assess_run(
    run: models.Run,
    spec: JudgeSpec,
    rubric: Rubric,
    client: EndpointClient,
    engine: Engine,
    scribe: Scribe,
    on_progress: OnProgress,
) -> str | None:
    """Assess each answer that this judge has not read as often as asked; returns why it stopped, if it did."""
    assert run.id is not None
    judge = Judge(client, spec.model, rubric, spec.protocol, spec.temperature)
    rater_id, rubric_id = _store_rater(spec, rubric, client.simulated, engine)
    protocol = protocol_name(spec.protocol, spec.temperature)
    with store.reading(engine) as session:
        due = store.list_unassessed(run.id, rater_id, rubric_id, protocol, spec.samples, session=session)
    given: dict[str, Any] = {
        "rater_id": rater_id,
        "rubric_id": rubric_id,
        "protocol": protocol,
        "parameters": {**judge.parameters, "samples": spec.samples, "endpoint": spec.endpoint.url},
        "same_family": run.family is not None and run.family == model_family(spec.model),
    }
    done = errors = tokens = 0
    on_progress(Progress(run.id, run.target, "judging", 0, len(due), 0, 0))

    async def assess(reading: tuple[models.Answer, models.Question, int]) -> None:
        nonlocal done, errors, tokens
        scribe.raise_failure()
        answer, question, sample = reading
        assessed = await judge.assess(records.to_question(question), answer.text or "", sample)
        # One that failed is due again when the run is resumed.
        scribe.put("assessment", assessed, answer, {**given, "sample": sample})
        final = assessed.completions[-1].last
        if final.error_kind in FATAL:
            raise RunFailedError(final.error)
        done, errors = done + 1, errors + (assessed.status not in ("ok", "partial"))
        tokens += sum(c.last.usage.completion_tokens or 0 for c in assessed.completions)
        on_progress(Progress(run.id or 0, run.target, "judging", done, len(due), errors, tokens))

    failure = await failure_of(all_at_most(spec.endpoint.concurrency, due, assess))
    return failure and f"Judging by {spec.name} stopped: {failure}"


async def assess_by_plan(
    run: models.Run, clients: Mapping[str, EndpointClient], engine: Engine, scribe: Scribe, on_progress: OnProgress
) -> str | None:
    """Let the judges of a run's own plan assess it, one after the other; returns why it stopped, if it did."""
    for spec in judges_of(run):
        client = clients[spec.endpoint.url]
        if failure := await assess_run(run, spec, rubric_of(run), client, engine, scribe, on_progress):
            return failure
    return None


async def judge_runs(
    run_ids: Sequence[int],
    specs: Sequence[JudgeSpec],
    engine: Engine,
    on_progress: OnProgress,
    rubric: Rubric | None = None,
) -> dict[int, str]:
    """Let judges assess stored answers without asking the targets again; returns the sentences of failures.

    Without a rubric each run is judged by its own.
    """
    failed: dict[int, str] = {}
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in run_ids]
    async with connected((), specs) as clients:
        with Scribe(engine.url.render_as_string(hide_password=False)) as scribe:
            for run in runs:
                for spec in specs:
                    its, client = rubric or rubric_of(run), clients[spec.endpoint.url]
                    text = await assess_run(run, spec, its, client, engine, scribe, on_progress)
                    if text and run.id is not None:
                        failed[run.id] = text
    for run_id in run_ids:
        summarise(run_id, engine)
    return failed


def list_due(
    run: models.Run, spec: JudgeSpec, rubric: Rubric, engine: Engine
) -> list[tuple[models.Answer, models.Question]]:
    """What a judge would read of a run, a pair a reading, without storing anything.

    Raises PlanError where a question has no reference answer, as in runs of other tools: there is nothing to hold an
    answer against.
    """
    with store.reading(engine) as session:
        rater = find_rater(spec, store.list_raters(session=session, kind=RaterKind.judge))
        known = {stored.sha256: stored.id for stored in store.list_rubrics(session=session)}
        due = store.list_unassessed(
            run.id or 0,
            rater.id or 0 if rater else 0,
            known.get(rubric.sha256) or 0,
            protocol_name(spec.protocol, spec.temperature),
            spec.samples,
            session=session,
        )
    open_ones = list(dict.fromkeys(question.key for _, question, _ in due if not question.reference.strip()))
    if open_ones:
        some = ", ".join(open_ones[:5]) + (", ..." if len(open_ones) > 5 else "")
        raise PlanError(f"Run {run.id} cannot be judged, because it has questions without a reference answer: {some}.")
    return [(answer, question) for answer, question, _ in due]
