"""Every cost of a plan, recomputed, and the figures of the tables `placements`, `use`, `energy` and `costs` held against it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Floats, Ledger, axes, rows
from ailis_opt.audit.supply import Supply
from ailis_opt.audit.tables import COMPONENTS
from ailis_opt.audit.work import Work
from ailis_opt.audit.world import World, positions, records, sums


def placement_costs(world: World, placements: pd.DataFrame, ledger: Ledger) -> dict[str, float]:
    """Storage, replication and refresh of the copies."""
    row = placements[["dataset", "region"]].merge(world.tables["datasets"], on="dataset", how="left", suffixes=("", "_home"))
    away = (row["region"] != row["region_home"]).to_numpy(bool)
    size = row["size_gb"].to_numpy(float)
    sent = np.where(away, size * _egress_price(world, row["region_home"], row["region"]), 0.0)
    amounts = {
        "storage": size * row["storage_price_per_gb_month"].to_numpy(float) * world.months,
        "replication": sent,
        "refresh": sent * row["refresh_share_per_period"].to_numpy(float) * len(world.hours),
    }
    where = rows(placements, ["dataset", "region"])
    ledger.stated("placements.home", "flags", placements["home"], ~away, where)
    for component, amount in amounts.items():
        ledger.stated(f"placements.{component}", world.header.currency, placements[component], amount, where)
    return {component: float(amount.sum()) for component, amount in amounts.items()}


def workload_costs(world: World, done: Work) -> pd.DataFrame:
    """Columns workload, component, amount: what each workload causes alone, egress and unserved outcomes."""
    workloads = world.tables["workloads"].set_index("workload")
    made = done.produced
    price = np.where(made["geo"] == "any", 0.0, _egress_price(world, made["region"], made["geo"]))
    sent = made["outcomes"] * made["workload"].map(workloads["gb_per_outcome"]).astype(float) * price
    lost = done.balance["unserved"] * done.balance["workload"].map(workloads["unserved_cost_per_outcome"]).astype(float)
    parts = [
        pd.DataFrame({"workload": made["workload"], "component": "egress", "amount": sent}),
        pd.DataFrame({"workload": done.balance["workload"], "component": "unserved", "amount": lost}),
    ]
    return pd.concat(parts).groupby(["workload", "component"])["amount"].sum().reset_index()


def check_costs(world: World, costs: pd.DataFrame, cost_by: Mapping[str, float], caused: pd.DataFrame, ledger: Ledger) -> None:
    """The table `costs` sums to the recomputed components; egress and unserved also workload by workload."""
    unit = world.header.currency
    told = costs.groupby("component")["amount"].sum().reindex(list(COMPONENTS), fill_value=0.0)
    ledger.stated("costs.amount", unit, told, [cost_by.get(name, 0.0) for name in COMPONENTS], axes(component=COMPONENTS))
    split = costs[costs["component"].isin(("egress", "unserved"))].groupby(["workload", "component"], as_index=False)["amount"].sum()
    both = split.merge(caused, on=["workload", "component"], how="outer", suffixes=("", "_due")).fillna({"amount": 0.0, "amount_due": 0.0})
    ledger.stated("costs.amount", unit, both["amount"], both["amount_due"], rows(both, ["workload", "component"]))


def check_budget(world: World, cost: float, ledger: Ledger) -> None:
    """The whole cost against the budget."""
    if world.header.budget is not None:
        ledger.at_most("L16", "budget", world.header.currency, [cost], [world.header.budget], axes(plan=["all cost"]))


def check_use(world: World, use: pd.DataFrame, done: Work, held: Supply, ledger: Ledger) -> None:
    """Capacity of the pools: limit, and the table `use`."""
    pools = list(world.pools.index)
    where = axes(pool=pools, slice=world.slice_labels)
    ledger.at_most("L1.supply", "capacity", "GPUs", done.taken, held.usable, where)
    of = world.pools.reindex(use["pool"])
    right = (of["region"].to_numpy() == use["region"].to_numpy()) & (of["sku"].to_numpy() == use["sku"].to_numpy())
    ledger.true("plan", "region and SKU of the pool", "rows", right, rows(use, ["pool", "period", "block"]))
    figures = {
        "committed_gpus": held.committed,
        "hired_gpus": held.hired,
        "usable_gpus": held.usable,
        "used_gpus": done.taken,
        "idle_gpus": held.usable - done.taken,
    }
    place = (positions(use["pool"], pools), world.slice_of(use))
    for column, amount in figures.items():
        ledger.stated(f"use.{column}", "GPUs", sums(amount.shape, place, use[column]), amount, where)


def check_energy(world: World, energy: pd.DataFrame, drawn: Mapping[str, Floats], ledger: Ledger) -> None:
    """The table `energy`."""
    names = list(world.tables["regions"]["region"])
    place = (positions(energy["region"], names), world.slice_of(energy))
    where = axes(region=names, slice=world.slice_labels)
    figures = (
        ("mwh", "MWh", drawn["kwh"] / 1000.0),
        ("metered_mwh", "MWh", drawn["metered_kwh"] / 1000.0),
        ("cost", world.header.currency, drawn["cost"]),
        ("carbon_kg", "kg", drawn["carbon_kg"]),
    )
    for column, unit, amount in figures:
        ledger.stated(f"energy.{column}", unit, sums(amount.shape, place, energy[column]), amount, where)


def _egress_price(world: World, source: pd.Series[str], target: pd.Series[str]) -> Floats:
    """(rows,) price per GB from a region to a region or geo; a pair that is not listed is free."""
    listed = {(row["from_region"], row["to_region"]): float(row["price_per_gb"]) for row in records(world.tables["egress"])}
    return np.array([listed.get(pair, 0.0) for pair in zip(source, target, strict=True)], dtype=float)
