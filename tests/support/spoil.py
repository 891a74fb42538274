"""Tightened copies of instances: about half of them cannot be met any more."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Data = dict[str, Any]


def tighten(data: Data, rng: random.Random) -> Data:
    """A copy with one or two limits made much tighter; some of its workloads may not shed demand at a price any more."""
    out = copy.deepcopy(data)
    for spoil in rng.sample(SPOILS, rng.randint(1, 2)):
        spoil(out, rng)
    if rng.random() < 0.6:
        for row in out["tables"]["workloads"]:
            row.pop("unserved_cost_per_outcome", None)
            row["min_service"] = max(row.get("min_service", 1), 0.7)
    return out


def _one_firm(data: Data, rng: random.Random) -> list[Row]:
    """A firm offer, if one is left."""
    firm = [o for o in data["tables"]["offers"] if o["offer"].startswith("firm")]
    return rng.sample(firm, min(1, len(firm)))


def _quota(data: Data, rng: random.Random) -> None:
    for row in data["tables"]["offers"]:
        if row["contract"] in ("on_demand", "interruptible"):
            row["max_lots"] = max(row.get("min_lots", 1), round(row.get("max_lots", 12) * rng.uniform(0.1, 0.9)))


def _lost_offer(data: Data, rng: random.Random) -> None:
    for firm in _one_firm(data, rng):
        data["tables"]["offers"].remove(firm)


def _late_offer(data: Data, rng: random.Random) -> None:
    for firm in _one_firm(data, rng):
        firm["first_start"] = data["header"]["horizon"]["periods"] - 1


def _power(data: Data, rng: random.Random) -> None:
    table = data["tables"].setdefault("power", [])
    table[:] = [r for r in table if r.get("price_per_kwh") is not None]
    have = {(r["region"], r["period"]): r for r in table}
    for region in data["tables"]["regions"]:
        cap = rng.uniform(0.0002, 0.02)
        for t in range(data["header"]["horizon"]["periods"]):
            row = have.get((region["region"], t))
            if row is None:
                row = {"region": region["region"], "period": t}
                table.append(row)
            row["cap_mw"] = round(cap, 6)


def _latency(data: Data, rng: random.Random) -> None:
    rng.choice(data["tables"]["workloads"])["latency_ms"] = rng.randint(20, 80)


def _law(data: Data, rng: random.Random) -> None:
    rng.choice(data["tables"]["workloads"])["jurisdictions"] = [rng.choice(["US", "DE", "FR"])]


def _failover(data: Data, rng: random.Random) -> None:
    for row in data["tables"]["workloads"]:
        if row["kind"] != "training":
            row["failover_share"] = rng.choice([0.6, 1.0])


def _concentration(data: Data, rng: random.Random) -> None:
    row = rng.choice(data["tables"]["workloads"])
    row[rng.choice(["max_operator_share", "max_country_share"])] = rng.choice([0.3, 0.45])


def _budget(data: Data, rng: random.Random) -> None:
    if "budget" in data["header"]:
        data["header"]["budget"] = round(data["header"]["budget"] * rng.uniform(0.1, 0.7), 2)
    else:
        _power(data, rng)


def _memory(data: Data, rng: random.Random) -> None:
    sku = rng.choice(data["tables"]["skus"])
    sku["memory_gb"] = 8
    for row in data["tables"]["workloads"]:
        row["weights_gb"] = max(row.get("weights_gb", 0), 12)


SPOILS: list[Callable[[Data, random.Random], None]] = [
    _quota,
    _lost_offer,
    _late_offer,
    _power,
    _latency,
    _law,
    _failover,
    _concentration,
    _budget,
    _memory,
]
