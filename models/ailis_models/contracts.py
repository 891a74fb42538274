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
    """GPUs in force in a tranche that are paid whether used or not.

    owned[k,t] = Σ_{o in k} take_or_pay_share[o]·lot_gpus[o]·in_force[o,t] + the same of lots signed before   [GPU]

    Where market terms may be dropped, what was signed before counts times `obliged`.
    """
    lot = d.committed.paid_gpus.tolist()
    for k, offers in enumerate(members(d.committed.tranche, len(d.committed.tranche_pool))):
        for t in range(d.periods):
            bought = pyo.quicksum(lot[o] * m.in_force[o, t] for o in offers)
            before = float(d.committed.already[t, k])
            if d.relaxable and before:
                yield (k, t), m.owned[k, t] - bought - before * m.obliged[0] == 0
            else:
                yield (k, t), m.owned[k, t] - bought == before


@family("contract", "plan", unit="GPU", index=("callable offer", "period"), kind="definition")
def call_right(m: Any, d: Data) -> Rows:
    """GPUs in force that are paid only where they are used.

    callable[v,t] = (1 − take_or_pay_share[v])·lot_gpus[v]·in_force[v,t] + the same of lots signed before   [GPU]

    Where market terms may be dropped, what was signed before counts times `obliged`.
    """
    c = d.committed
    for v, o in enumerate(c.callable.tolist()):
        lot = float(c.lot_gpus[o] - c.paid_gpus[o])
        for t in range(d.periods):
            before = float(c.callable_already[t, v])
            if d.relaxable and before:
                yield (v, t), m.callable[v, t] - lot * m.in_force[o, t] - before * m.obliged[0] == 0
            else:
                yield (v, t), m.callable[v, t] - lot * m.in_force[o, t] == before


@family("contract", "slice", unit="GPU", index=("callable offer",), kind="definition")
def call(m: Any, d: Data) -> Rows:
    """No more is called than is in force: called[v] <= callable[v]   [GPU]."""
    for v in m.called:
        yield v, m.called[v] - m.callable[v] <= 0


@family("contract", "plan", unit="lot", index=("offer", "period"))
def least_lots(m: Any, d: Data) -> Rows:
    """If any lot starts, at least min_lots do: min_lots[o]·signed[o,t] <= lots[o,t]   [lots]."""
    for o, t in m.signed:
        yield (o, t), float(d.committed.least[o]) * m.signed[o, t] - m.lots[o, t] <= 0


@family("contract", "plan", unit="lot", index=("offer", "period"), kind="definition")
def sign_to_start(m: Any, d: Data) -> Rows:
    """No lot starts unsigned: lots[o,t] <= most[o]·signed[o,t]   [lots]; most: all that may start, or that demand could use."""
    for o, t in m.signed:
        most = float(min(d.committed.most[o], d.committed.most_starts[o]))
        yield (o, t), m.lots[o, t] - most * m.signed[o, t] <= 0


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
    yield Bound("callable", np.full((d.periods, len(d.committed.callable)), np.inf if enforced else 0.0))
    yield Bound("signed", np.full((d.periods, offers), 1.0 if enforced else 0.0))
    yield Bound("by_hour", np.full((1, len(r.by_hour_pool)), 0.0 if enforced else np.inf))
    yield Bound("obliged", np.array([1.0 if enforced else 0.0]))
    yield Bound("obliged", np.array([1.0 if enforced else 0.0]), lower=True)
    yield Bound("engaged", np.full((1, len(d.hired.pool)), 0.0 if enforced else 1.0), lower=True)


FAMILIES = (in_force, ownership, call_right, call, least_lots, sign_to_start, least_hired, engage_to_hire)


def plan_cost(m: Any, d: Data) -> Any:
    """Take-or-pay: Σ_{o,t} cost[t,o]·lots[o,t], and lots signed before.

    What is paid of every hour in force in the horizon, used or not, and its part of the upfront.
    """
    cost = d.committed.cost.tolist()
    sunk = d.committed.sunk * m.obliged[0] if d.relaxable else d.committed.sunk
    return sunk + pyo.quicksum(cost[t][o] * lots for (o, t), lots in m.lots.items())


def scenario_cost(m: Any, d: Data) -> Any:
    """Lots that come late are not paid before they are there: −Σ_l late_credit[l]·in_force[o_l,t_l]."""
    return -pyo.quicksum(m.late_credit[i] * lots for i, lots in enumerate(m.in_force.values()))


def slice_cost(m: Any, d: Data) -> Any:
    """Committed capacity that is paid where it is used; capacity by the hour, where market terms may be dropped.

    Σ_v called[v] · H · call_price[v] + Σ_y by_hour[y] · H · by_hour_price[y]   [GPU · h · money/GPU-hour]
    """
    called = pyo.quicksum(m.call_price[v] * m.hours[0] * gpus for v, gpus in m.called.items())
    return called + pyo.quicksum(m.by_hour_price[y] * m.hours[0] * gpus for y, gpus in m.by_hour.items())
