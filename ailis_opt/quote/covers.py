"""What of the planner's need a contract covers, and what stays exposed, layer by layer.

The need is what the best plan without the contract uses: GPU-hours by workload, user geo and slice, and what they cost. A part of it stays
exposed to a layer where that layer closes every route of the workload to the contract's pool; what could run there stays exposed to the
contract's own terms in the periods in which it is not in force, to supply where there are not lots enough, and to the price of energy where
that is metered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Floats
from ailis_models.layers import LAYERS, layer_mask
from ailis_opt.prepare import Prepared
from ailis_opt.schema.checklist import Attribute, checklist, summed
from ailis_opt.schema.instance import Instance

NO_PROFILE = "L2"
"""Where a workload has no profile on the SKU, nobody knows whether it runs there at all."""


@dataclass(frozen=True, slots=True)
class Cover:
    """One layer: what the contract says of it, and the need that stays exposed to it: GPU-hours, and what they cost without it [money].

    `workloads`: those whose need it is, with their GPU-hours.
    """

    layer: str
    covered: str
    attributes: tuple[Attribute, ...]
    exposed: float
    exposed_cost: float
    workloads: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Covers:
    """Need, the part of it that the contract could serve at most [GPU-hours], and every layer."""

    need: float
    served: float
    layers: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """GPUs of each asker in each slice, and what a GPU-hour of its workload costs."""

    gpus: Floats  # (S, A)
    hours: Floats  # (S, 1)
    price: Floats  # (A,)

    def total(self, gpus: Floats) -> tuple[Floats, float]:
        """(A,) GPU-hours, and their cost."""
        of_asker: Floats = (gpus * self.hours).sum(axis=0)
        return of_asker, float(of_asker @ self.price)


def covers(instance: Instance, p: Prepared, offer: str, contract: Mapping[str, Any], tables: Mapping[str, pd.DataFrame] | None) -> Covers:
    """`instance`, `p`: with the contract on offer as `offer`; `contract`: its row of the sheet; `tables`: the best plan without it."""
    p = _typical(p)
    row = p.supply.offers[p.supply.offers["offer"] == offer].iloc[0]
    sku, region = (
        dict(instance.tables[table].set_index(key, drop=False).loc[row[key]]) for table, key in (("skus", "sku"), ("regions", "region"))
    )
    need = _need(instance, p, tables)
    open_, blame = _closed(p, int(row["pool"]))
    servable = np.where(open_, need.gpus, 0.0)
    inside, most = _presence(p, row)
    reached = np.where(inside[:, None], servable, 0.0)
    total = reached.sum(axis=1, keepdims=True)
    held = reached * np.minimum(1.0, most / np.where(total > 0, total, 1.0))
    exposed = {name: np.where(hit, need.gpus, 0.0) for name, hit in blame.items()}
    exposed["contract"], exposed["L1.supply"] = servable - reached, reached - held
    exposed["L0"] = held if row["power"] == "metered" else np.zeros_like(held)
    energy = float((held.sum(axis=1) * (need.hours * p.data.slices.kw * p.data.slices.energy_price)[:, int(row["pool"])]).sum())
    names, listed = instance.tables["workloads"]["workload"].tolist(), checklist(contract, sku, region)
    found = []
    for layer in LAYERS:
        of_asker, cost = need.total(exposed.get(layer.id, np.zeros_like(held)))
        by = np.bincount(p.askers.workload, of_asker, minlength=len(names))
        whose = {names[w]: float(by[w]) for w in np.flatnonzero(by > 1e-9).tolist()}
        attributes = listed[layer.id]
        found.append(Cover(layer.id, summed(attributes), attributes, float(of_asker.sum()), energy if layer.id == "L0" else cost, whose))
    return Covers(float(need.total(need.gpus)[0].sum()), float(need.total(held)[0].sum()), tuple(found))


def _typical(p: Prepared) -> Prepared:
    """The slices of one scenario, with what is open in any: `tables` are means over all of them."""
    return replace(p, data=p.cases[0].prepared.data) if p.cases else p


def _need(instance: Instance, p: Prepared, tables: Mapping[str, pd.DataFrame] | None) -> _Need:
    slices, askers = p.data.n_slices, list(zip(p.askers.workload.tolist(), p.askers.geo, strict=True))
    hours, gpus = p.data.slices.hours, np.zeros((slices, len(askers)))
    if tables is None:
        return _Need(gpus, hours, np.zeros(len(askers)))
    names = pd.Index(instance.tables["workloads"]["workload"])
    blocks = [b.block for b in instance.header.horizon.blocks]
    at = pd.MultiIndex.from_tuples(askers)
    served, training = tables["served"], tables["training"]
    a = at.get_indexer(pd.MultiIndex.from_arrays([names.get_indexer(served["workload"]), served["geo"]]))
    s = served["period"].to_numpy(np.int64) * len(blocks) + pd.Index(blocks).get_indexer(pd.Index(served["block"]))
    np.add.at(gpus, (s, a), (served["gpus"] + served["standby_gpus"]).to_numpy(float))
    for workload, period, amount in zip(training["workload"], training["period"], training["gpus"], strict=True):
        gpus[p.data.calendar.slice_period == period, askers.index((names.get_loc(workload), "any"))] += amount
    of_workload = np.bincount(p.askers.workload, (gpus * hours).sum(axis=0), minlength=len(names))
    cost = tables["costs"].groupby("workload")["amount"].sum().reindex(names, fill_value=0.0).to_numpy(float)
    price = np.divide(cost, of_workload, out=np.zeros(len(names)), where=of_workload > 0)
    return _Need(gpus, hours, price[p.askers.workload])


def _closed(p: Prepared, pool: int) -> tuple[Bools, dict[str, Bools]]:
    """(A,) who has an open route to the pool; and per layer who has none because of it: alone if it closes all, else with others."""
    mine = p.ways.pool[p.routes.way] == pool
    asker, blockers = p.routes.asker[mine], p.routes.blockers[mine]
    n = len(p.askers.geo)
    routes, open_ = np.bincount(asker, minlength=n), np.bincount(asker[blockers == 0], minlength=n) > 0
    hits = {layer.id: np.bincount(asker[(blockers & layer_mask(layer.id)) != 0], minlength=n) for layer in LAYERS}
    shut = ~open_ & (routes > 0)
    alone = np.any([(count == routes) & shut for count in hits.values()], axis=0)
    blame = {name: shut & np.where(alone, count == routes, count > 0) for name, count in hits.items()}
    blame[NO_PROFILE] |= routes == 0
    return open_, blame


def _presence(p: Prepared, row: pd.Series) -> tuple[Bools, float]:
    """(S,) whether the contract can be in force, and the usable GPUs of all its lots."""
    term = p.data.periods if np.isnan(row["term_periods"]) else int(row["term_periods"])
    t = p.data.calendar.slice_period
    inside = (t >= row["start"]) & (t < row["last_start"] + term)
    return np.asarray(inside), float(row["max_lots"] * row["lot_gpus"] * row["availability"])
