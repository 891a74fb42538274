"""Infeasible instances whose conflict is known: each layer that takes part was put there on purpose.

There is a world of places, each with its region, SKU, offer and profile, each of which could do all the work alone. A *closing* lets
one layer close one place. Where every place is closed, each by another layer, just these layers are in conflict: dropping any one of
them opens a place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
Data = dict[str, Any]

COUNTRIES = ("DE", "FR", "IT")
GPUS = 20  # that the work takes: 10 outcomes in an hour, a replica of 2 GPUs makes one an hour


def world(places: int = 2) -> Data:
    """One hour, one workload with something to say on every layer, and places that all do."""
    countries = COUNTRIES[:places]
    names = [f"p{i}" for i in range(places)]
    work: Row = {"workload": "work", "outcome": "piece", "weights_gb": 100, "latency_ms": 50, "tiers": ["public"], "datasets": ["files"]}
    work |= {"jurisdictions": list(countries), "excluded_operator_countries": ["CN"], "runtimes": ["cuda/vllm"], "precisions": ["bf16"]}
    work |= {"max_interruptible_share": 0}
    return {
        "header": {
            "schema": "ailis-opt/1", "name": "planted", "currency": "EUR", "objective": "cost",
            "horizon": {"start": "2027-01-01", "periods": 1, "period": "hour"},
        },
        "tables": {
            "regions": [{"region": name, "country": country} for name, country in zip(names, countries, strict=True)],
            "power": [{"region": name, "period": 0, "cap_mw": 1} for name in names],
            "skus": [
                {"sku": name, "memory_gb": 80, "power_kw_per_gpu": 1, "gpus_per_node": 8, "runtimes": ["cuda/vllm"], "precisions": ["bf16"]}
                for name in names
            ],
            "offers": [
                {"offer": name, "provider": name, "operator_country": "DE", "region": name, "sku": name, "contract": "on_demand",
                 "price_per_gpu_hour": 1, "tier": "public"}
                for name in names
            ],
            "workloads": [work],
            "datasets": [{"dataset": "files", "region": "p0", "jurisdictions": list(countries)}],
            "profiles": [
                {"profile": name, "workload": "work", "sku": name, "gpus": 2, "units_per_hour": 1, "runtime": "cuda/vllm",
                 "precision": "bf16", "latency_ms": 10}
                for name in names
            ],
            "demand": [{"workload": "work", "geo": "users", "period": 0, "outcomes": GPUS // 2}],
            "latency": [{"geo": "users", "region": name, "rtt_ms": 10} for name in names],
        },
    }  # fmt: skip


Close = Callable[[Data, int], None]


def _set(table: str, **cells: Any) -> Close:
    def close(data: Data, place: int) -> None:
        data["tables"][table][place] |= cells

    return close


def _narrow(table: str) -> Close:
    """The place's country is taken out of the jurisdictions that are accepted; some other stays."""

    def close(data: Data, place: int) -> None:
        row = data["tables"][table][0]
        row["jurisdictions"] = [c for c in row["jurisdictions"] if c != COUNTRIES[place]] or ["US"]

    return close


def _dear(data: Data, place: int) -> None:
    data["tables"]["offers"][place]["price_per_gpu_hour"] = 1000
    data["header"]["budget"] = 100


CLOSINGS: dict[str, tuple[str, Close]] = {
    "power": ("L0", _set("power", cap_mw=0.001)),
    "quota": ("L1.supply", _set("offers", max_lots=1)),
    "delivery": ("L1.supply", _set("offers", lead_periods=1)),
    "memory": ("L1.memory", _set("skus", memory_gb=40)),
    "topology": ("L1.topology", _set("skus", gpus_per_node=1)),
    "runtime": ("L2", _set("skus", runtimes=["rocm"])),
    "engine": ("L3", _set("skus", runtimes=["cuda/trt"])),
    "precision": ("L4", _set("skus", precisions=["fp8"])),
    "data rights": ("L5-L9", _narrow("datasets")),
    "latency": ("L10-L14", _set("latency", rtt_ms=100)),
    "interruption": ("L10-L14", _set("offers", contract="interruptible")),
    "tier": ("L15", _set("offers", tier="shared")),
    "jurisdiction": ("L15", _narrow("workloads")),
    "operator": ("L15", _set("offers", operator_country="CN")),
    "budget": ("L16", _dear),
}
"""Name -> the layer, and how it closes a place."""

ONE_EACH = ("power", "quota", "memory", "topology", "runtime", "engine", "precision", "data rights", "latency", "tier", "budget")
"""One closing of every layer that can close a place. Market terms cannot: see `contracts`."""


def closed(*names: str) -> Data:
    """A world with as many places as closings, each closed by its own."""
    data = world(len(names))
    for place, name in enumerate(names):
        CLOSINGS[name][1](data, place)
    return data


def layers_of(names: Sequence[str]) -> set[str]:
    """The layers of closings."""
    return {CLOSINGS[name][0] for name in names}


def needs_both(limit: str, name: str) -> Data:
    """A workload that may not be in one place alone (`failover`, `country` or `operator` share), and one of two places closed."""
    data = world(2)
    column = {"failover": "failover_share", "country": "max_country_share", "operator": "max_operator_share"}[limit]
    data["tables"]["workloads"][0][column] = 1 if limit == "failover" else 0.5
    CLOSINGS[name][1](data, 1)
    return data


NEEDS_BOTH = {"failover": "L10-L14", "country": "L15", "operator": "L15"}


def two_hours(**work: Any) -> Data:
    """The world with one place, two hours with as much demand in each."""
    data = world(1)
    data["header"]["horizon"]["periods"] = 2
    tables = data["tables"]
    tables["workloads"][0] |= work
    tables["power"] = [{"region": "p0", "period": t, "cap_mw": 1} for t in range(2)]
    tables["demand"] = [{"workload": "work", "geo": "users", "period": t, "outcomes": GPUS // 2} for t in range(2)]
    return data


def training(gang_hours: float, hours: int = 2, **work: Any) -> Data:
    """One place and one training job in `hours` hours: a gang of 4 GPUs makes one outcome an hour; it takes `gang_hours` of them."""
    data = world(1)
    data["header"]["horizon"]["periods"] = hours
    tables = data["tables"]
    tables["workloads"] = [{"workload": "work", "kind": "training", **work}]
    tables["profiles"] = [{"profile": "gang", "workload": "work", "sku": "p0", "gpus": 4, "units_per_hour": 1}]
    tables["demand"] = [{"workload": "work", "outcomes": gang_hours}]
    tables["power"], tables["latency"], tables["datasets"] = [], [], []
    return data


def movement() -> Data:
    """Two places, one on offer in the first hour only and one in the second; nothing may move."""
    data = world(2)
    data["header"]["horizon"]["periods"] = 2
    tables = data["tables"]
    tables["workloads"][0]["max_move_share"] = 0
    tables["power"] = []
    tables["offers"][0]["last_start"], tables["offers"][1]["first_start"] = 0, 1
    tables["demand"] = [{"workload": "work", "geo": "users", "period": t, "outcomes": GPUS // 2} for t in range(2)]
    return data


def _committed(data: Data, **cells: Any) -> Data:
    data["tables"]["offers"][0] |= {"contract": "reserved", **cells}
    return data


def contracts() -> dict[str, tuple[set[str], Data]]:
    """Conflicts of market terms.

    They forbid no capacity, they only say in what amounts and for how long it is bought: so they are in conflict with what limits the
    number of lots (supply) or their cost (budget), and with nothing else.
    """
    lots = _committed(two_hours(), lot_gpus=16)
    lots["header"]["budget"] = 50  # 20 GPUs for two hours are 40; two lots are 64
    least = _committed(two_hours(), min_lots=30)
    least["header"]["budget"] = 50  # 30 GPUs for two hours are 60
    hired = two_hours()
    hired["tables"]["offers"][0] |= {"lot_gpus": 16, "whole_lots": True}
    hired["header"]["budget"] = 50
    term = _committed(two_hours(), lot_gpus=20, max_lots=1, term_periods=2, last_start=1)
    term["header"]["horizon"]["periods"] = 3  # a lot from the start ends after two hours, and a second may not overlap with it
    term["tables"]["power"].append({"region": "p0", "period": 2, "cap_mw": 1})
    term["tables"]["demand"].append({"workload": "work", "geo": "users", "period": 2, "outcomes": GPUS // 2})
    before = _committed(two_hours(), committed_lots=100)
    before["header"]["budget"] = 150  # 100 GPUs for two hours are paid: 200
    return {
        "whole lots": ({"contract", "L16"}, lots),
        "least lots": ({"contract", "L16"}, least),
        "whole hired": ({"contract", "L16"}, hired),
        "term": ({"contract", "L1.supply"}, term),
        "signed before": ({"contract", "L16"}, before),
    }


def whole_gangs() -> dict[str, tuple[set[str], Data]]:
    """Conflicts of gangs that must be whole, or in one pool, with what has room for one and a half of them."""
    power = training(3)
    power["tables"]["power"] = [{"region": "p0", "period": t, "cap_mw": 0.006} for t in range(2)]
    supply = training(3)
    supply["tables"]["offers"][0]["max_lots"] = 6
    budget = training(1.5)
    budget["header"]["budget"] = 7  # a gang-hour is 4
    apart = training(4, max_move_share=0)
    apart["tables"]["offers"][0] |= {"max_lots": 4}
    apart["tables"]["offers"].append(apart["tables"]["offers"][0] | {"offer": "other", "tier": "other"})
    return {
        "whole gangs and power": ({"L0", "L1.topology"}, power),
        "whole gangs and quota": ({"L1.supply", "L1.topology"}, supply),
        "whole gangs and budget": ({"L16", "L1.topology"}, budget),
        "one pool and quota": ({"L1.supply", "L1.topology"}, apart),
    }


def deadlines() -> dict[str, tuple[set[str], Data]]:
    """Conflicts of a deadline with capacity, or power, that comes after it."""
    late = training(1, deadline_period=0)
    late["tables"]["offers"][0]["lead_periods"] = 1
    power = training(1, deadline_period=0)
    power["tables"]["power"] = [{"region": "p0", "period": 0, "cap_mw": 0}]
    return {"delivery": ({"L1.supply", "L16"}, late), "power": ({"L0", "L16"}, power)}
