"""What a plan comes to over its scenarios: each by itself, their spread, and the plan in scenarios that it was not made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_opt.audit import Audit

SLICE = ("period", "block")
KEYS: dict[str, tuple[str, ...]] = {
    "hired": ("offer", *SLICE, "price_source"),
    "served": ("workload", "geo", "region", "sku", "pool", "profile", *SLICE),
    "training": ("workload", "region", "sku", "pool", "profile", "period"),
    "unserved": ("workload", "geo", *SLICE),
    "use": ("pool", "region", "sku", *SLICE),
    "energy": ("region", *SLICE),
    "costs": ("workload", "component"),
    "placements": ("dataset", "region", "home"),
    "positions": ("hedge", "lots"),
    "purchases": ("offer", "start_period", "lots", "gpus", "list_price_per_gpu_hour", "price_per_gpu_hour", "price_source"),
    "workloads": ("workload", "outcome"),
}
"""What names a row of the tables that differ from scenario to scenario; all other columns are amounts."""


@dataclass(frozen=True, slots=True)
class Read:
    """One scenario of a plan: its tables, and its audit."""

    name: str
    probability: float
    tables: dict[str, pd.DataFrame]
    audit: Audit


@dataclass(frozen=True, slots=True)
class Risk:
    """The plan's cost over the scenarios [money]; `vss` and `evpi` where they were asked for."""

    alpha: float
    weight: float
    expected_cost: float
    cvar: float
    worst: float
    vss: float | None = None
    evpi: float | None = None

    @property
    def objective(self) -> float:
        """(1 − weight) · expected cost + weight · CVaR."""
        return (1 - self.weight) * self.expected_cost + self.weight * self.cvar


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The plan in `scenarios` that it was not made for. In `failed` of them it has no way to meet every limit; the figures are of the
    others.

    [money], money per weighted outcome; `confidence`: of the intervals.
    """

    scenarios: int
    failed: int
    confidence: float
    expected_cost: Interval | None
    cvar: Interval | None
    cost_per_outcome: Interval | None


def scenario_table(read: Sequence[Read]) -> pd.DataFrame:
    """Per scenario: probability, cost, outcomes, cost_per_outcome."""
    cost, outcomes = (np.array([getattr(one.audit, name) for one in read]) for name in ("cost", "outcomes"))
    return pd.DataFrame(
        {
            "scenario": [one.name for one in read],
            "probability": [one.probability for one in read],
            "cost": cost,
            "outcomes": outcomes,
            "cost_per_outcome": np.divide(cost, outcomes, out=np.full(len(cost), np.nan), where=outcomes > 0),
        }
    )
