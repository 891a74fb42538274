"""Power of a scenario: what a GPU draws, what energy costs, and what a region can draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_models.arrays import Calendar, Floats, Pools
from ailis_opt.prepare.once import Tables

POWER_READ = ("regions", "skus", "power")


@dataclass(frozen=True, slots=True)
class Power:
    """Sizes as in `ailis_models.arrays`; s slices of one scenario."""

    kw: Floats  # (P,) at the meter per GPU
    price: Floats  # (s, P) money per kWh, 0 where it is included
    cap: Floats  # (T, regions) MW less curtailment, inf where there is no cap


def power(tables: Tables, pools: pd.DataFrame, arrays: Pools, regions: pd.Index, cal: Calendar) -> Power:
    """Power of the pools in one scenario. `tables`: those of `POWER_READ`."""
    table, stated = tables["regions"], tables["power"]
    k, periods = arrays.region, len(cal.period_hours)
    kw = tables["skus"].set_index("sku")["power_kw_per_gpu"].reindex(pools["sku"]).to_numpy(float)
    price = np.tile(table["power_price_per_kwh"].to_numpy(float), (periods, 1))
    cap = np.full((periods, len(regions)), np.inf)
    at, t = regions.get_indexer(pd.Index(stated["region"])), stated["period"].to_numpy(np.int64)
    own = stated["price_per_kwh"].to_numpy(float)
    given = ~np.isnan(own)
    price[t[given], at[given]] = own[given]
    limit = stated["cap_mw"].to_numpy(float) * (1 - stated["curtailed_share"].to_numpy(float))
    cap[t, at] = np.where(np.isnan(limit), np.inf, limit)
    energy = np.where(arrays.metered, price[:, k], 0.0)
    return Power(np.nan_to_num(kw) * table["pue"].to_numpy(float)[k], energy[cal.slice_period], cap)
