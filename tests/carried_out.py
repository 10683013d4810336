"""Runs carried out in this process, for tests that watch or disturb what goes on inside; and the rows they leave."""

import asyncio
from typing import Any

from sqlmodel import Session, select

from db import store
from eval.plan import Overrides, make_plan
from eval.runner import resume_runs, run_plan


def carry_out(db_url: str, *targets: str, **given: Any) -> tuple[list[int], dict[int, str]]:
    """Run targets written NAME=MODEL@URL; returns the ids of the runs and what failed ones failed with."""
    plan = make_plan(Overrides(targets=targets, **given))
    engine = store.connect(db_url)
    try:
        return asyncio.run(run_plan(plan, engine, lambda _: None))
    finally:
        engine.dispose()


def resume(db_url: str, *run_ids: int, **given: Any) -> dict[int, str]:
    """Go on with runs; returns what those that failed again failed with."""
    engine = store.connect(db_url)
    try:
        return asyncio.run(resume_runs(run_ids, engine, lambda _: None, **given))
    finally:
        engine.dispose()


def rows(db_url: str, model: type[Any]) -> list[Any]:
    """Every row of a table, in the order they were stored."""
    engine = store.connect(db_url)
    try:
        with Session(engine) as session:
            return list(session.exec(select(model).order_by(model.id)))
    finally:
        engine.dispose()
