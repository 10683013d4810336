"""From a bill to money over time, in the two views of the FOCUS specification (FinOps Foundation).

EffectiveCost is what a month has used up: purchases spread over their life. BilledCost is what is paid when: purchases
at once, residual values when they come back. ListCost is EffectiveCost without negotiated discounts. Over the horizon
the two views add up to the same, because what is left of a machine at its end is counted as come back.
Running costs fall due at the end of their month, purchases at its beginning.
"""

from dataclasses import dataclass

import numpy as np

from eval.cost.assumption import Floats
from eval.cost.bill import HEADS, Asset, Bill, Workings


@dataclass(frozen=True, slots=True)
class Amounts:
    """One head in each view: list and effective by month (n, T), billed at the times 0 to T (n, T + 1)."""

    listed: Floats
    effective: Floats
    billed: Floats


def by_head(made: Bill, w: Workings) -> dict[str, Amounts]:
    """The amounts of each head that has a line, in the order of HEADS."""
    found: dict[str, Amounts] = {}
    for head in HEADS:
        lines = [line for line in made.lines if line.head == head]
        parts: list[Amounts] = []
        for line in lines:
            basis = made.bases[line.basis]
            used = line.factor * basis
            parts.append(Amounts(line.list_factor * basis, used, _at_month_end(used)))
        if head == "hardware":
            parts += [Amounts(used := spread(asset), used, purchases(asset)) for asset in made.assets]
        for of, once in made.once:
            if of == head:
                used = np.repeat(once / w.horizon, w.months, axis=1)
                paid = np.zeros((once.shape[0], w.months + 1))
                paid[:, 0] = once[:, 0]
                parts.append(Amounts(used, used, paid))
        if parts:
            found[head] = Amounts(
                *(_sum([getattr(p, view) for p in parts]) for view in ("listed", "effective", "billed"))
            )
    return found


def effective(made: Bill, w: Workings) -> Floats:
    """The effective cost of all heads by month, (n, T)."""
    total = _lines(made, w)
    for asset in made.assets:
        total = total + spread(asset)
    for _, once in made.once:
        total = total + once / w.horizon
    return total


def billed(made: Bill, w: Workings) -> Floats:
    """What is paid for all heads at the times 0 to T, (n, T + 1)."""
    running = _lines(made, w)
    total = np.empty((running.shape[0], w.months + 1))
    total[:, 0] = 0.0
    total[:, 1:] = running
    for asset in made.assets:
        total = total + purchases(asset)
    for _, once in made.once:
        if len(once) > len(total):
            total = np.repeat(total, len(once), axis=0)
        total[:, 0] += once[:, 0]
    return total


def _lines(made: Bill, w: Workings) -> Floats:
    """The sum of all lines, those of one basis first added up by draw."""
    factors: dict[str, Floats] = {}
    for line in made.lines:
        factors[line.basis] = factors[line.basis] + line.factor if line.basis in factors else line.factor
    total = np.zeros((1, w.months))
    for basis, factor in factors.items():
        total = total + factor * made.bases[basis]
    return total


def _sum(parts: list[Floats]) -> Floats:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _at_month_end(used: Floats) -> Floats:
    return np.concatenate([np.zeros((used.shape[0], 1)), used], axis=1)


def spread(asset: Asset) -> Floats:
    """A month's part of the purchases: straight line over the life down to the residual value (n, T)."""
    return asset.bought * (asset.capex * (1 - asset.residual) / asset.life)


def purchases(asset: Asset) -> Floats:
    """What is paid for machines at the times 0 to T (n, T + 1): new ones, their replacements at the end of each life
    less the residual value, and at T the book value of those that are left."""
    months = asset.bought.shape[1]
    shape = np.broadcast_shapes(asset.bought.shape, asset.capex.shape, asset.residual.shape, asset.life.shape)
    new = np.diff(np.broadcast_to(asset.bought, (shape[0], months)), axis=1, prepend=0.0)
    life, residual = np.broadcast_to(asset.life, (shape[0], 1)), asset.residual
    again = _replacements(new, life)
    acquired = new + again
    paid = np.zeros((shape[0], months + 1))
    paid[:, :months] = new + again * (1 - residual)
    age = months - np.arange(months)[None, :]
    book = np.where(age <= life, 1 - (1 - residual) * age / life, 0.0)
    paid[:, months] = -(acquired * book).sum(axis=1)
    return paid * asset.capex


def _replacements(new: Floats, life: Floats) -> Floats:
    """How many machines reach the end of their life in each month and are replaced."""
    months = new.shape[1]
    again = np.zeros_like(new)
    for length in np.unique(life[life < months]).astype(int):
        rows = life[:, 0] == length
        acquired = new[rows].copy()
        for month in range(length, months):
            acquired[:, month] += acquired[:, month - length]
        again[rows] = acquired - new[rows]
    return again


def discount(rate_per_year: Floats, months: int) -> Floats:
    """What money at the times 0 to T months is worth now, (n, T + 1)."""
    return np.exp(-np.log1p(rate_per_year) * (np.arange(months + 1)[None, :] / 12))


def kwh(made: Bill, w: Workings) -> Floats | None:
    """The energy by month in kWh (n, T), or None where there is nothing to tell it from."""
    if not made.kwh:
        return None
    total = np.zeros((1, w.months))
    for line in made.kwh:
        total = total + line.factor * made.bases[line.basis]
    return total
