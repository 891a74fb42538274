"""What the instance says, read straight from its tables: the calendar, the pools, the demand and the open routes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Mapping
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
    signed: pd.DataFrame
    """The offers as they were when the plan was signed"""
    staged: bool
    """The plan was signed before it was known that this would be the world: what is signed may come late"""
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


def positions(values: pd.Series[str], names: list[str]) -> npt.NDArray[np.intp]:
    """Where each value stands in `names` (-1: nowhere)."""
    return pd.Index(names, dtype=object).get_indexer(pd.Index(values, dtype=object))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, column -> value."""
    return [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")]


def sums(shape: tuple[int, ...], where: tuple[npt.NDArray[np.intp], ...], amount: npt.ArrayLike) -> Floats:
    """An array of `shape` with each amount added at its place."""
    out = np.zeros(shape)
    np.add.at(out, where, amount)
    return out


def survey(instance: Instance, membership: pd.DataFrame, ledger: Ledger, signed: Instance | None = None) -> World:
    """The world of an instance with the plan's pools, after these are held against their definition.

    In a scenario of the instance `signed`, pools that are alike may be apart: another scenario may tell them from each other.
    """
    horizon = instance.header.horizon
    shares = np.array([block.share for block in horizon.blocks])
    hours = _period_hours(pd.Timestamp(horizon.start), horizon.periods, horizon.period)
    offers = instance.tables["offers"].copy()
    offers["interruptible"] = offers["contract"] == "interruptible"
    offers["metered"] = offers["power"] == "metered"
    _check_pools(offers, membership, ledger, signed is None)
    pools = membership.merge(offers, on="offer").drop_duplicates("pool").set_index("pool")
    first = membership.drop_duplicates("offer").set_index("offer")["pool"]
    offers["pool"] = positions(offers["offer"].map(first), list(pools.index))
    labels = [f"{t}/{block.block}" for t in range(horizon.periods) for block in horizon.blocks]
    slice_hours = (hours[:, None] * shares[None, :]).ravel()
    return World(
        instance.header,
        instance.tables,
        hours,
        slice_hours,
        labels,
        offers,
        (signed or instance).tables["offers"],
        signed is not None,
        pools,
    )


def _period_hours(start: pd.Timestamp, periods: int, kind: str) -> Floats:
    if kind != "month":
        return np.full(periods, _HOURS[kind])
    edges = [start + pd.DateOffset(months=t) for t in range(periods + 1)]
    return np.array([(after - before).days * 24.0 for before, after in itertools.pairwise(edges)])


def _check_pools(offers: pd.DataFrame, membership: pd.DataFrame, ledger: Ledger, together: bool) -> None:
    """Every offer in exactly one pool, equals `together`, and only they."""
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
    if not together:
        return
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
    frame = pd.DataFrame(
        {
            "workload": np.repeat([p[0] for p in parts], [len(p[2]) for p in parts]).astype(object),
            "geo": np.repeat([p[1] for p in parts], [len(p[2]) for p in parts]).astype(object),
            "bucket": np.concatenate([p[2] for p in parts]) if parts else np.zeros(0, np.intp),
            "outcomes": np.concatenate([p[3] for p in parts]) if parts else np.zeros(0),
        }
    )
    return frame.groupby(["workload", "geo", "bucket"])["outcomes"].sum().reset_index()


def measure(world: World, routes: pd.DataFrame) -> pd.DataFrame:
    """The routes with what they are (`region`, `sku`, `provider`, `country`, `interruptible`), what a replica makes and takes
    (`rate` outcomes per hour, `taken` GPUs), and for each closing layer whether it closes them."""
    tables = world.tables
    frame = routes[ROUTE].reset_index(drop=True)
    frame = frame.join(tables["workloads"].set_index("workload").add_prefix("w_"), on="workload")
    frame = frame.join(tables["profiles"].set_index("profile").add_prefix("f_"), on="profile")
    frame = frame.join(world.pools.add_prefix("p_"), on="pool")
    frame = frame.join(tables["skus"].set_index("sku").add_prefix("s_"), on="p_sku")
    frame = frame.join(tables["regions"].set_index("region").add_prefix("r_"), on="p_region")
    waste = _waste(frame)
    gpus, domain = frame["f_gpus"].to_numpy(float), frame["s_scaleup_gpus"].to_numpy(float)
    packed = domain / np.maximum(1.0, np.floor(domain / gpus * (1 + _NEAR)))
    out = routes[ROUTE].reset_index(drop=True)
    out["region"], out["sku"], out["provider"] = frame["p_region"], frame["p_sku"], frame["p_provider"]
    out["country"], out["interruptible"] = frame["r_country"], frame["p_interruptible"].astype(bool)
    out["fits"] = (frame["f_workload"] == frame["workload"]) & (frame["f_sku"] == frame["p_sku"])
    out["rate"] = frame["f_units_per_hour"] / frame["w_units_per_outcome"] * np.maximum(0.0, 1.0 - waste)
    out["taken"] = np.where(gpus <= domain, packed, np.ceil(gpus / domain * (1 - _NEAR)) * domain)
    for layer, closed in _closed(world, frame, waste).items():
        out[layer] = closed
    return out


def _waste(frame: pd.DataFrame) -> Floats:
    """(routes,) share of the hours that interruptions take."""
    save, restart = frame["w_checkpoint_minutes"].fillna(0.0), frame["w_restart_minutes"].fillna(0.0)
    lots = np.maximum(1.0, np.ceil(frame["f_gpus"] / frame["p_lot_gpus"]))
    per_minute = frame["p_interruptions_per_hour"] * lots / 60.0
    waste = np.sqrt(2.0 * save * per_minute) + restart * per_minute
    return np.where(frame["p_interruptible"].astype(bool), np.asarray(waste, float), 0.0)


def _closed(world: World, frame: pd.DataFrame, waste: Floats) -> dict[str, Bools]:
    """Layer -> (routes,) whether it closes the route."""
    gpus = frame["f_gpus"]
    need = frame["w_weights_gb"] + frame["w_kv_gb_per_sequence"] * frame["f_sequences"]
    limit = np.where(frame["w_kind"] == "training", frame["p_cluster_gpus"].to_numpy(float), frame["s_scaleup_gpus"].to_numpy(float))
    system = _pairs(frame["f_runtime"], frame["s_runtimes"], _no_system) | _pairs(frame["f_runtime"], frame["w_runtimes"], _no_system)
    engine = _pairs(frame["f_runtime"], frame["s_runtimes"], _no_engine) | _pairs(frame["f_runtime"], frame["w_runtimes"], _no_engine)
    numeric = _pairs(frame["f_precision"], frame["s_precisions"], _absent) | _pairs(frame["f_precision"], frame["w_precisions"], _absent)
    named = world.tables["datasets"].set_index("dataset")["jurisdictions"].to_dict()
    data = _pairs(frame["w_datasets"], frame["r_jurisdictions"], lambda held, here: any(_disjoint(named[d], here) for d in held))
    operator = _pairs(frame["p_operator_country"], frame["w_excluded_operator_countries"], lambda country, excluded: country in excluded)
    law = _pairs(frame["w_jurisdictions"], frame["r_jurisdictions"], _disjoint)
    refused = frame["p_interruptible"].astype(bool).to_numpy() & (frame["w_max_interruptible_share"].to_numpy(float) <= 0)
    return {
        "L1.memory": (need > gpus * frame["s_memory_gb"] * (1 + _NEAR)).to_numpy(bool),
        "L1.topology": (gpus > limit).to_numpy(bool),
        "L2": system,
        "L3": engine,
        "L4": numeric,
        "L5-L9": data,
        "L10-L14": _late(world, frame) | refused | (waste >= 1.0),
        "L15": _pairs(frame["p_tier"], frame["w_tiers"], _absent) | law | operator,
    }


def _late(world: World, frame: pd.DataFrame) -> Bools:
    """(routes,) whether the answer takes longer than the workload allows; a pair without a round trip time counts as too long."""
    known = {(row["geo"], row["region"]): float(row["rtt_ms"]) for row in records(world.tables["latency"])}
    pairs = zip(frame["geo"], frame["p_region"], strict=True)
    trip = np.array([0.0 if geo == "any" else known.get((geo, region), math.inf) for geo, region in pairs], dtype=float)
    most = frame["w_latency_ms"].fillna(math.inf).to_numpy(float)
    return np.asarray(trip + frame["f_latency_ms"].to_numpy(float) > most * (1 + _NEAR), np.bool_)


def _pairs(left: pd.Series[str], right: pd.Series[str], rule: Callable[..., bool]) -> Bools:
    """The rule on each row's two values, worked out once per distinct pair."""
    seen: dict[tuple[Hashable, Hashable], bool] = {}
    for pair in zip(left, right, strict=True):
        if pair not in seen:
            seen[pair] = rule(*pair)
    return np.array([seen[pair] for pair in zip(left, right, strict=True)], dtype=bool)


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
