"""comparisons.py: pairs in a drawn order, sides by chance, every word kept, undo back to what was before."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import peopled
import pytest
import rows
from plans import plans, statements
from samples import TARGETS
from sqlalchemy import Engine, update
from sqlmodel import col, select

from db import comparisons, store
from db.comparisons import BLOCK, Compared, Pair, Standing
from db.models import Answer, Comparison, Preference, Rater

LEFT, SAME, RIGHT = Compared(Preference.left), Compared(Preference.same), Compared(Preference.right)

# Three targets, thirty questions that all of them answered, and one that none did.
template, engine = peopled.fixtures(targets=TARGETS[:3], questions=31, judged=False)


def standing(engine: Engine, name: str = "Anna", runs: tuple[int, ...] = (1, 2), seed: int = 1) -> Standing:
    with store.reading(engine) as session:
        return comparisons.get_standing(name, runs, seed, session=session)


def save(engine: Engine, pair: Pair, compared: Compared = LEFT, name: str = "Anna") -> Comparison | None:
    with store.writing(engine) as session:
        return comparisons.save_comparison(pair, compared, name=name, place=1, session=session)


def undo(engine: Engine, name: str = "Anna", runs: tuple[int, ...] = (1, 2)) -> Pair | None:
    rater_id = peopled.person(engine, name)
    with store.writing(engine) as session:
        return comparisons.undo_last(rater_id, runs, session=session)


def said(engine: Engine, pair: Pair, name: str = "Anna") -> Compared | None:
    rater_id = peopled.person(engine, name)
    with store.reading(engine) as session:
        return comparisons.get_compared(pair, rater_id, session=session)


def all_rows(engine: Engine) -> list[Comparison]:
    with store.reading(engine) as session:
        return list(session.exec(select(Comparison).order_by(col(Comparison.id))))


# --- the order ----------------------------------------------------------------------------------------------------


def test_every_question_that_both_answered_is_a_pair_of_one_answer_of_each(engine: Engine):
    of = {a.id: (a.run_id, a.question_id) for a in peopled.answers(engine)}
    order = standing(engine).order
    assert len(order) == 30
    for pair in order:
        assert {of[pair.left][0], of[pair.right][0]} == {1, 2}
        assert of[pair.left][1] == of[pair.right][1] == pair.question_id


def test_three_runs_make_three_pairs_a_question(engine: Engine):
    order = standing(engine, runs=(1, 2, 3)).order
    assert len({pair.answers for pair in order}) == len(order) == 3 * 30


def test_the_order_survives_a_reload_and_is_another_for_another_person_or_seed(engine: Engine):
    order = standing(engine).order
    assert order == standing(engine, " ANNA ").order == standing(engine, runs=(2, 1)).order
    assert order != standing(engine, "Berta").order
    assert [pair.answers for pair in order] != [pair.answers for pair in standing(engine, seed=2).order]


def test_what_comes_first_is_the_same_part_of_the_questions_for_everyone(engine: Engine):
    first = [{pair.answers for pair in standing(engine, name).order[:BLOCK]} for name in ("Anna", "Berta", "Carl")]
    assert first[0] == first[1] == first[2]
    assert [pair.answers for pair in standing(engine).order[:BLOCK]] != [
        pair.answers for pair in standing(engine, "Berta").order[:BLOCK]
    ]


def test_each_target_stands_left_half_of_the_time(engine: Engine):
    of = {a.id: a.run_id for a in peopled.answers(engine)}
    left = Counter(of[pair.left] for name in map(str, range(40)) for pair in standing(engine, name).order)
    assert abs(left[1] / left.total() - 0.5) < 0.05


def test_of_repeats_one_is_drawn_and_failures_make_no_pair(tmp_path: Path):
    engine = store.connect(f"sqlite:///{tmp_path / 'repeats.db'}")
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 40)
        runs = [rows.add_run(session, qa_set, repeats=3) for _ in range(2)]
        for run in runs:
            for repeat in range(3):
                for question in questions:
                    store.save_answer(rows.answer(run, question, repeat), [], session=session)
        for question in questions[:3]:
            failed = (Answer.question_id == question.id, Answer.run_id == runs[0].id)
            session.execute(update(Answer).where(*failed).values(error_kind="timeout"))
    of = {a.id: a.repeat for a in peopled.answers(engine)}
    order = standing(engine).order
    assert len({pair.question_id for pair in order}) == len(order) == 37
    assert {of[pair.left] for pair in order} == {0, 1, 2}
    engine.dispose()


def test_the_next_open_pair_is_the_first_one_not_compared(engine: Engine):
    order = standing(engine).order
    assert standing(engine).next_open() == 1
    save(engine, order[0])
    save(engine, order[1])
    assert standing(engine).next_open() == 3
    assert standing(engine, "Berta").next_open() == 1
    for pair in order:
        save(engine, pair)
    assert standing(engine).next_open() is None


def test_who_compared_how_many(engine: Engine):
    for pair in standing(engine).order[:3]:
        save(engine, pair)
    save(engine, standing(engine, "Berta").order[0], name="Berta")
    save(engine, standing(engine, runs=(1, 3)).order[0])
    assert [(name, n) for name, n, _ in standing(engine).shares] == [("Anna", 3), ("Berta", 1)]


# --- saving and taking back ---------------------------------------------------------------------------------------


def test_a_comparison_is_kept_with_its_sides_and_its_place(engine: Engine):
    pair = standing(engine).order[0]
    row = save(engine, pair, Compared(Preference.right, "  shorter  "))
    assert row
    assert (row.left_answer_id, row.right_answer_id, row.question_id) == (pair.left, pair.right, pair.question_id)
    assert (row.preference, row.note, row.position, row.current) == (Preference.right, "shorter", 1, True)
    assert said(engine, pair) == Compared(Preference.right, "shorter")
    assert said(engine, pair, "Berta") is None


def test_the_same_word_twice_is_stored_once_and_another_word_is_another_row(engine: Engine):
    pair = standing(engine).order[0]
    assert save(engine, pair) is not None
    assert save(engine, pair) is None
    assert save(engine, pair, SAME) is not None
    assert [(row.preference, row.current) for row in all_rows(engine)] == [("left", False), ("same", True)]


def test_with_the_sides_changed_the_word_is_the_same(engine: Engine):
    pair = standing(engine).order[0]
    mirrored = Pair(pair.question_id, pair.right, pair.left)
    save(engine, pair)
    assert said(engine, mirrored) == RIGHT
    assert save(engine, mirrored, RIGHT) is None
    save(engine, mirrored, LEFT)
    assert said(engine, pair) == RIGHT
    assert [row.current for row in all_rows(engine)] == [False, True]


def test_undo_goes_back_one_change_at_a_time(engine: Engine):
    first, second = standing(engine).order[:2]
    save(engine, first, LEFT)
    save(engine, second, SAME)
    save(engine, first, Compared(Preference.right, "second thought"))
    assert undo(engine) == first
    assert said(engine, first) == LEFT
    assert undo(engine) == second
    assert said(engine, second) is None
    assert undo(engine) == first
    assert said(engine, first) is None
    assert undo(engine) is None
    assert standing(engine).done == frozenset()
    save(engine, first, SAME)
    assert undo(engine) == first


def test_nobody_undoes_what_another_person_said_or_what_was_said_of_other_runs(engine: Engine):
    save(engine, standing(engine, runs=(1, 3)).order[0])
    assert undo(engine) is None
    assert undo(engine, "Berta", (1, 3)) is None
    assert undo(engine, runs=(3, 1)) is not None


def test_history_tells_every_word_of_everyone(engine: Engine):
    pair = standing(engine).order[0]
    save(engine, pair, LEFT)
    save(engine, Pair(pair.question_id, pair.right, pair.left), SAME, "Berta")
    undo(engine)
    with store.reading(engine) as session:
        found = comparisons.list_compared(pair, session=session)
    assert [(name, row.preference, row.current) for row, name in found] == [
        ("Anna", "left", False),
        ("Berta", "same", True),
        ("Anna", None, True),
    ]


def test_what_cannot_be_compared_is_refused(engine: Engine):
    first, second = standing(engine).order[:2]
    with pytest.raises(ValueError, match="preference is needed"):
        save(engine, first, Compared(None))
    with pytest.raises(ValueError, match="name"):
        save(engine, first, name=" ")
    with pytest.raises(store.StoreError, match="no longer"):
        save(engine, Pair(first.question_id, first.left, second.right))
    with pytest.raises(store.StoreError, match="no longer"):
        save(engine, Pair(first.question_id, first.left, 10**6))
    assert all_rows(engine) == []


def test_pairs_are_found_through_indexes_without_reading_a_text(engine: Engine):
    pair = standing(engine).order[0]
    save(engine, pair)
    with statements(engine) as sent:
        standing(engine)
        said(engine, pair)
        undo(engine)
    assert not [statement for statement, _ in sent if "answer.text" in statement]
    for plan in plans(engine, sent):
        for table in ("answer", "comparison"):
            assert f"SCAN {table}" not in plan, plan


COMPARER = """
import sys
from db import comparisons, store
from db.comparisons import Compared
from db.models import Preference

url, name = sys.argv[1:]
engine = store.connect(url)
sys.stdin.readline()
with store.reading(engine) as session:
    order = comparisons.get_standing(name, (1, 2), 1, session=session).order
for place, pair in enumerate(order, 1):
    with store.writing(engine) as session:
        comparisons.save_comparison(pair, Compared(Preference.same), name=name, place=place, session=session)
"""


def test_two_processes_compare_at_once_also_under_one_name_and_nothing_is_lost_or_doubled(engine: Engine):
    people = [
        subprocess.Popen([sys.executable, "-c", COMPARER, str(engine.url), name], stdin=subprocess.PIPE, text=True)
        for name in ("Anna", "Anna", "Berta")
    ]
    for one in people:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in people:
        one.communicate(timeout=120)
    assert [one.returncode for one in people] == [0, 0, 0]
    with store.reading(engine) as session:
        names = dict(session.execute(select(col(Rater.id), col(Rater.name))).all())  # type: ignore
    count = Counter(names[row.rater_id] for row in all_rows(engine))
    assert count == {"Anna": 30, "Berta": 30}
