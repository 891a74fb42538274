"""From an instance to the arrays of the formulation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Data, Floats, Ints, Jobs, Placements, Slices, Splits, Standby, Workloads
from ailis_models.arrays import Routes as RouteArrays
from ailis_models.layers import MASK
from ailis_opt.prepare import supply as supplies
from ailis_opt.prepare.calendar import calendar, slice_hours, spread_demand
from ailis_opt.prepare.routes import Routes, Ways, routes, undominated, ways, with_unlimited
from ailis_opt.schema.instance import Instance


@dataclass(frozen=True, slots=True)
class Askers:
    """(workload, geo) pairs with demand."""

    workload: Ints  # (A,)
    geo: tuple[str, ...]  # (A,)
    demand: Floats  # (S, A) outcomes
    klass: Ints  # (A,) demand class, -1 for training


@dataclass(frozen=True, slots=True)
class Prepared:
    """An instance, ready to be solved and to be read back: `data` for the formulation, the rest to put names to its positions."""

    data: Data
    regions: pd.Index
    operators: pd.Index
    countries: pd.Index
    supply: supplies.Supply
    ways: Ways
    askers: Askers
    routes: Routes
    route_way: Ints  # (R,) way of each open serving route of `data`
    standby_way: Ints  # (B,)
    job_way: Ints  # (J,)


def prepare(instance: Instance, relaxable: bool = False) -> Prepared:
    """Calendar, pools, demand classes, and routes with blocker bits for every layer.

    With `relaxable` nothing is left out that a layer forbids: closed routes are in the arrays, and `Data.relaxable` says what closes
    them, so that any set of layers can be dropped by bounds alone (`ailis_models.relaxation`).
    """
    tables = instance.tables
    regions = pd.Index(tables["regions"]["region"])
    operators, countries = pd.Index(tables["offers"]["provider"].unique()), pd.Index(tables["regions"]["country"].unique())
    cal = calendar(instance.header)
    hours = slice_hours(cal, np.array([b.share for b in instance.header.horizon.blocks]))
    supply = supplies.group_offers(instance, regions, operators, countries)
    found = ways(instance, supply, regions)
    found = with_unlimited(found) if relaxable else found
    askers = _askers(instance, cal, hours)
    every = routes(instance, found, askers.workload, list(askers.geo), regions)
    work = _workloads(instance, cal, askers)
    if relaxable:
        work = _without_exempt(work, askers, every)

    prices = egress_prices(instance, regions, askers.geo)
    usable = found.rate[every.way] > 0 if relaxable else every.blockers == 0
    askers = _classes(instance, askers, every, usable, prices, work.training)
    chosen = _kept_routes(found, askers, every, usable)
    route_asker, route_way = every.asker[chosen], every.way[chosen]
    class_workload, class_demand = _class_demand(askers)
    gb = tables["workloads"]["gb_per_outcome"].to_numpy(float)[found.workload[route_way]]
    egress = gb * prices[found.region[route_way], len(regions) + route_asker]

    closed = _least_blockers(every, usable, len(found.pool))
    job_way, standby_way = _kept_ways(found, closed, work)
    jobs, window = _jobs(instance, found, job_way, work.total, cal)
    need = _need(found, route_way, askers.klass[route_asker], class_demand, hours, work.failover_share, jobs, len(supply.pools))
    committed = supplies.committed_arrays(supply, cal, need)
    hired, price, hired_available, hire_most = supplies.hired_arrays(supply, cal, need)
    placements = _placements(instance, regions, prices, found, np.union1d(route_way, job_way), cal)
    kw, energy_price, capped, cap_mw = _power(instance, supply, regions, cal)
    slices = Slices(
        hours=hours[:, None],
        demand=class_demand,
        workload_demand=_by_workload(askers, len(work.total)),
        rate=found.rate[route_way][None, :],
        egress_cost=egress[None, :],
        standby_rate=found.rate[standby_way][None, :],
        owned_available=_tranche_availability(supply, committed.tranche_pool)[None, :],
        hired_available=hired_available,
        hire_price=price,
        hire_most=hire_most,
        call_price=supplies.call_prices(supply, committed),
        kw=kw[None, :],
        energy_price=energy_price,
        cap_mw=cap_mw,
        by_hour_price=np.zeros((1, 0)),
        by_hour_available=np.zeros((1, 0)),
    )
    usable_gpus = supplies.usable_gpus(committed, hired, slices, cal, len(supply.pools))
    usable_gpus = np.minimum(usable_gpus, _powered(slices, capped, supply.pool_arrays.region, cal))
    held = _held(jobs, closed[job_way], window, usable_gpus, work, cal)
    data = Data(
        calendar=cal,
        pools=supply.pool_arrays,
        committed=committed,
        hired=hired,
        workloads=work,
        class_workload=class_workload,
        routes=RouteArrays(
            found.workload[route_way], askers.klass[route_asker], found.pool[route_way], found.region[route_way], found.gpus[route_way]
        ),
        standby=Standby(found.workload[standby_way], found.pool[standby_way], found.region[standby_way], found.gpus[standby_way]),
        jobs=jobs if relaxable else replace(jobs, most=held),
        splits=_splits(work, placements, found, route_way, supply),
        placements=placements,
        capped=capped,
        slices=slices,
        budget=np.inf if instance.header.budget is None else float(instance.header.budget),
    )
    if relaxable:
        data = supplies.with_limits_apart(data, supply, need, (every.blockers[chosen], closed[standby_way], closed[job_way]), window, held)
    return Prepared(data, regions, operators, countries, supply, found, askers, every, route_way, standby_way, job_way)


def _without_exempt(work: Workloads, askers: Askers, every: Routes) -> Workloads:
    """Failover binds only who has an open route. Who has none with all layers enforced stands outside the rule, whichever are dropped."""
    served = np.zeros(len(work.total), dtype=bool)
    served[askers.workload[every.asker[every.blockers == 0]]] = True
    return replace(work, failover_share=np.where(served, work.failover_share, 0.0))


def _gpu_hours(found: Ways) -> Floats:
    """(V,) GPU-hours per outcome; 0 where a closed way has no rate at all."""
    out: Floats = found.gpus / np.where(found.rate > 0, found.rate, np.inf)
    return out


def _kept_routes(found: Ways, askers: Askers, every: Routes, usable: Bools) -> Ints:
    """Positions in `every` of the serving routes that the program holds: of one asker per class, none that another makes needless."""
    _, first = np.unique(askers.klass, return_index=True)
    chosen = np.flatnonzero(usable & np.isin(every.asker, first[askers.klass[first] >= 0]))
    way = every.way[chosen]
    return chosen[undominated(every.asker[chosen], found.pool[way], every.blockers[chosen], _gpu_hours(found)[way])]


def _kept_ways(found: Ways, closed: Ints, work: Workloads) -> tuple[Ints, Ints]:
    """Ways of gangs and ways to stand by that the program holds; `closed`: (V,) what closes a way for every asker, -1 for all reasons."""
    job = np.flatnonzero((closed >= 0) & work.training[found.workload])
    job = job[undominated(found.workload[job], found.pool[job], closed[job], found.gpus[job], -found.rate[job])]
    standby = np.flatnonzero((closed >= 0) & ~work.training[found.workload] & (work.failover_share > 0)[found.workload])
    gpu_hours = _gpu_hours(found)[standby]
    return job, standby[undominated(found.workload[standby], found.pool[standby], closed[standby], gpu_hours)]


def _least_blockers(every: Routes, usable: Bools, ways: int) -> Ints:
    """(V,) what closes a way for every asker; -1 where nobody could use it."""
    out = np.full(ways, -1)
    np.bitwise_and.at(out, every.way[usable], every.blockers[usable])
    return out


def _askers(instance: Instance, cal: Calendar, hours: Floats) -> Askers:
    demand, workloads = instance.tables["demand"], pd.Index(instance.tables["workloads"]["workload"])
    blocks = pd.Index([b.block for b in instance.header.horizon.blocks])
    key = pd.MultiIndex.from_arrays([workloads.get_indexer(demand["workload"]), demand["geo"]])
    owner, pairs = pd.factorize(key, sort=True)
    spread = spread_demand(
        owner.astype(np.int64),
        len(pairs),
        demand["period"].to_numpy(float),
        blocks.get_indexer(pd.Index(demand["block"])).astype(np.int64),
        demand["outcomes"].to_numpy(float),
        cal,
        hours,
    )
    asked = spread.sum(axis=0) > 0
    workload = np.array([w for w, _ in pairs], dtype=np.int64)[asked]
    geo = tuple(g for (_, g), keep in zip(pairs, asked, strict=True) if keep)
    return Askers(workload, geo, spread[:, asked], np.full(len(geo), -1))


def _by_workload(askers: Askers, n: int) -> Floats:
    """(S, W) outcomes."""
    total = np.zeros((n, len(askers.demand)))
    np.add.at(total, askers.workload, askers.demand.T)
    return total.T


def _workloads(instance: Instance, cal: Calendar, askers: Askers) -> Workloads:
    table = instance.tables["workloads"]
    by_slice = _by_workload(askers, len(table))
    period_demand = np.zeros((len(cal.period_hours), len(table)))
    np.add.at(period_demand, cal.slice_period, by_slice)
    value = {name: table[name].to_numpy(float) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])}
    sheddable = value["min_service"] < 1
    if instance.header.objective == "cost":  # all demand is committed, but where leaving it unserved has a price
        sheddable &= value["unserved_cost_per_outcome"] > 0
    return Workloads(
        training=(table["kind"] == "training").to_numpy(),
        total=by_slice.sum(axis=0),
        period_demand=period_demand,
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


def egress_prices(instance: Instance, regions: pd.Index, geos: tuple[str, ...]) -> Floats:
    """(regions, regions + geos) money per GB; 0 where no pair is listed, and to geo `any`."""
    table = instance.tables["egress"]
    prices = np.zeros((len(regions), len(regions) + len(geos)))
    source, price = regions.get_indexer(pd.Index(table["from_region"])), table["price_per_gb"].to_numpy(float)
    target = regions.get_indexer(pd.Index(table["to_region"]))
    inside = target >= 0
    prices[source[inside], target[inside]] = price[inside]
    for i, geo in enumerate(geos):
        mine = (table["to_region"] == geo).to_numpy()
        prices[source[mine], len(regions) + i] = price[mine]
    return prices


def _classes(instance: Instance, askers: Askers, every: Routes, usable: Bools, prices: Floats, training: Bools) -> Askers:
    """Demand classes: askers of a workload that reach the same usable ways, closed by the same reasons, at the same cost."""
    klass = np.full(len(askers.geo), -1)
    known: dict[tuple[int, bytes, bytes], int] = {}
    gb = instance.tables["workloads"]["gb_per_outcome"].to_numpy(float)
    reach = np.where(usable, every.blockers, -1)
    bounds = np.searchsorted(every.asker, np.arange(len(askers.geo) + 1))
    for a, w in enumerate(askers.workload.tolist()):
        if not training[w]:
            cost = prices[:, prices.shape[1] - len(askers.geo) + a] if gb[w] > 0 else np.zeros(0)
            klass[a] = known.setdefault((w, reach[bounds[a] : bounds[a + 1]].tobytes(), cost.tobytes()), len(known))
    return replace(askers, klass=klass)


def _class_demand(askers: Askers) -> tuple[Ints, Floats]:
    classes = int(askers.klass.max(initial=-1)) + 1
    demand, workload = np.zeros((classes, len(askers.demand))), np.zeros(classes, np.int64)
    mine = askers.klass >= 0
    np.add.at(demand, askers.klass[mine], askers.demand.T[mine])
    workload[askers.klass[mine]] = askers.workload[mine]
    return workload, demand.T


def _jobs(instance: Instance, found: Ways, way: Ints, total: Floats, cal: Calendar) -> tuple[Jobs, Bools]:
    """Gang routes, with the gangs that would do the whole job in each period, and (T, J) whether that is between release and deadline."""
    table = instance.tables["workloads"]
    w, t = found.workload[way], np.arange(len(cal.period_hours))[:, None]
    window = (t >= table["release_period"].to_numpy(float)[w]) & (t <= table["deadline_period"].to_numpy(float)[w])
    whole_job = np.ceil(total[w] / np.maximum(found.rate[way] * cal.period_hours[:, None], 1e-300) - 1e-9)
    return Jobs(w, found.pool[way], found.region[way], found.gpus[way], found.rate[way], whole_job), window


def _held(jobs: Jobs, closed: Ints, window: Bools, usable: Floats, work: Workloads, cal: Calendar) -> Floats:
    """(T, J) gangs that may run: as many as do the whole job between release and deadline, and as the pool can hold.

    One that may not move has no gang in a pool that could not do all of its job: at the best rate per GPU of its gangs, with GPUs in whole
    numbers of their greatest common divisor. `closed`: (J,) what closes a gang's way, `usable`: (T, P) GPUs.
    """
    gangs = np.where(window, np.minimum(jobs.most, np.floor(usable[:, jobs.pool] / jobs.gpus + 1e-9)), 0.0)
    for w in np.flatnonzero(work.training & (work.move_share <= 0)).tolist():
        least = work.total[w] * (work.min_service[w] if work.sheddable[w] else 1.0)
        for p in np.unique(jobs.pool[jobs.workload == w]).tolist():
            mine = np.flatnonzero((jobs.workload == w) & (jobs.pool == p) & ((closed & MASK["topology"]) == 0))
            step = np.gcd.reduce(jobs.gpus[mine].astype(np.int64)) if len(mine) else 1
            gpus = np.where(window[:, mine].any(axis=1), np.floor(usable[:, p] / step + 1e-9) * step, 0.0)
            best = (jobs.rate[mine] / jobs.gpus[mine]).max(initial=0.0)
            if gpus @ cal.period_hours * best < least * (1 - 1e-9):
                gangs[:, (jobs.workload == w) & (jobs.pool == p)] = 0.0
    return gangs


def _need(found: Ways, way: Ints, klass: Ints, demand: Floats, hours: Floats, failover: Floats, jobs: Jobs, pools: int) -> Floats:
    """(P,) GPUs that all demand could ever use of each pool, through its hungriest route, standby and gangs included."""
    per_rate = np.zeros((demand.shape[1], pools))
    gpu_hours = found.gpus[way] / found.rate[way] * (1 + failover[found.workload[way]])
    np.maximum.at(per_rate, (klass, found.pool[way]), gpu_hours)
    need: Floats = ((demand / hours[:, None]) @ per_rate).max(axis=0, initial=0.0)
    np.add.at(need, jobs.pool, (jobs.most * jobs.gpus).max(axis=0, initial=0.0))
    return need


def _splits(work: Workloads, placements: Placements, found: Ways, way: Ints, supply: supplies.Supply) -> Splits:
    """(workload, region) pairs of workloads for which some row asks where they are served."""
    placed = np.zeros(len(work.total), bool)
    for dataset in np.unique(placements.dataset).tolist():
        placed[list(placements.needed_by[dataset])] = True
    asked = placed | (work.country_share < 1) | (work.move_share < 1) | (work.failover_share > 0)
    mine = way[asked[found.workload[way]]]
    pairs = np.unique(np.stack([found.workload[mine], found.region[mine]], axis=1), axis=0).reshape(-1, 2)
    country = np.full(int(supply.pool_arrays.region.max(initial=-1)) + 1, -1)
    country[supply.pool_arrays.region] = supply.pool_arrays.country
    return Splits(pairs[:, 0], pairs[:, 1], country[pairs[:, 1]])


def _placements(instance: Instance, regions: pd.Index, prices: Floats, found: Ways, way: Ints, cal: Calendar) -> Placements:
    """Datasets in regions (homes left out) where an open route of a workload that needs them could use them."""
    table, lists = instance.tables["datasets"], instance.tables["workloads"]["datasets"]
    home = regions.get_indexer(pd.Index(table["region"]))
    size, months = table["size_gb"].to_numpy(float), float(cal.months.sum())
    storage = size * table["storage_price_per_gb_month"].to_numpy(float) * months
    copies = 1 + table["refresh_share_per_period"].to_numpy(float) * len(cal.period_hours)
    needed_by = tuple(tuple(w for w, names in enumerate(lists) if name in names) for name in table["dataset"])
    dataset: list[int] = []
    region: list[int] = []
    for d, workloads in enumerate(needed_by):
        used = np.unique(found.region[way[np.isin(found.workload[way], workloads)]])
        region += [k for k in used.tolist() if k != home[d]]
        dataset += [d] * (len(region) - len(dataset))
    held, k = np.array(dataset, np.int64), np.array(region, np.int64)
    cost = storage[held] + size[held] * prices[home[held], k] * copies[held]
    return Placements(held, k, cost, needed_by, float(storage.sum()))


def _power(instance: Instance, supply: supplies.Supply, regions: pd.Index, cal: Calendar) -> tuple[Floats, Floats, Ints, Floats]:
    """(P,) kW at the meter per GPU, (S, P) price per kWh (0 if included), capped regions and (S, C) MW less curtailment."""
    table, power = instance.tables["regions"], instance.tables["power"]
    k, periods = supply.pool_arrays.region, len(cal.period_hours)
    kw = instance.tables["skus"].set_index("sku")["power_kw_per_gpu"].reindex(supply.pools["sku"]).to_numpy(float)
    kw = np.nan_to_num(kw) * table["pue"].to_numpy(float)[k]
    price = np.tile(table["power_price_per_kwh"].to_numpy(float), (periods, 1))
    cap = np.full((periods, len(regions)), np.inf)
    at, t = regions.get_indexer(pd.Index(power["region"])), power["period"].to_numpy(np.int64)
    stated = ~np.isnan(power["price_per_kwh"].to_numpy(float))
    price[t[stated], at[stated]] = power["price_per_kwh"].to_numpy(float)[stated]
    limit = power["cap_mw"].to_numpy(float) * (1 - power["curtailed_share"].to_numpy(float))
    cap[t, at] = np.where(np.isnan(limit), np.inf, limit)
    capped = np.flatnonzero(np.isfinite(cap).any(axis=0))
    energy = np.where(supply.pool_arrays.metered, price[:, k], 0.0)
    return kw, energy[cal.slice_period], capped, cap[cal.slice_period][:, capped]


def _powered(slices: Slices, capped: Ints, region: Ints, cal: Calendar) -> Floats:
    """(T, P) GPUs that the power cap of a pool's region could feed through all of a period, if nothing else ran there."""
    gpus = np.full((len(cal.slice_period), len(region)), np.inf)
    kw = np.broadcast_to(slices.kw, gpus.shape)
    for c, k in enumerate(capped.tolist()):
        mine = region == k
        gpus[:, mine] = 1000 * slices.cap_mw[:, c : c + 1] / np.maximum(kw[:, mine], 1e-300)
    least = np.full((len(cal.period_hours), len(region)), np.inf)
    np.minimum.at(least, cal.slice_period, gpus)
    return least


def _tranche_availability(supply: supplies.Supply, tranche_pool: Ints) -> Floats:
    committed = supply.offers[supply.offers["contract"].isin(supplies.COMMITTED)]
    pairs = pd.MultiIndex.from_frame(committed[["pool", "availability"]]).unique().sort_values()
    return np.array([a for _, a in pairs], dtype=float).reshape(len(tranche_pool))
