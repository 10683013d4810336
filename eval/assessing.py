"""Assesses the answers of one run: who judges and by which rubric is stored, then each answer is judged.

Prompt and reply of one assessment are judge.py's business, storing it the scribe's.
"""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

from db import models, store
from db.models import RaterKind
from eval import records
from eval.endpoint import EndpointClient
from eval.hosts import endpoint_of
from eval.judge import Judge
from eval.plan import JudgeSpec
from eval.provenance import model_family
from eval.rubric import Rubric
from eval.rubric import built_in as built_in_rubric
from eval.scribe import Scribe
from eval.work import FATAL, OnProgress, Progress, RunFailedError, all_at_most, failure_of


def rubric_of(run: models.Run) -> Rubric:
    """The rubric a run was planned with; runs from before it was kept had the built-in one."""
    kept = run.definition.get("rubric")
    return Rubric.model_validate(kept["body"]) if kept else built_in_rubric()


def _store_rater(spec: JudgeSpec, rubric: Rubric, simulated: bool, engine: Engine) -> tuple[int, int]:
    """The ids of the judge and of the rubric, stored if they are new.

    A judge is a model at an endpoint: the same name at another address may be another model.
    """
    with store.writing(engine) as session:
        judges = store.list_raters(session=session, kind=RaterKind.judge)
        place = endpoint_of(spec.endpoint.url)
        same = (r for r in judges if r.model == spec.model and r.endpoint and endpoint_of(r.endpoint) == place)
        rater = next(same, None) or store.save_rater(
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


async def judge_run(
    run: models.Run,
    spec: JudgeSpec,
    rubric: Rubric,
    client: EndpointClient,
    engine: Engine,
    scribe: Scribe,
    on_progress: OnProgress,
) -> str | None:
    """Assess every answer of a run that this judge has not assessed yet; returns why it could not go on, if so."""
    assert run.id is not None
    judge = Judge(client, spec.model, rubric, spec.protocol)
    rater_id, rubric_id = _store_rater(spec, rubric, client.simulated, engine)
    with store.reading(engine) as session:
        due = store.list_unassessed(run.id, rater_id, rubric_id, spec.protocol, session=session)
    given: dict[str, Any] = {
        "rater_id": rater_id,
        "rubric_id": rubric_id,
        "protocol": spec.protocol,
        "parameters": {**judge.parameters, "endpoint": spec.endpoint.url},
        "same_family": run.family is not None and run.family == model_family(spec.model),
    }
    done = errors = tokens = 0
    on_progress(Progress(run.id, run.target, "judging", 0, len(due), 0, 0))

    async def assess(pair: tuple[models.Answer, models.Question]) -> None:
        nonlocal done, errors, tokens
        scribe.raise_failure()
        answer, question = pair
        assessed = await judge.assess(records.to_question(question), answer.text or "")
        scribe.put("assessment", assessed, answer, given)  # a failed one is due again when the run is resumed
        final = assessed.completions[-1].last
        if final.error_kind in FATAL:
            raise RunFailedError(final.error)
        done, errors = done + 1, errors + (assessed.status not in ("ok", "partial"))
        tokens += sum(c.last.usage.completion_tokens or 0 for c in assessed.completions)
        on_progress(Progress(run.id or 0, run.target, "judging", done, len(due), errors, tokens))

    failure = await failure_of(all_at_most(spec.endpoint.concurrency, due, assess))
    return failure and f"Judging stopped: {failure}"
