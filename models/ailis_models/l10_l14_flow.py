"""L10 to L14, orchestration and flow: latency, interruption, failover, movement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Floats, members
from ailis_models.families import Rows, family


def in_time(rtt_ms: Floats, profile_ms: Floats, limit_ms: Floats) -> Bools:
    """True where round trip and service stay within the latency limit (NaN: no limit)."""
    return np.isnan(limit_ms) | (rtt_ms + profile_ms <= limit_ms * (1 + 1e-12))


def erlang_c(servers: int, load: float) -> float:
    """Probability that a request waits, M/M/c with c servers and offered load a = λ/μ < c   [1] (Erlang 1917).

    C = B / (1 − ρ·(1 − B)) with ρ = a/c and Erlang-B by its recursion B_n = a·B_{n−1} / (n + a·B_{n−1}), stable for any size.
    For instance authors: P(W > T) = C·exp(−(cμ − λ)·T) turns replicas into the latency that a profile may promise.
    Raises ValueError where load >= servers (the queue grows without end).
    """
    if not 0 <= load < servers:
        raise ValueError(f"the offered load {load:g} is not below the {servers} servers")
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def young_interval(checkpoint: Floats, mtbf: Floats) -> Floats:
    """Checkpoint interval of least waste, first order: sqrt(2·C·M) (Young 1974). Same time unit in and out."""
    return np.sqrt(2 * checkpoint * mtbf)


def daly_interval(checkpoint: float, mtbf: float) -> float:
    """The higher-order interval of Daly 2006, eq. 37: sqrt(2CM)·(1 + sqrt(C/2M)/3 + C/(18M)) − C for C < 2M, else M."""
    if checkpoint >= 2 * mtbf:
        return mtbf
    ratio = checkpoint / (2 * mtbf)
    return float(np.sqrt(2 * checkpoint * mtbf) * (1 + np.sqrt(ratio) / 3 + ratio / 9) - checkpoint)


def checkpoint_waste(checkpoint: Floats, restart: Floats, mtbf: Floats) -> Floats:
    """Share of time lost to checkpoints, lost work and restarts at Young's interval.

    C/τ + τ/(2M) + R/M with τ = sqrt(2CM)  =  sqrt(2C/M) + R/M
    """
    return np.sqrt(2 * checkpoint / mtbf) + restart / mtbf


def _interruptible_routes(d: Data) -> dict[int, list[int]]:
    """Routes on interruptible pools of each workload that limits them."""
    found: dict[int, list[int]] = {}
    for r, (w, p) in enumerate(zip(d.routes.workload.tolist(), d.routes.pool.tolist(), strict=True)):
        if d.pools.interruptible[p] and d.workloads.interruptible_share[w] < 1:
            found.setdefault(w, []).append(r)
    return found


@family("L10-L14", "slice", unit="outcome", index=("workload",), kind="flow")
def interruptible(m: Any, d: Data) -> Rows:
    """At most a share of the demand is served on capacity that may be taken away.

    Σ_{r in w, interruptible} rate[r]·H·replicas[r] <= max_interruptible_share · demand[w]   [outcomes]
    """
    for w, routes in _interruptible_routes(d).items():
        served = pyo.quicksum(m.rate[r] * m.hours[0] * m.replicas[r] for r in routes)
        yield w, served <= float(d.workloads.interruptible_share[w]) * m.workload_demand[w]


@family("L10-L14", "scenario", unit="outcome", index=("workload",), kind="flow")
def training_interruptible(m: Any, d: Data) -> Rows:
    """The same for training, over the horizon: Σ_{j interruptible, t} output[j,t] <= share · total[w]   [outcomes]."""
    jobs: dict[int, list[int]] = {}
    for j, (w, p) in enumerate(zip(d.jobs.workload.tolist(), d.jobs.pool.tolist(), strict=True)):
        if d.pools.interruptible[p] and d.workloads.interruptible_share[w] < 1:
            jobs.setdefault(w, []).append(j)
    for w, found in jobs.items():
        limit = float(d.workloads.interruptible_share[w]) * m.total[w]
        yield w, pyo.quicksum(m.output[j, t] for j in found for t in range(d.periods)) <= limit


@family("L10-L14", "slice", unit="outcome", index=("workload", "region"), kind="definition")
def regional(m: Any, d: Data) -> Rows:
    """Outcomes of a workload served in a region: Σ_{r in (w,k)} rate[r]·H·replicas[r] = served[w,k]   [outcomes]."""
    routes: dict[tuple[int, int], list[int]] = {}
    for r, pair in enumerate(zip(d.routes.workload.tolist(), d.routes.region.tolist(), strict=True)):
        routes.setdefault(pair, []).append(r)
    for n, (w, k) in enumerate(zip(d.splits.workload.tolist(), d.splits.region.tolist(), strict=True)):
        total = pyo.quicksum(m.rate[r] * m.hours[0] * m.replicas[r] for r in routes.get((w, k), ()))
        yield (w, k), total - m.served[n] == 0


@family("L10-L14", "slice", unit="outcome", index=("workload", "region"), kind="definition")
def readiness(m: Any, d: Data) -> Rows:
    """Outcomes that a region could serve with its standby: served[w,k] + Σ_{b in (w,k)} rate[b]·H·standby[b] = ready[w,k]   [outcomes]."""
    spare: dict[tuple[int, int], list[int]] = {}
    for b, pair in enumerate(zip(d.standby.workload.tolist(), d.standby.region.tolist(), strict=True)):
        spare.setdefault(pair, []).append(b)
    for n in m.ready:
        w, k = int(d.splits.workload[n]), int(d.splits.region[n])
        waiting = pyo.quicksum(m.standby_rate[b] * m.hours[0] * m.standby[b] for b in spare.get((w, k), ()))
        yield (w, k), m.served[n] + waiting - m.ready[n] == 0


@family("L10-L14", "slice", unit="outcome", index=("workload", "region"), kind="flow")
def failover(m: Any, d: Data) -> Rows:
    """After the loss of any one region the others, with standby, cover a share of the demand.

    Σ_{k' != k} ready[w,k'] >= failover_share · demand[w]  for every region k   [outcomes]   (N−1 criterion)
    """
    of_workload = members(d.splits.workload, len(d.workloads.training))
    for n in m.ready:
        w, k = int(d.splits.workload[n]), int(d.splits.region[n])
        others = pyo.quicksum(m.ready[o] for o in of_workload[w] if o != n)
        yield (w, k), float(d.workloads.failover_share[w]) * m.workload_demand[w] - others <= 0


def _regional_share(m: Any, d: Data, n: int, t: int) -> Any:
    """Share of the workload's demand of period t that split n serves."""
    slices = [s for s, period in enumerate(d.calendar.slice_period[: d.scenario_slices].tolist()) if period == t]
    w = t * len(d.workloads.training) + int(d.splits.workload[n])
    return pyo.quicksum(m.demand_share[w] * m.export_served[s, n] for s in slices)


def _moves(m: Any, d: Data) -> list[tuple[int, int]]:
    """(split, period) where the period and the one before it both have demand."""
    busy = (d.scenarios.demand_share > 0).any(axis=0).reshape(d.periods, -1)
    return [(n, t) for n, t in m.moved if busy[t - 1, d.splits.workload[n]] and busy[t, d.splits.workload[n]]]


@family("L10-L14", "scenario", unit="share of demand", index=("split", "period"), kind="definition")
def arrivals(m: Any, d: Data) -> Rows:
    """moved[n,t] is at least what the region's share gains: share[n,t] − share[n,t−1] <= moved[n,t]   [1]."""
    for n, t in _moves(m, d):
        yield (n, t), _regional_share(m, d, n, t) - _regional_share(m, d, n, t - 1) - m.moved[n, t] <= 0


@family("L10-L14", "scenario", unit="share of demand", index=("split", "period"), kind="definition")
def departures(m: Any, d: Data) -> Rows:
    """moved[n,t] is at least what the region's share loses: share[n,t−1] − share[n,t] <= moved[n,t]   [1]."""
    for n, t in _moves(m, d):
        yield (n, t), _regional_share(m, d, n, t - 1) - _regional_share(m, d, n, t) - m.moved[n, t] <= 0


@family("L10-L14", "scenario", unit="share of demand", index=("workload", "period"), kind="flow")
def movement(m: Any, d: Data) -> Rows:
    """At most a share of a workload changes region from one period to the next.

    ½ · Σ_k |share[w,k,t] − share[w,k,t−1]| <= max_move_share   [1]   (total-variation distance of the regional splits)
    """
    splits: dict[tuple[int, int], list[int]] = {}
    for n, t in _moves(m, d):
        splits.setdefault((int(d.splits.workload[n]), t), []).append(n)
    for (w, t), found in splits.items():
        yield (w, t), pyo.quicksum(0.5 * m.moved[n, t] for n in found) <= m.move_limit[t * len(d.workloads.training) + w]


FAMILIES = (interruptible, training_interruptible, regional, readiness, failover, arrivals, departures, movement)
