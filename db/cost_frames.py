"""What the cost model needs of one run, grouped in SQL: consumption by stage, requests, judging, acceptable answers.

A row stands for a question, or for an answer, never for a mean over the run: intervals are made in eval from these.
"""

import pandas as pd
from sqlmodel import Session

from db.frames import read_frame
from db.judge_frames import BY_JUDGE
from db.scales import list_mixed

# Of a stage that was gone through again, because a later one had failed and was tried again, the last call counts.
_STAGE_USE = """
SELECT call.stage, call.model, answer.question_id, count(*) AS n,
       avg(call.prompt_tokens) AS prompt, avg(call.completion_tokens) AS completion,
       avg(call.cached_tokens) AS cached, avg(call.reasoning_tokens) AS reasoning, avg(call.total_ms) AS ms
FROM answer JOIN call ON call.answer_id = answer.id
WHERE answer.run_id = :run_id AND NOT answer.cold AND answer.error_kind IS NULL AND call.error_kind IS NULL
      AND NOT EXISTS (SELECT 1 FROM call AS later WHERE later.answer_id = call.answer_id AND later.id > call.id
                      AND later.stage = call.stage AND later.error_kind IS NULL)
GROUP BY call.stage, call.model, answer.question_id ORDER BY min(call.id)
"""

_REQUESTS = """
SELECT sum(requests) AS requests, count(*) AS needed FROM (
    SELECT count(*) AS requests FROM answer JOIN call ON call.answer_id = answer.id
    WHERE answer.run_id = :run_id AND NOT answer.cold AND answer.error_kind IS NULL
    GROUP BY answer.id, call.stage
) AS counted
"""

_MEAN_TIME = """
SELECT count(*) AS n, avg(total_ms) AS mean_ms FROM answer
WHERE run_id = :run_id AND NOT cold AND error_kind IS NULL AND total_ms IS NOT NULL
"""

# Of all requests of an answer that came, repeats left out; one that did not tell its first token (it came in one piece)
# leaves its answer out.
_FIRST_TOKEN = """
WITH per_answer AS (
    SELECT sum(call.ttft_ms) AS ttft_ms, sum(call.total_ms) AS total_ms,
           count(*) = count(call.ttft_ms) AND count(*) = count(call.total_ms) AND sum(call.total_ms) > 0 AS told
    FROM answer JOIN call ON call.answer_id = answer.id
    WHERE answer.run_id = :run_id AND NOT answer.cold AND answer.error_kind IS NULL AND call.error_kind IS NULL
    GROUP BY answer.id
)
SELECT count(*) AS answers, count(CASE WHEN told THEN 1 END) AS told,
       sum(CASE WHEN told THEN ttft_ms END) / sum(CASE WHEN told THEN total_ms END) AS share
FROM per_answer
"""

# An answer read several times is paid for several times. A reading without a count leaves its answer's use unknown.
_JUDGE_USE = """
WITH per_answer AS (
    SELECT assessment.rater_id AS judge_id, assessment.protocol, assessment.rubric_id, assessment.question_id,
           assessment.answer_id,
           CASE WHEN count(*) = count(assessment.prompt_tokens) THEN sum(assessment.prompt_tokens) END AS prompt,
           CASE WHEN count(*) = count(assessment.completion_tokens)
                THEN sum(assessment.completion_tokens) END AS completion
    FROM assessment JOIN rater ON rater.id = assessment.rater_id
    WHERE assessment.run_id = :run_id AND assessment.current AND rater.kind = 'judge'
    GROUP BY assessment.rater_id, assessment.protocol, assessment.rubric_id, assessment.question_id,
             assessment.answer_id
)
SELECT per_answer.judge_id, rater.model, per_answer.protocol, per_answer.rubric_id, per_answer.question_id,
       avg(per_answer.prompt) AS prompt, avg(per_answer.completion) AS completion
FROM per_answer JOIN rater ON rater.id = per_answer.judge_id
GROUP BY per_answer.judge_id, rater.model, per_answer.protocol, per_answer.rubric_id, per_answer.question_id
"""

_WORST = (
    BY_JUDGE
    + """, size AS (
    SELECT protocol, rubric_id, count(DISTINCT judge_id) AS judges FROM verdict GROUP BY protocol, rubric_id
), source AS (
    SELECT 'judge' AS kind, judge_id, protocol, rubric_id, criterion, question_id, answer_id, value FROM by_judge
    UNION ALL
    SELECT 'panel', NULL, by_judge.protocol, by_judge.rubric_id, criterion, question_id, answer_id, avg(value)
    FROM by_judge JOIN size USING (protocol, rubric_id) WHERE judges > 1
    GROUP BY by_judge.protocol, by_judge.rubric_id, criterion, question_id, answer_id
    HAVING count(*) = max(judges)
)
SELECT kind, judge_id, protocol, rubric_id, question_id, answer_id, min(value) AS worst, count(*) AS criteria
FROM source WHERE criterion <> 'overall'
GROUP BY kind, judge_id, protocol, rubric_id, question_id, answer_id
"""
)


def stage_use_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Mean tokens and time (ms) a stage, model and question over the answers that came; unknown counts left out."""
    return read_frame(_STAGE_USE, session, run_id=run_id)


def requests_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """One row: requests that the answers took, failed attempts too, and how many they would be without repeats."""
    return read_frame(_REQUESTS, session, run_id=run_id)


def mean_time_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """One row: how many answers have a total time, and its mean in ms."""
    return read_frame(_MEAN_TIME, session, run_id=run_id)


def first_token_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """One row: how many answers came, how many of them told their first token, and the share of the time of these that
    had passed at it; None where none did.
    """
    return read_frame(_FIRST_TOKEN, session, run_id=run_id)


def judge_use_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """Mean tokens that judging one answer took, by judge, protocol, rubric and question, over all its readings."""
    return read_frame(_JUDGE_USE, session, run_id=run_id)


def worst_scores_frame(run_id: int, *, session: Session) -> pd.DataFrame:
    """The lowest criterion of each answer by judge or panel, with how many criteria were scored."""
    return read_frame(_WORST, session, run_id=run_id, mixed=list_mixed(session=session))
