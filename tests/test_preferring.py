"""People's preferences of stored runs: whichever side a target stood on, and on the command line."""

import json
from pathlib import Path
from typing import Any

import peopled
import pytest
from command import Command
from pages import open_page, parsed
from samples import TARGETS
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from dashboard import quality_tables as tables
from db import comparisons, store
from db.comparisons import Compared, Pair
from db.models import Preference
from eval.preferring import Preferences, preferences

# Three judged targets and thirty questions that all of them answered.
template, engine = peopled.fixtures(targets=TARGETS[:3], questions=31)


def prefer(engine: Engine, winner: int, *others: int, n: int = 30, name: str = "Anna") -> list[Pair]:
    """Somebody prefers one run's answers to those of others on the first n questions of each pair, on either side."""
    of = {answer.id: answer.run_id for answer in peopled.answers(engine)}
    with store.writing(engine) as session:
        compared = []
        for other in others:
            pairs = comparisons.get_standing(name, (winner, other), 1, session=session).order[:n]
            for pair in pairs:
                word = Preference.left if of[pair.left] == winner else Preference.right
                comparisons.save_comparison(pair, Compared(word), name=name, session=session)
            compared += pairs
    return compared


def found(engine: Engine, *run_ids: int) -> Preferences | None:
    with store.reading(engine) as session:
        runs = [store.get_run(run_id, session=session) for run_id in run_ids]
    return preferences(runs, engine)


def preferred(app: AppTest) -> Any:
    """The page's table of preferences."""
    return next(each.value for each in app.dataframe if each.proto.alt.startswith("People's preferences"))


def test_a_target_wins_whichever_side_it_stood_on(engine: Engine) -> None:
    pairs = prefer(engine, 2, 1)
    assert len({pair.left < pair.right for pair in pairs}) == 2  # it stood on both
    its = found(engine, 1, 2, 3)
    assert its is not None
    (pair,) = its.pairs
    assert (pair.first, pair.second) == (TARGETS[0].name, TARGETS[1].name)
    assert (pair.better, pair.same, pair.worse, pair.outcome) == (0, 0, 30, "worse")
    assert (its.n, its.raters) == (30, ("Anna",))


def test_the_order_of_the_runs_mirrors_the_result(engine: Engine) -> None:
    prefer(engine, 1, 2, n=9)
    one, other = found(engine, 1, 2), found(engine, 2, 1)
    assert one is not None
    assert other is not None
    assert (one.pairs[0].better, one.pairs[0].win_share) == (other.pairs[0].worse, 1)
    assert other.pairs[0].win_share == 0


def test_what_was_taken_back_and_what_nobody_compared_does_not_count(engine: Engine) -> None:
    assert found(engine, 1, 2) is None
    prefer(engine, 1, 2, n=2)
    rater_id = peopled.person(engine, "Anna")
    with store.writing(engine) as session:
        comparisons.undo_last(rater_id, (1, 2), session=session)
    its = found(engine, 1, 2)
    assert its is not None
    assert (its.n, its.pairs[0].n_questions) == (1, 1)
    assert found(engine, 1, 3) is None


def test_the_command_prints_preferences_beside_the_scores(rightsize: Command, engine: Engine) -> None:
    prefer(engine, 1, 2, 3)
    db = str(engine.url.database)
    shown = json.loads(rightsize("compare", "1", "2", "3", "--db", db, "--json").out)
    assert [each["criterion"] for each in shown].count("overall") == 1
    its = shown[-1]
    assert (its["criterion"], its["source"], its["n"]) == ("preference", "people, two answers side by side", 60)
    assert [pair["outcome"] for pair in its["pairs"]] == ["better", "better"]
    assert {"win_share", "low", "high", "p", "p_holm", "better", "same", "worse", "n_questions"} <= set(its["pairs"][0])
    told = rightsize("compare", "1", "2", "3", "--db", db).err
    assert "preference, 60 by Anna" in told
    one = json.loads(rightsize("compare", "1", "2", "--db", db, "--json", "--criterion", "overall").out)
    assert [each["criterion"] for each in one] == ["overall"]


def test_without_scores_the_command_still_tells_preferences(rightsize: Command, tmp_path: Path) -> None:
    file = tmp_path / "unscored.db"
    peopled.make(file, questions=12, judged=False)
    engine = store.connect(f"sqlite:///{file.as_posix()}")
    assert "Nobody scored all of these runs" in rightsize("compare", "1", "2", "--db", str(file)).err
    prefer(engine, 1, 2)
    engine.dispose()
    done = rightsize("compare", "1", "2", "--db", str(file), "--json")
    assert [each["criterion"] for each in json.loads(done.out)] == ["preference"]
    assert "Nobody scored all of these runs" in done.err


def test_the_page_shows_who_is_preferred_and_what_stays_open(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(engine.url)
    app = open_page(monkeypatch, url, "quality", runs="1,2,3")
    assert "Nobody compared answers of these targets yet" in parsed(app)
    prefer(engine, 1, 2)
    prefer(engine, 3, 1, n=3, name="Berta")
    app.run()  # seen at once, though no run changed
    shown = preferred(app)
    assert shown["wins"].to_list() == ["100 % (88 to 100)", "0 % (0 to 71)"]
    assert shown["verdict"].to_list()[0] == "test-small is better"
    assert shown["verdict"].to_list()[1].startswith("not decisive (needs about")
    assert "People prefer **test\\-small** to **test\\-large**. 33 pairs compared by Anna and Berta." in parsed(app)
    app.selectbox(key="criterion_number").select("factuality").run()
    assert preferred(app)["n"].to_list() == [30, 3]


def test_the_page_tells_preferences_where_nobody_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peopled.make(tmp_path / "unscored.db", questions=12, judged=False)
    engine = store.connect(f"sqlite:///{(tmp_path / 'unscored.db').as_posix()}")
    prefer(engine, 1, 2)
    app = open_page(monkeypatch, str(engine.url), "quality")
    engine.dispose()
    assert "Nobody scored these runs" in app.info[0].value
    assert len(preferred(app)) == 1


def test_no_decided_preference_is_said_so(engine: Engine) -> None:
    prefer(engine, 1, 2, n=2)
    its = found(engine, 1, 2)
    assert its is not None
    assert tables.preference_finding(its).startswith("No preference between these targets is decisive. 2 pairs")
