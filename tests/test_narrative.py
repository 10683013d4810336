"""The narrative tells a result in full, tags every number, and no number without a tag gets through."""

import re
from dataclasses import replace

import cost_samples
import pytest

from eval.cost import narrative as told
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.figure import Figure
from eval.cost.narrative import Name, Said, UntaggedNumberError, narrate, spans, words
from eval.cost.result import Result


@pytest.fixture(scope="module")
def result() -> Result:
    scenario = scenario_file.demo().model_copy(update={"draws": 500})
    return evaluate(scenario, cost_samples.demo_targets(), price_card_file.built_in())


def test_it_begins_with_the_decision_and_ends_with_its_sources(result: Result):
    titles = [section.title for section in narrate(result).sections]
    assert titles[0] == "Decision and confidence"
    assert titles[-1] == "Traceability"
    assert len(titles) == 11


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


def test_a_number_in_the_prose_is_refused(result: Result, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(told, "_review", lambda _: [told.Paragraph(("About 12 percent.",))])
    with pytest.raises(UntaggedNumberError, match="About 12 percent"):
        narrate(result)


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


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Figure(None, "USD", "derived", "x", reason="The price is unknown."), "unknown: The price is unknown."),
        (Figure(54591.69, "USD", "derived", "x", 36515.2, 103561.9), "54,592 USD (36,515 to 103,562)"),
        (Figure(0.754, "share", "derived", "x"), "75.4 %"),
        (Figure(3.3166, "of 5", "measured", "x", 2.956, 3.677, 60), "3.32 of 5 (2.96 to 3.68), n = 60"),
        (Figure(0.000123, "USD/answer", "derived", "x"), "0.000123 USD/answer"),
        (Figure(0, "errors", "measured", "x"), "0 errors"),
        (Figure(100.0, "machines", "derived", "x"), "100 machines"),
    ],
)
def test_a_figure_is_read_with_its_unit_interval_and_n(figure: Figure, shown: str):
    assert words(figure) == shown
