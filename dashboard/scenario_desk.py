"""Which scenario the TCO page shows, its save, copy, rename and delete, and the report of it."""

import re
from dataclasses import replace

import streamlit as st

from dashboard import data, draft, scenario_choice, widgets
from dashboard.format import plain
from dashboard.keys import Key, from_address, to_address
from db import scenarios, store
from eval import stored_scenarios
from eval.cost.price_card import PriceCard
from eval.cost.result import Result
from eval.cost.scenario import Scenario
from eval.cost.scenario_file import ScenarioError
from eval.report import files
from eval.report.drawing import ReportError

SAVED = "Saved: {}."
FAULTY = "Some entries are faulty: correct them first, or take the edits back."
TAKEN = "There is already a stored scenario of this name: make a copy with a name of its own."
UNSAVED = "with unsaved edits"


def _show(name: str) -> None:
    """Make this the scenario in view, without edits."""
    st.session_state[Key.CHOSEN_SCENARIO] = name
    draft.drop()


def _chosen_otherwise() -> None:
    _show(st.session_state[Key.SCENARIO_BOX])


def choose() -> Scenario:
    """The scenario in view as it is stored; where none is, that of the demo. Ends the page if it is broken."""
    options = scenario_choice.choices()
    linked = scenario_choice.linked(from_address(Key.SCENARIO))
    if linked is not None and linked != st.session_state.get(Key.CHOSEN_SCENARIO):
        _show(linked)
    if st.session_state.get(Key.CHOSEN_SCENARIO) not in options:
        _show(options[0])
    st.session_state[Key.SCENARIO_BOX] = st.session_state[Key.CHOSEN_SCENARIO]
    name = st.selectbox(
        "Scenario",
        options,
        key=Key.SCENARIO_BOX,
        on_change=_chosen_otherwise,
        width=360,
        help="A workload with its assumptions and options. Stored ones are kept in the database.",
    )
    to_address(Key.SCENARIO, name)
    try:
        return scenario_choice.find(name)
    except ScenarioError as error:
        st.error(plain(error))
        st.stop()


def _close_menu() -> None:
    """What was asked for is done: the menu closes, and what was typed in it is gone."""
    st.session_state[Key.SCENARIO_MENU] = False
    st.session_state[Key.SCENARIO_NAME] = ""


def _save(scenario: Scenario, card: PriceCard) -> None:
    with widgets.noted_errors():
        stored_scenarios.save(scenario, card, data.engine())
        _show(scenario.name)
        widgets.note(SAVED.format(plain(scenario.name)))


def _new_name() -> str | None:
    """The name that was typed, where it can be one and is free."""
    name = " ".join(str(st.session_state.get(Key.SCENARIO_NAME, "")).split())[:120]
    if not name:
        widgets.refuse("Type a name first.")
    elif name in scenario_choice.choices():
        widgets.refuse(f'There is already a scenario "{plain(name)}"; choose another name.')
    else:
        return name
    return None


def _copy(scenario: Scenario, card: PriceCard) -> None:
    with widgets.noted_errors():
        if name := _new_name():
            _save(scenario.model_copy(update={"name": name}), card)
            _close_menu()


def _rename(old: str) -> None:
    with widgets.noted_errors():
        if name := _new_name():
            with store.writing(data.engine()) as session:
                scenarios.rename_scenario(old, name, session=session)
            _show(name)
            widgets.note(f"Renamed: {plain(name)}.")
            _close_menu()


def _delete(name: str) -> None:
    with widgets.noted_errors():
        with store.writing(data.engine()) as session:
            scenarios.delete_scenario(name, session=session)
        st.session_state.pop(Key.CHOSEN_SCENARIO, None)
        draft.drop()
        widgets.note(f"Deleted: {plain(name)}.")
        _close_menu()


@st.dialog("Delete this scenario?", icon=":material/delete:")
def _confirm(name: str) -> None:
    st.markdown(f"**{plain(name)}** goes with its assumptions and options. This cannot be undone.")
    with st.container(horizontal=True):
        gone = st.button("Delete", type="primary", key="_delete_yes", on_click=_delete, args=(name,))
        kept = st.button("Keep it", key="_delete_no")
    if gone or kept:
        st.rerun()


def keep(shown: Scenario, card: PriceCard) -> None:
    """The buttons: save what is shown, take its edits back, or copy, rename and delete the scenario it came from."""
    choice = st.session_state[Key.CHOSEN_SCENARIO]
    is_stored = scenario_choice.is_stored(choice)
    now = draft.begun()
    why = FAULTY if now.faults else None
    why_not_saved = why or (None if is_stored or not scenario_choice.is_stored(shown.name) else TAKEN)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Save", icon=":material/save:", type="primary", key="_save", on_click=_save, args=(shown, card),
            disabled=why_not_saved is not None, help=why_not_saved,
        )  # fmt: skip
        if now.changed:
            st.button("Take the edits back", icon=":material/undo:", key="_undo", on_click=draft.drop)
        with st.popover("Copy, rename, delete", icon=":material/more_horiz:", key=Key.SCENARIO_MENU, on_change="rerun"):
            st.text_input("New name", key=Key.SCENARIO_NAME, max_chars=120)
            with st.container(horizontal=True):
                st.button(
                    "Copy", key="_copy", on_click=_copy, args=(shown, card), disabled=bool(why),
                    help=why or "With the edits made here.",
                )  # fmt: skip
                st.button("Rename", key="_rename", on_click=_rename, args=(choice,), disabled=not is_stored)
                asked = st.button("Delete", key="_delete", disabled=not is_stored)
    if asked:
        _confirm(choice)


def offer_report(result: Result) -> None:
    """The download of the report, made when it is asked for; its name and its title say what it is of."""
    now = draft.begun()
    named = replace(result, scenario=f"{result.scenario}, {UNSAVED}") if now.changed else result
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Report as", files.FORMATS, key=Key.REPORT_FORMAT, width=140)
        try:
            files.ready(kind)
        except ReportError as error:
            st.caption(plain(error))
            return
        st.download_button(
            "Download the report",
            lambda: files.made(named, kind, data.target_order()),
            report_name(named.scenario, kind),
            key="_report",
            icon=":material/download:",
            disabled=bool(now.faults),
            help=FAULTY if now.faults else None,
        )


def report_name(scenario: str, kind: str) -> str:
    """A file name of a scenario's report that every system takes: words of letters and digits, hyphens between."""
    words = "-".join(re.findall(r"\w+", scenario.lower()))[:80].strip("-_")
    return f"rightsize-{words or 'report'}.{kind}"
