"""Rightsize shows: the Streamlit dashboard over what eval measured and db stored."""
