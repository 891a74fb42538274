"""The tables and the instance of a run as they were written, read back with every column's own type."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import read
from ailis_opt.output.folder import FROZEN
from ailis_opt.schema import Instance

AGAIN = "Write the run again: `ailis-opt solve INSTANCE --out DIR`"
SLICE = ("period", "block")
PLACE = ("workload", "region", "sku", "pool", "profile")
COLUMNS: dict[str, tuple[str, ...]] = {
    "purchases": ("offer", "start_period", "lots", "gpus", "cost"),
    "committed": ("offer", "lots", "gpus", "cost"),
    "hired": ("offer", *SLICE, "gpus", "gpu_hours", "cost"),
    "pools": ("pool", "offer"),
    "served": (*PLACE, "geo", *SLICE, "outcomes", "replicas", "standby", "gpus", "standby_gpus"),
    "training": (*PLACE, "period", "gangs", "outcomes", "gpus"),
    "unserved": ("workload", "geo", *SLICE, "outcomes"),
    "placements": ("dataset", "region", "home", "storage", "replication", "refresh"),
    "use": ("pool", "region", "sku", *SLICE, "committed_gpus", "hired_gpus", "usable_gpus", "used_gpus", "idle_gpus"),
    "energy": ("region", *SLICE, "mwh", "metered_mwh", "cost", "carbon_kg"),
    "costs": ("workload", "component", "amount"),
    "workloads": ("workload", "outcome", "demanded", "served", "cost", "cost_per_outcome"),
    "positions": ("hedge", "lots", "premium", "carry", "payoff", "cost"),
    "binding": ("layer", "row", "unit", "price", "worth", "tight", "family", "basis"),
    "funnel": ("layer", "all workloads"),
}
TEXT = {
    "offer",
    "pool",
    "geo",
    *PLACE,
    "block",
    "hedge",
    "dataset",
    "home",
    "component",
    "outcome",
    "layer",
    "row",
    "unit",
    "family",
    "basis",
    "price_source",
}


def frozen_instance(folder: Path, sha256: str) -> Instance:
    """The instance that the run holds. Raises InputError unless it is the one that was solved."""
    place = folder / FROZEN
    if not (place / "instance.yaml").is_file():
        raise InputError([Fault(str(place), "is missing: the run does not hold its instance", AGAIN)])
    instance = read(place)
    if instance.sha256 != sha256:
        why = "is not the instance that was solved: its content has changed since"
        raise InputError([Fault(str(place), why, AGAIN, column="sha256", value=instance.sha256)])
    return instance


def stored_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table of the plan. Raises InputError with all faults of all files."""
    faults: list[Fault] = []
    tables = {name: _table(folder / f"{name}.csv", name, faults) for name in COLUMNS}
    if faults:
        raise InputError(faults)
    return tables


def _table(path: Path, name: str, faults: list[Fault]) -> pd.DataFrame:
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        faults.append(Fault(str(path), why, AGAIN))
        return pd.DataFrame(columns=list(COLUMNS[name]))
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    absent = [c for c in COLUMNS[name] if c not in header]
    short = next((i for i, row in enumerate(body) if len(row) != len(header)), None)
    if absent or short is not None:
        why = f"has no column {absent[0]!r}" if absent else f"{len(body[short or 0])} cells where the header names {len(header)} columns"
        faults.append(Fault(str(path), why, AGAIN, None if short is None else short + 2))
        return pd.DataFrame(columns=list(COLUMNS[name]))
    words = {"layer"} if name == "funnel" else TEXT
    cells = {c: [row[i] for row in body] for i, c in enumerate(header)}
    return pd.DataFrame({c: pd.Series(v, dtype=object) if c in words else _numbers(path, c, v, faults) for c, v in cells.items()})


def _numbers(path: Path, column: str, cells: list[str], faults: list[Fault]) -> pd.Series:
    out = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        try:
            out[i] = float(cell) if cell else np.nan
        except ValueError:
            faults.append(Fault(str(path), "not a number", AGAIN, i + 2, column, cell[:80]))
    return pd.Series(out)
