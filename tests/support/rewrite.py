"""Rewritings of an instance that change its words and not what it says, or only by a known factor."""

from __future__ import annotations

import copy
import random
from typing import Any

Row = dict[str, Any]
Data = dict[str, Any]

MONEY = {
    "offers": ("price_per_gpu_hour", "upfront_per_gpu"),
    "prices": ("price_per_gpu_hour",),
    "regions": ("power_price_per_kwh",),
    "power": ("price_per_kwh",),
    "workloads": ("unserved_cost_per_outcome",),
    "datasets": ("storage_price_per_gb_month",),
    "egress": ("price_per_gb",),
}

NAMES = {
    "regions": ("region",),
    "power": ("region",),
    "skus": ("sku",),
    "offers": ("offer", "provider", "region", "sku", "tier", "shares_lots_with"),
    "prices": ("offer",),
    "workloads": ("workload", "tiers", "datasets"),
    "demand": ("workload", "geo", "block"),
    "latency": ("geo", "region"),
    "profiles": ("profile", "workload", "sku"),
    "datasets": ("dataset", "region"),
    "egress": ("from_region", "to_region"),
}


def other_currency(data: Data, rate: float) -> Data:
    """Every amount of money times `rate`."""
    out = copy.deepcopy(data)
    for table, columns in MONEY.items():
        _multiply(out, table, columns, rate)
    if "budget" in out["header"]:
        out["header"]["budget"] *= rate
    return out


def larger_outcomes(data: Data, factor: float) -> Data:
    """Outcomes counted by the dozen: fewer of them, each of more units, data, weight and penalty."""
    out = copy.deepcopy(data)
    _multiply(out, "demand", ("outcomes",), 1 / factor)
    for row in out["tables"]["workloads"]:
        row["units_per_outcome"] = row.get("units_per_outcome", 1) * factor
        row["outcome_weight"] = row.get("outcome_weight", 1) * factor
    _multiply(out, "workloads", ("gb_per_outcome", "unserved_cost_per_outcome"), factor)
    return out


def other_units(data: Data, factor: float) -> Data:
    """Work counted in smaller units: as many more in an outcome as in an hour."""
    out = copy.deepcopy(data)
    _multiply(out, "profiles", ("units_per_hour",), factor)
    for row in out["tables"]["workloads"]:
        row["units_per_outcome"] = row.get("units_per_outcome", 1) * factor
    return out


def reordered(data: Data, seed: int) -> Data:
    """Rows, blocks and columns in another order."""
    out = copy.deepcopy(data)
    rng = random.Random(seed)
    for rows in out["tables"].values():
        rng.shuffle(rows)
    for table, rows in out["tables"].items():
        out["tables"][table] = [dict(reversed(row.items())) for row in rows]
    out["header"]["horizon"].get("blocks", []).reverse()
    return out


def renamed(data: Data) -> Data:
    """Every name another one, in the opposite order of the alphabet."""
    out = copy.deepcopy(data)
    for table, columns in NAMES.items():
        for row in out["tables"].get(table, []):
            for column in set(columns) & set(row):
                value = row[column]
                row[column] = [_mirror(v) for v in value] if isinstance(value, list) else _mirror(value)
    for block in out["header"]["horizon"].get("blocks", []):
        block["block"] = _mirror(block["block"])
    return out


def halved_workloads(data: Data) -> Data:
    """Every workload as two, each with half of the demand."""
    out = copy.deepcopy(data)
    tables = out["tables"]
    tables["workloads"] += [row | {"workload": f"{row['workload']}-half"} for row in tables["workloads"]]
    tables["profiles"] += [row | {"workload": f"{row['workload']}-half", "profile": f"{row['profile']}-half"} for row in tables["profiles"]]
    _multiply(out, "demand", ("outcomes",), 0.5)
    tables["demand"] += [row | {"workload": f"{row['workload']}-half"} for row in tables["demand"]]
    return out


def split_offers(data: Data) -> Data:
    """Every offer without least lots as two: a lot of each limit in the first, the others in the second."""
    out = copy.deepcopy(data)
    for row in list(out["tables"]["offers"]):
        if row.get("min_lots", 0) > 0 or row.get("max_lots", 2) < 2 or "max_lots_per_period" in row or "shares_lots_with" in row:
            continue
        second = row | {"offer": f"{row['offer']}-rest"}
        if "max_lots" in row:
            row["max_lots"], second["max_lots"] = 1, row["max_lots"] - 1
        if row.get("committed_lots", 0) > 0:
            row["committed_lots"], second["committed_lots"] = 1, row["committed_lots"] - 1
        out["tables"]["offers"].append(second)
        prices = out["tables"].get("prices", [])
        prices += [price | {"offer": second["offer"]} for price in prices if price["offer"] == row["offer"]]
    return out


def _mirror(name: str) -> str:
    return name if name == "any" else "".join(chr(ord("a") + ord("z") - ord(c)) if "a" <= c <= "z" else c for c in reversed(name))


def _multiply(data: Data, table: str, columns: tuple[str, ...], factor: float) -> None:
    for row in data["tables"].get(table, []):
        for column in set(columns) & set(row):
            row[column] *= factor
