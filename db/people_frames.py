"""People's scores with the draw that led to them, and their preferences, grouped in SQL.

What the quality number and the agreement of people rest on. Plain means of one source are frames.py's business.
"""

import json
from typing import Any

import pandas as pd
from sqlmodel import Session

from db.frames import read_frame
from db.scales import list_mixed

# A person's newest word within a draw; scores that belong to no sample have draw 0. Rows of which status counts are
# chosen after that, so that scores that were taken back leave nothing. "overall" needs every criterion, on one scale.
_HAND = """
WITH newest AS (
    SELECT assessment.id, row_number() OVER (
        PARTITION BY coalesce(assessment.draw_id, 0), assessment.answer_id, assessment.rater_id, assessment.rubric_id
        ORDER BY assessment.current DESC, assessment.created_at DESC, assessment.id DESC
    ) AS place
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    WHERE assessment.run_id = :run_id AND rater.kind = 'person'
), verdict AS (
    SELECT assessment.id AS assessment_id, assessment.answer_id, assessment.question_id, assessment.rater_id,
           assessment.rubric_id, assessment.status, assessment.blind, draw.sample_id, draw.stratum, draw.probability
    FROM newest JOIN assessment ON assessment.id = newest.id LEFT JOIN draw ON draw.id = assessment.draw_id
    WHERE newest.place = 1 AND assessment.status IN ('ok', 'partial')
), single AS (
    SELECT verdict.*, score.criterion, score.value FROM verdict JOIN score USING (assessment_id)
    WHERE score.value IS NOT NULL
    UNION ALL
    SELECT assessment_id, answer_id, question_id, rater_id, rubric_id, status, blind, sample_id, stratum, probability,
           'overall', avg(score.value)
    FROM verdict JOIN score USING (assessment_id) WHERE status = 'ok' AND rubric_id NOT IN :mixed
    GROUP BY assessment_id, answer_id, question_id, rater_id, rubric_id, status, blind, sample_id, stratum, probability
    HAVING count(score.value) = count(*) AND count(*) > 1
)
"""

_HAND_SCORES = (
    _HAND
    + """, per_answer AS (
    SELECT sample_id, stratum, probability, rubric_id, criterion, question_id, answer_id,
           avg(value) AS value, count(*) AS raters
    FROM single GROUP BY sample_id, stratum, probability, rubric_id, criterion, question_id, answer_id
)
SELECT sample_id, (SELECT design FROM sample WHERE sample.id = sample_id) AS design, rubric_id, criterion,
       question_id, avg(value) AS mean, count(*) AS n_answers, sum(raters) AS n_verdicts,
       coalesce(stratum, '') AS stratum, probability
FROM per_answer GROUP BY sample_id, rubric_id, criterion, question_id, stratum, probability
ORDER BY sample_id, criterion, question_id
"""
)

_BY_RATER = (
    _HAND
    + """SELECT sample_id, (SELECT design FROM sample WHERE sample.id = sample_id) AS design, rubric_id, criterion,
       question_id, answer_id, rater.name AS rater, value, blind, probability
FROM single JOIN rater ON rater.id = single.rater_id ORDER BY sample_id, criterion, answer_id, rater.name
"""
)

_STRATA = "SELECT strata FROM sample WHERE id = :sample_id"

_PREFERENCES = """
SELECT comparison.question_id, one.run_id AS left_run_id, other.run_id AS right_run_id, rater.name AS rater,
       comparison.preference
FROM answer AS one JOIN comparison ON comparison.left_answer_id = one.id
     JOIN answer AS other ON other.id = comparison.right_answer_id JOIN rater ON rater.id = comparison.rater_id
WHERE one.run_id IN :ids AND other.run_id IN :ids AND comparison.current AND comparison.preference IS NOT NULL
ORDER BY comparison.id
"""


def hand_scores_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """People's mean score a sample, criterion and question of one run, with how the question came to be scored.

    Columns: sample_id and design (null where no sample led to the scores), rubric_id, criterion (or "overall"),
    question_id, mean (over people, then repeats), n_answers, n_verdicts, stratum, probability (that the design drew the
    question; null where it was picked: `disagreement`, or no sample).
    """
    return read_frame(_HAND_SCORES, session, run_id=run_id, mixed=list_mixed(session=session))


def hand_verdicts_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Every person's score of every answer of one run, criterion by criterion: for agreement among people.

    Columns: sample_id, design, rubric_id, criterion (or "overall"), question_id, answer_id, rater, value, blind,
    probability.
    """
    return read_frame(_BY_RATER, session, run_id=run_id, mixed=list_mixed(session=session))


def strata_frame(sample_id: int, run_id: int, *, session: Session) -> pd.DataFrame:
    """Every question of one run from which a sample was drawn, scored or not: question_id, stratum, probability.

    Empty for a `disagreement` sample and for a run the sample does not hold.
    """
    found = read_frame(_STRATA, session, sample_id=sample_id)["strata"]
    strata: list[dict[str, Any]] = _listed(found.iloc[0]) if len(found) else []
    rows = [
        (question_id, stratum["name"], stratum["probability"])
        for stratum in strata
        if stratum["run_id"] == run_id
        for question_id in stratum["question_ids"]
    ]
    return pd.DataFrame(rows, columns=["question_id", "stratum", "probability"]).astype({"probability": float})


def _listed(strata: Any) -> list[dict[str, Any]]:
    return json.loads(strata) if isinstance(strata, str) else list(strata)


def preferences_frame(run_ids: list[int], *, session: Session) -> pd.DataFrame:
    """Every preference that counts between answers of some runs.

    Columns: question_id, left_run_id, right_run_id, rater, preference (left, same, right).
    """
    return read_frame(_PREFERENCES, session, ids=list(run_ids))
