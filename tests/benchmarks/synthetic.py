"""Synthetic instances by size: realistic in structure, always the same for the same size.

Regions stand on a circle of continents, so round trips follow distance; each sells a few SKUs on demand, interruptible where the region
is large, and reserved for two terms in whole lots; some regions also have a sovereign operator, some a power cap. Services have users in
several geos, a latency limit and a daily shape; batch work takes what is cheap and may be interrupted in part.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

COUNTRIES = ("US", "DE", "FR", "GB", "JP", "SG", "IN", "BR", "CA", "SE", "IT", "AU")
CHIPS = (  # SKU, memory GB, kW, price, speed of one GPU
    ("h100", 80.0, 1.3, 3.2, 1.0),
    ("h200", 141.0, 1.4, 3.9, 1.35),
    ("b200", 186.0, 1.9, 5.8, 2.3),
    ("a100", 80.0, 0.75, 1.9, 0.45),
    ("mi300x", 192.0, 1.5, 3.0, 1.05),
    ("l40s", 48.0, 0.5, 1.1, 0.25),
)
SWING = 0.55  # of demand over the blocks of a day, against its mean
GROWTH = 0.6  # of demand over the horizon


@dataclass(frozen=True, slots=True)
class Size:
    """How large an instance is. Slices are `periods` × `blocks`; the blocks are equal parts of the day."""

    name: str
    regions: int
    skus: int
    services: int
    batches: int
    geos: int
    periods: int
    period: str
    blocks: int


SMALL = Size("small", 3, 2, 2, 1, 2, 3, "month", 2)
MEDIUM = Size("300k", 8, 4, 7, 4, 4, 24, "month", 4)
LARGE = Size("3M", 8, 4, 7, 4, 4, 40, "month", 24)
STAGED = Size("staged", 8, 4, 7, 4, 4, 12, "month", 4)


@dataclass
class _Draft:
    size: Size
    rng: random.Random
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)


def synthetic(size: Size, seed: int = 1) -> dict[str, Any]:
    """`{"header": {...}, "tables": {table: [row, ...]}}` of a feasible instance of this size."""
    draft = _Draft(size, random.Random(seed))
    places = [f"region-{i:02d}" for i in range(size.regions)]
    geos = [f"geo-{i:02d}" for i in range(size.geos)]
    chips = CHIPS[: size.skus]
    for name, memory, kw, _, _ in chips:
        draft.add("skus", sku=name, memory_gb=memory, power_kw_per_gpu=kw, scaleup_gpus=8)
    for i, place in enumerate(places):
        _region(draft, i, place, chips)
    _latencies(draft, places, geos)
    _work(draft, places, geos, chips)
    shares = [1.0 / size.blocks] * size.blocks
    horizon = {"start": "2027-01-01", "periods": size.periods, "period": size.period}
    blocks = [{"block": f"b{i}", "share": share} for i, share in enumerate(shares)]
    header = {
        "schema": "ailis-opt/1",
        "name": f"synthetic-{size.name}",
        "currency": "USD",
        "objective": "cost",
        "horizon": horizon | {"blocks": blocks},
    }
    return {"header": header, "tables": draft.tables}


def _region(d: _Draft, i: int, place: str, chips: tuple[tuple[str, float, float, float, float], ...]) -> None:
    country = COUNTRIES[i % len(COUNTRIES)]
    price = d.rng.uniform(0.06, 0.2)
    d.add(
        "regions",
        region=place,
        country=country,
        pue=round(d.rng.uniform(1.1, 1.4), 2),
        power_price_per_kwh=round(price, 3),
        carbon_g_per_kwh=300,
    )
    level = d.rng.uniform(0.9, 1.25)
    if i % 4 == 2:
        for t in range(d.size.periods):
            d.add("power", region=place, period=t, cap_mw=1.5, curtailed_share=0.2 if t % 12 in (0, 1) else 0.0)
    for n, (sku, _, _, base, _) in enumerate(chips):
        if (i + n) % 4 != 3:
            _offers(d, i, place, sku, base * level, country)


def _offers(d: _Draft, i: int, place: str, sku: str, price: float, country: str) -> None:
    cloud, home = f"cloud-{i % 3}", "US"
    year = {"month": 12, "week": 52, "day": 365, "hour": 8760}[d.size.period]
    common: Row = {"provider": cloud, "operator_country": home, "region": place, "sku": sku, "lot_gpus": 8}

    def sell(contract: str, factor: float, **row: Any) -> None:
        paid = round(price * factor * d.rng.uniform(0.97, 1.03), 4)
        name = f"{place}/{sku}/{row.pop('name', contract)}"
        d.add("offers", **(common | {"offer": name, "contract": contract, "price_per_gpu_hour": paid} | row))

    sell("on_demand", 1.0, availability=0.98, max_lots=400)
    sell("reserved", 0.66, name="1y", term_periods=year, max_lots=60, last_start=d.size.periods - 1, availability=0.99)
    sell(
        "reserved",
        0.5,
        name="3y",
        term_periods=3 * year,
        max_lots=40,
        last_start=d.size.periods // 2,
        upfront_per_gpu=400,
        availability=0.99,
    )
    if i % 2 == 0:
        sell("interruptible", 0.45, availability=0.93, max_lots=80, interruptions_per_hour=0.01)
    if i % 3 == 1:
        own: Row = {"provider": f"sovereign-{country}", "operator_country": country, "tier": "sovereign", "power": "metered"}
        sell("on_demand", 1.3, name="sovereign", max_lots=200, **own)
        sell("reserved", 0.85, name="sovereign-1y", term_periods=year, max_lots=30, **own)


def _latencies(d: _Draft, places: list[str], geos: list[str]) -> None:
    for g, geo in enumerate(geos):
        for i, place in enumerate(places):
            apart = abs(g / len(geos) - i / len(places))
            apart = min(apart, 1 - apart)
            d.add("latency", geo=geo, region=place, rtt_ms=round(15 + 300 * apart, 1))
            d.add("egress", from_region=place, to_region=geo, price_per_gb=round(0.02 + 0.12 * apart, 3))
    for one in places:
        for other in places:
            if one != other:
                d.add("egress", from_region=one, to_region=other, price_per_gb=0.02)


def _work(d: _Draft, places: list[str], geos: list[str], chips: tuple[tuple[str, float, float, float, float], ...]) -> None:
    for i in range(d.size.services):
        name = f"service-{i:02d}"
        row: Row = {"workload": name, "kind": "serving", "outcome": "answer", "latency_ms": (230, 320, 450)[i % 3], "gb_per_outcome": 1e-4}
        row |= {"max_interruptible_share": 0.0 if i % 2 == 0 else 0.25, "units_per_outcome": 1000}
        if i == 0:
            row["failover_share"] = 0.5
        if i == 1:
            row |= {"tiers": "sovereign", "excluded_operator_countries": "US"}
        if i == 2:
            row |= {"min_service": 0.95, "unserved_cost_per_outcome": 0.5}
        if i == 3:
            row["max_operator_share"] = 0.7
        d.add("workloads", **row)
        users = geos if i != 1 else [geos[0]]
        if i == 1:
            d.tables["workloads"][-1]["latency_ms"] = 450
        _profiles(d, name, chips, 60.0)
        for geo in users:
            _demand(d, name, geo, d.rng.uniform(150, 500) / len(users))
    for i in range(d.size.batches):
        name = f"batch-{i:02d}"
        row = {"workload": name, "kind": "batch", "outcome": "document", "max_interruptible_share": 0.6, "units_per_outcome": 1000}
        if i == 0:
            d.add(
                "datasets",
                dataset="archive",
                region=places[0],
                size_gb=40000,
                storage_price_per_gb_month=0.02,
                refresh_share_per_period=0.05,
            )
            row["datasets"] = "archive"
        d.add("workloads", **row)
        _profiles(d, name, chips, 0.0)
        _demand(d, name, "any", d.rng.uniform(100, 300))


def _profiles(d: _Draft, workload: str, chips: tuple[tuple[str, float, float, float, float], ...], service_ms: float) -> None:
    """Two ways to run on each SKU: fast and for throughput. Rates are such that a unit of demand is about one H100."""
    for sku, _, _, _, speed in chips:
        fit = speed * d.rng.uniform(0.8, 1.2)
        for label, gpus, factor, ms in (("fast", 8, 0.8, 1.0), ("dense", 4, 1.0, 2.5)):
            rate = round(3.6e6 * gpus * fit * factor)
            d.add(
                "profiles",
                profile=f"{workload}/{sku}/{label}",
                workload=workload,
                sku=sku,
                gpus=gpus,
                units_per_hour=rate,
                latency_ms=service_ms * ms,
            )


def _demand(d: _Draft, workload: str, geo: str, gpus: float) -> None:
    """Outcomes of every slice for a load of about `gpus` H100 in the mean, growing, with a daily shape and some noise."""
    hours = {"month": 730.0, "week": 168.0, "day": 24.0, "hour": 1.0}[d.size.period] / d.size.blocks
    for t in range(d.size.periods):
        season = 1 + GROWTH * t / d.size.periods + 0.08 * math.sin(2 * math.pi * t / 12)
        for b in range(d.size.blocks):
            day = 1 + SWING * math.sin(2 * math.pi * (b + 0.5) / d.size.blocks)
            outcomes = gpus * 3600 * hours * season * day * d.rng.uniform(0.95, 1.05)
            d.add("demand", workload=workload, geo=geo, period=t, block=f"b{b}", outcomes=round(outcomes))


def staged(size: Size, scenarios: int, seed: int = 1) -> dict[str, Any]:
    """The same with scenarios, equally likely, in which demand and the prices of hired capacity differ."""
    data, rng = synthetic(size, seed), random.Random(seed)
    names = [f"s{z}" for z in range(scenarios)]
    moves = (("demand", "", "outcomes", 0.2), ("offers", "contract in (on_demand, interruptible)", "price_per_gpu_hour", 0.3))
    changes: list[Row] = [
        {"scenario": name, "table": table, "where": where, "column": column, "op": "mul", "value": f"{1 + spread * rng.uniform(-1, 1):.4f}"}
        for name in names
        for table, where, column, spread in moves
    ]
    return {**data, "tables": data["tables"] | {"scenarios": [{"scenario": name} for name in names], "changes": changes}}
