"""The controls of the Overview's view, what they will say before they are drawn, and the judge of the Quality page.

The chart is what a visitor waits for: it is drawn first, from the view these controls are about to have, and they
follow once it is under way.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard.keys import Key, from_address, keep, to_address
from dashboard.overview_tables import View
from eval.comparing import PEOPLE
from eval.summary import Summary, sources_of

LATENCIES = {
    "ttft_ms": "Time to first token",
    "ttfat_ms": "Time to first answer token",
    "total_ms": "Total time",
}
QUANTILES = {"p50": "Median", "p95": "95th percentile"}
AXES = ("Automatic", "Linear", "Logarithmic")
OVERALL = "overall"


def is_logarithmic(axis: str, automatic: bool) -> bool:
    """Whether the latency axis is logarithmic; `automatic` is what the data ask for."""
    return automatic if axis == AXES[0] else axis == AXES[2]


def _criteria(summaries: Sequence[Summary], source: str | None) -> list[str]:
    found = {q.criterion for s in summaries for q in s.quality if q.source == source}
    overall = [OVERALL] if OVERALL in found or not found else []  # there is none of criteria on different scales
    return [*overall, *sorted(found - {OVERALL})]


def _settle_source(sources: Sequence[str]) -> str | None:
    """Whose scores are shown: those of the address, else those of before, else those of most runs."""
    if not sources:
        return None
    if (linked := from_address(Key.SOURCE)) in sources:
        st.session_state[Key.CHOSEN_SOURCE] = linked
    if st.session_state.get(Key.CHOSEN_SOURCE) not in sources:
        st.session_state[Key.CHOSEN_SOURCE] = sources[0]
    return st.session_state[Key.CHOSEN_SOURCE]


def _expected(key: Key, options: Sequence[str], wording: Callable[[str], str]) -> str:
    """What a control bound to the address will say: what it said before, else what the address says, else the first."""
    said = st.session_state.get(key)
    if said is None:
        said = next((option for option in options if wording(option) == st.query_params.get(key)), None)
    return str(said) if said in options else options[0]


def expected_view(summaries: Sequence[Summary]) -> View:
    """The view that `choose_view` is about to return."""
    source = _settle_source(sources_of(summaries))
    return View(
        latency=_expected(Key.LATENCY, list(LATENCIES), LATENCIES.__getitem__),
        quantile=_expected(Key.QUANTILE, list(QUANTILES), QUANTILES.__getitem__),
        criterion=_expected(Key.CRITERION, _criteria(summaries, source), str.capitalize),
        source=source,
        axis=_expected(Key.LOG, AXES, str),
    )


def choose_view(summaries: Sequence[Summary]) -> View:
    """The controls in one row, and the view they say."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = _choose_source(summaries)
        criterion = st.selectbox(
            "Quality",
            _criteria(summaries, source),
            format_func=str.capitalize,
            key=Key.CRITERION,
            bind="query-params",
            width=180,
            help="Points from 1 to 5. Overall is the mean of the criteria, over answers where all were scored.",
        )
        latency = st.selectbox(
            "Latency",
            list(LATENCIES),
            format_func=LATENCIES.__getitem__,
            key=Key.LATENCY,
            bind="query-params",
            width=240,
            help="Measured from sending the request. A token is a piece of a word. Time to first answer token leaves "
            "out what a reasoning model thinks first. Warm-up calls are never counted.",
        )
        quantile = _segmented(
            "Of all answers",
            list(QUANTILES),
            Key.QUANTILE,
            "Median: half of the answers were faster. 95th percentile: 19 of 20 were faster.",
            format_func=QUANTILES.__getitem__,
        )
        axis = _segmented(
            "Latency axis",
            AXES,
            Key.LOG,
            "Logarithmic: equal steps are equal factors, so fast and slow targets fit in one picture.",
        )
    return View(str(latency), quantile, str(criterion), source, axis)


def _segmented(label: str, options: Sequence[str], key: Key, help_text: str, **wording: Any) -> str:
    return str(
        st.segmented_control(
            label, options, default=options[0], required=True, key=key, bind="query-params", help=help_text, **wording
        )
    )


def _choose_source(summaries: Sequence[Summary]) -> str | None:
    sources = sources_of(summaries)
    settled = _settle_source(sources)
    if settled is None:
        return None
    st.session_state[Key.SOURCE_BOX] = settled
    mine = [q for summary in summaries for q in summary.quality if q.source == settled and q.source != PEOPLE]
    source = st.selectbox(
        "Scored by (hand scores correct it)" if any(q.calibrated for q in mine) else "Scored by",
        sources,
        format_func=lambda source: "People" if source == PEOPLE else source,
        key=Key.SOURCE_BOX,
        on_change=keep,
        args=(Key.CHOSEN_SOURCE, Key.SOURCE_BOX),
        width=260,
        help="Scores of different judges, or of a judge and of people, are never mixed in one mean. The word in "
        "brackets is how the judge was asked: study (one criterion a call) or quick (all in one call). Where people "
        "scored enough of a random sample, their scores correct the judge's, or stand alone where it does not help.",
    )
    to_address(Key.SOURCE, source)
    return source


def choose_judge(judges: Sequence[str]) -> str:
    """Whose scores people's correct on the Quality page: the judge of the address, else the one before.

    At first that is the one seen on the Overview, if it is one of them.
    """
    seen = st.session_state.get(Key.CHOSEN_SOURCE)
    if (linked := from_address(Key.NUMBER_JUDGE)) in judges:
        st.session_state[Key.NUMBER_JUDGE_BOX] = linked
    elif st.session_state.get(Key.NUMBER_JUDGE_BOX) not in judges:
        st.session_state[Key.NUMBER_JUDGE_BOX] = seen if seen in judges else judges[0]
    judge = st.selectbox("Judge", judges, key=Key.NUMBER_JUDGE_BOX, width=300)
    to_address(Key.NUMBER_JUDGE, judge)
    return judge
