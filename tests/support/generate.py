"""Random instances over every word of `docs/format.md`, each with a feasible plan by construction.

The planted plan: every workload is served, all of it, from its *sites* (one region, or two in different countries under
different providers) in equal and constant parts, by dear on-demand offers that it accepts; standby there covers the failover.
Whatever limit is drawn is drawn so that this plan keeps it. `spoil.py` breaks such instances for the tests of infeasibility.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.support import market, spoil, wants
from tests.support.planted import Level, fit_limits

Row = dict[str, Any]
Data = dict[str, Any]

# feature -> how often it is drawn
FEATURES: dict[str, float] = {
    "availability": 0.4,
    "blocks": 0.5,
    "budget": 0.25,
    "committed_lots": 0.3,
    "concentration_country": 0.2,
    "concentration_operator": 0.2,
    "curtailment": 0.25,
    "datasets": 0.35,
    "egress": 0.35,
    "excluded_operators": 0.3,
    "failover": 0.2,
    "geos": 0.5,
    "interruptible": 0.55,
    "interruptible_share": 0.5,
    "jurisdictions": 0.35,
    "latency": 0.45,
    "memory": 0.4,
    "metered": 0.4,
    "min_lots": 0.3,
    "min_service": 0.4,
    "movement": 0.25,
    "owned": 0.4,
    "packing": 0.4,
    "power_cap": 0.35,
    "precisions": 0.3,
    "ratio": 0.5,
    "reserved": 0.7,
    "runtimes": 0.3,
    "terms": 0.5,
    "tiers": 0.35,
    "training": 0.35,
    "unserved_cost": 0.35,
    "upfront": 0.4,
    "weights": 0.4,
    "whole_hired": 0.25,
    "windows": 0.4,
}

TERMS: dict[str, float] = {"ramp": 0.3, "shared_lots": 0.25, "take_or_pay": 0.3}
"""Features of term sheets. They are drawn apart, and last, so that all other instances stay what they were."""


@dataclass
class Draft:
    """An instance in the making: what has been drawn so far, and what the planted plan uses."""

    rng: random.Random
    on: frozenset[str]
    many: bool  # size "small"
    hours: list[float] = field(default_factory=list)  # of each period
    shares: dict[str, float] = field(default_factory=dict)  # of each block
    geos: list[str] = field(default_factory=list)
    header: Row = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    sites: dict[str, list[str]] = field(default_factory=dict)  # workload -> regions of the planted plan
    levels: list[Level] = field(default_factory=list)  # GPUs that the planted plan takes

    def has(self, feature: str, often: float = 1.0) -> bool:
        """Whether this spot has the feature: it is on, and the coin falls so."""
        return feature in self.on and self.rng.random() < often

    def rows(self, table: str) -> list[Row]:
        return self.tables.setdefault(table, [])

    def row(self, table: str, key: str) -> Row:
        name = table.removesuffix("s")
        return next(r for r in self.rows(table) if r[name] == key)


def random_instance(seed: int, size: str = "tiny", features: Collection[str] | None = None, planted: bool = True) -> Data:
    """`{"header": {...}, "tables": {table: [row, ...]}, "features": [...]}`, always the same for the same arguments.

    `size` is "tiny" (2 to 3 regions, 1 to 2 workloads) or "small" (3 to 4, 2 to 4); `features` switches on exactly these (default: each by
    its odds in `FEATURES`). With `planted=False` limits are tightened afterwards, and about half of the instances are infeasible.
    """
    unknown = set(features or ()) - set(FEATURES) - set(TERMS)
    if unknown or size not in ("tiny", "small"):
        raise ValueError(f"no such feature or size: {sorted(unknown)}, {size}")
    rng = random.Random(seed)
    drawn = [name for name, odds in FEATURES.items() if rng.random() < odds]
    apart = random.Random(f"terms of {seed}")
    drawn += [name for name, odds in TERMS.items() if apart.random() < odds]
    draft = Draft(rng, frozenset(drawn if features is None else features), size == "small")
    _header(draft, seed)
    market.regions(draft)
    market.skus(draft)
    wants.workloads(draft)
    wants.latencies(draft)
    market.firm_offers(draft)
    market.other_offers(draft)
    market.terms(draft)
    market.egress(draft)
    fit_limits(draft)
    if features is None and planted:
        _prices(draft, seed)
    for table in draft.tables.values():
        rng.shuffle(table)
    data = {"header": draft.header, "tables": draft.tables, "features": sorted(draft.on)}
    return data if planted else spoil.tighten(data, rng)


def _header(d: Draft, seed: int) -> None:
    kind = d.rng.choice(["month", "week", "day", "hour"])
    periods = d.rng.randint(2, 4)
    month = d.rng.randint(1, 12)
    start = datetime.date(d.rng.choice([2027, 2028]), month, 1)
    d.hours = [period_hours(start, kind, t) for t in range(periods)]
    horizon: Row = {"start": start.isoformat(), "periods": periods, "period": kind}
    d.shares = {"all": 1.0}
    if "blocks" in d.on:
        peak = d.rng.choice([0.25, 0.3, 0.5])
        d.shares = {"peak": peak, "base": 1 - peak}
        horizon["blocks"] = [{"block": b, "share": s} for b, s in d.shares.items()]
    objective = "cost_per_outcome" if "ratio" in d.on else "cost"
    d.header = {"schema": "ailis-opt/1", "name": f"random-{seed}", "currency": "EUR", "objective": objective, "horizon": horizon}
    d.geos = d.rng.sample(["north", "south", "east"], d.rng.randint(1, 3 if d.many else 2)) if "geos" in d.on else []


def _prices(d: Draft, seed: int) -> None:
    """Some hired offers are cheaper in some periods: never dearer, so that the planted plan keeps its budget."""
    rng = random.Random(f"prices {seed}")
    hired = [offer for offer in d.rows("offers") if offer["contract"] in ("on_demand", "interruptible")]
    for offer in hired if rng.random() < 0.5 else []:
        for t in rng.sample(range(len(d.hours)), rng.randint(0, len(d.hours))):
            price = round(offer["price_per_gpu_hour"] * rng.choice([0.3, 0.6, 0.9]), 4)
            d.rows("prices").append({"offer": offer["offer"], "period": t, "price_per_gpu_hour": price})


def period_hours(start: datetime.date, kind: str, period: int) -> float:
    """Hours of a period; a month's are its real ones (`start` is the first of a month)."""
    if kind != "month":
        return {"week": 168.0, "day": 24.0, "hour": 1.0}[kind]
    first = start.year * 12 + start.month - 1 + period
    begin, end = (datetime.date(m // 12, m % 12 + 1, 1) for m in (first, first + 1))
    return (end - begin).days * 24.0
