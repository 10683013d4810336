"""Bad input of the cost commands: one sentence that names the field and what is allowed, no traceback, exit code 1."""

from pathlib import Path

import numpy as np
import pytest
from command import Command
from costed import add_demo_targets
from pydantic import ValidationError
from sqlalchemy import update

from db import store
from db.models import Answer, Call
from eval.cost import price_card_file, scenario_file
from eval.cost.assumption import draw
from eval.cost.compile import Compiler
from eval.cost.scenario import Api, Finance, Workload

DEMO = scenario_file.demo()
SCENARIO = scenario_file.dump(DEMO)
USERS = next(line for line in SCENARIO.splitlines() if line.startswith("users ="))
RATE = next(line for line in SCENARIO.splitlines() if line.startswith("discount_rate_per_year ="))
LIFE = next(line for line in SCENARIO.splitlines() if line.startswith("life_months = { value = 48.0, low"))
VOLUME = "\n".join(line for line in SCENARIO.splitlines() if line.startswith(("users =", "questions_per_user_day =")))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (USERS, "users = -5", "workload.users: -5 is out of range; allowed is 1 to 1,000,000,000, at least one user"),
        (USERS, "users = 1e30", "workload.users: 1e+30 is out of range; allowed is 1 to 1,000,000,000"),
        (USERS, "users = nan", "workload.users.value: nan is not a number to calculate with; write a finite number"),
        (USERS, 'users = "many"', 'workload.users: "many" is not a number; write one without a unit, or { value = 2,'),
        (USERS, "users = true", "workload.users: true is not a number; write one without a unit"),
        (
            VOLUME,
            "requests_per_month = 0",
            "workload.requests_per_month: 0 is out of range; allowed is 1 to 100,000,000,000, at least one request",
        ),
        (
            RATE,
            "discount_rate_per_year = -1",
            "money.discount_rate_per_year: -1 is out of range; allowed is -0.99 to 1, above -100 % a year; 8 % is 0.08",
        ),
        (LIFE, "life_months = 0", "hardware.workstation.life_months: 0 is out of range; allowed is 1 to 240, months"),
        (
            "horizon_months = 36",
            "horizon_months = 0",
            "workload.horizon_months: 0 is too small; it has to be at least 1",
        ),
        (
            'label = "A workstation',
            'currency = "EUR"\nlabel = "A workstation',
            "hardware.workstation.currency: its prices are in EUR, the scenario's in USD; write what one EUR costs "
            "under [money.rates]",
        ),
    ],
)
def test_a_scenario_with_an_impossible_value_names_field_and_bounds(
    old: str, new: str, sentence: str, rightsize: Command, shared_url: str, tmp_path: Path
):
    file = tmp_path / "s.toml"
    # both lines of the volume lie apart: the second goes, the first is replaced
    text = SCENARIO
    for line in old.splitlines()[1:]:
        text = text.replace(line + "\n", "")
    changed = text.replace(old.splitlines()[0], new, 1)
    assert changed != SCENARIO
    file.write_text(changed, encoding="utf-8")
    for command in (("scenario", "check", str(file)), ("tco", str(file), "--db", shared_url)):
        said = rightsize(*command)
        assert said.code == 1
        assert sentence in said.err
        assert "Traceback" not in said.err


RATES = "allowed is -0.99 to 1, above -100 % a year; 8 % is 0.08"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("{ value = 8, low = 0.06, high = 0.1 }", f"value 8 is out of range; {RATES}"),
        ("{ value = 8, low = 6, high = 10 }", f"value 8, low 6 and high 10 are out of range; {RATES}"),
        ("{ value = -0.08, low = 0.06, high = 10 }", f"high 10 is out of range; {RATES}"),
        ('{ low = 0.06, high = 8, shape = "uniform" }', f"high 8 is out of range; {RATES}"),
        ('{ value = 0.08, low = 0.1, high = -8, shape = "uniform" }', f"high -8 is out of range; {RATES}"),
        ('{ value = 8, low = -2, high = 0.1, shape = "lognormal" }', f"value 8 and low -2 are out of range; {RATES}"),
        ("{ value = 0.5, low = 0.06, high = 0.1 }", "value 0.5 does not lie between low 0.06 and high 0.1; order them"),
        ("{ value = 8, low = 0.06 }", f"value 8 is out of range; {RATES}"),
    ],
)
def test_a_range_that_leaves_what_is_allowed_is_told_that_and_not_its_order(
    written: str, sentence: str, rightsize: Command, tmp_path: Path
):
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO.replace(RATE, f"discount_rate_per_year = {written}", 1), encoding="utf-8")
    said = rightsize("scenario", "check", str(file))
    assert said.code == 1
    assert f"money.discount_rate_per_year: {sentence}" in said.err


FIRST = "[workload]"
PIN = '[price_card]\nname = "x"\ndate = "2026-01-01"\nsha256 = "abc"\n[workload]'
ESCALATE = "[options.escalate]"
SLIPS = {
    "a text in a table": (USERS, 'users = { value = "2000" }', ['workload.users.value: "2000" is not a number']),
    "a number without end": (USERS, "users = 1e308", ["workload.users: 1e+308 is out of range; allowed is 1 to 1,000"]),
    "a hash": (FIRST, PIN, ['price_card.sha256: "abc" is not a hash; write its 64 digits']),
    "the own currency": (
        "[energy]",
        "[money.rates]\nUSD = 2\n[energy]",
        ["money.rates.USD: USD is the scenario's own currency; remove it"],
    ),
    "a criterion": (
        "factuality = 3.5",
        "factuallity = 3.5",
        ["constraints.quality_floor.factuallity: this is no criterion; did you mean factuality?"],
    ),
    "a text as a ceiling": ("p95_ms = 15000.0", 'p95_ms = "15000"', ['constraints.p95_ms: "15000" is not a number']),
    "names in two cases": (ESCALATE, "[options.Cloud]", ['options.Cloud: it differs from "cloud" in case only']),
    "a label twice": (
        'label = "Large model on workstations"',
        'label = "Cloud API"',
        ['options.large-local.label: "Cloud API" is what "cloud" is shown as too; give each option a label of its own'],
    ),
    "a label that is a name": (
        'label = "Large model on workstations"',
        'label = "DO-nothing"',
        [],  # that option has a label itself, and nobody sees its name
    ),
    "faults of both kinds": (
        f"{USERS}\nBASE",
        "users = -5",
        ["workload.users: -5 is out of range", 'baseline: "clod" is no option; did you mean cloud?'],
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_a_scenario_is_a_fault_and_hides_no_other(slip: str):
    old, new, sentences = SLIPS[slip]
    text = SCENARIO
    if old.endswith("BASE"):
        old, text = old.removesuffix("\nBASE"), text.replace('baseline = "cloud"', 'baseline = "clod"')
    assert old in text
    try:
        scenario_file.parse(text.replace(old, new, 1))
        faults = ""
    except scenario_file.ScenarioError as error:
        faults = str(error)
    assert [sentence for sentence in sentences if sentence not in faults] == []
    assert faults.count("\n- ") == len(sentences)


def test_draws_of_a_lognormal_range_keep_to_what_the_field_allows():
    """1 to 4 as the 10th and 90th percentile would go from 0.18 to 19; a PUE is never below 1, and 4 is the most."""
    line = next(line for line in SCENARIO.splitlines() if line.startswith("pue = { value = 1.3"))
    text = SCENARIO.replace(line, 'pue = { low = 1.0, high = 4.0, shape = "lognormal" }')
    spreads = Compiler(scenario_file.parse(text), {}, price_card_file.built_in()).spreads
    drawn = draw(spreads, 2000, 1)["hardware.workstation.pue"]
    assert (drawn.min(), drawn.max()) == (1, 4)
    assert np.median(drawn) == pytest.approx(2, rel=0.01)


CARD = price_card_file.dump_csv(price_card_file.built_in())
ROW = next(line for line in CARD.splitlines() if line.startswith("simulator,sim-cloud"))


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (f"{ROW}\r\n{ROW}", "simulator/sim-cloud is already priced in line"),
        (f"{ROW}\r\n{ROW.replace('1.25', '1.5')}", "keep one of the two"),
        (ROW.replace("1.25", "-1.25"), "input_per_mtok: -1.25 is not a price; it has to be from 0 to 100,000"),
        (ROW.replace("1.25", "1e9"), "input_per_mtok: 1000000000 is not a price"),
        (ROW.replace("1.25", "free"), 'input_per_mtok: "free" is not a number'),
        (ROW.replace("1.25", "1_000"), 'input_per_mtok: "1_000" is not a number; write it with the digits 0 to 9'),
        (ROW.replace("1.25", "\u0661"), "is not a number; write it with the digits 0 to 9"),
    ],
)
def test_a_card_with_a_faulty_row_names_line_and_column(
    new: str, sentence: str, rightsize: Command, shared_url: str, tmp_path: Path
):
    file = tmp_path / "c.csv"
    file.write_text(CARD.replace(ROW, new), encoding="utf-8", newline="")
    for command in (("prices", "check", str(file)), ("tco", "demo", "--card", str(file), "--db", shared_url)):
        said = rightsize(*command)
        assert said.code == 1
        assert sentence in said.err
        assert "Traceback" not in said.err


def test_a_price_in_another_currency_without_a_rate_blocks_its_option(rightsize: Command, tmp_path: Path):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    file = tmp_path / "c.csv"
    file.write_text(CARD.replace(ROW, ROW.replace("USD", "EUR")), encoding="utf-8", newline="")
    said = rightsize("tco", "demo", "--card", str(file), "--db", url)
    assert said.code == 1
    assert (
        "options.cloud: simulator/sim-cloud is priced in EUR, the scenario in USD; write what one EUR costs under "
        "[money.rates]." in said.err
    )


def test_a_run_without_token_counts_blocks_its_option(rightsize: Command, tmp_path: Path):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    with store.writing(store.connect(url)) as session:
        for table in (Answer, Call):
            session.execute(update(table).values(prompt_tokens=None, completion_tokens=None))
    said = rightsize("tco", "demo", "--db", url)
    assert said.code == 1
    assert "options.cloud: the run of cloud has no token counts for sim-cloud" in said.err


def test_a_target_that_was_never_run_blocks_its_option(rightsize: Command, shared_url: str):
    said = rightsize("tco", "demo", "--db", shared_url)
    assert said.code == 1
    assert 'options.cloud: the target "cloud" has no run with an answer; run it, or remove the option.' in said.err


def test_a_card_without_a_price_is_a_fault(rightsize: Command, tmp_path: Path):
    header = CARD[: CARD.index("\r\n", CARD.index("provider,")) + 2]
    (tmp_path / "c.csv").write_text(header, encoding="utf-8", newline="")
    (tmp_path / "c.json").write_text('{"name": "a", "date": "2026-01-01", "rows": []}')
    for name in ("c.csv", "c.json"):
        said = rightsize("prices", "check", str(tmp_path / name))
        assert said.code == 1
        assert "there is no price in it; write a row for each model" in said.err


def test_a_price_of_a_model_that_was_never_asked_blocks_its_option(rightsize: Command, tmp_path: Path):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    (tmp_path / "s.toml").write_text(SCENARIO.replace("{ sim-cloud = ", "{ sim-clod = ", 1), encoding="utf-8")
    said = rightsize("tco", str(tmp_path / "s.toml"), "--db", url)
    assert said.code == 1
    assert 'options.cloud.prices: "sim-clod" is no model of cloud; did you mean sim-cloud.' in said.err


def test_an_unknown_source_is_refused_with_the_known_ones(rightsize: Command, tmp_path: Path):
    url = f"sqlite:///{(tmp_path / 'demo.db').as_posix()}"
    add_demo_targets(url)
    for command in (("tco", "demo"), ("report", "demo", "--out", str(tmp_path / "r.html"))):
        said = rightsize(*command, "--source", "nobody", "--db", url)
        assert said.code == 1
        assert 'Nobody called "nobody" scored these runs; known are test-judge (quick)' in said.err
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        (".", "is a folder and not a file"),
        ("/", "is a folder and not a file"),
        ("", "is a folder and not a file"),
        ("..", "is a folder and not a file"),
        ("r.docx", '"r.docx" ends like docx, and the format is md; write --format docx, or name one, such as'),
    ],
)
def test_a_report_needs_a_file_of_its_format(
    out: str, sentence: str, rightsize: Command, shared_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    said = rightsize("report", "demo", "--format", "md", "--out", out, "--db", shared_url)
    assert said.code == 1
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "field", "percent"),
    [
        (Finance, "discount_rate_per_year", 6),
        (Finance, "api_price_drift_per_year", 8),
        (Workload, "growth_per_year", 8),
        (Workload, "growth_per_year", 3.1),
        (Workload, "judged_share", 2),
        (Api, "discount", 15),
    ],
)
def test_percents_are_refused_with_how_to_write_them(model, field, percent):
    more = {Workload: {"requests_per_month": 1000}, Api: {"kind": "api", "target": "cloud"}}.get(model, {})
    with pytest.raises(ValidationError, match=rf"{percent} is out of range; .* 8 % is 0\.08"):
        model.model_validate(more | {field: percent})
    with pytest.raises(ValidationError, match=rf"high {percent} is out of range; .* 8 % is 0\.08"):
        model.model_validate(more | {field: {"value": 0.1, "low": 0.05, "high": percent}})


def test_a_volume_that_quadruples_in_a_year_is_allowed():
    assert Workload.model_validate({"requests_per_month": 1000, "growth_per_year": 3}).growth_per_year.value == 3
