"""Question by question: what every target answered, how long each step took, and what raters said about it."""

import streamlit as st

from dashboard import data, widgets
from dashboard.answer_card import show_question, show_reply
from dashboard.answer_tables import answers_table, calls_table
from dashboard.charts.waterfall import waterfall
from dashboard.format import plural, to_csv
from dashboard.question_picker import choose_question
from dashboard.widgets import Key
from db import store
from db.side_by_side import get_question, list_replies

NARROWEST = 280  # pixels a card needs; more targets wrap onto the next line

st.title("Answers")
st.caption("What each target answered to one question, beside the reference, with times and what raters said about it.")
runs = widgets.choose_runs()
widgets.simulated_banner(runs)
head = choose_question(data.questions(runs[0].qa_set_id))
with store.reading(data.engine()) as session:
    question = get_question(head.question_id, session=session)
    replies = list_replies(head.question_id, [run.run_id for run in runs], session=session)

show_question(question)
if not replies:
    st.info("None of these runs has answered this question yet. Runs under way are followed on the **Runs** page.")
    st.stop()

names = widgets.labels(runs)
repeats = sorted({reply.answer.repeat for reply in replies})
criteria = list(dict.fromkeys(s.criterion for r in replies for v in r.verdicts for s in v.scores if s.quotes))
with st.container(horizontal=True, vertical_alignment="bottom"):
    repeat = repeats[0]
    if len(repeats) > 1:
        repeat = st.segmented_control(
            "Repeat",
            repeats,
            format_func=lambda n: str(n + 1),
            default=repeats[0],
            required=True,
            key=Key.REPEAT,
            bind="query-params",
            help="The same question was asked several times; this chooses which time is shown.",
        )
    quotes = None
    if criteria:
        quotes = st.segmented_control(
            "Quotes marked",
            ["all", *criteria, "none"],
            format_func=str.capitalize,
            default="all",
            required=True,
            key=Key.QUOTES,
            bind="query-params",
            help="Passages a rater quoted as the reason for a score. The line beneath tells the criterion: straight is "
            "coherence, dashed factuality, dotted conciseness, double several. Point at a mark to see whose it is.",
        )
    widgets.csv_button(
        lambda: to_csv(answers_table(question.key, replies, names, [run.run_id for run in runs if run.simulated])),
        "answers",
        help=f"All of this question's answers with figures and scores: {plural(len(replies), 'row')}.",
    )

shown = [reply for reply in replies if reply.answer.repeat == repeat]
order = {run.run_id: i for i, run in enumerate(runs)}
targets = {run.run_id: run.target for run in runs}
shown.sort(key=lambda reply: order[reply.answer.run_id])
grid = st.grid(min(4, len(shown)) or 1, min_column_width=NARROWEST, gap="medium", border=True)
for reply in shown:
    with grid.cell():
        run_id = reply.answer.run_id
        show_reply(reply, names[run_id], targets[run_id], data.target_order(), quotes, question.reference)

calls = calls_table(shown, names)
if len(calls):
    st.subheader("Where the time went", anchor=False)
    widgets.show_chart(
        waterfall(calls, simulated=widgets.any_simulated(runs)),
        "waterfall",
        f"Timing of {plural(len(calls), 'call')} for question {head.key}",
    )
    st.caption(
        "One bar a call, all from the same start. White ticks are pieces of the answer arriving; a pause before a "
        "retry is shown, but counts in no latency."
    )
