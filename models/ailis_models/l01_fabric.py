"""L1, compute fabric: supply (lots, quotas, capacity of pools), memory (routes) and topology (gangs, packing)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Floats, Ints, Relaxable, somewhere
from ailis_models.families import Bound, Bounds, Rows, family


def fits_memory(weights_gb: Floats, kv_gb_per_sequence: Floats, sequences: Floats, gpus: Floats, memory_gb: Floats) -> Bools:
    """L1.memory: weights and the KV cache of the sequences in flight fit the HBM of a replica's GPUs.

    weights_gb + kv_gb_per_sequence · sequences <= gpus · memory_gb   [GB], all arrays of one shape
    """
    need: Floats = weights_gb + kv_gb_per_sequence * sequences
    return need <= gpus * memory_gb * (1 + 1e-12)


def kv_bytes_per_token(layers: int, kv_heads: int, head_dim: int, bytes_per_value: float) -> float:
    """KV cache of one token: keys and values of every layer, 2·layers·kv_heads·head_dim·bytes   [byte] (grouped-query attention).

    For instance authors: `kv_gb_per_sequence` is this times the tokens in flight of one sequence, ÷ 1e9.
    """
    return 2 * layers * kv_heads * head_dim * bytes_per_value


def fits_topology(gpus: Floats, scaleup_gpus: Floats, cluster_gpus: Floats, gang: Bools) -> Bools:
    """L1.topology: a serving replica stays inside one scale-up domain, a gang inside one cluster."""
    return np.where(gang, gpus <= cluster_gpus, gpus <= scaleup_gpus)


def gpus_taken(gpus: Ints, scaleup_gpus: Ints) -> Floats:
    """GPUs that a replica of g GPUs really takes in scale-up domains of D.

    D / floor(D / g) if g <= D (what does not pack is lost), else whole domains: ceil(g / D) · D
    """
    inside = np.maximum(scaleup_gpus // np.maximum(gpus, 1), 1)
    return np.where(gpus <= scaleup_gpus, scaleup_gpus / inside, -(-gpus // scaleup_gpus) * scaleup_gpus).astype(np.float64)


@family("L1.supply", "slice", unit="GPU", index=("pool",), kind="definition")
def use(m: Any, d: Data) -> Rows:
    """GPUs of a pool that run: what replicas, standby and gangs take.

    Σ_{r in p} gpus[r]·replicas[r] + Σ_{b in p} gpus[b]·standby[b] = used[p]   [GPU]

    Where gangs may run no such row is written; the sum stands in the other rows itself.
    """
    for p, taken in enumerate(m.taken):
        if p in m.used:
            yield p, taken - m.used[p] == 0


@family("L1.supply", "slice", unit="GPU", index=("pool",), stands=True)
def capacity(m: Any, d: Data) -> Rows:
    """GPUs that run in a pool are in force or hired, less what is unavailable.

    running[p] <= Σ_{k in p} available[k]·owned[k] + Σ_{v in k} available[k]·called[v]
                  + Σ_{h in p} available[h]·lot_gpus[h]·hired[h]   [GPU]

    Where layers are compared, capacity by the hour stands beside what is hired, and spare[p] is added.
    """
    for p, supply in enumerate(_supply(m, d)):
        usable = [available * gpus * lots for available, gpus, lots in supply] + ([m.spare[p]] if p in m.spare else [])
        yield p, m.running[p] - pyo.quicksum(usable) <= 0


def _supply(m: Any, d: Data) -> list[list[tuple[Any, float, Any]]]:
    """Per pool: (usable share, GPUs of a lot, lots) of everything that is in force and paid, or hired."""
    supply: list[list[tuple[Any, float, Any]]] = [[] for _ in d.pools.region]
    for k, p in enumerate(d.committed.tranche_pool.tolist()):
        supply[p].append((m.owned_available[k], 1.0, m.owned[k]))
    for v, o in enumerate(d.committed.callable.tolist()):
        k = int(d.committed.tranche[o])
        supply[int(d.committed.tranche_pool[k])].append((m.owned_available[k], 1.0, m.called[v]))
    for h, (p, lot) in enumerate(zip(d.hired.pool.tolist(), d.hired.lot_gpus.tolist(), strict=True)):
        supply[p].append((m.hired_available[h], lot, m.hired[h]))
    for y, p in enumerate(d.relaxable.by_hour_pool.tolist() if d.relaxable else []):
        supply[p].append((m.by_hour_available[y], 1.0, m.by_hour[y]))
    return supply


@family("L1.supply", "slice", unit="GPU", index=("pool",), kind="definition")
def spares(m: Any, d: Data) -> Rows:
    """Without the limits of supply nothing is out of service: what availability takes away is usable, too.

    spare[p] <= Σ_{k in p} (1 − available[k])·owned[k] + Σ_{h in p} (1 − available[h])·lot_gpus[h]·hired[h]   [GPU]

    Written only where layers are compared; spare[p] is 0 where the layer is enforced.
    """
    if d.relaxable:
        supply = _supply(m, d)
        for p in m.spare:
            yield p, m.spare[p] - pyo.quicksum((1 - available) * gpus * lots for available, gpus, lots in supply[p]) <= 0


@family("L1.supply", "plan", unit="lot", index=("group", "period"))
def shared_lots(m: Any, d: Data) -> Rows:
    """Offers of one group have the lots on offer together: Σ_{o in g} in_force[o,t] <= group_most[g]   [lots]."""
    for g, offers in enumerate(d.committed.groups):
        for t in range(d.periods):
            yield (g, t), pyo.quicksum(m.in_force[o, t] for o in offers) <= float(d.committed.group_most[g])


@family("L1.supply", "plan", unit="lot", index=("group", "period"))
def shared_starts(m: Any, d: Data) -> Rows:
    """Offers of one group start no more lots in a period together than one may: Σ_{o in g} lots[o,t] <= group_starts[g]   [lots]."""
    for g, offers in enumerate(d.committed.groups):
        if np.isfinite(d.committed.group_starts[g]):
            for t in range(d.periods):
                yield (g, t), pyo.quicksum(m.lots[o, t] for o in offers) <= float(d.committed.group_starts[g])


@family("L1.supply", "slice", unit="lot", index=("group",))
def shared_by_hour(m: Any, d: Data) -> Rows:
    """The same for their capacity by the hour.

    Σ_{y in g} by_hour[y] ÷ lot_gpus[y] <= group_most[g]   [lots]

    Written only where layers are compared; by_hour[y] is 0 where market terms are enforced.
    """
    for g, offers in enumerate(d.committed.groups if d.relaxable else ()):
        lots = pyo.quicksum(m.by_hour[o] * (1 / float(d.committed.lot_gpus[o])) for o in offers)
        yield g, lots <= float(d.committed.group_most[g])


@family("L1.topology", "scenario", unit="gang", index=("workload", "pool", "profile", "period"), kind="flow")
def gangs_in_chosen_pool(m: Any, d: Data) -> Rows:
    """A training workload that may not move runs all its gangs in one pool.

    gangs[j,t] <= most[t,j] · chosen[w,p]   [gangs]; most = gangs that would do the whole job in t, so no big-M
    """
    may_run = somewhere(d.scenarios.job_most)
    for j, (w, p) in enumerate(zip(d.jobs.workload.tolist(), d.jobs.pool.tolist(), strict=True)):
        for t in range(d.periods):
            at = t * len(d.jobs.workload) + j
            if (w, p) in m.chosen and may_run[at]:
                yield (j, t), m.gangs[j, t] - m.job_most[at] * m.chosen[w, p] <= 0


@family(
    "L1.topology",
    "scenario",
    unit="gang",
    index=("workload", "pool", "profile", "period"),
    kind="definition",
    implied_by=("L0", "L1.supply", "L1.topology", "L16"),
)
def gangs_held(m: Any, d: Data) -> Rows:
    """A chosen pool runs no more gangs than its capacity, its power and the time between release and deadline let it hold.

    gangs[j,t] <= held[t,j] · chosen[w,p]   [gangs]; held = 0 where a pool could not do all of a job

    Written only where layers are compared; elsewhere `most` is no more than this.
    """
    if d.relaxable:
        fewer = somewhere(d.scenarios.job_short)
        for j, (w, p) in enumerate(zip(d.jobs.workload.tolist(), d.jobs.pool.tolist(), strict=True)):
            for t in range(d.periods):
                at = t * len(d.jobs.workload) + j
                if (w, p) in m.chosen and fewer[at]:
                    yield (j, t), m.gangs[j, t] - (m.job_most[at] - m.job_short[at]) * m.chosen[w, p] <= 0


@family("L1.topology", "scenario", unit="pool", index=("workload",), kind="flow")
def one_pool(m: Any, d: Data) -> Rows:
    """One pool is chosen, or none where the job may be left undone: Σ_p chosen[w,p] = 1 (<= 1)   [pools]."""
    pools: dict[int, list[int]] = {}
    for w, p in m.chosen:
        pools.setdefault(w, []).append(p)
    for w, choices in pools.items():
        total = pyo.quicksum(m.chosen[w, p] for p in choices)
        yield w, total <= 1 if d.workloads.sheddable[w] or d.scenarios.total[:, w].min() <= 0 else total == 1


@family("L1.topology", "scenario", unit="gang", index=("workload", "pool"), kind="definition")
def gangs_needed(m: Any, d: Data) -> Rows:
    """A chosen pool runs at least the gangs that the job needs there; implied by whole gangs, but not by their relaxation.

    gangs_needed[w,p] · chosen[w,p] <= Σ_{j in p, t} gangs[j,t]   [gangs]

    gangs_needed[w,p] = ceil(least outcomes[w] / max_{j in p, t} rate[j]·hours[t])
    """
    jobs: dict[tuple[int, int], list[int]] = {}
    for j, pair in enumerate(zip(d.jobs.workload.tolist(), d.jobs.pool.tolist(), strict=True)):
        jobs.setdefault(pair, []).append(j)
    some = somewhere(d.scenarios.gangs_needed)
    for i, (w, p) in enumerate(m.chosen):
        if some[i]:
            running = pyo.quicksum(m.gangs[j, t] for j in jobs[w, p] for t in range(d.periods))
            yield (w, p), m.gangs_needed[i] * m.chosen[w, p] - running <= 0


def supply_bounds(d: Data, r: Relaxable, on: Bools) -> Bounds:
    """Not enforced: as many lots as all demand could use, from any period on; no quota; nothing is out of service.

    lots[o,t] = 0 outside the window of the offer (lead time, first and last start), else at most what may start in a period;
    in_force[o,t] <= lots on offer; hired[h] <= quota of the slice;
    by_hour[y] <= GPUs on offer; spare[p] = 0. What a GPU costs stays, and so does that it must be in force or hired to run.
    """
    enforced = bool(on.any())
    periods, pools = d.periods, len(d.pools.region)
    offered = r.lots_on_offer if enforced else d.committed.most
    starts = np.minimum(offered, r.starts_on_offer)
    yield Bound("lots", np.where(r.lots_window, starts, 0.0) if enforced else np.tile(offered, (periods, 1)))
    yield Bound("in_force", np.tile(offered, (periods, 1)))
    yield Bound("hired", r.hired_on_offer if enforced else d.slices.hire_most)
    yield Bound("by_hour", r.by_hour_on_offer if enforced else r.by_hour_useful)
    if enforced:
        yield Bound("gangs", r.job_on_offer)
    yield Bound("spare", np.full((1, pools), 0.0 if enforced else np.inf))


def topology_bounds(d: Data, r: Relaxable, on: Bools) -> Bounds:
    """Not enforced: replicas may leave their domain and take just their GPUs, gangs need no cluster, may be spread and run in part.

    Replicas and gangs that take what they would take if nothing were lost to packing are routes of their own, which this layer closes.
    chosen[w,p] = 0 of a workload for which it is not enforced: its gangs may be in many pools, in fractions.
    """
    yield Bound("chosen", np.tile(np.where(on, np.inf, 0.0), (len(d.pools.region), 1)))


FAMILIES = (use, capacity, spares, shared_lots, shared_starts, shared_by_hour, gangs_in_chosen_pool, gangs_held, one_pool, gangs_needed)


def slice_cost(m: Any, d: Data) -> Any:
    """Hired capacity: Σ_h hired[h] · lot_gpus[h] · H · hire_price[h]   [lots · GPU/lot · h · money/GPU-hour]."""
    lot = d.hired.lot_gpus.tolist()
    return pyo.quicksum(m.hire_price[h] * m.hours[0] * lot[h] * var for h, var in m.hired.items())
