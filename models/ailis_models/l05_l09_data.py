"""L5 to L9, data and context: where datasets may be, where they are held, and what moving data costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo

from ailis_models.arrays import Bools, Data, Relaxable
from ailis_models.families import Bound, Bounds, Rows, family


def permits(dataset_jurisdictions: Sequence[str], region_jurisdictions: Sequence[str]) -> bool:
    """True if the dataset may be in the region: no rule, or one jurisdiction in common."""
    return not dataset_jurisdictions or not set(dataset_jurisdictions).isdisjoint(region_jurisdictions)


def _pairs(d: Data) -> list[tuple[int, int, int]]:
    """(workload, region, placement) for every workload that needs the placement's dataset."""
    at = zip(d.placements.dataset.tolist(), d.placements.region.tolist(), strict=True)
    return [(w, k, i) for i, (dataset, k) in enumerate(at) for w in d.placements.needed_by[dataset]]


@family("L5-L9", "slice", unit="outcome", index=("workload", "region", "placement"), kind="flow")
def data_in_place(m: Any, d: Data) -> Rows:
    """A workload is served, and stands by, only where its datasets are held.

    served[w,k] <= demand[w] · placed[i]   [outcomes]; with a failover share: ready[w,k] <= demand[w] · placed[i]

    The coefficient is never above the demand it switches: a region never needs to be ready for more than the whole demand.
    """
    split = {pair: n for n, pair in enumerate(zip(d.splits.workload.tolist(), d.splits.region.tolist(), strict=True))}
    for w, k, i in _pairs(d):
        if (w, k) in split:
            n = split[w, k]
            held = m.ready[n] if n in m.ready else m.served[n]
            yield (w, k, i), held - m.workload_demand[w] * m.placed[i] <= 0


@family("L5-L9", "scenario", unit="outcome", index=("workload", "region", "placement"), kind="flow")
def training_data_in_place(m: Any, d: Data) -> Rows:
    """A training job runs only where its datasets are held: Σ_{j in k, t} output[j,t] <= total[w] · placed[i]   [outcomes]."""
    jobs: dict[tuple[int, int], list[int]] = {}
    for j, pair in enumerate(zip(d.jobs.workload.tolist(), d.jobs.region.tolist(), strict=True)):
        jobs.setdefault(pair, []).append(j)
    for w, k, i in _pairs(d):
        if (w, k) in jobs:
            produced = pyo.quicksum(m.output[j, t] for j in jobs[w, k] for t in range(d.periods))
            yield (w, k, i), produced - m.total[w] * m.placed[i] <= 0


def bounds(d: Data, r: Relaxable, on: Bools) -> Bounds:
    """Not enforced: data may be in any region, and a workload runs where its data are not held. So no copy is placed for its sake.

    placed[i] = 0 where nobody who needs the dataset is held to this layer. Egress to users is a price, not a limit: it stays.
    """
    asked = [any(on[w] for w in d.placements.needed_by[dataset]) for dataset in d.placements.dataset.tolist()]
    yield Bound("placed", np.where(np.array(asked, dtype=bool), 1.0, 0.0))


FAMILIES = (data_in_place, training_data_in_place)


def plan_cost(m: Any, d: Data) -> Any:
    """Storage of datasets at their homes."""
    return d.placements.home_cost


def scenario_cost(m: Any, d: Data) -> Any:
    """Replication, refresh and storage of placed datasets: Σ_i copy_cost[i] · placed[i]."""
    return pyo.quicksum(m.copy_cost[i] * placed for i, placed in m.placed.items())


def slice_cost(m: Any, d: Data) -> Any:
    """Egress to users: Σ_r egress_cost[r] · rate[r] · H · replicas[r]   [money/outcome · outcome/replica-hour · h · replicas]."""
    charged = [r for r in range(len(d.routes.pool)) if d.slices.egress_cost[:, r].any()]
    return pyo.quicksum(m.egress_cost[r] * m.rate[r] * m.hours[0] * m.replicas[r] for r in charged)
