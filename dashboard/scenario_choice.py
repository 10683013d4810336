"""The scenarios that can be chosen on the TCO page, by the words they are chosen by: stored ones, and the demo's.

The demo's own scenario stays beside one that was stored from it under the same name.
"""

from dashboard import data
from eval import stored_scenarios
from eval.cost import scenario_file
from eval.cost.scenario import Scenario


def built_in() -> str:
    """What the demo's own scenario is chosen by."""
    return f"{scenario_file.demo().name} (demo)"


def choices() -> list[str]:
    """The stored scenarios, the one changed last first, then the demo's."""
    return list(dict.fromkeys([*stored_scenarios.names(data.engine()), built_in()]))


def linked(name: str | None) -> str | None:
    """The choice that an address names: the demo's scenario also by its bare name, while none is stored by it."""
    known = choices()
    return built_in() if name == scenario_file.demo().name and name not in known else name if name in known else None


def is_stored(choice: str) -> bool:
    """Whether a choice lies in the database."""
    return choice in stored_scenarios.names(data.engine())


def find(choice: str) -> Scenario:
    """The scenario of a choice. Raises ScenarioError where a stored one no longer passes its checks."""
    return stored_scenarios.load(choice, data.engine()) if is_stored(choice) else scenario_file.demo()
