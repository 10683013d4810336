"""The quality that can be defended: people's scores corrected with the judge's, and which differences are decided."""

import streamlit as st

from dashboard import data, difference_view, findings, left_out, view_choice, widgets
from dashboard import quality_tables as tables
from dashboard.charts.quality_intervals import quality_intervals
from dashboard.keys import Key
from eval.quality_number import QualityError

st.title("Quality")
st.caption(
    "What people would score on average. Where they scored a random sample, it corrects the judge; else it says so."
)
runs = widgets.choose_runs()
widgets.simulated_banner(runs)
others = left_out.left_out(runs, data.runs(limit=data.NEWEST), data.qa_sets())
if said := [sentence for sentence in (left_out.preliminary(runs), others) if sentence]:
    st.caption("  \n".join(said))
ids, simulated = [run.run_id for run in runs], widgets.any_simulated(runs)
with st.container(horizontal=True, vertical_alignment="bottom"):
    judges, criteria = data.judges(ids), data.criteria(ids)
    criterion = str(
        st.selectbox(
            "Criterion", criteria, format_func=str.capitalize, key=Key.NUMBER_CRITERION, bind="query-params", width=180
        )
    )
    judge = view_choice.choose_judge(judges) if len(judges) > 1 else None
    this_set = st.toggle(
        "For this question set alone",
        key=Key.INFERENCE,
        bind="query-params",
        help="Off: the set counts as a draw from all questions like these. On: it holds for these and no others.",
    )
try:
    found = data.quality_numbers_of(ids, criterion, judge, "this question set" if this_set else "questions like these")
except QualityError as error:
    st.info(str(error), icon=":material/grading:")
    difference_view.show_preferences(ids, simulated=simulated)
    st.stop()

frame = tables.numbers_frame(found)
if frame["value"].notna().any():
    widgets.show_chart(
        quality_intervals(
            frame,
            order=data.target_order(),
            axis_title=f"{criterion.capitalize()} quality (points)",
            scale=found[0].scale,
            simulated=simulated,
        ),
        key="quality_intervals",
        alt_text=f"{criterion} quality of each target with its 95 % interval",
    )
columns = {
    "target": st.column_config.TextColumn("Target", pinned=True),
    "quality": st.column_config.TextColumn("Quality", help="With its 95 % interval."),
    "method": st.column_config.TextColumn("How", help=findings.WAYS),
    "people": st.column_config.TextColumn("By people", help="Questions of the random sample that people scored."),
    "judge": st.column_config.TextColumn("By the judge", help="Questions with a usable score of the judge."),
    "gain": st.column_config.NumberColumn(
        "Gain",
        format="%.2fx",
        help="How much narrower the judge makes the interval: that of people alone over this one.",
    ),
    "next": st.column_config.TextColumn(
        "What 20 more hand scores would buy",
        help="If they are like those so far. Not known yet: people scored too few questions of a random sample to show "
        "how far their scores lie apart.",
    ),
}
widgets.show_table(frame, f"quality-{criterion}", "The quality number of each run", columns, placeholder="unknown")
unscored = left_out.unscored(runs, [each.run_id for each in found], criterion)
of_all, of_some = tables.notes(found)
st.caption("  \n".join([*of_all, *([unscored] if unscored else [])]))
if of_some:
    apart = ", and which hand scores stay out" if any(each.left_out for each in found) else ""
    with st.expander(f"What each number rests on{apart}"):
        st.markdown("\n".join(f"* {note}" for note in of_some))

st.subheader("Which differences are decided", anchor=False)
difference_view.show_differences(ids, criterion, judge, simulated=simulated)
difference_view.show_preferences(ids, simulated=simulated)
