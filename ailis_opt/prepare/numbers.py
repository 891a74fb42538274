"""What each scenario says: its slices and its own figures, worked out one scenario at a time, on the structure that all share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Committed, Floats, Ints, Jobs, Scenarios, Slices
from ailis_models.layers import MASK
from ailis_opt.prepare import supply as supplies
from ailis_opt.prepare.structure import Structure, by_workload, class_demand

Figures = TypeVar("Figures", Slices, Scenarios)
BY_SLICE = ("hours", "demand", "workload_demand")
"""What has a row for every slice, be they alike or not."""


def case_slices(
    s: Structure, z: int, workloads: pd.DataFrame, committed: Committed, there: tuple[Floats, Floats, Floats], capped: Ints
) -> Slices:
    """The slices of one scenario. Where layers are not to be compared, a route that the scenario closes has no rate in it.

    `workloads`: the table; `there`: usable share of committed capacity, and of hired capacity, and most lots of the latter, by slice.
    """
    owned, available, most = there
    found, market, power = s.ways[z], s.markets[z], s.power[z]
    way, standby = s.route_way, s.standby_way
    rate, standby_rate = found.rate[way], found.rate[standby]
    if not s.relaxable:
        rate = np.where(s.routes[z].blockers[s.route] == 0, rate, 0.0)
        standby_rate = np.where(s.closed[z, standby] == 0, standby_rate, 0.0)
    gb = workloads["gb_per_outcome"].to_numpy(float)[found.workload[way]]
    egress = gb * s.egress[z][found.region[way], len(s.regions) + s.routes[z].asker[s.route]]
    return Slices(
        probability=np.ones((1, 1)),
        hours=s.hours[:, None],
        demand=class_demand(s.askers, s.demand[z], len(s.class_workload)),
        workload_demand=by_workload(s.askers, s.demand[z], len(s.work.total)),
        rate=rate[None, :],
        egress_cost=egress[None, :],
        standby_rate=standby_rate[None, :],
        owned_available=owned,
        hired_available=available,
        hire_price=supplies.hire_prices(market, s.calendar),
        hire_most=most,
        call_price=supplies.call_prices(market, committed),
        kw=power.kw[None, :],
        energy_price=power.price,
        cap_mw=power.cap[s.calendar.slice_period][:, capped],
        by_hour_price=np.zeros((1, 0)),
        by_hour_available=np.zeros((1, 0)),
    )


def case_figures(s: Structure, z: int, jobs: Jobs, window: Bools, usable: Floats, money: tuple[Floats, Floats, Floats]) -> Scenarios:
    """The figures of one scenario. `usable`: (T, P) GPUs that a pool can have running; `money`: (1, M) per copy, (1, E) per lot of a hedge,
    (1, L) per lot that comes late.
    """
    copy_cost, position_cost, late_credit = money
    cal, work, rate = s.calendar, s.work, s.ways[z].rate[s.job_way]
    demand = by_workload(s.askers, s.demand[z], len(work.total))
    period_demand = np.zeros((len(cal.period_hours), len(work.total)))
    np.add.at(period_demand, cal.slice_period, demand)
    total, busy = demand.sum(axis=0), period_demand > 0
    share = np.divide(1.0, period_demand, out=np.zeros_like(period_demand), where=busy)
    moves = busy.copy()
    moves[1:] &= busy[:-1]
    all_done = whole_jobs(total[jobs.workload], rate, cal)
    least = total * np.where(work.sheddable, work.min_service, 1.0)
    held = _held(s, jobs, (rate, all_done), s.closed[z, s.job_way], window, usable, least)
    held = held if s.relaxable else np.where(s.closed[z, s.job_way] == 0, held, 0.0)
    most = all_done if s.relaxable else held
    return Scenarios(
        probability=np.ones((1, 1)),
        total=total[None, :],
        demand_share=share.reshape(1, -1),
        move_limit=np.where(moves, work.move_share, 1.0).reshape(1, -1),
        job_rate=rate[None, :],
        job_most=most.reshape(1, -1),
        job_short=np.maximum(most - held, 0.0).reshape(1, -1),
        gangs_needed=_gangs_needed(jobs, rate, most, least, cal)[None, :],
        copy_cost=copy_cost,
        position_cost=position_cost,
        late_credit=late_credit,
    )


def whole_jobs(total: Floats, rate: Floats, cal: Calendar) -> Floats:
    """(T, J) gangs that would do the whole job, `total` (J,) outcomes, in a period."""
    gangs: Floats = np.ceil(total / np.maximum(rate * cal.period_hours[:, None], 1e-300) - 1e-9)
    return gangs


def _gangs_needed(jobs: Jobs, rate: Floats, most: Floats, least: Floats, cal: Calendar) -> Floats:
    """(F,) ceil(least outcomes ÷ the most that a gang makes in a period) for each choice of a pool; 0 where none may run."""
    output = np.where(most > 0, rate * cal.period_hours[:, None], 0.0).max(axis=0, initial=0.0)
    needed = np.zeros(len(jobs.choice_workload))
    for i, (w, p) in enumerate(zip(jobs.choice_workload.tolist(), jobs.choice_pool.tolist(), strict=True)):
        best = output[(jobs.workload == w) & (jobs.pool == p)].max(initial=0.0)
        needed[i] = np.ceil(least[w] / best - 1e-9) if best > 0 else 0.0
    return needed


def _held(s: Structure, jobs: Jobs, gang: tuple[Floats, Floats], closed: Ints, window: Bools, usable: Floats, least: Floats) -> Floats:
    """(T, J) gangs that may run: as many as do the whole job between release and deadline, and as the pool can hold.

    One that may not move has no gang in a pool that could not do all of its job: at the best rate per GPU of its gangs, with GPUs in whole
    numbers of their greatest common divisor. `gang`: (J,) rates and (T, J) gangs that would do the whole job; `closed`: (J,) what closes a
    gang's way; `usable`: (T, P) GPUs; `least`: (W,) outcomes.
    """
    (rate, all_done), work = gang, s.work
    gangs = np.where(window, np.minimum(all_done, np.floor(usable[:, jobs.pool] / jobs.gpus + 1e-9)), 0.0)
    for w in np.flatnonzero(work.training & (work.move_share <= 0)).tolist():
        for p in np.unique(jobs.pool[jobs.workload == w]).tolist():
            mine = np.flatnonzero((jobs.workload == w) & (jobs.pool == p) & ((closed & MASK["topology"]) == 0))
            step = np.gcd.reduce(jobs.gpus[mine].astype(np.int64)) if len(mine) else 1
            gpus = np.where(window[:, mine].any(axis=1), np.floor(usable[:, p] / step + 1e-9) * step, 0.0)
            best = (rate[mine] / jobs.gpus[mine]).max(initial=0.0)
            if gpus @ s.calendar.period_hours * best < least[w] * (1 - 1e-9):
                gangs[:, (jobs.workload == w) & (jobs.pool == p)] = 0.0
    return gangs


def needed(s: Structure, z: int, jobs: Jobs) -> Floats:
    """(P,) GPUs that all demand of a scenario could ever use of each pool, through its hungriest route, standby and gangs included."""
    found, way, demand = s.ways[z], s.route_way, class_demand(s.askers, s.demand[z], len(s.class_workload))
    per_rate = np.zeros((demand.shape[1], len(s.market.pools)))
    rate = found.rate[way]
    gpu_hours = found.gpus[way] / np.where(rate > 0, rate, np.inf) * (1 + s.work.failover_share[found.workload[way]])
    np.maximum.at(per_rate, (s.route_class, found.pool[way]), gpu_hours)
    need: Floats = ((demand / s.hours[:, None]) @ per_rate).max(axis=0, initial=0.0)
    total = by_workload(s.askers, s.demand[z], len(s.work.total)).sum(axis=0)
    gangs = whole_jobs(total[jobs.workload], found.rate[s.job_way], s.calendar)
    np.add.at(need, jobs.pool, (gangs * jobs.gpus).max(axis=0, initial=0.0))
    return need


def powered(s: Structure, slices: Slices, capped: Ints) -> Floats:
    """(T, P) GPUs that the power cap of a pool's region could feed through all of a period, if nothing else ran there."""
    cal, region = s.calendar, s.market.pool_arrays.region
    gpus = np.full((len(cal.slice_period), len(region)), np.inf)
    kw = np.broadcast_to(slices.kw, gpus.shape)
    for c, k in enumerate(capped.tolist()):
        mine = region == k
        gpus[:, mine] = 1000 * slices.cap_mw[:, c : c + 1] / np.maximum(kw[:, mine], 1e-300)
    least = np.full((len(cal.period_hours), len(region)), np.inf)
    np.minimum.at(least, cal.slice_period, gpus)
    return least


def side_by_side(cases: Sequence[Figures], rows: int, probability: Floats) -> Figures:
    """The figures of all scenarios: one row where all are alike, else `rows` for each scenario."""
    if len(cases) == 1:
        return cases[0]
    joined: dict[str, Floats] = {}
    for field in fields(cases[0]):
        each = [getattr(case, field.name) for case in cases]
        same = field.name not in BY_SLICE and all(len(a) == 1 and np.array_equal(a, each[0]) for a in each)
        joined[field.name] = each[0] if same else np.concatenate([np.broadcast_to(a, (rows, a.shape[1])) for a in each])
    return replace(cases[0], **{**joined, "probability": np.repeat(probability, rows)[:, None]})
