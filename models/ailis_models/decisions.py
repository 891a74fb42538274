"""The decisions: every variable of the program, and nothing else.

Plan scope is decided once, before anybody knows which scenario comes; scenario scope once per scenario; slice scope once per slice of a
scenario. A narrower scope reads the variables of wider ones through **ports** (of its own scenario, at its own period), and a wider one
reads those of the next through **exports** (of all its slices, of all scenarios). Both are declared here, so that the compiler and the
whole Pyomo model connect the scopes the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Floats

SLICE_PORTS = ("owned", "callable", "placed", "gangs")
SCENARIO_PORTS = ("placed", "in_force", "position", "spent", "value_at_risk")
PORTS = (*SLICE_PORTS, *SCENARIO_PORTS)
SLICE_EXPORTS = ("unserved", "served", "spend")
SCENARIO_EXPORTS = ("shortfall",)
LOTS = ("whole_lots", "whole_hired")


def _whole(whole: bool) -> Any:
    """Domain of a quantity that follows from lots. Said, not left to the solver to find: HiGHS 1.15 errs on integers that it infers."""
    return pyo.NonNegativeIntegers if whole else pyo.NonNegativeReals


def _whole_gpus(whole: Bools, lot: Floats, offers: Any, before: Floats) -> bool:
    """Whether GPUs that follow from the lots of some offers, and from those signed before, are whole numbers."""
    return bool(whole[offers].all() and (lot[offers] % 1 == 0).all() and (before % 1 == 0).all())


def plan_variables(m: Any, d: Data) -> None:
    """Decided once: lots, datasets, hedges.

    lots[o,t]      lots of committed offer o that start in period t
    in_force[o,t]  lots of o in force in t (those signed before stand apart)
    signed[o,t]    1 if any lot of o starts in t; only where a least number of lots is asked for
    owned[k,t]     GPUs of tranche k in force in t that are paid whether used or not, those signed before included
    callable[v,t]  GPUs of offer v in force in t that are paid only where they are used, those signed before included
    placed[i]      1 if placement i (dataset, region) is held
    obliged[0]     1 if lots signed before are paid whether used or not; a variable only where market terms may be dropped
    position[e]    lots of hedge e that are held, those held before included
    spent[0]       money that is spent whatever happens; only where the cost of a scenario counts
    value_at_risk[0], cvar[0]   of the cost, at the level of the risk measure; only where that counts
    """
    periods = range(d.periods)
    c = d.committed

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
    m.obliged = pyo.Var([0] if d.relaxable else [], bounds=(0.0, 1.0))
    h = d.hedges
    m.position = pyo.Var(
        range(len(h.most)),
        bounds=lambda _, e: (float(h.held[e]), float(h.held[e] + h.most[e])),
        domain=lambda _, e: _whole(bool(h.whole[e])),
    )
    m.spent = pyo.Var([0] if d.counts_cost else [])
    m.value_at_risk = pyo.Var([0] if d.risk.counts else [])
    m.cvar = pyo.Var([0] if d.risk.counts else [])


def scenario_variables(m: Any, d: Data) -> None:
    """Decided once in every scenario: training.

    gangs[j,t]     gangs of gang route j that run through period t
    output[j,t]    outcomes that they produce in t
    chosen[w,p]    1 if training workload w runs in pool p; only where it may not move
    undone[w]      outcomes of training workload w left unserved
    moved[n,t]     |change of the region's share| of split n from t-1 to t; only where movement is limited
    outlay[0]      all cost of the scenario; only where it counts
    shortfall[0]   what the cost of the scenario exceeds the value at risk by; only where the CVaR counts
    """
    jobs, w, periods = d.jobs, d.workloads, range(d.periods)
    m.gangs = pyo.Var(range(len(jobs.workload)), periods, domain=pyo.NonNegativeIntegers)
    for (j, t), var in m.gangs.items():
        var.setub(m.job_most[t * len(jobs.workload) + j])
    m.output = pyo.Var(range(len(jobs.workload)), periods, domain=pyo.NonNegativeReals)
    m.chosen = pyo.Var(list(zip(jobs.choice_workload.tolist(), jobs.choice_pool.tolist(), strict=True)), domain=pyo.Binary)
    m.undone = pyo.Var([i for i in range(len(w.training)) if w.training[i] and w.sheddable[i]], domain=pyo.NonNegativeReals)
    limited = [n for n, i in enumerate(d.splits.workload.tolist()) if w.move_share[i] < 1]
    m.moved = pyo.Var(limited, range(1, d.periods), domain=pyo.NonNegativeReals)
    m.outlay = pyo.Var([0] if d.counts_cost else [])
    m.shortfall = pyo.Var([0] if d.risk.counts else [], domain=pyo.NonNegativeReals)


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
    spend[0]     money spent in the slice; only where the cost of a scenario counts
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
    m.spend = pyo.Var([0] if d.counts_cost else [])


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
    """Stand-ins for what a slice reads: owned[k], callable[v], placed[i] of the plan, gangs[j] of the scenario, at the slice's period."""
    m.owned = pyo.Var(range(len(d.committed.tranche_pool)))
    m.callable = pyo.Var(range(len(d.committed.callable)))
    m.placed = pyo.Var(range(len(d.placements.dataset)))
    m.gangs = pyo.Var(range(len(d.jobs.workload)))


def connect_ports(m: Any, plan: Any, scenario: Any, d: Data, period: int) -> None:
    """The same ports, connected to the variables of the plan and of the slice's scenario at `period`."""
    m.owned = {k: plan.owned[k, period] for k in range(len(d.committed.tranche_pool))}
    m.callable = {v: plan.callable[v, period] for v in range(len(d.committed.callable))}
    m.placed = {i: plan.placed[i] for i in range(len(d.placements.dataset))}
    m.gangs = {j: scenario.gangs[j, period] for j in range(len(d.jobs.workload))}


def _late(d: Data) -> list[tuple[int, int]]:
    return list(zip(d.committed.late_offer.tolist(), d.committed.late_period.tolist(), strict=True))


def declare_scenario_ports(m: Any, d: Data) -> None:
    """Stand-ins for the plan variables that a scenario reads: placed[i], position[e], in_force[o,t] of what may come late, and money."""
    m.placed = pyo.Var(range(len(d.placements.dataset)))
    m.in_force = pyo.Var(_late(d))
    m.position = pyo.Var(range(len(d.hedges.most)))
    m.spent = pyo.Var([0] if d.counts_cost else [])
    m.value_at_risk = pyo.Var([0] if d.risk.counts else [])


def connect_scenario_ports(m: Any, plan: Any, d: Data) -> None:
    """The same ports, connected to the plan's variables."""
    m.in_force = {key: plan.in_force[key] for key in _late(d)}
    for name in ("placed", "position", "spent", "value_at_risk"):
        setattr(m, name, dict(getattr(plan, name).items()))


def declare_exports(m: Any, d: Data) -> None:
    """Stand-ins for the variables of its slices s that a scenario reads: export_unserved[s,q] and so on.

    Only what a row asks for is declared: a slice of no interest to its scenario exports nothing.
    """
    w, slices = d.workloads, range(d.scenario_slices)
    shed = [q for q, i in enumerate(d.class_workload.tolist()) if w.sheddable[i]]
    moving = [n for n, i in enumerate(d.splits.workload.tolist()) if w.move_share[i] < 1]
    m.export_unserved = pyo.Var(slices, shed)
    m.export_served = pyo.Var(slices, moving)
    m.export_spend = pyo.Var(slices, [0] if d.counts_cost else [])


def declare_scenario_exports(m: Any, d: Data) -> None:
    """Stand-ins for the variables of the scenarios z that the plan reads: export_shortfall[z,0]."""
    m.export_shortfall = pyo.Var(range(d.n_scenarios), [0] if d.risk.counts else [])


def connect_exports(m: Any, inner: list[Any], names: tuple[str, ...]) -> None:
    """The same exports, connected to the variables of the slice models of a scenario, or of the scenario models."""
    for name in names:
        found = {(s, i): var for s, block in enumerate(inner) for i, var in getattr(block, name, {}).items()}
        setattr(m, f"export_{name}", found)
