"""A plan under scenarios: each scenario read back and audited by itself, then all of them in the mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_opt.audit import Audit, Violation, audit
from ailis_opt.engine.compile import Layout
from ailis_opt.engine.stages import of_scenario
from ailis_opt.ledger import add_money
from ailis_opt.plan import decision_tables, decisions
from ailis_opt.prepare import Prepared, cases_of
from ailis_opt.risk.measures import cvar
from ailis_opt.schema.instance import Instance
from ailis_opt.spread import KEYS, Read, Risk

HIRE_PRICES = ("list_price_per_gpu_hour", "price_per_gpu_hour")
Workloads = Callable[[Instance, Prepared, dict[str, pd.DataFrame]], pd.DataFrame]


def read_scenarios(instance: Instance, prepared: Prepared, layout: Layout, x: Floats, workloads: Workloads) -> list[Read]:
    """Every scenario of a solution; the only one of an instance without scenarios has no name."""
    found = []
    staged = bool(prepared.cases)
    for z, case in enumerate(cases_of(instance, prepared)):
        own_layout, own = of_scenario(layout, z)
        decided = decisions(case.prepared, own_layout, x[own])
        tables = decision_tables(case.instance, case.prepared, decided)
        tables = add_money(case.instance, case.prepared, decided, tables)
        tables["workloads"] = workloads(case.instance, case.prepared, tables)
        found.append(Read(case.name, case.probability, tables, audit(case.instance, tables, signed=instance if staged else None)))
    return found


def expected_tables(read: Sequence[Read]) -> dict[str, pd.DataFrame]:
    """The tables in the mean over scenarios: amounts by probability, what is the same in all of them as it is."""
    if len(read) == 1:
        return read[0].tables
    tables = dict(read[0].tables)
    for name, keys in KEYS.items():
        frames = [one.tables[name] for one in read]
        if name == "hired":  # a mean price is that of the hours that are paid, and not of scenarios in which nothing is hired
            frames = [frame.assign(**{price: frame[price] * frame["gpu_hours"] for price in HIRE_PRICES}) for frame in frames]
        tables[name] = _mean(frames, [one.probability for one in read], list(keys))
    hired, served = tables["hired"], tables["workloads"]
    tables["hired"] = hired.assign(**{price: hired[price] / hired["gpu_hours"] for price in HIRE_PRICES})
    each = np.divide(served["cost"], served["served"], out=np.full(len(served), np.nan), where=served["served"].to_numpy() > 0)
    return tables | {"workloads": served.assign(cost_per_outcome=each)}


def _mean(frames: Sequence[pd.DataFrame], probability: Sequence[float], keys: list[str]) -> pd.DataFrame:
    """Rows of all frames by their keys, other columns in the mean (a frame without a row counts as 0)."""
    columns = list(frames[0].columns)
    amounts = [c for c in columns if c not in keys and pd.api.types.is_numeric_dtype(frames[0][c])]
    parts = [frame[[*keys, *amounts]].assign(**{c: frame[c] * p for c in amounts}) for frame, p in zip(frames, probability, strict=True)]
    filled = [part for part in parts if len(part)]
    if not filled:
        return frames[0]
    joined = pd.concat(filled, ignore_index=True).groupby(keys, as_index=False, sort=False, dropna=False)[amounts].sum()
    return joined.reindex(columns=[c for c in columns if c in joined.columns])


def joint_audit(read: Sequence[Read]) -> Audit:
    """The verdict on all scenarios: sound if each is; amounts in the mean."""
    if len(read) == 1:
        return read[0].audit
    checked: dict[str, int] = {}
    for one in read:
        for family, n in one.audit.checked.items():
            checked[family] = checked.get(family, 0) + n
    found = [Violation(v.layer, v.limit, f"scenario={one.name}, {v.where}", v.amount, v.unit) for one in read for v in one.audit.violations]
    return Audit(
        ok=all(one.audit.ok for one in read),
        max_violation=max(one.audit.max_violation for one in read),
        cost=sum(one.probability * one.audit.cost for one in read),
        outcomes=sum(one.probability * one.audit.outcomes for one in read),
        cost_by={name: sum(one.probability * one.audit.cost_by[name] for one in read) for name in read[0].audit.cost_by},
        violations=tuple(found),
        checked=checked,
    )


def risk_of(instance: Instance, read: Sequence[Read]) -> Risk:
    """Risk of the cost over the scenarios."""
    risk = instance.header.risk
    cost, probability = np.array([one.audit.cost for one in read]), np.array([one.probability for one in read])
    tail = cvar(cost, probability, risk.alpha)
    return Risk(risk.alpha, risk.weight, float(probability @ cost), tail, float(cost.max()))
