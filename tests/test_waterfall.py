"""waterfall.py: the bars are the stamped times, laid end to end."""

import json
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.charts.waterfall import COLUMNS, MAX_TICKS, PHASES, segments, waterfall


def call(target: str = "a", stage: str = "answer", attempt: int = 1, **given_: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "target": target, "stage": stage, "attempt": attempt, "error": None, "wait_before_ms": 0.0, "prepare_ms": 2.0,
        "connect_ms": 3.0, "ttft_ms": 100.0, "ttfat_ms": 160.0, "generation_ms": 200.0, "total_ms": 310.0,
        "chunk_ms": [100.0, 200.0, 300.0],
    }  # fmt: skip
    return fields | given_


def frame(*calls: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(calls), columns=list(COLUMNS))


def bars(*calls: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    return [tuple(row) for row in segments(frame(*calls))[["row", "phase", "start", "end"]].to_numpy().tolist()]


def test_a_call_is_cut_at_its_stamps():
    assert bars(call()) == [
        ("a", "prepare", 0, 2),
        ("a", "connect", 2, 5),
        ("a", "wait for the first token", 5, 105),
        ("a", "reasoning", 105, 165),
        ("a", "write the answer", 165, 305),
        ("a", "close", 305, 315),
    ]


def test_without_reasoning_there_is_no_such_bar():
    assert "reasoning" not in {phase for _, phase, *_ in bars(call(ttfat_ms=100.0))}


def test_a_retry_starts_where_the_failed_try_ended_and_waits_first():
    drawn = bars(call(error="500", total_ms=50.0, ttft_ms=None), call(attempt=2, wait_before_ms=500.0))
    assert drawn[2] == ("a", "failed", 5, 55)
    assert drawn[3] == ("a: answer, try 2", "pause before a retry", 55, 555)


def test_one_failed_try_does_not_colour_the_others():
    """pandas turns a missing error into NaN beside a present one, and NaN is true."""
    drawn = bars(call("a"), call("b", error="500", ttft_ms=None))
    assert {row for row, phase, *_ in drawn if phase == "failed"} == {"b"}


def test_stages_follow_each_other_and_every_target_starts_at_zero():
    drawn = bars(call("h", "draft"), call("h", "refine"), call("b"))
    assert min(start for row, _, start, _ in drawn if row == "h: refine") == 315
    assert min(start for row, _, start, _ in drawn if row == "b") == 0


def test_a_reply_that_came_whole_is_one_bar():
    assert [phase for _, phase, *_ in bars(call(ttft_ms=None, ttfat_ms=None, generation_ms=None))][
        -1
    ] == "reply at once"


def test_a_call_that_was_never_sent_has_no_bar():
    nothing = dict.fromkeys(("prepare_ms", "connect_ms", "ttft_ms", "ttfat_ms", "generation_ms", "total_ms"))
    assert bars(call(error="refused", **nothing)) == []
    assert json.loads(waterfall(frame(call(error="refused", **nothing))).to_json())


POSITIVE = st.integers(0, 10**7).map(lambda tenths: tenths / 10)


@given(
    st.fixed_dictionaries(
        {name: st.none() | POSITIVE for name in COLUMNS if name.endswith("_ms") and name != "chunk_ms"}
    )
)
def test_whatever_is_missing_bars_are_positive_and_without_gaps(times: dict[str, float | None]):
    drawn = bars(call(**times))
    assert all(end > start for *_, start, end in drawn)
    assert all(before[3] == after[2] for before, after in pairwise(drawn))


def test_the_chart_says_each_calls_own_time_and_thins_its_ticks():
    many = [100 + i * 0.1 for i in range(2000)]
    chart = waterfall(frame(call(chunk_ms=many, wait_before_ms=400.0), call("b", error="x", total_ms=50.0)))
    spec = chart.to_dict()
    said = [row["said"] for rows in spec["datasets"].values() for row in rows if "said" in row]
    assert sorted(said) == ["310 ms", "failed 50 ms"]
    ticks = [row for rows in spec["datasets"].values() for row in rows if "at" in row]
    assert 100 < len(ticks) <= MAX_TICKS
    assert min(row["at"] for row in ticks) == pytest.approx(400 + 5 + 100)


@pytest.mark.parametrize(("total", "unit", "label"), [(1_400.0, "ms", "1,400 ms"), (61_500.0, "s", "61.50 s")])
def test_labels_axis_and_bars_share_one_unit(total: float, unit: str, label: str):
    whole = {"ttft_ms": None, "ttfat_ms": None, "generation_ms": None, "prepare_ms": None, "connect_ms": None}
    spec = waterfall(frame(call(total_ms=total, **whole), call("b", total_ms=30.0, **whole))).to_dict()
    rows = [row for data in spec["datasets"].values() for row in data]
    assert next(row["said"] for row in rows if "said" in row) == label
    assert all(row["said"].endswith(f" {unit}") for row in rows if "said" in row)
    assert spec["layer"][0]["encoding"]["x"]["title"] == f"Since the target began ({unit})"
    assert max(row["end"] for row in rows if "phase" in row) == pytest.approx(total if unit == "ms" else total / 1000)


def test_every_phase_has_one_colour_wherever_it_is_drawn():
    colours = waterfall(frame(call())).to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(colours["domain"], colours["range"], strict=True)).items() <= PHASES.items()


def test_no_calls_at_all_still_make_a_chart():
    assert waterfall(frame()).to_dict()["layer"]
