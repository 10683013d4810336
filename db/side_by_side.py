"""Everything stored about one question in some runs: answers, their calls and every verdict on them.

Read by question and runs through an index, so a million stored answers cost nothing. Figures over many answers are
grouped in frames.py; single verbs are the store's.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from db.models import Answer, Assessment, Call, CheckResult, Question, Rater, Score
from db.store import StoreError, list_assessments, list_calls, list_scores


@dataclass(frozen=True, slots=True)
class QuestionHead:
    """What a list of questions shows of one."""

    question_id: int
    key: str
    category: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rater's verdict with its scores and checks, and how many earlier ones of the same rater it replaced."""

    assessment: Assessment
    rater: Rater
    scores: tuple[Score, ...]
    replaced: int = 0
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its calls in the order they were made, and the verdicts that count."""

    answer: Answer
    calls: tuple[Call, ...] = ()
    verdicts: tuple[Verdict, ...] = field(default=())


def list_question_heads(qa_set_id: int, *, session: Session) -> list[QuestionHead]:
    """The questions of a QA set in their order, without references and documents."""
    columns = (col(Question.id), col(Question.key), col(Question.category), col(Question.text))
    query = select(*columns).where(Question.qa_set_id == qa_set_id).order_by(col(Question.position))
    return [QuestionHead(row[0] or 0, *row[1:]) for row in session.exec(query)]


def get_question(question_id: int, *, session: Session) -> Question:
    """One question with everything it came with. Raises StoreError where there is none with this id."""
    if question := session.get(Question, question_id):
        return question
    raise StoreError("This question is no longer there; reload the page.")


def answers_to(question_id: int, run_ids: Sequence[int]):
    """The query for what some runs answered to a question, warm-ups left out."""
    return (
        select(Answer)
        .where(col(Answer.run_id).in_(run_ids), Answer.question_id == question_id, col(Answer.cold).is_(False))
        .order_by(col(Answer.run_id), col(Answer.repeat))
    )


def list_replies(question_id: int, run_ids: Sequence[int], *, session: Session) -> list[Reply]:
    """What some runs answered to a question, by run and repeat, with calls and current verdicts."""
    answers = list(session.exec(answers_to(question_id, run_ids)))
    ids = [answer.id for answer in answers if answer.id is not None]
    if not ids:
        return []
    calls: dict[int | None, list[Call]] = defaultdict(list)
    for call in list_calls(session=session, answer_ids=ids):
        calls[call.answer_id].append(call)
    verdicts = _verdicts(ids, session)
    return [Reply(answer, tuple(calls[answer.id]), tuple(verdicts[answer.id])) for answer in answers]


def _verdicts(answer_ids: Sequence[int], session: Session) -> dict[int | None, list[Verdict]]:
    assessed = list_assessments(answer_ids, session=session)
    current = [(assessment, rater) for assessment, rater in assessed if assessment.current]
    ids = [assessment.id for assessment, _ in current if assessment.id is not None]
    scores: dict[int | None, list[Score]] = defaultdict(list)
    for score in list_scores(ids, session=session):
        scores[score.assessment_id].append(score)
    checks: dict[int | None, list[CheckResult]] = defaultdict(list)
    of_these = select(CheckResult).where(col(CheckResult.assessment_id).in_(ids)).order_by(col(CheckResult.id))
    for check in session.exec(of_these):
        checks[check.assessment_id].append(check)
    earlier: dict[tuple[object, ...], int] = defaultdict(int)
    for assessment, _ in assessed:
        earlier[_line(assessment)] += not assessment.current
    found: dict[int | None, list[Verdict]] = defaultdict(list)
    for assessment, rater in current:
        given, checked = tuple(scores[assessment.id]), tuple(checks[assessment.id])
        found[assessment.answer_id].append(Verdict(assessment, rater, given, earlier[_line(assessment)], checked))
    return found


def _line(assessment: Assessment) -> tuple[object, ...]:
    """What makes a later verdict replace an earlier one."""
    return assessment.answer_id, assessment.rater_id, assessment.rubric_id, assessment.protocol, assessment.sample
