"""What `streamlit run` is given: the dashboard as a server that makes itself ready ahead of its first visitor.

The script that draws it is main.py.
"""

from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from dashboard.warm import ready
from db.store import StoreError


def lead_in(request: Request) -> RedirectResponse:
    """The bare address leads to a page with an address of its own; main.py would do it too, a quarter second later."""
    try:
        page = "overview" if app.state["begun"]() else "start"
    except StoreError:  # which the page says
        page = "start"
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(page + query, headers={"Cache-Control": "no-store"})


app = st.App(Path(__file__).parent / "main.py", lifespan=ready, routes=[Route("/", lead_in)])
