"""Databases on disk for tests of the store: their addresses, what is in them, and other processes that use them."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import rows
from sqlalchemy import Engine, func, select
from sqlmodel import Session

from db import store
from db.models import CheckResult, Comparison, Handout, Preference, Question, Run
from db.store import StoreError


def at(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


def refusal(url: str) -> str:
    """The one sentence with which a database is refused."""
    with pytest.raises(StoreError) as caught:
        store.connect(url).dispose()
    return one_sentence(caught.value)


def one_sentence(error: BaseException) -> str:
    said = str(error)
    assert "\n" not in said
    assert len(re.findall(r"[.!?](?=\s|$)", said)) == 1, said
    assert said.endswith(".")
    return said


def count(model: Any, engine: Engine) -> int:
    with store.reading(engine) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def add_run(engine: Engine, n: int = 3, **given: Any) -> tuple[Run, list[Question]]:
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, n)
        return rows.add_run(session, qa_set, **given), questions


def fill(run: Run, questions: list[Question], session: Session) -> None:
    """Everything that can hang on a run, in every table that can hold it."""
    judge, someone, rubric = rows.judge(session), rows.person(session), rows.rubric(session)
    for i, question in enumerate(questions):
        answer = store.save_answer(rows.answer(run, question), [rows.call(), rows.call()], session=session)
        for value in (2, 4):  # the second replaces the first
            made = rows.assessment(answer, judge, rubric)
            store.save_assessment(made, rows.scores([value] * 3), [rows.call(stage="judge")], session=session)
        if i == 0:
            store.save_assessment(
                rows.assessment(answer, someone, rubric, "person"), rows.scores([5, None, 3]), session=session
            )
            drawn = rows.sample(answer, rubric, session)
            session.add(Handout(draw_id=drawn.id, turn=0, rater_id=someone.id, position=1))
            made = rows.assessment(answer, someone, rubric, "person", draw_id=drawn.id)
            store.save_assessment(made, rows.scores([4, 4, 4]), session=session)
            sides = {"left_answer_id": answer.id, "right_answer_id": answer.id}
            session.add(Comparison(question_id=question.id, rater_id=someone.id, preference=Preference.same, **sides))
            session.add(CheckResult(assessment_id=made.id, kind="must", text="Names a day.", met=True))
    store.save_answer(rows.answer(run, questions[0], cold=True), [rows.call()], session=session)
    store.save_answer(rows.answer(run, questions[0], 1, error_kind="timeout"), [rows.call()], session=session)


def child(script: str, *arguments: str, **given: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        **given,
    )


def say(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()
