"""Hedges: what the positions cost and pay, recomputed period by period from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ailis_opt.audit.ledger import Columns, Ledger, axes, rows
from ailis_opt.audit.lookup import listed
from ailis_opt.audit.lookup import positions as places
from ailis_opt.audit.world import World

_YEAR_HOURS = 8760.0
COLUMNS = (
    "hedge", "kind", "index", "strike", "premium_per_gpu_hour", "gpu_hours_per_period", "first_period", "last_period", "max_lots",
    "whole_lots", "limit_per_gpu_hour", "collateral_per_gpu_hour", "carry_rate_per_year", "committed_lots",
)  # fmt: skip
FIGURES = ("premium", "carry", "payoff")


def hedges(world: World, positions: Columns, ledger: Ledger) -> float:
    """Cost of all positions, premium and carry less payoff; checks their limits and stated figures."""
    table = world.tables["hedges"]
    names, at = table["hedge"].tolist(), places(table["hedge"], positions["hedge"])
    if not names:
        return 0.0
    held = np.append(positions["lots"], 0.0)[at]
    before, most, where = table["committed_lots"].astype(float), table["max_lots"].astype(float), axes(hedge=names)
    ledger.at_most("contract", "hedge max_lots", "lots", held, np.where(np.isnan(most), np.inf, most + before), where)
    ledger.at_least("contract", "hedges held before", "lots", held, before, where)
    ledger.whole("contract", "whole lots of hedges", "lots", held, where, mask=table["whole_lots"].astype(bool))
    listing = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*(table[name].tolist() for name in COLUMNS), strict=True)]
    each = np.array([_figures(world, row) for row in listing])
    due = {name: held * each[:, i] for i, name in enumerate(FIGURES)}
    due["cost"] = due["premium"] + due["carry"] - due["payoff"]
    of = places(positions["hedge"], names)
    for column, amount in due.items():
        ledger.stated(f"positions.{column}", world.header.currency, positions[column], amount[of], rows(positions, ["hedge"]))
    return float(due["cost"].sum())


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
    stated = listed(world.tables["curves"], ("index", "period"), "price_per_gpu_hour")
    levels = dict(zip(world.tables["indices"]["index"], world.tables["indices"]["price_per_gpu_hour"].tolist(), strict=True))
    return stated.get((index, period), float(levels[index]))
