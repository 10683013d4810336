"""What is done to runs from the dashboard: following them, resuming, renaming, tagging, deleting, starting the demo.

The work itself is done by `rightsize` processes (eval.launch) and followed through the database. Pages decide where
these parts stand.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard import data
from dashboard.data import Progress
from dashboard.format import count_of, plain, plural
from dashboard.widgets import Key, note, noted_errors, store_errors
from db import store, workers
from db.models import Run
from eval.demo import find_demo
from eval.launch import exit_code, launch

EVERY_S = 1.0
START_S = 60.0  # a command that left no trace in the database for so long did not start
DEMO = "demo"
LOG_LINES = 15


# --- commands started here -----------------------------------------------------------------------------------------


def _start(what: str, arguments: Sequence[str]) -> None:
    """Start a command once, however often and from how many windows it is asked for."""
    jobs = data.jobs()
    with jobs.lock:
        if not is_starting(what):
            jobs.started[what] = time.monotonic(), launch(arguments, store.database_url())


def is_starting(what: str) -> bool:
    """Whether a command was started a moment ago and has not ended."""
    started = data.jobs().started.get(what)
    return bool(started and exit_code(started[1]) is None and time.monotonic() - started[0] < START_S)


def show_failure(what: str) -> None:
    """Show the end of a command's output if it went wrong."""
    started = data.jobs().started.get(what)
    code = exit_code(started[1]) if started else None
    if started and code:
        st.error(f"The command ended with an error (code {code}). The last lines it wrote:")
        st.code(_tail(started[1]) or "nothing", language=None)


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join([line for line in lines if line.strip()][-LOG_LINES:])


def _resume(run_id: int) -> None:
    _start(f"resume {run_id}", ["resume", str(run_id)])


def start_demo() -> None:
    """Start the demo evaluation, unless a process is at work already."""
    with noted_errors():
        newest = data.newest_progress()
        if not any(run.alive for run in newest):
            st.session_state[Key.AWAITED] = max((run.run_id for run in newest), default=0)
            _start(DEMO, ["demo", "--no-dashboard"])


def demo_ids() -> list[int]:
    """The runs of a demo that is there and finished; none where there is one to run, or to go on with."""
    stored = find_demo(data.engine())
    return [run.id for run in stored if run.id is not None] if all(run.status == "finished" for run in stored) else []


def demo_begins(runs: Sequence[Progress]) -> bool:
    """Whether the demo was started, but these runs of the newest group are not yet its own."""
    known = st.session_state.get(Key.AWAITED)
    return is_starting(DEMO) and (not runs or (known is not None and max(run.run_id for run in runs) <= known))


# --- following -----------------------------------------------------------------------------------------------------


def show_progress(run: Progress) -> None:
    """Two bars: answered, and judged once that has begun."""
    failed = f", {run.failed:,} failed" if run.failed else ""
    st.progress(
        min(1.0, run.answered / max(1, run.planned)),
        text=f"**{plain(run.target)}**: answered {count_of(run.answered, run.planned)}{failed}",
    )
    if run.has_judge:
        due = run.planned - run.failed
        st.progress(min(1.0, run.judged / max(1, due)), text=f"judged {count_of(run.judged, due)}")


def _under_way() -> None:
    with store_errors():
        runs = data.unfinished()
        alive = [run.run_id for run in runs if run.alive]
        if alive != st.session_state.get(Key.FOLLOWING):
            st.session_state[Key.FOLLOWING] = alive
            st.rerun()
        for run in runs:
            with st.container(border=True):
                if run.alive:
                    show_progress(run)
                    continue
                st.markdown(
                    f"**#{run.run_id} {plain(run.target)}** was interrupted ({plain(run.status)}) after "
                    f"{count_of(run.answered, run.planned)} answers. {plain(run.error or '')}"
                )
                what = f"resume {run.run_id}"
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.button(
                        "Resume",
                        key=f"_resume_{run.run_id}",
                        icon=":material/play_arrow:",
                        on_click=_resume,
                        args=(run.run_id,),
                        disabled=is_starting(what),
                        help="Asks only what is still missing; nothing stored is asked again.",
                    )
                    st.caption("starting" if is_starting(what) else f"or in a terminal: `rightsize {what}`")
                show_failure(what)


def follow_runs() -> dict[int, str]:
    """The runs that are not finished, with progress or a way to resume; refreshes while one is being worked on.

    Returns by run where each of them stands.
    """
    runs = data.unfinished()
    if not runs:
        return {}
    alive = [run.run_id for run in runs if run.alive]
    st.session_state[Key.FOLLOWING] = alive
    st.subheader("Under way" if alive else "Interrupted")
    moving = alive or any(is_starting(f"resume {run.run_id}") for run in runs)
    st.fragment(_under_way, run_every=EVERY_S if moving else None)()
    return {run.run_id: run.standing for run in runs}


# --- changing ------------------------------------------------------------------------------------------------------


def edit_run(run: Run) -> None:
    """Rename and tag a run."""
    assert run.id is not None
    with st.form(f"_edit_{run.id}"):
        name = st.text_input("Name", run.name, max_chars=120, required=True, key=f"{Key.RUN_NAME}_{run.id}")
        tags = st.multiselect(
            "Tags",
            sorted({*data.tags(), *run.tags}),
            default=run.tags,
            accept_new_options=True,
            key=f"{Key.RUN_TAGS}_{run.id}",
            placeholder="Choose or type tags",
        )
        if st.form_submit_button("Save name and tags", icon=":material/save:"):
            with store.writing(data.engine()) as session:
                store.edit_run(run.id, session=session, name=name.strip() or run.name, tags=list(map(str, tags)))
            note("Saved.")
            st.rerun()


def _delete(run_id: int) -> None:
    with noted_errors():
        with store.writing(data.engine()) as session:
            store.delete_run(run_id, session=session)
        st.session_state[Key.RUN] = None
        note(f"Run #{run_id} is deleted.")


@st.dialog("Delete this run?", icon=":material/delete:")
def _confirm(run: Run) -> None:
    assert run.id is not None
    held = data.contents(run.id)
    st.markdown(
        f"**#{run.id} {plain(run.name)}** goes with {plural(held['answers'], 'answer')} and "
        f"{plural(held['scores'], 'score')} of {plural(held['assessments'], 'assessment')}. This cannot be undone."
    )
    with st.container(horizontal=True):
        gone = st.button("Delete", type="primary", key="_delete_yes", on_click=_delete, args=(run.id,))
        kept = st.button("Keep it", key="_delete_no")
    if gone or kept:
        st.rerun()


def delete_run(run: Run) -> None:
    """A button that asks before it deletes."""
    busy = workers.is_alive(run)
    help_text = "This run is being worked on; wait for it or stop it first." if busy else None
    if st.button("Delete this run", icon=":material/delete:", key="_delete", disabled=busy, help=help_text):
        _confirm(run)
