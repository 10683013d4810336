"""Bad input of the cost commands: one sentence that names the field and what is allowed, no traceback, exit code 1."""

from pathlib import Path

import pytest
from command import Command
from costed import add_demo_targets
from sqlalchemy import update

from db import store
from db.models import Answer, Call
from eval.cost import price_card_file, scenario_file

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
        (USERS, "users = 1e30", "workload.users: 1,000,000,000,000,000"),
        (USERS, "users = nan", "workload.users.value: nan is not a number to calculate with; write a finite number"),
        (USERS, 'users = "many"', 'workload.users: "many" is not a table'),
        (
            VOLUME,
            "requests_per_month = 0",
            "workload.requests_per_month: 0 is out of range; allowed is 1 to 100,000,000,000, at least one request",
        ),
        (
            RATE,
            "discount_rate_per_year = -1",
            "money.discount_rate_per_year: -1 is out of range; allowed is -0.99 to 10, above -100 % a year",
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
