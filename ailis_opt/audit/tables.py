"""The plan's tables as the audit reads them: columns there, keys known, figures finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Ledger, rows, within

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


def clean(instance: Instance, tables: Mapping[str, pd.DataFrame], ledger: Ledger) -> dict[str, pd.DataFrame]:
    """All plan tables with text keys, float figures and only the rows whose keys exist in the instance.

    Rows that are left out, said twice, or hold figures that are not finite or negative are written to the ledger.
    Raises ValueError if a table or a column is missing.
    """
    tables = {"positions": pd.DataFrame(columns=["hedge", *FIGURES["positions"]]), **tables}
    _complete(tables)
    plan: dict[str, pd.DataFrame] = {}
    known = _known(instance, tables["pools"])
    for name, keys in KEYS.items():
        frame = _typed(tables[name], keys, FIGURES[name])
        where = rows(frame, keys)
        good = np.ones(len(frame), bool)
        for key in keys:
            good &= _column_known(instance, name, frame, key, known)
        ledger.true("plan", "known key", "rows", good, within(name, where))
        frame = frame[good].reset_index(drop=True)
        _figures(name, frame, ledger)
        plan[name] = frame
    return plan


def _complete(tables: Mapping[str, pd.DataFrame]) -> None:
    faults = [f"table {name!r} is missing" for name in KEYS if name not in tables]
    for name in KEYS:
        if name in tables:
            absent = [c for c in (*KEYS[name], *FIGURES[name]) if c not in tables[name].columns]
            faults += [f"table {name!r} has no column {column!r}" for column in absent]
    if faults:
        raise ValueError("the plan cannot be audited: " + "; ".join(faults))


def _typed(frame: pd.DataFrame, keys: tuple[str, ...], figures: tuple[str, ...]) -> pd.DataFrame:
    columns: dict[str, pd.Series[float] | pd.Series[str]] = {}
    for key in keys:
        if key.endswith("period"):
            columns[key] = pd.to_numeric(frame[key], errors="coerce").astype(float)
        else:
            columns[key] = frame[key].astype(object).where(frame[key].notna(), "").map(str).astype(object)
    for figure in figures:
        columns[figure] = pd.to_numeric(frame[figure], errors="coerce").astype(float)
    return pd.DataFrame(columns).reset_index(drop=True)


def _known(instance: Instance, pools: pd.DataFrame) -> dict[str, set[object]]:
    horizon = instance.header.horizon
    names = {
        "offer": "offers", "workload": "workloads", "region": "regions", "sku": "skus", "profile": "profiles", "dataset": "datasets",
        "hedge": "hedges",
    }  # fmt: skip
    known: dict[str, set[object]] = {key: set(instance.tables[table][key]) for key, table in names.items()}
    periods: set[object] = {float(t) for t in range(horizon.periods)}
    return known | {
        "period": periods,
        "start_period": periods,
        "block": {block.block for block in horizon.blocks},
        "pool": {str(pool) for pool in pools["pool"][pools["offer"].isin(known["offer"])]},
        "component": set(COMPONENTS),
    }


def _column_known(instance: Instance, name: str, frame: pd.DataFrame, key: str, known: dict[str, set[object]]) -> np.ndarray:
    """Which rows name something that exists; tables of decisions also fix the kind of offer or workload."""
    offers, workloads = instance.tables["offers"], instance.tables["workloads"]
    accepted = known.get(key)
    if key == "offer" and name in ("purchases", "committed", "hired"):
        signed = offers["contract"].isin(("owned", "reserved"))
        by_use = ~signed | (offers["take_or_pay_share"] < 1)
        accepted = set(offers["offer"][signed if name != "hired" else by_use])
    elif key == "workload" and name in ("served", "training"):
        trains = workloads["kind"] == "training"
        accepted = set(workloads["workload"][trains if name == "training" else ~trains])
    elif key == "workload" and name == "costs":
        accepted = known["workload"] | {""}
    elif key == "block" and name == "unserved":
        trains = frame["workload"].isin(workloads["workload"][workloads["kind"] == "training"])
        return np.asarray(frame["block"].isin(known["block"]) | (trains & (frame["block"] == "")), dtype=bool)
    if accepted is None or (key == "pool" and name == "pools"):
        return np.ones(len(frame), bool)
    return np.asarray(frame[key].isin(accepted), dtype=bool)


def _figures(name: str, frame: pd.DataFrame, ledger: Ledger) -> None:
    """Rows said once, figures finite, decisions not negative."""
    keys = KEYS[name]
    where = rows(frame, keys)
    if name != "costs":
        ledger.true("plan", "unique rows", "rows", ~frame.duplicated(list(keys)), within(name, where))
    for column in FIGURES[name]:
        finite = np.isfinite(frame[column].to_numpy())
        ledger.true("plan", "finite figure", "figures", finite, within(f"{name}.{column}", where))
        frame[column] = frame[column].where(finite, 0.0)
    for column, unit in DECISIONS.get(name, {}).items():
        ledger.at_most("plan", "non-negative", unit, -frame[column].to_numpy(), 0.0, within(f"{name}.{column}", where))
