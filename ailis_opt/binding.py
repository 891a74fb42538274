"""Which rows are tight, and what a unit more would be worth: duals of the polished LP (integers fixed at the plan).

These are prices *at this plan*: what one unit more of the limit would save with all lots as signed. They are one set of many where the
LP is degenerate, and they say nothing of routes that a layer closed beforehand (O'Neill et al. 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_models.families import Family
from ailis_models.formulation import FAMILIES
from ailis_models.layers import LAYERS
from ailis_opt.engine.compile import Program
from ailis_opt.engine.search import Outcome
from ailis_opt.prepare.assemble import Prepared
from ailis_opt.schema.instance import Instance

COMPONENT = {layer.id: layer.component for layer in LAYERS}
LABEL = "polished LP"
NOISE = 1e-7  # share of the largest price of the same family below which a dual is the solver's rounding
PHRASES = {
    "power_cap": "power cap of {}",
    "capacity": "GPUs in pool {}",
    "data_in_place": "{2} not held in {1} ({0})",
    "training_data_in_place": "{2} not held in {1} ({0})",
    "interruptible": "interruptible share of {}",
    "training_interruptible": "interruptible share of {}",
    "failover": "failover of {} when {} is lost",
    "movement": "movement of {} into {}",
    "operator_share": "share of {1} in {0}",
    "training_operator_share": "share of {1} in {0}",
    "country_share": "share of {1} in {0}",
    "training_country_share": "share of {1} in {0}",
    "demand": "demand of {}",
    "training_done": "demand of {}",
    "service_floor": "service floor of {}",
    "budget": "budget",
}
SHARED = ("shared_lots", "shared_starts")  # told offer by offer, with the lots on offer
COLUMNS = ["layer", "row", "unit", "price", "worth", "tight", "family", "basis"]


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit over the slices (or once): dual and right-hand side of each."""

    layer: str
    family: str
    row: str
    unit: str
    kind: str
    price: Floats  # money per unit, > 0 where more would save
    amount: Floats  # the limit itself, for weights


def binding_rows(instance: Instance, p: Prepared, program: Program, outcome: Outcome) -> pd.DataFrame:
    """Tight limits with their prices: layer, row, unit ("USD per MW and month"), price, worth (price × limit over the horizon), slices.

    A *stock* (GPU, MW, lot) is priced per period of the horizon, a *flow* (outcome) by the mean over slices weighted by the limit. Under
    scenarios both are expected prices: a dual holds the probability of its scenario.
    """
    if outcome.x is None or outcome.row_dual is None or outcome.column_dual is None:
        return pd.DataFrame(columns=COLUMNS)
    limits = [*_row_limits(p, program, outcome, _namer(instance, p)), *_bound_limits(instance, p, program, outcome)]
    largest: dict[str, float] = {}
    for limit in limits:
        largest[limit.family] = max(largest.get(limit.family, 0.0), float(np.abs(limit.price).max(initial=0.0)))
    header = instance.header
    rows = []
    for limit in limits:
        tight = np.abs(limit.price) > NOISE * largest[limit.family]
        if not tight.any():
            continue
        once = limit.kind == "flow" or (len(limit.price) == 1 and limit.kind != "stock")
        if once:
            weight = np.abs(limit.amount) if np.abs(limit.amount).sum() > 0 else np.ones(len(limit.price))
            price, unit = float(limit.price @ weight / (weight @ _chance(p, len(weight)))), f"{header.currency} per {limit.unit}"
        else:
            price = float(limit.price.sum() / header.horizon.periods)
            unit = f"{header.currency} per {limit.unit} and {header.horizon.period}"
        worth = float(np.abs(limit.price * limit.amount).sum())
        rows.append((limit.layer, limit.row, unit, price, worth, int(tight.sum()), limit.family, LABEL))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    order = frame["layer"].map({name: i for i, name in enumerate(COMPONENT)})
    return frame.assign(order=order).sort_values(["order", "worth"], ascending=[True, False]).drop(columns="order").reset_index(drop=True)


def _chance(p: Prepared, n: int) -> Floats:
    """(n,) probability of the scenario of each of n scenarios or slices; 1 of what stands once."""
    d = p.data
    if d.n_scenarios == 1 or n not in (d.n_scenarios, d.n_slices):
        return np.ones(n)
    return d.probability if n == d.n_scenarios else d.probability[d.calendar.slice_scenario]


def _row_limits(p: Prepared, program: Program, outcome: Outcome, name: Callable[[Family, object], str]) -> Iterator[_Limit]:
    layout, dual = program.layout, outcome.row_dual
    assert dual is not None
    families = {f"{COMPONENT[f.layer]}.{f.name}": f for f in FAMILIES}
    upper = np.where(np.isfinite(program.row_upper), program.row_upper, program.row_lower)
    equal = np.isclose(program.row_lower, program.row_upper)
    signs = np.where(equal, 1.0, -1.0)  # an equality (demand) costs more with more; a limit saves
    duals, bounds, sign = (layout.parts(values, rows=True) for values in (dual, upper, signs))
    hireable = np.zeros((p.data.n_slices, len(p.data.pools.region)), dtype=bool)
    np.logical_or.at(
        hireable.T, p.data.hired.pool, (np.broadcast_to(p.data.slices.hire_most, (p.data.n_slices, len(p.data.hired.pool))) > 0).T
    )
    for scope, group in layout.groups(rows=True):
        family = families[group.name]
        if family.kind == "definition" or family.name in SHARED:
            continue
        for i, key in enumerate(group.keys):
            at = group.start + i
            price = duals[scope][:, at] * sign[scope][:, at]
            if family.name == "capacity":  # where more can be hired the price is the market's, or shows at the quota
                price = np.where(hireable[:, key], 0.0, price)
            if np.abs(price).max(initial=0.0) > 0:
                yield _Limit(family.layer, family.name, name(family, key), family.unit, family.kind, price, bounds[scope][:, at])


def _bound_limits(instance: Instance, p: Prepared, program: Program, outcome: Outcome) -> Iterator[_Limit]:
    """Limits that are bounds of columns: quotas of hired offers, lots on offer, delivery dates (L1.supply)."""
    offers, layout, d = p.supply.offers, program.layout, p.data
    x, dual = outcome.x, outcome.column_dual
    assert x is not None
    assert dual is not None
    names = offers["offer"].to_numpy()
    stated = np.isfinite(offers["max_lots"].to_numpy(float))
    for variable in ("whole_hired", "part_hired"):
        group, _ = layout.column(variable)
        prices, values = -layout.values(variable, dual), layout.values(variable, x)
        for i, h in enumerate(group.keys):
            rows = p.supply.hired_of[h]
            full = values[:, i] >= d.slices.hire_most[:, h] - 1e-7
            price = np.where(full & (d.slices.hire_most[:, h] > 0), np.maximum(prices[:, i], 0.0), 0.0)
            if stated[rows].all():
                yield _Limit("L1.supply", "quota", f"quota of {', '.join(names[rows])}", "lot", "stock", price, d.slices.hire_most[:, h])
    yield from _committed_limits(p, program, outcome, names, stated)


def _committed_limits(p: Prepared, program: Program, outcome: Outcome, names: np.ndarray, stated: np.ndarray) -> Iterator[_Limit]:
    """Lots on offer, in all and in one period, and delivery dates of committed offers."""
    c, periods, layout = p.data.committed, np.arange(p.data.periods), program.layout
    assert outcome.x is not None
    value, started = _lot_values(p, program, outcome), np.zeros_like(c.cost)
    for variable in ("whole_lots", "part_lots"):
        group, _ = layout.column(variable)
        for (o, t), amount in zip(group.keys, layout.values(variable, outcome.x), strict=True):
            started[t, o] = amount
    in_force = np.array([[started[max(0, t - term + 1) : t + 1, o].sum() for o, term in enumerate(c.term)] for t in periods])
    full, together, most_of = in_force >= c.most - 1e-7, in_force.copy(), c.most.copy()
    ramped = started >= c.most_starts - 1e-7
    for offers, most, starts in zip(c.groups, c.group_most, c.group_starts, strict=True):
        at = list(offers)
        together[:, at], most_of[at] = in_force[:, at].sum(axis=1, keepdims=True), most
        ramped[:, at] |= started[:, at].sum(axis=1, keepdims=True) >= starts - 1e-7
    full |= together >= most_of - 1e-7
    for o, rows in enumerate(p.supply.committed_of):
        label, most, first = ", ".join(names[rows]), most_of[o], c.first[o]
        window = (periods >= first) & (periods <= c.last[o])
        held = ramped[:, o] & ~full[:, o] & window
        if stated[rows].all() and most > 0 and (full[:, o] & window).any():
            best = np.array([max(float(value[full[:, o] & window, o].max()), 0.0)])
            yield _Limit("L1.supply", "lots on offer", f"lots on offer of {label}", "lot", "once", best, np.array([most]))
        if most > 0 and held.any():
            more = np.array([max(float(value[held, o].max()), 0.0)])
            yield _Limit("L1.supply", "lots per period", f"lots per period of {label}", "lot", "once", more, c.most_starts[[o]])
        if 0 < first < p.data.periods and most > 0 and started[:, o].any():
            sooner = np.array([max(float(value[first - 1, o] - value[first, o]), 0.0)])
            yield _Limit("L1.supply", "delivery", f"delivery of {label} before period {first}", "lot", "once", sooner, np.ones(1))


def _lot_values(p: Prepared, program: Program, outcome: Outcome) -> Floats:
    """(T, O) what one lot more, started in t, would save: Σ over its slices of available · lot_gpus · price of capacity, less its cost.

    Of what is paid only where it is used, the price of capacity above its own.
    """
    d, layout, dual = p.data, program.layout, outcome.row_dual
    assert dual is not None
    group = next(g for g in layout.slice.rows if g.name == "L1_supply.capacity")
    gpu = np.zeros((d.n_slices, len(d.pools.region)))
    gpu[:, np.array(group.keys, dtype=np.int64)] = -layout.slice_rows(dual)[:, group.start : group.start + len(group.keys)]
    k = d.committed.tranche
    by_period = np.zeros((d.periods, len(k)))
    usable = (gpu[:, d.committed.tranche_pool] * d.slices.owned_available)[:, k]
    worth, v = usable * d.committed.paid_gpus, d.committed.callable
    called = np.maximum(usable[:, v] - d.slices.call_price * d.slices.hours, 0.0)
    worth[:, v] += called * (d.committed.lot_gpus - d.committed.paid_gpus)[v]
    np.add.at(by_period, d.calendar.slice_period, worth)
    clock = np.concatenate([np.zeros((1, len(k))), np.cumsum(by_period, axis=0)])
    t, o = np.arange(d.periods)[:, None], np.arange(len(k))[None, :]
    until = np.minimum(t + d.committed.term[None, :], d.periods)
    saved: Floats = clock[until, o] - clock[t, o]
    return saved - d.committed.cost


def _namer(instance: Instance, p: Prepared) -> Callable[[Family, object], str]:
    """Names for the indices of rows."""
    tables, d = instance.tables, p.data
    workload = tables["workloads"]["workload"].tolist()
    pool, region = p.supply.pools["label"].tolist(), p.regions.tolist()

    def class_name(q: int) -> str:
        geos = [p.askers.geo[a] for a in np.flatnonzero(p.askers.klass == q)]
        return f"{workload[d.class_workload[q]]} from {', '.join(geos)}"

    of: dict[str, Callable[[Any], str]] = {
        "capped region": lambda i: region[d.capped[i]],
        "pool": lambda i: pool[i],
        "workload": lambda i: workload[i],
        "region": lambda i: region[i],
        "class": class_name,
        "operator": lambda i: str(p.operators[i]),
        "country": lambda i: str(p.countries[i]),
        "placement": lambda i: str(tables["datasets"]["dataset"].iloc[d.placements.dataset[i]]),
        "hired offer": lambda i: ", ".join(p.supply.offers["offer"].to_numpy()[p.supply.hired_of[i]]),
        "offer": lambda i: ", ".join(p.supply.offers["offer"].to_numpy()[p.supply.committed_of[i]]),
        "period": lambda i: f"period {i}",
        "split": lambda i: f"{workload[d.splits.workload[i]]} in {region[d.splits.region[i]]}",
        "": lambda i: "",
    }

    def name(family: Family, key: object) -> str:
        parts = key if isinstance(key, tuple) else (key,)
        if family.name == "gangs_in_chosen_pool":
            job = int(parts[0])
            parts = (d.jobs.workload[job], d.jobs.pool[job], None, parts[1])
        shown = [of[kind](part) for kind, part in zip(family.index, parts, strict=True) if part is not None]
        return PHRASES.get(family.name, family.name.replace("_", " ") + " of " + ", ".join("{}" for _ in shown)).format(*shown).strip()

    return name
