"""The work of a plan: what its rows produce and take, and the limits of each row and of each training job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Floats, Ledger, rows
from ailis_opt.audit.world import CLOSING_LAYERS, ROUTE, World, demand, find, measure, positions, sums, totals

_NEAR = 1e-9


@dataclass(frozen=True)
class Work:
    """What a plan does. A bucket is a slice (serving, batch) or, as number S, the whole horizon (training).

    `served` and `training` are the plan's rows with their route's measures, place and hours; `balance` has demanded, served and
    unserved outcomes per workload, geo and bucket; `produced` is all production by route and bucket; `taken` the GPUs in use (P, S).
    """

    served: pd.DataFrame
    training: pd.DataFrame
    produced: pd.DataFrame
    balance: pd.DataFrame
    taken: Floats


def work(world: World, plan: Mapping[str, pd.DataFrame], ledger: Ledger) -> Work:
    """Recomputes what the rows of `served`, `training` and `unserved` mean; checks each row by itself and each training job."""
    served = _measured(world, plan["served"], "served", ledger)
    training = _measured(world, plan["training"].assign(geo="any"), "training", ledger)
    served["slice"] = world.slice_of(served)
    served["hours"] = world.slice_hours[served["slice"].to_numpy(np.intp)]
    training["hours"] = world.hours[training["period"].to_numpy(np.intp)]
    _serving_rows(served, ledger)
    horizon = len(world.slice_hours)
    produced = pd.concat([served.assign(bucket=served["slice"]), training.assign(bucket=horizon)], ignore_index=True)
    balance = _balance(world, produced, plan["unserved"])
    total = totals({"workload": balance["workload"]}, {"demanded": balance["demanded"]})
    _training_rows(world, training, dict(zip(total["workload"], total["demanded"], strict=True)), ledger)
    shape = (len(world.pools), horizon)
    names = list(world.pools.index)
    used = served["taken"] * (served["replicas"] + served["standby"])
    taken = sums(shape, (positions(served["pool"], names), served["slice"].to_numpy(np.intp)), used)
    gangs = sums((len(names), len(world.hours)), _pool_period(training, names), training["taken"] * training["gangs"])
    return Work(served, training, produced, balance, taken + gangs[:, world.period_of_slice])


def _pool_period(frame: pd.DataFrame, pools: list[str]) -> tuple[np.ndarray, np.ndarray]:
    return positions(frame["pool"], pools), frame["period"].to_numpy(np.intp)


def _measured(world: World, frame: pd.DataFrame, name: str, ledger: Ledger) -> pd.DataFrame:
    """The plan's rows with the measures of their route; rows must fit their pool and profile and run on open routes."""
    frame = frame.rename(columns={"region": "told_region", "sku": "told_sku"})
    found = measure(world, frame)
    out = frame.assign(**{name: found[name] for name in found.columns if name not in ROUTE})
    keys = [key for key in (*ROUTE, "period", "block") if key in frame]
    where = rows(out, keys)
    right = (out["told_region"] == out["region"]) & (out["told_sku"] == out["sku"])
    ledger.true("plan", "region and SKU of the pool", "rows", right, where)
    ledger.true("plan", "profile of the workload and SKU", "rows", out["fits"], where)
    unit, columns = ("gangs", ["gangs"]) if name == "training" else ("replicas", ["replicas", "standby"])
    runs = np.abs(out[columns].to_numpy(float)).sum(axis=1)
    for layer in CLOSING_LAYERS:
        ledger.at_most(layer, "closed route", unit, np.where(out[layer], runs, 0.0), 0.0, where)
    return out


def _serving_rows(served: pd.DataFrame, ledger: Ledger) -> None:
    where = rows(served, [*ROUTE, "period", "block"])
    makes = served["rate"] * served["hours"] * served["replicas"]
    ledger.at_most("L16", "rate", "outcomes", served["outcomes"], makes, where)
    ledger.stated("served.gpus", "GPUs", served["gpus"], served["taken"] * served["replicas"], where)
    ledger.stated("served.standby_gpus", "GPUs", served["standby_gpus"], served["taken"] * served["standby"], where)


def _training_rows(world: World, training: pd.DataFrame, demanded: Mapping[str, float], ledger: Ledger) -> None:
    """Whole gangs in their window, no more than the whole job needs, none faster than its rate, all in one pool if they may not move."""
    where = rows(training, ["workload", "pool", "profile", "period"])
    job = find(world.tables["workloads"], "workload", training["workload"])
    gangs, each = training["gangs"].to_numpy(float), (training["rate"] * training["hours"]).to_numpy(float)
    ledger.whole("L1.topology", "whole gangs", "gangs", gangs, where)
    ledger.at_most("L16", "gang output", "outcomes", training["outcomes"], each * gangs, where)
    outside = (training["period"] < job["release_period"]) | (training["period"] > job["deadline_period"])
    late = np.where(outside, np.maximum(np.abs(gangs), np.abs(training["outcomes"])), 0.0)
    ledger.at_most("L16", "release and deadline", "gangs", late, 0.0, where)
    asked = np.array([demanded.get(name, 0.0) for name in training["workload"]], dtype=float)
    enough = np.ceil(asked / np.where(each > 0, each, np.inf) * (1 - _NEAR))
    ledger.at_most("L16", "gangs needed", "gangs", gangs, enough, where)
    ledger.stated("training.gpus", "GPUs", training["gpus"], training["taken"] * gangs, where)
    still = training[(job["max_move_share"] <= 0) & (gangs > ledger.tolerance)]
    pools = still.groupby("workload")["pool"].nunique().rename("pools").reset_index()
    ledger.at_most("L10-L14", "one pool", "pools", pools["pools"], 1.0, rows(pools, ["workload"]))


def _balance(world: World, produced: pd.DataFrame, unserved: pd.DataFrame) -> pd.DataFrame:
    """Columns workload, geo, bucket, slice (its label), demanded, served, unserved."""
    kinds = dict(zip(world.tables["workloads"]["workload"], world.tables["workloads"]["kind"], strict=True))
    trains = np.array([kinds[name] == "training" for name in unserved["workload"]], dtype=bool)
    left = unserved.assign(
        geo=unserved["geo"].where(~trains, "any"), bucket=np.where(trains, len(world.slice_hours), world.slice_of(unserved))
    )
    parts = {"demanded": demand(world), "served": produced, "unserved": left}
    whose = np.repeat(list(parts), [len(part) for part in parts.values()])
    outcomes = np.concatenate([part["outcomes"] for part in parts.values()])
    balance = totals(
        {key: np.concatenate([part[key].to_numpy() for part in parts.values()]) for key in ("workload", "geo", "bucket")},
        {name: np.where(whose == name, outcomes, 0.0) for name in parts},
    )
    balance["slice"] = np.array([*world.slice_labels, "horizon"], dtype=object)[balance["bucket"].to_numpy(np.intp)]
    return balance
