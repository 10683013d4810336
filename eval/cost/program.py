"""What an option takes: its tokens by price row, its machines, and why it may have no total.

Data only; made by compile.py and calculated with by bill.py. Numbers are not held here but named by their key, so that
one program serves the central values, the draws and every sweep alike.
"""

from dataclasses import dataclass, field

import numpy as np

from eval.cost.assumption import Floats
from eval.cost.capacity import Machine
from eval.cost.measured import Load, Measured
from eval.cost.price_card import PriceRow
from eval.cost.scenario import Option


@dataclass(frozen=True, slots=True)
class Period:
    """The months of the horizon, first to last, in which one row of the price card is in force."""

    first: int
    last: int
    row: PriceRow


@dataclass(frozen=True, slots=True)
class Tokens:
    """One stage that is billed by the token: keys of its mean tokens, and what of its prompt is cached.

    `again` are keys of completions that are sent along as input. `cached` is the key of an assumed share of the prompt,
    or the measured share itself. Unless `scaled`, the workload's scales leave the tokens alone: a judge's prompt is
    mostly the rubric and the reference, so its tokens count as they were measured.
    """

    model: str
    prompt: str
    completion: str
    periods: tuple[Period, ...]
    cached: str | float = 0.0
    again: tuple[str, ...] = ()
    scaled: bool = True


@dataclass(frozen=True, slots=True)
class ApiPart:
    """Stages billed by the token for every request, or for the share with the key `share`."""

    name: str
    stages: tuple[Tokens, ...]
    share: str | None = None
    attempts: float = 1.0  # requests an answer takes, repeats included


@dataclass(frozen=True, slots=True, eq=False)
class MachinePart:
    """Work on machines of a profile, for every request or for the share with the key `share`.

    `table` is the load in Erlang that 1, 2, ... machines bear. `load` is the measured load that the machine is taken
    at, None where its throughput is quoted: `rate` is then its key, and `rated_tokens` are those of the tokens of an
    answer in it, empty where answers a second were quoted. `watts` and `idle_watts` are keys of measured power.
    """

    name: str
    hardware: str
    machine: Machine
    table: Floats = field(repr=False)
    load: Load | None = None
    rate: str | None = None
    rated_tokens: tuple[str, ...] = ()
    origin: str = ""
    share: str | None = None
    watts: str | None = None
    idle_watts: str | None = None
    simulated: bool = False  # whether the throughput is that of a simulated model


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The machines of one profile: all parts of an option that run on it share them, spares and idle power too.

    Loads of its parts are counted in places of the first one's machine: at another concurrency a place is another
    fraction of the machine.
    """

    hardware: str
    parts: tuple[MachinePart, ...]

    @property
    def name(self) -> str:
        return " + ".join(part.name for part in self.parts)

    @property
    def places(self) -> int:
        return self.parts[0].machine.places

    def weight(self, part: MachinePart) -> float:
        """How many places of the first part's machine a place of this part's is."""
        return self.places / part.machine.places

    @property
    def table(self) -> Floats:
        """The load in Erlang that 1, 2, ... machines bear, such that every part keeps its limits."""
        return np.min([part.table * self.weight(part) for part in self.parts], axis=0)


@dataclass(frozen=True, slots=True)
class Program:
    """What an option takes, ready to be billed, unless it is `blocked` by what is unknown or `never` possible."""

    name: str
    option: Option
    target: Measured | None  # whose quality and latency count
    sources: tuple[Measured, ...] = ()  # every target its tokens, machines and judge were measured on
    api: tuple[ApiPart, ...] = ()
    machines: tuple[MachinePart, ...] = ()
    judge: Tokens | None = None
    blocked: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether anything in it was measured on simulated models."""
        return any(source.simulated for source in self.sources)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Its machines by the profile they are of."""
        profiles = dict.fromkeys(part.hardware for part in self.machines)
        return tuple(Pool(one, tuple(part for part in self.machines if part.hardware == one)) for one in profiles)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Why it has no total: something is unknown, or there are no machines that would do; empty where it has one."""
        return self.blocked + self.never

    @property
    def asked(self) -> tuple[PriceRow, ...]:
        """The rows that requests of users are billed by, each once; a judge's are left out."""
        stages = [stage for part in self.api for stage in part.stages]
        return tuple(dict.fromkeys(period.row for stage in stages for period in stage.periods))

    @property
    def rows(self) -> tuple[PriceRow, ...]:
        """The rows of the price card it is billed by, each once."""
        stages = [*(stage for part in self.api for stage in part.stages), *filter(None, [self.judge])]
        return tuple(dict.fromkeys(period.row for stage in stages for period in stage.periods))


def tier_of(row: PriceRow, tokens: float) -> PriceRow:
    """The row with the prices of the context tier that a request of so many input tokens falls into.

    A tier has no batch prices: they are unknown in it.
    """
    for tier in reversed(row.tiers):
        if tokens > tier.above_tokens:
            prices = {
                "input_per_mtok": tier.input_per_mtok,
                "cached_input_per_mtok": tier.cached_input_per_mtok,
                "output_per_mtok": tier.output_per_mtok,
            }
            unknown = dict.fromkeys(["batch_input_per_mtok", "batch_cached_input_per_mtok", "batch_output_per_mtok"])
            return row.model_copy(update=prices | unknown)
    return row


def tiers_within(row: PriceRow, least: float, most: float) -> tuple[PriceRow, ...]:
    """The rows, as `tier_of` gives them, that requests from `least` to `most` input tokens fall into, each once."""
    between = [tier.above_tokens + 1.0 for tier in row.tiers if least <= tier.above_tokens < most]
    return tuple(dict.fromkeys(tier_of(row, tokens) for tokens in sorted([least, *between, most])))
