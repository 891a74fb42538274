"""Changes for some periods only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ailis_models.arrays import Ints
from ailis_opt.calendar import calendar
from ailis_opt.changes.grammar import PERIOD
from ailis_opt.changes.parse import Parsed
from ailis_opt.changes.sheet import Column
from ailis_opt.schema import Header


def span(header: Header, asked: Parsed) -> Ints:
    """The periods that the change is for."""
    last = header.horizon.periods - 1
    change = asked.change
    for period in (change.first_period, change.last_period):
        if period is not None and period > last:
            raise asked.fault("periods", f"period {period} is after the end of the horizon", f"Periods count from 0: give 0 to {last}")
    first = change.first_period or 0
    return np.arange(first, (last if change.last_period is None else change.last_period) + 1)


def spread(header: Header, demand: pd.DataFrame, at: Ints) -> pd.DataFrame:
    """The table `demand` with a row per period in place of each row at `at` that is for all periods.

    The total of a row is shared out in proportion to hours, as it is in any case (docs/format.md): the blocks have the same share of each
    period, so that the demand of every slice stays as it was.
    """
    every = np.isin(np.arange(len(demand)), at) & demand[PERIOD].isna().to_numpy()
    if not every.any():
        return demand
    hours = calendar(header).period_hours
    copies = np.where(every, len(hours), 1)
    row = np.repeat(np.arange(len(demand)), copies)
    first = np.concatenate([[0], np.cumsum(copies)[:-1]])
    period = np.arange(len(row)) - first[row]
    out = demand.iloc[row].reset_index(drop=True)
    share = np.where(every[row], (hours / hours.sum())[np.where(every[row], period, 0)], 1.0)
    out[PERIOD] = np.where(every[row], period, out[PERIOD].to_numpy(float))
    out["outcomes"] = out["outcomes"].to_numpy(float) * share
    return out


def inside(period: Column, at: Ints, periods: Ints, table: str, asked: Parsed) -> Ints:
    """Those of the rows at `at` that are in one of the periods; `period` has that of every row.

    Raises InputError where a period that was named has none.
    """
    held = period[at]
    change = asked.change
    missing = np.setdiff1d(periods, held)
    named = change.first_period is not None and change.last_period is not None
    if len(missing) == len(periods) or (named and len(missing)):
        which = ", ".join(map(str, missing[:10].tolist())) + ("…" if len(missing) > 10 else "")
        why = f"no row matches in period {which}" if len(missing) < len(periods) else "no row matches in these periods"
        raise asked.fault("periods", why, f"Name periods that the table {table} has rows for, or add rows: {table} + {{…}}")
    return at[np.isin(held, periods)]
