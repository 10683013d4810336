"""The tables of differences and of preferences: what their columns count, on the page and on the command line."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import peopled
import pytest
import rows
import test_quality_number as sampled
from command import Command
from pages import open_page
from samples import TARGETS
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from dashboard import quality_tables as tables
from db import comparisons, store
from db.comparisons import Compared
from db.models import Preference, RunStatus
from eval import terminal
from eval.comparing import compare, title_of
from eval.p_words import p_words
from eval.preferring import preferences
from eval.stats.comparison import holm


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three judged targets; Anna preferred the first to the second 9 : 2, and the third once to the first."""
    file = tmp_path_factory.mktemp("differing") / "template.db"
    peopled.make(file, targets=TARGETS[:3], questions=20)
    engine = store.connect(f"sqlite:///{file.as_posix()}")
    of = {answer.id: answer.run_id for answer in peopled.answers(engine)}
    with store.writing(engine) as session:
        for other, wins in ((2, "1" * 9 + "=" * 3 + "2" * 2), (3, "3")):
            pairs = comparisons.get_standing("Anna", (1, other), 1, session=session).order
            for pair, won in zip(pairs, wins, strict=False):
                left = Preference.same if won == "=" else Preference.left
                said = left if won in ("=", str(of[pair.left])) else Preference.right
                comparisons.save_comparison(pair, Compared(said), name="Anna", session=session)
    engine.dispose()
    return file


@pytest.fixture
def engine(template: Path, tmp_path: Path) -> Iterator[Engine]:
    opened = peopled.copy(template, tmp_path / "test.db")
    yield opened
    opened.dispose()


@pytest.fixture
def told(rightsize: Command, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `compare` says of the three runs, on a terminal so wide that no cell is wrapped."""
    monkeypatch.setattr(terminal.console, "width", 300)
    return rightsize("compare", "1", "2", "3", "--db", str(engine.url.database)).err


def table(told: str, title: str) -> dict[str, list[str]]:
    """The columns of the table beneath a title, by their headings."""
    lines = told[told.index(title) :].splitlines()
    head = next(line for line in lines if line.startswith("┃"))
    body = lines[: next(i for i, line in enumerate(lines) if line.startswith("└"))]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in body if line.startswith("│")]
    names = [name.strip() for name in head.split("┃")[1:-1]]
    return {name: list(column) for name, column in zip(names, zip(*cells, strict=True), strict=True)}


def columns(app: AppTest, alt: str) -> tuple[Any, list[str]]:
    """A table of the page and the titles of its columns, in their order."""
    found = next(each for each in app.dataframe if each.proto.alt.startswith(alt))
    titles = json.loads(found.proto.columns)
    return found.value, [titles[name]["label"] for name in found.proto.column_order]


def test_the_command_counts_preferences_for_the_first_for_neither_and_for_the_second(told: str) -> None:
    shown = table(told, "preference, 15 by Anna")
    assert (shown["first"], shown["second"]) == (["test-small"] * 2, ["test-large", "test-hybrid"])
    assert shown["questions"] == ["14", "1"]
    assert (shown["times better"], shown["times same"], shown["times worse"]) == (["9", "0"], ["3", "0"], ["2", "1"])
    assert shown["wins"][0].startswith("0.75 ")  # nine and half of three, of fourteen


def test_the_page_counts_the_same_preferences(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(monkeypatch, str(engine.url), "quality", runs="1,2,3")
    shown, titles = columns(app, "People's preferences")
    named = ["Preference", "Questions", "Times better", "Times same", "Times worse", "Wins of the first", "p (Holm)"]
    assert titles == [*named, "Verdict"]
    counts = shown[["n_questions", "better", "same", "worse"]].to_numpy().tolist()
    assert counts == [[14, 9, 3, 2], [1, 0, 0, 1]]
    assert shown["wins"].to_list()[0].startswith("75 % (")


def test_the_p_value_that_is_shown_is_held_against_all_pairs(
    told: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2, 3)]
    (by_scores,) = compare(runs, engine, criterion="overall")
    preferred = preferences(runs, engine)
    assert preferred is not None
    app = open_page(monkeypatch, str(engine.url), "quality", runs="1,2,3")
    for pairs, title, alt in (
        (by_scores.pairs, "overall, scored", "Differences"),
        (preferred.pairs, "preference,", "People's pref"),
    ):
        held = holm([pair.p for pair in pairs])
        assert [pair.p_holm for pair in pairs] == pytest.approx(held)
        assert held != [pair.p for pair in pairs]  # else this test would show nothing
        words = [p_words(p or 0.0) for p in held]
        assert table(told, title)["p (Holm)"] == words
        shown, titles = columns(app, alt)
        assert "p (Holm)" in titles
        assert ("Effect size" in titles) == (alt == "Differences")
        assert shown["p_holm"].to_list() == pytest.approx(held)
        assert shown["p_said"].to_list() == words


def test_a_difference_says_whether_hand_scores_give_it_and_which(
    rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People scored 15 and 12 answers of two of the three runs, by the same seed: the 12 are among the 15."""
    engine = store.connect(f"sqlite:///{(tmp_path / 'hand.db').as_posix()}")
    with store.writing(engine) as session:
        for size in (15, 12, 0):
            run, answers = sampled.a_run(session)
            run.status = RunStatus.finished
            session.add(run)
            if size:
                chosen = sampled.drawn(run, 15, session, seed=1)
                sampled.score(answers, dict(list(chosen.items())[:size]), session)
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2, 3)]
    (found,) = compare(runs, engine, criterion="overall")
    monkeypatch.setattr(terminal.console, "width", 300)
    expected = ["15 and 12, 12 shared", "none", "none"]
    assert [pair.hand_scores for pair in found.pairs] == expected
    assert tables.pairs_frame(found)["hand_scores"].to_list() == expected
    told = rightsize("compare", "1", "2", "3", "--db", str(engine.url.database), "--criterion", "overall").err
    assert table(told, "overall, scored")["hand scores"] == expected
    assert table(told, "overall, scored")["n"] == [str(sampled.N)] * 3
    app = open_page(monkeypatch, str(engine.url), "quality", runs="1,2,3")
    shown, titles = columns(app, "Differences")
    assert titles[:4] == ["Difference", "Questions", "Hand scores", "Points"]
    assert shown["hand_scores"].to_list() == expected
    assert shown["n"].to_list() == [sampled.N] * 3
    engine.dispose()


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Engine]:
    """Three judged runs, the third far worse by the judge; of each people scored three drawn answers, none alike."""
    engine = store.connect(f"sqlite:///{(tmp_path / 'few.db').as_posix()}")
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, sampled.N)
        for i in range(3):
            run = rows.add_run(session, qa_set, target=f"t{i}", status=RunStatus.finished)
            answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
            for at, answer in enumerate(answers):
                made = rows.assessment(answer, rows.judge(session), rows.rubric(session))
                store.save_assessment(made, rows.scores([1 + at % 2 if i == 2 else 4 + at % 2] * 3), session=session)
            chosen = sampled.drawn(run, None, session)
            mine = {answer.id: chosen[answer.id] for answer in answers[4 * i : 4 * i + 3]}
            sampled.score(answers, mine, session)
    yield engine
    engine.dispose()


JUDGED = "test-judge (quick) (judge only, not calibrated; 9 hand scores are too few)"


def test_a_few_hand_scores_leave_the_comparison_with_the_judge_and_it_says_so(
    rightsize: Command, few: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.reading(few) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2, 3)]
    (found,) = compare(runs, few, criterion="overall")
    assert [pair.outcome for pair in found.pairs] == ["not decisive", "better", "better"]
    assert [pair.n for pair in found.pairs] == [sampled.N] * 3
    assert (found.source, found.rests_on) == ("test-judge (quick)", JUDGED)
    told = rightsize("compare", "1", "2", "3", "--db", str(few.url.database), "--criterion", "overall").err
    assert f"scored by {JUDGED}" in " ".join(told.split())
    app = open_page(monkeypatch, str(few.url), "quality", runs="1,2,3")
    assert any("**t0** is better than **t2**" in each.value for each in app.markdown)
    assert any("9 hand scores are too few" in each.value for each in app.caption)


def test_peoples_plain_scores_on_request_say_what_each_pair_shares(few: Engine) -> None:
    with store.reading(few) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2, 3)]
    (found,) = compare(runs, few, criterion="overall", source="people")
    assert "because no question was scored for both of any pair; 2 are the least" in title_of(found)
    assert [pair.hand_scores for pair in found.pairs] == ["0 and 0, 0 shared"] * 3
    one = replace(found, pairs=[replace(found.pairs[0], n=1, p_holm=1e-9), *found.pairs[1:]])
    assert tables.pairs_frame(one)["p_said"].iloc[0] == "<0.0001"
    assert "because of 3 pairs 2 share no scored question and 1 shares only one; 2 are the least" in title_of(one)


def test_where_people_give_every_difference_no_empty_column_of_effect_sizes_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = store.connect(f"sqlite:///{(tmp_path / 'people.db').as_posix()}")
    with store.writing(engine) as session:
        for seed in (1, 2):
            run, answers = sampled.a_run(session)
            run.status = RunStatus.finished
            session.add(run)
            sampled.score(answers, sampled.drawn(run, 12, session, seed=seed), session)
    shown, titles = columns(open_page(monkeypatch, str(engine.url), "quality", runs="1,2"), "Differences")
    assert titles == ["Difference", "Questions", "Hand scores", "Points", "p (Holm)", "Verdict"]
    assert "effect_size" in shown.columns  # as in the CSV of other comparisons
    engine.dispose()


def test_json_holds_every_figure_of_both_tables_and_who_is_best(rightsize: Command, engine: Engine) -> None:
    given = rightsize("compare", "1", "2", "3", "--db", str(engine.url.database), "--json").out
    *by_scores, preferred = json.loads(given)
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in (1, 2, 3)]
    for each, found in zip(by_scores, compare(runs, engine), strict=True):
        assert each["rests_on"] == found.rests_on == "test-judge (quick) (judge only, not calibrated)"
        assert each["decided_best"] == found.decided_best
        assert each["best"]["probability"] == found.best.probability != {}
        shown = tables.pairs_frame(found)
        for name, column in (("n", "n"), ("difference", "difference_value"), ("low", "low"), ("high", "high"),
                             ("effect_size", "effect_size"), ("p_holm", "p_holm")):  # fmt: skip
            assert [pair[name] for pair in each["pairs"]] == shown[column].to_list()
        assert all({"n_people", "n_people_shared", "words", "method"} <= set(pair) for pair in each["pairs"])
    found = preferences(runs, engine)
    assert found is not None
    shown = tables.preferences_frame(found)
    for name in ("n_questions", "n", "better", "same", "worse", "win_share", "low", "high", "p_holm"):
        assert [pair[name] for pair in preferred["pairs"]] == shown[name].to_list()
