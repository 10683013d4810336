"""The only caching: what pages read, kept until a run, an answer or a score is added, changed or removed.

Every wrapper is keyed by the database and its newest change, so a new answer is seen at the next look. Writing goes
straight to db.store with `engine()`; grouping is db.frames' business, figures are eval.summary's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from threading import Lock, local
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from db import frames, store, workers
from db.comparisons import newest_comparison
from db.models import Price, Run, RunStatus
from db.scales import OVERALL
from db.side_by_side import QuestionHead, list_question_heads
from eval.agreeing import CriterionAgreement, agreements
from eval.comparing import Compared, compare
from eval.cost.evaluate import evaluate
from eval.cost.measured import Measured
from eval.cost.price_card import PriceCard
from eval.cost.result import Result
from eval.cost.scenario import Scenario
from eval.measured_runs import measured_targets, targets_of
from eval.preferring import Preferences, preferences
from eval.quality_number import RunQuality, quality_numbers
from eval.run_cost import prices_of_runs
from eval.run_scores import judges_of_runs
from eval.stats.corrected import Inference
from eval.summary import Summary, summarise

NEWEST = 200  # runs a control offers at most; older ones are reached by search

Change = tuple[str, int, int, int, str]


@dataclass(frozen=True, slots=True)
class RunRow:
    """What a page needs to know of a run without opening it."""

    run_id: int
    group_id: str
    name: str
    target: str
    kind: str
    model: str
    endpoint: str
    family: str | None
    qa_set_id: int
    qa_set: str
    qa_set_version: str
    n_questions: int
    repeats: int
    concurrency: int
    n_planned: int
    status: str
    error: str | None
    simulated: bool
    tags: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def finished(self) -> bool:
        return self.status == RunStatus.finished


def _file_is_there(engine: Engine) -> bool:
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return not file or file == ":memory:" or Path(file).exists()


@st.cache_resource(show_spinner=False, validate=_file_is_there)  # the server asks too, where nothing is drawn
def _engine(url: str) -> Engine:
    return store.connect(url)


def engine() -> Engine:
    """The database this dashboard shows (RIGHTSIZE_DB). Raises StoreError where it cannot be used."""
    return _engine(store.database_url())


class _Look(local):
    """What one run of the script, which has a thread to itself, saw of the newest change."""

    open = False
    seen: Change | None = None


_look = _Look()


@contextmanager
def one_look() -> Iterator[None]:
    """Ask for the newest change once while a page is drawn: all of it then shows the same state."""
    _look.open, _look.seen = True, None
    try:
        yield
    finally:
        _look.open, _look.seen = False, None


def change() -> Change:
    """A key that changes whenever something was stored: pass it to a cached function as its first argument."""
    if _look.seen is not None:
        return _look.seen
    opened = engine()
    with store.reading(opened) as session:
        found = (store.database_url(), *store.newest_change(session=session))
    if _look.open:
        _look.seen = found
    return found


def _rows(frame: pd.DataFrame) -> list[RunRow]:
    wanted = frame[[field.name for field in fields(RunRow)]]
    records = frames.records(wanted)
    for record in records:
        record["tags"] = tuple(record["tags"])
    return [RunRow(**record) for record in records]


@st.cache_data(show_spinner=False, max_entries=100)
def _runs(key: Change, filters: dict[str, Any]) -> list[RunRow]:  # noqa: ARG001
    with store.reading(engine()) as session:
        return _rows(frames.runs_frame(session=session, **filters))


def runs(**filters: Any) -> list[RunRow]:
    """Runs, newest first; takes the filters of frames.runs_frame. Always give a limit or ids."""
    return _runs(change(), dict(sorted(filters.items())))


def begun() -> bool:
    """Whether a run has finished, so that there is something to look at."""
    return bool(runs(status=RunStatus.finished.value, limit=1))


def newest_group(*, finished: bool = True, qa_set_id: int | None = None) -> list[RunRow]:
    """The runs of the newest group (finished ones only, unless asked otherwise); none in an empty database."""
    chosen = {"status": RunStatus.finished.value} if finished else {}
    chosen |= {"qa_set_id": qa_set_id} if qa_set_id is not None else {}
    newest = runs(limit=1, **chosen)
    return runs(group_id=newest[0].group_id, limit=NEWEST, **chosen)[::-1] if newest else []


@st.cache_data(show_spinner=False, max_entries=4)
def _target_order(key: Change) -> list[str]:  # noqa: ARG001
    with store.reading(engine()) as session:
        return frames.targets_frame(session=session)["target"].to_list()


def target_order() -> list[str]:
    """All stored targets in the order of their first run: the one scale that colours and shapes go by."""
    return _target_order(change())


@st.cache_data(show_spinner="Working out the figures", max_entries=50)
def _summaries(key: Change, run_ids: tuple[int, ...]) -> dict[int, Summary]:  # noqa: ARG001
    return {run_id: summarise(run_id, engine()) for run_id in run_ids}


def summaries(run_ids: list[int]) -> dict[int, Summary]:
    """The figures of some runs by run id."""
    return _summaries(change(), tuple(run_ids))


@st.cache_data(show_spinner="Comparing the raters", max_entries=20)
def _agreements(key: Change, run_ids: tuple[int, ...]) -> list[CriterionAgreement]:  # noqa: ARG001
    with store.reading(engine()) as session:
        chosen = [store.get_run(run_id, session=session) for run_id in run_ids]
    return agreements(chosen, engine())


def agreement(run_ids: list[int]) -> list[CriterionAgreement]:
    """How far raters agree over some runs, by criterion. Raises AgreementError where nobody scored."""
    return _agreements(change(), tuple(run_ids))


def _chosen(run_ids: tuple[int, ...]) -> list[Run]:
    with store.reading(engine()) as session:
        return [store.get_run(run_id, session=session) for run_id in run_ids]


@st.cache_data(show_spinner=False, max_entries=20)
def _judges(key: Change, run_ids: tuple[int, ...]) -> list[str]:  # noqa: ARG001
    return judges_of_runs(_chosen(run_ids), engine())


def judges(run_ids: list[int]) -> list[str]:
    """The judges and panels that scored any of some runs."""
    return _judges(change(), tuple(run_ids))


def criteria(run_ids: list[int]) -> list[str]:
    """The criteria that some runs were scored on, the mean of all first."""
    found = dict.fromkeys(q.criterion for its in summaries(run_ids).values() for q in its.quality if q.score.n)
    return sorted(found, key=lambda name: name != OVERALL) or [OVERALL]


@st.cache_data(show_spinner="Working out the quality", max_entries=50)
def _quality_numbers(
    key: Change,  # noqa: ARG001
    run_ids: tuple[int, ...],
    criterion: str,
    judge: str | None,
    inference: Inference,
) -> list[RunQuality]:
    return quality_numbers(_chosen(run_ids), engine(), criterion, judge=judge, inference=inference)


def quality_numbers_of(run_ids: list[int], criterion: str, judge: str | None, inference: Inference) -> list[RunQuality]:
    """The quality number of some runs. Raises QualityError where nobody scored."""
    return _quality_numbers(change(), tuple(run_ids), criterion, judge, inference)


@st.cache_data(show_spinner="Comparing the runs", max_entries=50)
def _comparison(key: Change, run_ids: tuple[int, ...], criterion: str, judge: str | None) -> Compared:  # noqa: ARG001
    return compare(_chosen(run_ids), engine(), criterion=criterion, judge=judge)[0]


def comparison(run_ids: list[int], criterion: str, judge: str | None = None) -> Compared:
    """Every pair of some runs on one criterion. Raises ComparisonError where they cannot be compared."""
    return _comparison(change(), tuple(run_ids), criterion, judge)


@st.cache_data(show_spinner=False, max_entries=50)
def _preferences(key: Change, newest: int, run_ids: tuple[int, ...]) -> Preferences | None:  # noqa: ARG001
    return preferences(_chosen(run_ids), engine())


def preferences_of(run_ids: list[int]) -> Preferences | None:
    """People's preferences between some runs' answers, side by side; None where nobody compared any."""
    with store.reading(engine()) as session:
        newest = newest_comparison(session=session)  # preferences are none of a run's figures, and change nothing of it
    return _preferences(change(), newest, tuple(run_ids))


def qa_sets() -> dict[int, str]:
    """The QA sets that have runs, with version and fingerprint, newest first, by id."""
    return _qa_sets(change())


@st.cache_data(show_spinner=False, max_entries=4)
def _qa_sets(key: Change) -> dict[int, str]:  # noqa: ARG001
    with store.reading(engine()) as session:
        stored = frames.records(frames.qa_sets_frame(session=session))
    return {row["id"]: f"{row['name']} {row['version']} ({row['sha256'][:6]})" for row in stored}


@st.cache_data(show_spinner=False, max_entries=8)
def _questions(key: Change, qa_set_id: int) -> list[QuestionHead]:  # noqa: ARG001
    with store.reading(engine()) as session:
        return list_question_heads(qa_set_id, session=session)


def questions(qa_set_id: int) -> list[QuestionHead]:
    """The questions of a QA set in their order, without references and documents."""
    return _questions(change(), qa_set_id)


def prices() -> dict[str, Price]:
    """The newest price of each model."""
    with store.reading(engine()) as session:
        return store.list_prices(session=session)


def run_prices() -> PriceCard:
    """The prices that runs are shown at: those stored for a model, else the newest price card's."""
    return prices_of_runs(engine())


@st.cache_data(show_spinner="Reading what was measured", max_entries=20)
def _measured(key: Change, _scenario: Scenario, targets: frozenset[str], acceptable_from: float) -> dict[str, Measured]:  # noqa: ARG001
    return measured_targets(_scenario, engine())


@st.cache_data(show_spinner="Working out the cost", max_entries=50)
def _tco(key: Change, _scenario: Scenario, sha256: str, _card: PriceCard, card_sha256: str) -> Result:  # noqa: ARG001
    return evaluate(
        _scenario,
        _measured(key, _scenario, frozenset(targets_of(_scenario)), _scenario.constraints.acceptable_from),
        _card,
    )


def tco(scenario: Scenario, card: PriceCard) -> Result:
    """The TCO of a scenario on the newest runs of its targets."""
    return _tco(change(), scenario, scenario.sha256, card, card.sha256)


def models_of_target(target: str) -> list[str]:
    """The models of a target's newest run; none where it was never run."""
    newest = runs(target=target, limit=1)
    return newest[0].model.split(" + ") if newest else []


def progress(group_id: str) -> pd.DataFrame:
    """How far the runs of a group are; never cached."""
    with store.reading(engine()) as session:
        return frames.progress_frame(group_id, session=session)


def run(run_id: int) -> Run:
    """One run with its plan and provenance; never cached. Raises StoreError where there is none."""
    with store.reading(engine()) as session:
        return store.get_run(run_id, session=session)


def count_runs(**filters: Any) -> int:
    """How many runs the filters leave."""
    return _count_runs(change(), filters)


@st.cache_data(show_spinner=False, max_entries=100)
def _count_runs(key: Change, filters: dict[str, Any]) -> int:  # noqa: ARG001
    with store.reading(engine()) as session:
        return frames.count_runs(session=session, **filters)


@st.cache_data(show_spinner=False, max_entries=4)
def _tags(key: Change) -> list[str]:  # noqa: ARG001
    with store.reading(engine()) as session:
        return frames.list_tags(session=session)


def tags() -> list[str]:
    """All tags in use."""
    return _tags(change())


def contents(run_id: int) -> dict[str, int]:
    """How many answers, assessments and scores hang on a run; never cached."""
    with store.reading(engine()) as session:
        return frames.records(frames.contents_frame(run_id, session=session))[0]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, and whether a process is at work on it."""

    run_id: int
    group_id: str
    target: str
    status: str
    standing: str  # the status, unless nobody is at the work that it tells of
    error: str | None
    alive: bool
    planned: int
    answered: int
    failed: int
    judged: int
    has_judge: bool


def follow(runs: list[Run]) -> list[Progress]:
    """How far some runs are; never cached."""
    found = []
    rows = {row["run_id"]: row for g in dict.fromkeys(r.group_id for r in runs) for row in frames.records(progress(g))}
    for stored in runs:
        if row := rows.get(stored.id):
            found.append(
                Progress(
                    run_id=row["run_id"],
                    group_id=stored.group_id,
                    target=row["target"],
                    status=str(row["status"]),
                    standing=workers.standing(stored),
                    error=row["error"],
                    alive=workers.is_alive(stored),
                    planned=row["n_planned"],
                    answered=row["n_answers"],
                    failed=row["n_errors"],
                    judged=row["n_assessed"],
                    has_judge=bool(stored.definition.get("judges") or stored.definition.get("judge")),
                )
            )
    return found


def unfinished(limit: int = 20) -> list[Progress]:
    """The newest runs that are not finished; never cached."""
    with store.reading(engine()) as session:
        return follow(store.list_runs(session=session, unfinished=True, limit=limit))


def newest_progress() -> list[Progress]:
    """How far the newest group is, finished or not, in the order its runs were planned; never cached."""
    with store.reading(engine()) as session:
        newest = store.list_runs(session=session, limit=1)
        return follow(store.list_runs(session=session, group_id=newest[0].group_id)[::-1]) if newest else []


@dataclass(slots=True)
class Jobs:
    """The commands this dashboard started on a database, by what they do: when, and where their output goes."""

    lock: Lock
    started: dict[str, tuple[float, Path]]


@st.cache_resource(show_spinner=False)
def _jobs(url: str) -> Jobs:  # noqa: ARG001
    return Jobs(Lock(), {})


def jobs() -> Jobs:
    """What was started here, for all who look at this dashboard."""
    return _jobs(store.database_url())
