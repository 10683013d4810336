"""Fills a sample database with answers that tell nothing about their target, hostile texts and a judge's evidence."""

from collections.abc import Iterator
from pathlib import Path

import peopled
import pytest
from samples import TARGETS, add_group
from sqlalchemy import Engine, delete, update
from sqlmodel import col, select

from db import store
from db.models import Answer, Assessment, AssessmentStatus, Call, Question, Rater, RaterKind, Score

NEUTRAL = "The border moved in 1848.\n\nFifteen million dollars were paid for the land."
HOSTILE = (
    "<img src=x onerror=\"document.title='hit'\"> ![x](http://attacker.example/a.png) $$x^2$$ :red[red] :tada: "
    "https://attacker.example www.attacker.example\n# No heading\n<script>document.title='hit'</script> "
    "[link](http://attacker.example) `code` **bold** <b>b</b> &lt; :material/home: -> ~~gone~~"
)
PLAIN_Q, HOSTILE_Q, FAILED_Q, BAD_JUDGE_Q = 2, 3, 1, 4  # question ids; their keys are q1, q2, q0, q3


def build(url: str, targets: int = 3, questions: int = 5) -> None:
    """A group of runs: q0 failed everywhere, q2 is hostile throughout, q3's verdicts could not be read."""
    add_group(url, targets=TARGETS[:targets], questions=questions, judged=True, people=False)
    with store.writing(store.connect(url)) as session:
        ok = col(Answer.error_kind).is_(None)
        session.execute(update(Answer).where(ok).values(text=NEUTRAL))
        session.execute(update(Answer).where(ok, Answer.question_id == HOSTILE_Q).values(text=HOSTILE))
        hostile = {"text": HOSTILE, "reference": HOSTILE, "key_points": [HOSTILE]}
        hostile["documents"] = [{"title": HOSTILE, "text": HOSTILE}]  # type: ignore
        session.execute(update(Question).where(Question.id == HOSTILE_Q).values(**hostile))  # type: ignore
        of_judge = select(Assessment).join(Rater).where(Rater.kind == RaterKind.judge)
        for assessment in session.exec(of_judge):
            evil = assessment.question_id == HOSTILE_Q
            if assessment.question_id == BAD_JUDGE_Q:
                session.execute(delete(Score).where(col(Score.assessment_id) == assessment.id))
                assessment.status, assessment.raw_reply = AssessmentStatus.unparsed, f"4 stars! {HOSTILE}"
                session.add(assessment)
                continue
            for score in session.exec(select(Score).where(Score.assessment_id == assessment.id)):
                quotes = {"coherence": ["The border moved"], "factuality": ["Fifteen million  dollars"]}
                score.quotes = [HOSTILE[:60]] if evil else quotes.get(score.criterion, [])
                score.rationale = HOSTILE if evil else f"because of {score.criterion}"
                if score.criterion == "factuality":
                    score.claims = [{"claim": HOSTILE if evil else "moved in 1848", "verdict": "supported"}]
                    score.key_points = [{"key_point": HOSTILE if evil else "the price", "verdict": "missing"}]
                session.add(score)
        for call in session.exec(select(Call)):
            call.prepare_ms, call.connect_ms, call.generation_ms = 2.0, 5.0, (call.total_ms or 0) - (call.ttft_ms or 0)
            call.ttfat_ms = call.ttft_ms
            session.add(call)


@pytest.fixture(scope="session")
def answers_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs as `build` makes them, once for all tests; never opened for writing."""
    file = tmp_path_factory.mktemp("answers") / "template.db"
    build(f"sqlite:///{file.as_posix()}")
    return file


@pytest.fixture
def answers_engine(answers_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of that database for one test."""
    opened = peopled.copy(answers_template, tmp_path / "test.db")
    yield opened
    opened.dispose()
