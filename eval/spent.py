"""What judging took, in words: assessments, tokens, cost and time of each judge; what is unknown is said.

Pure; the command line and the dashboard show the same sentences. What judging would take is estimate.py's business.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.summary import Judging, Summary


def duration(seconds: float) -> str:
    """A time in seconds, from two minutes on in minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def judging_took(summaries: Sequence[Summary], prices: Mapping[str, Any]) -> list[str]:
    """A sentence for each judge that was asked from here; `prices` are the stored ones by model, in USD."""
    known = {judge: its for judge, its in _by_judge(summaries).items() if its[0].model}  # else not asked from here
    return [_spent(judge, its, prices) for judge, its in known.items()]


def _by_judge(summaries: Sequence[Summary]) -> dict[str, list[Judging]]:
    found: dict[str, list[Judging]] = {}
    for judging in (j for summary in summaries for j in summary.judging):
        found.setdefault(f"{judging.judge} ({judging.protocol})", []).append(judging)
    return found


def _spent(judge: str, its: Sequence[Judging], prices: Mapping[str, Any]) -> str:
    n = sum(j.n for j in its)
    counts = [(j.prompt_tokens, j.completion_tokens) for j in its]
    said = [f"{n:,} assessments by {judge}"]
    known = [(into, out) for into, out in counts if into is not None and out is not None]
    if len(known) < len(counts):
        said.append("tokens not counted by its server, so its cost is unknown")
    else:
        into, out = sum(c[0] for c in known), sum(c[1] for c in known)
        said.append(f"{into:,} tokens in, {out:,} out")
        price = prices.get(its[0].model or "")
        if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
            said.append("cost unknown (no price)")
        else:
            cost = (into * price.input_usd_per_mtok + out * price.output_usd_per_mtok) / 1e6
            said.append(f"${cost:,.4f}" + (" at hypothetical prices" if price.kind == "hypothetical" else ""))
    seconds = [j.seconds for j in its if j.seconds is not None]
    if seconds:
        said.append(f"{duration(sum(seconds))} of replies")
    return f"Judging took {'; '.join(said)}."
