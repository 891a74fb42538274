"""The result of a solve: figures, tables, bounds, audit. What `solve --json` prints and what a notebook sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.audit import Audit
from ailis_opt.spread import Read, Risk, Sample, scenario_table

SCHEMA = "ailis-opt-result/1"
PRICES = ("list_price_per_gpu_hour", "price_per_gpu_hour", "price_source")
"""Columns of `purchases` and `hired` that say what is paid, and why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The certified interval of the objective: no plan is better than `lower`, this plan attains `upper`."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Result:
    """An audited plan.

    `objective` is cost per weighted outcome or cost, in the instance's currency; `bounds` is its certified interval and
    `gap` = (upper − lower) / upper. `tables` holds the plan as DataFrames: purchases, committed, hired, pools, served, training,
    unserved, placements, positions, use, energy, costs, workloads, binding, funnel; booked, where a price book was applied. With scenarios
    `cost`, `outcomes` and the tables are means over them; `scenarios` has the tables and the audit of each, `risk` what they spread;
    `sample` has the plan in fresh scenarios, where that was asked for.
    """

    instance: str
    instance_sha256: str
    currency: str
    status: str  # optimal | limit
    objective_name: str  # cost_per_outcome | cost
    objective: float
    cost: float
    outcomes: float
    bounds: Bounds
    cost_by: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame]
    audit: Audit
    timings: Mapping[str, float]
    versions: Mapping[str, str]
    warnings: tuple[str, ...]
    interrupted: bool = False
    risk: Risk | None = None
    scenarios: tuple[Read, ...] = ()
    sample: Sample | None = None

    @property
    def gap(self) -> float:
        """Relative gap of the objective; 0 for a proven optimum."""
        return (self.bounds.upper - self.bounds.lower) / abs(self.bounds.upper) if self.bounds.upper else 0.0

    @property
    def cost_per_outcome(self) -> float | None:
        """Cost per weighted outcome served; None if nothing is served."""
        return self.cost / self.outcomes if self.outcomes > 0 else None

    @property
    def purchases(self) -> pd.DataFrame:
        """What to sign: offer, start_period, lots, gpus, cost, prices and their source."""
        return self.tables["purchases"]

    @property
    def hired(self) -> pd.DataFrame:
        """What to hire: offer, gpu_hours, cost over the horizon, prices and their source (by slice: `tables["hired"]`)."""
        by_slice = self.tables["hired"]
        at, offers = pd.factorize(by_slice["offer"])  # many small results are written in a batch: a groupby takes ten times as long
        first = np.unique(at, return_index=True)[1]
        sums = {name: np.bincount(at, by_slice[name].to_numpy(float), len(offers)) for name in ("gpu_hours", "cost")}
        return pd.DataFrame({"offer": offers, **sums, **{name: by_slice[name].to_numpy()[first] for name in PRICES}})

    @property
    def served(self) -> pd.DataFrame:
        """Where every outcome is produced: workload, geo, region, sku, pool, profile, period, block, outcomes, replicas, gpus."""
        return self.tables["served"]

    @property
    def workloads(self) -> pd.DataFrame:
        """Per workload: demanded, served, cost, cost_per_outcome; idle committed capacity is in no workload's cost."""
        return self.tables["workloads"]

    @property
    def binding(self) -> pd.DataFrame:
        """Tight rows with their prices: layer, row, unit, price (duals of the polished LP)."""
        return self.tables["binding"]

    @property
    def idle_cost(self) -> float:
        """Cost of committed capacity that stands idle, and of what no workload causes."""
        costs = self.tables["costs"]
        idle = (costs["workload"].to_numpy() == "") & (costs["component"].to_numpy() != "hedges")
        return float(costs["amount"].to_numpy(float)[idle].sum())

    @property
    def positions(self) -> pd.DataFrame:
        """Hedges to hold: hedge, lots, premium, carry, payoff and cost (with scenarios: in the mean)."""
        return self.tables["positions"]

    def to_dict(self) -> dict[str, Any]:
        """The document of `solve --json` (`ailis-opt-result/1`)."""
        return {
            "schema": SCHEMA,
            "instance": self.instance,
            "instance_sha256": self.instance_sha256,
            "currency": self.currency,
            "status": self.status,
            "interrupted": self.interrupted,
            "objective_name": self.objective_name,
            "objective": self.objective,
            "cost": self.cost,
            "outcomes": self.outcomes,
            "cost_per_outcome": self.cost_per_outcome,
            "bounds": {"lower": self.bounds.lower, "upper": self.bounds.upper},
            "gap": self.gap,
            "cost_by": dict(self.cost_by),
            "purchases": _records(self.purchases),
            "hired": _records(self.hired),
            "workloads": _records(self.workloads),
            "booked": _records(self.tables["booked"]) if "booked" in self.tables else [],
            "idle_cost": self.idle_cost,
            "binding": _records(self.binding),
            "audit": {"ok": self.audit.ok, "max_violation": self.audit.max_violation, "cost": self.audit.cost},
            "warnings": list(self.warnings),
            "timings": dict(self.timings),
            "versions": dict(self.versions),
            **self._staged(),
        }

    def _staged(self) -> dict[str, Any]:
        """What is in the document only where there are scenarios, hedges or a weight of risk."""
        found: dict[str, Any] = {}
        if self.risk is not None:
            names = ("alpha", "weight", "expected_cost", "cvar", "worst", "vss", "evpi")
            found["risk"] = {name: getattr(self.risk, name) for name in names}
        if self.scenarios:
            found["scenarios"] = _records(scenario_table(self.scenarios))
        if self.sample is not None:
            found["out_of_sample"] = asdict(self.sample)
        if self.scenarios or len(self.positions):
            columns = {"premium": "premium", "carry": "carry", "expected_payoff": "payoff", "cost": "cost"}
            found["positions"] = _records(self.positions[["hedge", "lots"]].assign(**{k: self.positions[v] for k, v in columns.items()}))
        return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries of plain Python values; NaN becomes None."""
    columns = {name: [None if v != v else v for v in frame[name].tolist()] for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
