"""Aggregates as DataFrames, grouped in SQL: what charts, tables and statistics are made from.

Intervals and other statistics are computed in eval from these frames; single rows are the store's business.
"""

import json
from typing import Any

import pandas as pd
from sqlalchemy import bindparam, text
from sqlmodel import Session

from db.scales import list_mixed

LATENCIES = ("ttft_ms", "ttfat_ms", "total_ms", "generation_ms", "prepare_ms")

_RUNS = """
SELECT run.id AS run_id, run.group_id, run.name, run.target, run.kind, run.model, run.endpoint, run.family,
       run.qa_set_id, qa_set.name AS qa_set, qa_set.version AS qa_set_version, qa_set.n_questions AS qa_set_size,
       run.n_questions, run.repeats, run.concurrency, run.n_planned, run.status, run.error, run.simulated, run.tags,
       run.created_at, run.started_at, run.ended_at
FROM run JOIN qa_set ON qa_set.id = run.qa_set_id
"""

_RUN_FILTERS = {
    "ids": "run.id IN :ids",
    "qa_set_id": "run.qa_set_id = :qa_set_id",
    "group_id": "run.group_id = :group_id",
    "status": "run.status = :status",
    "target": "run.target = :target",
    "tag": "replace(CAST(run.tags AS TEXT), :tag, '') <> CAST(run.tags AS TEXT)",
    "contains": "lower(run.name || ' ' || run.target || ' ' || run.model) LIKE lower(:contains) ESCAPE '!'",
}

_TARGETS = "SELECT target, min(id) AS first_run FROM run GROUP BY target ORDER BY first_run"

_TAGS = "SELECT DISTINCT CAST(tags AS TEXT) AS tags FROM run"

_CONTENTS = """
SELECT (SELECT count(*) FROM answer WHERE run_id = :run_id) AS answers,
       (SELECT count(*) FROM assessment WHERE run_id = :run_id) AS assessments,
       (SELECT count(*) FROM score JOIN assessment ON assessment.id = score.assessment_id
        WHERE assessment.run_id = :run_id) AS scores
"""

# Of a stage that was gone through again, because a later one had failed and was tried again, the last call counts.
_QA_SETS = """
SELECT id, name, version, sha256 FROM qa_set
WHERE EXISTS (SELECT 1 FROM run WHERE run.qa_set_id = qa_set.id) ORDER BY id DESC
"""

_ANSWERS = """
SELECT question_id, error_kind IS NOT NULL AS failed, client_limited, tokens_estimated, streamed,
       ttft_ms, ttfat_ms, total_ms, generation_ms, prepare_ms, tokens_per_s,
       prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens
FROM answer WHERE run_id = :run_id AND NOT cold
"""

# An answer's score from one source is the mean over that source's raters (people are pooled, each judge stands alone);
# a question's is the mean over its repeats. "overall" is the mean of the criteria, where all of them were scored (a
# partial verdict may hold no row for a criterion that could not be read) and all have one scale.
# People's scores stand in a plain mean only where no sample led to them, or one whose design gave every question of the
# run the same probability. Of a person the newest such verdict counts: a later one in another sample does not hide it.
_QUESTION_SCORES = """
WITH met AS (
    SELECT DISTINCT draw.sample_id FROM assessment JOIN draw ON draw.id = assessment.draw_id
    WHERE assessment.run_id = :run_id
), even AS (
    SELECT draw.sample_id FROM met JOIN draw USING (sample_id) JOIN answer ON answer.id = draw.answer_id
           JOIN sample ON sample.id = draw.sample_id
    WHERE answer.run_id = :run_id AND sample.design <> 'disagreement'
    GROUP BY draw.sample_id
    HAVING count(draw.probability) = count(*) AND max(draw.probability) - min(draw.probability) < 0.000000001
), standing AS (
    SELECT assessment.id, row_number() OVER (
        PARTITION BY assessment.answer_id, assessment.rater_id, assessment.rubric_id, assessment.protocol,
                     assessment.sample
        ORDER BY assessment.current DESC, assessment.created_at DESC, assessment.id DESC
    ) AS place
    FROM assessment JOIN rater ON rater.id = assessment.rater_id LEFT JOIN draw ON draw.id = assessment.draw_id
    WHERE assessment.run_id = :run_id AND rater.kind = 'person'
      AND (assessment.draw_id IS NULL OR draw.sample_id IN (SELECT sample_id FROM even))
), verdict AS (
    SELECT assessment.id AS assessment_id, assessment.answer_id, assessment.question_id, assessment.protocol,
           assessment.rubric_id, assessment.status, rater.kind,
           CASE rater.kind WHEN 'person' THEN NULL ELSE rater.id END AS judge_id,
           CASE WHEN assessment.same_family THEN 1 ELSE 0 END AS same_family
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    WHERE assessment.run_id = :run_id
      AND (rater.kind = 'judge' AND assessment.current OR assessment.id IN (SELECT id FROM standing WHERE place = 1))
), single AS (
    SELECT verdict.*, score.criterion, score.value FROM verdict JOIN score USING (assessment_id)
    WHERE score.value IS NOT NULL
    UNION ALL
    SELECT assessment_id, answer_id, question_id, protocol, rubric_id, status, kind, judge_id, same_family,
           'overall', avg(score.value)
    FROM verdict JOIN score USING (assessment_id) WHERE status = 'ok' AND rubric_id NOT IN :mixed
    GROUP BY assessment_id, answer_id, question_id, protocol, rubric_id, status, kind, judge_id, same_family
    HAVING count(score.value) = count(*) AND count(*) > 1
), per_answer AS (
    SELECT kind, judge_id, protocol, rubric_id, criterion, question_id,
           avg(value) AS value, max(same_family) AS same_family
    FROM single GROUP BY kind, judge_id, protocol, rubric_id, criterion, question_id, answer_id
)
SELECT kind, judge_id, protocol, rubric_id, criterion, question_id,
       count(*) AS n_answers, avg(value) AS mean, max(same_family) AS same_family
FROM per_answer GROUP BY kind, judge_id, protocol, rubric_id, criterion, question_id
"""

_VERDICTS = """
SELECT rater.kind, CASE rater.kind WHEN 'person' THEN NULL ELSE rater.id END AS judge_id,
       assessment.protocol, assessment.rubric_id, assessment.status, count(DISTINCT assessment.answer_id) AS n,
       sum(assessment.prompt_tokens) AS prompt_tokens, sum(assessment.completion_tokens) AS completion_tokens
FROM assessment JOIN rater ON rater.id = assessment.rater_id
WHERE assessment.run_id = :run_id AND assessment.current
GROUP BY 1, 2, 3, 4, 5
"""

_PROGRESS = """
SELECT run.id AS run_id, run.target, run.status, run.n_planned,
       (SELECT count(*) FROM answer WHERE run_id = run.id AND NOT cold) AS n_answers,
       (SELECT count(*) FROM answer WHERE run_id = run.id AND NOT cold AND error_kind IS NOT NULL) AS n_errors,
       (SELECT count(DISTINCT answer_id) FROM assessment WHERE run_id = run.id AND current) AS n_assessed,
       run.worker, run.heartbeat_at, run.error
FROM run WHERE run.group_id = :group_id ORDER BY run.id
"""


def read_frame(query: str, session: Session, **values: object) -> pd.DataFrame:
    """The rows of a query as a DataFrame. A database's complaint is raised as it said it, for the store to explain."""
    statement = text(query)
    lists = [bindparam(name, expanding=True) for name, value in values.items() if isinstance(value, (list, tuple))]
    statement = statement.bindparams(*lists) if lists else statement
    try:
        return pd.read_sql_query(statement, session.connection(), params=values)  # pyright: ignore[reportArgumentType]
    except pd.errors.DatabaseError as error:  # pandas wraps what the database said; the store explains it
        raise error.__cause__ or error from None


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as dictionaries, None where a value is missing."""
    rows: Any = frame.to_dict("records")
    return [{name: None if _missing(value) else value for name, value in row.items()} for row in rows]


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def _filters(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The WHERE clause for the filters that were given, with its values."""
    values = {name: value for name, value in given.items() if value is not None}
    where = " AND ".join(_RUN_FILTERS[name] for name in values)
    if "tag" in values:  # the JSON text of a list of strings holds the tag as JSON writes it
        values["tag"] = json.dumps(values["tag"])
    if "contains" in values:
        values["contains"] = f"%{_literal(values['contains'])}%"
    return (f" WHERE {where}" if where else ""), values


def _literal(part: str) -> str:
    for special in ("!", "%", "_"):
        part = part.replace(special, f"!{special}")
    return part


def runs_frame(*, session: Session, limit: int | None = None, offset: int = 0, **filters: Any) -> pd.DataFrame:
    """Runs, newest first, a row each, with the QA set's name and version; no figures, no JSON but the tags.

    Filters: ids, qa_set_id, group_id, status, target, tag, contains (a part of name, target or model, any case).
    """
    where, values = _filters(filters)
    page = "" if limit is None else " LIMIT :limit OFFSET :offset"
    values |= {} if limit is None else {"limit": limit, "offset": offset}
    frame = read_frame(_RUNS + where + " ORDER BY run.id DESC" + page, session, **values)
    for column in ("created_at", "started_at", "ended_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    frame["tags"] = pd.Series([_listed(tags) for tags in frame["tags"]], dtype=object, index=frame.index)
    frame["simulated"] = frame["simulated"].astype(bool)
    return frame


def _listed(tags: Any) -> list[str]:
    return json.loads(tags) if isinstance(tags, str) else list(tags)


def count_runs(*, session: Session, **filters: Any) -> int:
    """How many runs the filters of runs_frame leave."""
    where, values = _filters(filters)
    return int(read_frame(f"SELECT count(*) AS n FROM run{where}", session, **values)["n"].iloc[0])


def targets_frame(*, session: Session) -> pd.DataFrame:
    """The names of all targets in the order of their first run: what colours go by."""
    return read_frame(_TARGETS, session)


def list_tags(*, session: Session) -> list[str]:
    """All tags in use, by name."""
    return sorted({tag for tags in read_frame(_TAGS, session)["tags"] for tag in _listed(tags)})


def contents_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """How many answers, assessments and scores would go with a run: one row."""
    return read_frame(_CONTENTS, session, run_id=run_id)


def answers_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """The measured answers of one run without their texts, warm-ups left out; times in ms."""
    return read_frame(_ANSWERS, session, run_id=run_id)


def qa_sets_frame(*, session: Session) -> pd.DataFrame:
    """The QA sets that have runs, newest first."""
    return read_frame(_QA_SETS, session)


def question_scores_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Mean score a question, criterion and source (a judge under a protocol and rubric, or the people) of one run.

    Scores of people from a `disagreement` sample, or one drawn with unequal probabilities, are not among them:
    people_frames has these.
    """
    return read_frame(_QUESTION_SCORES, session, run_id=run_id, mixed=list_mixed(session=session))


def verdicts_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """How many answers of one run each source assessed, by status, with the tokens that cost."""
    return read_frame(_VERDICTS, session, run_id=run_id)


def progress_frame(group_id: str, *, session: Session) -> pd.DataFrame:
    """How far the runs of a group are: planned, answered, failed and assessed answers."""
    return read_frame(_PROGRESS, session, group_id=group_id)
