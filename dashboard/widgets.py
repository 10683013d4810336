"""Controls that several pages share, and every session-state and query-parameter key there is.

A bound key is also the parameter in the address, so a copied address reproduces the view. Reading is data.py's
business, wording format.py's.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.data import RunRow
from dashboard.format import plain, plural, to_csv
from db.store import StoreError
from eval.summary import Summary

MOST_RUNS = 24  # in one view; more would not be readable
HEAD_START_S = 0.4  # of a chart before a table


class Key(StrEnum):
    """Every key. Those in the first block also stand in the address."""

    RUNS = "runs"
    LATENCY = "latency"
    QUANTILE = "quantile"
    CRITERION = "criterion"
    SOURCE = "scored_by"
    LOG = "axis"
    VOLUME = "volume"
    SEARCH = "search"
    STATUS = "status"
    TARGET = "target"
    TAG = "tag"
    LISTED_SET = "listed_set"
    PAGE = "list_page"
    RUN = "run"
    FIND = "find"
    CATEGORY = "category"
    QUESTION = "question"
    REPEAT = "repeat"
    QUOTES = "quotes"
    RATER = "rater"
    SCORING = "scoring"
    PLACE = "place"
    AGREED_CRITERION = "criterion_agreed"
    AGREED_PAIR = "pair"
    AGREED_JUDGE = "judge"
    SCENARIO = "scenario"

    WRITTEN = "_written"
    QA_SET = "_set"
    SET_BOX = "_set_box"
    CHOSEN = "_runs"
    RUNS_BOX = "_runs_box"
    CHOSEN_SOURCE = "_scored_by"
    SOURCE_BOX = "_scored_by_box"
    CHART_SHOWN = "_chart_shown"
    PRICES = "_prices"
    NOTICE = "_notice"
    FOLLOWING = "_following"
    AWAITED = "_awaited"
    RUN_NAME = "_run_name"
    RUN_TAGS = "_run_tags"
    CHOSEN_QUESTION = "_question"
    QUESTION_BOX = "_question_box"
    RATER_BOX = "_rater"
    PROBLEM = "_problem"
    ARRIVED = "_arrived"
    CHOSEN_SCENARIO = "_scenario"
    SCENARIO_BOX = "_scenario_box"
    SCENARIO_NAME = "_scenario_name"
    ASSUMPTIONS = "_assumptions"
    REPORT_FORMAT = "_report_format"


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


@contextmanager
def noted_errors() -> Iterator[None]:
    """The same for a callback, which draws nothing: the sentence is said when the page is drawn."""
    try:
        yield
    except StoreError as error:
        note(plain(error))


def note(text: str) -> None:
    """Keep a sentence for the next run of the page, where `show_notice` says it once."""
    st.session_state[Key.NOTICE] = text


def show_notice() -> None:
    if text := st.session_state.pop(Key.NOTICE, None):
        st.toast(text, icon=":material/check:")


def simulated_banner(runs: Sequence[RunRow], *, named: bool = True) -> None:
    """Say it wherever something shown came from the simulator; `named` says of which targets, where not of all."""
    simulated = [run.target for run in runs if run.simulated]
    if simulated:
        some = f"{plain(', '.join(simulated))}: these come" if named else "Some of it comes"
        whose = "Everything here comes" if len(simulated) == len(runs) else some
        st.warning(
            f"**Simulated data.** {whose} from the built-in simulator, with invented answers and latencies. "
            "Use it to learn the tool, never to decide.",
            icon=":material/science:",
        )


# --- which runs ----------------------------------------------------------------------------------------------------


def run_label(option: object, names: dict[int, str]) -> str:
    return names.get(option, f"#{option}") if isinstance(option, int) else str(option)


def run_ids(chosen: Iterable[object]) -> list[int]:
    """Run ids out of what was chosen, typed or linked: 12, "12", "#12 name"; whatever else is typed is no id."""
    found = [re.match(r"#?(\d{1,15})\b", str(option).strip()) for option in chosen]
    return list(dict.fromkeys(int(match[1]) for match in found if match))


def numbered(runs: Sequence[RunRow]) -> dict[int, str]:
    return {run.run_id: f"#{run.run_id} {run.target}" for run in runs}


def from_address(key: Key) -> str | None:
    """What the address says about a key when it was opened or gone back to; None when this page wrote it itself.

    For choices whose default depends on what is stored: a bound widget leaves its default out of the address, so the
    same link would show something else later. Such a key is always written, by `to_address`.
    """
    said = st.query_params.get(key)
    written = st.session_state.get(Key.WRITTEN, {})
    return said if said is not None and said != written.get(key) else None


def to_address(key: Key, value: str) -> None:
    """Write a choice to the address."""
    st.session_state.setdefault(Key.WRITTEN, {})[key] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def compare(ids: Sequence[int]) -> None:
    """Make these the runs in view on every page; call it before the page that shows them."""
    chosen = data.runs(ids=list(ids), limit=MOST_RUNS)
    if chosen:
        st.session_state[Key.QA_SET] = chosen[0].qa_set_id
        st.session_state[Key.CHOSEN] = list(ids)


def show_newest() -> None:
    """Forget which runs are in view, so that those of the newest finished group are."""
    for key in (Key.CHOSEN, Key.QA_SET, Key.CHOSEN_SOURCE):
        st.session_state.pop(key, None)


def _keep(key: Key, box: Key) -> None:
    """Keep what was chosen in a box: a widget forgets its value on another page, this does not."""
    st.session_state[key] = st.session_state[box]


def _other_set() -> None:
    _keep(Key.QA_SET, Key.SET_BOX)
    with noted_errors():
        runs = data.newest_group(qa_set_id=st.session_state[Key.QA_SET])
        st.session_state[Key.CHOSEN] = [run.run_id for run in runs[:MOST_RUNS]]


def _settle_runs() -> None:
    """See to it that a QA set and runs are chosen: those of the address, else those of before, else the newest."""
    linked = run_ids((from_address(Key.RUNS) or "").split(","))
    stored = {run.run_id: run for run in data.runs(ids=linked, limit=MOST_RUNS)} if linked else {}
    if stored:
        st.session_state[Key.CHOSEN] = linked
        st.session_state[Key.QA_SET] = next(stored[i].qa_set_id for i in linked if i in stored)
    elif st.session_state.get(Key.QA_SET) not in data.qa_sets():
        newest = data.newest_group()
        if not newest:
            st.info("No run has finished yet. The **Start** page shows how to begin, **Runs** what is under way.")
            st.stop()
        st.session_state[Key.QA_SET] = newest[0].qa_set_id
        st.session_state[Key.CHOSEN] = [run.run_id for run in newest[:MOST_RUNS]]


def choose_runs() -> list[RunRow]:
    """The runs in view, all on one QA set version; ends the page with a kind sentence where there are none."""
    _settle_runs()
    sets = data.qa_sets()
    qa_set_id = st.session_state[Key.SET_BOX] = st.session_state[Key.QA_SET]
    wanted = run_ids(st.session_state[Key.CHOSEN])
    found = {run.run_id: run for run in data.runs(ids=wanted, limit=len(wanted))} if wanted else {}
    here = [found[i] for i in wanted if i in found and found[i].qa_set_id == qa_set_id]
    names = numbered([*data.runs(qa_set_id=qa_set_id, limit=data.NEWEST), *here])
    st.session_state[Key.CHOSEN] = st.session_state[Key.RUNS_BOX] = [run.run_id for run in here]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "QA set and version",
            list(sets),
            format_func=lambda option: sets.get(option, str(option)),
            key=Key.SET_BOX,
            on_change=_other_set,
            width=280,
            help="Runs are only compared on exactly the same questions. The code in brackets is a fingerprint of them.",
        )
        st.multiselect(
            "Runs",
            list(names),
            format_func=lambda option: run_label(option, names),
            key=Key.RUNS_BOX,
            on_change=_keep,
            args=(Key.CHOSEN, Key.RUNS_BOX),
            accept_new_options=True,
            max_selections=MOST_RUNS,
            placeholder="Choose runs, or type a run's number",
            help=f"The newest {data.NEWEST} runs on this QA set are offered; for an older one type its number.",
        )
    to_address(Key.RUNS, ",".join(str(run.run_id) for run in here))
    _say_left_out(wanted, found, qa_set_id)
    if not here:
        st.info("Choose at least one run above; the **Runs** page lists and searches all of them.")
        st.stop()
    return here


def _say_left_out(wanted: Sequence[int], found: Mapping[int, RunRow], qa_set_id: int) -> None:
    elsewhere = [f"#{i}" for i in wanted if i in found and found[i].qa_set_id != qa_set_id]
    gone = [f"#{i}" for i in wanted if i not in found]
    if elsewhere:
        st.caption(f"Left out, because they answered another QA set or version: {plain(', '.join(elsewhere))}.")
    if gone:
        st.caption(f"There is no such run (any more): {plain(', '.join(gone))}.")


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
    options = sorted(sources, key=lambda source: (-sources[source], source == "people", source))
    if (linked := from_address(Key.SOURCE)) in options:
        st.session_state[Key.CHOSEN_SOURCE] = linked
    if st.session_state.get(Key.CHOSEN_SOURCE) not in options:
        st.session_state[Key.CHOSEN_SOURCE] = options[0]
    st.session_state[Key.SOURCE_BOX] = st.session_state[Key.CHOSEN_SOURCE]
    source = st.selectbox(
        "Scored by",
        options,
        format_func=lambda source: "People" if source == "people" else source,
        key=Key.SOURCE_BOX,
        on_change=_keep,
        args=(Key.CHOSEN_SOURCE, Key.SOURCE_BOX),
        width=260,
        help="Scores of different judges, or of a judge and of people, are never mixed in one mean. The word in "
        "brackets is how the judge was asked: study (one criterion a call) or quick (all in one call).",
    )
    to_address(Key.SOURCE, source)
    return source


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


AXES = ("Automatic", "Linear", "Logarithmic")


def choose_axis(automatic: bool) -> bool:
    """Whether the latency axis is logarithmic; `automatic` is what the data ask for."""
    axis = st.segmented_control(
        "Latency axis",
        AXES,
        default=AXES[0],
        required=True,
        key=Key.LOG,
        bind="query-params",
        help="Logarithmic: equal steps are equal factors, so fast and slow targets fit in one picture.",
    )
    return automatic if axis == AXES[0] else axis == AXES[2]


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


def choose_volume() -> int:
    """How many answers a month are needed."""
    volume = st.number_input(
        "Answers a month",
        min_value=1,
        max_value=10_000_000_000,
        value=100_000,
        step=10_000,
        key=Key.VOLUME,
        bind="query-params",
        width=240,
        help="How many questions your feature will answer in a month.",
    )
    return int(volume or 1)


# --- charts and tables ---------------------------------------------------------------------------------------------


def show_chart(chart: alt.Chart | alt.LayerChart | alt.FacetChart, key: str, alt_text: str) -> None:
    """A chart in the theme's colours; its menu saves it as SVG or PNG."""
    st.altair_chart(chart, key=key, alt=alt_text)


def let_the_chart_come_first() -> None:
    """Hold back what follows for a moment, once a window.

    The browser loads the code of charts and of tables when it meets the first of each; asked for both at once, it
    shows the chart a quarter of a second later (measured with Chromium on two cores).
    """
    if Key.CHART_SHOWN not in st.session_state:
        st.session_state[Key.CHART_SHOWN] = True
        time.sleep(HEAD_START_S)


def show_table(
    frame: pd.DataFrame,
    name: str,
    alt_text: str,
    columns: Mapping[str, Any] | None = None,
    *,
    csv: pd.DataFrame | None = None,
    **options: Any,
) -> Any:
    """A table with its CSV download beside it; `name` is the key and the file's name.

    `columns` are the shown ones with their settings, in order. The CSV holds `csv` where that says more than the table.
    """
    shown = st.dataframe(
        frame,
        hide_index=True,
        key=f"_table_{name}",
        column_config=columns,
        column_order=list(columns) if columns else None,
        alt=alt_text,
        **options,
    )
    csv_button(lambda: to_csv(frame if csv is None else csv), name, help=plural(len(frame), "row"))
    return shown


def csv_button(make: Callable[[], bytes], name: str, help: str | None = None) -> None:
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
