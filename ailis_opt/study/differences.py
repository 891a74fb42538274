"""The differences of two plans, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.study.listing import Plan

NOISE = 1e-6  # relative to the largest figure of its column: below it two figures are equal


@dataclass(frozen=True, slots=True)
class Compared:
    """A table of both plans: key columns, then `before`, `after` and `difference` in `unit`, the largest difference first.

    Equal rows are left out. Money has `within`: whether the difference is no larger than what the gaps of both runs leave open.
    """

    name: str
    unit: str
    keys: tuple[str, ...]
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Differences:
    """What turns the plan `before` into the plan `after`. `open` is the money that the gaps of both leave open."""

    before: Plan
    after: Plan
    open: float
    tables: Sequence[Compared]

    @property
    def proven(self) -> bool:
        """Whether the intervals of the two optima are apart, so that the order of the two objectives is proven."""
        a, b = self.before.result["bounds"], self.after.result["bounds"]
        return all(end is not None for end in (a["lower"], b["lower"])) and (a["lower"] > b["upper"] or b["lower"] > a["upper"])


def differences(before: Plan, after: Plan) -> Differences:
    """Purchases, hired, served by workload, region and SKU, and costs by component.

    Raises InputError where currencies or objectives differ.
    """
    for name, noun in (("currency", "currencies"), ("objective_name", "objectives")):
        values = [plan.result[name] for plan in (before, after)]
        if values[0] != values[1]:
            why = f"the {noun} differ: {values[0]} there, {values[1]} here"
            raise InputError([Fault(f"--against {before.row['run']}", why, "Compare runs of one kind")])
    money = str(after.result["currency"])
    slack = sum((plan.result["gap"] or 0.0) * abs(plan.result["cost"]) for plan in (before, after))
    keys = ("workload", "region", "sku")
    both = (before, after)
    tables = [
        _compared("costs", money, ("component",), [_costs(plan) for plan in both], slack),
        _compared("purchases", money, ("offer", "start_period"), [_bought(plan) for plan in both], slack, "lots"),
        _compared("hired", money, ("offer",), [_hired(plan) for plan in both], slack, "gpu_hours"),
        _compared("served", "outcomes", keys, [_served(plan, keys) for plan in both], None),
    ]
    return Differences(before, after, slack, tables)


def _costs(plan: Plan) -> pd.DataFrame:
    by: dict[str, Any] = plan.result["cost_by"]
    return pd.DataFrame({"component": list(by), "amount": list(by.values())})


def _bought(plan: Plan) -> pd.DataFrame:
    return plan.tables["purchases"].rename(columns={"cost": "amount"})[["offer", "start_period", "lots", "amount"]]


def _hired(plan: Plan) -> pd.DataFrame:
    return plan.tables["hired"].rename(columns={"cost": "amount"})[["offer", "gpu_hours", "amount"]]


def _served(plan: Plan, keys: tuple[str, ...]) -> pd.DataFrame:
    parts = [plan.tables[name].rename(columns={"outcomes": "amount"})[[*keys, "amount"]] for name in ("served", "training")]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _compared(
    name: str, unit: str, keys: tuple[str, ...], plans: Sequence[pd.DataFrame], slack: float | None, count: str | None = None
) -> Compared:
    """Both sides by key. `count` is a second figure beside the amount: `before_lots`, `after_lots`."""
    figures = ["amount", *([count] if count else [])]
    sides = [frame.groupby(list(keys), sort=False)[figures].sum().astype(float) for frame in plans]
    both = sides[0].add_suffix("_before").join(sides[1].add_suffix("_after"), how="outer").fillna(0.0)
    rows = pd.DataFrame({"before": both["amount_before"], "after": both["amount_after"]}, index=both.index)
    rows["difference"] = rows["after"] - rows["before"]
    differs = _differ(rows["before"], rows["after"])
    if count:
        rows[f"{count}_before"], rows[f"{count}_after"] = both[f"{count}_before"], both[f"{count}_after"]
        differs |= _differ(rows[f"{count}_before"], rows[f"{count}_after"])
    if slack is not None:
        rows["within"] = rows["difference"].abs() <= slack
    rows = rows[differs].sort_values("difference", key=lambda d: -d.abs(), kind="stable").reset_index()
    return Compared(name, unit, keys, rows)


def _differ(a: pd.Series, b: pd.Series) -> pd.Series:
    largest = max(a.abs().max(), b.abs().max()) if len(a) else 0.0
    return (a - b).abs() > NOISE * largest
