"""The scales of rubrics: from where to where each criterion is scored, and whether a mean of all of them says anything.

Reads what rubrics.body declares; how a rubric is written and checked is the business of eval.rubric.
"""

from typing import Any

from sqlmodel import Session, col, select

from db.models import Rubric

OVERALL = "overall"  # the mean of the criteria, where all are scored on one scale
FIVE = (1.0, 5.0)

Scale = tuple[float, float]  # lowest and highest score


def scales_of(body: dict[str, Any]) -> dict[str, Scale]:
    """The scale of each criterion of a rubric, 1 to 5 unless it says otherwise; of "overall" where all share one."""
    declared = [criterion for criterion in body["criteria"] if isinstance(criterion, dict)]
    scales = {c["id"]: (float(c.get("low", FIVE[0])), float(c.get("high", FIVE[1]))) for c in declared}
    shared = set(scales.values()) or {FIVE}
    return scales | ({OVERALL: shared.pop()} if len(shared) == 1 else {})


def list_scales(*, session: Session) -> dict[int, dict[str, Scale]]:
    """The scales of every stored rubric, by its id and criterion."""
    rows = session.exec(select(col(Rubric.id), col(Rubric.body)))
    return {rubric_id or 0: scales_of(body) for rubric_id, body in rows}


def list_mixed(*, session: Session) -> list[int]:
    """The ids of the rubrics whose criteria have different scales: no mean over their criteria is made."""
    return [rubric_id for rubric_id, scales in list_scales(session=session).items() if OVERALL not in scales]
