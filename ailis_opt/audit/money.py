"""Every cost of a plan, recomputed, and the figures of the tables `placements`, `use`, `energy` and `costs` held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ailis_opt.audit.ledger import Columns, Floats, Ledger, axes, rows
from ailis_opt.audit.lookup import find, listed, positions, sums, totals
from ailis_opt.audit.supply import Supply
from ailis_opt.audit.tables import COMPONENTS
from ailis_opt.audit.work import Work
from ailis_opt.audit.world import World


def placement_costs(world: World, placements: Columns, ledger: Ledger) -> dict[str, float]:
    """Storage, replication and refresh of the copies."""
    dataset = find(world.tables["datasets"], "dataset", placements["dataset"])
    away = placements["region"] != dataset["region"]
    size = dataset.number("size_gb")
    sent = np.where(away, size * _egress_price(world, dataset["region"], placements["region"]), 0.0)
    amounts = {
        "storage": size * dataset.number("storage_price_per_gb_month") * world.months,
        "replication": sent,
        "refresh": sent * dataset.number("refresh_share_per_period") * len(world.hours),
    }
    where = rows(placements, ["dataset", "region"])
    ledger.stated("placements.home", "flags", placements["home"], ~away, where)
    for component, amount in amounts.items():
        ledger.stated(f"placements.{component}", world.header.currency, placements[component], amount, where)
    return {component: float(amount.sum()) for component, amount in amounts.items()}


def workload_costs(world: World, done: Work) -> Columns:
    """Columns workload, component, amount: what each workload causes alone, egress and unserved outcomes."""
    workloads, made, balance = world.tables["workloads"], done.produced, done.balance
    price = np.where(made["geo"] == "any", 0.0, _egress_price(world, made["region"], made["geo"]))
    sent = made["outcomes"] * find(workloads, "workload", made["workload"]).number("gb_per_outcome") * price
    lost = balance["unserved"] * find(workloads, "workload", balance["workload"]).number("unserved_cost_per_outcome")
    keys = {
        "workload": np.append(made["workload"], balance["workload"]),
        "component": np.repeat(np.array(["egress", "unserved"], dtype=object), [len(sent), len(lost)]),
    }
    return totals(keys, {"amount": np.append(sent, lost)})


def check_costs(world: World, costs: Columns, cost_by: Mapping[str, float], caused: Columns, ledger: Ledger) -> None:
    """The table `costs` sums to the recomputed components; egress and unserved also workload by workload."""
    unit = world.header.currency
    told = sums((len(COMPONENTS),), (positions(costs["component"], COMPONENTS),), costs["amount"])
    ledger.stated("costs.amount", unit, told, [cost_by.get(name, 0.0) for name in COMPONENTS], axes(component=COMPONENTS))
    split = np.isin(costs["component"], ("egress", "unserved"))
    told, due = costs["amount"][split], caused["amount"]
    keys = {key: np.append(costs[key][split], caused[key]) for key in ("workload", "component")}
    both = totals(keys, {"told": np.append(told, np.zeros(len(due))), "due": np.append(np.zeros(len(told)), due)})
    ledger.stated("costs.amount", unit, both["told"], both["due"], rows(both, ["workload", "component"]))


def check_budget(world: World, cost: float, ledger: Ledger) -> None:
    """The whole cost against the budget."""
    if world.header.budget is not None:
        ledger.at_most("L16", "budget", world.header.currency, [cost], [world.header.budget], axes(plan=["all cost"]))


def check_use(world: World, use: Columns, done: Work, held: Supply, ledger: Ledger) -> None:
    """Capacity of the pools: limit, and the table `use`."""
    pools = world.pool_names
    where = axes(pool=pools, slice=world.slice_labels)
    ledger.at_most("L1.supply", "capacity", "GPUs", done.taken, held.usable, where)
    at = positions(use["pool"], pools)
    right = (world.pools["region"][at] == use["region"]) & (world.pools["sku"][at] == use["sku"])
    ledger.true("plan", "region and SKU of the pool", "rows", right, rows(use, ["pool", "period", "block"]))
    figures = {
        "committed_gpus": held.committed,
        "hired_gpus": held.hired,
        "usable_gpus": held.usable,
        "used_gpus": done.taken,
        "idle_gpus": held.usable - done.taken,
    }
    place = (at, world.slice_of(use))
    for column, amount in figures.items():
        ledger.stated(f"use.{column}", "GPUs", sums(amount.shape, place, use[column]), amount, where)


def check_energy(world: World, energy: Columns, drawn: Mapping[str, Floats], ledger: Ledger) -> None:
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


def _egress_price(world: World, source: Iterable[str], target: Iterable[str]) -> Floats:
    """(rows,) price per GB from a region to a region or geo; a pair that is not listed is free."""
    prices = listed(world.tables["egress"], ("from_region", "to_region"), "price_per_gb")
    return np.array([prices.get(pair, 0.0) for pair in zip(source, target, strict=True)], dtype=float)
