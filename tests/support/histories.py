"""Histories of prices and demand as files, drawn from known laws."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Row = dict[str, Any]


def write_history(rows: Iterable[Row], path: Path) -> Path:
    """A CSV file; columns in order of first appearance, absent values blank."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(dict.fromkeys(c for row in rows for c in row)), restval="")
        out.writeheader()
        out.writerows(rows)
    return path


def dates(n: int, freq: str = "MS") -> list[str]:
    """n dates from 1980 on."""
    return [day.strftime("%Y-%m-%d") for day in pd.date_range("1980-01-01", periods=n, freq=freq)]


def series(name: str, values: Iterable[float], freq: str = "MS", **attributes: str) -> list[Row]:
    """The rows of one series."""
    values = [float(value) for value in values]
    return [{"date": d, "series": name, "value": v, **attributes} for d, v in zip(dates(len(values), freq), values, strict=True)]


def price(sku: str, region: str, values: Iterable[float], contract: str = "on_demand", freq: str = "MS") -> list[Row]:
    """A series of prices."""
    return series(f"{sku} {region} {contract}", values, freq, kind="price", sku=sku, region=region, contract=contract)


def walk(steps: np.ndarray, first: float = 1.0) -> np.ndarray:
    """A level whose logarithm takes these steps."""
    return np.asarray(first * np.exp(np.concatenate([[0.0], np.cumsum(steps)])))


def small_history(path: Path, n: int = 60, seed: int = 5) -> Path:
    """Two SKUs in two regions, interruptible too, demand, and an index: months of a market that moves."""
    rng = np.random.default_rng(seed)
    market, ours = rng.normal(0, 0.04, n), rng.normal(0, 0.03, (2, 2, n))
    rows: list[Row] = []
    for s, sku in enumerate(("gpu", "old")):
        for r, region in enumerate(("here", "there")):
            on_demand = walk(market + ours[s, r], 3.0 - s)
            share = 1 / (1 + np.exp(-(np.cumsum(rng.normal(0, 0.1, n + 1)) - 0.4)))
            rows += price(sku, region, on_demand) + price(sku, region, on_demand * share, "interruptible")
    rows += series("asked", walk(rng.normal(0.01, 0.05, n), 100), kind="demand", workload="work")
    rows += series("own", walk(rng.normal(0, 0.05, n), 2), kind="index", index="own")
    return write_history(rows, path)


def small_case() -> dict[str, Any]:
    """Two regions, two SKUs, every contract, a served and a trained workload, two indices; eight months."""
    offers = [
        {"offer": f"{region}/{sku}/{contract}", "region": region, "sku": sku, "provider": "p", "operator_country": "DE"}
        | {"contract": contract, "price_per_gpu_hour": p * m, "max_lots": 40}
        for region in ("here", "there")
        for sku, p in (("gpu", 3.0), ("old", 2.0))
        for contract, m in (("on_demand", 1.0), ("interruptible", 0.4), ("reserved", 0.6))
    ]
    header = {"schema": "ailis-opt/1", "name": "small", "objective": "cost"}
    header |= {"horizon": {"start": "2027-01-01", "periods": 8, "period": "month"}}
    return {
        "header": header,
        "tables": {
            "regions": [
                {"region": "here", "country": "DE", "jurisdictions": ["EU", "DE"]},
                {"region": "there", "country": "US", "jurisdictions": ["US"]},
            ],
            "skus": [{"sku": sku, "memory_gb": 80} for sku in ("gpu", "old")],
            "workloads": [
                {"workload": "work", "min_service": 0, "unserved_cost_per_outcome": 9},
                {"workload": "tune", "kind": "training", "min_service": 0, "unserved_cost_per_outcome": 9},
            ],
            "profiles": [
                {"profile": f"{w}/{s}", "workload": w, "sku": s, "gpus": 1, "units_per_hour": u, "runtime": "cuda/vllm"}
                for w in ("work", "tune")
                for s, u in (("gpu", 2), ("old", 1))
            ],
            "demand": [{"workload": "tune", "outcomes": 500}] + [{"workload": "work", "outcomes": 900, "period": t} for t in range(1, 8)],
            "offers": offers,
            "indices": [
                {"index": "tracks", "price_per_gpu_hour": 2, "sku": "old", "region": "there", "contract": "on_demand"},
                {"index": "own", "price_per_gpu_hour": 2, "sku": "gpu", "contract": "interruptible"},
            ],
        },
    }
