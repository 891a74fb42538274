"""The plan in the instance's own words: from the solver's columns to tables of decisions.

Merged offers are split again, demand classes go back to the geos they were made of. Costs are in `ledger.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.compile import Layout
from ailis_opt.prepare.assemble import Prepared
from ailis_opt.prepare.market import COMMITTED
from ailis_opt.prepare.supply import in_force_until
from ailis_opt.schema.instance import Instance

NOISE = 1e-9  # what the solver leaves of nothing: lots, GPUs, replicas


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the solver decided, by offer and way instead of by merged offer and class. Sizes as in `ailis_models.arrays`."""

    lots: Floats  # (T, offers) started in t
    hired: Floats  # (S, offers) lots; of committed offers what is called of them, GPUs ÷ lot_gpus
    replicas: Floats  # (S, R)
    standby: Floats  # (S, B)
    unserved: Floats  # (S, Q) outcomes
    gangs: Floats  # (T, J)
    output: Floats  # (T, J) outcomes
    undone: Floats  # (W,) outcomes
    placed: Floats  # (M,)
    positions: Floats  # (E,) lots


def decisions(p: Prepared, layout: Layout, x: Floats) -> Decisions:
    """Read a solution of a program of one scenario.

    A route that the scenario closes has no rate: replicas there serve nothing, and may be left over where capacity stands idle.
    """
    d, periods = p.data, p.data.periods
    columns = {group.name: group for _, group in layout.groups()}

    def table(name: str, rows: int, width: int) -> Floats:
        """(rows, width) of a variable indexed (item, period) or (item,), or of a slice variable indexed (item,)."""
        out = np.zeros((rows, width))
        keys, values = columns[name].keys, np.where(np.abs(layout.values(name, x)) < NOISE, 0.0, layout.values(name, x))
        if keys and isinstance(keys[0], tuple):
            at = np.array(keys)
            out[at[:, 1], at[:, 0]] = values.ravel()
        elif keys:
            out[:, np.array(keys)] = values
        return np.maximum(out, 0.0)

    merged, hired = len(d.committed.lot_gpus), len(d.hired.pool)
    lots = _split_lots(p, table("whole_lots", periods, merged) + table("part_lots", periods, merged))
    by_use = _split_hired(p, table("whole_hired", d.n_slices, hired) + table("part_hired", d.n_slices, hired))
    return Decisions(
        lots=lots,
        hired=by_use + _split_called(p, lots, table("called", d.n_slices, len(d.committed.callable))),
        replicas=np.where(d.slices.rate > 0, table("replicas", d.n_slices, len(d.routes.pool)), 0.0),
        standby=np.where(d.slices.standby_rate > 0, table("standby", d.n_slices, len(d.standby.pool)), 0.0),
        unserved=table("unserved", d.n_slices, len(d.class_workload)),
        gangs=table("gangs", periods, len(d.jobs.workload)),
        output=table("output", periods, len(d.jobs.workload)),
        undone=table("undone", 1, len(d.workloads.total))[0],
        placed=table("placed", 1, len(d.placements.dataset))[0],
        positions=table("position", 1, len(d.hedges.most))[0],
    )


def _split_lots(p: Prepared, lots: Floats) -> Floats:
    """(T, offers): each start goes to the first of the merged offers with room in force; together they have room: their terms are equal.

    Where the lots that may start in a period are limited they go to the offers in turn.
    """
    offers, periods = p.supply.offers, len(lots)
    out = np.zeros((periods, len(offers)))
    limit = offers["max_lots"].fillna(np.inf).to_numpy(float)
    ramped = offers["max_lots_per_period"].notna().to_numpy()
    for o, rows in enumerate(p.supply.committed_of):
        if not lots[:, o].any():
            continue
        if ramped[rows[0]]:
            out[:, rows] = _in_turn(lots[:, o], len(rows))
            continue
        for t in range(periods):
            left = lots[t, o]
            for row in rows:
                running = out[max(0, t - p.data.committed.term[o] + 1) : t + 1, row].sum()
                part = min(left, limit[row] - running)
                out[t, row] += max(part, 0.0)
                left -= max(part, 0.0)
    return out


def _in_turn(started: Floats, n: int) -> Floats:
    """(T, n): lots dealt out one after the other, the offers taking turns through all periods.

    Any run of lots, those that start in a period or are in force in one, is then shared as evenly as lots allow: of at most n·R
    no offer has more than R.
    """
    edges = np.concatenate([[0.0], np.cumsum(started)])
    turns, rest = np.divmod(edges, n)
    dealt = turns[:, None] + np.clip(rest[:, None] - np.arange(n), 0.0, 1.0)
    return np.diff(dealt, axis=0)


def _split_called(p: Prepared, lots: Floats, called: Floats) -> Floats:
    """(S, offers) lots: what is called of merged offers goes to the first with GPUs in force that are not paid for, then to the next."""
    offers, c = p.supply.offers, p.data.committed
    out = np.zeros((len(called), len(offers)))
    if not called.any():
        return out
    size = offers["lot_gpus"].to_numpy(float)
    room = (in_force_gpus(p, lots) * (1 - offers["paid_gpus"].to_numpy(float) / size))[p.data.calendar.slice_period]
    for v, o in enumerate(c.callable.tolist()):
        left = called[:, v].copy()
        for row in p.supply.committed_of[o]:
            out[:, row] = np.minimum(left, room[:, row]) / size[row]
            left -= np.minimum(left, room[:, row])
    return out


def _split_hired(p: Prepared, hired: Floats) -> Floats:
    """(S, offers): the first of the merged offers is filled to its quota, then the next."""
    out = np.zeros((len(hired), len(p.supply.offers)))
    limit = p.supply.offers["max_lots"].fillna(np.inf).to_numpy(float)
    for h, rows in enumerate(p.supply.hired_of):
        left = hired[:, h].copy()
        for row in rows:
            out[:, row] = np.minimum(left, limit[row])
            left -= out[:, row]
    return out


def decision_tables(instance: Instance, p: Prepared, decided: Decisions) -> dict[str, pd.DataFrame]:
    """The tables of decisions, without money: purchases, committed, hired, pools, served, training, unserved, positions."""
    offers = p.supply.offers
    t, o = np.nonzero(decided.lots > 0)
    lots = decided.lots[t, o]
    purchases = pd.DataFrame(
        {"offer": offers["offer"].to_numpy()[o], "start_period": t, "lots": lots, "gpus": lots * offers["lot_gpus"].to_numpy(float)[o]}
    )
    before = offers[offers["committed_lots"] > 0]
    committed = pd.DataFrame(
        {
            "offer": before["offer"].to_numpy(),
            "lots": before["committed_lots"].to_numpy(float),
            "gpus": before["committed_lots"] * before["lot_gpus"] * 1.0,
        }
    ).reset_index(drop=True)
    s, o = np.nonzero(decided.hired > 0)
    gpus = decided.hired[s, o] * offers["lot_gpus"].to_numpy(float)[o]
    hours = p.data.slices.hours[:, 0]
    hired = pd.DataFrame({"offer": offers["offer"].to_numpy()[o], **_when(instance, p, s), "gpus": gpus, "gpu_hours": gpus * hours[s]})
    pools = pd.DataFrame({"pool": p.supply.pools["label"].to_numpy()[offers["pool"]], "offer": offers["offer"].to_numpy()})
    return {
        "purchases": purchases,
        "committed": committed,
        "hired": hired,
        "pools": pools,
        "served": _served(instance, p, decided),
        "training": _training(instance, p, decided),
        "unserved": _unserved(instance, p, decided),
        "positions": pd.DataFrame({"hedge": instance.tables["hedges"]["hedge"], "lots": decided.positions})[decided.positions > 0],
    }


def _when(instance: Instance, p: Prepared, s: Ints) -> dict[str, np.ndarray]:
    blocks = np.array([b.block for b in instance.header.horizon.blocks], dtype=object)
    return {"period": p.data.calendar.slice_period[s], "block": blocks[p.data.calendar.slice_block[s]]}


def _where(instance: Instance, p: Prepared, way: Ints) -> dict[str, np.ndarray]:
    """Workload, region, SKU, pool and profile of ways."""
    pool = p.ways.pool[way]
    return {
        "workload": instance.tables["workloads"]["workload"].to_numpy()[p.ways.workload[way]],
        "region": p.regions.to_numpy()[p.ways.region[way]],
        "sku": p.supply.pools["sku"].to_numpy()[pool],
        "pool": p.supply.pools["label"].to_numpy()[pool],
        "profile": instance.tables["profiles"]["profile"].to_numpy()[p.ways.profile[way]],
    }


def _askers_of(p: Prepared) -> tuple[Ints, Ints, Ints]:
    """Askers sorted by class, and where each class starts and how many it has."""
    order = np.argsort(p.askers.klass, kind="stable")
    order = order[p.askers.klass[order] >= 0]
    counts = np.bincount(p.askers.klass[order], minlength=len(p.data.class_workload))
    return order, np.cumsum(counts) - counts, counts


def _by_asker(p: Prepared, s: Ints, klass: Ints, amount: Floats) -> tuple[Ints, Ints, Floats]:
    """Amounts of (slice, class) shared out to the class's askers by demand: (source entry, asker, amount), nothing left out."""
    order, starts, counts = _askers_of(p)
    source = np.repeat(np.arange(len(s)), counts[klass])
    offset = np.arange(len(source)) - np.repeat(np.cumsum(counts[klass]) - counts[klass], counts[klass])
    asker = order[starts[klass[source]] + offset]
    total = p.data.slices.demand[s, klass]
    share = p.askers.demand[s[source], asker] / np.where(total > 0, total, 1.0)[source]
    keep = share > 0
    return source[keep], asker[keep], amount[source[keep]] * share[keep]


def _served(instance: Instance, p: Prepared, decided: Decisions) -> pd.DataFrame:
    routes, hours, geos = p.data.routes, p.data.slices.hours[:, 0], np.array(p.askers.geo, dtype=object)
    s, r = np.nonzero(decided.replicas > 0)
    source, asker, replicas = _by_asker(p, s, routes.klass[r], decided.replicas[s, r])
    s, r = s[source], r[source]
    way = p.route_way[r]
    serving = pd.DataFrame({"way": way, "asker": asker, "slice": s, "replicas": replicas, "standby": 0.0})
    s, b = np.nonzero(decided.standby > 0)
    first = _first_asker(p)
    waiting = pd.DataFrame(
        {"way": p.standby_way[b], "asker": first[p.standby_way[b]], "slice": s, "replicas": 0.0, "standby": decided.standby[s, b]}
    )
    both = pd.concat([serving, waiting], ignore_index=True) if len(waiting) else serving
    both = (
        both.groupby(["way", "asker", "slice"], as_index=False, sort=True).sum()
        if len(waiting)
        else both.sort_values(["way", "asker", "slice"])
    )
    way, s = both["way"].to_numpy(np.int64), both["slice"].to_numpy(np.int64)
    named, gpus = _where(instance, p, way), p.ways.gpus[way]
    return pd.DataFrame(
        {
            "workload": named.pop("workload"),
            "geo": geos[both["asker"].to_numpy(np.int64)],
            **named,
            **_when(instance, p, s),
            "outcomes": p.ways.rate[way] * hours[s] * both["replicas"].to_numpy(float),
            "replicas": both["replicas"].to_numpy(float),
            "standby": both["standby"].to_numpy(float),
            "gpus": gpus * both["replicas"].to_numpy(float),
            "standby_gpus": gpus * both["standby"].to_numpy(float),
        }
    )


def _first_asker(p: Prepared) -> Ints:
    """(ways,) an asker for whom the way is open, -1 for none: standby waits for the workload as a whole, and is listed there."""
    open_ = p.routes.blockers == 0
    first = np.full(len(p.ways.pool), -1)
    first[p.routes.way[open_][::-1]] = p.routes.asker[open_][::-1]
    return first


def _training(instance: Instance, p: Prepared, decided: Decisions) -> pd.DataFrame:
    t, j = np.nonzero((decided.gangs > 0) | (decided.output > 0))
    gangs = decided.gangs[t, j]
    return pd.DataFrame(
        {
            **_where(instance, p, p.job_way[j]),
            "period": t,
            "gangs": gangs,
            "outcomes": decided.output[t, j],
            "gpus": gangs * p.data.jobs.gpus[j],
        }
    )


def _unserved(instance: Instance, p: Prepared, decided: Decisions) -> pd.DataFrame:
    names = instance.tables["workloads"]["workload"].to_numpy()
    s, q = np.nonzero(decided.unserved > 0)
    source, asker, outcomes = _by_asker(p, s, q, decided.unserved[s, q])
    serving = pd.DataFrame(
        {
            "workload": names[p.askers.workload[asker]],
            "geo": np.array(p.askers.geo, dtype=object)[asker],
            **_when(instance, p, s[source]),
            "outcomes": outcomes,
        }
    )
    w = np.flatnonzero(decided.undone > 0)
    deadline = instance.tables["workloads"]["deadline_period"].to_numpy()[w].astype(np.int64)
    training = pd.DataFrame({"workload": names[w], "geo": "any", "period": deadline, "block": "", "outcomes": decided.undone[w]})
    return pd.concat([serving, training], ignore_index=True) if len(training) else serving


def in_force_gpus(p: Prepared, lots: Floats) -> Floats:
    """(T, offers) GPUs in force of each committed offer, of lots (T, offers) started, once they are there, and of those signed before."""
    offers, periods = p.supply.offers, p.data.periods
    committed = offers["contract"].isin(COMMITTED).to_numpy()
    until = in_force_until(offers, periods)  # (T, offers)
    every = np.arange(periods)[:, None]
    force = np.zeros((periods, len(offers)))
    for t in range(periods):
        force[t:] += np.where(every[t:] < until[t], lots[t], 0.0)
    force[every < offers["start"].to_numpy(np.int64)] = 0.0
    force += np.where(committed & (every < until[0]), offers["committed_lots"].to_numpy(float), 0.0)
    return np.asarray(force * offers["lot_gpus"].to_numpy(float))
