"""The Agreement page: empty, with judges alone, with people, and switched to another criterion."""

import json
from pathlib import Path

import pandas as pd
import pytest
import rows
from pages import open_page, parsed
from sqlalchemy import Engine
from sqlmodel import select

from dashboard import agreement_tables as tables
from db import store
from db.models import Answer, RunStatus
from eval.agreeing import agreements

N = 12
JUDGE = (5, 4, 4, 3, 5, 2, 1, 4, 5, 3, 4, 2)
PERSON = (4, 4, 5, 3, 4, 2, 2, 4, 5, 2, 3, 2)


def fill(url: str, *, people: int = 1, judged: bool = True, simulated: bool = False) -> Engine:
    engine = store.connect(url)
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, N)
        run = rows.add_run(session, qa_set, status=RunStatus.finished, simulated=simulated)
        answers = [store.save_answer(rows.answer(run, q), [], session=session) for q in questions]
        given = [(rows.judge(session), JUDGE, "quick")] if judged else []
        given += [(rows.person(session, f"Person {i}"), PERSON, "person") for i in range(people)]
        for rater, values, protocol in given:
            for answer, value in zip(answers, values, strict=True):
                made = rows.assessment(answer, rater, rows.rubric(session), protocol)
                store.save_assessment(made, rows.scores([value, value, 5]), session=session)
    return engine


def at(path: Path) -> str:
    return f"sqlite:///{(path / 'agreement.db').as_posix()}"


def test_without_scores_the_page_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path), people=0, judged=False)
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    assert "Nobody scored an answer of these runs" in app.info[0].value


def test_a_judge_alone_is_said_to_be_vouched_for_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path), people=0)
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    assert "nothing vouches for the judges" in parsed(app)
    assert not app.get("arrow_vega_lite_chart")


def test_judge_and_person_stand_side_by_side_with_n_and_every_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fill(at(tmp_path))
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    shown = app.dataframe[0].value
    assert shown["pair"].to_list() == ["test-judge (quick) and people"]
    assert shown["n"].to_list() == [N]
    assert set(tables.FIGURES) <= set(shown.columns)
    found = agreements([store.get_run(1, session=s) for s in [store.Session(engine)]], engine)[0]
    assert shown["quadratic_kappa"].to_list() == [
        tables.figure(tables.pairs_of(found)["test-judge (quick) and people"].quadratic_kappa)
    ]
    confusion, bias = app.get("vega_lite_chart")
    assert '"answers"' in confusion.proto.spec
    assert '"bias_low"' in bias.proto.spec
    counts = tables.confusion_frame(tables.pairs_of(found)["test-judge (quick) and people"])
    assert (counts["answers"].sum(), len(counts)) == (N, 25)  # every cell of the scale, used or not


def test_another_criterion_is_a_click_and_its_figures_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path))
    other = rows.CRITERIA[2]
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    app.get_by_key("criterion_agreed").set_value(other).run()
    assert app.dataframe[0].value["quadratic_kappa"].to_list() == ["constant rater"]  # 5 to every answer


def test_a_link_leads_to_the_judge_whose_bias_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fill(at(tmp_path))
    with store.writing(engine) as session:
        for answer in session.exec(select(Answer)).all():
            made = rows.assessment(answer, rows.judge(session, "z-judge"), rows.rubric(session))
            store.save_assessment(made, rows.scores([1, 1, 1]), session=session)
    engine.dispose()
    first = open_page(monkeypatch, at(tmp_path), "agreement").get_by_key("judge")
    linked = open_page(monkeypatch, at(tmp_path), "agreement", judge="z-judge (quick)").get_by_key("judge")
    assert (first.value, linked.value) == ("test-judge (quick)", "z-judge (quick)")


def test_people_are_held_against_each_other_and_a_replacement_needs_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(at(tmp_path), people=2)
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    told = parsed(app)
    assert "People among themselves" in told
    assert "needs three people with ten questions each" in told


def test_every_figure_is_told_of_two_people_and_of_the_rankings_marginals_and_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fill(at(tmp_path), people=2)
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    titles = [expander.label for expander in app.expander]
    assert titles == [
        "Every two people, all figures",
        "All people together (Krippendorff's alpha)",
        "Rankings of targets",
        "How often each rater gave each score",
        "The ceiling on average",
    ]
    found = agreements([store.get_run(1, session=s) for s in [store.Session(engine)]], engine)[0]
    people = tables.people_pairs_frame(found)
    assert people[["pair", "n", "exact_value", "mae_value"]].to_numpy().tolist() == [["Person 0 and Person 1", N, 1, 0]]
    counts = tables.marginals_frame(found)
    judge = counts[(counts["pair"] == "test-judge (quick) and people") & (counts["rater"] == "first")]
    assert [int(judge[label].iloc[0]) for label in "12345"] == [JUDGE.count(label) for label in (1, 2, 3, 4, 5)]
    assert {"ordinal", "interval"} <= set(tables.alphas_frame(found).columns)
    assert tables.ceiling_means_frame(found)["people"].to_list() == [2]


def test_simulated_data_is_marked_on_page_and_in_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path), simulated=True)
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    assert "Simulated data" in app.warning[0].value
    charts = app.get("vega_lite_chart")
    assert [("Simulated data" in chart.proto.spec) for chart in charts] == [True, True]


def test_the_bias_table_has_titles_and_the_order_of_the_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(at(tmp_path))
    app = open_page(monkeypatch, at(tmp_path), "agreement")
    shown = app.dataframe[1]
    columns = json.loads(shown.proto.columns)
    titles = [columns[name]["label"] for name in shown.proto.column_order]
    assert titles == ["Judge", "Target", "Bias (points)", "Questions"]
    assert "(" in shown.value["said"][0]  # rounded, with its interval


def test_of_a_target_with_too_few_answers_no_bias_is_given_on_the_page_either(tmp_path: Path) -> None:
    engine = fill(at(tmp_path))
    with store.writing(engine) as session:
        qa_set, questions = rows.add_qa_set(session, 2, version="2")
        few = rows.add_run(session, qa_set, target="few", status=RunStatus.finished)
        for question in questions:
            answer = store.save_answer(rows.answer(few, question), [], session=session)
            for rater, protocol in ((rows.judge(session), "quick"), (rows.person(session, "Person 0"), "person")):
                made = rows.assessment(answer, rater, rows.rubric(session), protocol)
                store.save_assessment(made, rows.scores([4, 3, 5]), session=session)
        runs = store.list_runs(session=session)
    each = agreements(runs, engine)[0]
    shown = tables.bias_frame(each).set_index("target")
    assert (shown.loc["few", "said"], shown.loc["few", "n"]) == ("too few", 2)
    assert shown[["bias", "bias_low", "bias_high"]].notna().any(axis=1).to_dict() == {"test-small": True, "few": False}
    assert tables.by_target_frame(each)["bias"].to_list().count("too few") == 1


def test_rows_of_bias_come_by_judge_and_then_as_the_targets_are_ordered() -> None:
    frame = pd.DataFrame({"judge": ["b", "b", "a", "b"], "target": ["x", "new", "y", "y"]})
    made = tables.in_order(frame, ["b", "a"], ["y", "x"])
    assert made.to_numpy().tolist() == [["b", "y"], ["b", "x"], ["b", "new"], ["a", "y"]]
