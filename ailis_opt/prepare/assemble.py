"""From an instance to the arrays of the formulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Data, Floats, Hired, Ints, Jobs, Placements, Relaxable, Risk, Scenarios, Slices, Splits, Standby
from ailis_models.arrays import Routes as RouteArrays
from ailis_opt.calendar import calendar
from ailis_opt.changes.scenarios import Variant, variants
from ailis_opt.prepare import numbers
from ailis_opt.prepare import supply as supplies
from ailis_opt.prepare.market import Supply
from ailis_opt.prepare.once import Tables, once, tables_of
from ailis_opt.prepare.payoffs import hedge_arrays, position_cost
from ailis_opt.prepare.routes import Routes, Ways
from ailis_opt.prepare.structure import Askers, Structure, egress_prices, structure
from ailis_opt.schema.instance import Instance


@dataclass(frozen=True, slots=True)
class Prepared:
    """An instance, ready to be solved and to be read back: `data` for the formulation, the rest to put names to its positions.

    With scenarios `data` holds them all, ways and routes are closed by what closes them in every scenario, and `cases` has each by itself.
    """

    data: Data
    regions: pd.Index
    operators: pd.Index
    countries: pd.Index
    supply: Supply
    ways: Ways
    askers: Askers
    routes: Routes
    route_way: Ints  # (R,) way of each open serving route of `data`
    standby_way: Ints  # (B,)
    job_way: Ints  # (J,)
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario: its name, its instance, and that instance prepared on the pools, ways and routes of all scenarios."""

    name: str
    probability: float
    instance: Instance
    prepared: Prepared


def prepare(instance: Instance, relaxable: bool = False, scenarios: Sequence[Variant] | None = None) -> Prepared:
    """Calendar, pools, demand classes, and routes with blocker bits for every layer.

    With `relaxable` nothing is left out that a layer forbids: closed routes are in the arrays, and `Data.relaxable` says what closes
    them, so that any set of layers can be dropped by bounds alone (`ailis_models.relaxation`). `scenarios`: others than the instance's own.
    """
    scenarios = variants(instance) if scenarios is None else scenarios
    cases = [scenario.instance for scenario in scenarios]
    s = structure(instance, cases, np.array([scenario.probability for scenario in scenarios]), relaxable)
    one, z_all = s.ways[0], range(len(cases))
    jobs, window = _jobs(instance, s)
    need = np.max([numbers.needed(s, z, jobs) for z in z_all], axis=0)
    committed, credits = supplies.with_late(supplies.committed_arrays(s.market, s.calendar, need), s.market, s.markets, s.calendar)
    hired, there = _there(s, need)
    capped = np.flatnonzero(np.any([np.isfinite(each.cap).any(axis=0) for each in s.power], axis=0))
    slices = [numbers.case_slices(s, z, case.tables["workloads"], committed, there[z], capped) for z, case in enumerate(cases)]
    offered = [supplies.usable_gpus(committed, hired, of_case, s.calendar, len(s.market.pools)) for of_case in slices]
    usable = [np.minimum(gpus, numbers.powered(s, of_case, capped)) for gpus, of_case in zip(offered, slices, strict=True)]
    placements = _placements(instance, s)
    copies = once(lambda tables: _copy_cost(tables, s, placements), tables_of(cases, "datasets", "egress"))
    money = [(copy, position_cost(case), credit) for copy, case, credit in zip(copies, cases, credits, strict=True)]
    figures = [numbers.case_figures(s, z, jobs, window, usable[z], money[z]) for z in z_all]
    data = Data(
        calendar=calendar(instance.header, len(cases)),
        pools=s.market.pool_arrays,
        committed=committed,
        hired=hired,
        workloads=s.work,
        class_workload=s.class_workload,
        routes=RouteArrays(one.workload[s.route_way], s.route_class, one.pool[s.route_way], one.region[s.route_way], one.gpus[s.route_way]),
        standby=Standby(one.workload[s.standby_way], one.pool[s.standby_way], one.region[s.standby_way], one.gpus[s.standby_way]),
        jobs=jobs,
        splits=_splits(s, placements),
        placements=placements,
        capped=capped,
        hedges=hedge_arrays(instance),
        scenarios=numbers.side_by_side(figures, 1, s.probability),
        slices=numbers.side_by_side(slices, len(s.hours), s.probability),
        risk=Risk(instance.header.risk.alpha, instance.header.risk.weight),
        budget=np.inf if instance.header.budget is None else float(instance.header.budget),
    )
    together = _together(s, data)
    if relaxable:
        on_offer = np.stack(
            [
                np.minimum(of.job_most.reshape(gpus.shape[0], -1), gpus[:, jobs.pool] / jobs.gpus)
                for of, gpus in zip(figures, offered, strict=True)
            ]
        )
        data = supplies.with_limits_apart(data, s.market, s.markets, need, _blocked(s, window, on_offer))
        return replace(together, data=data)
    if instance.tables["scenarios"].empty and len(cases) == 1:
        return together
    return replace(together, cases=tuple(_case(s, together, z, scenarios[z], slices[z], figures[z]) for z in z_all))


def _there(s: Structure, need: Floats) -> tuple[Hired, list[tuple[Floats, Floats, Floats]]]:
    """Merged hired offers, and for each scenario the usable share of committed and of hired capacity, and the most lots of the latter."""
    _, row, late = supplies.tranches(s.market)
    offers = [market.offers for market in s.markets]
    owned = once(lambda of: supplies.owned_available(of, row, late, s.calendar), offers)
    hired, *each = once(lambda of: supplies.hired_arrays(of, s.market.hired_of, s.calendar, need), [s.market.offers, *offers])
    return hired[0], [(first, available, most) for first, (_, available, most) in zip(owned, each, strict=True)]


def cases_of(instance: Instance, p: Prepared) -> tuple[Case, ...]:
    """Every scenario of a prepared instance; one without scenarios is its own, without a name."""
    return p.cases or (Case("", 1.0, instance, p),)


def _together(s: Structure, data: Data) -> Prepared:
    """All scenarios: a way gives what it gives in the mean, and is closed by what closes it in every scenario."""
    found, every = s.ways[0], s.routes[0]
    if len(s.ways) > 1:
        rate = np.average([each.rate for each in s.ways], axis=0, weights=s.probability)
        found = replace(found, rate=rate, blockers=np.bitwise_and.reduce([each.blockers for each in s.ways]))
        every = replace(every, blockers=np.bitwise_and.reduce([each.blockers for each in s.routes]))
    return Prepared(data, s.regions, s.operators, s.countries, s.market, found, s.askers, every, s.route_way, s.standby_way, s.job_way)


def _case(s: Structure, together: Prepared, z: int, scenario: Variant, slices: Slices, figures: Scenarios) -> Case:
    """One scenario by itself."""
    data = replace(
        together.data,
        calendar=s.calendar,
        workloads=replace(s.work, total=figures.total[0]),
        scenarios=figures,
        slices=slices,
        risk=replace(together.data.risk, weight=0.0),
    )
    askers = replace(s.askers, demand=s.demand[z])
    prepared = replace(together, data=data, supply=s.markets[z], ways=s.ways[z], askers=askers, routes=s.routes[z])
    return Case(scenario.name, scenario.probability, scenario.instance, prepared)


def _blocked(s: Structure, window: Bools, on_offer: Floats) -> Relaxable:
    """What closes routes, and limits gangs; what limits supply is added by `supply.with_limits_apart`."""
    none, nothing = np.zeros(0), np.zeros(0, np.int64)
    return Relaxable(
        route_blockers=s.blockers,
        standby_blockers=s.closed[:, s.standby_way],
        job_blockers=s.closed[:, s.job_way],
        job_window=window,
        job_on_offer=on_offer,
        lots_on_offer=none,
        lots_window=none > 0,
        starts_on_offer=none,
        hired_on_offer=none,
        by_hour_pool=nothing,
        by_hour_on_offer=none,
        by_hour_useful=none,
        spare_pools=nothing,
    )


def _jobs(instance: Instance, s: Structure) -> tuple[Jobs, Bools]:
    """Gang routes, and (T, J) whether a period is between release and deadline."""
    table, found, way = instance.tables["workloads"], s.ways[0], s.job_way
    w, t = found.workload[way], np.arange(len(s.calendar.period_hours))[:, None]
    window = (t >= table["release_period"].to_numpy(float)[w]) & (t <= table["deadline_period"].to_numpy(float)[w])
    pinned = sorted({pair for pair in zip(w.tolist(), found.pool[way].tolist(), strict=True) if s.work.move_share[pair[0]] <= 0})
    choices = np.array(pinned, dtype=np.int64).reshape(-1, 2)
    return Jobs(w, found.pool[way], found.region[way], found.gpus[way], choices[:, 0], choices[:, 1]), window


def _splits(s: Structure, placements: Placements) -> Splits:
    """(workload, region) pairs of workloads for which some row asks where they are served."""
    work, found, way, pools = s.work, s.ways[0], s.route_way, s.market.pool_arrays
    placed = np.zeros(len(work.total), bool)
    for dataset in np.unique(placements.dataset).tolist():
        placed[list(placements.needed_by[dataset])] = True
    asked = placed | (work.country_share < 1) | (work.move_share < 1) | (work.failover_share > 0)
    mine = way[asked[found.workload[way]]]
    pairs = np.unique(np.stack([found.workload[mine], found.region[mine]], axis=1), axis=0).reshape(-1, 2)
    country = np.full(int(pools.region.max(initial=-1)) + 1, -1)
    country[pools.region] = pools.country
    return Splits(pairs[:, 0], pairs[:, 1], country[pairs[:, 1]])


def _placements(instance: Instance, s: Structure) -> Placements:
    """Datasets in regions (homes left out) where an open route of a workload that needs them could use them."""
    table, lists = instance.tables["datasets"], instance.tables["workloads"]["datasets"]
    found, way = s.ways[0], np.union1d(s.route_way, s.job_way)
    home = s.regions.get_indexer(pd.Index(table["region"]))
    needed_by = tuple(tuple(w for w, names in enumerate(lists) if name in names) for name in table["dataset"])
    dataset: list[int] = []
    region: list[int] = []
    for d, workloads in enumerate(needed_by):
        used = np.unique(found.region[way[np.isin(found.workload[way], workloads)]])
        region += [k for k in used.tolist() if k != home[d]]
        dataset += [d] * (len(region) - len(dataset))
    return Placements(np.array(dataset, np.int64), np.array(region, np.int64), needed_by, float(_storage(table, s).sum()))


def _storage(datasets: pd.DataFrame, s: Structure) -> Floats:
    """(D,) money for storage of a dataset in one region over the horizon."""
    stored: Floats = (datasets["size_gb"] * datasets["storage_price_per_gb_month"]).to_numpy(float) * float(s.calendar.months.sum())
    return stored


def _copy_cost(tables: Tables, s: Structure, placements: Placements) -> Floats:
    """(1, M) money of each placement: storage, and at the scenario's egress prices replication, once, and refresh, every period."""
    table, held = tables["datasets"], placements.dataset
    home = s.regions.get_indexer(pd.Index(table["region"]))
    copies = table["size_gb"] * (1 + table["refresh_share_per_period"] * len(s.calendar.period_hours))
    sent = copies.to_numpy(float)[held] * egress_prices(tables["egress"], s.regions, ())[home[held], placements.region]
    return np.asarray(_storage(table, s)[held] + sent)[None, :]
