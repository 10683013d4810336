"""Charts: a DataFrame in, an Altair chart out; no Streamlit, no database."""
