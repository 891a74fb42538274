"""A second reading of `docs/format.md`: time, demand, pools, routes and rates, one plain loop each.

Shares nothing with the program but the normal form of the tables.
"""

from __future__ import annotations

import calendar
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ailis_opt.schema.instance import Instance

Row = dict[str, Any]
Slice = tuple[int, str]


class Pool(NamedTuple):
    """What the offers of a pool have in common; `rate` and `lot` are 0 unless capacity is interrupted.

    `apart` keeps those apart that are not alike in every scenario.
    """

    region: str
    sku: str
    tier: str
    provider: str
    operator: str
    interruptible: bool
    cluster: float
    metered: bool
    rate: float
    lot: float
    apart: int = 0


class Route(NamedTuple):
    """A way to produce outcomes."""

    workload: str
    geo: str
    pool: Pool
    profile: str


@dataclass
class Reading:
    """An instance in plain words. Hours by period; outcomes per replica-hour and GPUs taken by route."""

    hours: list[float]
    months: float
    shares: dict[str, float]
    demand: dict[tuple[str, str], dict[Slice, float]]  # (workload, geo) -> outcomes by slice
    pools: dict[str, Pool]  # offer -> pool
    routes: list[Route]
    rate: dict[Route, float]
    taken: dict[Route, float]
    tables: dict[str, list[Row]]

    def slices(self) -> list[Slice]:
        return [(t, b) for t in range(len(self.hours)) for b in self.shares]

    def width(self, t: int, b: str) -> float:
        """Hours of a slice."""
        return self.hours[t] * self.shares[b]

    def total(self, workload: str, t: int, b: str) -> float:
        """Outcomes of a workload that all geos demand in a slice."""
        return sum(amounts[t, b] for (w, _), amounts in self.demand.items() if w == workload)

    def row(self, table: str, key: str, name: str) -> Row:
        return next(r for r in self.tables[table] if r[key] == name)


def reading(instance: Instance, apart: Mapping[str, int] | None = None) -> Reading:
    """Read an instance; `apart`: offers of which those with other numbers are in other pools."""
    tables = {name: [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")] for name, frame in instance.tables.items()}
    horizon = instance.header.horizon
    hours = [_hours(horizon.start.year, horizon.start.month, horizon.start.day, horizon.period, t) for t in range(horizon.periods)]
    months = float(horizon.periods) if horizon.period == "month" else sum(hours) / 730
    shares = {block.block: block.share for block in horizon.blocks}
    out = Reading(hours, months, shares, {}, {}, [], {}, {}, tables)
    _demand(out)
    for offer in tables["offers"]:
        out.pools[offer["offer"]] = _pool(out, offer)._replace(apart=(apart or {}).get(offer["offer"], 0))
    _routes(out)
    return out


def blank(value: Any) -> bool:
    """Whether a number without default was left out."""
    return value is None or math.isnan(value)


def _hours(year: int, month: int, day: int, kind: str, t: int) -> float:
    if kind != "month":
        return {"week": 168.0, "day": 24.0, "hour": 1.0}[kind]
    assert day == 1, "the reference counts months from their first day only"
    y, m = divmod(year * 12 + month - 1 + t, 12)
    return calendar.monthrange(y, m + 1)[1] * 24.0


def _demand(out: Reading) -> None:
    for row in out.tables["demand"]:
        amounts = out.demand.setdefault((row["workload"], row["geo"]), defaultdict(float))
        periods = range(len(out.hours)) if blank(row["period"]) else [int(row["period"])]
        blocks = [row["block"]] if row["block"] else list(out.shares)
        whole = sum(out.width(t, b) for t in periods for b in blocks)
        for t in periods:
            for b in blocks:
                amounts[t, b] += row["outcomes"] * out.width(t, b) / whole


def _pool(out: Reading, offer: Row) -> Pool:
    sku = out.row("skus", "sku", offer["sku"])
    interruptible = offer["contract"] == "interruptible"
    interrupted = interruptible and offer["interruptions_per_hour"] > 0
    return Pool(
        region=offer["region"],
        sku=offer["sku"],
        tier=offer["tier"],
        provider=offer["provider"],
        operator=offer["operator_country"],
        interruptible=interruptible,
        cluster=sku["scaleup_gpus"] if blank(offer["cluster_gpus"]) else offer["cluster_gpus"],
        metered=offer["power"] == "metered",
        rate=offer["interruptions_per_hour"] if interrupted else 0.0,
        lot=offer["lot_gpus"] if interrupted else 0.0,
    )


def _routes(out: Reading) -> None:
    for workload, geo in out.demand:
        work = out.row("workloads", "workload", workload)
        for profile in out.tables["profiles"]:
            for pool in dict.fromkeys(out.pools.values()):
                if profile["workload"] != workload or profile["sku"] != pool.sku or _closed(out, work, geo, pool, profile):
                    continue
                route = Route(workload, geo, pool, profile["profile"])
                out.routes.append(route)
                out.taken[route] = _taken(profile["gpus"], out.row("skus", "sku", pool.sku)["scaleup_gpus"])
                out.rate[route] = profile["units_per_hour"] / work["units_per_outcome"] * (1 - _waste(work, pool, profile))


def _closed(out: Reading, work: Row, geo: str, pool: Pool, profile: Row) -> bool:
    region, sku = out.row("regions", "region", pool.region), out.row("skus", "sku", pool.sku)
    laws = region["jurisdictions"]
    reasons = [
        _memory_short(work, sku, profile),
        profile["gpus"] > (pool.cluster if work["kind"] == "training" else sku["scaleup_gpus"]),
        not _runs(profile["runtime"], sku["runtimes"]),
        not _runs(profile["runtime"], work["runtimes"]),
        bool(profile["precision"]) and not _among(profile["precision"], sku["precisions"]),
        bool(profile["precision"]) and not _among(profile["precision"], work["precisions"]),
        any(not _lawful(out.row("datasets", "dataset", d)["jurisdictions"], laws) for d in work["datasets"]),
        _late(out, work, geo, pool, profile),
        pool.interruptible and work["max_interruptible_share"] == 0,
        _waste(work, pool, profile) >= 1,
        not _among(pool.tier, work["tiers"]),
        not _lawful(work["jurisdictions"], laws),
        pool.operator in work["excluded_operator_countries"],
    ]
    return any(reasons)


def _memory_short(work: Row, sku: Row, profile: Row) -> bool:
    if blank(sku["memory_gb"]):
        return False
    sequences = 1 if blank(profile["sequences"]) else profile["sequences"]
    need = work["weights_gb"] + work["kv_gb_per_sequence"] * sequences
    return bool(need > profile["gpus"] * sku["memory_gb"])


def _runs(runtime: str, accepted: tuple[str, ...]) -> bool:
    """A runtime `cuda/vllm` against a list; an item without engine takes every engine, a profile without one is taken by any."""
    if not runtime or not accepted:
        return True
    system, _, engine = runtime.partition("/")
    for item in accepted:
        its_system, _, its_engine = item.partition("/")
        if system == its_system and (not engine or not its_engine or engine == its_engine):
            return True
    return False


def _among(value: str, accepted: tuple[str, ...]) -> bool:
    return not accepted or value in accepted


def _lawful(wanted: tuple[str, ...], laws: tuple[str, ...]) -> bool:
    """Whether a region under `laws` meets a list of jurisdictions; a region of which nothing is known meets none."""
    return not wanted or bool(set(wanted) & set(laws))


def _late(out: Reading, work: Row, geo: str, pool: Pool, profile: Row) -> bool:
    if blank(work["latency_ms"]):
        return False
    rtt = 0.0
    if geo != "any":
        rtt = next(r["rtt_ms"] for r in out.tables["latency"] if r["geo"] == geo and r["region"] == pool.region)
    return bool(rtt + profile["latency_ms"] > work["latency_ms"])


def _waste(work: Row, pool: Pool, profile: Row) -> float:
    if pool.rate == 0:
        return 0.0
    checkpoint = 0.0 if blank(work["checkpoint_minutes"]) else work["checkpoint_minutes"]
    restart = 0.0 if blank(work["restart_minutes"]) else work["restart_minutes"]
    mean = 60 / (pool.rate * max(1, math.ceil(profile["gpus"] / pool.lot)))
    return math.sqrt(2 * checkpoint / mean) + float(restart / mean)


def _taken(gpus: int, domain: int) -> float:
    return domain / (domain // gpus) if gpus <= domain else float(math.ceil(gpus / domain) * domain)
