"""The plan's tables as the audit reads them: columns there, keys known, figures finite."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Bools, Ledger, rows, within

if TYPE_CHECKING:
    from ailis_opt.schema.instance import Instance

COMPONENTS = (
    "owned", "reserved", "upfront", "on_demand", "interruptible", "energy", "storage", "replication", "refresh", "egress", "unserved",
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
}
Names = Container[object]


def clean(instance: Instance, tables: Mapping[str, pd.DataFrame], ledger: Ledger) -> dict[str, pd.DataFrame]:
    """All plan tables with text keys, float figures and only the rows whose keys exist in the instance.

    Rows that are left out, said twice, or hold figures that are not finite or negative are written to the ledger.
    Raises ValueError if a table or a column is missing.
    """
    _complete(tables)
    plan: dict[str, pd.DataFrame] = {}
    known, accepted = _known(instance, tables["pools"]), _accepted(instance)
    for name, keys in KEYS.items():
        frame = _typed(tables[name], keys, FIGURES[name])
        where = rows(frame, keys)
        good = np.ones(len(frame), bool)
        for key in keys:
            good &= _column_known(instance, name, frame, key, accepted.get((name, key), known.get(key)))
        ledger.true("plan", "known key", "rows", good, within(name, where))
        frame = frame if good.all() else frame[good].reset_index(drop=True)
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
        columns[key] = _numbers(frame[key]) if key.endswith("period") else _texts(frame[key])
    for figure in figures:
        columns[figure] = _numbers(frame[figure])
    return pd.DataFrame(columns)


def _numbers(values: pd.Series[float]) -> pd.Series[float]:
    """As floats, NaN where a value is no number."""
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiub"
    return pd.Series((values if plain else pd.to_numeric(values, errors="coerce")).to_numpy(float))


def _texts(values: pd.Series[str]) -> pd.Series[str]:
    """As text, a blank where there is none."""
    held = values.astype(object).to_numpy()
    return pd.Series(["" if blank else str(value) for value, blank in zip(held, pd.isna(held), strict=True)], dtype=object)


def _known(instance: Instance, pools: pd.DataFrame) -> dict[str, Names]:
    horizon = instance.header.horizon
    names = {
        "offer": "offers", "workload": "workloads", "region": "regions", "sku": "skus", "profile": "profiles", "dataset": "datasets",
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


def _column_known(instance: Instance, name: str, frame: pd.DataFrame, key: str, accepted: Names | None) -> Bools:
    """(rows,) which rows name something that exists; what trains may be unserved in no block."""
    if accepted is None:
        return np.ones(len(frame), bool)
    found = np.array([value in accepted for value in frame[key].tolist()], dtype=bool)
    if (name, key) == ("unserved", "block"):
        workloads = instance.tables["workloads"]
        trains = frame["workload"].isin(workloads["workload"][workloads["kind"] == "training"])
        found |= (trains & (frame["block"] == "")).to_numpy(bool)
    return found


def _figures(name: str, frame: pd.DataFrame, ledger: Ledger) -> None:
    """Rows said once, figures finite, decisions not negative."""
    keys = KEYS[name]
    where = rows(frame, keys)
    if name != "costs":
        ledger.true("plan", "unique rows", "rows", _first(frame, keys), within(name, where))
    for column in FIGURES[name]:
        finite = np.isfinite(frame[column].to_numpy())
        ledger.true("plan", "finite figure", "figures", finite, within(f"{name}.{column}", where))
        if not finite.all():
            frame[column] = frame[column].where(finite, 0.0)
    for column, unit in DECISIONS.get(name, {}).items():
        ledger.at_most("plan", "non-negative", unit, -frame[column].to_numpy(), 0.0, within(f"{name}.{column}", where))


def _first(frame: pd.DataFrame, keys: tuple[str, ...]) -> Bools:
    """(rows,) False for rows that say again what one before them says."""
    said = list(zip(*(frame[key].tolist() for key in keys), strict=True))
    if len(set(said)) == len(said):
        return np.ones(len(said), bool)
    return (~frame.duplicated(list(keys))).to_numpy(bool)
