"""The plan's tables as the audit reads them: columns there, keys known, figures finite."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_opt.audit.ledger import Bools, Columns, Floats, Ledger, rows, within

if TYPE_CHECKING:
    from ailis_opt.schema.instance import Instance

COMPONENTS = (
    "owned", "reserved", "upfront", "on_demand", "interruptible", "energy", "storage", "replication", "refresh", "egress", "unserved",
    "hedges",
)  # fmt: skip
SLICE = ("period", "block")
KEYS: dict[str, tuple[str, ...]] = {
    "purchases": ("offer", "start_period"),
    "committed": ("offer",),
    "hired": ("offer", *SLICE),
    "pools": ("pool", "offer"),
    "served": ("workload", "geo", "region", "sku", "pool", "profile", *SLICE),
    "training": ("workload", "region", "sku", "pool", "profile", "period"),
    "unserved": ("workload", "geo", *SLICE),
    "placements": ("dataset", "region"),
    "positions": ("hedge",),
    "use": ("pool", "region", "sku", *SLICE),
    "energy": ("region", *SLICE),
    "costs": ("workload", "component"),
}
FIGURES: dict[str, tuple[str, ...]] = {
    "purchases": ("lots", "gpus", "cost"),
    "committed": ("lots", "gpus", "cost"),
    "hired": ("gpus", "gpu_hours", "cost"),
    "pools": (),
    "served": ("outcomes", "replicas", "standby", "gpus", "standby_gpus"),
    "training": ("gangs", "outcomes", "gpus"),
    "unserved": ("outcomes",),
    "placements": ("home", "storage", "replication", "refresh"),
    "positions": ("lots", "premium", "carry", "payoff", "cost"),
    "use": ("committed_gpus", "hired_gpus", "usable_gpus", "used_gpus", "idle_gpus"),
    "energy": ("mwh", "metered_mwh", "cost", "carbon_kg"),
    "costs": ("amount",),
}
DECISIONS = {
    "purchases": {"lots": "lots"},
    "hired": {"gpus": "GPUs"},
    "served": {"outcomes": "outcomes", "replicas": "replicas", "standby": "replicas"},
    "training": {"gangs": "gangs", "outcomes": "outcomes"},
    "unserved": {"outcomes": "outcomes"},
    "positions": {"lots": "lots"},
}
Names = Container[object]


def clean(instance: Instance, tables: Mapping[str, pd.DataFrame], ledger: Ledger) -> dict[str, Columns]:
    """All plan tables with text keys, float figures and only the rows whose keys exist in the instance.

    Rows that are left out, said twice, or hold figures that are not finite or negative are written to the ledger.
    Raises ValueError if a table or a column is missing.
    """
    tables = {"positions": pd.DataFrame(columns=["hedge", *FIGURES["positions"]]), **tables}
    _complete(tables)
    plan: dict[str, Columns] = {}
    known, accepted = _known(instance, tables["pools"]), _accepted(instance)
    for name, keys in KEYS.items():
        table = _typed(tables[name], keys, FIGURES[name])
        good = np.ones(len(table[keys[0]]), bool)
        for key in keys:
            good &= _column_known(instance, name, table, key, accepted.get((name, key), known.get(key)))
        ledger.true("plan", "known key", "rows", good, within(name, rows(table, keys)))
        plan[name] = _figures(name, {column: values[good] for column, values in table.items()}, ledger)
    return plan


def _complete(tables: Mapping[str, pd.DataFrame]) -> None:
    faults = [f"table {name!r} is missing" for name in KEYS if name not in tables]
    for name in KEYS:
        if name in tables:
            absent = [c for c in (*KEYS[name], *FIGURES[name]) if c not in tables[name].columns]
            faults += [f"table {name!r} has no column {column!r}" for column in absent]
    if faults:
        raise ValueError("the plan cannot be audited: " + "; ".join(faults))


def _typed(frame: pd.DataFrame, keys: tuple[str, ...], figures: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    texts = {key: _texts(frame[key]) for key in keys if not key.endswith("period")}
    return texts | {name: _numbers(frame[name]) for name in (*keys, *figures) if name not in texts}


def _numbers(values: pd.Series[float]) -> Floats:
    """As floats, NaN where a value is no number."""
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiub"
    return np.asarray(values if plain else pd.to_numeric(values, errors="coerce"), dtype=float)


def _texts(values: pd.Series[str]) -> npt.NDArray[np.object_]:
    """As text, a blank where there is none."""
    held = values.to_numpy(object)
    return np.array(["" if blank else str(value) for value, blank in zip(held, pd.isna(held), strict=True)], dtype=object)


def _known(instance: Instance, pools: pd.DataFrame) -> dict[str, Names]:
    horizon = instance.header.horizon
    names = {
        "offer": "offers", "workload": "workloads", "region": "regions", "sku": "skus", "profile": "profiles", "dataset": "datasets",
        "hedge": "hedges",
    }  # fmt: skip
    known: dict[str, Names] = {key: set(instance.tables[table][key]) for key, table in names.items()}
    periods: set[object] = {float(t) for t in range(horizon.periods)}
    return known | {
        "period": periods,
        "start_period": periods,
        "block": {block.block for block in horizon.blocks},
        "pool": {str(pool) for pool, offer in zip(pools["pool"], pools["offer"], strict=True) if offer in known["offer"]},
        "component": set(COMPONENTS),
    }


def _accepted(instance: Instance) -> dict[tuple[str, str], Names | None]:
    """What a column of a table may name instead: tables of decisions also fix the kind of offer or workload. None: anything."""
    offers, workloads = instance.tables["offers"], instance.tables["workloads"]
    signed, trains = offers["contract"].isin(("owned", "reserved")), workloads["kind"] == "training"
    by_use = ~signed | (offers["take_or_pay_share"] < 1)
    return {
        ("purchases", "offer"): set(offers["offer"][signed]),
        ("committed", "offer"): set(offers["offer"][signed]),
        ("hired", "offer"): set(offers["offer"][by_use]),
        ("served", "workload"): set(workloads["workload"][~trains]),
        ("training", "workload"): set(workloads["workload"][trains]),
        ("costs", "workload"): {*workloads["workload"], ""},
        ("pools", "pool"): None,
    }


def _column_known(instance: Instance, name: str, table: Columns, key: str, accepted: Names | None) -> Bools:
    """(rows,) which rows name something that exists; what trains may be unserved in no block."""
    if accepted is None:
        return np.ones(len(table[key]), bool)
    found = np.array([value in accepted for value in table[key].tolist()], dtype=bool)
    if (name, key) == ("unserved", "block"):
        workloads = instance.tables["workloads"]
        trains = set(workloads["workload"][workloads["kind"] == "training"])
        found |= np.array([workload in trains for workload in table["workload"]], dtype=bool) & (table["block"] == "")
    return found


def _figures(name: str, table: Columns, ledger: Ledger) -> Columns:
    """The table with 0 for figures that are not finite. Checked: rows said once, figures finite, decisions not negative."""
    keys = KEYS[name]
    where = rows(table, keys)
    if name != "costs":
        ledger.true("plan", "unique rows", "rows", _first(table, keys), within(name, where))
    sound = dict(table)
    for column in FIGURES[name]:
        finite = np.isfinite(table[column])
        ledger.true("plan", "finite figure", "figures", finite, within(f"{name}.{column}", where))
        sound[column] = np.where(finite, table[column], 0.0)
    for column, unit in DECISIONS.get(name, {}).items():
        ledger.at_most("plan", "non-negative", unit, -sound[column], 0.0, within(f"{name}.{column}", where))
    return sound


def _first(table: Columns, keys: tuple[str, ...]) -> Bools:
    """(rows,) False for rows that say again what one before them says."""
    seen: set[tuple[object, ...]] = set()
    first = []
    for row in zip(*(table[key].tolist() for key in keys), strict=True):
        first.append(row not in seen)
        seen.add(row)
    return np.array(first, dtype=bool)
