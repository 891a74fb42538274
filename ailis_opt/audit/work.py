"""The work of a plan: what its rows produce and take, and the limits of each row and of each training job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ailis_opt.audit.ledger import Columns, Floats, Ledger, axes, rows
from ailis_opt.audit.lookup import find, positions, sums, totals
from ailis_opt.audit.world import CLOSING_LAYERS, ROUTE, World, demand, measure

_NEAR = 1e-9


@dataclass(frozen=True)
class Work:
    """What a plan does. A bucket is a slice (serving, batch) or, as number S, the whole horizon (training).

    `served` and `training` are the plan's rows with their route's measures, place and hours; `balance` has demanded, served and
    unserved outcomes per workload, geo and bucket; `produced` is all production by route and bucket; `taken` the GPUs in use (P, S).
    """

    served: Columns
    training: Columns
    produced: Columns
    balance: Columns
    taken: Floats


def work(world: World, plan: Mapping[str, Columns], ledger: Ledger) -> Work:
    """Recomputes what the rows of `served`, `training` and `unserved` mean; checks each row by itself and each training job."""
    slice_ = world.slice_of(plan["served"])
    period = plan["training"]["period"].astype(np.intp)
    served = _measured(world, plan["served"], "served", ledger) | {"slice": slice_, "hours": world.slice_hours[slice_]}
    anywhere = np.full(len(period), "any", dtype=object)
    training = _measured(world, {**plan["training"], "geo": anywhere}, "training", ledger) | {"hours": world.hours[period]}
    _serving_rows(served, ledger)
    both = ("workload", "geo", "region", "provider", "country", "interruptible", "outcomes")
    produced = {name: np.concatenate([served[name], training[name]]) for name in both}
    produced["bucket"] = np.append(slice_, np.full(len(period), len(world.slice_hours)))
    balance = _balance(world, produced, plan["unserved"])
    total = totals({"workload": balance["workload"]}, {"demanded": balance["demanded"]})
    _training_rows(world, training, dict(zip(total["workload"], total["demanded"], strict=True)), ledger)
    names = world.pool_names
    used = served["taken"] * (served["replicas"] + served["standby"])
    taken = sums((len(names), len(world.slice_hours)), (positions(served["pool"], names), slice_), used)
    at = (positions(training["pool"], names), period)
    gangs = sums((len(names), len(world.hours)), at, training["taken"] * training["gangs"])
    return Work(served, training, produced, balance, taken + gangs[:, world.period_of_slice])


def _measured(world: World, plan: Columns, name: str, ledger: Ledger) -> dict[str, npt.NDArray[Any]]:
    """The plan's rows with the measures of their route; rows must fit their pool and profile and run on open routes."""
    out = {**plan, **measure(world, plan)}
    where = rows(out, [key for key in (*ROUTE, "period", "block") if key in out])
    right = (plan["region"] == out["region"]) & (plan["sku"] == out["sku"])
    ledger.true("plan", "region and SKU of the pool", "rows", right, where)
    ledger.true("plan", "profile of the workload and SKU", "rows", out["fits"], where)
    training = name == "training"
    runs = np.abs(out["gangs"]) if training else np.abs(out["replicas"]) + np.abs(out["standby"])
    for layer in CLOSING_LAYERS:
        closed = np.where(out[layer], runs, 0.0)
        ledger.at_most(layer, "closed route", "gangs" if training else "replicas", closed, 0.0, where)
    return out


def _serving_rows(served: Columns, ledger: Ledger) -> None:
    where = rows(served, [*ROUTE, "period", "block"])
    makes = served["rate"] * served["hours"] * served["replicas"]
    ledger.at_most("L16", "rate", "outcomes", served["outcomes"], makes, where)
    ledger.stated("served.gpus", "GPUs", served["gpus"], served["taken"] * served["replicas"], where)
    ledger.stated("served.standby_gpus", "GPUs", served["standby_gpus"], served["taken"] * served["standby"], where)


def _training_rows(world: World, training: Columns, demanded: Mapping[str, float], ledger: Ledger) -> None:
    """Whole gangs in their window, no more than the whole job needs, none faster than its rate, all in one pool if they may not move."""
    where = rows(training, ["workload", "pool", "profile", "period"])
    job = find(world.tables["workloads"], "workload", training["workload"])
    gangs, each = training["gangs"], training["rate"] * training["hours"]
    ledger.whole("L1.topology", "whole gangs", "gangs", gangs, where)
    ledger.at_most("L16", "gang output", "outcomes", training["outcomes"], each * gangs, where)
    outside = (training["period"] < job["release_period"]) | (training["period"] > job["deadline_period"])
    late = np.where(outside, np.maximum(np.abs(gangs), np.abs(training["outcomes"])), 0.0)
    ledger.at_most("L16", "release and deadline", "gangs", late, 0.0, where)
    asked = np.array([demanded.get(name, 0.0) for name in training["workload"]], dtype=float)
    enough = np.ceil(asked / np.where(each > 0, each, np.inf) * (1 - _NEAR))
    ledger.at_most("L16", "gangs needed", "gangs", gangs, enough, where)
    ledger.stated("training.gpus", "GPUs", training["gpus"], training["taken"] * gangs, where)
    still = (job["max_move_share"] <= 0) & (gangs > ledger.tolerance)
    pools: dict[str, set[str]] = {}
    for workload, pool in zip(training["workload"][still], training["pool"][still], strict=True):
        pools.setdefault(workload, set()).add(pool)
    ledger.at_most("L10-L14", "one pool", "pools", [len(found) for found in pools.values()], 1.0, axes(workload=list(pools)))


def _balance(world: World, produced: Columns, unserved: Columns) -> Columns:
    """Columns workload, geo, bucket, slice (its label), demanded, served, unserved."""
    kinds = dict(zip(world.tables["workloads"]["workload"], world.tables["workloads"]["kind"], strict=True))
    trains = np.array([kinds[name] == "training" for name in unserved["workload"]], dtype=bool)
    left = {
        **unserved,
        "geo": np.where(trains, "any", unserved["geo"]).astype(object),
        "bucket": np.where(trains, len(world.slice_hours), world.slice_of(unserved)),
    }
    parts: dict[str, Columns] = {"demanded": demand(world), "served": produced, "unserved": left}
    whose = np.repeat(list(parts), [len(part["bucket"]) for part in parts.values()])
    outcomes = np.concatenate([part["outcomes"] for part in parts.values()])
    balance = totals(
        {key: np.concatenate([part[key] for part in parts.values()]) for key in ("workload", "geo", "bucket")},
        {name: np.where(whose == name, outcomes, 0.0) for name in parts},
    )
    return {**balance, "slice": world.bucket_labels[balance["bucket"]]}
