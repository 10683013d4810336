"""What the simulator does wrong on purpose: which fault hits which request.

Pure. server.py carries the faults out on the wire, judging.py spoils the judge's replies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from eval.simulator.profiles import SimulatorError

MALFORMED = (
    "fenced",  # the JSON stands in a code block
    "trailing_comma",
    "prose",  # sentences before and after the JSON
    "out_of_five",  # nothing but "4 out of 5"
    "fractional",  # a score of 4.5
    "out_of_range",  # a score of 7
    "null_score",  # null without a reason
    "truncated",  # it stops half way
    "invented_quote",  # a passage that is not in the answer
    "control_characters",  # raw line breaks and tabs inside strings
)
HITS = ("429", "500", "drop", "malformed_judge")


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault occurs, as a share of the requests from 0 to 1, and which hold for all of them.

    `script` names the faults of the first requests in order, "ok" for none: 429, 500, drop, malformed_judge or
    malformed_judge:KIND with a kind of MALFORMED. After it the shares decide. A request for anything but a judgement
    is answered well where a malformed judgement is its turn.
    """

    rate_429: float = 0.0  # too many requests, with Retry-After
    rate_500: float = 0.0
    rate_drop: float = 0.0  # the connection is aborted amid the tokens
    malformed_judge: float = 0.0  # a judge's reply is broken in one of the ways of MALFORMED, each in turn
    no_usage: bool = False  # no token counts, streamed or not
    early_role_chunk: bool = False  # an empty piece with the role comes at once, long before the first token
    no_stream: bool = False  # a request to stream is refused with status 400
    retry_after_s: float = 1.0
    script: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = (self.rate_429, self.rate_500, self.rate_drop, self.malformed_judge)
        if min(shares) < 0 or max(shares) > 1 or sum(shares[:3]) > 1:
            raise SimulatorError("Each share of faults has to lie between 0 and 1, and so does the sum of the first 3.")
        for name in self.script:
            hit, _, kind = name.partition(":")
            if hit not in (*HITS, "ok") or (kind and (hit != "malformed_judge" or kind not in MALFORMED)):
                raise SimulatorError(f'"{name}" is no fault; there are: ok, {", ".join(HITS)}.')

    def draw(self, seed: int) -> Iterator[str | None]:
        """The fault of each request, without end, the same for the same seed: a member of HITS, or None.

        A malformed judgement comes with its kind: `malformed_judge:KIND`.
        """
        rng, turn = Random(f"faults|{seed}"), count()
        for name in self.script:
            yield None if name == "ok" else self._with_kind(name, turn)
        while True:
            chance = rng.random()
            for name, rate in (("429", self.rate_429), ("500", self.rate_500), ("drop", self.rate_drop)):
                if chance < rate:
                    yield name
                    break
                chance -= rate
            else:
                yield self._with_kind("malformed_judge", turn) if rng.random() < self.malformed_judge else None

    @staticmethod
    def _with_kind(name: str, turn: Iterator[int]) -> str:
        """The name, and for a malformed judgement that names no kind the next kind in turn."""
        return f"{name}:{MALFORMED[next(turn) % len(MALFORMED)]}" if name == "malformed_judge" else name
