"""The Quality page: empty, judged only, corrected by people, and for this question set alone."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import test_quality_number as filled
from command import Command
from pages import open_page, parsed
from sqlmodel import Session, select

from dashboard import findings, widgets
from dashboard import quality_tables as tables
from db import store
from db.models import Answer, Design, RunStatus
from eval.comparing import compare


def at(path: Path) -> str:
    return f"sqlite:///{(path / 'quality_page.db').as_posix()}"


def fill(url: str, *, judged: bool = True, scored: bool = False) -> None:
    engine = store.connect(url)
    with store.writing(engine) as session:
        run, answers = filled.a_run(session, judged=judged)
        run.status = RunStatus.finished
        session.add(run)
        if scored:
            filled.score(answers, filled.drawn(run, 20, session), session)
    engine.dispose()


def test_without_scores_the_page_says_what_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path), judged=False)
    app = open_page(monkeypatch, at(tmp_path), "quality")
    assert "Nobody scored these runs" in app.info[0].value


def test_a_judge_alone_is_labelled_not_calibrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path))
    app = open_page(monkeypatch, at(tmp_path), "quality")
    assert app.dataframe[0].value["method"].to_list() == ["judge only, not calibrated"]
    assert app.dataframe[0].value["next"].to_list() == ["not known yet"]
    assert "Two runs or more are needed to compare" in app.info[0].value
    assert "judge noise and question sampling alone" in parsed(app)


def test_hand_scores_of_a_sample_correct_the_judge_and_say_what_more_would_buy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(at(tmp_path), scored=True)
    app = open_page(monkeypatch, at(tmp_path), "quality")
    shown = app.dataframe[0].value
    assert (shown["method"].to_list(), shown["people"].to_list()) == (["human-corrected"], [f"20 of {filled.N}"])
    assert re.fullmatch(r"width from \d\.\d\d to about \d\.\d\d points", shown["next"].iloc[0])
    wide = shown["high"].iloc[0] - shown["low"].iloc[0]
    app.get_by_key("holds_for").set_value(True).run()
    narrow = app.dataframe[0].value
    assert narrow["high"].iloc[0] - narrow["low"].iloc[0] < wide  # for these questions alone less is open


def test_the_overview_shows_the_same_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path), scored=True)
    here = open_page(monkeypatch, at(tmp_path), "quality").dataframe[0].value
    app = open_page(monkeypatch, at(tmp_path), "overview")
    there = app.dataframe[0].value
    assert there["quality_said"].str.strip().to_list() == here["quality"].to_list()
    assert there["how"].to_list() == here["method"].to_list() == ["human-corrected"]
    assert there[["n_people", "n_judge"]].to_numpy().tolist() == [[20, filled.N]]
    assert "Scored by (hand scores correct it)" in [box.label for box in app.selectbox]
    assert "their scores of a random sample corrected with the judge's" in parsed(app)


def test_both_pages_say_which_queues_count_and_what_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        run, answers = filled.a_run(session)
        run.status = RunStatus.finished
        session.add(run)
        for size, design, seed in ((16, Design.random, 3), (16, Design.random, 4), (18, Design.stratified, 5)):
            filled.score(answers, filled.drawn(run, size, session, design, seed), session)
    engine.dispose()
    app = open_page(monkeypatch, at(tmp_path), "quality")
    said = parsed(app).replace("\\", "")
    assert not app.expander  # of one run, everything is said of all
    assert "The hand scores are those of queues #1 and #2 together" in said
    assert "18 hand scores of queue #3 do not enter" in said
    assert "score what is left of the queues that are used" in said
    said = parsed(open_page(monkeypatch, at(tmp_path), "overview")).replace("\\", "")
    assert "Hand scores of several queues are taken together for test-small (#1, #2)." in said
    assert "Hand scores that stay out of the quality, as the Quality page explains: test-small (18)." in said


def test_the_judge_chosen_on_the_overview_is_the_one_of_this_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(at(tmp_path))
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        for answer in session.exec(select(Answer)).all():
            made = filled.rows.assessment(answer, filled.rows.judge(session, "z-judge"), filled.rows.rubric(session))
            store.save_assessment(made, filled.rows.scores([4, 4, 4]), session=session)
    engine.dispose()
    app = open_page(monkeypatch, at(tmp_path), "overview")
    assert "The judges of one answer lie apart by so many points on average" in parsed(app)
    app.get_by_key("columns").set_value(True).run()
    assert {"judges_apart_said", "flicker_said"} <= set(app.dataframe[0].proto.column_order)
    assert app.dataframe[0].value["flicker_said"].to_list() == ["not measured"]
    app.selectbox(key="_scored_by_box").select("z-judge (quick)").run()
    app.query_params.clear()
    app.switch_page("app_pages/quality.py").run()
    assert app.selectbox(key="_judge_number").value == "z-judge (quick)"
    assert app.dataframe[0].value["value"].to_list() == [4.0]
    assert app.query_params["judge_number"] == "z-judge (quick)"  # a link to it needs no Overview before
    linked = open_page(monkeypatch, at(tmp_path), "quality", judge_number="z-judge (quick)")
    assert linked.dataframe[0].value["value"].to_list() == [4.0]
    other = linked.selectbox(key="_judge_number").select("test-judge (quick)").run()
    assert other.dataframe[0].value["value"].to_list() != [4.0]
    assert other.query_params["judge_number"] == "test-judge (quick)"
    unknown = open_page(monkeypatch, at(tmp_path), "quality", judge_number="nobody (quick)")
    assert unknown.selectbox(key="_judge_number").value == "panel of judges (quick)"


def test_a_decided_difference_is_a_sentence_and_an_open_one_a_count(tmp_path: Path) -> None:
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        runs = [_shifted(session, by) for by in (0, 0, -2)]
    (compared,) = compare(runs, engine, criterion="overall")
    said = tables.finding(compared)
    assert "is better than" in said
    assert "Not decisive: 1 pair." in said
    assert "judge only, not calibrated" in tables.source_sentence(compared)
    engine.dispose()


def _shifted(session: Session, by: int, **given: Any) -> store.Run:
    qa_set, questions = filled.rows.add_qa_set(session, filled.N)
    run = filled.rows.add_run(session, qa_set, **given)
    for i, question in enumerate(questions):
        answer = store.save_answer(filled.rows.answer(run, question), [], session=session)
        value = min(5, max(1, 3 + by + (i % 3 - 1) + (i % 5 == 0)))
        made = filled.rows.assessment(answer, filled.rows.judge(session), filled.rows.rubric(session))
        store.save_assessment(made, filled.rows.scores([value] * 3), session=session)
    return run


def test_who_is_best_is_told_beneath_the_differences_with_whose_scores_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        for by in (0, -2):
            _shifted(session, by, group_id="one", status=RunStatus.finished)
    engine.dispose()
    said = parsed(open_page(monkeypatch, at(tmp_path), "quality")).replace("\\", "").replace("\u2060", "")
    assert re.search(r"Best: .*, better than .*, by test-judge \(quick\) \(judge only, not calibrated\)\.", said)
    assert "100 %" in said
    assert "A share is no test" in said


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        (["people alone"] * 2, "scored by people alone, without a judge"),
        (["human-corrected"] * 2, "scored by people, corrected with a judge"),
        (["judge only, not calibrated"], "scored by a judge"),
        (["people alone", "human-corrected"], "scored as the table says of each target"),
    ],
)
def test_the_overviews_axis_names_the_source_of_the_table(
    ways: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "placed", lambda frame: frame)
    assert findings.scored_by(pd.DataFrame({"how": ways}), "a judge") == said


def test_what_some_numbers_rest_on_is_folded_and_what_all_do_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        for size in (12, 0):
            run, answers = filled.a_run(session)
            run.status = RunStatus.finished
            session.add(run)
            if size:
                filled.score(answers, filled.drawn(run, size, session), session)
    engine.dispose()
    app = open_page(monkeypatch, at(tmp_path), "quality", runs="1,2")
    (folded,) = app.expander
    within = " ".join(element.value for element in folded.markdown).replace("\\", "")
    assert folded.label == "What each number rests on"
    assert "test-small (run 2)**: The interval covers judge noise" in within
    assert "Holds for questions like these" not in within
    assert "Holds for questions like these" in parsed(app)


def test_a_pair_says_how_many_hand_scores_it_rests_on_and_shares(rightsize: Command, tmp_path: Path) -> None:
    engine = store.connect(at(tmp_path))
    with store.writing(engine) as session:
        one, its = filled.a_run(session)
        filled.score(its, filled.drawn(one, 12, session, seed=1), session)
        other, theirs = filled.a_run(session)
        filled.score(theirs, filled.drawn(other, 14, session, seed=2), session)
    (compared,) = compare([one, other], engine, criterion="overall")
    (pair,) = compared.pairs
    assert pair.n_people == (12, 14)
    assert pair.n_people_shared is not None
    assert 0 <= pair.n_people_shared <= 12
    said = f"12 and 14, {pair.n_people_shared} shared"
    assert compared.n_shared == filled.N  # all of which the numbers hold for, not those few with a hand score of both
    shown = tables.pairs_frame(compared)
    assert shown["n"].to_list() == [filled.N]
    assert shown["hand_scores"].to_list() == [said]
    db = str(engine.url.database)
    csv = widgets.to_csv(shown).decode("utf-8-sig").splitlines()
    assert csv[0].startswith("pair,n,hand_scores,")
    assert f',{filled.N},"{said}",' in csv[1]
    told = rightsize("compare", "1", "2", "--criterion", "overall", "--db", db).err
    assert "hand scores" in told
    assert said in told
    (by_judge,) = compare([one, other], engine, criterion="overall", source="test-judge (quick)")
    assert tables.pairs_frame(by_judge)["hand_scores"].to_list() == ["none"]
    engine.dispose()
