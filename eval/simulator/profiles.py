"""The simulator's models: how fast each answers, and how often each goes wrong.

They stand for no real model: every figure is made up, chosen so that small, large and cloud-like models differ in the
way an architect would expect and none is perfect. What the probabilities do to an answer is answers.py's business.
"""

from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar, get_type_hints

from eval.expected import ExpectedError

T = TypeVar("T")


class SimulatorError(ExpectedError):
    """The simulator cannot be set up as asked; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One simulated model. Times in milliseconds; the four ways to go wrong are probabilities from 0 to 1.

    The time to the first token is `ttft_ms` plus `ttft_per_prompt_token_ms` for each token of the prompt, the time
    between two tokens `itl_ms`. Each is multiplied by a lognormal factor of mean 1 with sigma `jitter` (0: none).
    """

    name: str
    description: str = ""
    ttft_ms: float = 100.0
    itl_ms: float = 10.0
    jitter: float = 0.0
    ttft_per_prompt_token_ms: float = 0.0
    omission: float = 0.0  # for each sentence, line or item: it is left out
    contradiction: float = 0.0  # for each of them: a number in it is changed, or what it says is negated
    padding: float = 0.0  # before the answer and after each of its parts: a sentence without content is added
    disorder: float = 0.0  # for each answer: its parts change places; for each sentence, a third of it: it breaks off
    refusal: float = 0.0  # for each answerable question: the model says that it cannot answer
    judge_noise: float = 0.25  # for each criterion it judges: the score is one point off
    tokens_per_chunk: int = 1
    fixed_tokens: int = 0  # above 0: every answer is filler of exactly so many tokens, for benchmarks
    reasoning_tokens: int = 0  # thoughts sent before the answer, as `reasoning_content`
    seed: int = 0
    family: str = "simulated"

    def __post_init__(self) -> None:
        for chance in ("omission", "contradiction", "padding", "disorder", "refusal", "judge_noise"):
            if not 0 <= getattr(self, chance) <= 1:
                raise SimulatorError(f"{chance} of {self.name} is a probability and has to lie between 0 and 1.")
        for amount in ("ttft_ms", "itl_ms", "jitter", "ttft_per_prompt_token_ms", "fixed_tokens", "reasoning_tokens"):
            if not 0 <= getattr(self, amount) < 1e9:
                raise SimulatorError(f"{amount} of {self.name} has to be 0 or more and finite.")
        if self.tokens_per_chunk < 1:
            raise SimulatorError(f"tokens_per_chunk of {self.name} has to be 1 or more.")

    def faster(self, speed: float) -> Self:
        """The same model with every time divided by `speed`; raises SimulatorError if that is not above 0."""
        if not speed > 0:
            raise SimulatorError(f"The speed has to be above 0, not {speed:g}.")
        times = ("ttft_ms", "itl_ms", "ttft_per_prompt_token_ms")
        return replace(self, **{name: getattr(self, name) / speed for name in times})


SMALL = Profile(
    "sim-small",
    "a small model on this machine: soon there and quick, but it leaves things out, errs and rambles",
    ttft_ms=90,
    itl_ms=7,
    jitter=0.15,
    ttft_per_prompt_token_ms=0.05,
    omission=0.16,
    contradiction=0.12,
    padding=0.22,
    disorder=0.3,
    refusal=0.03,
    seed=11,
    family="sim-tiny",
)
LARGE = Profile(
    "sim-large",
    "a large model on this machine: slow, and right most of the time",
    ttft_ms=350,
    itl_ms=22,
    jitter=0.15,
    ttft_per_prompt_token_ms=0.2,
    omission=0.06,
    contradiction=0.045,
    padding=0.12,
    disorder=0.08,
    refusal=0.01,
    seed=22,
    family="sim-grand",
)
CLOUD = Profile(
    "sim-cloud",
    "a model behind a network: a wait that varies, then quick and good",
    ttft_ms=280,
    itl_ms=9,
    jitter=0.35,
    ttft_per_prompt_token_ms=0.01,
    omission=0.045,
    contradiction=0.025,
    padding=0.09,
    disorder=0.05,
    refusal=0.01,
    seed=33,
    family="sim-grand",
)
JUDGE = Profile(
    "sim-judge",
    "scores answers by what the text shows against the reference; one score in twelve is a point off",
    ttft_ms=120,
    itl_ms=2,
    jitter=0.1,
    omission=0.08,
    contradiction=0.05,
    padding=0.1,
    disorder=0.08,
    judge_noise=0.08,
    seed=44,
    family="sim-court",
)
PROFILES = (SMALL, LARGE, CLOUD, JUDGE)


def read_fields(kind: type[T], text: str) -> T:
    """Make a dataclass of simple fields from `name=value,name=value`; a bare name of a yes-or-no field means yes.

    Raises SimulatorError that names every name and value that does not fit, and what would.
    """
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, given, value = pair.partition("=")
        if name not in types:
            faults.append(f'"{name}" is not known; there are: {", ".join(types)}.')
            continue
        try:
            values[name] = _read(types[name], value if given else "yes")
        except (KeyError, ValueError):
            faults.append(f'"{value}" does not fit {name}, which is {types[name].__name__}.')
    try:
        made = kind(**values)
    except TypeError as error:
        raise SimulatorError(" ".join([*faults, f'"{text}" lacks something: {error}.'])) from error
    except SimulatorError as error:
        raise SimulatorError(" ".join([*faults, str(error)])) from error
    if faults:
        raise SimulatorError(" ".join(faults))
    return made


def _read(kind: type, value: str) -> Any:
    if kind is bool:
        return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[value.lower()]
    return kind(value) if kind in (int, float, str) else tuple(value.split("+"))
