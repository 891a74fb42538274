"""L15, governance: tiers, jurisdictions, operators (routes), and concentration (rows)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyomo.environ as pyo

from ailis_models.arrays import Data, Ints
from ailis_models.families import Rows, family


def tier_accepted(tiers: Sequence[str], tier: str) -> bool:
    """True if the workload accepts the offer's sovereignty tier (an empty list accepts all)."""
    return not tiers or tier in tiers


def jurisdiction_accepted(jurisdictions: Sequence[str], region_jurisdictions: Sequence[str]) -> bool:
    """True if the region has one of the workload's jurisdictions (an empty list accepts all)."""
    return not jurisdictions or not set(jurisdictions).isdisjoint(region_jurisdictions)


def operator_accepted(excluded_countries: Sequence[str], operator_country: str) -> bool:
    """True unless the operator's country is excluded."""
    return operator_country not in excluded_countries


def _concentrated(d: Data, by: Ints, share: Any, workload: Ints, pool: Ints) -> dict[tuple[int, int], list[int]]:
    """Positions by (workload, operator or country) for workloads that limit it."""
    found: dict[tuple[int, int], list[int]] = {}
    for i, (w, p) in enumerate(zip(workload.tolist(), pool.tolist(), strict=True)):
        if share[w] < 1:
            found.setdefault((w, int(by[p])), []).append(i)
    return found


@family("L15", "slice", unit="outcome", index=("workload", "operator"), kind="flow")
def operator_share(m: Any, d: Data) -> Rows:
    """No operator serves more than a share: Σ_{r of operator} rate[r]·H·replicas[r] <= max_operator_share · demand[w]   [outcomes]."""
    share = d.workloads.operator_share
    for (w, a), routes in _concentrated(d, d.pools.operator, share, d.routes.workload, d.routes.pool).items():
        yield (w, a), pyo.quicksum(m.rate[r] * m.hours[0] * m.replicas[r] for r in routes) <= float(share[w]) * m.workload_demand[w]


@family("L15", "slice", unit="outcome", index=("workload", "country"), kind="flow")
def country_share(m: Any, d: Data) -> Rows:
    """No country serves more than a share: Σ_{k in country} served[w,k] <= max_country_share · demand[w]   [outcomes]."""
    share = d.workloads.country_share
    splits: dict[tuple[int, int], list[int]] = {}
    for n, pair in enumerate(zip(d.splits.workload.tolist(), d.splits.country.tolist(), strict=True)):
        if share[pair[0]] < 1:
            splits.setdefault(pair, []).append(n)
    for (w, c), found in splits.items():
        yield (w, c), pyo.quicksum(m.served[n] for n in found) <= float(share[w]) * m.workload_demand[w]


def _training_share(m: Any, d: Data, by: Ints, share: Any) -> Rows:
    for (w, a), jobs in _concentrated(d, by, share, d.jobs.workload, d.jobs.pool).items():
        yield (w, a), pyo.quicksum(m.output[j, t] for j in jobs for t in range(d.periods)) <= float(share[w]) * m.total[w]


@family("L15", "scenario", unit="outcome", index=("workload", "operator"), kind="flow")
def training_operator_share(m: Any, d: Data) -> Rows:
    """The same for training, over the horizon: Σ_{j of operator, t} output[j,t] <= max_operator_share · total[w]   [outcomes]."""
    yield from _training_share(m, d, d.pools.operator, d.workloads.operator_share)


@family("L15", "scenario", unit="outcome", index=("workload", "country"), kind="flow")
def training_country_share(m: Any, d: Data) -> Rows:
    """The same for training, over the horizon: Σ_{j in country, t} output[j,t] <= max_country_share · total[w]   [outcomes]."""
    yield from _training_share(m, d, d.pools.country, d.workloads.country_share)


FAMILIES = (operator_share, country_share, training_operator_share, training_country_share)
