"""What the measured tokens cost at prices that can be edited here, for a month's volume."""

import streamlit as st

from dashboard import data, number_cell, tables, widgets
from dashboard.charts.cost_bars import cost_bars
from dashboard.format import plain, to_csv
from db import store

MEAN, ALL = "Mean", "all stages together, with its 95 % interval over questions."

st.title("Cost")
st.caption("The tokens that were measured, times a price for each model, for as many answers as you expect in a month.")
runs = widgets.choose_runs()
widgets.simulated_banner(runs)
summaries = data.summaries([run.run_id for run in runs])
prices = data.prices()
volume = st.number_input(
    "Answers a month",
    min_value=1,
    max_value=10_000_000_000,
    value=100_000,
    step=10_000,
    key=widgets.Key.VOLUME,
    bind="query-params",
    width=240,
    help="How many questions your feature will answer in a month, up to 10,000,000,000.",
)
card = data.run_prices()
frame = tables.cost_frame(runs, summaries, widgets.labels(runs), card, volume)

if frame["cost_month"].notna().any():
    widgets.show_chart(
        cost_bars(frame, order=data.target_order(), simulated=widgets.any_simulated(runs)),
        key="cost_month",
        alt_text="Cost a month in USD, one bar a target",
    )
else:
    st.info("No cost is known yet: enter the prices of the models below.", icon=":material/payments:")

columns = {
    "label": st.column_config.TextColumn("Target", pinned=True),
    "model": st.column_config.TextColumn("Model"),
    "prompt_said": st.column_config.TextColumn("Input tokens", help=f"{MEAN} input tokens an answer, {ALL}"),
    "cached_tokens": st.column_config.NumberColumn("Of these cached", format="%,.0f", help="Read from a cache."),
    "completion_said": st.column_config.TextColumn("Output tokens", help=f"{MEAN} output tokens an answer, {ALL}"),
    "reasoning_tokens": st.column_config.NumberColumn("Of these reasoning", format="%,.0f", help="Billed as output."),
    "n_answers": st.column_config.NumberColumn("Answers", format="%,d", help="Answers behind the means."),
    "asking_1000": st.column_config.NumberColumn(
        "Cost per 1,000", format="$%.4f", help="USD for 1,000 answers: tokens and repeats. Judging stands apart."
    ),
    "tokens_1000": st.column_config.NumberColumn("Tokens", format="$%.4f", help="USD for 1,000 answers."),
    "retries_1000": st.column_config.NumberColumn("Repeats", format="$%.4f", help="Requests that were sent again."),
    "cost_month": st.column_config.NumberColumn(
        "Cost a month", format="$%,.2f", help=f"USD for {volume:,} answers: tokens and repeats, without judging."
    ),
    "judging_1000": st.column_config.NumberColumn(
        "Judging, apart", format="$%.4f", help="USD for all judges of 1,000 answers; no part of the costs beside it."
    ),
    "price": st.column_config.TextColumn("Price", help="The kind of price, or why the cost is unknown."),
}
widgets.show_table(frame, "cost", "Cost of the runs in view", columns, placeholder="unknown")
st.caption(
    "Counted: the tokens of the target's own calls, all stages, cached ones at their own price where it is known, and "
    "the requests that were sent again. Judging stands apart: users do not pay for it. Not counted: warm-up calls, "
    "batch discounts, hardware and power. The means rest on the answers measured so far; your own questions may be "
    "longer or shorter."
)
if estimated := int(frame["n_estimated_tokens"].sum()):
    st.caption(f":material/info: For {estimated:,} answers the server told no token counts; they are estimated.")

st.subheader("Prices")
st.caption(
    "In USD per million tokens. A model without a price here has that of the newest price card "
    f"({plain(card.name)}, {card.date}); where that has none either it counts as unknown, not 0."
)
models = tables.models_of(summaries)
edited = st.data_editor(
    tables.prices_frame(models, prices),
    key=widgets.Key.PRICES,
    hide_index=True,
    disabled=["model"],
    placeholder="unknown",
    alt="Prices per model, to edit",
    column_config={
        "model": st.column_config.TextColumn("Model"),
        "input_usd_per_mtok": st.column_config.TextColumn("Input", alignment="right", help=number_cell.HELP),
        "output_usd_per_mtok": st.column_config.TextColumn("Output", alignment="right", help=number_cell.HELP),
        "kind": st.column_config.SelectboxColumn(
            "Kind",
            options=list(tables.PRICE_KINDS),
            required=True,
            help="Quoted: from a price list or an offer. Assumed: your estimate. Hypothetical: invented, to play with.",
        ),
        "source": st.column_config.TextColumn("Source", help="Where the price comes from, with its date."),
    },
)
with st.container(horizontal=True):
    save = st.button("Save prices", type="primary", icon=":material/save:", key="_save_prices")
    widgets.csv_button(lambda: to_csv(edited), "prices")
if save:
    try:
        changed = tables.edited_prices(edited, prices)
    except tables.PriceError as error:
        st.error(plain(error))
        st.stop()
    with store.writing(data.engine()) as session:
        for price in changed:
            store.save_price(price, session=session)
    widgets.note("Prices saved; earlier ones stay in the history." if changed else "Nothing had changed.")
    st.rerun()
