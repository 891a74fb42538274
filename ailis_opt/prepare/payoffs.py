"""What a lot of each hedge pays on the path of its index: data, so that positions enter a program linearly (docs/format.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Floats, Hedges
from ailis_opt.calendar import calendar
from ailis_opt.schema import Instance

HOURS_PER_YEAR = 8760.0
ROUNDING = 1e-13
BY_PERIOD = ("swap", "forward", "cap")
"""Kinds that settle in every period; the others settle once, on the mean of the index."""


@dataclass(frozen=True, slots=True)
class Payoffs:
    """Of every hedge, (H,) in the order of the table, for one lot over the horizon [money].

    `payoff`: what it pays the holder (below 0: what the holder pays); `premium`: its price; `carry`: the cost of its collateral.
    Only `payoff` differs from scenario to scenario.
    """

    hedges: tuple[str, ...]
    payoff: Floats
    premium: Floats
    carry: Floats


def index_paths(instance: Instance) -> Floats:
    """(T, I) level of every index in every period [money/GPU-hour]: its forward curve where there is one, else its level today."""
    indices, curves = instance.tables["indices"], instance.tables["curves"]
    levels = np.repeat(indices["price_per_gpu_hour"].to_numpy(float)[None, :], instance.header.horizon.periods, axis=0)
    at = pd.Index(indices["index"]).get_indexer(pd.Index(curves["index"]))
    levels[curves["period"].to_numpy(np.int64), at] = curves["price_per_gpu_hour"].to_numpy(float)
    return levels


def payoffs(instance: Instance) -> Payoffs:
    """Payoff, premium and carry of a lot of every hedge, on the index paths of this instance."""
    hedges, paths = instance.tables["hedges"], index_paths(instance)
    at = pd.Index(instance.tables["indices"]["index"]).get_indexer(pd.Index(hedges["index"]))
    covered, single = _covered(hedges, len(paths)), ~hedges["kind"].isin(BY_PERIOD).to_numpy(bool)
    volume = hedges["gpu_hours_per_period"].to_numpy(float)
    index, n = np.where(covered, paths[:, at], 0.0), covered.sum(axis=0)
    mean = np.broadcast_to(index.sum(axis=0) / n, covered.shape)
    settled = np.where(covered, _unit(hedges, np.where(single, mean, index)), 0.0)  # n times the same for a single settlement
    hours = volume * n
    premium = hedges["premium_per_gpu_hour"].to_numpy(float) * hours
    tied = _outstanding(covered, single) * volume * (calendar(instance.header).period_hours / HOURS_PER_YEAR)[:, None]
    rate = (hedges["collateral_per_gpu_hour"] * hedges["carry_rate_per_year"]).to_numpy(float)
    return Payoffs(tuple(hedges["hedge"]), volume * settled.sum(axis=0), premium, rate * tied.sum(axis=0))


def _covered(hedges: pd.DataFrame, periods: int) -> Bools:
    """(T, H) periods that each hedge covers."""
    last = hedges["last_period"].fillna(periods - 1).to_numpy(float)
    t = np.arange(periods)[:, None]
    return np.asarray((t >= hedges["first_period"].to_numpy(float)) & (t <= last))


def _unit(hedges: pd.DataFrame, level: Floats) -> Floats:
    """(T, H) payoff of a GPU-hour at these levels (T, H) of the index, K the strike.

    swap, forward: I − K; call, cap: (I − K)⁺; put: (K − I)⁺; insurance: min(limit, (I − K)⁺).
    """
    kind = hedges["kind"].to_numpy()
    difference = level - hedges["strike"].to_numpy(float)
    above = np.maximum(difference, 0.0)
    limited = np.minimum(above, hedges["limit_per_gpu_hour"].fillna(np.inf).to_numpy(float))
    conditions = [np.isin(kind, ("swap", "forward")), kind == "put", kind == "insurance"]
    return np.select(conditions, [difference, np.maximum(-difference, 0.0), limited], above)


def _outstanding(covered: Bools, single: Bools) -> Floats:
    """(T, H) settlements, in periods of the hedge, that are still to come at the start of each period.

    All of them before the first; one less after every period that was settled, or none less until the single one at the end.
    """
    left = covered[::-1].cumsum(axis=0)[::-1].astype(float)
    return np.where(single, (left > 0) * covered.sum(axis=0), left)


def hedge_arrays(instance: Instance) -> Hedges:
    """The hedges as the formulation reads them."""
    table = instance.tables["hedges"]
    return Hedges(
        held=table["committed_lots"].to_numpy(float),
        most=table["max_lots"].fillna(np.inf).to_numpy(float),
        whole=table["whole_lots"].to_numpy(bool),
    )


def position_cost(instance: Instance) -> Floats:
    """(1, E) money per lot held: premium and carry less payoff; 0 where they differ by rounding alone, as those of a fair swap do."""
    of, hedges, paths = payoffs(instance), instance.tables["hedges"], index_paths(instance)
    at = pd.Index(instance.tables["indices"]["index"]).get_indexer(pd.Index(hedges["index"]))
    levels = np.where(_covered(hedges, len(paths)), paths[:, at] + hedges["strike"].to_numpy(float), 0.0).sum(axis=0)
    turnover = of.premium + of.carry + hedges["gpu_hours_per_period"].to_numpy(float) * levels
    cost = of.premium + of.carry - of.payoff
    return np.where(np.abs(cost) > ROUNDING * turnover, cost, 0.0)[None, :]
