"""What the planted plan takes and costs, and the limits that are drawn around it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.support.generate import Draft, Row


class Level(NamedTuple):
    """GPUs that the planted plan takes for one workload and geo in one region and slice, and its outcomes per hour (all sites)."""

    workload: str
    geo: str
    region: str
    sku: str
    period: int
    block: str
    gpus: float
    outcomes_per_hour: float


def fit_limits(d: Draft) -> None:
    """Quotas of the firm offers, power prices and caps, and the budget, all just wide enough for the planted plan."""
    _quotas(d)
    _power(d)
    if "budget" in d.on:
        levels = [_shed(d, level) for level in d.levels]
        d.header["budget"] = round((_cost(d, levels) + _penalties(d)) * d.rng.uniform(1.001, 1.05), 2)


def _served_share(d: Draft, workload: str) -> float:
    """What the cheapest version of the planted plan serves of a workload: no more than it must, where it may shed."""
    work = d.row("workloads", workload)
    may_shed = "ratio" in d.on or work.get("unserved_cost_per_outcome", 0) > 0
    whole = work["kind"] == "training" or "failover_share" in work
    return float(work.get("min_service", 1)) if may_shed and not whole else 1.0


def _shed(d: Draft, level: Level) -> Level:
    share = _served_share(d, level.workload)
    return level._replace(gpus=level.gpus * share, outcomes_per_hour=level.outcomes_per_hour * share)


def _penalties(d: Draft) -> float:
    cost = 0.0
    for v in d.levels:
        unserved = v.outcomes_per_hour * (1 - _served_share(d, v.workload)) / len(d.sites[v.workload])
        cost += unserved * d.hours[v.period] * d.shares[v.block] * d.row("workloads", v.workload).get("unserved_cost_per_outcome", 0)
    return cost


def _hired(offer: Row, levels: list[Level]) -> dict[tuple[int, str], float]:
    """GPUs to hire of a firm offer, by slice."""
    use: dict[tuple[int, str], float] = defaultdict(float)
    for v in levels:
        if (v.region, v.sku) == (offer["region"], offer["sku"]):
            use[v.period, v.block] += v.gpus
    lot = offer["lot_gpus"]
    paid = {k: gpus / offer.get("availability", 1) for k, gpus in use.items()}
    return {k: math.ceil(gpus / lot - 1e-9) * lot if offer["whole_lots"] else gpus for k, gpus in paid.items()}


def _firm(d: Draft) -> list[Row]:
    return [o for o in d.rows("offers") if o["offer"].startswith("firm")]


def _quotas(d: Draft) -> None:
    for offer in _firm(d):
        if d.rng.random() < 0.4:
            offer["max_lots"] = math.ceil(max(_hired(offer, d.levels).values()) / offer["lot_gpus"]) + d.rng.randint(0, 2)


def _power(d: Draft) -> None:
    """Rows of the power table: caps above the planted use, prices by period, curtailment."""
    if not d.on & {"power_cap", "curtailment", "metered"}:
        return
    for region in d.rows("regions"):
        capped = d.has("power_cap", 0.8) or d.has("curtailment", 0.8)
        for t in range(len(d.hours)):
            row: Row = {"region": region["region"], "period": t}
            if capped and d.has("curtailment", 0.6):
                row["curtailed_share"] = d.rng.choice([0.2, 0.5])
            if capped:
                need = max(_kw(d, region, t, b) for b in d.shares) / (1 - row.get("curtailed_share", 0))
                row["cap_mw"] = math.ceil(1e6 * max(need, 1.0) * d.rng.uniform(1.01, 1.2) / 1000) / 1e6
            if d.has("metered", 0.3):
                row["price_per_kwh"] = round(d.rng.uniform(0.05, 0.9), 3)
            if len(row) > 2:
                d.rows("power").append(row)


def _kw(d: Draft, region: Row, period: int, block: str) -> float:
    spots = [v for v in d.levels if (v.region, v.period, v.block) == (region["region"], period, block)]
    return float(sum(v.gpus * d.row("skus", v.sku)["power_kw_per_gpu"] * region["pue"] for v in spots))


def _cost(d: Draft, levels: list[Level]) -> float:
    """Cost of a plan that takes these GPUs, or a little more."""
    cost = 0.0
    for offer in _firm(d):
        for (t, b), gpus in _hired(offer, levels).items():
            cost += gpus * d.hours[t] * d.shares[b] * offer["price_per_gpu_hour"]
    return cost + _energy(d, levels) + _egress(d, levels) + _datasets(d) + _sunk(d)


def _energy(d: Draft, levels: list[Level]) -> float:
    metered = {(o["region"], o["sku"]) for o in _firm(d) if o["power"] == "metered"}
    prices = {(r["region"], r["period"]): r["price_per_kwh"] for r in d.rows("power") if "price_per_kwh" in r}
    cost = 0.0
    for v in levels:
        region = d.row("regions", v.region)
        price = prices.get((v.region, v.period), region["power_price_per_kwh"])
        kwh = v.gpus * d.row("skus", v.sku)["power_kw_per_gpu"] * region["pue"] * d.hours[v.period] * d.shares[v.block]
        cost += kwh * price * ((v.region, v.sku) in metered)
    return cost


def _egress(d: Draft, levels: list[Level]) -> float:
    prices = {(r["from_region"], r["to_region"]): r["price_per_gb"] for r in d.rows("egress")}
    cost = 0.0
    for v in levels:
        gb = d.row("workloads", v.workload).get("gb_per_outcome", 0) / len(d.sites[v.workload])
        cost += v.outcomes_per_hour * d.hours[v.period] * d.shares[v.block] * gb * prices.get((v.region, v.geo), 0)
    return cost


def _datasets(d: Draft) -> float:
    prices = {(r["from_region"], r["to_region"]): r["price_per_gb"] for r in d.rows("egress")}
    months = len(d.hours) if d.header["horizon"]["period"] == "month" else sum(d.hours) / 730
    cost = 0.0
    for row in d.rows("datasets"):
        held = {row["region"]}
        for w in d.rows("workloads"):
            held |= set(d.sites[w["workload"]]) if row["dataset"] in w.get("datasets", []) else set()
        moved = sum(prices.get((row["region"], k), 0) for k in held if k != row["region"]) * row["size_gb"]
        cost += moved * (1 + row["refresh_share_per_period"] * len(d.hours))
        cost += len(held) * row["size_gb"] * row["storage_price_per_gb_month"] * months
    return cost


def _sunk(d: Draft) -> float:
    cost = 0.0
    for offer in d.rows("offers"):
        term = offer.get("term_periods", len(d.hours))
        inside = min(term, len(d.hours))
        hourly = offer["price_per_gpu_hour"] * sum(d.hours[:inside])
        upfront = offer.get("upfront_per_gpu", 0) * inside / term
        cost += offer.get("committed_lots", 0) * offer["lot_gpus"] * (hourly + upfront)
    return cost
