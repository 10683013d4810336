"""Samples for people to score: what there is to draw from, drawing, storing, and which samples there are.

How many of which answers are drawn is drawing.py's business, which are in dispute disputes.py's, handing them to people
handouts.py's. A sample is never changed once it is drawn.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from db.disputes import find_disputes
from db.drawing import Allocation, Drawn, Stratum, Unit, draw, mark_doubles, one_stratum, stratified
from db.models import Answer, Assessment, Design, Draw, Handout, Question, Rater, RaterKind, Rubric, Run, Sample, Score
from db.store import StoreError, save_rubric

DOUBLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be drawn. `size` counts answers, None is all of them; `threshold` serves `disagreement` alone."""

    run_ids: tuple[int, ...]
    design: Design = Design.random
    size: int | None = None
    double_share: float = DOUBLE_SHARE
    categories: tuple[str, ...] = ()  # of questions; none means all
    allocation: Allocation = Allocation.proportional
    threshold: float | None = None  # a mean score near which a decision turns


@dataclass(frozen=True, slots=True)
class SampleHead:
    """What a list of samples shows of one; `n_done` answers are scored at least once."""

    sample_id: int
    name: str
    design: Design
    run_ids: tuple[int, ...]
    n_drawn: int
    n_done: int
    created_by: str
    created_at: datetime


# --- what there is to draw from -----------------------------------------------------------------------------------


def _scorable(run_ids: Sequence[int], categories: Sequence[str]):
    """The condition under which an answer can be scored: no failure, no warm-up, of these runs and categories."""
    found = [col(Answer.run_id).in_(run_ids), col(Answer.cold).is_(False), col(Answer.error_kind).is_(None)]
    if categories:
        asked = select(Question.id).where(_asked(run_ids), col(Question.category).in_(categories))
        found.append(col(Answer.question_id).in_(asked))
    return found


def _asked(run_ids: Sequence[int]):
    """The condition under which a question belongs to the QA sets of some runs."""
    return col(Question.qa_set_id).in_(select(Run.qa_set_id).where(col(Run.id).in_(run_ids)))


def count_scorable(run_ids: Sequence[int], categories: Sequence[str] = (), *, session: Session) -> int:
    """How many answers of some runs a person can score; texts are not read."""
    return session.exec(select(func.count()).select_from(Answer).where(*_scorable(run_ids, categories))).one()


def list_categories(run_ids: Sequence[int], *, session: Session) -> list[str]:
    """The categories of the questions that some runs were asked, by name."""
    return sorted(session.exec(select(Question.category).where(_asked(run_ids)).distinct()))


def _judged(run_ids: Sequence[int], rubric_id: int, session: Session) -> dict[int, float]:
    """The mean score that judges gave each answer of some runs under a rubric, over criteria, judges and readings."""
    query = (
        select(Assessment.answer_id, func.avg(Score.value))
        .join(Rater, col(Rater.id) == col(Assessment.rater_id))
        .join(Score, col(Score.assessment_id) == col(Assessment.id))
        .where(
            col(Assessment.run_id).in_(run_ids),
            col(Assessment.current).is_(True),
            Assessment.rubric_id == rubric_id,
            Rater.kind == RaterKind.judge,
            col(Score.value).is_not(None),
        )
        .group_by(col(Assessment.answer_id))
    )
    return {row[0]: float(row[1]) for row in session.execute(query)}


def list_units(
    run_ids: Sequence[int], rubric_id: int, categories: Sequence[str] = (), *, session: Session
) -> list[Unit]:
    """What some runs answered to each question, with the judges' mean score of it, in the order of the answers."""
    columns = (col(Answer.id), col(Answer.run_id), col(Answer.question_id))
    query = select(*columns).where(*_scorable(run_ids, categories)).order_by(col(Answer.id))
    judged = _judged(run_ids, rubric_id, session)
    answers: dict[tuple[int, int], list[int]] = defaultdict(list)
    for answer_id, run_id, question_id in session.execute(query):
        answers[run_id, question_id].append(answer_id)
    units: list[Unit] = []
    for (run_id, question_id), ids in answers.items():
        known = [judged[answer_id] for answer_id in ids if answer_id in judged]
        units.append(Unit(run_id, question_id, tuple(ids), sum(known) / len(known) if known else None))
    return units


# --- drawing ------------------------------------------------------------------------------------------------------


def draw_sample(
    wish: Wish, rubric: Rubric, *, seed: int, name: str = "", created_by: str = "", session: Session
) -> Sample:
    """Draw and store a sample; the same wish and seed over the same answers give the same sample.

    Raises StoreError where there is nothing to draw, ValueError for a size below 1 or a share that is none.
    """
    if wish.size is not None and wish.size < 1:
        raise ValueError(f"a sample of {wish.size} answers cannot be drawn; at least 1 is needed")
    stored = save_rubric(rubric, session=session)
    assert stored.id is not None
    units = list_units(wish.run_ids, stored.id, wish.categories, session=session)
    population = sum(len(unit.answer_ids) for unit in units)
    rng = Random(seed)
    strata: list[Stratum] = []
    if wish.design == Design.disagreement:
        drawn = _disputed(wish, stored.id, rng, session)
    else:
        size = population if wish.size is None else min(wish.size, population)
        strata = _strata(wish, units, size, rng, session)
        drawn = draw(strata, size, wish.double_share, rng)
    if not drawn:
        raise StoreError(_nothing(wish, population))
    sample = Sample(
        name=name,
        design=wish.design,
        run_ids=list(wish.run_ids),
        rubric_id=stored.id,
        seed=seed,
        n_population=population,
        double_share=wish.double_share,
        strata=[row for stratum in strata for row in _by_run(stratum, drawn)],
        definition=_definition(wish),
        created_by=created_by,
    )
    session.add(sample)
    session.flush()
    rows = [{"sample_id": sample.id, "position": i, **asdict(one)} for i, one in enumerate(drawn)]
    session.execute(insert(Draw), rows)
    return sample


def _nothing(wish: Wish, population: int) -> str:
    if not population:
        return "These runs have no answer that could be scored: all of them failed, or none is in these categories."
    near = "" if wish.threshold is None else f", and no mean score lies near {wish.threshold:g}"
    return f"There is no disagreement to look at: judges and readings agree on every answer that is not scored{near}."


def _definition(wish: Wish) -> dict[str, Any]:
    """What is stored of a wish beside the sample's own columns."""
    kept: dict[str, Any] = {"size": wish.size, "categories": list(wish.categories)}
    if wish.design == Design.stratified:
        kept["allocation"] = str(wish.allocation)
    if wish.design == Design.disagreement:
        kept["threshold"] = wish.threshold
    return kept


def _strata(wish: Wish, units: Sequence[Unit], size: int, rng: Random, session: Session) -> list[Stratum]:
    if wish.design == Design.random:
        return one_stratum(units, size)
    runs = session.execute(select(col(Run.id), col(Run.target)).where(col(Run.id).in_(wish.run_ids)))
    targets = {run_id: f"#{run_id} {target}" for run_id, target in runs}
    return stratified(units, targets, size, wish.allocation, rng)


def _by_run(stratum: Stratum, drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    """A stratum as it is stored: a row a run, with the questions it holds, drawn or not."""
    chosen = {one.answer_id for one in drawn}
    rows: dict[int, dict[str, Any]] = {}
    for unit in stratum.units:
        start = {"name": stratum.name, "run_id": unit.run_id, "n_population": 0, "n_drawn": 0}
        row = rows.setdefault(unit.run_id, start | {"probability": stratum.probability, "question_ids": []})
        row["n_population"] += 1
        row["n_drawn"] += not chosen.isdisjoint(unit.answer_ids)
        row["question_ids"].append(unit.question_id)
    return list(rows.values())


def _disputed(wish: Wish, rubric_id: int, rng: Random, session: Session) -> list[Drawn]:
    """The answers most in dispute first; none has a probability, because none was drawn."""
    known = set(session.exec(select(Answer.id).where(*_scorable(wish.run_ids, wish.categories))))
    found = find_disputes(wish.run_ids, rubric_id, wish.threshold, session=session)
    drawn = [Drawn(one.answer_id, "", None, reason=one.reason) for one in found if one.answer_id in known]
    return mark_doubles(drawn[: wish.size], wish.double_share, rng)


# --- which there are ----------------------------------------------------------------------------------------------


def get_sample(sample_id: int, *, session: Session) -> Sample:
    """One sample. Raises StoreError where there is none with this id."""
    if sample := session.get(Sample, sample_id):
        return sample
    raise StoreError(f"There is no sample {sample_id} (any more); choose another on the Score page.")


def list_samples(run_ids: Sequence[int] = (), *, session: Session, limit: int = 50) -> list[SampleHead]:
    """Samples with how far they are, newest first: all, or those that hold answers of one of these runs."""
    columns = (Sample.id, Sample.name, Sample.design, Sample.run_ids, Sample.created_by, Sample.created_at)
    wanted = set(run_ids)
    rows = session.execute(select(*columns).order_by(col(Sample.id).desc()))  # pyright: ignore[reportCallIssue, reportArgumentType]
    heads = [
        SampleHead(row[0], row[1], row[2], tuple(row[3]), 0, 0, row[4], row[5])
        for row in rows
        if not wanted or wanted & set(row[3])
    ][:limit]
    return [_counted(head, session) for head in heads]


def list_samples_beside(run_ids: Sequence[int], *, session: Session, limit: int = 50) -> list[SampleHead]:
    """Samples of other runs on the QA sets of some runs, newest first: none of these runs is in them."""
    sets = select(Run.qa_set_id).where(col(Run.id).in_(run_ids))
    beside = session.exec(select(Run.id).where(col(Run.qa_set_id).in_(sets), col(Run.id).not_in(run_ids)))
    known = [run_id for run_id in beside if run_id is not None]
    found = list_samples(known, session=session, limit=limit) if known else []
    return [head for head in found if not set(run_ids) & set(head.run_ids)]


def _counted(head: SampleHead, session: Session) -> SampleHead:
    drawn = select(func.count()).select_from(Draw).where(Draw.sample_id == head.sample_id)
    scored = select(Handout.id).where(col(Handout.draw_id) == col(Draw.id), col(Handout.done_at).is_not(None))
    done = session.exec(drawn.where(scored.exists())).one()
    return replace(head, n_drawn=session.exec(drawn).one(), n_done=done)


def count_shared(sample_id: int, *, session: Session) -> dict[int, int]:
    """How many answers of a sample are in each other one as well, by its id.

    Two people may score these, one in each. They are not left out of a draw: a random sample of what others have not
    got yet stands for that alone, not for all answers.
    """
    mine = select(Draw.answer_id).where(Draw.sample_id == sample_id)
    query = select(col(Draw.sample_id), func.count()).where(
        col(Draw.answer_id).in_(mine.scalar_subquery()), Draw.sample_id != sample_id
    )
    rows = session.execute(query.group_by(col(Draw.sample_id)).order_by(col(Draw.sample_id)))
    return {row[0]: row[1] for row in rows}


def discard_sample(sample_id: int, *, session: Session) -> None:
    """Remove a sample that nobody has scored anything of. Raises StoreError where somebody has."""
    get_sample(sample_id, session=session)
    draws = select(Draw.id).where(Draw.sample_id == sample_id)
    if session.exec(select(Assessment.id).where(col(Assessment.draw_id).in_(draws)).limit(1)).first():
        raise StoreError(f"Sample {sample_id} has scores already; scores are never removed.")
    session.execute(delete(Sample).where(col(Sample.id) == sample_id))  # its draws go with it
