"""From series to factors: changes of logarithms (of spot shares: of log-odds), and their means over regions and SKUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.scenarios.history import History

Kind = Literal["market", "sku", "region", "spot", "demand", "index"]
What = tuple[Kind, str, str]
"""Kind of a factor, its key, and its basis type."""
LARGEST_SHARE = 0.995
OWN: tuple[tuple[Literal["demand", "index"], str], ...] = (("demand", "workload"), ("index", "index"))
"""Kinds of series that are a factor by themselves, with the column that says of what."""
USUAL_BASIS: dict[Kind, str] = {"market": "", "sku": "SKU", "region": "region", "spot": "reliability", "demand": "workload", "index": ""}


@dataclass(frozen=True)
class Panel:
    """Changes of every factor: (intervals − 1, factors), NaN where there is none.

    `kinds`: (kind, key, basis) of each column. `level`: last mean log-odds of the spot shares of each SKU. `moved`: sum of squares of the
    changes of prices on demand, `left`: what the factors leave of it. `gaps`: changes left out, as the interval before has no observation.
    `unused`: series that drive nothing. `capped`: shares cut at `LARGEST_SHARE`.
    """

    changes: pd.DataFrame
    kinds: tuple[What, ...]
    level: dict[str, float]
    moved: float
    left: float
    gaps: int
    unused: tuple[str, ...]
    capped: int


def panel(history: History) -> Panel:
    """The factors of a history. Raises InputError where an interruptible price has none on demand beside it, or nothing can be fitted."""
    series, values = history.series, history.values
    on_demand = series.index[(series["kind"] == "price") & (series["contract"] == "on_demand")]
    odds, capped = _log_odds(history)
    logs = _logs(values)
    found, moved, left = _price_factors(logs[on_demand].diff(), series.loc[on_demand])
    level: dict[str, float] = {}
    for sku, mine in series.loc[odds.columns].groupby("sku"):
        found.append((("spot", str(sku), _basis(mine, "spot")), odds[mine.index].diff().mean(axis=1)))
        level[str(sku)] = float(odds[mine.index].ffill().iloc[-1].mean())
    for kind, column in OWN:
        for name, mine in series[series["kind"] == kind].groupby(column):
            found.append(((kind, str(name), _basis(mine, kind)), logs[mine.index].diff().mean(axis=1)))
    found = [(what, change.iloc[1:]) for what, change in found if change.iloc[1:].notna().sum() >= 2]
    if not found:
        mend = "Give at least three observations of a series, in intervals that follow one another"
        raise InputError([Fault(history.file, "nothing can be fitted: no series has two changes", mend)])
    changes = pd.DataFrame({name_of(kind, key): change for (kind, key, _), change in found})
    unused = tuple(series.index[(series["kind"] == "price") & (series["contract"] == "reserved")])
    return Panel(changes, tuple(what for what, _ in found), level, moved, left, _gaps(values), unused, capped)


def name_of(kind: Kind, key: str) -> str:
    """The name of a factor: `market`, `sku h100`, `demand chat`."""
    return f"{kind} {key}".strip()


def _basis(series: pd.DataFrame, kind: Kind) -> str:
    """The basis type that the series state, if one does; else the usual one of the kind."""
    return next((str(b) for b in series["basis"] if b), USUAL_BASIS[kind])


def _logs(values: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(np.log(values.to_numpy(float)), index=values.index, columns=values.columns)


def _price_factors(x: pd.DataFrame, series: pd.DataFrame) -> tuple[list[tuple[What, pd.Series]], float, float]:
    """Market, SKU and region factors of the changes `x` (intervals, on-demand series); sums of squares of `x` and of what they leave.

    A SKU's mean over its regions; the market, their mean over SKUs; a region's mean over SKUs of the difference to the SKU's mean.
    """
    if x.empty:
        return [], 0.0, 0.0
    by_sku = x.T.groupby(series["sku"]).mean().T
    market = by_sku.mean(axis=1)
    found: list[tuple[What, pd.Series]] = [(("market", "", ""), market)]
    several = by_sku.notna().sum(axis=1) >= 2
    for sku in by_sku.columns if several.any() else ():
        found.append((("sku", str(sku), USUAL_BASIS["sku"]), (by_sku[sku] - market).where(several)))
    of_sku = by_sku[series["sku"]].set_axis(x.columns, axis=1)
    places = x.notna().T.groupby(series["sku"]).sum().T[series["sku"]].set_axis(x.columns, axis=1)
    rest = (x - of_sku).where(places >= 2)
    by_region = rest.T.groupby(series["region"]).mean().T
    for region in by_region.columns:
        if region and by_region[region].notna().any():
            found.append((("region", str(region), USUAL_BASIS["region"]), by_region[region]))
    of_region = by_region[series["region"]].set_axis(x.columns, axis=1).fillna(0.0)
    left = x - of_sku - of_region
    return found, float(np.nansum(x.to_numpy() ** 2)), float(np.nansum(left.to_numpy() ** 2))


def _log_odds(history: History) -> tuple[pd.DataFrame, int]:
    """(intervals, series): log(s/(1-s)) of each spot share s, given or made of prices; and how many were cut at `LARGEST_SHARE`."""
    series, values = history.series, history.values
    found = {name: values[name] for name in series.index[series["kind"] == "spot_share"]}
    price = series[series["kind"] == "price"]
    faults = []
    for name, row in price[price["contract"] == "interruptible"].iterrows():
        beside = price.index[(price["contract"] == "on_demand") & (price["sku"] == row["sku"]) & (price["region"] == row["region"])]
        share = values[name] / values[beside].mean(axis=1) if len(beside) else values[name] * np.nan
        if share.isna().all():
            why = f"an interruptible price without one on demand of {row['sku']!r} in {row['region']!r} at the same time"
            mend = "Give that series too, or give shares: kind spot_share"
            faults.append(Fault(history.file, why, mend, column="series", value=str(name)))
        found[name] = share
    if faults:
        raise InputError(faults)
    shares = pd.DataFrame(found, index=values.index, dtype=float)
    capped = shares.clip(upper=LARGEST_SHARE)
    return _logs(capped) - _logs(1 - capped), int((shares > LARGEST_SHARE).to_numpy().sum())


def _gaps(values: pd.DataFrame) -> int:
    """Observations that follow an interval without one, the first of each series apart."""
    there = values.notna()
    return int((there & ~there.shift(1, fill_value=False) & (there.cumsum() > 1)).to_numpy().sum())
