"""What is said on the command line reaches whoever acts on it, option by option."""

import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import pytest
from command import Command, Said

from db import store
from eval import cli, server
from eval.commands import measuring, simulating
from eval.config import PlanError
from eval.expected import ExpectedError
from eval.plan import Overrides
from eval.simulator.server import Settings

OPTIONS = {
    "judges": "--judge",
    "protocol": "--protocol",
    "samples": "--samples",
    "temperature": "--temperature",
    "rubric": "--rubric",
    "qa_set": "--qa-set",
    "repeats": "--repeats",
    "warmups": "--warmup",
    "concurrency": "--concurrency",
    "limit": "--limit",
    "category": "--category",
    "api_key_env": "--api-key-env",
}
SAID = {
    **{"judges": "j@http://127.0.0.1:9/v1", "protocol": "study", "samples": 3, "temperature": 0.5, "rubric": "r.toml"},
    **{"qa_set": "q.csv", "repeats": 2, "warmups": 4, "concurrency": 5, "limit": 6, "category": "facts"},
    "api_key_env": "MY_KEY",
}


def words(names: set[str]) -> list[str]:
    return [word for name in OPTIONS if name in names for word in (OPTIONS[name], str(SAID[name]))]


def told(overrides: Overrides) -> dict[str, Any]:
    """What overrides say, as it is written in SAID."""
    said = {name: value for name, value in asdict(overrides).items() if value not in (None, ())}
    return (
        said
        | {name: value[0] for name, value in said.items() if isinstance(value, tuple)}
        | {name: str(value) for name, value in said.items() if isinstance(value, Path)}
    )


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Overrides, Path | None]]:
    """What `run` and `judge` make of their options, after which they go no further."""
    caught: list[tuple[Overrides, Path | None]] = []

    def catch(overrides: Overrides, config: Path | None) -> NoReturn:
        caught.append((overrides, config))
        raise PlanError("Caught.")

    monkeypatch.setattr(measuring, "make_plan", catch)
    monkeypatch.setattr(measuring, "make_judges", catch)
    return caught


def test_every_option_of_run_reaches_the_plan(
    given: list[tuple[Overrides, Path | None]], rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "of no importance")
    target = "a=m@http://127.0.0.1:9/v1"
    said = rightsize("run", "--target", target, "--side-by-side", "--config", "c.toml", *words(set(SAID)))
    assert (said.code, said.out) == (1, ""), said.err
    ((overrides, config),) = given
    assert told(overrides) == SAID | {"targets": target, "side_by_side": True}
    assert str(config) == "c.toml"


def test_every_option_of_judge_reaches_the_judges(
    given: list[tuple[Overrides, Path | None]], rightsize: Command
) -> None:
    only_of_run = {"qa_set", "repeats", "warmups", "limit", "category"}
    said = rightsize("judge", "last", "--config", "c.toml", *words(set(SAID) - only_of_run))
    assert (said.code, said.out) == (1, ""), said.err
    ((overrides, config),) = given
    assert told(overrides) == {name: value for name, value in SAID.items() if name not in only_of_run}
    assert str(config) == "c.toml"


def test_run_and_judge_say_everything_that_overrides_can_hold() -> None:
    assert {*SAID, "targets", "side_by_side"} == set(asdict(Overrides()))


def test_a_variable_that_is_named_and_not_set_is_refused_before_anything_else(
    rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    said = rightsize("run", "--target", "a=m@http://127.0.0.1:9/v1", "--api-key-env", "NO_KEY")
    assert (said.code, said.out) == (1, "")
    assert said.err.strip() == "rightsize: The environment variable NO_KEY, named by --api-key-env, is not set."
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("flags", [(), ("--no-browser",)])
def test_the_dashboard_is_served_from_the_database_that_is_named(
    flags: tuple[str, ...], rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, int, bool]] = []
    monkeypatch.setattr(
        server, "serve_dashboard", lambda url, port, *, open_browser: served.append((url, port, open_browser))
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = rightsize("dashboard", "--db", "mine.db", "--port", str(port), *flags)
    assert said.code == 0, said.err
    assert served == [(store.database_url("mine.db"), port, not flags)]
    assert {file.name.partition("-")[0] for file in Path().iterdir()} == {"mine.db"}


def test_the_simulator_is_as_its_options_say(rightsize: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[Settings, Any]] = []

    def begin(settings: Settings, *, ports: list[int], host: str, on_ready: object) -> None:
        assert callable(on_ready)
        begun.append((settings, (ports, host)))

    monkeypatch.setattr(simulating, "serve", begin)
    Path("q.csv").write_text("id,question,reference\nmine,Q?,R.\n", encoding="utf-8")
    said = rightsize(
        *("simulate", "--port", "8123", "--port", "8124", "--host", "127.0.0.2", "--speed", "2.5", "--seed", "7"),
        *("--qa-set", "q.csv", "--log", "truth.jsonl", "--faults", "rate_429=0.25,no_usage"),
    )
    assert said.code == 0, said.err
    ((settings, where),) = begun
    assert where == ([8123, 8124], "127.0.0.2")
    assert (settings.speed, settings.seed, settings.log_file) == (2.5, 7, Path("truth.jsonl"))
    assert settings.qa_set is not None
    assert [question.id for question in settings.qa_set.questions] == ["mine"]
    assert (settings.faults.rate_429, settings.faults.no_usage, settings.faults.rate_500) == (0.25, True, 0)


@pytest.mark.parametrize("kind", [ExpectedError, store.StoreError])
def test_whatever_a_person_can_cause_ends_in_its_sentence_and_a_code(
    kind: type[Exception], rightsize: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> NoReturn:
        raise kind("The moon is full; wait a day.")

    monkeypatch.setattr(cli, "app", fail)
    assert rightsize() == Said(1, "", "rightsize: The moon is full; wait a day.\n")
