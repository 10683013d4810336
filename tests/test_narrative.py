"""The narrative tells a result in full, tags every number, and no number without a tag gets through."""

import re
from dataclasses import replace
from pathlib import Path

import cost_samples
import pytest
from command import Command
from costed import add_demo_targets

from eval.cost import narrative as told
from eval.cost import price_card_file, prose, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.figure import Figure
from eval.cost.narrative import narrate
from eval.cost.prose import Name, Said, UntaggedNumberError, spans, words
from eval.cost.result import Result


@pytest.fixture(scope="module")
def result() -> Result:
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    return evaluate(scenario, cost_samples.demo_targets(), price_card_file.built_in())


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "told"),
    [
        (1989.2, 914.99, 3794.4, "ms", "1,989 ms (915 to 3,794)"),
        (925.68, 806.72, 944.9, "ms", "925.7 ms (806.7 to 944.9)"),
        (4.78, 4.5, 4.9, "of 5", "4.78 of 5 (4.50 to 4.90)"),
        (8, 4.0, 12.0, "times", "8 times (4 to 12)"),
        (0.4712, 0.25, 0.5, "share", "47.1 % (25.0 % to 50.0 %)"),
        (0.0012, 0.001, 0.002, "USD", "0.0012 USD (0.001 to 0.002)"),
    ],
)
def test_a_value_and_its_bounds_have_the_same_decimals(value: float, low: float, high: float, unit: str, told: str):
    assert words(Figure(value, unit, "measured", "a run", low=low, high=high)) == told


def test_it_begins_with_the_decision_and_ends_with_its_sources(result: Result):
    titles = [section.title for section in narrate(result).sections]
    assert titles[0] == "Decision and confidence"
    assert titles[-1] == "Appendix: traceability"
    front = [section.title for section in narrate(result).sections if not section.appendix]
    assert titles[: len(front)] == front
    assert len(front) == 9
    assert all(title.startswith("Appendix: ") for title in titles[len(front) :])


def test_every_figure_has_a_tag_that_the_appendix_explains(result: Result):
    made = narrate(result)
    appendix = {span.text for span in spans(made.sections[-1]) if isinstance(span, Name)}
    numbers = [s for section in made.sections for s in spans(section) if isinstance(s, Figure | Said)]
    assert len(numbers) > 100
    for number in numbers:
        assert re.fullmatch(r"[mqad]\d+", made.tag(number))
        assert made.tag(number) in appendix
        assert number.origin in appendix


def test_prose_holds_no_digit_outside_of_figures_sentences_and_names(result: Result):
    prose = [s for section in narrate(result).sections for s in spans(section) if isinstance(s, str)]
    assert not [text for text in prose if re.search(r"\d", text)]


def test_a_bare_number_in_the_result_is_refused(result: Result):
    broken = replace(result, months=36)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UntaggedNumberError, match="months"):
        narrate(broken)


def _block(kind: str, result: Result) -> prose.Block:
    number = words(result.options[0].npv)
    return {
        "prose": prose.Paragraph((f"About {number}.",)),
        "name": prose.Paragraph((Name(number),)),
        "bare name": prose.Paragraph((Name(str(result.options[0].npv.value)),)),
        "caption": prose.Table(f"The options, of which the first costs {number}", ("option",), ()),
        "heading": prose.Table("The options", (f"option at {number}",), ()),
        "heading as a name": prose.Table("The options", (Name(number),), ()),
        "picture": prose.Picture("heads", f"A bar of {number}"),
    }[kind]


@pytest.mark.parametrize("kind", ["prose", "name", "bare name", "caption", "heading", "heading as a name", "picture"])
@pytest.mark.parametrize("where", ["_review", "traceability"])
def test_a_number_without_a_tag_is_refused_wherever_it_is_written(
    kind: str, where: str, result: Result, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(told, where, lambda *_: [_block(kind, result)])
    with pytest.raises(UntaggedNumberError, match=r"A number stands in .* without a kind and an origin"):
        narrate(result)


def test_an_untagged_number_is_one_sentence_on_the_command_line(
    rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    monkeypatch.setattr(told, "_review", lambda _: [prose.Paragraph(("About 12 percent.",))])
    found = rightsize("report", "demo", "--format", "md", "--out", str(tmp_path / "r.md"), "--db", url)
    assert found.code == 1
    assert "About 12 percent" in found.err
    assert "Traceback" not in found.err
    assert not (tmp_path / "r.md").exists()


def _said(result: Result, title: str) -> str:
    (section,) = (s for s in narrate(result).sections if s.title == title)
    return "".join(words(s) if isinstance(s, Figure) else s if isinstance(s, str) else s.text for s in spans(section))


def _rows(result: Result, caption: str) -> dict[str, dict[str, str]]:
    """The rows of a table as a reader sees them, by their first cell and the headings."""
    blocks = [block for section in narrate(result).sections for block in section.blocks]
    (table,) = [block for block in blocks if isinstance(block, prose.Table) and block.caption == caption]
    headings = [str(heading.text if isinstance(heading, Name) else heading) for heading in table.headings]
    seen = [[words(c) if isinstance(c, Figure) else c if isinstance(c, str) else c.text for c in r] for r in table.rows]
    return {row[0]: dict(zip(headings, row, strict=True)) for row in seen}


def _kinds(result: Result, title: str) -> set[tuple[str, str]]:
    (section,) = (s for s in narrate(result).sections if s.title == title)
    return {(s.kind, s.origin) for s in spans(section) if isinstance(s, Figure | Said)}


def test_the_decision_tags_what_is_asked_for_as_assumed_and_what_is_found_as_derived(result: Result):
    found = _kinds(result, "Decision and confidence")
    assert result.decision.verdict == "not decisive"
    assert ("assumed", "constraints.decisive_at") in found
    assert ("derived", result.decision.probability.origin) in found


def test_what_the_decision_adds_is_told_too(result: Result):
    more = " What Another would cost is unknown, and may be less."
    for core in (result.decision.sentence, "Not decisive: X is the cheapest in 90 % of the draws."):
        decision = replace(result.decision, sentence=core + more)
        if core.endswith("draws."):
            decision = replace(decision, verdict="not decisive")
        said = _said(replace(result, decision=decision), "Decision and confidence")
        assert said.startswith("Not decisive: Cloud API is the cheapest")
        assert more in said


def test_an_option_that_is_out_shows_the_measured_figure_and_the_assumed_floor(result: Result):
    assert "Its factuality of 3.32 of 5 (3.07 to 3.57), n = 60 is below the 3.5 of 5 that" in _said(result, "Options")
    found = _kinds(result, "Options")
    assert ("assumed", "constraints.quality_floor") in found
    assert any(kind == "measured" for kind, _ in found)


def test_the_ends_of_a_range_are_derived_from_what_was_stated(result: Result):
    for bar in result.tornado:
        assert bar.p10.kind == bar.p90.kind == "derived"
        assert bar.p10.origin.startswith(f"10th percentile of {bar.key} (")
        assert bar.p90.origin.startswith(f"90th percentile of {bar.key} (")


def test_origins_say_which_option_and_what_a_figure_is_derived_from(result: Result):
    for option in (o for o in result.options if not o.blocked):
        assert option.npv_p50.origin.startswith(f"options.{option.name}: median over")
        for head in option.heads:
            assert len(head.effective_cost.origin.partition(f"{head.head}: ")[2]) > 10
    (laptops,) = (c for o in result.options for c in o.capacity if o.name == "small-local")
    assert "workload.users" in laptops.machines_first.origin


def test_the_evidence_lets_a_reader_check_tokens_judge_questions_and_load():
    real = {
        name: replace(one, questions="our questions 2 (abcdef123456)", concurrency=4, mean_ms=cost_samples.known(800))
        for name, one in cost_samples.demo_targets().items()
    }
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    made = evaluate(scenario, real, price_card_file.built_in())
    said = _said(made, "Evidence") + _said(made, "Appendix: evidence in detail")
    for part in ("175.5 tokens/answer (163.5 to 187.5), n = 60", "900 tokens/answer", "our questions 2 (abcdef123456)"):
        assert part in said
    assert "4 at once" in said
    assert "800 ms" in said
    hybrid = next(e for e in made.evidence if e.target == "hybrid")
    assert hybrid.prompt.value == pytest.approx(175.5 + 281.3)
    assert hybrid.reasoning.value is None


def test_brackets_are_explained_before_the_first_of_them(result: Result):
    said = _said(result, "Decision and confidence")
    assert "95 % interval" in said
    assert "10th to 90th percentile" in said
    assert said.index("In brackets") < said.index("Saved over the horizon against")


def test_the_threshold_of_an_acceptable_answer_and_what_judging_is_billed_are_said(result: Result):
    assert "this share is judged: 2.0 %" in _said(result, "Appendix: evidence in detail")
    stricter = {name: replace(one, acceptable_from=4.0) for name, one in cost_samples.demo_targets().items()}
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    made = evaluate(scenario, stricter, price_card_file.built_in())
    assert "every criterion has at least 4 of 5." in _said(made, "Evidence")


def test_a_price_without_a_retirement_date_says_that_none_is_known(result: Result):
    assert "simulator/sim-cloud: no retirement date is known." in _said(result, "What is not about cost")


def test_the_day_on_which_a_model_retires_is_told_as_not_about_cost():
    made = price_card_file.built_in()
    rows = tuple(
        row.model_copy(update={"retires_on": "2031-05-06"}) if row.id == "simulator/sim-cloud" else row
        for row in made.rows
    )
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    retiring = evaluate(scenario, cost_samples.demo_targets(), made.model_copy(update={"rows": rows}))
    said = _said(retiring, "What is not about cost")
    assert "simulator/sim-cloud retires on 2031-05-06." in said
    assert "simulator/sim-cloud: no retirement" not in said


def test_a_break_even_stands_beside_what_the_machines_bear(result: Result):
    rows = _rows(result, "Break-even, in requests a month")
    bears = result.option("large-local").capacity[0].bears_first.value
    assert rows["Large model on workstations"]["its first month's machines bear"] == words(
        Figure(bears, "", "derived", ".")
    )
    assert rows["Small model on the laptops"]["its first month's machines bear"] == "one machine a person"


def test_whose_answers_need_a_provider_is_told_without_any_remark_of_the_author():
    options = {name: o.model_copy(update={"remarks": ()}) for name, o in scenario_file.demo().options.items()}
    scenario = scenario_file.demo().model_copy(update={"draws": 500, "options": options})
    made = evaluate(scenario, cost_samples.demo_targets(), price_card_file.built_in())
    rows = _rows(made, "Residency and remarks")
    assert {option: row["answers need a provider"] for option, row in rows.items()} == {
        "Cloud API": "simulator",
        "Small model on the laptops": "no",  # though a judge of a provider scores some of them
        "Large model on workstations": "no",
        "Laptop drafts, workstation refines": "no",
        "Laptop first, cloud where it is hard": "simulator",
        "As it is today": "nothing is built",
    }
    assert "offline" in _said(made, "What is not about cost")
    nothing = evaluate(scenario, {}, price_card_file.built_in())
    needs = {o: row["answers need a provider"] for o, row in _rows(nothing, "Residency and remarks").items()}
    assert (needs["Cloud API"], needs["Large model on workstations"]) == ("not known", "no")


def test_a_borrowed_price_is_called_so_where_it_is_used():
    made = price_card_file.built_in()
    rows = tuple(
        row.model_copy(update={"borrowed_from": "lender"}) if row.id == "simulator/sim-cloud" else row
        for row in made.rows
    )
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    lent = evaluate(scenario, cost_samples.demo_targets(), made.model_copy(update={"rows": rows}))
    kinds = {price: row["kind"] for price, row in _rows(lent, "Prices used").items()}
    assert kinds == {
        "simulator/sim-cloud": "hypothetical, borrowed from lender",
        "simulator/sim-judge": "hypothetical",
    }


def test_simulated_data_is_said_before_anything_else(result: Result):
    assert "Simulated data" in narrate(result).banner
    real = {name: replace(one, simulated=False) for name, one in cost_samples.demo_targets().items()}
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    assert narrate(evaluate(scenario, real, price_card_file.built_in())).banner == ""


def test_a_result_without_any_measurement_is_told_too():
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    made = narrate(evaluate(scenario, {}, price_card_file.built_in()))
    said = " ".join(s.text for section in made.sections for s in spans(section) if isinstance(s, Said))
    assert 'the target "cloud" has no run' in said


def test_the_decision_names_its_rule_and_what_is_saved_by_it(result: Result):
    said = _said(result, "Decision and confidence")
    assert "the cheapest in the largest share of the draws" in said
    saved, central = result.decision.saving_p50, result.decision.saving_to_runner_up
    assert f"{words(saved)} in the median of the draws, {words(central)} at the" in said


def test_no_figure_of_the_front_part_is_told_twice(result: Result):
    """But for a requirement, which stands with the workload and again where an option misses it."""
    front = [section for section in narrate(result).sections if not section.appendix]
    told = [span for section in front for span in spans(section) if isinstance(span, Figure) and span.kind != "assumed"]
    known = [(figure.value, figure.origin) for figure in told if figure.value]
    chances = [option.probability_cheapest for option in result.options]
    missed = [figure for o in result.options for figure in (*o.quality.values(), o.p95) if o.out]
    again = {(figure.value, figure.origin) for figure in (*chances, *missed, result.decision.probability)}
    assert [each for each in set(known) - again if known.count(each) > 1] == []


def test_people_are_shown_words_and_the_traceability_has_the_keys(result: Result):
    sections = narrate(result).sections
    shown = [s.text for section in sections[:-1] for s in spans(section) if isinstance(s, Name)]
    shown += [s for section in sections[:-1] for s in spans(section) if isinstance(s, str)]
    assert [text for text in shown if re.search(r"\b(?:workload|hardware|options|money|measured)\.\w", text)] == []
    appendix = " ".join(s.text for s in spans(sections[-1]) if isinstance(s, Name))
    assert "workload.busy_hour_share" in appendix
    assert "hardware.workstation.capex" in appendix


def test_a_laptop_of_one_person_is_told_to_have_no_queue_and_a_shared_machine_its_wait(result: Result):
    (table,) = [
        block
        for section in narrate(result).sections
        for block in section.blocks
        if isinstance(block, prose.Table) and block.caption == "Machines for the busy hour"
    ]
    waits = {row[1].text: row[5] for row in table.rows if isinstance(row[1], Name)}
    assert isinstance(waits["laptops"], Said)
    assert waits["laptops"].text == "one person each, no queue"
    assert isinstance(waits["workstation"], Figure)


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Figure(None, "USD", "derived", "x", reason="The price is unknown."), "unknown: The price is unknown."),
        (Figure(54591.69, "USD", "derived", "x", 36515.2, 103561.9), "54,592 USD (36,515 to 103,562)"),
        (Figure(0.754, "share", "derived", "x"), "75.4 %"),
        (Figure(3.3166, "of 5", "measured", "x", 2.956, 3.677, 60), "3.32 of 5 (2.96 to 3.68), n = 60"),
        (Figure(54591.69, "", "derived", "x"), "54,592"),
        (Figure(0.451, "share/year", "derived", "x"), "45.1 % a year"),
        (Figure(0.000123, "USD/answer", "derived", "x"), "0.000123 USD/answer"),
        (Figure(0, "errors", "measured", "x"), "0 errors"),
        (Figure(100.0, "machines", "derived", "x"), "100 machines"),
    ],
)
def test_a_figure_is_read_with_its_unit_interval_and_n(figure: Figure, shown: str):
    assert words(figure) == shown


def test_whose_scores_tell_what_is_acceptable_is_said_in_the_headings(result: Result):
    tables = [
        block
        for section in narrate(result).sections
        for block in section.blocks
        if isinstance(block, prose.Table) and any("acceptable" in str(heading) for heading in block.headings)
    ]
    assert len(tables) == 2
    for table in tables:
        (heading,) = (str(h) for h in table.headings if "acceptable" in str(h))
        assert heading.endswith(", by the judge's scores")
    assert "by the judge's scores alone: people's scores do not correct it." in _said(result, "Evidence")
    option = result.option("cloud")
    assert all(f.origin.endswith("by the judge's scores") for f in (option.acceptable, option.per_1000_acceptable))


def test_the_two_net_present_values_are_named_for_what_they_are_and_the_band_stands_with_the_median(result: Result):
    (table,) = (
        block
        for section in narrate(result).sections
        for block in section.blocks
        if isinstance(block, prose.Table) and block.caption.startswith("The options")
    )
    assert table.headings[1:3] == ("net present value, central values", "net present value, median of the draws")
    for row in table.rows:
        central, middle = row[1:3]
        assert isinstance(central, Figure)
        assert isinstance(middle, Figure)
        assert central.low is None
        assert middle.low is not None


def test_a_blocked_row_says_once_why_and_its_other_cells_refer_to_it():
    scenario = scenario_file.demo().model_copy(update={"draws": 300})
    few = {name: one for name, one in cost_samples.demo_targets().items() if name != "cloud"}
    made = evaluate(scenario, few, price_card_file.built_in())
    reason = made.option("cloud").blocked[0]
    sections = narrate(made).sections
    tables = [b for section in sections for b in section.blocks if isinstance(b, prose.Table)]
    for row in (row for table in tables for row in table.rows):
        reasons = [cell.reason for cell in row if isinstance(cell, Figure) and cell.value is None]
        assert len(reasons) == len(set(reasons))
    (options,) = (table for table in tables if table.caption.startswith("The options"))
    (cloud,) = (row for row in options.rows if row[0] == Name("Cloud API"))
    npv = cloud[1]
    assert isinstance(npv, Figure)
    assert npv.reason == reason
    assert cloud[2:5] == (prose.SAID_BEFORE,) * 3
    assert cloud[-1] == "blocked"


def test_reasons_that_differ_are_all_said_in_a_row():
    why = [Figure(None, "USD", "derived", "x", reason=reason) for reason in ("One.", "Two.", "One.")]
    section = prose.Section("x", (prose.Table("t", ("a", "b", "c"), (tuple(why),)),))
    (table,) = prose.once_a_row(section).blocks
    assert isinstance(table, prose.Table)
    assert table.rows == ((why[0], why[1], prose.SAID_BEFORE),)
