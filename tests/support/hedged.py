"""Small markets with scenarios and hedges: K7, worked out by hand, and a planner's year."""

from __future__ import annotations

from typing import Any

from tests.models.markets import market, offer
from tests.support.files import Data

PRICES, INDEX = (2, 3, 5), (2, 4, 4)


def change(scenario: str, basis: str, table: str, column: str, value: object, where: str = "", op: str = "set") -> dict[str, Any]:
    """A row of `changes`."""
    return {"scenario": scenario, "basis": basis, "table": table, "where": where, "column": column, "op": op, "value": str(value)}


def k7(weight: float = 0.5, price_type: str = "region", index_type: str = "SKU", **hedge: Any) -> Data:
    """One GPU-hour at 2, 3 or 5, an index at 2, 4 or 4, and a forward at 10/3; equal probabilities, α = 2/3."""
    changes = []
    for i, (price, index) in enumerate(zip(PRICES, INDEX, strict=True)):
        changes += [change(f"s{i}", price_type, "offers", "price_per_gpu_hour", price)]
        changes += [change(f"s{i}", index_type, "indices", "price_per_gpu_hour", index)]
    forward = {"hedge": "forward", "kind": "forward", "index": "spot", "strike": 10 / 3, "gpu_hours_per_period": 1}
    return market(
        offer("hire", 3),
        demand=1,
        header={"name": "k7", "risk": {"alpha": 2 / 3, "weight": weight}},
        scenarios=[{"scenario": f"s{i}"} for i in range(len(PRICES))],
        changes=changes,
        indices=[{"index": "spot", "price_per_gpu_hour": 3}],
        hedges=[forward | hedge],
    )


def year(**header: Any) -> Data:
    """Two periods of an hour, a reserved lot, capacity by the hour, a forward and a call on two indices, four scenarios of three types."""
    moves = {"calm": (1, 1, 1), "dear": (2, 1.8, 1), "local": (1.7, 1, 1), "busy": (1.1, 1.1, 1.5)}
    changes = []
    for name, (price, index, demand) in moves.items():
        changes += [change(name, "SKU", "offers", "price_per_gpu_hour", index, "contract=on_demand", "mul")]
        changes += [change(name, "region", "offers", "price_per_gpu_hour", price / index, "contract=on_demand", "mul")]
        changes += [change(name, "SKU", "indices", "price_per_gpu_hour", index, op="mul")]
        changes += [change(name, "workload", "demand", "outcomes", demand, op="mul")] if demand != 1 else []
    terms = {"gpu_hours_per_period": 1, "max_lots": 8}
    return market(
        offer("hire", 3, max_lots=40),
        offer("lots", 2.4, contract="reserved", lot_gpus=2, max_lots=4),
        demand=[{"workload": "w", "period": t, "outcomes": 10} for t in range(2)],
        periods=2,
        work={"outcome": "review", "unserved_cost_per_outcome": 9, "min_service": 0},
        header={"name": "year", "risk": {"alpha": 0.6, "weight": 0.4}} | header,
        scenarios=[{"scenario": name, "probability": p} for name, p in zip(moves, (0.4, 0.2, 0.2, 0.2), strict=True)],
        changes=changes,
        indices=[
            {"index": "spot", "price_per_gpu_hour": 3, "sku": "s", "region": "a", "contract": "on_demand"},
            {"index": "world", "price_per_gpu_hour": 3, "sku": "s"},
        ],
        hedges=[
            {"hedge": "forward", "kind": "forward", "index": "spot", "strike": 3.9, **terms},
            {"hedge": "call", "kind": "call", "index": "world", "strike": 3.2, "premium_per_gpu_hour": 0.6, **terms},
        ],
    )
