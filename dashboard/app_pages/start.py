"""The first page of an empty database: what Rightsize does, a demo to run and follow, commands for real servers."""

import streamlit as st

from dashboard import data, run_desk, widgets
from dashboard.format import count_of
from dashboard.keys import Key

st.title("Which model is good enough, fast enough, cheap enough?")
st.markdown(
    "Rightsize asks a small local model, a large local one, a hybrid of both and a cloud model the same fixed "
    "questions. It measures latency and tokens, and lets a judge model and people score every answer from 1 to 5. "
    "Everything is stored, so the choice can be defended with evidence."
)


def follow_demo() -> None:
    """The newest group as it proceeds, then on to the overview."""
    with widgets.store_errors():
        runs = data.newest_progress()
        if not any(run.alive for run in runs):
            if run_desk.demo_begins(runs):
                st.progress(0.0, text="Starting the simulated servers and warming up")
                return
            st.rerun()
        done = sum(run.answered >= run.planned for run in runs)
        st.markdown(f"**The evaluation is running**: {count_of(done, len(runs))} targets have answered everything.")
        for run in runs:
            run_desk.show_progress(run)
        st.caption("It goes on if you close this page; come back to find it again.")


runs = data.newest_progress()
unfinished = [run for run in runs if run.status != "finished"]
with st.container(border=True):
    if any(run.alive for run in unfinished) or run_desk.demo_begins(runs):
        st.session_state.setdefault(Key.AWAITED, None)
        st.fragment(follow_demo, run_every=run_desk.EVERY_S)()
    elif Key.AWAITED in st.session_state and runs and not unfinished:
        del st.session_state[Key.AWAITED]
        widgets.show_newest()
        st.switch_page("app_pages/overview.py")
    else:
        st.subheader("See it work first")
        st.markdown(
            "The demo asks 60 questions of four simulated targets over real HTTP, judges the answers and stores "
            "them. It needs no key, no model and no network, and takes about a minute."
        )
        if unfinished:
            st.warning("An evaluation was interrupted. The **Runs** page resumes it; an interrupted demo goes on here.")
        run_desk.show_failure(run_desk.DEMO)
        if found := run_desk.demo_ids():
            if st.button("Open the demo", type="primary", icon=":material/arrow_forward:", key="_open_demo"):
                widgets.compare(found)
                st.switch_page("app_pages/overview.py")
        else:
            st.button(
                "Run the demo evaluation",
                type="primary",
                icon=":material/play_arrow:",
                key="_start_demo",
                on_click=run_desk.start_demo,
            )

st.subheader("Then evaluate your own models")
st.markdown(
    "In a terminal, with your server running. A target is a name, a model and the address of a server that speaks the "
    "OpenAI API; give `--target` once for each."
)
servers = {
    "Foundry Local": ("phi-4-mini", "http://127.0.0.1:5273/v1"),
    "Ollama": ("phi4-mini", "http://127.0.0.1:11434/v1"),
    "LM Studio": ("phi-4-mini-instruct", "http://127.0.0.1:1234/v1"),
    "llama.cpp": ("phi-4-mini", "http://127.0.0.1:8080/v1"),
    "vLLM": ("microsoft/Phi-4-mini-instruct", "http://127.0.0.1:8000/v1"),
}
for tab, (model, url) in zip(st.tabs(list(servers)), servers.values(), strict=True):
    tab.code(f"rightsize run --target small={model}@{url} --judge JUDGE-MODEL@{url}", language="bash", wrap_lines=True)
st.caption(
    "Foundry Local tells its address with `foundry service status`. A judge of another model family than the targets "
    "is fairer. A key is only ever named (`--api-key-env`), never stored."
)
