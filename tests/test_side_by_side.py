"""side_by_side.py: all there is about one question, found through indexes."""

import pytest
from plans import plans, statements
from samples import TARGETS, add_group
from sqlmodel import col, select

from dashboard.score_desk import rubric_row
from db import scoring, store
from db.models import Answer, Assessment, AssessmentStatus, Call, Question, Rater
from db.scoring import Given
from db.side_by_side import get_question, list_question_heads, list_replies
from eval.rubric import built_in


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four targets and twelve questions; Anna scored the large target's answer to q2 twice."""
    url = f"sqlite:///{tmp_path_factory.mktemp('side') / 'test.db'}"
    add_group(url, targets=TARGETS, questions=12, judged=True, people=True)
    for score in (1, 2):
        with store.writing(store.connect(url)) as session:
            answer = session.exec(select(Answer).where(Answer.run_id == 2, Answer.question_id == 3)).one()
            given = Given({"coherence": score, "factuality": 4, "conciseness": 3})
            scoring.save_given(
                answer.id or 0, given, name="Anna", rubric=rubric_row(built_in()), place=1, session=session
            )
    return url


def test_every_run_in_view_gives_its_answer_with_calls_and_current_verdicts(url: str):
    with store.reading(store.connect(url)) as session:
        replies = list_replies(3, [2, 1, 3], session=session)
        assert [reply.answer.run_id for reply in replies] == [1, 2, 3]
        for reply in replies:
            calls = session.exec(select(Call).where(Call.answer_id == reply.answer.id)).all()
            assert list(reply.calls) == calls
            assert {v.rater.name for v in reply.verdicts} >= {"test-judge", "Test Person"}
            assert all(v.assessment.answer_id == reply.answer.id for v in reply.verdicts)
            assert all(len(v.scores) == 3 for v in reply.verdicts)


def test_a_replaced_verdict_is_counted_but_not_shown(url: str):
    with store.reading(store.connect(url)) as session:
        (reply,) = list_replies(3, [2], session=session)
    (anna,) = [verdict for verdict in reply.verdicts if verdict.rater.name == "Anna"]
    assert {score.criterion: score.value for score in anna.scores}["coherence"] == 2
    assert anna.replaced == 1
    assert [v.replaced for v in reply.verdicts if v.rater.name != "Anna"] == [0, 0]


def test_a_failed_answer_is_there_with_its_sentence_and_warm_ups_are_not(url: str):
    with store.reading(store.connect(url)) as session:
        replies = list_replies(1, [1], session=session)
    assert [(reply.answer.error_kind, reply.answer.cold) for reply in replies] == [("timeout", False)]
    assert replies[0].verdicts == ()


def test_nothing_is_read_for_a_question_nobody_answered(url: str):
    with store.reading(store.connect(url)) as session:
        assert list_replies(999, [1, 2], session=session) == []


def test_no_table_is_read_through(url: str):
    """Every statement finds its rows by an index, so a million other answers cost nothing."""
    engine = store.connect(url)
    with statements(engine) as sent, store.reading(engine) as session:
        list_replies(3, [1, 2, 3, 4], session=session)
        get_question(3, session=session)
    found = plans(engine, sent)
    assert any("SEARCH answer USING INDEX sqlite_autoindex_answer_1 (run_id=? AND question_id=?" in p for p in found)
    assert not [plan for plan in found if "SCAN" in plan]


def test_question_heads_come_in_order_without_documents(url: str):
    engine = store.connect(url)
    with statements(engine) as sent, store.reading(engine) as session:
        heads = list_question_heads(1, session=session)
    assert [head.key for head in heads] == [f"q{i}" for i in range(12)]
    assert not [statement for statement, _ in sent if "documents" in statement or "reference" in statement]


def test_a_question_that_is_gone_is_said_in_a_sentence(url: str):
    with store.reading(store.connect(url)) as session, pytest.raises(store.StoreError, match="no longer there"):
        get_question(10**6, session=session)


def test_withdrawn_is_shown_as_such(url: str):
    engine = store.connect(url)
    with store.writing(engine) as session:
        of_anna = select(Assessment).join(Rater).where(Rater.name == "Anna", col(Assessment.current).is_(True))
        fields = session.exec(of_anna).one().model_dump(exclude={"id", "status", "created_at"})
        store.save_assessment(Assessment(**fields, status=AssessmentStatus.withdrawn), [], session=session)
    with store.reading(engine) as session:
        (reply,) = list_replies(3, [2], session=session)
        question = session.get(Question, 3)
    assert question is not None
    (anna,) = [verdict for verdict in reply.verdicts if verdict.rater.name == "Anna"]
    assert (anna.assessment.status, anna.scores, anna.replaced) == (AssessmentStatus.withdrawn, (), 2)
