"""Which target is best, in words: claimed only where the comparison of every pair decides it.

Words only; the verdicts and shares are comparing.py's.
"""

from eval.comparing import Compared
from eval.enumeration import listed
from eval.stats.best import RESAMPLES
from eval.stats.comparison import FEW


def best_words(compared: Compared) -> str:
    """Which target is best and by whose scores, or between which that is open; nothing where no pair is compared."""
    if all(pair.outcome == "no comparison" for pair in compared.pairs):
        return ""
    if best := compared.decided_best:
        others = [name for name in compared.targets if name != best]
        return f"Best: {best}, better than {listed(others)}, by {compared.rests_on}."
    return f"Which is best is open between {listed(contenders(compared))}, by {compared.rests_on}."


def contenders(compared: Compared) -> list[str]:
    """The targets that no pair says another is better than; all of them where every one is beaten by some other."""
    beaten = {
        pair.first if pair.outcome == "worse" else pair.second for pair in compared.pairs if _decided(pair.outcome)
    }
    return [name for name in compared.targets if name not in beaten] or list(compared.targets)


def shares_words(compared: Compared) -> str:
    """How often each target comes out highest if the questions are drawn anew; nothing where few were."""
    if not compared.best.probability or compared.best.n < FEW:
        return ""
    shares = sorted(compared.best.probability.items(), key=lambda item: -item[1])
    by_name = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares)
    return (
        f"Highest, had the questions been others of their kind: {by_name} of {RESAMPLES:,} draws of {compared.best.n} "
        f"from the {compared.best.n} questions with repetition. A share is no test: the pairs say what is decided."
    )


def _decided(outcome: str) -> bool:
    return outcome in ("better", "worse")
