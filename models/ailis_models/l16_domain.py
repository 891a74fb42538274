"""L16, domain logic: demand, service floor, training deadlines, budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Relaxable, members, somewhere
from ailis_models.families import Bound, Bounds, Rows, family


@family("L16", "slice", unit="outcome", index=("class",), kind="flow", stands=True)
def demand(m: Any, d: Data) -> Rows:
    """Every outcome asked for is served, or counted as unserved where that is allowed.

    Σ_{r in q} rate[r]·H·replicas[r] + unserved[q] = demand[q]   [outcomes]
    """
    for q, routes in enumerate(members(d.routes.klass, len(d.class_workload))):
        served = pyo.quicksum(m.rate[r] * m.hours[0] * m.replicas[r] for r in routes)
        if q in m.unserved:
            yield q, served + m.unserved[q] == m.demand[q]
        else:
            yield q, served == m.demand[q]


@family("L16", "scenario", unit="outcome", index=("workload",), kind="flow", stands=True)
def training_done(m: Any, d: Data) -> Rows:
    """A training job is done by its deadline: Σ_{j,t} output[j,t] + undone[w] = total[w]   [outcomes]; gangs run in that time only."""
    for w, jobs in enumerate(members(d.jobs.workload, len(d.workloads.training))):
        if d.workloads.training[w] and d.workloads.asked[w]:
            done = pyo.quicksum(m.output[j, t] for j in jobs for t in range(d.periods))
            yield w, done + (m.undone[w] if w in m.undone else 0) == m.total[w]


@family("L16", "scenario", unit="outcome", index=("workload", "pool", "profile", "period"), kind="definition")
def training_output(m: Any, d: Data) -> Rows:
    """Gangs produce at their rate: output[j,t] <= rate[j] · hours[t] · gangs[j,t]   [outcomes]."""
    jobs = len(d.jobs.workload)
    may_run = somewhere(d.scenarios.job_most)
    for j in range(jobs):
        for t, hours in enumerate(d.calendar.period_hours.tolist()):
            if may_run[t * jobs + j]:
                yield (j, t), m.output[j, t] - m.job_rate[j] * hours * m.gangs[j, t] <= 0
            else:
                yield (j, t), m.output[j, t] <= 0


@family("L16", "scenario", unit="outcome", index=("workload",), kind="flow", stands=True)
def service_floor(m: Any, d: Data) -> Rows:
    """Over the horizon of every scenario at least a share of the demand is served: Σ unserved[q,s] <= (1 − min_service) · total[w]
    [outcomes].
    """
    w = d.workloads
    for i, classes in enumerate(members(d.class_workload, len(w.training))):
        limit = float(1 - w.min_service[i]) * m.total[i]
        if i in m.undone:
            yield i, m.undone[i] <= limit
        elif w.sheddable[i] and classes:
            yield i, pyo.quicksum(m.export_unserved[s, q] for s in range(d.scenario_slices) for q in classes) <= limit


def bounds(d: Data, r: Relaxable, on: Bools) -> Bounds:
    """Not enforced: a training job may run in any period, and the budget is dropped.

    gangs[j,t] = 0 outside release..deadline. Demand and the service floor stand: they are the outcomes whose cost is asked for, so that
    every cost is that of the same outcomes.
    """
    open_ = r.job_window | ~on[d.jobs.workload][None, :]
    yield Bound("gangs", np.where(open_, np.inf, 0.0))


FAMILIES = (demand, training_done, training_output, service_floor)


def scenario_cost(m: Any, d: Data) -> Any:
    """Penalty for training left undone: Σ_w unserved_cost[w] · undone[w]."""
    return pyo.quicksum(float(d.workloads.unserved_cost[w]) * m.undone[w] for w in m.undone)


def slice_cost(m: Any, d: Data) -> Any:
    """Penalty for outcomes left unserved: Σ_q unserved_cost[w] · unserved[q]."""
    price = d.workloads.unserved_cost[d.class_workload].tolist()
    return pyo.quicksum(price[q] * m.unserved[q] for q in m.unserved)


def scenario_lost(m: Any, d: Data) -> Any:
    """Weighted outcomes of training left undone (outcomes D = weighted demand − lost)."""
    return pyo.quicksum(float(d.workloads.weight[w]) * m.undone[w] for w in m.undone)


def slice_lost(m: Any, d: Data) -> Any:
    """Weighted outcomes of the slice left unserved."""
    weight = d.workloads.weight[d.class_workload].tolist()
    return pyo.quicksum(weight[q] * m.unserved[q] for q in m.unserved)
