"""A decision that rests on few hand scores, or on none, says so where it is read first."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command import Command
from cost_samples import demo_targets
from costed import add_demo_targets
from pages import open_page

from dashboard.format import plain
from eval.cost import price_card_file, scenario_file
from eval.cost.evaluate import evaluate
from eval.cost.narrative import narrate
from eval.cost.prose import Paragraph, Said
from eval.cost.result import Result
from eval.cost.scenario import Constraints

MORE = "let people score a random sample of answers before it is relied on."
NONE = "rests on the judge's scores alone, with no hand scores to correct them"


def demo(hand: dict[str, int], *, floor: bool = True) -> Result:
    """The demo with so many hand scores behind the factuality of some targets."""
    targets = demo_targets()
    targets |= {name: replace(targets[name], hand_scored={"factuality": n}) for name, n in hand.items()}
    one = scenario_file.demo().model_copy(update={"draws": 300} | ({} if floor else {"constraints": Constraints()}))
    return evaluate(one, targets, price_card_file.built_in())


def test_options_with_few_or_no_hand_scores_are_named_with_their_number():
    found = demo({"cloud": 0, "large-local": 0, "small-local": 12, "hybrid": 20}).decision.hand_scores
    assert found == (
        f"Whether Cloud API and Large model on workstations meet the floor of factuality {NONE}: {MORE}",
        "Whether Small model on the laptops meets the floor of factuality rests on hand scores of 12 questions only: "
        f"{MORE}",
    )


@pytest.mark.parametrize(("n", "scored"), [(1, "1 question"), (3, "3 questions")])
def test_hand_scores_that_do_not_correct_the_judge_are_counted_and_not_denied(n: int, scored: str):
    targets = demo_targets()
    targets["cloud"] = replace(targets["cloud"], hand_scored={"factuality": 0}, hand_scores={"factuality": n})
    targets["large-local"] = replace(targets["large-local"], hand_scored={"factuality": 0})
    one = scenario_file.demo().model_copy(update={"draws": 300})
    assert evaluate(one, targets, price_card_file.built_in()).decision.hand_scores == (
        f"Whether Large model on workstations meets the floor of factuality {NONE}: {MORE}",
        "Whether Cloud API meets the floor of factuality rests on the judge's scores alone, with hand scores of "
        f"{scored} only, which do not correct them: {MORE}",
    )


@pytest.mark.parametrize("n", [20, 60])
def test_nothing_is_said_of_enough_hand_scores(n: int):
    assert demo({"cloud": n}).decision.hand_scores == ()


def test_nothing_is_said_where_no_quality_is_asked_for_or_nobody_counted():
    assert demo({"cloud": 3}, floor=False).decision.hand_scores == ()
    assert demo({}).decision.hand_scores == ()


def test_the_report_says_it_right_after_the_decision():
    result = demo({"cloud": 1})
    blocks = narrate(result).sections[0].blocks
    assert isinstance(blocks[1], Paragraph)
    (said,) = blocks[1].spans
    assert isinstance(said, Said)
    assert said.text.startswith(
        "Whether Cloud API meets the floor of factuality rests on hand scores of 1 question only"
    )


def test_the_command_and_the_page_say_it_with_the_decision(
    rightsize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    found = json.loads(rightsize("tco", "demo", "--json", "--db", url).out)
    (sentence,) = found["decision"]["hand_scores"]
    assert NONE in sentence
    assert found["options"][0]["hand_scored"]["factuality"]["value"] == 0
    assert f"{found['decision']['sentence']} {sentence}" in " ".join(rightsize("tco", "demo", "--db", url).err.split())
    app = open_page(monkeypatch, url, "tco")
    (box,) = (e for e in [*app.info, *app.success] if "cheapest" in str(e.value) or "only option" in str(e.value))
    assert plain(sentence) in str(box.value)
