"""Quality against latency: one point a run with intervals both ways, the frontier, and the figures beneath."""

import streamlit as st

from dashboard import data, tables, widgets
from dashboard.charts.quality_latency import quality_latency, wants_log
from dashboard.format import plain, plural

st.title("Overview")
st.caption("Which target answers well enough, soon enough? Top left is best: good and fast.")
runs = widgets.choose_runs()
widgets.simulated_banner(runs)
summaries = data.summaries([run.run_id for run in runs])
labels = widgets.labels(runs)

with st.container(horizontal=True, vertical_alignment="bottom"):
    source = widgets.choose_source(list(summaries.values()))
    criterion = widgets.choose_criterion(list(summaries.values()), source)
    latency, quantile = widgets.choose_latency()
    axis = st.container(width="content")

view = tables.View(latency, quantile, criterion, source)
frame = tables.overview_frame(runs, summaries, labels, view, data.prices())
with axis:
    log = widgets.choose_axis(wants_log(frame))

scored_by = "people" if source == "people" else source
latency_title = f"{widgets.LATENCIES[latency]}, {widgets.QUANTILES[quantile].lower()}"

st.markdown(tables.finding(frame))
if tables.placed(frame).empty:
    st.info(tables.what_is_missing(frame), icon=":material/hourglass_empty:")
else:
    if note := tables.left_open(frame):
        st.caption(note)
    widgets.show_chart(
        quality_latency(
            frame,
            latency_title=latency_title,
            quality_title=f"{criterion.capitalize()} quality (1 to 5 points), scored by {scored_by}",
            order=data.target_order(),
            log=log,
            simulated=widgets.any_simulated(runs),
        ),
        key="quality_latency",
        alt_text=f"{criterion} quality against {latency_title.lower()}, one point a target with 95 % intervals",
    )
    st.caption(
        "Bars are 95 % intervals; a point without a bar has too few answers for one. The dashed line joins the "
        "frontier: the points that no other point beats on both counts."
    )

st.caption("  \n".join(f":material/info: {caution}" for caution in tables.cautions(runs, frame)))

widgets.let_the_chart_come_first()
latency_help = f"{widgets.LATENCIES[latency]}, warm-up calls left out."
columns = {
    "label": st.column_config.TextColumn("Target", pinned=True),
    "quality": st.column_config.NumberColumn("Quality", format="%.2f", help="Mean over questions, 1 to 5 points."),
    "quality_interval": st.column_config.TextColumn("95 % interval", help="Where the mean lies, 19 times in 20."),
    "scored": st.column_config.TextColumn("Scored", help="Answers with a usable score, of all that came."),
    "p50": st.column_config.NumberColumn("Median (ms)", format="%,.0f", help=latency_help),
    "p50_interval": st.column_config.TextColumn("Its interval", help="95 % interval of the median."),
    "p95": st.column_config.NumberColumn("95th percentile (ms)", format="%,.0f", help=latency_help),
    "p95_interval": st.column_config.TextColumn("Its interval ", help="95 % interval; needs 73 answers."),
    "answers": st.column_config.TextColumn("Answers", help="Answers measured, and requests that failed."),
    "tokens_per_s": st.column_config.NumberColumn("Tokens/s", format="%.1f", help="Median speed of writing."),
    "cost_1000": st.column_config.NumberColumn("Per 1,000 (USD)", format="%.4f", help="Cost of 1,000 answers."),
    "price": st.column_config.TextColumn("Price", help="Where the cost comes from; set prices on the Cost page."),
    "prompt_tokens": st.column_config.NumberColumn("Input tokens", format="%,.0f", help="Mean an answer."),
    "completion_tokens": st.column_config.NumberColumn("Output tokens", format="%,.0f", help="Mean an answer."),
    "concurrency": st.column_config.NumberColumn("At a time", help="Questions asked at the same time."),
    "model": st.column_config.TextColumn("Model"),
}
widgets.show_table(
    tables.with_words(frame), "overview", "Figures of the runs in view", columns, csv=frame, placeholder="unknown"
)
st.caption(f"{plural(len(runs), 'run')} on {plain(data.qa_sets()[runs[0].qa_set_id])}. Warm-up calls are left out.")
