"""Hedges: what the positions cost and pay, recomputed period by period from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Ledger, axes, rows
from ailis_opt.audit.world import World, records

_YEAR_HOURS = 8760.0


def hedges(world: World, positions: pd.DataFrame, ledger: Ledger) -> float:
    """Cost of all positions, premium and carry less payoff; checks their limits and stated figures."""
    if positions.empty and world.tables["hedges"].empty:
        return 0.0
    lots = positions.set_index("hedge")["lots"].astype(float).to_dict()
    listed = records(world.tables["hedges"])
    held = np.array([lots.get(row["hedge"], 0.0) for row in listed])
    before = np.array([row["committed_lots"] for row in listed], dtype=float)
    where = axes(hedge=[row["hedge"] for row in listed])
    most = np.array([np.inf if np.isnan(row["max_lots"]) else row["max_lots"] + row["committed_lots"] for row in listed], dtype=float)
    ledger.at_most("contract", "hedge max_lots", "lots", held, most, where)
    ledger.at_least("contract", "hedges held before", "lots", held, before, where)
    ledger.whole("contract", "whole lots of hedges", "lots", held, where, mask=[bool(row["whole_lots"]) for row in listed])
    figures = np.array([_figures(world, row) for row in listed]).reshape(-1, 3) * held[:, None]
    of = pd.DataFrame(figures, columns=["premium", "carry", "payoff"], index=[row["hedge"] for row in listed])
    of["cost"] = of["premium"] + of["carry"] - of["payoff"]
    due = of.reindex(positions["hedge"])
    for column in of.columns:
        ledger.stated(f"positions.{column}", world.header.currency, positions[column], due[column], rows(positions, ["hedge"]))
    return float(of["cost"].sum())


def _figures(world: World, hedge: Mapping[str, Any]) -> tuple[float, float, float]:
    """Premium, carry and payoff of one lot."""
    last = len(world.hours) - 1 if np.isnan(float(hedge["last_period"])) else int(float(hedge["last_period"]))
    periods = list(range(int(hedge["first_period"]), last + 1))
    volume, kind, strike = float(hedge["gpu_hours_per_period"]), str(hedge["kind"]), float(hedge["strike"])
    path = [_level(world, str(hedge["index"]), t) for t in periods]
    mean = sum(path) / len(path)
    if kind in ("swap", "forward"):
        each = sum(level - strike for level in path)
    elif kind == "cap":
        each = sum(max(level - strike, 0.0) for level in path)
    elif kind == "put":
        each = len(path) * max(strike - mean, 0.0)
    else:
        limit = float(hedge["limit_per_gpu_hour"]) if kind == "insurance" else np.inf
        each = len(path) * min(max(mean - strike, 0.0), np.inf if np.isnan(limit) else limit)
    stepwise = kind in ("swap", "forward", "cap")
    years, t = 0.0, 0
    for t, hours in enumerate(world.hours[: last + 1]):
        open_ = len([u for u in periods if u >= t]) if stepwise else len(periods)
        years += open_ * hours / _YEAR_HOURS
    rate = float(hedge["collateral_per_gpu_hour"]) * float(hedge["carry_rate_per_year"])
    return float(hedge["premium_per_gpu_hour"]) * volume * len(periods), rate * volume * years, volume * each


def _level(world: World, index: str, period: int) -> float:
    """The index in a period: its forward curve where there is one, else its level today."""
    for row in records(world.tables["curves"]):
        if row["index"] == index and row["period"] == period:
            return float(row["price_per_gpu_hour"])
    levels = {row["index"]: float(row["price_per_gpu_hour"]) for row in records(world.tables["indices"])}
    return levels[index]
