"""The program of a synthetic instance written the linopy way: variables over (slice, item), one expression per family.

Same rows, columns and entries as the stamped program. Families that synthetic instances never use (training, least lots, movement,
budget) are left out.
"""

from __future__ import annotations

from typing import Any

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from ailis_models.arrays import Data, Ints

Array = xr.DataArray


def _index(name: str, n: int) -> pd.Index:
    return pd.RangeIndex(n, name=name)


class Writer:
    """One linopy model of one `Data`; `build` writes it."""

    def __init__(self, d: Data, sparse: bool = False) -> None:
        self.d = d
        self.m = linopy.Model(sparse=sparse)
        self.slice = _index("slice", d.n_slices)
        self.period = _index("period", d.periods)
        self.items = {
            "route": _index("route", len(d.routes.pool)),
            "spare": _index("spare", len(d.standby.pool)),
            "klass": _index("klass", len(d.class_workload)),
            "pool": _index("pool", len(d.pools.region)),
            "hired": _index("hired", len(d.hired.pool)),
            "split": _index("split", len(d.splits.workload)),
            "offer": _index("offer", len(d.committed.tranche)),
            "tranche": _index("tranche", len(d.committed.tranche_pool)),
            "placement": _index("placement", len(d.placements.dataset)),
            "workload": _index("workload", len(d.workloads.total)),
        }

    def build(self) -> Any:
        self._variables()
        self._plan()
        self._supply()
        self._service()
        self._limits()
        self._objective()
        return self.m

    def over(self, values: Any, item: str) -> Array:
        """(slice or nothing, item) data."""
        values = np.asarray(values)
        if values.ndim == 2 and len(values) == 1:
            values = values[0]
        dims = {item: self.items[item]} if values.ndim == 1 else {"slice": self.slice, item: self.items[item]}
        return Array(values, coords=dims, dims=list(dims))

    def group(self, expression: Any, by: Ints, dim: str, name: str) -> Any:
        """Sum over `dim` by group: one row of a family per group that occurs."""
        return expression.groupby(Array(by, coords={dim: self.items[dim]}, dims=[dim], name=name)).sum()

    def _variables(self) -> None:
        d, m, i, c = self.d, self.m, self.items, self.d.committed
        t = np.arange(d.periods)[None, :]
        peak = np.asarray(c.most)[:, None]
        window = (t >= c.first[:, None]) & (t <= c.last[:, None])
        most = Array(np.where(window, peak, 0.0), coords={"offer": i["offer"], "period": self.period})
        self.lots = m.add_variables(lower=0, upper=most, name="lots", integer=True)
        every = Array(np.repeat(peak, d.periods, axis=1), coords={"offer": i["offer"], "period": self.period})
        self.in_force = m.add_variables(lower=0, upper=every, name="in_force")
        self.owned = m.add_variables(lower=0, coords=[i["tranche"], self.period], name="owned")
        self.placed = m.add_variables(coords=[i["placement"]], name="placed", binary=True)
        self.replicas = m.add_variables(lower=0, coords=[self.slice, i["route"]], name="replicas")
        self.standby = m.add_variables(lower=0, coords=[self.slice, i["spare"]], name="standby")
        self.shed = np.flatnonzero(d.workloads.sheddable[d.class_workload])
        self.unserved = m.add_variables(lower=0, coords=[self.slice, i["klass"][self.shed]], name="unserved")
        self.used = m.add_variables(lower=0, coords=[self.slice, i["pool"]], name="used")
        self.hired = m.add_variables(lower=0, upper=self.over(d.slices.hire_most, "hired"), name="hired")
        self.served = m.add_variables(lower=0, coords=[self.slice, i["split"]], name="served")
        self.with_ready = np.flatnonzero(d.workloads.failover_share[d.splits.workload] > 0)
        self.ready = m.add_variables(lower=0, coords=[self.slice, i["split"][self.with_ready]], name="ready")
        hours = self.over(d.slices.hours[:, 0], "slice") if "slice" in i else Array(d.slices.hours[:, 0], coords={"slice": self.slice})
        self.hours = hours
        self.made = self.replicas * (self.over(d.slices.rate, "route") * hours)  # outcomes

    def _plan(self) -> None:
        d, m, i, c = self.d, self.m, self.items, self.d.committed
        for term in np.unique(c.term).tolist():
            mine = i["offer"][c.term == term]
            held, lots = self.in_force.sel(offer=mine), self.lots.sel(offer=mine)
            balance = held - held.shift(period=1).fillna(0) - lots
            ended = [lots.shift(period=term).fillna(0)] if term < d.periods else []
            m.add_constraints(sum(ended, balance), "=", 0, name=f"in_force_{term}")
        bought = self.group(self.in_force * self.over(c.lot_gpus, "offer"), c.tranche, "offer", "tranche")
        already = Array(c.already.T, coords={"tranche": i["tranche"], "period": self.period})
        m.add_constraints(self.owned - bought, "=", already, name="ownership")
        if len(self.shed):
            w = d.workloads
            of = d.class_workload[self.shed]
            by = Array(of, coords={"klass": i["klass"][self.shed]}, dims=["klass"], name="workload")
            limit = ((1 - w.min_service) * w.total)[np.unique(of)]
            floor = self.unserved.sum("slice").groupby(by).sum()
            m.add_constraints(floor, "<=", Array(limit, coords={"workload": np.unique(of)}), name="service_floor")

    def _supply(self) -> None:
        d, m, i = self.d, self.m, self.items
        taken = self.group(self.replicas * self.over(d.routes.gpus, "route"), d.routes.pool, "route", "pool")
        waiting = self.group(self.standby * self.over(d.standby.gpus, "spare"), d.standby.pool, "spare", "pool")
        m.add_constraints(self._joined(taken, waiting, self.used, -1.0), "=", 0, name="use")
        now = Array(d.calendar.slice_period, coords={"slice": self.slice}, dims=["slice"])
        owned = self.owned.sel(period=now) * self.over(d.slices.owned_available, "tranche")
        bought = self.group(owned, d.committed.tranche_pool, "tranche", "pool")
        lot = self.over(d.slices.hired_available * d.hired.lot_gpus, "hired")
        hired = self.group(self.hired * lot, d.hired.pool, "hired", "pool")
        m.add_constraints(self._joined(-1 * bought, -1 * hired, self.used, 1.0), "<=", 0, name="capacity")
        capped = np.isin(d.pools.region, d.capped)
        kw = self.over(d.slices.kw, "pool").isel(pool=capped) * 0.001
        region = Array(d.pools.region[capped], coords={"pool": i["pool"][capped]}, dims=["pool"], name="region")
        limit = Array(d.slices.cap_mw, coords={"slice": self.slice, "region": d.capped})
        m.add_constraints((self.used.isel(pool=capped) * kw).groupby(region).sum(), "<=", limit, name="power_cap")

    def _joined(self, first: Any, second: Any, base: Any, factor: float) -> Any:
        """factor · base + first + second over all pools; either part may lack some."""
        parts = [factor * base]
        for part in (first, second):
            parts.append(part.reindex({"pool": self.items["pool"]}).fillna(0))
        return linopy.merge(parts, cls=linopy.LinearExpression, join="outer")

    def _service(self) -> None:
        d, m, i = self.d, self.m, self.items
        asked = self.over(d.slices.demand, "klass")
        firm = np.setdiff1d(np.arange(len(d.class_workload)), self.shed)
        done = self.group(self.made, d.routes.klass, "route", "klass")
        m.add_constraints(done.sel(klass=firm), "=", asked.sel(klass=firm), name="demand_firm")
        if len(self.shed):
            m.add_constraints(done.sel(klass=self.shed) + self.unserved, "=", asked.sel(klass=self.shed), name="demand_soft")
        pairs = {pair: n for n, pair in enumerate(zip(d.splits.workload.tolist(), d.splits.region.tolist(), strict=True))}
        split = np.array([pairs.get(pair, -1) for pair in zip(d.routes.workload.tolist(), d.routes.region.tolist(), strict=True)])
        some = split >= 0
        by = Array(split[some], coords={"route": i["route"][some]}, dims=["route"], name="split")
        m.add_constraints(self.made.isel(route=some).groupby(by).sum() - self.served, "=", 0, name="regional")

        made = self.standby * (self.over(d.slices.standby_rate, "spare") * self.hours)
        spare = np.array([pairs[pair] for pair in zip(d.standby.workload.tolist(), d.standby.region.tolist(), strict=True)])
        waiting = self.group(made, spare, "spare", "split")
        m.add_constraints(self.served.isel(split=self.with_ready) + waiting - self.ready, "=", 0, name="readiness")

    def _limits(self) -> None:
        d, m, i, w = self.d, self.m, self.items, self.d.workloads
        wanted = self.over(d.slices.workload_demand, "workload")
        for k in np.unique(d.splits.workload[self.with_ready]).tolist():
            mine = self.with_ready[d.splits.workload[self.with_ready] == k]
            others = self._all_but_one(mine)
            m.add_constraints(others, ">=", float(w.failover_share[k]) * wanted.sel(workload=k, drop=True), name=f"failover_{k}")
        held = d.pools.interruptible[d.routes.pool] & (w.interruptible_share[d.routes.workload] < 1)
        self._share(held, d.routes.workload, w.interruptible_share, wanted, "interruptible")
        for k in np.flatnonzero(w.operator_share < 1).tolist():
            mine = d.routes.workload == k
            by = Array(d.pools.operator[d.routes.pool[mine]], coords={"route": i["route"][mine]}, dims=["route"], name="operator")
            limit = float(w.operator_share[k]) * wanted.sel(workload=k, drop=True)
            m.add_constraints(self.made.isel(route=mine).groupby(by).sum(), "<=", limit, name=f"operator_{k}")
        at = {pair: n for n, pair in enumerate(zip(d.splits.workload.tolist(), d.splits.region.tolist(), strict=True))}
        for k in sorted({k for ks in d.placements.needed_by for k in ks}):
            found = [(n, at[k, r]) for n, r in enumerate(d.placements.region.tolist()) if (k, r) in at]
            placement, split = np.array(found).T
            served = self.served.isel(split=split).rename(split="placement").assign_coords(placement=i["placement"][placement])
            switch = self.placed.isel(placement=placement) * wanted.sel(workload=k, drop=True)
            m.add_constraints(served - switch, "<=", 0, name=f"data_{k}")

    def _share(self, mine: Any, of: Ints, share: Any, wanted: Array, name: str) -> None:
        by = Array(of[mine], coords={"route": self.items["route"][mine]}, dims=["route"], name="workload")
        limit = (wanted * Array(share, coords={"workload": self.items["workload"]})).sel(workload=np.unique(of[mine]))
        self.m.add_constraints(self.made.isel(route=mine).groupby(by).sum(), "<=", limit, name=name)

    def _all_but_one(self, splits: Ints) -> Any:
        """Σ of the ready of all other splits, for each split."""
        n = len(splits)
        others = np.array([[o for o in range(n) if o != me] for me in range(n)])
        pick = Array(splits[others], coords={"without": np.arange(n), "other": np.arange(n - 1)}, dims=["without", "other"])
        return (1 * self.ready.sel(split=pick)).sum("other")

    def _objective(self) -> None:
        d, c = self.d, self.d.committed
        price = self.over(d.slices.hire_price * d.hired.lot_gpus, "hired") * self.hours
        energy = self.over(d.slices.kw, "pool") * self.over(d.slices.energy_price, "pool") * self.hours
        paid = np.flatnonzero(d.pools.metered)
        egress = self.over(d.slices.egress_cost, "route")
        far = np.flatnonzero(d.slices.egress_cost.any(axis=0))
        lots = Array(c.cost.T, coords={"offer": self.items["offer"], "period": self.period})
        cost = (self.lots * lots).sum() + (self.placed * self.over(d.scenarios.copy_cost[0], "placement")).sum()
        cost = cost + (self.hired * price).sum() + (self.used.isel(pool=paid) * energy.isel(pool=paid)).sum()
        cost = cost + (self.made.isel(route=far) * egress.isel(route=far)).sum()
        if len(self.shed):
            fine = d.workloads.unserved_cost[d.class_workload[self.shed]]
            cost = cost + (self.unserved * Array(fine, coords={"klass": self.items["klass"][self.shed]})).sum()
        self.m.add_objective(cost)
