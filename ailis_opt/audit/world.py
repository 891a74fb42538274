"""What the instance says, read straight from its tables: the calendar, the pools, the demand and the open routes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_opt.audit.ledger import Bools, Floats, Ledger, axes, rows

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

    `pools` has the characteristics of each pool (index: pool), `offers` the offers with the column `pool` (-1: in none, else its position).
    """

    header: Header
    tables: Mapping[str, pd.DataFrame]
    hours: Floats
    """(T,) hours of each period"""
    slice_hours: Floats
    """(S,) hours of each slice"""
    slice_labels: list[str]
    offers: pd.DataFrame
    pools: pd.DataFrame

    @property
    def months(self) -> float:
        """Months of the horizon, for storage prices."""
        return float(len(self.hours)) if self.header.horizon.period == "month" else float(self.hours.sum()) / _MONTH_HOURS

    def slice_of(self, frame: pd.DataFrame) -> npt.NDArray[np.intp]:
        """(rows,) the slice of each row's period and block."""
        blocks = [block.block for block in self.header.horizon.blocks]
        return frame["period"].to_numpy().astype(np.intp) * len(blocks) + positions(frame["block"], blocks)

    @property
    def period_of_slice(self) -> npt.NDArray[np.intp]:
        """(S,) the period of each slice."""
        return np.repeat(np.arange(len(self.hours)), len(self.slice_hours) // len(self.hours))


def positions(values: Iterable[str], names: Iterable[str]) -> npt.NDArray[np.intp]:
    """Where each value stands in `names` (-1: nowhere)."""
    at = {name: i for i, name in enumerate(names)}
    return np.array([at.get(value, -1) for value in values], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a table that others refer to by its key: `found["column"]` holds its value for each of them."""

    table: pd.DataFrame
    at: npt.NDArray[np.intp]

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return np.asarray(self.table[column].to_numpy()[self.at])

    def number(self, column: str, blank: float = np.nan) -> Floats:
        """The same as floats, `blank` where the table has none."""
        values = self.table[column].to_numpy(float)
        return np.asarray(np.where(np.isnan(values), blank, values)[self.at])


def find(table: pd.DataFrame, key: str, names: Iterable[str]) -> Found:
    """The row of each name, which must be there."""
    at = positions(names, table[key])
    if (at < 0).any():
        raise ValueError(f"the instance has no {key} of that name: {list(names)[int(np.argmin(at))]!r}")
    return Found(table, at)


def listed(table: pd.DataFrame, keys: tuple[str, str], figure: str) -> dict[tuple[str, str], float]:
    """A figure of a table by two of its columns."""
    return dict(zip(zip(table[keys[0]], table[keys[1]], strict=True), table[figure].to_numpy(float).tolist(), strict=True))


def totals(keys: Mapping[str, npt.ArrayLike], amounts: Mapping[str, npt.ArrayLike]) -> pd.DataFrame:
    """Sums of amounts (rows,) by keys (rows,), in the order of the keys."""
    number: npt.NDArray[np.int64] = np.zeros(1, np.int64)
    levels = []
    for name, values in keys.items():
        code, level = pd.factorize(np.asarray(values), sort=True)
        number = number * len(level) + code
        levels.append((name, level))
    found, at = np.unique(number, return_inverse=True)
    rest = found
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, level in reversed(levels):
        rest, code = np.divmod(rest, max(len(level), 1))
        columns[name] = level[code]
    summed = {name: np.bincount(at, np.asarray(values, float), len(found)) for name, values in amounts.items()}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=columns[name].dtype) for name in keys} | summed)


def sums(shape: tuple[int, ...], where: tuple[npt.NDArray[np.intp], ...], amount: npt.ArrayLike) -> Floats:
    """An array of `shape` with each amount added at its place."""
    out = np.zeros(shape)
    np.add.at(out, where, amount)
    return out


def survey(instance: Instance, membership: pd.DataFrame, ledger: Ledger) -> World:
    """The world of an instance with the plan's pools, after these are held against their definition."""
    horizon = instance.header.horizon
    shares = np.array([block.share for block in horizon.blocks])
    hours = _period_hours(pd.Timestamp(horizon.start), horizon.periods, horizon.period)
    offers = instance.tables["offers"].copy()
    offers["interruptible"] = offers["contract"] == "interruptible"
    offers["metered"] = offers["power"] == "metered"
    _check_pools(offers, membership, ledger)
    pools = membership.merge(offers, on="offer").drop_duplicates("pool").set_index("pool")
    first = membership.drop_duplicates("offer").set_index("offer")["pool"]
    offers["pool"] = positions(offers["offer"].map(first), list(pools.index))
    labels = [f"{t}/{block.block}" for t in range(horizon.periods) for block in horizon.blocks]
    slice_hours = (hours[:, None] * shares[None, :]).ravel()
    return World(instance.header, instance.tables, hours, slice_hours, labels, offers, pools)


def _period_hours(start: pd.Timestamp, periods: int, kind: str) -> Floats:
    if kind != "month":
        return np.full(periods, _HOURS[kind])
    edges = [start + pd.DateOffset(months=t) for t in range(periods + 1)]
    return np.array([(after - before).days * 24.0 for before, after in itertools.pairwise(edges)])


def _check_pools(offers: pd.DataFrame, membership: pd.DataFrame, ledger: Ledger) -> None:
    """Every offer in exactly one pool, equals together, and only they."""
    counts = offers["offer"].map(membership["offer"].value_counts()).fillna(0)
    ledger.true("plan", "one pool per offer", "offers", counts == 1, rows(offers, ["offer"]))
    kind = ["region", "sku", "tier", "provider", "operator_country", "interruptible", "cluster_gpus", "metered"]
    same = offers[kind].copy()
    risky = offers["interruptible"] & (offers["interruptions_per_hour"] > 0)
    same["rate"] = offers["interruptions_per_hour"].where(risky, 0.0)
    same["lot"] = offers["lot_gpus"].where(risky, 0.0)
    kinds = pd.Series(same.groupby(list(same.columns), dropna=False).ngroup().to_numpy(), index=offers["offer"])
    paired = membership.assign(kind=membership["offer"].map(kinds))
    in_pool = paired.groupby("pool")["kind"].nunique()
    ledger.at_most("plan", "pool of equals", "kinds", in_pool, 1.0, axes(pool=list(in_pool.index)))
    of_kind = paired.groupby("kind")["pool"].unique()
    names = [" ".join(sorted(pools)) for pools in of_kind]
    ledger.at_most("plan", "no two equal pools", "pools", [len(pools) for pools in of_kind], 1.0, axes(pools=names))


def demand(world: World) -> pd.DataFrame:
    """Columns workload, geo, bucket, outcomes: the demand of each slice, and of a training job in the bucket S (the horizon)."""
    kinds = world.tables["workloads"].set_index("workload")["kind"].to_dict()
    blocks = [block.block for block in world.header.horizon.blocks]
    every, table = -1.0, world.tables["demand"]

    @cache
    def spread(period: float, block: str) -> tuple[npt.NDArray[np.intp], Floats]:
        """The slices that a row speaks of, and their hours."""
        here = np.ones((len(world.hours), len(blocks)), bool)
        if period != every:
            here &= (np.arange(len(world.hours)) == period)[:, None]
        if block:
            here &= np.array([name == block for name in blocks])[None, :]
        found = np.flatnonzero(here.ravel())
        return found, world.slice_hours[found]

    parts = []
    columns = (table["workload"], table["geo"], table["period"].fillna(every), table["block"], table["outcomes"])
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


def measure(world: World, routes: pd.DataFrame) -> pd.DataFrame:
    """The routes with what they are (`region`, `sku`, `provider`, `country`, `interruptible`), what a replica makes and takes
    (`rate` outcomes per hour, `taken` GPUs), and for each closing layer whether it closes them."""
    r = _found(world, routes)
    waste = _waste(r)
    gpus, domain = r.profile.number("gpus"), r.sku.number("scaleup_gpus")
    packed = domain / np.maximum(1.0, np.floor(domain / gpus * (1 + _NEAR)))
    texts = {"region": r.pool["region"], "sku": r.pool["sku"], "provider": r.pool["provider"], "country": r.region["country"]}
    figures = {
        "interruptible": r.pool["interruptible"],
        "fits": (r.profile["workload"] == r.workload["workload"]) & (r.profile["sku"] == r.pool["sku"]),
        "rate": r.profile.number("units_per_hour") / r.workload.number("units_per_outcome") * np.maximum(0.0, 1.0 - waste),
        "taken": np.where(gpus <= domain, packed, np.ceil(gpus / domain * (1 - _NEAR)) * domain),
    }
    columns = {name: pd.Series(values, dtype=object) for name, values in texts.items()} | figures | _closed(world, r, waste)
    return routes[ROUTE].reset_index(drop=True).assign(**columns)


def _found(world: World, routes: pd.DataFrame) -> Routes:
    tables, pools = world.tables, world.pools
    pool = Found(pools, positions(routes["pool"], pools.index))
    return Routes(
        geo=routes["geo"].to_numpy(),
        workload=find(tables["workloads"], "workload", routes["workload"]),
        profile=find(tables["profiles"], "profile", routes["profile"]),
        pool=pool,
        sku=Found(tables["skus"], find(tables["skus"], "sku", pools["sku"]).at[pool.at]),
        region=Found(tables["regions"], find(tables["regions"], "region", pools["region"]).at[pool.at]),
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


def _distinct(values: Iterable[Hashable]) -> tuple[list[Hashable], npt.NDArray[np.intp]]:
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
