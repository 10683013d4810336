"""How far a requirement would have to move: towards the nearest option that it keeps out, and past the chosen one."""

from cost_samples import card, known, scenario, target, use

from eval.cost.evaluate import evaluate
from eval.cost.result import Result

PRICES = card(
    {"model": "dear", "input_per_mtok": 2, "output_per_mtok": 10},
    {"model": "fair", "input_per_mtok": 1, "output_per_mtok": 5},
    {"model": "cheap", "input_per_mtok": 0.5, "output_per_mtok": 2},
)


def result(quality: dict[str, float], p95: dict[str, float], **constraints: object) -> Result:
    targets = {
        name: target(
            name, use("answer", name, 300, 100), quality={"factuality": known(quality[name])}, p95_ms=known(p95[name])
        )
        for name in quality
    }
    options = {name: {"kind": "api", "target": name} for name in quality}
    return evaluate(scenario(options, constraints=constraints), targets, PRICES)


def found(made: Result) -> dict[tuple[str, str], float]:
    return {(m.requirement, m.option): float(m.value.value or 0) for m in made.margins}


SAME = {"dear": 1000.0, "fair": 1000.0, "cheap": 1000.0}


def test_the_nearest_cheaper_option_comes_in_where_the_floor_is_lowered():
    made = result({"dear": 4.5, "fair": 3.9, "cheap": 3.0}, SAME, quality_floor={"factuality": 4.0})
    assert found(made) == {("factuality, at least", "fair"): 3.9, ("factuality, at least", "dear"): 4.5}
    assert made.margins[0].sentence == (
        "fair would be chosen where the floor of factuality is lowered to 3.90 of 5 instead of 4.00, by 0.10."
    )
    assert made.margins[1].sentence.startswith("dear is out where the floor of factuality is raised above 4.50")


def test_a_dearer_option_comes_in_and_changes_nothing():
    made = result({"dear": 3.9, "fair": 4.5, "cheap": 4.5}, SAME, quality_floor={"factuality": 4.0})
    assert found(made) == {("factuality, at least", "dear"): 3.9, ("factuality, at least", "cheap"): 4.5}
    assert "dear would come in, and not be chosen, where the floor" in made.margins[0].sentence


def test_the_ceiling_of_the_latency_moves_the_other_way():
    made = result(dict.fromkeys(SAME, 4.5), {"dear": 900.0, "fair": 2100.0, "cheap": 5000.0}, p95_ms=2000)
    assert found(made) == {("p95 latency, at most", "fair"): 2100.0, ("p95 latency, at most", "dear"): 900.0}
    assert made.margins[0].sentence.endswith("raised to 2,100 ms instead of 2,000 ms, by 100 ms.")


def test_an_option_that_two_requirements_keep_out_comes_in_by_neither():
    rules = {"quality_floor": {"factuality": 4.0}, "p95_ms": 2000}
    made = result({"dear": 4.5, "fair": 3.9, "cheap": 4.5}, {"dear": 900.0, "fair": 2100.0, "cheap": 900.0}, **rules)
    assert {option for _, option in found(made)} == {"cheap"}


def test_without_a_chosen_option_any_that_comes_in_counts():
    made = result({"dear": 3.9, "fair": 3.5, "cheap": 3.0}, SAME, quality_floor={"factuality": 4.0})
    assert found(made) == {("factuality, at least", "dear"): 3.9}
