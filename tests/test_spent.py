"""What judging took, in words: exact figures, unknown ones said, the same sentence on the Runs page."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pages import open_page, parsed
from samples import TARGETS, add_group

from db import store
from db.models import Price
from eval.cost.price_card import PriceCard
from eval.cost.price_card_file import built_in
from eval.run_cost import prices_of_runs, with_own
from eval.spent import duration, judging_took
from eval.summary import Judging, summarise


def price(into: float | None = 1.25, out: float | None = 10.0, kind: str = "quoted") -> PriceCard:
    known = Price(model="m", input_usd_per_mtok=into, output_usd_per_mtok=out, kind=kind, source="a test")
    return with_own(built_in(), {"m": known})


def took(*judging: Judging, prices: PriceCard) -> list[str]:
    summaries: Any = [SimpleNamespace(judging=(one,)) for one in judging]
    return judging_took(summaries, prices)


def judged(
    n: int = 60, into: int | None = 120_000, out: int | None = 30_000, seconds: float | None = 90.0, model: str = "m"
) -> Judging:
    return Judging("j", model, "quick", n, into, out, seconds)


def test_tokens_cost_and_time_of_a_judge_over_all_runs_in_one_sentence() -> None:
    # (240,000 x 1.25 + 60,000 x 10) / 1,000,000 = 0.90 USD
    assert took(judged(), judged(), prices=price()) == [
        "Judging took 120 assessments by j (quick); 240,000 tokens in, 60,000 out; 0.9000 USD; 3 min of replies."
    ]


@pytest.mark.parametrize(
    ("judging", "prices", "said"),
    [
        (judged(), price(kind="hypothetical"), "0.4500 USD at hypothetical prices; 90 s of replies"),
        (judged(), price(None), "120,000 tokens in, 30,000 out; cost unknown ("),
        (judged(), built_in(), "cost unknown ("),
        (judged(into=None), price(), "tokens not counted by its server, so its cost is unknown; 90 s"),
        (judged(seconds=None), price(), "30,000 out; 0.4500 USD."),
    ],
)
def test_what_is_unknown_is_said_and_never_counted_as_nothing(judging: Judging, prices: PriceCard, said: str) -> None:
    (sentence,) = took(judging, prices=prices)
    assert said in sentence


def test_a_judge_that_was_not_asked_from_here_took_nothing_that_is_known() -> None:
    assert took(judged(model=""), prices=price()) == []


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (3600, "60 min")])
def test_a_time_is_told_in_seconds_or_minutes(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_runs_page_says_what_judging_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{(tmp_path / 'runs.db').as_posix()}"
    (run_id,) = add_group(url, targets=TARGETS[:1], judged=True)
    engine = store.connect(url)
    (sentence,) = judging_took([summarise(run_id, engine)], prices_of_runs(engine))
    engine.dispose()
    shown = " ".join(parsed(open_page(monkeypatch, url, "runs", run=str(run_id))).replace("\\", "").split())
    assert "assessments by test-judge (quick)" in sentence
    assert sentence in shown.replace("\u2060", "")
