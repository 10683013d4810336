"""What `streamlit run` is given: the dashboard as a server that makes itself ready ahead of its first visitor.

The script that draws it is main.py.
"""

from pathlib import Path

import streamlit as st

from dashboard.warm import ready

app = st.App(Path(__file__).parent / "main.py", lifespan=ready)
