"""Market terms: lots, terms, take-or-pay, least lots, lots signed before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Relaxable, members
from ailis_models.families import Bound, Bounds, Rows, family


@family("contract", "plan", unit="lot", index=("offer", "period"), kind="definition")
def in_force(m: Any, d: Data) -> Rows:
    """Lots in force: those of the period before, plus those that start, less those whose term ends.

    in_force[o,t] = in_force[o,t−1] + lots[o,t] − lots[o,t−term]   [lots]

    The same as Σ_{t−term < t' <= t} lots[o,t'] with three entries a row instead of `term`. At most `max_lots` are in force (a bound).
    """
    for o, term in enumerate(d.committed.term.tolist()):
        for t in range(d.periods):
            before = m.in_force[o, t - 1] if t > 0 else 0
            ended = m.lots[o, t - term] if t >= term else 0
            yield (o, t), m.in_force[o, t] - before - m.lots[o, t] + ended == 0


@family("contract", "plan", unit="GPU", index=("tranche", "period"), kind="definition")
def ownership(m: Any, d: Data) -> Rows:
    """GPUs in force in a tranche.

    owned[k,t] = Σ_{o in k} lot_gpus[o]·in_force[o,t] + GPUs of lots signed before   [GPU]

    Where market terms may be dropped, what was signed before counts times `obliged`.
    """
    lot = d.committed.lot_gpus.tolist()
    for k, offers in enumerate(members(d.committed.tranche, len(d.committed.tranche_pool))):
        for t in range(d.periods):
            bought = pyo.quicksum(lot[o] * m.in_force[o, t] for o in offers)
            before = float(d.committed.already[t, k])
            if d.relaxable and before:
                yield (k, t), m.owned[k, t] - bought - before * m.obliged[0] == 0
            else:
                yield (k, t), m.owned[k, t] - bought == before


@family("contract", "plan", unit="lot", index=("offer", "period"))
def least_lots(m: Any, d: Data) -> Rows:
    """If any lot starts, at least min_lots do: min_lots[o]·signed[o,t] <= lots[o,t]   [lots]."""
    for o, t in m.signed:
        yield (o, t), float(d.committed.least[o]) * m.signed[o, t] - m.lots[o, t] <= 0


@family("contract", "plan", unit="lot", index=("offer", "period"), kind="definition")
def sign_to_start(m: Any, d: Data) -> Rows:
    """No lot starts unsigned: lots[o,t] <= most[o]·signed[o,t]   [lots]; most = max_lots, or the lots that all demand could use."""
    for o, t in m.signed:
        yield (o, t), m.lots[o, t] - float(d.committed.most[o]) * m.signed[o, t] <= 0


@family("contract", "slice", unit="lot", index=("hired offer",))
def least_hired(m: Any, d: Data) -> Rows:
    """If any lot is hired, at least min_lots are: min_lots[h]·engaged[h] <= hired[h]   [lots]."""
    for h in m.engaged:
        yield h, float(d.hired.least[h]) * m.engaged[h] - m.hired[h] <= 0


@family("contract", "slice", unit="lot", index=("hired offer",), kind="definition")
def engage_to_hire(m: Any, d: Data) -> Rows:
    """No lot is hired unengaged: hired[h] <= most[h]·engaged[h]   [lots]; most = the quota, or the lots that all demand could use."""
    for h in m.engaged:
        yield h, m.hired[h] - m.hire_most[h] * m.engaged[h] <= 0


def bounds(d: Data, r: Relaxable, on: Bools) -> Bounds:
    """Not enforced: capacity of committed offers is divisible and paid by the hour at the contract's rate, upfront payments included.

    Enforced: by_hour[y] = 0 and obliged = 1 (lots signed before are paid whether used or not). Else lots[o,t] = 0 (capacity by the
    hour can do all that lots can, for no more), obliged = 0 (lots signed before are paid by the hour, too), and what is hired is
    divisible with no least amount.
    """
    enforced = bool(on.any())
    offers = len(d.committed.term)
    yield Bound("lots", np.full((d.periods, offers), np.inf if enforced else 0.0))
    yield Bound("in_force", np.full((d.periods, offers), np.inf if enforced else 0.0))
    yield Bound("owned", np.full((d.periods, len(d.committed.tranche_pool)), np.inf if enforced else 0.0))
    yield Bound("signed", np.full((d.periods, offers), 1.0 if enforced else 0.0))
    yield Bound("by_hour", np.full((1, len(r.by_hour_pool)), 0.0 if enforced else np.inf))
    yield Bound("obliged", np.array([1.0 if enforced else 0.0]))
    yield Bound("obliged", np.array([1.0 if enforced else 0.0]), lower=True)
    yield Bound("engaged", np.full((1, len(d.hired.pool)), 0.0 if enforced else 1.0), lower=True)


FAMILIES = (in_force, ownership, least_lots, sign_to_start, least_hired, engage_to_hire)


def plan_cost(m: Any, d: Data) -> Any:
    """Take-or-pay: Σ_{o,t} cost[t,o]·lots[o,t], every hour in force in the horizon and its part of the upfront, and lots signed before."""
    cost = d.committed.cost.tolist()
    sunk = d.committed.sunk * m.obliged[0] if d.relaxable else d.committed.sunk
    return sunk + pyo.quicksum(cost[t][o] * lots for (o, t), lots in m.lots.items())


def slice_cost(m: Any, d: Data) -> Any:
    """Committed capacity by the hour, where market terms may be dropped.

    Σ_y by_hour[y] · H · by_hour_price[y]   [GPU · h · money/GPU-hour]
    """
    return pyo.quicksum(m.by_hour_price[y] * m.hours[0] * gpus for y, gpus in m.by_hour.items())
