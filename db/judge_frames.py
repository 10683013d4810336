"""What several judges and several readings of one judge say of the same answers, grouped in SQL.

Means of one source are frames.py's business; which of these figures are shown is decided in eval.summary.
"""

import pandas as pd
from sqlmodel import Session

from db.frames import read_frame
from db.scales import list_mixed

# A judge's score of an answer is the mean over its readings; "overall" that of the criteria where all were scored
# and have one scale.
BY_JUDGE = """
WITH verdict AS (
    SELECT assessment.id AS assessment_id, assessment.answer_id, assessment.question_id,
           assessment.rater_id AS judge_id, assessment.protocol, assessment.rubric_id, assessment.status,
           assessment.sample, CASE WHEN assessment.same_family THEN 1 ELSE 0 END AS same_family
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    WHERE assessment.run_id = :run_id AND assessment.current AND rater.kind = 'judge'
), single AS (
    SELECT verdict.*, score.criterion, score.value FROM verdict JOIN score USING (assessment_id)
    WHERE score.value IS NOT NULL
    UNION ALL
    SELECT assessment_id, answer_id, question_id, judge_id, protocol, rubric_id, status, sample, same_family,
           'overall', avg(score.value)
    FROM verdict JOIN score USING (assessment_id) WHERE status = 'ok' AND rubric_id NOT IN :mixed
    GROUP BY assessment_id, answer_id, question_id, judge_id, protocol, rubric_id, status, sample, same_family
    HAVING count(score.value) = count(*) AND count(*) > 1
), by_judge AS (
    SELECT judge_id, protocol, rubric_id, criterion, question_id, answer_id, avg(value) AS value, count(*) AS readings,
           max(value) - min(value) AS spread, max(same_family) AS same_family
    FROM single GROUP BY judge_id, protocol, rubric_id, criterion, question_id, answer_id
)
"""

_PANEL = (
    BY_JUDGE
    + """, size AS (
    SELECT protocol, rubric_id, count(DISTINCT judge_id) AS judges FROM verdict GROUP BY protocol, rubric_id
), panel AS (
    SELECT by_judge.protocol, by_judge.rubric_id, criterion, question_id, answer_id, avg(value) AS value,
           max(value) - min(value) AS spread, max(same_family) AS same_family, max(judges) AS judges
    FROM by_judge JOIN size USING (protocol, rubric_id) WHERE judges > 1
    GROUP BY by_judge.protocol, by_judge.rubric_id, criterion, question_id, answer_id
    HAVING count(*) = max(judges)
)
SELECT protocol, rubric_id, criterion, question_id, count(*) AS n_answers, avg(value) AS mean, avg(spread) AS spread,
       max(same_family) AS same_family, max(judges) AS judges
FROM panel GROUP BY protocol, rubric_id, criterion, question_id
"""
)

_FLICKER = (
    BY_JUDGE
    + """SELECT judge_id, protocol, rubric_id, criterion, question_id, avg(spread) AS spread, max(readings) AS readings
FROM by_judge WHERE readings > 1 GROUP BY judge_id, protocol, rubric_id, criterion, question_id
"""
)

_SPENT = """
SELECT rater.name, rater.model, assessment.protocol, count(*) AS assessments,
       sum(assessment.prompt_tokens) AS prompt_tokens, sum(assessment.completion_tokens) AS completion_tokens,
       sum(assessment.total_ms) / 1000.0 AS seconds,
       sum(CASE WHEN assessment.prompt_tokens IS NULL THEN 1 ELSE 0 END) AS uncounted
FROM assessment JOIN rater ON rater.id = assessment.rater_id
WHERE assessment.run_id = :run_id AND rater.kind = 'judge'
GROUP BY rater.name, rater.model, assessment.protocol ORDER BY min(assessment.id)
"""

_CHECKS = """
SELECT assessment.rater_id AS judge_id, assessment.protocol, assessment.question_id,
       avg(CASE WHEN check_result.met THEN 1.0 ELSE 0.0 END) AS share, count(*) AS n
FROM assessment JOIN check_result ON check_result.assessment_id = assessment.id
WHERE assessment.run_id = :run_id AND assessment.current AND check_result.met IS NOT NULL
GROUP BY assessment.rater_id, assessment.protocol, assessment.question_id
"""

_WORDING = """
SELECT answer.question_id, question.reference, avg(answer.words) AS words, avg(answer.repeated_4grams) AS repeated
FROM answer JOIN question ON question.id = answer.question_id
WHERE answer.run_id = :run_id AND NOT answer.cold AND answer.words IS NOT NULL
GROUP BY answer.question_id, question.reference
"""


def panel_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Mean score a question and criterion over all judges of one protocol and rubric, with their mean spread.

    Only answers that every one of them scored; empty where a run has one judge. Spread: highest less lowest, points.
    """
    return read_frame(_PANEL, session, run_id=run_id, mixed=list_mixed(session=session))


def flicker_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """How far apart one judge's readings of the same answer are, by question and criterion, in points."""
    return read_frame(_FLICKER, session, run_id=run_id, mixed=list_mixed(session=session))


def spent_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """What judging took, by judge and protocol: assessments (replaced ones too), tokens, seconds of waiting."""
    return read_frame(_SPENT, session, run_id=run_id)


def checks_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """The share of yes/no checks met, by judge, protocol and question, with how many were answered."""
    return read_frame(_CHECKS, session, run_id=run_id)


def wording_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Mean words and repeated 4-grams of the answers to each question, with its reference."""
    return read_frame(_WORDING, session, run_id=run_id)
