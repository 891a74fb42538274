"""What the instance says, read straight from its tables: the calendar, the pools, the demand and the open routes."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_opt.audit.ledger import Bools, Columns, Floats, Ints, Ledger, axes, rows
from ailis_opt.audit.lookup import Found, Table, find, listed, positions, totals

if TYPE_CHECKING:
    from ailis_opt.schema import Header, Instance

ROUTE = ["workload", "geo", "pool", "profile"]
CLOSING_LAYERS = ("L1.memory", "L1.topology", "L2", "L3", "L4", "L5-L9", "L10-L14", "L15")
_MONTH_HOURS = 730.0
_HOURS = {"week": 168.0, "day": 24.0, "hour": 1.0}
_NEAR = 1e-9
"""Slack for comparing products of two floats of the instance (relative)."""


@dataclass(frozen=True)
class World:
    """An instance as the audit sees it; T periods, S = T × B slices (period-major), P pools, K regions.

    `pools` are the rows of one offer of each pool, which say what it is; `offers` have the column `pool` (-1: in none, else its position).
    """

    header: Header
    tables: Mapping[str, Columns]
    hours: Floats
    """(T,) hours of each period"""
    slice_hours: Floats
    """(S,) hours of each slice"""
    slice_labels: list[str]
    offers: Columns
    signed: Columns
    """The offers as they were when the plan was signed"""
    staged: bool
    """The plan was signed before it was known that this would be the world: what is signed may come late"""
    pools: Found
    pool_names: list[str]

    @property
    def months(self) -> float:
        """Months of the horizon, for storage prices."""
        return float(len(self.hours)) if self.header.horizon.period == "month" else float(self.hours.sum()) / _MONTH_HOURS

    def slice_of(self, table: Columns) -> Ints:
        """(rows,) the slice of each row's period and block."""
        blocks = [block.block for block in self.header.horizon.blocks]
        return table["period"].astype(np.intp) * len(blocks) + positions(table["block"], blocks)

    @property
    def bucket_labels(self) -> npt.NDArray[np.object_]:
        """(S + 1,) names of the slices, and of the horizon."""
        return np.array([*self.slice_labels, "horizon"], dtype=object)

    @property
    def period_of_slice(self) -> npt.NDArray[np.intp]:
        """(S,) the period of each slice."""
        return np.repeat(np.arange(len(self.hours)), len(self.slice_hours) // len(self.hours))


def survey(instance: Instance, membership: Columns, ledger: Ledger, signed: Instance | None = None) -> World:
    """The world of an instance with the plan's pools, after these are held against their definition.

    In a scenario of the instance `signed`, pools that are alike may be apart: another scenario may tell them from each other.
    """
    horizon = instance.header.horizon
    shares = np.array([block.share for block in horizon.blocks])
    hours = _period_hours(pd.Timestamp(horizon.start), horizon.periods, horizon.period)
    tables = {name: Table(frame) for name, frame in instance.tables.items()}
    offers = tables["offers"]
    offers["interruptible"] = offers["contract"] == "interruptible"
    offers["metered"] = offers["power"] == "metered"
    _check_pools(offers, membership, ledger, signed is None)
    pools = list(dict.fromkeys(membership["pool"]))
    first = positions(pools, membership["pool"])
    pool_of = np.append(positions(membership["pool"], pools), -1)
    offers["pool"] = pool_of[positions(offers["offer"], membership["offer"])]
    labels = [f"{t}/{block.block}" for t in range(horizon.periods) for block in horizon.blocks]
    slice_hours = (hours[:, None] * shares[None, :]).ravel()
    alike = Found(offers, positions(membership["offer"], offers["offer"])[first])
    before = offers if signed is None else Table(signed.tables["offers"])
    return World(instance.header, tables, hours, slice_hours, labels, offers, before, signed is not None, alike, pools)


def _period_hours(start: pd.Timestamp, periods: int, kind: str) -> Floats:
    if kind != "month":
        return np.full(periods, _HOURS[kind])
    edges = [start + pd.DateOffset(months=t) for t in range(periods + 1)]
    return np.array([(after - before).days * 24.0 for before, after in itertools.pairwise(edges)])


def _check_pools(offers: Columns, membership: Columns, ledger: Ledger, together: bool) -> None:
    """Every offer in exactly one pool, equals `together`, and only they."""
    times = Counter(membership["offer"])
    ledger.true("plan", "one pool per offer", "offers", [times[offer] == 1 for offer in offers["offer"]], rows(offers, ["offer"]))
    alike = ("region", "sku", "tier", "provider", "operator_country", "interruptible", "cluster_gpus", "metered")
    rate = np.where(offers["interruptible"], offers["interruptions_per_hour"], 0.0)
    lot = np.where(rate > 0, offers["lot_gpus"], 0.0)
    kinds = dict(zip(offers["offer"], zip(*(offers[name] for name in alike), rate, lot, strict=True), strict=True))
    in_pool: dict[str, set[object]] = {}
    of_kind: dict[object, set[str]] = {}
    for pool, offer in zip(membership["pool"], membership["offer"], strict=True):
        in_pool.setdefault(pool, set()).add(kinds[offer])
        of_kind.setdefault(kinds[offer], set()).add(pool)
    ledger.at_most("plan", "pool of equals", "kinds", [len(found) for found in in_pool.values()], 1.0, axes(pool=list(in_pool)))
    if not together:
        return
    names = [" ".join(sorted(pools)) for pools in of_kind.values()]
    ledger.at_most("plan", "no two equal pools", "pools", [len(pools) for pools in of_kind.values()], 1.0, axes(pools=names))


def demand(world: World) -> Columns:
    """Columns workload, geo, bucket, outcomes: the demand of each slice, and of a training job in the bucket S (the horizon)."""
    kinds = dict(zip(world.tables["workloads"]["workload"], world.tables["workloads"]["kind"], strict=True))
    blocks = [block.block for block in world.header.horizon.blocks]
    every, table = -1.0, world.tables["demand"]

    @cache
    def spread(period: float, block: str) -> tuple[Ints, Floats]:
        """The slices that a row speaks of, and their hours."""
        here = np.ones((len(world.hours), len(blocks)), bool)
        if period != every:
            here &= (np.arange(len(world.hours)) == period)[:, None]
        if block:
            here &= np.array([name == block for name in blocks])[None, :]
        found = np.flatnonzero(here.ravel())
        return found, world.slice_hours[found]

    parts = []
    when = np.where(np.isnan(table["period"]), every, table["period"])
    columns = (table["workload"], table["geo"], when.tolist(), table["block"], table["outcomes"].tolist())
    for workload, geo, period, block, outcomes in zip(*columns, strict=True):
        if kinds[workload] == "training":
            parts.append((workload, "any", np.array([len(world.slice_hours)]), np.array([outcomes])))
        else:
            found, hours = spread(period, block)
            parts.append((workload, geo, found, outcomes * hours / hours.sum()))
    sizes = [len(found) for _, _, found, _ in parts]
    names = [np.repeat(np.array([part[i] for part in parts], dtype=object), sizes) for i in (0, 1)]
    bucket, outcomes = (np.concatenate([[], *(part[i] for part in parts)]) for i in (2, 3))
    return totals({"workload": names[0], "geo": names[1], "bucket": bucket.astype(np.intp)}, {"outcomes": outcomes})


@dataclass(frozen=True, slots=True)
class Routes:
    """Routes (rows) with the rows of the tables that they refer to."""

    geo: npt.NDArray[Any]
    workload: Found
    profile: Found
    pool: Found
    sku: Found
    region: Found


def measure(world: World, routes: Columns) -> Columns:
    """The routes with what they are (`region`, `sku`, `provider`, `country`, `interruptible`), what a replica makes and takes
    (`rate` outcomes per hour, `taken` GPUs), and for each closing layer whether it closes them."""
    r = _found(world, routes)
    waste = _waste(r)
    gpus, domain = r.profile.number("gpus"), r.sku.number("scaleup_gpus")
    packed = domain / np.maximum(1.0, np.floor(domain / gpus * (1 + _NEAR)))
    return {
        **{name: r.pool[name] for name in ("region", "sku", "provider", "interruptible")},
        "country": r.region["country"],
        "fits": (r.profile["workload"] == r.workload["workload"]) & (r.profile["sku"] == r.pool["sku"]),
        "rate": r.profile.number("units_per_hour") / r.workload.number("units_per_outcome") * np.maximum(0.0, 1.0 - waste),
        "taken": np.where(gpus <= domain, packed, np.ceil(gpus / domain * (1 - _NEAR)) * domain),
        **_closed(world, r, waste),
    }


def _found(world: World, routes: Columns) -> Routes:
    tables, pools = world.tables, world.pools
    pool = positions(routes["pool"], world.pool_names)
    return Routes(
        geo=routes["geo"],
        workload=find(tables["workloads"], "workload", routes["workload"]),
        profile=find(tables["profiles"], "profile", routes["profile"]),
        pool=Found(pools.table, pools.at[pool]),
        sku=Found(tables["skus"], find(tables["skus"], "sku", pools["sku"]).at[pool]),
        region=Found(tables["regions"], find(tables["regions"], "region", pools["region"]).at[pool]),
    )


def _waste(r: Routes) -> Floats:
    """(routes,) share of the hours that interruptions take."""
    save, restart = r.workload.number("checkpoint_minutes", 0.0), r.workload.number("restart_minutes", 0.0)
    lots = np.maximum(1.0, np.ceil(r.profile.number("gpus") / r.pool.number("lot_gpus")))
    per_minute = r.pool.number("interruptions_per_hour") * lots / 60.0
    waste = np.sqrt(2.0 * save * per_minute) + restart * per_minute
    return np.where(r.pool["interruptible"], waste, 0.0)


def _closed(world: World, r: Routes, waste: Floats) -> dict[str, Bools]:
    """Layer -> (routes,) whether it closes the route."""
    gpus = r.profile.number("gpus")
    need = r.workload.number("weights_gb") + r.workload.number("kv_gb_per_sequence") * r.profile.number("sequences")
    limit = np.where(r.workload["kind"] == "training", r.pool.number("cluster_gpus"), r.sku.number("scaleup_gpus"))
    runtime, precision = (r.profile, "runtime"), (r.profile, "precision")
    system = _pairs(runtime, (r.sku, "runtimes"), _no_system) | _pairs(runtime, (r.workload, "runtimes"), _no_system)
    engine = _pairs(runtime, (r.sku, "runtimes"), _no_engine) | _pairs(runtime, (r.workload, "runtimes"), _no_engine)
    numeric = _pairs(precision, (r.sku, "precisions"), _absent) | _pairs(precision, (r.workload, "precisions"), _absent)
    law_of = dict(zip(world.tables["datasets"]["dataset"], world.tables["datasets"]["jurisdictions"], strict=True))
    here = (r.region, "jurisdictions")
    data = _pairs((r.workload, "datasets"), here, lambda held, laws: any(_disjoint(law_of[d], laws) for d in held))
    operator = _pairs((r.pool, "operator_country"), (r.workload, "excluded_operator_countries"), lambda country, out: country in out)
    law = _pairs((r.workload, "jurisdictions"), here, _disjoint)
    refused = r.pool["interruptible"] & (r.workload.number("max_interruptible_share") <= 0)
    return {
        "L1.memory": need > gpus * r.sku.number("memory_gb") * (1 + _NEAR),
        "L1.topology": gpus > limit,
        "L2": system,
        "L3": engine,
        "L4": numeric,
        "L5-L9": data,
        "L10-L14": _late(world, r) | refused | (waste >= 1.0),
        "L15": _pairs((r.pool, "tier"), (r.workload, "tiers"), _absent) | law | operator,
    }


def _late(world: World, r: Routes) -> Bools:
    """(routes,) whether the answer takes longer than the workload allows; a pair without a round trip time counts as too long."""
    known = listed(world.tables["latency"], ("geo", "region"), "rtt_ms")
    pairs = zip(r.geo, r.region["region"], strict=True)
    trip = np.array([0.0 if pair[0] == "any" else known.get(pair, math.inf) for pair in pairs], dtype=float)
    return np.asarray(trip + r.profile.number("latency_ms") > r.workload.number("latency_ms", math.inf) * (1 + _NEAR), np.bool_)


def _pairs(left: tuple[Found, str], right: tuple[Found, str], rule: Callable[..., bool]) -> Bools:
    """The rule on each route's two values, worked out once per pair of values that the two tables have."""
    (mine, one), (yours, other) = (_distinct(found.table[column]) for found, column in (left, right))
    verdict = np.array([[rule(a, b) for b in yours] for a in mine], dtype=bool).reshape(len(mine), len(yours))
    return np.asarray(verdict[one[left[0].at], other[right[0].at]])


def _distinct(values: Iterable[Hashable]) -> tuple[list[Hashable], Ints]:
    """The values that there are, and for each which of them it is."""
    places: dict[Hashable, int] = {}
    code = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(code, dtype=np.intp)


def _absent(value: str, accepted: tuple[str, ...]) -> bool:
    return bool(value) and bool(accepted) and value not in accepted


def _disjoint(wanted: tuple[str, ...], here: tuple[str, ...]) -> bool:
    return bool(wanted) and not set(wanted) & set(here)


def _no_system(runtime: str, accepted: tuple[str, ...]) -> bool:
    system = runtime.partition("/")[0]
    return bool(runtime) and bool(accepted) and system not in {item.partition("/")[0] for item in accepted}


def _no_engine(runtime: str, accepted: tuple[str, ...]) -> bool:
    """The system is accepted, and only with other engines."""
    system, _, engine = runtime.partition("/")
    if not engine or _no_system(runtime, accepted) or not accepted:
        return False
    return system not in accepted and runtime not in accepted
