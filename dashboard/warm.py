"""Makes the server ready ahead of its first visitor: everything that the pages import.

Streamlit runs the script, and with it all imports, when the first browser connects; those take longer than the page.
"""

import gc
import importlib
import pkgutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st

import dashboard
from dashboard import charts

SCRIPTS = ("app", "main", "tethered", "app_pages")  # what Streamlit runs, and nobody imports


def _modules() -> list[str]:
    found = (
        *pkgutil.iter_modules(dashboard.__path__, "dashboard."),
        *pkgutil.iter_modules(charts.__path__, "dashboard.charts."),
    )
    return [module.name for module in found if module.name.removeprefix("dashboard.") not in SCRIPTS]


@asynccontextmanager
async def ready(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Import what the pages need before the server answers; gives the server the question whether a run has finished.

    Before and not beside it: while a thread imports, the server is slow to send the browser its files, so the first
    chart comes later and the command is no quicker overall (measured with Chromium on two cores).
    What is imported stays, so it is taken out of the garbage collection that Streamlit does after every run of a page:
    a save on the Score page then costs 0.08 s of processor time instead of 0.19.
    """
    for name in _modules():
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    yield {"begun": sys.modules["dashboard.data"].begun}
