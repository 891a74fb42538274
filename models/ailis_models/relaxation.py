"""What is left of the program when only some layers are enforced.

A layer that is not enforced (1) closes no route: its blocker bits are ignored; (2) frees its rows, but for definitions and those that
*stand* (demand, and that a GPU must be paid for to run); (3) has the bounds that its module says (`bounds`); (4) lets what is whole for
its sake be divided (`DIVISIBLE`). Its prices stay: energy, egress, storage and what capacity costs are no limits. Every plan of a set of
layers is a plan of each of its subsets at no higher cost, so z(S) <= z(T) for S ⊆ T.

All of it is bounds of one program, `Data.relaxable`: nothing is built or stamped again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ailis_models import contracts, l01_fabric, l05_l09_data, l16_domain
from ailis_models.arrays import Bools, Data, Floats, Ints, Relaxable
from ailis_models.families import Bound, Bounds
from ailis_models.layers import LAYERS, layer_mask

Enforced = Mapping[str, Bools]
"""Per layer, (W,) the workloads held to it. One that limits all of them together (power, supply, market terms) is enforced if any is."""

BOUNDS: dict[str, Callable[[Data, Relaxable, Bools], Bounds]] = {
    "L1.supply": l01_fabric.supply_bounds,
    "L1.topology": l01_fabric.topology_bounds,
    "L5-L9": l05_l09_data.bounds,
    "L16": l16_domain.bounds,
    "contract": contracts.bounds,
}
"""The bounds of each layer that has any."""

DIVISIBLE: dict[str, tuple[str, ...]] = {"L1.topology": ("gangs",), "contract": ("whole_hired",)}
"""Variables that are whole for a layer's sake."""


def everything(workloads: int) -> dict[str, Bools]:
    """Every layer enforced for every workload."""
    return {layer.id: np.ones(workloads, dtype=bool) for layer in LAYERS}


def only(layers: frozenset[str], workloads: int) -> dict[str, Bools]:
    """The given layers enforced for every workload, the others for none."""
    return {layer.id: np.full(workloads, layer.id in layers) for layer in LAYERS}


@dataclass(frozen=True, slots=True)
class Closed:
    """Which routes are closed in each scenario: (Z, R), (Z, B) and (Z, J)."""

    routes: Bools
    standby: Bools
    jobs: Bools


def closed(d: Data, r: Relaxable, enforced: Enforced) -> Closed:
    """Routes that the enforced layers close."""
    mask = np.zeros(len(d.workloads.training), dtype=np.int64)
    for layer in LAYERS:
        mask |= np.where(enforced[layer.id], layer_mask(layer.id), 0)

    def hit(blockers: Ints, workload: Ints) -> Bools:
        return np.asarray((blockers & mask[workload]) != 0)

    return Closed(
        hit(r.route_blockers, d.routes.workload), hit(r.standby_blockers, d.standby.workload), hit(r.job_blockers, d.jobs.workload)
    )


def bounds(d: Data, enforced: Enforced) -> Bounds:
    """All bounds, those of closed routes first."""
    r = d.relaxable
    if r is None:
        raise ValueError("layers can only be dropped from data that were prepared for it")
    shut = closed(d, r, enforced)

    def upper(hit: Bools) -> Floats:
        return np.where(hit, 0.0, np.inf)

    of = d.calendar.slice_scenario if d.n_scenarios > 1 else [0]
    yield Bound("replicas", upper(shut.routes)[of])
    yield Bound("standby", upper(shut.standby)[of])
    yield Bound("gangs", np.repeat(upper(shut.jobs)[:, None, :], d.periods, axis=1))
    for layer, of_layer in BOUNDS.items():
        yield from of_layer(d, r, enforced[layer])
