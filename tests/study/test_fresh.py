"""What-ifs equal fresh solves of instances that were edited by hand."""

from __future__ import annotations

import copy
import datetime
import random
from collections.abc import Callable
from typing import Any

import pytest

from ailis_opt.changes import apply, parse_all
from ailis_opt.errors import InfeasibleError
from ailis_opt.optimize import solve
from ailis_opt.result import Result
from ailis_opt.session import Session
from tests.support.files import as_instance
from tests.support.generate import period_hours, random_instance

Row = dict[str, Any]
Data = dict[str, Any]
GAP = 1e-5
HIRED = ("on_demand", "interruptible")


def hired(data: Data) -> list[Row]:
    return [offer for offer in data["tables"]["offers"] if offer["contract"] in HIRED]


def dearer(data: Data, rng: random.Random) -> str:
    for row in hired(data):
        row["price_per_gpu_hour"] *= 1.3
    for row in data["tables"].get("prices", []):
        row["price_per_gpu_hour"] *= 1.3
    return f"offers[contract in ({', '.join(HIRED)})].price_per_gpu_hour *= 1.3"


def dearer_later(data: Data, rng: random.Random) -> str:
    """From period 1 on: by hand, a price for each offer and period."""
    periods, prices = data["header"]["horizon"]["periods"], data["tables"].setdefault("prices", [])
    known = {(row["offer"], row["period"]): row for row in prices}
    for offer in hired(data):
        for t in range(1, periods):
            row = known.get((offer["offer"], t))
            if row is None:
                prices.append({"offer": offer["offer"], "period": t, "price_per_gpu_hour": offer["price_per_gpu_hour"] * 2})
            else:
                row["price_per_gpu_hour"] *= 2
    return f"offers[contract in ({', '.join(HIRED)})].price_per_gpu_hour *= 2 @ 1.."


def less_demand(data: Data, rng: random.Random) -> str:
    work = rng.choice(data["tables"]["workloads"])["workload"]
    for row in data["tables"]["demand"]:
        row["outcomes"] *= 0.8 if row["workload"] == work else 1
    return f"demand[workload={work}].outcomes *= 0.8"


def less_demand_at_first(data: Data, rng: random.Random) -> str:
    """Rows for all periods are first shared out by the hours of the periods."""
    horizon = data["header"]["horizon"]
    start = datetime.date.fromisoformat(horizon["start"])
    hours = [period_hours(start, horizon["period"], t) for t in range(horizon["periods"])]
    rows = []
    for row in data["tables"]["demand"]:
        if "period" in row:
            rows.append(row)
        else:
            rows += [row | {"period": t, "outcomes": row["outcomes"] * h / sum(hours)} for t, h in enumerate(hours)]
    for row in rows:
        row["outcomes"] *= 0.7 if row["period"] == 0 else 1
    data["tables"]["demand"] = rows
    return "demand.outcomes *= 0.7 @ ..0"


def lost(data: Data, rng: random.Random) -> str:
    gone = rng.choice(data["tables"]["offers"])
    data["tables"]["offers"].remove(gone)
    data["tables"]["prices"] = [row for row in data["tables"].get("prices", []) if row["offer"] != gone["offer"]]
    return f"offers[offer={gone['offer']}] -"


def cheap_lots(data: Data, rng: random.Random) -> str:
    like = rng.choice(data["tables"]["offers"])
    row = {name: like[name] for name in ("region", "sku", "tier", "provider", "operator_country") if name in like}
    row |= {"offer": "new", "contract": "reserved", "price_per_gpu_hour": 0.9, "lot_gpus": 2, "max_lots": 3}
    data["tables"]["offers"].append(row)
    return f"offers + {{{', '.join(f'{name}: {value}' for name, value in row.items())}}}"


def tight_budget(data: Data, rng: random.Random) -> str:
    data["header"]["budget"] = 1000
    return "instance.budget = 1000"


def fewer_hired(data: Data, rng: random.Random) -> str:
    for row in hired(data):
        row["max_lots"] = max(3, row.get("min_lots", 0))
        row.pop("min_lots", None)
    return f"offers[contract in ({', '.join(HIRED)})].min_lots = 0; " + "; ".join(
        f"offers[offer={row['offer']}].max_lots = {row['max_lots']}" for row in hired(data)
    )


EDITS: list[Callable[[Data, random.Random], str]] = [
    dearer,
    dearer_later,
    less_demand,
    less_demand_at_first,
    lost,
    cheap_lots,
    tight_budget,
    fewer_hired,
]


def answer(run: Callable[[], Result]) -> Result | None:
    try:
        return run()
    except InfeasibleError:
        return None


def compared(seed: int, session: Session) -> str:
    """One instance and one change of it, both ways: the kind of outcome."""
    rng = random.Random(seed)
    data = random_instance(seed)
    edited = copy.deepcopy(data)
    text = EDITS[seed % len(EDITS)](edited, rng)
    instance, by_hand = as_instance(data), as_instance(edited)
    changed = apply(instance, parse_all(text))
    assert changed.tables["offers"].drop(columns="price_per_gpu_hour").equals(by_hand.tables["offers"].drop(columns="price_per_gpu_hour"))
    before = answer(lambda: session.solve(instance, gap=GAP))
    warm = answer(lambda: session.solve(changed, gap=GAP))
    fresh = answer(lambda: solve(by_hand, gap=GAP, in_process=True))
    assert (warm is None) == (fresh is None), (seed, text)
    if warm is None or fresh is None:
        return "infeasible"
    assert warm.bounds.lower <= fresh.bounds.upper * (1 + 1e-7), (seed, text)
    assert fresh.bounds.lower <= warm.bounds.upper * (1 + 1e-7), (seed, text)
    assert max(warm.gap, fresh.gap) <= GAP * 1.01
    return "alike" if before is not None and warm.objective == pytest.approx(before.objective) else "moved"


def test_what_ifs_equal_fresh_solves_quick() -> None:
    session = Session()
    kinds = {compared(seed, session) for seed in range(8)}
    assert "moved" in kinds


@pytest.mark.slow
@pytest.mark.parametrize("first", [1000, 1025, 1050, 1075])
def test_what_ifs_equal_fresh_solves_of_edited_instances(first: int) -> None:
    session = Session()
    kinds = [compared(seed, session) for seed in range(first, first + 25)]
    assert kinds.count("moved") > 8
    assert "infeasible" in kinds
