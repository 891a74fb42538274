"""Periods, blocks and slices with their real hours; demand spread over them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from ailis_models.arrays import Calendar, Floats, Ints
from ailis_opt.schema.header import Header

HOURS = {"week": 168.0, "day": 24.0, "hour": 1.0}
HOURS_PER_MONTH = 730.0


def calendar(header: Header, scenarios: int = 1) -> Calendar:
    """The calendar of a horizon. A month has its real hours from `start` on; slices run scenario by scenario, period by period, block by
    block.
    """
    horizon = header.horizon
    if horizon.period == "month":
        hours = np.array(_month_hours(horizon.start, horizon.periods))
        months = np.ones(horizon.periods)
    else:
        hours = np.full(horizon.periods, HOURS[horizon.period])
        months = hours / HOURS_PER_MONTH
    blocks = len(horizon.blocks)
    return Calendar(
        period_hours=hours,
        months=months,
        slice_period=np.tile(np.repeat(np.arange(horizon.periods), blocks), scenarios),
        slice_block=np.tile(np.arange(blocks), horizon.periods * scenarios),
        slice_scenario=np.repeat(np.arange(scenarios), horizon.periods * blocks),
    )


@lru_cache(maxsize=64)
def _month_hours(start: date, months: int) -> tuple[float, ...]:
    """Hours of each month from a day on."""
    marks = [pd.Timestamp(start) + pd.DateOffset(months=t) for t in range(months + 1)]
    return tuple((b - a) / pd.Timedelta(hours=1) for a, b in pairwise(marks))


def slice_hours(cal: Calendar, shares: Floats) -> Floats:
    """(S,) hours of each slice: period hours · share of the block."""
    hours: Floats = cal.period_hours[cal.slice_period] * shares[cal.slice_block]
    return hours


def spread_demand(owner: Ints, owners: int, period: Floats, block: Ints, outcomes: Floats, cal: Calendar, hours: Floats) -> Floats:
    """(S, owners) outcomes by slice.

    `period` (NaN: all) and `block` (-1: all) of each demand row; what a row leaves open is shared out in proportion to `hours` (S,).
    """
    periods, blocks = len(cal.period_hours), int(cal.slice_block.max()) + 1
    every_period, every_block = np.isnan(period), block < 0
    t = np.where(every_period, 0, period).astype(np.int64)
    grid = hours.reshape(periods, blocks)
    demand = np.zeros((periods, blocks, owners))

    one = ~every_period & ~every_block
    np.add.at(demand, (t[one], block[one], owner[one]), outcomes[one])

    one = ~every_period & every_block
    by_period = np.zeros((periods, owners))
    np.add.at(by_period, (t[one], owner[one]), outcomes[one])
    demand += by_period[:, None, :] * (grid / grid.sum(axis=1, keepdims=True))[:, :, None]

    one = every_period & ~every_block
    by_block = np.zeros((blocks, owners))
    np.add.at(by_block, (block[one], owner[one]), outcomes[one])
    demand += by_block[None, :, :] * (grid / grid.sum(axis=0, keepdims=True))[:, :, None]

    one = every_period & every_block
    demand += np.bincount(owner[one], outcomes[one], minlength=owners) * (grid / grid.sum())[:, :, None]
    return demand.reshape(periods * blocks, owners)
