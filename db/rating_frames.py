"""Single scores by rater, as a frame: what agreement between raters is computed from.

Means of one source over a run are frames.py's business. Scores of answers that were picked because judges disagree
about them are left out here: they stand for nothing but themselves.
"""

from collections.abc import Sequence

import pandas as pd
from sqlmodel import Session

from db.frames import read_frame

# Of a person the newest verdict counts that no disagreement queue led to: a later one there does not hide it.
_RATINGS = """
WITH standing AS (
    SELECT assessment.id, row_number() OVER (
        PARTITION BY assessment.answer_id, assessment.rater_id, assessment.rubric_id, assessment.protocol,
                     assessment.sample
        ORDER BY assessment.current DESC, assessment.created_at DESC, assessment.id DESC
    ) AS place
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    LEFT JOIN draw ON draw.id = assessment.draw_id LEFT JOIN sample ON sample.id = draw.sample_id
    WHERE assessment.run_id IN :ids AND rater.kind = 'person'
      AND (sample.design IS NULL OR sample.design <> 'disagreement')
), verdict AS (
    SELECT assessment.id AS assessment_id, assessment.answer_id, assessment.run_id, assessment.question_id,
           assessment.rater_id, assessment.protocol, assessment.rubric_id, assessment.draw_id, assessment.same_family
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    WHERE assessment.run_id IN :ids AND assessment.status IN ('ok', 'partial')
      AND (rater.kind = 'judge' AND assessment.current OR assessment.id IN (SELECT id FROM standing WHERE place = 1))
)
SELECT run.id AS run_id, run.target, question.sha256 AS question, question.key AS question_key, verdict.answer_id,
       rater.id AS rater_id, rater.kind, rater.name AS rater, verdict.protocol, verdict.rubric_id, score.criterion,
       avg(score.value) AS value, count(*) AS readings,
       max(CASE WHEN verdict.same_family THEN 1 ELSE 0 END) AS same_family
FROM verdict JOIN score ON score.assessment_id = verdict.assessment_id
JOIN rater ON rater.id = verdict.rater_id JOIN run ON run.id = verdict.run_id
JOIN question ON question.id = verdict.question_id
WHERE score.value IS NOT NULL
GROUP BY run.id, run.target, question.sha256, question.key, verdict.answer_id, rater.id, rater.kind, rater.name,
         verdict.protocol, verdict.rubric_id, score.criterion
ORDER BY min(score.id)
"""

_QUESTIONS = """
SELECT DISTINCT question.id AS question_id, question.sha256 AS question, question.key AS question_key
FROM answer JOIN question ON question.id = answer.question_id
WHERE answer.run_id = :run_id AND NOT answer.cold AND answer.error_kind IS NULL
"""


def ratings_frame(run_ids: Sequence[int], *, session: Session) -> pd.DataFrame:
    """Every rater's score of every answer of some runs by criterion; a judge's readings of one answer are averaged.

    Questions go by their content's hash, so that the same question of two versions of a QA set is one.
    """
    return read_frame(_RATINGS, session, ids=list(run_ids))


def answered_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """The questions that a run answered, by id, content's hash and key."""
    return read_frame(_QUESTIONS, session, run_id=run_id)
