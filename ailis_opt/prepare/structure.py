"""What there is: pools, demand classes and routes, found for all scenarios together.

Whatever is open, or asked for, in any scenario is there; which of it counts in each is told by its numbers (`numbers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Floats, Ints, Workloads
from ailis_opt.calendar import calendar, slice_hours, spread_demand
from ailis_opt.prepare.market import Supply, group_offers
from ailis_opt.prepare.once import once, tables_of
from ailis_opt.prepare.power import POWER_READ, Power, power
from ailis_opt.prepare.routes import ROUTES_READ, WAYS_READ, Routes, Ways, routes, undominated, ways, with_unlimited
from ailis_opt.schema.instance import Instance


@dataclass(frozen=True, slots=True)
class Askers:
    """(workload, geo) pairs with demand."""

    workload: Ints  # (A,)
    geo: tuple[str, ...]  # (A,)
    demand: Floats  # (S, A) outcomes
    klass: Ints  # (A,) demand class, -1 for training


@dataclass(frozen=True, slots=True)
class Structure:
    """What there is. Sizes as in `ailis_models.arrays`; s slices of one scenario, X routes open or closed, V ways."""

    calendar: Calendar  # of one scenario
    hours: Floats  # (s,)
    probability: Floats  # (Z,)
    regions: pd.Index
    operators: pd.Index
    countries: pd.Index
    market: Supply  # as it is when the plan is made,
    markets: tuple[Supply, ...]  # (Z) and in each scenario
    ways: tuple[Ways, ...]  # (Z)
    routes: tuple[Routes, ...]  # (Z)
    askers: Askers  # demand of all scenarios
    egress: tuple[Floats, ...]  # (Z) (regions, regions + askers) money per GB
    power: tuple[Power, ...]  # (Z)
    work: Workloads
    class_workload: Ints  # (Q,)
    route: Ints  # (R,) positions in `routes`
    closed: Ints  # (Z, V) what closes a way for every asker, -1 where nobody could use it
    job_way: Ints  # (J,)
    standby_way: Ints  # (B,)
    relaxable: bool

    @property
    def demand(self) -> Floats:
        """(Z, s, A) outcomes."""
        return self.askers.demand.reshape(len(self.probability), len(self.hours), -1)

    @property
    def blockers(self) -> Ints:
        """(Z, R) what closes the routes that the program holds."""
        return np.stack([each.blockers[self.route] for each in self.routes])

    @property
    def route_way(self) -> Ints:
        """(R,)"""
        return self.routes[0].way[self.route]

    @property
    def route_class(self) -> Ints:
        """(R,)"""
        return self.askers.klass[self.routes[0].asker[self.route]]


def structure(instance: Instance, cases: Sequence[Instance], probability: Floats, relaxable: bool) -> Structure:
    """Find it. `instance` is what the plan is made from, `cases` are the scenarios' instances; with `relaxable` closed routes are there,
    too.
    """
    tables = instance.tables
    regions = pd.Index(tables["regions"]["region"])
    operators, countries = pd.Index(tables["offers"]["provider"].unique()), pd.Index(tables["regions"]["country"].unique())
    cal = calendar(instance.header)
    hours = slice_hours(cal, np.array([b.share for b in instance.header.horizon.blocks]))
    market, *markets = group_offers([instance, *cases], regions, operators, countries)
    pools, interruptible = [of.pools for of in markets], market.pool_arrays.interruptible
    found = once(lambda t, of: ways(t, of, interruptible, regions), tables_of(cases, *WAYS_READ), pools)
    found = with_unlimited(found) if relaxable else found
    askers = _askers(cases, cal, hours)
    every = once(lambda t, each: routes(t, each, askers.workload, list(askers.geo), regions), tables_of(cases, *ROUTES_READ), found)
    work = _workloads(instance, askers, probability)
    if relaxable:
        work = _without_exempt(work, askers, every)
    egress = once(lambda table: egress_prices(table, regions, askers.geo), [case.tables["egress"] for case in cases])
    usable = np.any([(a.rate[e.way] > 0) if relaxable else e.blockers == 0 for a, e in zip(found, every, strict=True)], axis=0)
    askers = _classes(cases, askers, every, usable, egress, work.training)
    closed = _least_blockers(every, usable, len(found[0].pool))
    job_way, standby_way = _kept_ways(found, closed, work)
    return Structure(
        calendar=cal,
        hours=hours,
        probability=probability,
        regions=regions,
        operators=operators,
        countries=countries,
        market=market,
        markets=tuple(markets),
        ways=tuple(found),
        routes=tuple(every),
        askers=askers,
        egress=tuple(egress),
        power=tuple(once(lambda t, of: power(t, of, market.pool_arrays, regions, cal), tables_of(cases, *POWER_READ), pools)),
        work=work,
        class_workload=_class_workload(askers),
        route=_kept_routes(found, askers, every, usable),
        closed=closed,
        job_way=job_way,
        standby_way=standby_way,
        relaxable=relaxable,
    )


def by_workload(askers: Askers, demand: Floats, workloads: int) -> Floats:
    """(slices, W) outcomes of the askers' demand (slices, A)."""
    total = np.zeros((workloads, len(demand)))
    np.add.at(total, askers.workload, demand.T)
    return total.T


def class_demand(askers: Askers, demand: Floats, classes: int) -> Floats:
    """(slices, Q) outcomes of the askers' demand (slices, A)."""
    total = np.zeros((classes, len(demand)))
    mine = askers.klass >= 0
    np.add.at(total, askers.klass[mine], demand.T[mine])
    return total.T


def _class_workload(askers: Askers) -> Ints:
    workload = np.zeros(int(askers.klass.max(initial=-1)) + 1, np.int64)
    mine = askers.klass >= 0
    workload[askers.klass[mine]] = askers.workload[mine]
    return workload


def _askers(cases: Sequence[Instance], cal: Calendar, hours: Floats) -> Askers:
    """Who asks for something in any scenario, and for how much in each."""
    workloads = pd.Index(cases[0].tables["workloads"]["workload"])
    blocks = pd.Index([b.block for b in cases[0].header.horizon.blocks])
    demand = pd.concat([case.tables["demand"] for case in cases], ignore_index=True) if len(cases) > 1 else cases[0].tables["demand"]
    case_of = np.repeat(np.arange(len(cases)), [len(case.tables["demand"]) for case in cases])
    key = pd.MultiIndex.from_arrays([workloads.get_indexer(demand["workload"]), demand["geo"]])
    owner, pairs = pd.factorize(key, sort=True)
    spread = spread_demand(
        case_of * len(pairs) + owner.astype(np.int64),
        len(pairs) * len(cases),
        demand["period"].to_numpy(float),
        blocks.get_indexer(pd.Index(demand["block"])).astype(np.int64),
        demand["outcomes"].to_numpy(float),
        cal,
        hours,
    )
    spread = spread.reshape(len(hours), len(cases), len(pairs)).transpose(1, 0, 2).reshape(-1, len(pairs))
    asked = spread.sum(axis=0) > 0
    workload = np.array([w for w, _ in pairs], dtype=np.int64)[asked]
    geo = tuple(g for (_, g), keep in zip(pairs, asked, strict=True) if keep)
    return Askers(workload, geo, spread[:, asked], np.full(len(geo), -1))


def _workloads(instance: Instance, askers: Askers, probability: Floats) -> Workloads:
    table = instance.tables["workloads"]
    totals = by_workload(askers, askers.demand, len(table)).reshape(len(probability), -1, len(table)).sum(axis=1)
    value = {name: table[name].to_numpy(float) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])}
    sheddable = value["min_service"] < 1
    if instance.header.objective == "cost":  # all demand is committed, but where leaving it unserved has a price
        sheddable &= value["unserved_cost_per_outcome"] > 0
    return Workloads(
        training=(table["kind"] == "training").to_numpy(),
        total=probability @ totals if len(probability) > 1 else totals[0],
        weight=value["outcome_weight"],
        min_service=value["min_service"],
        sheddable=sheddable,
        move_share=value["max_move_share"],
        unserved_cost=value["unserved_cost_per_outcome"],
        interruptible_share=value["max_interruptible_share"],
        operator_share=value["max_operator_share"],
        country_share=value["max_country_share"],
        failover_share=value["failover_share"],
    )


def _without_exempt(work: Workloads, askers: Askers, every: Sequence[Routes]) -> Workloads:
    """Failover binds only who has an open route. Who has none with all layers enforced stands outside the rule, whichever are dropped."""
    served = np.zeros(len(work.total), dtype=bool)
    for each in every:
        served[askers.workload[each.asker[each.blockers == 0]]] = True
    return replace(work, failover_share=np.where(served, work.failover_share, 0.0))


def _gpu_hours(found: Ways) -> Floats:
    """(V,) GPU-hours per outcome; 0 where a closed way has no rate at all."""
    out: Floats = found.gpus / np.where(found.rate > 0, found.rate, np.inf)
    return out


def _kept_routes(found: Sequence[Ways], askers: Askers, every: Sequence[Routes], usable: Bools) -> Ints:
    """Positions in `every` of the serving routes that the program holds: of one asker per class, none that another makes needless."""
    _, first = np.unique(askers.klass, return_index=True)
    chosen = np.flatnonzero(usable & np.isin(every[0].asker, first[askers.klass[first] >= 0]))
    way, asker = every[0].way[chosen], every[0].asker[chosen]
    blockers = np.stack([each.blockers[chosen] for each in every])
    gpu_hours = np.stack([_gpu_hours(each)[way] for each in found])
    return chosen[undominated(asker, found[0].pool[way], blockers, gpu_hours)]


def _kept_ways(found: Sequence[Ways], closed: Ints, work: Workloads) -> tuple[Ints, Ints]:
    """Ways of gangs and ways to stand by that the program holds; `closed`: (Z, V) what closes a way for every asker, -1 for all reasons."""
    one, usable = found[0], closed[0] >= 0
    rate, gpu_hours = np.stack([each.rate for each in found]), np.stack([_gpu_hours(each) for each in found])
    job = np.flatnonzero(usable & work.training[one.workload])
    job = job[undominated(one.workload[job], one.pool[job], closed[:, job], one.gpus[None, job], -rate[:, job])]
    standby = np.flatnonzero(usable & ~work.training[one.workload] & (work.failover_share > 0)[one.workload])
    return job, standby[undominated(one.workload[standby], one.pool[standby], closed[:, standby], gpu_hours[:, standby])]


def _least_blockers(every: Sequence[Routes], usable: Bools, n: int) -> Ints:
    """(Z, V) what closes a way for every asker; -1 where nobody could use it."""
    out = np.full((len(every), n), -1)
    for closed, each in zip(out, every, strict=True):
        np.bitwise_and.at(closed, each.way[usable], each.blockers[usable])
    return out


def egress_prices(table: pd.DataFrame, regions: pd.Index, geos: tuple[str, ...]) -> Floats:
    """(regions, regions + geos) money per GB of the table `egress`; 0 where no pair is listed, and to geo `any`."""
    prices = np.zeros((len(regions), len(regions) + len(geos)))
    source, price = regions.get_indexer(pd.Index(table["from_region"])), table["price_per_gb"].to_numpy(float)
    target = regions.get_indexer(pd.Index(table["to_region"]))
    inside = target >= 0
    prices[source[inside], target[inside]] = price[inside]
    for i, geo in enumerate(geos):
        mine = (table["to_region"] == geo).to_numpy()
        prices[source[mine], len(regions) + i] = price[mine]
    return prices


def _classes(
    cases: Sequence[Instance], askers: Askers, every: Sequence[Routes], usable: Bools, egress: Sequence[Floats], training: Bools
) -> Askers:
    """Demand classes: askers of a workload that reach the same usable ways, closed by the same reasons, at the same cost, in every
    scenario.
    """
    klass = np.full(len(askers.geo), -1)
    known: dict[tuple[int, bytes, bytes], int] = {}
    gb = np.max([case.tables["workloads"]["gb_per_outcome"].to_numpy(float) for case in cases], axis=0)
    reach = np.stack([np.where(usable, each.blockers, -1) for each in every])
    prices = np.stack(egress)
    bounds = np.searchsorted(every[0].asker, np.arange(len(askers.geo) + 1))
    for a, w in enumerate(askers.workload.tolist()):
        if not training[w]:
            cost = prices[:, :, prices.shape[2] - len(askers.geo) + a] if gb[w] > 0 else np.zeros(0)
            klass[a] = known.setdefault((w, reach[:, bounds[a] : bounds[a + 1]].tobytes(), cost.tobytes()), len(known))
    return replace(askers, klass=klass)
