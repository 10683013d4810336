"""Whether a judge scores as people do: every figure of agreement side by side, and where the judge is biased."""

from functools import partial

import streamlit as st

from dashboard import agreement_tables as tables
from dashboard import data, widgets
from dashboard.charts.bias_bars import bias_bars
from dashboard.charts.confusion import confusion
from dashboard.keys import Key
from eval.agreeing import AgreementError

HELP = {
    "exact": "Share of answers with the same score.",
    "within_one": "Share of answers at most one point apart.",
    "quadratic_kappa": "Cohen's kappa, quadratic weights: agreement beyond chance; 1 is perfect, 0 is chance.",
    "alpha": "Krippendorff's alpha, ordinal: like kappa, for any number of raters; 0.8 is often asked for.",
    "spearman": "Rank correlation over all answers.",
    "kendall": "Rank correlation by pairs (tau-b), over all answers.",
    "per_question": "Spearman over the targets of each question, averaged: does it rank targets as people do?",
    "bias": "Mean of first less second, in points.",
    "mae": "Mean distance, in points.",
}

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
show_table = partial(widgets.show_table, simulated=simulated)
st.markdown(tables.headline(each, list(pairs)))
for sentence in tables.sentences(each):
    st.markdown(f"- {sentence}")

if pairs:
    frame = tables.pairs_frame(each)
    columns = {
        "pair": st.column_config.TextColumn("Raters", pinned=True),
        "n": st.column_config.NumberColumn("Answers"),
    }
    columns |= {key: st.column_config.TextColumn(name, help=HELP[key]) for key, name in tables.FIGURES.items()}
    show_table(frame, f"agreement-{criterion}", "Figures of agreement, a row a pair of raters", columns)
    st.caption(
        f"In brackets: 95 % intervals over questions. Below {tables.FEW} answers a figure is not given. "
        "High exact agreement can go with a ranking no better than chance: look at Spearman per question too."
    )
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
        )
    bias = tables.bias_frame(each)
    if len(bias):
        st.subheader("Bias by target")
        judges = list(dict.fromkeys(bias["judge"]))
        judge = str(st.selectbox("Judge", judges, key=Key.AGREED_JUDGE, width=420)) if len(judges) > 1 else judges[0]
        widgets.show_chart(
            bias_bars(bias[bias["judge"] == judge], order=data.target_order(), simulated=simulated),
            key="bias",
            alt_text=f"Points by which {judge} lies above the people, by target",
        )
        show_table(bias, f"bias-{criterion}", "Bias of each judge by target")

people = tables.people_frame(each)
if len(people):
    st.subheader("People among themselves")
    kappa = st.column_config.TextColumn("Weighted kappa", help=HELP["quadratic_kappa"])
    names = {"pair": st.column_config.TextColumn("People"), "n": st.column_config.NumberColumn("Scored by both")}
    show_table(people, f"people-{criterion}", "Agreement of people", names | {"kappa": kappa})
    ceiling = tables.ceiling_frame(each)
    if len(ceiling):
        st.caption(
            "The ceiling: how each person ranks answers as the others do (Spearman), and the judge in their place."
        )
        show_table(ceiling, f"ceiling-{criterion}", "Each person left out in turn, and the judge in their place")
