"""The limits on the work as a whole: demand, service, shares, failover, movement, data, power."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ailis_opt.audit.ledger import Bools, Columns, Floats, Ledger, axes, rows
from ailis_opt.audit.lookup import find, positions, sums, totals
from ailis_opt.audit.work import Work
from ailis_opt.audit.world import CLOSING_LAYERS, World, measure


def service(world: World, done: Work, placements: Columns, ledger: Ledger) -> None:
    """Checks every limit on a workload's outcomes against its demand."""
    wanted = _wanted(world, done)
    _demand(world, done, ledger)
    _shares(world, done, wanted, ledger)
    _failover(world, done, wanted, ledger)
    _movement(world, done, wanted, ledger)
    _data(world, done, placements, wanted, ledger)


def _wanted(world: World, done: Work) -> Floats:
    """(W, S + 1) demand of each workload in each bucket."""
    names, balance = world.tables["workloads"]["workload"], done.balance
    place = (positions(balance["workload"], names), balance["bucket"])
    return sums((len(names), len(world.slice_hours) + 1), place, balance["demanded"])


def _demand(world: World, done: Work, ledger: Ledger) -> None:
    balance = done.balance
    met = balance["served"] + balance["unserved"]
    ledger.equal("L16", "demand", "outcomes", met, balance["demanded"], rows(balance, ["workload", "geo", "slice"]))
    total = totals({"workload": balance["workload"]}, {name: balance[name] for name in ("demanded", "unserved")})
    of = find(world.tables["workloads"], "workload", total["workload"])
    where = rows(total, ["workload"])
    served = total["demanded"] - total["unserved"]
    ledger.at_least("L16", "service floor", "outcomes", served, of["min_service"] * total["demanded"], where)
    if world.header.objective == "cost":
        free = of["unserved_cost_per_outcome"] <= 0
        ledger.at_most("L16", "unserved without a price", "outcomes", np.where(free, total["unserved"], 0.0), 0.0, where)


def _shares(world: World, done: Work, wanted: Floats, ledger: Ledger) -> None:
    """What is served on interruptible pools, by one provider and in one country, per workload and bucket."""
    produced = done.produced
    every = np.ones(len(produced["bucket"]), dtype=bool)
    families: tuple[tuple[str, str, str, list[str], Bools], ...] = (
        ("L10-L14", "interruptible share", "max_interruptible_share", [], produced["interruptible"]),
        ("L15", "operator share", "max_operator_share", ["provider"], every),
        ("L15", "country share", "max_country_share", ["country"], every),
    )
    for layer, limit, column, of, part in families:
        made = totals({key: produced[key][part] for key in ("workload", *of, "bucket")}, {"outcomes": produced["outcomes"][part]})
        workload = find(world.tables["workloads"], "workload", made["workload"])
        most, asked = workload[column], wanted[workload.at, made["bucket"]]
        where = rows({**made, "slice": world.bucket_labels[made["bucket"]]}, ["workload", *of, "slice"])
        ledger.at_most(layer, limit, "outcomes", made["outcomes"], most * asked, where, mask=most < 1)


def _failover(world: World, done: Work, wanted: Floats, ledger: Ledger) -> None:
    """What all regions but one can serve with their standby covers the share of demand, for each region in which routes are open."""
    regions, served = list(world.tables["regions"]["region"]), done.served
    reached = _open_regions(world, done)
    can = served["rate"] * served["hours"] * (served["replicas"] + served["standby"])
    region, slice_ = positions(served["region"], regions), served["slice"]
    for w, name, share in _serving(world, "failover_share"):
        if share <= 0:
            continue
        mine = served["workload"] == name
        able = sums((len(regions), len(world.slice_hours)), (region[mine], slice_[mine]), can[mine])
        here = [k for k, place in enumerate(regions) if (name, place) in reached]
        others = (able.sum(axis=0)[None, :] - able)[here]
        where = axes(workload=[name], region=[regions[k] for k in here], slice=world.slice_labels)
        ledger.at_least("L10-L14", "failover", "outcomes", others[None], share * wanted[w, :-1], where)


def _serving(world: World, limit: str) -> Iterator[tuple[int, str, float]]:
    """Position, name and a limit of each serving or batch workload."""
    work = world.tables["workloads"]
    for w, (name, kind, share) in enumerate(zip(work["workload"], work["kind"], work[limit], strict=True)):
        if kind != "training":
            yield w, name, share


def _open_regions(world: World, done: Work) -> set[tuple[str, str]]:
    """(workload, region) for the workloads with failover: regions in which any route of a geo with demand is open."""
    workloads, profiles = world.tables["workloads"], world.tables["profiles"]
    geos: dict[str, list[str]] = {name: [] for name in workloads["workload"][workloads["failover_share"] > 0]}
    asked = done.balance["demanded"] > 0
    for workload, geo in dict.fromkeys(zip(done.balance["workload"][asked], done.balance["geo"][asked], strict=True)):
        geos.get(workload, []).append(geo)
    f, p = np.nonzero(profiles["sku"][:, None] == world.pools["sku"][None, :])
    users = [geos.get(workload, []) for workload in profiles["workload"][f]]
    way = np.repeat(np.arange(len(f)), [len(found) for found in users])
    profile, pool = f[way], np.array(world.pool_names, dtype=object)[p[way]]
    names = {name: profiles[name][profile] for name in ("workload", "profile")}
    measured = measure(world, {**names, "pool": pool, "geo": np.array([geo for found in users for geo in found], dtype=object)})
    closed = np.any([measured[layer] for layer in CLOSING_LAYERS], axis=0)
    return set(zip(names["workload"][~closed], measured["region"][~closed], strict=True))


def _movement(world: World, done: Work, wanted: Floats, ledger: Ledger) -> None:
    """Half the change of the regions' shares of the demand, between neighbouring periods that both have demand."""
    regions, periods, served = list(world.tables["regions"]["region"]), len(world.hours), done.served
    region, period, outcomes = positions(served["region"], regions), served["period"].astype(np.intp), served["outcomes"]
    for w, name, share in _serving(world, "max_move_share"):
        if share >= 1:
            continue
        mine = served["workload"] == name
        made = sums((len(regions), periods), (region[mine], period[mine]), outcomes[mine])
        asked = wanted[w, :-1].reshape(periods, -1).sum(axis=1)
        part = made / np.where(asked > 0, asked, 1.0)
        later = np.flatnonzero((asked[1:] > 0) & (asked[:-1] > 0)) + 1
        moved = 0.5 * np.abs(part[:, later] - part[:, later - 1]).sum(axis=0)
        where = axes(workload=[name], period=list(later))
        ledger.at_most("L10-L14", "movement", "share of demand", moved[None, :], share, where)


def _data(world: World, done: Work, placements: Columns, wanted: Floats, ledger: Ledger) -> None:
    """Datasets are at home, copies only where their jurisdictions allow, and work only where all its datasets are held."""
    layer = "L5-L9"
    datasets, workloads, regions = (world.tables[name] for name in ("datasets", "workloads", "regions"))
    held = set(zip(placements["dataset"], placements["region"], strict=True))
    home = [pair in held for pair in zip(datasets["dataset"], datasets["region"], strict=True)]
    ledger.true(layer, "home", "placements", np.array(home, dtype=bool), rows(datasets, ["dataset", "region"]))
    law = dict(zip(datasets["dataset"], datasets["jurisdictions"], strict=True))
    base = dict(zip(datasets["dataset"], datasets["region"], strict=True))
    here = dict(zip(regions["region"], regions["jurisdictions"], strict=True))
    allowed = [
        region == base[dataset] or not law[dataset] or not here[region] or bool(set(law[dataset]) & set(here[region]))
        for dataset, region in zip(placements["dataset"], placements["region"], strict=True)
    ]
    ledger.true(layer, "dataset jurisdictions", "placements", np.array(allowed, dtype=bool), rows(placements, ["dataset", "region"]))
    served, produced = done.served, done.produced
    stand_by = served["rate"] * served["hours"] * served["standby"]
    keys = {key: np.concatenate([produced[key], served[key]]) for key in ("workload", "region")}
    made = totals(keys, {"outcomes": np.append(produced["outcomes"], stand_by)})
    of = find(workloads, "workload", made["workload"])
    needs = of["datasets"]
    row = np.repeat(np.arange(len(needs)), [len(names) for names in needs])
    needed = np.array([name for names in needs for name in names], dtype=object)
    each = {name: values[row] for name, values in made.items()} | {"datasets": needed}
    away = np.array([pair not in held for pair in zip(needed, each["region"], strict=True)], dtype=bool)
    where, scale = rows(each, ["workload", "region", "datasets"]), wanted.sum(axis=1)[of.at[row]]
    ledger.at_most(layer, "dataset held", "outcomes", np.where(away, each["outcomes"], 0.0), 0.0, where, scale=scale)


def power(world: World, done: Work, ledger: Ledger) -> dict[str, Floats]:
    """Checks the power caps; returns per region and slice, (K, S), the energy: kwh, metered_kwh, its cost and carbon_kg."""
    regions, pools, stated = world.tables["regions"], world.pools, world.tables["power"]
    names = list(regions["region"])
    of_pool = positions(pools["region"], names)
    kw_per_gpu = find(world.tables["skus"], "sku", pools["sku"]).number("power_kw_per_gpu", 0.0)
    kw = kw_per_gpu[:, None] * regions["pue"][of_pool][:, None] * done.taken

    def by_region(amount: Floats) -> Floats:
        return sums((len(names), len(world.slice_hours)), (of_pool,), amount)

    cap = np.full((len(names), len(world.hours)), np.nan)
    price = np.repeat(regions["power_price_per_kwh"][:, None], len(world.hours), axis=1)
    place = (positions(stated["region"], names), stated["period"])
    cap[place] = 1000.0 * stated["cap_mw"] * (1.0 - stated["curtailed_share"])
    own = stated["price_per_kwh"]
    price[place] = np.where(np.isnan(own), price[place], own)
    slices = world.period_of_slice
    ledger.at_most("L0", "power cap", "kW", by_region(kw), cap[:, slices], axes(region=names, slice=world.slice_labels))
    kwh = by_region(kw * world.slice_hours)
    metered = by_region(np.where(pools["metered"][:, None], kw * world.slice_hours, 0.0))
    carbon = kwh * regions["carbon_g_per_kwh"][:, None] / 1000.0
    return {"kwh": kwh, "metered_kwh": metered, "cost": metered * price[:, slices], "carbon_kg": carbon}
