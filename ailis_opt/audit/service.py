"""The limits on the work as a whole: demand, service, shares, failover, movement, data, power."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Floats, Ledger, axes, rows
from ailis_opt.audit.work import Work
from ailis_opt.audit.world import CLOSING_LAYERS, World, measure, positions, records, sums


def service(world: World, done: Work, placements: pd.DataFrame, ledger: Ledger) -> None:
    """Checks every limit on a workload's outcomes against its demand."""
    _demand(world, done, ledger)
    _shares(world, done, ledger)
    _failover(world, done, ledger)
    _movement(world, done, ledger)
    _data(world, done, placements, ledger)


def _demand(world: World, done: Work, ledger: Ledger) -> None:
    balance = done.balance
    met = balance["served"] + balance["unserved"]
    ledger.equal("L16", "demand", "outcomes", met, balance["demanded"], rows(balance, ["workload", "geo", "slice"]))
    total = balance.groupby("workload")[["demanded", "unserved"]].sum().reset_index()
    total = total.merge(world.tables["workloads"], on="workload", how="left")
    where = rows(total, ["workload"])
    served = total["demanded"] - total["unserved"]
    ledger.at_least("L16", "service floor", "outcomes", served, total["min_service"] * total["demanded"], where)
    if world.header.objective == "cost":
        free = total["unserved_cost_per_outcome"] <= 0
        ledger.at_most("L16", "unserved without a price", "outcomes", total["unserved"].where(free, 0.0), 0.0, where)


def _shares(world: World, done: Work, ledger: Ledger) -> None:
    """What is served on interruptible pools, by one provider and in one country, per workload and bucket."""
    wanted = done.balance.groupby(["workload", "bucket"], as_index=False)["demanded"].sum()
    produced = done.produced
    families: tuple[tuple[str, str, str, list[str], pd.DataFrame], ...] = (
        ("L10-L14", "interruptible share", "max_interruptible_share", [], produced[produced["interruptible"].astype(bool)]),
        ("L15", "operator share", "max_operator_share", ["provider"], produced),
        ("L15", "country share", "max_country_share", ["country"], produced),
    )
    for layer, limit, column, of, part in families:
        share = world.tables["workloads"].set_index("workload")[column]
        made = part.groupby(["workload", *of, "bucket"], as_index=False)["outcomes"].sum().merge(wanted, on=["workload", "bucket"])
        most = made["workload"].map(share).astype(float)
        made["slice"] = np.array([*world.slice_labels, "horizon"], dtype=object)[made["bucket"].to_numpy(np.intp)]
        where = rows(made, ["workload", *of, "slice"])
        ledger.at_most(layer, limit, "outcomes", made["outcomes"], most * made["demanded"], where, mask=most < 1)


def _serving(world: World, done: Work) -> Iterator[tuple[dict[str, Any], Floats, pd.DataFrame]]:
    """Each serving or batch workload: its row, its demand (S,), and the plan's rows that serve it."""
    served, balance = dict(list(done.served.groupby("workload"))), dict(list(done.balance.groupby("workload")))
    for row in records(world.tables["workloads"]):
        mine = balance.get(row["workload"], done.balance.iloc[:0])
        if row["kind"] != "training":
            wanted = sums((len(world.slice_hours),), (mine["bucket"].to_numpy(np.intp),), mine["demanded"])
            yield row, wanted, served.get(row["workload"], done.served.iloc[:0])


def _failover(world: World, done: Work, ledger: Ledger) -> None:
    """What all regions but one can serve with their standby covers the share of demand, for each region in which routes are open."""
    regions = list(world.tables["regions"]["region"])
    shape = (len(regions), len(world.slice_hours))
    reached = _open_regions(world, done)
    for row, wanted, mine in _serving(world, done):
        if row["failover_share"] <= 0:
            continue
        can = mine["rate"] * mine["hours"] * (mine["replicas"] + mine["standby"])
        able = sums(shape, (positions(mine["region"], regions), mine["slice"].to_numpy(np.intp)), can)
        here = [k for k, region in enumerate(regions) if (row["workload"], region) in reached]
        others = (able.sum(axis=0)[None, :] - able)[here]
        where = axes(workload=[row["workload"]], region=[regions[k] for k in here], slice=world.slice_labels)
        ledger.at_least("L10-L14", "failover", "outcomes", others[None], row["failover_share"] * wanted[None, None, :], where)


def _open_regions(world: World, done: Work) -> set[tuple[str, str]]:
    """(workload, region) for the workloads with failover: regions in which any route of a geo with demand is open."""
    workloads, profiles = world.tables["workloads"], world.tables["profiles"]
    hedged = workloads["workload"][workloads["failover_share"] > 0]
    users = done.balance.loc[done.balance["demanded"] > 0, ["workload", "geo"]].drop_duplicates()
    own = profiles.loc[profiles["workload"].isin(hedged), ["profile", "workload", "sku"]]
    routes = own.merge(world.pools[["sku"]].reset_index(), on="sku").merge(users, on="workload")
    measured = measure(world, routes)
    reached = measured[~measured[list(CLOSING_LAYERS)].any(axis=1)]
    return set(zip(reached["workload"], reached["region"], strict=True))


def _movement(world: World, done: Work, ledger: Ledger) -> None:
    """Half the change of the regions' shares of the demand, between neighbouring periods that both have demand."""
    regions, periods = list(world.tables["regions"]["region"]), len(world.hours)
    for row, wanted, mine in _serving(world, done):
        if row["max_move_share"] >= 1:
            continue
        made = sums((len(regions), periods), (positions(mine["region"], regions), mine["period"].to_numpy(np.intp)), mine["outcomes"])
        asked = wanted.reshape(periods, -1).sum(axis=1)
        share = made / np.where(asked > 0, asked, 1.0)
        later = np.flatnonzero((asked[1:] > 0) & (asked[:-1] > 0)) + 1
        moved = 0.5 * np.abs(share[:, later] - share[:, later - 1]).sum(axis=0)
        where = axes(workload=[row["workload"]], period=list(later))
        ledger.at_most("L10-L14", "movement", "share of demand", moved[None, :], row["max_move_share"], where)


def _data(world: World, done: Work, placements: pd.DataFrame, ledger: Ledger) -> None:
    """Datasets are at home, copies only where their jurisdictions allow, and work only where all its datasets are held."""
    layer = "L5-L9"
    datasets = world.tables["datasets"]
    held = set(zip(placements["dataset"], placements["region"], strict=True))
    home = [pair in held for pair in zip(datasets["dataset"], datasets["region"], strict=True)]
    ledger.true(layer, "home", "placements", np.array(home, dtype=bool), rows(datasets, ["dataset", "region"]))
    law = dict(zip(datasets["dataset"], datasets["jurisdictions"], strict=True))
    base = dict(zip(datasets["dataset"], datasets["region"], strict=True))
    here = world.tables["regions"].set_index("region")["jurisdictions"]
    allowed = [
        region == base[dataset] or not law[dataset] or not here[region] or bool(set(law[dataset]) & set(here[region]))
        for dataset, region in zip(placements["dataset"], placements["region"], strict=True)
    ]
    ledger.true(layer, "dataset jurisdictions", "placements", np.array(allowed, dtype=bool), rows(placements, ["dataset", "region"]))
    needs = world.tables["workloads"][["workload", "datasets"]].explode("datasets").dropna()
    stand_by = done.served[["workload", "region"]].assign(outcomes=done.served["rate"] * done.served["hours"] * done.served["standby"])
    made = pd.concat([done.produced[["workload", "region", "outcomes"]], stand_by], ignore_index=True)
    made = made.groupby(["workload", "region"], as_index=False)["outcomes"].sum().merge(needs, on="workload")
    away = np.array([pair not in held for pair in zip(made["datasets"], made["region"], strict=True)], dtype=bool)
    demanded = made["workload"].map(done.balance.groupby("workload")["demanded"].sum()).astype(float)
    where = rows(made, ["workload", "region", "datasets"])
    ledger.at_most(layer, "dataset held", "outcomes", np.where(away, made["outcomes"], 0.0), 0.0, where, scale=demanded)


def power(world: World, done: Work, tables: Mapping[str, pd.DataFrame], ledger: Ledger) -> dict[str, Floats]:
    """Checks the power caps; returns per region and slice, (K, S), the energy: kwh, metered_kwh, its cost and carbon_kg."""
    regions, pools = tables["regions"], world.pools
    names = list(regions["region"])
    of_pool = positions(pools["region"], names)
    kw_per_gpu = pools["sku"].map(tables["skus"].set_index("sku")["power_kw_per_gpu"]).fillna(0.0).to_numpy(float)
    kw = kw_per_gpu[:, None] * regions["pue"].to_numpy(float)[of_pool][:, None] * done.taken

    def by_region(amount: Floats) -> Floats:
        return sums((len(names), len(world.slice_hours)), (of_pool,), amount)

    cap = np.full((len(names), len(world.hours)), np.nan)
    price = np.repeat(regions["power_price_per_kwh"].to_numpy(float)[:, None], len(world.hours), axis=1)
    for row in records(tables["power"]):
        place = (names.index(row["region"]), int(row["period"]))
        cap[place] = 1000.0 * row["cap_mw"] * (1.0 - row["curtailed_share"])
        price[place] = price[place] if np.isnan(row["price_per_kwh"]) else row["price_per_kwh"]
    slices = world.period_of_slice
    ledger.at_most("L0", "power cap", "kW", by_region(kw), cap[:, slices], axes(region=names, slice=world.slice_labels))
    kwh = by_region(kw * world.slice_hours)
    metered = by_region(np.where(pools["metered"].to_numpy(bool)[:, None], kw * world.slice_hours, 0.0))
    carbon = kwh * regions["carbon_g_per_kwh"].to_numpy(float)[:, None] / 1000.0
    return {"kwh": kwh, "metered_kwh": metered, "cost": metered * price[:, slices], "carbon_kg": carbon}
