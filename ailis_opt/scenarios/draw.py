"""Scenarios: draws of the fit as rows of the tables `scenarios` and `changes`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats, Ints
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import recheck
from ailis_opt.scenarios.effects import effects, require_target
from ailis_opt.scenarios.factors import LARGEST_SHARE
from ailis_opt.scenarios.fit import Factor, Fit
from ailis_opt.scenarios.paths import happenings, middles, paths
from ailis_opt.scenarios.rows import HIRED, Row, among, begins, change, chunks, joined, number, runs, some
from ailis_opt.schema import TABLES, Instance

QUARTERS = 4
"""Parts of the horizon in each of which a factor has one value: its mean there."""

SMALLEST = 1e-3
"""Share by which a factor must move something for a row of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """Rows of a table that a factor multiplies: in runs of periods (first, last), or over all of the horizon (None)."""

    table: str
    where: str
    column: str
    periods: tuple[tuple[int, int] | None, ...]


def draw(fit: Fit, instance: Instance, n: int, seed: int) -> Instance:
    """The instance with `n` equally likely scenarios drawn from the fit; its own are replaced.

    Raises InputError where nothing that the fit or its events are about is in the instance.
    """
    for event in fit.events:
        require_target(event, instance)
    aims = targets(fit, instance)
    if not any(aims) and not fit.events:
        why = "nothing in it is about what is in the instance"
        mend = f"Name SKUs, regions, workloads and indices as the instance does: SKUs {', '.join(instance.tables['skus']['sku'][:10])}"
        raise InputError([Fault(fit.history, why, mend)])
    rng = np.random.default_rng(seed)
    moved = multipliers(fit, instance, n, rng)
    happened = happenings(fit.events, instance.header.horizon.periods, n, rng)
    names = [f"s{k + 1:0{len(str(n))}d}" for k in range(n)]
    rows: list[Row] = []
    for k, name in enumerate(names):
        mine = _moves(fit, aims, moved[k])
        for event, drawn in zip(fit.events, happened, strict=True):
            if (one := drawn[k]) is not None:
                mine += effects(event, instance, one)
        rows += [{"scenario": name, **row} for row in mine]
    scenarios = [{"scenario": name, "probability": np.nan, "source": f"fit of {fit.history}, seed {seed}"} for name in names]
    return recheck.remade(instance, {"scenarios": _frame("scenarios", scenarios), "changes": _frame("changes", rows)})


def multipliers(fit: Fit, instance: Instance, n: int, rng: np.random.Generator) -> Floats:
    """(n, T, F) what each factor multiplies by: e^x; of a spot share s its ratio to that of today, s = 1/(1 + e^−(logit today + x))."""
    x = paths(fit, middles(instance.header), n, rng)
    out = np.exp(x)
    for f, factor in enumerate(fit.factors):
        if factor.kind == "spot":
            today = share_today(factor, instance)
            out[..., f] = 1 / (today + (1 - today) * np.exp(-x[..., f]))
    return out


def share_today(factor: Factor, instance: Instance) -> float:
    """Mean over interruptible offers of the SKU of their price as a share of that on demand beside them; else the last of the history."""
    offers = instance.tables["offers"]
    mine = offers[offers["sku"] == factor.key]
    beside = mine[mine["contract"] == "on_demand"].groupby("region")["price_per_gpu_hour"].mean()
    spot = mine[mine["contract"] == "interruptible"]
    share = spot["price_per_gpu_hour"] / spot["region"].map(beside)
    share = share[(share > 0) & np.isfinite(share)]
    return float(share.mean()) if len(share) and share.mean() < LARGEST_SHARE else float(factor.share_today or 0.5)


def targets(fit: Fit, instance: Instance) -> list[list[Target]]:
    """What each factor multiplies in the instance; an empty list where that is nothing."""
    own = [factor.key for factor in fit.factors if factor.kind == "index"]
    return [_demand(factor, instance) if factor.kind == "demand" else _prices(factor, instance, own) for factor in fit.factors]


def _prices(factor: Factor, instance: Instance, own: Iterable[str]) -> list[Target]:
    """Hired offers and indices; `own` are the indices that have a factor of their own, which nothing else moves."""
    apart = joined(*(among("index", [name]).replace("=", "!=", 1) for name in own))
    place = among(factor.kind if factor.kind in ("sku", "region") else "sku", [factor.key]) if factor.kind != "market" else ""
    spot = "contract=interruptible"
    if factor.kind == "index":
        wheres = [("indices", among("index", [factor.key]))]
    elif factor.kind == "spot":
        wheres = [("offers", joined(place, spot)), ("indices", joined(place, spot, apart))]
    else:
        wheres = [("offers", joined(place, HIRED)), ("indices", joined(place, apart))]
    found = []
    for table, where in wheres:
        at = some(instance, table, where)
        if len(at):
            found.append(Target(table, where, "price_per_gpu_hour", tuple(_on_offer(instance, table, at))))
    return found


def _on_offer(instance: Instance, table: str, at: Ints) -> list[tuple[int, int]]:
    """The quarters of the horizon in which something of what is selected is there."""
    parts = [(int(part[0]), int(part[-1])) for part in chunks(instance.header.horizon.periods, QUARTERS)]
    if table == "indices":
        return parts
    offers = instance.tables["offers"].iloc[at]
    start, end = begins(offers), offers["last_start"].to_numpy(float)
    return [(first, last) for first, last in parts if ((start <= last) & (end >= first)).any()]


def _demand(factor: Factor, instance: Instance) -> list[Target]:
    """Demand by period, in the periods that have any; what training demands is due over the horizon as a whole."""
    work = instance.tables["workloads"]
    named = [factor.key] if factor.key else work["workload"].tolist()
    training = [name for name in work["workload"][work["kind"] == "training"] if name in named]
    others = [name for name in named if name not in training]
    found = []
    for names, dated in ((others, True), (training, False)):
        where = among("workload", names) if names else ""
        at = some(instance, "demand", where) if names else np.zeros(0, dtype=np.int64)
        if not len(at):
            continue
        periods = instance.tables["demand"]["period"].iloc[at]
        everywhere = np.arange(instance.header.horizon.periods)
        there = everywhere if periods.isna().any() else np.unique(periods.astype(int))
        parts = [np.intersect1d(part, there) for part in chunks(len(everywhere), QUARTERS)]
        when: list[tuple[int, int] | None] = [run for part in parts for run in runs(part)] if dated else [None]
        found.append(Target("demand", where, "outcomes", tuple(when)))
    return found


def _moves(fit: Fit, aims: list[list[Target]], moved: Floats) -> list[Row]:
    """The changes of the factors in one draw; `moved` (T, F). Moves below `SMALLEST` are left out."""
    found = []
    for f, (factor, mine) in enumerate(zip(fit.factors, aims, strict=True)):
        for target in mine:
            for periods in target.periods:
                span = slice(None) if periods is None else slice(periods[0], periods[1] + 1)
                value = float(moved[span, f].mean())
                if abs(value - 1) >= SMALLEST:
                    cells = (factor.basis, target.table, target.where, target.column, "mul", number(value), factor.name)
                    found.append(change(*cells, periods))
    return found


def _frame(name: str, rows: list[Row]) -> pd.DataFrame:
    """Rows as a typed table; what they do not say is blank."""
    table = TABLES[name]
    text = {column: kind == "text" for column, kind in table.kinds.items()}
    columns = {c: pd.Series([row.get(c, "" if text[c] else np.nan) for row in rows], dtype=object if text[c] else float) for c in text}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
