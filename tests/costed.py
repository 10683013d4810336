"""A database of invented runs whose targets are called as in the demo scenario, so that its options can be priced."""

import samples
from sqlalchemy import update

from db import store
from db.models import Assessment

CALLED = {
    "test-small": ("small-local", ("sim-small",)),
    "test-large": ("large-local", ("sim-large",)),
    "test-hybrid": ("hybrid", ("sim-small", "sim-large")),
    "test-cloud": ("cloud", ("sim-cloud",)),
}


def add_demo_targets(url: str) -> None:
    """The four targets of the demo scenario with judged answers and the tokens that judging took."""
    made = tuple(samples.Sample(*CALLED[s.name], s.ttft_ms, s.tokens_per_s, s.score) for s in samples.TARGETS)
    samples.add_group(url, targets=made)
    with store.writing(store.connect(url)) as session:
        session.execute(update(Assessment).values(prompt_tokens=900, completion_tokens=150))
