"""All runs: what is under way, a list to search, and for one run what ran where, its name, tags and deletion."""

import streamlit as st

from dashboard import data, run_desk, run_list, tables, widgets
from dashboard.format import plain, plural
from db import workers
from eval.spent import judging_took

st.title("Runs")
st.caption("Every run that is stored: what is under way, what ran where and on which questions, names, tags, deletion.")
if not data.runs(limit=1):
    st.info("No run is stored yet.")
    widgets.link_to_start()
    st.stop()

standings = run_desk.follow_runs()

filters = run_list.choose_filters()
found = data.count_runs(**filters)
if not found:
    st.info("No run fits these filters; clear one of them.")
    st.stop()
listed = data.runs(limit=run_list.PAGE_SIZE, offset=run_list.page_offset(found), **filters)
widgets.simulated_banner(listed)
columns = {
    "run_id": st.column_config.NumberColumn("Run", format="#%d", pinned=True),
    "name": st.column_config.TextColumn("Name"),
    "target": st.column_config.TextColumn("Target"),
    "model": st.column_config.TextColumn("Model"),
    "qa_set": st.column_config.TextColumn("QA set"),
    "answers": st.column_config.NumberColumn("Answers", format="%,d", help="Planned: questions times repeats."),
    "status": st.column_config.TextColumn("Status"),
    "tags": st.column_config.ListColumn("Tags"),
    "created_at": st.column_config.DatetimeColumn("Created (UTC)", format="D MMM YYYY, HH:mm", timezone="UTC"),
    "simulated": st.column_config.CheckboxColumn("Simulated"),
}
chosen = widgets.show_table(
    tables.runs_frame(listed, standings),
    "runs",
    "List of runs",
    columns,
    on_select="rerun",
    selection_mode="multi-row",
    height="content",
)
with st.container(horizontal=True, vertical_alignment="center"):
    run_list.choose_page(found)
    st.caption(f"{plural(found, 'run')}. Tick rows to compare them.", width="content")
    picked = [listed[row].run_id for row in chosen.selection.rows if row < len(listed)]
    if st.button("Compare the ticked runs", disabled=not picked, icon=":material/compare_arrows:"):
        widgets.compare(picked)
        st.switch_page("app_pages/overview.py")

st.subheader("One run")
run_id = run_list.choose_run(listed)
if run_id is None:
    st.caption("Choose a run to see what ran where, rename it, tag it or delete it.")
    st.stop()
run = data.run(run_id)
st.markdown(f"**#{run.id} {plain(run.name)}**: {plain(run.target)}, {workers.standing(run)}")
if run.error:
    st.error(plain(run.error))
left, right = st.columns([3, 2], gap="large")
with right:
    run_desk.edit_run(run)
    run_desk.delete_run(run)
with left:
    cost = tables.cost_facts(run, data.summaries([run_id])[run_id], data.run_prices())
    facts = tables.run_facts(run, data.qa_sets().get(run.qa_set_id, ""), cost)
    widgets.show_table(
        tables.facts_frame(facts),
        f"run-{run.id}",
        "What ran, where and on what",
        {"fact": st.column_config.TextColumn("Fact"), "value": st.column_config.TextColumn("Value", width="large")},
        height=430,
    )
    for sentence in judging_took(list(data.summaries([run_id]).values()), data.run_prices()):
        st.caption(plain(sentence))
