"""Whether a judge scores as people do: every figure of agreement side by side, and where the judge is biased."""

import streamlit as st

from dashboard import agreement_details, agreement_view, data, widgets
from dashboard import agreement_tables as tables
from dashboard.charts.confusion import confusion
from dashboard.keys import Key
from eval.agreeing import AgreementError

st.title("Agreement")
st.caption(
    "A judge's scores are evidence as far as it scores as people do. No single figure tells; read them together."
)
runs = widgets.choose_runs()
widgets.simulated_banner(runs)
try:
    found = {each.criterion: each for each in data.agreement([run.run_id for run in runs])}
except AgreementError as error:
    st.info(str(error), icon=":material/balance:")
    st.page_link("app_pages/score.py", label="Score answers", icon=":material/grading:")
    st.stop()

criterion = str(
    st.segmented_control(
        "Criterion", list(found), format_func=str.capitalize, default=next(iter(found)), required=True,
        key=Key.AGREED_CRITERION, bind="query-params",
    )
)  # fmt: skip
each = found[criterion]
pairs = tables.pairs_of(each)
simulated = widgets.any_simulated(runs)
st.markdown(tables.headline(each, list(pairs)))
for sentence in tables.sentences(each):
    st.markdown(f"- {sentence}")

if pairs:
    frame = tables.pairs_frame(each)
    columns = {
        "pair": st.column_config.TextColumn("Raters", pinned=True),
        "n": st.column_config.NumberColumn("Answers"),
    }
    columns |= {
        key: st.column_config.TextColumn(name, help=tables.HELP[key], width=agreement_view.FIGURE_PX)
        for key, name in tables.FIGURES.items()
    }
    words = "Figures of agreement, a row a pair of raters"
    widgets.show_table(frame, f"agreement-{criterion}", words, columns, simulated=simulated)
    st.caption(
        f"In brackets: 95 % intervals over questions. Below {tables.FEW} answers a figure is not given. "
        "Constant rater: one of the two gave every answer the same score, which tells nothing about agreement. "
        "High exact agreement can go with a ranking no better than chance: look at Spearman per question too."
    )
    if note := tables.alpha_sentence(each):
        st.caption(note)
    pair = str(st.selectbox("Score by score", list(pairs), key=Key.AGREED_PAIR, bind="query-params", width=420))
    shown = tables.confusion_frame(pairs[pair])
    if shown.empty:
        st.caption("These scores lie between whole points (a mean of several), so that they have no table of counts.")
    else:
        first, second = pair.split(" and ", 1)
        widgets.show_chart(
            confusion(shown, first=first, second=second, simulated=simulated),
            key="confusion",
            alt_text=f"How often {first} gave one score where {second} gave another",
            width="content",
        )
    agreement_view.show_bias(each, criterion, simulated=simulated)
agreement_view.show_people(each, criterion, simulated=simulated)
agreement_details.show_details(each, criterion, simulated=simulated)
