"""A person's earlier scores in a further sample: an answer they scored in another one is not shown to them again.

A draw leaves nothing out, or it would stand for what is not scored yet alone. So where an answer's turn comes in the
order of a sample and the person who would get it has scored it before, those scores count in this sample too: the draw
decides that the answer belongs to it, the person what it is worth, once. Never ahead of its turn: the scored part of a
sample has to stay a beginning of its order, as random as the whole. What the person changes or takes back later holds
in both (verdicts.py).
"""

from sqlmodel import Session, col, select

from db import handouts
from db.handouts import Handed
from db.models import Assessment, Draw, Sample
from db.verdicts import CARRIED, copy_verdict, find_standing


def next_to_score(sample_id: int, rater_id: int, *, session: Session) -> Handed | None:
    """The answer a person scores next, now in their hands, past those they scored in another sample: these are done.

    None if nothing is left for them. Needs a writing session.
    """
    rubric_id = session.exec(select(Sample.rubric_id).where(Sample.id == sample_id)).one()
    while handed := handouts.next_handout(sample_id, rater_id, session=session):
        known = find_standing(handed.answer_id, rater_id, rubric_id, session=session)
        if known is None:
            return handed
        copy_verdict(known, handed.draw_id, handed.place, session=session)
        handouts.finish(handed.handout_id, rater_id, session=session)
    return None


def count_carried(sample_id: int, rater_id: int, *, session: Session) -> int:
    """How many answers of a sample came to count with scores that this person gave them in another one."""
    query = (
        select(Assessment.draw_id, Assessment.parameters)
        .join(Draw, col(Draw.id) == col(Assessment.draw_id))
        .where(Draw.sample_id == sample_id, Assessment.rater_id == rater_id)
        .order_by(col(Assessment.id).desc())
    )
    first = dict(iter(session.exec(query)))  # of each draw
    return sum(CARRIED in parameters for parameters in first.values())
