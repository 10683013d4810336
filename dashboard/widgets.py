"""Controls that several pages share, and every session-state and query-parameter key there is.

A bound key is also the parameter in the address, so a copied address reproduces the view. Reading is data.py's
business, wording format.py's.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.data import RunRow
from dashboard.format import plain, plural, to_csv
from db.store import StoreError
from eval.summary import Summary

MOST_RUNS = 24  # in one view; more would not be readable


class Key(StrEnum):
    """Every key. Those in the first block also stand in the address."""

    QA_SET = "set"
    RUNS = "runs"
    LATENCY = "latency"
    QUANTILE = "quantile"
    CRITERION = "criterion"
    SOURCE = "scored_by"
    LOG = "log"
    VOLUME = "volume"
    SEARCH = "search"
    STATUS = "status"
    TARGET = "target"
    TAG = "tag"
    LISTED_SET = "listed_set"
    PAGE = "page"
    RUN = "run"
    FIND = "find"
    CATEGORY = "category"
    QUESTION = "question"
    REPEAT = "repeat"
    QUOTES = "quotes"
    RATER = "rater"
    SCORING = "scoring"
    PLACE = "place"

    PRICES = "_prices"
    NOTICE = "_notice"
    DEMO_LOG = "_demo_log"
    QUESTION_BOX = "_question"
    RATER_BOX = "_rater"
    PROBLEM = "_problem"


LATENCIES = {
    "ttft_ms": "Time to first token",
    "ttfat_ms": "Time to first answer token",
    "total_ms": "Total time",
}
QUANTILES = {"p50": "Median", "p95": "95th percentile"}
OVERALL = "overall"


# --- problems and notices ------------------------------------------------------------------------------------------


@contextmanager
def store_errors() -> Iterator[None]:
    """Show what is wrong with the database in one sentence, and end the page."""
    try:
        yield
    except StoreError as error:
        st.error(plain(error), icon=":material/database_off:")
        st.stop()


def note(text: str) -> None:
    """Keep a sentence for the next run of the page, where `show_notice` says it once."""
    st.session_state[Key.NOTICE] = text


def show_notice() -> None:
    if text := st.session_state.pop(Key.NOTICE, None):
        st.toast(text, icon=":material/check:")


def simulated_banner(runs: Sequence[RunRow]) -> None:
    """Say it wherever something shown came from the simulator."""
    simulated = [run.target for run in runs if run.simulated]
    if simulated:
        whose = "Everything here comes" if len(simulated) == len(runs) else f"{plain(', '.join(simulated))}: these come"
        st.warning(
            f"**Simulated data.** {whose} from the built-in simulator, with invented answers and latencies. "
            "Use it to learn the tool, never to decide.",
            icon=":material/science:",
        )


# --- which runs ----------------------------------------------------------------------------------------------------


def _run_label(option: object, names: dict[int, str]) -> str:
    return names.get(option, f"#{option}") if isinstance(option, int) else str(option)


def _ids(chosen: Sequence[object]) -> list[int]:
    """Run ids out of what was chosen, typed or linked: a number, "#12", "#12 name"."""
    found = [re.match(r"#?(\d{1,15})\b", str(option)) for option in chosen]
    return list(dict.fromkeys(int(match[1]) for match in found if match))


def _labels(runs: Sequence[RunRow]) -> dict[int, str]:
    return {run.run_id: f"#{run.run_id} {run.target}" for run in runs}


def _start_with(runs: Sequence[RunRow]) -> None:
    st.session_state[Key.RUNS] = [run.run_id for run in runs[:MOST_RUNS]]


def compare(run_ids: Sequence[int]) -> None:
    """Make these the runs in view on every page (call it before the page that shows them is drawn)."""
    chosen = data.runs(ids=list(run_ids), limit=MOST_RUNS)
    if chosen:
        st.session_state[Key.QA_SET] = chosen[0].qa_set_id
        st.session_state[Key.RUNS] = list(run_ids)


def choose_runs() -> list[RunRow]:
    """The runs in view, all on one QA set version; ends the page with a kind sentence where there are none.

    Starts with the newest group that has finished runs.
    """
    newest = data.newest_group()
    if not newest:
        st.info("No run has finished yet. The **Start** page shows how to begin, **Runs** what is under way.")
        st.stop()
    sets = data.qa_sets()
    linked = _ids(st.query_params.get_all(Key.RUNS)) if Key.RUNS not in st.session_state else []
    first = (data.runs(ids=linked, limit=1) or newest)[0]
    if Key.QA_SET not in st.session_state and Key.QA_SET not in st.query_params:
        st.session_state[Key.QA_SET] = first.qa_set_id

    def other_set() -> None:
        _start_with(data.newest_group(qa_set_id=st.session_state[Key.QA_SET]))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        qa_set_id = st.selectbox(
            "QA set and version",
            list(sets),
            format_func=lambda option: sets.get(option, str(option)),
            key=Key.QA_SET,
            bind="query-params",
            on_change=other_set,
            width=280,
            help="Runs are only compared on exactly the same questions. The code in brackets is a fingerprint of them.",
        )
        assert qa_set_id is not None
        offered = data.runs(qa_set_id=qa_set_id, limit=data.NEWEST)
        names = _labels(offered)
        if Key.RUNS not in st.session_state and Key.RUNS not in st.query_params:
            _start_with(data.newest_group(qa_set_id=qa_set_id))
        chosen = st.multiselect(
            "Runs",
            list(names),
            format_func=lambda option: _run_label(option, names),
            key=Key.RUNS,
            bind="query-params",
            accept_new_options=True,
            max_selections=MOST_RUNS,
            placeholder="Choose runs, or type a run's number",
            help=f"The newest {data.NEWEST} runs on this QA set are offered; for an older one type its number.",
        )
    return _on_one_set(_ids(chosen), qa_set_id)


def _on_one_set(wanted: list[int], qa_set_id: int) -> list[RunRow]:
    found = {run.run_id: run for run in data.runs(ids=wanted, limit=len(wanted))} if wanted else {}
    here = [found[i] for i in wanted if i in found and found[i].qa_set_id == qa_set_id]
    elsewhere = [f"#{i}" for i in wanted if i in found and found[i].qa_set_id != qa_set_id]
    gone = [f"#{i}" for i in wanted if i not in found]
    if elsewhere:
        st.caption(f"Left out, because they answered another QA set or version: {plain(', '.join(elsewhere))}.")
    if gone:
        st.caption(f"There is no such run (any more): {plain(', '.join(gone))}.")
    if not here:
        st.info("Choose at least one run above; the **Runs** page lists and searches all of them.")
        st.stop()
    return here


def labels(runs: Sequence[RunRow]) -> dict[int, str]:
    """How each run is called in charts and tables: by its target, with the run's number where one occurs twice."""
    often = Counter(run.target for run in runs)
    return {r.run_id: r.target if often[r.target] == 1 else f"{r.target} #{r.run_id}" for r in runs}


# --- what is shown of them -----------------------------------------------------------------------------------------


def choose_source(summaries: Sequence[Summary]) -> str | None:
    """Whose scores are shown: one judge under one protocol, or the people; None where nothing was scored."""
    sources = Counter(source for s in summaries for source in {q.source for q in s.quality})
    if not sources:
        return None
    options = [source for source, _ in sources.most_common()]
    return st.selectbox(
        "Scored by",
        options,
        format_func=lambda source: "People" if source == "people" else source,
        key=Key.SOURCE,
        bind="query-params",
        width=260,
        help="Scores of different judges, or of a judge and of people, are never mixed in one mean. The word in "
        "brackets is how the judge was asked: study (one criterion a call) or quick (all in one call).",
    )


def choose_criterion(summaries: Sequence[Summary], source: str | None) -> str:
    """Which criterion is shown; "overall" is the mean of all criteria."""
    found = {q.criterion for s in summaries for q in s.quality if q.source == source}
    options = [OVERALL, *sorted(found - {OVERALL})] if found else [OVERALL]
    return str(
        st.selectbox(
            "Quality",
            options,
            format_func=str.capitalize,
            key=Key.CRITERION,
            bind="query-params",
            width=180,
            help="Points from 1 to 5. Overall is the mean of the criteria, over answers where all were scored.",
        )
    )


def choose_latency() -> tuple[str, str]:
    """Which latency is shown: (measure, "p50" or "p95")."""
    measure = st.selectbox(
        "Latency",
        list(LATENCIES),
        format_func=LATENCIES.__getitem__,
        key=Key.LATENCY,
        bind="query-params",
        width=240,
        help="Measured from sending the request. A token is a piece of a word. Time to first answer token leaves out "
        "what a reasoning model thinks first. Warm-up calls are never counted.",
    )
    quantile = st.segmented_control(
        "Of all answers",
        list(QUANTILES),
        format_func=QUANTILES.__getitem__,
        default="p50",
        required=True,
        key=Key.QUANTILE,
        bind="query-params",
        help="Median: half of the answers were faster. 95th percentile: 19 of 20 were faster.",
    )
    return str(measure), str(quantile)


# --- charts and tables ---------------------------------------------------------------------------------------------


def show_chart(chart: "alt.Chart | alt.LayerChart | alt.FacetChart", key: str, alt_text: str) -> None:
    """A chart in the theme's colours; its menu saves it as SVG or PNG."""
    st.altair_chart(chart, key=key, alt=alt_text)


def show_table(
    frame: pd.DataFrame, name: str, alt_text: str, columns: dict[str, object] | None = None, **options: object
) -> object:
    """A table with its CSV download beside it; `name` is the key and the file's name."""
    shown = st.dataframe(  # pyright: ignore[reportCallIssue]
        frame,
        hide_index=True,
        key=f"_table_{name}",
        column_config=columns,  # pyright: ignore[reportArgumentType]
        alt=alt_text,
        **options,  # pyright: ignore[reportArgumentType]
    )
    csv_button(lambda: to_csv(frame), name, help=plural(len(frame), "row"))
    return shown


def csv_button(make: Callable[[], bytes], name: str, help: str | None = None) -> None:  # noqa: A002
    """A download of a table as CSV, made when it is asked for."""
    st.download_button(
        "CSV",
        make,
        file_name=f"rightsize-{name}.csv",
        mime="text/csv",
        key=f"_csv_{name}",
        help=help,
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )
