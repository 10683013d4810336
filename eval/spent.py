"""What judging took, in words: assessments, tokens, cost and time of each judge; what is unknown is said.

Pure; the command line and the dashboard show the same sentences. What judging would take is estimate.py's business.
"""

from collections.abc import Sequence

from eval.cost.answer_cost import tokens_cost
from eval.cost.price_card import PriceCard
from eval.summary import Judging, Summary


def duration(seconds: float) -> str:
    """A time in seconds, from two minutes on in minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def judging_took(summaries: Sequence[Summary], card: PriceCard) -> list[str]:
    """A sentence for each judge that was asked from here; `card` holds the prices of all models."""
    known = {judge: its for judge, its in _by_judge(summaries).items() if its[0].model}  # else not asked from here
    return [_spent(judge, its, card) for judge, its in known.items()]


def _by_judge(summaries: Sequence[Summary]) -> dict[str, list[Judging]]:
    found: dict[str, list[Judging]] = {}
    for judging in (j for summary in summaries for j in summary.judging):
        found.setdefault(f"{judging.judge} ({judging.protocol})", []).append(judging)
    return found


def _spent(judge: str, its: Sequence[Judging], card: PriceCard) -> str:
    n = sum(j.n for j in its)
    counts = [(j.prompt_tokens, j.completion_tokens) for j in its]
    said = [f"{n:,} assessments by {judge}"]
    known = [(into, out) for into, out in counts if into is not None and out is not None]
    if len(known) < len(counts):
        said.append("tokens not counted by its server, so its cost is unknown")
    else:
        into, out = sum(c[0] for c in known), sum(c[1] for c in known)
        said.append(f"{into:,} tokens in, {out:,} out")
        row, why = card.in_force(its[0].model or "", card.date)
        cost = None
        if row is not None:
            cost, why = tokens_cost(row, into / n, out / n)  # a tier goes by one request, not by all of them
        if row is None or cost is None:
            said.append(f"cost unknown ({(why or '').rstrip('.')})")
        else:
            made_up = " at hypothetical prices" if row.kind == "hypothetical" else ""
            said.append(f"{cost * n:,.4f} {row.currency}{made_up}")
    seconds = [j.seconds for j in its if j.seconds is not None]
    if seconds:
        said.append(f"{duration(sum(seconds))} of replies")
    return f"Judging took {'; '.join(said)}."
