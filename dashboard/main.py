"""The script that draws the dashboard: page config and navigation, nothing else."""

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from dashboard import data
from dashboard.widgets import show_notice, store_errors

ICON = Path(__file__).parent / "icon.svg"  # from this folder: a named icon would be fetched from the internet

st.set_page_config(page_title="Rightsize", page_icon=str(ICON), layout="wide")


def go_in() -> None:
    """The bare address leads to a page with an address of its own, so that every page can be typed and copied.

    An address of no page comes here too; Streamlit then says that there is none.
    """
    if not urlsplit(st.context.url or "").path.rpartition("/")[2]:
        query = [(key, st.query_params.get_all(key)) for key in st.query_params]
        st.switch_page(overview if begun else start, query_params=query)
    st.title("There is no such page")
    st.page_link(overview if begun else start)


with store_errors(), data.one_look():
    begun = data.begun()
    home = st.Page(go_in, default=True, visibility="hidden")
    start = st.Page(
        "app_pages/start.py",
        title="Start",
        icon=":material/rocket_launch:",
        help="What Rightsize does, a demo evaluation to run, and how to evaluate your own models.",
    )
    overview = st.Page(
        "app_pages/overview.py",
        title="Overview",
        icon=":material/scatter_plot:",
        help="Quality against latency, one point a target, with what is certain and what is not.",
    )
    pages = [
        overview,
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
            "app_pages/quality.py",
            title="Quality",
            icon=":material/verified:",
            help="The quality number with its interval, corrected by people, and which differences are decided.",
        ),
        st.Page(
            "app_pages/agreement.py",
            title="Agreement",
            icon=":material/balance:",
            help="Whether the judge scores as people do, how far people agree, and where the judge is biased.",
        ),
        st.Page(
            "app_pages/cost.py",
            title="Cost",
            icon=":material/payments:",
            help="Measured tokens times prices you can edit, for a month's volume.",
        ),
        st.Page(
            "app_pages/tco.py",
            title="TCO",
            icon=":material/account_balance:",
            help="What each option costs over the years, which is cheapest, how sure that is, and a report of it.",
        ),
        st.Page(
            "app_pages/runs.py",
            title="Runs",
            icon=":material/list_alt:",
            help="All runs: what is under way, what ran where, names and tags, deleting.",
        ),
    ]
    page = st.navigation([home, *([*pages, start] if begun else [start, *pages])], position="top")
    show_notice()
    page.run()
