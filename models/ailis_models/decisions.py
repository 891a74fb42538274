"""The decisions: every variable of the program, and nothing else.

Plan scope is decided once; slice scope once per slice. A slice reads plan variables through **ports** (at its own period) and
the plan reads slice variables through **exports** (of every slice). Both are declared here, so that the compiler and the whole
Pyomo model connect the two scopes the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Floats

PORTS = ("owned", "callable", "placed", "gangs")
LOTS = ("whole_lots", "whole_hired")
EXPORTS = ("unserved", "served", "spend")


def _whole(whole: bool) -> Any:
    """Domain of a quantity that follows from lots. Said, not left to the solver to find: HiGHS 1.15 errs on integers that it infers."""
    return pyo.NonNegativeIntegers if whole else pyo.NonNegativeReals


def _whole_gpus(whole: Bools, lot: Floats, offers: Any, before: Floats) -> bool:
    """Whether GPUs that follow from the lots of some offers, and from those signed before, are whole numbers."""
    return bool(whole[offers].all() and (lot[offers] % 1 == 0).all() and (before % 1 == 0).all())


def plan_variables(m: Any, d: Data) -> None:
    """Decided once: lots, datasets, gangs.

    lots[o,t]      lots of committed offer o that start in period t
    in_force[o,t]  lots of o in force in t (those signed before stand apart)
    signed[o,t]    1 if any lot of o starts in t; only where a least number of lots is asked for
    owned[k,t]     GPUs of tranche k in force in t that are paid whether used or not, those signed before included
    callable[v,t]  GPUs of offer v in force in t that are paid only where they are used, those signed before included
    placed[i]      1 if placement i (dataset, region) is held
    gangs[j,t]     gangs of gang route j that run through period t
    output[j,t]    outcomes that they produce in t
    chosen[w,p]    1 if training workload w runs in pool p; only where it may not move
    undone[w]      outcomes of training workload w left unserved
    obliged[0]     1 if lots signed before are paid whether used or not; a variable only where market terms may be dropped
    moved[n,t]     |change of the region's share| of split n from t-1 to t; only where movement is limited
    """
    periods = range(d.periods)
    c, jobs = d.committed, d.jobs

    def lots_bounds(_: Any, o: int, t: int) -> tuple[float, float]:
        return (0.0, float(min(c.most[o], c.most_starts[o]))) if c.first[o] <= t <= c.last[o] else (0.0, 0.0)

    whole = [o for o in range(len(c.whole)) if c.whole[o]]
    divisible = [o for o in range(len(c.whole)) if not c.whole[o]]
    m.whole_lots = pyo.Var(whole, periods, domain=pyo.NonNegativeIntegers, bounds=lots_bounds)
    m.part_lots = pyo.Var(divisible, periods, domain=pyo.NonNegativeReals, bounds=lots_bounds)
    m.lots = {key: var for family in (m.whole_lots, m.part_lots) for key, var in family.items()}
    m.in_force = pyo.Var(
        range(len(c.whole)), periods, bounds=lambda _, o, t: (0.0, float(c.most[o])), domain=lambda _, o, t: _whole(bool(c.whole[o]))
    )
    starts = [(o, t) for o in range(len(c.whole)) if c.least[o] > 0 for t in periods if c.first[o] <= t <= c.last[o]]
    m.signed = pyo.Var(starts, domain=pyo.Binary)
    in_whole = [_whole_gpus(c.whole, c.paid_gpus, c.tranche == k, c.already[:, k]) for k in range(len(c.tranche_pool))]
    m.owned = pyo.Var(range(len(c.tranche_pool)), periods, domain=lambda _, k, t: _whole(in_whole[k]))
    called = c.lot_gpus - c.paid_gpus
    call_whole = [_whole_gpus(c.whole, called, np.array([o]), c.callable_already[:, v]) for v, o in enumerate(c.callable.tolist())]
    m.callable = pyo.Var(range(len(c.callable)), periods, domain=lambda _, v, t: _whole(call_whole[v]))
    m.placed = pyo.Var(range(len(d.placements.dataset)), domain=pyo.Binary)
    m.gangs = pyo.Var(range(len(jobs.rate)), periods, domain=pyo.NonNegativeIntegers, bounds=lambda _, j, t: (0.0, float(jobs.most[t, j])))
    m.output = pyo.Var(range(len(jobs.rate)), periods, domain=pyo.NonNegativeReals)
    w = d.workloads
    pinned = {(int(jobs.workload[j]), int(jobs.pool[j])) for j in range(len(jobs.rate)) if w.move_share[jobs.workload[j]] <= 0}
    m.chosen = pyo.Var(sorted(pinned), domain=pyo.Binary)
    m.undone = pyo.Var([i for i in range(len(w.total)) if w.training[i] and w.sheddable[i]], domain=pyo.NonNegativeReals)
    m.obliged = pyo.Var([0] if d.relaxable else [], bounds=(0.0, 1.0))
    limited = [n for n, i in enumerate(d.splits.workload.tolist()) if w.move_share[i] < 1]
    m.moved = pyo.Var(limited, range(1, d.periods), domain=pyo.NonNegativeReals)


def slice_variables(m: Any, d: Data) -> None:
    """Decided in every slice: who serves what, and what is hired.

    replicas[r]  replicas that serve on route r (a mean over the slice, so a real number)
    standby[b]   replicas that stand by
    unserved[q]  outcomes of demand class q left unserved; only where that is allowed at all
    used[p]      GPUs of pool p that run; only where no gang may run there (see `connect_running`)
    hired[h]     lots of hired offer h
    called[v]    GPUs of offer v that are used beyond what is paid whether used or not
    engaged[h]   1 if any lot of h is hired; only where a least number of lots is asked for
    served[n]    outcomes of a workload served in a region; only for splits that a row asks for
    ready[n]     outcomes that the region could serve, standby included; only for workloads with a failover share
    by_hour[y]   GPUs of a committed offer, paid by the hour; only where market terms may be dropped
    spare[p]     usable GPUs of pool p that are counted as out of service; only where the limits of supply may be dropped
    spend[0]     money spent in the slice; only where there is a budget
    """
    h, w = d.hired, d.workloads

    m.replicas = pyo.Var(range(len(d.routes.pool)), domain=pyo.NonNegativeReals)
    m.standby = pyo.Var(range(len(d.standby.pool)), domain=pyo.NonNegativeReals)
    m.unserved = pyo.Var([q for q, i in enumerate(d.class_workload.tolist()) if w.sheddable[i]], domain=pyo.NonNegativeReals)
    with_gangs = set(d.jobs.pool.tolist())
    m.used = pyo.Var([p for p in range(len(d.pools.region)) if p not in with_gangs], domain=pyo.NonNegativeReals)
    m.whole_hired = pyo.Var([i for i in range(len(h.pool)) if h.whole[i]], domain=pyo.NonNegativeIntegers)
    m.part_hired = pyo.Var([i for i in range(len(h.pool)) if not h.whole[i]], domain=pyo.NonNegativeReals)
    m.hired = {key: var for family in (m.whole_hired, m.part_hired) for key, var in family.items()}
    for i, var in m.hired.items():
        var.setub(m.hire_most[i])
    m.called = pyo.Var(range(len(d.committed.callable)), domain=pyo.NonNegativeReals)
    m.engaged = pyo.Var([i for i in range(len(h.pool)) if h.least[i] > 0], domain=pyo.Binary)
    m.served = pyo.Var(range(len(d.splits.workload)), domain=pyo.NonNegativeReals)
    m.ready = pyo.Var([n for n, i in enumerate(d.splits.workload.tolist()) if w.failover_share[i] > 0], domain=pyo.NonNegativeReals)
    m.by_hour = pyo.Var(range(len(d.relaxable.by_hour_pool) if d.relaxable else 0), domain=pyo.NonNegativeReals)
    m.spare = pyo.Var(d.relaxable.spare_pools.tolist() if d.relaxable else [], domain=pyo.NonNegativeReals)
    if d.budget < float("inf"):
        m.spend = pyo.Var([0])


def takes(m: Any, d: Data) -> list[Any]:
    """Per pool: GPUs that its replicas, standby and gangs take, Σ gpus·replicas + Σ gpus·standby + Σ gpus·gangs   [GPU]."""
    terms: list[list[Any]] = [[] for _ in d.pools.region]
    for kind, variable in ((d.routes, m.replicas), (d.standby, m.standby), (d.jobs, m.gangs)):
        for i, (p, gpus) in enumerate(zip(kind.pool.tolist(), kind.gpus.tolist(), strict=True)):
            terms[p].append(gpus * variable[i])
    return [pyo.quicksum(of_pool) for of_pool in terms]


def connect_running(m: Any, d: Data) -> None:
    """taken[p]: GPUs that the pool's work takes, a sum. running[p]: the variable used[p], or in pools with gangs the sum itself.

    There the sum would be whole wherever gangs are, and HiGHS 1.15 returns wrong optima for columns that it finds to be
    integers in this way (ERGO-Code/HiGHS 3274).
    """
    m.taken = takes(m, d)
    m.running = {p: m.used[p] if p in m.used else taken for p, taken in enumerate(m.taken)}


def declare_ports(m: Any, d: Data) -> None:
    """Stand-ins for the plan variables that a slice reads: owned[k], callable[v], placed[i], gangs[j] at the slice's period."""
    m.owned = pyo.Var(range(len(d.committed.tranche_pool)))
    m.callable = pyo.Var(range(len(d.committed.callable)))
    m.placed = pyo.Var(range(len(d.placements.dataset)))
    m.gangs = pyo.Var(range(len(d.jobs.rate)))


def connect_ports(m: Any, plan: Any, d: Data, period: int) -> None:
    """The same ports, connected to the plan's variables of `period`."""
    m.owned = {k: plan.owned[k, period] for k in range(len(d.committed.tranche_pool))}
    m.callable = {v: plan.callable[v, period] for v in range(len(d.committed.callable))}
    m.placed = {i: plan.placed[i] for i in range(len(d.placements.dataset))}
    m.gangs = {j: plan.gangs[j, period] for j in range(len(d.jobs.rate))}


def declare_exports(m: Any, d: Data) -> None:
    """Stand-ins for the slice variables that the plan reads, of every slice s: export_unserved[s,q] and so on.

    Only what a plan row asks for is declared: a slice of no interest to the plan exports nothing.
    """
    w, slices = d.workloads, range(d.n_slices)
    shed = [q for q, i in enumerate(d.class_workload.tolist()) if w.sheddable[i]]
    moving = [n for n, i in enumerate(d.splits.workload.tolist()) if w.move_share[i] < 1]
    m.export_unserved = pyo.Var(slices, shed)
    m.export_served = pyo.Var(slices, moving)
    m.export_spend = pyo.Var(slices, [0] if d.budget < float("inf") else [])


def connect_exports(m: Any, slices: list[Any], d: Data) -> None:
    """The same exports, connected to the variables of the slice models."""
    for name in EXPORTS:
        found = {(s, i): var for s, block in enumerate(slices) for i, var in getattr(block, name, {}).items()}
        setattr(m, f"export_{name}", found)
