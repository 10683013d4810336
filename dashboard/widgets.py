"""Controls that several pages share: which runs are in view, charts, tables, notices.

Reading is data.py's business, wording format.py's; keys.py holds what a page remembers.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts.drawing import Drawing
from dashboard.data import RunRow
from dashboard.format import plain, plural, to_csv
from dashboard.keys import Key, from_address, keep, to_address
from db.store import StoreError

MOST_RUNS = 24  # in one view; more would not be readable
FIRST_HEAD_START_S = 0.4  # of a chart before controls and tables, in a new window
HEAD_START_S = 0.12


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
        refuse(plain(error))


def note(text: str) -> None:
    """Keep a sentence for the next run of the page, where `show_notice` says it once."""
    st.session_state[Key.NOTICE] = text


def refuse(text: str) -> None:
    """The same for what was asked for and not done: it is said as an error."""
    st.session_state[Key.REFUSAL] = text


def show_notice() -> None:
    if text := st.session_state.pop(Key.REFUSAL, None):
        st.toast(text, icon=":material/error:", duration="long")
    if text := st.session_state.pop(Key.NOTICE, None):
        st.toast(text, icon=":material/check:")


def link_to_start() -> None:
    """Where an empty page leads."""
    st.page_link("app_pages/start.py", label="Start shows how to begin", icon=":material/rocket_launch:")


def any_simulated(runs: Sequence[RunRow]) -> bool:
    """Whether a chart of these runs has to be marked."""
    return any(run.simulated for run in runs)


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


def _other_set() -> None:
    keep(Key.QA_SET, Key.SET_BOX)
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
    elif linked:
        names = ", ".join(f"#{i}" for i in linked)
        st.warning(f"The address asks for what is not stored (any more): {names}. Other runs are shown.")
    if not stored and st.session_state.get(Key.QA_SET) not in data.qa_sets():
        newest = data.newest_group()
        if not newest:
            under_way = bool(data.runs(limit=1))
            st.info(
                "No run has finished yet. **Runs** shows what is under way." if under_way else "There are no runs yet."
            )
            link_to_start()
            st.stop()
        st.session_state[Key.QA_SET] = newest[0].qa_set_id
        st.session_state[Key.CHOSEN] = [run.run_id for run in newest[:MOST_RUNS]]


@dataclass(frozen=True, slots=True)
class RunsInView:
    """The runs in view, all on one QA set version, and what was asked for."""

    runs: list[RunRow]
    wanted: list[int]
    found: dict[int, RunRow]
    qa_set_id: int


def runs_in_view() -> RunsInView:
    """Which runs are in view, before the controls that say so are drawn."""
    _settle_runs()
    qa_set_id = st.session_state[Key.QA_SET]
    wanted = run_ids(st.session_state[Key.CHOSEN])
    found = {run.run_id: run for run in data.runs(ids=wanted, limit=len(wanted))} if wanted else {}
    here = [found[i] for i in wanted if i in found and found[i].qa_set_id == qa_set_id]
    return RunsInView(here, wanted, found, qa_set_id)


def show_run_choice(view: RunsInView) -> None:
    """The controls that say which runs are in view; ends the page with a kind sentence where there are none."""
    sets = data.qa_sets()
    names = numbered([*data.runs(qa_set_id=view.qa_set_id, limit=data.NEWEST), *view.runs])
    st.session_state[Key.SET_BOX] = view.qa_set_id
    st.session_state[Key.CHOSEN] = st.session_state[Key.RUNS_BOX] = [run.run_id for run in view.runs]
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
            on_change=keep,
            args=(Key.CHOSEN, Key.RUNS_BOX),
            accept_new_options=True,
            max_selections=MOST_RUNS,
            placeholder="Choose runs, or type a run's number",
            help=f"The newest {data.NEWEST} runs on this QA set are offered; for an older one type its number.",
        )
    to_address(Key.RUNS, ",".join(str(run.run_id) for run in view.runs))
    _say_left_out(view.wanted, view.found, view.qa_set_id)
    if not view.runs:
        st.info("Choose at least one run above; the **Runs** page lists and searches all of them.")
        st.stop()


def choose_runs() -> list[RunRow]:
    """The runs in view, chosen here; ends the page with a kind sentence where there are none."""
    view = runs_in_view()
    show_run_choice(view)
    return view.runs


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


# --- charts and tables ---------------------------------------------------------------------------------------------


def show_chart(
    chart: Drawing | alt.Chart | alt.LayerChart | alt.FacetChart,
    key: str,
    alt_text: str,
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """A chart in the theme's colours, as wide as the page or of its own width; its menu saves it as SVG or PNG."""
    if isinstance(chart, Drawing):
        st.vega_lite_chart(chart.rows, chart.spec, key=key, alt=alt_text, width=width)
    else:
        st.altair_chart(chart, key=key, alt=alt_text, width=width)


def let_the_chart_come_first() -> None:
    """Hold back what follows for a moment, longer when a window is new.

    A new window loads the code of charts, controls and tables when it meets the first of each, and later every element
    that arrives is drawn anew: asked for all at once, the browser shows the chart last (measured with Chromium on two
    cores: 0.3 s later in a new window, 0.1 s after a change of a control).
    """
    time.sleep(HEAD_START_S if Key.CHART_SHOWN in st.session_state else FIRST_HEAD_START_S)
    st.session_state[Key.CHART_SHOWN] = True


def show_table(
    frame: pd.DataFrame,
    name: str,
    alt_text: str,
    columns: Mapping[str, Any] | None = None,
    *,
    csv: pd.DataFrame | None = None,
    simulated: bool = False,
    **options: Any,
) -> Any:
    """A table with its CSV download beside it; `name` is the key and the file's name.

    `columns` are the shown ones with their settings, in order. The CSV holds `csv` where that says more than the table;
    `simulated` says that rows rest on simulated data, and then the CSV says so.
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
    whole = frame if csv is None else csv
    csv_button(lambda: to_csv(whole, simulated=simulated), name, help=plural(len(frame), "row"))
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
