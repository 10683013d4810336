"""Scenarios: every fault of a file named with its key, and nothing lost on the way through TOML."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eval.cost import scenario_file
from eval.cost.assumption import DEFAULT, Assumption, Spread, central, draw
from eval.cost.scenario import Scenario, assumptions, bounds
from eval.cost.scenario_file import ScenarioError, demo, dump, load, parse

START = 'name = "n"\nstarts_on = "2026-12-01"\nbaseline = "cloud"\n'
WORKLOAD = "[workload]\nrequests_per_month = 1000\n"
CLOUD = '[options.cloud]\nkind = "api"\ntarget = "cloud"\n'
PC = "[hardware.pc]\ncapex = 9000\n"
OWN = '[options.own]\nkind = "self-hosted"\ntarget = "small"\nhardware = "pc"\n'


def faults_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as error:
        parse(text, "team.toml")
    return [str(fault) for fault in error.value.faults]


def test_the_smallest_scenario_is_read_and_its_defaults_are_marked():
    made = parse(START + WORKLOAD + CLOUD)
    stated = assumptions(made)
    assert stated["workload.requests_per_month"] == Assumption(value=1000)
    assert stated["workload.burst"].source == DEFAULT
    assert {given.kind for given in stated.values()} == {"assumed"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # the list of the issue
        (START + CLOUD + "[workload]\nrequests_per_month = -5\n", "workload.requests_per_month: -5 is out of range;"),
        (
            START + CLOUD + "[workload]\nrequests_per_month = 0\n",
            "allowed is 1 to 100,000,000,000, at least one request",
        ),
        (
            START + CLOUD + "[workload]\nrequests_per_month = 1e15\n",
            "workload.requests_per_month: 1,000,000,000,000,000 is out of range",
        ),
        (START + CLOUD + "[workload]\nusers = 0\nquestions_per_user_day = 2\n", "workload.users: 0 is out of range"),
        (
            START + CLOUD + WORKLOAD + "[money]\ndiscount_rate_per_year = -1\n",
            "money.discount_rate_per_year: -1 is out of range; allowed is -0.99 to 1, above -100 % a year; 8 % is 0.08",
        ),
        (
            START + CLOUD + WORKLOAD + PC + "life_months = 0\n",
            "hardware.pc.life_months: 0 is out of range; allowed is 1",
        ),
        (
            START + CLOUD + WORKLOAD + PC + 'currency = "EUR"\n',
            "hardware.pc.currency: its prices are in EUR, the scenario's in USD; write what one EUR costs under",
        ),
        # the rest
        (START + CLOUD, "workload: it is missing; write it"),
        (START + CLOUD + "[workload]\n", "workload: there is no volume; write requests_per_month, or users and"),
        (START + CLOUD + WORKLOAD + "users = 3\n", "workload: the volume is given twice; keep"),
        (START + CLOUD + WORKLOAD + "brust = 2\n", "workload.brust: this is not known; did you mean burst?"),
        (START + CLOUD + WORKLOAD + "burst = '2'\n", 'workload.burst: "2" is not a number'),
        (START + CLOUD + WORKLOAD + "burst = nan\n", "workload.burst.value: nan is not a number to calculate with"),
        (START + CLOUD + WORKLOAD + "busy_hour_share = 1.5\n", "workload.busy_hour_share: 1.5 is out of range"),
        (START + CLOUD + WORKLOAD + "horizon_months = 0\n", "workload.horizon_months: 0 is too small; it has to be at"),
        (
            START + CLOUD + WORKLOAD + "burst = {value = 2, low = 1}\n",
            "workload.burst: a range needs both its ends and a",
        ),
        (
            START + CLOUD + WORKLOAD + "burst = {value = 5, low = 1, high = 3}\n",
            "workload.burst: value 5 does not lie between low 1 and high 3; order them low, value, high",
        ),
        (
            START + CLOUD + WORKLOAD + 'burst = {value = 2, low = 1, high = 9, shape = "lognormal"}\n',
            "workload.burst: the median of a lognormal range from 1 to 9 is 3, not 2; write that value",
        ),
        (
            START + CLOUD + WORKLOAD + 'judged_share = {low = 0.1, high = 0.4, shape = "lognormal"}\n',
            "workload.judged_share: a lognormal range has no upper end; use triangular or uniform",
        ),
        (
            START + CLOUD + WORKLOAD + 'burst = {value = 2, kind = "quoted"}\n',
            "workload.burst: a quoted value has no source; write where it comes from",
        ),
        (
            START + CLOUD + WORKLOAD + 'burst = {value = 2, kind = "felt"}\n',
            "workload.burst.kind: \"felt\" is not known; use 'measured', 'quoted', 'assumed' or 'derived'",
        ),
        (START + WORKLOAD, "options: it is missing; write it"),
        (START + WORKLOAD + "[options]\n", "options: it is empty; write at least one"),
        (
            START + WORKLOAD + CLOUD + '[options.b]\nkind = "clowd"\n',
            "options.b: \"clowd\" is not a kind; use 'api', 'self-hosted'",
        ),
        (
            START + WORKLOAD + CLOUD + "[options.b]\n",
            'options.b: the kind is missing; write kind = "...", one of api, self',
        ),
        (
            START + WORKLOAD + CLOUD + '[options.api]\nkind = "api"\ntraget = "x"\ntarget = "y"\n',
            "options.api.traget: this is not known; did you mean target?",
        ),
        (START.replace('"cloud"', '"clod"') + WORKLOAD + CLOUD, 'baseline: "clod" is no option; did you mean cloud?'),
        (
            START + WORKLOAD + CLOUD + "[hardware.box]\ncapex = 1\n" + OWN,
            'options.own.hardware: "pc" is not described; known are box',
        ),
        (
            START + WORKLOAD + CLOUD + "[hardware.pc]\n" + OWN,
            "hardware.pc: there is no way to have this machine; write",
        ),
        (
            START + WORKLOAD + CLOUD + PC + "one_per_user = true\n" + OWN,
            'options.own.hardware: "pc" is one machine a user, and the workload has no users',
        ),
        (
            START + WORKLOAD + CLOUD + PC + "idle_watts = 50\nactive_watts = 20\n",
            "hardware.pc: active_watts 20 is below idle_watts 50; correct one of them",
        ),
        (
            START + WORKLOAD + CLOUD + PC + "throughput = { places = 2 }\n",
            "hardware.pc.throughput: the throughput is given not once; write answers_per_s or tokens_per_s",
        ),
        (START.replace("2026-12-01", "2026-13-01") + WORKLOAD + CLOUD, 'starts_on: "2026-13-01" is not a date; write'),
        (
            START + WORKLOAD + CLOUD + "[money]\ncurrency = 'Euro'\n",
            'money.currency: "Euro" is not a currency; write its three capital letters, like USD or EUR (ISO 4217)',
        ),
        (START + "[workload\n", "it is not TOML (Expected ']'"),
        (START + START, "it is not TOML (Cannot overwrite a value"),
    ],
)
def test_a_fault_is_one_sentence_with_key_and_remedy(text, fault):
    found = faults_of(text)
    assert len(found) == 1, found
    assert fault in found[0]


def test_every_fault_of_a_file_is_named_at_once():
    text = START.replace('"cloud"', '"x"') + WORKLOAD + PC + 'currency = "EUR"\n' + OWN.replace('"pc"', '"cp"')
    assert [fault.split(":")[0] for fault in faults_of(text)] == [
        "baseline",
        "options.own.hardware",
        "hardware.pc.currency",
    ]
    assert len(faults_of("[workload]\nburst = 0\nhorizon_months = 1.5\n")) == 6


@pytest.mark.parametrize("kind", ['kind = "clowd"\n', 'kind = ["api"]\n', ""])
def test_an_unknown_kind_hides_no_other_fault_of_its_option(kind: str):
    option = (
        f'[options.b]\n{kind}labl = "x"\ntarget = 3\ndiscount = 8\nhardware = "cp"\nescalation_share = 0.2\n'
        'draft = { target = "x", hardwear = "pc" }\n'
    )
    found = faults_of(START + WORKLOAD + CLOUD + PC + option)
    assert {fault.split(":")[0] for fault in found} == {
        *("options.b", "options.b.labl", "options.b.target", "options.b.discount", "options.b.hardware"),
        "options.b.draft.hardwear",
    }
    assert "options.b.labl: this is not known; did you mean label?" in found
    assert 'options.b.hardware: "cp" is not described; known are pc' in found
    assert len(found) == 6


def test_the_message_names_the_file():
    with pytest.raises(ScenarioError, match=r"team\.toml is not a scenario:\n- "):
        parse("x = 1", "team.toml")


def test_a_file_that_cannot_be_read_says_why(tmp_path, monkeypatch):
    with pytest.raises(ScenarioError, match="there is no such file"):
        load(tmp_path / "nothing.toml")
    (tmp_path / "latin.toml").write_bytes("name = 'Büro'".encode("latin-1"))
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(tmp_path / "latin.toml")
    monkeypatch.setattr(scenario_file, "MAX_BYTES", 10)
    with pytest.raises(ScenarioError, match="larger than"):
        load(tmp_path / "latin.toml")
    with pytest.raises(ScenarioError, match="longer than"):
        parse(START)


# --- round trip -----------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
names = texts.filter(bool)
positive = st.floats(1, 1e6)


@st.composite
def ranges(draw, numbers=positive):
    ends = sorted(draw(st.tuples(numbers, numbers, numbers)))
    if ends[0] == ends[2] or draw(st.booleans()):
        return Assumption(value=ends[1], source=draw(texts))
    shape = draw(st.sampled_from(["triangular", "uniform"]))
    kind = draw(st.sampled_from(["assumed", "quoted"]))
    return Assumption(value=ends[1], low=ends[0], high=ends[2], shape=shape, kind=kind, source=draw(names))


@st.composite
def scenarios(draw) -> Scenario:
    box, cloud, own = draw(names), draw(names), draw(names)
    options = {
        cloud: {"kind": "api", "target": draw(names), "prices": {draw(names): draw(names)}, "label": draw(texts)},
        f"{own}-2": {"kind": "self-hosted", "target": draw(names), "hardware": box, "remarks": draw(st.lists(texts))},
        f"{own}-3": {
            "kind": "escalate",
            "local": {"target": draw(names), "hardware": box},
            "remote": {"target": draw(names)},
            "escalation_share": draw(st.floats(0, 1)),
        },
    }
    return Scenario.model_validate(
        {
            "name": draw(names),
            "question": draw(texts),
            "starts_on": "2026-12-01",
            "baseline": cloud,
            "price_card": draw(st.none() | st.just({"name": "c", "date": "2026-11-25", "sha256": "0" * 64})),
            "workload": {"users": draw(ranges()), "questions_per_user_day": draw(ranges(st.floats(1, 1e4)))},
            "money": {"currency": "EUR", "rates": {"USD": draw(ranges())}},
            "constraints": {
                "quality_floor": {draw(names): 3.5},
                "allowed_residency": draw(st.lists(names, max_size=2)),
            },
            "hardware": {box: {"capex": draw(ranges()), "throughput": {"tokens_per_s": draw(ranges())}}},
            "options": options,
        }
    )


@settings(deadline=None)
@given(scenarios())
def test_toml_gives_back_the_same_scenario(made):
    text = dump(made)
    again = parse(text)
    assert again == made
    assert dump(again) == text
    assert again.sha256 == made.sha256


def test_another_number_is_another_hash():
    made = demo()
    changed = made.model_copy(update={"seed": made.seed + 1})
    assert changed.sha256 != made.sha256


def test_a_scenario_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        demo().seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_the_demo_is_filled_and_every_number_in_it_is_an_assumption_with_a_source():
    stated = assumptions(demo())
    assert {given.kind for given in stated.values()} == {"assumed"}
    assert all(given.source for given in stated.values())
    assert sum(given.shape != "fixed" for given in stated.values()) > 15


def test_the_bounds_of_every_field_are_found():
    assert all(np.isfinite([limit.least, limit.most]).all() for limit in bounds(demo()).values())


# --- draws ----------------------------------------------------------------------------------------------------------

TRIANGLE = Spread(2, 1, 6, "triangular")
SPREADS = {
    "triangular": TRIANGLE,
    "uniform": Spread(3, 1, 6, "uniform"),
    "lognormal": Spread(4, 2, 8, "lognormal"),
    "normal": Spread(10, 8, 12, "normal"),
    "fixed": Spread(7),
}


def test_draws_have_the_distribution_that_was_stated():
    found = {key: column[:, 0] for key, column in draw(SPREADS, 20_000, 1).items()}
    assert found["triangular"].mean() == pytest.approx((1 + 2 + 6) / 3, rel=1e-3)
    assert found["triangular"].var() == pytest.approx((1 + 4 + 36 - 2 - 6 - 12) / 18, rel=1e-2)
    assert (found["triangular"].min(), found["triangular"].max()) == pytest.approx((1, 6), abs=0.05)
    assert found["uniform"].mean() == pytest.approx(3.5, rel=1e-3)
    assert np.quantile(found["lognormal"], [0.1, 0.5, 0.9]) == pytest.approx([2, 4, 8], rel=1e-2)
    assert np.quantile(found["normal"], [0.025, 0.975]) == pytest.approx([8, 12], rel=1e-2)
    assert found["fixed"].tolist() == [7]


def test_a_draw_depends_on_the_seed_and_its_own_key_alone():
    alone = draw({"uniform": SPREADS["uniform"]}, 100, 1)["uniform"]
    assert (draw(SPREADS, 100, 1)["uniform"] == alone).all()
    assert (draw(SPREADS, 100, 2)["uniform"] != alone).any()


def test_two_numbers_are_drawn_apart():
    found = draw({"a": TRIANGLE, "b": TRIANGLE}, 5000, 1)
    assert abs(np.corrcoef(found["a"][:, 0], found["b"][:, 0])[0, 1]) < 0.05


def test_a_range_without_width_is_fixed():
    assert draw({"a": Spread(3, 3, 3, "triangular")}, 100, 1)["a"].tolist() == [[3]]
    assert central({"a": TRIANGLE})["a"].tolist() == [[2]]
