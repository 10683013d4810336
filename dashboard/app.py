"""The entry of the dashboard: page config and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from dashboard import data
from dashboard.widgets import show_notice, store_errors

ICON = Path(__file__).parent / "icon.svg"  # from this folder: a named icon would be fetched from the internet

st.set_page_config(page_title="Rightsize", page_icon=str(ICON), layout="wide")

with store_errors():
    begun = bool(data.runs(status="finished", limit=1))
    start = st.Page(
        "app_pages/start.py",
        title="Start",
        icon=":material/rocket_launch:",
        default=not begun,
        help="What Rightsize does, a demo evaluation to run, and how to evaluate your own models.",
    )
    pages = [
        st.Page(
            "app_pages/overview.py",
            title="Overview",
            icon=":material/scatter_plot:",
            default=begun,
            help="Quality against latency, one point a target, with what is certain and what is not.",
        ),
        st.Page(
            "app_pages/answers.py",
            title="Answers",
            icon=":material/forum:",
            help="The answers side by side, question by question, with their scores and their timing.",
        ),
        st.Page(
            "app_pages/score.py",
            title="Score",
            icon=":material/grading:",
            help="Score answers yourself, without seeing who gave them or what the judge said.",
        ),
        st.Page(
            "app_pages/cost.py",
            title="Cost",
            icon=":material/payments:",
            help="Measured tokens times prices you can edit, for a month's volume.",
        ),
        st.Page(
            "app_pages/runs.py",
            title="Runs",
            icon=":material/list_alt:",
            help="All runs: what is under way, what ran where, names and tags, deleting.",
        ),
    ]
    page = st.navigation([*pages, start] if begun else [start, *pages], position="top")
    show_notice()
    page.run()
