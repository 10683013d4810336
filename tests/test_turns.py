"""Targets on one host are measured in turn, unless that is asked otherwise or the endpoints are simulated."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from carried_out import carry_out, rows
from servers import Server, events, model_list, serve, streamed

from db.models import Call, Run
from eval.plan import Overrides, make_plan

LATE = events(0.08, *streamed("Oslo", " it", " is."))
BOTH = model_list("m", "n")
SIMULATED = {"x-rightsize-simulated": "1"}


@pytest.fixture
def two() -> Iterator[tuple[Server, Server]]:
    """Two servers on this machine, neither of which says that it is simulated."""
    with serve(LATE, models=BOTH) as first, serve(LATE, models=BOTH) as second:
        yield first, second


def changes(db: str) -> int:
    """How often the model asked for changed from one call to the next."""
    models = [call.model for call in sorted(rows(db, Call), key=lambda call: call.started_at)]
    assert len(models) == 8
    return sum(earlier != later for earlier, later in pairwise(models))


def asked(db: str, first: str, second: str, **given: bool) -> int:
    carry_out(db, f"a=m@{first}", f"b=n@{second}", limit=3, **given)
    return changes(db)


def test_two_servers_on_this_machine_take_turns(two: tuple[Server, Server], empty_url: str) -> None:
    first, second = two
    assert asked(empty_url, first.url, second.url.replace("127.0.0.1", "localhost")) == 1
    assert [(run.definition["side_by_side"], run.provenance["side_by_side"]) for run in rows(empty_url, Run)] == [
        (False, False)
    ] * 2


def test_they_run_side_by_side_where_that_is_asked_and_it_is_stored(two: tuple[Server, Server], empty_url: str) -> None:
    assert asked(empty_url, two[0].url, two[1].url, side_by_side=True) > 1
    assert [(run.definition["side_by_side"], run.provenance["side_by_side"]) for run in rows(empty_url, Run)] == [
        (True, True)
    ] * 2


def test_two_targets_at_one_endpoint_take_turns_whatever_is_asked(two: tuple[Server, Server], empty_url: str) -> None:
    assert asked(empty_url, two[0].url, two[0].url, side_by_side=True) == 1


def test_simulated_endpoints_run_side_by_side(empty_url: str) -> None:
    with serve(LATE, models=BOTH, headers=SIMULATED) as first, serve(LATE, models=BOTH, headers=SIMULATED) as second:
        assert asked(empty_url, first.url, second.url) > 1


def test_a_simulated_endpoint_does_not_wait_for_a_real_one_on_this_machine(
    two: tuple[Server, Server], empty_url: str
) -> None:
    with serve(LATE, models=BOTH, headers=SIMULATED) as simulated:
        assert asked(empty_url, two[0].url, simulated.url) > 1


def test_the_file_says_it_and_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    file = tmp_path / "rightsize.toml"
    file.write_text("[run]\nside_by_side = true\n", encoding="utf-8")
    one = ("a=m@http://127.0.0.1:9/v1",)
    assert not make_plan(Overrides(targets=one)).side_by_side
    assert make_plan(Overrides(targets=one), file).side_by_side
    assert not make_plan(Overrides(targets=one, side_by_side=False), file).side_by_side
    assert make_plan(Overrides(targets=one, side_by_side=True)).side_by_side
