"""Instances so small that their answer is worked out by hand."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
Data = dict[str, Any]


def case(demand: float | list[float] = 10, periods: int = 1, period: str = "hour", objective: str = "cost") -> Data:
    """One region `here`, one SKU, one workload `work` whose replica is one GPU that makes one outcome an hour, and no offer.

    `demand` is the total of the horizon, or that of each period.
    """
    horizon = {"start": "2027-01-01", "periods": periods, "period": period}
    amounts = demand if isinstance(demand, list) else [demand]
    rows = [{"workload": "work", "outcomes": a} | ({"period": t} if len(amounts) > 1 else {}) for t, a in enumerate(amounts)]
    return {
        "header": {"schema": "ailis-opt/1", "name": "case", "currency": "EUR", "objective": objective, "horizon": horizon},
        "tables": {
            "regions": [region("here")],
            "skus": [{"sku": "gpu", "memory_gb": 80, "power_kw_per_gpu": 1}],
            "workloads": [{"workload": "work", "kind": "serving"}],
            "profiles": [{"profile": "fast", "workload": "work", "sku": "gpu", "gpus": 1, "units_per_hour": 1}],
            "demand": rows,
            "offers": [],
        },
    }


def region(name: str, country: str = "DE", **more: Any) -> Row:
    """A region without metered power to speak of."""
    return {"region": name, "country": country, **more}


def offer(name: str, price: float, contract: str = "on_demand", **more: Any) -> Row:
    """An offer of single GPUs in `here`, by a provider and an operator of its own country."""
    basis = {"region": "here", "sku": "gpu", "provider": name, "operator_country": "DE", "contract": contract}
    return {"offer": name, **basis, "price_per_gpu_hour": price, **more}
