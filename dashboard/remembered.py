"""Keeps a person's name in this browser tab, so that a reload does not ask for it and no link carries it.

The tab's own storage holds it (sessionStorage): another tab, another browser and a copied address know nothing of it.
"""

import streamlit as st
from streamlit.components.v2 import component

from dashboard.keys import Key
from db import scoring

_COMPONENT = component(
    "rightsize_remembered",
    html="<span></span>",
    js="""
const KEY = "rightsize-rater"
export default function ({ data, setStateValue }) {
  try {
    if (data.name) sessionStorage.setItem(KEY, data.name)
    else if (data.ask && sessionStorage.getItem(KEY)) setStateValue("name", sessionStorage.getItem(KEY))
  } catch { /* storage is switched off: the name is asked for again */ }
}
""",
)


def known_rater() -> str:
    """Who scores in this tab, or "" where nobody has said; draws the part of the page that remembers it."""
    name = st.session_state.get(Key.RATER, "")
    found = _COMPONENT(
        data={"name": name, "ask": not name}, key="score-remembered", height="content", on_name_change=lambda: None
    )
    if not name and (kept := scoring.clean_name(str(found.get("name") or ""))):
        name = st.session_state[Key.RATER] = kept
    return name
