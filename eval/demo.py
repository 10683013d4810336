"""The demo: the built-in QA set through simulated targets and a simulated judge, over real HTTP, without a key.

Says which targets stand in the demo, finds the demo that is already stored and keeps a second from beginning; running
it is the runner's business.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlmodel import Session, select

from db import store
from db.models import QASet, Run
from eval import qa_set
from eval.chat import Endpoint
from eval.config import PriceSpec
from eval.plan import JudgeSpec, Plan
from eval.simulator.process import simulator_process
from eval.targets import Stage, Target

CONCURRENCY = 30  # so that the demo ends in seconds; the simulator's latencies do not depend on load
JUDGE_CONCURRENCY = 60
ROLES = ("laptop", "workstation", "cloud", "judge")  # one simulated endpoint each
PRICES = {
    model: PriceSpec(
        input_usd_per_mtok=into, output_usd_per_mtok=out, kind="hypothetical", source="made up, for the demo"
    )
    for model, into, out in (
        ("sim-small", 0.04, 0.08),
        ("sim-large", 0.15, 0.60),
        ("sim-cloud", 1.25, 10.0),
        ("sim-judge", 1.25, 10.0),
    )
}


def demo_simulator(ports: Sequence[int] | None = None) -> AbstractContextManager[list[str]]:
    """The simulator of the demo, one address a role; on the ports given, or any that are free."""
    return simulator_process(["--ports", ",".join(map(str, ports or [0] * len(ROLES)))])


def demo_plan(urls: list[str]) -> Plan:
    """The demo's targets: small and large local, a hybrid of the two, and a cloud, each at its simulated endpoint."""
    at = {
        role: Endpoint(url=url, concurrency=JUDGE_CONCURRENCY if role == "judge" else CONCURRENCY)
        for role, url in zip(ROLES, urls, strict=True)
    }

    def plain(name: str, model: str, role: str) -> Target:
        return Target(name=name, stages=(Stage(name="answer", model=model, endpoint=at[role]),))

    hybrid = (
        Stage(name="draft", model="sim-small", endpoint=at["laptop"]),
        Stage(name="refine", model="sim-large", endpoint=at["workstation"]),
    )
    return Plan(
        targets=(
            plain("small-local", "sim-small", "laptop"),
            plain("large-local", "sim-large", "workstation"),
            plain("cloud", "sim-cloud", "cloud"),
            Target(name="hybrid", kind="draft_and_refine", stages=hybrid),
        ),
        questions=qa_set.built_in(),
        judges=(JudgeSpec(model="sim-judge", endpoint=at["judge"]),),
        prices=PRICES,
    )


def simulator_note(urls: list[str]) -> dict[str, Any]:
    """What a run keeps so that its simulator can be started again: the ports, in the order of the roles."""
    return {"demo": True, "ports": [urlsplit(url).port for url in urls]}


class DemoExistsError(Exception):
    """Another process has stored the demo's runs in the meantime."""


def find_demo(engine: Engine) -> list[Run]:
    """The runs of the newest stored demo of the QA set as it is now; empty where there is none."""
    with store.reading(engine) as session:
        return _find(session)


def _find(session: Session) -> list[Run]:
    wanted = qa_set.built_in().sha256
    for row in store.list_qa_sets(session=session):
        if row.sha256 == wanted:
            runs = store.list_runs(qa_set_id=row.id, session=session)
            demos = [run for run in runs if (run.definition.get("simulator") or {}).get("demo")]
            return [run for run in reversed(demos) if run.group_id == demos[0].group_id]
    return []


def only_once(session: Session) -> None:
    """Raise DemoExistsError if there is a demo by now: to be asked in the transaction that stores the demo's runs.

    SQLite lets one such transaction in at a time; on a server two of them wait for one another at the QA set's row.
    """
    session.exec(select(QASet).where(QASet.sha256 == qa_set.built_in().sha256).with_for_update()).first()
    if _find(session):
        raise DemoExistsError
