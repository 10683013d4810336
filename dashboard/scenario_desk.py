"""Which scenario the TCO page shows, its save, copy, rename and delete, and the report of it."""

import streamlit as st

from dashboard import data, draft, widgets
from dashboard.format import plain
from dashboard.keys import Key, from_address, to_address
from db import scenarios, store
from eval import stored_scenarios
from eval.cost import scenario_file
from eval.cost.price_card import PriceCard
from eval.cost.result import Result
from eval.cost.scenario import Scenario
from eval.cost.scenario_file import ScenarioError
from eval.report import files
from eval.report.drawing import ReportError

SAVED = "Saved: {}."


def _show(name: str) -> None:
    """Make this the scenario in view, without edits."""
    st.session_state[Key.CHOSEN_SCENARIO] = name
    draft.drop()


def _chosen_otherwise() -> None:
    _show(st.session_state[Key.SCENARIO_BOX])


def choose() -> Scenario:
    """The scenario in view as it is stored; where none is, that of the demo. Ends the page if it is broken."""
    stored = stored_scenarios.names(data.engine())
    demo = scenario_file.demo().name
    options = stored if demo in stored else [*stored, demo]
    linked = from_address(Key.SCENARIO)
    if linked in options and linked != st.session_state.get(Key.CHOSEN_SCENARIO):
        _show(linked)
    if st.session_state.get(Key.CHOSEN_SCENARIO) not in options:
        _show(options[0])
    st.session_state[Key.SCENARIO_BOX] = st.session_state[Key.CHOSEN_SCENARIO]
    name = st.selectbox(
        "Scenario",
        options,
        format_func=lambda option: option if option in stored else f"{option} (demo)",
        key=Key.SCENARIO_BOX,
        on_change=_chosen_otherwise,
        width=360,
        help="A workload with its assumptions and options. Stored ones are kept in the database.",
    )
    to_address(Key.SCENARIO, name)
    if name not in stored:
        return scenario_file.demo()
    try:
        return stored_scenarios.load(name, data.engine())
    except ScenarioError as error:
        st.error(plain(error))
        st.stop()


def _save(scenario: Scenario, card: PriceCard) -> None:
    with widgets.noted_errors():
        stored_scenarios.save(scenario, card, data.engine())
        _show(scenario.name)
        widgets.note(SAVED.format(plain(scenario.name)))


def _new_name() -> str | None:
    """The name that was typed, where it can be one and is free."""
    name = " ".join(str(st.session_state.get(Key.SCENARIO_NAME, "")).split())[:120]
    taken = [*stored_scenarios.names(data.engine())]
    if not name:
        widgets.note("Type a name first.")
    elif name in taken:
        widgets.note(f'There is already a scenario "{plain(name)}"; choose another name.')
    else:
        return name
    return None


def _copy(scenario: Scenario, card: PriceCard) -> None:
    with widgets.noted_errors():
        if name := _new_name():
            _save(scenario.model_copy(update={"name": name}), card)


def _rename(old: str) -> None:
    with widgets.noted_errors():
        if name := _new_name():
            with store.writing(data.engine()) as session:
                scenarios.rename_scenario(old, name, session=session)
            _show(name)
            widgets.note(f"Renamed: {plain(name)}.")


def _delete(name: str) -> None:
    with widgets.noted_errors():
        with store.writing(data.engine()) as session:
            scenarios.delete_scenario(name, session=session)
        st.session_state.pop(Key.CHOSEN_SCENARIO, None)
        draft.drop()
        widgets.note(f"Deleted: {plain(name)}.")


def keep(shown: Scenario, stored_name: str, card: PriceCard, *, changed: bool) -> None:
    """The buttons: save what is shown, take its edits back, or copy, rename and delete the scenario it came from."""
    is_stored = stored_name in stored_scenarios.names(data.engine())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Save", icon=":material/save:", type="primary", key="_save", on_click=_save, args=(shown, card))
        if changed:
            st.button("Take the edits back", icon=":material/undo:", key="_undo", on_click=draft.drop)
        with st.popover("Copy, rename, delete", icon=":material/more_horiz:"):
            st.text_input("New name", key=Key.SCENARIO_NAME, max_chars=120)
            with st.container(horizontal=True):
                st.button("Copy", key="_copy", on_click=_copy, args=(shown, card), help="With the edits made here.")
                st.button("Rename", key="_rename", on_click=_rename, args=(stored_name,), disabled=not is_stored)
                st.button("Delete", key="_delete", on_click=_delete, args=(stored_name,), disabled=not is_stored)


def offer_report(result: Result) -> None:
    """The download of the report, made when it is asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Report as", files.FORMATS, key=Key.REPORT_FORMAT, width=140)
        try:
            files.ready(kind)
        except ReportError as error:
            st.caption(plain(error))
            return
        name = f"rightsize-report.{kind}"
        st.download_button("Download the report", lambda: files.made(result, kind), name, icon=":material/download:")
