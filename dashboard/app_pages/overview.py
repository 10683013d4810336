"""Quality against latency: one point a run with intervals both ways, the frontier, and the figures beneath."""

import streamlit as st

from dashboard import data, findings, overview_tables, view_choice, widgets
from dashboard.charts.quality_latency import quality_latency, wants_log
from dashboard.format import plain, plural
from dashboard.keys import Key

st.title("Overview")
st.caption("Which target answers well enough, soon enough? Top left is best: good and fast.")
in_view = widgets.runs_in_view()
if not in_view.runs:
    widgets.show_run_choice(in_view)
runs = in_view.runs
widgets.simulated_banner(runs)
summaries = data.summaries([run.run_id for run in runs])
view = view_choice.expected_view(list(summaries.values()))
frame = overview_tables.overview_frame(runs, summaries, widgets.labels(runs), view, data.run_prices())

if warning := findings.not_comparable(frame):
    st.warning(warning, icon=":material/balance:")
st.markdown(findings.finding(frame))
if overview_tables.placed(frame).empty:
    st.info(findings.what_is_missing(frame), icon=":material/hourglass_empty:")
else:
    if note := findings.left_open(frame):
        st.caption(note)
    low, high = overview_tables.scale_of(summaries, view)
    quality = f"{view.criterion.capitalize()} quality ({low:g} to {high:g} points)"
    latency = f"{view_choice.LATENCIES[view.latency]}, {view_choice.QUANTILES[view.quantile].lower()}"
    widgets.show_chart(
        quality_latency(
            frame,
            latency_title=latency,
            quality_title=(quality, findings.scored_by(frame, view.source)),
            order=data.target_order(),
            scale=(low, high),
            log=view_choice.is_logarithmic(view.axis, wants_log(frame)),
            simulated=widgets.any_simulated(runs),
        ),
        key="quality_latency",
        alt_text=f"{view.criterion} quality against {latency.lower()}, one point a target with 95 % intervals",
    )
    st.caption(
        f"{findings.how_found(frame)} Bars are 95 % intervals; a point without one has too few answers, or no "
        "difference was seen between them. The dashed line joins the frontier: the points that no other point beats on "
        "both counts."
    )
    widgets.let_the_chart_come_first()
if view_choice.choose_view(list(summaries.values())) != view:
    st.rerun()
widgets.show_run_choice(in_view)

st.caption(
    "  \n".join(f":material/info: {caution}" for caution in [*findings.cautions(runs, frame), *findings.apart(frame)])
)

ms = f"{view_choice.LATENCIES[view.latency]} in ms with its 95 % interval, warm-up calls left out."
columns = {
    "label": st.column_config.TextColumn("Target", pinned=True),
    "quality_said": st.column_config.TextColumn(
        "Quality", help="The number of the Quality page, in points; in brackets where it lies, 19 times in 20."
    ),
    "how": st.column_config.TextColumn("Quality is", help=findings.WAYS),
    "p50_said": st.column_config.TextColumn("Median (ms)", help=ms),
    "p95_said": st.column_config.TextColumn("95th percentile (ms)", help=f"{ms} Needs 20 answers, its interval 72."),
    "n_answers": st.column_config.NumberColumn("Answers", format="%,d", help="Answers measured."),
    "errors": st.column_config.TextColumn("Failed", help="Requests that failed."),
    "tokens_per_s": st.column_config.NumberColumn("Tokens/s", format="%.1f", help="Median speed of writing."),
    "asking_1000": st.column_config.NumberColumn(
        "Per 1,000 (USD)", format="%.4f", help="1,000 answers: tokens and repeated requests, without judging them."
    ),
}
more = {
    "cost_1000": st.column_config.NumberColumn("With judging", format="%.4f", help="USD for 1,000 judged answers."),
    "tokens_1000": st.column_config.NumberColumn("Of that tokens", format="%.4f", help="USD for 1,000 answers."),
    "retries_1000": st.column_config.NumberColumn("Of that repeats", format="%.4f", help="Requests sent again."),
    "judging_1000": st.column_config.NumberColumn("Of that judging", format="%.4f", help="All judges of an answer."),
    "price": st.column_config.TextColumn("Price", help="Where the cost comes from; set prices on the Cost page."),
    "scored": st.column_config.TextColumn("Scored", help="Answers with a usable score, of all that came."),
    "judges_apart_said": st.column_config.TextColumn(
        "Judges apart", help="Points between the judges of one answer, on average; two judges are needed."
    ),
    "flicker_said": st.column_config.TextColumn(
        "Readings apart", help="Points between one judge's readings of one answer, on average; two samples are needed."
    ),
    "prompt_tokens": st.column_config.NumberColumn("Input tokens", format="%,.0f", help="Mean an answer."),
    "completion_tokens": st.column_config.NumberColumn("Output tokens", format="%,.0f", help="Mean an answer."),
    "concurrency": st.column_config.NumberColumn("At a time", help="Questions asked at the same time."),
    "model": st.column_config.TextColumn("Model"),
}
if st.toggle("All columns", key=Key.ALL_COLUMNS, bind="query-params"):
    columns |= more
widgets.show_table(
    overview_tables.with_words(frame), "overview", "Figures of the runs in view", columns, csv=frame,
    placeholder="unknown",
)  # fmt: skip
st.caption(f"{plural(len(runs), 'run')} on {plain(data.qa_sets()[runs[0].qa_set_id])}. Warm-up calls are left out.")
