"""How far raters agree over some stored runs: judge against people, people among themselves, judge against judge.

Reads single scores from the database and hands them to stats.agreement and stats.panel; shows nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from db import rating_frames, store
from db.models import RaterKind, Run
from eval.expected import ExpectedError
from eval.run_quality import panel_name
from eval.stats.agreement import Agreement, agreement
from eval.stats.panel import PanelAgreement, panel_agreement
from eval.stats.scores import Pair

JUDGE, PERSON = RaterKind.judge.value, RaterKind.person.value


class AgreementError(ExpectedError):
    """There is nothing whose agreement could be told; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class JudgeAndPeople:
    """One judge, or the panel that several are together (their mean), held against the people on one criterion."""

    judge: str
    same_family: bool  # it judged a target of its own model family
    among: PanelAgreement


@dataclass(frozen=True, slots=True)
class TwoJudges:
    """Two judges held against each other on one criterion."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class CriterionAgreement:
    """All that is said about one criterion; `people` without any judge, then each judge against them."""

    criterion: str
    labels: tuple[float, ...]
    people: PanelAgreement | None  # None where nobody scored by hand
    judges: list[JudgeAndPeople]  # panels of judges last
    between_judges: list[TwoJudges]
    notes: tuple[str, ...] = ()  # what is left out, in sentences
    own_family: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by judge: the targets of its model family

    def called(self, judge: str) -> str:
        """A judge's name as figures show it, with whether it judged its own model family."""
        return f"{judge} (own family)" if judge in self.own_family else judge


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a column that names each rater: a person by name, a judge with its protocol."""
    judges = frame["kind"] == JUDGE
    who = frame["rater"].where(~judges, frame["rater"] + " (" + frame["protocol"] + ")")
    return frame.assign(who=who)


def agreements(runs: Sequence[Run], engine: Engine, criterion: str | None = None) -> list[CriterionAgreement]:
    """Every figure of agreement over the answers of some runs, by criterion. Raises AgreementError.

    The rubric that most scores are under counts, the newest of several; scores under others are left out, and that is
    said: two rubrics are two scales.
    """
    with store.reading(engine) as session:
        ratings = rating_frames.ratings_frame([run.id or 0 for run in runs], session=session)
        rubrics = {rubric.id: rubric for rubric in store.list_rubrics(session=session)}
    if ratings.empty:
        raise AgreementError("Nobody scored an answer of these runs; score some on the Score page, or let a judge.")
    under = Counter(int(rubric_id) for rubric_id in ratings["rubric_id"])
    chosen = max(under, key=lambda rubric_id: (under[rubric_id], rubric_id))
    left_out = len(ratings) - under[chosen]
    notes = (
        (
            f"{left_out} scores under another rubric are left out; those under {rubrics[chosen].name} "
            f"{rubrics[chosen].version} are the most.",
        )
        if left_out
        else ()
    )
    ratings = _named(ratings[ratings["rubric_id"] == chosen])
    known = list(dict.fromkeys(ratings["criterion"]))
    if criterion and criterion not in known:
        raise AgreementError(f'There is no criterion "{criterion}" here; there are: {", ".join(known)}.')
    return [
        replace(
            _of_criterion(name, ratings[ratings["criterion"] == name], _labels(rubrics[chosen].body, name)),
            notes=notes,
        )
        for name in ([criterion] if criterion else known)
    ]


def _labels(rubric: dict[str, Any], criterion: str) -> tuple[float, ...]:
    """The points of a criterion's scale: 1 to 5, unless its rubric says otherwise."""
    its = next((c for c in rubric["criteria"] if isinstance(c, dict) and c["id"] == criterion), {})
    return tuple(range(int(its.get("low", 1)), int(its.get("high", 5)) + 1))


def _of_criterion(criterion: str, ratings: pd.DataFrame, labels: tuple[float, ...]) -> CriterionAgreement:
    table = ratings.pivot_table(index="answer_id", columns="who", values="value", aggfunc="mean")
    panels = _panels(ratings)
    for name, members in panels.items():
        table[name] = table[members].mean(axis=1, skipna=False)  # of answers that all of them scored
    about = ratings.drop_duplicates("answer_id").set_index("answer_id").loc[table.index]
    questions, targets = about["question"].to_list(), about["target"].to_list()
    kinds: dict[str, str] = dict(zip(ratings["who"], ratings["kind"], strict=True))
    own = ratings[ratings["same_family"] > 0]
    own_family = {str(who): tuple(dict.fromkeys(its["target"])) for who, its in own.groupby("who")}
    for name, members in panels.items():
        if targets_of := dict.fromkeys(target for judge in members for target in own_family.get(judge, ())):
            own_family[name] = tuple(targets_of)
    names = [str(name) for name in table.columns]
    people = {name: table[name].to_list() for name in names if kinds.get(name) == PERSON}
    judges = [name for name in names if kinds.get(name) == JUDGE]
    given: dict[str, Any] = {"questions": questions, "targets": targets, "labels": labels}
    return CriterionAgreement(
        criterion=criterion,
        labels=labels,
        people=panel_agreement(people, **given) if people else None,
        judges=[
            JudgeAndPeople(name, name in own_family, panel_agreement(people, table[name].to_list(), **given))
            for name in (*judges, *panels)
            if people
        ],
        between_judges=[
            TwoJudges(a, b, agreement(_pairs(table[a], table[b], questions, targets), labels=labels))
            for a, b in combinations(judges, 2)
        ],
        own_family=own_family,
    )


def _panels(ratings: pd.DataFrame) -> dict[str, list[str]]:
    """By name, the judges whose mean is a panel: two or more that were asked in one way."""
    judges = ratings[ratings["kind"] == JUDGE]
    members = {str(protocol): sorted(set(its["who"])) for protocol, its in judges.groupby("protocol")}
    return {panel_name(protocol): names for protocol, names in members.items() if len(names) > 1}


def _pairs(first: "pd.Series[Any]", second: "pd.Series[Any]", questions: list[Any], targets: list[Any]) -> list[Pair]:
    return [Pair(*row) for row in zip(questions, targets, first.to_list(), second.to_list(), strict=True)]
